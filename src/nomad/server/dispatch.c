/*
 * Dispatch: a job of its own, made of a parameterized one
 *
 *     request -> checked against what the parent wants -> child, evaluation (one transaction)
 *
 * A request with an idempotency token makes one child however often it is sent: a child's row
 * is found by its token, in the same transaction that would write another.
 */
#include <string.h>

#include "base/codec.h"
#include "base/random.h"
#include "nomad/server/job_api.h"

enum {
    ID_PREFIX_MAX = 128,
    IDEMPOTENCY_TOKEN_MAX = 256,
    DISPATCH_ID_CHARS = 8,
};

struct dispatch_body {
    const char *job_id, *payload, *id_prefix;
    struct strmap meta;
    int64_t priority;
};

static const struct schema_field dispatch_fields[] = {
    {"JobID", NULL, F_STR, offsetof(struct dispatch_body, job_id)},
    {"Payload", NULL, F_STR, offsetof(struct dispatch_body, payload)},
    {"Meta", NULL, F_STRMAP, offsetof(struct dispatch_body, meta)},
    {"IdPrefixTemplate", NULL, F_STR, offsetof(struct dispatch_body, id_prefix)},
    {"Priority", NULL, F_INT, offsetof(struct dispatch_body, priority)},
};
static SCHEMA(dispatch_schema, "dispatch", struct dispatch_body, dispatch_fields);

struct dispatch {
    struct dispatch_body body;
    struct str payload;
    const char *token;
    const struct job *parent;
    /* the answer */
    const char *child_id, *eval_id;
    uint64_t job_index, eval_index; /* 0: this commit */
};

/* ---- what is asked ---------------------------------------------------------------------- */

static bool is_base64(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' ||
           c == '/';
}

static int decode_payload(struct call *c, struct dispatch *d, struct err *e)
{
    struct str text = str_of(d->body.payload);
    auto_buf struct buf b = BUF_INIT(text.len);
    size_t good = 0;

    if (text.len == 0)
        return 0;
    if (codec_base64_decode(&b, text, false, true, NULL) == 0) {
        d->payload = arena_str(c->arena, str_n(b.p, b.len));
        return 0;
    }
    while (good < text.len && is_base64(text.p[good]))
        good++;
    return nomad_fail(e, 400, "illegal base64 data at input byte %zu", good);
}

static int check_payload(const struct dispatch *d, struct err *e)
{
    const char *want = str_or_empty(d->parent->parameterized->payload);

    if (d->payload.len > DISPATCH_PAYLOAD_MAX)
        return nomad_fail(e, 500, "Payload exceeds maximum size; %zu > %d", d->payload.len,
                          DISPATCH_PAYLOAD_MAX);
    if (d->payload.len && strcmp(want, "forbidden") == 0)
        return nomad_fail(e, 500, "Payload provided but forbidden by parameterized job");
    if (!d->payload.len && strcmp(want, "required") == 0)
        return nomad_fail(e, 500, "Payload is not provided but required by parameterized job");
    return 0;
}

static const char *add_word(struct arena *a, const char *list, const char *word)
{
    return *list ? arena_printf(a, "%s %s", list, word) : word;
}

static int check_meta(struct arena *a, const struct dispatch *d, struct err *e)
{
    const struct parameterized *p = d->parent->parameterized;
    const char *foreign = "", *missing = "";

    for (size_t i = 0; i < d->body.meta.len; i++) {
        const char *key = d->body.meta.at[i].key;

        if (!strlist_has(&p->meta_required, key) && !strlist_has(&p->meta_optional, key))
            foreign = add_word(a, foreign, key);
    }
    if (*foreign)
        return nomad_fail(e, 500, "Dispatch request included unpermitted metadata keys: [%s]",
                          foreign);
    list_each (&p->meta_required, key)
        if (!strmap_get(&d->body.meta, *key))
            missing = add_word(a, missing, *key);
    if (*missing)
        return nomad_fail(e, 500, "Dispatch did not provide required meta keys: [%s]", missing);
    return 0;
}

static int check_names(const struct dispatch *d, struct err *e)
{
    const char *prefix = str_or_empty(d->body.id_prefix);

    if (strlen(prefix) > ID_PREFIX_MAX)
        return nomad_fail(e, 400, "id prefix template is longer than %d bytes", ID_PREFIX_MAX);
    if (!str_is_printable(str_of(prefix)) || strpbrk(prefix, " /"))
        return nomad_fail(e, 400,
                          "id prefix template may hold no space, '/' or control "
                          "character");
    if (strlen(d->token) > IDEMPOTENCY_TOKEN_MAX)
        return nomad_fail(e, 400, "idempotency_token is longer than %d bytes",
                          IDEMPOTENCY_TOKEN_MAX);
    if (d->body.priority < 0 || d->body.priority > JOB_PRIORITY_MAX)
        return nomad_fail(e, 400, "job priority must be between [1, %d]", JOB_PRIORITY_MAX);
    return 0;
}

static int check_parent(struct call *c, const char *id, struct dispatch *d, struct err *e)
{
    const struct object *o;
    int r = job_find(c, id, &o, e);

    if (r < 0)
        return r;
    if (!o)
        return nomad_fail(e, 500, "parameterized job not found");
    d->parent = o->body;
    if (!job_is_parameterized(d->parent))
        return nomad_fail(e, 500, "Specified job \"%s\" is not a parameterized job", id);
    if (job_is_stopped(d->parent))
        return nomad_fail(e, 500, "Specified job \"%s\" is stopped", id);
    r = check_names(d, e);
    if (r == 0)
        r = check_payload(d, e);
    return r < 0 ? r : check_meta(c->arena, d, e);
}

/* ---- the child -------------------------------------------------------------------------- */

/* 1: dispatched already with this token; the answer is that child. */
static int find_by_token(struct call *c, struct dispatch *d, struct err *e)
{
    const struct object *o, *found = NULL;
    struct table_scan it;
    struct key k;
    int r;

    if (!*d->token)
        return 0;
    table_index_key(&k, &job_table, "by_token");
    key_addz(&k, d->parent->namespace);
    key_addz(&k, d->parent->id);
    key_addz(&k, d->token);
    r = table_scan_index(c->txn, &it, &job_table, &k, 0, e);
    if (r < 0)
        return r;
    r = table_scan_next(&it, &o, e);
    if (r > 0)
        found = o;
    table_scan_end(&it);
    if (r <= 0)
        return r;
    d->child_id = ((const struct job *)found->body)->id;
    d->job_index = found->create_rev;
    d->eval_id = "";
    table_index_key(&k, &eval_table, "by_job");
    key_addz(&k, d->parent->namespace);
    key_addz(&k, d->child_id);
    r = table_scan_index(c->txn, &it, &eval_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        if (!d->eval_index || o->create_rev < d->eval_index) {
            d->eval_id = ((const struct eval *)o->body)->id;
            d->eval_index = o->create_rev;
        }
    table_scan_end(&it);
    return r < 0 ? r : 1;
}

static struct job *make_child(struct call *c, const struct dispatch *d)
{
    struct job *j = schema_copy(&job_schema, d->parent, c->arena);
    const char *prefix = str_or_empty(d->body.id_prefix);
    char random[DISPATCH_ID_CHARS + 1];

    random_hex(random, DISPATCH_ID_CHARS);
    random[DISPATCH_ID_CHARS] = '\0';
    j->id = arena_printf(c->arena, "%s/dispatch-%s%s%lld-%s", d->parent->id, prefix,
                         *prefix ? "-" : "", (long long)(c->now_ns / 1000000000), random);
    j->name = j->id;
    j->parent_id = d->parent->id;
    j->dispatched = true;
    j->dispatch_idempotency_token = d->token;
    j->payload = d->payload;
    j->status_description = "";
    for (size_t i = 0; i < d->body.meta.len; i++)
        strmap_set(c->arena, &j->meta, d->body.meta.at[i].key, d->body.meta.at[i].val);
    if (d->body.priority > 0)
        opt_set(c->arena, &j->priority, d->body.priority);
    return j;
}

static void reply_dispatched(struct call *c, uint64_t rev, void *arg)
{
    const struct dispatch *d = arg;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_str(w, "DispatchedJobID", d->child_id);
    json_kv_u64(w, "EvalCreateIndex", *d->eval_id ? index_or(d->eval_index, rev) : 0);
    json_kv_str(w, "EvalID", d->eval_id);
    json_kv_u64(w, "Index", rev);
    json_kv_u64(w, "JobCreateIndex", index_or(d->job_index, rev));
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

int job_dispatch(struct call *c, const char *id, struct err *e)
{
    struct dispatch *d = arena_new_of(c->arena, struct dispatch);
    struct job_tx x = job_tx_of(c);
    struct job *child;
    int r = nomad_body(c, &dispatch_schema, &d->body, e);

    if (r < 0)
        return r;
    if (d->body.job_id && *d->body.job_id && strcmp(d->body.job_id, id) != 0)
        return nomad_fail(e, 400, "Job ID does not match");
    d->token = call_text(c, "idempotency_token");
    r = decode_payload(c, d, e);
    if (r == 0)
        r = check_parent(c, id, d, e);
    if (r == 0)
        r = find_by_token(c, d, e);
    if (r < 0)
        return r;
    if (r > 0) {
        reply_dispatched(c, table_rev(c->txn, &job_table), d);
        return 0;
    }
    child = make_child(c, d);
    d->child_id = child->id;
    r = job_put_child(&x, child, EVAL_BY_REGISTER, &d->eval_id, e);
    if (r == 0)
        call_on_commit(c, reply_dispatched, d);
    return r;
}
