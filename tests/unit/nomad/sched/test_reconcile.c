#include "sched_t.h"

#define JOBX(type, count, group, task)                                                 \
    "{'ID':'j','Type':'" type                                                          \
    "','Datacenters':['dc1'],'TaskGroups':[{'Name':'g','Count':" count                 \
    ",'EphemeralDisk':{'SizeMB':10}" group ",'Tasks':[{'Name':'t','Driver':'raw_exec'" \
    ",'Resources':{'CPU':100,'MemoryMB':100}" task "}]}]}"
#define SERVICE(count, group, task) JOBX("service", count, group, task)
#define BATCH(count, group, task) JOBX("batch", count, group, task)

static void start(struct cluster *c, int nodes, const char *job)
{
    cluster_init(c);
    cluster_nodes(c, nodes);
    cluster_job(c, job);
    cluster_run(c);
}

TEST(a_new_job_gets_what_it_asks_and_then_rests)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("4", "", ""));
    T_INT_EQ(count_live(&c), 4);
    T_TRUE(find_live(&c, "j.g[3]") != NULL);
    T_INT_EQ(c.deployment->groups.at[0].desired_total, 4);
    T_INT_EQ(c.deployment->groups.at[0].placed_allocs, 4);
    T_STR_EQ(c.deployment->status_description, DEPLOYMENT_IS_RUNNING);
    T_INT_EQ(c.deployment->groups.at[0].require_progress_by, c.now + 600LL * T_SECOND);
    cluster_eval(&c, EVAL_BY_NODE_UPDATE);
    T_TRUE(plan_is_empty(&c.plan));
    T_INT_EQ(c.plan.annotations->updates.at[0].ignore, 4);
}

TEST(a_deployment_ends_when_all_are_healthy)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("4", "", ""));
    cluster_healthy(&c);
    cluster_run(&c);
    T_STR_EQ(c.deployment->status, DEPLOYMENT_SUCCESSFUL);
    T_STR_EQ(c.deployment->status_description, DEPLOYMENT_COMPLETED);
    cluster_eval(&c, EVAL_BY_NODE_UPDATE);
    T_TRUE(plan_is_empty(&c.plan));
}

TEST(a_stopped_job_loses_its_allocs_and_its_deployment)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("4", "", ""));
    cluster_job(&c, NULL);
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 0);
    T_STR_EQ(c.plan.stops.at[0].desired_description, ALLOC_NOT_NEEDED);
    T_STR_EQ(c.deployment->status, DEPLOYMENT_CANCELLED);
    T_STR_EQ(c.deployment->status_description, DEPLOYMENT_STOPPED_JOB);
}

TEST(a_purged_job_loses_its_allocs)
{
    auto_cluster struct cluster c;
    struct err e = ERR_INIT;
    struct sched_input in;
    struct eval ev = {.id = "e", .namespace = "default", .job_id = "j", .type = "service"};

    start(&c, 3, SERVICE("2", "", ""));
    in = (struct sched_input){.eval = &ev, .now_ns = c.now};
    T_OK(sched_process(c.sched, &in, c.a, &c.plan, &e), &e);
    T_INT_EQ(c.plan.stops.len, 2);
    ev.type = "bogus";
    T_INT_EQ(sched_process(c.sched, &in, c.a, &c.plan, &e), ERR_INVALID);
}

TEST(a_group_that_is_gone_is_stopped)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("2", "", ""));
    cluster_job(&c, "{'ID':'j','Datacenters':['dc1'],'TaskGroups':[{'Name':'other','Tasks':"
                    "[{'Name':'t','Driver':'raw_exec'}]}]}");
    cluster_run(&c);
    T_TRUE(find_live(&c, "j.g[0]") == NULL);
    T_TRUE(find_live(&c, "j.other[0]") != NULL);
    T_INT_EQ(count_live(&c), 1);
}

TEST(scaling_down_stops_the_highest_names)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("5", "", ""));
    cluster_healthy(&c);
    cluster_run(&c);
    cluster_job(&c, SERVICE("2", "", ""));
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 2);
    T_TRUE(find_live(&c, "j.g[0]") && find_live(&c, "j.g[1]"));
    T_INT_EQ(c.plan.annotations->updates.at[0].stop, 3);
    T_INT_EQ(c.plan.annotations->updates.at[0].in_place_update, 2);
}

TEST(scaling_up_takes_the_lowest_free_names)
{
    auto_cluster struct cluster c;

    start(&c, 3, BATCH("3", "", ""));
    cluster_alloc(&c, find_live(&c, "j.g[1]"), ALLOC_LOST, 0);
    cluster_job(&c, BATCH("4", "", ""));
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 4);
    T_TRUE(find_live(&c, "j.g[1]") && find_live(&c, "j.g[3]"));
}

TEST(a_small_change_is_made_in_place)
{
    auto_cluster struct cluster c;
    const char *id;

    start(&c, 3, SERVICE("2", "", ""));
    cluster_healthy(&c);
    cluster_run(&c);
    id = arena_strdup(c.a, find_live(&c, "j.g[0]")->id);
    cluster_job(&c, SERVICE("2", "", ",'KillTimeout':7000000000"));
    cluster_run(&c);
    T_INT_EQ(c.plan.in_place.len, 2);
    T_INT_EQ(c.plan.stops.len, 0);
    T_STR_EQ(find_live(&c, "j.g[0]")->id, id);
    T_INT_EQ(count_version(&c, 1), 2);
    T_STR_EQ(c.deployment->status, DEPLOYMENT_RUNNING); /* a new one */
    T_INT_EQ(c.deployment->job_version, 1);
}

TEST(a_change_rolls_through_as_many_at_once_as_allowed)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("5", ",'Update':{'MaxParallel':2}", ""));
    cluster_healthy(&c);
    cluster_run(&c);
    cluster_job(&c, SERVICE("5", ",'Update':{'MaxParallel':2}", ",'Env':{'A':'1'}"));
    cluster_run(&c);
    T_INT_EQ(c.plan.stops.len, 2);
    T_STR_EQ(c.plan.stops.at[0].desired_description, ALLOC_UPDATING);
    T_INT_EQ(c.plan.annotations->updates.at[0].destructive_update, 2);
    T_INT_EQ(c.plan.annotations->updates.at[0].ignore, 3);
    T_INT_EQ(count_version(&c, 1), 2);
    cluster_run(&c); /* none is healthy yet */
    T_TRUE(plan_is_empty(&c.plan));
    cluster_healthy(&c);
    cluster_run(&c);
    T_INT_EQ(count_version(&c, 1), 4);
    cluster_healthy(&c);
    cluster_run(&c);
    T_INT_EQ(count_version(&c, 1), 5);
    T_INT_EQ(count_live(&c), 5);
    cluster_healthy(&c);
    cluster_run(&c);
    T_STR_EQ(c.deployment->status, DEPLOYMENT_SUCCESSFUL);
}

/* Of one alloc of the new version. */
static void say_health(struct cluster *c, bool healthy)
{
    const struct alloc *al = NULL;

    for (int i = 0; i < 4 && !(al && al->job_version == 1); i++)
        al = find_live(c, arena_printf(c->a, "j.g[%d]", i));
    T_TRUE(al && al->job_version == 1);
    struct alloc *copy = schema_copy(&alloc_schema, al, c->a);

    opt_set(c->a, &copy->deployment_status->healthy, healthy);
    cluster_alloc(c, copy, ALLOC_RUNNING, 0);
}

TEST(an_unhealthy_alloc_or_a_pause_holds_the_rollout)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("4", "", ""));
    cluster_healthy(&c);
    cluster_run(&c);
    cluster_job(&c, SERVICE("4", "", ",'Env':{'A':'1'}"));
    cluster_run(&c);
    cluster_healthy(&c);
    c.deployment->status = DEPLOYMENT_PAUSED;
    cluster_eval(&c, EVAL_BY_DEPLOYMENT);
    T_TRUE(plan_is_empty(&c.plan));
    c.deployment->status = DEPLOYMENT_RUNNING;
    say_health(&c, false);
    cluster_eval(&c, EVAL_BY_DEPLOYMENT);
    T_TRUE(plan_is_empty(&c.plan));
    say_health(&c, true);
    cluster_eval(&c, EVAL_BY_DEPLOYMENT);
    T_INT_EQ(c.plan.places.len, 1);
    c.deployment->status = DEPLOYMENT_FAILED;
    cluster_eval(&c, EVAL_BY_DEPLOYMENT);
    T_TRUE(plan_is_empty(&c.plan));
}

TEST(a_newer_version_cancels_the_deployment)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("2", "", ""));
    cluster_job(&c, SERVICE("2", "", ",'Env':{'A':'1'}"));
    cluster_eval(&c, EVAL_BY_REGISTER);
    T_INT_EQ(c.plan.deployment_updates.len, 1);
    T_STR_EQ(c.plan.deployment_updates.at[0].status_description, DEPLOYMENT_NEWER_JOB);
    T_TRUE(c.plan.deployment != NULL);
}

TEST(canaries_wait_for_promotion)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("3", ",'Update':{'Canary':1,'MaxParallel':3}", ""));
    cluster_healthy(&c);
    cluster_run(&c);
    cluster_job(&c, SERVICE("3", ",'Update':{'Canary':1,'MaxParallel':3}", ",'Env':{'A':'1'}"));
    cluster_run(&c);
    T_INT_EQ(count_version(&c, 1), 1);
    T_INT_EQ(count_version(&c, 0), 3);
    T_INT_EQ(c.plan.annotations->updates.at[0].canary, 1);
    T_STR_EQ(c.deployment->status_description, DEPLOYMENT_NEEDS_PROMOTION);
    T_INT_EQ(c.deployment->groups.at[0].placed_canaries.len, 1);
    cluster_healthy(&c);
    cluster_run(&c);
    T_INT_EQ(count_live(&c), 4);
    /* Promote: the canary becomes an ordinary alloc. */
    c.deployment->groups.at[0].promoted = true;
    {
        const char *id = c.deployment->groups.at[0].placed_canaries.at[0];
        struct alloc *al = NULL;

        for (int i = 0; i < 3 && !al; i++) {
            const struct alloc *it = find_live(&c, arena_printf(c.a, "j.g[%d]", i));

            if (it && strcmp(it->id, id) == 0)
                al = schema_copy(&alloc_schema, it, c.a);
        }
        if (al) {
            auto_object struct object *o = object_new(&alloc_schema);
            struct err e = ERR_INIT;

            al->deployment_status->canary = false;
            *(struct alloc *)o->body =
                *(struct alloc *)schema_copy(&alloc_schema, al, o->arena);
            T_OK(sched_alloc_put(c.sched, o, &e), &e);
        }
    }
    for (int i = 0; i < 4; i++) {
        cluster_run(&c);
        cluster_healthy(&c);
    }
    cluster_run(&c);
    T_INT_EQ(count_version(&c, 1), 3);
    T_INT_EQ(count_live(&c), 3);
}

TEST(lost_allocs_are_replaced)
{
    auto_cluster struct cluster c;
    size_t lost;

    start(&c, 3, SERVICE("6", "", ""));
    lost = count_on(&c, 0);
    cluster_node_status(&c, 0, "down");
    cluster_run(&c);
    T_INT_EQ(c.plan.stops.len, lost);
    T_INT_EQ(c.plan.places.len, lost);
    T_STR_EQ(c.plan.stops.at[0].client_status, ALLOC_LOST);
    T_STR_EQ(c.plan.stops.at[0].desired_description, ALLOC_IS_LOST);
    T_INT_EQ(count_live(&c), 6);
    T_INT_EQ(count_on(&c, 0), 0);
    T_TRUE(c.plan.places.at[0]->previous_allocation != NULL);
}

TEST(allocs_are_moved_when_asked)
{
    auto_cluster struct cluster c;
    const struct alloc *al;

    start(&c, 3, SERVICE("2", "", ""));
    al = find_live(&c, "j.g[0]");
    cluster_transition(&c, al, true, false);
    cluster_run(&c);
    T_INT_EQ(c.plan.stops.len, 1);
    T_STR_EQ(c.plan.stops.at[0].desired_description, ALLOC_MIGRATING);
    T_INT_EQ(c.plan.annotations->updates.at[0].migrate, 1);
    T_INT_EQ(count_live(&c), 2);
    T_TRUE(find_live(&c, "j.g[0]") != NULL);
}

TEST(an_alloc_leaves_its_node_also_while_nothing_else_has_room)
{
    auto_cluster struct cluster c;

    start(&c, 1, SERVICE("1", "", ""));
    cluster_node_status(&c, 0, "initializing");
    cluster_transition(&c, find_live(&c, "j.g[0]"), true, false);
    cluster_run(&c);
    T_INT_EQ(c.plan.stops.len, 1);
    T_STR_EQ(c.plan.stops.at[0].desired_description, ALLOC_MIGRATING);
    T_INT_EQ(c.plan.places.len, 0);
    T_INT_EQ(count_live(&c), 0);
    T_INT_EQ(queued(&c, "g"), 1);
}

TEST(a_failed_alloc_is_tried_again_later_and_then_elsewhere)
{
    auto_cluster struct cluster c;
    const struct alloc *al, *next;
    const char *followup;

    start(&c, 3, SERVICE("1", "", ""));
    cluster_healthy(&c);
    cluster_run(&c);
    al = find_live(&c, "j.g[0]");
    cluster_alloc(&c, al, ALLOC_FAILED, c.now);
    cluster_run(&c);
    T_INT_EQ(c.plan.places.len, 0);
    T_INT_EQ(c.plan.evals.len, 1);
    T_INT_EQ(c.plan.evals.at[0]->wait_until, c.now + 30LL * T_SECOND);
    T_STR_EQ(c.plan.evals.at[0]->status_description, "created for delayed rescheduling");
    T_STR_EQ(c.plan.evals.at[0]->triggered_by, EVAL_BY_ALLOC_FAILURE);
    followup = c.plan.evals.at[0]->id;
    cluster_eval(&c, EVAL_BY_NODE_UPDATE); /* not twice */
    T_TRUE(plan_is_empty(&c.plan));
    c.now += 30LL * T_SECOND;
    c.eval.id = followup;
    cluster_run(&c);
    T_INT_EQ(c.plan.places.len, 1);
    next = c.plan.places.at[0];
    T_STR_EQ(next->name, "j.g[0]");
    T_TRUE(next->previous_allocation != NULL);
    T_INT_EQ(next->reschedule_tracker->events.len, 1);
    T_INT_EQ(next->reschedule_tracker->events.at[0].delay_ns, 30LL * T_SECOND);
    T_STR_EQ(next->reschedule_tracker->last_reschedule, "ok");
    T_TRUE(strcmp(next->node_id, next->reschedule_tracker->events.at[0].prev_node_id) != 0);
    T_STR_EQ(c.plan.stops.at[0].desired_description, ALLOC_RESCHEDULED);
    T_INT_EQ(count_live(&c), 1);
}

TEST(in_a_deployment_only_its_watcher_lets_a_failed_alloc_be_tried_again)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("1", "", ""));
    cluster_alloc(&c, find_live(&c, "j.g[0]"), ALLOC_FAILED, c.now - 60LL * T_SECOND);
    cluster_eval(&c, EVAL_BY_ALLOC_FAILURE);
    T_TRUE(plan_is_empty(&c.plan));
}

TEST(a_failed_alloc_that_may_not_be_tried_again_keeps_its_place)
{
    auto_cluster struct cluster c;

    start(&c, 3, BATCH("1", ",'ReschedulePolicy':{'Attempts':0,'Unlimited':false}", ""));
    cluster_alloc(&c, find_live(&c, "j.g[0]"), ALLOC_FAILED, c.now);
    cluster_eval(&c, EVAL_BY_ALLOC_FAILURE);
    T_TRUE(plan_is_empty(&c.plan));
}

TEST(batch_work_that_is_done_is_not_done_again)
{
    auto_cluster struct cluster c;

    start(&c, 3, BATCH("3", "", ""));
    cluster_status(&c, ALLOC_COMPLETE);
    cluster_eval(&c, EVAL_BY_NODE_UPDATE);
    T_TRUE(plan_is_empty(&c.plan));
    cluster_job(&c, BATCH("3", "", ",'Env':{'A':'1'}")); /* a new version is new work */
    cluster_run(&c);
    T_INT_EQ(c.plan.places.len, 3);
    T_TRUE(c.plan.deployment == NULL);
}

TEST(a_service_that_ended_by_itself_is_replaced)
{
    auto_cluster struct cluster c;

    start(&c, 3, SERVICE("2", "", ""));
    cluster_alloc(&c, find_live(&c, "j.g[1]"), ALLOC_COMPLETE, c.now);
    cluster_run(&c);
    T_INT_EQ(c.plan.places.len, 1);
    T_STR_EQ(c.plan.places.at[0]->name, "j.g[1]");
}

TEST(an_update_that_finds_no_room_leaves_the_old_alloc_running)
{
    auto_cluster struct cluster c;

    start(&c, 1, SERVICE("1", "", ""));
    cluster_healthy(&c);
    cluster_run(&c);
    cluster_job(&c, SERVICE("1", "", ",'Driver':'nosuch'"));
    cluster_run(&c);
    T_INT_EQ(c.plan.stops.len, 0);
    T_INT_EQ(queued(&c, "g"), 1);
    T_INT_EQ(count_version(&c, 0), 1);
}

TEST(an_update_may_use_the_room_of_what_it_replaces)
{
    auto_cluster struct cluster c;

    start(&c, 1,
          "{'ID':'j','Datacenters':['dc1'],'TaskGroups':[{'Name':'g','Tasks':[{'Name':'t',"
          "'Driver':'raw_exec','Resources':{'CPU':4000,'MemoryMB':8000}}]}]}");
    cluster_healthy(&c);
    cluster_run(&c);
    cluster_job(&c,
                "{'ID':'j','Datacenters':['dc1'],'TaskGroups':[{'Name':'g','Tasks':[{'Name':"
                "'t','Driver':'raw_exec','Resources':{'CPU':3999,'MemoryMB':8000}}]}]}");
    cluster_run(&c);
    T_INT_EQ(c.plan.places.len, 1);
    T_INT_EQ(count_live(&c), 1);
}
