/* Records of tokens: made, found, used. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/random.h"
#include "vault/core/token_priv.h"

#define TEXT(name, field)                                                           \
    {                                                                               \
        name, NULL, F_STR, offsetof(struct token, field), .flags = FIELD_OMITEMPTY, \
                                                          .def = "\"\""             \
    }
#define NUMBER(name, field)                                                        \
    {                                                                              \
        name, NULL, F_INT, offsetof(struct token, field), .flags = FIELD_OMITEMPTY \
    }
#define FLAG(name, field)                                                           \
    {                                                                               \
        name, NULL, F_BOOL, offsetof(struct token, field), .flags = FIELD_OMITEMPTY \
    }

static const struct schema_field token_fields[] = {
    TEXT("namespace_id", namespace_id),
    TEXT("hash", hash),
    TEXT("accessor", accessor),
    TEXT("parent", parent_hash),
    {"policies", NULL, F_STRLIST, offsetof(struct token, policies), .flags = FIELD_OMITEMPTY},
    {"meta", NULL, F_STRMAP, offsetof(struct token, meta), .flags = FIELD_OMITEMPTY},
    FLAG("has_meta", has_meta),
    TEXT("path", path),
    TEXT("display_name", display_name),
    TEXT("type", type),
    TEXT("role", role),
    TEXT("entity_id", entity_id),
    NUMBER("created", created_s),
    NUMBER("creation_ttl", creation_ttl_s),
    NUMBER("explicit_max_ttl", explicit_max_ttl_s),
    NUMBER("period", period_s),
    NUMBER("num_uses", num_uses),
    NUMBER("issued", issued_ns),
    NUMBER("expires", expires_ns),
    NUMBER("renewed", renewed_ns),
    FLAG("has_lease", has_lease),
    FLAG("renewable", renewable),
    FLAG("no_identity_policies", no_identity_policies),
    {"bound_cidrs", NULL, F_STRLIST, offsetof(struct token, bound_cidrs),
     .flags = FIELD_OMITEMPTY},
    TEXT("mount_accessor", mount_accessor),
    TEXT("owner", owner),
    {"internal", NULL, F_JSON, offsetof(struct token, internal), .flags = FIELD_OMITEMPTY},
    TEXT("wrap_path", wrap_path),
    NUMBER("wrap_ttl", wrap_ttl_s),
    NUMBER("ttl", ttl_s),
    NUMBER("spent_expires", spent_expires_ns),
    FLAG("ending", ending),
};
SCHEMA(token_schema, "token", struct token, token_fields);

/* ---- the table -------------------------------------------------------------------------- */

static void record_key(const void *body, struct key *k)
{
    const struct token *tok = body;

    key_addz(k, tok->namespace_id);
    key_addz(k, tok->hash);
}

static bool accessor_parts(const void *body, struct key *k)
{
    const struct token *tok = body;

    key_addz(k, tok->accessor);
    return *tok->accessor && !tok->ending;
}

/* Children, and the tokens of a path, in the order of their making: new ones stand side by side
 * and share a page when they are written, where hashes would touch one each. */
static bool parent_parts(const void *body, struct key *k)
{
    const struct token *tok = body;

    key_addz(k, tok->parent_hash);
    key_add_u64(k, (uint64_t)tok->issued_ns);
    return *tok->parent_hash;
}

static bool expires_parts(const void *body, struct key *k)
{
    const struct token *tok = body;

    key_add_u64(k, (uint64_t)tok->expires_ns);
    return tok->expires_ns > 0 && !tok->ending;
}

static bool path_parts(const void *body, struct key *k)
{
    const struct token *tok = body;

    key_add(k, str_upto(str_of(tok->path), TOKEN_PATH_INDEXED_MAX));
    key_add_u64(k, (uint64_t)tok->issued_ns);
    return tok->has_lease && !tok->ending;
}

static bool owner_parts(const void *body, struct key *k)
{
    const struct token *tok = body;

    key_addz(k, tok->owner);
    return *tok->owner && !tok->ending;
}

const struct table token_table = {
    .name = "token",
    .schema = &token_schema,
    .key = record_key,
    .indexes = {{"accessor", accessor_parts},
                {"parent", parent_parts},
                {"expires", expires_parts},
                {"path", path_parts},
                {"owner", owner_parts}},
    .sealed = true,
};

void token_key(struct key *k, const char *hash)
{
    key_init(k, token_table.name);
    key_addz(k, "root");
    key_addz(k, hash);
}

int token_put(struct txn *t, const struct token *tok, struct err *e)
{
    auto_object struct object *o = object_new(&token_schema);

    memcpy(o->body, schema_copy(&token_schema, tok, o->arena), sizeof *tok);
    return table_put(t, &token_table, o, e);
}

/* ---- looking up ------------------------------------------------------------------------- */

bool token_is_batch(const struct token *tok)
{
    return tok->type && strcmp(tok->type, "batch") == 0;
}

static int denied(struct err *e)
{
    return err_set(e, ERR_DENIED, "permission denied");
}

static bool is_good(const struct token *tok, int64_t now_ns)
{
    return !tok->ending && tok->num_uses >= 0 &&
           (tok->expires_ns == 0 || tok->expires_ns > now_ns);
}

/*
 * A token is no better than those it hangs on: a large tree is removed bit by bit, but none of
 * it is good from the moment on that its root is gone. One that is ending leaves its children
 * behind as orphans.
 */
static int check_chain(struct txn *t, const struct token *tok, int64_t now_ns, struct err *e)
{
    for (int depth = 0; *tok->parent_hash && depth < TOKEN_CHAIN_MAX; depth++) {
        const struct object *o;
        struct key k;
        int r;

        token_key(&k, tok->parent_hash);
        r = table_peek(t, &token_table, &k, &o, e);
        if (r == ERR_NOTFOUND)
            return denied(e);
        if (r < 0)
            return r;
        tok = o->body;
        if (tok->ending)
            return 0;
        if (tok->expires_ns != 0 && tok->expires_ns <= now_ns)
            return denied(e);
    }
    return 0;
}

int token_by_hash(struct vault *v, struct txn *t, const char *hash, const struct token **ret,
                  struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    (void)v;
    token_key(&k, hash);
    if (k.over)
        return err_set(e, ERR_NOTFOUND, "no such token");
    r = table_get(t, &token_table, &k, &o, e);
    if (r < 0)
        return r == ERR_NOTFOUND ? err_set(e, r, "no such token") : r;
    if (((const struct token *)o->body)->ending)
        return err_set(e, ERR_NOTFOUND, "no such token");
    *ret = o->body;
    return 0;
}

static int find_service(struct vault *v, struct txn *t, struct str id, const struct token **ret,
                        struct err *e)
{
    char hash[SEAL_HASH_SIZE];
    int r = seal_hash(v->seal, "token", id, hash, e);

    return r < 0 ? r : token_by_hash(v, t, hash, ret, e);
}

int token_lookup(struct vault *v, struct txn *t, struct str id, int64_t now_ns,
                 const struct token **ret, struct err *e)
{
    const struct token *tok;
    int r;

    if (id.len == 0 || id.len > TOKEN_ID_MAX)
        return denied(e);
    r = token_id_is_batch(id) ? token_batch_open(v, t, id, &tok, e)
                              : find_service(v, t, id, &tok, e);
    if (r == ERR_NOTFOUND)
        return denied(e);
    if (r < 0)
        return r;
    if (!is_good(tok, now_ns))
        return denied(e);
    r = check_chain(t, tok, now_ns, e);
    if (r == 0)
        *ret = tok;
    return r;
}

int token_by_accessor(struct vault *v, struct txn *t, const char *accessor, int64_t now_ns,
                      const struct token **ret, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    (void)v;
    table_index_key(&k, &token_table, "accessor");
    key_addz(&k, accessor);
    if (k.over || *accessor == '\0')
        return err_set(e, ERR_NOTFOUND, "no token has that accessor");
    r = table_scan_index(t, &it, &token_table, &k, 0, e);
    if (r < 0)
        return r;
    r = table_scan_next(&it, &o, e);
    table_scan_end(&it);
    if (r < 0)
        return r;
    if (r == 0 || !is_good(o->body, now_ns) || check_chain(t, o->body, now_ns, NULL) < 0)
        return err_set(e, ERR_NOTFOUND, "no token has that accessor");
    *ret = o->body;
    return 0;
}

int token_again(struct vault *v, struct txn *t, const struct token *tok,
                const struct token **ret, struct err *e)
{
    if (token_is_batch(tok)) {
        *ret = tok;
        return 0;
    }
    return token_by_hash(v, t, tok->hash, ret, e);
}

int token_acl(struct vault *v, struct txn *t, const struct token *tok, const struct acl **ret,
              struct err *e)
{
    return acl_for_policies(v, t, &tok->policies, NULL, ret, e);
}

/* ---- making ----------------------------------------------------------------------------- */

/* "hvs.CAESI" and 64 random bytes in base64url: 95 characters. */
static struct str make_id(struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(256);
    uint8_t bytes[64];

    b.secret = true;
    random_bytes(bytes, sizeof bytes);
    buf_puts(&b, "hvs.CAESI");
    codec_base64_encode(&b, str_n(bytes, sizeof bytes), true, false);
    secret_wipe(bytes, sizeof bytes);
    return arena_str(a, buf_str(&b));
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

/* What no caller needs to fill. */
static void complete(struct token *tok, int64_t ttl_s, int64_t now_ns)
{
    tok->namespace_id = tok->namespace_id ? tok->namespace_id : "root";
    tok->parent_hash = or_empty(tok->parent_hash);
    tok->path = or_empty(tok->path);
    tok->display_name = or_empty(tok->display_name);
    tok->type = tok->type ? tok->type : "service";
    tok->role = or_empty(tok->role);
    tok->entity_id = or_empty(tok->entity_id);
    tok->mount_accessor = or_empty(tok->mount_accessor);
    tok->owner = or_empty(tok->owner);
    tok->wrap_path = or_empty(tok->wrap_path);
    tok->accessor = tok->hash = "";
    tok->created_s = now_ns / TOKEN_NS_PER_S;
    tok->issued_ns = now_ns;
    tok->expires_ns = ttl_s > 0 ? now_ns + ttl_s * TOKEN_NS_PER_S : 0;
    tok->creation_ttl_s = tok->ttl_s = ttl_s;
    tok->has_lease = tok->has_lease || ttl_s > 0;
}

static int check_free(struct txn *t, const char *hash, struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    token_key(&k, hash);
    r = table_get(t, &token_table, &k, &o, e);
    if (r == 0)
        return req_fail(e, "cannot create a token with a duplicate ID");
    return r == ERR_NOTFOUND ? 0 : r;
}

static int create_service(struct vault *v, struct txn *t, struct arena *a, struct token_new *n,
                          struct str *ret_id, struct err *e)
{
    char hash[SEAL_HASH_SIZE], accessor[25];
    int r;

    *ret_id = n->id ? arena_str(a, str_of(n->id)) : make_id(a);
    r = seal_hash(v->seal, "token", *ret_id, hash, e);
    if (r == 0 && n->id)
        r = check_free(t, hash, e);
    if (r < 0)
        return r;
    random_base62(accessor, sizeof accessor - 1);
    n->tok.hash = arena_strdup(a, hash);
    n->tok.accessor = arena_strdup(a, accessor);
    return token_put(t, &n->tok, e);
}

int token_create(struct vault *v, struct txn *t, struct arena *a, int64_t now_ns,
                 struct token_new *n, struct str *ret_id, const struct token **ret,
                 struct err *e)
{
    int r;

    complete(&n->tok, n->ttl_s, now_ns);
    r = token_is_batch(&n->tok) ? token_batch_seal(v, a, &n->tok, ret_id, e)
                                : create_service(v, t, a, n, ret_id, e);
    if (r == 0)
        *ret = schema_copy(&token_schema, &n->tok, a);
    return r;
}

/* Of a vault that is new: "hvs." and 24 letters. A chosen id (dev mode) is made the way of
 * auth/token/create. */
int token_create_root(struct vault *v, struct txn *t, struct arena *a, int64_t now_ns,
                      const char *id, struct str *ret_id, struct err *e)
{
    struct token_new n = {.id = id};
    const struct token *tok;
    char made[64] = "hvs.";

    n.tok.display_name = id ? "token" : "root";
    n.tok.path = id ? "auth/token/create" : "auth/token/root";
    n.tok.has_lease = id != NULL;
    list_push(a, &n.tok.policies, "root");
    if (!id) {
        random_base62(made + strlen(made), 24);
        n.id = made;
    }
    int r = token_create(v, t, a, now_ns, &n, ret_id, &tok, e);

    secret_wipe(made, sizeof made);
    return r;
}

/* ---- using ------------------------------------------------------------------------------ */

/* The last use marks the token: it is due at once, and good for nothing but this request. */
int token_use(struct vault *v, struct txn *t, const struct token *tok, struct err *e)
{
    struct token copy = *tok;

    (void)v;
    if (tok->num_uses <= 0 || token_is_batch(tok))
        return 0;
    copy.num_uses = tok->num_uses == 1 ? -1 : tok->num_uses - 1;
    if (copy.num_uses < 0) {
        copy.spent_expires_ns = tok->expires_ns;
        copy.expires_ns = 1;
    }
    return token_put(t, &copy, e);
}
