/* The line of a shell, up to the cursor, as words. */
#ifndef CLI_COMMON_COMPLETE_LINE_H
#define CLI_COMMON_COMPLETE_LINE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

struct comp_line {
    struct arena *arena;
    LIST(char *) words;  /* without quotes; the last one is where the cursor is, may be "" */
    LIST(size_t) starts; /* where each begins in the text */
};

/* From COMP_LINE and COMP_POINT; assignments in front (A=b vault ...) are left out. False:
 * there is nothing to complete. */
bool comp_line_of_env(struct arena *a, struct comp_line *ret);
bool comp_line_split(struct arena *a, struct str text, struct comp_line *ret);
/* What of `text` the cursor is behind: `point` characters ("": all). */
struct str comp_line_cut(struct str text, const char *point);

#endif
