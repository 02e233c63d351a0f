/*
 * cli/common/table -- columns of text
 *
 * Cells are trimmed; an empty one shows `empty`; each column is as wide as its widest cell, the
 * last one is not padded. Widths count bytes, as the originals do.
 *
 * Memory: cells are borrowed, rows live in the arena.
 */
#ifndef CLI_COMMON_TABLE_H
#define CLI_COMMON_TABLE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 32, TABLE_TEXT_MAX = 256 << 20 };

struct table_row {
    const char **cells;
    size_t len;
};

struct table {
    struct arena *arena;
    const char *glue;  /* between columns */
    const char *empty; /* for an empty cell */
    LIST(struct table_row) rows;
};

#define TABLE_VAULT(arena_)                               \
    {                                                     \
        .arena = (arena_), .glue = "    ", .empty = "n/a" \
    }
#define TABLE_NOMAD(arena_)                                \
    {                                                      \
        .arena = (arena_), .glue = "  ", .empty = "<none>" \
    }

/* The cells end with NULL. */
void table_add(struct table *t, const char *cell, ...) __attribute__((sentinel));
void table_add_cells(struct table *t, const char *const *cells, size_t n);
/* A row of dashes, each as long as the cell above (the header). */
void table_underline(struct table *t);
void table_format(const struct table *t, struct buf *b); /* lines end in '\n' */
void table_print(const struct table *t, FILE *to);

#endif
