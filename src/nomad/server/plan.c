/*
 * A plan becomes state: one transaction with everything it says.
 *
 *     stops, in-place updates, placements -> allocs;  deployment, its updates;  further evals;
 * the eval itself complete
 *
 * The evaluation is read in the same transaction: if it was cancelled or done meanwhile,
 * nothing happens.
 */
#include <string.h>

#include "nomad/server/deployment.h"
#include "nomad/server/keyring.h"

typedef int find_fn(struct txn *t, const char *id, const struct object **ret, struct err *e);

/* The row and a copy to change and put. 0: it is gone meanwhile, the plan goes on without it.
 */
static int edit(struct txn *t, find_fn *find, const char *id, const struct object **old,
                struct object **copy, struct err *e)
{
    int r = find(t, id, old, e);

    if (r < 0)
        return r == ERR_NOTFOUND ? 0 : r;
    *copy = state_copy(*old);
    return 1;
}

static int stop_one(struct nomad_server *s, struct txn *t, const struct plan_stop *st,
                    int64_t now_ns, struct err *e)
{
    const struct object *old;
    struct object *o;
    struct alloc *al;
    int r = edit(t, state_alloc, st->alloc->id, &old, &o, e);

    if (r <= 0)
        return r;
    al = o->body;
    al->desired_status = arena_strdup(o->arena, st->desired_status);
    al->desired_description = arena_strdup(o->arena, str_or_empty(st->desired_description));
    if (st->client_status)
        al->client_status = arena_strdup(o->arena, st->client_status);
    if (st->followup_eval_id)
        al->followup_eval_id = arena_strdup(o->arena, st->followup_eval_id);
    if (st->preempted_by)
        al->preempted_by = arena_strdup(o->arena, st->preempted_by);
    al->alloc_modify_index = 0;
    al->modify_time = now_ns;
    return alloc_write(s, t, o, old, now_ns, e);
}

/* The replaced alloc points to its successor. */
static int link_previous(struct txn *t, const struct alloc *al, int64_t now_ns, struct err *e)
{
    const struct object *old;
    struct object *o;
    struct alloc *prev;
    int r;

    if (!al->previous_allocation || !*al->previous_allocation)
        return 0;
    r = edit(t, state_alloc, al->previous_allocation, &old, &o, e);
    if (r <= 0)
        return r;
    prev = o->body;
    prev->next_allocation = arena_strdup(o->arena, al->id);
    prev->modify_time = now_ns;
    return state_put(t, &alloc_table, o, e);
}

static int place_one(struct nomad_server *s, struct txn *t, const struct alloc *planned,
                     const char *signing_key_id, int64_t now_ns, struct err *e)
{
    struct object *o = object_new(&alloc_schema);
    struct alloc *al = o->body;
    int r;

    memcpy(al, schema_copy(&alloc_schema, planned, o->arena), sizeof *al);
    al->job = NULL;
    al->create_index = al->modify_index = al->alloc_modify_index = 0;
    al->create_time = al->modify_time = now_ns;
    al->signing_key_id = arena_strdup(o->arena, signing_key_id);
    r = link_previous(t, al, now_ns, e);
    if (r < 0) {
        object_unref(o);
        return r;
    }
    return alloc_write(s, t, o, NULL, now_ns, e);
}

/* Its identities are signed with the key that is active now, when its client asks for them. */
static int place_all(struct nomad_server *s, struct txn *t, const struct plan *p,
                     int64_t now_ns, struct err *e)
{
    const struct root_key *active;
    int r = p->places.len ? root_key_active(t, SCAN_PEEK, &active, e) : 0;

    for (size_t i = 0; r == 0 && i < p->places.len; i++)
        r = place_one(s, t, p->places.at[i], active->id, now_ns, e);
    return r;
}

static int update_in_place(struct nomad_server *s, struct txn *t, const struct alloc *planned,
                           int64_t now_ns, struct err *e)
{
    const struct object *old;
    const struct alloc *was;
    struct object *o;
    struct alloc *al;
    int r = state_alloc(t, planned->id, &old, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    was = old->body;
    o = object_new(&alloc_schema);
    al = o->body;
    memcpy(al, schema_copy(&alloc_schema, planned, o->arena), sizeof *al);
    al->job = NULL;
    al->signing_key_id = arena_strdup(o->arena, was->signing_key_id);
    /* what the client says is newer in the store than in the scheduler's mirror */
    al->client_status = arena_strdup(o->arena, was->client_status);
    al->client_description = arena_strdup(o->arena, was->client_description);
    al->task_states = ((struct alloc *)schema_copy(&alloc_schema, was, o->arena))->task_states;
    al->alloc_modify_index = 0;
    al->modify_time = now_ns;
    return alloc_write(s, t, o, old, now_ns, e);
}

/* Its node is not heard of any more, or is again; its client is told, so that it says how
 * things stand. */
static void restate(struct object *o, const struct alloc *planned)
{
    const struct alloc *said = schema_copy(&alloc_schema, planned, o->arena);
    struct alloc *al = o->body;

    al->alloc_states = said->alloc_states;
    al->alloc_modify_index = 0;
    if (strcmp(said->client_status, ALLOC_UNKNOWN) == 0 && !alloc_client_terminal(al)) {
        al->client_status = said->client_status;
        al->client_description = said->client_description;
    }
}

static int annotate_one(struct nomad_server *s, struct txn *t, const struct alloc *planned,
                        int64_t now_ns, struct err *e)
{
    const struct object *old;
    struct object *o;
    struct alloc *al;
    int r = edit(t, state_alloc, planned->id, &old, &o, e);

    if (r <= 0)
        return r;
    al = o->body;
    al->followup_eval_id = arena_strdup(o->arena, str_or_empty(planned->followup_eval_id));
    al->modify_time = now_ns;
    if (planned->alloc_states.len != al->alloc_states.len)
        restate(o, planned);
    return alloc_write(s, t, o, old, now_ns, e);
}

static int put_new(struct txn *t, const struct table *table, const void *body, struct err *e)
{
    struct object *o = object_new(table->schema);

    memcpy(o->body, schema_copy(table->schema, body, o->arena), table->schema->size);
    return state_put(t, table, o, e);
}

static int update_deployment(struct txn *t, const struct plan_deployment_update *u,
                             int64_t now_ns, struct err *e)
{
    const struct object *old;
    struct deployment *d;
    struct object *o;
    int r = edit(t, state_deployment, u->id, &old, &o, e);

    if (r <= 0)
        return r;
    d = o->body;
    d->status = arena_strdup(o->arena, u->status);
    d->status_description = arena_strdup(o->arena, str_or_empty(u->status_description));
    d->modify_time = now_ns;
    r = state_put(t, &deployment_table, o, e);
    if (r == 0 && strcmp(u->status, DEPLOYMENT_SUCCESSFUL) == 0)
        r = deployment_mark_stable(t, old->body, e);
    return r;
}

/* ---- the evaluation itself -------------------------------------------------------------- */

/* The deployment it made, or else the job's newest: whoever follows it follows that one on. */
static int set_deployment(struct txn *t, struct object *o, const struct plan *p, struct err *e)
{
    struct eval *ev = o->body;
    const struct object *newest = NULL;
    const struct deployment *d = p->deployment;
    int r = d ? 0 : job_latest_deployment(t, ev->namespace, ev->job_id, &newest, e);

    if (newest)
        d = newest->body;
    if (r == 0 && d)
        ev->deployment_id = arena_strdup(o->arena, d->id);
    return r;
}

static int finish_eval(struct txn *t, const struct object *old, const struct plan *p,
                       int64_t now_ns, struct err *e)
{
    struct object *o = state_copy(old);
    struct eval *ev = o->body;
    int r;

    ev->status = p->reblock ? EVAL_BLOCKED : EVAL_COMPLETE;
    if (p->reblock) { /* what it waits for may be something else now */
        ev->class_eligibility = json_copy(o->arena, p->class_eligibility);
        ev->escaped_computed_class = p->escaped_computed_class;
    }
    ev->modify_time = now_ns;
    ev->snapshot_index = txn_rev(t);
    ev->queued_allocations = json_new_object(o->arena);
    list_each (&p->queued, q)
        json_set(o->arena, ev->queued_allocations, str_of(arena_strdup(o->arena, q->group)),
                 json_of_i64(o->arena, q->n));
    list_each (&p->failed, f) {
        struct alloc_metric *m = schema_copy(&alloc_metric_schema, f, o->arena);

        m->group = arena_strdup(o->arena, f->group);
        list_push(o->arena, &ev->failed_tg_allocs, *m);
    }
    list_each (&p->evals, n) {
        if (strcmp((*n)->status, EVAL_BLOCKED) == 0)
            ev->blocked_eval = arena_strdup(o->arena, (*n)->id);
        else if (!ev->next_eval || !*ev->next_eval)
            ev->next_eval = arena_strdup(o->arena, (*n)->id);
    }
    r = set_deployment(t, o, p, e);
    return r < 0 ? r : state_put(t, &eval_table, o, e);
}

static int write_queued(struct txn *t, const struct eval *ev, const struct plan *p,
                        struct err *e)
{
    const struct object *job;
    struct object *s;
    int r;

    if (p->queued.len == 0)
        return 0;
    r = state_job(t, ev->namespace, ev->job_id, &job, e);
    if (r == ERR_NOTFOUND)
        return 0;
    if (r == 0)
        r = summary_load(t, ev->namespace, ev->job_id, &s, e);
    if (r < 0)
        return r;
    list_each (&p->queued, q)
        summary_group(s->body, q->group, s->arena)->queued = q->n;
    return state_put(t, &job_summary_table, s, e);
}

/* At most one blocked evaluation of a job, and none when nothing is left to place. */
static int cancel_blocked(struct txn *t, const struct eval *ev, const char *why, int64_t now_ns,
                          struct err *e)
{
    VEC(struct object *) old = {0};
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, &eval_table, "by_job");
    key_addz(&k, ev->namespace);
    key_addz(&k, ev->job_id);
    r = table_scan_index(t, &it, &eval_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        if (strcmp(((const struct eval *)o->body)->status, EVAL_BLOCKED) == 0)
            vec_push(&old, state_copy(o));
    table_scan_end(&it);
    for (size_t i = 0; i < old.len; i++) {
        struct eval *b = old.at[i]->body;

        b->status = EVAL_CANCELED;
        b->status_description = why;
        b->modify_time = now_ns;
        if (r >= 0)
            r = state_put(t, &eval_table, old.at[i], e);
        else
            object_unref(old.at[i]);
    }
    vec_done(&old);
    return r < 0 ? r : 0;
}

static int write_evals(struct txn *t, const struct plan *p, int64_t now_ns, struct err *e)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < p->evals.len; i++) {
        struct eval *ev = p->evals.at[i];

        if (strcmp(ev->status, EVAL_BLOCKED) == 0)
            r = cancel_blocked(t, ev, "existing blocked evaluation has been replaced", now_ns,
                               e);
        ev->create_time = ev->modify_time = now_ns;
        if (r == 0)
            r = put_new(t, &eval_table, ev, e);
    }
    return r;
}

/* The jobs that lost allocs to this plan look for other places, one eval each. */
static int wake_preempted(struct txn *t, const struct plan *p, int64_t now_ns, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct strlist seen = {0};

    for (size_t i = 0; i < p->stops.len; i++) {
        const struct alloc *al = p->stops.at[i].alloc;
        const char *key = arena_printf(a, "%s\n%s", al->namespace, al->job_id);
        const struct object *job;
        int r;

        if (!p->stops.at[i].preempted_by || strlist_has(&seen, key))
            continue;
        list_push(a, &seen, key);
        r = state_job(t, al->namespace, al->job_id, &job, e);
        if (r == ERR_NOTFOUND)
            continue;
        const struct job *j = r < 0 ? NULL : job->body;
        struct eval_new n = {.namespace = al->namespace,
                             .job_id = al->job_id,
                             .triggered_by = EVAL_BY_PREEMPTION};

        if (j) {
            n.type = j->type;
            n.priority = OPT(j->priority);
            n.job_modify_index = job_spec_index(job);
            r = eval_create(t, a, now_ns, &n, NULL, e);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

int plan_commit(struct nomad_server *s, struct txn *t, const struct object *eval,
                const struct plan *p, int64_t now_ns, struct err *e)
{
    const struct eval *ev = eval->body;
    int r = 0;

    for (size_t i = 0; r == 0 && i < p->stops.len; i++)
        r = stop_one(s, t, &p->stops.at[i], now_ns, e);
    if (r == 0 && p->deployment)
        r = put_new(t, &deployment_table, p->deployment, e);
    for (size_t i = 0; r == 0 && i < p->deployment_updates.len; i++)
        r = update_deployment(t, &p->deployment_updates.at[i], now_ns, e);
    for (size_t i = 0; r == 0 && i < p->in_place.len; i++)
        r = update_in_place(s, t, p->in_place.at[i], now_ns, e);
    for (size_t i = 0; r == 0 && i < p->annotate.len; i++)
        r = annotate_one(s, t, p->annotate.at[i], now_ns, e);
    if (r == 0)
        r = place_all(s, t, p, now_ns, e);
    if (r == 0)
        r = wake_preempted(t, p, now_ns, e);
    if (r == 0 && p->failed.len == 0)
        r = cancel_blocked(t, ev, "canceled after more recent eval was processed", now_ns, e);
    if (r == 0)
        r = write_evals(t, p, now_ns, e);
    if (r == 0)
        r = write_queued(t, ev, p, e);
    if (r == 0)
        r = finish_eval(t, eval, p, now_ns, e);
    if (r == 0)
        r = job_refresh_status(t, ev->namespace, ev->job_id, e);
    return r;
}
