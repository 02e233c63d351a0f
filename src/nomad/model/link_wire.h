/*
 * nomad/model/link_wire -- the inner protocol's bodies, described once for both ends
 *
 * See link.h for the calls. Every request body is a struct link_request with the fields that
 * its call needs; replies are a link_lease (register, heartbeat), link_allocs_wire,
 * link_tokens, or {"index"}. Objects inside carry their hidden fields too (SCHEMA_ALL): encode
 * and decode with LINK_WIRE.
 */
#ifndef NOMAD_MODEL_LINK_WIRE_H
#define NOMAD_MODEL_LINK_WIRE_H

#include "nomad/model/link.h"
#include "nomad/model/model.h"

#define LINK_SECRET_HEADER "X-Nomad-Node-Secret"
#define LINK_PATH "/v1/internal/node/"
#define LINK_WIRE (SCHEMA_ALL | SCHEMA_UNKNOWN_OK | SCHEMA_NO_DEFAULTS)

struct link_request {
    const char *node_id;
    const char *status;             /* heartbeat */
    uint64_t index;                 /* allocs */
    int64_t wait_ms;                /* allocs */
    const char *alloc_id;           /* derive */
    struct strlist tasks;           /* derive */
    LIST(struct alloc) allocs;      /* update */
    LIST(struct node_event) events; /* events */
};

struct link_allocs_wire {
    uint64_t index;
    LIST(struct alloc) allocs;
};

/* register's body is a node by node_schema. */
extern const struct schema link_request_schema, link_lease_schema, link_allocs_wire_schema,
    link_tokens_schema, link_identities_schema;

#endif
