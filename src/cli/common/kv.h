/*
 * cli/common/kv -- arguments that are data: k=v
 *
 *     k=v       the string v (the first '=' splits)
 *     k=@file   the contents of a file        k=\@v   the string "@v"
 *     k=-       all of stdin, once
 *     @file, -  a JSON object, merged
 *     ""        nothing
 * A key that comes again makes a list.
 *
 * Errors: ERR_INVALID "invalid key/value pair "x": format must be key=value" and its like.
 * Limits: KV_ARGS_MAX arguments, INPUT_MAX bytes of each file.
 */
#ifndef CLI_COMMON_KV_H
#define CLI_COMMON_KV_H

#include "base/arena.h"
#include "lang/json.h"

struct err;

enum { KV_ARGS_MAX = 10000 };

/* An object with sorted keys. */
int kv_parse(struct arena *a, int argc, char **argv, struct json **ret, struct err *e);
/* The same, every value a string ("" for null; numbers and booleans as they stand). ERR_INVALID
 * for lists and objects. */
int kv_parse_strings(struct arena *a, int argc, char **argv, struct strmap *ret, struct err *e);

#endif
