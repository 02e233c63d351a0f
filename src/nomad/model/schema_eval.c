/* Evaluations, deployments, summaries, plans' annotations. */
#include "nomad/model/model_priv.h"

static const struct schema_field desired_updates_fields[] = {
    {NULL, NULL, F_STR, AT(desired_updates, group)},
    {"Ignore", NULL, F_UINT, AT(desired_updates, ignore)},
    {"Place", NULL, F_UINT, AT(desired_updates, place)},
    {"Migrate", NULL, F_UINT, AT(desired_updates, migrate)},
    {"Stop", NULL, F_UINT, AT(desired_updates, stop)},
    {"InPlaceUpdate", NULL, F_UINT, AT(desired_updates, in_place_update)},
    {"DestructiveUpdate", NULL, F_UINT, AT(desired_updates, destructive_update)},
    {"Canary", NULL, F_UINT, AT(desired_updates, canary)},
    {"Preemptions", NULL, F_UINT, AT(desired_updates, preemptions)},
    {"Disconnect", NULL, F_UINT, AT(desired_updates, disconnect), .flags = FIELD_OMITEMPTY},
    {"Reconnect", NULL, F_UINT, AT(desired_updates, reconnect), .flags = FIELD_OMITEMPTY},
    {"RescheduleNow", NULL, F_UINT, AT(desired_updates, reschedule_now),
     .flags = FIELD_OMITEMPTY},
    {"RescheduleLater", NULL, F_UINT, AT(desired_updates, reschedule_later),
     .flags = FIELD_OMITEMPTY},
};
static SCHEMA(desired_updates_schema, "group", struct desired_updates, desired_updates_fields);

/* An alloc that would be evicted, in short. */
static const struct schema_field preempted_fields[] = {
    {"ID", NULL, F_STR, AT(alloc, id)},
    {"EvalID", NULL, F_STR, AT(alloc, eval_id)},
    {"Name", NULL, F_STR, AT(alloc, name)},
    {"Namespace", NULL, F_STR, AT(alloc, namespace)},
    {"NodeID", NULL, F_STR, AT(alloc, node_id)},
    {"NodeName", NULL, F_STR, AT(alloc, node_name)},
    {"JobID", NULL, F_STR, AT(alloc, job_id)},
    {"JobType", NULL, F_STR, AT(alloc, job_type)},
    {"JobVersion", NULL, F_UINT, AT(alloc, job_version)},
    {"TaskGroup", NULL, F_STR, AT(alloc, task_group)},
    {"DesiredStatus", NULL, F_STR, AT(alloc, desired_status)},
    {"ClientStatus", NULL, F_STR, AT(alloc, client_status)},
    {"CreateTime", NULL, F_INT, AT(alloc, create_time)},
    {"ModifyTime", NULL, F_INT, AT(alloc, modify_time)},
};
static SCHEMA(preempted_schema, "alloc", struct alloc, preempted_fields);

static const struct schema_field plan_annotations_fields[] = {
    {"DesiredTGUpdates", NULL, F_MAP, AT(plan_annotations, updates), .flags = FIELD_NULLEMPTY,
     .sub = &desired_updates_schema},
    {"PreemptedAllocs", NULL, F_LIST, AT(plan_annotations, preempted_allocs),
     .flags = FIELD_NULLEMPTY, .sub = &preempted_schema},
};
SCHEMA(plan_annotations_schema, "annotations", struct plan_annotations,
       plan_annotations_fields);

static const struct schema_field eval_fields[] = {
    {"ID", NULL, F_STR, AT(eval, id), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"Namespace", NULL, F_STR, AT(eval, namespace), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"Priority", NULL, F_INT, AT(eval, priority), .flags = FIELD_OMITEMPTY},
    {"Type", NULL, F_STR, AT(eval, type), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"TriggeredBy", NULL, F_STR, AT(eval, triggered_by), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"JobID", NULL, F_STR, AT(eval, job_id), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"JobModifyIndex", NULL, F_UINT, AT(eval, job_modify_index), .flags = FIELD_OMITEMPTY},
    {"NodeID", NULL, F_STR, AT(eval, node_id), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"NodeModifyIndex", NULL, F_UINT, AT(eval, node_modify_index), .flags = FIELD_OMITEMPTY},
    {"DeploymentID", NULL, F_STR, AT(eval, deployment_id), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"Status", NULL, F_STR, AT(eval, status), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"StatusDescription", NULL, F_STR, AT(eval, status_description), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"Wait", NULL, F_DURATION, AT(eval, wait_ns), .flags = FIELD_OMITEMPTY},
    {"WaitUntil", NULL, F_TIME, AT(eval, wait_until), .flags = FIELD_OMITEMPTY},
    {"NextEval", NULL, F_STR, AT(eval, next_eval), .flags = FIELD_OMITEMPTY, .def = "\"\""},
    {"PreviousEval", NULL, F_STR, AT(eval, previous_eval), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"BlockedEval", NULL, F_STR, AT(eval, blocked_eval), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"FailedTGAllocs", NULL, F_MAP, AT(eval, failed_tg_allocs), .flags = FIELD_OMITEMPTY,
     .sub = &alloc_metric_schema},
    {"ClassEligibility", NULL, F_JSON, AT(eval, class_eligibility), .flags = FIELD_OMITEMPTY},
    {"QuotaLimitReached", NULL, F_STR, AT(eval, quota_limit_reached), .flags = FIELD_OMITEMPTY,
     .def = "\"\""},
    {"EscapedComputedClass", NULL, F_BOOL, AT(eval, escaped_computed_class),
     .flags = FIELD_OMITEMPTY},
    {"AnnotatePlan", NULL, F_BOOL, AT(eval, annotate_plan), .flags = FIELD_OMITEMPTY},
    {"QueuedAllocations", NULL, F_JSON, AT(eval, queued_allocations), .flags = FIELD_OMITEMPTY},
    {"SnapshotIndex", NULL, F_UINT, AT(eval, snapshot_index), .flags = FIELD_OMITEMPTY},
    {"CreateIndex", NULL, F_UINT, AT(eval, create_index), .flags = FIELD_OMITEMPTY},
    {"ModifyIndex", NULL, F_UINT, AT(eval, modify_index), .flags = FIELD_OMITEMPTY},
    {"CreateTime", NULL, F_INT, AT(eval, create_time), .flags = FIELD_OMITEMPTY},
    {"ModifyTime", NULL, F_INT, AT(eval, modify_time), .flags = FIELD_OMITEMPTY},
};
SCHEMA(eval_schema, "evaluation", struct eval, eval_fields);

static const struct schema_field deployment_group_fields[] = {
    {NULL, NULL, F_STR, AT(deployment_group, name)},
    {"AutoRevert", NULL, F_BOOL, AT(deployment_group, auto_revert)},
    {"AutoPromote", NULL, F_BOOL, AT(deployment_group, auto_promote)},
    {"ProgressDeadline", NULL, F_DURATION, AT(deployment_group, progress_deadline_ns)},
    {"RequireProgressBy", NULL, F_TIME, AT(deployment_group, require_progress_by)},
    {"Promoted", NULL, F_BOOL, AT(deployment_group, promoted)},
    {"PlacedCanaries", NULL, F_STRLIST, AT(deployment_group, placed_canaries),
     .flags = FIELD_NULLEMPTY},
    {"DesiredCanaries", NULL, F_INT, AT(deployment_group, desired_canaries)},
    {"DesiredTotal", NULL, F_INT, AT(deployment_group, desired_total)},
    {"PlacedAllocs", NULL, F_INT, AT(deployment_group, placed_allocs)},
    {"HealthyAllocs", NULL, F_INT, AT(deployment_group, healthy_allocs)},
    {"UnhealthyAllocs", NULL, F_INT, AT(deployment_group, unhealthy_allocs)},
};
static SCHEMA(deployment_group_schema, "group", struct deployment_group,
              deployment_group_fields);

static const struct schema_field deployment_fields[] = {
    {"ID", NULL, F_STR, AT(deployment, id), .def = "\"\""},
    {"Namespace", NULL, F_STR, AT(deployment, namespace), .def = "\"\""},
    {"JobID", NULL, F_STR, AT(deployment, job_id), .def = "\"\""},
    {"JobVersion", NULL, F_UINT, AT(deployment, job_version)},
    {"JobModifyIndex", NULL, F_UINT, AT(deployment, job_modify_index)},
    {"JobSpecModifyIndex", NULL, F_UINT, AT(deployment, job_spec_modify_index)},
    {"JobCreateIndex", NULL, F_UINT, AT(deployment, job_create_index)},
    {"IsMultiregion", NULL, F_BOOL, AT(deployment, is_multiregion)},
    {"TaskGroups", NULL, F_MAP, AT(deployment, groups), .flags = FIELD_NULLEMPTY,
     .sub = &deployment_group_schema},
    {"Status", NULL, F_STR, AT(deployment, status), .def = "\"\""},
    {"StatusDescription", NULL, F_STR, AT(deployment, status_description), .def = "\"\""},
    {"EvalPriority", NULL, F_INT, AT(deployment, eval_priority)},
    {"CreateIndex", NULL, F_UINT, AT(deployment, create_index)},
    {"ModifyIndex", NULL, F_UINT, AT(deployment, modify_index)},
    {"CreateTime", NULL, F_INT, AT(deployment, create_time)},
    {"ModifyTime", NULL, F_INT, AT(deployment, modify_time)},
};
SCHEMA(deployment_schema, "deployment", struct deployment, deployment_fields);

static const struct schema_field group_summary_fields[] = {
    {NULL, NULL, F_STR, AT(group_summary, group)},
    {"Queued", NULL, F_INT, AT(group_summary, queued)},
    {"Complete", NULL, F_INT, AT(group_summary, complete)},
    {"Failed", NULL, F_INT, AT(group_summary, failed)},
    {"Running", NULL, F_INT, AT(group_summary, running)},
    {"Starting", NULL, F_INT, AT(group_summary, starting)},
    {"Lost", NULL, F_INT, AT(group_summary, lost)},
    {"Unknown", NULL, F_INT, AT(group_summary, unknown)},
};
static SCHEMA(group_summary_schema, "group", struct group_summary, group_summary_fields);

static const struct schema_field children_summary_fields[] = {
    {"Pending", NULL, F_INT, AT(children_summary, pending)},
    {"Running", NULL, F_INT, AT(children_summary, running)},
    {"Dead", NULL, F_INT, AT(children_summary, dead)},
};
static SCHEMA(children_summary_schema, "children", struct children_summary,
              children_summary_fields);

static const struct schema_field job_summary_fields[] = {
    {"JobID", NULL, F_STR, AT(job_summary, job_id), .def = "\"\""},
    {"Namespace", NULL, F_STR, AT(job_summary, namespace), .def = "\"\""},
    {"Summary", NULL, F_MAP, AT(job_summary, groups), .flags = FIELD_NULLEMPTY,
     .sub = &group_summary_schema},
    {"Children", NULL, F_EMBED, AT(job_summary, children), .sub = &children_summary_schema},
    {"CreateIndex", NULL, F_UINT, AT(job_summary, create_index)},
    {"ModifyIndex", NULL, F_UINT, AT(job_summary, modify_index)},
};
SCHEMA(job_summary_schema, "summary", struct job_summary, job_summary_fields);

static const struct schema_field job_submission_fields[] = {
    {"Source", NULL, F_STR, AT(job_submission, source), .def = "\"\""},
    {"Format", NULL, F_STR, AT(job_submission, format), .def = "\"\""},
    {"VariableFlags", NULL, F_STRMAP, AT(job_submission, variable_flags),
     .flags = FIELD_NULLEMPTY},
    {"Variables", NULL, F_STR, AT(job_submission, variables), .def = "\"\""},
    {"Namespace", NULL, F_STR, AT(job_submission, namespace), .def = "\"\""},
    {"JobID", NULL, F_STR, AT(job_submission, job_id), .def = "\"\""},
    {"Version", NULL, F_UINT, AT(job_submission, version)},
    {"JobModifyIndex", NULL, F_UINT, AT(job_submission, job_modify_index)},
};
SCHEMA(job_submission_schema, "submission", struct job_submission, job_submission_fields);
