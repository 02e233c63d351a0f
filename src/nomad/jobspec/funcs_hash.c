/* Functions that need a hash, a key or chance. */
#include "base/codec.h"
#include "base/err.h"
#include "base/random.h"
#include "crypto/crypto.h"
#include "crypto/legacy.h"
#include "crypto/pkey.h"
#include "nomad/jobspec/jobspec_priv.h"

/* A step of bcrypt takes as long as so many of the evaluation: 2^13 of them are all it may do.
 */
enum { BCRYPT_STEPS = 100, UUID_BYTES = 16 };

static struct json *hex(const struct hcl_func_call *c, const uint8_t *bytes, size_t n)
{
    auto_buf struct buf b = BUF_INIT(4 * HASH_MAX_BYTES);

    codec_hex_encode(&b, str_n(bytes, n));
    return hcl_call_text(c, &b);
}

static struct json *hashed(const struct hcl_func_call *c, enum hash_alg alg)
{
    uint8_t out[HASH_MAX_BYTES];

    hash_of(alg, c->args[0]->text, out);
    return hex(c, out, hash_bytes(alg));
}

static struct json *fn_md5(const struct hcl_func_call *c)
{
    uint8_t out[MD5_BYTES];

    crypto_md5(c->args[0]->text, out);
    return hex(c, out, sizeof out);
}

static struct json *fn_sha1(const struct hcl_func_call *c)
{
    return hashed(c, HASH_SHA1);
}

static struct json *fn_sha256(const struct hcl_func_call *c)
{
    return hashed(c, HASH_SHA256);
}

static struct json *fn_sha512(const struct hcl_func_call *c)
{
    return hashed(c, HASH_SHA512);
}

static struct json *fn_bcrypt(const struct hcl_func_call *c)
{
    char out[BCRYPT_SIZE];
    struct err e = ERR_INIT;
    int64_t cost = BCRYPT_COST_DEFAULT;

    if (c->n_args > 2)
        return hcl_call_failed(c, "bcrypt() takes no more than two arguments");
    if (c->n_args == 2 && !hcl_call_i64(c, 1, &cost))
        return NULL;
    if (cost < BCRYPT_COST_MIN)
        cost = BCRYPT_COST_DEFAULT;
    if (cost <= BCRYPT_COST_MAX && !hcl_call_spend(c, (size_t)BCRYPT_STEPS << cost, 0))
        return NULL;
    if (crypto_bcrypt(c->args[0]->text, cost > BCRYPT_COST_MAX ? 32 : (int)cost, out, &e) < 0)
        return hcl_call_failed(c, "error occured generating password %s", e.msg);
    return hcl_result(c, json_of_str(str_of(arena_strdup(c->arena, out))));
}

static struct json *fn_rsadecrypt(const struct hcl_func_call *c)
{
    auto_buf struct buf box = BUF_INIT(HCL_EVAL_BYTES_MAX), out = BUF_INIT(HCL_EVAL_BYTES_MAX);
    auto_pkey struct pkey *key = NULL;
    struct str text = c->args[0]->text;
    struct err e = ERR_INIT;

    if (!hcl_call_spend(c, 10000, 0)) /* an operation with a large key takes milliseconds */
        return NULL;
    if (codec_base64_decode(&box, text, false, true, NULL) < 0)
        return hcl_call_failed(
            c, "failed to decode input \"%.*s\": cipher text must be base64-encoded",
            STR_ARG(text));
    if (pkey_from_pem(c->args[1]->text, &key, &e) < 0)
        return hcl_arg_invalid(c, 1, "failed to parse the key: %s", e.msg);
    if (crypto_rsa_decrypt(key, buf_str(&box), &out, &e) < 0)
        return hcl_call_failed(c, "failed to decrypt: %s", e.msg);
    if (!str_is_utf8(buf_str(&out)))
        return hcl_call_failed(c, "the decrypted text is not valid UTF-8");
    return hcl_call_text(c, &out);
}

/*
 * UUIDs
 */

static struct json *uuid(const struct hcl_func_call *c, uint8_t b[UUID_BYTES], unsigned version)
{
    b[6] = (uint8_t)((b[6] & 0x0f) | version << 4);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    return hcl_result(
        c, json_of_str(str_of(arena_printf(
               c->arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
               b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
               b[13], b[14], b[15]))));
}

static struct json *fn_uuidv4(const struct hcl_func_call *c)
{
    uint8_t b[UUID_BYTES];

    random_bytes(b, sizeof b);
    return uuid(c, b, 4);
}

/* 8-4-4-4-12 hexadecimal digits. */
static bool parse_uuid(struct str s, struct buf *ret)
{
    char digits[2 * UUID_BYTES];
    size_t n = 0;

    if (s.len != 36)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (s.p[i] != '-')
                return false;
        } else {
            digits[n++] = s.p[i];
        }
    }
    return codec_hex_decode(ret, str_n(digits, n), NULL) == 0;
}

/* RFC 4122, 4.3, with the namespaces of its appendix C. */
static struct json *fn_uuidv5(const struct hcl_func_call *c)
{
    static const struct {
        const char *name;
        uint8_t last; /* of the first four bytes; the others are the same */
    } known[] = {{"dns", 0x10}, {"url", 0x11}, {"oid", 0x12}, {"x500", 0x14}};
    static const uint8_t base[UUID_BYTES] = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                                             0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    auto_buf struct buf data = BUF_INIT(HCL_EVAL_BYTES_MAX);
    uint8_t hash[HASH_MAX_BYTES], space[UUID_BYTES];
    struct str name = c->args[0]->text;
    bool is_known = false;

    memcpy(space, base, sizeof space);
    for (size_t i = 0; i < ARRAY_LEN(known) && !is_known; i++) {
        is_known = str_eqc(name, known[i].name);
        space[3] = known[i].last;
    }
    if (is_known)
        buf_put(&data, space, sizeof space);
    else if (!parse_uuid(name, &data))
        return hcl_call_failed(c, "uuidv5() doesn't support namespace %.*s", STR_ARG(name));
    buf_put_str(&data, c->args[1]->text);
    hash_of(HASH_SHA1, buf_str(&data), hash);
    return uuid(c, hash, 5);
}

void jobspec_hash_funcs(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"bcrypt", fn_bcrypt, {{"str", HCL_STRING}}, .rest = {"cost", HCL_NUMBER}},
        {"md5", fn_md5, {{"str", HCL_STRING}}},
        {"rsadecrypt", fn_rsadecrypt, {{"ciphertext", HCL_STRING}, {"privatekey", HCL_STRING}}},
        {"sha1", fn_sha1, {{"str", HCL_STRING}}},
        {"sha256", fn_sha256, {{"str", HCL_STRING}}},
        {"sha512", fn_sha512, {{"str", HCL_STRING}}},
        {"uuidv4", fn_uuidv4, .params = {{0}}},
        {"uuidv5", fn_uuidv5, {{"namespace", HCL_STRING}, {"name", HCL_STRING}}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
