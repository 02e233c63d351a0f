/* Lists of the API: parameters, order, pages. */
#include "nomad/server/list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- parameters ------------------------------------------------------------------------- */

static int read_page(struct list *l, struct err *e)
{
    struct str text;

    if (!call_query(l->c, "per_page", &text) || text.len == 0)
        return 0;
    if (!str_to_i64(text, 10, &l->per_page) || l->per_page < 0)
        return nomad_fail(e, 400, "Expect a number for `per_page` query string parameter");
    if (l->per_page > LIST_PER_PAGE_MAX)
        l->per_page = LIST_PER_PAGE_MAX;
    return 0;
}

static int read_filter(struct list *l, struct err *e)
{
    const char *text = call_text(l->c, "filter");
    struct err why = ERR_INIT;

    if (*text && filter_parse(str_of(text), l->c->arena, &l->filter, &why) < 0)
        return nomad_fail(e, 400,
                          "failed to create result paginator: failed to read filter "
                          "expression: %s",
                          why.msg);
    return 0;
}

int list_begin(struct call *c, struct list *l, struct err *e)
{
    int r;

    *l = (struct list){.c = c,
                       .prefix = call_text(c, "prefix"),
                       .next_token = call_text(c, "next_token"),
                       .reverse = call_flag(c, "reverse")};
    if (!call_all_namespaces(c))
        l->namespace = call_namespace(c);
    r = read_filter(l, e);
    return r < 0 ? r : read_page(l, e);
}

const char *call_id(const struct call *c, const char *param)
{
    return arena_cstr(c->arena, call_param(c, param));
}

/* ---- ids -------------------------------------------------------------------------------- */

static int bad_digit(char c, const char *what, struct err *e)
{
    return nomad_fail(e, 500,
                      "%s lookup failed: index error: Invalid UUID: encoding/hex: invalid "
                      "byte: U+%04X '%c'",
                      what, (unsigned char)c, isprint((unsigned char)c) ? c : '?');
}

int check_uuid(const char *id, const char *what, struct err *e)
{
    if (strlen(id) != UUID_CHARS)
        return nomad_fail(e, 500, "%s lookup failed: index error: UUID must be %d characters",
                          what, UUID_CHARS);
    for (const char *p = id; *p; p++)
        if (*p != '-' && !isxdigit((unsigned char)*p))
            return bad_digit(*p, what, e);
    return 0;
}

/* Ids are looked up by whole bytes: an odd last digit is only compared. */
static int check_prefix(const char *prefix, const char *what, struct err *e)
{
    size_t digits = 0, whole = 0;

    for (const char *p = prefix; *p; p++)
        digits += *p != '-';
    digits -= digits % 2;
    for (const char *p = prefix; *p && whole < digits; p++) {
        if (*p != '-' && !isxdigit((unsigned char)*p))
            return bad_digit(*p, what, e);
        whole += *p != '-';
    }
    return 0;
}

/* ---- finding ---------------------------------------------------------------------------- */

static const char *namespace_of(const struct object *o)
{
    if (o->schema == &alloc_schema)
        return ((const struct alloc *)o->body)->namespace;
    if (o->schema == &eval_schema)
        return ((const struct eval *)o->body)->namespace;
    if (o->schema == &deployment_schema)
        return ((const struct deployment *)o->body)->namespace;
    if (o->schema == &job_schema)
        return ((const struct job *)o->body)->namespace;
    if (o->schema == &variable_schema)
        return ((const struct variable *)o->body)->namespace;
    return NULL;
}

static bool wanted(const struct list *l, const struct object *o)
{
    const char *ns = l->namespace ? namespace_of(o) : NULL;

    return !ns || strcmp(ns, l->namespace) == 0;
}

/* An alloc with the version of the job that it runs. */
static int match_alloc(struct list *l, const void *body, struct err *e)
{
    struct alloc al = *(const struct alloc *)body;
    const struct object *version;
    struct job job;

    if (filter_asks(l->filter, STR("Job")) &&
        state_job_version(l->c->txn, al.namespace, al.job_id, al.job_version, &version, NULL) ==
            0) {
        job = *(const struct job *)version->body;
        al.job = &job;
    }
    return filter_match(l->filter, &alloc_schema, &al, e);
}

static int match_body(struct list *l, const struct schema *s, const void *body, struct err *e)
{
    return s == &alloc_schema ? match_alloc(l, body, e) : filter_match(l->filter, s, body, e);
}

static int matches(struct list *l, const struct object *o, struct err *e)
{
    struct object *copy;
    int r;

    if (!filter_asks(l->filter, STR("Index")))
        return match_body(l, o->schema, o->body, e);
    copy = state_copy(o); /* its indexes written out */
    r = match_body(l, copy->schema, copy->body, e);
    object_unref(copy);
    return r;
}

int list_offer(struct list *l, const struct object *o, struct err *e)
{
    struct err why = ERR_INIT;
    int r;

    if (!call_sees(l->c, o))
        return 0;
    r = l->filter ? matches(l, o, &why) : 1;

    if (r < 0)
        return nomad_fail(e, 400, "failed to read result page: %s", why.msg);
    if (r > 0)
        list_push(l->c->arena, &l->at, o);
    return 0;
}

static int collect(struct list *l, struct table_scan *it, struct err *e)
{
    const struct object *o;
    int r;

    while ((r = table_scan_next(it, &o, e)) > 0)
        if (wanted(l, o) && (r = list_offer(l, o, e)) < 0)
            break;
    table_scan_end(it);
    return r < 0 ? r : 0;
}

int list_scan_ids(struct list *l, const struct table *t, const char *what, struct err *e)
{
    struct table_scan it;
    struct key k;
    int r = check_prefix(l->prefix, what, e);

    if (r < 0)
        return r;
    key_init(&k, t->name);
    key_add_open(&k, str_of(l->prefix));
    r = table_scan_begin(l->c->txn, &it, t, &k, SCAN_PEEK, e);
    return r < 0 ? r : collect(l, &it, e);
}

int list_scan(struct list *l, const struct table *t, const char *index, const char *part1,
              const char *part2, struct err *e)
{
    struct table_scan it;
    struct key k;
    int r;

    if (index)
        table_index_key(&k, t, index);
    else
        key_init(&k, t->name);
    if (part1)
        key_addz(&k, part1);
    if (part1 && part2)
        key_addz(&k, part2);
    r = index ? table_scan_index(l->c->txn, &it, t, &k, SCAN_PEEK, e)
              : table_scan_begin(l->c->txn, &it, t, &k, SCAN_PEEK, e);
    return r < 0 ? r : collect(l, &it, e);
}

int list_scan_names(struct list *l, const struct table *t, const char *part, struct err *e)
{
    struct table_scan it;
    struct key k;
    int r;

    key_init(&k, t->name);
    if (part)
        key_addz(&k, part);
    key_add_open(&k, str_of(l->prefix));
    r = table_scan_begin(l->c->txn, &it, t, &k, SCAN_PEEK, e);
    return r < 0 ? r : collect(l, &it, e);
}

/* ---- order and pages -------------------------------------------------------------------- */

static const char *id_of(const struct object *o)
{
    if (o->schema == &alloc_schema)
        return ((const struct alloc *)o->body)->id;
    if (o->schema == &eval_schema)
        return ((const struct eval *)o->body)->id;
    if (o->schema == &deployment_schema)
        return ((const struct deployment *)o->body)->id;
    if (o->schema == &node_schema)
        return ((const struct node *)o->body)->id;
    if (o->schema == &namespace_schema)
        return ((const struct namespace_body *)o->body)->name;
    if (o->schema == &node_pool_schema)
        return ((const struct node_pool *)o->body)->name;
    if (o->schema == &variable_schema)
        return ((const struct variable *)o->body)->path;
    if (o->schema == &acl_policy_schema)
        return ((const struct acl_policy *)o->body)->name;
    if (o->schema == &acl_role_schema)
        return ((const struct acl_role *)o->body)->id;
    if (o->schema == &acl_token_schema)
        return ((const struct acl_token *)o->body)->accessor_id;
    return ((const struct job *)o->body)->id;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(id_of(*(const struct object *const *)a),
                  id_of(*(const struct object *const *)b));
}

static int by_creation(const void *a, const void *b)
{
    const struct object *x = *(const struct object *const *)a;
    const struct object *y = *(const struct object *const *)b;

    if (x->create_rev != y->create_rev)
        return x->create_rev < y->create_rev ? -1 : 1;
    return strcmp(id_of(x), id_of(y));
}

static const char *token_of(struct list *l, enum list_order order, const struct object *o)
{
    if (order == LIST_BY_CREATION)
        return arena_printf(l->c->arena, "%llu.%s", (unsigned long long)o->create_rev,
                            id_of(o));
    if (o->schema == &job_schema || o->schema == &variable_schema)
        return arena_printf(l->c->arena, "%s.%s", namespace_of(o), id_of(o));
    return id_of(o);
}

/* Where does `o` stand to the object that a token "index.id" names? */
static int compare_creation(const struct object *o, uint64_t index, const char *id)
{
    if (o->create_rev != index)
        return o->create_rev < index ? -1 : 1;
    return strcmp(id_of(o), id);
}

static const struct object *item(const struct list *l, size_t i)
{
    return l->at.at[l->reverse ? l->at.len - 1 - i : i];
}

/* The first object that the page shows; the list's length: none. */
static size_t page_start(struct list *l, enum list_order order)
{
    struct str id = str_of(l->next_token), number;
    uint64_t index = 0;
    size_t i;

    if (!*l->next_token)
        return 0;
    if (order == LIST_BY_CREATION &&
        (!str_split(&id, '.', &number) || !str_to_u64(number, 10, &index)))
        return l->at.len;
    for (i = 0; i < l->at.len; i++) {
        const struct object *o = item(l, i);
        int at = order == LIST_BY_CREATION ? compare_creation(o, index, id.p)
                                           : strcmp(token_of(l, order, o), l->next_token);

        if (l->reverse ? at <= 0 : at >= 0)
            break;
    }
    return i;
}

void list_reply(struct list *l, enum list_order order, list_write_fn *write)
{
    struct json_out *w = nomad_json(l->c);
    size_t first, end = l->at.len;

    if (order == LIST_BY_CREATION && l->at.len)
        qsort(l->at.at, l->at.len, sizeof *l->at.at, by_creation);
    if (order == LIST_BY_NAME && l->at.len)
        qsort(l->at.at, l->at.len, sizeof *l->at.at, by_name);
    first = page_start(l, order);
    if (l->per_page && end - first > (size_t)l->per_page)
        end = first + (size_t)l->per_page;
    json_arr(w);
    for (size_t i = first; i < end; i++)
        write(l, w, item(l, i));
    json_arr_end(w);
    if (end < l->at.len)
        call_field(l->c, "X-Nomad-NextToken", token_of(l, order, item(l, end)));
}

/* ---- replies ---------------------------------------------------------------------------- */

int reply_not_found(struct call *c, const char *text)
{
    buf_reset(c->body);
    buf_puts(c->body, text);
    call_reply(c, 404, "text/plain; charset=utf-8");
    return 0;
}

void json_query_meta(struct json_out *w, uint64_t index)
{
    json_kv_u64(w, "Index", index);
    json_kv_bool(w, "KnownLeader", true);
    json_kv_u64(w, "LastContact", 0);
    json_kv_str(w, "NextToken", "");
}
