/*
 * snippet -- the lines of a file that diagnostics are about, as people look for them
 *
 *       3 |   bogus = 1
 *         |   ^^^^^
 */
#ifndef CLI_NOMAD_SNIPPET_H
#define CLI_NOMAD_SNIPPET_H

#include "lang/hcl.h"

enum {
    SNIPPETS_MAX = 5,       /* lines shown of one file */
    SNIPPET_LINE_MAX = 160, /* characters of a line */
};

/* One snippet per line of `text` (which diagnostics call `file`), in their order; "" when none
 * has its place there. What a terminal would act on is shown as "?". */
const char *snippets_text(struct arena *a, const struct hcl_diags *d, const char *file,
                          struct str text);

#endif
