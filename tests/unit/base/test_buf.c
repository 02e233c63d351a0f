#include "base/buf.h"

#include "t.h"

TEST(buf_grows_to_its_maximum_and_no_further)
{
    static const struct {
        const char *label;
        size_t max, put;
        int want;
    } rows[] = {
        {"empty", 0, 0, 0},
        {"exactly full", 100, 100, 0},
        {"one too many", 100, 101, ERR_TOOBIG},
        {"nothing allowed", 0, 1, ERR_TOOBIG},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_buf struct buf b = BUF_INIT(rows[i].max);
        struct err e = ERR_INIT;

        for (size_t n = 0; n < rows[i].put; n++)
            buf_putc(&b, 'x');
        T_INT_EQ(buf_check(&b, "the list", &e), rows[i].want);
        T_INT_EQ(buf_ok(&b), rows[i].want == 0);
        if (rows[i].want)
            T_STR_HAS(e.msg, "the list is larger than");
        else
            T_INT_EQ(b.len, rows[i].put);
    }
}

TEST(buf_overflow_is_sticky_until_reset)
{
    auto_buf struct buf b = BUF_INIT(4);

    buf_puts(&b, "abc");
    buf_puts(&b, "de");
    buf_puts(&b, "f");
    T_STRN_EQ(buf_str(&b), STR("abc"));
    T_FALSE(buf_ok(&b));
    T_TRUE(buf_reserve(&b, 0) == NULL);
    buf_reset(&b);
    T_TRUE(buf_ok(&b));
    buf_puts(&b, "abcd");
    T_STR_EQ(b.p, "abcd");
    T_TRUE(buf_reserve(&b, SIZE_MAX) == NULL);
}

TEST(buf_printf_takes_short_and_long_text)
{
    auto_buf struct buf b = BUF_INIT(10000);
    char wide[1001];

    memset(wide, 'y', 1000);
    wide[1000] = '\0';
    buf_printf(&b, "%d:", 42);
    buf_printf(&b, "%s%s", wide, wide);
    T_INT_EQ(b.len, 2003);
    T_INT_EQ(b.p[2003], '\0');
    T_STR_HAS(b.p, "42:yyy");
}

TEST(buf_numbers_sort_as_bytes)
{
    auto_buf struct buf a = BUF_INIT(8);
    auto_buf struct buf b = BUF_INIT(8);

    buf_put_u64be(&a, 255);
    buf_put_u64be(&b, 256);
    T_INT_EQ(a.len, 8);
    T_TRUE(memcmp(a.p, b.p, 8) < 0);
}

TEST(buf_secret_keeps_its_bytes_while_growing)
{
    auto_buf struct buf b = BUF_INIT(100000);

    b.secret = true;
    for (int i = 0; i < 10000; i++)
        buf_printf(&b, "%04d", i);
    T_INT_EQ(b.len, 40000);
    T_STRN_EQ(str_upto(buf_str(&b), 8), STR("00000001"));
    T_STRN_EQ(str_from(buf_str(&b), 39996), STR("9999"));
    buf_reset(&b);
    for (size_t i = 0; i < 40000; i++)
        T_INT_EQ(b.p[i], 0);
}

TEST(buf_take_hands_over_a_string_always)
{
    struct buf b = BUF_INIT(100);
    auto_free char *none = buf_take(&b);

    buf_puts(&b, "kept");
    auto_free char *some = buf_take(&b);

    T_STR_EQ(none, "");
    T_STR_EQ(some, "kept");
    T_INT_EQ(b.len, 0);
    T_STRN_EQ(buf_str(&b), STR(""));
}
