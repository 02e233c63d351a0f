/*
 * nomad_half -- a nomad agent in this process: server, client, or both, and their listeners
 *
 * Used by `nomad agent` and by `serai agent` (which gives it the vault's store and api, so that
 * both halves share transactions).
 */
#ifndef AGENT_NOMAD_HALF_H
#define AGENT_NOMAD_HALF_H

#include <stdbool.h>

#include "agent/nomad_config.h"

struct api;
struct err;
struct nomad_half;
struct store;
struct task_secrets;

struct nomad_half_opts {
    const struct nomad_config *config;
    struct store *store; /* both NULL: its own */
    struct api *api;
    struct task_secrets *secrets; /* NULL: by the configuration's vault block */
    const char *vault_address;    /* with secrets: what the client looks at */
};

int nomad_half_start(const struct nomad_half_opts *o, struct nomad_half **ret, struct err *e);
/* `leaving`: leave_on_interrupt or leave_on_terminate says so. */
/* NULL is fine. Stops the api too, also a shared one. */
void nomad_half_stop(struct nomad_half *h, bool leaving);
void nomad_half_reload(struct nomad_half *h);
const char *nomad_half_node_id(const struct nomad_half *h); /* NULL: no client */

#endif
