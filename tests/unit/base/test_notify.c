#include "base/notify.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/path.h"
#include "t.h"

/* A bound socket as a service manager has one; its address goes into the environment. */
static int manager(const char *name, bool abstract)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int n = snprintf(at.sun_path, sizeof at.sun_path, "%s%s/%s", abstract ? "@" : "",
                     t_tmpdir(), name);

    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    if (abstract)
        at.sun_path[0] = '\0';
    T_INT_EQ(bind(fd, (struct sockaddr *)&at,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
             0);
    return fd;
}

static const char *told(int fd)
{
    static char text[1000];
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

TEST(notify_speaks_the_service_managers_protocol)
{
    for (int abstract = 0; abstract < 2; abstract++) {
        T_ROW(abstract ? "abstract" : "path");
        auto_fd int fd = manager("notify", abstract);

        notify_ready();
        T_STR_EQ(told(fd), "READY=1");
        notify_stopping();
        T_STR_EQ(told(fd), "STOPPING=1");
        notify_reloading();
        T_STR_HAS(told(fd), "RELOADING=1\nMONOTONIC_USEC=");
        notify_status("sealed, %d of %d\nREADY=1", 1, 3);
        T_STR_EQ(told(fd), "STATUS=sealed, 1 of 3 READY=1");
    }
    unsetenv("NOTIFY_SOCKET");
}

TEST(notify_without_a_manager_does_nothing)
{
    char wide[300];

    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify_ready();
    setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
    notify_ready();
    memset(wide, '/', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    setenv("NOTIFY_SOCKET", wide, 1);
    notify_ready();
    unsetenv("NOTIFY_SOCKET");
}

static const char *pid_path(void)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/the.pid", t_tmpdir());
    return path;
}

static int exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

TEST(pidfile_is_written_and_removed_by_its_owner_only)
{
    auto_buf struct buf b = BUF_INIT(100);
    struct err e = ERR_INIT;
    char want[32];
    int status;
    pid_t pid;

    T_OK(pidfile_write(pid_path(), &e), &e);
    T_OK(path_read_file(AT_FDCWD, pid_path(), &b, &e), &e);
    snprintf(want, sizeof want, "%d\n", (int)getpid());
    T_STR_EQ(b.p, want);

    pid = fork();
    if (pid == 0) {
        pidfile_remove();
        _exit(0);
    }
    T_INT_EQ(waitpid(pid, &status, 0), pid);
    T_TRUE(exists(pid_path()));
    pidfile_remove();
    T_FALSE(exists(pid_path()));
    pidfile_remove();
}

TEST(pidfile_goes_when_the_program_exits)
{
    char path[128];
    int status;
    pid_t pid;

    snprintf(path, sizeof path, "%s/exits.pid", t_tmpdir());
    pid = fork();
    if (pid == 0) {
        setenv("UNIT_PIDFILE", path, 1);
        execl("/proc/self/exe", "unit", "pidfile_of_a_program_that_exits", NULL);
        _exit(1);
    }
    T_INT_EQ(waitpid(pid, &status, 0), pid);
    T_INT_EQ(WEXITSTATUS(status), 0);
    T_FALSE(exists(path));
}

/* The other half of the test above: does nothing but in that program. */
TEST(pidfile_of_a_program_that_exits)
{
    const char *path = getenv("UNIT_PIDFILE");
    struct err e = ERR_INIT;

    if (!path)
        return;
    T_OK(pidfile_write(path, &e), &e);
    T_TRUE(exists(path));
}

TEST(pidfile_respects_a_living_process_and_replaces_a_dead_one)
{
    static const struct {
        const char *label, *text;
        int want;
    } rows[] = {
        {"init lives", "1\n", ERR_EXISTS},
        {"nobody has this one", "2147483647\n", 0},
        {"not a number", "what\n", 0},
        {"empty", "", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        struct err e = ERR_INIT;

        T_OK(path_write_atomic(AT_FDCWD, pid_path(), str_of(rows[i].text), 0644, &e), &e);
        T_INT_EQ(pidfile_write(pid_path(), &e), rows[i].want);
        if (rows[i].want)
            T_STR_HAS(e.msg, "process 1 is running");
        pidfile_remove();
    }
    T_INT_EQ(pidfile_write("/no/such/dir/x.pid", NULL), ERR_NOTFOUND);
}
