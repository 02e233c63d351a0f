/*
 * regex_priv -- patterns as trees; regex_parse.c makes them, regex.c compiles and runs them
 */
#ifndef LANG_REGEX_PRIV_H
#define LANG_REGEX_PRIV_H

#include "lang/regex.h"

enum re_kind {
    RE_EMPTY,
    RE_CLASS,  /* one character that is (or is not) in ranges */
    RE_CAT,    /* a then b */
    RE_ALT,    /* a or b */
    RE_REPEAT, /* a, min to max times; max -1: any number */
    RE_BEGIN_TEXT,
    RE_END_TEXT,
    RE_BEGIN_LINE,
    RE_END_LINE,
    RE_WORD,
    RE_NOT_WORD,
};

struct re_range {
    uint32_t lo, hi;
};

struct re_node {
    enum re_kind kind;
    struct re_node *a, *b;
    int min, max;
    bool negate;
    LIST(struct re_range) ranges;
};

int re_parse(struct str pattern, struct arena *a, struct re_node **ret, struct err *e);
/* The character at *at (a byte that is not UTF-8 stands for itself); moves *at behind it. */
uint32_t re_char(struct str s, size_t *at);

#endif
