/* Policy documents as text: their bytes go to AWS as the operator wrote them. */
#include "base/buf.h"
#include "base/err.h"
#include "vault/secrets/aws_priv.h"

static const struct json_limits policy_limits = {
    .bytes = AWS_POLICY_MAX, .depth = 32, .nodes = 50000};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int aws_policy_compact(struct str text, struct arena *a, const char **ret, struct err *e)
{
    struct json *v;
    bool in_string = false;
    char *out;
    size_t n = 0;
    int r = json_parse(text, &policy_limits, 0, a, &v, e);

    if (r < 0)
        return r;
    out = arena_alloc(a, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        if (in_string && text.p[i] == '\\') {
            out[n++] = text.p[i++]; /* valid JSON: something follows */
        } else if (text.p[i] == '"') {
            in_string = !in_string;
        } else if (!in_string && is_blank(text.p[i])) {
            continue;
        }
        out[n++] = text.p[i];
    }
    out[n] = '\0';
    *ret = out;
    return 0;
}

/* The statements of one document, an object or a list of them, into an open array. */
static int put_statements(struct json_out *w, const char *document, struct arena *a,
                          struct err *e)
{
    struct json *v;
    const struct json *s;
    int r = json_parse(str_of(document), &policy_limits, 0, a, &v, e);

    if (r < 0)
        return err_wrap(e, r, "a policy document");
    s = json_get(v, "Statement");
    if (!s)
        return err_set(e, ERR_INVALID, "a policy document has no Statement");
    if (s->type != JSON_ARRAY) {
        json_value(w, s);
        return 0;
    }
    for (uint32_t i = 0; i < s->len; i++)
        json_value(w, &s->items[i]);
    return 0;
}

int aws_policy_merge(const struct strlist *documents, struct arena *a, const char **ret,
                     struct err *e)
{
    auto_buf struct buf b = BUF_INIT(AWS_POLICY_MAX);
    struct json_out w;
    int r = 0;

    if (documents->len <= 1) {
        *ret = documents->len ? documents->at[0] : "";
        return 0;
    }
    json_out_init(&w, &b, NULL);
    json_obj(&w);
    json_kv_str(&w, "Version", "2012-10-17");
    json_key(&w, "Statement");
    json_arr(&w);
    for (size_t i = 0; i < documents->len && r == 0; i++)
        r = put_statements(&w, documents->at[i], a, e);
    json_arr_end(&w);
    json_obj_end(&w);
    if (r == 0)
        r = buf_check(&b, "the merged policy", e);
    if (r == 0)
        *ret = arena_cstr(a, buf_str(&b));
    return r;
}
