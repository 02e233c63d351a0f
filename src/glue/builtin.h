/*
 * glue/builtin -- tasks' tokens from the vault in the same program
 *
 * Nothing is configured and nothing is carried by hand: a token is an orphan of our own vault,
 * tied to (alloc, task) by its owner mark and limited to the task's policies. It is made in the
 * transaction of the client's derive call, and the write that makes the alloc terminal removes
 * it: one transaction. Only while the vault is sealed (its records cannot be read) does the end
 * go through the server's durable queue.
 *
 * Thread: any. Both halves share one store.
 */
#ifndef GLUE_BUILTIN_H
#define GLUE_BUILTIN_H

#include "nomad/server/secrets.h"
#include "vault/core/vault.h"

/* `address`: where tasks reach the vault ("http://127.0.0.1:8200"); must outlive it. */
struct task_secrets *builtin_secrets_new(struct vault *v, const char *address);

#endif
