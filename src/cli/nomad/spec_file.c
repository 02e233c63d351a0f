#include "cli/nomad/spec_file.h"

#include <string.h>

#include "base/str.h"
#include "cli/common/input.h"
#include "lang/hcl.h"

enum { SPEC_DEPTH_MAX = 4 };

struct reader {
    struct cli_call *c;
    struct hcl_diags *diags;
};

static const struct spec_name *find_name(const struct spec_name *names, struct str hcl)
{
    for (; names && names->hcl; names++)
        if (str_eqc(hcl, names->hcl))
            return names;
    return NULL;
}

static void set(struct reader *r, struct json *to, const struct spec_name *names,
                struct str key, struct hcl_range at_, const struct json *value)
{
    const struct spec_name *n = find_name(names, key);

    if (names && !n) {
        hcl_diag_add(r->diags, at_, "Unsupported argument",
                     "An argument named \"%.*s\" is not expected here.", STR_ARG(key));
        return;
    }
    if (value)
        json_set(r->c->arena, to, n ? str_of(n->api) : key, *value);
}

static struct json *body_to_json(struct reader *r, const struct hcl_body *b,
                                 const struct spec_name *names, int depth)
{
    static const struct hcl_eval_ctx empty = {0};
    struct json *to = json_new_object(r->c->arena);

    list_each (&b->items, item) {
        if (item->attr) {
            set(r, to, names, item->attr->name, item->attr->name_at,
                hcl_eval(item->attr->expr, &empty, r->c->arena, r->diags));
        } else if (depth < SPEC_DEPTH_MAX && item->block->n_labels == 0) {
            const struct spec_name *n = find_name(names, item->block->type);

            set(r, to, names, item->block->type, item->block->type_at,
                body_to_json(r, item->block->body, n ? n->block : NULL, depth + 1));
        } else {
            hcl_diag_add(r->diags, item->block->type_at, "Unsupported block type",
                         "Blocks of type \"%.*s\" are not expected here.",
                         STR_ARG(item->block->type));
        }
    }
    return to;
}

static struct json *labelled(struct reader *r, const struct hcl_body *b, const char *label,
                             const struct spec_name *names)
{
    size_t i = 0;
    const struct hcl_block *block = hcl_next_block(b, label, &i);
    struct json *to;

    if (!block || block->n_labels != 1) {
        hcl_diag_add(r->diags, b->at, pathf(r->c, "Missing %s block", label),
                     "The file must hold one block %s \"<name>\" { ... }.", label);
        return NULL;
    }
    to = body_to_json(r, block->body, names, 0);
    json_set(r->c->arena, to, STR("Name"), json_of_str(block->labels[0].text));
    return to;
}

static int read_hcl(struct cli_call *c, struct str text, const char *path, const char *label,
                    const struct spec_name *names, struct json **ret)
{
    struct hcl_diags diags = {.arena = c->arena, .dialect = HCL2};
    struct reader r = {c, &diags};
    struct hcl_body *body = NULL;

    if (hcl_parse(text, path, HCL2, c->arena, &body, &diags) == 0)
        *ret = label ? labelled(&r, body, label, names) : body_to_json(&r, body, names, 0);
    if (diags.list.len)
        return cli_fail(NOMAD_EXIT_FAILED, "Error parsing input content: %s",
                        hcl_diags_text(c->arena, &diags));
    return CLI_EXIT_OK;
}

int spec_file_read(struct cli_call *c, const char *path, bool json, const char *label,
                   const struct spec_name *names, struct json **ret)
{
    struct err e = ERR_INIT;
    struct str text;

    *ret = NULL;
    if (input_file_or_stdin(c->arena, path, &text, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading input data: %s", e.msg);
    if (!json)
        return read_hcl(c, text, path, label, names, ret);
    if (json_parse(text, &json_limits_file, 0, c->arena, ret, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error parsing input content: %s", e.msg);
    if (!json_is(*ret, JSON_OBJECT))
        return cli_fail(NOMAD_EXIT_FAILED, "Error parsing input content: it is no object");
    return CLI_EXIT_OK;
}
