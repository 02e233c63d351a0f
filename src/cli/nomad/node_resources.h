/* What of a node is promised, and what is in use. */
#ifndef CLI_NOMAD_NODE_RESOURCES_H
#define CLI_NOMAD_NODE_RESOURCES_H

#include "cli/nomad/nomad_priv.h"

/* Tables on stdout; the node and each running alloc are asked, what does not answer is left
 * out. `details`: each processor and disk as well. */
void print_node_resources(struct cli_call *c, const struct json *node,
                          const struct json *allocs, bool details);

#endif
