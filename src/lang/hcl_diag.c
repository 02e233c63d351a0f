#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "lang/hcl_priv.h"

void hcl_diag_add(struct hcl_diags *d, struct hcl_range at, const char *summary,
                  const char *detail_fmt, ...)
{
    struct hcl_diag *diag;
    va_list ap;

    if (d->list.len >= HCL_DIAGS_MAX)
        return;
    diag = list_add(d->arena, &d->list);
    diag->at = at;
    diag->summary = arena_strdup(d->arena, summary);
    va_start(ap, detail_fmt);
    diag->detail = arena_vprintf(d->arena, detail_fmt, ap);
    va_end(ap);
}

char *hcl_range_text(struct arena *a, struct hcl_range r)
{
    if (!r.file)
        return arena_strdup(a, "<nil>");
    if (r.start.line == r.end.line)
        return arena_printf(a, "%s:%u,%u-%u", r.file, r.start.line, r.start.col, r.end.col);
    return arena_printf(a, "%s:%u,%u-%u,%u", r.file, r.start.line, r.start.col, r.end.line,
                        r.end.col);
}

static char *diag_text(struct arena *a, enum hcl_dialect dialect, const struct hcl_diag *d)
{
    if (dialect == HCL1)
        return arena_printf(a, "At %u:%u: %s", d->at.start.line, d->at.start.col, d->summary);
    return arena_printf(a, "%s: %s; %s", hcl_range_text(a, d->at), d->summary, d->detail);
}

char *hcl_diags_text(struct arena *a, const struct hcl_diags *d)
{
    char *text;

    if (d->list.len == 0)
        return arena_strdup(a, "");
    text = arena_printf(a, "%s%s", d->prefix ? d->prefix : "",
                        diag_text(a, d->dialect, &d->list.at[0]));
    if (d->dialect == HCL1 || d->list.len == 1)
        return text;
    if (d->syntax)
        return arena_printf(a, "%s, and %zu other diagnostic(s)", text, d->list.len - 1);
    for (size_t i = 1; i < d->list.len; i++)
        text = arena_printf(a, "%s\n%s", text, diag_text(a, d->dialect, &d->list.at[i]));
    return text;
}

int hcl_diags_to_err(const struct hcl_diags *d, struct err *e)
{
    if (d->list.len == 0)
        return 0;
    return err_set(e, ERR_INVALID, "%s", hcl_diags_text(d->arena, d));
}
