/*
 * cli/common/print -- results as JSON or YAML
 *
 * JSON is indented by two blanks, with <, > and & escaped; members stay in the tree's order.
 * YAML has its keys sorted and quotes what would read back as something else than a string.
 */
#ifndef CLI_COMMON_PRINT_H
#define CLI_COMMON_PRINT_H

#include <stdio.h>

#include "base/buf.h"
#include "lang/json.h"

enum { PRINT_MAX = 256 << 20 };

enum output_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_YAML, FORMAT_PRETTY, FORMAT_RAW };

/* "table", "json", "yaml" or "yml", "pretty", "raw", in any case. False: none of them. */
bool format_parse(const char *name, enum output_format *ret);

void print_json(struct buf *b, const struct json *v); /* no line end behind it */
void print_yaml(struct buf *b, const struct json *v, struct arena *a); /* ends in '\n' */
/* To stdout, with a line end. `f` is FORMAT_JSON or FORMAT_YAML. */
void print_value(const struct json *v, enum output_format f, struct arena *a);

#endif
