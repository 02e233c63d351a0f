#include <poll.h>

#include "base/clock.h"
#include "cluster.h"

#define CANARY(auto_promote, auto_revert)                                                    \
    "{\"MaxParallel\":1,\"Canary\":1,\"AutoPromote\":" auto_promote                          \
    ",\"AutoRevert\":" auto_revert                                                           \
    ",\"HealthCheck\":\"manual\",\"MinHealthyTime\":1000000000,\"HealthyDeadline\":60000000" \
    "000,\"ProgressDeadline\":600000000000}"
#define REVERT                                                          \
    "{\"MaxParallel\":1,\"AutoRevert\":true,\"HealthCheck\":\"manual\"" \
    ",\"MinHealthyTime\":1000000000,\"HealthyDeadline\":60000000000"    \
    ",\"ProgressDeadline\":0}"

static const char *latest(struct cluster *cl, const char *job, const char *field)
{
    struct answer d =
        ask(cl, "GET", arena_printf(cl->arena, "/v1/job/%s/deployment", job), NULL);

    return at(cl, &d, field);
}

static void deployment_is(struct cluster *cl, const char *job, const char *status)
{
    wait_for(cl, arena_printf(cl->arena, "/v1/job/%s/deployment", job), "Status", status);
}

static void run(struct cluster *cl, const char *id, int count, const char *update,
                const char *command)
{
    struct answer a =
        ask(cl, "PUT", "/v1/jobs", job_text_with(cl, id, "service", count, update, command));

    T_STR_EQ(a.status == 200 ? "" : a.body, "");
}

/* Registers it and lets every alloc of it become healthy. */
static void run_well(struct cluster *cl, const char *id, int count, const char *update,
                     const char *command)
{
    const char **allocs;

    run(cl, id, count, update, command);
    allocs = allocs_of(cl, id, "pending", count);
    for (int i = 0; i < count; i++)
        report(cl, allocs[i], "running", 1);
    deployment_is(cl, id, "successful");
}

TEST(a_deployment_with_all_healthy_succeeds_and_its_version_is_stable)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run_well(&cl, "web", 2, UPDATE_ONE, "/bin/true");
    T_STR_EQ(latest(&cl, "web", "StatusDescription"), "Deployment completed successfully");
    T_STR_EQ(latest(&cl, "web", "TaskGroups.g.HealthyAllocs"), "2");
    T_STR_EQ(latest(&cl, "web", "TaskGroups.g.PlacedAllocs"), "2");
    T_STR_EQ(latest(&cl, "web", "TaskGroups.g.DesiredTotal"), "2");
    struct answer v = ask(&cl, "GET", "/v1/job/web/versions", NULL);

    T_AT(&cl, &v, "Versions.0.Stable", "true");
    struct answer j = ask(&cl, "GET", "/v1/job/web", NULL);

    T_AT(&cl, &j, "Stable", "true");
    T_AT(&cl, &j, "Status", "running");
    cluster_stop(&cl);
}

TEST(an_update_rolls_on_when_a_health_is_reported)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run_well(&cl, "web", 3, UPDATE_ONE, "/bin/true");
    run(&cl, "web", 3, UPDATE_ONE, "/bin/false");
    for (int step = 1; step <= 3; step++) {
        const char *next = allocs_of(&cl, "web", "pending", 1)[0];

        report(&cl, next, "running", 1);
    }
    deployment_is(&cl, "web", "successful");
    T_STR_EQ(latest(&cl, "web", "JobVersion"), "1");
    T_INT_EQ(count_allocs(&cl, "web", NULL, "run"), 3);
    T_INT_EQ(count_allocs(&cl, "web", NULL, "stop"), 3);
    cluster_stop(&cl);
}

TEST(canaries_wait_for_promotion)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run_well(&cl, "web", 1, CANARY("false", "false"), "/bin/true");
    run(&cl, "web", 1, CANARY("false", "false"), "/bin/false");
    const char *canary = allocs_of(&cl, "web", "pending", 1)[0];
    const char *id = latest(&cl, "web", "ID");
    const char *path = arena_printf(cl.arena, "/v1/deployment/promote/%s", id);
    const char *body = arena_printf(cl.arena, "{\"DeploymentID\":\"%s\",\"All\":true}", id);

    T_STR_EQ(latest(&cl, "web", "StatusDescription"),
             "Deployment is running but requires manual promotion");
    struct answer a = ask(&cl, "PUT", path, body);

    T_INT_EQ(a.status, 500);
    T_STR_HAS(a.body, "Task group \"g\" has 0/1 healthy allocations");

    report(&cl, canary, "running", 1);
    a = ask(&cl, "PUT", path, body);
    T_STR_EQ(a.status == 200 ? "" : a.body, "");
    T_TRUE(*at(&cl, &a, "EvalID"));
    deployment_is(&cl, "web", "successful");
    T_STR_EQ(latest(&cl, "web", "TaskGroups.g.Promoted"), "true");
    T_STR_EQ(allocs_of(&cl, "web", "running", 1)[0], canary);
    cluster_stop(&cl);
}

TEST(canaries_promote_themselves_where_the_job_says_so)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run_well(&cl, "web", 1, CANARY("true", "false"), "/bin/true");
    run(&cl, "web", 1, CANARY("true", "false"), "/bin/false");
    report(&cl, allocs_of(&cl, "web", "pending", 1)[0], "running", 1);
    deployment_is(&cl, "web", "successful");
    T_STR_EQ(latest(&cl, "web", "TaskGroups.g.Promoted"), "true");
    cluster_stop(&cl);
}

TEST(an_unhealthy_alloc_without_progress_deadline_fails_and_reverts)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run_well(&cl, "web", 1, REVERT, "/bin/true");
    run(&cl, "web", 1, REVERT, "/bin/false");
    report(&cl, allocs_of(&cl, "web", "pending", 1)[0], "running", 0);
    wait_for(&cl, "/v1/job/web", "Version", "2");
    struct answer j = ask(&cl, "GET", "/v1/job/web", NULL);

    T_AT(&cl, &j, "TaskGroups.0.Tasks.0.Config.command", "/bin/true");
    struct answer all = ask(&cl, "GET", "/v1/job/web/deployments", NULL);

    T_AT(&cl, &all, "1.Status", "failed");
    T_AT(&cl, &all, "1.StatusDescription",
         "Failed due to unhealthy allocations - rolling back to job version 0");
    cluster_stop(&cl);
}

TEST(without_a_stable_version_there_is_no_way_back)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run(&cl, "web", 1, REVERT, "/bin/true");
    report(&cl, allocs_of(&cl, "web", "pending", 1)[0], "running", 0);
    deployment_is(&cl, "web", "failed");
    T_STR_EQ(latest(&cl, "web", "StatusDescription"),
             "Failed due to unhealthy allocations - no stable job version to auto revert to");
    cluster_stop(&cl);
}

TEST(no_progress_in_time_fails)
{
    static const char update[] =
        "{\"MaxParallel\":1,\"HealthCheck\":\"manual\",\"MinHealthyTime\":1000000"
        ",\"HealthyDeadline\":20000000,\"ProgressDeadline\":50000000}";
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run(&cl, "web", 1, update, "/bin/true");
    deployment_is(&cl, "web", "failed");
    T_STR_EQ(latest(&cl, "web", "StatusDescription"), "Failed due to progress deadline");
    cluster_stop(&cl);
}

TEST(users_pause_resume_fail_and_set_health)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run(&cl, "web", 1, UPDATE_ONE, "/bin/true");
    const char *alloc = allocs_of(&cl, "web", "pending", 1)[0];
    const char *id = latest(&cl, "web", "ID");
    const struct {
        const char *label, *update, *body;
        int status;
        const char *want; /* in the error, or the status afterwards */
    } rows[] = {
        {"no id", "pause", "{}", 400, "DeploymentID must be specified"},
        {"another id", "pause", "{\"DeploymentID\":\"x\"}", 400,
         "Deployment ID does not match"},
        {"pause", "pause", "{\"DeploymentID\":\"%s\",\"Pause\":true}", 200, "paused"},
        {"resume", "pause", "{\"DeploymentID\":\"%s\",\"Pause\":false}", 200, "running"},
        {"no alloc", "allocation-health", "{\"DeploymentID\":\"%s\"}", 400,
         "at least one healthy or unhealthy"},
        {"unknown alloc", "allocation-health",
         "{\"DeploymentID\":\"%s\",\"HealthyAllocationIDs\":[\"x\"]}", 500,
         "unknown alloc \"x\""},
        {"unblock", "unblock", "{\"DeploymentID\":\"%s\"}", 500, "not blocked"},
        {"fail", "fail", "", 200, "failed"},
        {"fail again", "fail", "", 500, "can't fail terminal deployment"},
        {"pause the failed", "pause", "{\"DeploymentID\":\"%s\",\"Pause\":true}", 500,
         "can't pause terminal deployment"},
        {"resume the failed", "pause", "{\"DeploymentID\":\"%s\",\"Pause\":false}", 500,
         "can't resume terminal deployment"},
        {"promote the failed", "promote", "{\"DeploymentID\":\"%s\",\"All\":true}", 500,
         "can't promote terminal deployment"},
        {"health for the failed", "allocation-health",
         "{\"DeploymentID\":\"%s\",\"HealthyAllocationIDs\":[\"x\"]}", 500,
         "can't set health of allocations for a terminal deployment"},
    };

    T_TRUE(*alloc);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct buf b = BUF_INIT(4096);
        const char *gap = strstr(rows[i].body, "%s");

        if (gap) /* the deployment's own id */
            buf_printf(&b, "%.*s%s%s", (int)(gap - rows[i].body), rows[i].body, id, gap + 2);
        else
            buf_puts(&b, rows[i].body);
        struct answer a =
            ask(&cl, "PUT", arena_printf(cl.arena, "/v1/deployment/%s/%s", rows[i].update, id),
                arena_cstr(cl.arena, buf_str(&b)));

        buf_done(&b);
        T_INT_EQ(a.status, rows[i].status);
        T_STR_HAS(a.status == 200 ? latest(&cl, "web", "Status") : a.body, rows[i].want);
    }
    T_ROW("");
    cluster_stop(&cl);
}

TEST(health_set_by_hand_completes_a_deployment)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run(&cl, "web", 1, UPDATE_ONE, "/bin/true");
    const char *alloc = allocs_of(&cl, "web", "pending", 1)[0];
    const char *id = latest(&cl, "web", "ID");
    struct answer a = ask(
        &cl, "PUT", arena_printf(cl.arena, "/v1/deployment/allocation-health/%s", id),
        arena_printf(cl.arena, "{\"DeploymentID\":\"%s\",\"HealthyAllocationIDs\":[\"%s\"]}",
                     id, alloc));

    T_STR_EQ(a.status == 200 ? "" : a.body, "");
    deployment_is(&cl, "web", "successful");
    a = ask(&cl, "GET", arena_printf(cl.arena, "/v1/deployment/allocations/%s", id), NULL);
    T_AT(&cl, &a, "0.DeploymentStatus.Healthy", "true");
    cluster_stop(&cl);
}

TEST(a_server_that_comes_back_goes_on_with_deployments)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run_well(&cl, "web", 3, UPDATE_ONE, "/bin/true");
    run(&cl, "web", 3, UPDATE_ONE, "/bin/false");
    for (int step = 1; step <= 3; step++) {
        const char *next = allocs_of(&cl, "web", "pending", 1)[0];

        server_down(&cl);
        server_up(&cl);
        report(&cl, next, "running", 1);
        server_down(&cl);
        server_up(&cl);
    }
    deployment_is(&cl, "web", "successful");
    T_INT_EQ(count_allocs(&cl, "web", NULL, "run"), 3);
    cluster_stop(&cl);
}

TEST(a_deadline_that_passed_while_nobody_looked_still_counts)
{
    static const char update[] =
        "{\"MaxParallel\":1,\"HealthCheck\":\"manual\",\"MinHealthyTime\":1000000"
        ",\"HealthyDeadline\":20000000,\"ProgressDeadline\":50000000}";
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run(&cl, "web", 1, update, "/bin/true");
    allocs_of(&cl, "web", NULL, 1);
    server_down(&cl);
    int64_t until = clock_mono_ms() + 100;

    while (clock_mono_ms() < until) /* it is time itself that is tested here */
        poll(NULL, 0, 5);
    server_up(&cl);
    deployment_is(&cl, "web", "failed");
    cluster_stop(&cl);
}
