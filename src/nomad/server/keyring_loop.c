/*
 * What the keyring does by itself: the signer of a new key, the change to a prepublished key,
 * sealing anew after a full rotation, rotation by age, garbage; and variables' locks that end.
 *
 * Each is a transaction of its own over what the rows say, so a server that is killed anywhere
 * goes on from there.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "nomad/server/keyring.h"
#include "nomad/server/variables.h"

enum {
    REKEY_SLICE = 32, /* variables sealed anew per transaction */
    RETRY_MS = 1000,
    LONGEST_SLEEP_MS = 60000, /* the wall clock may be set meanwhile */
};
#define HOUR_MS INT64_C(3600000)

struct keyring_loop {
    struct nomad_server *server;
    struct thread thread;
    struct stopper stop;
    struct watch *keys;
    int wake_fd;
    int64_t gc_at_ms;
};

static int64_t or_default(int64_t ms, int64_t def_ms)
{
    return ms > 0 ? ms : def_ms;
}

static int run(struct keyring_loop *l, int (*fn)(struct txn *t, void *arg, struct err *e),
               void *arg, struct err *e)
{
    return store_run(l->server->opts.store, fn, arg, 0, NULL, e);
}

/* ---- an active key ------------------------------------------------------------------------
 */

/* The active key opens, or another one takes its place. */
static int ensure_active(struct txn *t, void *arg, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct nomad_server *s = arg;
    const struct root_key *active;
    struct root_key fresh;
    int r = root_key_active(t, 0, &active, e);

    if (r == 0 && root_key_opens(s->keyring, active))
        return 0;
    if (r < 0 && r != ERR_UNAVAIL)
        return r;
    if (r == 0)
        log_error("keyring",
                  "root key %s does not open with this server's key file: another one becomes "
                  "active, what it has sealed stays closed until its key is back in the file",
                  active->id);
    r = root_key_make(s->keyring, false, clock_wall_ns(), a, &fresh, e);
    if (r == 0)
        r = root_key_put(t, &fresh, e);
    return r < 0 ? r : root_key_activate(t, fresh.id, KEY_INACTIVE, e);
}

/* ---- signers ------------------------------------------------------------------------------
 */

struct signer {
    struct keyring_loop *loop;
    struct arena *arena;
    struct root_key row; /* id NULL: none lacks one */
};

static int find_unsigned(struct txn *t, void *arg, struct err *e)
{
    struct signer *s = arg;
    root_key_list all = {0};
    int r = root_keys(t, SCAN_PEEK, txn_arena(t), &all, e);

    for (size_t i = 0; r == 0 && i < all.len; i++) {
        const struct root_key *row = all.at[i]->body;

        if (row->signer_box.len == 0 && root_key_opens(s->loop->server->keyring, row))
            memcpy(&s->row, schema_copy(&root_key_schema, row, s->arena), sizeof s->row);
    }
    return r;
}

static int store_signer(struct txn *t, void *arg, struct err *e)
{
    struct signer *s = arg;
    const struct object *o;
    struct root_key row;
    int r = root_key_get(t, s->row.id, &o, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    row = *(const struct root_key *)o->body;
    if (row.signer_box.len)
        return 0;
    row.signer_box = s->row.signer_box;
    row.jwk = s->row.jwk;
    return root_key_put(t, &row, e);
}

static int make_signers(struct keyring_loop *l, struct err *e)
{
    for (;;) {
        auto_arena struct arena *a = arena_new(0);
        struct signer s = {.loop = l, .arena = a};
        int r = run(l, find_unsigned, &s, e);

        if (r < 0 || !s.row.id)
            return r;
        r = root_key_add_signer(l->server->keyring, &s.row, a, e);
        if (r == 0)
            r = run(l, store_signer, &s, e);
        if (r < 0)
            return r;
    }
}

/* ---- prepublished keys --------------------------------------------------------------------
 */

struct publish {
    int64_t now_ns, next_ns; /* next_ns 0: none waits */
};

static int publish_due(struct txn *t, void *arg, struct err *e)
{
    struct publish *p = arg;
    root_key_list all = {0};
    int r = root_keys(t, 0, txn_arena(t), &all, e);

    p->next_ns = 0;
    for (size_t i = 0; r == 0 && i < all.len; i++) {
        const struct root_key *row = all.at[i]->body;

        if (strcmp(row->state, KEY_PREPUBLISHED) != 0)
            continue;
        if (row->publish_time <= p->now_ns)
            r = root_key_activate(t, row->id, KEY_INACTIVE, e);
        else if (!p->next_ns || row->publish_time < p->next_ns)
            p->next_ns = row->publish_time;
    }
    return r;
}

/* ---- sealing anew --------------------------------------------------------------------------
 */

struct rekey {
    struct nomad_server *server;
    bool more;
};

/* Up to a slice of what `id` has sealed; *ret_left is what room is left in the slice. */
static int rekey_from(struct rekey *k, struct txn *t, const char *id, size_t *room,
                      struct err *e)
{
    LIST(const struct object *) found = {0};
    const struct object *o;
    struct table_scan it;
    struct key key;
    int r;

    table_index_key(&key, &variable_table, "by_key");
    key_addz(&key, id);
    r = table_scan_index(t, &it, &variable_table, &key, 0, e);
    if (r < 0)
        return r;
    while (*room && (r = table_scan_next(&it, &o, e)) > 0) {
        list_push(txn_arena(t), &found, o);
        --*room;
    }
    table_scan_end(&it);
    for (size_t i = 0; r >= 0 && i < found.len; i++)
        r = variable_reseal(k->server, t, found.at[i], e);
    return r < 0 ? r : 0;
}

static int rekey_slice(struct txn *t, void *arg, struct err *e)
{
    struct rekey *k = arg;
    root_key_list all = {0};
    size_t room = REKEY_SLICE;
    int r = root_keys(t, 0, txn_arena(t), &all, e);

    k->more = false;
    for (size_t i = 0; r == 0 && i < all.len; i++) {
        struct root_key row = *(const struct root_key *)all.at[i]->body;

        if (strcmp(row.state, KEY_REKEYING) != 0)
            continue;
        r = acl_key_reseal(k->server, t, row.id, e);
        if (r == 0)
            r = rekey_from(k, t, row.id, &room, e);
        if (r == 0 && room == 0) {
            k->more = true;
            return 0;
        }
        row.state = KEY_INACTIVE;
        if (r == 0)
            r = root_key_put(t, &row, e);
    }
    return r;
}

/* ---- age ----------------------------------------------------------------------------------
 */

struct age {
    struct keyring_loop *loop;
    int64_t now_ns;
    bool rotate;
    struct root_key fresh;
};

static int look_at_age(struct txn *t, void *arg, struct err *e)
{
    struct age *g = arg;
    const struct nomad_server_opts *o = &g->loop->server->opts;
    int64_t rotation = or_default(o->root_key_rotation_ms, 720 * HOUR_MS);
    int64_t gone = rotation + or_default(o->root_key_gc_ms, HOUR_MS);
    root_key_list all = {0};
    int r = root_keys(t, 0, txn_arena(t), &all, e);
    bool waiting = false;

    g->rotate = false;
    for (size_t i = 0; r >= 0 && i < all.len; i++) {
        const struct root_key *row = all.at[i]->body;
        int64_t age_ms = (g->now_ns - row->create_time) / 1000000;

        waiting = waiting || strcmp(row->state, KEY_PREPUBLISHED) == 0;
        if (strcmp(row->state, KEY_ACTIVE) == 0)
            g->rotate = age_ms >= rotation;
        if (strcmp(row->state, KEY_INACTIVE) != 0 || age_ms < gone)
            continue;
        r = root_key_in_use(t, row->id, e);
        if (r == 0)
            r = root_key_del(t, row->id, e);
    }
    g->rotate = g->rotate && !waiting;
    return r < 0 ? r : 0;
}

static int store_fresh(struct txn *t, void *arg, struct err *e)
{
    struct age *g = arg;
    int r = root_key_put(t, &g->fresh, e);

    return r < 0 ? r : root_key_activate(t, g->fresh.id, KEY_INACTIVE, e);
}

static int grow_old(struct keyring_loop *l, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct age g = {.loop = l, .now_ns = clock_wall_ns()};
    int64_t now_ms = clock_mono_ms();
    int r;

    if (now_ms < l->gc_at_ms)
        return 0;
    l->gc_at_ms = now_ms + or_default(l->server->opts.root_key_gc_interval_ms, HOUR_MS / 6);
    r = run(l, look_at_age, &g, e);
    if (r == 0 && g.rotate)
        r = root_key_make(l->server->keyring, true, g.now_ns, a, &g.fresh, e);
    return r == 0 && g.rotate ? run(l, store_fresh, &g, e) : r;
}

/* ---- the loop -----------------------------------------------------------------------------
 */

/* One turn; *ret_sleep_ms until something is due by itself. */
static int turn(struct keyring_loop *l, int64_t *ret_sleep_ms, struct err *e)
{
    struct publish p = {.now_ns = clock_wall_ns()};
    struct rekey k = {.server = l->server};
    int64_t wait_ms;
    int r = make_signers(l, e);

    *ret_sleep_ms = LONGEST_SLEEP_MS;
    if (r == 0)
        r = run(l, publish_due, &p, e);
    if (r == 0)
        r = run(l, rekey_slice, &k, e);
    if (r == 0)
        r = grow_old(l, e);
    if (r == 0)
        r = variable_locks_turn(l->server, &wait_ms, e);
    if (r < 0)
        return r;
    if (wait_ms < *ret_sleep_ms)
        *ret_sleep_ms = wait_ms;
    if (p.next_ns && (p.next_ns - p.now_ns) / 1000000 + 1 < *ret_sleep_ms)
        *ret_sleep_ms = (p.next_ns - p.now_ns) / 1000000 + 1;
    if (k.more)
        *ret_sleep_ms = 0;
    return 0;
}

static void wait_for_work(struct keyring_loop *l, int64_t sleep_ms)
{
    struct watch_event ev;
    uint64_t n;
    struct pollfd fds[] = {{.fd = l->stop.fd, .events = POLLIN},
                           {.fd = l->wake_fd, .events = POLLIN},
                           {.fd = watch_fd(l->keys), .events = POLLIN}};

    poll(fds, ARRAY_LEN(fds), (int)sleep_ms);
    if (read(l->wake_fd, &n, sizeof n) < 0 && errno != EAGAIN && errno != EINTR)
        abort(); /* an eventfd of ours */
    while (watch_next(l->keys, NULL, 1, &ev, NULL) > 0)
        ;
}

static void loop_main(void *arg)
{
    struct keyring_loop *l = arg;

    while (!stopper_is_set(&l->stop)) {
        struct err e = ERR_INIT;
        int64_t sleep_ms;

        if (turn(l, &sleep_ms, &e) < 0) {
            log_warn("keyring", "keys and locks do not go on, retrying: %s", e.msg);
            stopper_wait_until(&l->stop, clock_mono_ms() + RETRY_MS);
            continue;
        }
        wait_for_work(l, sleep_ms);
    }
}

void root_keyring_wake(struct nomad_server *s)
{
    uint64_t one = 1;

    if (s->keyring_loop && write(s->keyring_loop->wake_fd, &one, sizeof one) < 0 &&
        errno != EAGAIN)
        abort();
}

int root_keyring_start(struct nomad_server *s, struct err *e)
{
    struct keyring_loop *l = calloc(1, sizeof *l);
    struct key k;
    int r;

    if (!l)
        abort();
    s->keyring_loop = l;
    l->server = s;
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = l->wake_fd < 0 ? err_set_errno(e, ERR_LIMIT, "eventfd") : 0;
    if (stopper_init(&l->stop, r < 0 ? NULL : e) < 0 && r == 0)
        r = ERR_LIMIT;
    if (r == 0)
        r = store_run(s->opts.store, ensure_active, s, 0, NULL, e);
    if (r == 0)
        r = variable_locks_start(s, e);
    if (r == 0)
        r = watch_open(s->opts.store, table_prefix(&root_key_table, &k),
                       store_rev(s->opts.store), &l->keys, e);
    return r < 0 ? r : thread_start(&l->thread, "keyring", loop_main, l, e);
}

void root_keyring_stop(struct nomad_server *s)
{
    struct keyring_loop *l = s->keyring_loop;

    if (!l)
        return;
    stopper_stop(&l->stop);
    thread_join(&l->thread);
    watch_close(l->keys);
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    stopper_done(&l->stop);
    variable_locks_stop(s);
    free(l);
    s->keyring_loop = NULL;
}
