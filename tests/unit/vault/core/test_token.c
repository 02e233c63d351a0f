/* Tokens at work: what they are, how long they live, what goes with them. */
#include <stdio.h>
#include <string.h>

#include "../vault_t.h"
#include "vault/core/token_priv.h"

enum { NS = 1000000000 };

static const char *create(struct vault_t *v, const char *as, const char *body)
{
    struct api_response r = vault_ask(v, as, "POST", "/v1/auth/token/create", body);

    if (r.status != 200)
        t_fail(__FILE__, __LINE__, "create answers %d: %.*s", r.status, STR_ARG(r.body));
    return vault_text(v, &r, "auth.client_token");
}

static int status_of(struct vault_t *v, const char *token)
{
    return vault_ask(v, token, "GET", "/v1/auth/token/lookup-self", NULL).status;
}

static const char *looked_up(struct vault_t *v, const char *token, const char *field)
{
    struct api_response r = vault_ask(v, token, "GET", "/v1/auth/token/lookup-self", NULL);

    return vault_text(v, &r, arena_printf(v->arena, "data.%s", field));
}

static void all_may_create(struct vault_t *v)
{
    vault_expect(v, 204, "PUT", "/v1/sys/policies/acl/all",
                 "{\"policy\":\"path \\\"auth/token/*\\\" { capabilities=[\\\"create\\\","
                 "\\\"read\\\",\\\"update\\\",\\\"sudo\\\"] } path \\\"kv/*\\\" { "
                 "capabilities=[\\\"read\\\"] }\"}");
}

static size_t count_records(struct vault_t *v, const struct table *t)
{
    struct err e = ERR_INIT;
    auto_txn struct txn *x = NULL;
    const struct object *o;
    struct table_scan it;
    struct key k;
    size_t n = 0;

    T_OK(txn_begin(v->store, TXN_READ_ONLY, &x, &e), &e);
    key_init(&k, t->name);
    T_OK(table_scan_begin(x, &it, t, &k, SCAN_KEYS_ONLY, &e), &e);
    while (table_scan_next(&it, &o, &e) > 0)
        n++;
    table_scan_end(&it);
    return n;
}

/* ---- what they look like ---------------------------------------------------------------- */

TEST(ids_have_the_shapes_that_clients_expect)
{
    struct vault_t v;
    const char *service, *batch;

    vault_t_start(&v, NULL, 0);
    service = create(&v, "root", "{\"policies\":[\"default\"]}");
    batch = create(&v, "root", "{\"policies\":[\"default\"],\"type\":\"batch\"}");
    T_TRUE(str_starts(str_of(service), STR("hvs.CAESI")));
    T_INT_EQ(strlen(service), 95);
    T_TRUE(str_starts(str_of(batch), STR("hvb.AAAAAQ")));
    T_INT_EQ(strlen(looked_up(&v, service, "accessor")), 24);
    T_STR_EQ(looked_up(&v, batch, "accessor"), "");
    T_STR_EQ(looked_up(&v, batch, "type"), "batch");
    vault_t_stop(&v);
}

static int make_root(struct txn *t, void *arg, struct err *e)
{
    struct vault_t *v = arg;
    struct str id;
    int r = token_create_root(v->vault, t, v->arena, 5LL * NS, NULL, &id, e);

    v->root = arena_cstr(v->arena, id);
    return r;
}

TEST(the_first_root_token_is_short_and_never_ends)
{
    struct err e = ERR_INIT;
    struct vault_t v;

    vault_t_start(&v, NULL, 0);
    T_OK(store_run(v.store, make_root, &v, 0, NULL, &e), &e);
    T_TRUE(str_starts(str_of(v.root), STR("hvs.")));
    T_INT_EQ(strlen(v.root), 28);
    T_STR_EQ(looked_up(&v, v.root, "path"), "auth/token/root");
    T_STR_EQ(looked_up(&v, v.root, "display_name"), "root");
    T_STR_EQ(looked_up(&v, v.root, "expire_time"), "null");
    T_STR_EQ(looked_up(&v, v.root, "issue_time"), ""); /* it has no lease */
    T_STR_EQ(looked_up(&v, "root", "display_name"), "token");
    T_TRUE(*looked_up(&v, "root", "issue_time"));
    vault_t_stop(&v);
}

TEST(no_record_holds_an_id_or_what_belongs_to_it_in_the_clear)
{
    struct err e = ERR_INIT;
    auto_txn struct txn *x = NULL;
    struct record rec;
    struct scan it;
    struct vault_t v;
    const char *id;
    size_t n = 0;

    vault_t_start(&v, NULL, 0);
    id = create(&v, "root", "{\"policies\":[\"default\"],\"meta\":{\"k\":\"canary-7f\"}}");
    T_OK(txn_begin(v.store, TXN_READ_ONLY, &x, &e), &e);
    T_OK(scan_begin(x, &it, STR("token"), 0, &e), &e);
    for (; scan_next(&it, &rec, &e) > 0; n++) {
        T_FALSE(str_has(rec.key, str_of(id)) || str_has(rec.value, str_of(id)));
        T_FALSE(str_has(rec.value, STR("canary-7f")));
    }
    scan_end(&it);
    T_TRUE(n >= 2);
    txn_drop(TAKE_PTR(x));
    vault_t_stop(&v);
}

TEST(a_batch_token_that_was_changed_or_is_of_another_vault_is_none)
{
    struct vault_t v, other;
    const char *batch;
    char *bad;

    vault_t_start(&v, NULL, 0);
    vault_t_start(&other, NULL, 0);
    batch = create(&v, "root", "{\"policies\":[\"default\"],\"type\":\"batch\"}");
    T_INT_EQ(status_of(&v, batch), 200);
    T_INT_EQ(status_of(&other, batch), 403);
    for (size_t i = 4; i < strlen(batch); i += 7) {
        bad = arena_strdup(v.arena, batch);
        bad[i] = bad[i] == 'A' ? 'B' : 'A';
        T_INT_EQ(status_of(&v, bad), 403);
    }
    for (size_t cut = 0; cut < strlen(batch); cut += 9)
        T_INT_EQ(status_of(&v, arena_strndup(v.arena, batch, cut)), 403);
    vault_t_stop(&v);
    vault_t_stop(&other);
}

TEST(requests_for_too_much_are_refused_by_their_limit)
{
    struct vault_t v;
    auto_buf struct buf meta = BUF_INIT(1 << 20);
    struct api_response r;
    char *big;

    vault_t_start(&v, NULL, 0);
    buf_puts(&meta, "{\"policies\":[\"default\"],\"meta\":{");
    for (int i = 0; i <= TOKEN_META_MAX; i++)
        buf_printf(&meta, "%s\"k%d\":\"v\"", i ? "," : "", i);
    buf_puts(&meta, "}}");
    r = vault_expect(&v, 400, "POST", "/v1/auth/token/create", meta.p);
    T_STR_HAS(arena_cstr(v.arena, r.body), "at most 64 pairs of metadata");

    big = arena_alloc(v.arena, TOKEN_META_BYTES_MAX + 2);
    memset(big, 'x', TOKEN_META_BYTES_MAX + 1);
    big[TOKEN_META_BYTES_MAX + 1] = '\0';
    r = vault_expect(&v, 400, "POST", "/v1/auth/token/create",
                     arena_printf(v.arena, "{\"meta\":{\"k\":\"%s\"}}", big));
    T_STR_HAS(arena_cstr(v.arena, r.body), "bytes of metadata");
    big[TOKEN_ID_MAX] = '\0';
    r = vault_expect(&v, 400, "POST", "/v1/auth/token/create",
                     arena_printf(v.arena,
                                  "{\"policies\":[\"default\"],\"type\":\"batch\",\"meta\":{"
                                  "\"k\":\"%s\"}}",
                                  big));
    T_STR_HAS(arena_cstr(v.arena, r.body), "give it fewer policies");
    T_INT_EQ(status_of(&v, arena_printf(v.arena, "%sx", big)), 403); /* longer than any id */
    vault_t_stop(&v);
}

/* ---- how long they live ----------------------------------------------------------------- */

TEST(a_token_is_good_until_its_last_nanosecond_and_so_are_those_below)
{
    struct err e = ERR_INIT;
    auto_txn struct txn *x = NULL;
    const struct token *tok;
    const char *parent, *child, *batch;
    struct vault_t v;
    int64_t ends;

    vault_t_start(&v, NULL, 0);
    all_may_create(&v);
    parent = create(&v, "root", "{\"policies\":[\"all\"],\"ttl\":\"1h\"}");
    child = create(&v, parent, "{\"ttl\":\"10h\"}");
    batch = create(&v, parent, "{\"ttl\":\"10h\",\"type\":\"batch\"}");
    T_OK(txn_begin(v.store, TXN_READ_ONLY, &x, &e), &e);
    T_OK(token_lookup(v.vault, x, str_of(parent), clock_wall_ns(), &tok, &e), &e);
    ends = tok->expires_ns;
    T_OK(token_lookup(v.vault, x, str_of(parent), ends - 1, &tok, &e), &e);
    T_OK(token_lookup(v.vault, x, str_of(child), ends - 1, &tok, &e), &e);
    T_OK(token_lookup(v.vault, x, str_of(batch), ends - 1, &tok, &e), &e);
    T_INT_EQ(token_lookup(v.vault, x, str_of(parent), ends, &tok, &e), ERR_DENIED);
    T_INT_EQ(token_lookup(v.vault, x, str_of(child), ends, &tok, &e), ERR_DENIED);
    T_INT_EQ(token_lookup(v.vault, x, str_of(batch), ends, &tok, &e), ERR_DENIED);
    txn_drop(TAKE_PTR(x));
    vault_t_stop(&v);
}

TEST(an_expired_token_is_removed_by_itself)
{
    struct vault_t v;

    vault_t_start(&v, NULL, 0);
    create(&v, "root", "{\"policies\":[\"default\"],\"ttl\":\"1s\"}");
    T_INT_EQ(count_records(&v, &token_table), 2);
    T_UNTIL(count_records(&v, &token_table) == 1);
    vault_t_stop(&v);
}

TEST(uses_are_counted_and_the_last_one_ends_the_token)
{
    struct vault_t v;
    const char *id;

    vault_t_start(&v, NULL, 0);
    id = create(&v, "root", "{\"policies\":[\"default\"],\"num_uses\":3}");
    T_STR_EQ(looked_up(&v, id, "num_uses"), "2");
    T_INT_EQ(vault_ask(&v, id, "GET", "/v1/sys/mounts", NULL).status, 403); /* counts as well */
    T_STR_EQ(looked_up(&v, id, "num_uses"), "-1");
    T_INT_EQ(status_of(&v, id), 403);
    T_UNTIL(count_records(&v, &token_table) == 1);
    vault_t_stop(&v);
}

TEST(the_last_use_still_sees_how_long_it_would_have_lived)
{
    struct vault_t v;
    struct api_response r;
    const char *id;

    vault_t_start(&v, NULL, 0);
    id = create(&v, "root", "{\"policies\":[\"default\"],\"num_uses\":1,\"ttl\":\"1h\"}");
    r = vault_ask(&v, id, "POST", "/v1/auth/token/renew-self", "{\"increment\":\"2h\"}");
    T_INT_EQ(r.status, 200);
    id = create(&v, "root", "{\"policies\":[\"default\"],\"num_uses\":1,\"ttl\":\"1h\"}");
    r = vault_ask(&v, id, "GET", "/v1/auth/token/lookup-self", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.ttl"), "3599");
    T_TRUE(*vault_text(&v, &r, "data.expire_time") == '2');
    vault_t_stop(&v);
}

TEST(a_role_limits_its_tokens_as_long_as_they_live)
{
    struct vault_t v;
    struct api_response r;
    const char *id;

    vault_t_start(&v, NULL, 0);
    vault_expect(&v, 204, "POST", "/v1/auth/token/roles/r",
                 "{\"token_explicit_max_ttl\":\"1h\"}");
    r = vault_expect(&v, 200, "POST", "/v1/auth/token/create/r",
                     "{\"policies\":[\"default\"],\"ttl\":\"30m\"}");
    id = vault_text(&v, &r, "auth.client_token");
    r = vault_ask(&v, id, "POST", "/v1/auth/token/renew-self", "{\"increment\":\"5h\"}");
    T_INT_EQ(r.status, 200);
    T_STR_HAS(vault_text(&v, &r, "warnings.0"), "TTL of \"5h\" exceeded");
    T_STR_EQ(looked_up(&v, id, "explicit_max_ttl"), "0");
    T_STR_EQ(looked_up(&v, id, "path"), "auth/token/create/r");
    vault_expect(&v, 204, "DELETE", "/v1/auth/token/roles/r", NULL);
    r = vault_ask(&v, id, "POST", "/v1/auth/token/renew-self", NULL);
    T_INT_EQ(r.status, 500);
    T_STR_HAS(arena_cstr(v.arena, r.body), "original token role \\\"r\\\"");
    vault_t_stop(&v);
}

TEST(a_changed_policy_counts_for_tokens_that_are_out)
{
    struct vault_t v;
    const char *id;

    vault_t_start(&v, NULL, 0);
    all_may_create(&v);
    id = create(&v, "root", "{\"policies\":[\"all\"]}");
    T_INT_EQ(vault_ask(&v, id, "POST", "/v1/auth/token/create", "{}").status, 200);
    vault_expect(&v, 204, "PUT", "/v1/sys/policies/acl/all",
                 "{\"policy\":\"path \\\"auth/token/*\\\" { capabilities=[\\\"deny\\\"] }\"}");
    T_INT_EQ(vault_ask(&v, id, "POST", "/v1/auth/token/create", "{}").status, 403);
    vault_expect(&v, 204, "DELETE", "/v1/sys/policies/acl/all", NULL);
    T_INT_EQ(vault_ask(&v, id, "POST", "/v1/auth/token/create", "{}").status, 403);
    T_INT_EQ(status_of(&v, id), 200); /* by default */
    vault_t_stop(&v);
}

/* ---- what goes with them ---------------------------------------------------------------- */

TEST(a_revoked_token_takes_its_children_and_their_cubbyholes_along)
{
    struct vault_t v;
    const char *a, *b, *c, *batch, *orphan, *accessor;

    vault_t_start(&v, NULL, 0);
    all_may_create(&v);
    a = create(&v, "root", "{\"policies\":[\"all\"]}");
    b = create(&v, a, "{}");
    c = create(&v, b, "{}");
    batch = create(&v, a, "{\"type\":\"batch\"}");
    orphan = create(&v, a, "{\"no_parent\":true}");
    accessor = looked_up(&v, c, "accessor");
    T_INT_EQ(vault_ask(&v, b, "POST", "/v1/cubbyhole/x", "{\"a\":1}").status, 204);
    vault_expect(&v, 204, "POST", "/v1/auth/token/revoke",
                 arena_printf(v.arena, "{\"token\":\"%s\"}", a));
    T_INT_EQ(status_of(&v, a), 403);
    T_INT_EQ(status_of(&v, b), 403);
    T_INT_EQ(status_of(&v, c), 403);
    T_INT_EQ(status_of(&v, batch), 403);
    T_INT_EQ(status_of(&v, orphan), 200);
    vault_expect(&v, 400, "POST", "/v1/auth/token/lookup-accessor",
                 arena_printf(v.arena, "{\"accessor\":\"%s\"}", accessor));
    T_INT_EQ(count_records(&v, &token_table), 2);
    T_INT_EQ(count_records(&v, cubbyhole_engine.tables[0]), 0);
    vault_t_stop(&v);
}

/* A tree without requests: `wide` children of `parent`, the first of them with `deep` below. */
struct tree {
    struct vault_t *v;
    const char *parent_hash;
    size_t wide, deep;
    const char *last_id, *deepest_id;
};

static int grow(struct tree *g, struct txn *t, const char *parent, const char **ret_hash,
                const char **ret_id, struct err *e)
{
    struct token_new n = {.ttl_s = 36000};
    const struct token *tok;
    struct str id;
    int r;

    list_push(g->v->arena, &n.tok.policies, "default");
    n.tok.parent_hash = parent;
    n.tok.path = "auth/token/create";
    r = token_create(g->v->vault, t, g->v->arena, clock_wall_ns(), &n, &id, &tok, e);
    if (r == 0) {
        *ret_hash = tok->hash;
        *ret_id = id.p;
    }
    return r;
}

static int grow_tree(struct txn *t, void *arg, struct err *e)
{
    struct tree *g = arg;
    const char *hash = NULL, *below = NULL;
    int r = 0;

    for (size_t i = 0; r == 0 && i < g->wide; i++) {
        r = grow(g, t, g->parent_hash, &hash, &g->last_id, e);
        below = below ? below : hash;
    }
    for (size_t i = 0; r == 0 && i < g->deep; i++) {
        r = grow(g, t, below, &hash, &g->deepest_id, e);
        below = hash;
    }
    return r;
}

static const char *hash_of_token(struct vault_t *v, const char *id)
{
    char hash[SEAL_HASH_SIZE];
    struct err e = ERR_INIT;

    T_OK(seal_hash(vault_seal(v->vault), "token", str_of(id), hash, &e), &e);
    return arena_strdup(v->arena, hash);
}

TEST(of_a_large_tree_nothing_is_good_at_once_and_nothing_is_left_in_the_end)
{
    struct err e = ERR_INIT;
    struct vault_t v;
    struct tree g = {.v = &v, .wide = 3 * TOKEN_INLINE_REVOKES + 5, .deep = 40};
    const char *top;

    vault_t_start(&v, NULL, 0);
    top = create(&v, "root", "{\"policies\":[\"default\"]}");
    g.parent_hash = hash_of_token(&v, top);
    T_OK(store_run(v.store, grow_tree, &g, 0, NULL, &e), &e);
    T_INT_EQ(status_of(&v, g.last_id), 200);
    T_INT_EQ(status_of(&v, g.deepest_id), 200);
    vault_expect(&v, 204, "POST", "/v1/auth/token/revoke",
                 arena_printf(v.arena, "{\"token\":\"%s\"}", top));
    T_INT_EQ(status_of(&v, g.last_id), 403);
    T_INT_EQ(status_of(&v, g.deepest_id), 403);
    T_UNTIL(count_records(&v, &token_table) == 1);
    T_UNTIL(count_records(&v, &token_queue_table) == 0);
    vault_t_stop(&v);
}

TEST(a_revoked_parent_may_leave_many_orphans_that_stay_good)
{
    struct err e = ERR_INIT;
    struct vault_t v;
    struct tree g = {.v = &v, .wide = 2 * TOKEN_INLINE_REVOKES + 5};
    const char *top;

    vault_t_start(&v, NULL, 0);
    top = create(&v, "root", "{\"policies\":[\"default\"]}");
    g.parent_hash = hash_of_token(&v, top);
    T_OK(store_run(v.store, grow_tree, &g, 0, NULL, &e), &e);
    vault_expect(&v, 204, "POST", "/v1/auth/token/revoke-orphan",
                 arena_printf(v.arena, "{\"token\":\"%s\"}", top));
    T_INT_EQ(status_of(&v, top), 403);
    T_INT_EQ(status_of(&v, g.last_id), 200);
    T_UNTIL(count_records(&v, &token_table) == g.wide + 1);
    T_UNTIL(count_records(&v, &token_queue_table) == 0);
    T_STR_EQ(looked_up(&v, g.last_id, "orphan"), "true");
    vault_t_stop(&v);
}

struct owned {
    struct vault_t *v;
    const char *owner, *id;
};

static int make_owned(struct txn *t, void *arg, struct err *e)
{
    struct owned *o = arg;
    struct token_new n = {.ttl_s = 3600};
    const struct token *tok;
    struct str id;
    int r;

    list_push(o->v->arena, &n.tok.policies, "default");
    n.tok.owner = o->owner;
    r = token_create(o->v->vault, t, o->v->arena, clock_wall_ns(), &n, &id, &tok, e);
    o->id = id.p;
    return r;
}

static int end_owned(struct txn *t, void *arg, struct err *e)
{
    struct owned *o = arg;

    return token_revoke_owner(o->v->vault, t, str_of(o->owner), clock_wall_ns(), e);
}

TEST(an_owner_takes_its_own_tokens_and_no_others)
{
    struct err e = ERR_INIT;
    struct vault_t v;
    struct owned a = {&v, "alloc/1/web", NULL}, b = {&v, "alloc/1/db", NULL},
                 c = {&v, "alloc/11/web", NULL}, all = {&v, "alloc/1/", NULL},
                 none = {&v, "", NULL};

    vault_t_start(&v, NULL, 0);
    T_OK(store_run(v.store, make_owned, &a, 0, NULL, &e), &e);
    T_OK(store_run(v.store, make_owned, &b, 0, NULL, &e), &e);
    T_OK(store_run(v.store, make_owned, &c, 0, NULL, &e), &e);
    T_OK(store_run(v.store, end_owned, &none, 0, NULL, &e), &e);
    T_INT_EQ(status_of(&v, a.id), 200);
    T_OK(store_run(v.store, end_owned, &all, 0, NULL, &e), &e);
    T_INT_EQ(status_of(&v, a.id), 403);
    T_INT_EQ(status_of(&v, b.id), 403);
    T_INT_EQ(status_of(&v, c.id), 200);
    vault_t_stop(&v);
}

/* ---- logins ----------------------------------------------------------------------------- */

/* A method that lets everybody in as the body says, and says on renewal what `veto` holds. */
static const char *veto;

static int log_in(struct call *c, struct err *e)
{
    struct req *r = c->state;
    struct auth_made *auth = arena_new_of(r->a, struct auth_made);
    const struct json *policies = json_get(r->data, "policies");

    (void)e;
    auth->display_name = json_cstr_or(r->a, json_get(r->data, "name"), "");
    for (uint32_t i = 0; policies && i < policies->len; i++)
        list_push(r->a, &auth->policies, json_cstr_or(r->a, &policies->items[i], ""));
    auth->ttl_s = json_i64_or(json_get(r->data, "ttl"), 0);
    auth->max_ttl_s = json_i64_or(json_get(r->data, "max_ttl"), 0);
    auth->num_uses = json_i64_or(json_get(r->data, "num_uses"), 0);
    auth->token_type = json_cstr_or(r->a, json_get(r->data, "type"), NULL);
    auth->renewable = true;
    r->auth = auth;
    return 0;
}

static int renew_login(struct req *r, const struct token *t, struct auth_made *auth,
                       struct err *e)
{
    (void)r;
    (void)t;
    if (strcmp(veto, "gone") == 0)
        return err_set(e, ERR_NOTFOUND, "no such user");
    if (*veto)
        return err_set(e, ERR_INVALID, "%s", veto);
    auth->ttl_s = 60;
    auth->max_ttl_s = 7200;
    return 0;
}

static const struct route open_routes[] = {{M_WRITE, "login", ROUTE_ANON, log_in, NULL}};
static const struct engine open_engine = {.type = "open",
                                          .kind = ENGINE_AUTH,
                                          .routes = open_routes,
                                          .n_routes = 1,
                                          .renew_auth = renew_login};
static const struct engine *const engines[] = {&open_engine};

TEST(a_login_makes_a_token_by_the_rules_of_its_mount)
{
    static const struct {
        const char *label, *tune, *body;
        int status;
        const char *field, *want;
    } rows[] = {
        {"default is added", "{}", "{\"policies\":[\"B\",\"a\"]}", 200, "auth.policies",
         "[\"a\",\"b\",\"default\"]"},
        {"service", "{}", "{}", 200, "auth.token_type", "service"},
        {"orphan", "{}", "{}", 200, "auth.orphan", "true"},
        {"the method asks", "{}", "{\"type\":\"batch\"}", 200, "auth.token_type", "batch"},
        {"the mount decides", "{\"token_type\":\"service\"}", "{\"type\":\"batch\"}", 200,
         "auth.token_type", "service"},
        {"the mount's default", "{\"token_type\":\"default-batch\"}", "{\"type\":\"default\"}",
         200, "auth.token_type", "batch"},
        {"root", "{}", "{\"policies\":[\" ROOT\"]}", 400, "errors.0",
         "auth methods cannot create root tokens"},
        {"ttl", "{}", "{\"ttl\":100}", 200, "auth.lease_duration", "100"},
        {"max ttl", "{}", "{\"ttl\":100,\"max_ttl\":50}", 200, "auth.lease_duration", "50"},
        {"uses of a batch token", "{\"token_type\":\"batch\"}", "{\"num_uses\":2}", 400,
         "errors.0", "batch tokens cannot have \"num_uses\" set"},
    };
    struct vault_t v;

    vault_t_start(&v, engines, 1);
    vault_expect(&v, 204, "POST", "/v1/sys/auth/o/pen", "{\"type\":\"open\"}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct api_response r;

        T_ROW(rows[i].label);
        vault_expect(&v, 204, "POST", "/v1/sys/auth/o/pen/tune",
                     "{\"token_type\":\"default-service\"}");
        vault_expect(&v, 204, "POST", "/v1/sys/auth/o/pen/tune", rows[i].tune);
        r = vault_ask(&v, NULL, "POST", "/v1/auth/o/pen/login", rows[i].body);
        T_INT_EQ(r.status, rows[i].status);
        T_STR_EQ(vault_text(&v, &r, rows[i].field), rows[i].want);
    }
    T_ROW("");
    vault_t_stop(&v);
}

TEST(a_login_method_has_its_say_when_its_token_is_renewed)
{
    struct vault_t v;
    struct api_response r;
    const char *id;

    veto = "";
    vault_t_start(&v, engines, 1);
    vault_expect(&v, 204, "POST", "/v1/sys/auth/open", "{\"type\":\"open\"}");
    r = vault_ask(&v, NULL, "POST", "/v1/auth/open/login", "{\"name\":\"bob\",\"ttl\":3600}");
    id = vault_text(&v, &r, "auth.client_token");
    T_STR_EQ(looked_up(&v, id, "display_name"), "open-bob");
    T_STR_EQ(looked_up(&v, id, "path"), "auth/open/login");
    r = vault_ask(&v, id, "POST", "/v1/auth/token/renew-self", NULL);
    T_STR_EQ(vault_text(&v, &r, "auth.lease_duration"), "60");
    r = vault_ask(&v, id, "POST", "/v1/auth/token/renew-self", "{\"increment\":\"5h\"}");
    T_STR_HAS(vault_text(&v, &r, "warnings.0"), "exceeded the effective max_ttl");
    veto = "policies have changed, not renewing";
    r = vault_ask(&v, id, "POST", "/v1/auth/token/renew-self", NULL);
    T_INT_EQ(r.status, 500);
    T_STR_EQ(vault_text(&v, &r, "errors.0"),
             "1 error occurred:\n\t* failed to renew entry: policies have changed, not "
             "renewing\n\n");
    veto = "gone";
    r = vault_ask(&v, id, "POST", "/v1/auth/token/renew-self", NULL);
    T_INT_EQ(r.status, 204);
    T_INT_EQ(status_of(&v, id), 200);
    vault_t_stop(&v);
}

/* ---- addresses -------------------------------------------------------------------------- */

TEST(addresses_are_checked_and_networks_of_one_lose_their_mask)
{
    static const struct {
        const char *in, *want; /* NULL: refused */
    } rows[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"127.0.0.1/32", "127.0.0.1"},
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"::1/128", "::1"},
        {"fe80::/10", "fe80::/10"},
        {" 10.1.1.1 ", "10.1.1.1"},
        {"bad", NULL},
        {"10.0.0.0/33", NULL},
        {"10.0.0/8", NULL},
        {"10.0.0.0/", NULL},
        {"", NULL},
        {"::1/129", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct strlist l = {0};
        struct err e = ERR_INIT;

        T_ROW(rows[i].in);
        list_push(a, &l, rows[i].in);
        T_INT_EQ(token_parse_cidrs(a, &l, &e), rows[i].want ? 0 : ERR_INVALID);
        if (rows[i].want)
            T_STR_EQ(l.at[0], rows[i].want);
        else
            T_STR_HAS(e.msg, "error parsing address");
    }
    T_ROW("");
}
