/*
 * secrets -- where tasks' tokens come from, and how they end (the glue, from the server's side)
 *
 *            builtin (glue/builtin.c)                       remote (remote.c)
 *   create   a token of our own vault, in the transaction   Vault's API by HTTP, on the
 * blocking pool of the derive call; tied to (alloc, task) end      the write that makes the
 * alloc terminal        an accessor record per token; a durable queue that is removes the
 * tokens: same transaction           retried for ever, bounded per second outage   cannot be
 * apart                                typed errors; nothing "gives up"
 *
 * Thread: any.
 */
#ifndef NOMAD_SERVER_SECRETS_H
#define NOMAD_SERVER_SECRETS_H

#include "nomad/model/link.h"
#include "nomad/model/model.h"
#include "store/store.h"

struct call;

/* Who asks for which task of which alloc; everything verified by the server. */
struct token_ask {
    const struct alloc *alloc;
    const struct job *job;
    const struct node *node;
    const struct task *task; /* has a vault block */
};

struct task_secrets {
    void *ctx;
    bool outside; /* create asks another server: it is called on the blocking pool, txn is NULL
                   */
    const char *role;    /* tokens are made from it; NULL, "": from none */
    bool asks_submitter; /* check_job looks at the submitter's token */
    /* May this job be registered? Texts as recorded ("Vault not enabled, ...", policy checks
     * with the submitter's token). Runs inside the registration's transaction; `outside` ones
     * are asked before it. */
    int (*check_job)(void *ctx, const struct job *j, const char *submitter_token,
                     struct arena *a, struct err *e);
    /* One token. What has to be remembered for its end is written into `record` (JSON, NULL:
     * nothing), which the server stores with the alloc's accessors. */
    int (*create)(void *ctx, struct txn *t, const struct token_ask *q, struct arena *a,
                  struct link_token *ret, const struct json **ret_record, struct err *e);
    /* The alloc is terminal: inside that transaction. builtin: tokens go now. remote: nothing
     * (the queue does it). */
    int (*alloc_ended)(void *ctx, struct txn *t, const char *alloc_id, struct err *e);
    /* Queue worker: end what `record` says. "already gone" is success. ERR_UNAVAIL etc.: tried
     * again later. */
    int (*revoke)(void *ctx, const struct json *record, struct arena *a, struct err *e);
    /* {"enabled", "reachable", ...} for agent/self and status. */
    const struct json *(*status)(void *ctx, struct arena *a);
    void (*free)(void *ctx);
};

#endif
