/*
 * http/head -- the request line and headers, read strictly (RFC 9112)
 *
 * Pure: bytes in, views of the same bytes out. There is one reading of every head or none:
 * lines end in CRLF and nothing else, no line is folded, no control character is let through, a
 * length is stated at most once and by one header. Whoever stands in front of us cannot read a
 * request differently, so nothing can be smuggled past it.
 *
 * Errors: an HTTP status (400, 414, 431, 505) with the reason in head->why.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum { HEAD_METHOD_MAX = 32, HEAD_CHUNK_LINE_MAX = 1024, HEAD_TRAILER_MAX = 8192 };

struct head_field {
    struct str name, value;
};

struct head {
    struct str method, target;
    int minor; /* HTTP/1.minor */
    struct head_field *fields;
    size_t n_fields;
    int64_t content_length; /* -1: not stated */
    bool chunked, keep_alive, expect_continue;
    const char *why;
};

enum { HEAD_MORE = 0, HEAD_BAD = -1 };

/* Where the head ends: its length with the empty line, HEAD_MORE or HEAD_BAD (a line that does
 * not end in CRLF). `*scanned` remembers how far earlier calls looked; 0 at the start. */
ptrdiff_t head_find_end(const char *p, size_t len, size_t *scanned);

/* Read a whole head (head_find_end's length). 0 or a status. Views point into `p`; the array of
 * fields is the arena's. */
int head_parse(struct head *h, const char *p, size_t len, struct arena *a);

struct str head_get(const struct head *h, struct str name); /* .p NULL: absent */
/* Is `token` an element of the comma list in the value? ASCII case does not matter. */
bool head_list_has(struct str value, struct str token);

/*
 * The chunked coding, incrementally: feed bytes, get data.
 */
struct chunks {
    uint64_t left;  /* of the chunk being read */
    uint32_t bytes; /* of the line, or of the trailer, being read */
    uint8_t state, digits;
};

enum chunk_result { CHUNK_MORE, CHUNK_DATA, CHUNK_END, CHUNK_BAD };

/* Reads on at p[*off]. CHUNK_DATA: `*ret` is the next piece of the body. CHUNK_END: the body is
 * complete, *off stands behind it. CHUNK_MORE: all of p is used up. */
enum chunk_result chunks_next(struct chunks *c, const char *p, size_t len, size_t *off,
                              struct str *ret);

#endif
