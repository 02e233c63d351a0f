#include "nomad/model/link_wire.h"

#include "nomad/model/model_priv.h"

static const struct schema_field lease_fields[] = {
    {"heartbeat_ttl_ms", NULL, F_INT, AT(link_lease, heartbeat_ttl_ms)},
    {"index", NULL, F_UINT, AT(link_lease, index)},
    {"servers", NULL, F_STRLIST, AT(link_lease, servers), .max = 1000},
};
SCHEMA(link_lease_schema, "lease", struct link_lease, lease_fields);

static const struct schema_field token_fields[] = {
    {"task", NULL, F_STR, AT(link_token, task), .def = "\"\""},
    {"token", NULL, F_STR, AT(link_token, token), .flags = FIELD_SECRET, .def = "\"\""},
    {"accessor", NULL, F_STR, AT(link_token, accessor), .def = "\"\""},
    {"address", NULL, F_STR, AT(link_token, address), .def = "\"\""},
    {"namespace", NULL, F_STR, AT(link_token, namespace_), .def = "\"\""},
    {"ttl_s", NULL, F_INT, AT(link_token, ttl_s)},
    {"renewable", NULL, F_BOOL, AT(link_token, renewable)},
    {"error", NULL, F_STR, AT(link_token, err), .def = "\"\""},
    {"recoverable", NULL, F_BOOL, AT(link_token, err_recoverable)},
};
static SCHEMA(token_schema, "token", struct link_token, token_fields);

static const struct schema_field tokens_fields[] = {
    {"tokens", NULL, F_LIST, AT(link_tokens, list), .sub = &token_schema,
     .max = GROUP_TASKS_MAX},
};
SCHEMA(link_tokens_schema, "tokens", struct link_tokens, tokens_fields);

static const struct schema_field identity_fields[] = {
    {"task", NULL, F_STR, AT(link_identity, task), .def = "\"\""},
    {"name", NULL, F_STR, AT(link_identity, name), .def = "\"\""},
    {"token", NULL, F_STR, AT(link_identity, token), .flags = FIELD_SECRET, .def = "\"\""},
    {"expires_ns", NULL, F_INT, AT(link_identity, expires_ns)},
};
static SCHEMA(identity_schema, "identity", struct link_identity, identity_fields);

static const struct schema_field identities_fields[] = {
    {"identities", NULL, F_LIST, AT(link_identities, list), .sub = &identity_schema,
     .max = SCHEMA_ITEMS_MAX},
};
SCHEMA(link_identities_schema, "identities", struct link_identities, identities_fields);

static const struct schema_field allocs_fields[] = {
    {"index", NULL, F_UINT, AT(link_allocs_wire, index)},
    {"allocs", NULL, F_LIST, AT(link_allocs_wire, allocs), .sub = &alloc_schema,
     .max = LINK_ALLOCS_MAX},
};
SCHEMA(link_allocs_wire_schema, "allocs", struct link_allocs_wire, allocs_fields);

static const struct schema_field node_event_fields[] = {
    {"Message", NULL, F_STR, AT(node_event, message), .def = "\"\""},
    {"Subsystem", NULL, F_STR, AT(node_event, subsystem), .def = "\"\""},
    {"Details", NULL, F_STRMAP, AT(node_event, details), .flags = FIELD_NULLEMPTY},
    {"Timestamp", NULL, F_TIME, AT(node_event, timestamp)},
};
static SCHEMA(link_event_schema, "event", struct node_event, node_event_fields);

static const struct schema_field request_fields[] = {
    {"node_id", NULL, F_STR, AT(link_request, node_id), .flags = FIELD_REQUIRED},
    {"status", NULL, F_STR, AT(link_request, status), .flags = FIELD_OMITEMPTY},
    {"index", NULL, F_UINT, AT(link_request, index), .flags = FIELD_OMITEMPTY},
    {"wait_ms", NULL, F_INT, AT(link_request, wait_ms), .flags = FIELD_OMITEMPTY, .min = 0,
     .max = LINK_WAIT_MS},
    {"alloc_id", NULL, F_STR, AT(link_request, alloc_id), .flags = FIELD_OMITEMPTY},
    {"tasks", NULL, F_STRLIST, AT(link_request, tasks), .flags = FIELD_OMITEMPTY,
     .max = GROUP_TASKS_MAX},
    {"allocs", NULL, F_LIST, AT(link_request, allocs), .flags = FIELD_OMITEMPTY,
     .sub = &alloc_schema, .max = LINK_UPDATE_BATCH},
    {"events", NULL, F_LIST, AT(link_request, events), .flags = FIELD_OMITEMPTY,
     .sub = &link_event_schema, .max = NODE_EVENTS_MAX},
};
SCHEMA(link_request_schema, "request", struct link_request, request_fields);
