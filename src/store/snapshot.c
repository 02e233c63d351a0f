/*
 * Backups. A stream of
 *     "SERAISNAP1\n"
 *     items: kind (1 byte), key length (u16), value length (u32), create_rev, mod_rev (u64
 * each), key, value the last item: kind 'E', mod_rev = the revision, value = CRC-64 of all
 * before it with numbers little endian. Kinds: 'R' a record, 'P' a prefix's revision (in
 * mod_rev).
 */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "store/store_priv.h"

enum {
    ITEM_HEAD = 1 + 2 + 4 + 8 + 8,
    STREAM_BUF = 256 << 10,
    LOAD_OPS = 4096, /* per group of a restore */
    LOAD_BYTES = 16 << 20,
};

#define MAGIC "SERAISNAP1\n"
#define REV_MAX ((uint64_t)1 << 62) /* nobody has come so far: there is room to go on */

/* CRC-64/XZ: a torn or damaged copy is found out; forgery is the caller's business (it seals).
 */
static uint64_t crc_table[256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void crc_init(void)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t c = i;

        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0xc96c5795d7870f42u : c >> 1;
        crc_table[i] = c;
    }
}

static uint64_t crc_add(uint64_t crc, const void *p, size_t len)
{
    const unsigned char *b = p;

    while (len--)
        crc = crc >> 8 ^ crc_table[(crc ^ *b++) & 0xff];
    return crc;
}

struct item {
    char kind;
    struct str key, value;
    uint64_t create_rev, mod_rev;
};

static void put_le(char **p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++, v >>= 8)
        *(*p)++ = (char)(v & 0xff);
}

static uint64_t get_le(const char **p, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)*(*p)++ << (8 * i);
    return v;
}

/* Writing. */

struct writer {
    int fd;
    struct buf buf;
    uint64_t crc;
};

static int flush(struct writer *w, struct err *e)
{
    int r = fd_write_all(w->fd, buf_str(&w->buf), e);

    w->crc = crc_add(w->crc, w->buf.p, w->buf.len);
    buf_reset(&w->buf);
    return r;
}

static int write_item(struct writer *w, const struct item *it, struct err *e)
{
    char head[ITEM_HEAD], *p = head;
    int r = 0;

    if (w->buf.len && w->buf.len + ITEM_HEAD + it->key.len + it->value.len > STREAM_BUF)
        r = flush(w, e);
    *p++ = it->kind;
    put_le(&p, it->key.len, 2);
    put_le(&p, it->value.len, 4);
    put_le(&p, it->create_rev, 8);
    put_le(&p, it->mod_rev, 8);
    buf_put(&w->buf, head, sizeof head);
    buf_put_str(&w->buf, it->key);
    buf_put_str(&w->buf, it->value);
    return r;
}

/* Each prefix that has a revision of its own. */
typedef int prefix_fn(void *arg, struct str prefix, uint64_t rev, struct err *e);

static int each_prefix(struct txn *t, prefix_fn *fn, void *arg, struct err *e)
{
    struct str prefix = STR("");
    uint64_t rev;
    int r;

    while ((r = t->store->driver->prefix_seek(t->snap, prefix, &prefix, &rev, e)) > 0) {
        char next[STORE_KEY_MAX + 2];

        r = fn(arg, prefix, rev, e);
        if (r < 0 || prefix.len > STORE_KEY_MAX)
            break;
        memcpy(next, prefix.p, prefix.len);
        next[prefix.len] = '\0'; /* the very next possible one */
        prefix = arena_str(t->arena, str_n(next, prefix.len + 1));
    }
    return r;
}

static int write_prefix(void *w, struct str prefix, uint64_t rev, struct err *e)
{
    return write_item(w, &(struct item){.kind = 'P', .key = prefix, .mod_rev = rev}, e);
}

static int write_records(struct txn *t, struct writer *w, struct err *e)
{
    struct record rec;
    struct scan it;
    int r = scan_begin(t, &it, STR(""), 0, e);

    if (r < 0)
        return r;
    while ((r = scan_next(&it, &rec, e)) > 0) {
        r = write_item(w, &(struct item){'R', rec.key, rec.value, rec.create_rev, rec.mod_rev},
                       e);
        if (r < 0)
            break;
    }
    scan_end(&it);
    return r;
}

static int write_end(struct writer *w, uint64_t rev, struct err *e)
{
    char crc[8], *p = crc;
    int r = flush(w, e);

    if (r < 0)
        return r;
    put_le(&p, w->crc, 8);
    r = write_item(w, &(struct item){'E', STR(""), str_n(crc, 8), 0, rev}, e);
    return r < 0 ? r : flush(w, e);
}

int store_snapshot_write(struct store *s, int fd, uint64_t *ret_rev, struct err *e)
{
    auto_txn struct txn *t = NULL;
    struct writer w = {.fd = fd, .buf = BUF_INIT(STORE_VALUE_MAX + STREAM_BUF)};
    uint64_t rev;
    int r;

    pthread_once(&crc_once, crc_init);
    r = txn_begin(s, TXN_READ_ONLY, &t, e);
    if (r < 0)
        return r;
    rev = txn_rev(t);
    buf_puts(&w.buf, MAGIC);
    r = each_prefix(t, write_prefix, &w, e);
    if (r >= 0)
        r = write_records(t, &w, e);
    if (r >= 0)
        r = write_end(&w, rev, e);
    buf_done(&w.buf);
    if (r < 0)
        return err_wrap(e, r, "write a snapshot");
    if (ret_rev)
        *ret_rev = rev;
    return 0;
}

/* Reading. */

struct reader {
    int fd;
    char *p; /* a window on the stream: [at, end) is not consumed yet */
    size_t at, end, cap;
    uint64_t crc;   /* of what is consumed */
    uint64_t floor; /* see store_snapshot_restore_above */
    struct store *old;
};

static int damaged(struct err *e, const char *what)
{
    return err_set(e, ERR_CORRUPT, "not a whole snapshot: %s", what);
}

/* At least `need` bytes in the window. */
static int want(struct reader *r, size_t need, struct err *e)
{
    if (r->end - r->at >= need)
        return 0;
    memmove(r->p, r->p + r->at, r->end - r->at);
    r->end -= r->at;
    r->at = 0;
    while (r->end < need) {
        ssize_t n = read(r->fd, r->p + r->end, r->cap - r->end);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(e, ERR_IO, "read the snapshot");
        if (n == 0)
            return damaged(e, "it ends early");
        r->end += (size_t)n;
    }
    return 0;
}

static void consume(struct reader *r, size_t len)
{
    r->crc = crc_add(r->crc, r->p + r->at, len);
    r->at += len;
}

/* `ret` points into the window until the next call. The end item's bytes stay out of the CRC.
 */
static int read_item(struct reader *r, struct item *ret, struct err *e)
{
    const char *p;
    size_t key_len, value_len;
    int rc = want(r, ITEM_HEAD, e);

    if (rc < 0)
        return rc;
    p = r->p + r->at;
    ret->kind = *p++;
    key_len = get_le(&p, 2);
    value_len = get_le(&p, 4);
    ret->create_rev = get_le(&p, 8);
    ret->mod_rev = get_le(&p, 8);
    if (ret->kind != 'R' && ret->kind != 'P' && ret->kind != 'E')
        return damaged(e, "an item of unknown kind");
    if (key_len > STORE_KEY_MAX || value_len > STORE_VALUE_MAX ||
        (key_len == 0 && ret->kind == 'R'))
        return damaged(e, "an item of impossible size");
    if (ret->mod_rev > REV_MAX || ret->create_rev > ret->mod_rev)
        return damaged(e, "an item of an impossible revision");
    rc = want(r, ITEM_HEAD + key_len + value_len, e);
    if (rc < 0)
        return rc;
    p = r->p + r->at + ITEM_HEAD;
    ret->key = str_n(p, key_len);
    ret->value = str_n(p + key_len, value_len);
    if (ret->kind != 'E')
        consume(r, ITEM_HEAD + key_len + value_len);
    return 0;
}

static int check_end(const struct reader *r, const struct item *it, struct err *e)
{
    const char *p = it->value.p;

    if (it->value.len != 8 || get_le(&p, 8) != r->crc)
        return damaged(e, "its checksum is wrong");
    return 0;
}

static int load_item(struct store *s, const struct item *it, uint64_t floor, uint64_t *max_rev,
                     struct err *e)
{
    struct record rec = {it->key, it->value, it->create_rev, it->mod_rev};
    uint64_t rev = it->mod_rev > floor ? it->mod_rev : floor; /* of a prefix */

    if (it->mod_rev > *max_rev)
        *max_rev = it->mod_rev;
    return it->kind == 'P' ? s->driver->group_prefix(s->d, it->key, rev, e)
                           : s->driver->restore_load(s->d, &rec, e);
}

struct raising {
    struct store *s;
    uint64_t rev;
};

static int raise_prefix(void *arg, struct str prefix, uint64_t rev, struct err *e)
{
    const struct raising *to = arg;

    (void)rev;
    return to->s->driver->group_prefix(to->s->d, prefix, to->rev, e);
}

/* What the replaced store knew of: the snapshot may know nothing of it. */
static int raise_old_prefixes(struct store *s, const struct reader *rd, struct err *e)
{
    auto_txn struct txn *t = NULL;
    int r;

    if (!rd->old)
        return 0;
    r = txn_begin(rd->old, TXN_READ_ONLY, &t, e);
    return r < 0 ? r : each_prefix(t, raise_prefix, &(struct raising){s, rd->floor}, e);
}

/* One group's worth of items. 1: more follow, 0: *ret_end is the end item. */
static int load_group(struct store *s, struct reader *rd, struct item *ret_end,
                      uint64_t *max_rev, struct err *e)
{
    size_t ops = 0, bytes = 0;

    while (ops < LOAD_OPS && bytes < LOAD_BYTES) {
        struct item it;
        int r = read_item(rd, &it, e);

        if (r < 0)
            return r;
        if (it.kind == 'E') {
            *ret_end = it;
            return check_end(rd, &it, e);
        }
        r = load_item(s, &it, rd->floor, max_rev, e);
        if (r != 0)
            return r < 0 ? r : err_set(e, ERR_NOSPACE, "the store's map is full");
        ops++;
        bytes += it.key.len + it.value.len;
    }
    return 1;
}

/* A DRIVER_* is an error here: the map is large, and what was loaded is thrown away. */
static int no_again(int r, struct err *e)
{
    return r <= 0 ? r : err_set(e, ERR_NOSPACE, "the store's map is full");
}

static int load_all(struct store *s, struct reader *rd, uint64_t *ret_rev, struct err *e)
{
    uint64_t rev = atomic_load(&s->rev);
    struct item end = {0};
    int more = 1;

    rev = rd->floor > rev ? rd->floor : rev;

    while (more) {
        int r = no_again(s->driver->group_begin(s->d, e), e);

        if (r < 0)
            return r;
        more = load_group(s, rd, &end, &rev, e);
        if (more == 0) {
            rev = end.mod_rev > rev ? end.mod_rev : rev;
            r = no_again(raise_old_prefixes(s, rd, e), e);
            if (r == 0)
                r = s->driver->restore_end(s->d, e);
        }
        if (more < 0 || r != 0) {
            s->driver->group_abort(s->d);
            return more < 0 ? more : no_again(r, e);
        }
        r = no_again(s->driver->group_commit(s->d, rev, e), e);
        if (r < 0)
            return r;
    }
    *ret_rev = rev;
    return 0;
}

static int check_empty(struct store *s, struct err *e)
{
    auto_txn struct txn *t = NULL;
    struct record rec;
    struct scan it;
    int r = txn_begin(s, TXN_READ_ONLY, &t, e);

    if (r < 0)
        return r;
    r = scan_begin(t, &it, STR(""), SCAN_KEYS_ONLY, e);
    if (r < 0)
        return r;
    r = scan_next(&it, &rec, e);
    scan_end(&it);
    return r > 0 ? err_set(e, ERR_EXISTS, "the store is not empty") : r;
}

/* With no transaction open. */
static int load_stream(struct store *s, struct reader *rd, uint64_t *ret_rev, struct err *e)
{
    struct err why = ERR_INIT;
    int r = no_again(s->driver->restore_begin(s->d, e), e);

    if (r < 0)
        return r;
    r = load_all(s, rd, ret_rev, e);
    if (r < 0 && no_again(s->driver->restore_undo(s->d, atomic_load(&s->rev), &why), &why) < 0)
        return err_wrap(e, r, "half of it stays until the store is opened again (%s)", why.msg);
    return r;
}

static int read_magic(struct reader *rd, struct err *e)
{
    int r = want(rd, sizeof MAGIC - 1, e);

    if (r < 0)
        return r;
    if (memcmp(rd->p, MAGIC, sizeof MAGIC - 1) != 0)
        return damaged(e, "it does not begin like one");
    consume(rd, sizeof MAGIC - 1);
    return 0;
}

static void reader_init(struct reader *rd, int fd)
{
    pthread_once(&crc_once, crc_init);
    *rd = (struct reader){.fd = fd, .cap = STREAM_BUF + STORE_VALUE_MAX + STORE_KEY_MAX};
    rd->p = malloc(rd->cap);
    if (!rd->p)
        abort();
}

static int read_all(struct reader *rd, store_snapshot_fn *fn, void *arg, uint64_t *ret_rev,
                    struct err *e)
{
    struct item it;
    int r = read_magic(rd, e);

    while (r == 0 && (r = read_item(rd, &it, e)) == 0 && it.kind != 'E')
        if (it.kind == 'R' && fn)
            fn(arg, &(struct record){it.key, it.value, it.create_rev, it.mod_rev});
    if (r == 0)
        r = check_end(rd, &it, e);
    if (r == 0 && ret_rev)
        *ret_rev = it.mod_rev;
    return r;
}

int store_snapshot_read(int fd, store_snapshot_fn *fn, void *arg, uint64_t *ret_rev,
                        struct err *e)
{
    struct reader rd;
    int r;

    reader_init(&rd, fd);
    r = read_all(&rd, fn, arg, ret_rev, e);
    free(rd.p);
    return r < 0 ? err_wrap(e, r, "read a snapshot") : 0;
}

static int restore(struct store *s, struct reader *rd, struct err *e)
{
    uint64_t rev;
    int r = check_empty(s, e);

    if (r == 0)
        r = read_magic(rd, e);
    if (r < 0)
        return r;
    r = store_gate_close(s, clock_mono_ms() + STORE_QUIET_MS, e);
    if (r < 0)
        return r;
    r = load_stream(s, rd, &rev, e);
    store_gate_open(s);
    if (r == 0)
        adopt(s, rev);
    return r;
}

int store_snapshot_restore_above(struct store *s, int fd, struct store *old, uint64_t floor,
                                 struct err *e)
{
    struct reader rd;
    int r;

    reader_init(&rd, fd);
    rd.floor = floor;
    rd.old = old;
    committer_pause(s);
    r = restore(s, &rd, e);
    committer_resume(s);
    free(rd.p);
    return r < 0 ? err_wrap(e, r, "restore a snapshot") : 0;
}

int store_snapshot_restore(struct store *s, int fd, struct err *e)
{
    return store_snapshot_restore_above(s, fd, NULL, 0, e);
}
