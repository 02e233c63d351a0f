/*
 * yaml -- YAML 1.2 as job files use it, to and from values
 *
 * Reading: block and flow collections, plain, quoted, literal and folded scalars, comments, one
 * document with or without "---", anchors and aliases (an alias shares its value), the tags
 * !!str
 * !!int !!float !!bool !!null. Not: complex keys ("? a"), merge keys, directives, other tags.
 * Writing: block collections, texts in double quotes.
 *
 * Memory: the arena's; texts may point into the source. Errors: ERR_INVALID "on line L, column
 * C: what", ERR_TOOBIG. Limits: YAML_*.
 */
#ifndef LANG_YAML_H
#define LANG_YAML_H

#include "lang/json.h"

struct err;

enum {
    YAML_DEPTH_MAX = 48,
    YAML_NODES_MAX = 100000, /* an alias counts as all it stands for */
    YAML_ANCHORS_MAX = 1000,
};

int yaml_parse(struct str text, struct arena *a, struct json **ret, struct err *e);
void yaml_print(struct buf *b, const struct json *v);

#endif
