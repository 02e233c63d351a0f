/* How tokens are shown: the `auth` of a reply and the data of a lookup. */
#include <string.h>

#include "lang/units.h"
#include "vault/core/token_priv.h"

static struct json list_of(struct arena *a, const struct strlist *l)
{
    struct json *arr = json_new_array(a);

    for (size_t i = 0; i < l->len; i++)
        json_push(a, arr, json_of_str(str_of(l->at[i])));
    return *arr;
}

static struct json map_of(struct arena *a, const struct strmap *m)
{
    struct json *obj = json_new_object(a);

    for (size_t i = 0; i < m->len; i++)
        json_set(a, obj, str_of(m->at[i].key), json_of_str(str_of(m->at[i].val)));
    return *obj;
}

static int64_t seconds_left(int64_t expires_ns, int64_t now_ns)
{
    return expires_ns > now_ns ? (expires_ns - now_ns) / TOKEN_NS_PER_S : 0;
}

const struct json *token_auth_json(struct arena *a, const struct token *tok, struct str id,
                                   int64_t now_ns)
{
    struct json *obj = json_new_object(a), null = {.type = JSON_NULL};
    const struct {
        const char *key;
        struct json value;
    } members[] = {
        {"client_token", json_of_str(id)},
        {"accessor", json_of_str(str_of(tok->accessor))},
        {"policies", list_of(a, &tok->policies)},
        {"token_policies", list_of(a, &tok->policies)},
        {"metadata", tok->has_meta ? map_of(a, &tok->meta) : null},
        {"lease_duration", json_of_i64(a, seconds_left(tok->expires_ns, now_ns))},
        {"renewable", json_of_bool(tok->renewable)},
        {"entity_id", json_of_str(str_of(tok->entity_id))},
        {"token_type", json_of_str(str_of(tok->type))},
        {"orphan", json_of_bool(*tok->parent_hash == '\0')},
        {"mfa_requirement", null},
        {"num_uses", json_of_i64(a, tok->num_uses)},
    };

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_set(a, obj, str_of(members[i].key), members[i].value);
    return obj;
}

static void time_kv(struct json_out *w, const char *key, int64_t ns)
{
    char text[TIME_TEXT_SIZE];

    if (ns)
        time_format_local(ns, text);
    json_kv_str(w, key, ns ? text : NULL);
}

void token_lookup_json(const struct token *tok, struct str id, int64_t now_ns,
                       struct json_out *w)
{
    int64_t expires_ns = tok->num_uses < 0 ? tok->spent_expires_ns : tok->expires_ns;

    json_kv_str(w, "accessor", tok->accessor);
    if (tok->bound_cidrs.len) {
        json_key(w, "bound_cidrs");
        json_strlist(w, &tok->bound_cidrs);
    }
    json_kv_i64(w, "creation_time", tok->created_s);
    json_kv_i64(w, "creation_ttl", tok->creation_ttl_s);
    json_kv_str(w, "display_name", tok->display_name);
    json_kv_str(w, "entity_id", tok->entity_id);
    time_kv(w, "expire_time",
            token_is_batch(tok) ? expires_ns / TOKEN_NS_PER_S * TOKEN_NS_PER_S : expires_ns);
    json_kv_i64(w, "explicit_max_ttl", tok->explicit_max_ttl_s);
    json_kv_strn(w, "id", id);
    if (tok->has_lease)
        time_kv(w, "issue_time", tok->issued_ns);
    if (tok->renewed_ns) {
        time_kv(w, "last_renewal", tok->renewed_ns);
        json_kv_i64(w, "last_renewal_time", tok->renewed_ns / TOKEN_NS_PER_S);
    }
    json_key(w, "meta");
    if (tok->has_meta)
        json_strmap(w, &tok->meta);
    else
        json_null(w);
    json_kv_i64(w, "num_uses", tok->num_uses);
    json_kv_bool(w, "orphan", *tok->parent_hash == '\0');
    json_kv_str(w, "path", tok->path);
    if (tok->period_s)
        json_kv_i64(w, "period", tok->period_s);
    json_key(w, "policies");
    json_strlist(w, &tok->policies);
    if (tok->has_lease)
        json_kv_bool(w, "renewable", tok->renewable);
    if (*tok->role)
        json_kv_str(w, "role", tok->role);
    json_kv_i64(w, "ttl", seconds_left(expires_ns, now_ns));
    json_kv_str(w, "type", tok->type);
}
