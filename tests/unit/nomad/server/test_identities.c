#include <string.h>

#include "base/codec.h"
#include "cluster.h"
#include "crypto/jwt.h"
#include "crypto/pkey.h"

static const char *job_with_identities(struct cluster *cl)
{
    return arena_printf(
        cl->arena,
        "{\"Job\":{\"ID\":\"who\",\"Datacenters\":[\"dc1\"],\"TaskGroups\":[{\"Name\":\"g\","
        "\"Tasks\":[{\"Name\":\"t\",\"Driver\":\"raw_exec\",\"Config\":{\"command\":\"x\"},"
        "\"Identities\":[{\"Name\":\"cloud\",\"Audience\":[\"a\",\"b\"],\"TTL\":3600000000000}]"
        "}]}]}}");
}

static struct answer identities(struct cluster *cl, const char *node, const char *alloc)
{
    return ask_rpc(
        cl, "/v1/internal/node/identities",
        arena_printf(cl->arena, "{\"node_id\":\"%s\",\"alloc_id\":\"%s\"}", node, alloc));
}

/* The claims, if a key of the JWKS has signed them. */
static struct answer verified(struct cluster *cl, const char *token)
{
    struct answer jwks = ask(cl, "GET", "/.well-known/jwks.json", NULL), a = {0};
    auto_buf struct buf claims = BUF_INIT(1 << 16);
    auto_pkey struct pkey *key = NULL;
    struct err e = ERR_INIT;
    struct jwt_header h;
    struct json *v;
    struct jwk k = {.kty = STR("RSA"),
                    .n = str_of(at(cl, &jwks, "keys.0.n")),
                    .e = str_of(at(cl, &jwks, "keys.0.e"))};

    T_OK(pkey_from_jwk(&k, &key, &e), &e);
    T_OK(jwt_verify(key, str_of(token), &claims, &e), &e);
    T_OK(jwt_header(str_of(token), cl->arena, &h, &e), &e);
    T_STR_EQ(arena_cstr(cl->arena, h.kid), at(cl, &jwks, "keys.0.kid"));
    T_STR_EQ(arena_cstr(cl->arena, h.alg), "RS256");
    T_OK(json_parse(arena_str(cl->arena, buf_str(&claims)), NULL, 0, cl->arena, &v, &e), &e);
    a.json = v;
    return a;
}

TEST(a_task_proves_who_it_is_to_whoever_reads_the_jwks)
{
    struct nomad_server_opts o = {.oidc_issuer = "https://nomad.example"};
    struct cluster cl;

    cluster_start(&cl, &o);
    const char *node = node_up(&cl, "n"), *other = node_up(&cl, "m");

    T_INT_EQ(ask(&cl, "PUT", "/v1/jobs", job_with_identities(&cl)).status, 200);
    const char *id = allocs_of(&cl, "who", "pending", 1)[0];
    struct answer alloc =
        ask(&cl, "GET", arena_printf(cl.arena, "/v1/allocation/%s", id), NULL);

    if (strcmp(at(&cl, &alloc, "NodeID"), node) != 0) {
        const char *swap = node;

        node = other;
        other = swap;
    }
    T_UNTIL(identities(&cl, node, id).status == 200); /* the signing key is made by and by */
    struct answer a = identities(&cl, node, id);
    struct answer own = verified(&cl, at(&cl, &a, "identities.0.token"));
    struct answer cloud = verified(&cl, at(&cl, &a, "identities.1.token"));
    struct answer keys = ask(&cl, "GET", "/v1/operator/keyring/keys", NULL);

    T_AT(&cl, &alloc, "SigningKeyID", at(&cl, &keys, "0.KeyID"));
    T_AT(&cl, &own, "sub", "global:default:who:g:t:default");
    T_AT(&cl, &own, "aud", "nomadproject.io");
    T_AT(&cl, &own, "iss", "https://nomad.example");
    T_AT(&cl, &own, "nomad_allocation_id", id);
    T_AT(&cl, &own, "nomad_task", "t");
    T_AT(&cl, &own, "exp", "");
    T_AT(&cl, &a, "identities.0.expires_ns", "0");
    T_AT(&cl, &cloud, "sub", "global:default:who:g:t:cloud");
    T_AT(&cl, &cloud, "aud", "[\"a\",\"b\"]");
    T_TRUE(*at(&cl, &cloud, "exp"));
    T_INT_EQ(identities(&cl, other, id).status, 403);
    T_INT_EQ(identities(&cl, node, "none").status, 404);
    report(&cl, id, "running", -1);
    report(&cl, id, "complete", -1);
    T_INT_EQ(identities(&cl, node, id).status, 400);
    cluster_stop(&cl);
}
