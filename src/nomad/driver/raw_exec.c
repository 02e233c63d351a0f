/* raw_exec: the command as it is, with the agent's rights and no isolation. Off unless the
 * agent says `plugin "raw_exec" { config { enabled = true } }` (or is a -dev agent). */
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "nomad/driver/shim_task.h"

#define LAUNCH_FAILED \
    "failed to launch command with executor: rpc error: code = Unknown desc = "

struct raw_exec_config {
    const char *command;
    struct strlist args;
    const char *work_dir;
};

static const struct schema_field config_fields[] = {
    {"command", "command", F_STR, offsetof(struct raw_exec_config, command),
     .flags = FIELD_REQUIRED},
    {"args", "args", F_STRLIST, offsetof(struct raw_exec_config, args)},
    {"work_dir", "work_dir", F_STR, offsetof(struct raw_exec_config, work_dir)},
};
static SCHEMA(config_schema, "raw_exec", struct raw_exec_config, config_fields);

static int fingerprint(const struct driver_env *env, struct arena *a, struct driver_facts *ret,
                       struct err *e)
{
    bool on = json_bool_or(json_get(env->plugin_config, "enabled"), env->dev);

    (void)e;
    *ret = (struct driver_facts){
        .detected = on, .healthy = on, .health_description = on ? "Healthy" : "disabled"};
    if (on)
        strmap_set(a, &ret->attributes, "driver.raw_exec", "true");
    return 0;
}

static bool is_program(const char *path)
{
    return access(path, X_OK) == 0;
}

/* The command by its path, below the task's directories, or in the task's PATH. */
static const char *find_program(struct arena *a, const struct driver_start *s,
                                const char *command)
{
    const char *search = strmap_get(s->env, "PATH");
    struct str rest, dir;

    if (command[0] == '/')
        return command;
    const char *const own[] = {s->local_dir, s->task_dir};

    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        const char *path = arena_printf(a, "%s/%s", own[i], command);

        if (is_program(path))
            return path;
    }
    rest = str_of(search ? search : "/usr/local/bin:/usr/bin:/bin");
    while (!strchr(command, '/') && str_split(&rest, ':', &dir)) {
        const char *path = arena_printf(a, "%.*s/%s", STR_ARG(dir), command);

        if (dir.len && is_program(path))
            return path;
    }
    return command;
}

static int start(const struct driver_env *env, const struct driver_start *s,
                 struct task_handle **ret, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct raw_exec_config c = {0};
    struct shim_spec spec = {0};
    struct driver_start at = *s;
    int r = schema_decode(&config_schema, s->config, SCHEMA_LENIENT, a, &c, e);

    if (r < 0)
        return err_wrap(e, r, "failed to decode driver config");
    r = shim_task_check_user(s->user, e);
    if (r < 0)
        return err_wrap(e, r, "failed driver config validation");
    spec.path = find_program(a, s, c.command);
    list_push(a, &spec.args, c.command);
    for (size_t i = 0; i < c.args.len; i++)
        list_push(a, &spec.args, c.args.at[i]);
    if (c.work_dir && *c.work_dir)
        at.task_dir = c.work_dir;
    if (!is_program(spec.path))
        return err_set(e, ERR_INVALID, LAUNCH_FAILED "binary \"%s\" could not be found",
                       c.command);
    r = shim_task_start(env, &at, &spec, ret, e);
    if (r == ERR_INVALID || r == ERR_NOTFOUND || r == ERR_DENIED)
        return err_set(e, r, LAUNCH_FAILED "%s", e ? arena_strdup(a, e->msg) : "");
    return r;
}

const struct driver raw_exec_driver = {
    .name = "raw_exec",
    .config_schema = &config_schema,
    .can_exec = true,
    .can_signal = true,
    .fs_isolation = "none",
    .fingerprint = fingerprint,
    .start = start,
    .recover = shim_task_recover,
    .handle_state = shim_task_state,
    .wait = shim_task_wait,
    .signal = shim_task_signal,
    .stop = shim_task_stop,
    .usage = shim_task_usage,
    .forget = shim_task_forget,
    .handle_free = shim_task_free,
};
