#include "base/random.h"

#include <string.h>

#include "t.h"

TEST(random_uuid_has_the_usual_shape_and_does_not_repeat)
{
    char a[UUID_SIZE], b[UUID_SIZE];

    random_uuid(a);
    random_uuid(b);
    T_INT_EQ(strlen(a), 36);
    T_INT_EQ(strspn(a, "0123456789abcdef-"), 36);
    for (int i = 0; i < 36; i++)
        T_INT_EQ(a[i] == '-', i == 8 || i == 13 || i == 18 || i == 23);
    T_TRUE(strcmp(a, b) != 0);
}

/* Chi-square over 62 letters with 61 degrees of freedom: above 140 comes by chance less than
 * once in ten million runs; a modulo bias would give more than 1,000. */
TEST(random_base62_favours_no_letter)
{
    enum { DRAWS = 62 * 2000 };
    static char text[DRAWS + 1];
    unsigned count[256] = {0}, letters = 0;
    double chi = 0;

    random_base62(text, DRAWS);
    T_INT_EQ(strlen(text), DRAWS);
    for (int i = 0; i < DRAWS; i++)
        count[(unsigned char)text[i]]++;
    for (int c = 0; c < 256; c++) {
        double off = count[c] - 2000.0;

        if (!count[c])
            continue;
        letters++;
        chi += off * off / 2000.0;
    }
    T_INT_EQ(letters, 62);
    T_TRUE(chi < 140);
}

TEST(random_below_stays_below_and_reaches_all)
{
    unsigned seen = 0;

    for (int i = 0; i < 1000; i++) {
        uint64_t v = random_below(7);

        T_TRUE(v < 7);
        seen |= 1u << v;
    }
    T_INT_EQ(seen, 127);
    T_INT_EQ(random_below(1), 0);
    T_TRUE(random_below(UINT64_MAX) != random_below(UINT64_MAX));
}

TEST(random_hex_takes_odd_lengths)
{
    char text[200];

    for (size_t n = 0; n < sizeof text; n += 33) {
        random_hex(text, n);
        T_INT_EQ(strlen(text), n);
        T_INT_EQ(strspn(text, "0123456789abcdef"), n);
    }
}

TEST(random_bytes_fills_more_than_one_call_can_give)
{
    static unsigned char big[600000];
    unsigned zeros = 0;

    random_bytes(big, sizeof big);
    for (size_t i = 0; i < sizeof big; i++)
        zeros += big[i] == 0;
    T_TRUE(zeros > 1500 && zeros < 3500); /* 2344 expected */
    T_TRUE(random_u64() != random_u64());
}
