#include "base/err.h"
#include "nomad/jobspec/jobspec_priv.h"

/* `locals` may use each other in any order; each is computed when what it uses is there. */
struct local {
    const struct hcl_attr *attr;
    bool done;
};

struct locals {
    struct jobspec *js;
    LIST(struct local) list;
    struct map by_name; /* place in the list, plus one */
};

static void add_local(struct locals *ls, const struct hcl_attr *attr)
{
    size_t i = (size_t)map_get(&ls->by_name, attr->name);

    if (i == 0) {
        if (ls->list.len >= JOBSPEC_LOCALS_MAX) {
            hcl_diag_add(ls->js->diags, attr->name_at, "Too many locals",
                         "At most %d local values may be declared.", JOBSPEC_LOCALS_MAX);
            return;
        }
        list_add(ls->js->arena, &ls->list);
        i = ls->list.len;
        map_put(&ls->by_name, attr->name, (void *)i);
    }
    ls->list.at[i - 1].attr = attr; /* of the same name the last one stays */
}

static bool is_waiting(const struct locals *ls, struct str name)
{
    size_t i = (size_t)map_get(&ls->by_name, name);

    return i && !ls->list.at[i - 1].done;
}

/* Does the expression use a local that is not there yet? */
static bool waits(const struct locals *ls, const struct hcl_expr *x)
{
    if (!x)
        return false;
    if (x->kind == HCL_ATTR && x->items[0]->kind == HCL_VARIABLE &&
        str_eqc(x->items[0]->name, "local"))
        return is_waiting(ls, x->name);
    for (size_t i = 0; i < x->n_items; i++)
        if (waits(ls, x->items[i]) || (x->keys && waits(ls, x->keys[i])))
            return true;
    return x->for_ && (waits(ls, x->for_->in) || waits(ls, x->for_->key) ||
                       waits(ls, x->for_->val) || waits(ls, x->for_->cond));
}

static void compute(struct locals *ls, struct local *l)
{
    struct jobspec *js = ls->js;
    const struct json *v = hcl_eval(l->attr->expr, &js->ctx, js->arena, js->diags);

    l->done = true;
    if (v)
        json_set(js->arena, js->local, l->attr->name, *v);
    json_set(js->arena, js->ctx.vars, STR("local"), *js->local);
}

/* True: at least one more is there. `any`: also those that wait (for themselves). */
static bool compute_ready(struct locals *ls, bool any)
{
    bool progress = false;

    list_each (&ls->list, l) {
        if (l->done || (!any && waits(ls, l->attr->expr)))
            continue;
        compute(ls, l);
        progress = true;
    }
    return progress;
}

bool jobspec_read_locals(struct jobspec *js)
{
    struct locals ls = {.js = js};
    size_t before = js->diags->list.len;
    struct hcl_blocks found;

    hcl_blocks(js->root, "locals", 0, "", js->arena, js->diags, &found);
    for (size_t i = 0; i < found.len; i++) {
        list_each (&found.at[i]->body->items, it) {
            if (it->attr)
                add_local(&ls, it->attr);
            else
                hcl_diag_add(js->diags, it->block->type_at, "Unexpected block",
                             "Blocks are not allowed here.");
        }
    }
    while (compute_ready(&ls, false))
        ;
    compute_ready(&ls, true);
    map_done(&ls.by_name);
    return js->diags->list.len == before;
}
