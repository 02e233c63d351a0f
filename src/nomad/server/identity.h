/* identity -- tasks' identities as signed tokens (docs/internals/keyring.md) */
#ifndef NOMAD_SERVER_IDENTITY_H
#define NOMAD_SERVER_IDENTITY_H

#include "nomad/model/link_wire.h"
#include "nomad/server/server_priv.h"

struct identity_ask {
    const struct alloc *alloc;
    const struct job *job;
    const struct task *task;
};

/* Appends a JWT (RS256). ERR_UNAVAIL: the signing key is still being made. */
int identity_sign(struct nomad_server *s, struct txn *t, const struct identity_ask *q,
                  const struct workload_identity *wi, int64_t now_ns, struct buf *out,
                  struct err *e);
/* Every identity of every task of the alloc's group. */
int identities_of_alloc(struct call *c, const struct alloc *al, const struct job *j,
                        struct link_identities *ret, struct err *e);

#endif
