/* /v1/acl/tokens, /v1/acl/token/...: reading, making, changing, removing. */
#include <string.h>

#include "base/random.h"
#include "lang/units.h"
#include "nomad/server/acl_priv.h"

enum token_shown { TOKEN_STUB, TOKEN_WHOLE };

/* ---- writing one ------------------------------------------------------------------------ */

/* Roles are stored by their ids. Of those that are gone a list shows the id alone. */
static int name_roles(struct call *c, struct acl_token *tok, enum token_shown how,
                      struct err *e)
{
    acl_link_list stored = tok->roles;

    tok->roles = (acl_link_list){0};
    list_each (&stored, link) {
        struct acl_link named = {link->id, ""};
        const struct object *o = NULL;
        int r = acl_role_get(c->txn, str_or_empty(link->id), &o, e);

        if (r < 0 && r != ERR_NOTFOUND)
            return r;
        if (r < 0 && how == TOKEN_WHOLE)
            continue;
        if (r == 0)
            named.name = ((const struct acl_role *)o->body)->name;
        list_push(c->arena, &tok->roles, named);
    }
    return 0;
}

static void write_roles(struct json_out *w, const acl_link_list *roles)
{
    json_key(w, "Roles");
    if (roles->len == 0) {
        json_null(w);
        return;
    }
    json_arr(w);
    list_each (roles, link)
        schema_encode(&acl_link_schema, link, 0, w);
    json_arr_end(w);
}

static void write_time(struct json_out *w, const char *name, const int64_t *ns)
{
    char text[TIME_TEXT_SIZE];

    if (!ns) {
        json_kv_null(w, name);
        return;
    }
    time_format_utc(*ns, text);
    json_kv_str(w, name, text);
}

static void write_ttl(struct json_out *w, int64_t ns)
{
    char text[DURATION_TEXT_SIZE] = "";

    if (ns)
        duration_format(ns, text);
    json_kv_str(w, "ExpirationTTL", text);
}

/* As it stands, its roles with their names; the secret NULL: the short form of lists. */
static void write_token(struct json_out *w, const struct acl_token *tok, uint64_t created,
                        uint64_t modified, const char *secret)
{
    json_obj(w);
    json_kv_str(w, "AccessorID", tok->accessor_id);
    if (secret) {
        json_kv_str(w, "SecretID", secret);
        write_ttl(w, tok->ttl_ns);
    }
    json_kv_str(w, "Name", tok->name);
    json_kv_str(w, "Type", tok->type);
    json_key(w, "Policies");
    if (tok->policies.len)
        json_strlist(w, &tok->policies);
    else
        json_null(w);
    write_roles(w, &tok->roles);
    json_kv_bool(w, "Global", tok->global);
    json_kv_str(w, "Hash", tok->hash);
    write_time(w, "CreateTime", &tok->create_time);
    write_time(w, "ExpirationTime", tok->expiration_time);
    json_kv_u64(w, "CreateIndex", created);
    json_kv_u64(w, "ModifyIndex", modified);
    json_obj_end(w);
}

static const char *secret_of(struct call *c, const struct acl_token *tok, struct err *e)
{
    auto_buf struct buf b = {.max = ACL_SECRET_CHARS + 1, .secret = true};

    call_set_secret(c);
    return acl_secret_open(server_of(c), c->txn, tok, &b, e) < 0
               ? NULL
               : arena_cstr(c->arena, buf_str(&b));
}

int acl_reply_token(struct call *c, struct json_out *w, const struct object *o, struct err *e)
{
    struct acl_token tok = *(const struct acl_token *)o->body;
    const char *secret = secret_of(c, &tok, e);
    int r = secret ? name_roles(c, &tok, TOKEN_WHOLE, e) : e->code;

    if (r == 0)
        write_token(w, &tok, o->create_rev, o->mod_rev, secret);
    return r;
}

/* ---- reading ---------------------------------------------------------------------------- */

static void write_stub(struct list *l, struct json_out *w, const struct object *o)
{
    struct acl_token tok = *(const struct acl_token *)o->body;

    (void)name_roles(l->c, &tok, TOKEN_STUB, NULL);
    write_token(w, &tok, o->create_rev, o->mod_rev, NULL);
}

static int tokens_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&acl_token_table};
    const char *global = call_text(c, "global");
    bool only = false;
    struct list l;
    size_t n = 0;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = call_bool(c, "global", &only, e);
    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = list_scan_ids(&l, &acl_token_table, "acl token", e);
    if (r != 0)
        return r;
    for (size_t i = 0; i < l.at.len; i++)
        if (!*global || ((const struct acl_token *)l.at.at[i]->body)->global == only)
            l.at.at[n++] = l.at.at[i];
    l.at.len = n;
    list_reply(&l, LIST_BY_CREATION, write_stub);
    return 0;
}

static void token_key_of(struct key *k, const char *accessor)
{
    key_init(k, acl_token_table.name);
    key_addz(k, accessor);
}

static int show_token(struct call *c, const char *accessor, struct err *e)
{
    const struct object *o = NULL;
    struct key k;
    int r = acl_token_get(c->txn, accessor, &o, e);

    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    token_key_of(&k, accessor);
    r = read_object(c, &acl_token_table, &k, r < 0 ? NULL : o, e);
    if (r != 0)
        return r;
    return o ? acl_reply_token(c, nomad_json(c), o, e)
             : reply_not_found(c, "ACL token not found");
}

static int token_self(struct call *c, struct err *e)
{
    const struct acl_token *tok = call_token(c);

    if (!tok)
        return nomad_fail(e, 500, "acl token lookup failed: missing secret id");
    return show_token(c, tok->accessor_id, e);
}

static int token_read(struct call *c, struct err *e)
{
    const struct acl_token *own = call_token(c);
    const char *id = call_id(c, "id");
    bool mine = own && strcmp(own->accessor_id, id) == 0;
    int r = call_need_that(c, mine || rights_is_management(call_rights(c)), e);

    if (r == 0)
        r = check_uuid(id, "acl token", e);
    return r < 0 ? r : show_token(c, id, e);
}

/* ---- what a request brings -------------------------------------------------------------- */

struct token_body {
    const char *accessor_id, *name, *type;
    struct strlist policies;
    acl_link_list roles;
    bool global;
    struct json *ttl;
    int64_t *expiration_time;
};

static const struct schema_field token_body_fields[] = {
    {"AccessorID", NULL, F_STR, offsetof(struct token_body, accessor_id), .def = "\"\""},
    {"Name", NULL, F_STR, offsetof(struct token_body, name), .def = "\"\""},
    {"Type", NULL, F_STR, offsetof(struct token_body, type), .def = "\"\""},
    {"Policies", NULL, F_STRLIST, offsetof(struct token_body, policies), .max = ACL_LINKS_MAX},
    {"Roles", NULL, F_LIST, offsetof(struct token_body, roles), .sub = &acl_link_schema,
     .max = ACL_LINKS_MAX},
    {"Global", NULL, F_BOOL, offsetof(struct token_body, global)},
    {"ExpirationTTL", NULL, F_JSON, offsetof(struct token_body, ttl)},
    {"ExpirationTime", NULL, F_TIME, offsetof(struct token_body, expiration_time),
     .flags = FIELD_PTR},
};
static SCHEMA(token_body_schema, "token", struct token_body, token_body_fields);

static int read_ttl(const struct json *v, int64_t *ret, struct err *e)
{
    *ret = 0;
    if (!v || v->type == JSON_NULL || (v->type == JSON_STRING && v->text.len == 0))
        return 0;
    if (v->type == JSON_STRING ? duration_parse(v->text, ret, NULL) < 0 : !json_to_i64(v, ret))
        return nomad_fail(e, 400, "ExpirationTTL is not a duration");
    return 0;
}

/* How long from now the token is to live, against what the server allows. */
static void check_expiration(struct call *c, struct acl_token *tok, struct strlist *problems)
{
    const struct acl_opts *o = &server_of(c)->opts.acl;
    int64_t min = o->min_ttl_ns ? o->min_ttl_ns : ACL_TOKEN_MIN_TTL_S * 1000000000LL;
    int64_t max = o->max_ttl_ns ? o->max_ttl_ns : ACL_TOKEN_MAX_TTL_S * 1000000000LL;
    char bound[DURATION_TEXT_SIZE], was[DURATION_TEXT_SIZE];
    int64_t left;

    if (tok->ttl_ns < 0)
        list_push(c->arena, problems, "token expiration TTL should not be negative");
    if (tok->ttl_ns && tok->expiration_time)
        list_push(c->arena, problems,
                  "token expiration TTL should not be set with ExpirationTime");
    if (tok->ttl_ns > 0 && !tok->expiration_time) {
        tok->expiration_time = arena_new_of(c->arena, int64_t);
        if (__builtin_add_overflow(c->now_ns, tok->ttl_ns, tok->expiration_time))
            *tok->expiration_time = INT64_MAX;
    }
    if (!tok->expiration_time || problems->len)
        return;
    left = *tok->expiration_time - c->now_ns;
    if (left >= min && left <= max)
        return;
    duration_format(left < min ? min : max, bound);
    duration_format(left, was);
    list_push(c->arena, problems,
              arena_printf(c->arena,
                           "expiration time cannot be %s than %s in the future (was %s)",
                           left < min ? "less" : "more", bound, was));
}

static void check_token(struct call *c, struct acl_token *tok, struct strlist *problems)
{
    bool has = tok->policies.len + tok->roles.len > 0;

    if (strlen(tok->name) > ACL_TOKEN_NAME_MAX)
        list_push(c->arena, problems, "token name too long");
    if (strcmp(tok->type, ACL_TOKEN_CLIENT) == 0) {
        if (!has)
            list_push(c->arena, problems, "client token missing policies or roles");
    } else if (strcmp(tok->type, ACL_TOKEN_MANAGEMENT) == 0) {
        if (has)
            list_push(c->arena, problems,
                      "management token cannot be associated with policies or roles");
    } else {
        list_push(c->arena, problems, "token type must be client or management");
    }
}

/* By id or by name; kept by id, each once. */
static int settle_roles(struct call *c, struct acl_token *tok, struct err *e)
{
    acl_link_list given = tok->roles;
    struct strlist ids = {0};
    const struct object *o;

    list_each (&given, link) {
        bool by_id = *str_or_empty(link->id);
        int r = by_id ? acl_role_get(c->txn, link->id, &o, e)
                      : acl_role_by_name(c->txn, str_or_empty(link->name), &o, e);

        if (r == ERR_NOTFOUND)
            return nomad_fail(e, 400, "cannot find role %.150s",
                              by_id ? link->id : str_or_empty(link->name));
        if (r < 0)
            return r;
        list_push(c->arena, &ids, ((const struct acl_role *)o->body)->id);
    }
    tok->roles = (acl_link_list){0};
    if (ids.len)
        strlist_sort_unique(&ids);
    for (size_t i = 0; i < ids.len; i++) {
        struct acl_link link = {ids.at[i], ""};

        list_push(c->arena, &tok->roles, link);
    }
    return 0;
}

/* ---- storing ---------------------------------------------------------------------------- */

static const char *hash_of_token(const struct acl_token *tok, struct arena *a)
{
    const struct strmap none = {0};
    const char **parts = arena_array(a, const char *, tok->policies.len + tok->roles.len + 3);
    size_t n = 0;

    parts[n++] = tok->name;
    parts[n++] = tok->type;
    for (size_t i = 0; i < tok->policies.len; i++)
        parts[n++] = tok->policies.at[i];
    parts[n++] = tok->global ? "global" : "local";
    list_each (&tok->roles, link)
        parts[n++] = link->id;
    return object_hash(a, parts, n, &none);
}

struct token_written {
    const struct acl_token *token;
    const char *secret;
    uint64_t created; /* 0: by this commit */
};

static void reply_token_written(struct call *c, uint64_t rev, void *arg)
{
    const struct token_written *d = arg;

    write_token(nomad_json(c), d->token, d->created ? d->created : rev, rev, d->secret);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

static int put_token(struct call *c, struct acl_token *tok, const char *secret,
                     uint64_t created, struct err *e)
{
    struct object *o = object_new(&acl_token_schema);
    struct token_written *d = arena_new_of(c->arena, struct token_written);
    int r;

    call_set_secret(c);
    tok->hash = hash_of_token(tok, c->arena);
    memcpy(o->body, schema_copy(&acl_token_schema, tok, o->arena), sizeof *tok);
    r = name_roles(c, tok, TOKEN_WHOLE, e);
    if (r < 0) {
        object_unref(o);
        return r;
    }
    *d = (struct token_written){schema_copy(&acl_token_schema, tok, c->arena), secret, created};
    r = state_put(c->txn, &acl_token_table, o, e);
    if (r == 0)
        call_on_commit(c, reply_token_written, d);
    return r;
}

int acl_token_make(struct call *c, struct acl_token *tok, const char *secret, struct err *e)
{
    struct nomad_server *s = server_of(c);
    char id[UUID_SIZE];
    int r;

    random_uuid(id);
    tok->accessor_id = arena_strdup(c->arena, id);
    if (!secret) {
        random_uuid(id);
        secret = arena_strdup(c->arena, id);
    }
    tok->create_time = c->now_ns;
    r = acl_secret_hash(s, c->txn, str_of(secret), &tok->lookup, e);
    if (r == 0)
        r = acl_secret_seal(s, c->txn, tok->accessor_id, str_of(secret), &tok->secret_box, e);
    return r < 0 ? r : put_token(c, tok, secret, 0, e);
}

static int token_create(struct call *c, struct token_body *b, struct err *e)
{
    struct acl_token tok = {.name = b->name,
                            .type = b->type,
                            .policies = b->policies,
                            .roles = b->roles,
                            .global = b->global,
                            .expiration_time = b->expiration_time};
    struct acl_token *kept = arena_new_of(c->arena, struct acl_token);
    struct strlist problems = {0};
    int r = read_ttl(b->ttl, &tok.ttl_ns, e);

    if (r < 0)
        return r;
    check_token(c, &tok, &problems);
    check_expiration(c, &tok, &problems);
    if (problems.len)
        return acl_reply_problems(c, "token", &problems);
    r = settle_roles(c, &tok, e);
    *kept = tok;
    return r < 0 ? r : acl_token_make(c, kept, NULL, e);
}

/* What it may do changes; who it is and how long it lives does not. */
static int token_update(struct call *c, const struct token_body *b, struct err *e)
{
    struct acl_token *tok = arena_new_of(c->arena, struct acl_token);
    struct strlist problems = {0};
    const struct object *old;
    const char *secret;
    int r = acl_token_get(c->txn, b->accessor_id, &old, e);

    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 400, "cannot find token %.150s", b->accessor_id);
    if (r < 0)
        return r;
    *tok = *(const struct acl_token *)old->body;
    if (tok->global != b->global)
        return nomad_fail(e, 400, "cannot toggle global mode of %s", tok->accessor_id);
    tok->name = b->name;
    tok->type = *b->type ? b->type : tok->type;
    tok->policies = b->policies;
    tok->roles = b->roles;
    check_token(c, tok, &problems);
    if (b->expiration_time &&
        (!tok->expiration_time || *tok->expiration_time != *b->expiration_time))
        list_push(c->arena, &problems, "expiration time cannot be updated");
    if (problems.len)
        return acl_reply_problems(c, "token", &problems);
    r = settle_roles(c, tok, e);
    if (r < 0)
        return r;
    secret = secret_of(c, tok, e);
    return secret ? put_token(c, tok, secret, old->create_rev, e) : e->code;
}

static int token_write(struct call *c, struct err *e)
{
    const char *id = call_id(c, "id");
    struct token_body b;
    int r = nomad_body(c, &token_body_schema, &b, e);

    if (r < 0)
        return r;
    if (*id && strcmp(id, b.accessor_id) != 0)
        return nomad_fail(e, 400, "ACL token accessor does not match request path");
    return *b.accessor_id ? token_update(c, &b, e) : token_create(c, &b, e);
}

static int token_delete(struct call *c, struct err *e)
{
    const char *id = call_id(c, "id");
    const struct object *o;
    struct key k;
    int r = acl_token_get(c->txn, id, &o, e);

    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 400, "Cannot delete nonexistent tokens: %.150s", id);
    token_key_of(&k, id);
    if (r == 0)
        r = table_del(c->txn, &acl_token_table, &k, e);
    if (r == 0)
        reply_written(c);
    return r;
}

const struct route acl_token_routes[] = {
    /* clang-format off */
    {M_GET,    "/v1/acl/tokens",     NEED_ACLS,              tokens_list,  NULL},
    {M_WRITE,  "/v1/acl/token",      NEED_ACLS,              token_write,  NULL},
    {M_GET,    "/v1/acl/token/self", NEED_ACLS | NEED_TOKEN, token_self,   NULL},
    {M_GET,    "/v1/acl/token/:id",  NEED_ACLS | NEED_CHECK, token_read,   NULL},
    {M_WRITE,  "/v1/acl/token/:id",  NEED_ACLS,              token_write,  NULL},
    {M_DELETE, "/v1/acl/token/:id",  NEED_ACLS,              token_delete, NULL},
    /* clang-format on */
};
const size_t n_acl_token_routes = ARRAY_LEN(acl_token_routes);
