#include "model_t.h"

#include "base/buf.h"

static void annotations_of(struct arena *a, const struct json *v, struct plan_annotations *ret)
{
    struct err e = ERR_INIT;

    *ret = (struct plan_annotations){0};
    T_OK(schema_decode(&plan_annotations_schema, v, SCHEMA_UNKNOWN_OK, a, ret, &e), &e);
}

static void check_plan(struct arena *a, const struct job *old, const struct json *step)
{
    const struct json *want = json_path(step, "reply.body.Diff");
    struct job *new = job_of(a, json_path(step, "body.Job"));
    struct plan_annotations notes;
    struct job_diff d;

    new->namespace = "default";
    annotations_of(a, json_path(step, "reply.body.Annotations"), &notes);
    job_diff_make(old, new, true, a, &d);
    job_diff_annotate(&d, &notes, a);
    if (!json_eq(json_of(a, schema_text(a, &job_diff_schema, &d)), want)) {
        auto_buf struct buf b = BUF_INIT(1 << 20);

        json_print(&b, want, NULL);
        T_STR_EQ(schema_text(a, &job_diff_schema, &d), b.p);
    }
}

TEST(differences_look_as_recorded)
{
    auto_arena struct arena *a = arena_new(0);
    const struct json *steps = golden_steps(a, "http-write");
    const struct job *old = NULL;
    int checked = 0;

    for (uint32_t i = 0; i < steps->len; i++) {
        const struct json *step = &steps->items[i];
        struct str http = json_str_or(json_get(step, "http"), STR(""));
        const char *label = arena_printf(a, "http-write step %u", i);

        T_ROW(label);
        if (!str_eqc(http, "POST /v1/job/svc/plan") ||
            !json_is(json_path(step, "reply.body.Diff"), JSON_OBJECT))
            continue;
        check_plan(a, old, step);
        if (!old)
            old = job_of(a, json_path(step, "body.Job"));
        checked++;
    }
    T_ROW("");
    T_TRUE(checked >= 5);
}

TEST(a_removed_group_and_a_changed_service_show_as_such)
{
    auto_arena struct arena *a = arena_new(0);
    struct job *old = job_text(
        a, "{'ID':'j','TaskGroups':[{'Name':'g','Services':[{'Name':'s','Provider':'nomad'}],"
           "'Tasks':[{'Name':'t','Driver':'raw_exec'}]},{'Name':'h','Tasks':[]}]}");
    struct job *new = job_text(
        a, "{'ID':'j','TaskGroups':[{'Name':'g','Services':[{'Name':'s','Provider':'nomad',"
           "'Tags':['x']}],'Tasks':[{'Name':'t','Driver':'raw_exec'}]}]}");
    struct job_diff d;

    job_diff_make(old, new, false, a, &d);
    T_STR_EQ(d.type, "Edited");
    T_INT_EQ(d.groups.len, 2);
    T_STR_EQ(d.groups.at[1].type, "Deleted");
    T_INT_EQ(d.groups.at[0].objects.len, 1);
    T_STR_EQ(d.groups.at[0].objects.at[0].name, "Service");
    T_STR_EQ(d.groups.at[0].objects.at[0].type, "Edited");
    T_STR_EQ(d.groups.at[0].objects.at[0].objects.at[0].name, "Tags");
}
