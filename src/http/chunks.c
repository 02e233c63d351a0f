#include "http/head.h"

/*
 *   SIZE -> [EXT] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE
 *                        `-> TRAILER (size 0) -> ... -> END
 *
 * Extensions and trailers are read past; their bytes are bounded and checked all the same.
 */
enum { SIZE, EXT, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, NAME, VALUE, LINE_LF, END_LF, END };

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* One letter of "SIZE[;extension]". */
static bool size_step(struct chunks *c, unsigned char ch)
{
    int digit = hex_digit(ch);

    if (digit >= 0) {
        c->left = c->left << 4 | (unsigned)digit;
        return ++c->digits <= 15;
    }
    if (c->digits == 0)
        return false;
    c->state = ch == '\r' ? SIZE_LF : EXT;
    return ch == '\r' || ch == ';';
}

static bool size_line_end(struct chunks *c, unsigned char ch)
{
    c->state = c->left ? DATA : TRAILER;
    c->digits = 0;
    c->bytes = 0;
    return ch == '\n';
}

/* One letter of a trailer line "Name: value". */
static bool trailer_step(struct chunks *c, unsigned char ch)
{
    switch (c->state) {
    case TRAILER:
        c->state = ch == '\r' ? END_LF : NAME;
        return ch == '\r' || (ch > 0x20 && ch != ':' && !is_control(ch));
    case NAME:
        if (ch == ':')
            c->state = VALUE;
        return ch > 0x20 && !is_control(ch);
    default:
        if (ch == '\r')
            c->state = LINE_LF;
        return ch == '\r' || !is_control(ch);
    }
}

static bool step(struct chunks *c, unsigned char ch)
{
    switch (c->state) {
    case SIZE:
        return ++c->bytes <= HEAD_CHUNK_LINE_MAX && size_step(c, ch);
    case EXT:
        if (ch == '\r')
            c->state = SIZE_LF;
        return ++c->bytes <= HEAD_CHUNK_LINE_MAX && (ch == '\r' || !is_control(ch));
    case SIZE_LF:
        return size_line_end(c, ch);
    case DATA_CR:
        c->state = DATA_LF;
        return ch == '\r';
    case DATA_LF:
        c->state = SIZE;
        return ch == '\n';
    case LINE_LF:
        c->state = TRAILER;
        return ++c->bytes <= HEAD_TRAILER_MAX && ch == '\n';
    case END_LF:
        c->state = END;
        return ch == '\n';
    default:
        return ++c->bytes <= HEAD_TRAILER_MAX && trailer_step(c, ch);
    }
}

enum chunk_result chunks_next(struct chunks *c, const char *p, size_t len, size_t *off,
                              struct str *ret)
{
    while (*off < len) {
        if (c->state == DATA) {
            size_t n = len - *off < c->left ? len - *off : (size_t)c->left;

            *ret = str_n(p + *off, n);
            *off += n;
            c->left -= n;
            if (c->left == 0)
                c->state = DATA_CR;
            return CHUNK_DATA;
        }
        if (!step(c, (unsigned char)p[(*off)++]))
            return CHUNK_BAD;
        if (c->state == END)
            return CHUNK_END;
    }
    return CHUNK_MORE;
}
