/*
 * Engine calls that undo what a lease stands for. They run on the blocking pool, without a
 * transaction; the lease's record changes only afterwards, so a stop in between means that the
 * same call is made again ("already gone" is success there).
 *
 * One call at a time for one lease, whoever wants it; at most LEASE_REVOKES_AT_ONCE for the
 * loop, and at most LEASE_PER_MOUNT_AT_ONCE of these for one mount.
 */
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "vault/core/lease_priv.h"

struct lease_job {
    struct lease_job *next;
    struct lease_jobs *jobs;
    struct arena *arena;
    const char *id, *mount_uuid;
    const struct object *lease; /* NULL: not looked up yet */
    const struct mount *mount;
    bool of_loop;
};

struct lease_jobs {
    struct vault *vault;
    struct lock *lock; /* the loop's; over all that follows */
    struct cond *changed;
    bool *poke; /* set whenever one has ended */
    struct lease_job *first;
    size_t n, n_of_loop;
};

struct lease_jobs *lease_jobs_new(struct vault *v, struct lock *lock, struct cond *changed,
                                  bool *poke)
{
    struct lease_jobs *j = calloc(1, sizeof *j);

    if (!j)
        abort();
    *j = (struct lease_jobs){.vault = v, .lock = lock, .changed = changed, .poke = poke};
    return j;
}

void lease_jobs_free(struct lease_jobs *j)
{
    free(j);
}

void lease_jobs_wait(struct lease_jobs *j)
{
    auto_lock struct lock *held = lock_scope(j->lock);

    while (j->n)
        cond_wait(j->changed, j->lock);
}

/* ---- the set of those under way; lock held ------------------------------------------------
 */

static bool has(const struct lease_jobs *j, const char *id)
{
    for (const struct lease_job *x = j->first; x; x = x->next)
        if (strcmp(x->id, id) == 0)
            return true;
    return false;
}

/* For one more, when so many others are about to begin. */
static bool has_room(const struct lease_jobs *j, const char *mount_uuid, size_t others,
                     size_t others_of_mount)
{
    size_t of_mount = others_of_mount;

    for (const struct lease_job *x = j->first; x; x = x->next)
        of_mount += x->of_loop && strcmp(x->mount_uuid, mount_uuid) == 0;
    return j->n_of_loop + others < LEASE_REVOKES_AT_ONCE && of_mount < LEASE_PER_MOUNT_AT_ONCE;
}

static struct lease_job *add_job(struct lease_jobs *j, const char *id, const char *mount_uuid,
                                 bool of_loop)
{
    struct arena *a = arena_new(0);
    struct lease_job *x = arena_new_of(a, struct lease_job);

    arena_set_wipe(a);
    *x = (struct lease_job){.next = j->first,
                            .jobs = j,
                            .arena = a,
                            .id = arena_strdup(a, id),
                            .mount_uuid = arena_strdup(a, mount_uuid),
                            .of_loop = of_loop};
    j->first = x;
    j->n++;
    j->n_of_loop += of_loop;
    return x;
}

static void end_job(struct lease_job *x)
{
    struct lease_jobs *j = x->jobs;

    object_unref(x->lease);
    lock_take(j->lock);
    for (struct lease_job **p = &j->first; *p; p = &(*p)->next) {
        if (*p == x) {
            *p = x->next;
            break;
        }
    }
    j->n--;
    j->n_of_loop -= x->of_loop;
    *j->poke = true;
    cond_broadcast(j->changed);
    lock_drop(j->lock);
    arena_free(x->arena);
}

bool lease_jobs_has(struct lease_jobs *j, const char *id)
{
    auto_lock struct lock *held = lock_scope(j->lock);

    return has(j, id);
}

bool lease_jobs_have_room(struct lease_jobs *j, const char *mount_uuid, size_t others,
                          size_t others_of_mount)
{
    auto_lock struct lock *held = lock_scope(j->lock);

    return has_room(j, mount_uuid, others, others_of_mount);
}

/* ---- what comes of it -------------------------------------------------------------------- */

struct outcome {
    const struct lease *lease;
    int result;
    const struct err *why;
    int64_t now_ns;
};

/* Base, doubled with every try, +-50 % so that what failed together is not tried together. */
static int64_t retry_delay_ns(int64_t tries)
{
    int64_t ms = (int64_t)LEASE_RETRY_BASE_MS << (tries - 1);

    return (ms / 2 + (int64_t)random_below((uint64_t)ms)) * 1000000;
}

static bool is_hopeless(int result)
{
    return result == ERR_UNSUPPORTED || result == ERR_INVALID;
}

static int store_failure(struct txn *t, const struct lease *now, const struct outcome *o,
                         struct err *e)
{
    struct lease l = *now;
    bool was_hopeless = lease_is_in_state(now, LEASE_IRREVOCABLE);

    l.tries++;
    l.last_error = o->why->msg;
    l.state = LEASE_DUE;
    if (was_hopeless || is_hopeless(o->result) || l.tries >= LEASE_REVOKE_TRIES) {
        l.state = LEASE_IRREVOCABLE;
        l.next_try_ns = o->now_ns + LEASE_IRREVOCABLE_RETRY_NS;
    } else {
        l.next_try_ns = o->now_ns + retry_delay_ns(l.tries);
    }
    return lease_put(t, &l, e);
}

static int settle(struct txn *t, void *arg, struct err *e)
{
    const struct outcome *o = arg;
    const struct lease *now;
    int r = lease_get(t, str_of(o->lease->id), &now, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    if (o->result == 0 || lease_is_in_state(now, LEASE_FORCED))
        return lease_del(t, now->id, e);
    return store_failure(t, now, o, e);
}

static int call_engine(struct vault *v, struct lease_job *x, struct err *e)
{
    const struct lease *l = x->lease->body;
    struct lease_env env = {.vault = v,
                            .mount = x->mount,
                            .a = x->arena,
                            .now_ns = clock_wall_ns(),
                            .lease_id = l->id,
                            .issued_ns = l->issued_ns,
                            .internal = l->internal,
                            .data = l->data};

    if (!x->mount || !x->mount->engine->revoke)
        return 0;
    return x->mount->engine->revoke(&env, e);
}

static int revoke_and_settle(struct lease_job *x, struct err *e)
{
    struct vault *v = x->jobs->vault;
    struct err why = ERR_INIT, lost = ERR_INIT;
    struct outcome o = {.lease = x->lease->body, .why = &why};
    int r;

    o.result = call_engine(v, x, &why);
    o.now_ns = clock_wall_ns();
    if (o.result < 0)
        log_warn("lease", "revoke_failed id=%s error=\"%s\", retrying", o.lease->id, why.msg);
    r = store_run(v->opts.store, settle, &o, 0, NULL, &lost);
    if (r < 0 && r != ERR_SEALED)
        log_warn("lease", "cannot_store id=%s error=\"%s\", retrying", o.lease->id, lost.msg);
    return o.result < 0 ? err_set(e, o.result, "%s", why.msg) : 0;
}

/* ---- on the pool --------------------------------------------------------------------------
 */

static int look_up(struct vault *v, struct lease_job *x, struct err *e)
{
    auto_txn struct txn *t = NULL;
    const struct mount *m = NULL;
    const struct object *o;
    const struct lease *l;
    struct key k;
    int r = txn_begin(v->opts.store, TXN_READ_ONLY, &t, e);

    if (r < 0)
        return r;
    key_init(&k, lease_table.name);
    key_addz(&k, x->id);
    r = table_get(t, &lease_table, &k, &o, e);
    if (r < 0)
        return r;
    l = o->body;
    if (lease_due_ns(l) > clock_wall_ns()) /* renewed, or just tried by somebody else */
        return l->tries > 0
                   ? err_set(e, ERR_UPSTREAM, "%s", l->last_error ? l->last_error : "it failed")
                   : err_set(e, ERR_NOTFOUND, "it was renewed");
    r = mount_by_uuid(v, t, l->mount_uuid, &m, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    x->lease = object_ref(o);
    if (r == 0) {
        struct mount *copy = schema_copy(&mount_schema, m, x->arena);

        copy->engine = m->engine;
        x->mount = copy;
    }
    return 0;
}

/* The record is read here, after the job was noted: whoever had it before is done with it. */
static int look_and_revoke(struct lease_job *x, struct err *e)
{
    int r = look_up(x->jobs->vault, x, e);

    if (r == ERR_NOTFOUND)
        return 0;
    return r < 0 ? r : revoke_and_settle(x, e);
}

static void run_job(void *arg)
{
    look_and_revoke(arg, NULL);
    end_job(arg);
}

bool lease_jobs_start(struct lease_jobs *j, const char *id, const char *mount_uuid)
{
    struct lease_job *x = NULL;

    lock_take(j->lock);
    if (!has(j, id) && has_room(j, mount_uuid, 0, 0))
        x = add_job(j, id, mount_uuid, true);
    lock_drop(j->lock);
    if (x && api_pool_run(j->vault->opts.api, run_job, x, NULL) < 0) {
        end_job(x);
        return false;
    }
    return x != NULL;
}

/* ---- on the caller's thread ----------------------------------------------------------------
 */

static struct lease_job *reserve(struct lease_jobs *j, const char *id)
{
    auto_lock struct lock *held = lock_scope(j->lock);

    while (has(j, id))
        cond_wait(j->changed, j->lock);
    return add_job(j, id, "", false);
}

int lease_jobs_revoke_now(struct lease_jobs *j, const char *id, struct err *e)
{
    struct lease_job *x = reserve(j, id);
    int r = look_and_revoke(x, e);

    end_job(x);
    return r;
}
