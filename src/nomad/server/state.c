#include "nomad/server/state.h"

#include <string.h>

#include "nomad/server/scale.h"

static const struct schema_field accessor_fields[] = {
    {"alloc_id", NULL, F_STR, offsetof(struct accessor, alloc_id)},
    {"task", NULL, F_STR, offsetof(struct accessor, task)},
    {"node_id", NULL, F_STR, offsetof(struct accessor, node_id)},
    {"record", NULL, F_JSON, offsetof(struct accessor, record)},
};
static SCHEMA(accessor_schema, "accessor", struct accessor, accessor_fields);

static const struct schema_field revocation_fields[] = {
    {"at", NULL, F_INT, offsetof(struct revocation, at_ns)},
    {"id", NULL, F_STR, offsetof(struct revocation, id)},
    {"alloc_id", NULL, F_STR, offsetof(struct revocation, alloc_id)},
    {"task", NULL, F_STR, offsetof(struct revocation, task)},
    {"record", NULL, F_JSON, offsetof(struct revocation, record)},
    {"tries", NULL, F_INT, offsetof(struct revocation, tries)},
    {"last_error", NULL, F_STR, offsetof(struct revocation, last_error)},
};
static SCHEMA(revocation_schema, "revocation", struct revocation, revocation_fields);

static const struct schema_field periodic_launch_fields[] = {
    {"namespace", NULL, F_STR, offsetof(struct periodic_launch, namespace)},
    {"job_id", NULL, F_STR, offsetof(struct periodic_launch, job_id)},
    {"at", NULL, F_INT, offsetof(struct periodic_launch, at_s)},
};
SCHEMA(periodic_launch_schema, "periodic launch", struct periodic_launch,
       periodic_launch_fields);

/* ---- keys ------------------------------------------------------------------------------- */

static void job_key(const void *body, struct key *k)
{
    const struct job *j = body;

    key_addz(k, j->namespace);
    key_addz(k, j->id);
}

static void job_version_key(const void *body, struct key *k)
{
    const struct job *j = body;

    job_key(j, k);
    key_add_u64(k, OPT(j->version));
}

static void summary_key(const void *body, struct key *k)
{
    const struct job_summary *s = body;

    key_addz(k, s->namespace);
    key_addz(k, s->job_id);
}

static void submission_key(const void *body, struct key *k)
{
    const struct job_submission *s = body;

    key_addz(k, s->namespace);
    key_addz(k, s->job_id);
    key_add_u64(k, s->version);
}

static void periodic_launch_key(const void *body, struct key *k)
{
    const struct periodic_launch *l = body;

    key_addz(k, l->namespace);
    key_addz(k, l->job_id);
}

static void scaling_event_key(const void *body, struct key *k)
{
    const struct scaling_history *h = body;

    key_addz(k, h->namespace);
    key_addz(k, h->job_id);
}

static void scaling_policy_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct scaling_policy *)body)->id);
}

static void node_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct node *)body)->id);
}

static void eval_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct eval *)body)->id);
}

static void alloc_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct alloc *)body)->id);
}

static void deployment_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct deployment *)body)->id);
}

static void accessor_key(const void *body, struct key *k)
{
    const struct accessor *x = body;

    key_addz(k, x->alloc_id);
    key_addz(k, x->task);
}

static void revocation_key(const void *body, struct key *k)
{
    const struct revocation *x = body;

    key_add_u64(k, (uint64_t)x->at_ns);
    key_addz(k, x->id);
}

static void namespace_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct namespace_body *)body)->name);
}

static void node_pool_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct node_pool *)body)->name);
}

static void variable_key(const void *body, struct key *k)
{
    const struct variable *v = body;

    key_addz(k, v->namespace);
    key_addz(k, v->path);
}

/* ---- indexes ---------------------------------------------------------------------------- */

static bool job_by_parent(const void *body, struct key *k)
{
    const struct job *j = body;

    if (!j->parent_id || !*j->parent_id)
        return false;
    key_addz(k, j->namespace);
    key_addz(k, j->parent_id);
    return true;
}

/* Dispatched with a token that makes it happen once. */
static bool job_by_token(const void *body, struct key *k)
{
    const struct job *j = body;

    if (!j->dispatch_idempotency_token || !*j->dispatch_idempotency_token ||
        !job_by_parent(body, k))
        return false;
    key_addz(k, j->dispatch_idempotency_token);
    return true;
}

static bool scaling_policy_by_job(const void *body, struct key *k)
{
    const struct scaling_policy *p = body;

    key_addz(k, scaling_target(p, "Namespace"));
    key_addz(k, scaling_target(p, "Job"));
    return true;
}

static bool eval_by_job(const void *body, struct key *k)
{
    const struct eval *ev = body;

    key_addz(k, ev->namespace);
    key_addz(k, ev->job_id);
    return true;
}

static bool eval_by_status(const void *body, struct key *k)
{
    key_addz(k, ((const struct eval *)body)->status);
    return true;
}

static bool alloc_by_job(const void *body, struct key *k)
{
    const struct alloc *al = body;

    key_addz(k, al->namespace);
    key_addz(k, al->job_id);
    return true;
}

static bool alloc_by_node(const void *body, struct key *k)
{
    key_addz(k, ((const struct alloc *)body)->node_id);
    return true;
}

static bool alloc_by_eval(const void *body, struct key *k)
{
    key_addz(k, ((const struct alloc *)body)->eval_id);
    return true;
}

static bool alloc_by_deployment(const void *body, struct key *k)
{
    const struct alloc *al = body;

    if (!al->deployment_id || !*al->deployment_id)
        return false;
    key_addz(k, al->deployment_id);
    return true;
}

static bool deployment_by_job(const void *body, struct key *k)
{
    const struct deployment *d = body;

    key_addz(k, d->namespace);
    key_addz(k, d->job_id);
    return true;
}

static bool variable_by_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct variable *)body)->key_id);
    return true;
}

static bool variable_locked(const void *body, struct key *k)
{
    (void)k;
    return ((const struct variable *)body)->lock != NULL;
}

const struct table job_table = {
    .name = "job",
    .schema = &job_schema,
    .key = job_key,
    .indexes = {{"by_parent", job_by_parent}, {"by_token", job_by_token}}};
const struct table periodic_launch_table = {
    .name = "periodic_launch", .schema = &periodic_launch_schema, .key = periodic_launch_key};
const struct table scaling_event_table = {
    .name = "scaling_event", .schema = &scaling_history_schema, .key = scaling_event_key};
const struct table scaling_policy_table = {.name = "scaling_policy",
                                           .schema = &scaling_policy_schema,
                                           .key = scaling_policy_key,
                                           .indexes = {{"by_job", scaling_policy_by_job}}};
const struct table job_version_table = {
    .name = "job_version", .schema = &job_schema, .key = job_version_key};
const struct table job_summary_table = {
    .name = "job_summary", .schema = &job_summary_schema, .key = summary_key};
const struct table job_submission_table = {
    .name = "job_submission", .schema = &job_submission_schema, .key = submission_key};
const struct table node_table = {.name = "node", .schema = &node_schema, .key = node_key};
const struct table eval_table = {
    .name = "eval",
    .schema = &eval_schema,
    .key = eval_key,
    .indexes = {{"by_job", eval_by_job}, {"by_status", eval_by_status}}};
const struct table alloc_table = {.name = "alloc",
                                  .schema = &alloc_schema,
                                  .key = alloc_key,
                                  .indexes = {{"by_job", alloc_by_job},
                                              {"by_node", alloc_by_node},
                                              {"by_eval", alloc_by_eval},
                                              {"by_deployment", alloc_by_deployment}}};
const struct table deployment_table = {.name = "deployment",
                                       .schema = &deployment_schema,
                                       .key = deployment_key,
                                       .indexes = {{"by_job", deployment_by_job}}};
const struct table accessor_table = {
    .name = "accessor", .schema = &accessor_schema, .key = accessor_key};
const struct table revocation_table = {
    .name = "revocation", .schema = &revocation_schema, .key = revocation_key};
const struct table namespace_table = {
    .name = "namespace", .schema = &namespace_schema, .key = namespace_key};
const struct table node_pool_table = {
    .name = "node_pool", .schema = &node_pool_schema, .key = node_pool_key};
const struct table variable_table = {
    .name = "variable",
    .schema = &variable_schema,
    .key = variable_key,
    .indexes = {{"by_key", variable_by_key}, {"locked", variable_locked}}};

int state_open(struct store *s, struct err *e)
{
    const struct table *all[] = {&job_table,
                                 &job_version_table,
                                 &job_summary_table,
                                 &job_submission_table,
                                 &node_table,
                                 &eval_table,
                                 &alloc_table,
                                 &deployment_table,
                                 &accessor_table,
                                 &revocation_table,
                                 &namespace_table,
                                 &node_pool_table,
                                 &variable_table,
                                 &root_key_table,
                                 &periodic_launch_table,
                                 &scaling_event_table,
                                 &scaling_policy_table,
                                 &acl_policy_table,
                                 &acl_role_table,
                                 &acl_token_table,
                                 &acl_one_time_table,
                                 &acl_mark_table};

    struct key k;

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        int r = table_open(s, all[i], e);

        if (r < 0)
            return r;
    }
    key_init(&k, "node_mark");
    return store_register_prefix(s, key_str(&k), e);
}

void node_mark_key(struct key *k, const char *node_id)
{
    key_init(k, "node_mark");
    key_addz(k, node_id);
}

int node_mark(struct txn *t, const char *node_id, struct err *e)
{
    struct key k;

    node_mark_key(&k, node_id);
    return txn_put(t, key_str(&k), STR("{}"), e);
}

/* ---- reading ---------------------------------------------------------------------------- */

static int by_id(struct txn *t, const struct table *table, const char *id,
                 const struct object **ret, struct err *e)
{
    struct key k;

    key_init(&k, table->name);
    key_addz(&k, id);
    return table_get(t, table, &k, ret, e);
}

int state_job(struct txn *t, const char *ns, const char *id, const struct object **ret,
              struct err *e)
{
    struct key k;

    key_init(&k, job_table.name);
    key_addz(&k, ns);
    key_addz(&k, id);
    return table_get(t, &job_table, &k, ret, e);
}

int state_job_version(struct txn *t, const char *ns, const char *id, uint64_t version,
                      const struct object **ret, struct err *e)
{
    struct key k;

    key_init(&k, job_version_table.name);
    key_addz(&k, ns);
    key_addz(&k, id);
    key_add_u64(&k, version);
    return table_get(t, &job_version_table, &k, ret, e);
}

int state_node(struct txn *t, const char *id, const struct object **ret, struct err *e)
{
    return by_id(t, &node_table, id, ret, e);
}

int state_eval(struct txn *t, const char *id, const struct object **ret, struct err *e)
{
    return by_id(t, &eval_table, id, ret, e);
}

int state_alloc(struct txn *t, const char *id, const struct object **ret, struct err *e)
{
    return by_id(t, &alloc_table, id, ret, e);
}

int state_deployment(struct txn *t, const char *id, const struct object **ret, struct err *e)
{
    return by_id(t, &deployment_table, id, ret, e);
}

/* ---- changing --------------------------------------------------------------------------- */

uint64_t job_spec_index(const struct object *o)
{
    const struct job *j = o->body;

    return index_or(OPT(j->job_modify_index), o->mod_rev);
}

static uint64_t *boxed(struct arena *a, uint64_t v)
{
    uint64_t *p = arena_alloc(a, sizeof *p);

    *p = v;
    return p;
}

/* What a stored 0 stands for, written out. */
static void resolve_job(struct job *j, const struct object *o, struct arena *a)
{
    j->job_modify_index = boxed(a, index_or(OPT(j->job_modify_index), o->mod_rev));
    j->create_index = boxed(a, index_or(OPT(j->create_index), o->create_rev));
    j->modify_index = boxed(a, o->mod_rev);
}

static void resolve_eval(struct eval *ev, const struct object *o)
{
    ev->job_modify_index = index_or(ev->job_modify_index, o->create_rev);
    ev->create_index = o->create_rev;
    ev->modify_index = o->mod_rev;
}

static void resolve_alloc(struct alloc *al, const struct object *o)
{
    al->alloc_modify_index = index_or(al->alloc_modify_index, o->mod_rev);
    al->create_index = o->create_rev;
    al->modify_index = o->mod_rev;
    if (al->deployment_status && al->deployment_status->healthy)
        al->deployment_status->modify_index =
            index_or(al->deployment_status->modify_index, o->mod_rev);
}

static void resolve(struct object *copy, const struct object *o)
{
    if (o->schema == &job_schema)
        resolve_job(copy->body, o, copy->arena);
    else if (o->schema == &eval_schema)
        resolve_eval(copy->body, o);
    else if (o->schema == &alloc_schema)
        resolve_alloc(copy->body, o);
    else if (o->schema == &deployment_schema) {
        struct deployment *d = copy->body;

        d->create_index = o->create_rev;
        d->modify_index = o->mod_rev;
    } else if (o->schema == &node_schema) {
        struct node *n = copy->body;

        n->create_index = o->create_rev;
        n->modify_index = o->mod_rev;
    } else if (o->schema == &job_summary_schema) {
        struct job_summary *s = copy->body;

        s->create_index = o->create_rev;
        s->modify_index = o->mod_rev;
    }
}

struct object *state_copy(const struct object *o)
{
    struct object *copy = object_new(o->schema);

    memcpy(copy->body, schema_copy(o->schema, o->body, copy->arena), o->schema->size);
    resolve(copy, o);
    return copy;
}

const void *state_body(const struct object *o, struct arena *a)
{
    struct object *copy = state_copy(o);

    arena_on_end(a, (void (*)(void *))object_unref, copy);
    return copy->body;
}

int state_put(struct txn *t, const struct table *table, struct object *o, struct err *e)
{
    int r = table_put(t, table, o, e);

    object_unref(o);
    return r;
}
