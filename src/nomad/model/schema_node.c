/* Nodes. */
#include "nomad/model/model_priv.h"

static const struct schema_field driver_info_fields[] = {
    {NULL, NULL, F_STR, AT(driver_info, name)},
    {"Attributes", NULL, F_STRMAP, AT(driver_info, attributes), .flags = FIELD_NULLEMPTY,
     .max = NODE_ATTRIBUTES_MAX},
    {"Detected", NULL, F_BOOL, AT(driver_info, detected)},
    {"Healthy", NULL, F_BOOL, AT(driver_info, healthy)},
    {"HealthDescription", NULL, F_STR, AT(driver_info, health_description), .def = "\"\""},
    {"UpdateTime", NULL, F_TIME, AT(driver_info, update_time)},
};
SCHEMA(driver_info_schema, "driver", struct driver_info, driver_info_fields);

static const struct schema_field host_volume_fields[] = {
    {"Name", NULL, F_STR, AT(host_volume, name), .def = "\"\""},
    {"Path", NULL, F_STR, AT(host_volume, path), .def = "\"\""},
    {"ReadOnly", NULL, F_BOOL, AT(host_volume, read_only)},
};
SCHEMA(host_volume_schema, "host_volume", struct host_volume, host_volume_fields);

static const struct schema_field host_network_fields[] = {
    {"Name", NULL, F_STR, AT(host_network, name), .def = "\"\""},
    {"CIDR", NULL, F_STR, AT(host_network, cidr), .def = "\"\""},
    {"Interface", NULL, F_STR, AT(host_network, interface), .def = "\"\""},
    {"ReservedPorts", NULL, F_STR, AT(host_network, reserved_ports), .def = "\"\""},
};
static SCHEMA(host_network_schema, "host_network", struct host_network, host_network_fields);

static const struct schema_field node_cpu_fields[] = {
    {"CpuShares", NULL, F_INT, AT(node_cpu, cpu_shares)},
    {"TotalCpuCores", NULL, F_INT, AT(node_cpu, total_cores)},
    {"ReservableCpuCores", NULL, F_JSON, AT(node_cpu, reservable_cores)},
};
static SCHEMA(node_cpu_schema, "cpu", struct node_cpu, node_cpu_fields);

static const struct schema_field node_memory_fields[] = {
    {"MemoryMB", NULL, F_INT, AT(node_memory, memory_mb)},
};
static SCHEMA(node_memory_schema, "memory", struct node_memory, node_memory_fields);

static const struct schema_field node_disk_fields[] = {
    {"DiskMB", NULL, F_INT, AT(node_disk, disk_mb)},
};
static SCHEMA(node_disk_schema, "disk", struct node_disk, node_disk_fields);

static const struct schema_field node_address_fields[] = {
    {"Family", NULL, F_STR, AT(node_address, family), .def = "\"\""},
    {"Alias", NULL, F_STR, AT(node_address, alias), .def = "\"\""},
    {"Address", NULL, F_STR, AT(node_address, address), .def = "\"\""},
    {"ReservedPorts", NULL, F_STR, AT(node_address, reserved_ports), .def = "\"\""},
    {"Gateway", NULL, F_STR, AT(node_address, gateway), .def = "\"\""},
};
static SCHEMA(node_address_schema, "address", struct node_address, node_address_fields);

static const struct schema_field node_network_fields[] = {
    {"Mode", NULL, F_STR, AT(node_network, mode), .def = "\"\""},
    {"Device", NULL, F_STR, AT(node_network, device), .def = "\"\""},
    {"MacAddress", NULL, F_STR, AT(node_network, mac_address), .def = "\"\""},
    {"Speed", NULL, F_INT, AT(node_network, speed)},
    {"Addresses", NULL, F_LIST, AT(node_network, addresses), .flags = FIELD_NULLEMPTY,
     .sub = &node_address_schema, .max = 1000},
};
static SCHEMA(node_network_schema, "node_network", struct node_network, node_network_fields);

static const struct schema_field node_resources_fields[] = {
    {"Cpu", NULL, F_EMBED, AT(node_resources, cpu), .sub = &node_cpu_schema},
    {"Processors", NULL, F_JSON, AT(node_resources, processors)},
    {"Memory", NULL, F_EMBED, AT(node_resources, memory), .sub = &node_memory_schema},
    {"Disk", NULL, F_EMBED, AT(node_resources, disk), .sub = &node_disk_schema},
    {"Networks", NULL, F_LIST, AT(node_resources, networks), .flags = FIELD_NULLEMPTY,
     .sub = &network_schema, .max = 1000},
    {"NodeNetworks", NULL, F_LIST, AT(node_resources, node_networks), .flags = FIELD_NULLEMPTY,
     .sub = &node_network_schema, .max = 1000},
    {"Devices", NULL, F_JSON, AT(node_resources, devices)},
    {"MinDynamicPort", NULL, F_INT, AT(node_resources, min_dynamic_port)},
    {"MaxDynamicPort", NULL, F_INT, AT(node_resources, max_dynamic_port)},
};
SCHEMA(node_resources_schema, "resources", struct node_resources, node_resources_fields);

static const struct schema_field reserved_cpu_fields[] = {
    {"CpuShares", NULL, F_INT, AT(reserved_cpu, cpu_shares)},
    {"ReservedCpuCores", NULL, F_JSON, AT(reserved_cpu, reserved_cores)},
};
static SCHEMA(reserved_cpu_schema, "cpu", struct reserved_cpu, reserved_cpu_fields);

static const struct schema_field reserved_networks_fields[] = {
    {"ReservedHostPorts", NULL, F_STR, AT(reserved_networks, reserved_host_ports),
     .def = "\"\""},
};
static SCHEMA(reserved_networks_schema, "networks", struct reserved_networks,
              reserved_networks_fields);

static const struct schema_field reserved_resources_fields[] = {
    {"Cpu", NULL, F_EMBED, AT(reserved_resources, cpu), .sub = &reserved_cpu_schema},
    {"Memory", NULL, F_EMBED, AT(reserved_resources, memory), .sub = &node_memory_schema},
    {"Disk", NULL, F_EMBED, AT(reserved_resources, disk), .sub = &node_disk_schema},
    {"Networks", NULL, F_EMBED, AT(reserved_resources, networks),
     .sub = &reserved_networks_schema},
};
SCHEMA(reserved_resources_schema, "reserved", struct reserved_resources,
       reserved_resources_fields);

static const struct schema_field drain_strategy_fields[] = {
    {"Deadline", NULL, F_DURATION, AT(drain_strategy, deadline_ns)},
    {"IgnoreSystemJobs", NULL, F_BOOL, AT(drain_strategy, ignore_system_jobs)},
    {"ForceDeadline", NULL, F_TIME, AT(drain_strategy, force_deadline)},
    {"StartedAt", NULL, F_TIME, AT(drain_strategy, started_at)},
};
SCHEMA(drain_strategy_schema, "drain_strategy", struct drain_strategy, drain_strategy_fields);

static const struct schema_field drain_metadata_fields[] = {
    {"StartedAt", NULL, F_TIME, AT(drain_metadata, started_at)},
    {"UpdatedAt", NULL, F_TIME, AT(drain_metadata, updated_at)},
    {"Status", NULL, F_STR, AT(drain_metadata, status), .def = "\"\""},
    {"AccessorID", NULL, F_STR, AT(drain_metadata, accessor_id), .def = "\"\""},
    {"Meta", NULL, F_STRMAP, AT(drain_metadata, meta), .flags = FIELD_NULLEMPTY},
};
SCHEMA(drain_metadata_schema, "last_drain", struct drain_metadata, drain_metadata_fields);

static const struct schema_field node_event_fields[] = {
    {"Message", NULL, F_STR, AT(node_event, message), .def = "\"\""},
    {"Subsystem", NULL, F_STR, AT(node_event, subsystem), .def = "\"\""},
    {"Details", NULL, F_STRMAP, AT(node_event, details), .flags = FIELD_NULLEMPTY},
    {"Timestamp", NULL, F_TIME, AT(node_event, timestamp)},
    {"CreateIndex", NULL, F_UINT, AT(node_event, create_index)},
};
static SCHEMA(node_event_schema, "event", struct node_event, node_event_fields);

static const struct schema_field node_fields[] = {
    {"ID", NULL, F_STR, AT(node, id), .def = "\"\""},
    {"SecretIDHash", NULL, F_STR, AT(node, secret_id_hash),
     .flags = FIELD_HIDDEN | FIELD_SECRET, .def = "\"\""},
    {"Datacenter", NULL, F_STR, AT(node, datacenter), .def = "\"\"", .max = NAME_MAX_BYTES},
    {"Name", NULL, F_STR, AT(node, name), .def = "\"\"", .max = JOB_NAME_MAX},
    {"CgroupParent", NULL, F_STR, AT(node, cgroup_parent), .def = "\"\""},
    {"HTTPAddr", NULL, F_STR, AT(node, http_addr), .def = "\"\""},
    {"TLSEnabled", NULL, F_BOOL, AT(node, tls_enabled)},
    {"Attributes", NULL, F_STRMAP, AT(node, attributes), .flags = FIELD_NULLEMPTY,
     .max = NODE_ATTRIBUTES_MAX},
    {"NodeResources", NULL, F_EMBED, AT(node, resources), .sub = &node_resources_schema},
    {"ReservedResources", NULL, F_EMBED, AT(node, reserved), .sub = &reserved_resources_schema},
    {"Links", NULL, F_STRMAP, AT(node, links), .flags = FIELD_NULLEMPTY,
     .max = NODE_ATTRIBUTES_MAX},
    {"Meta", NULL, F_STRMAP, AT(node, meta), .flags = FIELD_NULLEMPTY,
     .max = NODE_ATTRIBUTES_MAX},
    {"NodeClass", NULL, F_STR, AT(node, node_class), .def = "\"\""},
    {"NodePool", NULL, F_STR, AT(node, node_pool), .def = "\"\"", .max = NAME_MAX_BYTES},
    {"ComputedClass", NULL, F_STR, AT(node, computed_class), .def = "\"\""},
    {"DrainStrategy", NULL, F_OBJ, AT(node, drain_strategy), .sub = &drain_strategy_schema},
    {"SchedulingEligibility", NULL, F_STR, AT(node, eligibility), .def = "\"\""},
    {"Status", NULL, F_STR, AT(node, status), .def = "\"\""},
    {"StatusDescription", NULL, F_STR, AT(node, status_description), .def = "\"\""},
    {"StatusUpdatedAt", NULL, F_INT, AT(node, status_updated_at)},
    {"Events", NULL, F_LIST, AT(node, events), .flags = FIELD_NULLEMPTY,
     .sub = &node_event_schema, .max = NODE_EVENTS_MAX},
    {"Drivers", NULL, F_MAP, AT(node, drivers), .flags = FIELD_NULLEMPTY,
     .sub = &driver_info_schema, .max = NODE_DRIVERS_MAX},
    {"CSIControllerPlugins", NULL, F_JSON, AT(node, csi_controller_plugins)},
    {"CSINodePlugins", NULL, F_JSON, AT(node, csi_node_plugins)},
    {"HostVolumes", NULL, F_MAP, AT(node, host_volumes), .flags = FIELD_NULLEMPTY,
     .sub = &host_volume_schema, .max = NODE_VOLUMES_MAX},
    {"HostNetworks", NULL, F_MAP, AT(node, host_networks), .flags = FIELD_NULLEMPTY,
     .sub = &host_network_schema, .max = NODE_VOLUMES_MAX},
    {"LastDrain", NULL, F_OBJ, AT(node, last_drain), .sub = &drain_metadata_schema},
    {"LastMissedHeartbeatIndex", NULL, F_UINT, AT(node, last_missed_heartbeat_index)},
    {"LastAllocUpdateIndex", NULL, F_UINT, AT(node, last_alloc_update_index)},
    {"CreateIndex", NULL, F_UINT, AT(node, create_index)},
    {"ModifyIndex", NULL, F_UINT, AT(node, modify_index)},
};
SCHEMA(node_schema, "node", struct node, node_fields);
