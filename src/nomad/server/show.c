/*
 * How objects are shown in lists: without a copy of what they hold. Only what depends on the
 * record's revisions is replaced, in a shallow copy on the stack.
 */
#include <string.h>

#include "nomad/server/list.h"

#define AT(member) offsetof(struct alloc, member)

/* ---- allocs ----------------------------------------------------------------------------- */

static const struct schema_field stub_fields[] = {
    {"ID", NULL, F_STR, AT(id)},
    {"EvalID", NULL, F_STR, AT(eval_id)},
    {"Name", NULL, F_STR, AT(name)},
    {"Namespace", NULL, F_STR, AT(namespace)},
    {"NodeID", NULL, F_STR, AT(node_id)},
    {"NodeName", NULL, F_STR, AT(node_name)},
    {"JobID", NULL, F_STR, AT(job_id)},
    {"JobType", NULL, F_STR, AT(job_type)},
    {"JobVersion", NULL, F_UINT, AT(job_version)},
    {"TaskGroup", NULL, F_STR, AT(task_group)},
    {"DesiredStatus", NULL, F_STR, AT(desired_status)},
    {"DesiredDescription", NULL, F_STR, AT(desired_description)},
    {"ClientStatus", NULL, F_STR, AT(client_status)},
    {"ClientDescription", NULL, F_STR, AT(client_description)},
    {"TaskStates", NULL, F_MAP, AT(task_states), .flags = FIELD_NULLEMPTY,
     .sub = &task_state_schema},
    {"DeploymentStatus", NULL, F_OBJ, AT(deployment_status),
     .sub = &alloc_deployment_status_schema},
    {"FollowupEvalID", NULL, F_STR, AT(followup_eval_id)},
    {"NextAllocation", NULL, F_STR, AT(next_allocation)},
    {"RescheduleTracker", NULL, F_OBJ, AT(reschedule_tracker),
     .sub = &reschedule_tracker_schema},
    {"PreemptedAllocations", NULL, F_STRLIST, AT(preempted_allocations),
     .flags = FIELD_NULLEMPTY},
    {"PreemptedByAllocation", NULL, F_STR, AT(preempted_by)},
    {"CreateIndex", NULL, F_UINT, AT(create_index)},
    {"ModifyIndex", NULL, F_UINT, AT(modify_index)},
    {"CreateTime", NULL, F_INT, AT(create_time)},
    {"ModifyTime", NULL, F_INT, AT(modify_time)},
};
static SCHEMA(stub_schema, "allocation", struct alloc, stub_fields);

static void kv_flag(struct json_out *w, const char *key, const bool *flag)
{
    if (flag)
        json_kv_bool(w, key, *flag);
    else
        json_kv_null(w, key);
}

static void write_transition(struct json_out *w, const struct desired_transition *t)
{
    static const struct desired_transition none;

    t = t ? t : &none;
    json_key(w, "DesiredTransition");
    json_obj(w);
    kv_flag(w, "Migrate", t->migrate);
    kv_flag(w, "Reschedule", t->reschedule);
    kv_flag(w, "ForceReschedule", t->force_reschedule);
    kv_flag(w, "NoShutdownDelay", t->no_shutdown_delay);
    json_obj_end(w);
}

void write_alloc_stub_with(struct json_out *w, const struct object *o, unsigned flags)
{
    struct alloc al = *(const struct alloc *)o->body;
    struct alloc_deployment_status ds;

    al.create_index = o->create_rev;
    al.modify_index = o->mod_rev;
    if (al.deployment_status) {
        ds = *al.deployment_status;
        ds.modify_index = ds.healthy ? index_or(ds.modify_index, o->mod_rev) : ds.modify_index;
        al.deployment_status = &ds;
    }
    if (flags & STUB_NO_TASK_STATES) {
        al.task_states.at = NULL;
        al.task_states.len = 0;
    }
    json_obj(w);
    schema_encode_fields(&stub_schema, &al, 0, w);
    write_transition(w, al.desired_transition);
    if ((flags & STUB_RESOURCES) && al.resources) {
        json_key(w, "AllocatedResources");
        schema_encode(&alloc_resources_schema, al.resources, 0, w);
    }
    json_obj_end(w);
}

void write_alloc_stub(struct json_out *w, const struct object *o, struct arena *a)
{
    (void)a;
    write_alloc_stub_with(w, o, 0);
}

void list_alloc_stub(struct list *l, struct json_out *w, const struct object *o)
{
    (void)l;
    write_alloc_stub_with(w, o, 0);
}

/* ---- evaluations, deployments ----------------------------------------------------------- */

void write_eval(struct json_out *w, const struct object *o, struct arena *a)
{
    struct eval ev = *(const struct eval *)o->body;

    (void)a;
    ev.job_modify_index = index_or(ev.job_modify_index, o->create_rev);
    ev.create_index = o->create_rev;
    ev.modify_index = o->mod_rev;
    schema_encode(&eval_schema, &ev, 0, w);
}

void list_eval(struct list *l, struct json_out *w, const struct object *o)
{
    write_eval(w, o, l->c->arena);
}

void write_deployment(struct json_out *w, const struct object *o, struct arena *a)
{
    struct deployment d = *(const struct deployment *)o->body;

    (void)a;
    d.create_index = o->create_rev;
    d.modify_index = o->mod_rev;
    if (strcmp(d.status, DEPLOYMENT_SUCCESSFUL) == 0)
        d.modify_time = 0; /* the API shows no time where the scheduler had the last word */
    schema_encode(&deployment_schema, &d, 0, w);
}

void list_deployment(struct list *l, struct json_out *w, const struct object *o)
{
    write_deployment(w, o, l->c->arena);
}

/* ---- jobs ------------------------------------------------------------------------------- */

void write_job(struct json_out *w, const struct object *o)
{
    struct job j = *(const struct job *)o->body;
    uint64_t spec = job_spec_index(o), created = index_or(OPT(j.create_index), o->create_rev),
             modified = o->mod_rev;

    j.job_modify_index = &spec;
    j.create_index = &created;
    j.modify_index = &modified;
    schema_encode(&job_schema, &j, 0, w);
}

void write_summary(struct json_out *w, const struct object *o)
{
    struct job_summary s;

    if (!o) {
        json_null(w);
        return;
    }
    s = *(const struct job_summary *)o->body;
    s.create_index = o->create_rev;
    s.modify_index = o->mod_rev;
    schema_encode(&job_summary_schema, &s, 0, w);
}
