/* /v1/acl/bootstrap: the first management token; and one-time secrets for a token. */
#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/random.h"
#include "lang/units.h"
#include "nomad/server/acl_priv.h"

#define BOOTSTRAP_MARK "bootstrap"

enum { RESET_FILE_MAX = 64 };

/* ---- bootstrap -------------------------------------------------------------------------- */

struct bootstrap_body {
    const char *secret;
};

static const struct schema_field bootstrap_fields[] = {
    {"BootstrapSecret", NULL, F_STR, offsetof(struct bootstrap_body, secret), .def = "\"\""},
};
static SCHEMA(bootstrap_schema, "request", struct bootstrap_body, bootstrap_fields);

/* The body may be missing. */
static int read_bootstrap(struct call *c, const char **ret, struct err *e)
{
    struct bootstrap_body b = {.secret = ""};
    const struct json *v;
    int r = call_json(c, &v, e);

    if (r == 0 && v)
        r = nomad_body(c, &bootstrap_schema, &b, e);
    if (r < 0)
        return r;
    *ret = *b.secret ? b.secret : NULL;
    if (!*ret)
        return 0;
    for (size_t i = 0; b.secret[i]; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? b.secret[i] != '-' : !isxdigit((unsigned char)b.secret[i]))
            return nomad_fail(e, 400, "invalid bootstrap token: it is not a UUID");
    }
    return strlen(b.secret) == ACL_SECRET_CHARS
               ? 0
               : nomad_fail(e, 400, "invalid bootstrap token: it is not a UUID");
}

/* What the operator wrote into the reset file: the index that is to be reset. */
static bool read_reset(const char *file, uint64_t *ret)
{
    auto_buf struct buf b = BUF_INIT(RESET_FILE_MAX);

    return file && path_read_file(AT_FDCWD, file, &b, NULL) == 0 &&
           str_to_u64(str_trim(buf_str(&b)), 10, ret);
}

static void remove_reset(struct call *c, uint64_t rev, void *arg)
{
    (void)rev;
    (void)arg;
    if (unlink(server_of(c)->opts.acl.reset_file) < 0)
        log_warn("acl", "the bootstrap reset file could not be removed: remove it by hand");
}

static int may_bootstrap(struct call *c, struct err *e)
{
    const struct object *done;
    uint64_t index, given;
    int r = acl_mark_get(c->txn, BOOTSTRAP_MARK, &done, e);

    if (r < 0)
        return r == ERR_NOTFOUND ? 0 : r;
    index = done->mod_rev;
    if (!read_reset(server_of(c)->opts.acl.reset_file, &given))
        return nomad_fail(e, 400, "ACL bootstrap already done (reset index: %llu)",
                          (unsigned long long)index);
    if (given != index)
        return nomad_fail(e, 400,
                          "Invalid bootstrap reset index (specified %llu, reset index: %llu)",
                          (unsigned long long)given, (unsigned long long)index);
    call_on_commit(c, remove_reset, NULL);
    return 0;
}

static int bootstrap(struct call *c, struct err *e)
{
    struct acl_token *tok = arena_new_of(c->arena, struct acl_token);
    const char *secret;
    int r;

    call_set_secret(c);
    r = read_bootstrap(c, &secret, e);
    if (r == 0)
        r = may_bootstrap(c, e);
    if (r == 0)
        r = acl_mark_put(c->txn, BOOTSTRAP_MARK, e);
    if (r < 0)
        return r;
    *tok = (struct acl_token){
        .name = "Bootstrap Token", .type = ACL_TOKEN_MANAGEMENT, .global = true};
    return acl_token_make(c, tok, secret, e);
}

/* ---- one-time secrets ------------------------------------------------------------------- */

struct one_time_made {
    const char *secret, *accessor;
    int64_t expires;
};

static void reply_one_time(struct call *c, uint64_t rev, void *arg)
{
    const struct one_time_made *d = arg;
    struct json_out *w = nomad_json(c);
    char text[TIME_TEXT_SIZE];

    time_format_utc(d->expires, text);
    json_obj(w);
    json_key(w, "OneTimeToken");
    json_obj(w);
    json_kv_str(w, "OneTimeSecretID", d->secret);
    json_kv_str(w, "AccessorID", d->accessor);
    json_kv_str(w, "ExpiresAt", text);
    json_kv_u64(w, "CreateIndex", rev);
    json_kv_u64(w, "ModifyIndex", rev);
    json_obj_end(w);
    json_kv_u64(w, "Index", rev);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

static int one_time_create(struct call *c, struct err *e)
{
    const struct acl_token *tok = call_token(c);
    struct one_time_made *d = arena_new_of(c->arena, struct one_time_made);
    struct acl_one_time row = {0};
    struct object *o;
    char id[UUID_SIZE];
    int r;

    if (!tok)
        return acl_denied(e);
    call_set_secret(c);
    random_uuid(id);
    *d = (struct one_time_made){arena_strdup(c->arena, id), tok->accessor_id,
                                c->now_ns + ACL_ONE_TIME_S * 1000000000LL};
    r = acl_secret_hash(server_of(c), c->txn, str_of(d->secret), &row.lookup, e);
    if (r < 0)
        return r;
    row.accessor_id = tok->accessor_id;
    row.expires = d->expires;
    o = object_new(acl_one_time_table.schema);
    memcpy(o->body, schema_copy(acl_one_time_table.schema, &row, o->arena), sizeof row);
    r = state_put(c->txn, &acl_one_time_table, o, e);
    if (r == 0)
        call_on_commit(c, reply_one_time, d);
    return r;
}

struct exchange_body {
    const char *secret;
};

static const struct schema_field exchange_fields[] = {
    {"OneTimeSecretID", NULL, F_STR, offsetof(struct exchange_body, secret), .def = "\"\""},
};
static SCHEMA(exchange_schema, "request", struct exchange_body, exchange_fields);

/* Used once: its row goes. ERR_NOTFOUND: there is none that still counts. */
static int take_one_time(struct call *c, const char *secret, const struct object **ret,
                         struct err *e)
{
    const struct acl_one_time *once;
    const struct object *row;
    const char *hash;
    struct key k;
    int r = acl_secret_hash(server_of(c), c->txn, str_of(secret), &hash, e);

    if (r < 0)
        return r;
    key_init(&k, acl_one_time_table.name);
    key_addz(&k, hash);
    r = table_get(c->txn, &acl_one_time_table, &k, &row, e);
    if (r < 0)
        return r;
    once = row->body;
    if (once->expires <= c->now_ns)
        return err_set(e, ERR_NOTFOUND, "expired");
    r = acl_token_get(c->txn, once->accessor_id, ret, e);
    if (r == 0 && acl_token_expired((*ret)->body, c->now_ns))
        return err_set(e, ERR_NOTFOUND, "expired");
    return r < 0 ? r : table_del(c->txn, &acl_one_time_table, &k, e);
}

static int one_time_exchange(struct call *c, struct err *e)
{
    const struct object *o;
    struct exchange_body b;
    struct json_out *w;
    int r;

    call_set_secret(c);
    r = nomad_body(c, &exchange_schema, &b, e);
    if (r == 0)
        r = take_one_time(c, b.secret, &o, e);
    if (r < 0)
        return r == ERR_NOTFOUND ? acl_denied(e) : r;
    w = nomad_json(c);
    json_obj(w);
    json_kv_u64(w, "Index", o->mod_rev);
    json_key(w, "Token");
    r = acl_reply_token(c, w, o, e);
    json_obj_end(w);
    return r;
}

const struct route acl_bootstrap_routes[] = {
    /* clang-format off */
    {M_WRITE, "/v1/acl/bootstrap",              NEED_ACLS | ROUTE_ANON, bootstrap,         NULL},
    {M_WRITE, "/v1/acl/token/onetime",          NEED_ACLS | NEED_TOKEN, one_time_create,   NULL},
    {M_WRITE, "/v1/acl/token/onetime/exchange", NEED_ACLS | ROUTE_ANON, one_time_exchange, NULL},
    /* clang-format on */
};
const size_t n_acl_bootstrap_routes = ARRAY_LEN(acl_bootstrap_routes);
