#include "base/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "t.h"

/* A fresh directory below the scratch directory, opened. */
static int fresh_dir(void)
{
    static int n;
    char path[128];
    struct err e = ERR_INIT;
    int fd;

    snprintf(path, sizeof path, "%s/path-%d", t_tmpdir(), n++);
    T_OK(path_mkdirs(path, 0700, &e), &e);
    fd = path_open_dir(path, &e);
    T_OK(fd, &e);
    return fd;
}

TEST(path_open_beneath_never_leaves_its_directory)
{
    static const struct {
        const char *label, *path;
        unsigned flags;
        int want; /* 0: opens */
        const char *msg;
    } rows[] = {
        {"a file", "d/f", 0, 0, ""},
        {"dots inside", "d/../d/f", 0, 0, ""},
        {"up and out", "../x", 0, ERR_DENIED, "leaves its directory"},
        {"absolute", "/etc/passwd", 0, ERR_DENIED, "leaves its directory"},
        {"link inside", "inside", 0, ERR_DENIED, "symbolic link"},
        {"link inside, followed", "inside", PATH_FOLLOW, 0, ""},
        {"link outside", "outside", 0, ERR_DENIED, "symbolic link"},
        {"link outside, followed", "outside", PATH_FOLLOW, ERR_DENIED, "leaves"},
        {"through a linked directory", "linkdir/f", 0, ERR_DENIED, "symbolic link"},
        {"missing", "none", 0, ERR_NOTFOUND, "none"},
        {"file as directory", "d/f/g", 0, ERR_NOTFOUND, "d/f/g"},
        {"a link to itself", "loop", PATH_FOLLOW, ERR_DENIED, "loop"},
    };
    auto_fd int dir = fresh_dir();
    struct err e = ERR_INIT;

    T_OK(path_mkdirs_at(dir, "d", 0700, &e), &e);
    T_OK(path_write_atomic(dir, "d/f", STR("x"), 0600, &e), &e);
    T_INT_EQ(symlinkat("d/f", dir, "inside"), 0);
    T_INT_EQ(symlinkat("/etc/passwd", dir, "outside"), 0);
    T_INT_EQ(symlinkat("d", dir, "linkdir"), 0);
    T_INT_EQ(symlinkat("loop", dir, "loop"), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        err_reset(&e);
        auto_fd int fd = path_open_beneath(dir, rows[i].path, O_RDONLY, 0, rows[i].flags, &e);

        T_INT_EQ(fd < 0 ? fd : 0, rows[i].want);
        T_STR_HAS(e.msg, rows[i].msg);
        if (fd >= 0)
            T_INT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
}

TEST(path_open_beneath_creates_and_says_what_exists)
{
    auto_fd int dir = fresh_dir();
    struct err e = ERR_INIT;
    int flags = O_WRONLY | O_CREAT | O_EXCL;
    auto_fd int fd = path_open_beneath(dir, "new", flags, 0640, 0, &e);
    struct stat st;

    T_OK(fd, &e);
    T_INT_EQ(fstat(fd, &st), 0);
    T_INT_EQ(st.st_mode & 0137, 0);
    T_INT_EQ(path_open_beneath(dir, "new", flags, 0640, 0, &e), ERR_EXISTS);
}

TEST(path_names_that_are_too_long_are_refused)
{
    auto_fd int dir = fresh_dir();
    char name[300];
    struct err e = ERR_INIT;

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    T_INT_EQ(path_open_beneath(dir, name, O_RDONLY, 0, 0, &e), ERR_TOOBIG);
}

TEST(path_mkdirs_makes_the_whole_way)
{
    struct err e = ERR_INIT;
    char path[128];
    struct stat st;

    snprintf(path, sizeof path, "%s/m/a//b/c/", t_tmpdir());
    T_OK(path_mkdirs(path, 0750, &e), &e);
    T_OK(path_mkdirs(path, 0750, &e), &e);
    T_INT_EQ(stat(path, &st), 0);
    T_INT_EQ(st.st_mode & 07777, 0750);
    T_OK(path_mkdirs("/", 0700, &e), &e);
    T_INT_EQ(path_mkdirs("/proc/none/x", 0700, &e), ERR_NOTFOUND);
    T_INT_EQ(path_mkdirs("", 0700, &e), ERR_NOTFOUND);
    T_INT_EQ(path_mkdirs("/etc/passwd", 0700, &e), ERR_NOTFOUND);
    T_INT_EQ(path_open_dir("/etc/passwd", &e), ERR_NOTFOUND);
}

TEST(path_mkdirs_at_does_not_walk_out_or_through_links)
{
    static const struct {
        const char *path;
        int want;
    } rows[] = {
        {"a/b/c", 0},           {"./a//b/", 0},
        {"../x", ERR_DENIED},   {"a/../../x", ERR_DENIED},
        {"/tmp/x", ERR_DENIED}, {"link/x", ERR_DENIED},
    };
    auto_fd int dir = fresh_dir();
    struct err e = ERR_INIT;

    T_INT_EQ(symlinkat("/tmp", dir, "link"), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].path);
        T_INT_EQ(path_mkdirs_at(dir, rows[i].path, 0700, &e), rows[i].want);
    }
}

TEST(path_read_file_takes_all_of_it_up_to_the_limit)
{
    static const struct {
        const char *label;
        size_t size, max;
        int want;
    } rows[] = {
        {"empty", 0, 10, 0},
        {"exactly", 50000, 50000, 0},
        {"one too many", 50001, 50000, ERR_TOOBIG},
        {"nothing allowed", 1, 0, ERR_TOOBIG},
    };
    static char bytes[60000];
    auto_fd int dir = fresh_dir();

    memset(bytes, 'b', sizeof bytes);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_buf struct buf b = BUF_INIT(rows[i].max);
        struct err e = ERR_INIT;

        T_OK(path_write_atomic(dir, "f", str_n(bytes, rows[i].size), 0600, &e), &e);
        T_INT_EQ(path_read_file(dir, "f", &b, &e), rows[i].want);
        if (rows[i].want == 0)
            T_TRUE(str_eq(buf_str(&b), str_n(bytes, rows[i].size)));
        else
            T_STR_HAS(e.msg, "read 'f': the file is larger than");
    }
}

TEST(path_read_file_says_why_not)
{
    auto_fd int dir = fresh_dir();
    auto_buf struct buf b = BUF_INIT(10);
    struct err e = ERR_INIT;

    T_INT_EQ(path_read_file(dir, "none", &b, &e), ERR_NOTFOUND);
    T_STR_HAS(e.msg, "open 'none': No such file or directory");
    T_INT_EQ(path_read_file(dir, ".", &b, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "read '.': Is a directory");
    T_INT_EQ(path_read_file(AT_FDCWD, "/proc/self/mem", &b, &e), ERR_IO);
}

static size_t entries(int dir)
{
    struct err e = ERR_INIT;
    auto_fd int fd = -1;
    char bytes[4096];
    size_t n = 0;
    ssize_t len;

    fd = path_open_beneath(dir, ".", O_RDONLY | O_DIRECTORY, 0, 0, &e);
    T_OK(fd, &e);
    while ((len = getdents64(fd, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < len; n++) {
            unsigned short reclen;

            memcpy(&reclen, bytes + i + 16, sizeof reclen);
            i += reclen;
        }
    return n - 2; /* "." and ".." */
}

TEST(path_write_atomic_replaces_whole_files_and_leaves_no_other)
{
    auto_fd int dir = fresh_dir();
    auto_buf struct buf b = BUF_INIT(100);
    struct err e = ERR_INIT;
    mode_t old = umask(077);
    struct stat st;

    T_OK(path_write_atomic(dir, "f", STR("one"), 0644, &e), &e);
    T_OK(path_replace(dir, "f", STR("between"), 0600, &e), &e);
    T_OK(path_write_atomic(dir, "f", STR("two"), 0640, &e), &e);
    umask(old);
    T_OK(path_read_file(dir, "f", &b, &e), &e);
    T_STR_EQ(b.p, "two");
    T_INT_EQ(fstatat(dir, "f", &st, 0), 0);
    T_INT_EQ(st.st_mode & 07777, 0640);
    T_INT_EQ(entries(dir), 1);

    T_OK(path_mkdirs_at(dir, "d/x", 0700, &e), &e);
    T_INT_EQ(path_write_atomic(dir, "d", STR("no"), 0600, &e), ERR_INVALID);
    T_INT_EQ(path_replace(dir, "d", STR("no"), 0600, &e), ERR_INVALID);
    T_INT_EQ(path_write_atomic(dir, "none/f", STR("no"), 0600, &e), ERR_NOTFOUND);
    T_INT_EQ(entries(dir), 2);
}

TEST(path_writes_tell_a_full_disk)
{
    auto_fd int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct err e = ERR_INIT;

    T_INT_EQ(fd_write_all(full, STR("x"), &e), ERR_NOSPACE);
    T_INT_EQ(fd_write_all(-1, STR("x"), &e), ERR_IO);
    T_INT_EQ(fd_write_all(full, STR(""), &e), 0);
}

TEST(path_remove_tree_takes_all_and_follows_no_link)
{
    auto_fd int dir = fresh_dir();
    auto_fd int outside = fresh_dir();
    struct err e = ERR_INIT;
    char link[128];
    struct stat st;

    T_OK(path_write_atomic(outside, "kept", STR("x"), 0600, &e), &e);
    T_OK(path_mkdirs_at(dir, "t/a/b/c", 0700, &e), &e);
    T_OK(path_mkdirs_at(dir, "t/a/d", 0700, &e), &e);
    T_OK(path_write_atomic(dir, "t/a/b/f", STR("x"), 0400, &e), &e);
    snprintf(link, sizeof link, "/proc/self/fd/%d", outside);
    T_INT_EQ(symlinkat(link, dir, "t/a/link"), 0);
    T_INT_EQ(fchmodat(dir, "t/a/d", 0, 0), 0);
    T_OK(path_remove_tree(dir, "t", &e), &e);
    T_INT_EQ(entries(dir), 0);
    T_INT_EQ(fstatat(outside, "kept", &st, 0), 0);

    T_OK(path_remove_tree(dir, "t", &e), &e);
    T_OK(path_remove_tree(dir, "no/such", &e), &e);
    T_OK(path_write_atomic(dir, "file", STR("x"), 0600, &e), &e);
    T_OK(path_remove_tree(dir, "file", &e), &e);
    T_INT_EQ(path_remove_tree(dir, ".", &e), ERR_DENIED);
    T_INT_EQ(path_remove_tree(dir, "..", &e), ERR_DENIED);
    T_INT_EQ(path_remove_tree(dir, "../x", &e), ERR_DENIED);
    T_INT_EQ(path_remove_tree(dir, "/tmp/x", &e), ERR_DENIED);
    T_INT_EQ(symlinkat("/tmp", dir, "link"), 0);
    T_INT_EQ(path_remove_tree(dir, "link/x", &e), ERR_DENIED);
    T_OK(path_remove_tree(dir, "link", &e), &e);
    T_INT_EQ(entries(dir), 0);
}

/* Deeper than PATH_MAX allows a name for, and than descriptors would last. */
TEST(path_remove_tree_takes_any_depth)
{
    enum { DEPTH = 3000 };
    auto_fd int dir = fresh_dir();
    struct err e = ERR_INIT;
    int at = dup(dir);

    for (int i = 0; i < DEPTH; i++) {
        int next;

        T_INT_EQ(mkdirat(at, "deep", 0700), 0);
        next = openat(at, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        T_TRUE(next >= 0);
        close(at);
        at = next;
    }
    close(at);
    T_OK(path_remove_tree(dir, "deep", &e), &e);
    T_INT_EQ(entries(dir), 0);
}

TEST(path_clean_is_lexical)
{
    static const char *const rows[][2] = {
        {"", "."},
        {".", "."},
        {"/", "/"},
        {"//", "/"},
        {"a", "a"},
        {"a/", "a"},
        {"/a//b/../c", "/a/c"},
        {"a/..", "."},
        {"/..", "/"},
        {"/../a", "/a"},
        {"..", ".."},
        {"../../a", "../../a"},
        {"../a/../b", "../b"},
        {"a/../../b", "../b"},
        {"a/./b", "a/b"},
        {"/a/b/../..", "/"},
        {"abc/../d", "d"},
        {"a/b/../c", "a/c"},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i][0]);
        T_STR_EQ(path_clean(a, rows[i][0]), rows[i][1]);
    }
}

TEST(path_join_and_base)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(path_join(a, "dir/", "/rest"), "dir/rest");
    T_STR_EQ(path_join(a, "/", "x"), "/x");
    T_STR_EQ(path_join(a, "", "x"), "x");
    T_STR_EQ(path_join(a, "a", "b/c"), "a/b/c");
    T_STR_EQ(path_base("/a/b"), "b");
    T_STR_EQ(path_base("b"), "b");
    T_STR_EQ(path_base("a/"), "");
    T_TRUE(path_is_absolute("/a"));
    T_FALSE(path_is_absolute("a"));
}
