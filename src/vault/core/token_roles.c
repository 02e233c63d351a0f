/* auth/token/roles. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "vault/core/token_priv.h"

#define TEXT(name)                                                         \
    {                                                                      \
#name, NULL, F_STR, offsetof(struct token_role, name), .max = 4096 \
    }
#define LIST_OF(name)                                                                 \
    {                                                                                 \
#name, NULL, F_STRLIST, offsetof(struct token_role, name), .flags = FIELD_CSL \
    }
#define SECONDS(name, field)                                  \
    {                                                         \
        name, NULL, F_TTL, offsetof(struct token_role, field) \
    }
#define FLAG(name)                                             \
    {                                                          \
#name, NULL, F_BOOL, offsetof(struct token_role, name) \
    }

/* What a request may carry is the same as what is kept, but for the last ones. */
#define PUBLIC_FIELDS                                                                      \
    TEXT(name), LIST_OF(allowed_policies), LIST_OF(disallowed_policies),                   \
        LIST_OF(allowed_policies_glob), LIST_OF(disallowed_policies_glob),                 \
        LIST_OF(allowed_entity_aliases), FLAG(orphan), FLAG(renewable), TEXT(path_suffix), \
        SECONDS("period", period_s), SECONDS("explicit_max_ttl", explicit_max_ttl_s),      \
        LIST_OF(bound_cidrs), SECONDS("token_period", token_period_s),                     \
        SECONDS("token_explicit_max_ttl", token_explicit_max_ttl_s),                       \
        LIST_OF(token_bound_cidrs),                                                        \
        {"token_num_uses", NULL, F_INT, offsetof(struct token_role, token_num_uses)},      \
        FLAG(token_no_default_policy), TEXT(token_type)

static const struct schema_field asked_fields[] = {PUBLIC_FIELDS};
static SCHEMA(asked_schema, "role", struct token_role, asked_fields);

static const struct schema_field role_fields[] = {PUBLIC_FIELDS, TEXT(mount_uuid),
                                                  FLAG(has_entity_aliases)};
SCHEMA(token_role_schema, "token role", struct token_role, role_fields);

static void role_key(const void *body, struct key *k)
{
    const struct token_role *role = body;

    key_addz(k, role->mount_uuid);
    key_addz(k, role->name);
}

const struct table token_role_table = {
    .name = "token_role", .schema = &token_role_schema, .key = role_key, .sealed = true};

static struct req *req_of(struct call *c)
{
    return c->state;
}

static void key_of(struct key *k, const char *mount_uuid, struct str name)
{
    key_init(k, token_role_table.name);
    key_addz(k, mount_uuid);
    key_add(k, name);
}

int token_role_get(struct txn *t, const char *mount_uuid, struct str name,
                   const struct token_role **ret, struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    key_of(&k, mount_uuid, name);
    if (k.over)
        return err_set(e, ERR_NOTFOUND, "no such role");
    r = table_get(t, &token_role_table, &k, &o, e);
    if (r == 0)
        *ret = o->body;
    return r;
}

/* ---- names and addresses ---------------------------------------------------------------- */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Letters, digits and '_'; '-' and '.' inside. */
static bool is_name(struct str s, size_t min)
{
    if (s.len < min || s.len > TOKEN_ROLE_NAME_MAX || !is_word(s.p[0]) ||
        !is_word(s.p[s.len - 1]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_word(s.p[i]) && s.p[i] != '-' && s.p[i] != '.')
            return false;
    return true;
}

static int check_name(struct req *r, struct err *e)
{
    return is_name(req_param(r, "name"), 1) ? 0 : req_fail_multi(e, 404, "unsupported path");
}

static bool parse_cidr(struct arena *a, struct str text, const char **ret)
{
    struct str rest = text, host;
    unsigned char addr[16];
    uint64_t bits, all;
    const char *name;

    if (!str_split(&rest, '/', &host))
        return false;
    name = arena_cstr(a, host);
    if (inet_pton(AF_INET, name, addr) == 1)
        all = 32;
    else if (inet_pton(AF_INET6, name, addr) == 1)
        all = 128;
    else
        return false;
    bits = all;
    if (rest.p && (!str_to_u64(rest, 10, &bits) || bits > all))
        return false;
    *ret = bits == all ? name : arena_cstr(a, text);
    return true;
}

int token_parse_cidrs(struct arena *a, struct strlist *cidrs, struct err *e)
{
    struct strlist out = {0};

    if (cidrs->len > TOKEN_CIDRS_MAX)
        return err_set(e, ERR_INVALID, "at most %d addresses are possible", TOKEN_CIDRS_MAX);
    for (size_t i = 0; i < cidrs->len; i++) {
        const char *text;

        if (!parse_cidr(a, str_trim(str_of(cidrs->at[i])), &text))
            return err_set(e, ERR_INVALID,
                           "error parsing address \"%s\": Unable to convert \"%s\" to an IPv4 "
                           "or IPv6 address, or a UNIX Socket",
                           cidrs->at[i], cidrs->at[i]);
        list_push(a, &out, text);
    }
    *cidrs = out;
    return 0;
}

/* ---- read, list, delete ----------------------------------------------------------------- */

static int role_exists(struct req *r, bool *ret, struct err *e)
{
    const struct token_role *role;
    int got = token_role_get(r->txn, r->mount->uuid, req_param(r, "name"), &role, e);

    *ret = got == 0;
    return got == ERR_NOTFOUND ? 0 : got;
}

static void list_kv(struct json_out *w, const char *key, const struct strlist *l)
{
    json_key(w, key);
    json_strlist(w, l);
}

static int read_role(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token_role *role;
    struct json_out *w;
    int ret = check_name(r, e);

    if (ret < 0)
        return ret;
    ret = token_role_get(r->txn, r->mount->uuid, req_param(r, "name"), &role, e);
    if (ret < 0)
        return ret == ERR_NOTFOUND ? 0 : ret;
    w = req_data(r);
    if (role->has_entity_aliases)
        list_kv(w, "allowed_entity_aliases", &role->allowed_entity_aliases);
    else
        json_kv_null(w, "allowed_entity_aliases");
    list_kv(w, "allowed_policies", &role->allowed_policies);
    list_kv(w, "allowed_policies_glob", &role->allowed_policies_glob);
    if (role->bound_cidrs.len)
        list_kv(w, "bound_cidrs", &role->bound_cidrs);
    list_kv(w, "disallowed_policies", &role->disallowed_policies);
    list_kv(w, "disallowed_policies_glob", &role->disallowed_policies_glob);
    json_kv_i64(w, "explicit_max_ttl", role->explicit_max_ttl_s);
    json_kv_str(w, "name", role->name);
    json_kv_bool(w, "orphan", role->orphan);
    json_kv_str(w, "path_suffix", role->path_suffix);
    json_kv_i64(w, "period", role->period_s);
    json_kv_bool(w, "renewable", role->renewable);
    if (role->token_bound_cidrs.len)
        list_kv(w, "token_bound_cidrs", &role->token_bound_cidrs);
    json_kv_i64(w, "token_explicit_max_ttl", role->token_explicit_max_ttl_s);
    json_kv_bool(w, "token_no_default_policy", role->token_no_default_policy);
    if (role->token_num_uses > 0)
        json_kv_i64(w, "token_num_uses", role->token_num_uses);
    json_kv_i64(w, "token_period", role->token_period_s);
    json_kv_str(w, "token_type", role->token_type);
    return 0;
}

static int list_roles(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct strlist names = {0};
    const struct object *o;
    struct table_scan it;
    struct key k;
    int ret;

    mount_key(&k, &token_role_table, r->mount);
    ret = table_scan_begin(r->txn, &it, &token_role_table, &k, 0, e);
    if (ret < 0)
        return ret;
    while ((ret = table_scan_next(&it, &o, e)) > 0)
        list_push(r->a, &names, arena_strdup(r->a, ((const struct token_role *)o->body)->name));
    table_scan_end(&it);
    if (ret == 0)
        req_list_keys(r, &names);
    return ret;
}

static int delete_role(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct key k;
    int ret = check_name(r, e);

    key_of(&k, r->mount->uuid, req_param(r, "name"));
    return ret < 0 ? ret : table_del(r->txn, &token_role_table, &k, e);
}

/* ---- write ------------------------------------------------------------------------------ */

/* The older kind of field check: the API's text comes without its usual beginning. */
static int decode(struct req *r, struct token_role *asked, struct err *e)
{
    static const char prefix[] = "Field validation failed: ";
    struct err why = ERR_INIT;
    int ret = req_decode(r, &asked_schema, asked, &why);
    struct str text = str_of(why.msg);

    if (ret < 0)
        return req_fail(
            e, "%.*s",
            STR_ARG(str_starts(text, str_of(prefix)) ? str_from(text, strlen(prefix)) : text));
    return ret;
}

static int check_positive(struct req *r, const struct token_role *asked, struct err *e)
{
    const struct {
        const char *name;
        int64_t value;
    } times[] = {{"period", asked->period_s},
                 {"explicit_max_ttl", asked->explicit_max_ttl_s},
                 {"token_period", asked->token_period_s},
                 {"token_explicit_max_ttl", asked->token_explicit_max_ttl_s}};

    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        struct str given =
            json_get(r->data, times[i].name) ? json_get(r->data, times[i].name)->text : STR("");

        if (times[i].value < 0)
            return req_fail(e,
                            "error converting input %.*s for field \"%s\": cannot provide "
                            "negative value '%.*s'",
                            STR_ARG(given), times[i].name, STR_ARG(given));
    }
    if (asked->token_num_uses < 0)
        return req_fail(e, "error parsing role fields: 'token_num_uses' cannot be negative");
    return 0;
}

/* Lower case, sorted, each once. */
static void fold_globs(struct arena *a, struct strlist *globs)
{
    for (size_t i = 0; i < globs->len; i++)
        globs->at[i] = policy_name_canonical(a, str_of(globs->at[i]));
    strlist_sort_unique(globs);
}

static void take_lists(struct req *r, struct token_role *asked, struct token_role *role)
{
    const struct {
        const char *name;
        struct strlist *from, *to;
        bool globs;
    } lists[] = {
        {"allowed_policies", &asked->allowed_policies, &role->allowed_policies, false},
        {"disallowed_policies", &asked->disallowed_policies, &role->disallowed_policies, false},
        {"allowed_policies_glob", &asked->allowed_policies_glob, &role->allowed_policies_glob,
         true},
        {"disallowed_policies_glob", &asked->disallowed_policies_glob,
         &role->disallowed_policies_glob, true},
        {"allowed_entity_aliases", &asked->allowed_entity_aliases,
         &role->allowed_entity_aliases, true},
    };

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (!req_has(r, lists[i].name))
            continue;
        if (lists[i].globs)
            fold_globs(r->a, lists[i].from);
        else
            policy_names_canonical(r->a, lists[i].from, false);
        *lists[i].to = *lists[i].from;
    }
    if (req_has(r, "allowed_entity_aliases"))
        role->has_entity_aliases = true;
}

static void warn_both(struct req *r, const char *name, const char *old_name)
{
    req_warn(r, "Both '%s' and deprecated '%s' value supplied, ignoring the deprecated value",
             name, old_name);
}

/* The old name sets both, the new one clears what the old one has set. */
static void take_seconds(struct req *r, const char *name, const char *old_name, int64_t asked,
                         int64_t old_asked, int64_t *value, int64_t *old_value)
{
    if (req_has(r, name)) {
        if (req_has(r, old_name))
            warn_both(r, name, old_name);
        *value = asked;
        *old_value = 0;
    } else if (req_has(r, old_name)) {
        *value = *old_value = old_asked;
    }
}

static int take_cidrs(struct req *r, struct token_role *asked, struct token_role *role,
                      struct err *e)
{
    bool newer = req_has(r, "token_bound_cidrs"), older = req_has(r, "bound_cidrs");
    struct strlist *given = newer ? &asked->token_bound_cidrs : &asked->bound_cidrs;
    struct err why = ERR_INIT;

    if (!newer && !older)
        return 0;
    if (token_parse_cidrs(r->a, given, &why) < 0)
        return req_fail(e, "error parsing role fields: %s", why.msg);
    if (newer && older)
        warn_both(r, "token_bound_cidrs", "bound_cidrs");
    role->token_bound_cidrs = *given;
    role->bound_cidrs = newer ? (struct strlist){0} : *given;
    return 0;
}

static int take_suffix(struct req *r, const struct token_role *asked, struct token_role *role,
                       struct err *e)
{
    struct str suffix = str_of(asked->path_suffix);

    if (!req_has(r, "path_suffix"))
        return 0;
    if (str_has(suffix, STR("..")))
        return req_fail(e,
                        "error registering path suffix: path cannot contain parent references");
    if (suffix.len && !is_name(suffix, 3))
        return req_fail(e, "given role path suffix contains invalid characters; must match "
                           "\\w[\\w-.]+\\w");
    role->path_suffix = asked->path_suffix;
    return 0;
}

static int take_type(struct req *r, const struct token_role *asked, struct token_role *role,
                     struct err *e)
{
    static const char *const types[] = {"service", "batch", "default-service", "default-batch"};
    const char *type = asked->token_type ? asked->token_type : "";

    if (!req_has(r, "token_type"))
        return 0;
    if (*type == '\0' || strcmp(type, "default") == 0)
        type = "default-service";
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(type, types[i]) == 0) {
            role->token_type = types[i];
            return 0;
        }
    }
    return req_fail(e, "invalid 'token_type' value \"%s\"", type);
}

static int check_batch(const struct token_role *role, struct err *e)
{
    const char *what = NULL;

    if (strcmp(role->token_type, "batch") != 0)
        return 0;
    if (!role->orphan)
        what = "non-orphan tokens";
    else if (role->token_period_s)
        what = "periodic tokens";
    else if (role->renewable)
        what = "renewable tokens";
    else if (role->token_explicit_max_ttl_s)
        what = "tokens with an explicit max TTL";
    return what ? req_fail(e, "'token_type' cannot be 'batch' when role is set to generate %s",
                           what)
                : 0;
}

static void warn_long(struct req *r, const struct token_role *role)
{
    int64_t max = mount_max_ttl_s(r->vault, r->mount);

    if (!req_has(r, "token_explicit_max_ttl") && !req_has(r, "explicit_max_ttl"))
        return;
    if (role->token_explicit_max_ttl_s > max)
        req_warn(r,
                 "Given explicit max TTL of %lld is greater than system/mount allowed value of "
                 "%lld seconds; until this is fixed attempting to create tokens against this "
                 "role will result in an error",
                 (long long)role->token_explicit_max_ttl_s, (long long)max);
}

static int take(struct req *r, struct token_role *asked, struct token_role *role, struct err *e)
{
    int ret = check_positive(r, asked, e);

    if (ret == 0)
        ret = take_suffix(r, asked, role, e);
    if (ret == 0)
        ret = take_type(r, asked, role, e);
    if (ret == 0)
        ret = take_cidrs(r, asked, role, e);
    if (ret < 0)
        return ret;
    take_lists(r, asked, role);
    take_seconds(r, "token_period", "period", asked->token_period_s, asked->period_s,
                 &role->token_period_s, &role->period_s);
    take_seconds(r, "token_explicit_max_ttl", "explicit_max_ttl",
                 asked->token_explicit_max_ttl_s, asked->explicit_max_ttl_s,
                 &role->token_explicit_max_ttl_s, &role->explicit_max_ttl_s);
    if (req_has(r, "orphan"))
        role->orphan = asked->orphan;
    if (req_has(r, "renewable"))
        role->renewable = asked->renewable;
    if (req_has(r, "token_num_uses"))
        role->token_num_uses = asked->token_num_uses;
    if (req_has(r, "token_no_default_policy"))
        role->token_no_default_policy = asked->token_no_default_policy;
    return check_batch(role, e);
}

static int put(struct req *r, const struct token_role *role, struct err *e)
{
    auto_object struct object *o = object_new(&token_role_schema);

    memcpy(o->body, schema_copy(&token_role_schema, role, o->arena), sizeof *role);
    return table_put(r->txn, &token_role_table, o, e);
}

static int write_role(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct token_role role = {.renewable = true,
                              .mount_uuid = r->mount->uuid,
                              .name = arena_cstr(r->a, req_param(r, "name")),
                              .path_suffix = "",
                              .token_type = "default-service"};
    const struct token_role *old;
    struct token_role asked;
    int ret = check_name(r, e);

    if (ret == 0)
        ret = decode(r, &asked, e);
    if (ret < 0)
        return ret;
    ret = token_role_get(r->txn, r->mount->uuid, req_param(r, "name"), &old, NULL);
    if (ret == 0)
        role = *old;
    else if (ret != ERR_NOTFOUND)
        return err_set(e, ret, "%s", err_kind_text(ret));
    ret = take(r, &asked, &role, e);
    if (ret == 0)
        ret = put(r, &role, e);
    if (ret == 0)
        warn_long(r, &role);
    return ret;
}

/* ---- the table -------------------------------------------------------------------------- */

static const struct path_info role_info = {
    .exists = role_exists,
    .fields = &asked_schema,
    .help = "A role: what the tokens that are made with it may have, whoever makes them."};

const struct route token_role_routes[] = {
    /* clang-format off */
    {M_LIST,   "roles",       0, list_roles,  NULL},
    {M_LIST,   "roles/",      0, list_roles,  NULL},
    {M_GET,    "roles/:name", 0, read_role,   NULL},
    {M_WRITE,  "roles/:name", 0, write_role,  &role_info},
    {M_DELETE, "roles/:name", 0, delete_role, NULL},
    /* clang-format on */
};
const size_t n_token_role_routes = ARRAY_LEN(token_role_routes);
