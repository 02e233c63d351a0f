/* Ways to log in: what a method needs and where it is sent. */
#ifndef CLI_VAULT_LOGIN_H
#define CLI_VAULT_LOGIN_H

#include "base/arena.h"

struct cli_call;
struct err;
struct vault_secret;

struct login_method {
    const char *name;
    const char *help; /* for `vault auth help` */
    /* Do it at `path` (the method's mount) with what was given as k=v. On failure -1 and
     * *ret_error says why. */
    int (*login)(struct cli_call *c, const struct login_method *m, const char *path,
                 struct strmap *config, struct vault_secret *ret, const char **ret_error);
    const char *user_key; /* "username": becomes part of the path */
    const char *hidden;   /* asked for on the terminal when it is not given */
    const char *prompt;
};

const struct login_method *login_method_find(const char *name); /* NULL: unknown */

#endif
