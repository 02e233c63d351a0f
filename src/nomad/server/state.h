/*
 * state -- the server's tables
 *
 * One row per object; the namespace is part of every key. Indexes of objects (CreateIndex,
 * ModifyIndex, ...) are the store's revisions: a stored 0 is the revision of the record itself
 * (index_or in model/eval.h).
 *
 * An alloc's row has no copy of its job: job versions are rows of their own, kept as long as an
 * alloc uses one.
 */
#ifndef NOMAD_SERVER_STATE_H
#define NOMAD_SERVER_STATE_H

#include "nomad/model/model.h"
#include "nomad/model/namespace.h"
#include "nomad/model/variable.h"
#include "store/table.h"

/*   table             key                          indexes
 *   job               namespace, id                by_parent (namespace, parent), by_token
 *                                                  (namespace, parent, idempotency token)
 *   job_version       namespace, id, version       -
 *   job_summary       namespace, job id            -
 *   job_submission    namespace, id, version       -
 *   periodic_launch   namespace, job id            -            (up to when its times are done)
 *   scaling_event     namespace, job id            -            (scale.h)
 *   scaling_policy    id                           by_job (namespace, job)
 *   node              id                           -
 *   eval              id                           by_job (namespace, job), by_status (status)
 *   alloc             id                           by_job (namespace, job), by_node (node),
 * by_eval (eval), by_deployment deployment        id                           by_job
 * (namespace, job) accessor          alloc id, task               -            (sealed? no: it
 * holds no secret, an accessor is no token) revocation        time, id                     -
 * the durable queue
 */
extern const struct table job_table, job_version_table, job_summary_table, job_submission_table,
    node_table, eval_table, alloc_table, deployment_table, accessor_table, revocation_table,
    periodic_launch_table, scaling_event_table, scaling_policy_table;

/* Every time of a periodic job up to this one has been launched, or never will be. */
struct periodic_launch {
    const char *namespace, *job_id;
    int64_t at_s;
};
extern const struct schema periodic_launch_schema;

/*   namespace         name                         -
 *   node_pool         name                         -
 *   variable          namespace, path              by_key (root key), locked
 *   root_key          id                           -            (keyring.c)
 */
extern const struct table namespace_table, node_pool_table, variable_table, root_key_table;

/* Task-token accessors of an alloc, for the remote variant. */
struct accessor {
    const char *alloc_id, *task, *node_id;
    struct json *record; /* task_secrets' own */
    uint64_t create_index;
};

struct revocation {
    int64_t at_ns; /* not before */
    const char *id, *alloc_id, *task;
    struct json *record;
    int64_t tries;
    const char *last_error;
};

int state_open(struct store *s, struct err *e); /* registers all of them */

int state_job(struct txn *t, const char *ns, const char *id, const struct object **ret,
              struct err *e);
int state_job_version(struct txn *t, const char *ns, const char *id, uint64_t version,
                      const struct object **ret, struct err *e);
int state_node(struct txn *t, const char *id, const struct object **ret, struct err *e);
int state_eval(struct txn *t, const char *id, const struct object **ret, struct err *e);
int state_alloc(struct txn *t, const char *id, const struct object **ret, struct err *e);
int state_deployment(struct txn *t, const char *id, const struct object **ret, struct err *e);

/* Objects to change: a fresh one whose body is a deep copy, with the indexes that are stored as
 * 0 written out. The caller's; put it back with state_put (which drops the caller's reference).
 */
struct object *state_copy(const struct object *o);
int state_put(struct txn *t, const struct table *table, struct object *o, struct err *e);
/* The same for a reply: the body alone, valid as long as `a`. */
const void *state_body(const struct object *o, struct arena *a);
/* JobModifyIndex: the newest revision that changed the specification. */
uint64_t job_spec_index(const struct object *o);

/* A row that changes whenever the server changes an alloc of the node: what the client's parked
 * request waits on. */
void node_mark_key(struct key *k, const char *node_id);
int node_mark(struct txn *t, const char *node_id, struct err *e);

#endif
