/* What the language calls a character: a grapheme cluster, so that nobody cuts an accent off
 * its letter. And upper and lower case beyond ASCII. */
#include <locale.h>
#include <pthread.h>
#include <wctype.h>

#include "lang/hcl_eval_priv.h"

enum {
    ZERO_WIDTH_JOINER = 0x200D,
    FLAG_FIRST = 0x1F1E6, /* regional indicators: two of them are a flag */
    FLAG_LAST = 0x1F1FF,
};

/* What belongs to the character before it: marks, selectors, skin tones, tags. Sorted. */
static const struct {
    uint32_t first, last;
} extends[] = {
    {0x0300, 0x036F},   {0x0483, 0x0489},   {0x0591, 0x05BD},   {0x05BF, 0x05BF},
    {0x05C1, 0x05C2},   {0x05C4, 0x05C5},   {0x05C7, 0x05C7},   {0x0610, 0x061A},
    {0x064B, 0x065F},   {0x0670, 0x0670},   {0x06D6, 0x06DC},   {0x06DF, 0x06E4},
    {0x06E7, 0x06E8},   {0x06EA, 0x06ED},   {0x0711, 0x0711},   {0x0730, 0x074A},
    {0x07A6, 0x07B0},   {0x07EB, 0x07F3},   {0x0816, 0x0819},   {0x081B, 0x0823},
    {0x0825, 0x0827},   {0x0829, 0x082D},   {0x0859, 0x085B},   {0x08D3, 0x08E1},
    {0x08E3, 0x0903},   {0x093A, 0x093C},   {0x093E, 0x094F},   {0x0951, 0x0957},
    {0x0962, 0x0963},   {0x0981, 0x0983},   {0x09BC, 0x09BC},   {0x09BE, 0x09CD},
    {0x09D7, 0x09D7},   {0x09E2, 0x09E3},   {0x0A01, 0x0A03},   {0x0A3C, 0x0A51},
    {0x0A70, 0x0A71},   {0x0A75, 0x0A75},   {0x0A81, 0x0A83},   {0x0ABC, 0x0ABC},
    {0x0ABE, 0x0ACD},   {0x0AE2, 0x0AE3},   {0x0B01, 0x0B03},   {0x0B3C, 0x0B3C},
    {0x0B3E, 0x0B57},   {0x0B82, 0x0B82},   {0x0BBE, 0x0BCD},   {0x0C00, 0x0C04},
    {0x0C3E, 0x0C56},   {0x0C81, 0x0C83},   {0x0CBC, 0x0CBC},   {0x0CBE, 0x0CD6},
    {0x0D00, 0x0D03},   {0x0D3B, 0x0D3C},   {0x0D3E, 0x0D4D},   {0x0DCA, 0x0DDF},
    {0x0E31, 0x0E31},   {0x0E33, 0x0E3A},   {0x0E47, 0x0E4E},   {0x0EB1, 0x0EB1},
    {0x0EB3, 0x0EBC},   {0x0EC8, 0x0ECD},   {0x0F18, 0x0F19},   {0x0F35, 0x0F35},
    {0x0F37, 0x0F37},   {0x0F39, 0x0F39},   {0x0F3E, 0x0F3F},   {0x0F71, 0x0F84},
    {0x0F86, 0x0F87},   {0x0F8D, 0x0FBC},   {0x102D, 0x1037},   {0x1039, 0x103E},
    {0x1160, 0x11FF},   {0x135D, 0x135F},   {0x1712, 0x1714},   {0x17B4, 0x17D3},
    {0x180B, 0x180D},   {0x1AB0, 0x1AFF},   {0x1DC0, 0x1DFF},   {0x200C, 0x200D},
    {0x20D0, 0x20F0},   {0x2CEF, 0x2CF1},   {0x2DE0, 0x2DFF},   {0x302A, 0x302F},
    {0x3099, 0x309A},   {0xA66F, 0xA672},   {0xA674, 0xA67D},   {0xA69E, 0xA69F},
    {0xA6F0, 0xA6F1},   {0xA823, 0xA827},   {0xA8E0, 0xA8F1},   {0xA926, 0xA92D},
    {0xABE3, 0xABEA},   {0xABEC, 0xABED},   {0xFB1E, 0xFB1E},   {0xFE00, 0xFE0F},
    {0xFE20, 0xFE2F},   {0xFF9E, 0xFF9F},   {0x1D165, 0x1D169}, {0x1D16D, 0x1D172},
    {0x1F3FB, 0x1F3FF}, {0xE0020, 0xE007F}, {0xE0100, 0xE01EF},
};

static bool is_extending(uint32_t cp)
{
    size_t lo = 0, hi = ARRAY_LEN(extends);

    if (cp < extends[0].first)
        return false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (cp > extends[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < ARRAY_LEN(extends) && cp >= extends[lo].first;
}

static bool is_flag(uint32_t cp)
{
    return cp >= FLAG_FIRST && cp <= FLAG_LAST;
}

/* A byte that is no character counts as one. */
static size_t next_char(struct str s, size_t at, uint32_t *ret)
{
    size_t n = at < s.len ? hcl_utf8(s, at, ret) : 0;

    if (n == 0)
        *ret = 0;
    return n ? n : at < s.len;
}

size_t hcl_grapheme(struct str s, size_t at)
{
    uint32_t cp, next;
    size_t len = next_char(s, at, &cp), n = next_char(s, at + len, &next);

    if (cp == '\r' && next == '\n')
        return len + n;
    if (cp < ' ')
        return len;
    if (is_flag(cp) && is_flag(next)) {
        len += n;
        n = next_char(s, at + len, &next);
    }
    while (n && (is_extending(next) || (cp == ZERO_WIDTH_JOINER && next > 0x2000))) {
        len += n;
        cp = next;
        n = next_char(s, at + len, &next);
    }
    return len;
}

size_t hcl_graphemes(struct str s)
{
    size_t n = 0;

    for (size_t at = 0; at < s.len; n++)
        at += hcl_grapheme(s, at);
    return n;
}

/*
 * Case
 */

static locale_t unicode;

static void open_locale(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static locale_t unicode_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, open_locale);
    return unicode;
}

uint32_t hcl_case(uint32_t cp, bool upper)
{
    locale_t l = cp < 128 ? (locale_t)0 : unicode_locale();

    if (cp < 128)
        return upper ? cp - (cp >= 'a' && cp <= 'z') * 32u
                     : cp + (cp >= 'A' && cp <= 'Z') * 32u;
    if (!l)
        return cp; /* a system without any Unicode: letters beyond ASCII stay */
    return upper ? towupper_l(cp, l) : towlower_l(cp, l);
}

bool hcl_is_word_char(uint32_t cp)
{
    locale_t l = cp < 128 ? (locale_t)0 : unicode_locale();

    if (cp < 128)
        return (cp >= '0' && cp <= '9') || cp == '_' || ((cp | 32) >= 'a' && (cp | 32) <= 'z');
    return !l || !iswspace_l(cp, l);
}

bool hcl_is_space(uint32_t cp)
{
    return (cp >= '\t' && cp <= '\r') || cp == ' ' || cp == 0x85 || cp == 0xA0 ||
           cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 ||
           cp == 0x202F || cp == 0x205F || cp == 0x3000;
}
