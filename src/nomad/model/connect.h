/*
 * nomad/model/connect -- a service's `connect` block: a mesh of Consul's
 *
 * Read, checked, kept, compared and shown like every other block. What it asks for (a proxy
 * beside the task, a gateway) is the business of a client that can run it.
 *
 * Memory: in the job's arena, as everything of a job (nomad/model/job.h).
 */
#ifndef NOMAD_MODEL_CONNECT_H
#define NOMAD_MODEL_CONNECT_H

#include "nomad/model/job.h"

/* How traffic for another datacenter leaves: "none" "local" "remote" or "". */
struct mesh_gateway {
    const char *mode;
};

struct connect_upstream {
    const char *destination_name, *destination_namespace, *destination_peer,
        *destination_partition, *destination_type, *datacenter, *local_bind_address,
        *local_bind_socket_path, *local_bind_socket_mode;
    int64_t local_bind_port;
    struct mesh_gateway *mesh_gateway;
    struct json *config;
};

struct expose_path {
    const char *path, *protocol, *listener_port;
    int64_t local_path_port;
};

struct expose_config {
    LIST(struct expose_path) paths;
    struct json *path; /* an older form of the API's, always null */
};

struct transparent_proxy {
    const char *uid;
    int64_t outbound_port;
    struct strlist exclude_inbound_ports, exclude_outbound_cidrs, exclude_uids;
    struct json *exclude_outbound_ports; /* a list of numbers */
    bool no_dns;
};

struct connect_proxy {
    const char *local_service_address;
    int64_t local_service_port;
    struct expose_config *expose;
    struct json *expose_config; /* an older form of the API's, always null */
    LIST(struct connect_upstream) upstreams;
    struct transparent_proxy *transparent_proxy;
    struct json *config;
};

struct sidecar_service {
    struct strlist tags;
    const char *port;
    struct connect_proxy *proxy;
    bool disable_default_tcp_check;
    struct strmap meta;
};

/* What the task that runs the proxy has other than the usual. */
struct sidecar_task {
    const char *name, *driver, *user, *kill_signal;
    struct json *config;
    struct strmap env, meta;
    struct resources *resources;
    int64_t *kill_timeout_ns, *shutdown_delay_ns;
    struct log_config *logs;
    LIST(struct volume_mount) volume_mounts;
};

/*
 * Gateways.
 */
struct gateway_address {
    const char *name, *address; /* name is also its key in the map */
    int64_t port;
};

struct gateway_proxy {
    int64_t *connect_timeout_ns;
    bool bind_tagged_addresses, no_default_bind;
    LIST(struct gateway_address) bind_addresses;
    const char *dns_discovery_type;
    struct json *config;
};

struct gateway_tls {
    bool enabled;
    const char *min_version, *max_version;
    struct strlist cipher_suites;
};

struct ingress_service {
    const char *name;
    struct strlist hosts;
    struct gateway_tls *tls;
    int64_t *max_connections, *max_pending_requests, *max_concurrent_requests;
};

struct ingress_listener {
    int64_t port;
    const char *protocol;
    LIST(struct ingress_service) services;
};

struct ingress_gateway {
    struct gateway_tls *tls;
    LIST(struct ingress_listener) listeners;
};

struct linked_service {
    const char *name, *ca_file, *cert_file, *key_file, *sni;
};

struct terminating_gateway {
    LIST(struct linked_service) services;
};

/* Nothing to set. */
struct mesh_config {
    char unused;
};

struct connect_gateway {
    struct gateway_proxy *proxy;
    struct ingress_gateway *ingress;
    struct terminating_gateway *terminating;
    struct mesh_config *mesh;
};

/* Exactly one of native, sidecar_service and gateway. */
struct connect {
    bool native;
    struct connect_gateway *gateway;
    struct sidecar_service *sidecar_service;
    struct sidecar_task *sidecar_task;
};

enum { CONNECT_ITEMS_MAX = 200 }; /* upstreams, paths, listeners, services, addresses: each */

#endif
