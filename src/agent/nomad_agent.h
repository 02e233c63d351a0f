/* What `nomad agent` and `serai agent` have in common. */
#ifndef AGENT_NOMAD_AGENT_H
#define AGENT_NOMAD_AGENT_H

#include "agent/nomad_config.h"

struct nomad_half;

void nomad_agent_banner(struct arena *a, const struct nomad_config *c,
                        const struct nomad_half *h);
int nomad_agent_logging(const struct nomad_config *c, struct err *e);

#endif
