/*
 * /v1/search (what begins so, by id) and /v1/search/fuzzy (what has it in its name, with what
 * lies inside jobs), over all kinds of objects.
 *
 * One pass per kind over its table; the first SEARCH_MAX (FUZZY_MAX) matches are shown, and
 * Truncations says where there were more.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "nomad/model/namespace.h"
#include "nomad/model/variable.h"
#include "nomad/server/list.h"

enum { SEARCH_MAX = 20, FUZZY_MAX = 100, FUZZY_TEXT_MIN = 2, SEARCH_TEXT_MAX = 4096 };

/* ---- kinds ------------------------------------------------------------------------------ */

static const char *alloc_text(const void *o)
{
    return ((const struct alloc *)o)->id;
}
static const char *job_text(const void *o)
{
    return ((const struct job *)o)->id;
}
static const char *node_text(const void *o)
{
    return ((const struct node *)o)->id;
}
static const char *pool_text(const void *o)
{
    return ((const struct node_pool *)o)->name;
}
static const char *eval_text(const void *o)
{
    return ((const struct eval *)o)->id;
}
static const char *deployment_text(const void *o)
{
    return ((const struct deployment *)o)->id;
}
static const char *variable_text(const void *o)
{
    return ((const struct variable *)o)->path;
}
static const char *namespace_text(const void *o)
{
    return ((const struct namespace_body *)o)->name;
}

static const struct kind {
    const char *name;
    const struct table *table; /* NULL: there are none here */
    enum { KEY_UUID, KEY_NAME, KEY_NAMESPACED } key;
    const char *(*text)(const void *body);
    const char *builtin[2]; /* there without a row */
} kinds[] = {
    /* clang-format off */
    {"allocs",         &alloc_table,      KEY_UUID,       alloc_text,      {0}},
    {"jobs",           &job_table,        KEY_NAMESPACED, job_text,        {0}},
    {"nodes",          &node_table,       KEY_UUID,       node_text,       {0}},
    {"node_pools",     &node_pool_table,  KEY_NAME,       pool_text,       {"all", "default"}},
    {"evals",          &eval_table,       KEY_UUID,       eval_text,       {0}},
    {"deployment",     &deployment_table, KEY_UUID,       deployment_text, {0}},
    {"plugins",        NULL,              KEY_NAME,       NULL,            {0}},
    {"volumes",        NULL,              KEY_NAME,       NULL,            {0}},
    {"scaling_policy", NULL,              KEY_NAME,       NULL,            {0}},
    {"vars",           &variable_table,   KEY_NAMESPACED, variable_text,   {0}},
    {"namespaces",     &namespace_table,  KEY_NAME,       namespace_text,  {"default"}},
    /* clang-format on */
};

/* Of a search by name: what stands inside jobs. */
static const char *const inner[] = {"groups", "services", "tasks",
                                    "images", "commands", "classes"};

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static bool is_inner(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(inner); i++)
        if (strcmp(inner[i], name) == 0)
            return true;
    return false;
}

struct search {
    struct call *c;
    const char *text, *context;
    bool all;
    uint64_t index;
};

struct search_body {
    const char *text, *context;
};

static int begin(struct call *c, const struct schema *s, struct search *ret, struct err *e)
{
    struct search_body b = {0};
    int r = call_need_that(c, !rights_none(call_rights(c)), e);

    if (r == 0)
        r = nomad_body(c, s, &b, e);

    *ret = (struct search){
        .c = c, .text = str_or_empty(b.text), .context = str_or_empty(b.context), .index = 1};
    ret->all = strcmp(ret->context, "all") == 0;
    if (r == 0 && strlen(ret->text) > SEARCH_TEXT_MAX)
        return nomad_fail(e, 400, "search text is longer than %d bytes", SEARCH_TEXT_MAX);
    return r;
}

/* Objects of a kind whose key begins with `prefix`; 1: such a prefix has none (it is no part
 * of a UUID). */
static int find(struct search *s, const struct kind *k, const char *prefix, struct list *ret,
                struct err *e)
{
    struct err why = ERR_INIT;
    size_t n = 0;
    int r;

    *ret = (struct list){.c = s->c, .prefix = prefix, .next_token = ""};
    if (!call_all_namespaces(s->c))
        ret->namespace = call_namespace(s->c);
    if (!k->table)
        return 0;
    if (table_rev(s->c->txn, k->table) > s->index)
        s->index = table_rev(s->c->txn, k->table);
    if (k->key == KEY_UUID) {
        r = list_scan_ids(ret, k->table, "search", &why);
        return r == ERR_INTERNAL ? 1 : r < 0 ? err_set(e, r, "%s", why.msg) : 0;
    }
    if (k->key == KEY_NAME || ret->namespace)
        return list_scan_names(ret, k->table, k->key == KEY_NAME ? NULL : ret->namespace, e);
    r = list_scan(ret, k->table, NULL, NULL, NULL, e);
    for (size_t i = 0; r == 0 && i < ret->at.len; i++)
        if (str_starts(str_of(k->text(ret->at.at[i]->body)), str_of(prefix)))
            ret->at.at[n++] = ret->at.at[i];
    ret->at.len = n;
    return r;
}

static bool has_row(const struct kind *k, const struct list *l, const char *name)
{
    for (size_t i = 0; i < l->at.len; i++)
        if (strcmp(k->text(l->at.at[i]->body), name) == 0)
            return true;
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool sees_builtin(const struct call *c, const struct kind *k, const char *name)
{
    return k->table == &namespace_table ? rights_any_in_namespace(call_rights(c), name)
                                        : rights_node_pool(call_rights(c), name, POOL_READ);
}

/* The texts of a kind that begin with `prefix`, in order. */
static int texts_of(struct search *s, const struct kind *k, const char *prefix,
                    struct strlist *ret, struct err *e)
{
    struct list l;
    int r = find(s, k, prefix, &l, e);

    *ret = (struct strlist){0};
    if (r != 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(k->builtin); i++)
        if (k->builtin[i] && str_starts(str_of(k->builtin[i]), str_of(prefix)) &&
            !has_row(k, &l, k->builtin[i]) && sees_builtin(s->c, k, k->builtin[i]))
            list_push(s->c->arena, ret, k->builtin[i]);
    for (size_t i = 0; i < l.at.len; i++)
        list_push(s->c->arena, ret, k->text(l.at.at[i]->body));
    if (ret->len)
        qsort(ret->at, ret->len, sizeof *ret->at, by_text);
    return 0;
}

static void write_end(struct search *s, struct json_out *w, const struct strmap *truncations)
{
    json_query_meta(w, s->index);
    json_key(w, "Truncations");
    json_obj(w);
    for (size_t i = 0; i < truncations->len; i++)
        json_kv_bool(w, truncations->at[i].key, *truncations->at[i].val == 't');
    json_obj_end(w);
    json_obj_end(w);
}

static void note_truncation(struct search *s, struct strmap *to, const char *name, bool is)
{
    strmap_set(s->c->arena, to, name, is ? "true" : "false");
}

/* ---- by prefix -------------------------------------------------------------------------- */

static const struct schema_field prefix_fields[] = {
    {"Prefix", NULL, F_STR, offsetof(struct search_body, text)},
    {"Context", NULL, F_STR, offsetof(struct search_body, context)},
};
static SCHEMA(prefix_schema, "request", struct search_body, prefix_fields);

static int check_context(const struct search *s, struct err *e)
{
    auto_buf struct buf names = BUF_INIT(512);

    if (s->all || kind_of(s->context))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        buf_printf(&names, "%s%s", i ? " " : "", kinds[i].name);
    return nomad_fail(e, 500,
                      "context must be one of [%s] or 'all' for all contexts; got \"%.200s\"",
                      names.p, s->context);
}

static int prefix_of_kind(struct search *s, const struct kind *k, struct json_out *w,
                          struct strmap *truncations, struct err *e)
{
    struct strlist found;
    int r = texts_of(s, k, s->text, &found, e);

    if (r != 0)
        return r < 0 ? r : 0;
    note_truncation(s, truncations, k->name, found.len > SEARCH_MAX);
    json_key(w, k->name);
    if (found.len == 0) {
        json_null(w);
        return 0;
    }
    found.len = found.len > SEARCH_MAX ? SEARCH_MAX : found.len;
    json_strlist(w, &found);
    return 0;
}

static int search_prefix(struct call *c, struct err *e)
{
    struct strmap truncations = {0};
    struct json_out *w;
    struct search s;
    int r = begin(c, &prefix_schema, &s, e);

    if (r == 0)
        r = check_context(&s, e);
    if (r < 0)
        return r;
    w = nomad_json(c);
    json_obj(w);
    json_key(w, "Matches");
    json_obj(w);
    for (size_t i = 0; i < ARRAY_LEN(kinds) && r == 0; i++)
        if (s.all || strcmp(kinds[i].name, s.context) == 0)
            r = prefix_of_kind(&s, &kinds[i], w, &truncations, e);
    if (r < 0)
        return r;
    json_obj_end(w);
    write_end(&s, w, &truncations);
    nomad_index(c, s.index);
    return 0;
}

/* ---- by what a name contains ------------------------------------------------------------ */

static const struct schema_field fuzzy_fields[] = {
    {"Text", NULL, F_STR, offsetof(struct search_body, text)},
    {"Context", NULL, F_STR, offsetof(struct search_body, context)},
};
static SCHEMA(fuzzy_schema, "request", struct search_body, fuzzy_fields);

enum { SCOPE_MAX = 4 };

/* Better: the text stands earlier, then in a shorter name. */
struct fuzzy_match {
    const char *context, *id;
    const char *scope[SCOPE_MAX];
    size_t at;
};

struct fuzzy {
    struct search s;
    LIST(struct fuzzy_match) found;
};

static ptrdiff_t find_nocase(const char *name, const char *text)
{
    for (size_t i = 0; name[i]; i++) {
        size_t n = 0;

        while (text[n] &&
               tolower((unsigned char)name[i + n]) == tolower((unsigned char)text[n]))
            n++;
        if (!text[n])
            return (ptrdiff_t)i;
    }
    return -1;
}

static void offer(struct fuzzy *f, const char *context, const char *id,
                  const char *const scope[SCOPE_MAX])
{
    ptrdiff_t at;
    struct fuzzy_match *m;

    if (!id || (!f->s.all && strcmp(f->s.context, context) != 0))
        return;
    at = find_nocase(id, f->s.text);
    if (at < 0)
        return;
    m = list_add(f->s.c->arena, &f->found);
    *m = (struct fuzzy_match){.context = context, .id = id, .at = (size_t)at};
    if (scope)
        memcpy(m->scope, scope, sizeof m->scope);
}

#define SCOPE(...) ((const char *const[SCOPE_MAX]){__VA_ARGS__})

static void offer_services(struct fuzzy *f, const service_list *services,
                           const char *const scope[SCOPE_MAX])
{
    list_each (services, it)
        offer(f, "services", it->name, scope);
}

static void offer_config(struct fuzzy *f, const struct task *t,
                         const char *const scope[SCOPE_MAX])
{
    static const char *const keys[][2] = {
        {"image", "images"}, {"command", "commands"}, {"class", "classes"}};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct json *v = json_get(t->config, keys[i][0]);

        if (json_is(v, JSON_STRING))
            offer(f, keys[i][1], arena_cstr(f->s.c->arena, v->text), scope);
    }
}

static void offer_job(struct fuzzy *f, const struct job *j)
{
    offer(f, "jobs", j->name, SCOPE(j->namespace, j->id));
    list_each (&j->groups, g) {
        offer(f, "groups", g->name, SCOPE(j->namespace, j->id));
        offer_services(f, &g->services, SCOPE(j->namespace, j->id, g->name));
        list_each (&g->tasks, t) {
            const char *const scope[SCOPE_MAX] = {j->namespace, j->id, g->name, t->name};

            offer(f, "tasks", t->name, SCOPE(j->namespace, j->id, g->name));
            offer_services(f, &t->services, scope);
            offer_config(f, t, scope);
        }
    }
}

static void offer_object(struct fuzzy *f, const struct kind *k, const void *body)
{
    if (k->table == &job_table) {
        offer_job(f, body);
    } else if (k->table == &node_table) {
        const struct node *n = body;

        offer(f, k->name, n->name, SCOPE(n->id));
    } else if (k->table == &alloc_table) {
        const struct alloc *al = body;

        offer(f, k->name, al->name, SCOPE(al->namespace, al->id));
    } else if (k->table == &variable_table) {
        const struct variable *v = body;

        offer(f, k->name, v->path, SCOPE(v->namespace, v->path));
    }
}

static bool asked(const struct search *s, const struct kind *k)
{
    return s->all || strcmp(s->context, k->name) == 0 ||
           (k->table == &job_table && is_inner(s->context));
}

/* Names of which there are rows without a name of their own are found by their ids' start. */
static int fuzzy_of_kind(struct fuzzy *f, const struct kind *k, struct err *e)
{
    bool ids = k->table == &eval_table || k->table == &deployment_table;
    struct strlist texts;
    struct list l;
    int r;

    if (k->key == KEY_NAME || ids) {
        r = texts_of(&f->s, k, ids ? f->s.text : "", &texts, e);
        for (size_t i = 0; r == 0 && i < texts.len; i++)
            offer(f, k->name, texts.at[i], NULL);
        return r < 0 ? r : 0;
    }
    r = find(&f->s, k, "", &l, e);
    for (size_t i = 0; r == 0 && i < l.at.len; i++)
        offer_object(f, k, l.at.at[i]->body);
    return r < 0 ? r : 0;
}

static int best_first(const void *a, const void *b)
{
    const struct fuzzy_match *x = a, *y = b;
    size_t lx = strlen(x->id), ly = strlen(y->id);
    int by_context = strcmp(x->context, y->context);

    if (by_context)
        return by_context;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (lx != ly)
        return lx < ly ? -1 : 1;
    return strcmp(x->id, y->id);
}

static void write_match(struct json_out *w, const struct fuzzy_match *m)
{
    json_obj(w);
    json_kv_str(w, "ID", m->id);
    if (m->scope[0]) {
        json_key(w, "Scope");
        json_arr(w);
        for (size_t i = 0; i < SCOPE_MAX && m->scope[i]; i++)
            json_str(w, m->scope[i]);
        json_arr_end(w);
    }
    json_obj_end(w);
}

/* The matches are sorted by context: each run of one is a member. */
static void write_fuzzy(struct fuzzy *f, struct json_out *w, struct strmap *truncations)
{
    for (size_t i = 0; i < f->found.len;) {
        const char *context = f->found.at[i].context;
        size_t n = 0;

        json_key(w, context);
        json_arr(w);
        for (; i < f->found.len && strcmp(f->found.at[i].context, context) == 0; i++)
            if (n++ < FUZZY_MAX)
                write_match(w, &f->found.at[i]);
        json_arr_end(w);
        note_truncation(&f->s, truncations, context, n > FUZZY_MAX);
    }
}

static int check_fuzzy(const struct search *s, struct err *e)
{
    size_t len = strlen(s->text);

    if (len < FUZZY_TEXT_MIN)
        return nomad_fail(e, 500, "fuzzy search query must be at least %d characters, got %zu",
                          FUZZY_TEXT_MIN, len);
    return is_inner(s->context) ? 0 : check_context(s, e);
}

static int search_fuzzy(struct call *c, struct err *e)
{
    struct strmap truncations = {0};
    struct fuzzy f = {0};
    struct json_out *w;
    int r = begin(c, &fuzzy_schema, &f.s, e);

    if (r == 0)
        r = check_fuzzy(&f.s, e);
    for (size_t i = 0; i < ARRAY_LEN(kinds) && r == 0; i++)
        if (asked(&f.s, &kinds[i]))
            r = fuzzy_of_kind(&f, &kinds[i], e);
    if (r < 0)
        return r;
    if (f.found.len)
        qsort(f.found.at, f.found.len, sizeof *f.found.at, best_first);
    if (!f.s.all)
        note_truncation(&f.s, &truncations, f.s.context, false);
    w = nomad_json(c);
    json_obj(w);
    json_key(w, "Matches");
    json_obj(w);
    write_fuzzy(&f, w, &truncations);
    json_obj_end(w);
    write_end(&f.s, w, &truncations);
    nomad_index(c, f.s.index);
    return 0;
}

const struct route search_routes[] = {
    {M_WRITE, "/v1/search", NEED_CHECK, search_prefix, NULL},
    {M_WRITE, "/v1/search/fuzzy", NEED_CHECK, search_fuzzy, NULL},
};
const size_t n_search_routes = ARRAY_LEN(search_routes);
