/*
 * Batch tokens: nothing is stored, the id is the sealed entry.
 *
 * "hvb." and base64url of: version of the key (4 bytes, big endian), version of the form (1
 * byte), and the entry sealed under a key derived for this purpose alone.
 */
#include <string.h>

#include "base/codec.h"
#include "vault/core/token_priv.h"

enum { HEAD_BYTES = 5 };
static const char head[HEAD_BYTES] = {0, 0, 0, 1, 2};

static const char purpose[] = "batch token 1";

bool token_id_is_batch(struct str id)
{
    return str_starts(id, STR("hvb.")) || str_starts(id, STR("b."));
}

int token_batch_seal(struct vault *v, struct arena *a, const struct token *tok, struct str *ret,
                     struct err *e)
{
    auto_buf struct buf plain = BUF_INIT(TOKEN_ID_MAX), box = BUF_INIT(TOKEN_ID_MAX),
                        id = BUF_INIT(TOKEN_ID_MAX);
    auto_object struct object *o = object_new(&token_schema);
    auto_secret struct secret key = SECRET_INIT;
    int r = seal_derive(v->seal, purpose, AEAD_KEY_BYTES, &key, e);

    if (r < 0)
        return r;
    plain.secret = id.secret = true;
    memcpy(o->body, schema_copy(&token_schema, tok, o->arena), sizeof *tok);
    object_store(o, &plain);
    buf_put(&box, head, sizeof head);
    if (buf_ok(&plain))
        r = aead_seal(&key, buf_str(&plain), str_of(purpose), &box, e);
    buf_puts(&id, "hvb.");
    codec_base64_encode(&id, buf_str(&box), true, false);
    if (!buf_ok(&plain) || !buf_ok(&box) || !buf_ok(&id) || r == ERR_TOOBIG)
        return req_fail(e,
                        "this batch token would have more than %d characters: give it fewer "
                        "policies or less metadata",
                        TOKEN_ID_MAX);
    if (r == 0)
        *ret = arena_str(a, buf_str(&id));
    return r;
}

static void unref(void *o)
{
    object_unref(o);
}

/* What does not open was not made here: it says no more than that. */
static int open_box(struct vault *v, struct str id, struct buf *plain, struct err *e)
{
    auto_buf struct buf box = BUF_INIT(TOKEN_ID_MAX);
    auto_secret struct secret key = SECRET_INIT;
    struct str text = str_from(id, (size_t)str_chr(id, '.') + 1), sealed;
    int r;

    if (codec_base64_decode(&box, text, true, false, NULL) < 0 || box.len <= HEAD_BYTES ||
        memcmp(box.p, head, HEAD_BYTES) != 0)
        return err_set(e, ERR_DENIED, "permission denied");
    sealed = str_from(buf_str(&box), HEAD_BYTES);
    r = seal_derive(v->seal, purpose, AEAD_KEY_BYTES, &key, e);
    if (r < 0)
        return r;
    r = aead_open(&key, sealed, str_of(purpose), plain, NULL);
    return r < 0 ? err_set(e, ERR_DENIED, "permission denied") : 0;
}

int token_batch_open(struct vault *v, struct txn *t, struct str id, const struct token **ret,
                     struct err *e)
{
    auto_buf struct buf plain = BUF_INIT(TOKEN_ID_MAX);
    char hash[SEAL_HASH_SIZE];
    struct object *o;
    struct token *tok;
    int r;

    plain.secret = true;
    r = open_box(v, id, &plain, e);
    if (r == 0)
        r = object_load(&token_schema, buf_str(&plain), &o, e);
    if (r < 0)
        return r;
    arena_on_end(txn_arena(t), unref, o);
    r = seal_hash(v->seal, "token", id, hash, e);
    tok = o->body; /* not shared yet */
    tok->hash = arena_strdup(o->arena, hash);
    *ret = tok;
    return r;
}
