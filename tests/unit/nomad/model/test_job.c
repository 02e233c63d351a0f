#include "model_t.h"

TEST(a_stored_job_has_the_documented_defaults)
{
    auto_arena struct arena *a = arena_new(0);
    struct job *j = job_text(
        a,
        "{'ID':'hello-vault','Type':'service','Datacenters':['dc1'],'TaskGroups':[{'Name':'h',"
        "'Tasks':[{'Name':'h','Driver':'raw_exec','Vault':{'Policies':['aws'],'Env':true}}]}]"
        "}");
    const struct task_group *g = &j->groups.at[0];
    const struct task *t = &g->tasks.at[0];

    T_STR_EQ(j->region, "global");
    T_STR_EQ(j->node_pool, "default");
    T_INT_EQ(OPT(j->priority), 50);
    T_INT_EQ(OPT(g->count), 1);
    T_INT_EQ(OPT(g->restart->attempts), 2);
    T_INT_EQ(OPT(g->restart->interval_ns), 1800000000000);
    T_STR_EQ(g->reschedule->delay_function, "exponential");
    T_INT_EQ(OPT(g->update->progress_deadline_ns), 600000000000);
    T_INT_EQ(OPT(g->migrate->max_parallel), 1);
    T_INT_EQ(OPT(t->resources->cpu), 100);
    T_INT_EQ(OPT(t->logs->max_files), 10);
    T_STR_EQ(t->vault->change_signal, "SIGHUP");
    T_STR_EQ(t->vault->cluster, "default");
    T_STR_EQ(t->identity->name, "default");
    T_STR_EQ(t->identity->audience.at[0], "nomadproject.io");
    T_INT_EQ(g->constraints.len, 1);
    T_STR_EQ(g->constraints.at[0].ltarget, "${attr.vault.version}");
    T_STR_EQ(g->constraints.at[0].rtarget, ">= 0.6.1");
    T_STR_EQ(g->constraints.at[0].operand, "semver");
    T_TRUE(g->shutdown_delay_ns == NULL);
}

TEST(what_was_given_empty_is_canonical_and_registration_takes_it_as_not_given)
{
    auto_arena struct arena *a = arena_new(0);
    struct job *j = arena_new_of(a, struct job);
    struct err e = ERR_INIT;
    const char *text;

    T_OK(job_from_json(
             json_of(a, "{'ID':'x','Priority':0,'Meta':{},'Datacenters':[],'Constraints':[],"
                        "'Periodic':{'Spec':'* * * * *'},'TaskGroups':[{'Name':'g','Tasks':["
                        "{'Name':'t','Env':{},'Meta':{},'Config':{}}]}]}"),
             a, j, &e),
         &e);
    job_canonicalize(j, a);
    text = schema_text(a, &job_schema, j);
    T_STR_HAS(text, "\"Priority\":0");
    T_STR_HAS(text, "\"Datacenters\":[]");
    T_STR_HAS(text, "\"Env\":{}");
    T_STR_HAS(text, "\"Specs\":[]");
    job_finish(j, NULL, a);
    text = schema_text(a, &job_schema, j);
    T_STR_HAS(text, "\"Priority\":50");
    T_STR_HAS(text, "\"Datacenters\":[\"*\"]");
    T_STR_HAS(text, "\"Env\":null");
    T_STR_HAS(text, "\"Config\":null");
    T_STR_HAS(text, "\"Constraints\":[]");
    T_TRUE(strstr(text, "\"Meta\":{}") == NULL);
}

TEST(canonicalizing_and_finishing_twice_changes_nothing)
{
    auto_arena struct arena *a = arena_new(0);
    const struct json *steps = golden_steps(a, "http-validate");

    for (uint32_t i = 0; i < steps->len; i++) {
        const struct json *v = json_path(&steps->items[i], "body.Job");
        const char *label = arena_printf(a, "http-validate step %u", i), *once;
        struct job *j;

        T_ROW(label);
        if (!json_is(v, JSON_OBJECT))
            continue;
        j = job_of(a, v);
        once = schema_text(a, &job_schema, j);
        job_canonicalize(j, a);
        job_finish(j, NULL, a);
        T_STR_EQ(schema_text(a, &job_schema, j), once);
    }
    T_ROW("");
}

/* All that `want` has stands in `got`; "<num>" and its like stand for anything. */
static void covers(struct arena *a, const char *path, const struct json *want,
                   const struct json *got)
{
    if (json_is(want, JSON_STRING) && str_starts(want->text, STR("<")))
        return;
    T_ROW(path);
    T_TRUE(got != NULL);
    if (want->type == JSON_OBJECT && got->type == JSON_OBJECT) {
        for (uint32_t i = 0; i < want->len; i++) {
            const char *key = arena_cstr(a, want->members[i].key);

            covers(a, arena_printf(a, "%s.%s", path, key), &want->members[i].value,
                   json_get(got, key));
        }
    } else if (want->type == JSON_ARRAY && got->type == JSON_ARRAY && want->len == got->len) {
        for (uint32_t i = 0; i < want->len; i++)
            covers(a, arena_printf(a, "%s[%u]", path, i), &want->items[i], &got->items[i]);
    } else {
        T_TRUE(json_eq(want, got));
    }
}

/* What the API read back is what we would store, but for its state. */
TEST(a_job_of_the_recordings_is_stored_as_recorded)
{
    auto_arena struct arena *a = arena_new(0);
    const struct json *steps = golden_steps(a, "http-read-jobs"), *body = NULL, *stored = NULL;
    struct job *mine;

    for (uint32_t i = 0; i < steps->len; i++) {
        const struct json *step = &steps->items[i];

        if (str_eqc(json_str_or(json_path(step, "body.Job.ID"), STR("")), "svc"))
            body = json_path(step, "body.Job");
        if (str_eqc(json_str_or(json_get(step, "http"), STR("")), "GET /v1/job/svc"))
            stored = json_path(step, "reply.body");
    }
    T_TRUE(body && stored);
    mine = job_of(a, body);
    mine->status = "running";
    opt_set(a, &mine->stable, true);
    covers(a, "job", stored, json_of(a, schema_text(a, &job_schema, mine)));
    T_ROW("");
}

TEST(a_finished_job_survives_its_stored_form)
{
    auto_arena struct arena *a = arena_new(0);
    auto_object struct object *o = object_new(&job_schema), *back = NULL;
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    struct job *j = schema_copy(&job_schema, job_simple(a), o->arena);

    *(struct job *)o->body = *j;
    object_store(o, &b);
    T_OK(object_load(&job_schema, buf_str(&b), &back, &e), &e);
    T_TRUE(job_spec_eq(o->body, back->body));
    ((struct job *)back->body)->groups.at[0].name = "other";
    T_FALSE(job_spec_eq(o->body, back->body));
}

TEST(state_is_no_part_of_the_specification)
{
    auto_arena struct arena *a = arena_new(0);
    struct job *x = job_simple(a), *y = job_simple(a);

    y->status = "running";
    opt_set(a, &y->version, 7);
    opt_set(a, &y->modify_index, 99);
    opt_set(a, &y->stable, true);
    opt_set(a, &y->submit_time, 5);
    T_TRUE(job_spec_eq(x, y));
    opt_set(a, &y->stop, true);
    T_FALSE(job_spec_eq(x, y));
}

TEST(only_what_a_running_task_cannot_take_on_restarts_it)
{
    static const struct {
        const char *label, *change; /* members of the task */
        bool restart;
    } rows[] = {
        {"nothing", "", false},
        {"kill timeout", ",'KillTimeout':1000000000", false},
        {"constraint", ",'Constraints':[{'LTarget':'a','RTarget':'b','Operand':'='}]", false},
        {"log sizes", ",'LogConfig':{'MaxFiles':3,'MaxFileSizeMB':2}", false},
        {"env", ",'Env':{'A':'1'}", true},
        {"meta", ",'Meta':{'A':'1'}", true},
        {"user", ",'User':'nobody'", true},
        {"memory", ",'Resources':{'MemoryMB':64}", true},
        {"template", ",'Templates':[{'DestPath':'x','EmbeddedTmpl':'y'}]", true},
        {"vault", ",'Vault':{'Policies':['p']}", true},
        {"logs off", ",'LogConfig':{'Disabled':true}", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct job *old = job_simple(a),
                   *new = job_text(
                       a, arena_printf(
                              a,
                              "{'ID':'j','TaskGroups':[{'Name':'g','Tasks':[{'Name':'t',"
                              "'Driver':'raw_exec','Config':{'command':'/bin/true'}%s}]}]}",
                              rows[i].change));

        T_ROW(rows[i].label);
        T_INT_EQ(group_needs_restart(old, &old->groups.at[0], new, &new->groups.at[0]),
                 rows[i].restart);
    }
}

TEST(a_job_is_running_pending_or_dead)
{
    static const struct {
        const char *label, *job;
        struct job_status_facts f;
        const char *want;
    } rows[] = {
        {"new", "{'ID':'j'}", {0}, "pending"},
        {"eval waits", "{'ID':'j'}", {.has_eval = true, .has_live_eval = true}, "pending"},
        {"runs", "{'ID':'j'}", {.has_alloc = true, .has_live_alloc = true}, "running"},
        {"rolls", "{'ID':'j'}", {.has_live_deployment = true}, "running"},
        {"over", "{'ID':'j'}", {.has_alloc = true, .has_eval = true}, "dead"},
        {"stopped", "{'ID':'j','Stop':true}", {0}, "dead"},
        {"periodic", "{'ID':'j','Type':'batch','Periodic':{}}", {0}, "running"},
        {"periodic, stopped",
         "{'ID':'j','Type':'batch','Periodic':{},'Stop':true}",
         {0},
         "dead"},
        {"system without allocs", "{'ID':'j','Type':'system'}", {.has_eval = true}, "running"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].label);
        T_STR_EQ(job_status(job_text(a, rows[i].job), &rows[i].f), rows[i].want);
    }
}

TEST(alloc_names_carry_their_index)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(alloc_name(a, "j", "g", 3), "j.g[3]");
    T_INT_EQ(alloc_name_index("j.g[3]"), 3);
    T_INT_EQ(alloc_name_index("j.g"), -1);
    T_INT_EQ(alloc_name_index("j.g[x]"), -1);
}

TEST(nodes_of_one_kind_have_one_class)
{
    auto_arena struct arena *a = arena_new(0);
    struct node x = {.datacenter = "dc1", .node_pool = "default"}, y = x;

    strmap_set(a, &x.attributes, "kernel.name", "linux");
    strmap_set(a, &y.attributes, "kernel.name", "linux");
    strmap_set(a, &x.attributes, "unique.hostname", "a");
    strmap_set(a, &y.attributes, "unique.hostname", "b");
    T_STR_EQ(node_computed_class(&x, a), node_computed_class(&y, a));
    strmap_set(a, &y.attributes, "kernel.version", "6");
    T_TRUE(strcmp(node_computed_class(&x, a), node_computed_class(&y, a)) != 0);
}
