/*
 * http/body -- a request's body as it arrives
 *
 * Small ones live on the heap; from BODY_MAP_MIN on in pages of their own, which grow without
 * copying and go back to the system at once. What is promised (Content-Length) is not believed:
 * room is made as bytes come.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { BODY_FIRST_BYTES = 1024, BODY_MAP_MIN = 128 << 10 };

struct body {
    char *p;
    size_t len, cap;
    bool mapped;
};

/* At least `want` (> 0) more bytes of room at p[len]; a NUL fits behind. */
void body_reserve(struct body *b, size_t want);
void body_put(struct body *b, struct str data);
void body_done(struct body *b); /* wipes and gives back */

#endif
