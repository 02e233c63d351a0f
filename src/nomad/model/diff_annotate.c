/* What a plan would do, noted in a job's diff; and the diff's schema. */
#include "nomad/model/model_priv.h"

static const struct schema jd_object_schema;

static const struct schema_field jd_field_fields[] = {
    {"Type", NULL, F_STR, AT(jd_field, type), .def = "\"\""},
    {"Name", NULL, F_STR, AT(jd_field, name), .def = "\"\""},
    {"Old", NULL, F_STR, AT(jd_field, old_text), .def = "\"\""},
    {"New", NULL, F_STR, AT(jd_field, new_text), .def = "\"\""},
    {"Annotations", NULL, F_STRLIST, AT(jd_field, annotations), .flags = FIELD_NULLEMPTY},
};
static SCHEMA(jd_field_schema, "field", struct jd_field, jd_field_fields);

static const struct schema_field jd_object_fields[] = {
    {"Type", NULL, F_STR, AT(jd_object, type), .def = "\"\""},
    {"Name", NULL, F_STR, AT(jd_object, name), .def = "\"\""},
    {"Fields", NULL, F_LIST, AT(jd_object, fields), .flags = FIELD_NULLEMPTY,
     .sub = &jd_field_schema},
    {"Objects", NULL, F_LIST, AT(jd_object, objects), .flags = FIELD_NULLEMPTY,
     .sub = &jd_object_schema},
};
static SCHEMA(jd_object_schema, "object", struct jd_object, jd_object_fields);

static const struct schema_field jd_task_fields[] = {
    {"Type", NULL, F_STR, AT(jd_task, type), .def = "\"\""},
    {"Name", NULL, F_STR, AT(jd_task, name), .def = "\"\""},
    {"Fields", NULL, F_LIST, AT(jd_task, fields), .flags = FIELD_NULLEMPTY,
     .sub = &jd_field_schema},
    {"Objects", NULL, F_LIST, AT(jd_task, objects), .flags = FIELD_NULLEMPTY,
     .sub = &jd_object_schema},
    {"Annotations", NULL, F_STRLIST, AT(jd_task, annotations), .flags = FIELD_NULLEMPTY},
};
static SCHEMA(jd_task_schema, "task", struct jd_task, jd_task_fields);

static const struct schema_field jd_group_fields[] = {
    {"Type", NULL, F_STR, AT(jd_group, type), .def = "\"\""},
    {"Name", NULL, F_STR, AT(jd_group, name), .def = "\"\""},
    {"Fields", NULL, F_LIST, AT(jd_group, fields), .flags = FIELD_NULLEMPTY,
     .sub = &jd_field_schema},
    {"Objects", NULL, F_LIST, AT(jd_group, objects), .flags = FIELD_NULLEMPTY,
     .sub = &jd_object_schema},
    {"Tasks", NULL, F_LIST, AT(jd_group, tasks), .flags = FIELD_NULLEMPTY,
     .sub = &jd_task_schema},
    {"Updates", NULL, F_JSON, AT(jd_group, updates)},
};
static SCHEMA(jd_group_schema, "group", struct jd_group, jd_group_fields);

static const struct schema_field job_diff_fields[] = {
    {"Type", NULL, F_STR, AT(job_diff, type), .def = "\"\""},
    {"ID", NULL, F_STR, AT(job_diff, id), .def = "\"\""},
    {"Fields", NULL, F_LIST, AT(job_diff, fields), .flags = FIELD_NULLEMPTY,
     .sub = &jd_field_schema},
    {"Objects", NULL, F_LIST, AT(job_diff, objects), .flags = FIELD_NULLEMPTY,
     .sub = &jd_object_schema},
    {"TaskGroups", NULL, F_LIST, AT(job_diff, groups), .flags = FIELD_NULLEMPTY,
     .sub = &jd_group_schema},
};
SCHEMA(job_diff_schema, "diff", struct job_diff, job_diff_fields);

/*
 * Annotations.
 */
static void annotate_count(struct jd_group *g, struct arena *a)
{
    list_each (&g->fields, it) {
        int64_t old = 0, new = 0;

        if (!same(it->name, "Count") || same(it->type, "None"))
            continue;
        str_to_i64(str_of(it->old_text), 10, &old);
        str_to_i64(str_of(it->new_text), 10, &new);
        if (new != old)
            list_push(a, &it->annotations, new > old ? "forces create" : "forces destroy");
    }
}

/* Can a running task take this on? */
static bool takes_in_place(const struct jd_task *t)
{
    static const char *const objects[] = {"LogConfig", "Service", "Constraint", "Affinity",
                                          "Action"};

    list_each (&t->fields, it)
        if (!same(it->type, "None") && !same(it->name, "KillTimeout"))
            return false;
    list_each (&t->objects, it) {
        bool fine = false;

        for (size_t i = 0; i < ARRAY_LEN(objects); i++)
            fine = fine || same(it->name, objects[i]);
        if (!fine && !same(it->type, "None"))
            return false;
    }
    return true;
}

static void annotate_task(const struct jd_group *g, struct jd_task *t, struct arena *a)
{
    const char *note;

    if (same(t->type, "None"))
        return;
    if (same(g->type, "Added") || same(g->type, "Deleted"))
        note = same(t->type, "Added") ? "forces create" : "forces destroy";
    else if (same(t->type, "Edited") && takes_in_place(t))
        note = "forces in-place update";
    else
        note = "forces create/destroy update";
    list_push(a, &t->annotations, note);
}

static void add_update(struct jd_group *g, struct arena *a, const char *name, uint64_t n)
{
    if (n)
        count_add(a, &g->updates, name, (int64_t)n);
}

static void annotate_updates(struct jd_group *g, const struct desired_updates *u,
                             struct arena *a)
{
    add_update(g, a, "ignore", u->ignore);
    add_update(g, a, "create", u->place);
    add_update(g, a, "migrate", u->migrate);
    add_update(g, a, "destroy", u->stop);
    add_update(g, a, "in-place update", u->in_place_update);
    add_update(g, a, "create/destroy update", u->destructive_update);
    add_update(g, a, "canary", u->canary);
    add_update(g, a, "preemption", u->preemptions);
}

void job_diff_annotate(struct job_diff *d, const struct plan_annotations *notes,
                       struct arena *a)
{
    list_each (&d->groups, g) {
        if (notes)
            list_each (&notes->updates, u)
                if (same(u->group, g->name))
                    annotate_updates(g, u, a);
        annotate_count(g, a);
        list_each (&g->tasks, it)
            annotate_task(g, it, a);
    }
}
