/*
 * The inner protocol's server side (nomad/model/link.h says what goes over the wire).
 *
 * Every call but the first registration proves the node by its SecretID, of which the server
 * keeps a hash.
 */
#include <string.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "nomad/model/link_wire.h"
#include "nomad/server/data_api.h"
#include "nomad/server/identity.h"
#include "nomad/server/node_api.h"

enum { SECRET_MAX_BYTES = 256 };

void node_secret_hash(struct str secret, char ret[NODE_SECRET_HASH_SIZE])
{
    uint8_t sum[HASH_MAX_BYTES];

    hash_of(HASH_SHA256, secret, sum);
    for (size_t i = 0; i < NODE_SECRET_HASH_SIZE - 1; i++)
        ret[i] = "0123456789abcdef"[i % 2 ? sum[i / 2] & 15 : sum[i / 2] >> 4];
    ret[NODE_SECRET_HASH_SIZE - 1] = '\0';
}

static int secret_of(struct call *c, char ret[NODE_SECRET_HASH_SIZE], struct err *e)
{
    struct str secret = call_header(c, LINK_SECRET_HEADER);

    if (secret.len == 0 || secret.len > SECRET_MAX_BYTES)
        return nomad_fail(e, 403, "node secret ID is missing");
    node_secret_hash(secret, ret);
    return 0;
}

/* The node, if its secret is right. */
static int known_node(struct call *c, const char *id, const struct object **ret, struct err *e)
{
    char hash[NODE_SECRET_HASH_SIZE];
    const char *stored;
    int r = secret_of(c, hash, e);

    if (r == 0)
        r = state_node(c->txn, str_or_empty(id), ret, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 403, "node %s is not registered", str_or_empty(id));
    if (r < 0)
        return r;
    stored = str_or_empty(((const struct node *)(*ret)->body)->secret_id_hash);
    if (!crypto_str_eq(str_of(stored), str_of(hash)))
        return nomad_fail(e, 403, "node secret ID does not match");
    return 0;
}

/* ---- what most answers say -------------------------------------------------------------- */

struct lease_reply {
    const char *node_id;
};

static void reply_lease(struct call *c, uint64_t rev, void *arg)
{
    const struct lease_reply *l = arg;
    struct nomad_server *s = server_of(c);
    struct link_lease reply = {.heartbeat_ttl_ms = heartbeat_reset(s, l->node_id),
                               .index = rev};

    list_push(c->arena, &reply.servers, s->opts.rpc_addr);
    nomad_schema(c, &link_lease_schema, &reply);
}

static int answer_lease(struct call *c, const char *node_id)
{
    struct lease_reply *l = arena_new_of(c->arena, struct lease_reply);

    l->node_id = node_id;
    if (txn_has_writes(c->txn))
        call_on_commit(c, reply_lease, l);
    else
        reply_lease(c, txn_rev(c->txn), l);
    return 0;
}

static void reply_index(struct call *c, uint64_t rev, void *arg)
{
    struct json_out *w = nomad_json(c);

    (void)arg;
    json_obj(w);
    json_kv_u64(w, "index", rev);
    json_obj_end(w);
}

static int answer_index(struct call *c)
{
    if (txn_has_writes(c->txn))
        call_on_commit(c, reply_index, NULL);
    else
        reply_index(c, txn_rev(c->txn), NULL);
    return 0;
}

/* ---- evaluations for a node ------------------------------------------------------------- */

static bool seen(const struct strlist *l, const char *ns, const char *id, struct arena *a,
                 const char **ret)
{
    *ret = arena_printf(a, "%s\n%s", ns, id);
    return strlist_has(l, *ret);
}

static int node_evals(struct call *c, const char *node_id, struct err *e)
{
    struct strlist ids = {0};

    return node_evals_create(c->txn, c->arena, c->now_ns, node_id, &ids, e);
}

/* ---- register, heartbeat ---------------------------------------------------------------- */

/* What the server decides about a node survives its registering again. */
static void keep_server_side(struct node *n, const struct node *old, struct arena *a)
{
    n->drain_strategy = old->drain_strategy
                            ? schema_copy(&drain_strategy_schema, old->drain_strategy, a)
                            : NULL;
    n->eligibility = arena_strdup(a, old->eligibility);
    n->last_drain = ((struct node *)schema_copy(&node_schema, old, a))->last_drain;
    n->events = ((struct node *)schema_copy(&node_schema, old, a))->events;
}

static int put_node(struct call *c, struct object *o, const struct object *old, struct err *e)
{
    struct node *n = o->body;
    const struct node *was = old ? old->body : NULL;
    bool became_ready = !was || strcmp(was->status, "ready") != 0;

    if (was)
        keep_server_side(n, was, o->arena);
    n->computed_class = node_computed_class(n, o->arena);
    n->status = "ready";
    n->status_description = "";
    n->status_updated_at = became_ready ? c->now_ns / 1000000000 : was->status_updated_at;
    if (!was)
        node_event_add(n, "Node registered", "Cluster", c->now_ns, o->arena);
    else if (became_ready)
        node_event_add(n, "Node reregistered by heartbeat", "Cluster", c->now_ns, o->arena);
    if (was && !became_ready && schema_eq(&node_schema, n, was))
        return 0;
    return table_put(c->txn, &node_table, o, e);
}

static int rpc_register(struct call *c, struct err *e)
{
    auto_object struct object *o = object_new(&node_schema);
    struct node *n = o->body;
    const struct object *old = NULL;
    const struct json *body;
    struct err why = ERR_INIT;
    char hash[NODE_SECRET_HASH_SIZE];
    bool changed;
    int r = call_json(c, &body, e);

    if (r == 0)
        r = secret_of(c, hash, e);
    if (r < 0)
        return r;
    if (!body || schema_decode(&node_schema, body, SCHEMA_NOCASE | SCHEMA_UNKNOWN_OK, o->arena,
                               n, &why) < 0)
        return nomad_fail(e, 400, "node: %s", why.msg);
    if (node_check(n, o->arena, &why) < 0)
        return nomad_fail(e, 400, "node: %s", why.msg);
    r = state_node(c->txn, n->id, &old, e);
    if (r == 0)
        r = known_node(c, n->id, &old, e);
    else if (r == ERR_NOTFOUND)
        r = 0;
    if (r < 0)
        return r;
    n->secret_id_hash = arena_strdup(o->arena, hash);
    r = put_node(c, o, old, e);
    if (r == 0)
        r = node_pool_ensure(c->txn, n->node_pool, e);
    changed = !old || strcmp(((const struct node *)old->body)->status, "ready") != 0;
    if (r == 0 && changed)
        r = node_evals(c, n->id, e);
    return r < 0 ? r : answer_lease(c, arena_strdup(c->arena, n->id));
}

static int node_body(struct call *c, struct link_request *b, const struct object **ret_node,
                     struct err *e)
{
    const struct json *v;
    struct err why = ERR_INIT;
    int r = call_json(c, &v, e);

    if (r < 0)
        return r;
    if (!v || schema_decode(&link_request_schema, v, LINK_WIRE, c->arena, b, &why) < 0)
        return nomad_fail(e, 400, "request: %s", v ? why.msg : "the body is empty");
    return known_node(c, b->node_id, ret_node, e);
}

/* A node that was given up comes back. */
static int rpc_heartbeat(struct call *c, struct err *e)
{
    const struct object *node;
    struct link_request b;
    int r = node_body(c, &b, &node, e);

    if (r < 0)
        return r;
    if (strcmp(((const struct node *)node->body)->status, "ready") != 0) {
        auto_object struct object *o = state_copy(node);

        r = put_node(c, o, node, e);
        if (r == 0)
            r = node_evals(c, b.node_id, e);
    }
    return r < 0 ? r : answer_lease(c, b.node_id);
}

/* ---- my allocations --------------------------------------------------------------------- */

static int write_allocs(struct call *c, const char *node_id, struct json_out *w, struct err *e)
{
    const struct object *o, *job;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, &alloc_table, "by_node");
    key_addz(&k, node_id);
    r = table_scan_index(c->txn, &it, &alloc_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        struct alloc *al = (struct alloc *)state_body(o, c->arena);

        if (state_job_version(c->txn, al->namespace, al->job_id, al->job_version, &job, NULL) ==
            0)
            al->job = (struct job *)state_body(job, c->arena);
        schema_encode(&alloc_schema, al, SCHEMA_ALL, w);
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int rpc_allocs(struct call *c, struct err *e)
{
    const struct object *node;
    struct record mark = {0};
    struct link_request b;
    struct json_out *w;
    struct key k;
    int r = node_body(c, &b, &node, e);

    if (r < 0)
        return r;
    node_mark_key(&k, b.node_id);
    r = txn_peek(c->txn, key_str(&k), &mark, NULL);
    if (r < 0 && r != ERR_NOTFOUND)
        return err_set(e, r, "%s", err_kind_text(r));
    if (mark.mod_rev <= b.index && !c->timed_out && b.wait_ms > 0) {
        int64_t wait = b.wait_ms < LINK_WAIT_MS ? b.wait_ms : LINK_WAIT_MS;

        call_wait_on(c, key_str(&k), true, b.index);
        int64_t gone = clock_wall_ms() - c->now_ns / 1000000; /* since the request came */

        return call_park(c, clock_mono_ms() + (wait > gone ? wait - gone : 1));
    }
    w = nomad_json(c);
    json_obj(w);
    json_kv_u64(w, "index", mark.mod_rev ? mark.mod_rev : 1);
    json_key(w, "allocs");
    json_arr(w);
    r = write_allocs(c, b.node_id, w, e);
    json_arr_end(w);
    json_obj_end(w);
    return r;
}

/* ---- status updates --------------------------------------------------------------------- */

/* The client's side of an alloc, over what the server knows. */
static void take_client_side(struct object *o, const struct alloc *from, int64_t now_ns)
{
    struct alloc *al = o->body, *said = schema_copy(&alloc_schema, from, o->arena);

    al->client_status = said->client_status;
    al->client_description = said->client_description;
    al->task_states = said->task_states;
    al->network_status = said->network_status;
    if (said->deployment_status && said->deployment_status->healthy) {
        bool canary = al->deployment_status && al->deployment_status->canary;
        bool news = !al->deployment_status || !al->deployment_status->healthy ||
                    *al->deployment_status->healthy != *said->deployment_status->healthy;

        if (news) {
            al->deployment_status = said->deployment_status;
            al->deployment_status->canary = canary;
            al->deployment_status->modify_index = 0;
        }
    }
    al->modify_time = now_ns;
}

static bool may_be_rescheduled(const struct job *j, const struct alloc *al, int64_t now_ns)
{
    const struct task_group *g = job_group(j, al->task_group);
    struct reschedule_decision d = {0};

    if (g && g->reschedule)
        reschedule_next(g->reschedule, al, now_ns, &d);
    return d.eligible;
}

/* An alloc that failed and may be rescheduled, or that came back after its node was not heard
 * of, asks for the scheduler; once per job and batch. */
static int eval_for(struct call *c, const struct alloc *al, const char *by,
                    struct strlist *done, struct err *e)
{
    const struct object *job;
    const char *key;
    int r;

    if (seen(done, al->namespace, al->job_id, c->arena, &key))
        return 0;
    r = state_job(c->txn, al->namespace, al->job_id, &job, e);
    if (r == ERR_NOTFOUND || (r == 0 && job_is_stopped(job->body)))
        return 0;
    if (r < 0)
        return r;
    if (strcmp(by, EVAL_BY_ALLOC_FAILURE) == 0 && !may_be_rescheduled(job->body, al, c->now_ns))
        return 0;
    list_push(c->arena, done, key);
    struct eval_new n = {.namespace = al->namespace,
                         .job_id = al->job_id,
                         .type = ((const struct job *)job->body)->type,
                         .triggered_by = by,
                         .priority = OPT(((const struct job *)job->body)->priority),
                         .job_modify_index = job_spec_index(job)};

    return eval_create(c->txn, c->arena, c->now_ns, &n, NULL, e);
}

static int update_one(struct call *c, const char *node_id, const struct alloc *said,
                      struct strlist *evals, struct err *e)
{
    const struct object *old;
    const struct alloc *was;
    struct object *o;
    bool failed, came_back;
    int r = state_alloc(c->txn, str_or_empty(said->id), &old, e);

    if (r == ERR_NOTFOUND)
        return 0; /* collected meanwhile */
    if (r < 0)
        return r;
    was = old->body;
    if (strcmp(was->node_id, node_id) != 0)
        return nomad_fail(e, 403, "allocation %s is not on node %s", was->id, node_id);
    if (!alloc_status_may_become(was->client_status, str_or_empty(said->client_status)))
        return 0; /* a late word about something already over */
    o = state_copy(old);
    take_client_side(o, said, c->now_ns);
    failed = strcmp(((const struct alloc *)o->body)->client_status, ALLOC_FAILED) == 0 &&
             strcmp(was->client_status, ALLOC_FAILED) != 0 && !alloc_server_terminal(was);
    came_back = alloc_reconnecting(o->body) && !alloc_reconnecting(was);
    r = alloc_write(server_of(c), c->txn, o, old, c->now_ns, e);
    if (r == 0 && failed)
        r = eval_for(c, was, EVAL_BY_ALLOC_FAILURE, evals, e);
    if (r == 0 && came_back)
        r = eval_for(c, was, EVAL_BY_RECONNECT, evals, e);
    return r;
}

static int rpc_update(struct call *c, struct err *e)
{
    struct strlist evals = {0};
    const struct object *node;
    struct link_request b;
    int r = node_body(c, &b, &node, e);

    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < b.allocs.len; i++)
        r = update_one(c, b.node_id, &b.allocs.at[i], &evals, e);
    return r < 0 ? r : answer_index(c);
}

/* ---- node events ------------------------------------------------------------------------ */

static int rpc_events(struct call *c, struct err *e)
{
    const struct object *node;
    struct link_request b;
    struct object *o;
    int r = node_body(c, &b, &node, e);

    if (r < 0)
        return r;
    o = state_copy(node);
    list_each (&b.events, ev)
        node_event_add(o->body, ev->message, ev->subsystem, c->now_ns, o->arena);
    r = state_put(c->txn, &node_table, o, e);
    return r < 0 ? r : answer_index(c);
}

/* ---- tasks' tokens ---------------------------------------------------------------------- */

/* One derive call: everything it needs is copied, for it may go outside between two
 * transactions. */
struct derive {
    const struct node *node;
    const struct alloc *alloc;
    const struct job *job;
    struct strlist tasks;
    struct link_tokens tokens;
    LIST(const struct json *) records; /* as tokens */
};

static const struct task *vault_task(const struct derive *d, const char *name)
{
    const struct task_group *g = job_group(d->job, d->alloc->task_group);
    const struct task *t = g ? group_task(g, name) : NULL;

    return t && t->vault ? t : NULL;
}

static int check_derive(struct call *c, struct derive *d, const struct link_request *b,
                        struct err *e)
{
    const struct object *al, *job;
    int r = state_alloc(c->txn, str_or_empty(b->alloc_id), &al, e);

    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 404, "Allocation \"%s\" does not exist",
                          str_or_empty(b->alloc_id));
    if (r < 0)
        return r;
    d->alloc = state_body(al, c->arena);
    if (strcmp(d->alloc->node_id, d->node->id) != 0)
        return nomad_fail(e, 403, "Allocation \"%s\" not running on Node \"%s\"", d->alloc->id,
                          d->node->id);
    if (alloc_client_terminal(d->alloc))
        return nomad_fail(e, 400, "Can't request Vault token for terminal allocation");
    r = state_job_version(c->txn, d->alloc->namespace, d->alloc->job_id, d->alloc->job_version,
                          &job, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 400, "Job of allocation \"%s\" is gone", d->alloc->id);
    if (r < 0)
        return r;
    d->job = state_body(job, c->arena);
    d->tasks = b->tasks;
    for (size_t i = 0; i < d->tasks.len; i++)
        if (!vault_task(d, d->tasks.at[i]))
            return nomad_fail(
                e, 400, "Requested Vault tokens for tasks without defined Vault policies: %s",
                d->tasks.at[i]);
    return 0;
}

static int create_tokens(struct call *c, void *arg, struct err *e)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;
    struct derive *d = arg;

    d->tokens.list.len = d->records.len = 0;
    for (size_t i = 0; i < d->tasks.len; i++) {
        struct token_ask q = {d->alloc, d->job, d->node, vault_task(d, d->tasks.at[i])};
        struct link_token *tok = list_add(c->arena, &d->tokens.list);
        const struct json *record = NULL;
        int r;

        tok->task = d->tasks.at[i];
        tok->err = "";
        r = ts->create(ts->ctx, c->txn, &q, c->arena, tok, &record, e);
        if (r == ERR_CONFLICT)
            return r;
        if (r < 0) {
            tok->err = arena_strdup(c->arena, e->msg);
            tok->err_recoverable = r != ERR_INVALID && r != ERR_DENIED && r != ERR_NOTFOUND;
            err_reset(e);
        }
        list_push(c->arena, &d->records, record);
    }
    return 0;
}

/* The accessors are durable before a token leaves the server: nothing it gave out is ever
 * forgotten. */
static int finish_derive(struct call *c, void *arg, struct err *e)
{
    struct derive *d = arg;
    int r = 0;

    for (size_t i = 0; r == 0 && i < d->tokens.list.len; i++) {
        struct token_ask q = {d->alloc, d->job, d->node, vault_task(d, d->tasks.at[i])};

        if (d->records.at[i])
            r = accessor_put(c->txn, &d->tokens.list.at[i], &q, d->records.at[i], e);
    }
    if (r < 0)
        return r;
    call_set_secret(c);
    nomad_schema(c, &link_tokens_schema, &d->tokens);
    return 0;
}

static int rpc_derive(struct call *c, struct err *e)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;
    struct derive *d = arena_new_of(c->arena, struct derive);
    const struct object *node;
    struct link_request b;
    int r = node_body(c, &b, &node, e);

    if (r < 0)
        return r;
    if (!ts)
        return nomad_fail(e, 400, "Vault \"default\" not enabled");
    d->node = state_body(node, c->arena);
    r = check_derive(c, d, &b, e);
    if (r < 0)
        return r;
    if (ts->outside) {
        call_then(c, create_tokens, finish_derive, d);
        return 0;
    }
    r = create_tokens(c, d, e);
    return r < 0 ? r : finish_derive(c, d, e);
}

/* ---- tasks' identities ------------------------------------------------------------------ */

/* Only the node that runs it may speak for an alloc, and only as long as it runs. */
static int rpc_identities(struct call *c, struct err *e)
{
    struct link_identities reply = {0};
    const struct object *node, *o, *job;
    const struct alloc *al;
    struct link_request b;
    int r = node_body(c, &b, &node, e);

    if (r < 0)
        return r;
    r = state_alloc(c->txn, str_or_empty(b.alloc_id), &o, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 404, "Allocation \"%s\" does not exist", str_or_empty(b.alloc_id));
    if (r < 0)
        return r;
    al = o->body;
    if (strcmp(al->node_id, b.node_id) != 0)
        return nomad_fail(e, 403, "Allocation \"%s\" not running on Node \"%s\"", al->id,
                          b.node_id);
    if (alloc_client_terminal(al))
        return nomad_fail(e, 400, "Can't sign identities of a terminal allocation");
    r = state_job_version(c->txn, al->namespace, al->job_id, al->job_version, &job, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 400, "Job of allocation \"%s\" is gone", al->id);
    call_set_secret(c);
    if (r == 0)
        r = identities_of_alloc(c, al, job->body, &reply, e);
    if (r == 0)
        nomad_schema(c, &link_identities_schema, &reply);
    return r;
}

const struct route rpc_routes[] = {
    /* clang-format off */
    {M_POST, "/v1/internal/node/register",  0,              rpc_register},
    {M_POST, "/v1/internal/node/heartbeat", 0,              rpc_heartbeat},
    {M_POST, "/v1/internal/node/allocs",    0,              rpc_allocs},
    {M_POST, "/v1/internal/node/update",    0,              rpc_update},
    {M_POST, "/v1/internal/node/derive",    ROUTE_BLOCKING, rpc_derive},
    {M_POST, "/v1/internal/node/identities", 0,             rpc_identities},
    {M_POST, "/v1/internal/node/events",    0,              rpc_events},
    {M_GET,  "/v1/internal/node/stream",    0,              rpc_stream},
    /* clang-format on */
};
const size_t n_rpc_routes = ARRAY_LEN(rpc_routes);
