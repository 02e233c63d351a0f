#include "nomad/server/key_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/path.h"
#include "crypto/crypto.h"

enum { FILE_BYTES_MAX = 4096 };

/* "dir", "name" of a path. */
static const char *split(struct arena *a, const char *path, const char **ret_name)
{
    *ret_name = path_base(path);
    return *ret_name == path ? "." : arena_strndup(a, path, (size_t)(*ret_name - path));
}

static int check_mode(int fd, const char *path, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_set_errno(e, ERR_IO, "look at %s", path);
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        return err_set(e, ERR_DENIED,
                       "%s: others may read or write this key file (mode %04o): chmod 0600 it",
                       path, (unsigned)(st.st_mode & 07777));
    return 0;
}

static int parse_line(struct str line, size_t number, const char *path, struct secret *ret,
                      struct err *e)
{
    auto_buf struct buf bytes = {.max = AEAD_KEY_BYTES, .secret = true};

    if (line.len != 2 * AEAD_KEY_BYTES || codec_hex_decode(&bytes, line, NULL) < 0)
        return err_set(e, ERR_INVALID, "%s:%zu: a key is %d hexadecimal digits", path, number,
                       2 * AEAD_KEY_BYTES);
    return secret_copy(bytes.p, bytes.len, ret, e);
}

static int parse(struct str text, const char *path, struct secret *keys, size_t max,
                 size_t *ret_n, struct err *e)
{
    struct str line;

    for (size_t number = 1; str_split(&text, '\n', &line); number++) {
        int r;

        line = str_trim(line);
        if (line.len == 0)
            continue;
        if (*ret_n == max)
            return err_set(e, ERR_INVALID, "%s:%zu: more than %zu keys", path, number, max);
        r = parse_line(line, number, path, &keys[*ret_n], e);
        if (r < 0)
            return r;
        ++*ret_n;
    }
    return 0;
}

static int write_first(int dirfd, const char *name, struct secret *key, struct err *e)
{
    auto_buf struct buf text = {.max = FILE_BYTES_MAX, .secret = true};
    int r = secret_random(AEAD_KEY_BYTES, key, e);

    if (r < 0)
        return r;
    codec_hex_encode(&text, str_n((const char *)key->p, key->len));
    buf_putc(&text, '\n');
    return path_write_atomic(dirfd, name, buf_str(&text), 0600, e);
}

int key_file_load(const char *path, bool must_exist, struct secret *keys, size_t max,
                  size_t *ret_n, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf text = {.max = FILE_BYTES_MAX, .secret = true};
    auto_fd int dirfd = -1, fd = -1;
    const char *dir, *name;
    int r = 0;

    *ret_n = 0;
    if (!path) {
        *ret_n = 1;
        return secret_random(AEAD_KEY_BYTES, &keys[0], e);
    }
    dir = split(a, path, &name);
    dirfd = path_open_dir(dir, e);
    if (dirfd < 0)
        return err_wrap(e, dirfd, "key file %s", path);
    fd = path_open_beneath(dirfd, name, O_RDONLY, 0, 0, NULL);
    if (fd == ERR_NOTFOUND && must_exist)
        return err_set(e, fd,
                       "%s is not there, and what this server has stored is sealed with it: "
                       "put it back (or make an empty file with mode 0600 there, to go on "
                       "without the variables of before)",
                       path);
    if (fd < 0 && fd != ERR_NOTFOUND)
        return err_set(e, fd, "%s: %s", path, err_kind_text(fd));
    if (fd >= 0) {
        r = check_mode(fd, path, e);
        if (r == 0)
            r = fd_read_all(fd, &text, e);
        if (r == 0)
            r = parse(buf_str(&text), path, keys, max, ret_n, e);
    }
    if (r == 0 && *ret_n == 0) {
        *ret_n = 1;
        r = write_first(dirfd, name, &keys[0], e);
    }
    return r < 0 ? err_wrap(e, r, "key file") : 0;
}
