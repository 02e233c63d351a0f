/* Allocs and what they consist of. */
#include "nomad/model/model_priv.h"

/*
 * What was given to it.
 */
static const struct schema_field alloc_port_fields[] = {
    {"Label", NULL, F_STR, AT(alloc_port, label), .def = "\"\""},
    {"Value", NULL, F_INT, AT(alloc_port, value)},
    {"To", NULL, F_INT, AT(alloc_port, to)},
    {"HostIP", NULL, F_STR, AT(alloc_port, host_ip), .def = "\"\""},
    {"IgnoreCollision", NULL, F_BOOL, AT(alloc_port, ignore_collision),
     .flags = FIELD_OMITEMPTY},
};
static SCHEMA(alloc_port_schema, "port", struct alloc_port, alloc_port_fields);

static const struct schema_field alloc_cpu_fields[] = {
    {"CpuShares", NULL, F_INT, AT(alloc_cpu, cpu_shares)},
    {"ReservedCores", NULL, F_JSON, AT(alloc_cpu, reserved_cores)},
};
static SCHEMA(alloc_cpu_schema, "cpu", struct alloc_cpu, alloc_cpu_fields);

static const struct schema_field alloc_memory_fields[] = {
    {"MemoryMB", NULL, F_INT, AT(alloc_memory, memory_mb)},
    {"MemoryMaxMB", NULL, F_INT, AT(alloc_memory, memory_max_mb)},
};
static SCHEMA(alloc_memory_schema, "memory", struct alloc_memory, alloc_memory_fields);

static const struct schema_field alloc_task_resources_fields[] = {
    {NULL, NULL, F_STR, AT(alloc_task_resources, name)},
    {"Cpu", NULL, F_EMBED, AT(alloc_task_resources, cpu), .sub = &alloc_cpu_schema},
    {"Memory", NULL, F_EMBED, AT(alloc_task_resources, memory), .sub = &alloc_memory_schema},
    {"Networks", NULL, F_LIST, AT(alloc_task_resources, networks), .flags = FIELD_NULLEMPTY,
     .sub = &network_schema},
    {"Devices", NULL, F_JSON, AT(alloc_task_resources, devices)},
};
static SCHEMA(alloc_task_resources_schema, "task", struct alloc_task_resources,
              alloc_task_resources_fields);

static const struct schema_field alloc_shared_resources_fields[] = {
    {"Networks", NULL, F_LIST, AT(alloc_shared_resources, networks), .flags = FIELD_NULLEMPTY,
     .sub = &network_schema},
    {"DiskMB", NULL, F_INT, AT(alloc_shared_resources, disk_mb)},
    {"Ports", NULL, F_LIST, AT(alloc_shared_resources, ports), .flags = FIELD_NULLEMPTY,
     .sub = &alloc_port_schema},
};
static SCHEMA(alloc_shared_resources_schema, "shared", struct alloc_shared_resources,
              alloc_shared_resources_fields);

static const struct schema_field alloc_resources_fields[] = {
    {"Tasks", NULL, F_MAP, AT(alloc_resources, tasks), .flags = FIELD_NULLEMPTY,
     .sub = &alloc_task_resources_schema},
    {"TaskLifecycles", NULL, F_JSON, AT(alloc_resources, task_lifecycles)},
    {"Shared", NULL, F_EMBED, AT(alloc_resources, shared),
     .sub = &alloc_shared_resources_schema},

    /*
     * Why it stands where it stands.
     */
};
SCHEMA(alloc_resources_schema, "resources", struct alloc_resources, alloc_resources_fields);

static const struct schema_field score_meta_fields[] = {
    {"NodeID", NULL, F_STR, AT(score_meta, node_id), .def = "\"\""},
    {"Scores", NULL, F_JSON, AT(score_meta, scores)},
    {"NormScore", NULL, F_DOUBLE, AT(score_meta, norm_score)},
};
static SCHEMA(score_meta_schema, "score", struct score_meta, score_meta_fields);

static const struct schema_field alloc_metric_fields[] = {
    {NULL, NULL, F_STR, AT(alloc_metric, group)},
    {"NodesEvaluated", NULL, F_INT, AT(alloc_metric, nodes_evaluated)},
    {"NodesFiltered", NULL, F_INT, AT(alloc_metric, nodes_filtered)},
    {"NodesInPool", NULL, F_INT, AT(alloc_metric, nodes_in_pool)},
    {"NodesAvailable", NULL, F_JSON, AT(alloc_metric, nodes_available)},
    {"ClassFiltered", NULL, F_JSON, AT(alloc_metric, class_filtered)},
    {"ConstraintFiltered", NULL, F_JSON, AT(alloc_metric, constraint_filtered)},
    {"NodesExhausted", NULL, F_INT, AT(alloc_metric, nodes_exhausted)},
    {"ClassExhausted", NULL, F_JSON, AT(alloc_metric, class_exhausted)},
    {"DimensionExhausted", NULL, F_JSON, AT(alloc_metric, dimension_exhausted)},
    {"QuotaExhausted", NULL, F_STRLIST, AT(alloc_metric, quota_exhausted),
     .flags = FIELD_NULLEMPTY},
    {"ResourcesExhausted", NULL, F_JSON, AT(alloc_metric, resources_exhausted)},
    {"Scores", NULL, F_JSON, AT(alloc_metric, scores)},
    {"ScoreMetaData", NULL, F_LIST, AT(alloc_metric, score_meta), .flags = FIELD_NULLEMPTY,
     .sub = &score_meta_schema},
    {"AllocationTime", NULL, F_DURATION, AT(alloc_metric, allocation_time_ns)},
    {"CoalescedFailures", NULL, F_INT, AT(alloc_metric, coalesced_failures)},

    /*
     * Task states.
     */
};
SCHEMA(alloc_metric_schema, "metrics", struct alloc_metric, alloc_metric_fields);

static const struct schema_field task_event_fields[] = {
    {"Type", NULL, F_STR, AT(task_event, type), .def = "\"\"", .max = 128},
    {"Time", NULL, F_INT, AT(task_event, time)},
    {"Message", NULL, F_STR, AT(task_event, message), .def = "\"\""},
    {"DisplayMessage", NULL, F_STR, AT(task_event, display_message), .def = "\"\""},
    {"Details", NULL, F_STRMAP, AT(task_event, details), .max = TASK_EVENT_DETAILS_MAX},
    {"FailsTask", NULL, F_BOOL, AT(task_event, fails_task)},
    {"RestartReason", NULL, F_STR, AT(task_event, restart_reason), .def = "\"\""},
    {"SetupError", NULL, F_STR, AT(task_event, setup_error), .def = "\"\""},
    {"DriverError", NULL, F_STR, AT(task_event, driver_error), .def = "\"\""},
    {"ExitCode", NULL, F_INT, AT(task_event, exit_code)},
    {"Signal", NULL, F_INT, AT(task_event, signal)},
    {"KillTimeout", NULL, F_DURATION, AT(task_event, kill_timeout_ns)},
    {"KillError", NULL, F_STR, AT(task_event, kill_error), .def = "\"\""},
    {"KillReason", NULL, F_STR, AT(task_event, kill_reason), .def = "\"\""},
    {"StartDelay", NULL, F_DURATION, AT(task_event, start_delay_ns)},
    {"DownloadError", NULL, F_STR, AT(task_event, download_error), .def = "\"\""},
    {"ValidationError", NULL, F_STR, AT(task_event, validation_error), .def = "\"\""},
    {"DiskLimit", NULL, F_INT, AT(task_event, disk_limit)},
    {"FailedSibling", NULL, F_STR, AT(task_event, failed_sibling), .def = "\"\""},
    {"VaultError", NULL, F_STR, AT(task_event, vault_error), .def = "\"\""},
    {"TaskSignalReason", NULL, F_STR, AT(task_event, task_signal_reason), .def = "\"\""},
    {"TaskSignal", NULL, F_STR, AT(task_event, task_signal), .def = "\"\""},
    {"DriverMessage", NULL, F_STR, AT(task_event, driver_message), .def = "\"\""},
    {"GenericSource", NULL, F_STR, AT(task_event, generic_source), .def = "\"\""},
};
SCHEMA(task_event_schema, "event", struct task_event, task_event_fields);

static const struct schema_field task_state_fields[] = {
    {NULL, NULL, F_STR, AT(task_state, name)},
    {"State", NULL, F_STR, AT(task_state, state), .def = "\"\""},
    {"Failed", NULL, F_BOOL, AT(task_state, failed)},
    {"Restarts", NULL, F_UINT, AT(task_state, restarts)},
    {"LastRestart", NULL, F_TIME, AT(task_state, last_restart), .flags = FIELD_PTR},
    {"StartedAt", NULL, F_TIME, AT(task_state, started_at), .flags = FIELD_PTR},
    {"FinishedAt", NULL, F_TIME, AT(task_state, finished_at), .flags = FIELD_PTR},
    {"Events", NULL, F_LIST, AT(task_state, events), .flags = FIELD_NULLEMPTY,
     .sub = &task_event_schema, .max = TASK_EVENTS_MAX},
    {"Paused", NULL, F_STR, AT(task_state, paused), .def = "\"\""},
    {"TaskHandle", NULL, F_JSON, AT(task_state, task_handle)},

    /*
     * Alloc.
     */
};
SCHEMA(task_state_schema, "task_state", struct task_state, task_state_fields);

static const struct schema_field alloc_deployment_status_fields[] = {
    {"Healthy", NULL, F_BOOL, AT(alloc_deployment_status, healthy), .flags = FIELD_PTR},
    {"Timestamp", NULL, F_TIME, AT(alloc_deployment_status, timestamp)},
    {"Canary", NULL, F_BOOL, AT(alloc_deployment_status, canary)},
    {"ModifyIndex", NULL, F_UINT, AT(alloc_deployment_status, modify_index)},
};
SCHEMA(alloc_deployment_status_schema, "deployment_status", struct alloc_deployment_status,
       alloc_deployment_status_fields);

static const struct schema_field alloc_state_fields[] = {
    {"Field", NULL, F_INT, AT(alloc_state, field)},
    {"Value", NULL, F_STR, AT(alloc_state, value), .def = "\"\""},
    {"Time", NULL, F_TIME, AT(alloc_state, time)},
};
static SCHEMA(alloc_state_schema, "state", struct alloc_state, alloc_state_fields);

static const struct schema_field reschedule_event_fields[] = {
    {"RescheduleTime", NULL, F_INT, AT(reschedule_event, reschedule_time)},
    {"PrevAllocID", NULL, F_STR, AT(reschedule_event, prev_alloc_id), .def = "\"\""},
    {"PrevNodeID", NULL, F_STR, AT(reschedule_event, prev_node_id), .def = "\"\""},
    {"Delay", NULL, F_DURATION, AT(reschedule_event, delay_ns)},
};
static SCHEMA(reschedule_event_schema, "event", struct reschedule_event,
              reschedule_event_fields);

static const struct schema_field reschedule_tracker_fields[] = {
    {"Events", NULL, F_LIST, AT(reschedule_tracker, events), .flags = FIELD_NULLEMPTY,
     .sub = &reschedule_event_schema},
    {"LastReschedule", NULL, F_STR, AT(reschedule_tracker, last_reschedule), .def = "\"\""},
};
SCHEMA(reschedule_tracker_schema, "reschedule_tracker", struct reschedule_tracker,
       reschedule_tracker_fields);

static const struct schema_field desired_transition_fields[] = {
    {"Migrate", NULL, F_BOOL, AT(desired_transition, migrate), .flags = FIELD_PTR},
    {"Reschedule", NULL, F_BOOL, AT(desired_transition, reschedule), .flags = FIELD_PTR},
    {"ForceReschedule", NULL, F_BOOL, AT(desired_transition, force_reschedule),
     .flags = FIELD_PTR},
    {"NoShutdownDelay", NULL, F_BOOL, AT(desired_transition, no_shutdown_delay),
     .flags = FIELD_PTR},
};
static SCHEMA(desired_transition_schema, "desired_transition", struct desired_transition,
              desired_transition_fields);

static const struct schema_field alloc_network_status_fields[] = {
    {"InterfaceName", NULL, F_STR, AT(alloc_network_status, interface_name), .def = "\"\""},
    {"Address", NULL, F_STR, AT(alloc_network_status, address), .def = "\"\""},
    {"AddressIPv6", NULL, F_STR, AT(alloc_network_status, address_ipv6), .def = "\"\""},
    {"DNS", NULL, F_OBJ, AT(alloc_network_status, dns), .sub = &dns_config_schema},
};
static SCHEMA(alloc_network_status_schema, "network_status", struct alloc_network_status,
              alloc_network_status_fields);

static const struct schema_field alloc_fields[] = {
    {"ID", NULL, F_STR, AT(alloc, id), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"Namespace", NULL, F_STR, AT(alloc, namespace), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"EvalID", NULL, F_STR, AT(alloc, eval_id), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"Name", NULL, F_STR, AT(alloc, name), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"NodeID", NULL, F_STR, AT(alloc, node_id), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"NodeName", NULL, F_STR, AT(alloc, node_name), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"JobID", NULL, F_STR, AT(alloc, job_id), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"Job", NULL, F_OBJ, AT(alloc, job), .flags = FIELD_OMITEMPTY, .sub = &job_schema},
    {"JobVersion", NULL, F_UINT, AT(alloc, job_version), .flags = FIELD_HIDDEN},
    {"JobCreateIndex", NULL, F_UINT, AT(alloc, job_create_index), .flags = FIELD_HIDDEN},
    {"JobModifyIndex", NULL, F_UINT, AT(alloc, job_modify_index), .flags = FIELD_HIDDEN},
    {"JobType", NULL, F_STR, AT(alloc, job_type), .flags = FIELD_HIDDEN, .def = "\"\""},
    {"TaskGroup", NULL, F_STR, AT(alloc, task_group), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"Resources", NULL, F_OBJ, AT(alloc, legacy_resources), .flags = FIELD_OMITEMPTY,
     .sub = &resources_schema},
    {"SharedResources", NULL, F_OBJ, AT(alloc, legacy_shared), .flags = FIELD_OMITEMPTY,
     .sub = &resources_schema},
    {"TaskResources", NULL, F_JSON, AT(alloc, legacy_tasks), .flags = FIELD_OMITEMPTY},
    {"AllocatedResources", NULL, F_OBJ, AT(alloc, resources), .flags = FIELD_OMITEMPTY,
     .sub = &alloc_resources_schema},
    {"Metrics", NULL, F_OBJ, AT(alloc, metrics), .flags = FIELD_OMITEMPTY,
     .sub = &alloc_metric_schema},
    {"DesiredStatus", NULL, F_STR, AT(alloc, desired_status), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"DesiredDescription", NULL, F_STR, AT(alloc, desired_description),
     .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"DesiredTransition", NULL, F_OBJ, AT(alloc, desired_transition), .flags = FIELD_OMITEMPTY,
     .sub = &desired_transition_schema},
    {"ClientStatus", NULL, F_STR, AT(alloc, client_status), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"ClientDescription", NULL, F_STR, AT(alloc, client_description), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"TaskStates", NULL, F_MAP, AT(alloc, task_states), .flags = FIELD_OMITEMPTY,
     .sub = &task_state_schema},
    {"PreviousAllocation", NULL, F_STR, AT(alloc, previous_allocation),
     .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"AllocStates", NULL, F_LIST, AT(alloc, alloc_states), .flags = FIELD_OMITEMPTY,
     .sub = &alloc_state_schema},
    {"NextAllocation", NULL, F_STR, AT(alloc, next_allocation), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"DeploymentID", NULL, F_STR, AT(alloc, deployment_id), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"DeploymentStatus", NULL, F_OBJ, AT(alloc, deployment_status), .flags = FIELD_OMITEMPTY,
     .sub = &alloc_deployment_status_schema},
    {"RescheduleTracker", NULL, F_OBJ, AT(alloc, reschedule_tracker), .flags = FIELD_OMITEMPTY,
     .sub = &reschedule_tracker_schema},
    {"NetworkStatus", NULL, F_OBJ, AT(alloc, network_status), .flags = FIELD_OMITEMPTY,
     .sub = &alloc_network_status_schema},
    {"FollowupEvalID", NULL, F_STR, AT(alloc, followup_eval_id), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"PreemptedAllocations", NULL, F_STRLIST, AT(alloc, preempted_allocations),
     .flags = FIELD_OMITEMPTY},
    {"PreemptedByAllocation", NULL, F_STR, AT(alloc, preempted_by), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"SigningKeyID", NULL, F_STR, AT(alloc, signing_key_id), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"CreateIndex", NULL, F_UINT, AT(alloc, create_index), .flags = FIELD_OMITEMPTY},
    {"ModifyIndex", NULL, F_UINT, AT(alloc, modify_index), .flags = FIELD_OMITEMPTY},
    {"AllocModifyIndex", NULL, F_UINT, AT(alloc, alloc_modify_index), .flags = FIELD_OMITEMPTY},
    {"CreateTime", NULL, F_INT, AT(alloc, create_time), .flags = FIELD_OMITEMPTY},
    {"ModifyTime", NULL, F_INT, AT(alloc, modify_time), .flags = FIELD_OMITEMPTY},
};
SCHEMA(alloc_schema, "alloc", struct alloc, alloc_fields);
