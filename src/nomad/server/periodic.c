#include "nomad/server/periodic.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "nomad/model/cron.h"
#include "nomad/server/job_api.h"

enum {
    LONGEST_SLEEP_MS = 60000, /* the wall clock may be set meanwhile */
    RETRY_MS = 1000,          /* after a commit that failed */
    FORCE_TRIES = 60,         /* seconds that may be taken already */
};

/* ---- a job's times ---------------------------------------------------------------------- */

struct times {
    struct crons crons;
    struct cron *all;
    struct zone *zone;
};

static void times_done(struct times *t)
{
    free(t->all);
    zone_free(t->zone);
}

/* What cannot be read has been refused when the job came: nothing is due then. */
static void times_of(const struct job *j, struct times *ret)
{
    const struct periodic *p = j->periodic;
    bool one = p->spec && *p->spec;
    size_t n = 0;

    *ret = (struct times){.all = calloc(p->specs.len + 1, sizeof(struct cron))};
    if (!ret->all)
        abort();
    if (zone_load(p->time_zone, &ret->zone, NULL) < 0)
        return;
    if (one && cron_parse(str_of(p->spec), &ret->all[n], NULL) == 0)
        n++;
    list_each (&p->specs, spec)
        if (cron_parse(str_of(*spec), &ret->all[n], NULL) == 0)
            n++;
    ret->crons = (struct crons){ret->all, n, ret->zone};
}

int64_t periodic_next(const struct job *j, int64_t after_s)
{
    struct times t;
    int64_t next;

    if (!job_periodic_active(j))
        return CRON_NEVER;
    times_of(j, &t);
    next = crons_next(&t.crons, after_s);
    times_done(&t);
    return next;
}

static int64_t periodic_latest(const struct job *j, int64_t after_s, int64_t until_s)
{
    struct times t;
    int64_t latest;

    times_of(j, &t);
    latest = crons_latest(&t.crons, after_s, until_s);
    times_done(&t);
    return latest;
}

/* ---- launching -------------------------------------------------------------------------- */

static const char *child_id(struct arena *a, const struct job *parent, int64_t at_s)
{
    return arena_printf(a, "%s/periodic-%lld", parent->id, (long long)at_s);
}

static int put_launch(const struct job_tx *x, const struct job *parent, int64_t at_s,
                      struct err *e)
{
    struct object *o = object_new(&periodic_launch_schema);
    struct periodic_launch *l = o->body;

    l->namespace = arena_strdup(o->arena, parent->namespace);
    l->job_id = arena_strdup(o->arena, parent->id);
    l->at_s = at_s;
    return state_put(x->txn, &periodic_launch_table, o, e);
}

static int put_instance(const struct job_tx *x, const struct job *parent, int64_t at_s,
                        const char **ret_eval_id, struct err *e)
{
    struct job *j = schema_copy(&job_schema, parent, x->arena);

    j->id = j->name = child_id(x->arena, parent, at_s);
    j->parent_id = parent->id;
    j->periodic = NULL;
    j->status_description = "";
    return job_put_child(x, j, EVAL_BY_PERIODIC, ret_eval_id, e);
}

/* 1: a child of the job is not over yet. */
static int child_lives(struct txn *t, const struct job *parent, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    bool lives = false;
    int r;

    table_index_key(&k, &job_table, "by_parent");
    key_addz(&k, parent->namespace);
    key_addz(&k, parent->id);
    r = table_scan_index(t, &it, &job_table, &k, 0, e);
    if (r < 0)
        return r;
    while (!lives && (r = table_scan_next(&it, &o, e)) > 0)
        lives = strcmp(str_or_empty(((const struct job *)o->body)->status), "dead") != 0;
    table_scan_end(&it);
    return r < 0 ? r : lives;
}

/* 1: there is such a job already. */
static int child_exists(const struct job_tx *x, const struct job *parent, int64_t at_s,
                        struct err *e)
{
    const struct object *o;
    int r = state_job(x->txn, parent->namespace, child_id(x->arena, parent, at_s), &o, e);

    return r == ERR_NOTFOUND ? 0 : r < 0 ? r : 1;
}

static int launch_at(const struct job_tx *x, const struct job *parent, int64_t at_s,
                     struct err *e)
{
    const struct periodic *p = parent->periodic;
    const char *eval_id;
    int r = child_exists(x, parent, at_s, e);

    if (r == 0 && p->prohibit_overlap && *p->prohibit_overlap)
        r = child_lives(x->txn, parent, e);
    if (r == 0)
        r = put_instance(x, parent, at_s, &eval_id, e);
    return r < 0 ? r : put_launch(x, parent, at_s, e);
}

struct launch {
    const char *namespace, *id;
};

static int get_launch(struct txn *t, const char *ns, const char *id, const struct object **ret,
                      struct err *e)
{
    struct key k;

    key_init(&k, periodic_launch_table.name);
    key_addz(&k, ns);
    key_addz(&k, id);
    return table_get(t, &periodic_launch_table, &k, ret, e);
}

/* The clock says that it may be time: looked at anew, with what the store says now. */
static int launch_due(struct txn *t, void *arg, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    const struct launch *l = arg;
    struct job_tx x = {t, a, clock_wall_ns()};
    const struct object *job, *row;
    int64_t at_s;
    int r = get_launch(t, l->namespace, l->id, &row, e);

    if (r == 0)
        r = state_job(t, l->namespace, l->id, &job, e);
    if (r < 0)
        return r == ERR_NOTFOUND ? 0 : r;
    if (!job_periodic_active(job->body))
        return 0;
    at_s = periodic_latest(job->body, ((const struct periodic_launch *)row->body)->at_s,
                           x.now_ns / 1000000000);
    return at_s == CRON_NEVER ? 0 : launch_at(&x, job->body, at_s, e);
}

/* ---- the loop --------------------------------------------------------------------------- */

struct entry {
    int64_t next_s;
    int64_t not_before_ms; /* monotonic, after a failure */
    size_t key_len;
    char key[STORE_KEY_MAX];
};

struct periodic_loop {
    struct nomad_server *server;
    struct thread thread;
    struct stopper stop;
    struct watch *rows;
    struct map entries; /* struct entry by its row's key */
};

static void forget(struct periodic_loop *p, struct str key)
{
    free(map_del(&p->entries, key));
}

static void forget_all(struct periodic_loop *p)
{
    void *n;

    for (size_t i = 0; map_next(&p->entries, &i, NULL, &n);)
        free(n);
    map_done(&p->entries);
    p->entries = (struct map){0};
}

static void remember(struct periodic_loop *p, struct str key, int64_t next_s)
{
    struct entry *n = map_get(&p->entries, key);

    if (!n) {
        n = calloc(1, sizeof *n);
        if (!n)
            abort();
        n->key_len = key.len;
        memcpy(n->key, key.p, key.len);
        map_put(&p->entries, str_n(n->key, n->key_len), n);
    }
    n->next_s = next_s;
}

/* "periodic_launch", namespace, id */
static bool names_of(struct str key, struct arena *a, struct launch *ret)
{
    struct str table, ns, id;

    if (!key_next(&key, &table) || !key_next(&key, &ns) || !key_next(&key, &id))
        return false;
    ret->namespace = arena_cstr(a, ns);
    ret->id = arena_cstr(a, id);
    return true;
}

/* When is the job of this row due next? */
static int look_at(struct periodic_loop *p, struct txn *t, struct str key, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    const struct object *row, *job;
    int64_t next = CRON_NEVER;
    struct launch l;
    int r;

    if (!names_of(key, a, &l))
        return 0;
    r = get_launch(t, l.namespace, l.id, &row, e);
    if (r == 0)
        r = state_job(t, l.namespace, l.id, &job, e);
    if (r == 0)
        next = periodic_next(job->body, ((const struct periodic_launch *)row->body)->at_s);
    if (next == CRON_NEVER)
        forget(p, key);
    else
        remember(p, key, next);
    return r == ERR_NOTFOUND ? 0 : r;
}

static int look_at_all(struct periodic_loop *p, struct txn *t, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    forget_all(p);
    table_prefix(&periodic_launch_table, &k);
    r = table_scan_begin(t, &it, &periodic_launch_table, &k, SCAN_PEEK | SCAN_KEYS_ONLY, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        r = look_at(p, t, it.index_key, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static void take_changes(struct periodic_loop *p)
{
    auto_txn struct txn *t = NULL;
    struct err e = ERR_INIT;
    struct watch_event ev;

    while (watch_next(p->rows, NULL, 1, &ev, NULL) > 0) {
        int r = 0;

        if (t && ev.rev > txn_rev(t)) {
            txn_drop(t);
            t = NULL;
        }
        if (!t)
            r = txn_begin(p->server->opts.store, TXN_READ_ONLY, &t, &e);
        if (r == 0)
            r = ev.kind == WATCH_RESYNC ? look_at_all(p, t, &e) : look_at(p, t, ev.key, &e);
        if (r < 0)
            log_warn("periodic", "a job's launches are not followed: %s", e.msg);
    }
}

/* False: it has to be tried again. */
static bool launch(struct periodic_loop *p, struct entry *n)
{
    auto_arena struct arena *a = arena_new(0);
    auto_txn struct txn *t = NULL;
    struct err e = ERR_INIT;
    struct launch l;
    int r;

    names_of(str_n(n->key, n->key_len), a, &l);
    r = store_run(p->server->opts.store, launch_due, &l, 0, NULL, &e);
    if (r < 0) {
        log_warn("periodic", "job \"%s\" is not launched, retrying: %s", l.id, e.msg);
        n->not_before_ms = clock_mono_ms() + RETRY_MS;
        return false;
    }
    n->next_s = CRON_NEVER; /* the row's change says when next */
    r = txn_begin(p->server->opts.store, TXN_READ_ONLY, &t, &e);
    if (r == 0)
        r = look_at(p, t, str_n(n->key, n->key_len), &e);
    return r == 0;
}

static bool is_due(const struct entry *n)
{
    return n->next_s <= clock_wall_s() && n->not_before_ms <= clock_mono_ms();
}

/* One job's failure holds up no other. Looking at an entry may take it out of the map, so each
 * is found anew. */
static void launch_all(struct periodic_loop *p)
{
    bool again = true;

    while (again && !stopper_is_set(&p->stop)) {
        void *v;

        again = false;
        for (size_t i = 0; map_next(&p->entries, &i, NULL, &v);)
            if (is_due(v)) {
                launch(p, v);
                again = true;
                break;
            }
    }
}

static int64_t first_due_ms(const struct periodic_loop *p)
{
    int64_t now_ms = clock_mono_ms(), wall_ms = clock_wall_ms(), least = LONGEST_SLEEP_MS;
    void *v;

    for (size_t i = 0; map_next(&p->entries, &i, NULL, &v);) {
        const struct entry *n = v;
        int64_t wait;

        if (n->next_s == CRON_NEVER)
            continue;
        wait = n->next_s * 1000 - wall_ms;
        if (wait < n->not_before_ms - now_ms)
            wait = n->not_before_ms - now_ms;
        if (wait < least)
            least = wait;
    }
    return now_ms + (least > 0 ? least : 0);
}

static void run(void *arg)
{
    struct periodic_loop *p = arg;

    while (!stopper_is_set(&p->stop)) {
        struct pollfd fds[] = {{.fd = p->stop.fd, .events = POLLIN},
                               {.fd = watch_fd(p->rows), .events = POLLIN}};

        take_changes(p);
        launch_all(p);
        poll(fds, ARRAY_LEN(fds), clock_poll_ms(first_due_ms(p)));
    }
}

int periodic_start(struct nomad_server *s, struct err *e)
{
    struct periodic_loop *p = calloc(1, sizeof *p);
    auto_txn struct txn *t = NULL;
    struct key k;
    int r;

    if (!p)
        abort();
    s->periodic = p;
    p->server = s;
    r = stopper_init(&p->stop, e);
    if (r == 0)
        r = txn_begin(s->opts.store, TXN_READ_ONLY, &t, e);
    if (r == 0)
        r = look_at_all(p, t, e);
    if (r == 0)
        r = watch_open(s->opts.store, table_prefix(&periodic_launch_table, &k), txn_rev(t),
                       &p->rows, e);
    return r < 0 ? r : thread_start(&p->thread, "periodic", run, p, e);
}

void periodic_stop(struct nomad_server *s)
{
    struct periodic_loop *p = s->periodic;

    if (!p)
        return;
    stopper_stop(&p->stop);
    thread_join(&p->thread);
    watch_close(p->rows);
    forget_all(p);
    stopper_done(&p->stop);
    free(p);
    s->periodic = NULL;
}

/* ---- force ------------------------------------------------------------------------------ */

static void reply_forced(struct call *c, uint64_t rev, void *arg)
{
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_u64(w, "EvalCreateIndex", rev);
    json_kv_str(w, "EvalID", arg);
    json_kv_u64(w, "Index", rev);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

/* Two launches of one second have different names: the later one gets the next free second. */
static int free_second(const struct job_tx *x, const struct job *j, int64_t *at_s,
                       struct err *e)
{
    for (int i = 0; i < FORCE_TRIES; i++, (*at_s)++) {
        int r = child_exists(x, j, *at_s, e);

        if (r <= 0)
            return r;
    }
    return nomad_fail(e, 500,
                      "force launch for job \"%s\" failed: it was launched %d times "
                      "this minute",
                      j->id, FORCE_TRIES);
}

int job_periodic_force(struct call *c, const char *id, struct err *e)
{
    struct job_tx x = job_tx_of(c);
    int64_t at_s = c->now_ns / 1000000000;
    const struct object *o, *row;
    const char *eval_id;
    const struct job *j;
    int r = job_find(c, id, &o, e);

    if (r < 0)
        return r;
    if (!o)
        return nomad_fail(e, 500, "job not found");
    j = o->body;
    if (!job_is_periodic(j))
        return nomad_fail(e, 500, "can't force launch non-periodic job");
    if (!job_periodic_active(j))
        return nomad_fail(e, 500,
                          "force launch for job \"%s\" failed: can't force run non-tracked job "
                          "\"%s\" (%s)",
                          id, id, j->namespace);
    r = free_second(&x, j, &at_s, e);
    if (r == 0)
        r = put_instance(&x, j, at_s, &eval_id, e);
    if (r == 0)
        r = get_launch(c->txn, j->namespace, j->id, &row, e);
    if (r == 0 && ((const struct periodic_launch *)row->body)->at_s < at_s)
        r = put_launch(&x, j, at_s, e);
    if (r == 0 || r == ERR_NOTFOUND) {
        call_on_commit(c, reply_forced, (void *)eval_id);
        r = 0;
    }
    return r;
}
