#include "vault/core/lease.h"

#include <stdatomic.h>

#include "../vault_t.h"
#include "base/log.h"
#include "vault/core/core_priv.h"
#include "vault/core/lease_priv.h"

/* ---- an engine that hands out secrets, and may fail to take them back ----------------------
 */

static atomic_int revoked, refused, renewals;
static atomic_bool backend_is_down, backend_is_slow;

static int make(struct req *r, bool renewable, struct err *e)
{
    struct secret_made *s = arena_new_of(r->a, struct secret_made);
    struct json *internal = json_new_object(r->a);

    (void)e;
    json_set(r->a, internal, STR("user"), json_of_str(STR("u1")));
    s->ttl_s = json_i64_or(json_get(r->data, "ttl"), 0);
    s->max_ttl_s = json_i64_or(json_get(r->data, "max_ttl"), 0);
    s->renewable = renewable;
    s->internal = internal;
    json_kv_str(req_data(r), "password", "p&w");
    r->secret = s;
    return 0;
}

static int fixed(struct call *c, struct err *e)
{
    return make(c->state, false, e);
}

static int renewable(struct call *c, struct err *e)
{
    return make(c->state, true, e);
}

static int undo(struct lease_env *env, struct err *e)
{
    T_UNTIL(!atomic_load(&backend_is_slow));
    if (atomic_load(&backend_is_down)) {
        atomic_fetch_add(&refused, 1);
        return err_set(e, ERR_UNAVAIL, "the backend is down");
    }
    T_STR_EQ(json_cstr_or(env->a, json_get(env->internal, "user"), ""), "u1");
    T_STR_EQ(json_cstr_or(env->a, json_get(env->data, "password"), ""), "p&w");
    atomic_fetch_add(&revoked, 1);
    return 0;
}

static int extend(struct lease_env *env, int64_t *ret_ttl_s, int64_t *ret_max_s, struct err *e)
{
    (void)e;
    (void)ret_max_s;
    *ret_ttl_s = env->increment_s ? 0 : 600;
    atomic_fetch_add(&renewals, 1);
    return 0;
}

static const struct route made_routes[] = {
    {M_WRITE | M_GET, "fixed/:name", 0, fixed, NULL},
    {M_WRITE | M_GET, "creds/:name", 0, renewable, NULL},
};
static const struct engine outside = {.type = "outside",
                                      .kind = ENGINE_SECRET,
                                      .routes = made_routes,
                                      .n_routes = ARRAY_LEN(made_routes),
                                      .renew = extend,
                                      .revoke = undo};
static const struct engine nothing = {.type = "nothing",
                                      .kind = ENGINE_SECRET,
                                      .routes = made_routes,
                                      .n_routes = ARRAY_LEN(made_routes)};
static const struct engine *const engines[] = {&outside, &nothing};

/* ---- helpers ------------------------------------------------------------------------------
 */

static void start_in(struct vault_t *v, const char *dir)
{
    atomic_store(&revoked, 0);
    atomic_store(&refused, 0);
    atomic_store(&renewals, 0);
    atomic_store(&backend_is_down, false);
    atomic_store(&backend_is_slow, false);
    vault_t_start_in(v, dir, engines, ARRAY_LEN(engines));
}

static void start(struct vault_t *v)
{
    start_in(v, NULL);
    vault_expect(v, 204, "POST", "/v1/sys/mounts/out", "{\"type\":\"outside\"}");
    vault_expect(v, 204, "POST", "/v1/sys/mounts/no", "{\"type\":\"nothing\"}");
}

static const char *lease_of(struct vault_t *v, const char *path, const char *body)
{
    struct api_response r = vault_expect(v, 200, "PUT", path, body);
    const char *id = vault_text(v, &r, "lease_id");

    T_STR_HAS(id, path + strlen("/v1/"));
    return id;
}

static struct api_response on_lease(struct vault_t *v, int status, const char *what,
                                    const char *id, const char *more)
{
    return vault_expect(
        v, status, "PUT", arena_printf(v->arena, "/v1/sys/leases/%s", what),
        arena_printf(v->arena, "{\"lease_id\":\"%s\"%s%s}", id, *more ? "," : "", more));
}

static size_t count_leases(struct vault_t *v)
{
    struct err e = ERR_INIT;
    struct record rec;
    struct scan it;
    struct txn *t;
    struct key k;
    size_t n = 0;

    T_OK(txn_begin(v->store, TXN_READ_ONLY, &t, &e), &e);
    key_init(&k, lease_table.name);
    T_OK(scan_begin(t, &it, key_str(&k), SCAN_KEYS_ONLY, &e), &e);
    while (scan_next(&it, &rec, &e) > 0)
        n++;
    scan_end(&it);
    txn_drop(t);
    return n;
}

static bool is_known(struct vault_t *v, const char *id)
{
    struct api_response r = vault_ask(v, v->root, "PUT", "/v1/sys/leases/lookup",
                                      arena_printf(v->arena, "{\"lease_id\":\"%s\"}", id));

    return r.status == 200;
}

/* What is stored of a lease now: state, tries. */
static int64_t tries_of(struct vault_t *v, const char *id, const char *state)
{
    const struct lease *l;
    struct err e = ERR_INIT;
    int64_t tries = -1;
    struct txn *t;

    T_OK(txn_begin(v->store, TXN_READ_ONLY, &t, &e), &e);
    if (lease_get(t, str_of(id), &l, &e) == 0 && lease_is_in_state(l, state))
        tries = l->tries;
    txn_drop(t);
    return tries;
}

static int retry_now(struct txn *t, void *id, struct err *e)
{
    const struct lease *old;
    struct lease l;
    int r = lease_get(t, str_of(id), &old, e);

    if (r < 0)
        return r;
    l = *old;
    l.next_try_ns = clock_wall_ns();
    return lease_put(t, &l, e);
}

struct crowd {
    const char *mount_uuid, *token;
    int n;
    int64_t expires_ns;
};

static int put_crowd(struct txn *t, void *arg, struct err *e)
{
    const struct crowd *c = arg;

    for (int i = 0; i < c->n; i++) {
        struct lease l = {.id = arena_printf(txn_arena(t), "out/creds/a/%d", i),
                          .mount_uuid = c->mount_uuid,
                          .token_hash = c->token,
                          .issued_ns = 1,
                          .expires_ns = c->expires_ns};
        int r = lease_put(t, &l, e);

        if (r < 0)
            return r;
    }
    return 0;
}

static const char *token_with(struct vault_t *v, const char *body)
{
    struct api_response r = vault_expect(v, 200, "POST", "/v1/auth/token/create", body);

    return vault_text(v, &r, "auth.client_token");
}

static void allow_all(struct vault_t *v)
{
    vault_expect(v, 204, "PUT", "/v1/sys/policies/acl/all",
                 "{\"policy\":\"path \\\"*\\\" {capabilities=[\\\"create\\\",\\\"read\\\","
                 "\\\"update\\\",\\\"sudo\\\"]}\"}");
}

/* ---- life ----------------------------------------------------------------------------------
 */

TEST(a_leased_secret_can_be_looked_up_renewed_and_revoked)
{
    struct api_response r;
    struct vault_t v;
    const char *id;

    start(&v);
    r = vault_expect(&v, 200, "PUT", "/v1/out/creds/a", "{\"ttl\":60}");
    id = vault_text(&v, &r, "lease_id");
    T_INT_EQ(strlen(id), strlen("out/creds/a/") + LEASE_SUFFIX_CHARS);
    T_STR_EQ(vault_text(&v, &r, "lease_duration"), "60");
    T_STR_EQ(vault_text(&v, &r, "renewable"), "true");

    r = on_lease(&v, 200, "lookup", id, "");
    T_STR_EQ(vault_text(&v, &r, "data.id"), id);
    T_STR_EQ(vault_text(&v, &r, "data.last_renewal"), "null");

    r = on_lease(&v, 200, "renew", id, "\"increment\":\"2h\"");
    T_STR_EQ(vault_text(&v, &r, "lease_duration"), "7200");
    T_STR_EQ(vault_text(&v, &r, "lease_id"), id);
    T_STR_EQ(vault_text(&v, &r, "data"), "null");
    r = on_lease(&v, 200, "renew", id, "");
    T_STR_EQ(vault_text(&v, &r, "lease_duration"), "600"); /* what the engine says */
    T_INT_EQ(atomic_load(&renewals), 2);

    on_lease(&v, 204, "revoke", id, "");
    T_UNTIL(!is_known(&v, id));
    T_INT_EQ(atomic_load(&revoked), 1);
    vault_t_stop(&v);
}

TEST(wrong_lease_requests_are_told_what_is_wrong)
{
    static const struct {
        const char *label, *path, *body, *want;
    } rows[] = {
        {"lookup of nothing", "lookup", "{}", "lease_id must be specified"},
        {"lookup of an empty id", "lookup", "{\"lease_id\":\"\"}",
         "lease_id must be specified"},
        {"unknown", "lookup", "{\"lease_id\":\"nope\"}", "invalid lease"},
        {"a token that is none", "lookup",
         "{\"lease_id\":\"auth/token/create/"
         "h0123456789012345678901234567890123456789012345678901234567890123\"}",
         "invalid lease"},
        {"renew of nothing", "renew", "{}", "lease_id must be specified"},
        {"renew of the unknown", "renew", "{\"lease_id\":\"nope\"}", "lease not found"},
        {"no duration", "renew", "{\"lease_id\":\"x\",\"increment\":\"zz\"}",
         "Field validation failed: error converting input zz for field \\\"increment\\\": "
         "time: "
         "invalid duration \\\"zz\\\""},
        {"a negative duration", "renew", "{\"lease_id\":\"x\",\"increment\":-5}",
         "Field validation failed: error converting input -5 for field \\\"increment\\\": "
         "cannot "
         "provide negative value '-5'"},
        {"revoke of nothing", "revoke", "{}", "lease_id must be specified"},
        {"not renewable", "renew", NULL, "lease is not renewable"},
    };
    struct vault_t v;
    const char *id;

    start(&v);
    id = lease_of(&v, "/v1/no/fixed/a", "{}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *body =
            rows[i].body ? rows[i].body : arena_printf(v.arena, "{\"lease_id\":\"%s\"}", id);
        struct api_response r;

        T_ROW(rows[i].label);
        r = vault_expect(&v, 400, "PUT",
                         arena_printf(v.arena, "/v1/sys/leases/%s", rows[i].path), body);
        T_STR_HAS(arena_cstr(v.arena, r.body), rows[i].want);
    }
    T_ROW("");
    vault_t_stop(&v);
}

TEST(a_token_is_a_lease_that_is_renewed_elsewhere)
{
    struct api_response r;
    const char *token, *id;
    struct vault_t v;

    start(&v);
    token = token_with(&v, "{\"policies\":[\"default\"],\"ttl\":\"1h\"}");
    r = vault_expect(&v, 200, "LIST", "/v1/sys/leases/lookup/auth/token/create/", NULL);
    id = arena_printf(v.arena, "auth/token/create/%s", vault_text(&v, &r, "data.keys.0"));
    T_TRUE(is_known(&v, id));
    r = on_lease(&v, 400, "renew", id, "");
    T_STR_HAS(arena_cstr(v.arena, r.body), "tokens cannot be renewed through this endpoint");
    on_lease(&v, 204, "revoke", id, "");
    T_INT_EQ(vault_ask(&v, token, "GET", "/v1/auth/token/lookup-self", NULL).status, 403);
    vault_t_stop(&v);
}

TEST(a_lease_that_expires_is_taken_back_by_itself)
{
    struct vault_t v;

    start(&v);
    lease_of(&v, "/v1/out/creds/a", "{\"ttl\":1}");
    lease_of(&v, "/v1/no/creds/a", "{\"ttl\":1}");
    lease_of(&v, "/v1/out/creds/a", "{\"ttl\":3600}");
    T_UNTIL(count_leases(&v) == 1);
    T_INT_EQ(atomic_load(&revoked), 1);
    vault_t_stop(&v);
}

TEST(a_server_that_starts_again_finds_what_expired_meanwhile)
{
    const char *dir = t_tmpdir();
    struct vault_t v;

    start_in(&v, dir);
    vault_expect(&v, 204, "POST", "/v1/sys/mounts/out", "{\"type\":\"outside\"}");
    atomic_store(&backend_is_down, true);
    lease_of(&v, "/v1/out/creds/a", "{\"ttl\":1}");
    T_UNTIL(atomic_load(&refused) == 1);
    vault_t_stop(&v);

    start_in(&v, dir);
    T_INT_EQ(count_leases(&v), 1);
    vault_expect(&v, 204, "PUT", "/v1/sys/leases/revoke-prefix/out", "{\"sync\":true}");
    T_INT_EQ(count_leases(&v), 0);
    T_INT_EQ(atomic_load(&revoked), 1);
    vault_t_stop(&v);
}

/* ---- tokens --------------------------------------------------------------------------------
 */

TEST(leases_end_with_their_token)
{
    struct vault_t v;
    const char *token;

    start(&v);
    allow_all(&v);
    token = token_with(&v, "{\"policies\":[\"all\"]}");
    for (int i = 0; i < 3; i++)
        T_INT_EQ(vault_ask(&v, token, "PUT", "/v1/out/creds/a", "{}").status, 200);
    lease_of(&v, "/v1/out/creds/a", "{}");
    T_INT_EQ(vault_ask(&v, token, "PUT", "/v1/auth/token/revoke-self", "{}").status, 204);
    T_UNTIL(count_leases(&v) == 1);
    T_INT_EQ(atomic_load(&revoked), 3);
    vault_t_stop(&v);
}

TEST(the_last_use_of_a_token_makes_no_lease)
{
    struct api_response r;
    struct vault_t v;
    const char *token;

    start(&v);
    allow_all(&v);
    token = token_with(&v, "{\"policies\":[\"all\"],\"num_uses\":1}");
    r = vault_ask(&v, token, "PUT", "/v1/out/creds/a", "{}");
    T_INT_EQ(r.status, 400);
    T_INT_EQ(count_leases(&v), 0);
    vault_t_stop(&v);
}

/* ---- prefixes ------------------------------------------------------------------------------
 */

TEST(a_prefix_takes_what_lies_below_it_and_nothing_beside)
{
    struct vault_t v;

    start(&v);
    lease_of(&v, "/v1/out/creds/a", "{}");
    lease_of(&v, "/v1/out/creds/ab", "{}");
    lease_of(&v, "/v1/no/creds/a", "{}");
    vault_expect(&v, 204, "PUT", "/v1/sys/leases/revoke-prefix/out/creds/a", "{\"sync\":true}");
    T_INT_EQ(count_leases(&v), 2);
    vault_expect(&v, 204, "PUT", "/v1/sys/revoke-prefix/no", "{}");
    T_UNTIL(count_leases(&v) == 1);
    vault_t_stop(&v);
}

TEST(a_prefix_of_more_than_one_transaction_is_worked_off)
{
    struct vault_t v;

    start(&v);
    for (int i = 0; i < 2 * LEASE_INLINE_REVOKES + 50; i++)
        vault_expect(&v, 200, "PUT", i % 2 ? "/v1/no/creds/a" : "/v1/no/creds/b", "{}");
    vault_expect(&v, 204, "PUT", "/v1/sys/leases/revoke-prefix/no", "{}");
    T_UNTIL(count_leases(&v) == 0);
    vault_t_stop(&v);
}

TEST(leases_are_listed_one_level_at_a_time)
{
    static const struct {
        const char *label, *path, *want;
    } rows[] = {
        {"all", "/v1/sys/leases/lookup/", "[\"auth/\",\"no/\",\"out/\"]"},
        {"a mount", "/v1/sys/leases/lookup/out", "[\"creds/\",\"fixed/\"]"},
    };
    struct vault_t v;

    start(&v);
    lease_of(&v, "/v1/out/creds/a", "{}");
    lease_of(&v, "/v1/out/creds/b", "{}");
    lease_of(&v, "/v1/out/fixed/b", "{}");
    lease_of(&v, "/v1/no/fixed/b", "{}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        struct api_response r = vault_expect(&v, 200, "LIST", rows[i].path, NULL);

        T_STR_EQ(vault_text(&v, &r, "data.keys"), rows[i].want);
    }
    T_ROW("");
    vault_expect(&v, 404, "LIST", "/v1/sys/leases/lookup/none", NULL);
    vault_t_stop(&v);
}

/* ---- failures ------------------------------------------------------------------------------
 */

TEST(a_failing_backend_is_asked_again_until_the_lease_counts_as_irrevocable)
{
    struct api_response r;
    struct err e = ERR_INIT;
    struct vault_t v;
    const char *id;

    start(&v);
    id = lease_of(&v, "/v1/out/creds/a", "{}");
    atomic_store(&backend_is_down, true);
    on_lease(&v, 204, "revoke", id, "");
    for (int64_t n = 1; n < LEASE_REVOKE_TRIES; n++) {
        T_UNTIL(tries_of(&v, id, LEASE_DUE) == n);
        r = on_lease(&v, 400, "renew", id, "");
        T_STR_HAS(arena_cstr(v.arena, r.body), "lease expired");
        T_OK(store_run(v.store, retry_now, (void *)id, 0, NULL, &e), &e);
    }
    T_UNTIL(tries_of(&v, id, LEASE_IRREVOCABLE) == LEASE_REVOKE_TRIES);
    r = on_lease(&v, 400, "renew", id, "");
    T_STR_HAS(arena_cstr(v.arena, r.body),
              "lease is expired and has failed previous revocation attempts");

    r = vault_expect(&v, 200, "GET", "/v1/sys/leases?type=irrevocable", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.leases.0.lease_id"), id);
    T_STR_EQ(vault_text(&v, &r, "data.leases.0.error"), "the backend is down");
    r = vault_expect(&v, 200, "GET", "/v1/sys/leases/count?type=irrevocable", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.lease_count"), "1");

    /* its next try is a day off; when it comes, the backend is up again */
    atomic_store(&backend_is_down, false);
    T_OK(store_run(v.store, retry_now, (void *)id, 0, NULL, &e), &e);
    T_UNTIL(count_leases(&v) == 0);
    vault_t_stop(&v);
}

TEST(who_waits_for_a_revocation_hears_how_it_went)
{
    struct api_response r;
    struct vault_t v;
    const char *id;

    start(&v);
    id = lease_of(&v, "/v1/out/creds/a", "{}");
    atomic_store(&backend_is_down, true);
    r = on_lease(&v, 400, "revoke", id, "\"sync\":true");
    T_STR_HAS(arena_cstr(v.arena, r.body), "the backend is down");
    r = vault_expect(&v, 400, "PUT", "/v1/sys/leases/revoke-prefix/out", "{\"sync\":true}");
    T_STR_HAS(arena_cstr(v.arena, r.body), "the backend is down");
    atomic_store(&backend_is_down, false);
    on_lease(&v, 204, "revoke", id, "\"sync\":true");
    T_INT_EQ(count_leases(&v), 0);
    vault_t_stop(&v);
}

TEST(tidying_finds_leases_whose_token_is_gone)
{
    struct api_response r;
    struct err e = ERR_INIT;
    struct vault_t v;
    struct crowd c = {.n = 1, .expires_ns = INT64_MAX, .token = "nobody"};

    start(&v);
    r = vault_expect(&v, 200, "GET", "/v1/sys/mounts/no", NULL);
    c.mount_uuid = vault_text(&v, &r, "data.uuid");
    lease_of(&v, "/v1/no/creds/b", "{}");
    T_OK(store_run(v.store, put_crowd, &c, 0, NULL, &e), &e);
    T_INT_EQ(count_leases(&v), 2);
    r = vault_expect(&v, 202, "POST", "/v1/sys/leases/tidy", "{}");
    T_STR_HAS(vault_text(&v, &r, "warnings.0"), "Tidy operation successfully started.");
    T_UNTIL(count_leases(&v) == 1);
    vault_t_stop(&v);
}

TEST(force_does_not_ask_whether_the_backend_agrees)
{
    struct vault_t v;

    start(&v);
    lease_of(&v, "/v1/out/creds/a", "{}");
    lease_of(&v, "/v1/out/creds/b", "{}");
    atomic_store(&backend_is_down, true);
    vault_expect(&v, 204, "PUT", "/v1/sys/leases/revoke-force/out/creds", "{}");
    T_INT_EQ(count_leases(&v), 0);
    T_INT_EQ(atomic_load(&refused), 2);
    vault_t_stop(&v);
}

TEST(a_slow_backend_does_not_stop_the_others)
{
    struct vault_t v;

    start(&v);
    for (int i = 0; i < 2 * LEASE_REVOKES_AT_ONCE; i++)
        lease_of(&v, "/v1/out/creds/a", "{}");
    atomic_store(&backend_is_slow, true);
    vault_expect(&v, 204, "PUT", "/v1/sys/leases/revoke-prefix/out", "{}");
    lease_of(&v, "/v1/no/creds/a", "{\"ttl\":1}");
    T_UNTIL(count_leases(&v) == 2 * LEASE_REVOKES_AT_ONCE);
    atomic_store(&backend_is_slow, false);
    T_UNTIL(count_leases(&v) == 0);
    T_INT_EQ(atomic_load(&revoked), 2 * LEASE_REVOKES_AT_ONCE);
    vault_t_stop(&v);
}

TEST(what_is_due_behind_a_crowd_that_waits_is_seen)
{
    struct api_response r;
    struct err e = ERR_INIT;
    struct vault_t v;
    struct crowd c = {.n = LEASE_SCAN_MAX + 100, .expires_ns = 2};

    start(&v);
    r = vault_expect(&v, 200, "GET", "/v1/sys/mounts/out", NULL);
    c.mount_uuid = vault_text(&v, &r, "data.uuid");
    atomic_store(&backend_is_slow, true);
    T_OK(store_run(v.store, put_crowd, &c, 0, NULL, &e), &e);
    lease_of(&v, "/v1/no/creds/a", "{\"ttl\":1}");
    T_UNTIL(count_leases(&v) == (size_t)c.n);
    atomic_store(&backend_is_down, true); /* ends the calls under way; nothing is asked again */
    atomic_store(&backend_is_slow, false);
    vault_t_stop(&v);
}

TEST(disabling_a_mount_takes_its_secrets_back)
{
    struct vault_t v;

    start(&v);
    lease_of(&v, "/v1/out/creds/a", "{}");
    vault_expect(&v, 204, "DELETE", "/v1/sys/mounts/out", NULL);
    T_INT_EQ(atomic_load(&revoked), 1);
    T_INT_EQ(count_leases(&v), 0);
    vault_t_stop(&v);
}

TEST(a_mount_whose_secrets_cannot_be_taken_back_stays)
{
    struct api_response r;
    struct vault_t v;
    const char *id;

    start(&v);
    id = lease_of(&v, "/v1/out/creds/a", "{}");
    atomic_store(&backend_is_down, true);
    r = vault_expect(&v, 400, "DELETE", "/v1/sys/mounts/out", NULL);
    T_STR_HAS(arena_cstr(v.arena, r.body),
              "cannot disable \\\"out/\\\", which stays as it was");
    T_STR_HAS(arena_cstr(v.arena, r.body), id);
    T_STR_HAS(arena_cstr(v.arena, r.body), "the backend is down");
    T_STR_HAS(arena_cstr(v.arena, r.body), "sys/leases/revoke-force/out gives");
    vault_expect(&v, 200, "GET", "/v1/sys/mounts/out", NULL);
    T_INT_EQ(count_leases(&v), 1);
    vault_expect(&v, 200, "PUT", "/v1/out/creds/b", "{}");

    vault_expect(&v, 204, "PUT", "/v1/sys/leases/revoke-force/out", "{}");
    T_INT_EQ(atomic_load(&revoked), 0);
    vault_expect(&v, 204, "DELETE", "/v1/sys/mounts/out", NULL);
    vault_expect(&v, 400, "GET", "/v1/sys/mounts/out", NULL);
    vault_t_stop(&v);
}
