/* sys/tools: random bytes and hashes. */
#include <string.h>

#include "base/codec.h"
#include "base/random.h"
#include "vault/core/core_priv.h"

enum { RANDOM_BYTES_MAX = 131072, RANDOM_BYTES_DEFAULT = 32 };

static struct req *req_of(struct call *c)
{
    return c->state;
}

struct tool_body {
    const char *format, *input, *algorithm, *source, *urlbytes;
    int64_t bytes;
};

static const struct schema_field tool_fields[] = {
    {"format", NULL, F_STR, offsetof(struct tool_body, format)},
    {"input", NULL, F_STR, offsetof(struct tool_body, input), .max = 32 << 20},
    {"algorithm", NULL, F_STR, offsetof(struct tool_body, algorithm), .def = "\"sha2-256\""},
    {"urlalgorithm", NULL, F_STR, offsetof(struct tool_body, algorithm)},
    {"source", NULL, F_STR, offsetof(struct tool_body, source), .def = "\"platform\""},
    {"bytes", NULL, F_INT, offsetof(struct tool_body, bytes), .def = "32"},
    {"urlbytes", NULL, F_STR, offsetof(struct tool_body, urlbytes)},
};
static SCHEMA(tool_schema, "tools", struct tool_body, tool_fields);

static int write_encoded(struct req *r, const char *name, struct str raw, bool hex,
                         struct err *e)
{
    auto_buf struct buf text = BUF_INIT(2 * RANDOM_BYTES_MAX + 16);

    (void)e;
    if (hex)
        codec_hex_encode(&text, raw);
    else
        codec_base64_encode(&text, raw, false, true);
    json_kv_strn(req_data(r), name, buf_str(&text));
    return 0;
}

/* ---- random ----------------------------------------------------------------------------- */

/* "random", "random/16", "random/platform/16" */
static int byte_count(struct req *r, const struct tool_body *b, int64_t *ret, struct err *e)
{
    struct str text = str_of(b->urlbytes);

    *ret = b->bytes;
    if (text.len && !str_to_i64(text, 10, ret))
        return req_fail(
            e,
            "error parsing url-set byte count: strconv.Atoi: parsing \"%.*s\": invalid "
            "syntax",
            STR_ARG(text));
    if (*ret < 1)
        return req_fail(e, "\"bytes\" cannot be less than 1");
    if (*ret >= RANDOM_BYTES_MAX)
        return req_fail(e, "\"bytes\" should be less than %d", RANDOM_BYTES_MAX);
    (void)r;
    return 0;
}

static int check_source(struct req *r, const char *source, struct err *e)
{
    if (strcmp(source, "seal") == 0)
        req_warn(r, "no seal/entropy augmentation available, using platform entropy source");
    else if (strcmp(source, "platform") != 0 && strcmp(source, "all") != 0)
        return req_fail(
            e,
            "unsupported entropy source \"%s\"; must be \"platform\" or \"seal\", or "
            "\"all\"",
            source);
    return 0;
}

/* The source is the path's alone: without one there it is the platform. */
static void take_source(struct req *r, struct tool_body *b)
{
    if (!req_has(r, "source") || req_param(r, "source").len)
        return;
    b->source = "platform";
    list_push(r->a, &r->priv->notes,
              "Endpoint replaced the value of these parameters with the values captured from "
              "the endpoint's path: [source]");
}

static int random_tool(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const char *format;
    struct tool_body b;
    int64_t n;
    int ret = req_decode(r, &tool_schema, &b, e);

    if (ret == 0)
        ret = byte_count(r, &b, &n, e);
    if (ret < 0)
        return ret;
    format = b.format ? b.format : "base64";
    if (strcmp(format, "hex") != 0 && strcmp(format, "base64") != 0)
        return req_fail(e, "unsupported encoding format \"%s\"; must be \"hex\" or \"base64\"",
                        format);
    take_source(r, &b);
    ret = check_source(r, b.source, e);
    if (ret < 0)
        return ret;

    char *raw = arena_alloc(r->a, (size_t)n);

    random_bytes(raw, (size_t)n);
    return write_encoded(r, "random_bytes", str_n(raw, (size_t)n), strcmp(format, "hex") == 0,
                         e);
}

/* ---- hash ------------------------------------------------------------------------------- */

static bool alg_by_name(const char *name, enum hash_alg *ret)
{
    for (int i = 0; i < HASH_ALGS_; i++) {
        if (i != HASH_SHA1 && strcmp(hash_name((enum hash_alg)i), name) == 0) {
            *ret = (enum hash_alg)i;
            return true;
        }
    }
    return false;
}

static int hash_tool(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    auto_buf struct buf input = BUF_INIT(32 << 20);
    uint8_t sum[HASH_MAX_BYTES];
    const char *format;
    enum hash_alg alg;
    struct tool_body b;
    int ret = req_decode(r, &tool_schema, &b, e);

    if (ret < 0)
        return ret;
    if (b.input && codec_base64_decode(&input, str_of(b.input), false, true, NULL) < 0)
        return req_fail(
            e, "unable to decode input as base64: illegal base64 data at input byte 0");
    format = b.format ? b.format : "hex";
    if (strcmp(format, "hex") != 0 && strcmp(format, "base64") != 0)
        return req_fail(e, "unsupported encoding format %s; must be \"hex\" or \"base64\"",
                        format);
    if (!alg_by_name(b.algorithm, &alg))
        return req_fail(e, "unsupported algorithm %s", b.algorithm);
    hash_of(alg, buf_str(&input), sum);
    return write_encoded(r, "sum", str_n(sum, hash_bytes(alg)), strcmp(format, "hex") == 0, e);
}

static const struct path_info tool_info = {.fields = &tool_schema,
                                           .help =
                                               "Random bytes (random[/SOURCE][/BYTES]) and "
                                               "hashes (hash[/ALGORITHM]) of base64 input."};

const struct route sys_tool_routes[] = {
    /* clang-format off */
    {M_WRITE, "tools/random",                   0, random_tool, &tool_info},
    {M_WRITE, "tools/random/:urlbytes",         0, random_tool, &tool_info},
    {M_WRITE, "tools/random/:source/:urlbytes", 0, random_tool, &tool_info},
    {M_WRITE, "tools/hash",                     0, hash_tool,   &tool_info},
    {M_WRITE, "tools/hash/:urlalgorithm",       0, hash_tool,   &tool_info},
    /* clang-format on */
};
const size_t n_sys_tool_routes = ARRAY_LEN(sys_tool_routes);
