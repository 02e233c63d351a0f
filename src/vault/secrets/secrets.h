/*
 * secrets -- the table of secrets engines
 *
 * One line per engine, each a `struct engine` in a file (or a few) of its own here.
 */
#ifndef VAULT_SECRETS_SECRETS_H
#define VAULT_SECRETS_SECRETS_H

#include "vault/core/engine.h"

extern const struct engine *const secrets_engines[];
extern const size_t n_secrets_engines;

#endif
