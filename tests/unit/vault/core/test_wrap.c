#include "vault/core/wrap.h"

#include "../vault_t.h"

static const struct http_field wrap_60 = {"X-Vault-Wrap-TTL", "60"};

static const char *wrap(struct vault_t *v, const char *method, const char *path,
                        const char *body)
{
    struct api_response r = vault_ask_with(v, v->root, method, path, body, &wrap_60);

    T_INT_EQ(r.status, 200);
    T_STR_EQ(vault_text(v, &r, "data"), "null");
    return vault_text(v, &r, "wrap_info.token");
}

static struct api_response on_token(struct vault_t *v, const char *what, const char *token)
{
    return vault_ask(v, NULL, "POST", arena_printf(v->arena, "/v1/sys/wrapping/%s", what),
                     arena_printf(v->arena, "{\"token\":\"%s\"}", token));
}

TEST(what_was_wrapped_is_opened_once)
{
    struct api_response r;
    struct vault_t v;
    const char *w;

    vault_t_start(&v, NULL, 0);
    w = wrap(&v, "POST", "/v1/sys/wrapping/wrap", "{\"a\":1,\"b\":{\"c\":[1,null,\"<\"]}}");
    r = on_token(&v, "lookup", w); /* opens nothing, with whatever token */
    T_INT_EQ(r.status, 200);
    T_STR_EQ(vault_text(&v, &r, "data.creation_path"), "sys/wrapping/wrap");
    T_STR_EQ(vault_text(&v, &r, "data.creation_ttl"), "60");
    T_INT_EQ(vault_ask(&v, w, "GET", "/v1/sys/wrapping/lookup", NULL).status, 200);

    r = on_token(&v, "unwrap", w);
    T_INT_EQ(r.status, 200);
    T_STR_EQ(vault_text(&v, &r, "data.b.c"), "[1,null,\"<\"]");
    r = on_token(&v, "unwrap", w);
    T_INT_EQ(r.status, 400);
    T_STR_HAS(arena_cstr(v.arena, r.body), "wrapping token is not valid or does not exist");
    vault_t_stop(&v);
}

TEST(a_wrapping_token_opens_its_response_when_it_is_the_callers_own)
{
    struct api_response r;
    struct vault_t v;
    const char *w, *inner;

    vault_t_start(&v, NULL, 0);
    w = wrap(&v, "POST", "/v1/auth/token/create", "{\"policies\":[\"default\"]}");
    r = vault_ask(&v, w, "PUT", "/v1/sys/wrapping/unwrap", "null");
    T_INT_EQ(r.status, 200);
    inner = vault_text(&v, &r, "auth.client_token");
    T_INT_EQ(vault_ask(&v, inner, "GET", "/v1/auth/token/lookup-self", NULL).status, 200);
    vault_t_stop(&v);
}

TEST(any_other_use_of_a_wrapping_token_spends_it)
{
    struct api_response r;
    struct vault_t v;
    const char *w;

    vault_t_start(&v, NULL, 0);
    w = wrap(&v, "POST", "/v1/sys/wrapping/wrap", "{\"a\":1}");
    r = vault_ask(&v, w, "GET", "/v1/auth/token/lookup-self", NULL);
    T_INT_EQ(r.status, 403);
    T_INT_EQ(on_token(&v, "unwrap", w).status, 400);
    vault_t_stop(&v);
}

TEST(rewrapping_makes_a_new_token_and_ends_the_old)
{
    struct api_response r;
    struct vault_t v;
    const char *w;

    vault_t_start(&v, NULL, 0);
    w = wrap(&v, "POST", "/v1/sys/wrapping/wrap", "{\"a\":\"b\"}");
    r = vault_expect(&v, 200, "POST", "/v1/sys/wrapping/rewrap",
                     arena_printf(v.arena, "{\"token\":\"%s\"}", w));
    T_STR_EQ(vault_text(&v, &r, "wrap_info.ttl"), "60");
    T_STR_EQ(vault_text(&v, &r, "wrap_info.creation_path"), "sys/wrapping/wrap");
    T_INT_EQ(on_token(&v, "unwrap", w).status, 400);
    r = on_token(&v, "unwrap", vault_text(&v, &r, "wrap_info.token"));
    T_STR_EQ(vault_text(&v, &r, "data.a"), "b");
    vault_t_stop(&v);
}

TEST(the_old_way_of_opening_reads_the_cubbyhole)
{
    struct api_response r;
    struct vault_t v;
    const char *w;

    vault_t_start(&v, NULL, 0);
    w = wrap(&v, "POST", "/v1/sys/wrapping/wrap", "{\"x\":\"y\"}");
    r = vault_ask(&v, w, "GET", "/v1/cubbyhole/response", NULL);
    T_INT_EQ(r.status, 200);
    T_STR_HAS(vault_text(&v, &r, "data.response"), "\"data\":{\"x\":\"y\"}");
    T_STR_HAS(vault_text(&v, &r, "warnings.0"), "is deprecated");
    T_INT_EQ(vault_ask(&v, w, "GET", "/v1/cubbyhole/response", NULL).status, 403);
    vault_t_stop(&v);
}

TEST(a_path_that_is_no_text_can_be_wrapped)
{
    struct api_response r;
    struct vault_t v;
    const char *w;

    vault_t_start(&v, NULL, 0);
    vault_expect(&v, 204, "POST", "/v1/cubbyhole/a%ff", "{\"a\":1}");
    w = wrap(&v, "GET", "/v1/cubbyhole/a%ff", NULL);
    store_cache_clear(v.store); /* read as stored */
    vault_expect(&v, 200, "LIST", "/v1/sys/leases/lookup/cubbyhole", NULL);
    r = on_token(&v, "unwrap", w);
    T_STR_EQ(vault_text(&v, &r, "data.a"), "1");
    vault_expect(&v, 404, "LIST", "/v1/sys/leases/lookup/cubbyhole", NULL);
    vault_t_stop(&v);
}

TEST(wrong_headers_and_tokens_are_refused)
{
    static const struct {
        const char *label, *ttl, *path, *body;
        int status;
        const char *want;
    } rows[] = {
        {"no duration", "bogus", "sys/wrapping/wrap", "{}", 400,
         "error parsing X-Vault-Wrap-TTL header: time: invalid duration"},
        {"negative", "-5", "sys/wrapping/wrap", "{}", 400,
         "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative"},
        {"zero is none", "0", "sys/wrapping/wrap", "{}", 400,
         "endpoint requires response wrapping to be used"},
        {"empty token", "", "sys/wrapping/unwrap", "{\"token\":\"\"}", 403,
         "error validating wrapping token: empty token in request body"},
        {"unknown token", "", "sys/wrapping/lookup", "{\"token\":\"nope\"}", 400,
         "wrapping token is not valid or does not exist"},
        {"not a wrapping token", "", "sys/wrapping/rewrap", "{\"token\":\"root\"}", 400,
         "wrapping token is not valid or does not exist"},
        {"the caller's is none", "", "sys/wrapping/unwrap", "{}", 400,
         "wrapping token is not valid or does not exist"},
    };
    struct vault_t v;
    struct api_response r;

    vault_t_start(&v, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct http_field ttl = {"X-Vault-Wrap-TTL", rows[i].ttl};

        T_ROW(rows[i].label);
        r = vault_ask_with(&v, v.root, "POST", arena_printf(v.arena, "/v1/%s", rows[i].path),
                           rows[i].body, &ttl);
        T_INT_EQ(r.status, rows[i].status);
        T_STR_HAS(arena_cstr(v.arena, r.body), rows[i].want);
    }
    T_ROW("no token at all");
    r = vault_ask(&v, NULL, "POST", "/v1/sys/wrapping/unwrap", "{}");
    T_INT_EQ(r.status, 403);
    T_STR_HAS(arena_cstr(v.arena, r.body), "error validating wrapping token: token is empty");
    T_ROW("");
    vault_t_stop(&v);
}

/* ---- the cubbyhole -------------------------------------------------------------------------
 */

TEST(every_token_has_a_cubbyhole_of_its_own)
{
    struct api_response r;
    const char *token;
    struct vault_t v;

    vault_t_start(&v, NULL, 0);
    r = vault_expect(&v, 200, "POST", "/v1/auth/token/create",
                     "{\"policies\":[\"default\"],\"ttl\":\"1h\"}");
    token = vault_text(&v, &r, "auth.client_token");
    T_INT_EQ(vault_ask(&v, token, "POST", "/v1/cubbyhole/a", "{\"x\":1}").status, 204);
    T_INT_EQ(vault_ask(&v, token, "PUT", "/v1/cubbyhole/d/b", "{\"x\":[1]}").status, 204);
    r = vault_ask(&v, token, "GET", "/v1/cubbyhole/a", NULL);
    T_STR_EQ(vault_text(&v, &r, "data"), "{\"x\":1}");
    r = vault_ask(&v, token, "LIST", "/v1/cubbyhole", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.keys"), "[\"a\",\"d/\"]");
    r = vault_ask(&v, token, "LIST", "/v1/cubbyhole/d", NULL);
    T_STR_EQ(vault_text(&v, &r, "data.keys"), "[\"b\"]");

    vault_expect(&v, 404, "GET", "/v1/cubbyhole/a", NULL); /* root's own is empty */
    vault_expect(&v, 404, "LIST", "/v1/cubbyhole", NULL);
    T_INT_EQ(vault_ask(&v, token, "DELETE", "/v1/cubbyhole/a", NULL).status, 204);
    T_INT_EQ(vault_ask(&v, token, "GET", "/v1/cubbyhole/a", NULL).status, 404);
    r = vault_ask(&v, token, "POST", "/v1/cubbyhole/e", "{}");
    T_INT_EQ(r.status, 500);
    T_STR_HAS(arena_cstr(v.arena, r.body), "missing data fields");
    vault_t_stop(&v);
}

TEST(a_batch_token_has_no_cubbyhole)
{
    struct api_response r;
    const char *token;
    struct vault_t v;

    vault_t_start(&v, NULL, 0);
    r = vault_expect(&v, 200, "POST", "/v1/auth/token/create",
                     "{\"policies\":[\"default\"],\"type\":\"batch\",\"ttl\":\"1h\"}");
    token = vault_text(&v, &r, "auth.client_token");
    r = vault_ask(&v, token, "GET", "/v1/cubbyhole/a", NULL);
    T_INT_EQ(r.status, 400);
    T_STR_HAS(arena_cstr(v.arena, r.body),
              "cubbyhole operations are only supported by \\\"service\\\" type tokens");
    vault_t_stop(&v);
}
