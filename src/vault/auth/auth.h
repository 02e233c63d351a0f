/*
 * auth -- the table of auth methods
 *
 * One line per method, each a `struct engine` of kind ENGINE_AUTH in a file of its own here.
 */
#ifndef VAULT_AUTH_AUTH_H
#define VAULT_AUTH_AUTH_H

#include "vault/core/engine.h"

extern const struct engine *const auth_methods[];
extern const size_t n_auth_methods;

#endif
