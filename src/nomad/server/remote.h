/*
 * remote -- tasks' tokens from a Vault elsewhere, by Nomad's token workflow
 *
 * A connection that is made and kept by a thread of its own:
 *
 *      trying --self lookup, role and capabilities right--> established --own token renewed-->
 * established established --renewal fails until the token is over--> trying
 *
 * Trying goes on for ever, with growing waits; no start and no request ever waits for it.
 * Errors are typed: what may go away by itself (no connection, sealed, 5xx, not established) is
 * ERR_UNAVAIL, what will not (400, 403, 404) ERR_DENIED.
 *
 * Thread: any.
 */
#ifndef NOMAD_SERVER_REMOTE_H
#define NOMAD_SERVER_REMOTE_H

#include "nomad/server/secrets.h"

struct err;

struct remote_opts {
    const char *address, *token, *namespace, *create_from_role;
    const char *ca_file, *ca_path, *cert_file, *key_file, *tls_server_name;
    bool skip_verify, allow_unauthenticated;
    const char *task_token_ttl; /* "72h" */
};

/* *ret: its .free ends the thread. Never waits for the Vault. ERR_INVALID (address). */
int remote_secrets_new(const struct remote_opts *o, struct task_secrets **ret, struct err *e);

#endif
