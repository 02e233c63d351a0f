#include "cli/nomad/diff.h"

#include <string.h>

#include "base/str.h"
#include "cli/common/text.h"

enum { NEST_MAX = 32 };

struct widths {
    size_t name, marker;
};

struct printer {
    struct cli_call *c;
    struct buf *to;
    bool verbose;
};

static const char *marker_of(const struct json *x)
{
    static const struct {
        const char *type, *marker;
    } markers[] = {{"Added", "+ "}, {"Deleted", "- "}, {"Edited", "+/- "}};
    const struct json *type = at(x, "Type");

    for (size_t i = 0; type && i < ARRAY_LEN(markers); i++)
        if (str_eqc(type->text, markers[i].type))
            return markers[i].marker;
    return "";
}

static bool is_type(const struct json *x, const char *name)
{
    const struct json *type = at(x, "Type");

    return type && str_eqc(type->text, name);
}

static void blanks(struct printer *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_putc(p->to, ' ');
}

static void quoted(struct printer *p, const struct json *text)
{
    static const struct json empty = {.type = JSON_STRING};

    json_print(p->to, json_is(text, JSON_STRING) ? text : &empty, NULL);
}

static void widen(size_t *width, const char *marker)
{
    size_t len = strlen(marker);

    if (len > *width)
        *width = len;
}

static struct widths widths_of(const struct json *x)
{
    static const char *const kinds[] = {"Fields", "Objects"};
    struct widths w = {0};

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        const struct json *list = at(x, kinds[k]);

        for (size_t i = 0; i < count_of(list); i++)
            widen(&w.marker, marker_of(&list->items[i]));
    }
    for (size_t i = 0; i < count_of(at(x, "Fields")); i++) {
        const struct json *name = at(&at(x, "Fields")->items[i], "Name");

        if (name && name->text.len > w.name)
            w.name = name->text.len;
    }
    return w;
}

static void annotations(struct printer *p, const struct json *x)
{
    const struct json *list = at(x, "Annotations");

    if (count_of(list) == 0)
        return;
    buf_puts(p->to, " (");
    for (uint32_t i = 0; i < list->len; i++) {
        buf_puts(p->to, i ? ", " : "");
        buf_put_str(p->to, list->items[i].text);
    }
    buf_puts(p->to, ")");
}

static void field(struct printer *p, const struct json *f, size_t indent,
                  const struct widths *w)
{
    const char *marker = marker_of(f), *name = text_at(p->c, f, "Name");
    size_t len = strlen(name);

    blanks(p, indent);
    buf_puts(p->to, marker);
    blanks(p, w->marker > strlen(marker) ? w->marker - strlen(marker) : 0);
    buf_printf(p->to, "%s: ", name);
    blanks(p, w->name > len ? w->name - len : 0);
    if (is_type(f, "Deleted")) {
        quoted(p, at(f, "Old"));
    } else if (is_type(f, "Edited")) {
        quoted(p, at(f, "Old"));
        buf_puts(p->to, " => ");
        quoted(p, at(f, "New"));
    } else {
        quoted(p, at(f, "New"));
    }
    annotations(p, f);
    buf_putc(p->to, '\n');
}

static void members(struct printer *p, const struct json *x, size_t indent, struct widths w,
                    int depth);

static void object(struct printer *p, const struct json *x, size_t indent, size_t widest,
                   int depth)
{
    const char *marker = marker_of(x);
    size_t own = strlen(marker), pad = widest > own ? widest - own : 0;

    blanks(p, indent);
    buf_puts(p->to, marker);
    blanks(p, pad);
    buf_printf(p->to, "%s {\n", text_at(p->c, x, "Name"));
    members(p, x, indent + pad + 2, widths_of(x), depth + 1);
    blanks(p, indent + own + pad);
    buf_puts(p->to, "}\n");
}

static void members(struct printer *p, const struct json *x, size_t indent, struct widths w,
                    int depth)
{
    const struct json *fields = at(x, "Fields"), *objects = at(x, "Objects");

    if (depth > NEST_MAX)
        return;
    for (size_t i = 0; i < count_of(fields); i++)
        field(p, &fields->items[i], indent, &w);
    for (size_t i = 0; i < count_of(objects); i++)
        object(p, &objects->items[i], indent, w.marker, depth);
}

/* Members are worth their lines when something was edited; what is new or gone is named. */
static bool shows_members(const struct printer *p, const struct json *x)
{
    return is_type(x, "Edited") || (p->verbose && !is_type(x, "None"));
}

static void head(struct printer *p, const struct json *x, const char *what, const char *name,
                 size_t indent, size_t widest)
{
    const char *marker = marker_of(x);
    size_t own = strlen(marker);

    blanks(p, indent);
    buf_puts(p->to, marker);
    blanks(p, widest > own ? widest - own : 0);
    buf_printf(p->to, "%s: ", what);
    quoted(p, at(x, name));
}

static void updates(struct printer *p, const struct json *group)
{
    const struct json *all = text_sorted(p->c->arena, at(group, "Updates"));

    for (size_t i = 0; i < count_of(all); i++)
        buf_printf(p->to, "%s%lld %.*s", i ? ", " : " (",
                   (long long)json_i64_or(&all->members[i].value, 0),
                   STR_ARG(all->members[i].key));
    if (count_of(all))
        buf_putc(p->to, ')');
}

static void group(struct printer *p, const struct json *g, size_t widest)
{
    const struct json *tasks = at(g, "Tasks");
    struct widths w = widths_of(g);

    head(p, g, "Task Group", "Name", 0, widest);
    updates(p, g);
    buf_putc(p->to, '\n');
    for (size_t i = 0; i < count_of(tasks); i++)
        widen(&w.marker, marker_of(&tasks->items[i]));
    if (shows_members(p, g))
        members(p, g, 2, w, 0);
    for (size_t i = 0; i < count_of(tasks); i++) {
        const struct json *task = &tasks->items[i];

        head(p, task, "Task", "Name", 2, w.marker);
        annotations(p, task);
        buf_putc(p->to, '\n');
        if (shows_members(p, task))
            members(p, task, 4, widths_of(task), 0);
    }
}

const char *job_diff_text(struct cli_call *c, const struct json *diff, bool verbose)
{
    auto_buf struct buf b = BUF_INIT(PRINT_MAX);
    struct printer p = {.c = c, .to = &b, .verbose = verbose};
    const struct json *groups = at(diff, "TaskGroups");
    struct widths w = widths_of(diff);

    head(&p, diff, "Job", "ID", 0, 0);
    buf_putc(&b, '\n');
    for (size_t i = 0; i < count_of(groups); i++)
        widen(&w.marker, marker_of(&groups->items[i]));
    if (shows_members(&p, diff))
        members(&p, diff, 0, w, 0);
    for (size_t i = 0; i < count_of(groups); i++) {
        if (i)
            buf_putc(&b, '\n');
        group(&p, &groups->items[i], w.marker);
    }
    return arena_cstr(c->arena, str_trim_chars(buf_str(&b), "\n"));
}
