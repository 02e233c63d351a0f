/* From the text of a policy (HCL of the first generation, or JSON) to its rules. Pure. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lang/hcl.h"
#include "lang/units.h"
#include "vault/core/policy_priv.h"

struct reader {
    struct arena *a;
    struct err *e;
};

/* A block `path` as it is written, before its parts are looked at for what they mean. */
struct raw_rule {
    const char *path;
    const char *policy; /* the old form; NULL: not given */
    struct strlist caps, required;
    struct policy_params allowed, denied;
    const struct json *min_wrap, *max_wrap;
    const struct hcl_item *control_group;
};

/* ---- parts of a block ------------------------------------------------------------------- */

static struct str item_name(const struct hcl_item *it)
{
    return it->block ? it->block->type : it->attr->name;
}

static uint32_t item_line(const struct hcl_item *it)
{
    return it->block ? it->block->type_at.start.line : it->attr->name_at.start.line;
}

/* Where a value of the wrong kind stands, and what the API calls its kind. */
static struct hcl_pos value_at(const struct hcl_item *it)
{
    return it->block ? it->block->brace_at.start : it->attr->expr->at.start;
}

static const char *value_kind(const struct hcl_item *it)
{
    if (it->block || it->attr->expr->kind == HCL_OBJECT)
        return "*ast.ObjectType";
    return it->attr->expr->kind == HCL_TUPLE ? "*ast.ListType" : "*ast.LiteralType";
}

static int fail_at(struct reader *r, const char *path, struct hcl_pos at, const char *text)
{
    return err_set(r->e, ERR_INVALID, "path \"%s\": At %u:%u: %s", path, at.line, at.col, text);
}

static const struct json *literal(struct reader *r, const struct hcl_expr *x)
{
    struct hcl_diags d = {.arena = r->a, .dialect = HCL1};

    return hcl_eval(x, NULL, r->a, &d);
}

static int read_strings(struct reader *r, const char *path, const struct hcl_item *it,
                        struct strlist *ret)
{
    const struct hcl_expr *x = it->attr ? it->attr->expr : NULL;

    if (!x || x->kind != HCL_TUPLE)
        return fail_at(r, path, value_at(it),
                       arena_printf(r->a, "unknown slice type: %s", value_kind(it)));
    for (size_t i = 0; i < x->n_items; i++) {
        const struct json *v = literal(r, x->items[i]);
        const struct json *text = v ? hcl_to_string(v, r->a) : NULL;

        if (!json_is(text, JSON_STRING))
            return fail_at(r, path, x->items[i]->at.start,
                           arena_printf(r->a, "root.%.*s: every item must be a string",
                                        STR_ARG(item_name(it))));
        list_push(r->a, ret, arena_cstr(r->a, text->text));
    }
    return 0;
}

static int read_text(struct reader *r, const char *path, const struct hcl_item *it,
                     const struct json **ret)
{
    const struct json *v = it->attr ? literal(r, it->attr->expr) : NULL;

    if (!v || v->type == JSON_ARRAY || v->type == JSON_OBJECT)
        return fail_at(r, path, value_at(it),
                       arena_printf(r->a, "root.%.*s: unknown type for string %s",
                                    STR_ARG(item_name(it)), value_kind(it)));
    *ret = v->type == JSON_BOOL ? hcl_to_string(v, r->a) : v;
    return 0;
}

static struct policy_param *param(struct arena *a, struct policy_params *ps, struct str name)
{
    LIST(struct policy_param) list = {ps->at, ps->len};
    struct policy_param *p;

    for (size_t i = 0; i < ps->len; i++)
        if (str_eq(ps->at[i].name, name))
            return &ps->at[i];
    p = list_add(a, &list);
    p->name = name;
    ps->at = list.at;
    ps->len = list.len;
    return p;
}

static struct str lower(struct arena *a, struct str s)
{
    char *p = arena_cstr(a, s);

    for (size_t i = 0; i < s.len; i++)
        p[i] = (char)tolower((unsigned char)p[i]);
    return str_n(p, s.len);
}

static int read_param(struct reader *r, const char *path, const struct hcl_item *it,
                      struct policy_params *ret)
{
    const struct hcl_expr *x = it->attr ? it->attr->expr : NULL;
    struct policy_param *p;

    if (!x || x->kind != HCL_TUPLE)
        return fail_at(r, path, value_at(it),
                       arena_printf(r->a, "unknown slice type: %s", value_kind(it)));
    p = param(r->a, ret, lower(r->a, item_name(it)));
    if (ret->len > POLICY_PARAMS_MAX)
        return err_set(r->e, ERR_TOOBIG, "path \"%s\": more than %d parameters", path,
                       POLICY_PARAMS_MAX);
    for (size_t i = 0; i < x->n_items; i++) {
        const struct json *v = literal(r, x->items[i]);

        if (!v)
            return fail_at(r, path, x->items[i]->at.start, "this value cannot be used here");
        list_push(r->a, &p->values, v);
    }
    return 0;
}

static int read_params_body(struct reader *r, const char *path, const struct hcl_body *b,
                            struct policy_params *ret)
{
    for (size_t i = 0; i < b->items.len; i++) {
        int ret_code = read_param(r, path, &b->items.at[i], ret);

        if (ret_code < 0)
            return ret_code;
    }
    return 0;
}

static int read_params_expr(struct reader *r, const char *path, const struct hcl_item *it,
                            const struct hcl_expr *x, struct policy_params *ret)
{
    if (x->kind == HCL_OBJECT && x->body)
        return read_params_body(r, path, x->body, ret);
    if (x->kind != HCL_TUPLE || x->n_items == 0 || x->items[0]->kind != HCL_OBJECT)
        return fail_at(r, path, value_at(it),
                       arena_printf(r->a, "root.%.*s: not an object type for map (%s)",
                                    STR_ARG(item_name(it)), value_kind(it)));
    for (size_t i = 0; i < x->n_items; i++) {
        int ret_code = read_params_expr(r, path, it, x->items[i], ret);

        if (ret_code < 0)
            return ret_code;
    }
    return 0;
}

static int read_params(struct reader *r, const char *path, const struct hcl_item *it,
                       struct policy_params *ret)
{
    if (it->block)
        return read_params_body(r, path, it->block->body, ret);
    return read_params_expr(r, path, it, it->attr->expr, ret);
}

/* ---- a block as written ----------------------------------------------------------------- */

static bool is_one_of(struct str name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eqc(name, names[i]))
            return true;
    return false;
}

/* ERR_INVALID with all keys that are not among `names`. `path` NULL: at the top. */
static int check_keys(struct reader *r, const struct hcl_body *b, const char *path,
                      const char *const *names, size_t n)
{
    struct strlist texts = {0};

    for (size_t i = 0; i < b->items.len; i++) {
        const struct hcl_item *it = &b->items.at[i];
        const char *text;

        if (is_one_of(item_name(it), names, n))
            continue;
        text = arena_printf(r->a, "invalid key \"%.*s\" on line %u", STR_ARG(item_name(it)),
                            item_line(it));
        if (path)
            text = arena_printf(r->a, "path \"%s\": %s", path, text);
        list_push(r->a, &texts, text);
    }
    if (texts.len == 0)
        return 0;
    return err_set(r->e, ERR_INVALID, "%s", policy_multi_text(r->a, &texts));
}

char *policy_multi_text(struct arena *a, const struct strlist *texts)
{
    auto_buf struct buf b = BUF_INIT(ERR_MSG_SIZE);

    buf_printf(&b, "%zu error%s occurred:\n", texts->len, texts->len == 1 ? "" : "s");
    for (size_t i = 0; i < texts->len; i++)
        buf_printf(&b, "\t* %s\n", texts->at[i]);
    buf_putc(&b, '\n');
    return arena_cstr(a, buf_str(&b));
}

static int read_item(struct reader *r, const struct hcl_item *it, struct raw_rule *raw)
{
    struct str name = item_name(it);
    const struct json *v;
    int ret;

    if (str_eqc(name, "capabilities"))
        return read_strings(r, raw->path, it, &raw->caps);
    if (str_eqc(name, "required_parameters"))
        return read_strings(r, raw->path, it, &raw->required);
    if (str_eqc(name, "allowed_parameters"))
        return read_params(r, raw->path, it, &raw->allowed);
    if (str_eqc(name, "denied_parameters"))
        return read_params(r, raw->path, it, &raw->denied);
    if (str_eqc(name, "min_wrapping_ttl"))
        return read_text(r, raw->path, it, &raw->min_wrap);
    if (str_eqc(name, "max_wrapping_ttl"))
        return read_text(r, raw->path, it, &raw->max_wrap);
    if (str_eqc(name, "policy")) {
        ret = read_text(r, raw->path, it, &v);
        if (ret == 0)
            raw->policy = arena_cstr(r->a, v->text);
        return ret;
    }
    if (str_eqc(name, "control_group"))
        raw->control_group = it;
    return 0; /* comment, mfa_methods: read over */
}

static int read_raw(struct reader *r, const struct hcl_block *blk, struct raw_rule *raw)
{
    static const char *const names[] = {"comment",           "policy",
                                        "capabilities",      "allowed_parameters",
                                        "denied_parameters", "required_parameters",
                                        "min_wrapping_ttl",  "max_wrapping_ttl",
                                        "mfa_methods",       "control_group"};
    int ret;

    *raw = (struct raw_rule){.path = blk->n_labels ? arena_cstr(r->a, blk->labels[0].text)
                                                   : "path"};
    ret = check_keys(r, blk->body, raw->path, names, ARRAY_LEN(names));
    for (size_t i = 0; ret == 0 && i < blk->body->items.len; i++)
        ret = read_item(r, &blk->body->items.at[i], raw);
    return ret;
}

/* ---- what it means ---------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned cap;
} capabilities[] = {
    {"create", CAP_CREATE}, {"delete", CAP_DELETE}, {"deny", CAP_DENY},
    {"list", CAP_LIST},     {"patch", CAP_PATCH},   {"read", CAP_READ},
    {"root", CAP_ROOT},     {"sudo", CAP_SUDO},     {"update", CAP_UPDATE},
};

void capability_names(unsigned caps, struct arena *a, struct strlist *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
        if (caps & capabilities[i].cap)
            list_push(a, ret, capabilities[i].name);
}

/* 0: no such capability, or one that no policy can grant. */
static unsigned capability_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(capabilities); i++)
        if (strcmp(capabilities[i].name, name) == 0)
            return capabilities[i].cap & ~CAP_ROOT;
    return 0;
}

static int add_old_policy(struct reader *r, const struct raw_rule *raw, unsigned *caps)
{
    static const unsigned write = CAP_CREATE | CAP_READ | CAP_UPDATE | CAP_DELETE | CAP_LIST;
    static const struct {
        const char *name;
        unsigned caps;
    } forms[] = {
        {"", 0},          {"deny", CAP_DENY},         {"read", CAP_READ | CAP_LIST},
        {"write", write}, {"sudo", write | CAP_SUDO},
    };

    for (size_t i = 0; raw->policy && i < ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].name, raw->policy) == 0) {
            *caps |= forms[i].caps;
            return 0;
        }
    }
    return raw->policy ? err_set(r->e, ERR_INVALID, "path \"%s\": invalid policy \"%s\"",
                                 raw->path, raw->policy)
                       : 0;
}

/* A deny ends the list: nothing else counts. */
static int add_capabilities(struct reader *r, const struct raw_rule *raw, unsigned *caps)
{
    for (size_t i = 0; i < raw->caps.len && !(*caps & CAP_DENY); i++) {
        unsigned cap = capability_of(raw->caps.at[i]);

        if (!cap)
            return err_set(r->e, ERR_INVALID, "path \"%s\": invalid capability \"%s\"",
                           raw->path, raw->caps.at[i]);
        *caps |= cap;
    }
    if (*caps & CAP_DENY)
        *caps = CAP_DENY;
    return 0;
}

static int read_wrap_ttl(struct reader *r, const struct json *v, const char *name,
                         int64_t *ret_s)
{
    struct err why = ERR_INIT;

    if (!v)
        return 0;
    if (ttl_from_json(v, ret_s, &why) < 0)
        return err_set(r->e, ERR_INVALID, "error parsing %s: %s", name, why.msg);
    if (*ret_s < 0)
        return err_set(r->e, ERR_INVALID, "%s must not be negative", name);
    return 0;
}

static int read_wrap_window(struct reader *r, const struct raw_rule *raw,
                            struct policy_rule *rule)
{
    int ret = read_wrap_ttl(r, raw->min_wrap, "min_wrapping_ttl", &rule->min_wrap_s);

    if (ret == 0)
        ret = read_wrap_ttl(r, raw->max_wrap, "max_wrapping_ttl", &rule->max_wrap_s);
    if (ret == 0 && rule->max_wrap_s != 0 && rule->max_wrap_s < rule->min_wrap_s)
        return err_set(r->e, ERR_INVALID,
                       "max_wrapping_ttl cannot be less than min_wrapping_ttl");
    return ret;
}

/* Does anything stand in this block, or in one inside it? HCL bounds the depth. */
static bool has_attribute(const struct hcl_body *b)
{
    for (size_t i = 0; i < b->items.len; i++)
        if (b->items.at[i].attr || has_attribute(b->items.at[i].block->body))
            return true;
    return false;
}

static int check_control_group(struct reader *r, const struct hcl_item *it)
{
    const struct hcl_body *b = NULL;

    if (!it)
        return 0;
    if (it->block)
        b = it->block->body;
    else if (it->attr->expr->kind == HCL_OBJECT)
        b = it->attr->expr->body;
    for (size_t i = 0; b && i < b->items.len; i++) {
        const struct hcl_item *in = &b->items.at[i];

        if (str_eqc(item_name(in), "factor") && (in->attr || has_attribute(in->block->body)))
            return 0;
    }
    return err_set(r->e, ERR_INVALID, "no control_group factor provided");
}

static int check_path(struct reader *r, struct str path)
{
    if (str_has(path, STR("+*")))
        return err_set(r->e, ERR_INVALID,
                       "path \"%.*s\": invalid use of wildcards ('+*' is forbidden)",
                       STR_ARG(path));
    return 0;
}

static int make_rule(struct reader *r, const struct raw_rule *raw, struct policy_rule *rule)
{
    struct str path = str_of(raw->path);
    int ret = check_path(r, path);

    if (str_starts(path, STR("/")))
        path = str_from(path, 1);
    rule->prefix = str_ends(path, STR("*"));
    rule->path = rule->prefix ? str_upto(path, path.len - 1) : path;
    rule->allowed = raw->allowed;
    rule->denied = raw->denied;
    for (size_t i = 0; i < raw->required.len; i++)
        list_push(r->a, &rule->required, lower(r->a, str_of(raw->required.at[i])).p);
    if (ret == 0)
        ret = add_old_policy(r, raw, &rule->caps);
    if (ret == 0)
        ret = add_capabilities(r, raw, &rule->caps);
    if (ret == 0)
        ret = read_wrap_window(r, raw, rule);
    return ret < 0 ? ret : check_control_group(r, raw->control_group);
}

/* ---- the whole -------------------------------------------------------------------------- */

static int read_paths(struct reader *r, const struct hcl_body *body, struct policy *p)
{
    struct hcl_diags d = {.arena = r->a, .dialect = HCL1};
    struct hcl_blocks blocks;
    int ret = 0;

    hcl_blocks(body, "path", 1, "path", r->a, &d, &blocks);
    if (d.list.len)
        return hcl_diags_to_err(&d, r->e);
    if (blocks.len > POLICY_PATHS_MAX)
        return err_set(r->e, ERR_TOOBIG, "a policy may have at most %d paths, this one has %zu",
                       POLICY_PATHS_MAX, blocks.len);
    for (size_t i = 0; ret == 0 && i < blocks.len; i++) {
        struct raw_rule raw;

        ret = read_raw(r, blocks.at[i], &raw);
        if (ret == 0)
            ret = make_rule(r, &raw, list_add(r->a, &p->rules));
    }
    return ret;
}

static int check_templates(struct reader *r, const struct policy *p)
{
    for (size_t i = 0; i < p->rules.len; i++)
        if (!policy_template_is_balanced(p->rules.at[i].path))
            return err_set(r->e, ERR_INVALID,
                           "failed to validate policy templating: unbalanced templating "
                           "characters");
    return 0;
}

int policy_parse(struct str text, struct arena *a, struct policy **ret, struct err *e)
{
    static const char *const names[] = {"name", "path"};
    struct hcl_diags d = {.arena = a, .dialect = HCL1};
    struct reader r = {a, e};
    struct policy *p = arena_new_of(a, struct policy);
    struct hcl_body *body;
    int code;

    if (text.len > POLICY_TEXT_MAX)
        return err_set(e, ERR_TOOBIG, "a policy may have at most %d bytes", POLICY_TEXT_MAX);
    code = hcl_parse(text, "policy", HCL1, a, &body, &d);
    if (code < 0)
        return err_set(e, code, "%s", hcl_diags_text(a, &d));
    code = check_keys(&r, body, NULL, names, ARRAY_LEN(names));
    if (code == 0)
        code = read_paths(&r, body, p);
    if (code == 0)
        code = check_templates(&r, p);
    if (code == 0)
        *ret = p;
    return code;
}
