#include <poll.h>

#include "base/clock.h"
#include "cluster.h"

/* Until nothing of the kind is left. */
static void wait_empty(struct cluster *cl, const char *path)
{
    int64_t until = clock_mono_ms() + T_PATIENCE_MS;

    while (ask(cl, "GET", path, NULL).json->len > 0) {
        if (clock_mono_ms() > until)
            t_fail(__FILE__, __LINE__, "%s does not become empty", path);
        poll(NULL, 0, 1);
    }
}

static void run(struct cluster *cl, const char *id, const char *type)
{
    ask(cl, "PUT", "/v1/jobs", job_text_with(cl, id, type, 1, "null", "/bin/true"));
    report(cl, allocs_of(cl, id, "pending", 1)[0], "running", -1);
}

TEST(asked_for_what_is_over_goes_and_what_lives_stays)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run(&cl, "live", "service");
    run(&cl, "done", "batch");
    report(&cl, allocs_of(&cl, "done", "running", 1)[0], "complete", -1);
    run(&cl, "stopped", "service");
    const char *alloc = allocs_of(&cl, "stopped", "running", 1)[0];

    ask(&cl, "DELETE", "/v1/job/stopped", NULL);
    wait_for(&cl, arena_printf(cl.arena, "/v1/allocation/%s", alloc), "DesiredStatus", "stop");
    report(&cl, alloc, "complete", -1);
    wait_for(&cl, "/v1/job/stopped", "Status", "dead");
    wait_for(&cl, "/v1/job/done", "Status", "dead");

    struct answer a = ask(&cl, "PUT", "/v1/system/gc", NULL);

    T_INT_EQ(a.status, 200);
    T_STR_EQ(a.body, "");
    wait_empty(&cl, "/v1/jobs?prefix=done");
    wait_empty(&cl, "/v1/jobs?prefix=stopped");
    wait_empty(&cl, "/v1/job/done/allocations");
    wait_empty(&cl, "/v1/evaluations?job=stopped");
    T_INT_EQ(ask(&cl, "GET", "/v1/job/stopped/summary", NULL).status, 404);
    T_INT_EQ(ask(&cl, "GET", "/v1/job/live", NULL).status, 200);
    T_INT_EQ(count_allocs(&cl, "live", "running", "run"), 1);
    cluster_stop(&cl);
}

TEST(a_stopped_job_stays_while_a_client_still_runs_it)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    node_up(&cl, "n");
    run(&cl, "slow", "service");
    run(&cl, "gone", "batch");
    report(&cl, allocs_of(&cl, "gone", "running", 1)[0], "complete", -1);
    const char *alloc = allocs_of(&cl, "slow", "running", 1)[0];

    ask(&cl, "DELETE", "/v1/job/slow", NULL);
    wait_for(&cl, "/v1/job/slow", "Status", "dead");
    wait_for(&cl, "/v1/job/gone", "Status", "dead");
    ask(&cl, "PUT", "/v1/system/gc", NULL);
    wait_empty(&cl, "/v1/jobs?prefix=gone"); /* the sweep has been there */
    T_INT_EQ(ask(&cl, "GET", "/v1/job/slow", NULL).status, 200);
    T_INT_EQ(ask(&cl, "GET", arena_printf(cl.arena, "/v1/allocation/%s", alloc), NULL).status,
             200);
    cluster_stop(&cl);
}

TEST(a_sweep_goes_on_over_many_slices)
{
    enum { JOBS = 450 }; /* more than two slices look at */
    struct cluster cl;

    cluster_start(&cl, NULL);
    for (int i = 0; i < JOBS; i++) {
        const char *id = arena_printf(cl.arena, "j%03d", i);

        ask(&cl, "PUT", "/v1/jobs", job_text(&cl, id, 1, "null"));
        ask(&cl, "DELETE", arena_printf(cl.arena, "/v1/job/%s", id), NULL);
    }
    ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "keep", 1, "null"));
    wait_empty(&cl, "/v1/evaluations?status=pending");
    ask(&cl, "PUT", "/v1/system/gc", NULL);
    wait_empty(&cl, "/v1/jobs?prefix=j");
    T_INT_EQ(ask(&cl, "GET", "/v1/job/keep", NULL).status, 200);
    cluster_stop(&cl);
}

TEST(by_the_clock_only_what_is_old_enough_goes)
{
    struct nomad_server_opts o = {.job_gc_threshold_ms = 3600000,
                                  .job_gc_interval_ms = 10,
                                  .eval_gc_threshold_ms = 1,
                                  .batch_eval_gc_threshold_ms = 3600000};
    struct cluster cl;

    cluster_start(&cl, &o);
    node_up(&cl, "n");
    run(&cl, "live", "service");
    wait_empty(&cl, "/v1/evaluations?job=live&status=pending");
    run(&cl, "gone", "service");
    const char *alloc = allocs_of(&cl, "gone", "running", 1)[0];

    ask(&cl, "DELETE", "/v1/job/gone", NULL);
    wait_for(&cl, arena_printf(cl.arena, "/v1/allocation/%s", alloc), "DesiredStatus", "stop");
    report(&cl, alloc, "complete", -1);
    wait_empty(&cl, "/v1/evaluations?job=gone");
    T_INT_EQ(ask(&cl, "GET", "/v1/job/gone", NULL).status, 200); /* not yet */
    T_INT_EQ(count_allocs(&cl, "live", "running", "run"), 1);
    cluster_stop(&cl);
}
