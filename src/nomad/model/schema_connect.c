/* A service's `connect` block. */
#include "nomad/model/connect.h"
#include "nomad/model/model_priv.h"

/*
 * Sidecars.
 */
static const struct schema_field mesh_gateway_fields[] = {
    {"Mode", "mode", F_STR, AT(mesh_gateway, mode), .def = "\"\""},
};
static SCHEMA(mesh_gateway_schema, "mesh_gateway", struct mesh_gateway, mesh_gateway_fields);

static const struct schema_field upstream_fields[] = {
    {"DestinationName", "destination_name", F_STR, AT(connect_upstream, destination_name),
     .def = "\"\""},
    {"DestinationNamespace", "destination_namespace", F_STR,
     AT(connect_upstream, destination_namespace), .def = "\"\""},
    {"DestinationPeer", "destination_peer", F_STR, AT(connect_upstream, destination_peer),
     .def = "\"\""},
    {"DestinationPartition", "destination_partition", F_STR,
     AT(connect_upstream, destination_partition), .def = "\"\""},
    {"DestinationType", "destination_type", F_STR, AT(connect_upstream, destination_type),
     .def = "\"\""},
    {"LocalBindPort", "local_bind_port", F_INT, AT(connect_upstream, local_bind_port)},
    {"Datacenter", "datacenter", F_STR, AT(connect_upstream, datacenter), .def = "\"\""},
    {"LocalBindAddress", "local_bind_address", F_STR, AT(connect_upstream, local_bind_address),
     .def = "\"\""},
    {"LocalBindSocketPath", "local_bind_socket_path", F_STR,
     AT(connect_upstream, local_bind_socket_path), .def = "\"\""},
    {"LocalBindSocketMode", "local_bind_socket_mode", F_STR,
     AT(connect_upstream, local_bind_socket_mode), .def = "\"\""},
    {"MeshGateway", "mesh_gateway", F_OBJ, AT(connect_upstream, mesh_gateway),
     .sub = &mesh_gateway_schema},
    {"Config", "config", F_JSON, AT(connect_upstream, config), .flags = FIELD_BLOCK},
};
static SCHEMA(upstream_schema, "upstreams", struct connect_upstream, upstream_fields);

static const struct schema_field expose_path_fields[] = {
    {"Path", "path", F_STR, AT(expose_path, path), .def = "\"\""},
    {"Protocol", "protocol", F_STR, AT(expose_path, protocol), .def = "\"\""},
    {"LocalPathPort", "local_path_port", F_INT, AT(expose_path, local_path_port)},
    {"ListenerPort", "listener_port", F_STR, AT(expose_path, listener_port), .def = "\"\""},
};
static SCHEMA(expose_path_schema, "path", struct expose_path, expose_path_fields);

static const struct schema_field expose_fields[] = {
    {"Paths", "path", F_LIST, AT(expose_config, paths), .flags = FIELD_NULLEMPTY,
     .sub = &expose_path_schema, .max = CONNECT_ITEMS_MAX},
    {"Path", NULL, F_JSON, AT(expose_config, path), .flags = FIELD_JSON_ONLY | FIELD_NODIFF},
};
static SCHEMA(expose_schema, "expose", struct expose_config, expose_fields);

static const struct schema_field transparent_proxy_fields[] = {
    {"UID", "uid", F_STR, AT(transparent_proxy, uid), .def = "\"\""},
    {"OutboundPort", "outbound_port", F_INT, AT(transparent_proxy, outbound_port),
     .max = 65535},
    {"ExcludeInboundPorts", "exclude_inbound_ports", F_STRLIST,
     AT(transparent_proxy, exclude_inbound_ports), .flags = FIELD_NULLEMPTY,
     .max = CONNECT_ITEMS_MAX},
    {"ExcludeOutboundPorts", "exclude_outbound_ports", F_JSON,
     AT(transparent_proxy, exclude_outbound_ports)},
    {"ExcludeOutboundCIDRs", "exclude_outbound_cidrs", F_STRLIST,
     AT(transparent_proxy, exclude_outbound_cidrs), .flags = FIELD_NULLEMPTY,
     .max = CONNECT_ITEMS_MAX},
    {"ExcludeUIDs", "exclude_uids", F_STRLIST, AT(transparent_proxy, exclude_uids),
     .flags = FIELD_NULLEMPTY, .max = CONNECT_ITEMS_MAX},
    {"NoDNS", "no_dns", F_BOOL, AT(transparent_proxy, no_dns)},
};
static SCHEMA(transparent_proxy_schema, "transparent_proxy", struct transparent_proxy,
              transparent_proxy_fields);

static const struct schema_field proxy_fields[] = {
    {"LocalServiceAddress", "local_service_address", F_STR,
     AT(connect_proxy, local_service_address), .def = "\"\""},
    {"LocalServicePort", "local_service_port", F_INT, AT(connect_proxy, local_service_port)},
    {"Expose", "expose", F_OBJ, AT(connect_proxy, expose), .sub = &expose_schema},
    {"ExposeConfig", NULL, F_JSON, AT(connect_proxy, expose_config),
     .flags = FIELD_JSON_ONLY | FIELD_NODIFF},
    {"Upstreams", "upstreams", F_LIST, AT(connect_proxy, upstreams), .flags = FIELD_NULLEMPTY,
     .sub = &upstream_schema, .max = CONNECT_ITEMS_MAX},
    {"TransparentProxy", "transparent_proxy", F_OBJ, AT(connect_proxy, transparent_proxy),
     .sub = &transparent_proxy_schema},
    {"Config", "config", F_JSON, AT(connect_proxy, config), .flags = FIELD_BLOCK},
};
static SCHEMA(proxy_schema, "proxy", struct connect_proxy, proxy_fields);

static const struct schema_field sidecar_service_fields[] = {
    {"Tags", "tags", F_STRLIST, AT(sidecar_service, tags), .flags = FIELD_NULLEMPTY,
     .max = 1000},
    {"Port", "port", F_STR, AT(sidecar_service, port), .def = "\"\""},
    {"Proxy", "proxy", F_OBJ, AT(sidecar_service, proxy), .sub = &proxy_schema},
    {"DisableDefaultTCPCheck", "disable_default_tcp_check", F_BOOL,
     AT(sidecar_service, disable_default_tcp_check)},
    {"Meta", "meta", F_STRMAP, AT(sidecar_service, meta),
     .flags = FIELD_NULLEMPTY | FIELD_BLOCK, .max = JOB_META_MAX},
};
static SCHEMA(sidecar_service_schema, "sidecar_service", struct sidecar_service,
              sidecar_service_fields);

static const struct schema_field sidecar_task_fields[] = {
    {"Name", "name", F_STR, AT(sidecar_task, name), .def = "\"\""},
    {"Driver", "driver", F_STR, AT(sidecar_task, driver), .def = "\"\""},
    {"User", "user", F_STR, AT(sidecar_task, user), .def = "\"\""},
    {"Config", "config", F_JSON, AT(sidecar_task, config),
     .flags = FIELD_BLOCK | FIELD_BLOCK_ONLY},
    {"Env", "env", F_STRMAP, AT(sidecar_task, env), .flags = FIELD_NULLEMPTY | FIELD_BLOCK,
     .max = JOB_META_MAX},
    {"Resources", "resources", F_OBJ, AT(sidecar_task, resources), .sub = &resources_schema},
    {"Meta", "meta", F_STRMAP, AT(sidecar_task, meta), .flags = FIELD_NULLEMPTY | FIELD_BLOCK,
     .max = JOB_META_MAX},
    {"KillTimeout", "kill_timeout", F_DURATION, AT(sidecar_task, kill_timeout_ns),
     .flags = FIELD_PTR},
    {"LogConfig", "logs", F_OBJ, AT(sidecar_task, logs), .sub = &log_config_schema},
    {"ShutdownDelay", "shutdown_delay", F_DURATION, AT(sidecar_task, shutdown_delay_ns),
     .flags = FIELD_PTR},
    {"KillSignal", "kill_signal", F_STR, AT(sidecar_task, kill_signal), .def = "\"\""},
    {"VolumeMounts", "volume_mount", F_LIST, AT(sidecar_task, volume_mounts),
     .flags = FIELD_NULLEMPTY, .sub = &volume_mount_schema, .max = 200},
};
static SCHEMA(sidecar_task_schema, "sidecar_task", struct sidecar_task, sidecar_task_fields);

/*
 * Gateways.
 */
static const struct schema_field gateway_address_fields[] = {
    {"Name", "name", F_STR, AT(gateway_address, name), .flags = FIELD_LABEL, .def = "\"\""},
    {"Address", "address", F_STR, AT(gateway_address, address), .def = "\"\""},
    {"Port", "port", F_INT, AT(gateway_address, port)},
};
static SCHEMA(gateway_address_schema, "envoy_gateway_bind_addresses", struct gateway_address,
              gateway_address_fields);

static const struct schema_field gateway_proxy_fields[] = {
    {"ConnectTimeout", "connect_timeout", F_DURATION, AT(gateway_proxy, connect_timeout_ns),
     .flags = FIELD_PTR},
    {"EnvoyGatewayBindTaggedAddresses", "envoy_gateway_bind_tagged_addresses", F_BOOL,
     AT(gateway_proxy, bind_tagged_addresses)},
    {"EnvoyGatewayBindAddresses", "envoy_gateway_bind_addresses", F_MAP,
     AT(gateway_proxy, bind_addresses), .flags = FIELD_NULLEMPTY,
     .sub = &gateway_address_schema, .max = CONNECT_ITEMS_MAX},
    {"EnvoyGatewayNoDefaultBind", "envoy_gateway_no_default_bind", F_BOOL,
     AT(gateway_proxy, no_default_bind)},
    {"EnvoyDNSDiscoveryType", "envoy_dns_discovery_type", F_STR,
     AT(gateway_proxy, dns_discovery_type), .def = "\"\""},
    {"Config", "config", F_JSON, AT(gateway_proxy, config), .flags = FIELD_BLOCK},
};
static SCHEMA(gateway_proxy_schema, "proxy", struct gateway_proxy, gateway_proxy_fields);

static const struct schema_field gateway_tls_fields[] = {
    {"Enabled", "enabled", F_BOOL, AT(gateway_tls, enabled)},
    {"TLSMinVersion", "tls_min_version", F_STR, AT(gateway_tls, min_version), .def = "\"\""},
    {"TLSMaxVersion", "tls_max_version", F_STR, AT(gateway_tls, max_version), .def = "\"\""},
    {"CipherSuites", "cipher_suites", F_STRLIST, AT(gateway_tls, cipher_suites),
     .flags = FIELD_NULLEMPTY, .max = 100},
};
static SCHEMA(gateway_tls_schema, "tls", struct gateway_tls, gateway_tls_fields);

static const struct schema_field ingress_service_fields[] = {
    {"Name", "name", F_STR, AT(ingress_service, name), .def = "\"\""},
    {"Hosts", "hosts", F_STRLIST, AT(ingress_service, hosts), .flags = FIELD_NULLEMPTY,
     .max = CONNECT_ITEMS_MAX},
    {"TLS", "tls", F_OBJ, AT(ingress_service, tls), .sub = &gateway_tls_schema},
    {"MaxConnections", "max_connections", F_INT, AT(ingress_service, max_connections),
     .flags = FIELD_PTR | FIELD_NULLEMPTY},
    {"MaxPendingRequests", "max_pending_requests", F_INT,
     AT(ingress_service, max_pending_requests), .flags = FIELD_PTR | FIELD_NULLEMPTY},
    {"MaxConcurrentRequests", "max_concurrent_requests", F_INT,
     AT(ingress_service, max_concurrent_requests), .flags = FIELD_PTR | FIELD_NULLEMPTY},
};
static SCHEMA(ingress_service_schema, "service", struct ingress_service,
              ingress_service_fields);

static const struct schema_field ingress_listener_fields[] = {
    {"Port", "port", F_INT, AT(ingress_listener, port)},
    {"Protocol", "protocol", F_STR, AT(ingress_listener, protocol), .def = "\"\""},
    {"Services", "service", F_LIST, AT(ingress_listener, services), .flags = FIELD_NULLEMPTY,
     .sub = &ingress_service_schema, .max = CONNECT_ITEMS_MAX},
};
static SCHEMA(ingress_listener_schema, "listener", struct ingress_listener,
              ingress_listener_fields);

static const struct schema_field ingress_fields[] = {
    {"TLS", "tls", F_OBJ, AT(ingress_gateway, tls), .sub = &gateway_tls_schema},
    {"Listeners", "listener", F_LIST, AT(ingress_gateway, listeners), .flags = FIELD_NULLEMPTY,
     .sub = &ingress_listener_schema, .max = CONNECT_ITEMS_MAX},
};
static SCHEMA(ingress_schema, "ingress", struct ingress_gateway, ingress_fields);

static const struct schema_field linked_service_fields[] = {
    {"Name", "name", F_STR, AT(linked_service, name), .def = "\"\""},
    {"CAFile", "ca_file", F_STR, AT(linked_service, ca_file), .def = "\"\""},
    {"CertFile", "cert_file", F_STR, AT(linked_service, cert_file), .def = "\"\""},
    {"KeyFile", "key_file", F_STR, AT(linked_service, key_file), .def = "\"\""},
    {"SNI", "sni", F_STR, AT(linked_service, sni), .def = "\"\""},
};
static SCHEMA(linked_service_schema, "service", struct linked_service, linked_service_fields);

static const struct schema_field terminating_fields[] = {
    {"Services", "service", F_LIST, AT(terminating_gateway, services), .flags = FIELD_NULLEMPTY,
     .sub = &linked_service_schema, .max = CONNECT_ITEMS_MAX},
};
static SCHEMA(terminating_schema, "terminating", struct terminating_gateway,
              terminating_fields);

static const struct schema mesh_schema = {.name = "mesh", .size = sizeof(struct mesh_config)};

static const struct schema_field gateway_fields[] = {
    {"Proxy", "proxy", F_OBJ, AT(connect_gateway, proxy), .sub = &gateway_proxy_schema},
    {"Ingress", "ingress", F_OBJ, AT(connect_gateway, ingress), .sub = &ingress_schema},
    {"Terminating", "terminating", F_OBJ, AT(connect_gateway, terminating),
     .sub = &terminating_schema},
    {"Mesh", "mesh", F_OBJ, AT(connect_gateway, mesh), .sub = &mesh_schema},
};
static SCHEMA(gateway_schema, "gateway", struct connect_gateway, gateway_fields);

static const struct schema_field connect_fields[] = {
    {"Native", "native", F_BOOL, AT(connect, native)},
    {"Gateway", "gateway", F_OBJ, AT(connect, gateway), .sub = &gateway_schema},
    {"SidecarService", "sidecar_service", F_OBJ, AT(connect, sidecar_service),
     .sub = &sidecar_service_schema},
    {"SidecarTask", "sidecar_task", F_OBJ, AT(connect, sidecar_task),
     .sub = &sidecar_task_schema},
};
SCHEMA(connect_schema, "connect", struct connect, connect_fields);
