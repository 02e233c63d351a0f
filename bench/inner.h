/*
 * inner -- a vault inside a program of bench: on a directory, with one share and the token
 * "root"
 *
 * Whatever goes wrong ends the program with a message. Link inner.c.
 */
#ifndef BENCH_INNER_H
#define BENCH_INNER_H

#include "api/api.h"
#include "base/secret.h"
#include "vault/core/engine.h"
#include "vault/core/mount.h"
#include "vault/core/vault.h"

struct inner {
    const char *dir; /* these three are the caller's */
    const struct engine *const *engines;
    size_t n_engines;
    struct store *store;
    struct api *api;
    struct vault *vault;
    struct secret share;
    struct arena *arena;
};

void inner_check(int r, const struct err *e, const char *what);
void inner_init(struct inner *v, bool durable); /* a new vault, unsealed */
void inner_open(struct inner *v, bool durable); /* one that is there, sealed */
void inner_unseal(struct inner *v);
void inner_close(struct inner *v);
void inner_done(struct inner *v);
/* A request with the token; ends the program unless it is answered 2xx. */
void inner_ask(struct inner *v, const char *method, const char *path, const char *body);
const struct mount *inner_mount(struct inner *v, const char *path); /* of the arena */

#endif
