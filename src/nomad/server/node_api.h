/* node_api -- what the files about nodes share: the API, drains, evaluations for a node */
#ifndef NOMAD_SERVER_NODE_API_H
#define NOMAD_SERVER_NODE_API_H

#include "nomad/server/server_priv.h"

/* node_evals.c: evaluations for everything that a change of the node concerns; their ids are
 * added to *ret_ids. */
int node_evals_create(struct txn *t, struct arena *a, int64_t now_ns, const char *node_id,
                      struct strlist *ret_ids, struct err *e);

/* node_write.c */
int node_drain_call(struct call *c, struct err *e);
int node_eligibility_call(struct call *c, struct err *e);
int node_evaluate_call(struct call *c, struct err *e);
int node_purge_call(struct call *c, struct err *e);

/*
 * drain.c: one look at a draining node, in a transaction: allocs are told to migrate, as many
 * at a time as their jobs allow. 1: something was written, 0: nothing. *ret_again: look again
 * at that time (Unix ns), whatever happens until then; 0: only when something changes.
 */
int drain_node(struct nomad_server *s, struct txn *t, struct arena *a,
               const struct object *node, int64_t now_ns, int64_t *ret_again, struct err *e);

#endif
