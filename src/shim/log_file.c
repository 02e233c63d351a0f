#include "shim/shim_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

enum { LOG_NAME_MAX = 300 };

static bool name_of(const struct log_file *l, int64_t index, char ret[LOG_NAME_MAX])
{
    int n = snprintf(ret, LOG_NAME_MAX, "%s.%lld", l->stem, (long long)index);

    return n > 0 && n < LOG_NAME_MAX;
}

/* The newest file of this stem: a restarted task goes on where the last run stopped. */
static int64_t newest_index(const struct log_file *l)
{
    int fd = openat(l->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    size_t stem_len = strlen(l->stem);
    int64_t newest = 0;

    if (!dir) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    for (struct dirent *d; (d = readdir(dir));) {
        int64_t n;

        if (strncmp(d->d_name, l->stem, stem_len) == 0 && d->d_name[stem_len] == '.' &&
            str_to_i64(str_of(d->d_name + stem_len + 1), 10, &n) && n > newest)
            newest = n;
    }
    closedir(dir);
    return newest;
}

static int open_current(struct log_file *l, struct err *e)
{
    char name[LOG_NAME_MAX];
    struct stat st;

    if (!name_of(l, l->index, name))
        return err_set(e, ERR_TOOBIG, "the log file's name is too long");
    l->fd =
        openat(l->dirfd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (l->fd < 0)
        return err_set_errno(e, ERR_IO, "open log file %s", name);
    l->bytes = fstat(l->fd, &st) == 0 ? st.st_size : 0;
    return 0;
}

int log_open(struct log_file *l, int dirfd, const char *stem, int64_t max_files,
             int64_t max_bytes, struct err *e)
{
    *l = (struct log_file){
        .dirfd = dirfd, .fd = -1, .stem = stem, .max_files = max_files, .max_bytes = max_bytes};
    l->index = newest_index(l);
    return open_current(l, e);
}

static void rotate(struct log_file *l)
{
    char name[LOG_NAME_MAX];

    close(l->fd);
    l->fd = -1;
    l->index++;
    if (l->index >= l->max_files && name_of(l, l->index - l->max_files, name))
        unlinkat(l->dirfd, name, 0);
    open_current(l, NULL);
}

void log_append(struct log_file *l, const char *p, size_t len)
{
    while (len > 0) {
        if (l->fd >= 0 && l->bytes >= l->max_bytes)
            rotate(l);
        if (l->fd < 0 && open_current(l, NULL) < 0)
            return;

        int64_t room = l->max_bytes > l->bytes ? l->max_bytes - l->bytes : 1;
        size_t part = (int64_t)len < room ? len : (size_t)room;
        ssize_t n = write(l->fd, p, part);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        l->bytes += n;
        p += n;
        len -= (size_t)n;
    }
}
