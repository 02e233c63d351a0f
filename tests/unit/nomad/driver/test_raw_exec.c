/* raw_exec behind a real shim: start, wait, signal, stop, find again. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/thread.h"
#include "nomad/driver/driver.h"
#include "t.h"

TEST_GUARD

struct run {
    struct arena *a;
    const struct driver *d;
    struct driver_env env;
    struct driver_start s;
    struct strmap vars;
    struct task_handle *h;
    struct stopper stop;
};

static const char *shim_path(struct arena *a)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (getenv("SERAI_SHIM"))
        return getenv("SERAI_SHIM");
    self[n > 0 ? n : 0] = '\0';
    *strrchr(self, '/') = '\0';
    return arena_printf(a, "%s/../../src/shim/serai-shim", self);
}

static const char *make_dir(struct run *r, const char *name)
{
    static int n;
    const char *path = arena_printf(r->a, "%s/%d-%s", t_tmpdir(), n++, name);

    T_INT_EQ(path_mkdirs(path, 0755, NULL), 0);
    return path;
}

static void begin(struct run *r, const char *config)
{
    struct json *v = NULL;
    struct err e = ERR_INIT;

    *r = (struct run){.a = arena_new(0), .d = driver_find("raw_exec")};
    T_OK(json_parse(str_of(config), NULL, JSON_COPY, r->a, &v, &e), &e);
    T_OK(stopper_init(&r->stop, &e), &e);
    strmap_set(r->a, &r->vars, "PATH", "/usr/bin:/bin");
    strmap_set(r->a, &r->vars, "GREETING", "hello");
    r->env = (struct driver_env){.shim_path = shim_path(r->a), .dev = true};
    r->s = (struct driver_start){
        .alloc_id = "a",
        .task_name = "t",
        .job_name = "j",
        .config = v,
        .env = &r->vars,
        .user = "",
        .task_dir = make_dir(r, "task"),
        .log_dir = make_dir(r, "logs"),
        .log_files = 2,
        .log_file_bytes = 1 << 20,
        .state_dir = make_dir(r, "state"),
    };
    r->s.local_dir = r->s.secrets_dir = r->s.alloc_dir = r->s.task_dir;
}

static void end(struct run *r)
{
    if (r->h) {
        r->d->forget(r->h);
        r->d->handle_free(r->h);
    }
    stopper_done(&r->stop);
    arena_free(r->a);
}

static void wait_end(struct run *r, struct task_exit *x)
{
    struct err e = ERR_INIT;

    T_INT_EQ(r->d->wait(r->h, &r->stop, clock_mono_ms() + T_PATIENCE_MS, x, &e), 1);
}

static const char *log_text(struct run *r, const char *file)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);

    path_read_file(AT_FDCWD, arena_printf(r->a, "%s/%s", r->s.log_dir, file), &b, NULL);
    return arena_cstr(r->a, buf_str(&b));
}

TEST(a_command_is_found_run_and_its_end_is_told)
{
    static const struct {
        const char *label, *config, *out;
        int code, signal;
    } rows[] = {
        {"absolute", "{\"command\":\"/bin/sh\",\"args\":[\"-c\",\"echo $GREETING\"]}",
         "hello\n", 0, 0},
        {"in PATH", "{\"command\":\"sh\",\"args\":[\"-c\",\"exit 9\"]}", "", 9, 0},
        {"killed", "{\"command\":\"sh\",\"args\":[\"-c\",\"kill -TERM $$\"]}", "", 0, SIGTERM},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run r;
        struct task_exit x = {0};
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        begin(&r, rows[i].config);
        T_OK(r.d->start(&r.env, &r.s, &r.h, &e), &e);
        wait_end(&r, &x);
        T_INT_EQ(x.code, rows[i].code);
        T_INT_EQ(x.signal, rows[i].signal);
        T_STR_EQ(log_text(&r, "t.stdout.0"), rows[i].out);
        end(&r);
    }
}

TEST(what_cannot_be_started_says_why)
{
    static const struct {
        const char *label, *config, *user, *text;
        int code;
    } rows[] = {
        {"no program", "{\"command\":\"/no/such\"}", "",
         "binary \"/no/such\" could not be found", ERR_INVALID},
        {"no command", "{\"args\":[]}", "", "failed to decode driver config", ERR_INVALID},
        {"no user", "{\"command\":\"/bin/true\"}", "nosuchuser",
         "failed driver config validation: failed to identify user \"nosuchuser\": user: "
         "unknown "
         "user nosuchuser",
         ERR_INVALID},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run r;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        begin(&r, rows[i].config);
        r.s.user = rows[i].user;
        T_INT_EQ(r.d->start(&r.env, &r.s, &r.h, &e), rows[i].code);
        T_STR_HAS(e.msg, rows[i].text);
        T_TRUE(!r.h);
        end(&r);
    }
}

#define LASTS                                                                              \
    "{\"command\":\"sh\",\"args\":[\"-c\",\"trap 'echo usr1' USR1; trap '' INT; echo up; " \
    "while true; do sleep 0.02; done\"]}"

TEST(a_task_is_signalled_measured_and_stopped_by_force_at_last)
{
    struct run r;
    struct task_exit x = {0};
    struct task_usage u = {0};
    struct err e = ERR_INIT;
    int64_t until = clock_mono_ms() + T_PATIENCE_MS;

    begin(&r, LASTS);
    T_OK(r.d->start(&r.env, &r.s, &r.h, &e), &e);
    while (!strstr(log_text(&r, "t.stdout.0"), "up\n") && clock_mono_ms() < until)
        poll(NULL, 0, 2);
    T_OK(r.d->signal(r.h, SIGUSR1, &e), &e);
    while (!strstr(log_text(&r, "t.stdout.0"), "usr1\n") && clock_mono_ms() < until)
        poll(NULL, 0, 2);
    T_STR_HAS(log_text(&r, "t.stdout.0"), "usr1");
    T_OK(r.d->usage(r.h, &u, &e), &e);
    T_TRUE(u.rss_bytes > 0 && u.processes > 0);
    T_INT_EQ(r.d->wait(r.h, &r.stop, clock_mono_ms() + 10, &x, &e), 0);
    stopper_stop(&r.stop);
    T_INT_EQ(r.d->wait(r.h, &r.stop, 0, &x, &e), ERR_CANCELED);
    stopper_reset(&r.stop);
    T_OK(r.d->stop(r.h, SIGINT, 50, &e), &e);
    wait_end(&r, &x);
    T_INT_EQ(x.signal, SIGKILL);
    T_TRUE(r.d->signal(r.h, SIGUSR1, &e) < 0);
    end(&r);
}

TEST(a_task_is_found_again_by_its_handle_or_its_directory)
{
    static const char *const by[] = {"handle", "directory"};

    for (size_t i = 0; i < ARRAY_LEN(by); i++) {
        struct run r;
        struct task_exit x = {0};
        struct err e = ERR_INIT;
        const struct json *state;

        T_ROW(by[i]);
        begin(&r, LASTS);
        T_OK(r.d->start(&r.env, &r.s, &r.h, &e), &e);
        state = r.d->handle_state(r.h, r.a);
        if (i == 1) {
            struct json *v = json_new_object(r.a);

            json_set(r.a, v, STR("state_dir"), json_of_str(str_of(r.s.state_dir)));
            state = v;
        }
        r.d->handle_free(r.h); /* it runs on */
        r.h = NULL;
        T_OK(r.d->recover(&r.env, state, &r.h, &e), &e);
        T_OK(r.d->stop(r.h, SIGKILL, 0, &e), &e);
        wait_end(&r, &x);
        T_INT_EQ(x.signal, SIGKILL);
        r.d->forget(r.h);
        r.d->handle_free(r.h);
        r.h = NULL;
        T_ROW("forgotten");
        T_INT_EQ(r.d->recover(&r.env, state, &r.h, &e), ERR_NOTFOUND);
        end(&r);
    }
}

/* The pids in the supervisor's own file. */
static pid_t shim_pid(struct run *r)
{
    auto_buf struct buf b = BUF_INIT(256);
    int task, shim;

    T_OK(path_read_file(AT_FDCWD, arena_printf(r->a, "%s/pid", r->s.state_dir), &b, NULL),
         &(struct err){0});
    T_INT_EQ(sscanf(b.p, "%d %*s %d", &task, &shim), 2);
    return shim;
}

static long rss_kb(struct run *r, pid_t pid)
{
    auto_buf struct buf b = BUF_INIT(16 << 10);
    const char *at;

    T_OK(path_read_file(AT_FDCWD, arena_printf(r->a, "/proc/%d/status", (int)pid), &b, NULL),
         &(struct err){0});
    at = strstr(b.p, "VmRSS:");
    T_TRUE(at);
    return strtol(at + strlen("VmRSS:"), NULL, 10);
}

TEST(a_supervisor_takes_less_than_a_megabyte)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* theirs is not the memory that is meant */
#endif
    struct run r;
    struct task_exit x = {0};
    struct err e = ERR_INIT;

    begin(&r, "{\"command\":\"sh\",\"args\":[\"-c\",\"echo up; sleep 600\"]}");
    T_OK(r.d->start(&r.env, &r.s, &r.h, &e), &e);
    T_UNTIL(strstr(log_text(&r, "t.stdout.0"), "up\n"));
    T_TRUE(rss_kb(&r, shim_pid(&r)) < 1024);
    T_OK(r.d->stop(r.h, SIGTERM, 0, &e), &e);
    wait_end(&r, &x);
    end(&r);
}

TEST(no_zombie_stays_of_a_supervisor)
{
    static const struct {
        const char *label, *config;
        int start;
    } rows[] = {
        {"its task has run", "{\"command\":\"/bin/true\"}", 0},
        {"its task cannot be started", "{\"command\":\"/bin\"}", ERR_INVALID},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct run r;
        struct task_exit x = {0};

        T_ROW(rows[i].label);
        begin(&r, rows[i].config);
        T_INT_EQ(r.d->start(&r.env, &r.s, &r.h, NULL), rows[i].start);
        if (r.h)
            wait_end(&r, &x);
        end(&r);
        T_INT_EQ(waitpid(-1, NULL, WNOHANG), -1);
    }
}

TEST(raw_exec_is_off_unless_asked_for)
{
    static const struct {
        const char *label, *plugin;
        bool dev, on;
    } rows[] = {
        {"plain agent", NULL, false, false},
        {"dev agent", NULL, true, true},
        {"enabled", "{\"enabled\":true}", false, true},
        {"disabled on a dev agent", "{\"enabled\":false}", true, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct json *v = NULL;
        struct driver_env env = {.dev = rows[i].dev};
        struct driver_facts f = {0};
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        if (rows[i].plugin)
            T_OK(json_parse(str_of(rows[i].plugin), NULL, 0, a, &v, &e), &e);
        env.plugin_config = v;
        T_OK(driver_find("raw_exec")->fingerprint(&env, a, &f, &e), &e);
        T_INT_EQ(f.detected, rows[i].on);
        T_INT_EQ(f.healthy, rows[i].on);
        T_STR_EQ(f.health_description, rows[i].on ? "Healthy" : "disabled");
    }
}
