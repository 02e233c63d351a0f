#include "t.h"

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

const char *t_row = "";
static struct t_case *cases;
static size_t n_cases;
static char tmpdir[64];
static pid_t tmpdir_owner;

void t_register(struct t_case *c)
{
    c->next = cases;
    cases = c;
    n_cases++;
}

void t_fail(const char *file, int line, const char *fmt, ...)
{
    char text[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    print_error("%s%s%s\n", t_row && *t_row ? t_row : "", t_row && *t_row ? ": " : "", text);
    _fail(file, line);
    abort(); /* cmocka jumped away */
}

void t_int_eq(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    if (got != want)
        t_fail(file, line, "%s is %lld, want %lld", what, (long long)got, (long long)want);
}

void t_str_eq(const char *file, int line, const char *what, struct str got, struct str want)
{
    if (!str_eq(got, want))
        t_fail(file, line, "%s is \"%.*s\", want \"%.*s\"", what, STR_ARG(got), STR_ARG(want));
}

void t_str_has(const char *file, int line, const char *what, const char *got, const char *part)
{
    if (!got || !strstr(got, part))
        t_fail(file, line, "%s is \"%s\", want it to contain \"%s\"", what,
               got ? got : "(null)", part);
}

int64_t t_real_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

void t_pause(void)
{
    poll(NULL, 0, 1);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static void remove_tmpdir(void)
{
    if (getpid() == tmpdir_owner) /* a test's forked child may exit too */
        nftw(tmpdir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *t_tmpdir(void)
{
    if (!tmpdir[0]) {
        snprintf(tmpdir, sizeof tmpdir, "/tmp/serai-unit-XXXXXX");
        if (!mkdtemp(tmpdir))
            abort();
        tmpdir_owner = getpid();
        atexit(remove_tmpdir);
    }
    return tmpdir;
}

/* What the test before left when it failed. */
static int begin_case(void **state)
{
    (void)state;
    t_row = "";
    clock_fake_stop();
    return 0;
}

int main(int argc, char **argv)
{
    struct CMUnitTest *tests = calloc(n_cases ? n_cases : 1, sizeof *tests);
    size_t n = 0;

    for (struct t_case *c = cases; c; c = c->next)
        if (argc < 2 || strstr(c->name, argv[1]))
            tests[n++] = (struct CMUnitTest){
                .name = c->name, .test_func = c->fn, .setup_func = begin_case};
    int failed = _cmocka_run_group_tests(argv[0], tests, n, NULL, NULL);

    free(tests);
    return failed ? 1 : 0;
}
