#include "api/wal.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "api/api_priv.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/table.h"

/*
 * A record's key is ("wal", id). Its value:
 *
 *     form     1 byte   'p' plain, 's' sealed by the store's codec
 *     state    1 byte   'n' new, 'u' being undone
 *     created  8 bytes  wall clock ms, big endian
 *     body     JSON {"kind": ..., "payload": ...}, in that form
 *
 *     new --- finish: wal_del ---> gone
 *      |                            ^
 *      +-- sweep --> being undone --+ rollback succeeded (if not: again at the next sweep)
 *
 * A request that is slower than WAL_AGE_MS meets its record being undone or gone: wal_del then
 * fails, and so does the request, rather than keep what no longer exists.
 */
enum { FORM, STATE, CREATED, BODY = CREATED + 8 };
enum { WAL_FIRST_MS = 5000 }; /* after the start: the kinds are registered by then */
enum { WAL_VALUE_MAX = WAL_PAYLOAD_MAX * 2 };

struct wal {
    struct api *api;
    int64_t age_ms;   /* WAL_AGE_MS, but in tests */
    int64_t first_ms; /* when the first sweep is due */
    struct lock lock;
    VEC(struct wal_kind) kinds; /* under the lock; only ever added to */
    struct stopper stop;
    int wake; /* eventfd: sweep now */
    struct thread thread;
};

static void wal_key(struct key *k, const char *id)
{
    key_init(k, "wal");
    if (id)
        key_addz(k, id);
}

/*
 * Putting and deleting.
 */
static void put_head(struct buf *value, char form)
{
    buf_putc(value, form);
    buf_putc(value, 'n');
    buf_put_u64be(value, (uint64_t)clock_wall_ms());
}

static int put_body(struct txn *t, const struct key *k, struct str plain, struct buf *value,
                    struct err *e)
{
    const struct store_codec *codec = store_get_codec(txn_store(t));

    put_head(value, codec ? 's' : 'p');
    if (codec)
        return codec->encode(codec->ctx, key_str(k), plain, value, e);
    buf_put_str(value, plain);
    return 0;
}

int wal_put(struct txn *t, const char *kind, const struct json *payload, char ret_id[UUID_SIZE],
            struct err *e)
{
    auto_buf struct buf plain = {.max = WAL_PAYLOAD_MAX, .secret = true};
    auto_buf struct buf value = {.max = WAL_VALUE_MAX, .secret = true};
    struct json_out w;
    struct key k;
    int r;

    random_uuid(ret_id);
    wal_key(&k, ret_id);
    json_out_init(&w, &plain, NULL);
    json_obj(&w);
    json_kv_str(&w, "kind", kind);
    json_key(&w, "payload");
    json_value(&w, payload);
    json_obj_end(&w);
    if ((r = buf_check(&plain, "the write-ahead record", e)) < 0 ||
        (r = put_body(t, &k, buf_str(&plain), &value, e)) < 0 ||
        (r = buf_check(&value, "the write-ahead record", e)) < 0)
        return err_wrap(e, r, "write-ahead record of %s", kind);
    return txn_put(t, key_str(&k), buf_str(&value), e);
}

static bool is_new(const struct record *rec)
{
    return rec->value.len >= BODY && rec->value.p[STATE] == 'n';
}

int wal_del(struct txn *t, const char *id, struct err *e)
{
    struct record rec;
    struct key k;
    int r;

    wal_key(&k, id);
    r = txn_get(t, key_str(&k), &rec, e);
    if (r == ERR_NOTFOUND || (r >= 0 && !is_new(&rec)))
        return err_set(e, ERR_TIMEOUT,
                       "this took longer than %d s, so what it had begun was undone",
                       WAL_AGE_MS / 1000);
    return r < 0 ? r : txn_del(t, key_str(&k), e);
}

/*
 * The sweep.
 */
struct item {
    const char *id;
    const char *kind;
    const struct json *payload;
};

struct batch {
    struct arena *arena;
    LIST(struct item) items;
    struct str last; /* the last key looked at */
    size_t seen, damaged;
};

static int64_t created_ms(const struct record *rec)
{
    uint64_t ms = 0;

    for (int i = 0; i < 8; i++)
        ms = ms << 8 | (uint8_t)rec->value.p[CREATED + i];
    return (int64_t)ms;
}

static int open_body(struct store *s, const struct record *rec, struct buf *plain,
                     struct err *e)
{
    const struct store_codec *codec = store_get_codec(s);
    struct str body = str_from(rec->value, BODY);

    if (rec->value.p[FORM] == 'p') {
        buf_put_str(plain, body);
        return 0;
    }
    if (!codec)
        return err_set(e, ERR_SEALED, "Vault is sealed");
    return codec->decode(codec->ctx, rec->key, body, plain, e);
}

static int decode_item(struct store *s, const struct record *rec, struct batch *b,
                       struct err *e)
{
    auto_buf struct buf plain = {.max = WAL_VALUE_MAX, .secret = true};
    struct str rest = rec->key, table, id;
    struct json *v;
    int r;

    if ((r = open_body(s, rec, &plain, e)) < 0 ||
        (r = json_parse(buf_str(&plain), &json_limits_file, JSON_COPY, b->arena, &v, e)) < 0)
        return r;
    const char *kind = json_cstr_or(b->arena, json_get(v, "kind"), NULL);

    if (!kind || !key_next(&rest, &table) || !key_next(&rest, &id))
        return err_set(e, ERR_CORRUPT, "its kind or id is missing");
    list_push(b->arena, &b->items,
              ((struct item){arena_cstr(b->arena, id), kind, json_get(v, "payload")}));
    return 0;
}

/* 0, or ERR_SEALED: others are logged and counted. */
static int look_at(struct store *s, const struct record *rec, int64_t before_ms,
                   struct batch *b)
{
    struct err e = ERR_INIT;
    int r = 0;

    b->last = arena_str(b->arena, rec->key);
    b->seen++;
    if (rec->value.len < BODY)
        r = err_set(&e, ERR_CORRUPT, "it is too short");
    else if (created_ms(rec) <= before_ms)
        r = decode_item(s, rec, b, &e);
    if (r == ERR_SEALED)
        return r;
    if (r < 0) {
        b->damaged++;
        log_error("api", "write-ahead record cannot be read, left as it is: %s", e.msg);
    }
    return 0;
}

/* The next WAL_BATCH records after b->last; seen 0: the end. */
static int read_batch(struct store *s, int64_t before_ms, struct batch *b, struct err *e)
{
    auto_txn struct txn *t = NULL;
    struct str after = b->last;
    struct record rec;
    struct scan it;
    struct key k;
    int r;

    b->seen = 0;
    wal_key(&k, NULL);
    if ((r = txn_begin(s, TXN_READ_ONLY, &t, e)) < 0 ||
        (r = scan_begin(t, &it, key_str(&k), 0, e)) < 0)
        return r;
    if (after.len)
        r = scan_seek(&it, after, e);
    while (r >= 0 && b->seen < WAL_BATCH && (r = scan_next(&it, &rec, e)) > 0) {
        if (after.len && str_eq(rec.key, after))
            continue;
        if ((r = look_at(s, &rec, before_ms, b)) < 0)
            err_set(e, r, "%s", err_kind_text(r));
    }
    scan_end(&it);
    return r < 0 ? r : 0;
}

/* From here on the request that wrote it fails. ERR_NOTFOUND: it has finished meanwhile. */
static int mark(struct txn *t, void *id, struct err *e)
{
    auto_buf struct buf value = {.max = WAL_VALUE_MAX, .secret = true};
    struct record rec;
    struct key k;
    int r;

    wal_key(&k, id);
    if ((r = txn_get(t, key_str(&k), &rec, e)) < 0 || !is_new(&rec))
        return r < 0 ? r : 0;
    buf_put_str(&value, rec.value);
    value.p[STATE] = 'u';
    return txn_put(t, key_str(&k), buf_str(&value), e);
}

static int unmark(struct txn *t, void *id, struct err *e)
{
    struct key k;

    wal_key(&k, id);
    return txn_del(t, key_str(&k), e);
}

/* One rollback on the blocking pool, and who waits for it. */
struct undo {
    const struct wal_kind *kind;
    const struct item *item;
    int result;
    struct err err;
    struct lock lock;
    struct cond wake;
    bool done;
};

static void undo_run(void *arg)
{
    struct undo *u = arg;
    auto_arena struct arena *a = arena_new(0);

    arena_set_wipe(a);
    u->result = u->kind->rollback(u->kind->ctx, u->item->payload, a, &u->err);
    auto_lock struct lock *held = lock_scope(&u->lock);

    u->done = true;
    cond_signal(&u->wake);
}

static void undo_wait(struct undo *u)
{
    auto_lock struct lock *held = lock_scope(&u->lock);

    while (!u->done)
        cond_wait(&u->wake, &u->lock);
}

static int roll_back(struct api *api, const struct wal_kind *kind, const struct item *it,
                     struct err *e)
{
    struct undo u = {.kind = kind, .item = it};
    int r = 0;

    lock_init(&u.lock, "wal rollback", RANK_API_WAL);
    cond_init(&u.wake);
    if (pool_is_mine(&api->blocking))
        undo_run(&u);
    else
        r = api_pool_run(api, undo_run, &u, e);
    if (r >= 0) {
        undo_wait(&u);
        r = u.result;
        if (r < 0)
            *e = u.err;
    }
    cond_done(&u.wake);
    lock_done(&u.lock);
    return r;
}

static bool find_kind(struct wal *w, const char *name, struct wal_kind *ret)
{
    auto_lock struct lock *held = lock_scope(&w->lock);

    for (size_t i = 0; i < w->kinds.len; i++) {
        if (strcmp(w->kinds.at[i].name, name) == 0) {
            *ret = w->kinds.at[i];
            return true;
        }
    }
    return false;
}

/* True: it is gone. */
static bool undo_item(struct wal *w, const struct item *it)
{
    struct err e = ERR_INIT;
    struct wal_kind kind;
    int r;

    if (!find_kind(w, it->kind, &kind)) {
        log_warn("api", "nothing here can undo a \"%s\", its write-ahead record stays",
                 it->kind);
        return false;
    }
    r = store_run(w->api->store, mark, (void *)it->id, 0, NULL, &e);
    if (r == ERR_NOTFOUND)
        return true;
    if (r >= 0)
        r = roll_back(w->api, &kind, it, &e);
    if (r >= 0)
        r = store_run(w->api->store, unmark, (void *)it->id, 0, NULL, &e);
    if (r < 0) {
        log_warn("api", "undo an unfinished %s: %s, retrying", it->kind, e.msg);
        return false;
    }
    log_info("api", "undone: an unfinished %s", it->kind);
    return true;
}

/* Rolls back one batch; its memory ends here but for the place where it ended. */
static int sweep_batch(struct wal *w, int64_t before_ms, struct buf *at, size_t *left,
                       struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct batch b = {.arena = a, .last = buf_str(at)};
    int r;

    arena_set_wipe(a);
    r = read_batch(w->api->store, before_ms, &b, e);
    if (r < 0)
        return r;
    list_each (&b.items, it) {
        if (stopper_is_set(&w->stop) || !undo_item(w, it))
            ++*left;
    }
    *left += b.damaged;
    if (b.seen > 0) {
        buf_reset(at);
        buf_put_str(at, b.last);
    }
    return b.seen > 0;
}

int wal_sweep(struct api *api, int64_t age_ms, struct err *e)
{
    auto_buf struct buf at = {.max = STORE_KEY_MAX};
    int64_t before_ms = clock_wall_ms() - age_ms;
    size_t left = 0;
    int r;

    while ((r = sweep_batch(api->wal, before_ms, &at, &left, e)) > 0)
        ;
    if (r < 0)
        return err_wrap(e, r, "sweep write-ahead records");
    return left > INT32_MAX ? INT32_MAX : (int)left;
}

/*
 * Life.
 */
static int64_t age_from_env(void)
{
    const char *text = getenv("SERAI_WAL_AGE_MS");
    int64_t ms;

    return text && str_to_i64(str_of(text), 10, &ms) && ms > 0 && ms < WAL_AGE_MS ? ms
                                                                                  : WAL_AGE_MS;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void wal_wake(struct api *api)
{
    eventfd_write(api->wal->wake, 1); /* fails only when a wake is pending already */
}

/* Until `next_ms`, a wake or the stop: then false. */
static bool wal_wait(struct wal *w, int64_t next_ms)
{
    struct err e = ERR_INIT;
    eventfd_t n;
    int r = stopper_poll(&w->stop, w->wake, next_ms, &e);

    if (r > 0)
        eventfd_read(w->wake, &n);
    else if (r < 0 && r != ERR_CANCELED)
        log_error("api", "write-ahead records are not looked after any more: %s", e.msg);
    return r >= 0;
}

static void wal_main(void *arg)
{
    struct wal *w = arg;
    int64_t next_ms = w->first_ms;

    while (wal_wait(w, next_ms)) {
        struct err e = ERR_INIT;
        int r = wal_sweep(w->api, w->age_ms, &e);

        if (r < 0 && r != ERR_SEALED)
            log_warn("api", "%s, retrying", e.msg);
        next_ms = clock_mono_ms() + smaller(WAL_PERIOD_MS, w->age_ms);
    }
}

int wal_new(struct api *api, struct wal **ret, struct err *e)
{
    struct wal *w = calloc(1, sizeof *w);
    int r;

    if (!w)
        abort();
    w->api = api;
    w->age_ms = age_from_env();
    w->first_ms = clock_mono_ms() + smaller(WAL_FIRST_MS, w->age_ms);
    w->stop.fd = -1;
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    lock_init(&w->lock, "wal", RANK_API_WAL);
    *ret = w; /* wal_main uses it through the api */
    if ((r = w->wake < 0 ? err_set_errno(e, ERR_IO, "eventfd") : 0) < 0 ||
        (r = stopper_init(&w->stop, e)) < 0 ||
        (r = thread_start(&w->thread, "wal", wal_main, w, e)) < 0) {
        *ret = NULL;
        wal_free(w);
    }
    return r;
}

void wal_stop(struct wal *w)
{
    if (!w || w->stop.fd < 0)
        return;
    stopper_stop(&w->stop);
    thread_join(&w->thread);
}

void wal_free(struct wal *w)
{
    if (!w)
        return;
    wal_stop(w);
    if (w->stop.fd >= 0)
        stopper_done(&w->stop);
    if (w->wake >= 0)
        close(w->wake);
    vec_done(&w->kinds);
    lock_done(&w->lock);
    free(w);
}

void wal_register(struct api *api, const struct wal_kind *kind)
{
    auto_lock struct lock *held = lock_scope(&api->wal->lock);

    assert(kind->name && kind->rollback);
    vec_push(&api->wal->kinds, *kind);
}
