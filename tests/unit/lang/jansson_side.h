/*
 * jansson_side -- another reader of JSON, to compare ours with
 *
 * jansson's names collide with ours, so it has a source file of its own.
 */
#ifndef TESTS_JANSSON_SIDE_H
#define TESTS_JANSSON_SIDE_H

#include "base/str.h"

enum jansson_says { JANSSON_NO, JANSSON_YES, JANSSON_CANNOT }; /* cannot: a limit of its own */

enum jansson_says jansson_reads(struct str text);
/* Both are read and mean the same. Numbers are compared as doubles. */
bool jansson_same(struct str a, struct str b);
/* Read and print, for measuring: length of the result. */
size_t jansson_read_print(struct str text, bool print);

#endif
