/* The envelope of the API's replies, as rows of a table or a tree for JSON and YAML. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cli/vault/vault_priv.h"

static const struct json *object_or_null(const struct json *v)
{
    return json_is(v, JSON_OBJECT) ? v : NULL;
}

static bool has_anything(const struct vault_secret *s)
{
    return s->request_id.len || s->lease_id.len || s->lease_duration || s->renewable ||
           s->data || s->warnings || s->auth || s->wrap_info;
}

bool secret_of(struct cli_call *c, const struct remote_reply *r, struct vault_secret *ret)
{
    const struct json *v = r->json, *warnings;
    struct vault_secret s = {.raw = r->body};

    (void)c;
    if (r->status == 204 || !json_is(v, JSON_OBJECT))
        return false;
    warnings = json_get(v, "warnings");
    s.request_id = json_str_or(json_get(v, "request_id"), STR(""));
    s.lease_id = json_str_or(json_get(v, "lease_id"), STR(""));
    s.lease_duration = json_i64_or(json_get(v, "lease_duration"), 0);
    s.renewable = json_bool_or(json_get(v, "renewable"), false);
    s.data = object_or_null(json_get(v, "data"));
    s.warnings = json_is(warnings, JSON_ARRAY) && warnings->len > 0 ? warnings : NULL;
    s.auth = object_or_null(json_get(v, "auth"));
    s.wrap_info = object_or_null(json_get(v, "wrap_info"));
    if (r->status == 404 && !s.data && !s.warnings)
        return false;
    if (r->status >= 400 && r->status != 404)
        return false;
    if (!has_anything(&s) && v->len > 0)
        s.data = v;
    *ret = s;
    return true;
}

/* ---- the tree --------------------------------------------------------------------------- */

static void copy_member(struct arena *a, struct json *to, const struct json *from,
                        const char *key, enum json_type type)
{
    const struct json *v = json_get(from, key);
    static const struct json empty_text = {.type = JSON_STRING, .text = {"", 0}};
    static const struct json no = {.type = JSON_BOOL};

    if (!v || v->type == JSON_NULL) {
        if (type == JSON_STRING)
            v = &empty_text;
        else if (type == JSON_BOOL)
            v = &no;
        else if (type == JSON_NUMBER) {
            set_int(a, to, key, 0);
            return;
        } else {
            set_null(a, to, key);
            return;
        }
    }
    json_set(a, to, str_of(key), *text_sorted(a, v));
}

struct members {
    const char *key;
    enum json_type type; /* JSON_OBJECT: null when it is missing */
};

static struct json *pick_members(struct arena *a, const struct json *from,
                                 const struct members *m, size_t n)
{
    struct json *to = json_new_object(a);

    for (size_t i = 0; i < n; i++)
        copy_member(a, to, from, m[i].key, m[i].type);
    return to;
}

static const struct members auth_members[] = {
    {"client_token", JSON_STRING},
    {"accessor", JSON_STRING},
    {"policies", JSON_OBJECT},
    {"token_policies", JSON_OBJECT},
    {"identity_policies", JSON_OBJECT},
    {"metadata", JSON_OBJECT},
    {"orphan", JSON_BOOL},
    {"entity_id", JSON_STRING},
    {"lease_duration", JSON_NUMBER},
    {"renewable", JSON_BOOL},
    {"mfa_requirement", JSON_OBJECT},
};

static const struct members wrap_members[] = {
    {"token", JSON_STRING},         {"accessor", JSON_STRING},
    {"ttl", JSON_NUMBER},           {"creation_time", JSON_STRING},
    {"creation_path", JSON_STRING}, {"wrapped_accessor", JSON_STRING},
};

static void set_or_null(struct arena *a, struct json *to, const char *key, const struct json *v)
{
    if (v)
        json_set(a, to, str_of(key), *text_sorted(a, v));
    else
        set_null(a, to, key);
}

struct json *secret_tree(struct arena *a, const struct vault_secret *s)
{
    struct json *v = json_new_object(a);

    json_set(a, v, STR("request_id"), json_of_str(s->request_id));
    json_set(a, v, STR("lease_id"), json_of_str(s->lease_id));
    set_int(a, v, "lease_duration", s->lease_duration);
    set_bool(a, v, "renewable", s->renewable);
    set_or_null(a, v, "data", s->data);
    set_or_null(a, v, "warnings", s->warnings);
    if (s->auth)
        json_set(a, v, STR("auth"),
                 *pick_members(a, s->auth, auth_members, ARRAY_LEN(auth_members)));
    if (s->wrap_info)
        json_set(a, v, STR("wrap_info"),
                 *pick_members(a, s->wrap_info, wrap_members, ARRAY_LEN(wrap_members)));
    return v;
}

/* ---- the table -------------------------------------------------------------------------- */

static bool is_duration_key(struct str key)
{
    static const char *const whole[] = {"ttl", "period", "duration", "lease_max", "ttl_max"};
    static const char *const ends[] = {"_ttl", "_period", "_duration"};

    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        if (str_eqc(key, whole[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (str_ends(key, str_of(ends[i])))
            return true;
    return false;
}

static const char *human(struct arena *a, int64_t seconds)
{
    char text[DURATION_TEXT_SIZE];

    ttl_format_human(seconds, text);
    return arena_strdup(a, text);
}

const char *secret_cell(struct arena *a, struct str key, const struct json *v)
{
    int64_t seconds;

    if (is_duration_key(key) && json_is(v, JSON_NUMBER) && json_to_i64(v, &seconds))
        return human(a, seconds);
    return text_go_cstr(a, v);
}

static void add_lease(struct table *t, const struct vault_secret *s)
{
    const char *duration = human(t->arena, s->lease_duration);

    if (s->lease_duration <= 0)
        return;
    if (s->lease_id.len == 0) {
        table_add(t, "refresh_interval", duration, NULL);
        return;
    }
    table_add(t, "lease_id", arena_cstr(t->arena, s->lease_id), NULL);
    table_add(t, "lease_duration", duration, NULL);
    table_add(t, "lease_renewable", s->renewable ? "true" : "false", NULL);
}

static void add_metadata(struct table *t, const struct json *metadata)
{
    const struct json *m = text_sorted(t->arena, metadata);

    for (uint32_t i = 0; json_is(m, JSON_OBJECT) && i < m->len; i++)
        table_add(t, arena_printf(t->arena, "token_meta_%.*s", STR_ARG(m->members[i].key)),
                  text_go_cstr(t->arena, &m->members[i].value), NULL);
}

static void add_auth(struct table *t, const struct json *auth)
{
    struct arena *a = t->arena;
    int64_t ttl = json_i64_or(json_get(auth, "lease_duration"), 0);

    table_add(t, "token", member_text(a, auth, "client_token"), NULL);
    table_add(t, "token_accessor", member_text(a, auth, "accessor"), NULL);
    table_add(t, "token_duration", ttl == 0 ? "∞" : human(a, ttl), NULL);
    table_add(t, "token_renewable",
              json_bool_or(json_get(auth, "renewable"), false) ? "true" : "false", NULL);
    table_add(t, "token_policies", text_go_quoted(a, json_get(auth, "token_policies")), NULL);
    table_add(t, "identity_policies", text_go_quoted(a, json_get(auth, "identity_policies")),
              NULL);
    table_add(t, "policies", text_go_quoted(a, json_get(auth, "policies")), NULL);
    add_metadata(t, json_get(auth, "metadata"));
}

/* "2026-11-21T17:25:03.4Z" -> "2026-11-21 17:25:03.4 +0000 UTC" */
static const char *go_time(struct arena *a, const char *rfc3339)
{
    size_t len = strlen(rfc3339);
    char *text;

    if (len < 20 || rfc3339[10] != 'T' || rfc3339[len - 1] != 'Z')
        return rfc3339;
    text = arena_printf(a, "%.*s +0000 UTC", (int)len - 1, rfc3339);
    text[10] = ' ';
    return text;
}

static void add_wrap(struct table *t, const struct json *wrap)
{
    struct arena *a = t->arena;
    const char *wrapped = member_text(a, wrap, "wrapped_accessor");

    table_add(t, "wrapping_token:", member_text(a, wrap, "token"), NULL);
    table_add(t, "wrapping_accessor:", member_text(a, wrap, "accessor"), NULL);
    table_add(t, "wrapping_token_ttl:", human(a, json_i64_or(json_get(wrap, "ttl"), 0)), NULL);
    table_add(t, "wrapping_token_creation_time:",
              go_time(a, member_text(a, wrap, "creation_time")), NULL);
    table_add(t, "wrapping_token_creation_path:", member_text(a, wrap, "creation_path"), NULL);
    if (*wrapped)
        table_add(t, "wrapped_accessor:", wrapped, NULL);
}

static void add_data(struct table *t, const struct json *data)
{
    const struct json *d = text_sorted(t->arena, data);

    for (uint32_t i = 0; json_is(d, JSON_OBJECT) && i < d->len; i++)
        table_add(t, arena_cstr(t->arena, d->members[i].key),
                  secret_cell(t->arena, d->members[i].key, &d->members[i].value), NULL);
}

static void print_table(struct table *t)
{
    struct table head = TABLE_VAULT(t->arena);

    if (t->rows.len == 0)
        return;
    table_add(&head, "Key", "Value", NULL);
    table_underline(&head);
    list_each (&t->rows, row)
        table_add_cells(&head, row->cells, row->len);
    table_print(&head, stdout);
}

void secret_print_data(struct cli_call *c, const struct json *data)
{
    struct table t = TABLE_VAULT(c->arena);

    add_data(&t, data);
    print_table(&t);
}

static void print_as_table(struct cli_call *c, const struct vault_secret *s)
{
    struct table t = TABLE_VAULT(c->arena);

    secret_print_warnings(c, s);
    add_lease(&t, s);
    if (s->auth)
        add_auth(&t, s->auth);
    if (s->wrap_info)
        add_wrap(&t, s->wrap_info);
    add_data(&t, s->data);
    print_table(&t);
}

int secret_print(struct cli_call *c, const struct vault_secret *s)
{
    int r;

    if (vault_cli_options.field && *vault_cli_options.field)
        return secret_print_field(c, s, vault_cli_options.field);
    if (vault_cli_options.format == FORMAT_RAW) {
        printf("%.*s\n", STR_ARG(s->raw));
        return CLI_EXIT_OK;
    }
    if (!print_formatted(c, secret_tree(c->arena, s), &r)) {
        print_as_table(c, s);
        r = CLI_EXIT_OK;
    }
    return r;
}

int secret_print_reply(struct cli_call *c, const struct remote_reply *r)
{
    struct vault_secret s;

    return secret_of(c, r, &s) ? secret_print(c, &s) : CLI_EXIT_OK;
}
