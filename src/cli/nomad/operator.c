/* nomad operator scheduler, raft, autopilot, gossip keyring generate. */
#include <string.h>

#include "base/codec.h"
#include "base/random.h"
#include "base/str.h"
#include "cli/nomad/nomad_priv.h"

enum { GOSSIP_KEY_BYTES = 32 };

static struct {
    bool json;
    const char *tmpl, *peer_id, *peer_address;
} o;

static const struct flag json_flags[] = {
    {"json", FLAG_BOOL, &o.json, NULL, "as JSON"},
    {"t", FLAG_STR, &o.tmpl, NULL, "in the format of this Go template"},
};

/* ---- scheduler ----------------------------------------------------------------------------
 */

static int get_config_run(struct cli_call *c)
{
    const struct json *s;
    struct nomad_reply r;
    int code;

    if (nomad_get(c, "operator/scheduler/configuration", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying scheduler configuration: %s",
                        r.error);
    if (print_as_asked(c, r.json, o.json, o.tmpl, &code))
        return code;
    s = at(r.json, "SchedulerConfig");
    {
        const struct kv_line lines[] = {
            {"Scheduler Algorithm", text_at(c, s, "SchedulerAlgorithm")},
            {"Memory Oversubscription", text_at(c, s, "MemoryOversubscriptionEnabled")},
            {"Reject Job Registration", text_at(c, s, "RejectJobRegistration")},
            {"Pause Eval Broker", text_at(c, s, "PauseEvalBroker")},
            {"Preemption System Scheduler",
             text_at(c, s, "PreemptionConfig.SystemSchedulerEnabled")},
            {"Preemption Service Scheduler",
             text_at(c, s, "PreemptionConfig.ServiceSchedulerEnabled")},
            {"Preemption Batch Scheduler",
             text_at(c, s, "PreemptionConfig.BatchSchedulerEnabled")},
            {"Preemption SysBatch Scheduler",
             text_at(c, s, "PreemptionConfig.SysBatchSchedulerEnabled")},
            {"Modify Index", text_at(c, s, "ModifyIndex")},
        };

        print_kv(c, lines, ARRAY_LEN(lines));
    }
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_scheduler_get_config = {
    .name = "operator scheduler get-config",
    .synopsis = "Display the current scheduler configuration",
    .flags = CLI_FLAGS(json_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = get_config_run,
};

struct set_flag {
    const char *key; /* of the configuration; "PreemptionConfig." is left out */
    bool preemption;
    const char *value; /* NULL: stays as it is */
};

static struct set_flag settings[] = {
    {"MemoryOversubscriptionEnabled", false, NULL},
    {"RejectJobRegistration", false, NULL},
    {"PauseEvalBroker", false, NULL},
    {"SystemSchedulerEnabled", true, NULL},
    {"ServiceSchedulerEnabled", true, NULL},
    {"BatchSchedulerEnabled", true, NULL},
    {"SysBatchSchedulerEnabled", true, NULL},
};
static const char *algorithm, *check_index;

static const struct flag set_flags[] = {
    {"check-index", FLAG_STR, &check_index, NULL, "only if its modify index is this"},
    {"scheduler-algorithm", FLAG_STR, &algorithm, NULL, "binpack or spread"},
    {"memory-oversubscription", FLAG_STR, &settings[0].value, NULL, "true or false"},
    {"reject-job-registration", FLAG_STR, &settings[1].value, NULL, "true or false"},
    {"pause-eval-broker", FLAG_STR, &settings[2].value, NULL, "true or false"},
    {"preempt-system-scheduler", FLAG_STR, &settings[3].value, NULL, "true or false"},
    {"preempt-service-scheduler", FLAG_STR, &settings[4].value, NULL, "true or false"},
    {"preempt-batch-scheduler", FLAG_STR, &settings[5].value, NULL, "true or false"},
    {"preempt-sysbatch-scheduler", FLAG_STR, &settings[6].value, NULL, "true or false"},
};

static int change_settings(struct cli_call *c, struct json *config)
{
    struct json *preemption = json_copy(c->arena, at(config, "PreemptionConfig"));

    if (!json_is(preemption, JSON_OBJECT))
        preemption = json_new_object(c->arena);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct set_flag *s = &settings[i];
        bool yes;

        if (!s->value)
            continue;
        if (!str_to_bool(str_of(s->value), &yes))
            return cli_fail(NOMAD_EXIT_FAILED, "Error parsing \"%s\": it must be true or false",
                            s->value);
        json_set(c->arena, s->preemption ? preemption : config, str_of(s->key),
                 json_of_bool(yes));
    }
    if (algorithm)
        json_set(c->arena, config, STR("SchedulerAlgorithm"), json_of_str(str_of(algorithm)));
    json_set(c->arena, config, STR("PreemptionConfig"), *preemption);
    return CLI_EXIT_OK;
}

static int set_config_run(struct cli_call *c)
{
    const char *path = "operator/scheduler/configuration";
    struct json *config;
    struct nomad_reply r;
    int code;

    if (nomad_get(c, path, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying for scheduler configuration: %s",
                        r.error);
    config = json_copy(c->arena, at(r.json, "SchedulerConfig"));
    if (!json_is(config, JSON_OBJECT))
        config = json_new_object(c->arena);
    if ((code = change_settings(c, config)) != CLI_EXIT_OK)
        return code;
    path = pathf(c, "%s?cas=%s", path,
                 check_index ? path_part(c, check_index) : text_at(c, config, "ModifyIndex"));
    if (nomad_send(c, "PUT", path, config, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error setting scheduler configuration: %s",
                        r.error);
    if (!bool_at(r.json, "Updated"))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Scheduler configuration could not be atomically updated, please try "
                        "again");
    printf("Scheduler configuration updated!\n");
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_scheduler_set_config = {
    .name = "operator scheduler set-config",
    .synopsis = "Modify the current scheduler configuration",
    .flags = CLI_FLAGS(set_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = set_config_run,
};

/* ---- raft ---------------------------------------------------------------------------------
 */

static int list_peers_run(struct cli_call *c)
{
    struct table t = TABLE_NOMAD(c->arena);
    const struct json *servers;
    struct nomad_reply r;

    if (nomad_get(c, "operator/raft/configuration", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Failed to retrieve raft configuration: %s",
                        r.error);
    servers = at(r.json, "Servers");
    table_add(&t, "Node", "ID", "Address", "State", "Voter", "RaftProtocol", NULL);
    for (size_t i = 0; i < count_of(servers); i++) {
        const struct json *s = &servers->items[i];

        table_add(&t, text_at(c, s, "Node"), text_at(c, s, "ID"), text_at(c, s, "Address"),
                  bool_at(s, "Leader") ? "leader" : "follower", text_at(c, s, "Voter"),
                  text_at(c, s, "RaftProtocol"), NULL);
    }
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_raft_list_peers = {
    .name = "operator raft list-peers",
    .synopsis = "Display the current Raft peer configuration",
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = list_peers_run,
};

static const struct flag peer_flags[] = {
    {"peer-id", FLAG_STR, &o.peer_id, NULL, "the peer's ID"},
    {"peer-address", FLAG_STR, &o.peer_address, NULL, "the peer's address"},
};

static int remove_peer_run(struct cli_call *c)
{
    const char *what = o.peer_id ? "id" : "address",
               *which = o.peer_id ? o.peer_id : o.peer_address;
    struct nomad_reply r;

    if (!which)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error removing peer: an address or id is required for the peer to "
                        "remove");
    if (o.peer_id && o.peer_address)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error removing peer: cannot give both an address and id");
    if (nomad_send(c, "DELETE", pathf(c, "operator/raft/peer?%s=%s", what, path_part(c, which)),
                   NULL, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error removing peer: %s", r.error);
    printf("Removed peer with %s \"%s\"\n", what, which);
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_raft_remove_peer = {
    .name = "operator raft remove-peer",
    .synopsis = "Remove a Nomad server from the Raft configuration",
    .flags = CLI_FLAGS(peer_flags),
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = remove_peer_run,
};

/* ---- autopilot ----------------------------------------------------------------------------
 */

static int autopilot_run(struct cli_call *c)
{
    static const char *const keys[] = {"CleanupDeadServers",      "LastContactThreshold",
                                       "MaxTrailingLogs",         "MinQuorum",
                                       "ServerStabilizationTime", "EnableRedundancyZones",
                                       "DisableUpgradeMigration", "EnableCustomUpgrades"};
    struct nomad_reply r;

    if (nomad_get(c, "operator/autopilot/configuration", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error querying Autopilot configuration: %s",
                        r.error);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        printf("%s = %s\n", keys[i], text_at(c, r.json, keys[i]));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_autopilot_get_config = {
    .name = "operator autopilot get-config",
    .synopsis = "Display the current Autopilot configuration",
    .sets = SET_CLIENT,
    .args = {0, 0, "no arguments"},
    .run = autopilot_run,
};

/* ---- gossip -------------------------------------------------------------------------------
 */

static int generate_run(struct cli_call *c)
{
    auto_buf struct buf b = BUF_INIT(GOSSIP_KEY_BYTES * 2);
    unsigned char key[GOSSIP_KEY_BYTES];

    (void)c;
    random_bytes(key, sizeof(key));
    codec_base64_encode(&b, str_n((const char *)key, sizeof(key)), false, true);
    printf("%.*s\n", STR_ARG(buf_str(&b)));
    return CLI_EXIT_OK;
}

const struct cli_command nomad_cmd_operator_gossip_keyring_generate = {
    .name = "operator gossip keyring generate",
    .synopsis = "Generates a new encryption key",
    .args = {0, 0, "no arguments"},
    .run = generate_run,
};
