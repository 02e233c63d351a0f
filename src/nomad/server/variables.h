/*
 * variables -- small secrets by path: sealed with the keyring, compared and set, locked
 *
 * A lock's time runs in memory, from its acquisition and each renewal, and anew after a start
 * of the server: the row says who holds it and for how long it may be silent. When it has been
 * silent for its TTL it cannot be renewed any more; after the delay the row is free.
 *
 *     free -- acquire --> held -- renew in time --> held -- release --> free
 *                          |                                             ^
 *                          +-- TTL passes --> lost -- the delay passes --+
 *
 * Memory:  values are in wiped arenas and buffers only, never in an error or a log line.
 * Limits:  VARIABLE_ITEMS_MAX, LOCKS_MAX.
 */
#ifndef NOMAD_SERVER_VARIABLES_H
#define NOMAD_SERVER_VARIABLES_H

#include "nomad/server/data_api.h"

enum { LOCKS_MAX = 10000 };

/* The same items under the active key; nothing that users see of it changes. */
int variable_reseal(struct nomad_server *s, struct txn *t, const struct object *o,
                    struct err *e);
int variable_put(struct txn *t, const struct variable *v, struct err *e);
int variable_get(struct txn *t, const char *ns, const char *path, const struct object **ret,
                 struct err *e);

/* ---- variable_lock.c ----------------------------------------------------------------------
 */

int variable_locks_start(struct nomad_server *s, struct err *e);
void variable_locks_stop(struct nomad_server *s);
/* Frees those that were silent for too long. *ret_wait_ms: until the next one may be. */
int variable_locks_turn(struct nomad_server *s, int64_t *ret_wait_ms, struct err *e);
/* Held from now on for its TTL. ERR_LIMIT: LOCKS_MAX are. */
int variable_lock_hold(struct nomad_server *s, const struct variable *v, struct err *e);
bool variable_locks_full(struct nomad_server *s);
bool variable_lock_alive(struct nomad_server *s, const char *lock_id);
void variable_lock_drop(struct nomad_server *s, const char *lock_id);

#endif
