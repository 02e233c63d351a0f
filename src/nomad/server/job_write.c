/* Jobs: register, validate, parse, evaluate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zone.h"
#include "nomad/jobspec/jobspec.h"
#include "nomad/server/data_api.h"
#include "nomad/server/job_api.h"
#include "nomad/server/server_priv.h"

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

static bool zone_known(const char *name)
{
    auto_zone struct zone *z = NULL;

    return zone_load(name, &z, NULL) == 0;
}

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
    struct job_limits lim = {.zone_known = zone_known};
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

static size_t source_size(const struct job_submission *s)
{
    size_t n = str_of(s->source).len + str_of(s->variables).len;

    for (size_t i = 0; i < s->variable_flags.len; i++)
        n += strlen(s->variable_flags.at[i].key) + strlen(s->variable_flags.at[i].val);
    return n;
}

static size_t source_max(const struct call *c)
{
    int64_t max = server_of(c)->opts.job_max_source_size;

    return max < 0 ? 0 : max > 0 ? (size_t)max : JOB_SOURCE_MAX;
}

static const char *add_warning(struct arena *a, const char *had, const char *more)
{
    unsigned long long n = strtoull(had, NULL, 10);
    const char *list = strstr(had, "\n\n");

    if (!*had)
        return arena_printf(a, "1 warning:\n\n* %s", more);
    return arena_printf(a, "%llu warnings:\n\n%s\n* %s", n + 1, list ? list + 2 : "", more);
}

/* A token that nobody looks at is not worth a word. */
const char *registration_warnings(struct call *c, const struct registration *g)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;
    const struct job_submission *source = g->body.submission;
    const char *own = job_warnings(&g->job, c->arena);

    if (source && source->source && source_size(source) > source_max(c))
        own = add_warning(c->arena, own,
                          arena_printf(c->arena,
                                       "job source size of %zu B exceeds maximum of %zu B and "
                                       "will be discarded",
                                       source_size(source), source_max(c)));

    if (!ts || !ts->asks_submitter || !g->submitter_token || !*g->submitter_token)
        return own;
    return *own ? arena_printf(c->arena, "%s\n* " TOKEN_WARNING, own)
                : "1 warning:\n\n* " TOKEN_WARNING;
}

/* ---- register --------------------------------------------------------------------------- */

void reply_registered(struct call *c, uint64_t rev, void *arg)
{
    const struct registered *d = arg;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_u64(w, "EvalCreateIndex", *d->eval_id ? rev : 0);
    json_kv_str(w, "EvalID", d->eval_id);
    json_kv_u64(w, "Index", rev);
    json_kv_u64(w, "JobModifyIndex", index_or(d->job_modify_index, rev));
    json_kv_bool(w, "KnownLeader", d->known_leader);
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

/* The text that the job was made of, kept with its version unless it is too long. */
static int put_submission(struct call *c, const struct registration *g, uint64_t version,
                          struct err *e)
{
    const struct job_submission *given = g->body.submission;
    struct object *o;
    struct job_submission *s;

    if (!given || !given->source || source_size(given) > source_max(c))
        return 0;
    o = object_new(&job_submission_schema);
    s = o->body;
    memcpy(s, schema_copy(&job_submission_schema, given, o->arena), sizeof *s);
    s->namespace = arena_strdup(o->arena, g->job.namespace);
    s->job_id = arena_strdup(o->arena, g->job.id);
    s->version = version;
    return state_put(c->txn, &job_submission_table, o, e);
}

int registration_store(struct call *c, void *arg, struct err *e)
{
    struct registration *g = arg;
    struct registered *d = arena_new_of(c->arena, struct registered);
    const struct object *old = NULL, *now;
    struct job_tx x = job_tx_of(c);
    int r = state_job(c->txn, g->job.namespace, g->job.id, &old, e);

    if (r == ERR_NOTFOUND)
        old = NULL;
    else if (r < 0)
        return r;
    r = check_index(g, old, e);
    if (r == 0 && old && job_check_update(old->body, &g->job, e) < 0)
        r = err_set_status(e, ERR_INTERNAL, 500, "%s", e->msg);
    if (r == 0)
        r = job_put(&x, &g->job, old, &d->job_modify_index, e);
    if (r == 0)
        r = state_job(c->txn, g->job.namespace, g->job.id, &now, e);
    if (r == 0)
        r = put_submission(c, g, OPT(((const struct job *)now->body)->version), e);
    if (r == 0)
        r = job_put_summary(&x, &g->job, e);
    if (r == 0)
        r = job_make_eval(&x, &g->job, g->body.eval_priority, EVAL_BY_REGISTER,
                          d->job_modify_index, &d->eval_id, e);
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
    r = call_need(c, g->job.namespace, CAP_SUBMIT_JOB, e);
    if (r < 0)
        return r;
    g->warnings = registration_warnings(c, g);
    r = registration_check(c, g, e);
    if (r < 0)
        return r;
    if (!asks_outside(c, g))
        return registration_store(c, g, e);
    call_then(c, ask_outside, registration_store, g);
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
    struct job_limits lim = {.zone_known = zone_known};
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
    r = call_need(c, g->job.namespace, CAP_READ_JOB, e);
    if (r < 0)
        return r;
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

/* ---- evaluate --------------------------------------------------------------------------- */

struct evaluate_body {
    const char *job_id;
};

static const struct schema_field evaluate_fields[] = {
    {"JobID", NULL, F_STR, offsetof(struct evaluate_body, job_id)},
};
static SCHEMA(evaluate_schema, "request", struct evaluate_body, evaluate_fields);

int job_evaluate(struct call *c, const char *id, struct err *e)
{
    struct registered *d = arena_new_of(c->arena, struct registered);
    struct evaluate_body b = {0};
    struct job_tx x = job_tx_of(c);
    const struct object *o;
    const struct json *body;
    int r = call_json(c, &body, e);

    if (r == 0 && body)
        r = nomad_body(c, &evaluate_schema, &b, e);
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
    r = job_make_eval(&x, o->body, 0, EVAL_BY_REGISTER, job_spec_index(o), &d->eval_id, e);
    if (r == 0)
        r = job_refresh_status(c->txn, call_namespace(c), id, e);
    if (r == 0)
        call_on_commit(c, reply_registered, d);
    return r;
}
