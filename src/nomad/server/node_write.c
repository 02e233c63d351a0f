/* What users do to nodes: drain, eligibility, evaluate, purge. */
#include <string.h>

#include "nomad/server/list.h"
#include "nomad/server/node_api.h"

/* ---- what every change answers -------------------------------------------------------------
 */

struct node_reply {
    struct strlist eval_ids;
    const char *eligibility;
    bool with_index; /* NodeModifyIndex is this commit's, else 0 as the API has it */
    bool full;       /* with what a heartbeat answers too */
    int64_t ttl_ms;
    uint64_t n_nodes;
};

static void write_full(struct call *c, struct json_out *w, const struct node_reply *d)
{
    const struct nomad_server_opts *o = &server_of(c)->opts;

    json_kv_i64(w, "HeartbeatTTL", d->ttl_ms * 1000000);
    json_kv_str(w, "LeaderRPCAddr", str_or_empty(o->rpc_addr));
    json_kv_u64(w, "NumNodes", d->n_nodes);
    json_kv_str(w, "SchedulingEligibility", d->eligibility);
    json_key(w, "Servers");
    json_arr(w);
    json_obj(w);
    json_kv_str(w, "RPCAdvertiseAddr", str_or_empty(o->rpc_addr));
    json_kv_str(w, "Datacenter", str_or_empty(o->datacenter));
    json_obj_end(w);
    json_arr_end(w);
}

static void reply_node(struct call *c, uint64_t rev, void *arg)
{
    const struct node_reply *d = arg;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_u64(w, "EvalCreateIndex", d->eval_ids.len ? rev : 0);
    json_key(w, "EvalIDs");
    if (d->eval_ids.len)
        json_strlist(w, &d->eval_ids);
    else
        json_null(w);
    json_kv_u64(w, "Index", rev);
    json_kv_u64(w, "NodeModifyIndex", d->with_index ? rev : 0);
    if (d->full)
        write_full(c, w, d);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

static void end_change(struct call *c, struct node_reply *d)
{
    if (txn_has_writes(c->txn))
        call_on_commit(c, reply_node, d);
    else
        reply_node(c, table_rev(c->txn, &node_table), d);
}

static int find_node(struct call *c, const struct object **ret, struct err *e)
{
    const char *id = call_id(c, "id");
    int r = check_uuid(id, "node", e);

    if (r == 0)
        r = state_node(c->txn, id, ret, e);
    return r == ERR_NOTFOUND ? nomad_fail(e, 404, "node not found") : r;
}

static int evals_for(struct call *c, struct node_reply *d, struct err *e)
{
    return node_evals_create(c->txn, c->arena, c->now_ns, call_id(c, "id"), &d->eval_ids, e);
}

/* ---- eligibility ---------------------------------------------------------------------------
 */

struct eligibility_body {
    const char *eligibility;
};

static const struct schema_field eligibility_fields[] = {
    {"Eligibility", NULL, F_STR, offsetof(struct eligibility_body, eligibility), .def = "\"\""},
};
static SCHEMA(eligibility_schema, "request", struct eligibility_body, eligibility_fields);

static int put_eligibility(struct call *c, const struct object *old, const char *to,
                           struct err *e)
{
    struct object *o = state_copy(old);
    struct node *n = o->body;
    bool eligible = strcmp(to, "eligible") == 0;

    n->eligibility = arena_strdup(o->arena, to);
    node_event_add(n,
                   eligible ? "Node marked as eligible for scheduling"
                            : "Node marked as ineligible for scheduling",
                   "Cluster", c->now_ns, o->arena);
    return state_put(c->txn, &node_table, o, e);
}

int node_eligibility_call(struct call *c, struct err *e)
{
    struct node_reply *d = arena_new_of(c->arena, struct node_reply);
    struct eligibility_body b;
    const struct object *old;
    const struct node *n;
    const char *to;
    int r = nomad_body(c, &eligibility_schema, &b, e);

    if (r < 0)
        return r;
    to = str_or_empty(b.eligibility);
    if (strcmp(to, "eligible") != 0 && strcmp(to, "ineligible") != 0)
        return nomad_fail(e, 500, "invalid scheduling eligibility \"%s\"", to);
    r = find_node(c, &old, e);
    if (r < 0)
        return r;
    n = old->body;
    if (n->drain_strategy && strcmp(to, "eligible") == 0)
        return nomad_fail(e, 500,
                          "can not set node's scheduling eligibility to eligible while it is "
                          "draining");
    if (strcmp(n->eligibility, to) != 0)
        r = put_eligibility(c, old, to, e);
    if (r == 0 && strcmp(n->eligibility, to) != 0 && strcmp(to, "eligible") == 0)
        r = evals_for(c, d, e);
    if (r == 0)
        end_change(c, d);
    return r;
}

/* ---- drain ---------------------------------------------------------------------------------
 */

struct drain_body {
    struct drain_strategy *spec;
    bool mark_eligible;
    struct strmap meta;
};

static const struct schema_field drain_fields[] = {
    {"DrainSpec", NULL, F_OBJ, offsetof(struct drain_body, spec),
     .sub = &drain_strategy_schema},
    {"MarkEligible", NULL, F_BOOL, offsetof(struct drain_body, mark_eligible)},
    {"Meta", NULL, F_STRMAP, offsetof(struct drain_body, meta)},
};
static SCHEMA(drain_schema, "request", struct drain_body, drain_fields);

static void copy_meta(struct arena *a, struct strmap *to, const struct strmap *from)
{
    *to = (struct strmap){0};
    for (size_t i = 0; i < from->len; i++)
        strmap_set(a, to, arena_strdup(a, from->at[i].key), arena_strdup(a, from->at[i].val));
}

static void start_drain(struct call *c, struct node *n, const struct drain_body *b,
                        struct arena *a)
{
    const char *event =
        n->drain_strategy ? "Node drain strategy updated" : "Node drain strategy set";
    int64_t started = n->drain_strategy ? n->drain_strategy->started_at : c->now_ns;
    struct drain_strategy *s = arena_new_of(a, struct drain_strategy);

    *s = (struct drain_strategy){.deadline_ns = b->spec->deadline_ns,
                                 .ignore_system_jobs = b->spec->ignore_system_jobs,
                                 .started_at = started};
    if (s->deadline_ns > 0 &&
        __builtin_add_overflow(c->now_ns, s->deadline_ns, &s->force_deadline))
        s->force_deadline = INT64_MAX;
    n->drain_strategy = s;
    n->eligibility = "ineligible";
    n->last_drain = arena_new_of(a, struct drain_metadata);
    *n->last_drain = (struct drain_metadata){.started_at = started,
                                             .updated_at = c->now_ns,
                                             .status = "draining",
                                             .accessor_id = ""};
    copy_meta(a, &n->last_drain->meta, &b->meta);
    node_event_add(n, event, "Drain", c->now_ns, a);
}

static void cancel_drain(struct call *c, struct node *n, const struct drain_body *b,
                         struct arena *a)
{
    if (n->drain_strategy) {
        n->drain_strategy = NULL;
        node_event_add(n, "Node drain disabled", "Drain", c->now_ns, a);
        if (n->last_drain) {
            n->last_drain->status = "canceled";
            n->last_drain->updated_at = c->now_ns;
            if (b->meta.len)
                copy_meta(a, &n->last_drain->meta, &b->meta);
        }
    }
    if (b->mark_eligible)
        n->eligibility = "eligible";
}

int node_drain_call(struct call *c, struct err *e)
{
    struct node_reply *d = arena_new_of(c->arena, struct node_reply);
    struct drain_body b;
    const struct object *old;
    struct object *o;
    struct node *n;
    bool woken;
    int r = nomad_body(c, &drain_schema, &b, e);

    if (r == 0)
        r = find_node(c, &old, e);
    if (r < 0)
        return r;
    o = state_copy(old);
    n = o->body;
    if (b.spec)
        start_drain(c, n, &b, o->arena);
    else
        cancel_drain(c, n, &b, o->arena);
    woken = node_is_ready(n) && !node_is_ready(old->body);
    d->with_index = true;
    r = state_put(c->txn, &node_table, o, e);
    if (r == 0 && woken)
        r = evals_for(c, d, e);
    if (r == 0)
        end_change(c, d);
    return r;
}

/* ---- evaluate, purge -----------------------------------------------------------------------
 */

static int count_nodes(struct txn *t, uint64_t *ret, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_prefix(&node_table, &k);
    r = table_scan_begin(t, &it, &node_table, &k, SCAN_PEEK | SCAN_KEYS_ONLY, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        (*ret)++;
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int node_evaluate_call(struct call *c, struct err *e)
{
    struct node_reply *d = arena_new_of(c->arena, struct node_reply);
    const struct object *node;
    int r = find_node(c, &node, e);

    if (r == 0)
        r = evals_for(c, d, e);
    if (r == 0)
        r = count_nodes(c->txn, &d->n_nodes, e);
    if (r < 0)
        return r;
    d->full = true;
    d->eligibility = arena_strdup(c->arena, ((const struct node *)node->body)->eligibility);
    end_change(c, d);
    return 0;
}

static void forget_node(struct call *c, uint64_t rev, void *arg)
{
    (void)rev;
    heartbeat_forget(server_of(c), arg);
}

/* Its allocs are lost; if the machine is alive it registers again. */
int node_purge_call(struct call *c, struct err *e)
{
    struct node_reply *d = arena_new_of(c->arena, struct node_reply);
    const struct object *node;
    struct key k;
    int r = find_node(c, &node, e);

    if (r == 0)
        r = evals_for(c, d, e);
    if (r < 0)
        return r;
    key_init(&k, node_table.name);
    key_addz(&k, call_id(c, "id"));
    r = table_del(c->txn, &node_table, &k, e);
    if (r == 0)
        r = count_nodes(c->txn, &d->n_nodes, e);
    if (r < 0)
        return r;
    d->full = d->with_index = true;
    d->eligibility = "ineligible";
    call_on_commit(c, forget_node, (void *)(uintptr_t)call_id(c, "id"));
    end_change(c, d);
    return 0;
}
