/* The state directory: who this node is, and the key that seals what it remembers. */
#include <fcntl.h>
#include <unistd.h>

#include "base/path.h"
#include "crypto/crypto.h"
#include "nomad/client/client_priv.h"

enum { ALLOC_DIR_MODE = 0711, STATE_DIR_MODE = 0700 };

static bool is_uuid(struct str s)
{
    if (s.len != UUID_SIZE - 1)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s.p[i] != '-' : !memchr("0123456789abcdef", s.p[i], 16))
            return false;
    }
    return true;
}

/* Chosen once, and there after the end of the machine; a -dev agent's directory ends with it.
 */
static int keep(struct nomad_client *c, const char *file, struct str data, mode_t mode,
                struct err *e)
{
    return c->o.dev ? path_replace(c->state_fd, file, data, mode, e)
                    : path_write_atomic(c->state_fd, file, data, mode, e);
}

/* An id that was chosen once and stays. */
static int load_id(struct nomad_client *c, const char *file, mode_t mode, char ret[UUID_SIZE],
                   struct err *e)
{
    auto_buf struct buf b = BUF_INIT(256);
    struct str text;
    int r = path_read_file(c->state_fd, file, &b, e);

    if (r == ERR_NOTFOUND) {
        random_uuid(ret);
        return keep(c, file, str_of(ret), mode, e);
    }
    if (r < 0)
        return err_wrap(e, r, "client identity");
    text = str_trim(buf_str(&b));
    if (!is_uuid(text))
        return err_set(e, ERR_CORRUPT,
                       "%s/%s does not hold a UUID; remove it to join as a new node",
                       c->o.state_dir, file);
    memcpy(ret, text.p, text.len);
    ret[text.len] = '\0';
    return 0;
}

static int load_key(struct nomad_client *c, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(AEAD_KEY_BYTES);
    int r;

    b.secret = true;
    r = path_read_file(c->state_fd, "node-key", &b, e);
    if (r == ERR_NOTFOUND) {
        r = secret_random(AEAD_KEY_BYTES, &c->key, e);
        return r < 0 ? r : keep(c, "node-key", str_n(c->key.p, c->key.len), 0600, e);
    }
    if (r < 0 || b.len != AEAD_KEY_BYTES)
        return r < 0 ? err_wrap(e, r, "node key")
                     : err_set(e, ERR_CORRUPT, "%s/node-key is not a key of %d bytes",
                               c->o.state_dir, AEAD_KEY_BYTES);
    return secret_copy(b.p, b.len, &c->key, e);
}

static int open_dirs(struct nomad_client *c, struct err *e)
{
    int r = path_mkdirs(c->o.state_dir, STATE_DIR_MODE, e);

    if (r == 0)
        r = path_mkdirs(c->o.alloc_dir, ALLOC_DIR_MODE, e);
    if (r < 0)
        return r;
    c->state_fd = path_open_dir(c->o.state_dir, e);
    if (c->state_fd < 0)
        return c->state_fd;
    r = path_mkdirs_at(c->state_fd, "allocs", STATE_DIR_MODE, e);
    if (r == 0)
        r = path_mkdirs_at(c->state_fd, "tasks", STATE_DIR_MODE, e);
    if (r < 0)
        return r;
    c->allocs_fd = path_open_beneath(c->state_fd, "allocs", O_RDONLY | O_DIRECTORY, 0, 0, e);
    if (c->allocs_fd < 0)
        return c->allocs_fd;
    c->alloc_fd = path_open_dir(c->o.alloc_dir, e);
    return c->alloc_fd < 0 ? c->alloc_fd : 0;
}

int client_state_open(struct nomad_client *c, struct err *e)
{
    int r = open_dirs(c, e);

    if (r == 0)
        r = load_id(c, "client-id", 0644, c->id, e);
    if (r == 0)
        r = load_id(c, "secret-id", 0600, c->secret_id, e);
    if (r == 0)
        r = load_key(c, e);
    return r;
}

void client_state_close(struct nomad_client *c)
{
    int *const fds[] = {&c->state_fd, &c->allocs_fd, &c->alloc_fd};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
    secret_done(&c->key);
    secret_wipe(c->secret_id, sizeof c->secret_id);
}
