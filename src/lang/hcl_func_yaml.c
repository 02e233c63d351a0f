/* yamlencode, yamldecode */
#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"
#include "lang/yaml.h"

/* As deep as yaml_parse and evaluation allow. */
static void tidy(struct json *v, struct arena *a)
{
    if (v->type == JSON_NUMBER && hcl_num_parse(v->text, a, &v->text) != HCL_NUM_OK)
        v->type = JSON_STRING;
    for (uint32_t i = 0; v->type >= JSON_ARRAY && i < v->len; i++)
        tidy(v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value, a);
    if (v->type == JSON_OBJECT)
        hcl_sort_members(v->members, &v->len);
}

static struct json *fn_yamlencode(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    struct json *v = json_copy(c->arena, c->args[0]);

    tidy(v, c->arena);
    yaml_print(&b, v);
    return hcl_call_text(c, &b);
}

static struct json *fn_yamldecode(const struct hcl_func_call *c)
{
    struct str s = c->args[0]->text;
    struct err e = ERR_INIT;
    struct json *v;
    int r;

    if (!hcl_call_spend(c, s.len / 4, s.len * 4))
        return NULL;
    r = yaml_parse(s, c->arena, &v, &e);
    if (r == ERR_TOOBIG) {
        hcl_call_spend(c, SIZE_MAX, 0);
        return NULL;
    }
    if (r < 0)
        return hcl_call_failed(c, "%s", e.msg);
    v = json_copy(c->arena, v);
    tidy(v, c->arena);
    return v;
}

void hcl_funcs_yaml(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"yamldecode", fn_yamldecode, {{"src", HCL_STRING}}},
        {"yamlencode", fn_yamlencode, {{"value", HCL_ANY, true}}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
