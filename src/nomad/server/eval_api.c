/* /v1/evaluations, /v1/evaluation/... */
#include <string.h>

#include "nomad/server/list.h"

enum { RELATED_MAX = 100 };

/* ---- the list --------------------------------------------------------------------------- */

static bool given(const struct call *c, const char *name)
{
    return *call_text(c, name) != '\0';
}

static int begin(struct call *c, struct list *l, struct err *e)
{
    if (given(c, "filter") && (given(c, "status") || given(c, "job")))
        return nomad_fail(e, 400,
                          "Filter expression cannot be used with other filter parameters");
    return list_begin(c, l, e);
}

static void keep_asked(struct list *l)
{
    const char *status = call_text(l->c, "status"), *job = call_text(l->c, "job");
    size_t n = 0;

    for (size_t i = 0; i < l->at.len; i++) {
        const struct eval *ev = l->at.at[i]->body;

        if ((!*status || strcmp(status, ev->status) == 0) &&
            (!*job || strcmp(job, ev->job_id) == 0))
            l->at.at[n++] = l->at.at[i];
    }
    l->at.len = n;
}

static int find_evals(struct call *c, struct list *l, struct err *e)
{
    const struct table *const tables[] = {&eval_table};
    int r = begin(c, l, e);

    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = list_scan_ids(l, &eval_table, "eval", e);
    if (r == 0)
        keep_asked(l);
    return r;
}

static int evals_list(struct call *c, struct err *e)
{
    struct list l;
    int r = find_evals(c, &l, e);

    if (r == 0)
        list_reply(&l, LIST_BY_CREATION, list_eval);
    return r;
}

static int evals_count(struct call *c, struct err *e)
{
    struct json_out *w;
    struct list l;
    int r = find_evals(c, &l, e);

    if (r != 0)
        return r;
    w = nomad_json(c);
    json_obj(w);
    json_kv_u64(w, "Count", l.at.len);
    json_query_meta(w, table_rev(c->txn, &eval_table));
    json_obj_end(w);
    return 0;
}

struct delete_body {
    struct strlist ids;
    const char *filter;
};

static const struct schema_field delete_fields[] = {
    {"EvalIDs", NULL, F_STRLIST, offsetof(struct delete_body, ids)},
    {"Filter", NULL, F_STR, offsetof(struct delete_body, filter)},
};
static SCHEMA(delete_schema, "request", struct delete_body, delete_fields);

/* Our scheduler is never paused: what it works on is not deleted under it. */
static int evals_delete(struct call *c, struct err *e)
{
    struct delete_body b;
    bool by_filter;
    int r = nomad_body(c, &delete_schema, &b, e);

    if (r < 0)
        return r;
    by_filter = b.filter && *b.filter;
    if (b.ids.len && by_filter)
        return nomad_fail(e, 400, "evals cannot be deleted by both ID and filter");
    if (!b.ids.len && !by_filter)
        return nomad_fail(e, 400, "evals must be deleted by either ID or filter");
    return nomad_fail(e, 500,
                      "eval broker is enabled; eval broker must be paused to delete evals");
}

/* ---- one -------------------------------------------------------------------------------- */

static int lookup(struct call *c, const char **ret_id, const struct object **ret, struct err *e)
{
    const char *id = call_id(c, "id");
    int r = check_uuid(id, "failed to lookup eval: eval", e);

    *ret = NULL;
    *ret_id = id;
    if (r == 0)
        r = state_eval(c->txn, id, ret, e);
    if (r < 0)
        return r == ERR_NOTFOUND ? 0 : r;
    return call_need(c, ((const struct eval *)(*ret)->body)->namespace, CAP_READ_JOB, e);
}

struct related {
    struct call *c;
    LIST(const struct object *) at;
};

static void follow(struct related *rel, const char *id)
{
    const struct object *o;

    if (!id || !*id || rel->at.len >= RELATED_MAX)
        return;
    list_each (&rel->at, it)
        if (strcmp(((const struct eval *)(*it)->body)->id, id) == 0)
            return;
    if (state_eval(rel->c->txn, id, &o, NULL) == 0)
        list_push(rel->c->arena, &rel->at, o);
}

/* What came before, what followed, what waits. */
static void write_related(struct call *c, struct json_out *w, const struct object *o)
{
    struct related rel = {.c = c};

    list_push(c->arena, &rel.at, o);
    for (size_t i = 0; i < rel.at.len; i++) {
        const struct eval *ev = rel.at.at[i]->body;

        follow(&rel, ev->next_eval);
        follow(&rel, ev->previous_eval);
        follow(&rel, ev->blocked_eval);
    }
    json_key(w, "RelatedEvals");
    json_arr(w);
    for (size_t i = 1; i < rel.at.len; i++)
        write_eval(w, rel.at.at[i], c->arena);
    json_arr_end(w);
}

static int eval_read(struct call *c, struct err *e)
{
    const struct object *o;
    const char *id;
    struct json_out *w;
    struct key k;
    int r = lookup(c, &id, &o, e);

    if (r < 0)
        return r;
    key_init(&k, eval_table.name);
    key_addz(&k, id);
    r = read_object(c, &eval_table, &k, o, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "eval not found");
    w = nomad_json(c);
    if (!call_flag(c, "related")) {
        write_eval(w, o, c->arena);
        return 0;
    }
    json_obj(w);
    schema_encode_fields(&eval_schema, state_body(o, c->arena), 0, w);
    write_related(c, w, o);
    json_obj_end(w);
    return 0;
}

static int eval_allocations(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&alloc_table};
    struct list l = {.c = c, .next_token = ""};
    const struct object *o;
    const char *id;
    int r = lookup(c, &id, &o, e);

    if (r == 0 && !o) /* one that is gone has allocs still: those in sight */
        r = call_need(c, "*", CAP_READ_JOB, e);
    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = list_scan(&l, &alloc_table, "by_eval", id, NULL, e);
    if (r == 0)
        list_reply(&l, LIST_BY_CREATION, list_alloc_stub);
    return r;
}

const struct route eval_routes[] = {
    {M_GET, "/v1/evaluations", NEED_NS(CAP_READ_JOB), evals_list, NULL},
    {M_DELETE, "/v1/evaluations", 0, evals_delete, NULL},
    {M_GET, "/v1/evaluations/count", NEED_NS(CAP_READ_JOB), evals_count, NULL},
    {M_GET, "/v1/evaluation/*id", NEED_OBJECT(CAP_READ_JOB), eval_read, NULL},
    {M_GET, "/v1/evaluation/:id/allocations", NEED_OBJECT(CAP_READ_JOB), eval_allocations,
     NULL},
};
const size_t n_eval_routes = ARRAY_LEN(eval_routes);
