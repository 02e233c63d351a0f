/* sys/policies/password: how passwords that the vault makes have to look. */
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/random.h"
#include "lang/hcl.h"
#include "vault/core/core_priv.h"
#include "vault/core/policy_priv.h"

enum {
    PASSWORD_MIN = 4,
    PASSWORD_MAX = 100,
    PASSWORD_TEXT_MAX = 64 << 10,
    PASSWORD_RULES_MAX = 100,
    CHARSET_MAX = 1024, /* characters in all */
};

static struct req *req_of(struct call *c)
{
    return c->state;
}

/* ---- the text --------------------------------------------------------------------------- */

struct charset {
    LIST(struct str) chars; /* each once */
    int64_t min_chars;
};

struct password_policy {
    int64_t length;
    LIST(struct charset) rules;
    struct charset all;
};

static int add_char(struct arena *a, struct charset *set, struct str c, struct err *e)
{
    for (size_t i = 0; i < set->chars.len; i++)
        if (str_eq(set->chars.at[i], c))
            return 0;
    if (set->chars.len >= CHARSET_MAX)
        return err_set(e, ERR_TOOBIG, "a charset may have at most %d characters", CHARSET_MAX);
    list_push(a, &set->chars, c);
    return 0;
}

static int add_chars(struct arena *a, struct charset *set, struct str text, struct err *e)
{
    size_t n;
    int r = 0;

    for (size_t i = 0; r == 0 && i < text.len; i += n) {
        n = str_utf8_at(text, i);
        if (n == 0)
            return err_set(e, ERR_INVALID, "a charset must be valid UTF-8");
        r = add_char(a, set, str_n(text.p + i, n), e);
    }
    return r;
}

static const struct json *value_of(struct arena *a, const struct hcl_body *b, const char *name)
{
    const struct hcl_attr *attr = hcl_attr(b, name);
    struct hcl_diags d = {.arena = a, .dialect = HCL1};

    return attr ? hcl_eval(attr->expr, NULL, a, &d) : NULL;
}

static int read_rule(struct arena *a, const struct hcl_block *blk, struct password_policy *p,
                     struct err *e)
{
    struct charset *set;
    int r;

    if (blk->n_labels == 0 || !str_eqc(blk->labels[0].text, "charset"))
        return err_set(e, ERR_INVALID, "unrecognized rule \"%.*s\"",
                       STR_ARG(blk->n_labels ? blk->labels[0].text : STR("")));
    if (p->rules.len >= PASSWORD_RULES_MAX)
        return err_set(e, ERR_TOOBIG, "a password policy may have at most %d rules",
                       PASSWORD_RULES_MAX);
    set = list_add(a, &p->rules);
    set->min_chars = json_i64_or(value_of(a, blk->body, "min-chars"), 0);
    r = add_chars(a, set, json_str_or(value_of(a, blk->body, "charset"), STR("")), e);
    for (size_t i = 0; r == 0 && i < set->chars.len; i++)
        r = add_char(a, &p->all, set->chars.at[i], e);
    return r;
}

static int read_text(struct arena *a, struct str text, struct password_policy *p, struct err *e)
{
    struct hcl_diags d = {.arena = a, .dialect = HCL1};
    struct hcl_blocks rules;
    struct hcl_body *body;
    int r = hcl_parse(text, "policy", HCL1, a, &body, &d);

    if (r < 0)
        return err_set(e, r, "%s", hcl_diags_text(a, &d));
    p->length = json_i64_or(value_of(a, body, "length"), 0);
    hcl_blocks(body, "rule", 1, "name", a, &d, &rules);
    if (d.list.len)
        return hcl_diags_to_err(&d, e);
    for (size_t i = 0; r == 0 && i < rules.len; i++)
        r = read_rule(a, rules.at[i], p, e);
    return r;
}

static int check(struct arena *a, const struct password_policy *p, struct err *e)
{
    struct strlist texts = {0};
    int64_t needed = 0;

    for (size_t i = 0; i < p->rules.len; i++) {
        int64_t min = p->rules.at[i].min_chars;

        if (min > 0 && p->rules.at[i].chars.len == 0)
            list_push(a, &texts, "a rule asks for characters but has no charset");
        needed += min > 0 && min <= INT32_MAX ? min : min > 0 ? INT32_MAX : 0;
    }
    if (p->length <= 0)
        list_push(a, &texts, "length must be > 0");
    if (p->all.chars.len == 0)
        list_push(a, &texts, "no charset specified");
    if (p->length > 0 && needed > p->length)
        list_push(a, &texts,
                  arena_printf(a,
                               "specified rules require at least %lld characters but %lld is "
                               "specified",
                               (long long)needed, (long long)p->length));
    return texts.len ? err_set(e, ERR_INVALID, "%s", policy_multi_text(a, &texts)) : 0;
}

static int parse(struct arena *a, struct str text, struct password_policy *p, struct err *e)
{
    *p = (struct password_policy){0};

    int r = read_text(a, text, p, e);

    return r < 0 ? r : check(a, p, e);
}

/* ---- a password ------------------------------------------------------------------------- */

static struct str draw(const struct charset *set)
{
    return set->chars.at[random_below(set->chars.len)];
}

/* What the rules ask for, the rest from all of them, in random order. */
static void make_password(const struct password_policy *p, struct buf *out)
{
    struct str chars[PASSWORD_MAX];
    size_t n = 0, length = (size_t)p->length;

    for (size_t i = 0; i < p->rules.len; i++)
        for (int64_t k = 0; k < p->rules.at[i].min_chars && n < length; k++)
            chars[n++] = draw(&p->rules.at[i]);
    while (n < length)
        chars[n++] = draw(&p->all);
    for (size_t i = n; i > 1; i--) {
        size_t k = random_below(i);
        struct str t = chars[i - 1];

        chars[i - 1] = chars[k];
        chars[k] = t;
    }
    for (size_t i = 0; i < n; i++)
        buf_put_str(out, chars[i]);
    secret_wipe(chars, sizeof chars);
}

/* ---- stored ----------------------------------------------------------------------------- */

static void row_key(const void *body, struct key *k)
{
    const struct policy_row *row = body;

    key_addz(k, row->namespace_id);
    key_addz(k, row->name);
}

const struct table password_policy_table = {
    .name = "password_policy", .schema = &policy_row_schema, .key = row_key, .sealed = true};

static void key_of(struct req *r, struct key *k)
{
    key_init(k, password_policy_table.name);
    key_addz(k, "root");
    key_add(k, req_param(r, "name"));
}

static int load(struct req *r, const char **ret, struct err *e)
{
    const struct object *o;
    struct key k;
    int code;

    key_of(r, &k);
    if (k.over)
        return req_fail_multi(e, 404, "policy does not exist");
    code = table_get(r->txn, &password_policy_table, &k, &o, e);
    if (code == ERR_NOTFOUND)
        return req_fail_multi(e, 404, "policy does not exist");
    if (code == 0)
        *ret = ((const struct policy_row *)o->body)->text;
    return code;
}

/* ---- endpoints -------------------------------------------------------------------------- */

int password_policy_list(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct strlist names = {0};
    const struct object *o;
    struct table_scan it;
    struct key prefix;
    int code;

    key_init(&prefix, password_policy_table.name);
    key_addz(&prefix, "root");
    code = table_scan_begin(r->txn, &it, &password_policy_table, &prefix, 0, e);
    if (code < 0)
        return code;
    while ((code = table_scan_next(&it, &o, e)) > 0)
        list_push(r->a, &names, arena_strdup(r->a, ((const struct policy_row *)o->body)->name));
    table_scan_end(&it);
    if (code == 0)
        req_list_keys(r, &names);
    return code;
}

int password_policy_read(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const char *text;
    int ret = load(r, &text, e);

    if (ret == 0)
        json_kv_str(req_data(r), "policy", text);
    return ret;
}

int password_policy_generate(struct call *c, struct err *e)
{
    auto_buf struct buf word = BUF_INIT(PASSWORD_MAX * 4);
    struct req *r = req_of(c);
    struct password_policy p;
    struct err why = ERR_INIT;
    const char *text;
    int ret = load(r, &text, e);

    if (ret < 0)
        return ret;
    word.secret = true;
    if (parse(r->a, str_of(text), &p, &why) < 0)
        return req_fail_multi(e, 500, "stored password policy configuration failed to parse");
    make_password(&p, &word);
    json_kv_strn(req_data(r), "password", buf_str(&word));
    return 0;
}

struct password_body {
    const char *name, *policy;
};

static const struct schema_field password_fields[] = {
    {"name", NULL, F_STR, offsetof(struct password_body, name)},
    {"policy", NULL, F_STR, offsetof(struct password_body, policy)},
};
static SCHEMA(password_schema, "password policy", struct password_body, password_fields);

static const char *plain_text(struct req *r, const char *text)
{
    auto_buf struct buf b = BUF_INIT(PASSWORD_TEXT_MAX);

    if (codec_base64_decode(&b, str_of(text), false, true, NULL) < 0 ||
        !str_is_utf8(buf_str(&b)) || memchr(buf_str(&b).p, '\0', b.len))
        return text;
    return arena_cstr(r->a, buf_str(&b));
}

static int store(struct req *r, const char *text, struct err *e)
{
    auto_object struct object *o = object_new(&policy_row_schema);
    struct policy_row *row = o->body;

    if (req_param(r, "name").len > POLICY_NAME_MAX)
        return req_fail_multi(e, 400, "a policy name may have at most %d bytes",
                              POLICY_NAME_MAX);
    row->namespace_id = arena_strdup(o->arena, "root");
    row->name = arena_cstr(o->arena, req_param(r, "name"));
    row->text = arena_strdup(o->arena, text);
    return table_put(r->txn, &password_policy_table, o, e);
}

int password_policy_write(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct password_policy p;
    struct password_body b;
    struct err why = ERR_INIT;
    const char *text;
    int ret = req_decode(r, &password_schema, &b, e);

    if (ret < 0)
        return ret;
    if (!b.policy || !*b.policy)
        return req_fail_multi(e, 400, "missing policy");
    text = plain_text(r, b.policy);
    if (strlen(text) > PASSWORD_TEXT_MAX)
        return req_fail_multi(e, 400, "a password policy may have at most %d bytes",
                              PASSWORD_TEXT_MAX);
    if (parse(r->a, str_of(text), &p, &why) < 0)
        return req_fail_multi(e, 400, "invalid password policy: %s", why.msg);
    if (p.length < PASSWORD_MIN || p.length > PASSWORD_MAX)
        return req_fail_multi(e, 400, "passwords must be between %d and %d characters",
                              PASSWORD_MIN, PASSWORD_MAX);
    return store(r, text, e);
}

int password_policy_delete(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct key k;

    key_of(r, &k);
    return k.over ? 0 : table_del(r->txn, &password_policy_table, &k, e);
}
