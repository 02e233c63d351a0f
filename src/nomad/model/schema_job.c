/* Job, group and task. */
#include "nomad/model/model_priv.h"

/*
 * Task.
 */
static const struct schema_field device_request_fields[] = {
    {"Name", "name", F_STR, AT(device_request, name), .flags = FIELD_LABEL, .def = "\"\""},
    {"Count", "count", F_UINT, AT(device_request, count), .flags = FIELD_PTR},
    {"Constraints", "constraint", F_LIST, AT(device_request, constraints),
     .flags = FIELD_NULLEMPTY, .sub = &constraint_schema, .max = JOB_CONSTRAINTS_MAX},
    {"Affinities", "affinity", F_LIST, AT(device_request, affinities), .flags = FIELD_NULLEMPTY,
     .sub = &affinity_schema, .max = JOB_CONSTRAINTS_MAX},
};
SCHEMA(device_request_schema, "device", struct device_request, device_request_fields);

static const struct schema_field numa_fields[] = {
    {"Affinity", "affinity", F_STR, AT(numa, affinity), .def = "\"\""},
    {"Devices", "devices", F_STRLIST, AT(numa, devices), .flags = FIELD_NULLEMPTY, .max = 100},
};
SCHEMA(numa_schema, "numa", struct numa, numa_fields);

static const struct schema_field resources_fields[] = {
    {"CPU", "cpu", F_INT, AT(resources, cpu), .flags = FIELD_PTR},
    {"Cores", "cores", F_INT, AT(resources, cores), .flags = FIELD_PTR},
    {"MemoryMB", "memory", F_INT, AT(resources, memory_mb), .flags = FIELD_PTR},
    {"MemoryMaxMB", "memory_max", F_INT, AT(resources, memory_max_mb), .flags = FIELD_PTR},
    {"DiskMB", "disk", F_INT, AT(resources, disk_mb), .flags = FIELD_PTR},
    {"Networks", "network", F_LIST, AT(resources, networks), .flags = FIELD_NULLEMPTY,
     .sub = &network_schema, .max = 10},
    {"Devices", "device", F_LIST, AT(resources, devices), .flags = FIELD_NULLEMPTY,
     .sub = &device_request_schema, .max = 100},
    {"NUMA", "numa", F_OBJ, AT(resources, numa), .sub = &numa_schema},
    {"SecretsMB", "secrets", F_INT, AT(resources, secrets_mb), .flags = FIELD_PTR},
    {"IOPS", "iops", F_INT, AT(resources, iops), .flags = FIELD_PTR},
};
SCHEMA(resources_schema, "resources", struct resources, resources_fields);

static const struct schema_field log_config_fields[] = {
    {"MaxFiles", "max_files", F_INT, AT(log_config, max_files), .flags = FIELD_PTR},
    {"MaxFileSizeMB", "max_file_size", F_INT, AT(log_config, max_file_size_mb),
     .flags = FIELD_PTR},
    {"Enabled", "enabled", F_BOOL, AT(log_config, enabled),
     .flags = FIELD_PTR | FIELD_NULLEMPTY},
    {"Disabled", "disabled", F_BOOL, AT(log_config, disabled), .flags = FIELD_PTR},
};
SCHEMA(log_config_schema, "logs", struct log_config, log_config_fields);

static const struct schema_field lifecycle_fields[] = {
    {"Hook", "hook", F_STR, AT(lifecycle, hook), .def = "\"\""},
    {"Sidecar", "sidecar", F_BOOL, AT(lifecycle, sidecar)},
};
SCHEMA(lifecycle_schema, "lifecycle", struct lifecycle, lifecycle_fields);

static const struct schema_field vault_block_fields[] = {
    {"Policies", "policies", F_STRLIST, AT(vault_block, policies), .flags = FIELD_NULLEMPTY,
     .max = 1000},
    {"Role", "role", F_STR, AT(vault_block, role), .def = "\"\""},
    {"Namespace", "namespace", F_STR, AT(vault_block, namespace)},
    {"Cluster", "cluster", F_STR, AT(vault_block, cluster), .def = "\"\""},
    {"Env", "env", F_BOOL, AT(vault_block, env), .flags = FIELD_PTR, .def = "true"},
    {"DisableFile", "disable_file", F_BOOL, AT(vault_block, disable_file), .flags = FIELD_PTR,
     .def = "false"},
    {"ChangeMode", "change_mode", F_STR, AT(vault_block, change_mode), .def = "\"restart\""},
    {"ChangeSignal", "change_signal", F_STR, AT(vault_block, change_signal)},
    {"AllowTokenExpiration", "allow_token_expiration", F_BOOL,
     AT(vault_block, allow_token_expiration), .flags = FIELD_PTR},
};
SCHEMA(vault_block_schema, "vault", struct vault_block, vault_block_fields);

static const struct schema_field change_script_fields[] = {
    {"Command", "command", F_STR, AT(change_script, command)},
    {"Args", "args", F_STRLIST, AT(change_script, args), .flags = FIELD_NULLEMPTY, .max = 1000},
    {"Timeout", "timeout", F_DURATION, AT(change_script, timeout_ns), .flags = FIELD_PTR,
     .def = "5000000000"},
    {"FailOnError", "fail_on_error", F_BOOL, AT(change_script, fail_on_error),
     .flags = FIELD_PTR, .def = "false"},
};
static SCHEMA(change_script_schema, "change_script", struct change_script,
              change_script_fields);

static const struct schema_field template_wait_fields[] = {
    {"Min", "min", F_DURATION, AT(template_wait, min_ns), .flags = FIELD_PTR},
    {"Max", "max", F_DURATION, AT(template_wait, max_ns), .flags = FIELD_PTR},
};
static SCHEMA(template_wait_schema, "wait", struct template_wait, template_wait_fields);

static const struct schema_field template_fields[] = {
    {"SourcePath", "source", F_STR, AT(template, source_path)},
    {"DestPath", "destination", F_STR, AT(template, dest_path)},
    {"EmbeddedTmpl", "data", F_STR, AT(template, embedded_tmpl)},
    {"ChangeMode", "change_mode", F_STR, AT(template, change_mode), .def = "\"restart\""},
    {"ChangeScript", "change_script", F_OBJ, AT(template, change_script),
     .sub = &change_script_schema},
    {"ChangeSignal", "change_signal", F_STR, AT(template, change_signal)},
    {"Splay", "splay", F_DURATION, AT(template, splay_ns), .flags = FIELD_PTR,
     .def = "5000000000"},
    {"Perms", "perms", F_STR, AT(template, perms), .def = "\"0644\""},
    {"Uid", "uid", F_INT, AT(template, uid), .flags = FIELD_PTR | FIELD_NULLEMPTY},
    {"Gid", "gid", F_INT, AT(template, gid), .flags = FIELD_PTR | FIELD_NULLEMPTY},
    {"LeftDelim", "left_delimiter", F_STR, AT(template, left_delim)},
    {"RightDelim", "right_delimiter", F_STR, AT(template, right_delim)},
    {"Envvars", "env", F_BOOL, AT(template, envvars), .flags = FIELD_PTR},
    {"VaultGrace", "vault_grace", F_DURATION, AT(template, vault_grace_ns), .flags = FIELD_PTR},
    {"Wait", "wait", F_OBJ, AT(template, wait), .sub = &template_wait_schema},
    {"ErrMissingKey", "error_on_missing_key", F_BOOL, AT(template, err_missing_key),
     .flags = FIELD_PTR, .def = "false"},
};
SCHEMA(template_schema, "template", struct template, template_fields);

static const struct schema_field artifact_fields[] = {
    {"GetterSource", "source", F_STR, AT(artifact, source)},
    {"GetterOptions", "options", F_STRMAP, AT(artifact, options),
     .flags = FIELD_NULLEMPTY | FIELD_BLOCK | FIELD_BLOCK_ONLY, .max = JOB_META_MAX},
    {"GetterHeaders", "headers", F_STRMAP, AT(artifact, headers),
     .flags = FIELD_NULLEMPTY | FIELD_BLOCK, .max = JOB_META_MAX},
    {"GetterMode", "mode", F_STR, AT(artifact, mode)},
    {"GetterInsecure", "insecure", F_BOOL, AT(artifact, insecure), .flags = FIELD_PTR},
    {"RelativeDest", "destination", F_STR, AT(artifact, dest)},
    {"Chown", "chown", F_BOOL, AT(artifact, chown)},
};
SCHEMA(artifact_schema, "artifact", struct artifact, artifact_fields);

static const struct schema_field volume_mount_fields[] = {
    {"Volume", "volume", F_STR, AT(volume_mount, volume)},
    {"Destination", "destination", F_STR, AT(volume_mount, destination)},
    {"ReadOnly", "read_only", F_BOOL, AT(volume_mount, read_only), .flags = FIELD_PTR},
    {"PropagationMode", "propagation_mode", F_STR, AT(volume_mount, propagation_mode)},
    {"SELinuxLabel", "selinux_label", F_STR, AT(volume_mount, selinux_label)},
};
SCHEMA(volume_mount_schema, "volume_mount", struct volume_mount, volume_mount_fields);

static const struct schema_field dispatch_payload_fields[] = {
    {"File", "file", F_STR, AT(dispatch_payload, file), .def = "\"\""},
};
static SCHEMA(dispatch_payload_schema, "dispatch_payload", struct dispatch_payload,
              dispatch_payload_fields);

static const struct schema_field csi_plugin_fields[] = {
    {"ID", "id", F_STR, AT(csi_plugin, id), .def = "\"\"", .max = NAME_MAX_BYTES},
    {"Type", "type", F_STR, AT(csi_plugin, type), .def = "\"\""},
    {"MountDir", "mount_dir", F_STR, AT(csi_plugin, mount_dir), .def = "\"\""},
    {"StagePublishBaseDir", "stage_publish_base_dir", F_STR,
     AT(csi_plugin, stage_publish_base_dir), .def = "\"\""},
    {"HealthTimeout", "health_timeout", F_DURATION, AT(csi_plugin, health_timeout_ns),
     .flags = FIELD_PTR},
};
SCHEMA(csi_plugin_schema, "csi_plugin", struct csi_plugin, csi_plugin_fields);

static const struct schema_field action_fields[] = {
    {"Name", "name", F_STR, AT(action, name), .flags = FIELD_LABEL, .def = "\"\"",
     .max = NAME_MAX_BYTES},
    {"Command", "command", F_STR, AT(action, command), .def = "\"\""},
    {"Args", "args", F_STRLIST, AT(action, args), .flags = FIELD_NULLEMPTY, .max = 1000},
};
SCHEMA(action_schema, "action", struct action, action_fields);

static const struct schema_field task_schedule_cron_fields[] = {
    {"Start", "start", F_STR, AT(task_schedule_cron, start), .def = "\"\""},
    {"End", "end", F_STR, AT(task_schedule_cron, end), .def = "\"\""},
    {"Timezone", "timezone", F_STR, AT(task_schedule_cron, timezone), .def = "\"\""},
};
static SCHEMA(task_schedule_cron_schema, "cron", struct task_schedule_cron,
              task_schedule_cron_fields);

static const struct schema_field task_schedule_fields[] = {
    {"Cron", "cron", F_OBJ, AT(task_schedule, cron), .sub = &task_schedule_cron_schema},
};
static SCHEMA(task_schedule_schema, "schedule", struct task_schedule, task_schedule_fields);

/* A group's policy has no label, a task's has: which resource it scales. */
#define SCALING_FIELDS                                                                       \
    {"ID", NULL, F_STR, AT(scaling_policy, id), .flags = FIELD_NODIFF, .def = "\"\""},       \
        {"Namespace",           NULL,         F_STR, AT(scaling_policy, namespace),          \
         .flags = FIELD_NODIFF, .def = "\"\""},                                              \
        {"Type", "type", F_STR, AT(scaling_policy, type), .def = "\"\""},                    \
        {"Target", NULL, F_STRMAP, AT(scaling_policy, target), .flags = FIELD_NULLEMPTY},    \
        {"Policy", "policy", F_JSON, AT(scaling_policy, policy), .flags = FIELD_BLOCK},      \
        {"Min", "min", F_INT, AT(scaling_policy, min), .flags = FIELD_PTR},                  \
        {"Max", "max", F_INT, AT(scaling_policy, max), .flags = FIELD_PTR},                  \
        {"Enabled", "enabled", F_BOOL, AT(scaling_policy, enabled), .flags = FIELD_PTR},     \
        {"CreateIndex", NULL, F_UINT, AT(scaling_policy, create_index),                      \
         .flags = FIELD_NODIFF},                                                             \
    {                                                                                        \
        "ModifyIndex", NULL, F_UINT, AT(scaling_policy, modify_index), .flags = FIELD_NODIFF \
    }

static const struct schema_field scaling_policy_fields[] = {SCALING_FIELDS};
SCHEMA(scaling_policy_schema, "scaling", struct scaling_policy, scaling_policy_fields);

static const struct schema_field task_scaling_fields[] = {
    {NULL, "name", F_STR, AT(scaling_policy, hcl_label), .flags = FIELD_LABEL | FIELD_HCL_ONLY},
    SCALING_FIELDS,
};
static SCHEMA(task_scaling_schema, "scaling", struct scaling_policy, task_scaling_fields);

static const struct schema_field task_fields[] = {
    {"Name", "name", F_STR, AT(task, name), .flags = FIELD_LABEL, .def = "\"\"",
     .max = JOB_NAME_MAX},
    {"Driver", "driver", F_STR, AT(task, driver), .def = "\"\"", .max = NAME_MAX_BYTES},
    {"User", "user", F_STR, AT(task, user), .def = "\"\""},
    {"Lifecycle", "lifecycle", F_OBJ, AT(task, lifecycle), .sub = &lifecycle_schema},
    {"Config", "config", F_JSON, AT(task, config), .flags = FIELD_BLOCK | FIELD_BLOCK_ONLY},
    {"Constraints", "constraint", F_LIST, AT(task, constraints), .flags = FIELD_NULLEMPTY,
     .sub = &constraint_schema, .max = JOB_CONSTRAINTS_MAX},
    {"Affinities", "affinity", F_LIST, AT(task, affinities), .flags = FIELD_NULLEMPTY,
     .sub = &affinity_schema, .max = JOB_CONSTRAINTS_MAX},
    {"Env", "env", F_STRMAP, AT(task, env), .flags = FIELD_NULLEMPTY | FIELD_BLOCK,
     .max = JOB_META_MAX},
    {"Services", "service", F_LIST, AT(task, services), .flags = FIELD_NULLEMPTY,
     .sub = &service_schema, .max = 200},
    {"Resources", "resources", F_OBJ, AT(task, resources), .sub = &resources_schema},
    {"RestartPolicy", "restart", F_OBJ, AT(task, restart), .sub = &restart_policy_schema},
    {"Meta", "meta", F_STRMAP, AT(task, meta), .flags = FIELD_NULLEMPTY | FIELD_BLOCK,
     .max = JOB_META_MAX},
    {"KillTimeout", "kill_timeout", F_DURATION, AT(task, kill_timeout_ns), .flags = FIELD_PTR},
    {"LogConfig", "logs", F_OBJ, AT(task, logs), .sub = &log_config_schema},
    {"Artifacts", "artifact", F_LIST, AT(task, artifacts), .flags = FIELD_NULLEMPTY,
     .sub = &artifact_schema, .max = TASK_ARTIFACTS_MAX},
    {"Vault", "vault", F_OBJ, AT(task, vault), .sub = &vault_block_schema},
    {"Consul", "consul", F_OBJ, AT(task, consul), .sub = &consul_block_schema},
    {"Templates", "template", F_LIST, AT(task, templates), .flags = FIELD_NULLEMPTY,
     .sub = &template_schema, .max = TASK_TEMPLATES_MAX},
    {"DispatchPayload", "dispatch_payload", F_OBJ, AT(task, dispatch_payload),
     .sub = &dispatch_payload_schema},
    {"VolumeMounts", "volume_mount", F_LIST, AT(task, volume_mounts), .flags = FIELD_NULLEMPTY,
     .sub = &volume_mount_schema, .max = 200},
    {"CSIPluginConfig", "csi_plugin", F_OBJ, AT(task, csi_plugin), .sub = &csi_plugin_schema},
    {"Leader", "leader", F_BOOL, AT(task, leader)},
    {"ShutdownDelay", "shutdown_delay", F_DURATION, AT(task, shutdown_delay_ns)},
    {"KillSignal", "kill_signal", F_STR, AT(task, kill_signal), .def = "\"\""},
    {"Kind", "kind", F_STR, AT(task, kind), .def = "\"\""},
    {"ScalingPolicies", "scaling", F_LIST, AT(task, scaling), .flags = FIELD_NULLEMPTY,
     .sub = &task_scaling_schema, .max = 10},
    {"Identity", NULL, F_OBJ, AT(task, identity), .sub = &workload_identity_schema},
    {"Identities", NULL, F_LIST, AT(task, identities), .flags = FIELD_NULLEMPTY,
     .sub = &workload_identity_schema, .max = 100},
    {NULL, "identity", F_LIST, AT(task, hcl_identities),
     .flags = FIELD_NULLEMPTY | FIELD_HCL_ONLY, .sub = &workload_identity_schema, .max = 100},
    {"Actions", "action", F_LIST, AT(task, actions), .flags = FIELD_NULLEMPTY,
     .sub = &action_schema, .max = 200},
    {"Schedule", "schedule", F_OBJ, AT(task, schedule), .sub = &task_schedule_schema},

    /*
     * Group.
     */
};
SCHEMA(task_schema, "task", struct task, task_fields);

static const struct schema_field mount_options_fields[] = {
    {"FSType", "fs_type", F_STR, AT(mount_options, fs_type), .def = "\"\""},
    {"MountFlags", "mount_flags", F_STRLIST, AT(mount_options, mount_flags),
     .flags = FIELD_NULLEMPTY, .max = 100},
};
static SCHEMA(mount_options_schema, "mount_options", struct mount_options,
              mount_options_fields);

static const struct schema_field volume_request_fields[] = {
    {"Name", "name", F_STR, AT(volume_request, name), .flags = FIELD_LABEL, .def = "\"\""},
    {"Type", "type", F_STR, AT(volume_request, type), .def = "\"\""},
    {"Source", "source", F_STR, AT(volume_request, source), .def = "\"\""},
    {"ReadOnly", "read_only", F_BOOL, AT(volume_request, read_only)},
    {"Sticky", "sticky", F_BOOL, AT(volume_request, sticky)},
    {"AccessMode", "access_mode", F_STR, AT(volume_request, access_mode), .def = "\"\""},
    {"AttachmentMode", "attachment_mode", F_STR, AT(volume_request, attachment_mode),
     .def = "\"\""},
    {"MountOptions", "mount_options", F_OBJ, AT(volume_request, mount_options),
     .sub = &mount_options_schema},
    {"PerAlloc", "per_alloc", F_BOOL, AT(volume_request, per_alloc)},
};
SCHEMA(volume_request_schema, "volume", struct volume_request, volume_request_fields);

static const struct schema_field task_group_fields[] = {
    {"Name", "name", F_STR, AT(task_group, name), .flags = FIELD_LABEL, .max = JOB_NAME_MAX},
    {"Count", "count", F_INT, AT(task_group, count), .flags = FIELD_PTR},
    {"Constraints", "constraint", F_LIST, AT(task_group, constraints), .flags = FIELD_NULLEMPTY,
     .sub = &constraint_schema, .max = JOB_CONSTRAINTS_MAX},
    {"Affinities", "affinity", F_LIST, AT(task_group, affinities), .flags = FIELD_NULLEMPTY,
     .sub = &affinity_schema, .max = JOB_CONSTRAINTS_MAX},
    {"Tasks", "task", F_LIST, AT(task_group, tasks), .flags = FIELD_NULLEMPTY,
     .sub = &task_schema, .max = GROUP_TASKS_MAX},
    {"Spreads", "spread", F_LIST, AT(task_group, spreads), .flags = FIELD_NULLEMPTY,
     .sub = &spread_schema, .max = JOB_CONSTRAINTS_MAX},
    {"Volumes", "volume", F_MAP, AT(task_group, volumes), .flags = FIELD_NULLEMPTY,
     .sub = &volume_request_schema, .max = 200},
    {"RestartPolicy", "restart", F_OBJ, AT(task_group, restart), .sub = &restart_policy_schema},
    {"Disconnect", "disconnect", F_OBJ, AT(task_group, disconnect),
     .sub = &disconnect_strategy_schema},
    {"ReschedulePolicy", "reschedule", F_OBJ, AT(task_group, reschedule),
     .sub = &reschedule_policy_schema},
    {"EphemeralDisk", "ephemeral_disk", F_OBJ, AT(task_group, ephemeral_disk),
     .sub = &ephemeral_disk_schema},
    {"Consul", "consul", F_OBJ, AT(task_group, consul), .sub = &consul_block_schema},
    {"Update", "update", F_OBJ, AT(task_group, update), .sub = &update_strategy_schema},
    {"Migrate", "migrate", F_OBJ, AT(task_group, migrate), .sub = &migrate_strategy_schema},
    {"Networks", "network", F_LIST, AT(task_group, networks), .flags = FIELD_NULLEMPTY,
     .sub = &network_schema, .max = 10},
    {"Meta", "meta", F_STRMAP, AT(task_group, meta), .flags = FIELD_NULLEMPTY | FIELD_BLOCK,
     .max = JOB_META_MAX},
    {"Services", "service", F_LIST, AT(task_group, services), .flags = FIELD_NULLEMPTY,
     .sub = &service_schema, .max = 200},
    {"ShutdownDelay", "shutdown_delay", F_DURATION, AT(task_group, shutdown_delay_ns),
     .flags = FIELD_PTR | FIELD_NULLEMPTY},
    {"StopAfterClientDisconnect", "stop_after_client_disconnect", F_DURATION,
     AT(task_group, stop_after_client_disconnect_ns), .flags = FIELD_PTR | FIELD_NULLEMPTY},
    {"MaxClientDisconnect", "max_client_disconnect", F_DURATION,
     AT(task_group, max_client_disconnect_ns), .flags = FIELD_PTR | FIELD_NULLEMPTY},
    {"Scaling", "scaling", F_OBJ, AT(task_group, scaling), .sub = &scaling_policy_schema},
    {"PreventRescheduleOnLost", "prevent_reschedule_on_lost", F_BOOL,
     AT(task_group, prevent_reschedule_on_lost), .flags = FIELD_PTR},
    {NULL, "vault", F_OBJ, AT(task_group, hcl_vault), .flags = FIELD_HCL_ONLY,
     .sub = &vault_block_schema},

    /*
     * Job.
     */
};
SCHEMA(task_group_schema, "group", struct task_group, task_group_fields);

static const struct schema_field periodic_fields[] = {
    {"Enabled", "enabled", F_BOOL, AT(periodic, enabled), .flags = FIELD_PTR},
    {"Spec", "cron", F_STR, AT(periodic, spec)},
    {"Specs", "crons", F_STRLIST, AT(periodic, specs), .flags = FIELD_NULLEMPTY, .max = 100},
    {"SpecType", NULL, F_STR, AT(periodic, spec_type), .def = "\"cron\""},
    {"ProhibitOverlap", "prohibit_overlap", F_BOOL, AT(periodic, prohibit_overlap),
     .flags = FIELD_PTR},
    {"TimeZone", "time_zone", F_STR, AT(periodic, time_zone)},
};
SCHEMA(periodic_schema, "periodic", struct periodic, periodic_fields);

static const struct schema_field parameterized_fields[] = {
    {"Payload", "payload", F_STR, AT(parameterized, payload), .def = "\"\""},
    {"MetaRequired", "meta_required", F_STRLIST, AT(parameterized, meta_required),
     .flags = FIELD_NULLEMPTY, .max = JOB_META_MAX},
    {"MetaOptional", "meta_optional", F_STRLIST, AT(parameterized, meta_optional),
     .flags = FIELD_NULLEMPTY, .max = JOB_META_MAX},
};
SCHEMA(parameterized_schema, "parameterized", struct parameterized, parameterized_fields);

static const struct schema_field multiregion_strategy_fields[] = {
    {"MaxParallel", "max_parallel", F_INT, AT(multiregion_strategy, max_parallel),
     .flags = FIELD_PTR},
    {"OnFailure", "on_failure", F_STR, AT(multiregion_strategy, on_failure)},
};
static SCHEMA(multiregion_strategy_schema, "strategy", struct multiregion_strategy,
              multiregion_strategy_fields);

static const struct schema_field multiregion_region_fields[] = {
    {"Name", "name", F_STR, AT(multiregion_region, name), .flags = FIELD_LABEL, .def = "\"\""},
    {"Count", "count", F_INT, AT(multiregion_region, count), .flags = FIELD_PTR},
    {"Datacenters", "datacenters", F_STRLIST, AT(multiregion_region, datacenters),
     .flags = FIELD_NULLEMPTY, .max = JOB_DATACENTERS_MAX},
    {"NodePool", "node_pool", F_STR, AT(multiregion_region, node_pool), .def = "\"\""},
    {"Meta", "meta", F_STRMAP, AT(multiregion_region, meta),
     .flags = FIELD_NULLEMPTY | FIELD_BLOCK, .max = JOB_META_MAX},
};
static SCHEMA(multiregion_region_schema, "region", struct multiregion_region,
              multiregion_region_fields);

static const struct schema_field multiregion_fields[] = {
    {"Strategy", "strategy", F_OBJ, AT(multiregion, strategy),
     .sub = &multiregion_strategy_schema},
    {"Regions", "region", F_LIST, AT(multiregion, regions), .flags = FIELD_NULLEMPTY,
     .sub = &multiregion_region_schema, .max = 100},
};
SCHEMA(multiregion_schema, "multiregion", struct multiregion, multiregion_fields);

static const struct schema_field job_ui_link_fields[] = {
    {"Label", "label", F_STR, AT(job_ui_link, label), .def = "\"\""},
    {"URL", "url", F_STR, AT(job_ui_link, url), .def = "\"\""},
};
static SCHEMA(job_ui_link_schema, "link", struct job_ui_link, job_ui_link_fields);

static const struct schema_field job_ui_fields[] = {
    {"Description", "description", F_STR, AT(job_ui, description), .def = "\"\""},
    {"Links", "link", F_LIST, AT(job_ui, links), .flags = FIELD_NULLEMPTY,
     .sub = &job_ui_link_schema, .max = 100},
};
SCHEMA(job_ui_schema, "ui", struct job_ui, job_ui_fields);

static const struct schema_field job_version_tag_fields[] = {
    {"Name", NULL, F_STR, AT(job_version_tag, name), .def = "\"\""},
    {"Description", NULL, F_STR, AT(job_version_tag, description), .def = "\"\""},
    {"TaggedTime", NULL, F_INT, AT(job_version_tag, tagged_time)},
};
SCHEMA(job_version_tag_schema, "version_tag", struct job_version_tag, job_version_tag_fields);

static const struct schema_field job_fields[] = {
    {"Stop", NULL, F_BOOL, AT(job, stop), .flags = FIELD_PTR},
    {"Region", "region", F_STR, AT(job, region)},
    {"Namespace", "namespace", F_STR, AT(job, namespace), .max = NAME_MAX_BYTES},
    {"ID", "id", F_STR, AT(job, id), .max = JOB_NAME_MAX},
    {"ParentID", NULL, F_STR, AT(job, parent_id)},
    {"Name", "name", F_STR, AT(job, name), .max = JOB_NAME_MAX},
    {"Type", "type", F_STR, AT(job, type)},
    {"Priority", "priority", F_INT, AT(job, priority), .flags = FIELD_PTR},
    {"AllAtOnce", "all_at_once", F_BOOL, AT(job, all_at_once), .flags = FIELD_PTR},
    {"Datacenters", "datacenters", F_STRLIST, AT(job, datacenters), .flags = FIELD_NULLEMPTY,
     .max = JOB_DATACENTERS_MAX},
    {"NodePool", "node_pool", F_STR, AT(job, node_pool)},
    {"Constraints", "constraint", F_LIST, AT(job, constraints), .flags = FIELD_NULLEMPTY,
     .sub = &constraint_schema, .max = JOB_CONSTRAINTS_MAX},
    {"Affinities", "affinity", F_LIST, AT(job, affinities), .flags = FIELD_NULLEMPTY,
     .sub = &affinity_schema, .max = JOB_CONSTRAINTS_MAX},
    {"Spreads", "spread", F_LIST, AT(job, spreads), .flags = FIELD_NULLEMPTY,
     .sub = &spread_schema, .max = JOB_CONSTRAINTS_MAX},
    {"TaskGroups", "group", F_LIST, AT(job, groups), .flags = FIELD_NULLEMPTY,
     .sub = &task_group_schema, .max = JOB_GROUPS_MAX},
    {"Update", "update", F_OBJ, AT(job, update), .sub = &update_strategy_schema},
    {"Multiregion", "multiregion", F_OBJ, AT(job, multiregion), .sub = &multiregion_schema},
    {"Periodic", "periodic", F_OBJ, AT(job, periodic), .sub = &periodic_schema},
    {"ParameterizedJob", "parameterized", F_OBJ, AT(job, parameterized),
     .sub = &parameterized_schema},
    {"Reschedule", "reschedule", F_OBJ, AT(job, reschedule), .sub = &reschedule_policy_schema},
    {"Migrate", "migrate", F_OBJ, AT(job, migrate), .sub = &migrate_strategy_schema},
    {"Dispatched", NULL, F_BOOL, AT(job, dispatched)},
    {"DispatchIdempotencyToken", NULL, F_STR, AT(job, dispatch_idempotency_token)},
    {"Payload", NULL, F_BYTES, AT(job, payload), .flags = FIELD_NULLEMPTY},
    {"Meta", "meta", F_STRMAP, AT(job, meta), .flags = FIELD_NULLEMPTY | FIELD_BLOCK,
     .max = JOB_META_MAX},
    {"UI", "ui", F_OBJ, AT(job, ui), .sub = &job_ui_schema},
    {"ConsulToken", "consul_token", F_STR, AT(job, consul_token),
     .flags = FIELD_SECRET | FIELD_NODIFF},
    {"ConsulNamespace", NULL, F_STR, AT(job, consul_namespace)},
    {"VaultToken", "vault_token", F_STR, AT(job, vault_token),
     .flags = FIELD_SECRET | FIELD_NODIFF},
    {"VaultNamespace", NULL, F_STR, AT(job, vault_namespace)},
    {"NomadTokenID", NULL, F_STR, AT(job, nomad_token_id), .flags = FIELD_NODIFF},
    {"Status", NULL, F_STR, AT(job, status), .flags = FIELD_NODIFF},
    {"StatusDescription", NULL, F_STR, AT(job, status_description), .flags = FIELD_NODIFF},
    {"Stable", NULL, F_BOOL, AT(job, stable), .flags = FIELD_PTR | FIELD_NODIFF},
    {"Version", NULL, F_UINT, AT(job, version), .flags = FIELD_PTR | FIELD_NODIFF},
    {"SubmitTime", NULL, F_INT, AT(job, submit_time),
     .flags = FIELD_PTR | FIELD_NODIFF | FIELD_NULLEMPTY},
    {"CreateIndex", NULL, F_UINT, AT(job, create_index), .flags = FIELD_PTR | FIELD_NODIFF},
    {"ModifyIndex", NULL, F_UINT, AT(job, modify_index), .flags = FIELD_PTR | FIELD_NODIFF},
    {"JobModifyIndex", NULL, F_UINT, AT(job, job_modify_index),
     .flags = FIELD_PTR | FIELD_NODIFF},
    {"VersionTag", NULL, F_OBJ, AT(job, version_tag), .flags = FIELD_NODIFF,
     .sub = &job_version_tag_schema},
    {NULL, "vault", F_OBJ, AT(job, hcl_vault), .flags = FIELD_HCL_ONLY,
     .sub = &vault_block_schema},
    {NULL, "task", F_LIST, AT(job, hcl_tasks), .flags = FIELD_NULLEMPTY | FIELD_HCL_ONLY,
     .sub = &task_schema, .max = GROUP_TASKS_MAX},
};
SCHEMA(job_schema, "job", struct job, job_fields);
