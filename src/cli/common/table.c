#include "cli/common/table.h"

#include <assert.h>
#include <stdarg.h>

#include "base/str.h"

void table_add_cells(struct table *t, const char *const *cells, size_t n)
{
    struct table_row *row = list_add(t->arena, &t->rows);

    assert(n <= TABLE_COLUMNS_MAX);
    row->cells = arena_array(t->arena, const char *, n);
    row->len = n;
    for (size_t i = 0; i < n; i++)
        row->cells[i] = cells[i];
}

void table_add(struct table *t, const char *cell, ...)
{
    const char *cells[TABLE_COLUMNS_MAX];
    size_t n = 0;
    va_list ap;

    va_start(ap, cell);
    for (; cell && n < TABLE_COLUMNS_MAX; cell = va_arg(ap, const char *))
        cells[n++] = cell;
    va_end(ap);
    table_add_cells(t, cells, n);
}

void table_underline(struct table *t)
{
    const struct table_row *head = &t->rows.at[t->rows.len - 1];
    const char *cells[TABLE_COLUMNS_MAX];
    size_t n = head->len;

    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(head->cells[i]);
        char *dashes = arena_alloc(t->arena, len + 1);

        memset(dashes, '-', len);
        dashes[len] = '\0';
        cells[i] = dashes;
    }
    table_add_cells(t, cells, n);
}

static struct str cell(const struct table *t, const struct table_row *row, size_t i)
{
    struct str s = str_trim(str_of(row->cells[i]));

    return s.len > 0 ? s : str_of(t->empty);
}

void table_format(const struct table *t, struct buf *b)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};

    for (size_t r = 0; r < t->rows.len; r++)
        for (size_t i = 0; i < t->rows.at[r].len; i++) {
            size_t len = cell(t, &t->rows.at[r], i).len;

            if (len > widths[i])
                widths[i] = len;
        }
    for (size_t r = 0; r < t->rows.len; r++) {
        const struct table_row *row = &t->rows.at[r];

        for (size_t i = 0; i < row->len; i++) {
            struct str s = cell(t, row, i);

            buf_put_str(b, s);
            if (i + 1 == row->len)
                break;
            for (size_t pad = s.len; pad < widths[i]; pad++)
                buf_putc(b, ' ');
            buf_puts(b, t->glue);
        }
        buf_putc(b, '\n');
    }
}

void table_print(const struct table *t, FILE *to)
{
    auto_buf struct buf b = BUF_INIT(TABLE_TEXT_MAX);

    b.secret = true;
    table_format(t, &b);
    fwrite(b.p ? b.p : "", 1, b.len, to);
}
