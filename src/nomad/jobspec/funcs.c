#include <pthread.h>

#include "base/err.h"
#include "nomad/jobspec/jobspec_priv.h"

/* convert(value, type): the type is no value, so it comes as the expression it is. */
static struct json *fn_convert(const struct hcl_func_call *c)
{
    const struct json *v = hcl_call_eval(c, 0), *r;
    const struct var_type *t = type_parse(c->expr->items[1], c->arena, c->diags);
    const char *why = "";

    if (!v || !t)
        return NULL;
    if (!hcl_call_spend(c, 1, sizeof *v))
        return NULL;
    r = type_convert(v, t, c->arena, &why);
    return r ? hcl_result(c, *r) : hcl_arg_invalid(c, 0, "%s", why);
}

static struct map tables[2]; /* without and with files */

static void make_tables(void)
{
    static const struct hcl_function rows[] = {
        {"convert", fn_convert, {{"value", HCL_ANY}, {"type", HCL_ANY}}, .raw = true},
    };

    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        hcl_funcs_add(&tables[i]);
        hcl_funcs_add_rows(&tables[i], rows, ARRAY_LEN(rows));
        jobspec_hash_funcs(&tables[i]);
        jobspec_file_funcs(&tables[i], i == 1);
    }
}

const struct map *jobspec_funcs(bool files)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_tables);
    return &tables[files];
}
