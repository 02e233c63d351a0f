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
    RE_GROUP,  /* a, remembered as number `min` */
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
    bool lazy; /* RE_REPEAT: as few as possible */
    LIST(struct re_range) ranges;
};

/* *ret_groups: how many are remembered. */
int re_parse(struct str pattern, struct arena *a, struct re_node **ret, int *ret_groups,
             struct err *e);
/*
 * A pattern becomes a program; matching runs all its threads side by side, one character at a
 * time, each instruction at most once per character. So no pattern can make it slow.
 */
enum re_op {
    OP_NODE,  /* class or assertion */
    OP_SPLIT, /* to x, or else to y */
    OP_JUMP,
    OP_SAVE, /* the place is edge x of what is remembered */
    OP_MATCH
};

struct re_inst {
    enum re_op op;
    const struct re_node *node;
    uint32_t x, y;
};

struct re_program {
    struct arena *arena;
    struct re_inst *at;
    uint32_t len, cap;
    uint32_t work; /* nodes compiled: a repeated nothing costs too */
    int groups;
    bool over;
};

int re_compile(struct str pattern, struct arena *a, struct re_program *ret, struct err *e);
bool re_assertion_holds(struct str text, enum re_kind kind, size_t at);
bool re_class_has(const struct re_node *n, uint32_t c);

/* The character at *at (a byte that is not UTF-8 stands for itself); moves *at behind it. */
uint32_t re_char(struct str s, size_t *at);

#endif
