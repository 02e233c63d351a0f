#include "cli/common/table.h"

#include "t.h"

static const char *text_of(struct arena *a, const struct table *t)
{
    auto_buf struct buf b = BUF_INIT(TABLE_TEXT_MAX);

    table_format(t, &b);
    return arena_cstr(a, buf_str(&b));
}

TEST(a_column_is_as_wide_as_its_widest_cell_and_the_last_is_not_padded)
{
    auto_arena struct arena *a = arena_new(0);
    struct table t = TABLE_VAULT(a);

    table_add(&t, "Key", "Value", NULL);
    table_underline(&t);
    table_add(&t, "token_duration", "∞", NULL);
    table_add(&t, "x", "", NULL);
    table_add(&t, "y", " trimmed\n", NULL);
    T_STR_EQ(text_of(a, &t), "Key               Value\n"
                             "---               -----\n"
                             "token_duration    ∞\n"
                             "x                 n/a\n"
                             "y                 trimmed\n");
}

TEST(rows_may_be_shorter_than_the_header_and_the_other_program_has_its_own_style)
{
    auto_arena struct arena *a = arena_new(0);
    struct table t = TABLE_NOMAD(a);

    table_add(&t, "ID", "Status", NULL);
    table_add(&t, "abcdef", NULL);
    table_add(&t, "b", "", NULL);
    T_STR_EQ(text_of(a, &t), "ID      Status\nabcdef\nb       <none>\n");
}

TEST(a_table_without_rows_is_nothing)
{
    auto_arena struct arena *a = arena_new(0);
    struct table t = TABLE_VAULT(a);

    T_STR_EQ(text_of(a, &t), "");
}
