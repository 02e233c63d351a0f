/* How a run of a task begins. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "nomad/client/task_priv.h"

enum { DEFAULT_LOG_FILES = 10, DEFAULT_LOG_MB = 10 };

static char *join3(const char *a, const char *b, const char *c)
{
    char *p = NULL;

    if (asprintf(&p, c ? "%s/%s/%s" : "%s/%s", a, b, c) < 0)
        abort();
    return p;
}

void task_paths(struct task_run *t)
{
    const struct task *spec;

    if (!t->alloc)
        t->alloc = alloc_run_alloc(t->ar);
    spec = task_spec(t);
    t->driver = spec ? driver_find(str_or_empty(spec->driver)) : NULL;
    if (t->task_dir)
        return;
    t->task_dir = join3(t->ar->dir, t->name, NULL);
    t->local_dir = join3(t->ar->dir, t->name, "local");
    t->secrets_dir = join3(t->ar->dir, t->name, "secrets");
    t->private_dir = join3(t->ar->dir, t->name, "private");
    t->shim_dir = join3(t->ar->shim_dir, t->name, NULL);
}

static void driver_env_of(struct task_run *t, struct driver_env *ret)
{
    const struct nomad_client *c = t->ar->c;

    *ret = (struct driver_env){
        .shim_path = c->o.shim_path,
        .plugin_config = json_get(c->o.plugins, t->driver->name),
        .is_root = c->is_root,
        .dev = c->o.dev,
    };
}

/* ---- finding it again ------------------------------------------------------------------- */

bool task_left_behind(struct task_run *t)
{
    auto_fd int fd = t->driver ? path_open_dir(t->shim_dir, NULL) : -1;

    return fd >= 0;
}

bool task_reattach(struct task_run *t)
{
    auto_arena struct arena *a = arena_new(0);
    struct json *state = NULL;
    struct driver_env env;
    struct err e = ERR_INIT;

    if (!t->driver)
        return false;
    driver_env_of(t, &env);
    if (!t->handle_text || json_parse(str_of(t->handle_text), NULL, 0, a, &state, &e) < 0) {
        state = json_new_object(a);
        json_set(a, state, STR("state_dir"), json_of_str(str_of(t->shim_dir)));
    }
    return t->driver->recover(&env, state, &t->handle, &e) == 0;
}

/* ---- before the start ------------------------------------------------------------------- */

static enum start_result setup_failed(struct task_run *t, const char *why)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_setup_failure(why, clock_wall_ns(), a);

    task_become(t, TASK_DEAD, &ev);
    return START_FAILED;
}

/* What a dispatched job was given, as a file of the task's. */
static int write_payload(struct task_run *t, const struct task *spec, struct err *e)
{
    const struct alloc *al = alloc_of(t->alloc);
    auto_fd int alloc_fd = -1, fd = -1, file = -1;
    const char *name;
    int r;

    if (!spec->dispatch_payload || al->job->payload.len == 0)
        return 0;
    name = str_or_empty(spec->dispatch_payload->file);
    alloc_fd =
        path_open_beneath(t->ar->c->alloc_fd, t->ar->id, O_RDONLY | O_DIRECTORY, 0, 0, e);
    if (alloc_fd < 0)
        return alloc_fd;
    auto_arena struct arena *a = arena_new(0);
    fd = path_open_beneath(alloc_fd, arena_printf(a, "%s/local", t->name),
                           O_RDONLY | O_DIRECTORY, 0, 0, e);
    if (fd < 0)
        return fd;
    const char *slash = strrchr(name, '/');
    if (slash && slash != name) {
        r = path_mkdirs_at(fd, arena_strndup(a, name, (size_t)(slash - name)), 0777, e);
        if (r < 0)
            return r;
    }
    file = path_open_beneath(fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0666, 0, e);
    return file < 0 ? file : fd_write_all(file, al->job->payload, e);
}

static enum start_result first_setup(struct task_run *t, const struct task *spec)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_setup("Building Task Directory", clock_wall_ns(), a);
    struct err e = ERR_INIT;
    const char *why;
    int r;

    if (!t->restored)
        task_emit(t, &ev);
    why = task_unsupported(alloc_of(t->alloc), spec, a);
    if (why)
        return setup_failed(t, why);
    r = task_dirs_make(t, spec->user, &e);
    if (r == 0)
        r = write_payload(t, spec, &e);
    if (r < 0)
        return setup_failed(t, arena_printf(a, "failed to build task directory: %s", e.msg));
    t->dirs_made = true;
    return START_OK;
}

enum start_result task_prestart(struct task_run *t)
{
    struct object *newest = alloc_run_alloc(t->ar);
    const struct task *spec;
    struct err e = ERR_INIT;
    int r;

    object_unref(t->alloc);
    t->alloc = newest; /* this run is of the job as it is now */
    task_paths(t);
    spec = task_spec(t);
    if (!spec)
        return setup_failed(t, "the job has no such task any more");
    t->tracker.on_success = restart_on_success(alloc_of(t->alloc)->job, spec);
    if (!t->dirs_made) {
        enum start_result s = first_setup(t, spec);

        if (s != START_OK)
            return s;
    }
    r = vault_hook(t, &e);
    if (r == ERR_CANCELED)
        return START_INTERRUPTED;
    return r < 0 ? START_FAILED : START_OK;
}

/* ---- the start -------------------------------------------------------------------------- */

static enum start_result driver_failed(struct task_run *t, int code, const char *why)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_driver_failure(why, clock_wall_ns(), a);
    bool hopeless = code == ERR_INVALID || code == ERR_NOTFOUND || code == ERR_DENIED;

    task_emit(t, &ev);
    return hopeless ? START_REFUSED : START_LATER;
}

static enum start_result config_refused(struct task_run *t, const char *why)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_failed_validation(why, clock_wall_ns(), a);

    task_emit(t, &ev);
    return START_REFUSED;
}

static void fill_limits(const struct task_run *t, const struct task *spec,
                        struct driver_start *ret)
{
    const struct resources *r = spec->resources;
    const struct log_config *l = spec->logs;

    ret->log_files = l && OPT(l->max_files) > 0 ? OPT(l->max_files) : DEFAULT_LOG_FILES;
    ret->log_file_bytes =
        (l && OPT(l->max_file_size_mb) > 0 ? OPT(l->max_file_size_mb) : DEFAULT_LOG_MB) << 20;
    ret->cpu_shares = r ? OPT(r->cpu) : 0;
    ret->memory_mb = r ? OPT(r->memory_mb) : 0;
    ret->memory_max_mb = r ? OPT(r->memory_max_mb) : 0;
    ret->log_dir = t->ar->logs_dir;
    ret->state_dir = t->shim_dir;
    ret->task_dir = t->task_dir;
    ret->local_dir = t->local_dir;
    ret->secrets_dir = t->secrets_dir;
    ret->alloc_dir = t->ar->shared_dir;
}

enum start_result task_start(struct task_run *t)
{
    auto_arena struct arena *a = arena_new(0);
    auto_object struct object *node = node_ref(t->ar->c);
    const struct alloc *al = alloc_of(t->alloc);
    const struct task *spec = task_spec(t);
    struct strmap env;
    struct driver_start s;
    struct driver_env denv;
    struct err e = ERR_INIT;
    const char *why;
    int r;

    if (!t->driver)
        return driver_failed(t, ERR_NOTFOUND,
                             arena_printf(a,
                                          "failed to initialize driver: driver \"%s\" is not "
                                          "one of this client's",
                                          str_or_empty(spec->driver)));
    arena_set_wipe(a);
    task_env_build(t, a, &env);
    struct task_names names = {.node = node->body, .env = &env, .region = t->ar->c->o.region};
    s = (struct driver_start){
        .alloc_id = t->ar->id,
        .task_name = t->name,
        .job_name = str_or_empty(al->job->name),
        .config = interpolate_json(spec->config, task_names_lookup, &names, a),
        .env = &env,
        .user = interpolate(str_or_empty(spec->user), task_names_lookup, &names, a),
    };
    why = task_config_problem(t->driver, s.config, a);
    if (why)
        return config_refused(t, why);
    fill_limits(t, spec, &s);
    driver_env_of(t, &denv);
    journal_write(t->ar); /* from here on there may be a process that must be found again */
    r = t->driver->start(&denv, &s, &t->handle, &e);
    return r < 0 ? driver_failed(t, r, e.msg) : START_OK;
}
