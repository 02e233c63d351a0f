/*
 * nomad var lock: hold a lock while another program runs
 *
 * The lock is renewed at half its TTL. Once it cannot be renewed any more the program is told
 * to end (SIGTERM) and the command fails; otherwise the exit code is the program's.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/nomad/var.h"
#include "lang/units.h"

enum { WAIT_MS = 1000 };

static struct {
    int64_t ttl_ns, delay_ns, max_retry;
    bool shell, verbose;
} o = {.ttl_ns = INT64_C(15000000000),
       .delay_ns = INT64_C(15000000000),
       .max_retry = 5,
       .shell = true};

static const struct flag lock_flags[] = {
    {"ttl", FLAG_CALL, &CLI_DURATION(&o.ttl_ns), NULL, "how long it lasts without a renewal"},
    {"delay", FLAG_CALL, &CLI_DURATION(&o.delay_ns), NULL,
     "how long nobody gets it after it was lost"},
    {"max-retry", FLAG_INT, &o.max_retry, NULL, "renewals that may fail in a row"},
    {"shell", FLAG_BOOL, &o.shell, NULL, "run the child by $SHELL, or /bin/sh"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "say what is done, on stderr"},
};

struct lock_hold {
    struct cli_call *c;
    const char *path, *id;
    struct json *spec;
};

static void say(const char *text)
{
    if (o.verbose)
        fprintf(stderr, "%s\n", text);
}

static int send_op(struct lock_hold *h, const char *op, struct nomad_reply *r)
{
    return nomad_send(h->c, "PUT", pathf(h->c, "%s?%s", var_path(h->c, h->path), op), h->spec,
                      r);
}

static void set_lock(struct lock_hold *h, const char *id)
{
    struct arena *a = h->c->arena;
    struct json *lock = json_new_object(a);
    char text[DURATION_TEXT_SIZE];

    if (id)
        json_set(a, lock, STR("ID"), json_of_str(str_of(id)));
    duration_format(o.ttl_ns, text);
    json_set(a, lock, STR("TTL"), json_of_str(str_of(arena_strdup(a, text))));
    duration_format(o.delay_ns, text);
    json_set(a, lock, STR("LockDelay"), json_of_str(str_of(arena_strdup(a, text))));
    json_set(a, h->spec, STR("Lock"), *lock);
}

static int acquire(struct lock_hold *h)
{
    struct nomad_reply r;

    set_lock(h, NULL);
    say("Acquiring lock...");
    while (send_op(h, "lock-acquire", &r)) {
        if (r.status != 409)
            return cli_fail(NOMAD_EXIT_FAILED, "Unable to acquire lock: %s", r.error);
        poll(NULL, 0, WAIT_MS); /* somebody holds it */
    }
    h->id = text_at(h->c, r.json, "Lock.ID");
    json_unset(h->spec, "Items");
    set_lock(h, h->id);
    say("Lock acquired");
    return CLI_EXIT_OK;
}

static int start_child(struct lock_hold *h, char **argv, int argc, pid_t *ret)
{
    const char *shell = getenv("SHELL");
    const char *line = "";
    const char **args = arena_array(h->c->arena, const char *, (size_t)argc + 4);
    struct proc_spec spec = {.argv = args,
                             .stdin_fd = STDIN_FILENO,
                             .stdout_fd = STDOUT_FILENO,
                             .stderr_fd = STDERR_FILENO};
    struct err e = ERR_INIT;

    for (int i = 0; i < argc; i++) {
        line = pathf(h->c, "%s%s%s", line, i ? " " : "", argv[i]);
        args[i] = argv[i];
    }
    spec.path = argv[0];
    if (o.shell) {
        spec.path = shell && *shell ? shell : "/bin/sh";
        args[0] = spec.path;
        args[1] = "-c";
        args[2] = line;
        args[3] = NULL;
    }
    if (proc_start(&spec, ret, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Unable to start the child: %s", e.msg);
    return CLI_EXIT_OK;
}

/* False: it is lost. */
static bool renew(struct lock_hold *h, int64_t *failed)
{
    struct nomad_reply r;

    if (send_op(h, "lock-renew", &r) == 0) {
        *failed = 0;
        return true;
    }
    fprintf(stderr, "Unable to renew lock: %s\n", r.error);
    return r.status != 409 && r.status != 404 && ++*failed <= o.max_retry;
}

/* Until the child has ended; *ret_lost: the lock went first. */
static int watch_child(struct lock_hold *h, pid_t pid, bool *ret_lost)
{
    int64_t every_ms = o.ttl_ns / 2000000, failed = 0;
    struct err e = ERR_INIT;
    int status = 0;

    *ret_lost = false;
    while (proc_wait(pid, clock_mono_ms() + every_ms, &status, &e) == ERR_TIMEOUT) {
        err_reset(&e);
        if (!*ret_lost && !renew(h, &failed)) {
            *ret_lost = true;
            kill(pid, SIGTERM);
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int lock_run(struct cli_call *c)
{
    struct lock_hold h = {.c = c};
    struct nomad_reply r;
    bool lost;
    pid_t pid;
    int i = 1, code = CLI_EXIT_OK;

    if (c->argc < 2)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           pathf(c, "Not enough arguments (expected >1, got %d)", c->argc));
    h.path = c->argv[0];
    h.spec = json_new_object(c->arena);
    if (*h.path == '@') {
        code = var_read_spec(c, h.path + 1, "", &h.spec);
        if (code != CLI_EXIT_OK)
            return code;
        h.path = text_at(c, h.spec, "Path");
    }
    if (i < c->argc && *c->argv[i] == '@') {
        code = var_read_spec(c, c->argv[i++] + 1, "", &h.spec);
        if (code != CLI_EXIT_OK)
            return code;
    }
    if (i >= c->argc || !*h.path)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           "Not enough arguments (expected a path and a child)");
    code = acquire(&h);
    if (code == CLI_EXIT_OK)
        code = start_child(&h, c->argv + i, c->argc - i, &pid);
    if (code != CLI_EXIT_OK) {
        if (h.id)
            send_op(&h, "lock-release", &r);
        return code;
    }
    code = watch_child(&h, pid, &lost);
    if (lost)
        return cli_fail(NOMAD_EXIT_FAILED, "Lock lost: the child was ended");
    if (send_op(&h, "lock-release", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Unable to release lock: %s", r.error);
    return code;
}

const struct cli_command nomad_cmd_var_lock = {
    .name = "var lock",
    .usage = "nomad var lock [options] <path> [@<specification>] <child>...",
    .synopsis = "Acquire a variable lock",
    .about = "Waits until it holds a lock on the variable, runs the child, renews the lock as "
             "long as it runs, and releases it.",
    .flags = CLI_FLAGS(lock_flags),
    .sets = SET_CLIENT,
    .run = lock_run,
};
