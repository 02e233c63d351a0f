/*
 * /v1/operator/snapshot: everything in the store, and back
 *
 * A snapshot is first written to a file without a name, so that the reply can begin with the
 * digest of what follows and the store is not held by a slow reader; then streamed from the
 * blocking pool. A restore is staged (store/store.h) and the agent starts again with it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/agent.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/thread.h"
#include "crypto/crypto.h"
#include "http/server.h"
#include "nomad/server/agent_api.h"

enum {
    PIECE = 256 << 10,
    WAIT_MS = 1000,
    QUIET_MAX_MS = HTTP_WRITE_TIMEOUT_MS, /* of a reader; then the stream ends */
    SAVES_MAX = 4,                        /* at once */
};

static atomic_uint saves; /* of the process: files and places in the pool are the process's */

/* ---- save ------------------------------------------------------------------------------- */

/* One snapshot on its way; freed when it is sent, or with the call that came to nothing. */
struct saving {
    int fd;
    size_t size;
    struct http_stream *stream;
    struct stopper *stop;
};

static void saving_free(void *arg)
{
    struct saving *s = arg;

    if (s->fd >= 0)
        close(s->fd);
    free(s);
    atomic_fetch_sub(&saves, 1);
}

static int digest_of(int fd, size_t size, struct buf *ret, struct err *e)
{
    uint8_t sum[HASH_MAX_BYTES];
    void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

    if (p == MAP_FAILED)
        return err_set_errno(e, ERR_IO, "read the snapshot");
    hash_of(HASH_SHA256, str_n(p, size), sum);
    munmap(p, size);
    codec_base64_encode(ret, str_n(sum, hash_bytes(HASH_SHA256)), false, true);
    return 0;
}

static int open_nameless(const char *dir, struct err *e)
{
    int fd = dir ? open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
                 : memfd_create("snapshot", MFD_CLOEXEC);

    return fd >= 0 ? fd : err_set_errno(e, ERR_IO, "create a file for the snapshot");
}

/* On the pool, after the head of the reply has begun. */
static void send_pieces(void *arg)
{
    struct saving *s = arg;
    struct err e = ERR_INIT;
    auto_free char *piece = malloc(PIECE);
    int64_t quiet_until = clock_mono_ms() + QUIET_MAX_MS;
    size_t at = 0;

    if (!piece)
        abort();
    while (at < s->size && !stopper_is_set(s->stop) && clock_mono_ms() < quiet_until) {
        ssize_t n = pread(s->fd, piece, PIECE, (off_t)at);
        int r = n <= 0 ? ERR_IO : http_stream_write(s->stream, str_n(piece, (size_t)n), &e);

        if (r == ERR_LIMIT) {
            (void)http_stream_wait(s->stream, clock_mono_ms() + WAIT_MS, &e);
            continue;
        }
        if (r < 0)
            break;
        at += (size_t)n;
        quiet_until = clock_mono_ms() + QUIET_MAX_MS;
    }
    if (at < s->size)
        log_warn("nomad", "a snapshot was not sent to its end");
    http_stream_end(s->stream);
    saving_free(s);
}

static void refuse(struct http_exchange *x, const char *text)
{
    http_reply(x, &(struct http_reply){.status = 500,
                                       .content_type = "text/plain; charset=utf-8",
                                       .body = arena_str(http_arena(x), str_of(text))});
}

static void begin_reply(struct call *c, void *arg)
{
    struct saving **box = arg, *s = *box;
    struct http_reply head = {.status = 200,
                              .content_type = "application/octet-stream",
                              .fields = c->fields,
                              .n_fields = c->n_fields,
                              .close = true};
    struct err e = ERR_INIT;

    if (http_stream_start(c->x, &head, &s->stream, &e) < 0) {
        refuse(c->x, e.msg);
        return; /* it goes with the arena */
    }
    *box = NULL;
    if (api_pool_run(c->api, send_pieces, s, &e) < 0) {
        log_warn("nomad", "a snapshot is not sent: %s", e.msg);
        http_stream_end(s->stream);
        saving_free(s);
    }
}

static int write_snapshot(struct call *c, void *arg, struct err *e)
{
    struct saving **box = arg, *s = *box;
    auto_buf struct buf digest = BUF_INIT(256);
    uint64_t rev = 0;
    off_t size;
    int r;

    s->fd = open_nameless(server_of(c)->opts.snapshot_dir, e);
    if (s->fd < 0)
        return s->fd;
    r = store_snapshot_write(c->store, s->fd, &rev, e);
    if (r < 0)
        return r;
    size = lseek(s->fd, 0, SEEK_END);
    if (size <= 0)
        return err_set_errno(e, ERR_IO, "read the snapshot");
    s->size = (size_t)size;
    r = digest_of(s->fd, s->size, &digest, e);
    if (r < 0)
        return r;
    call_fieldf(c, "Digest", "sha-256=%.*s", STR_ARG(buf_str(&digest)));
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
    call_take(c, begin_reply, box);
    return 0;
}

static void box_free(void *arg)
{
    struct saving **box = arg;

    if (*box)
        saving_free(*box);
}

int snapshot_save(struct call *c, struct err *e)
{
    struct saving **box = arena_new_of(c->arena, struct saving *);

    if (atomic_fetch_add(&saves, 1) >= SAVES_MAX) {
        atomic_fetch_sub(&saves, 1);
        return nomad_fail(e, 429, "%d snapshots are being saved; try again later", SAVES_MAX);
    }
    *box = calloc(1, sizeof **box);
    if (!*box)
        abort();
    **box = (struct saving){.fd = -1, .stop = api_stopper(c->api)};
    arena_on_end(c->arena, box_free, box);
    call_then(c, write_snapshot, NULL, box);
    return 0;
}

/* ---- restore ---------------------------------------------------------------------------- */

static int stage(struct call *c, void *arg, struct err *e)
{
    int r = store_snapshot_stage(c->store, call_body(c), e);

    (void)arg;
    if (r == ERR_CORRUPT || r == ERR_UNSUPPORTED)
        return nomad_fail(e, 400, "failed to restore the snapshot: %s",
                          arena_strdup(c->arena, e->msg));
    if (r < 0)
        return r;
    log_warn("nomad", "a snapshot was given: this agent starts again with it");
    call_reply(c, 200, NULL);
    agent_restart();
    return 0;
}

int snapshot_restore(struct call *c, struct err *e)
{
    (void)e;
    call_then(c, stage, NULL, NULL);
    return 0;
}
