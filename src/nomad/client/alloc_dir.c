/*
 * <alloc_dir>/<id>/alloc/{data,logs,tmp}     shared by the group's tasks
 * <alloc_dir>/<id>/<task>/{local,tmp}        the task's own
 * <alloc_dir>/<id>/<task>/secrets            0700 of the task's user, in memory where possible
 * <alloc_dir>/<id>/<task>/private            0700 of the agent's, likewise: never shown to
 * anyone
 *
 * A task may put links into what is its own, so everything is made and opened from the alloc's
 * directory down, links not followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "nomad/client/client_priv.h"

enum { NOBODY = 65534, USER_BUF = 16384 };
#define SECRETS_TMPFS "size=1m,mode=0700"

/* With exactly this mode, whatever the umask. owner -1: stays. */
static int make_dir(int at, const char *name, mode_t mode, uid_t owner, gid_t group,
                    struct err *e)
{
    int r = path_mkdirs_at(at, name, 0700, e);
    auto_fd int fd = -1;

    if (r < 0)
        return r;
    fd = path_open_beneath(at, name, O_RDONLY | O_DIRECTORY, 0, 0, e);
    if (fd < 0)
        return fd;
    if (owner != (uid_t)-1 && fchown(fd, owner, group) < 0 && errno != EPERM)
        return err_set_errno(e, ERR_IO, "change owner of %s", name);
    if (fchmod(fd, mode) < 0)
        return err_set_errno(e, ERR_IO, "change mode of %s", name);
    return 0;
}

static int open_dir(int at, const char *name, struct err *e)
{
    return path_open_beneath(at, name, O_RDONLY | O_DIRECTORY, 0, 0, e);
}

int alloc_dir_make(struct alloc_run *ar, struct err *e)
{
    static const char *const shared[] = {"alloc", "alloc/data", "alloc/logs", "alloc/tmp"};
    uid_t owner = ar->c->is_root ? NOBODY : (uid_t)-1;
    auto_fd int fd = -1;
    int r = make_dir(ar->c->alloc_fd, ar->id, 0755, (uid_t)-1, 0, e);

    if (r < 0)
        return err_wrap(e, r, "alloc directory");
    fd = open_dir(ar->c->alloc_fd, ar->id, e);
    if (fd < 0)
        return fd;
    for (size_t i = 0; i < ARRAY_LEN(shared); i++) {
        r = make_dir(fd, shared[i], 0777, owner, NOBODY, e);
        if (r < 0)
            return err_wrap(e, r, "alloc directory");
    }
    return 0;
}

static void find_owner(const char *user, uid_t *uid, gid_t *gid)
{
    auto_free char *text = malloc(USER_BUF);
    struct passwd pw, *found = NULL;

    if (!text)
        abort();
    if (is_empty(user) || getpwnam_r(user, &pw, text, USER_BUF, &found) != 0 || !found)
        return;
    *uid = pw.pw_uid;
    *gid = pw.pw_gid;
}

static bool is_mount(int parent, const char *name)
{
    struct stat up, st;

    return fstat(parent, &up) == 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_dev != up.st_dev;
}

/* In memory, so that no token touches a disk. A machine that does not let us goes without. */
static void mount_in_memory(struct nomad_client *c, int parent, const char *name)
{
    char path[64];
    auto_fd int fd = -1;

    if (!c->is_root || is_mount(parent, name))
        return;
    fd = open_dir(parent, name, NULL);
    if (fd < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (mount("tmpfs", path, "tmpfs", MS_NOEXEC | MS_NOSUID | MS_NODEV, SECRETS_TMPFS) < 0)
        log_debug(CLIENT_ROOM, "secrets directory is on disk error=%s", strerror(errno));
}

int task_dirs_make(struct task_run *t, const char *user, struct err *e)
{
    struct alloc_run *ar = t->ar;
    uid_t owner = ar->c->is_root ? NOBODY : (uid_t)-1, own = (uid_t)-1;
    gid_t group = 0;
    auto_fd int alloc_fd = open_dir(ar->c->alloc_fd, ar->id, e), fd = -1;
    int r = alloc_fd < 0 ? alloc_fd : make_dir(alloc_fd, t->name, 0777, owner, NOBODY, e);

    if (r < 0)
        return r;
    fd = open_dir(alloc_fd, t->name, e);
    if (fd < 0)
        return fd;
    if (ar->c->is_root) {
        own = 0;
        find_owner(user, &own, &group);
    }
    r = make_dir(fd, "local", 0777, owner, NOBODY, e);
    if (r == 0)
        r = make_dir(fd, "tmp", 01777, owner, NOBODY, e);
    static const char *const hidden[] = {"secrets", "private"};
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(hidden); i++) {
        bool private = i == 1;

        r = make_dir(fd, hidden[i], 0700, (uid_t)-1, 0, e);
        if (r < 0)
            break;
        mount_in_memory(ar->c, fd, hidden[i]);
        r = make_dir(fd, hidden[i], 0700, private ? (uid_t)-1 : own, group, e);
    }
    return r;
}

/* Lazily: a process of the task may still sit in it. */
static void unmount_one(struct nomad_client *c, const char *id, const char *task,
                        const char *name)
{
    char path[64];
    auto_fd int alloc_fd = open_dir(c->alloc_fd, id, NULL), fd = -1, at = -1;

    if (alloc_fd < 0)
        return;
    fd = open_dir(alloc_fd, task, NULL);
    if (fd < 0 || !is_mount(fd, name))
        return;
    at = open_dir(fd, name, NULL);
    if (at < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", at);
    if (umount2(path, MNT_DETACH) < 0)
        log_warn(CLIENT_ROOM, "secrets directory stays mounted alloc=%s task=%s error=%s", id,
                 task, strerror(errno));
}

void alloc_dir_remove(struct nomad_client *c, const char *id, const struct strlist *tasks)
{
    auto_fd int shims = open_dir(c->state_fd, "tasks", NULL);
    struct err e = ERR_INIT;

    list_each (tasks, it) {
        unmount_one(c, id, *it, "secrets");
        unmount_one(c, id, *it, "private");
    }
    if (path_remove_tree(c->alloc_fd, id, &e) < 0)
        log_warn(CLIENT_ROOM, "alloc directory stays alloc=%s error=%s", id, e.msg);
    if (shims >= 0)
        path_remove_tree(shims, id, NULL);
}

void alloc_dir_destroy(struct alloc_run *ar)
{
    auto_arena struct arena *a = arena_new(0);
    struct strlist tasks = {0};

    for (size_t i = 0; i < ar->n_tasks; i++)
        list_push(a, &tasks, ar->tasks[i]->name);
    alloc_dir_remove(ar->c, ar->id, &tasks);
}
