/*
 * filter_priv -- the tree of a filter expression
 *
 * filter_parse.c makes it, filter_value.c finds the values that selectors name, filter.c
 * decides.
 */
#ifndef LANG_FILTER_PRIV_H
#define LANG_FILTER_PRIV_H

#include "lang/filter.h"

struct regex;

enum filter_op {
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT,
    FILTER_ANY,
    FILTER_ALL,
    FILTER_EQUAL,
    FILTER_IN,
    FILTER_EMPTY,
    FILTER_MATCHES,
};

struct filter_selector {
    LIST(struct str) parts;
    const char *text; /* as it is written in errors */
};

struct filter_node {
    enum filter_op op;
    bool negated;              /* of a comparison: !=, not in, is not empty, not matches */
    struct filter_node *a, *b; /* and, or; not, any, all: a */
    struct filter_selector of; /* comparisons, any, all */
    struct str value;
    struct regex *regex;
    struct str key, item; /* any, all: the names bound; len 0: none */
    bool one_name;        /* a list's item or a map's key goes into `item` */
};

struct filter {
    struct filter_node *root;
    int64_t steps; /* left */
    LIST(struct filter_node *) nodes;
};

/*
 * A value that a selector found.
 */
enum value_kind {
    VALUE_NONE, /* null */
    VALUE_STR,
    VALUE_INT,
    VALUE_UINT,
    VALUE_DOUBLE,
    VALUE_BOOL,
    VALUE_TIME,
    VALUE_BYTES,
    VALUE_STRLIST,
    VALUE_STRMAP,
    VALUE_STRUCT,
    VALUE_LIST,
    VALUE_MAP,
    VALUE_ARRAY,  /* JSON's */
    VALUE_OBJECT, /* JSON's */
};

struct value {
    enum value_kind kind;
    const struct schema *schema; /* of a struct, or of a list's or map's items */
    union {
        struct str text; /* STR, BYTES */
        int64_t i;
        uint64_t u;
        double d;
        bool b;
        const struct strlist *strs;
        const struct strmap *pairs;
        const void *at; /* STRUCT, LIST, MAP */
        const struct json *json;
    };
};

/* Names bound by any and all, innermost first. */
struct binding {
    const struct binding *up;
    struct str name;
    struct value value;
};

struct value value_struct(const struct schema *s, const void *obj);
/* 1: found; 0: not there. */
int value_select(struct value root, const struct binding *names,
                 const struct filter_selector *sel, struct value *ret, struct err *e);
size_t value_len(const struct value *v); /* of what has a length */
bool value_has_len(const struct value *v);
/* The i-th item of a list or map; a map's key, a list's index. */
void value_item(const struct value *v, size_t i, struct value *ret_key, struct value *ret);
const char *value_kind_name(const struct value *v); /* Go's */

#endif
