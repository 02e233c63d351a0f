/*
 * flags -- command-line flags as the two programs' users type them (Go's rules)
 *
 * "-name value", "-name=value", "--name" alike; a bool needs no value ("-dev", "-dev=false").
 * The first argument that is no flag ends them, "--" too. Texts of the errors are Go's: `flag
 * provided but not defined: -zz`, `flag needs an argument: -config`, `invalid boolean value "x"
 * for -dev: parse error`, `invalid value "zz" for flag -ttl: ...` with what a FLAG_CALL says.
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"

struct err;

enum flag_type {
    FLAG_BOOL, /* bool */
    FLAG_STR,  /* const char * */
    FLAG_INT,  /* int64_t */
    FLAG_LIST, /* struct flag_list: may be given again */
    FLAG_CALL, /* const struct flag_call: a type of the caller's; may be given again */
};

enum { FLAG_LIST_MAX = 1000 };

struct flag_list {
    const char **at; /* heap */
    size_t len;
};

struct flag_call {
    int (*parse)(void *arg, const char *value, struct err *e);
    void *arg;
};

struct flag {
    const char *name;
    enum flag_type type;
    void *to;
    bool *given; /* may be NULL */
    const char *help;
};

/* Consumes flags from the front of argv; what is left is argv[0..*argc). ERR_INVALID. */
int flags_parse(const struct flag *flags, size_t n, int *argc, char ***argv, struct err *e);
void flag_list_done(struct flag_list *l);

#endif
