/* AWS signature version 4, against an own computation after the specification. */
#include <gnutls/crypto.h>

#include "base/codec.h"
#include "http/client.h"
#include "http_t.h"

enum { SHA256_BYTES = 32 };

struct hash {
    unsigned char p[SHA256_BYTES];
};

static struct str hash_str(const struct hash *h)
{
    return str_n(h->p, sizeof h->p);
}

static struct hash hmac(struct str key, struct str data)
{
    struct hash h;

    T_INT_EQ(gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.p, key.len, data.p, data.len, h.p), 0);
    return h;
}

static void put_sha256(struct buf *b, struct str data)
{
    struct hash h;

    T_INT_EQ(gnutls_hash_fast(GNUTLS_DIG_SHA256, data.p, data.len, h.p), 0);
    codec_hex_encode(b, hash_str(&h));
}

/* "name=" up to the next comma of an Authorization header. */
static struct str part(struct str auth, const char *name)
{
    ptrdiff_t at = str_find(auth, str_of(name));
    struct str rest, value;

    T_TRUE(at >= 0);
    rest = str_from(auth, (size_t)at + strlen(name));
    str_split(&rest, ',', &value);
    return str_trim(value);
}

static void canonical_request(struct buf *b, struct http_exchange *x, struct str signed_headers)
{
    struct str m = http_method(x), p = http_path(x), q = http_query(x), names = signed_headers,
               name;

    buf_printf(b, "%.*s\n%.*s\n%.*s\n", STR_ARG(m), STR_ARG(p), STR_ARG(q));
    while (str_split(&names, ';', &name)) {
        struct str v = http_header(x, arena_cstr(http_arena(x), name));

        T_TRUE(v.p != NULL); /* what is signed is sent */
        buf_printf(b, "%.*s:%.*s\n", STR_ARG(name), STR_ARG(v));
    }
    buf_printf(b, "\n%.*s\n", STR_ARG(signed_headers));
    put_sha256(b, http_body(x));
}

static void want_signature(struct buf *b, struct http_exchange *x, struct str scope,
                           struct str signed_headers)
{
    auto_buf struct buf canonical = BUF_INIT(8192), text = BUF_INIT(8192);
    struct str date = http_header(x, "X-Amz-Date"), item;
    struct hash h = hmac(STR("AWS4SECRET/KEY+"), str_upto(date, 8));

    canonical_request(&canonical, x, signed_headers);
    buf_printf(&text, "AWS4-HMAC-SHA256\n%.*s\n%.*s\n", STR_ARG(date), STR_ARG(scope));
    put_sha256(&text, buf_str(&canonical));
    str_split(&scope, '/', &item); /* the date is in already */
    while (str_split(&scope, '/', &item))
        h = hmac(hash_str(&h), item);
    h = hmac(hash_str(&h), buf_str(&text));
    codec_hex_encode(b, hash_str(&h));
}

static void check_signature(struct http_exchange *x, void *arg)
{
    struct str auth = http_header(x, "Authorization"), credential, key, names, got;
    auto_buf struct buf want = BUF_INIT(128);

    (void)arg;
    T_TRUE(str_starts(auth, STR("AWS4-HMAC-SHA256 ")));
    credential = part(auth, "Credential=");
    names = part(auth, "SignedHeaders=");
    got = part(auth, "Signature=");
    str_split(&credential, '/', &key);
    want_signature(&want, x, credential, names);
    http_reply(
        x, &(struct http_reply){
               .status = str_eq(got, buf_str(&want)) && str_eq(key, STR("AKID")) ? 200 : 403,
               .body = str_of(arena_printf(
                   http_arena(x), "%.*s token=%.*s query=%.*s", STR_ARG(names),
                   STR_ARG(http_header(x, "X-Amz-Security-Token")), STR_ARG(http_query(x))))});
}

TEST(requests_are_signed_as_aws_specifies)
{
    static const struct http_header form = {"Content-Type",
                                            "application/x-www-form-urlencoded; charset=utf-8"};
    static const struct {
        const char *label;
        struct http_request q;
        const char *token, *has;
    } rows[] = {
        {"a form",
         {.method = "POST",
          .path = "/",
          .headers = &form,
          .n_headers = 1,
          .body = {"Action=GetUser&Version=2010-05-08", 33}},
         NULL,
         "host;x-amz-date"},
        {"with a session token",
         {.method = "POST",
          .path = "/",
          .headers = &form,
          .n_headers = 1,
          .body = {"Action=GetCallerIdentity", 24}},
         "FwoGZXIvYXdzE==/+x",
         "x-amz-security-token"},
        {"a query", {.path = "/?Action=ListUsers&Version=2010-05-08"}, NULL, "host;x-amz-date"},
        {"a query out of order", {.path = "/?b=2&a=1&a-=3"}, NULL, "query=a=1&a-=3&b=2"},
    };
    auto_t_server struct t_server t =
        t_server_start(&(struct http_server_opts){.handle = check_signature});

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_http_client struct http_client *c = NULL;
        struct http_aws_sigv4 aws = {.access_key = "AKID",
                                     .secret_key = "SECRET/KEY+",
                                     .session_token = rows[i].token,
                                     .region = "us-east-1",
                                     .service = "iam"};
        struct http_request q = rows[i].q;
        struct http_response r;
        struct err e = ERR_INIT;
        char address[64];

        T_ROW(rows[i].label);
        snprintf(address, sizeof address, "http://127.0.0.1:%u", t.port);
        T_OK(http_client_new(&(struct http_client_opts){.address = address}, &c, &e), &e);
        q.aws = &aws;
        T_OK(http_do(c, &q, a, &r, &e), &e);
        T_STR_HAS(r.body.p, rows[i].has);
        T_STR_HAS(r.body.p, rows[i].token ? rows[i].token : "token=");
        T_INT_EQ(r.status, 200);
    }
}
