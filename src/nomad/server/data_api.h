/*
 * data_api -- namespaces, node pools, variables, services, the keyring: what their files share
 *
 * The namespace "default" and the pools "all" and "default" need no row: reading finds them.
 */
#ifndef NOMAD_SERVER_DATA_API_H
#define NOMAD_SERVER_DATA_API_H

#include "nomad/model/namespace.h"
#include "nomad/server/list.h"

/* ---- namespace.c, node_pool.c ----------------------------------------------------------- */

/* As in its row or, of what is always there, without one. Remembered by the transaction either
 * way. ERR_NOTFOUND. */
int state_namespace(struct txn *t, const char *name, const struct namespace_body **ret,
                    struct err *e);
int state_node_pool(struct txn *t, const char *name, const struct node_pool **ret,
                    struct err *e);
/* A node may name a pool that nobody has made: then it is made. */
int node_pool_ensure(struct txn *t, const char *name, struct err *e);
/* The job's namespace and pool exist, and the namespace lets it in: 500 with the API's text. */
int registration_place(struct call *c, const struct job *j, struct err *e);

/* ---- what they have in common ----------------------------------------------------------- */

/* 200 without a body, with the commit's index. */
void reply_written(struct call *c);
/* BLAKE2b of the parts, one after the other, then of the pairs: as the API shows it. */
const char *object_hash(struct arena *a, const char *const *parts, size_t n,
                        const struct strmap *meta);
/* Is there any row below these key parts for which `is_one` is true? Remembered unless the
 * flags (of scans) say SCAN_PEEK. 1: yes. */
typedef bool is_one_fn(const void *body, const void *arg);
int any_row(struct txn *t, const struct table *table, const char *part, unsigned flags,
            is_one_fn *is_one, const void *arg, struct err *e);

#endif
