#include "base/codec.h"

#include "base/random.h"
#include "t.h"

TEST(codec_base64_knows_the_vectors_of_rfc_4648)
{
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i][1]);
        auto_buf struct buf text = BUF_INIT(100);
        auto_buf struct buf back = BUF_INIT(6);
        struct err e = ERR_INIT;

        codec_base64_encode(&text, str_of(rows[i][0]), false, true);
        T_STRN_EQ(buf_str(&text), str_of(rows[i][1]));
        T_OK(codec_base64_decode(&back, buf_str(&text), false, true, &e), &e);
        T_STRN_EQ(buf_str(&back), str_of(rows[i][0]));
    }
}

TEST(codec_round_trips_any_bytes)
{
    char bytes[70];

    random_bytes(bytes, sizeof bytes);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        for (int mode = 0; mode < 5; mode++) {
            auto_buf struct buf text = BUF_INIT(200);
            auto_buf struct buf back = BUF_INIT(n);
            struct err e = ERR_INIT;

            if (mode < 4) {
                codec_base64_encode(&text, str_n(bytes, n), mode & 1, mode & 2);
                T_OK(codec_base64_decode(&back, buf_str(&text), mode & 1, mode & 2, &e), &e);
            } else {
                codec_hex_encode(&text, str_n(bytes, n));
                T_OK(codec_hex_decode(&back, buf_str(&text), &e), &e);
            }
            T_TRUE(str_eq(buf_str(&back), str_n(bytes, n)));
        }
    }
}

TEST(codec_refuses_what_is_not_exactly_right)
{
    static const struct {
        const char *label, *text;
        bool url, pad;
        size_t max;
        int want;
        const char *msg;
    } rows[] = {
        {"url letters", "-_-_", true, true, 9, 0, ""},
        {"plain letters", "+/+/", false, true, 9, 0, ""},
        {"url letters in plain", "-_-_", false, true, 9, ERR_INVALID, "byte 0"},
        {"plain letters in url", "ab+/", true, true, 9, ERR_INVALID, "byte 2"},
        {"no padding where it is due", "Zg", false, true, 9, ERR_INVALID, "padded"},
        {"padding where none is due", "Zg==", false, false, 9, ERR_INVALID, "byte 2"},
        {"three pads", "Z===", false, true, 9, ERR_INVALID, "byte 1"},
        {"pad in the middle", "Zg==Zm9v", false, true, 9, ERR_INVALID, "byte 2"},
        {"one letter left over", "Zm9vZ", false, false, 9, ERR_INVALID, "padded"},
        {"stray bits", "Zh==", false, true, 9, ERR_INVALID, "stray bits"},
        {"white space", "Zm9v\n", false, false, 9, ERR_INVALID, "padded"},
        {"inner white space", "Zm 9", false, false, 9, ERR_INVALID, "byte 2"},
        {"exactly full", "Zm8=", false, true, 2, 0, ""},
        {"too large", "Zm9v", false, true, 2, ERR_TOOBIG, "larger than 2 bytes"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_buf struct buf b = BUF_INIT(rows[i].max);
        struct err e = ERR_INIT;

        T_INT_EQ(codec_base64_decode(&b, str_of(rows[i].text), rows[i].url, rows[i].pad, &e),
                 rows[i].want);
        T_STR_HAS(e.msg, rows[i].msg);
        if (rows[i].want)
            T_INT_EQ(b.len, 0);
    }
}

TEST(codec_hex_takes_both_cases_and_nothing_else)
{
    static const struct {
        const char *label, *text;
        size_t max;
        int want;
    } rows[] = {
        {"lower", "00ff7f", 3, 0},
        {"upper", "00FF7F", 3, 0},
        {"odd", "00ff7", 3, ERR_INVALID},
        {"letter", "00fg", 3, ERR_INVALID},
        {"too large", "0000", 1, ERR_TOOBIG},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        auto_buf struct buf b = BUF_INIT(rows[i].max);

        T_INT_EQ(codec_hex_decode(&b, str_of(rows[i].text), NULL), rows[i].want);
        if (rows[i].want == 0)
            T_TRUE(str_eq(buf_str(&b), STR("\x00\xff\x7f")));
    }
}

TEST(codec_encoding_overflows_like_any_put)
{
    auto_buf struct buf b = BUF_INIT(7);

    codec_hex_encode(&b, STR("abcd"));
    T_FALSE(buf_ok(&b));
    buf_reset(&b);
    codec_base64_encode(&b, STR("abcd"), false, true);
    T_FALSE(buf_ok(&b));
}
