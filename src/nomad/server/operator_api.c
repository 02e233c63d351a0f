/* /v1/operator/..., /v1/metrics, /v1/system/reconcile: one server, told as a cluster of one. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lang/units.h"
#include "nomad/server/agent_api.h"

/* ---- membership
 * ------------------------------------------------------------------------------- */

int raft_configuration(struct call *c, struct err *e)
{
    const struct nomad_server *s = server_of(c);
    struct json_out *w = nomad_json(c);

    (void)e;
    json_obj(w);
    json_kv_u64(w, "Index", s->start_rev); /* since when it is so */
    json_key(w, "Servers");
    json_arr(w);
    json_obj(w);
    json_kv_str(w, "Address", str_or_empty(s->opts.rpc_addr));
    json_kv_str(w, "ID", server_id(s, c->arena));
    json_kv_bool(w, "Leader", true);
    json_kv_str(w, "Node", member_name(s, c->arena));
    json_kv_str(w, "RaftProtocol", "3");
    json_kv_bool(w, "Voter", true);
    json_obj_end(w);
    json_arr_end(w);
    json_obj_end(w);
    return 0;
}

int raft_peer_remove(struct call *c, struct err *e)
{
    const char *id = call_text(c, "id"), *address = call_text(c, "address");

    if (*id && strcmp(id, server_id(server_of(c), c->arena)) == 0)
        return nomad_fail(e, 500, "this is the only server: it cannot be removed");
    if (*id)
        return nomad_fail(e, 500, "id \"%s\" was not found in the Raft configuration", id);
    if (*address)
        return nomad_fail(e, 400, "address \"%s\" was not found in the Raft configuration",
                          address);
    return nomad_fail(
        e, 400,
        "Must specify either ?id with the server's ID or ?address with IP:port of "
        "peer to remove");
}

int autopilot_configuration(struct call *c, struct err *e)
{
    struct json_out *w = nomad_json(c);

    (void)e;
    json_obj(w);
    json_kv_bool(w, "CleanupDeadServers", true);
    json_kv_u64(w, "CreateIndex", 1);
    json_kv_bool(w, "DisableUpgradeMigration", false);
    json_kv_bool(w, "EnableCustomUpgrades", false);
    json_kv_bool(w, "EnableRedundancyZones", false);
    json_kv_str(w, "LastContactThreshold", "200ms");
    json_kv_u64(w, "MaxTrailingLogs", 250);
    json_kv_u64(w, "MinQuorum", 0);
    json_kv_u64(w, "ModifyIndex", 1);
    json_kv_str(w, "ServerStabilizationTime", "10s");
    json_obj_end(w);
    return 0;
}

static void write_server_health(struct call *c, struct json_out *w, const char *id)
{
    const struct nomad_server *s = server_of(c);
    char since[TIME_TEXT_SIZE];

    time_format_utc(c->now_ns, since);
    json_obj(w);
    json_kv_str(w, "Address", str_or_empty(s->opts.rpc_addr));
    json_kv_bool(w, "Healthy", true);
    json_kv_str(w, "ID", id);
    json_kv_str(w, "LastContact", "0s");
    json_kv_u64(w, "LastIndex", store_rev(c->store));
    json_kv_u64(w, "LastTerm", 1);
    json_kv_bool(w, "Leader", true);
    json_kv_str(w, "Name", member_name(s, c->arena));
    json_kv_str(w, "SerfStatus", "alive");
    json_kv_str(w, "StableSince", since);
    json_kv_str(w, "Version", NOMAD_API_VERSION);
    json_kv_bool(w, "Voter", true);
    json_obj_end(w);
}

int autopilot_health(struct call *c, struct err *e)
{
    const char *id = server_id(server_of(c), c->arena);
    struct json_out *w = nomad_json(c);

    (void)e;
    json_obj(w);
    json_kv_u64(w, "FailureTolerance", 0);
    json_kv_bool(w, "Healthy", true);
    json_kv_str(w, "Leader", id);
    json_key(w, "Servers");
    json_arr(w);
    write_server_health(c, w, id);
    json_arr_end(w);
    json_key(w, "Voters");
    json_arr(w);
    json_str(w, id);
    json_arr_end(w);
    json_obj_end(w);
    return 0;
}

/* ---- metrics
 * ----------------------------------------------------------------------------------- */

static void write_gauge(struct json_out *w, const char *name, uint64_t value)
{
    json_obj(w);
    json_key(w, "Labels");
    json_obj(w);
    json_obj_end(w);
    json_kv_str(w, "Name", name);
    json_kv_u64(w, "Value", value);
    json_obj_end(w);
}

static void write_counter(struct json_out *w, const char *name, uint64_t value)
{
    static const char *const sums[] = {"Count", "Sum", "Min", "Max", "Mean"};

    json_obj(w);
    json_key(w, "Labels");
    json_obj(w);
    json_obj_end(w);
    json_kv_str(w, "Name", name);
    for (size_t i = 0; i < ARRAY_LEN(sums); i++)
        json_kv_u64(w, sums[i], value);
    json_kv_u64(w, "Rate", 0);
    json_kv_u64(w, "Stddev", 0);
    json_obj_end(w);
}

static void kv_timestamp(struct call *c, struct json_out *w)
{
    time_t t = (time_t)(c->now_ns / 1000000000);
    char text[64] = "";
    struct tm tm;

    if (gmtime_r(&t, &tm))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
    json_kv_str(w, "Timestamp", text);
}

int agent_metrics(struct call *c, struct err *e)
{
    struct nomad_server_stats n = {0};
    struct api_stats a;
    struct json_out *w;

    if (strcmp(call_text(c, "format"), "prometheus") == 0)
        return err_set_status(e, ERR_UNSUPPORTED, 415, "Prometheus is not enabled");
    nomad_server_stats(server_of(c), &n);
    api_stats(c->api, &a);
    w = nomad_json(c);
    json_obj(w);
    json_key(w, "Counters");
    json_arr(w);
    write_counter(w, "nomad.api.conflicts", a.conflicts);
    json_arr_end(w);
    json_key(w, "Gauges");
    json_arr(w);
    write_gauge(w, "nomad.api.calls", a.calls);
    write_gauge(w, "nomad.api.parked", a.parked);
    write_gauge(w, "nomad.blocked_evals.total_blocked", n.evals_blocked);
    write_gauge(w, "nomad.broker.total_pending", n.evals_pending);
    write_gauge(w, "nomad.state.latest_index", n.index);
    json_arr_end(w);
    json_key(w, "Points");
    json_arr(w);
    json_arr_end(w);
    json_key(w, "Samples");
    json_arr(w);
    json_arr_end(w);
    kv_timestamp(c, w);
    json_obj_end(w);
    return 0;
}

/* ---- summaries, counted again
 * -------------------------------------------------------------------- */

static int count_allocs(struct call *c, const struct job *j, struct object *s, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_index_key(&k, &alloc_table, "by_job");
    key_addz(&k, j->namespace);
    key_addz(&k, j->id);
    r = table_scan_index(c->txn, &it, &alloc_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        const struct alloc *al = o->body;

        summary_alloc_moved(summary_group(s->body, al->task_group, s->arena), NULL,
                            al->client_status);
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int reconcile(struct call *c, const struct job *j, struct err *e)
{
    struct object *s;
    int r = summary_load(c->txn, j->namespace, j->id, &s, e);

    if (r < 0)
        return r;
    list_each (&((struct job_summary *)s->body)->groups, g)
        *g = (struct group_summary){.group = g->group, .queued = g->queued};
    r = count_allocs(c, j, s, e);
    if (r == 0)
        return state_put(c->txn, &job_summary_table, s, e);
    object_unref(s);
    return r;
}

int reconcile_summaries(struct call *c, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    table_prefix(&job_table, &k);
    r = table_scan_begin(c->txn, &it, &job_table, &k, 0, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        r = reconcile(c, o->body, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    if (r < 0)
        return r;
    call_reply(c, 200, NULL);
    return 0;
}
