#include "base/err.h"
#include "nomad/jobspec/jobspec_priv.h"

static const struct hcl_range nowhere = {0};
/* A value that stands in no file. */
static const struct hcl_range in_arguments = {.file = ""};

struct validation {
    const struct hcl_expr *condition;
    struct str message;
    struct hcl_range at;
};

struct variable {
    struct str name;
    const struct var_type *type;
    const struct json *value; /* NULL: unset */
    struct hcl_range value_at;
    const char *source; /* of the value: "default" "env" "varfile" "cmd" */
    LIST(struct validation) validations;
};

struct variables {
    struct jobspec *js;
    LIST(struct variable) list;
    struct map by_name;        /* place in the list, plus one */
    struct hcl_diags warnings; /* said only if something else is wrong */
};

static const struct var_type any_type = {.kind = TYPE_ANY};

static struct variable *find(struct variables *vs, struct str name)
{
    size_t i = (size_t)map_get(&vs->by_name, name);

    return i ? &vs->list.at[i - 1] : NULL;
}

/* NULL: said. */
static struct variable *declare(struct variables *vs, struct str name)
{
    struct jobspec *js = vs->js;
    struct variable *v;

    if (find(vs, name)) {
        hcl_diag_add(js->diags, nowhere, "Duplicate variable",
                     "Duplicate a variable definition found.");
        return NULL;
    }
    if (vs->list.len >= JOBSPEC_VARIABLES_MAX) {
        hcl_diag_add(js->diags, nowhere, "Too many variables",
                     "At most %d variables may be declared.", JOBSPEC_VARIABLES_MAX);
        return NULL;
    }
    v = list_add(js->arena, &vs->list);
    *v = (struct variable){.name = name, .type = &any_type};
    map_put(&vs->by_name, name, (void *)vs->list.len);
    return v;
}

static void set_value(struct variable *v, const struct json *value, struct hcl_range at,
                      const char *source)
{
    v->value = value;
    v->value_at = at;
    v->source = source;
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

        if (!letter && c != '_' && !(c & 0x80) &&
            (i == 0 || !(c == '-' || (c >= '0' && c <= '9'))))
            return false;
    }
    return s.len > 0;
}

/*
 * Declarations
 */

/* Constants only. NULL: said. */
static const struct json *constant(struct jobspec *js, const struct hcl_expr *x)
{
    struct hcl_eval_ctx ctx = {.budget = &js->budget};

    return hcl_eval(x, &ctx, js->arena, js->diags);
}

static void read_default(struct jobspec *js, struct variable *v, const struct hcl_attr *attr)
{
    const struct json *value = constant(js, attr->expr), *converted;
    const char *why = "";

    if (!value)
        return;
    converted = type_convert(value, v->type, js->arena, &why);
    if (converted)
        set_value(v, converted, attr->expr->start_at, "default");
    else
        hcl_diag_add(
            js->diags, attr->expr->at, "Invalid default value for variable",
            "This default value is not compatible with the variable's type constraint: "
            "%s.",
            why);
}

static void read_validation(struct jobspec *js, struct variable *v, const struct hcl_block *b)
{
    static const char *const arguments[] = {"condition", "error_message", NULL};
    const struct hcl_attr *condition = hcl_attr(b->body, "condition");
    const struct hcl_attr *message = hcl_attr(b->body, "error_message");
    struct validation *val;

    jobspec_only(js, b->body, arguments, NULL);
    if (!condition || !message) {
        hcl_diag_add(js->diags, b->body->end_at, "Missing required argument",
                     "The argument \"%s\" is required, but no definition was found.",
                     condition ? "error_message" : "condition");
        return;
    }
    if (message->expr->kind != HCL_LITERAL || message->expr->value->type != JSON_STRING) {
        hcl_diag_add(js->diags, message->expr->at, "Invalid validation error message",
                     "The error message must be a plain string.");
        return;
    }
    val = list_add(js->arena, &v->validations);
    *val = (struct validation){condition->expr, message->expr->value->text, b->type_at};
}

static void read_variable(struct variables *vs, const struct hcl_block *b)
{
    static const char *const arguments[] = {"type", "default", "description", NULL};
    static const char *const blocks[] = {"validation", NULL};
    struct jobspec *js = vs->js;
    const struct hcl_attr *type = hcl_attr(b->body, "type"),
                          *def = hcl_attr(b->body, "default");
    const struct var_type *t = type ? type_parse(type->expr, js->arena, js->diags) : &any_type;
    struct hcl_blocks validations;
    struct variable *v;

    if (!t)
        return; /* not declared, so that its values are not found */
    v = declare(vs, b->labels[0].text);
    if (!v)
        return;
    jobspec_only(js, b->body, arguments, blocks);
    if (!is_name(v->name))
        hcl_diag_add(js->diags, b->labels[0].at, "Invalid variable name",
                     "A name must start with a letter or underscore and may contain only "
                     "letters, digits, underscores, and dashes.");
    v->type = t;
    if (def)
        read_default(js, v, def);
    hcl_blocks(b->body, "validation", 0, "", js->arena, js->diags, &validations);
    for (size_t i = 0; i < validations.len; i++)
        read_validation(js, v, validations.at[i]);
}

/* variables { a = 1 }: names and defaults, nothing else. */
static void read_short_form(struct variables *vs, const struct hcl_block *b)
{
    static const char *const none[] = {NULL};

    list_each (&b->body->items, it) {
        struct variable *v = it->attr ? declare(vs, it->attr->name) : NULL;

        if (v)
            read_default(vs->js, v, it->attr);
        else if (!it->attr)
            jobspec_only(vs->js, b->body, none, none);
    }
}

static void read_declarations(struct variables *vs)
{
    struct jobspec *js = vs->js;
    struct hcl_blocks found;

    hcl_blocks(js->root, "variable", 1, "name", js->arena, js->diags, &found);
    for (size_t i = 0; i < found.len; i++)
        if (found.at[i]->n_labels == 1)
            read_variable(vs, found.at[i]);
    hcl_blocks(js->root, "variables", 0, "", js->arena, js->diags, &found);
    for (size_t i = 0; i < found.len; i++)
        read_short_form(vs, found.at[i]);
}

/*
 * Values
 */

static void give(struct variables *vs, struct variable *v, const struct hcl_attr *attr)
{
    struct jobspec *js = vs->js;
    const struct json *value = constant(js, attr->expr), *converted;
    const char *why = "";

    if (!value)
        return;
    converted = type_convert(value, v->type, js->arena, &why);
    if (converted)
        set_value(v, converted, attr->expr->start_at, "varfile");
    else
        hcl_diag_add(
            js->diags, attr->expr->at, "Invalid value for variable",
            "The value for %.*s is not compatible with the variable's type constraint: "
            "%s.",
            STR_ARG(v->name), why);
}

static void read_file(struct variables *vs, struct str text, const char *name, const char *what,
                      bool strict)
{
    struct jobspec *js = vs->js;
    struct hcl_body *b;

    if (hcl_parse(text, name, HCL2, js->arena, &b, js->diags) < 0) {
        js->diags->prefix = what;
        return;
    }
    list_each (&b->items, it) {
        struct variable *v = it->attr ? find(vs, it->attr->name) : NULL;

        if (v)
            give(vs, v, it->attr);
        else if (!it->attr)
            hcl_diag_add(js->diags, it->block->type_at, "Unexpected block",
                         "A file of variables has arguments only.");
        else
            hcl_diag_add(strict ? js->diags : &vs->warnings, nowhere, "Undefined variable",
                         "A \"%.*s\" variable was set but was not found in known variables. To "
                         "declare variable \"%.*s\", place this block in your job files",
                         STR_ARG(it->attr->name), STR_ARG(it->attr->name));
    }
}

/* A value from the command line or the environment: text, or an expression for what is more. */
static const struct json *read_text(struct jobspec *js, const struct variable *v,
                                    const char *text, const char **ret_why)
{
    struct hcl_diags d = {.arena = js->arena};
    struct json *literal = json_new_array(js->arena);
    const struct json *value = literal;
    struct hcl_body *b;

    *literal = json_of_str(str_of(text));
    if (v->type->kind != TYPE_ANY && !type_is_primitive(v->type)) {
        struct hcl_eval_ctx ctx = {.budget = &js->budget};
        char *line = arena_printf(js->arena, "v = %s\n", text);

        *ret_why = "it is not an expression of constants";
        if (hcl_parse(str_of(line), "", HCL2, js->arena, &b, &d) < 0 || !hcl_attr(b, "v"))
            return NULL;
        value = hcl_eval(hcl_attr(b, "v")->expr, &ctx, js->arena, &d);
    }
    return value ? type_convert(value, v->type, js->arena, ret_why) : NULL;
}

static void give_text(struct variables *vs, struct variable *v, const char *text,
                      const char *source)
{
    const char *why = "";
    const struct json *value = read_text(vs->js, v, text, &why);
    bool flag = *source == 'c';

    if (value)
        set_value(v, value, in_arguments, source);
    else
        hcl_diag_add(
            vs->js->diags, in_arguments,
            flag ? "Invalid argument value for -var variable"
                 : "Invalid value for environment variable",
            "The received %s value for %.*s is not compatible with the variable's type "
            "constraint: %s.",
            flag ? "arg" : "env", STR_ARG(v->name), why);
}

static void read_env(struct variables *vs)
{
    static const char prefix[] = "NOMAD_VAR_";
    const char *const *env = vs->js->opts->env;

    for (; env && *env; env++) {
        const char *name = *env + sizeof prefix - 1, *eq;
        struct variable *v;

        if (strncmp(*env, prefix, sizeof prefix - 1) != 0 || !(eq = strchr(name, '=')))
            continue;
        v = find(vs, str_n(name, (size_t)(eq - name)));
        if (v)
            give_text(vs, v, eq + 1, "env");
    }
}

static void read_flags(struct variables *vs)
{
    const struct jobspec_opts *o = vs->js->opts;

    for (size_t i = 0; i < o->n_var_flags; i++) {
        const char *name = o->var_flags[i].key;
        struct variable *v = find(vs, str_of(name));

        if (v)
            give_text(vs, v, o->var_flags[i].val, "cmd");
        else
            hcl_diag_add(
                vs->js->diags, nowhere, "Undefined -var variable",
                "A \"%s\" variable was passed in the command line but was not found in "
                "known variables. To declare variable \"%s\", place this block in your "
                "job file",
                name, name);
    }
}

static void read_values(struct variables *vs)
{
    const struct jobspec_opts *o = vs->js->opts;

    read_env(vs);
    if (o->vars.len > 0)
        read_file(vs, o->vars, "input.hcl", "unable to parse var content: ", false);
    for (size_t i = 0; i < o->n_var_files; i++)
        read_file(vs, o->var_files[i].text, o->var_files[i].name,
                  "unable to parse var file: ", !o->lenient);
    read_flags(vs);
}

/*
 * Checks
 */

static void validate(struct jobspec *js, const struct variable *v, const struct validation *val)
{
    struct json *root = json_new_object(js->arena), *var = json_new_object(js->arena);
    struct hcl_eval_ctx ctx = {.vars = root, .funcs = js->ctx.funcs, .budget = &js->budget};
    const struct json *r, *b;

    json_set(js->arena, var, v->name, *v->value);
    json_set(js->arena, root, STR("var"), *var);
    r = hcl_eval(val->condition, &ctx, js->arena, js->diags);
    if (!r)
        return;
    b = hcl_to_bool(r, js->arena);
    if (!b || b->type != JSON_BOOL)
        hcl_diag_add(js->diags, val->condition->at, "Invalid variable validation result",
                     "The condition of a validation must be true or false.");
    else if (!b->b)
        hcl_diag_add(js->diags, v->value_at,
                     arena_printf(js->arena, "Invalid value for %s variable", v->source),
                     "%.*s\n\nThis was checked by the validation rule at %s.",
                     STR_ARG(val->message), hcl_range_text(js->arena, val->at));
}

static void check_values(struct variables *vs)
{
    struct jobspec *js = vs->js;

    list_each (&vs->list, v) {
        if (!v->value) {
            hcl_diag_add(js->diags, nowhere,
                         arena_printf(js->arena, "Unset variable \"%.*s\"", STR_ARG(v->name)),
                         "A used variable must be set or have a default value; see "
                         "https://developer.hashicorp.com/nomad/docs/job-specification/hcl2/"
                         "variables for details.");
            continue;
        }
        list_each (&v->validations, val)
            validate(js, v, val);
        json_set(js->arena, js->var, v->name, *v->value);
    }
}

static bool explains_unset(const struct hcl_diags *d, size_t from)
{
    /* A default or value that could not be read leaves its variable unset: say the cause only.
     */
    for (size_t i = from; i < d->list.len; i++)
        if (!str_starts(str_of(d->list.at[i].summary), STR("Invalid variable name")))
            return true;
    return false;
}

bool jobspec_read_variables(struct jobspec *js)
{
    struct variables vs = {.js = js, .warnings = {.arena = js->arena, .dialect = HCL2}};
    size_t before = js->diags->list.len;

    read_declarations(&vs);
    read_values(&vs);
    if (!explains_unset(js->diags, before))
        check_values(&vs);
    map_done(&vs.by_name);
    if (js->diags->list.len == before)
        return true;
    list_each (&vs.warnings.list, w)
        hcl_diag_add(js->diags, w->at, w->summary, "%s", w->detail);
    return false;
}
