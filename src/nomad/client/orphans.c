/*
 * Tasks that nobody answers for: their alloc's record was lost and no server names the alloc.
 *
 * The supervisors' directories say what there is. Looked at once, after a server has told this
 * client its allocs: whatever is named has a run by then, which finds its tasks by itself.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include "base/clock.h"
#include "base/path.h"
#include "nomad/client/client_priv.h"

enum { ORPHAN_GRACE_MS = 5000, ORPHAN_WAIT_MS = 10000 };

/* Names below a directory, but for "." and "..". */
static void list_names(int at, const char *path, struct arena *a, struct strlist *ret)
{
    int fd = path_open_beneath(at, path, O_RDONLY | O_DIRECTORY, 0, 0, NULL);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir)
        return;
    for (struct dirent *d; (d = readdir(dir));)
        if (d->d_name[0] != '.')
            list_push(a, ret, arena_strdup(a, d->d_name));
    closedir(dir);
}

/* False: it does not end; another start of the agent looks again. */
static bool end_task(struct nomad_client *c, const char *id, const char *task, struct arena *a)
{
    const struct driver *driver = driver_find("raw_exec");
    struct json *state = json_new_object(a);
    const char *dir = arena_printf(a, "%s/tasks/%s/%s", c->o.state_dir, id, task);
    struct task_handle *h = NULL;
    struct driver_env env = {.shim_path = c->o.shim_path, .is_root = c->is_root};
    struct task_exit x = {0};
    struct err e = ERR_INIT;
    int r;

    json_set(a, state, STR("state_dir"), json_of_str(str_of(dir)));
    if (driver->recover(&env, state, &h, NULL) < 0)
        return true;
    log_warn(CLIENT_ROOM,
             "task without a record that no server names is ended alloc=%s task=%s", id, task);
    driver->stop(h, SIGINT, ORPHAN_GRACE_MS, NULL);
    r = driver->wait(h, &c->stop, clock_mono_ms() + ORPHAN_WAIT_MS, &x, &e);
    if (r == 1)
        driver->forget(h);
    driver->handle_free(h);
    return r == 1;
}

static void end_alloc(struct nomad_client *c, const char *id)
{
    auto_arena struct arena *a = arena_new(0);
    struct strlist tasks = {0};
    bool all = true;

    list_names(c->state_fd, arena_printf(a, "tasks/%s", id), a, &tasks);
    list_each (&tasks, it)
        all = end_task(c, id, *it, a) && all;
    if (all)
        alloc_dir_remove(c, id, &tasks);
}

void orphans_end(struct nomad_client *c)
{
    auto_arena struct arena *a = arena_new(0);
    struct strlist ids = {0};

    list_names(c->state_fd, "tasks", a, &ids);
    list_each (&ids, it) {
        auto_alloc_run struct alloc_run *known = client_alloc(c, str_of(*it));

        if (!known)
            end_alloc(c, *it);
    }
}
