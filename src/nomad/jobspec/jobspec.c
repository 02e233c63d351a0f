#include "nomad/jobspec/jobspec.h"

#include "base/err.h"
#include "nomad/jobspec/jobspec_priv.h"

static const struct jobspec_opts no_opts;

/*
 * Names
 */

static bool is_among(const char *const *names, struct str name)
{
    for (; names && *names; names++)
        if (str_eqc(name, *names))
            return true;
    return false;
}

static const char *nearest(struct jobspec *js, const char *const *names, struct str name)
{
    for (; names && *names; names++)
        if (str_distance(name, str_of(*names), 2) <= 2)
            return arena_printf(js->arena, " Did you mean \"%s\"?", *names);
    return "";
}

static void unknown_argument(struct jobspec *js, const struct hcl_attr *attr,
                             const char *const *arguments, const char *const *blocks)
{
    const char *hint = nearest(js, arguments, attr->name);

    if (!*hint && is_among(blocks, attr->name))
        hint = arena_printf(js->arena, " Did you mean to define a block of type \"%.*s\"?",
                            STR_ARG(attr->name));
    hcl_diag_add(js->diags, attr->name_at, "Unsupported argument",
                 "An argument named \"%.*s\" is not expected here.%s", STR_ARG(attr->name),
                 hint);
}

void jobspec_only(struct jobspec *js, const struct hcl_body *b, const char *const *arguments,
                  const char *const *blocks)
{
    list_each (&b->items, it) {
        if (it->block) {
            if (!is_among(blocks, it->block->type))
                hcl_diag_add(js->diags, it->block->type_at, "Unsupported block type",
                             "Blocks of type \"%.*s\" are not expected here.%s",
                             STR_ARG(it->block->type), nearest(js, blocks, it->block->type));
        } else if (b->loose) {
            if (!is_among(arguments, it->attr->name) && !is_among(blocks, it->attr->name) &&
                !str_eqc(it->attr->name, "//"))
                hcl_diag_add(js->diags, it->attr->name_at, "Extraneous JSON object property",
                             "No argument or block type is named \"%.*s\".%s",
                             STR_ARG(it->attr->name), nearest(js, blocks, it->attr->name));
        } else if (!is_among(arguments, it->attr->name)) {
            unknown_argument(js, it->attr, arguments, blocks);
        }
    }
}

/* `job` and `variable` have a name, the others none. */
static void check_root_labels(struct jobspec *js, const struct hcl_block *b)
{
    bool named = str_eqc(b->type, "job") || str_eqc(b->type, "variable");
    const char *type = arena_cstr(js->arena, b->type);

    if (named && b->n_labels == 0)
        hcl_diag_add(js->diags, b->brace_at,
                     arena_printf(js->arena, "Missing name for %s", type),
                     "All %s blocks must have 1 labels (name).", type);
    else if (b->n_labels > named)
        hcl_diag_add(js->diags, b->labels[named].at,
                     arena_printf(js->arena, "Extraneous label for %s", type),
                     named ? "Only 1 labels (name) are expected for %s blocks."
                           : "No labels are expected for %s blocks.",
                     type);
}

static bool check_root(struct jobspec *js)
{
    static const char *const blocks[] = {"job", "variable", "variables", "locals", NULL};
    size_t before = js->diags->list.len;

    jobspec_only(js, js->root, NULL, blocks);
    list_each (&js->root->items, it)
        if (it->block && is_among(blocks, it->block->type))
            check_root_labels(js, it->block);
    return js->diags->list.len == before;
}

/*
 * What decoding cannot see: the place of a scaling policy's name, what is required of it.
 */

static void check_scaling(struct jobspec *js, const struct hcl_block *b, bool of_task)
{
    if (of_task && b->n_labels == 1 && !str_eqc(b->labels[0].text, "cpu") &&
        !str_eqc(b->labels[0].text, "mem"))
        hcl_diag_add(js->diags, b->labels[0].at, "Invalid scaling policy name",
                     "scaling policy name must be \"cpu\" or \"mem\"");
    if (!hcl_attr(b->body, "max"))
        hcl_diag_add(js->diags, b->body->end_at, "Missing required argument",
                     "The argument \"max\" is required, but no definition was found.");
}

static void check_scalings(struct jobspec *js, const struct hcl_body *b, bool of_task)
{
    struct hcl_blocks found;

    hcl_blocks(b, "scaling", of_task ? 1 : 0, "name", js->arena, js->diags, &found);
    for (size_t i = 0; i < found.len; i++)
        check_scaling(js, found.at[i], of_task);
}

static void check_tasks(struct jobspec *js, const struct hcl_body *b)
{
    struct hcl_blocks tasks;

    hcl_blocks(b, "task", 1, "name", js->arena, js->diags, &tasks);
    for (size_t i = 0; i < tasks.len; i++)
        check_scalings(js, tasks.at[i]->body, true);
}

void jobspec_check(struct jobspec *js, const struct hcl_body *job)
{
    struct hcl_diags unheard = {.arena = js->arena, .dialect = HCL2};
    struct hcl_blocks groups;

    check_tasks(js, job);
    hcl_blocks(job, "group", 1, "name", js->arena, &unheard, &groups);
    for (size_t i = 0; i < groups.len; i++) {
        check_scalings(js, groups.at[i]->body, false);
        check_tasks(js, groups.at[i]->body);
    }
}

/*
 * The job
 */

static const struct hcl_block *find_job(struct jobspec *js)
{
    struct hcl_blocks found;

    hcl_blocks(js->root, "job", 1, "name", js->arena, js->diags, &found);
    if (js->diags->list.len > 0)
        return NULL;
    if (found.len == 0)
        hcl_diag_add(js->diags, (struct hcl_range){0}, "Missing job block",
                     "A job block is required");
    for (size_t i = 1; i < found.len; i++)
        hcl_diag_add(
            js->diags, found.at[i]->open_at, "Duplicate job block",
            "Only one block of type \"job\" is allowed. Previous definition was at %s.",
            hcl_range_text(js->arena, found.at[0]->open_at));
    return found.len == 1 ? found.at[0] : NULL;
}

static struct job *decode_job(struct jobspec *js, const struct hcl_block *b)
{
    struct job *j = arena_new_of(js->arena, struct job);
    const char *label = arena_cstr(js->arena, b->labels[0].text);

    schema_decode_hcl(&job_schema, b->body, &js->ctx, js->arena, j, js->diags);
    if (!j->id || !*j->id)
        j->id = label;
    if (!j->name || !*j->name)
        j->name = label;
    if (js->diags->list.len > 0)
        return NULL;
    jobspec_check(js, b->body);
    return js->diags->list.len > 0 ? NULL : j;
}

static struct job *read_all(struct jobspec *js)
{
    const struct hcl_block *b;
    struct job *j;

    if (!check_root(js) || !jobspec_read_variables(js))
        return NULL;
    json_set(js->arena, js->ctx.vars, STR("var"), *js->var);
    json_set(js->arena, js->ctx.vars, STR("local"), *js->local);
    if (!jobspec_read_locals(js))
        return NULL;
    b = find_job(js);
    j = b ? decode_job(js, b) : NULL;
    if (j)
        jobspec_fold(j, js->arena);
    return j;
}

int jobspec_parse(struct str text, const char *file, const struct jobspec_opts *opts,
                  struct arena *a, struct job **ret, struct hcl_diags *d)
{
    struct jobspec js = {
        .opts = opts ? opts : &no_opts,
        .arena = a,
        .diags = d,
        .budget = {HCL_EVAL_STEPS_MAX, HCL_EVAL_BYTES_MAX},
        .var = json_new_object(a),
        .local = json_new_object(a),
    };
    struct hcl_body *root;
    struct job *j;
    int r = hcl_parse(text, file, HCL2, a, &root, d);

    if (r < 0)
        return r;
    js.root = root;
    js.ctx = (struct hcl_eval_ctx){
        .vars = json_new_object(a),
        .funcs = jobspec_funcs(js.opts->files),
        .flags = HCL_EVAL_RUNTIME,
        .budget = &js.budget,
    };
    j = read_all(&js);
    if (!j)
        return ERR_INVALID;
    *ret = j;
    return 0;
}
