/* What becomes of jobs: dispatched, launched by the clock, scaled, tagged. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cluster.h"
#include "nomad/server/state.h"

#define JOB(id, more)                                                          \
    "{\"Job\":{\"ID\":\"" id "\",\"Name\":\"" id                               \
    "\",\"Type\":\"batch\",\"Datacenters\":[\"dc1\"]" more                     \
    ",\"TaskGroups\":[{\"Name\":\"g\",\"Count\":1,\"Tasks\":[{\"Name\":\"t\"," \
    "\"Driver\":\"raw_exec\",\"Config\":{\"command\":\"/bin/true\"}}]}]}}"
#define PARAMETERIZED(payload)                                                     \
    ",\"ParameterizedJob\":{\"Payload\":\"" payload "\",\"MetaRequired\":[\"k\"]," \
    "\"MetaOptional\":[\"o\"]}"
#define PERIODIC(spec, more) \
    ",\"Periodic\":{\"Enabled\":true,\"SpecType\":\"cron\",\"Specs\":[\"" spec "\"]" more "}"

static int64_t number(const char *text)
{
    int64_t n = 0;

    str_to_i64(str_of(text), 10, &n);
    return n;
}

static const char *put(struct cluster *cl, const char *job)
{
    struct answer a = ask(cl, "POST", "/v1/jobs", job);

    if (a.status != 200)
        fail_msg("%s", a.body);
    return a.body;
}

/* ---- dispatch -----------------------------------------------------------------------------
 */

TEST(a_dispatch_is_refused_for_what_the_job_does_not_want)
{
    static const struct {
        const char *label, *path, *body;
        int status;
        const char *want;
    } rows[] = {
        {"no payload", "/v1/job/need/dispatch", "{\"Meta\":{\"k\":\"v\"}}", 500,
         "Payload is not provided but required by parameterized job"},
        {"a payload", "/v1/job/none/dispatch", "{\"Meta\":{\"k\":\"v\"},\"Payload\":\"aGk=\"}",
         500, "Payload provided but forbidden by parameterized job"},
        {"no meta", "/v1/job/need/dispatch", "{\"Payload\":\"aGk=\"}", 500,
         "Dispatch did not provide required meta keys: [k]"},
        {"foreign meta", "/v1/job/need/dispatch",
         "{\"Meta\":{\"k\":\"v\",\"z\":\"y\",\"a\":\"b\"},\"Payload\":\"aGk=\"}", 500,
         "Dispatch request included unpermitted metadata keys: [a z]"},
        {"no base64", "/v1/job/need/dispatch", "{\"Payload\":\"!!\"}", 400,
         "illegal base64 data at input byte 0"},
        {"base64 to its middle", "/v1/job/need/dispatch", "{\"Payload\":\"aGk!\"}", 400,
         "illegal base64 data at input byte 3"},
        {"not parameterized", "/v1/job/w/dispatch", "{}", 500,
         "Specified job \"w\" is not a parameterized job"},
        {"unknown", "/v1/job/nope/dispatch", "{}", 500, "parameterized job not found"},
        {"another's id", "/v1/job/need/dispatch", "{\"JobID\":\"w\"}", 400,
         "Job ID does not match"},
        {"a prefix with a slash", "/v1/job/need/dispatch",
         "{\"Meta\":{\"k\":\"v\"},\"Payload\":\"aGk=\",\"IdPrefixTemplate\":\"a/b\"}", 400,
         "may hold no space"},
        {"a priority too high", "/v1/job/need/dispatch",
         "{\"Meta\":{\"k\":\"v\"},\"Payload\":\"aGk=\",\"Priority\":101}", 400,
         "job priority must be between [1, 100]"},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    put(&cl, JOB("need", PARAMETERIZED("required")));
    put(&cl, JOB("none", PARAMETERIZED("forbidden")));
    put(&cl, JOB("w", ""));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct answer a = ask(&cl, "POST", rows[i].path, rows[i].body);

        T_STR_HAS(a.body, rows[i].want);
        T_INT_EQ(a.status, rows[i].status);
    }
    T_ROW("");
    T_INT_EQ(ask(&cl, "DELETE", "/v1/job/need", NULL).status, 200);
    T_STR_HAS(ask(&cl, "POST", "/v1/job/need/dispatch", "{}").body,
              "Specified job \"need\" is stopped");
    cluster_stop(&cl);
}

TEST(a_payload_has_a_largest_size)
{
    static char body[40000];
    struct cluster cl;
    int n;

    cluster_start(&cl, NULL);
    put(&cl, JOB("p", PARAMETERIZED("required")));
    for (int over = 0; over < 2; over++) {
        /* three bytes are four letters; 16384 is 3 * 5461 + 1 */
        n = snprintf(body, sizeof body, "{\"Meta\":{\"k\":\"v\"},\"Payload\":\"");
        for (int i = 0; i < 5461; i++)
            n += snprintf(body + n, sizeof body - n, "AAAA");
        snprintf(body + n, sizeof body - n, "%s\"}", over ? "AAA=" : "AA==");
        struct answer a = ask(&cl, "POST", "/v1/job/p/dispatch", body);

        T_INT_EQ(a.status, over ? 500 : 200);
        if (over)
            T_STR_HAS(a.body, "Payload exceeds maximum size; 16385 > 16384");
    }
    cluster_stop(&cl);
}

TEST(a_dispatch_makes_a_job_of_its_own)
{
    struct cluster cl;
    struct answer a, child;
    const char *id;

    cluster_start(&cl, NULL);
    node_up(&cl, "a");
    put(&cl, JOB("p", PARAMETERIZED("optional")));
    a = ask(&cl, "POST", "/v1/job/p/dispatch",
            "{\"Meta\":{\"k\":\"v\"},\"Payload\":\"aGk=\",\"IdPrefixTemplate\":\"pre\"}");
    T_INT_EQ(a.status, 200);
    id = at(&cl, &a, "DispatchedJobID");
    T_STR_HAS(id, "p/dispatch-pre-");
    child = ask(&cl, "GET", arena_printf(cl.arena, "/v1/job/%s", id), NULL);
    T_AT(&cl, &child, "ParentID", "p");
    T_AT(&cl, &child, "Payload", "aGk=");
    T_AT(&cl, &child, "Meta.k", "v");
    T_AT(&cl, &child, "Dispatched", "true");
    wait_for(&cl, "/v1/job/p/summary", "Children.Running", "1");
    report(&cl, allocs_of(&cl, id, NULL, 1)[0], "complete", -1);
    wait_for(&cl, "/v1/job/p/summary", "Children.Dead", "1");
    wait_for(&cl, "/v1/job/p/summary", "Children.Running", "0");
    T_INT_EQ(
        ask(&cl, "DELETE", arena_printf(cl.arena, "/v1/job/%s?purge=true", id), NULL).status,
        200);
    wait_for(&cl, "/v1/job/p/summary", "Children.Dead", "0");
    cluster_stop(&cl);
}

TEST(a_token_dispatches_once)
{
    struct cluster cl;
    struct answer a, b, other;

    cluster_start(&cl, NULL);
    put(&cl, JOB("p", PARAMETERIZED("optional")));
    a = ask(&cl, "POST", "/v1/job/p/dispatch?idempotency_token=one",
            "{\"Meta\":{\"k\":\"v\"}}");
    b = ask(&cl, "POST", "/v1/job/p/dispatch?idempotency_token=one",
            "{\"Meta\":{\"k\":\"w\"}}");
    other = ask(&cl, "POST", "/v1/job/p/dispatch?idempotency_token=two",
                "{\"Meta\":{\"k\":\"v\"}}");
    T_INT_EQ(b.status, 200);
    T_STR_EQ(at(&cl, &b, "DispatchedJobID"), at(&cl, &a, "DispatchedJobID"));
    T_STR_EQ(at(&cl, &b, "EvalID"), at(&cl, &a, "EvalID"));
    T_TRUE(strcmp(at(&cl, &other, "DispatchedJobID"), at(&cl, &a, "DispatchedJobID")) != 0);
    cluster_stop(&cl);
}

/* ---- by the clock -------------------------------------------------------------------------
 */

#define NOON INT64_C(1767268800) /* 2026-01-01T12:00:00Z */

static void clock_to(int64_t s)
{
    clock_fake_advance(s * 1000000000 - clock_wall_ns());
}

/* Up to when a job's times are done. */
static int64_t done_until(struct cluster *cl, const char *job)
{
    auto_txn struct txn *t = NULL;
    const struct object *o;
    struct key k;

    T_INT_EQ(txn_begin(cl->store, TXN_READ_ONLY, &t, NULL), 0);
    key_init(&k, periodic_launch_table.name);
    key_addz(&k, "default");
    key_addz(&k, job);
    T_INT_EQ(table_get(t, &periodic_launch_table, &k, &o, NULL), 0);
    return ((const struct periodic_launch *)o->body)->at_s;
}

static size_t launches(struct cluster *cl)
{
    struct answer a = ask(cl, "GET", "/v1/jobs?prefix=per/", NULL);

    return a.json->len;
}

TEST(a_periodic_job_is_launched_when_it_is_time)
{
    struct cluster cl;
    struct answer a;

    clock_fake_start(NOON * 1000000000);
    cluster_start(&cl, NULL);
    put(&cl, JOB("per", PERIODIC("0 13 * * *\",\"30 13 * * *", "")));
    T_INT_EQ(launches(&cl), 0);
    clock_to(NOON + 3600);
    wait_for(&cl, "/v1/job/per/periodic-1767272400", "ParentID", "per");
    a = ask(&cl, "GET", "/v1/job/per/periodic-1767272400/evaluations", NULL);
    T_AT(&cl, &a, "0.TriggeredBy", "periodic-job");
    clock_to(NOON + 5400);
    wait_for(&cl, "/v1/job/per/periodic-1767274200", "ParentID", "per");
    T_INT_EQ(launches(&cl), 2);
    cluster_stop(&cl);
    clock_fake_stop();
}

TEST(times_that_passed_while_no_server_ran_are_launched_once_and_none_twice)
{
    struct cluster cl;

    clock_fake_start(NOON * 1000000000);
    cluster_start(&cl, NULL);
    put(&cl, JOB("per", PERIODIC("0 * * * *", "")));
    clock_to(NOON + 3600);
    wait_for(&cl, "/v1/job/per/periodic-1767272400", "ParentID", "per");
    server_down(&cl);
    server_up(&cl); /* at the very time that has been launched */
    server_down(&cl);
    clock_to(NOON + 5 * 3600 + 60);
    server_up(&cl);
    wait_for(&cl, "/v1/job/per/periodic-1767286800", "ParentID", "per");
    T_INT_EQ(launches(&cl), 2);
    cluster_stop(&cl);
    clock_fake_stop();
}

TEST(launches_do_not_overlap_where_they_must_not)
{
    struct cluster cl;

    clock_fake_start(NOON * 1000000000);
    cluster_start(&cl, NULL);
    put(&cl, JOB("per", PERIODIC("0 * * * *", ",\"ProhibitOverlap\":true")));
    clock_to(NOON + 3600);
    wait_for(&cl, "/v1/job/per/periodic-1767272400", "Status", "pending");
    clock_to(NOON + 7200); /* skipped: nothing has placed the first one */
    T_UNTIL(done_until(&cl, "per") == NOON + 7200);
    T_INT_EQ(ask(&cl, "DELETE", "/v1/job/per/periodic-1767272400", NULL).status, 200);
    wait_for(&cl, "/v1/job/per/periodic-1767272400", "Status", "dead");
    clock_to(NOON + 3 * 3600);
    wait_for(&cl, "/v1/job/per/periodic-1767279600", "ParentID", "per");
    cluster_stop(&cl);
    clock_fake_stop();
}

TEST(what_does_not_launch_by_itself)
{
    static const struct {
        const char *label, *job;
        const char *want; /* of force; NULL: it launches */
    } rows[] = {
        {"disabled",
         JOB("per", ",\"Periodic\":{\"Enabled\":false,\"SpecType\":\"cron\","
                    "\"Specs\":[\"0 * * * *\"]}"),
         "can't force run non-tracked job"},
        {"a template for dispatch",
         JOB("per", PERIODIC("0 * * * *", "") PARAMETERIZED("optional")),
         "can't force run non-tracked job"},
        {"stopped", JOB("per", PERIODIC("0 * * * *", "")), "can't force run non-tracked job"},
        {"not periodic", JOB("per", ""), "can't force launch non-periodic job"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cluster cl;

        T_ROW(rows[i].label);
        clock_fake_start(NOON * 1000000000);
        cluster_start(&cl, NULL);
        put(&cl, rows[i].job);
        if (strcmp(rows[i].label, "stopped") == 0)
            T_INT_EQ(ask(&cl, "DELETE", "/v1/job/per", NULL).status, 200);
        put(&cl, JOB("tick", PERIODIC("1 * * * *", "")));
        clock_to(NOON + 3660);
        wait_for(&cl, "/v1/job/tick/periodic-1767272460", "ParentID", "tick");
        T_INT_EQ(launches(&cl), 0);
        T_STR_HAS(ask(&cl, "POST", "/v1/job/per/periodic/force", NULL).body, rows[i].want);
        cluster_stop(&cl);
        clock_fake_stop();
    }
    T_ROW("");
}

TEST(forced_launches_of_one_second_have_names_of_their_own)
{
    struct cluster cl;
    struct answer a, b;

    clock_fake_start(NOON * 1000000000);
    cluster_start(&cl, NULL);
    put(&cl, JOB("per", PERIODIC("0 0 1 1 *", "")));
    a = ask(&cl, "POST", "/v1/job/per/periodic/force", NULL);
    b = ask(&cl, "POST", "/v1/job/per/periodic/force", NULL);
    T_INT_EQ(a.status, 200);
    T_INT_EQ(b.status, 200);
    T_TRUE(strcmp(at(&cl, &a, "EvalID"), at(&cl, &b, "EvalID")) != 0);
    T_INT_EQ(ask(&cl, "GET", "/v1/job/per/periodic-1767268800", NULL).status, 200);
    T_INT_EQ(ask(&cl, "GET", "/v1/job/per/periodic-1767268801", NULL).status, 200);
    T_INT_EQ(ask(&cl, "POST", "/v1/job/nope/periodic/force", NULL).status, 500);
    cluster_stop(&cl);
    clock_fake_stop();
}

TEST(another_schedule_makes_up_for_nothing)
{
    struct cluster cl;

    clock_fake_start(NOON * 1000000000);
    cluster_start(&cl, NULL);
    put(&cl, JOB("per", PERIODIC("0 0 1 1 *", "")));
    clock_to(NOON + 3610);
    put(&cl, JOB("per", PERIODIC("0 * * * *", "")));
    clock_to(NOON + 7200);
    wait_for(&cl, "/v1/job/per/periodic-1767276000", "ParentID", "per");
    T_INT_EQ(launches(&cl), 1);
    cluster_stop(&cl);
    clock_fake_stop();
}

TEST(a_time_zone_must_exist)
{
    struct cluster cl;
    struct answer a;

    cluster_start(&cl, NULL);
    a = ask(&cl, "POST", "/v1/jobs",
            JOB("per", PERIODIC("0 * * * *", ",\"TimeZone\":\"Europe/Nowhere\"")));
    T_INT_EQ(a.status, 500);
    T_STR_HAS(a.body, "unknown time zone Europe/Nowhere");
    cluster_stop(&cl);
}

/* ---- scaling ------------------------------------------------------------------------------
 */

#define SCALABLE(count, scaling)                                                          \
    "{\"Job\":{\"ID\":\"s\",\"Name\":\"s\",\"Type\":\"batch\",\"Datacenters\":[\"dc1\"]," \
    "\"TaskGroups\":[{\"Name\":\"g\",\"Count\":" count ",\"Scaling\":" scaling            \
    ",\"Tasks\":[{\"Name\":\"t\",\"Driver\":\"raw_exec\",\"Config\":{\"command\":\"/bin/" \
    "true\"}}]}]}}"

TEST(a_group_is_scaled_or_it_is_said_why_not)
{
    static const struct {
        const char *label, *path, *body;
        int status;
        const char *want;
    } rows[] = {
        {"no group", "/v1/job/s/scale", "{}", 400, "missing task group name"},
        {"another group", "/v1/job/s/scale", "{\"Count\":1,\"Target\":{\"Group\":\"z\"}}", 400,
         "task group \"z\" specified for scaling does not exist in job"},
        {"another job", "/v1/job/z/scale", "{\"Count\":1,\"Target\":{\"Group\":\"g\"}}", 404,
         "job \"z\" not found"},
        {"below nothing", "/v1/job/s/scale", "{\"Count\":-1,\"Target\":{\"Group\":\"g\"}}", 400,
         "scaling action count can't be negative"},
        {"an error with a count", "/v1/job/s/scale",
         "{\"Count\":1,\"Error\":true,\"Target\":{\"Group\":\"g\"}}", 400,
         "scaling action should not contain count if error is true"},
        {"below the policy", "/v1/job/s/scale", "{\"Count\":1,\"Target\":{\"Group\":\"g\"}}",
         400, "group count was less than scaling policy minimum: 1 < 2"},
        {"above the policy", "/v1/job/s/scale", "{\"Count\":9,\"Target\":{\"Group\":\"g\"}}",
         400, "group count was greater than scaling policy maximum: 9 > 5"},
        {"another index", "/v1/job/s/scale",
         "{\"Count\":3,\"EnforceIndex\":true,\"JobModifyIndex\":999,\"Target\":{\"Group\":"
         "\"g\"}"
         "}",
         500, "Enforcing job modify index 999"},
        {"within it", "/v1/job/s/scale",
         "{\"Count\":3,\"Message\":\"m\",\"Meta\":{\"a\":1},\"Target\":{\"Group\":\"g\"}}", 200,
         "\"KnownLeader\":true"},
        {"an error to note", "/v1/job/s/scale",
         "{\"Error\":true,\"Message\":\"e\",\"Target\":{\"Group\":\"g\"}}", 200,
         "\"EvalID\":\"\""},
    };
    struct cluster cl;
    struct answer a;

    cluster_start(&cl, NULL);
    put(&cl, SCALABLE("2", "{\"Min\":2,\"Max\":5}"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        a = ask(&cl, "POST", rows[i].path, rows[i].body);
        T_STR_HAS(a.body, rows[i].want);
        T_INT_EQ(a.status, rows[i].status);
    }
    T_ROW("");
    a = ask(&cl, "GET", "/v1/job/s/scale", NULL);
    T_AT(&cl, &a, "TaskGroups.g.Desired", "3");
    T_AT(&cl, &a, "TaskGroups.g.Events.0.Message", "e");
    T_AT(&cl, &a, "TaskGroups.g.Events.0.Error", "true");
    T_AT(&cl, &a, "TaskGroups.g.Events.1.Message", "m");
    T_AT(&cl, &a, "TaskGroups.g.Events.1.PreviousCount", "2");
    T_AT(&cl, &a, "TaskGroups.g.Events.1.Count", "3");
    T_AT(&cl, &a, "TaskGroups.g.Events.1.Meta.a", "1");
    T_TRUE(number(at(&cl, &a, "TaskGroups.g.Events.1.CreateIndex")) > 0);
    T_TRUE(number(at(&cl, &a, "TaskGroups.g.Events.1.CreateIndex")) <
           number(at(&cl, &a, "TaskGroups.g.Events.0.CreateIndex")));
    a = ask(&cl, "GET", "/v1/job/s", NULL);
    T_AT(&cl, &a, "Version", "1");
    cluster_stop(&cl);
}

TEST(only_the_newest_scaling_events_are_kept)
{
    struct cluster cl;
    struct answer a;

    cluster_start(&cl, NULL);
    put(&cl, SCALABLE("1", "null"));
    for (int i = 0; i < 25; i++)
        ask(&cl, "POST", "/v1/job/s/scale",
            arena_printf(cl.arena, "{\"Message\":\"%d\",\"Target\":{\"Group\":\"g\"}}", i));
    a = ask(&cl, "GET", "/v1/job/s/scale", NULL);
    T_AT(&cl, &a, "TaskGroups.g.Events.0.Message", "24");
    T_AT(&cl, &a, "TaskGroups.g.Events.19.Message", "5");
    T_AT(&cl, &a, "TaskGroups.g.Events.20.Message", "");
    cluster_stop(&cl);
}

TEST(a_scaling_policy_keeps_its_id_and_goes_with_its_block)
{
    struct cluster cl;
    struct answer a;
    const char *id;

    cluster_start(&cl, NULL);
    put(&cl, SCALABLE("2", "{\"Min\":2,\"Max\":5}"));
    a = ask(&cl, "GET", "/v1/scaling/policies", NULL);
    id = at(&cl, &a, "0.ID");
    T_INT_EQ(strlen(id), 36);
    T_AT(&cl, &a, "0.Target.Job", "s");
    T_AT(&cl, &a, "0.Type", "horizontal");
    put(&cl, SCALABLE("2", "{\"Min\":2,\"Max\":6}"));
    a = ask(&cl, "GET", arena_printf(cl.arena, "/v1/scaling/policy/%s", id), NULL);
    T_AT(&cl, &a, "Max", "6");
    a = ask(&cl, "GET", "/v1/job/s", NULL);
    T_STR_EQ(at(&cl, &a, "TaskGroups.0.Scaling.ID"), id);
    a = ask(&cl, "GET", "/v1/scaling/policies?job=other", NULL);
    T_STR_EQ(a.body, "[]");
    put(&cl, SCALABLE("2", "null"));
    a = ask(&cl, "GET", arena_printf(cl.arena, "/v1/scaling/policy/%s", id), NULL);
    T_INT_EQ(a.status, 404);
    T_STR_EQ(a.body, "policy not found");
    put(&cl, SCALABLE("2", "{\"Min\":2,\"Max\":5}"));
    T_INT_EQ(ask(&cl, "DELETE", "/v1/job/s?purge=true", NULL).status, 200);
    T_STR_EQ(ask(&cl, "GET", "/v1/scaling/policies", NULL).body, "[]");
    cluster_stop(&cl);
}

/* ---- versions -----------------------------------------------------------------------------
 */

static const char *numbered(struct cluster *cl, int n)
{
    return arena_printf(cl->arena, JOB("w", ",\"Meta\":{\"n\":\"%d\"}"), n);
}

TEST(a_tagged_version_stays_and_is_found_by_its_tag)
{
    struct cluster cl;
    struct answer a;

    cluster_start(&cl, NULL);
    put(&cl, numbered(&cl, 0));
    a = ask(&cl, "POST", "/v1/job/w/versions/gold/tag",
            "{\"Version\":0,\"Description\":\"d\"}");
    T_INT_EQ(a.status, 200);
    T_AT(&cl, &a, "Name", "gold");
    for (int i = 1; i < 9; i++)
        put(&cl, numbered(&cl, i));
    a = ask(&cl, "GET", "/v1/job/w/versions?diffs=true&diff_tag=gold", NULL);
    T_AT(&cl, &a, "Versions.0.Version", "8");
    T_AT(&cl, &a, "Versions.6.Version", "0");
    T_AT(&cl, &a, "Versions.6.VersionTag.Name", "gold");
    T_AT(&cl, &a, "Versions.7.Version", "");
    T_AT(&cl, &a, "Diffs.0.Type", "Edited");
    T_AT(&cl, &a, "Diffs.6.Type", "None");
    a = ask(&cl, "GET", "/v1/job/w", NULL);
    T_AT(&cl, &a, "VersionTag", "null");
    a = ask(&cl, "POST", "/v1/job/w/versions/gold/tag", "{\"Version\":8}");
    T_STR_EQ(a.body, "tag \"gold\" already exists on a different version of job \"w\"");
    a = ask(&cl, "DELETE", "/v1/job/w/versions/gold/tag", NULL);
    T_INT_EQ(a.status, 200);
    a = ask(&cl, "DELETE", "/v1/job/w/versions/gold/tag", NULL);
    T_INT_EQ(a.status, 500);
    T_STR_EQ(a.body, "tag \"gold\" not found on job \"w\"");
    T_INT_EQ(ask(&cl, "GET", "/v1/job/w/versions/gold/tag", NULL).status, 405);
    T_INT_EQ(ask(&cl, "GET", "/v1/job/w/versions?diffs=true&diff_tag=no", NULL).status, 404);
    cluster_stop(&cl);
}

TEST(a_source_too_long_is_left_out_with_a_word)
{
    struct nomad_server_opts o = {.job_max_source_size = 10};
    struct cluster cl;
    struct answer a;

    cluster_start(&cl, &o);
    for (int i = 0; i < 2; i++) {
        const char *job = numbered(&cl, i);
        const char *text = i ? "a text with too many bytes" : "short";

        a = ask(&cl, "POST", "/v1/jobs",
                arena_printf(cl.arena,
                             "%.*s,\"Submission\":{\"Source\":\"%s\",\"Format\":\"hcl2\"}}",
                             (int)strlen(job) - 1, job, text));
        T_INT_EQ(a.status, 200);
        if (i)
            T_STR_HAS(a.body, "job source size of 26 B exceeds maximum of 10 B");
        else
            T_AT(&cl, &a, "Warnings", "");
    }
    a = ask(&cl, "GET", "/v1/job/w/submission?version=0", NULL);
    T_AT(&cl, &a, "Source", "short");
    T_INT_EQ(ask(&cl, "GET", "/v1/job/w/submission?version=1", NULL).status, 404);
    T_INT_EQ(ask(&cl, "DELETE", "/v1/job/w?purge=true", NULL).status, 200);
    T_INT_EQ(ask(&cl, "GET", "/v1/job/w/submission?version=0", NULL).status, 404);
    cluster_stop(&cl);
}
