/*
 * The scheduler's thread: its mirror of the cluster, the evaluations that wait, one plan after
 * the other.
 *
 *      eval row:  pending --due--> processed --plan committed--> complete (+ blocked,
 * follow-ups) blocked --capacity--> pending
 *
 * The rows in the store are the queue: what is in memory is only an index of them, fed by
 * watches, so nothing is lost by a stop. The mirror has caught up with the last plan before the
 * next one is made.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "nomad/sched/sched.h"
#include "nomad/server/sched_config.h"

enum {
    RETRY_MS = 1000, /* after a commit that failed for want of disk, or the like */
    CONFLICT_TRIES = 20,
    UNBLOCK_BATCH = 200,
    ID_SIZE = 37,
};

struct waiting {
    char id[ID_SIZE];
    int64_t priority, wait_until_ns;
    uint64_t create_rev;
};

struct ask {
    sched_ask_fn *fn;
    void *arg;
    struct err *e;
    int result;
    bool taken, done; /* taken: the scheduler's thread has it, and will answer */
    struct ask *next;
};

struct scheduler {
    struct nomad_server *server;
    struct thread thread;
    struct stopper stop;
    struct sched *mirror;
    struct watch *nodes, *allocs, *evals;
    VEC(struct waiting) pending;
    VEC(struct waiting) blocked;
    bool capacity; /* something became free since the blocked were last tried */
    int64_t not_before_ms;

    struct lock lock; /* asks */
    struct cond answered;
    struct ask *asks;
    int ask_fd;
    bool paused; /* by operators: evaluations wait */
    atomic_ullong n_pending, n_blocked;
};

/* ---- the index of evaluations ----------------------------------------------------------- */

#define DROP(list, id_)                                  \
    do {                                                 \
        for (size_t i_ = 0; i_ < (list)->len; i_++)      \
            if (strcmp((list)->at[i_].id, (id_)) == 0) { \
                vec_remove_swap((list), i_);             \
                break;                                   \
            }                                            \
    } while (0)

static void index_eval(struct scheduler *s, const char *id, const struct object *o)
{
    const struct eval *ev = o ? o->body : NULL;
    struct waiting w = {0};

    DROP(&s->pending, id);
    DROP(&s->blocked, id);
    if (ev && strlen(id) < ID_SIZE) {
        memcpy(w.id, id, strlen(id) + 1);
        w.priority = ev->priority;
        w.wait_until_ns = ev->wait_until;
        w.create_rev = o->create_rev;
        if (strcmp(ev->status, EVAL_PENDING) == 0)
            vec_push(&s->pending, w);
        else if (strcmp(ev->status, EVAL_BLOCKED) == 0)
            vec_push(&s->blocked, w);
    }
    atomic_store(&s->n_pending, s->pending.len);
    atomic_store(&s->n_blocked, s->blocked.len);
}

/* Highest priority first, then the oldest. NULL: none is due. */
static const struct waiting *next_due(const struct scheduler *s, int64_t now_ns)
{
    const struct waiting *best = NULL;

    for (size_t i = 0; i < s->pending.len; i++) {
        const struct waiting *w = &s->pending.at[i];

        if (w->wait_until_ns > now_ns)
            continue;
        if (!best || w->priority > best->priority ||
            (w->priority == best->priority && w->create_rev < best->create_rev))
            best = w;
    }
    return best;
}

/* ---- feeding the mirror ----------------------------------------------------------------- */

static void warn(const char *what, const struct err *e)
{
    log_error("scheduler", "%s: %s", what, e->msg);
}

static void feed_node(struct scheduler *s, struct txn *t, const char *id)
{
    struct err e = ERR_INIT;
    const struct object *o;

    if (state_node(t, id, &o, &e) < 0) {
        sched_node_del(s->mirror, id);
        return;
    }
    if (node_is_ready(o->body))
        s->capacity = true;
    if (sched_node_put(s->mirror, o, &e) < 0)
        warn("node not taken into account", &e);
}

static void feed_alloc(struct scheduler *s, struct txn *t, const char *id)
{
    struct err e = ERR_INIT;
    const struct object *o;

    if (state_alloc(t, id, &o, &e) < 0) {
        sched_alloc_del(s->mirror, id);
        s->capacity = true;
        return;
    }
    if (alloc_terminal(o->body))
        s->capacity = true;
    if (sched_alloc_put(s->mirror, o, &e) < 0)
        warn("allocation not taken into account", &e);
}

static void feed_eval(struct scheduler *s, struct txn *t, const char *id)
{
    const struct object *o;

    index_eval(s, id, state_eval(t, id, &o, NULL) < 0 ? NULL : o);
}

typedef void feed_fn(struct scheduler *s, struct txn *t, const char *id);

static int feed_all(struct scheduler *s, struct txn *t, const struct table *table,
                    feed_fn *feed, struct err *e)
{
    struct table_scan it;
    const struct object *o;
    struct key k;
    int r;

    table_prefix(table, &k);
    r = table_scan_begin(t, &it, table, &k, SCAN_PEEK | SCAN_KEYS_ONLY, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        struct str rest = it.index_key, part;
        char id[ID_SIZE];

        if (!key_next(&rest, &part) || !key_next(&rest, &part) || part.len >= sizeof id)
            continue;
        memcpy(id, part.p, part.len);
        id[part.len] = '\0';
        feed(s, t, id);
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int load_everything(struct scheduler *s, struct err *e)
{
    auto_txn struct txn *t = NULL;
    struct store *store = s->server->opts.store;
    struct key k;
    int r = txn_begin(store, TXN_READ_ONLY, &t, e);

    if (r == 0)
        r = feed_all(s, t, &node_table, feed_node, e);
    if (r == 0)
        r = feed_all(s, t, &alloc_table, feed_alloc, e);
    if (r == 0)
        r = feed_all(s, t, &eval_table, feed_eval, e);
    if (r == 0)
        r = watch_open(store, table_prefix(&node_table, &k), txn_rev(t), &s->nodes, e);
    if (r == 0)
        r = watch_open(store, table_prefix(&alloc_table, &k), txn_rev(t), &s->allocs, e);
    if (r == 0)
        r = watch_open(store, table_prefix(&eval_table, &k), txn_rev(t), &s->evals, e);
    return r;
}

/* Everything that waits in one watch; the newest state is read, whatever the event said. */
static void drain_watch(struct scheduler *s, struct watch *w, const struct table *table,
                        feed_fn *feed)
{
    struct watch_event ev;
    auto_txn struct txn *t = NULL;

    while (watch_next(w, NULL, 1, &ev, NULL) > 0) {
        struct str rest = ev.key, part;
        char id[ID_SIZE];

        if (t && ev.rev > txn_rev(t)) {
            txn_drop(t);
            t = NULL;
        }
        if (!t && txn_begin(s->server->opts.store, TXN_READ_ONLY, &t, NULL) < 0)
            return;
        if (ev.kind == WATCH_RESYNC) {
            feed_all(s, t, table, feed, NULL);
            continue;
        }
        if (!key_next(&rest, &part) || !key_next(&rest, &part) || part.len >= sizeof id)
            continue;
        memcpy(id, part.p, part.len);
        id[part.len] = '\0';
        feed(s, t, id);
    }
}

static void drain(struct scheduler *s)
{
    drain_watch(s, s->nodes, &node_table, feed_node);
    drain_watch(s, s->allocs, &alloc_table, feed_alloc);
    drain_watch(s, s->evals, &eval_table, feed_eval);
}

/* ---- one evaluation --------------------------------------------------------------------- */

static int read_input(struct scheduler *s, struct txn *t, const struct eval *ev,
                      struct arena *a, struct job_source *src, struct sched_input *ret,
                      struct err *e)
{
    const struct object *job = NULL, *d;
    int r = state_job(t, ev->namespace, ev->job_id, &job, e);

    (void)s;
    if (r == ERR_NOTFOUND)
        job = NULL;
    else if (r < 0)
        return r;
    r = job_latest_deployment(t, ev->namespace, ev->job_id, &d, e);
    if (r < 0)
        return r;
    *src = (struct job_source){t, a, ev->namespace, ev->job_id};
    *ret = (struct sched_input){.eval = ev,
                                .job = job ? state_body(job, a) : NULL,
                                .deployment = d ? state_body(d, a) : NULL,
                                .now_ns = clock_wall_ns(),
                                .snapshot_index = txn_rev(t),
                                .seed = {random_u64(), random_u64()}};
    return sched_input_fill(ret, src, e);
}

static int fail_eval(struct txn *t, const struct object *o, const char *why, struct err *e)
{
    struct object *copy = state_copy(o);
    struct eval *ev = copy->body;

    ev->status = EVAL_FAILED;
    ev->status_description = arena_strdup(copy->arena, why);
    ev->modify_time = clock_wall_ns();
    return state_put(t, &eval_table, copy, e);
}

static int process_in(struct scheduler *s, struct txn *t, const char *id, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct sched_input in;
    struct job_source src;
    const struct object *o;
    const struct eval *ev;
    struct plan plan = {0};
    struct err why = ERR_INIT;
    int r = state_eval(t, id, &o, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    ev = state_body(o, a);
    if (strcmp(ev->status, EVAL_PENDING) != 0)
        return 0;
    r = read_input(s, t, ev, a, &src, &in, e);
    if (r < 0)
        return r;
    r = sched_process(s->mirror, &in, a, &plan, &why);
    if (r < 0)
        return fail_eval(t, o, why.msg, e);
    return plan_commit(s->server, t, o, &plan, in.now_ns, e);
}

/* 0: done, or somebody else has; else it stays pending. */
static int process(struct scheduler *s, const char *id, struct err *e)
{
    for (int try = 0; try < CONFLICT_TRIES; try++) {
        struct txn *t;
        int r = txn_begin(s->server->opts.store, 0, &t, e);

        if (r == 0)
            r = process_in(s, t, id, e);
        if (r < 0) {
            txn_drop(t);
            return r;
        }
        if (!txn_has_writes(t)) {
            txn_drop(t);
            return 0;
        }
        r = txn_commit_wait(t, NULL, e);
        if (r != ERR_CONFLICT)
            return r;
        drain(s);
    }
    return err_set(e, ERR_CONFLICT, "evaluation %s meets changes again and again", id);
}

/* ---- blocked ones ----------------------------------------------------------------------- */

static int unblock_in(struct txn *t, void *arg, struct err *e)
{
    struct scheduler *s = arg;
    size_t n = s->blocked.len < UNBLOCK_BATCH ? s->blocked.len : UNBLOCK_BATCH;
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct object *o;
        struct object *copy;
        struct eval *ev;

        r = state_eval(t, s->blocked.at[i].id, &o, e);
        if (r == ERR_NOTFOUND) {
            r = 0;
            continue;
        }
        if (r < 0 || strcmp(((const struct eval *)o->body)->status, EVAL_BLOCKED) != 0)
            continue;
        copy = state_copy(o);
        ev = copy->body;
        ev->status = EVAL_PENDING;
        ev->modify_time = clock_wall_ns();
        r = state_put(t, &eval_table, copy, e);
    }
    return r;
}

static void unblock(struct scheduler *s)
{
    struct err e = ERR_INIT;

    if (!s->capacity || s->blocked.len == 0) {
        s->capacity = false;
        return;
    }
    s->capacity = s->blocked.len > UNBLOCK_BATCH;
    if (store_run(s->server->opts.store, unblock_in, s, 0, NULL, &e) < 0) {
        warn("blocked evaluations are not woken, retrying", &e);
        s->capacity = true;
        s->not_before_ms = clock_mono_ms() + RETRY_MS;
    }
}

/* ---- questions from API calls ----------------------------------------------------------- */

static void answer_asks(struct scheduler *s)
{
    uint64_t n;
    struct ask *list;

    if (read(s->ask_fd, &n, sizeof n) < 0 && errno != EAGAIN)
        return;
    lock_take(&s->lock);
    list = s->asks;
    s->asks = NULL;
    for (struct ask *a = list; a; a = a->next)
        a->taken = true;
    lock_drop(&s->lock);
    while (list) {
        struct ask *a = list;

        list = a->next;
        a->result = a->fn(s->server, s->mirror, a->arg, a->e);
        lock_take(&s->lock);
        a->done = true;
        cond_broadcast(&s->answered);
        lock_drop(&s->lock);
    }
}

/* Nobody will answer it any more. */
static void take_back(struct scheduler *s, const struct ask *a)
{
    struct ask **p = &s->asks;

    while (*p && *p != a)
        p = &(*p)->next;
    if (*p)
        *p = a->next;
}

void scheduler_wake(struct nomad_server *server)
{
    uint64_t one = 1;

    if (server->scheduler && write(server->scheduler->ask_fd, &one, sizeof one) < 0)
        abort(); /* an eventfd of ours */
}

int scheduler_ask(struct nomad_server *server, sched_ask_fn *fn, void *arg, struct err *e)
{
    struct scheduler *s = server->scheduler;
    struct ask a = {.fn = fn, .arg = arg, .e = e};
    uint64_t one = 1;

    if (!s || stopper_is_set(&s->stop))
        return err_set(e, ERR_UNAVAIL, "the scheduler is stopping");
    lock_take(&s->lock);
    a.next = s->asks;
    s->asks = &a;
    if (write(s->ask_fd, &one, sizeof one) < 0)
        abort(); /* an eventfd of ours */
    while (!a.done && (a.taken || !stopper_is_set(&s->stop)))
        cond_wait(&s->answered, &s->lock);
    if (!a.done)
        take_back(s, &a);
    lock_drop(&s->lock);
    return a.done ? a.result : err_set(e, ERR_UNAVAIL, "the scheduler is stopping");
}

/* ---- the loop --------------------------------------------------------------------------- */

static int timeout_ms(const struct scheduler *s, int64_t now_ns)
{
    int64_t least = -1;

    if (s->not_before_ms)
        return RETRY_MS;
    if (s->paused)
        return -1;
    if (s->capacity && s->blocked.len) /* noticed after this turn's look at the blocked */
        return 0;
    for (size_t i = 0; i < s->pending.len; i++) {
        int64_t left = (s->pending.at[i].wait_until_ns - now_ns) / 1000000 + 1;

        if (s->pending.at[i].wait_until_ns && (least < 0 || left < least))
            least = left < 0 ? 0 : left;
    }
    return least > 60000 ? 60000 : (int)least;
}

static void wait_for_work(struct scheduler *s)
{
    struct pollfd fds[] = {{.fd = s->stop.fd, .events = POLLIN},
                           {.fd = s->ask_fd, .events = POLLIN},
                           {.fd = watch_fd(s->nodes), .events = POLLIN},
                           {.fd = watch_fd(s->allocs), .events = POLLIN},
                           {.fd = watch_fd(s->evals), .events = POLLIN}};

    poll(fds, ARRAY_LEN(fds), timeout_ms(s, clock_wall_ns()));
}

/* Do operators want evaluations to wait? */
static bool is_paused(struct scheduler *s)
{
    auto_arena struct arena *a = arena_new(0);
    auto_txn struct txn *t = NULL;
    struct sched_config conf = {0};

    return txn_begin(s->server->opts.store, TXN_READ_ONLY, &t, NULL) == 0 &&
           sched_config_load(t, a, &conf, NULL) == 0 && conf.pause_eval_broker;
}

static void turn(struct scheduler *s)
{
    const struct waiting *w;

    drain(s);
    answer_asks(s);
    if (s->not_before_ms && clock_mono_ms() < s->not_before_ms)
        return;
    s->not_before_ms = 0;
    s->paused = is_paused(s);
    if (s->paused)
        return;
    unblock(s);
    while (!stopper_is_set(&s->stop) && (w = next_due(s, clock_wall_ns()))) {
        struct waiting now = *w;
        struct err e = ERR_INIT;

        if (process(s, now.id, &e) < 0) {
            warn("evaluation not processed, retrying", &e);
            s->not_before_ms = clock_mono_ms() + RETRY_MS;
            return;
        }
        DROP(&s->pending, now.id);
        drain(s);
        answer_asks(s);
    }
}

static void run(void *arg)
{
    struct scheduler *s = arg;

    while (!stopper_is_set(&s->stop)) {
        turn(s);
        wait_for_work(s);
    }
}

int scheduler_start(struct nomad_server *server, struct err *e)
{
    struct scheduler *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        abort();
    server->scheduler = s;
    s->server = server;
    s->mirror = sched_new();
    lock_init(&s->lock, "scheduler", RANK_SERVER);
    cond_init(&s->answered);
    s->ask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = stopper_init(&s->stop, e);
    if (r == 0)
        r = load_everything(s, e);
    return r < 0 ? r : thread_start(&s->thread, "scheduler", run, s, e);
}

void scheduler_stop(struct nomad_server *server)
{
    struct scheduler *s = server->scheduler;

    if (!s)
        return;
    stopper_stop(&s->stop);
    lock_take(&s->lock);
    cond_broadcast(&s->answered);
    lock_drop(&s->lock);
    thread_join(&s->thread);
    watch_close(s->nodes);
    watch_close(s->allocs);
    watch_close(s->evals);
    sched_free(s->mirror);
    vec_done(&s->pending);
    vec_done(&s->blocked);
    close(s->ask_fd);
    stopper_done(&s->stop);
    cond_done(&s->answered);
    lock_done(&s->lock);
    free(s);
    server->scheduler = NULL;
}

void scheduler_stats(struct nomad_server *server, struct nomad_server_stats *ret)
{
    if (!server->scheduler)
        return;
    ret->evals_pending = atomic_load(&server->scheduler->n_pending);
    ret->evals_blocked = atomic_load(&server->scheduler->n_blocked);
}
