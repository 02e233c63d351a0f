#include "nomad/sched/priv.h"

/*
 * Allocs whose node is not heard of any more. With `lost_after` a running one becomes unknown
 * and may come back; without, it is lost:
 *
 *     running ──node not heard of──► unknown ──lost_after──► lost
 *        ▲                              │
 *        └── its client is back ◄───────┘  then it or its replacement stays (reconcile)
 *
 * An evaluation comes back when a time of this is over.
 */
enum node_state { NODE_HERE, NODE_SILENT, NODE_GONE };

static enum node_state node_state(const struct eval_run *r, int32_t node)
{
    uint16_t flags = node == NONE ? HOT_DOWN : r->s->hot.at[node].flags;

    return flags & HOT_DOWN ? NODE_GONE : flags & HOT_DISCONNECTED ? NODE_SILENT : NODE_HERE;
}

struct alloc *restate(struct eval_run *r, const struct alloc *al)
{
    struct alloc *copy;

    list_each (&r->plan->in_place, it)
        if (same((*it)->id, al->id))
            return *it;
    list_each (&r->plan->annotate, it)
        if (same((*it)->id, al->id))
            return *it;
    copy = schema_copy(&alloc_schema, al, r->a);
    list_push(r->a, &r->plan->annotate, copy);
    return copy;
}

static enum away place_of(const struct disconnect_rules *d)
{
    return d->replace ? AWAY_REPLACED : AWAY_KEPT;
}

static void become_unknown(struct eval_run *r, const struct disconnect_rules *d,
                           const struct alloc *al)
{
    struct alloc *copy = restate(r, al);

    copy->client_status = ALLOC_UNKNOWN;
    copy->client_description = ALLOC_IS_UNKNOWN;
    alloc_state_add(copy, ALLOC_UNKNOWN, r->in->now_ns, r->a);
    if (d->lost_after_ns > 0)
        copy->followup_eval_id =
            followup_at(r, r->in->now_ns + d->lost_after_ns, EVAL_BY_DISCONNECT,
                        "created for delayed disconnect timeout");
    r->notes->disconnect++;
}

static enum away look_at_unknown(const struct eval_run *r, const struct disconnect_rules *d,
                                 enum node_state where, const struct alloc *al)
{
    int64_t since = alloc_unknown_since(al);

    if (where == NODE_HERE) /* until its client has said what became of it */
        return place_of(d);
    if (d->lost_after_ns == 0)
        return d->replace ? AWAY_LOST : AWAY_KEPT;
    return since + d->lost_after_ns <= r->in->now_ns ? AWAY_LOST : place_of(d);
}

/* When the client, which knows itself cut off, has ended it. */
static int64_t stopped_at(const struct task_group *g, const struct disconnect_rules *d,
                          const struct node *n)
{
    int64_t kill = 0;

    list_each (&g->tasks, it)
        if (OPT(it->kill_timeout_ns) > kill)
            kill = OPT(it->kill_timeout_ns);
    return n->status_updated_at * INT64_C(1000000000) + d->stop_on_client_after_ns + kill;
}

/* The replacement waits until the first one has certainly ended. */
static bool waits_for_its_end(struct eval_run *r, const struct task_group *g,
                              const struct disconnect_rules *d, const struct alloc *al)
{
    int32_t node = mirror_node(r->s, al->node_id);
    int64_t at;

    if (d->stop_on_client_after_ns <= 0 || node == NONE)
        return false;
    at = stopped_at(g, d, r->s->nodes.at[node]->node);
    if (at <= r->in->now_ns)
        return false;
    if (empty(al->followup_eval_id))
        restate(r, al)->followup_eval_id =
            followup_at(r, at, EVAL_BY_ALLOC_FAILURE, "created for delayed rescheduling");
    return true;
}

enum away away_look(struct eval_run *r, const struct task_group *g, const struct alloc *al)
{
    enum node_state where = node_state(r, mirror_node(r->s, al->node_id));
    bool runs = same(al->client_status, ALLOC_RUNNING);
    struct disconnect_rules d;

    group_disconnect(g, &d);
    if (same(al->client_status, ALLOC_UNKNOWN))
        return look_at_unknown(r, &d, where, al);
    if (where == NODE_HERE)
        return AWAY_NOT;
    if (!runs)
        return AWAY_LOST;
    if ((where == NODE_SILENT && d.lost_after_ns > 0) || !d.replace) {
        become_unknown(r, &d, al);
        return place_of(&d);
    }
    return waits_for_its_end(r, g, &d, al) ? AWAY_KEPT : AWAY_LOST;
}

/*
 * Two with one name.
 */
static double best_score(const struct alloc *al)
{
    double best = 0;

    if (al->metrics)
        list_each (&al->metrics->score_meta, it)
            if (same(it->node_id, al->node_id) && it->norm_score > best)
                best = it->norm_score;
    return best;
}

static int64_t started_at(const struct alloc *al)
{
    int64_t first = INT64_MAX;

    list_each (&al->task_states, it)
        if (it->started_at && *it->started_at && *it->started_at < first)
            first = *it->started_at;
    return first;
}

bool reconnect_prefers(const struct eval_run *r, const struct task_group *g,
                       const struct alloc *back, const struct alloc *other)
{
    struct disconnect_rules d;

    group_disconnect(g, &d);
    if (is_current(r, back) != is_current(r, other))
        return is_current(r, back);
    if (same(d.reconcile, "keep_original"))
        return true;
    if (same(d.reconcile, "keep_replacement"))
        return false;
    if (!same(other->client_status, ALLOC_RUNNING))
        return true;
    if (same(d.reconcile, "longest_running"))
        return started_at(back) <= started_at(other);
    return best_score(back) >= best_score(other);
}
