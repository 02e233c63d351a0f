/*
 * cli/common/text -- values and paragraphs as Go programs print them
 */
#ifndef CLI_COMMON_TEXT_H
#define CLI_COMMON_TEXT_H

#include "base/arena.h"
#include "base/buf.h"
#include "lang/json.h"

/* Go's %v of a JSON value: `a`, `12`, `<nil>`, `[a b]`, `map[k:v]` with sorted keys. NULL is
 * null. */
void text_go_value(struct buf *b, const struct json *v);
const char *text_go_cstr(struct arena *a, const struct json *v);
/* Go's %q of a list of strings: `["a" "b"]`, `[]` for anything else. */
const char *text_go_quoted(struct arena *a, const struct json *list);

/* Break at spaces so that no line is longer than `width` and the lines are as even as can be
 * (the squares of what is left of them add up to the least; the last one does not count). Words
 * are never broken, line ends stay. Each line but the first begins with `indent`, which counts.
 */
char *text_wrap(struct arena *a, const char *text, size_t width, const char *indent);

/* A deep copy whose objects have their keys in order. */
struct json *text_sorted(struct arena *a, const struct json *v);

#endif
