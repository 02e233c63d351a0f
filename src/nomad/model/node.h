/*
 * nomad/model/node -- a machine that runs tasks
 */
#ifndef NOMAD_MODEL_NODE_H
#define NOMAD_MODEL_NODE_H

#include "lang/schema.h"
#include "nomad/model/job.h"

struct driver_info {
    const char *name; /* key of the map */
    struct strmap attributes;
    bool detected, healthy;
    const char *health_description;
    int64_t update_time; /* Unix ns */
};

struct host_volume {
    const char *name, *path; /* name is also its key */
    bool read_only;
};

struct host_network {
    const char *name, *cidr, *interface, *reserved_ports; /* name is also its key */
};

struct node_cpu {
    int64_t cpu_shares; /* MHz in all */
    int64_t total_cores;
    struct json *reservable_cores; /* [0, 1, ...] or null */
};

struct node_memory {
    int64_t memory_mb;
};

struct node_disk {
    int64_t disk_mb;
};

struct node_address {
    const char *family, *alias, *address, *reserved_ports, *gateway;
};

struct node_network {
    const char *mode, *device, *mac_address;
    int64_t speed;
    LIST(struct node_address) addresses;
};

struct node_resources {
    struct node_cpu cpu;
    struct node_memory memory;
    struct node_disk disk;
    network_list networks;
    LIST(struct node_network) node_networks;
    struct json *devices;
    struct json *processors;
    int64_t min_dynamic_port, max_dynamic_port;
};

struct reserved_cpu {
    int64_t cpu_shares;
    struct json *reserved_cores;
};

struct reserved_networks {
    const char *reserved_host_ports; /* "22,80,1000-2000" */
};

struct reserved_resources {
    struct reserved_cpu cpu;
    struct node_memory memory;
    struct node_disk disk;
    struct reserved_networks networks;
};

struct drain_strategy {
    int64_t deadline_ns; /* 0: none, < 0: force */
    bool ignore_system_jobs;
    int64_t force_deadline, started_at; /* Unix ns */
};

struct drain_metadata {
    int64_t started_at, updated_at; /* Unix ns */
    const char *status;             /* "draining" "complete" "canceled" */
    const char *accessor_id;
    struct strmap meta;
};

struct node_event {
    const char *message, *subsystem;
    struct strmap details;
    int64_t timestamp; /* Unix ns */
    uint64_t create_index;
};

struct node {
    const char *id;
    const char *secret_id_hash; /* hex; never shown */
    const char *datacenter, *name, *cgroup_parent, *http_addr;
    bool tls_enabled;
    struct strmap attributes, links, meta;
    struct node_resources resources;
    struct reserved_resources reserved;
    const char *node_class, *node_pool, *computed_class;
    struct drain_strategy *drain_strategy;
    const char *eligibility; /* "eligible" "ineligible" */
    const char *status;      /* "initializing" "ready" "down" "disconnected" */
    const char *status_description;
    int64_t status_updated_at; /* Unix s */
    LIST(struct node_event) events;
    LIST(struct driver_info) drivers;
    LIST(struct host_volume) host_volumes;
    LIST(struct host_network) host_networks;
    struct json *csi_controller_plugins, *csi_node_plugins;
    struct drain_metadata *last_drain;
    uint64_t last_missed_heartbeat_index, last_alloc_update_index;
    uint64_t create_index, modify_index;
};

extern const struct schema node_schema, drain_strategy_schema, node_resources_schema,
    driver_info_schema, host_volume_schema, reserved_resources_schema, drain_metadata_schema;

enum {
    NODE_EVENTS_MAX = 10,
    NODE_ATTRIBUTES_MAX = 2000,
    NODE_DRIVERS_MAX = 100,
    NODE_VOLUMES_MAX = 1000,
    NODE_MIN_DYNAMIC_PORT = 20000,
    NODE_MAX_DYNAMIC_PORT = 32000,
};

/* Limits, required fields, defaults (pool "default", eligible, ports). ERR_INVALID. */
int node_check(struct node *n, struct arena *a, struct err *e);
/* Hex digest of all that constraints can see except what is unique to the node; nodes of one
 * class are equally feasible. Goes into computed_class ("v1:<digits>"). */
char *node_computed_class(const struct node *n, struct arena *a);
bool node_is_ready(const struct node *n); /* ready, eligible, not draining */
/* Newest last, at most NODE_EVENTS_MAX. */
void node_event_add(struct node *n, const char *message, const char *subsystem, int64_t now_ns,
                    struct arena *a);
bool node_status_may_become(const char *from, const char *to);
/* Host, without the port, of http_addr: what node lists show as Address. */
struct str node_address_of(const struct node *n);

#endif
