/* The seal's state, as `status` and `operator unseal` show it. */
#ifndef CLI_VAULT_SEAL_STATUS_H
#define CLI_VAULT_SEAL_STATUS_H

struct remote_reply;
struct cli_call;
struct json;

/* Print it with what sys/leader says; the exit code (not that of `status`, which tells sealed
 * from unsealed). */
int seal_status_print(struct cli_call *c, const struct json *status);

#endif
