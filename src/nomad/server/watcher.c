/*
 * The watcher: what the server does by the clock, and on changes that nobody waits for.
 *
 *     deployment row changes ----> one look at it (deployment_watch.c)
 *     a node drains, its allocs change --> one look at it (drain.c)
 *     every few minutes, or asked for ---> garbage, a slice per turn (gc.c)
 *     token revocations ----------> a thread of their own: they ask another server, and wait
 *
 * Nothing that matters is kept here: what is in memory says only which rows were looked at and
 * when the clock alone asks for another look. After a restart every active deployment and every
 * draining node is looked at once.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "nomad/server/deployment.h"
#include "nomad/server/gc.h"
#include "nomad/server/node_api.h"

enum {
    ID_SIZE = 37,
    RETRY_MS = 1000,           /* after a commit that failed */
    LONGEST_SLEEP_MS = 60000,  /* the wall clock may be set meanwhile */
    GC_INTERVAL_MS = 300000,   /* job_gc_interval's default */
    REVOCATION_POLL_MS = 1000, /* for those that are tried again later */
};

struct entry { /* of a deployment, or of a draining node */
    char id[ID_SIZE];
    bool dirty;
    int64_t again_ns;  /* wall clock; 0: only when something changes */
    uint64_t standing; /* deployments: the sum of its healths when last looked at */
};

struct watcher {
    struct nomad_server *server;
    struct thread thread, revocations;
    struct stopper stop;
    struct watch *deployments, *nodes, *allocs; /* allocs: only while a node drains */
    struct watch *revoked;                      /* the other thread's */
    struct map active, draining;                /* struct entry by id */
    struct gc gc;
    int64_t gc_at_ms, not_before_ms;
    atomic_bool gc_asked;
    int wake_fd;
};

/* ---- entries -------------------------------------------------------------------------------
 */

/* Made when it is not there. */
static struct entry *entry_of(struct map *m, const char *id)
{
    struct entry *n = map_get(m, str_of(id));

    if (n)
        return n;
    n = calloc(1, sizeof *n);
    if (!n)
        abort();
    memcpy(n->id, id, strlen(id) + 1); /* id_of has bounded it */
    map_put(m, str_of(n->id), n);
    return n;
}

static void entry_drop(struct map *m, const char *id)
{
    free(map_del(m, str_of(id)));
}

static void entries_done(struct map *m)
{
    void *n;

    for (size_t i = 0; map_next(m, &i, NULL, &n);)
        free(n);
    map_done(m);
}

/* ---- what changed
 * ---------------------------------------------------------------------------- */

static void warn(const char *what, const struct err *e)
{
    log_warn("watcher", "%s, retrying: %s", what, e->msg);
}

/* The id in a key "table, id". */
static bool id_of(struct str key, char ret[ID_SIZE])
{
    struct str part;

    if (!key_next(&key, &part) || !key_next(&key, &part) || part.len >= ID_SIZE)
        return false;
    memcpy(ret, part.p, part.len);
    ret[part.len] = '\0';
    return true;
}

static void note_deployment(struct watcher *w, struct txn *t, const char *id)
{
    const struct object *o;

    if (state_deployment(t, id, &o, NULL) < 0 || !deployment_active(o->body))
        entry_drop(&w->active, id);
    else
        entry_of(&w->active, id)->dirty = true;
}

static void note_node(struct watcher *w, struct txn *t, const char *id)
{
    const struct object *o;

    if (state_node(t, id, &o, NULL) < 0 || !((const struct node *)o->body)->drain_strategy)
        entry_drop(&w->draining, id);
    else
        entry_of(&w->draining, id)->dirty = true;
}

typedef void note_fn(struct watcher *w, struct txn *t, const char *id);

static int note_all(struct watcher *w, struct txn *t, const struct table *table, note_fn *note,
                    struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    char id[ID_SIZE];
    int r;

    table_prefix(table, &k);
    r = table_scan_begin(t, &it, table, &k, SCAN_PEEK | SCAN_KEYS_ONLY, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        if (id_of(it.index_key, id))
            note(w, t, id);
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static void drain_watch(struct watcher *w, struct watch *from, const struct table *table,
                        note_fn *note)
{
    auto_txn struct txn *t = NULL;
    struct watch_event ev;
    char id[ID_SIZE];

    while (watch_next(from, NULL, 1, &ev, NULL) > 0) {
        if (t && ev.rev > txn_rev(t)) {
            txn_drop(t);
            t = NULL;
        }
        if (!t && txn_begin(w->server->opts.store, TXN_READ_ONLY, &t, NULL) < 0)
            return;
        if (ev.kind == WATCH_RESYNC)
            note_all(w, t, table, note, NULL);
        else if (id_of(ev.key, id))
            note(w, t, id);
    }
}

/* While nodes drain, any alloc that changes may let another one leave. */
static void drain_allocs(struct watcher *w)
{
    struct watch_event ev;
    bool any = false;
    void *n;

    if (!w->allocs)
        return;
    while (watch_next(w->allocs, NULL, 1, &ev, NULL) > 0)
        any = true;
    for (size_t i = 0; any && map_next(&w->draining, &i, NULL, &n);)
        ((struct entry *)n)->dirty = true;
}

static void follow_allocs(struct watcher *w)
{
    struct store *store = w->server->opts.store;
    struct err e = ERR_INIT;
    struct key k;

    if (w->draining.len && !w->allocs) {
        if (watch_open(store, table_prefix(&alloc_table, &k), store_rev(store), &w->allocs,
                       &e) < 0)
            warn("allocations are not followed", &e);
    } else if (!w->draining.len && w->allocs) {
        watch_close(w->allocs);
        w->allocs = NULL;
    }
}

static void take_changes(struct watcher *w)
{
    drain_watch(w, w->deployments, &deployment_table, note_deployment);
    drain_watch(w, w->nodes, &node_table, note_node);
    drain_allocs(w);
    follow_allocs(w);
}

/* ---- looks
 * ----------------------------------------------------------------------------------- */

struct look {
    struct watcher *w;
    struct entry *entry;
    uint64_t standing;
    int64_t again_ns;
};

/* Grows with each health that becomes known and each promotion. */
static uint64_t standing_of(const struct deployment *d)
{
    uint64_t sum = 1;

    list_each (&d->groups, g)
        sum = sum * 1000003 + (uint64_t)g->healthy_allocs * 31 +
              (uint64_t)g->unhealthy_allocs * 7 + g->promoted;
    return sum;
}

/* Nothing is known of any alloc yet: the first look has nothing to go on with. */
static bool is_fresh(const struct deployment *d)
{
    list_each (&d->groups, g)
        if (g->healthy_allocs || g->unhealthy_allocs || g->promoted)
            return false;
    return true;
}

static int look_at_deployment(struct txn *t, void *arg, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct look *l = arg;
    struct deploy d = {
        .server = l->w->server, .txn = t, .arena = a, .now_ns = clock_wall_ns(), .eval_id = ""};
    uint64_t before = l->entry->standing;
    bool moved;
    int r = state_deployment(t, l->entry->id, &d.o, e);

    l->again_ns = 0;
    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    l->standing = standing_of(d.o->body);
    moved = before ? before != l->standing : !is_fresh(d.o->body);
    r = deploy_watch(&d, moved, &l->again_ns, e);
    return r < 0 ? r : 0;
}

static int look_at_node(struct txn *t, void *arg, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct look *l = arg;
    const struct object *node;
    int r = state_node(t, l->entry->id, &node, e);

    l->again_ns = 0;
    if (r == ERR_NOTFOUND)
        return 0;
    if (r == 0)
        r = drain_node(l->w->server, t, a, node, clock_wall_ns(), &l->again_ns, e);
    return r < 0 ? r : 0;
}

/* False: it has to be tried again. */
static bool look(struct watcher *w, struct entry *entry,
                 int (*fn)(struct txn *t, void *arg, struct err *e), const char *what)
{
    struct look l = {.w = w, .entry = entry};
    struct err e = ERR_INIT;

    if (store_run(w->server->opts.store, fn, &l, 0, NULL, &e) < 0) {
        warn(what, &e);
        w->not_before_ms = clock_mono_ms() + RETRY_MS;
        return false;
    }
    entry->dirty = false;
    entry->again_ns = l.again_ns;
    entry->standing = l.standing;
    return true;
}

static bool is_due(const struct entry *n, int64_t now_ns)
{
    return n->dirty || (n->again_ns && n->again_ns <= now_ns);
}

/* False: one of them has to be tried again. */
static bool look_at_due(struct watcher *w, struct map *m,
                        int (*fn)(struct txn *t, void *arg, struct err *e), const char *what)
{
    int64_t now_ns = clock_wall_ns();
    void *n;

    for (size_t i = 0; map_next(m, &i, NULL, &n);)
        if (is_due(n, now_ns) && !look(w, n, fn, what))
            return false;
    return true;
}

static void look_at_all(struct watcher *w)
{
    if (look_at_due(w, &w->active, look_at_deployment, "deployment is not looked at"))
        look_at_due(w, &w->draining, look_at_node, "drain does not go on");
}

/* ---- garbage
 * ---------------------------------------------------------------------------------- */

static void collect_garbage(struct watcher *w)
{
    int64_t interval = w->server->opts.job_gc_interval_ms;
    int64_t now_ms = clock_mono_ms();
    bool asked = atomic_exchange(&w->gc_asked, false);
    struct err e = ERR_INIT;

    if (asked || (!w->gc.running && now_ms >= w->gc_at_ms)) {
        gc_start(&w->gc, asked);
        if (acl_collect(w->server, clock_wall_ns(), &e) < 0)
            warn("expired ACL tokens are not removed", &e);
        w->gc_at_ms = now_ms + (interval > 0 ? interval : GC_INTERVAL_MS);
    }
    if (gc_slice(&w->gc, &e) < 0) {
        warn("garbage is not collected", &e);
        w->gc.running = false;
        w->gc_at_ms = now_ms + RETRY_MS;
        if (w->gc.force)
            atomic_store(&w->gc_asked, true);
        w->not_before_ms = now_ms + RETRY_MS;
    }
}

void watcher_gc_now(struct nomad_server *s)
{
    uint64_t one = 1;

    if (!s->watcher)
        return;
    atomic_store(&s->watcher->gc_asked, true);
    if (write(s->watcher->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        abort(); /* an eventfd of ours */
}

/* ---- the loop
 * --------------------------------------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The first that the clock alone asks for, in ms; `least` if none is sooner. */
static int64_t first_due(const struct map *m, int64_t now_ns, int64_t least)
{
    void *v;

    for (size_t i = 0; map_next(m, &i, NULL, &v);) {
        const struct entry *n = v;

        if (n->again_ns)
            least =
                sooner(least, n->again_ns <= now_ns ? 0 : (n->again_ns - now_ns) / 1000000 + 1);
    }
    return least;
}

static int timeout_ms(const struct watcher *w)
{
    int64_t now_ns = clock_wall_ns(), now_ms = clock_mono_ms(), least = LONGEST_SLEEP_MS;

    if (w->not_before_ms > now_ms)
        return (int)(w->not_before_ms - now_ms);
    if (w->gc.running)
        return 0;
    least = sooner(least, w->gc_at_ms > now_ms ? w->gc_at_ms - now_ms : 0);
    least = first_due(&w->active, now_ns, least);
    return (int)first_due(&w->draining, now_ns, least);
}

static void wait_for_work(struct watcher *w)
{
    uint64_t n;
    bool resting = w->not_before_ms > clock_mono_ms();
    struct pollfd fds[] = {{.fd = w->stop.fd, .events = POLLIN},
                           {.fd = resting ? -1 : w->wake_fd, .events = POLLIN},
                           {.fd = resting ? -1 : watch_fd(w->deployments), .events = POLLIN},
                           {.fd = resting ? -1 : watch_fd(w->nodes), .events = POLLIN},
                           {.fd = -1, .events = POLLIN}};

    if (w->allocs && !resting)
        fds[4].fd = watch_fd(w->allocs);
    poll(fds, ARRAY_LEN(fds), timeout_ms(w));
    if (read(w->wake_fd, &n, sizeof n) < 0 && errno != EAGAIN && errno != EINTR)
        abort();
}

static void run(void *arg)
{
    struct watcher *w = arg;

    while (!stopper_is_set(&w->stop)) {
        take_changes(w);
        if (w->not_before_ms <= clock_mono_ms()) {
            look_at_all(w);
            collect_garbage(w);
        }
        wait_for_work(w);
    }
}

/* Tokens are ended at another server: its silence must hold up nothing else. */
static void run_revocations(void *arg)
{
    struct watcher *w = arg;
    struct watch_event ev;

    while (!stopper_is_set(&w->stop)) {
        secrets_queue_turn(w->server);
        if (watch_next(w->revoked, &w->stop, clock_mono_ms() + REVOCATION_POLL_MS, &ev, NULL) <
            0)
            continue;
        while (watch_next(w->revoked, NULL, 1, &ev, NULL) > 0)
            ;
    }
}

/* ---- start and stop
 * --------------------------------------------------------------------------- */

static int open_watches(struct watcher *w, struct err *e)
{
    struct store *store = w->server->opts.store;
    auto_txn struct txn *t = NULL;
    struct key k;
    int r = txn_begin(store, TXN_READ_ONLY, &t, e);

    if (r == 0)
        r = note_all(w, t, &deployment_table, note_deployment, e);
    if (r == 0)
        r = note_all(w, t, &node_table, note_node, e);
    if (r == 0)
        r = watch_open(store, table_prefix(&deployment_table, &k), txn_rev(t), &w->deployments,
                       e);
    if (r == 0)
        r = watch_open(store, table_prefix(&node_table, &k), txn_rev(t), &w->nodes, e);
    if (r == 0)
        r = watch_open(store, table_prefix(&revocation_table, &k), txn_rev(t), &w->revoked, e);
    return r;
}

int watcher_start(struct nomad_server *s, struct err *e)
{
    struct watcher *w = calloc(1, sizeof *w);
    int64_t interval = s->opts.job_gc_interval_ms;
    int r;

    if (!w)
        abort();
    s->watcher = w;
    w->server = w->gc.server = s;
    w->gc_at_ms = clock_mono_ms() + (interval > 0 ? interval : GC_INTERVAL_MS);
    w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = w->wake_fd < 0 ? err_set_errno(e, ERR_LIMIT, "eventfd") : 0;
    if (stopper_init(&w->stop, r < 0 ? NULL : e) < 0 && r == 0)
        r = ERR_LIMIT;
    if (r == 0)
        r = open_watches(w, e);
    if (r == 0)
        r = thread_start(&w->thread, "watcher", run, w, e);
    if (r == 0 && s->opts.secrets && s->opts.secrets->revoke)
        r = thread_start(&w->revocations, "revocations", run_revocations, w, e);
    return r;
}

void watcher_stop(struct nomad_server *s)
{
    struct watcher *w = s->watcher;

    if (!w)
        return;
    stopper_stop(&w->stop);
    thread_join(&w->thread);
    thread_join(&w->revocations);
    watch_close(w->deployments);
    watch_close(w->nodes);
    watch_close(w->allocs);
    watch_close(w->revoked);
    entries_done(&w->active);
    entries_done(&w->draining);
    if (w->wake_fd >= 0)
        close(w->wake_fd);
    stopper_done(&w->stop);
    free(w);
    s->watcher = NULL;
}
