/* The pieces of a job that stand in several places: constraints, policies, networks, services.
 */
#include "nomad/model/model_priv.h"

/*
 * Placement.
 */
static const struct schema_field constraint_fields[] = {
    {"LTarget", "attribute", F_STR, AT(constraint, ltarget), .def = "\"\""},
    {"RTarget", "value", F_STR, AT(constraint, rtarget), .def = "\"\""},
    {"Operand", "operator", F_STR, AT(constraint, operand), .def = "\"\""},
    {NULL, "version", F_STR, AT(constraint, hcl_version), .flags = FIELD_HCL_ONLY},
    {NULL, "semver", F_STR, AT(constraint, hcl_semver), .flags = FIELD_HCL_ONLY},
    {NULL, "regexp", F_STR, AT(constraint, hcl_regexp), .flags = FIELD_HCL_ONLY},
    {NULL, "set_contains", F_STR, AT(constraint, hcl_set_contains), .flags = FIELD_HCL_ONLY},
    {NULL, "set_contains_all", F_STR, AT(constraint, hcl_set_contains_all),
     .flags = FIELD_HCL_ONLY},
    {NULL, "set_contains_any", F_STR, AT(constraint, hcl_set_contains_any),
     .flags = FIELD_HCL_ONLY},
    {NULL, "distinct_property", F_STR, AT(constraint, hcl_distinct_property),
     .flags = FIELD_HCL_ONLY},
    {NULL, "distinct_hosts", F_BOOL, AT(constraint, hcl_distinct_hosts),
     .flags = FIELD_PTR | FIELD_HCL_ONLY},
    {NULL, "is_set", F_BOOL, AT(constraint, hcl_is_set), .flags = FIELD_PTR | FIELD_HCL_ONLY},
    {NULL, "is_not_set", F_BOOL, AT(constraint, hcl_is_not_set),
     .flags = FIELD_PTR | FIELD_HCL_ONLY},
};
SCHEMA(constraint_schema, "constraint", struct constraint, constraint_fields);

static const struct schema_field affinity_fields[] = {
    {"LTarget", "attribute", F_STR, AT(affinity, ltarget), .def = "\"\""},
    {"RTarget", "value", F_STR, AT(affinity, rtarget), .def = "\"\""},
    {"Operand", "operator", F_STR, AT(affinity, operand), .def = "\"\""},
    {"Weight", "weight", F_INT, AT(affinity, weight), .flags = FIELD_PTR},
    {NULL, "version", F_STR, AT(affinity, hcl_version), .flags = FIELD_HCL_ONLY},
    {NULL, "semver", F_STR, AT(affinity, hcl_semver), .flags = FIELD_HCL_ONLY},
    {NULL, "regexp", F_STR, AT(affinity, hcl_regexp), .flags = FIELD_HCL_ONLY},
    {NULL, "set_contains", F_STR, AT(affinity, hcl_set_contains), .flags = FIELD_HCL_ONLY},
    {NULL, "set_contains_all", F_STR, AT(affinity, hcl_set_contains_all),
     .flags = FIELD_HCL_ONLY},
    {NULL, "set_contains_any", F_STR, AT(affinity, hcl_set_contains_any),
     .flags = FIELD_HCL_ONLY},
};
SCHEMA(affinity_schema, "affinity", struct affinity, affinity_fields);

static const struct schema_field spread_target_fields[] = {
    {"Value", "value", F_STR, AT(spread_target, value), .flags = FIELD_LABEL, .def = "\"\""},
    {"Percent", "percent", F_INT, AT(spread_target, percent)},
};
static SCHEMA(spread_target_schema, "target", struct spread_target, spread_target_fields);

static const struct schema_field spread_fields[] = {
    {"Attribute", "attribute", F_STR, AT(spread, attribute), .def = "\"\""},
    {"Weight", "weight", F_INT, AT(spread, weight), .flags = FIELD_PTR},
    {"SpreadTarget", "target", F_LIST, AT(spread, targets), .flags = FIELD_NULLEMPTY,
     .sub = &spread_target_schema, .max = JOB_CONSTRAINTS_MAX},

    /*
     * Policies.
     */
};
SCHEMA(spread_schema, "spread", struct spread, spread_fields);

static const struct schema_field restart_policy_fields[] = {
    {"Interval", "interval", F_DURATION, AT(restart_policy, interval_ns), .flags = FIELD_PTR},
    {"Attempts", "attempts", F_INT, AT(restart_policy, attempts), .flags = FIELD_PTR},
    {"Delay", "delay", F_DURATION, AT(restart_policy, delay_ns), .flags = FIELD_PTR},
    {"Mode", "mode", F_STR, AT(restart_policy, mode)},
    {"RenderTemplates", "render_templates", F_BOOL, AT(restart_policy, render_templates),
     .flags = FIELD_PTR},
};
SCHEMA(restart_policy_schema, "restart", struct restart_policy, restart_policy_fields);

static const struct schema_field reschedule_policy_fields[] = {
    {"Attempts", "attempts", F_INT, AT(reschedule_policy, attempts), .flags = FIELD_PTR},
    {"Interval", "interval", F_DURATION, AT(reschedule_policy, interval_ns),
     .flags = FIELD_PTR},
    {"Delay", "delay", F_DURATION, AT(reschedule_policy, delay_ns), .flags = FIELD_PTR},
    {"DelayFunction", "delay_function", F_STR, AT(reschedule_policy, delay_function)},
    {"MaxDelay", "max_delay", F_DURATION, AT(reschedule_policy, max_delay_ns),
     .flags = FIELD_PTR},
    {"Unlimited", "unlimited", F_BOOL, AT(reschedule_policy, unlimited), .flags = FIELD_PTR},
};
SCHEMA(reschedule_policy_schema, "reschedule", struct reschedule_policy,
       reschedule_policy_fields);

static const struct schema_field update_strategy_fields[] = {
    {"Stagger", "stagger", F_DURATION, AT(update_strategy, stagger_ns), .flags = FIELD_PTR},
    {"MaxParallel", "max_parallel", F_INT, AT(update_strategy, max_parallel),
     .flags = FIELD_PTR},
    {"HealthCheck", "health_check", F_STR, AT(update_strategy, health_check)},
    {"MinHealthyTime", "min_healthy_time", F_DURATION, AT(update_strategy, min_healthy_time_ns),
     .flags = FIELD_PTR},
    {"HealthyDeadline", "healthy_deadline", F_DURATION,
     AT(update_strategy, healthy_deadline_ns), .flags = FIELD_PTR},
    {"ProgressDeadline", "progress_deadline", F_DURATION,
     AT(update_strategy, progress_deadline_ns), .flags = FIELD_PTR},
    {"Canary", "canary", F_INT, AT(update_strategy, canary), .flags = FIELD_PTR},
    {"AutoRevert", "auto_revert", F_BOOL, AT(update_strategy, auto_revert), .flags = FIELD_PTR},
    {"AutoPromote", "auto_promote", F_BOOL, AT(update_strategy, auto_promote),
     .flags = FIELD_PTR},
};
SCHEMA(update_strategy_schema, "update", struct update_strategy, update_strategy_fields);

static const struct schema_field migrate_strategy_fields[] = {
    {"MaxParallel", "max_parallel", F_INT, AT(migrate_strategy, max_parallel),
     .flags = FIELD_PTR},
    {"HealthCheck", "health_check", F_STR, AT(migrate_strategy, health_check)},
    {"MinHealthyTime", "min_healthy_time", F_DURATION,
     AT(migrate_strategy, min_healthy_time_ns), .flags = FIELD_PTR},
    {"HealthyDeadline", "healthy_deadline", F_DURATION,
     AT(migrate_strategy, healthy_deadline_ns), .flags = FIELD_PTR},
};
SCHEMA(migrate_strategy_schema, "migrate", struct migrate_strategy, migrate_strategy_fields);

static const struct schema_field ephemeral_disk_fields[] = {
    {"Sticky", "sticky", F_BOOL, AT(ephemeral_disk, sticky), .flags = FIELD_PTR},
    {"SizeMB", "size", F_INT, AT(ephemeral_disk, size_mb), .flags = FIELD_PTR},
    {"Migrate", "migrate", F_BOOL, AT(ephemeral_disk, migrate), .flags = FIELD_PTR},
};
SCHEMA(ephemeral_disk_schema, "ephemeral_disk", struct ephemeral_disk, ephemeral_disk_fields);

static const struct schema_field disconnect_strategy_fields[] = {
    {"LostAfter", "lost_after", F_DURATION, AT(disconnect_strategy, lost_after_ns),
     .flags = FIELD_PTR},
    {"StopOnClientAfter", "stop_on_client_after", F_DURATION,
     AT(disconnect_strategy, stop_on_client_after_ns), .flags = FIELD_PTR | FIELD_NULLEMPTY},
    {"Replace", "replace", F_BOOL, AT(disconnect_strategy, replace), .flags = FIELD_PTR},
    {"Reconcile", "reconcile", F_STR, AT(disconnect_strategy, reconcile)},
};
SCHEMA(disconnect_strategy_schema, "disconnect", struct disconnect_strategy,
       disconnect_strategy_fields);

static const struct schema_field consul_block_fields[] = {
    {"Namespace", "namespace", F_STR, AT(consul_block, namespace), .def = "\"\""},
    {"Cluster", "cluster", F_STR, AT(consul_block, cluster), .def = "\"\""},
    {"Partition", "partition", F_STR, AT(consul_block, partition), .def = "\"\""},

    /*
     * Networks.
     */
};
SCHEMA(consul_block_schema, "consul", struct consul_block, consul_block_fields);

static const struct schema_field port_fields[] = {
    {"Label", "label", F_STR, AT(port, label), .flags = FIELD_LABEL, .def = "\"\"",
     .max = NAME_MAX_BYTES},
    {"Value", "static", F_INT, AT(port, value)},
    {"To", "to", F_INT, AT(port, to)},
    {"HostNetwork", "host_network", F_STR, AT(port, host_network), .def = "\"\""},
    {"IgnoreCollision", "ignore_collision", F_BOOL, AT(port, ignore_collision)},
};
SCHEMA(port_schema, "port", struct port, port_fields);

static const struct schema_field dns_config_fields[] = {
    {"Servers", "servers", F_STRLIST, AT(dns_config, servers), .flags = FIELD_NULLEMPTY,
     .max = 100},
    {"Searches", "searches", F_STRLIST, AT(dns_config, searches), .flags = FIELD_NULLEMPTY,
     .max = 100},
    {"Options", "options", F_STRLIST, AT(dns_config, options), .flags = FIELD_NULLEMPTY,
     .max = 100},
};
SCHEMA(dns_config_schema, "dns", struct dns_config, dns_config_fields);

static const struct schema_field cni_config_fields[] = {
    {"Args", "args", F_STRMAP, AT(cni_config, args), .flags = FIELD_NULLEMPTY | FIELD_BLOCK,
     .max = JOB_META_MAX},
};
static SCHEMA(cni_config_schema, "cni", struct cni_config, cni_config_fields);

static const struct schema_field network_fields[] = {
    {"Mode", "mode", F_STR, AT(network, mode), .def = "\"\""},
    {"Device", "device", F_STR, AT(network, device), .def = "\"\""},
    {"CIDR", "cidr", F_STR, AT(network, cidr), .def = "\"\""},
    {"IP", "ip", F_STR, AT(network, ip), .def = "\"\""},
    {"Hostname", "hostname", F_STR, AT(network, hostname), .def = "\"\""},
    {"DNS", "dns", F_OBJ, AT(network, dns), .sub = &dns_config_schema},
    {"CNI", "cni", F_OBJ, AT(network, cni), .sub = &cni_config_schema},
    {"MBits", "mbits", F_INT, AT(network, mbits), .flags = FIELD_PTR},
    {"ReservedPorts", NULL, F_LIST, AT(network, reserved_ports), .flags = FIELD_NULLEMPTY,
     .sub = &port_schema, .max = GROUP_PORTS_MAX},
    {"DynamicPorts", NULL, F_LIST, AT(network, dynamic_ports), .flags = FIELD_NULLEMPTY,
     .sub = &port_schema, .max = GROUP_PORTS_MAX},
    {NULL, "port", F_LIST, AT(network, hcl_ports), .flags = FIELD_NULLEMPTY | FIELD_HCL_ONLY,
     .sub = &port_schema, .max = GROUP_PORTS_MAX},

    /*
     * Services.
     */
};
SCHEMA(network_schema, "network", struct network, network_fields);

static const struct schema_field check_restart_fields[] = {
    {"Limit", "limit", F_INT, AT(check_restart, limit)},
    {"Grace", "grace", F_DURATION, AT(check_restart, grace_ns), .flags = FIELD_PTR},
    {"IgnoreWarnings", "ignore_warnings", F_BOOL, AT(check_restart, ignore_warnings)},
};
SCHEMA(check_restart_schema, "check_restart", struct check_restart, check_restart_fields);

static const struct schema_field service_check_fields[] = {
    {"Name", "name", F_STR, AT(service_check, name), .def = "\"\""},
    {"Type", "type", F_STR, AT(service_check, type), .def = "\"\""},
    {"Command", "command", F_STR, AT(service_check, command), .def = "\"\""},
    {"Args", "args", F_STRLIST, AT(service_check, args), .flags = FIELD_NULLEMPTY, .max = 1000},
    {"Path", "path", F_STR, AT(service_check, path), .def = "\"\""},
    {"Protocol", "protocol", F_STR, AT(service_check, protocol), .def = "\"\""},
    {"PortLabel", "port", F_STR, AT(service_check, port_label), .def = "\"\""},
    {"Expose", "expose", F_BOOL, AT(service_check, expose)},
    {"AddressMode", "address_mode", F_STR, AT(service_check, address_mode), .def = "\"\""},
    {"Advertise", NULL, F_STR, AT(service_check, advertise), .def = "\"\""},
    {"Interval", "interval", F_DURATION, AT(service_check, interval_ns)},
    {"Timeout", "timeout", F_DURATION, AT(service_check, timeout_ns)},
    {"InitialStatus", "initial_status", F_STR, AT(service_check, initial_status),
     .def = "\"\""},
    {"Notes", "notes", F_STR, AT(service_check, notes), .def = "\"\""},
    {"TLSServerName", "tls_server_name", F_STR, AT(service_check, tls_server_name),
     .def = "\"\""},
    {"TLSSkipVerify", "tls_skip_verify", F_BOOL, AT(service_check, tls_skip_verify)},
    {"Header", "header", F_JSON, AT(service_check, header), .flags = FIELD_BLOCK},
    {"Method", "method", F_STR, AT(service_check, method), .def = "\"\""},
    {"CheckRestart", "check_restart", F_OBJ, AT(service_check, check_restart),
     .sub = &check_restart_schema},
    {"GRPCService", "grpc_service", F_STR, AT(service_check, grpc_service), .def = "\"\""},
    {"GRPCUseTLS", "grpc_use_tls", F_BOOL, AT(service_check, grpc_use_tls)},
    {"TaskName", "task", F_STR, AT(service_check, task_name), .def = "\"\""},
    {"SuccessBeforePassing", "success_before_passing", F_INT,
     AT(service_check, success_before_passing)},
    {"FailuresBeforeCritical", "failures_before_critical", F_INT,
     AT(service_check, failures_before_critical)},
    {"FailuresBeforeWarning", "failures_before_warning", F_INT,
     AT(service_check, failures_before_warning)},
    {"Body", "body", F_STR, AT(service_check, body), .def = "\"\""},
    {"OnUpdate", "on_update", F_STR, AT(service_check, on_update), .def = "\"\""},
};
SCHEMA(service_check_schema, "check", struct service_check, service_check_fields);

static const struct schema_field service_weights_fields[] = {
    {"Passing", "passing", F_INT, AT(service_weights, passing)},
    {"Warning", "warning", F_INT, AT(service_weights, warning)},
};
static SCHEMA(service_weights_schema, "weights", struct service_weights,
              service_weights_fields);

static const struct schema_field workload_identity_fields[] = {
    {"Name", "name", F_STR, AT(workload_identity, name), .def = "\"\"", .max = NAME_MAX_BYTES},
    {"Audience", "aud", F_STRLIST, AT(workload_identity, audience), .flags = FIELD_NULLEMPTY,
     .max = 100},
    {"ChangeMode", "change_mode", F_STR, AT(workload_identity, change_mode), .def = "\"\""},
    {"ChangeSignal", "change_signal", F_STR, AT(workload_identity, change_signal),
     .def = "\"\""},
    {"Env", "env", F_BOOL, AT(workload_identity, env)},
    {"File", "file", F_BOOL, AT(workload_identity, file)},
    {"Filepath", "filepath", F_STR, AT(workload_identity, filepath), .def = "\"\""},
    {"ServiceName", "service_name", F_STR, AT(workload_identity, service_name), .def = "\"\""},
    {"TTL", "ttl", F_DURATION, AT(workload_identity, ttl_ns)},
};
SCHEMA(workload_identity_schema, "identity", struct workload_identity,
       workload_identity_fields);

static const struct schema_field service_fields[] = {
    {"Name", "name", F_STR, AT(service, name), .def = "\"\""},
    {"Tags", "tags", F_STRLIST, AT(service, tags), .flags = FIELD_NULLEMPTY, .max = 1000},
    {"CanaryTags", "canary_tags", F_STRLIST, AT(service, canary_tags), .flags = FIELD_NULLEMPTY,
     .max = 1000},
    {"EnableTagOverride", "enable_tag_override", F_BOOL, AT(service, enable_tag_override)},
    {"PortLabel", "port", F_STR, AT(service, port_label), .def = "\"\""},
    {"AddressMode", "address_mode", F_STR, AT(service, address_mode), .def = "\"\""},
    {"Address", "address", F_STR, AT(service, address), .def = "\"\""},
    {"Checks", "check", F_LIST, AT(service, checks), .flags = FIELD_NULLEMPTY,
     .sub = &service_check_schema, .max = 200},
    {"CheckRestart", "check_restart", F_OBJ, AT(service, check_restart),
     .sub = &check_restart_schema},
    {"Connect", "connect", F_OBJ, AT(service, connect), .sub = &connect_schema},
    {"Meta", "meta", F_STRMAP, AT(service, meta), .flags = FIELD_NULLEMPTY | FIELD_BLOCK,
     .max = JOB_META_MAX},
    {"CanaryMeta", "canary_meta", F_STRMAP, AT(service, canary_meta),
     .flags = FIELD_NULLEMPTY | FIELD_BLOCK, .max = JOB_META_MAX},
    {"TaggedAddresses", "tagged_addresses", F_STRMAP, AT(service, tagged_addresses),
     .flags = FIELD_NULLEMPTY | FIELD_BLOCK, .max = 100},
    {"TaskName", "task", F_STR, AT(service, task_name), .def = "\"\""},
    {"OnUpdate", "on_update", F_STR, AT(service, on_update), .def = "\"\""},
    {"Identity", "identity", F_OBJ, AT(service, identity), .sub = &workload_identity_schema},
    {"Weights", "weights", F_OBJ, AT(service, weights), .sub = &service_weights_schema},
    {"Provider", "provider", F_STR, AT(service, provider), .def = "\"\""},
    {"Cluster", "cluster", F_STR, AT(service, cluster), .def = "\"\""},
};
SCHEMA(service_schema, "service", struct service, service_fields);
