/* Jobs: register, validate, parse, plan, stop, evaluate, revert, stable. */
#include <stdio.h>
#include <string.h>

#include "nomad/jobspec/jobspec.h"
#include "nomad/server/data_api.h"
#include "nomad/server/job_api.h"
#include "nomad/server/server_priv.h"

enum { SUBMISSION_MAX = 1 << 20 };

/* ---- what a registration brings --------------------------------------------------------- */

static const struct schema_field register_fields[] = {
    {"Job", NULL, F_JSON, offsetof(struct register_body, job)},
    {"EnforceIndex", NULL, F_BOOL, offsetof(struct register_body, enforce_index)},
    {"PreserveCounts", NULL, F_BOOL, offsetof(struct register_body, preserve_counts)},
    {"Diff", NULL, F_BOOL, offsetof(struct register_body, diff)},
    {"JobModifyIndex", NULL, F_UINT, offsetof(struct register_body, job_modify_index)},
    {"EvalPriority", NULL, F_INT, offsetof(struct register_body, eval_priority)},
    {"Submission", NULL, F_OBJ, offsetof(struct register_body, submission),
     .sub = &job_submission_schema},
    {"Namespace", NULL, F_STR, offsetof(struct register_body, namespace)},
};
static SCHEMA(register_schema, "registration", struct register_body, register_fields);

int registration_decode(struct call *c, struct registration *g, struct err *e)
{
    struct err why = ERR_INIT;
    int r = nomad_body(c, &register_schema, &g->body, e);

    if (r < 0)
        return r;
    if (!g->body.job || g->body.job->type == JSON_NULL)
        return nomad_fail(e, 400, "Job must be specified");
    if (job_from_json(g->body.job, c->arena, &g->job, &why) < 0)
        return nomad_fail(e, 400, "%s", why.msg);
    if (!g->job.id || !*g->job.id)
        return nomad_fail(e, 400, "Job ID hasn't been provided");
    g->submitter_token = g->job.vault_token;
    return registration_fits(&g->job, e);
}

void registration_complete(struct call *c, struct registration *g)
{
    struct job_finish_opts o = {.region = server_of(c)->opts.region};
    const char *ns = call_text(c, "namespace");

    if (!g->job.namespace || !*g->job.namespace)
        g->job.namespace = *ns                                       ? ns
                           : g->body.namespace && *g->body.namespace ? g->body.namespace
                                                                     : "default";
    job_canonicalize(&g->job, c->arena);
    job_finish(&g->job, &o, c->arena);
}

/* ---- validation ------------------------------------------------------------------------- */

static bool uses_vault(const struct job *j)
{
    list_each (&j->groups, g)
        list_each (&g->tasks, t)
            if (t->vault)
                return true;
    return false;
}

static const struct task *task_without_policies(const struct job *j)
{
    list_each (&j->groups, g)
        list_each (&g->tasks, t)
            if (t->vault && t->vault->policies.len == 0)
                return t;
    return NULL;
}

static int one_problem(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
static int one_problem(struct err *e, const char *fmt, ...)
{
    char text[ERR_MSG_SIZE];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return nomad_fail(e, 500, "1 error occurred:\n\t* %s\n\n", text);
}

/* Everything that can be said without asking somebody outside. */
int registration_check(struct call *c, struct registration *g, struct err *e)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;
    const struct task *bare;
    struct job_limits lim = {0};
    int r = job_validate_err(&g->job, &lim, c->arena, NULL, e);

    if (r < 0)
        return err_set_status(e, r, 500, "%s", e->msg);
    r = registration_place(c, &g->job, e);
    if (r < 0)
        return r;
    if (!uses_vault(&g->job))
        return 0;
    if (!ts)
        return one_problem(e, "Vault \"default\" not enabled but used in the job");
    bare = task_without_policies(&g->job);
    if (bare)
        return one_problem(e, "Task %s has a Vault block with an empty list of policies",
                           bare->name);
    return ts->outside ? 0 : ts->check_job(ts->ctx, &g->job, g->submitter_token, c->arena, e);
}

static bool asks_outside(struct call *c, const struct registration *g)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;

    return ts && ts->outside && uses_vault(&g->job);
}

static int ask_outside(struct call *c, void *arg, struct err *e)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;
    struct registration *g = arg;

    return ts->check_job(ts->ctx, &g->job, g->submitter_token, c->arena, e);
}

#define TOKEN_WARNING                                                                         \
    "Setting a Vault token when submitting a job is deprecated and will be removed in Nomad " \
    "1.9. "                                                                                   \
    "Migrate your Vault configuration to use workload identity"

/* A token that nobody looks at is not worth a word. */
const char *registration_warnings(struct call *c, const struct registration *g)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;
    const char *own = job_warnings(&g->job, c->arena);

    if (!ts || !ts->asks_submitter || !g->submitter_token || !*g->submitter_token)
        return own;
    return *own ? arena_printf(c->arena, "%s\n* " TOKEN_WARNING, own)
                : "1 warning:\n\n* " TOKEN_WARNING;
}

/* ---- register --------------------------------------------------------------------------- */

struct registered {
    const char *eval_id, *warnings;
    uint64_t job_modify_index; /* 0: this commit */
};

static void reply_registered(struct call *c, uint64_t rev, void *arg)
{
    const struct registered *d = arg;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_u64(w, "EvalCreateIndex", *d->eval_id ? rev : 0);
    json_kv_str(w, "EvalID", d->eval_id);
    json_kv_u64(w, "Index", rev);
    json_kv_u64(w, "JobModifyIndex", index_or(d->job_modify_index, rev));
    json_kv_bool(w, "KnownLeader", false);
    json_kv_u64(w, "LastContact", 0);
    json_kv_str(w, "NextToken", "");
    json_kv_str(w, "Warnings", d->warnings);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

static int check_index(const struct registration *g, const struct object *old, struct err *e)
{
    unsigned long long want = g->body.job_modify_index;

    if (!g->body.enforce_index)
        return 0;
    if (want == 0 && old)
        return nomad_fail(e, 500, "Enforcing job modify index 0: job already exists");
    if (want != 0 && !old)
        return nomad_fail(e, 500, "Enforcing job modify index %llu: job does not exist", want);
    if (want != 0 && job_spec_index(old) != want)
        return nomad_fail(e, 500,
                          "Enforcing job modify index %llu: job exists with conflicting job "
                          "modify index: %llu",
                          want, (unsigned long long)job_spec_index(old));
    return 0;
}

/* Versions beyond the newest few go, but for those that an alloc still runs. */
static int trim_versions(struct txn *t, const struct job *j, struct err *e)
{
    uint64_t newest = OPT(j->version);
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    if (newest < JOB_VERSIONS_KEPT)
        return 0;
    key_init(&k, job_version_table.name);
    key_addz(&k, j->namespace);
    key_addz(&k, j->id);
    r = table_scan_begin(t, &it, &job_version_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        const struct job *v = o->body;

        if (OPT(v->version) + JOB_VERSIONS_KEPT > newest || v->version_tag)
            continue;
        key_init(&k, job_version_table.name);
        key_addz(&k, v->namespace);
        key_addz(&k, v->id);
        key_add_u64(&k, OPT(v->version));
        r = job_version_in_use(t, v, e);
        if (r == 0)
            r = table_del(t, &job_version_table, &k, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

/* 1: an alloc that is not over runs this version. */
int job_version_in_use(struct txn *t, const struct job *v, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    bool used = false;
    int r;

    table_index_key(&k, &alloc_table, "by_job");
    key_addz(&k, v->namespace);
    key_addz(&k, v->id);
    r = table_scan_index(t, &it, &alloc_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while (!used && (r = table_scan_next(&it, &o, e)) > 0) {
        const struct alloc *al = o->body;

        used = al->job_version == OPT(v->version) && !alloc_client_terminal(al);
    }
    table_scan_end(&it);
    return r < 0 ? r : used;
}

/* The job's new row: a higher version if the specification changed. *ret_spec_index 0: this
 * commit. */
static int put_job(struct call *c, struct job *j, const struct object *old,
                   uint64_t *ret_spec_index, struct err *e)
{
    const struct job *was = old ? old->body : NULL;
    bool same = was && !job_is_stopped(was) && job_spec_eq(was, j);
    struct object *o = object_new(&job_schema);
    struct job *n = o->body;
    struct object *version;
    int r;

    memcpy(n, schema_copy(&job_schema, j, o->arena), sizeof *n);
    opt_set(o->arena, &n->stop, false);
    opt_set(o->arena, &n->version, was ? OPT(was->version) + !same : 0);
    opt_set(o->arena, &n->stable, same && OPT(was->stable));
    opt_set(o->arena, &n->job_modify_index, same ? job_spec_index(old) : 0);
    opt_set(o->arena, &n->create_index, (uint64_t)0);
    opt_set(o->arena, &n->modify_index, (uint64_t)0);
    opt_set(o->arena, &n->submit_time, same ? OPT(was->submit_time) : c->now_ns);
    n->status = was ? arena_strdup(o->arena, was->status) : "pending";
    if (job_is_periodic(n) || job_is_parameterized(n))
        n->status = "running";
    n->vault_token = n->consul_token = "";
    *ret_spec_index = OPT(n->job_modify_index);
    version = same ? NULL : state_copy(o);
    if (version) /* a row of its own: its indexes are this commit's too */
        memcpy(version->body, schema_copy(&job_schema, n, version->arena), sizeof *n);
    r = state_put(c->txn, &job_table, o, e);
    if (version && r == 0)
        r = state_put(c->txn, &job_version_table, version, e);
    else if (version)
        object_unref(version);
    return r;
}

static int put_submission(struct call *c, const struct registration *g, uint64_t version,
                          struct err *e)
{
    const struct job_submission *given = g->body.submission;
    struct object *o;
    struct job_submission *s;

    if (!given || !given->source || strlen(given->source) > SUBMISSION_MAX)
        return 0;
    o = object_new(&job_submission_schema);
    s = o->body;
    memcpy(s, schema_copy(&job_submission_schema, given, o->arena), sizeof *s);
    s->namespace = arena_strdup(o->arena, g->job.namespace);
    s->job_id = arena_strdup(o->arena, g->job.id);
    s->version = version;
    return state_put(c->txn, &job_submission_table, o, e);
}

static int put_summary(struct call *c, const struct job *j, struct err *e)
{
    struct object *s;
    int r = summary_load(c->txn, j->namespace, j->id, &s, e);

    if (r < 0)
        return r;
    list_each (&j->groups, g)
        summary_group(s->body, g->name, s->arena);
    return state_put(c->txn, &job_summary_table, s, e);
}

static int make_eval(struct call *c, const struct job *j, int64_t priority, const char *by,
                     uint64_t spec_index, const char **ret_id, struct err *e)
{
    struct eval_new n = {.namespace = j->namespace,
                         .job_id = j->id,
                         .type = j->type,
                         .triggered_by = by,
                         .priority = priority > 0 ? priority : OPT(j->priority),
                         .job_modify_index = spec_index};

    *ret_id = "";
    if (job_is_periodic(j) || job_is_parameterized(j))
        return 0;
    return eval_create(c->txn, c->arena, c->now_ns, &n, ret_id, e);
}

static int store_job(struct call *c, void *arg, struct err *e)
{
    struct registration *g = arg;
    struct registered *d = arena_new_of(c->arena, struct registered);
    const struct object *old = NULL, *now;
    int r = state_job(c->txn, g->job.namespace, g->job.id, &old, e);

    if (r == ERR_NOTFOUND)
        old = NULL;
    else if (r < 0)
        return r;
    r = check_index(g, old, e);
    if (r == 0 && old && job_check_update(old->body, &g->job, e) < 0)
        r = err_set_status(e, ERR_INTERNAL, 500, "%s", e->msg);
    if (r == 0)
        r = put_job(c, &g->job, old, &d->job_modify_index, e);
    if (r == 0)
        r = state_job(c->txn, g->job.namespace, g->job.id, &now, e);
    if (r == 0)
        r = put_submission(c, g, OPT(((const struct job *)now->body)->version), e);
    if (r == 0)
        r = trim_versions(c->txn, now->body, e);
    if (r == 0)
        r = put_summary(c, &g->job, e);
    if (r == 0)
        r = make_eval(c, &g->job, g->body.eval_priority, EVAL_BY_REGISTER, d->job_modify_index,
                      &d->eval_id, e);
    if (r == 0)
        r = job_refresh_status(c->txn, g->job.namespace, g->job.id, e);
    if (r < 0)
        return r;
    d->warnings = g->warnings;
    call_on_commit(c, reply_registered, d);
    return 0;
}

static int register_job(struct call *c, const char *path_id, struct err *e)
{
    struct registration *g = arena_new_of(c->arena, struct registration);
    int r = registration_decode(c, g, e);

    if (r < 0)
        return r;
    if (path_id && strcmp(path_id, g->job.id) != 0)
        return nomad_fail(e, 400, "Job ID does not match name");
    r = registration_region(c, &g->job, e);
    if (r < 0)
        return r;
    registration_complete(c, g);
    g->warnings = registration_warnings(c, g);
    r = registration_check(c, g, e);
    if (r < 0)
        return r;
    if (!asks_outside(c, g))
        return store_job(c, g, e);
    call_then(c, ask_outside, store_job, g);
    return 0;
}

int jobs_register(struct call *c, struct err *e)
{
    return register_job(c, NULL, e);
}

int job_register(struct call *c, const char *id, struct err *e)
{
    return register_job(c, id, e);
}

/* ---- validate --------------------------------------------------------------------------- */

static int reply_validation(struct call *c, void *arg, struct err *e)
{
    struct registration *g = arg;
    struct problem_list p = {.arena = c->arena};
    struct job_limits lim = {0};
    struct json_out *w;

    (void)e;
    job_validate(&g->job, &lim, &p);
    if (uses_vault(&g->job) && !server_of(c)->opts.secrets)
        list_push(c->arena, &p.at, "Vault \"default\" not enabled but used in the job");
    w = nomad_json(c);
    json_obj(w);
    json_kv_bool(w, "DriverConfigValidated", true);
    json_kv_str(w, "Error", problem_list_text(c->arena, &p));
    json_key(w, "ValidationErrors");
    if (p.at.len) {
        struct strlist texts = {p.at.at, p.at.len};

        json_strlist(w, &texts);
    } else {
        json_null(w);
    }
    json_kv_str(w, "Warnings", g->warnings);
    json_obj_end(w);
    return 0;
}

int job_validate_call(struct call *c, struct err *e)
{
    struct registration *g = arena_new_of(c->arena, struct registration);
    int r = registration_decode(c, g, e);

    if (r < 0)
        return r;
    registration_complete(c, g);
    g->warnings = registration_warnings(c, g);
    return reply_validation(c, g, e);
}

/* ---- parse ------------------------------------------------------------------------------ */

struct parse_body {
    const char *job_hcl, *variables;
    bool canonicalize, hcl_v1;
};

static const struct schema_field parse_fields[] = {
    {"JobHCL", NULL, F_STR, offsetof(struct parse_body, job_hcl), .max = HCL_TEXT_MAX},
    {"Variables", NULL, F_STR, offsetof(struct parse_body, variables), .max = HCL_TEXT_MAX},
    {"Canonicalize", NULL, F_BOOL, offsetof(struct parse_body, canonicalize)},
    {"hclv1", NULL, F_BOOL, offsetof(struct parse_body, hcl_v1)},
};
static SCHEMA(parse_schema, "parse request", struct parse_body, parse_fields);

int jobs_parse(struct call *c, struct err *e)
{
    struct hcl_diags d = {.arena = c->arena};
    struct jobspec_opts o = {0};
    struct parse_body b;
    struct job *j;
    int r = nomad_body(c, &parse_schema, &b, e);

    if (r < 0)
        return r;
    if (!b.job_hcl || !*b.job_hcl)
        return nomad_fail(e, 400, "Job spec is empty");
    o.vars = str_of(b.variables);
    if (jobspec_parse(str_of(b.job_hcl), "input.hcl", &o, c->arena, &j, &d) < 0)
        return nomad_fail(e, 400, "Failed to parse job: %s", hcl_diags_text(c->arena, &d));
    if (b.canonicalize)
        job_canonicalize(j, c->arena);
    nomad_schema(c, &job_schema, j);
    return 0;
}

/* ---- stop ------------------------------------------------------------------------------- */

struct deregistered {
    const char *eval_id;
    bool found;
    bool purge;
};

static void reply_deregistered(struct call *c, uint64_t rev, void *arg)
{
    const struct deregistered *d = arg;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_u64(w, "EvalCreateIndex", rev); /* also where no evaluation was made */
    json_kv_str(w, "EvalID", d->eval_id);
    json_kv_u64(w, "Index", rev);
    json_kv_u64(w, "JobModifyIndex", rev);
    json_kv_bool(w, "KnownLeader", false);
    json_kv_u64(w, "LastContact", 0);
    json_kv_str(w, "NextToken", "");
    json_kv_str(w, "VolumeEvalID", "");
    json_kv_u64(w, "VolumeEvalIndex", 0);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

static int delete_prefix(struct txn *t, const struct table *table, const char *ns,
                         const char *id, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    key_init(&k, table->name);
    key_addz(&k, ns);
    key_addz(&k, id);
    r = table_scan_begin(t, &it, table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        key_init(&k, table->name);
        table->key(o->body, &k);
        r = table_del(t, table, &k, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int job_purge(struct txn *t, const char *ns, const char *id, struct err *e)
{
    const struct table *const tables[] = {&job_table, &job_version_table, &job_summary_table,
                                          &job_submission_table};
    int r = 0;

    for (size_t i = 0; r == 0 && i < ARRAY_LEN(tables); i++)
        r = delete_prefix(t, tables[i], ns, id, e);
    return r;
}

/* A stop is a new version of the job. */
static int put_stopped(struct call *c, const struct object *old, struct err *e)
{
    struct object *o = state_copy(old), *version;
    struct job *j = o->body;
    int r;

    opt_set(o->arena, &j->stop, true);
    opt_set(o->arena, &j->version, OPT(j->version) + 1);
    opt_set(o->arena, &j->job_modify_index, (uint64_t)0);
    opt_set(o->arena, &j->submit_time, c->now_ns);
    version = object_new(&job_schema);
    memcpy(version->body, schema_copy(&job_schema, j, version->arena), sizeof *j);
    r = state_put(c->txn, &job_table, o, e);
    if (r == 0)
        return state_put(c->txn, &job_version_table, version, e);
    object_unref(version);
    return r;
}

/* 0: not given, or left to the job. */
static int eval_priority_of(struct call *c, int64_t *ret, struct err *e)
{
    const char *text = call_text(c, "eval_priority");

    *ret = 0;
    if (!*text)
        return 0;
    if (!str_to_i64(str_of(text), 10, ret))
        return nomad_fail(e, 400,
                          "Failed to parse value of \"eval_priority\" (%.64s) as an int: "
                          "strconv.Atoi: parsing \"%.64s\": invalid syntax",
                          text, text);
    if (*ret < 0 || *ret > 100)
        return nomad_fail(e, 400, "Eval priority must be between 1 and 100 inclusively");
    return 0;
}

int job_deregister(struct call *c, const char *id, struct err *e)
{
    const char *ns = call_namespace(c);
    struct deregistered *d = arena_new_of(c->arena, struct deregistered);
    const struct object *old;
    const struct job *j;
    int64_t priority = 0;
    int r = call_bool(c, "purge", &d->purge, e);

    d->eval_id = "";
    if (r < 0)
        return r;
    r = eval_priority_of(c, &priority, e);
    if (r < 0)
        return r;
    r = state_job(c->txn, ns, id, &old, e);
    if (r == ERR_NOTFOUND) {
        reply_deregistered(c, 0, d);
        return 0;
    }
    if (r < 0)
        return r;
    j = old->body;
    r = d->purge            ? job_purge(c->txn, ns, id, e)
        : job_is_stopped(j) ? 0
                            : put_stopped(c, old, e);
    if (r == 0)
        r = make_eval(c, j, priority, EVAL_BY_DEREGISTER, 0, &d->eval_id, e);
    if (r == 0 && !d->purge)
        r = job_refresh_status(c->txn, ns, id, e);
    if (r < 0)
        return r;
    if (!txn_has_writes(c->txn))
        reply_deregistered(c, table_rev(c->txn, &job_table), d);
    else
        call_on_commit(c, reply_deregistered, d);
    return 0;
}

/* ---- evaluate, revert, stable ------------------------------------------------------------ */

struct by_version_body {
    const char *job_id;
    uint64_t *job_version, *enforce_prior_version;
    bool stable;
};

static const struct schema_field by_version_fields[] = {
    {"JobID", NULL, F_STR, offsetof(struct by_version_body, job_id)},
    {"JobVersion", NULL, F_UINT, offsetof(struct by_version_body, job_version),
     .flags = FIELD_PTR},
    {"EnforcePriorVersion", NULL, F_UINT,
     offsetof(struct by_version_body, enforce_prior_version), .flags = FIELD_PTR},
    {"Stable", NULL, F_BOOL, offsetof(struct by_version_body, stable)},
};
static SCHEMA(by_version_schema, "request", struct by_version_body, by_version_fields);

int job_evaluate(struct call *c, const char *id, struct err *e)
{
    struct registered *d = arena_new_of(c->arena, struct registered);
    struct by_version_body b = {0};
    const struct object *o;
    const struct json *body;
    int r = call_json(c, &body, e);

    if (r == 0 && body)
        r = nomad_body(c, &by_version_schema, &b, e);
    if (r < 0)
        return r;
    if (b.job_id && *b.job_id && strcmp(b.job_id, id) != 0)
        return nomad_fail(e, 400, "JobID not same as job name");
    r = state_job(c->txn, call_namespace(c), id, &o, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 500, "job not found");
    if (r < 0)
        return r;
    if (job_is_periodic(o->body))
        return nomad_fail(e, 500, "can't evaluate periodic job");
    if (job_is_parameterized(o->body))
        return nomad_fail(e, 500, "can't evaluate parameterized job");
    d->warnings = "";
    d->job_modify_index = o->mod_rev;
    r = make_eval(c, o->body, 0, EVAL_BY_REGISTER, job_spec_index(o), &d->eval_id, e);
    if (r == 0)
        r = job_refresh_status(c->txn, call_namespace(c), id, e);
    if (r == 0)
        call_on_commit(c, reply_registered, d);
    return r;
}

static int versioned(struct call *c, const char *id, struct by_version_body *b,
                     const struct object **ret_version, struct err *e)
{
    const char *ns = call_namespace(c);
    int r = nomad_body(c, &by_version_schema, b, e);

    if (r < 0)
        return r;
    if (!b->job_id || !*b->job_id)
        return nomad_fail(e, 400, "JobID must be specified");
    if (strcmp(b->job_id, id) != 0)
        return nomad_fail(e, 400, "Job ID does not match");
    r = state_job_version(c->txn, ns, id, OPT(b->job_version), ret_version, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 500, "job \"%s\" in namespace \"%s\" at version %llu not found",
                          id, ns, (unsigned long long)OPT(b->job_version));
    return r;
}

int job_revert(struct call *c, const char *id, struct err *e)
{
    struct registration *g = arena_new_of(c->arena, struct registration);
    const struct object *version, *now;
    struct by_version_body b;
    int r = versioned(c, id, &b, &version, e);

    if (r == 0)
        r = state_job(c->txn, call_namespace(c), id, &now, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 500, "job %s not found", id);
    if (r < 0)
        return r;
    unsigned long long current = OPT(((const struct job *)now->body)->version);

    if (OPT(b.job_version) == current)
        return nomad_fail(e, 500, "can't revert to current version");
    if (b.enforce_prior_version && *b.enforce_prior_version != current)
        return nomad_fail(e, 500, "Current job has version %llu; enforcing version %llu",
                          current, (unsigned long long)*b.enforce_prior_version);
    memcpy(&g->job, schema_copy(&job_schema, version->body, c->arena), sizeof g->job);
    g->warnings = "";
    return store_job(c, g, e);
}

static void reply_index(struct call *c, uint64_t rev, void *arg)
{
    struct json_out *w = nomad_json(c);

    (void)arg;
    json_obj(w);
    json_kv_u64(w, "Index", rev);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

int job_set_stable(struct txn *t, const struct object *version, bool stable, struct err *e)
{
    struct object *o = state_copy(version);
    struct job *v = o->body;
    const struct object *now;
    int r;

    opt_set(o->arena, &v->stable, stable);
    r = state_job(t, v->namespace, v->id, &now, e);
    if (r == 0 && OPT(((const struct job *)now->body)->version) == OPT(v->version)) {
        struct object *copy = state_copy(now);

        opt_set(copy->arena, &((struct job *)copy->body)->stable, stable);
        r = state_put(t, &job_table, copy, e);
    }
    if (r < 0 && r != ERR_NOTFOUND) {
        object_unref(o);
        return r;
    }
    return state_put(t, &job_version_table, o, e);
}

int job_stable(struct call *c, const char *id, struct err *e)
{
    const struct object *version;
    struct by_version_body b;
    int r = versioned(c, id, &b, &version, e);

    if (r == 0)
        r = job_set_stable(c->txn, version, b.stable, e);
    if (r == 0)
        call_on_commit(c, reply_index, NULL);
    return r;
}
