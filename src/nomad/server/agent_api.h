/* agent_api -- the files that answer for the agent, the cluster and what this server has not */
#ifndef NOMAD_SERVER_AGENT_API_H
#define NOMAD_SERVER_AGENT_API_H

#include "nomad/server/server_priv.h"

/* agent_self.c */
int agent_self(struct call *c, struct err *e);
int agent_members(struct call *c, struct err *e);
const char *server_id(const struct nomad_server *s, struct arena *a);   /* a UUID of its name */
const char *member_name(const struct nomad_server *s, struct arena *a); /* "host.global" */

/* operator_api.c */
int raft_configuration(struct call *c, struct err *e);
int raft_peer_remove(struct call *c, struct err *e);
int autopilot_configuration(struct call *c, struct err *e);
int autopilot_health(struct call *c, struct err *e);
int agent_metrics(struct call *c, struct err *e);
int reconcile_summaries(struct call *c, struct err *e);

/* snapshot_api.c */
int snapshot_save(struct call *c, struct err *e);
int snapshot_restore(struct call *c, struct err *e);

#endif
