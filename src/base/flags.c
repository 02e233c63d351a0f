#include "base/flags.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const struct flag *find(const struct flag *flags, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eqc(name, flags[i].name))
            return &flags[i];
    return NULL;
}

static int push(struct flag_list *l, const char *value, const char *name, struct err *e)
{
    if (l->len == FLAG_LIST_MAX)
        return err_set(e, ERR_INVALID, "-%s given more than %d times", name, FLAG_LIST_MAX);
    l->at = reallocarray(l->at, l->len + 1, sizeof *l->at);
    if (!l->at)
        abort();
    l->at[l->len++] = value;
    return 0;
}

static int call(const struct flag *f, const char *value, struct err *e)
{
    const struct flag_call *c = f->to;
    int r = c->parse(c->arg, value, e);

    if (r < 0)
        return err_wrap(e, r, "invalid value \"%s\" for flag -%s", value, f->name);
    return 0;
}

static int set(const struct flag *f, const char *value, struct err *e)
{
    if (f->given)
        *f->given = true;
    switch (f->type) {
    case FLAG_BOOL:
        if (!str_to_bool(str_of(value), f->to))
            return err_set(e, ERR_INVALID, "invalid boolean value \"%s\" for -%s: parse error",
                           value, f->name);
        return 0;
    case FLAG_STR:
        *(const char **)f->to = value;
        return 0;
    case FLAG_INT:
        if (!str_to_i64(str_of(value), 0, f->to))
            return err_set(e, ERR_INVALID, "invalid value \"%s\" for flag -%s: parse error",
                           value, f->name);
        return 0;
    case FLAG_LIST:
        return push(f->to, value, f->name, e);
    case FLAG_CALL:
        return call(f, value, e);
    }
    return 0;
}

static int one(const struct flag *flags, size_t n, int *argc, char ***argv, struct err *e)
{
    char *text = (*argv)[0] + ((*argv)[0][1] == '-' ? 2 : 1);
    char *eq = strchr(text, '=');
    struct str name = str_n(text, eq ? (size_t)(eq - text) : strlen(text));
    const struct flag *f = find(flags, n, name);

    ++*argv;
    --*argc;
    if (!f)
        return err_set(e, ERR_INVALID, "flag provided but not defined: -%.*s", STR_ARG(name));
    if (eq)
        return set(f, eq + 1, e);
    if (f->type == FLAG_BOOL)
        return set(f, "true", e);
    if (*argc == 0)
        return err_set(e, ERR_INVALID, "flag needs an argument: -%s", f->name);
    ++*argv;
    --*argc;
    return set(f, (*argv)[-1], e);
}

int flags_parse(const struct flag *flags, size_t n, int *argc, char ***argv, struct err *e)
{
    while (*argc > 0 && (*argv)[0][0] == '-' && (*argv)[0][1] != '\0') {
        int r;

        if (strcmp((*argv)[0], "--") == 0) {
            ++*argv;
            --*argc;
            return 0;
        }
        r = one(flags, n, argc, argv, e);
        if (r < 0)
            return r;
    }
    return 0;
}

void flag_list_done(struct flag_list *l)
{
    free(l->at);
    *l = (struct flag_list){0};
}
