/*
 * /v1/agent, /v1/status, /v1/regions, /v1/system, /v1/operator; and the short,
 * true answers about what this server does not have.
 */
#include "nomad/server/agent_api.h"

#include <string.h>

#include "nomad/server/list.h"
#include "nomad/server/sched_config.h"

/* ---- servers
 * ----------------------------------------------------------------------------------- */

static int reply_nothing(struct call *c)
{
    call_reply(c, 200, NULL);
    return 0;
}

static int addresses(struct call *c)
{
    struct json_out *w = nomad_json(c);

    json_arr(w);
    json_str(w, str_or_empty(server_of(c)->opts.rpc_addr));
    json_arr_end(w);
    return 0;
}

/* Only agents with a client have a list of servers to ask. */
static int agent_servers(struct call *c, struct err *e)
{
    if (!server_of(c)->opts.with_client)
        return nomad_fail(e, 501, "Invalid method");
    return addresses(c);
}

static int agent_servers_set(struct call *c, struct err *e)
{
    if (!server_of(c)->opts.with_client)
        return nomad_fail(e, 501, "Invalid method");
    if (!*call_text(c, "address"))
        return nomad_fail(e, 400, "missing server address");
    return reply_nothing(c); /* the server in this very process stays the one it asks */
}

static int agent_join(struct call *c, struct err *e)
{
    struct json_out *w;

    if (!*call_text(c, "address"))
        return nomad_fail(e, 400, "missing address to join");
    w = nomad_json(c);
    json_obj(w);
    json_kv_str(w, "error",
                "nothing to join: servers are members by the store that they share");
    json_kv_i64(w, "num_joined", 0);
    json_kv_str(w, "warning", "");
    json_obj_end(w);
    return 0;
}

static int agent_force_leave(struct call *c, struct err *e)
{
    if (!*call_text(c, "node"))
        return nomad_fail(e, 400, "missing node to force leave");
    return reply_nothing(c); /* whoever it is, it is no member */
}

static void write_health(struct json_out *w, const char *part, bool ok, const char *message)
{
    json_key(w, part);
    json_obj(w);
    json_kv_str(w, "message", message);
    json_kv_bool(w, "ok", ok);
    json_obj_end(w);
}

static int agent_health(struct call *c, struct err *e)
{
    const char *type = call_text(c, "type");
    bool client = server_of(c)->opts.with_client, asked = strcmp(type, "client") == 0;
    struct json_out *w = nomad_json(c);

    (void)e;
    json_obj(w);
    if (asked || (!*type && client))
        write_health(w, "client", client, client ? "ok" : "client not enabled");
    if (!*type || strcmp(type, "server") == 0)
        write_health(w, "server", true, "ok");
    json_obj_end(w);
    if (asked && !client)
        call_reply(c, 500, "text/plain; charset=utf-8");
    return 0;
}

/* ---- schedulers
 * --------------------------------------------------------------------------------- */

static void write_scheduler_types(struct json_out *w)
{
    static const char *const types[] = {"service", "batch", "system", "sysbatch", "_core"};

    json_key(w, "enabled_schedulers");
    json_arr(w);
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        json_str(w, types[i]);
    json_arr_end(w);
}

static int agent_schedulers(struct call *c, struct err *e)
{
    struct json_out *w = nomad_json(c);

    (void)e;
    json_obj(w);
    json_key(w, "schedulers");
    json_arr(w);
    json_obj(w);
    write_scheduler_types(w);
    json_kv_str(w, "id", server_id(server_of(c), c->arena));
    json_kv_str(w, "status", "Started");
    json_kv_str(w, "workload_status", "WaitingToDequeue");
    json_obj_end(w);
    json_arr_end(w);
    json_kv_str(w, "server_id", member_name(server_of(c), c->arena));
    json_obj_end(w);
    return 0;
}

static int agent_schedulers_config(struct call *c, struct err *e)
{
    struct json_out *w = nomad_json(c);

    (void)e;
    json_obj(w);
    write_scheduler_types(w);
    json_kv_i64(w, "num_schedulers", 1);
    json_kv_str(w, "server_id", member_name(server_of(c), c->arena));
    json_obj_end(w);
    return 0;
}

/* ---- status, regions, system
 * --------------------------------------------------------------------- */

static int status_leader(struct call *c, struct err *e)
{
    (void)e;
    json_str(nomad_json(c), str_or_empty(server_of(c)->opts.rpc_addr));
    return 0;
}

static int status_peers(struct call *c, struct err *e)
{
    (void)e;
    return addresses(c);
}

static int regions(struct call *c, struct err *e)
{
    struct json_out *w = nomad_json(c);

    (void)e;
    json_arr(w);
    json_str(w, server_of(c)->opts.region);
    json_arr_end(w);
    return 0;
}

static int system_gc(struct call *c, struct err *e)
{
    (void)e;
    watcher_gc_now(server_of(c));
    return reply_nothing(c);
}

/* ---- what there is not
 * --------------------------------------------------------------------------- */

static int enterprise_only(struct call *c, struct err *e)
{
    (void)c;
    return nomad_fail(e, 501, "Nomad Enterprise only endpoint");
}

static int license(struct call *c, struct err *e)
{
    (void)e;
    call_reply(c, 204, NULL);
    return 0;
}

/* What of /v1/acl has no route of its own. */
static int acl_no_logins(struct call *c, struct err *e)
{
    (void)c;
    return nomad_fail(
        e, 501, "auth methods, binding rules and logins are not supported by this server");
}

static int none_of_these(struct call *c, struct err *e)
{
    struct json_out *w;

    (void)e;
    nomad_index(c, 1);
    w = nomad_json(c);
    json_arr(w);
    json_arr_end(w);
    return 0;
}

/* The route says what is not found. */
static int none_such(struct call *c, struct err *e)
{
    (void)e;
    nomad_index(c, 1);
    return reply_not_found(c, c->route->extra);
}

const struct route agent_routes[] = {
    {M_GET, "/v1/agent/self", NEED_AREA(AREA_AGENT, LEVEL_READ), agent_self, NULL},
    {M_GET, "/v1/agent/members", NEED_AREA(AREA_NODE, LEVEL_READ), agent_members, NULL},
    {M_GET, "/v1/agent/monitor", NEED_AREA(AREA_AGENT, LEVEL_READ), agent_monitor, NULL},
    {M_GET, "/v1/agent/servers", NEED_AREA(AREA_AGENT, LEVEL_READ), agent_servers, NULL},
    {M_WRITE, "/v1/agent/servers", NEED_AREA(AREA_AGENT, LEVEL_WRITE), agent_servers_set, NULL},
    {M_WRITE, "/v1/agent/join", NEED_AREA(AREA_AGENT, LEVEL_WRITE), agent_join, NULL},
    {M_WRITE, "/v1/agent/force-leave", NEED_AREA(AREA_AGENT, LEVEL_WRITE), agent_force_leave,
     NULL},
    {M_GET, "/v1/agent/health", ROUTE_ANON, agent_health, NULL},
    {M_GET, "/v1/agent/schedulers", NEED_AREA(AREA_AGENT, LEVEL_READ), agent_schedulers, NULL},
    {M_GET, "/v1/agent/schedulers/config", NEED_AREA(AREA_AGENT, LEVEL_READ),
     agent_schedulers_config, NULL},
    {M_GET, "/v1/status/leader", ROUTE_ANON, status_leader, NULL},
    {M_GET, "/v1/status/peers", ROUTE_ANON, status_peers, NULL},
    {M_GET, "/v1/regions", ROUTE_ANON, regions, NULL},
    {M_GET, "/v1/metrics", ROUTE_ANON, agent_metrics, NULL},
    {M_PUT, "/v1/system/gc", 0, system_gc, NULL},
    {M_PUT, "/v1/system/reconcile/summaries", 0, reconcile_summaries, NULL},
    {M_GET, "/v1/operator/scheduler/configuration", NEED_AREA(AREA_OPERATOR, LEVEL_READ),
     sched_config_read, NULL},
    {M_WRITE, "/v1/operator/scheduler/configuration", NEED_AREA(AREA_OPERATOR, LEVEL_WRITE),
     sched_config_write, NULL},
    {M_GET, "/v1/operator/raft/configuration", NEED_AREA(AREA_OPERATOR, LEVEL_READ),
     raft_configuration, NULL},
    {M_DELETE, "/v1/operator/raft/peer", NEED_AREA(AREA_OPERATOR, LEVEL_WRITE),
     raft_peer_remove, NULL},
    {M_GET, "/v1/operator/autopilot/configuration", NEED_AREA(AREA_OPERATOR, LEVEL_READ),
     autopilot_configuration, NULL},
    {M_GET, "/v1/operator/autopilot/health", NEED_AREA(AREA_OPERATOR, LEVEL_READ),
     autopilot_health, NULL},
    {M_GET, "/v1/operator/snapshot", ROUTE_BLOCKING, snapshot_save, NULL},
    {M_WRITE, "/v1/operator/snapshot", ROUTE_BLOCKING, snapshot_restore, NULL},
    {M_GET, "/v1/operator/license", NEED_AREA(AREA_OPERATOR, LEVEL_READ), license, NULL},
    {M_GET, "/v1/services", NEED_NS(CAP_READ_JOB), none_of_these, NULL},
    {M_GET, "/v1/service/:name", NEED_NS(CAP_READ_JOB), none_of_these, NULL},
    {M_GET, "/v1/volumes", NEED_NS(CAP_CSI_LIST_VOLUME), none_of_these, NULL},
    {M_GET, "/v1/volume/csi/:id", NEED_NS(CAP_CSI_READ_VOLUME), none_such, "volume not found"},
    {M_GET, "/v1/plugins", NEED_AREA(AREA_PLUGIN, LEVEL_LIST), none_of_these, NULL},
    {M_GET, "/v1/plugin/csi/:id", NEED_AREA(AREA_PLUGIN, LEVEL_READ), none_such,
     "plugin not found"},
    {M_GET, "/v1/acl/auth-methods", NEED_ACLS | NEED_TOKEN, none_of_these, NULL},
    {M_GET, "/v1/acl/binding-rules", NEED_ACLS, none_of_these, NULL},
    {M_ANY, "/v1/acl/+rest", NEED_ACLS, acl_no_logins, NULL},
    {M_ANY, "/v1/quotas", NEED_TOKEN, enterprise_only, NULL},
    {M_ANY, "/v1/quota", NEED_TOKEN, enterprise_only, NULL},
    {M_ANY, "/v1/quota/+rest", NEED_TOKEN, enterprise_only, NULL},
    {M_ANY, "/v1/quota-usages", NEED_TOKEN, enterprise_only, NULL},
    {M_ANY, "/v1/sentinel/policies", NEED_TOKEN, enterprise_only, NULL},
    {M_ANY, "/v1/sentinel/policy/+rest", NEED_TOKEN, enterprise_only, NULL},
    {M_ANY, "/v1/recommendations", NEED_TOKEN, enterprise_only, NULL},
    {M_ANY, "/v1/recommendation", NEED_TOKEN, enterprise_only, NULL},
    {M_ANY, "/v1/recommendation/+rest", NEED_TOKEN, enterprise_only, NULL},
};
const size_t n_agent_routes = ARRAY_LEN(agent_routes);
