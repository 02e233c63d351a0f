/* /v1/operator/keyring/..., /.well-known/jwks.json, /.well-known/openid-configuration */
#include <string.h>

#include "base/clock.h"
#include "nomad/server/keyring.h"

enum { JWKS_MAX_AGE_S = 300, JWKS_WAIT_MS = 10000 };

/* ---- reading -------------------------------------------------------------------------------
 */

static void write_root_key(struct json_out *w, const struct root_key *row, uint64_t created,
                           uint64_t modified)
{
    struct root_key shown = *row;

    shown.create_index = created;
    shown.modify_index = modified;
    schema_encode(&root_key_schema, &shown, 0, w);
}

static int keys_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&root_key_table};
    root_key_list all = {0};
    struct json_out *w;
    int r = read_tables(c, tables, 1, e);

    if (r == 0)
        r = root_keys(c->txn, SCAN_PEEK, c->arena, &all, e);
    if (r != 0)
        return r;
    w = nomad_json(c);
    json_arr(w);
    list_each (&all, o)
        write_root_key(w, (*o)->body, (*o)->create_rev, (*o)->mod_rev);
    json_arr_end(w);
    return 0;
}

static bool some_signer(const root_key_list *all)
{
    list_each (all, o)
        if (*str_or_empty(((const struct root_key *)(*o)->body)->jwk))
            return true;
    return false;
}

/* Every key that may have signed something: also one that will sign only later. Just after the
 * first start the first signer is still being made: nobody shall remember an empty set. */
static int jwks(struct call *c, struct err *e)
{
    int64_t waited_ms = clock_wall_ms() - c->now_ns / 1000000;
    root_key_list all = {0};
    struct json_out *w;
    struct key k;
    int r = root_keys(c->txn, SCAN_PEEK, c->arena, &all, e);

    if (r < 0)
        return r;
    if (!some_signer(&all) && !c->timed_out && waited_ms < JWKS_WAIT_MS) {
        call_wait_on(c, table_prefix(&root_key_table, &k), false, txn_rev(c->txn));
        return call_park(c, clock_mono_ms() + JWKS_WAIT_MS - waited_ms);
    }
    call_fieldf(c, "Cache-Control", "max-age=%d", JWKS_MAX_AGE_S);
    w = nomad_json(c);
    json_obj(w);
    json_key(w, "keys");
    json_arr(w);
    list_each (&all, o) {
        const char *jwk = ((const struct root_key *)(*o)->body)->jwk;

        if (*str_or_empty(jwk))
            json_raw(w, str_of(jwk));
    }
    json_arr_end(w);
    json_obj_end(w);
    return 0;
}

static void write_texts(struct json_out *w, const char *name, const char *text)
{
    json_key(w, name);
    json_arr(w);
    json_str(w, text);
    json_arr_end(w);
}

static int openid_configuration(struct call *c, struct err *e)
{
    const char *issuer = str_or_empty(server_of(c)->opts.oidc_issuer);
    size_t len = strlen(issuer);
    struct json_out *w;

    if (!*issuer)
        return nomad_fail(e, 404, "OIDC Discovery endpoint disabled");
    w = nomad_json(c);
    json_obj(w);
    write_texts(w, "id_token_signing_alg_values_supported", "RS256");
    json_kv_str(w, "issuer", issuer);
    json_kv_str(w, "jwks_uri",
                arena_printf(c->arena, "%s%s.well-known/jwks.json", issuer,
                             issuer[len - 1] == '/' ? "" : "/"));
    write_texts(w, "response_types_supported", "code");
    write_texts(w, "subject_types_supported", "public");
    json_obj_end(w);
    return 0;
}

/* ---- rotate --------------------------------------------------------------------------------
 */

struct rotation {
    struct root_key fresh;
    bool full;
    int64_t publish_time; /* Unix ns, 0: now */
};

static int read_rotation(struct call *c, struct rotation *ro, struct err *e)
{
    const char *at = call_text(c, "publish_time");
    int r = call_bool(c, "full", &ro->full, e);

    if (r < 0)
        return r;
    if (*at && (!str_to_i64(str_of(at), 10, &ro->publish_time) || ro->publish_time <= 0))
        return nomad_fail(e, 400, "Error parsing publish_time: \"%s\" is no Unix time in ns",
                          at);
    if (ro->publish_time && ro->full)
        return nomad_fail(e, 400,
                          "keyring cannot be prepublished and full rotated at the same "
                          "time");
    if (ro->publish_time && ro->publish_time <= c->now_ns)
        return nomad_fail(e, 400, "keyring cannot be prepublished for a time that has passed");
    return 0;
}

static int make_key(struct call *c, void *arg, struct err *e)
{
    struct rotation *ro = arg;

    return root_key_make(server_of(c)->keyring, true, c->now_ns, c->arena, &ro->fresh, e);
}

static void reply_rotated(struct call *c, uint64_t rev, void *arg)
{
    const struct rotation *ro = arg;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_u64(w, "Index", rev);
    json_key(w, "Key");
    write_root_key(w, &ro->fresh, rev, rev);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

static int store_key(struct call *c, void *arg, struct err *e)
{
    struct rotation *ro = arg;
    root_key_list all = {0};
    int r = root_keys(c->txn, 0, c->arena, &all, e);

    if (r < 0)
        return r;
    if (all.len >= ROOT_KEYS_MAX)
        return nomad_fail(e, 400, "the keyring holds %d keys: remove some of them first",
                          ROOT_KEYS_MAX);
    ro->fresh.publish_time = ro->publish_time;
    ro->fresh.state = ro->publish_time ? KEY_PREPUBLISHED : KEY_INACTIVE;
    r = root_key_put(c->txn, &ro->fresh, e);
    if (r == 0 && !ro->publish_time) {
        r = root_key_activate(c->txn, ro->fresh.id, ro->full ? KEY_REKEYING : KEY_INACTIVE, e);
        ro->fresh.state = KEY_ACTIVE;
    }
    if (r == 0)
        call_on_commit(c, reply_rotated, ro);
    return r;
}

static int keyring_rotate(struct call *c, struct err *e)
{
    struct rotation *ro = arena_new_of(c->arena, struct rotation);
    int r = read_rotation(c, ro, e);

    if (r < 0)
        return r;
    call_then(c, make_key, store_key, ro); /* an RSA key takes its time */
    return 0;
}

/* ---- remove --------------------------------------------------------------------------------
 */

struct removal {
    const char *id;
};

static void reply_removed(struct call *c, uint64_t rev, void *arg)
{
    const struct removal *d = arg;
    struct json_out *w = nomad_json(c);

    root_keyring_forget(server_of(c)->keyring, d->id);
    json_obj(w);
    json_kv_u64(w, "Index", rev);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

static int check_removal(struct call *c, const char *id, bool force, struct err *e)
{
    const struct object *o;
    const char *state;
    int r = root_key_get(c->txn, id, &o, e);

    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 404, "root key %s not found", id);
    if (r < 0)
        return r;
    state = ((const struct root_key *)o->body)->state;
    if (strcmp(state, KEY_ACTIVE) == 0)
        return nomad_fail(e, 500, "active root key cannot be deleted - call rotate first");
    r = force ? 0 : root_key_in_use(c->txn, id, e);
    return r > 0 ? nomad_fail(e, 500,
                              "root key in use, cannot delete: variables or running "
                              "allocations depend on it")
                 : r;
}

static int key_remove(struct call *c, struct err *e)
{
    struct removal *d = arena_new_of(c->arena, struct removal);
    bool force;
    int r = call_bool(c, "force", &force, e);

    d->id = call_id(c, "id");
    if (r == 0)
        r = check_removal(c, d->id, force, e);
    if (r == 0)
        r = root_key_del(c->txn, d->id, e);
    if (r == 0)
        call_on_commit(c, reply_removed, d);
    return r;
}

const struct route keyring_routes[] = {
    {M_GET, "/v1/operator/keyring/keys", 0, keys_list, NULL},
    {M_WRITE, "/v1/operator/keyring/rotate", ROUTE_BLOCKING, keyring_rotate, NULL},
    {M_DELETE, "/v1/operator/keyring/key/:id", 0, key_remove, NULL},
    {M_GET, "/.well-known/jwks.json", ROUTE_ANON, jwks, NULL},
    {M_GET, "/.well-known/openid-configuration", ROUTE_ANON, openid_configuration, NULL},
};
const size_t n_keyring_routes = ARRAY_LEN(keyring_routes);
