/* vault status */
#include <string.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/seal_status.h"

static bool flag_of(const struct json *v, const char *key)
{
    return json_bool_or(json_get(v, key), false);
}

static int64_t number_of(const struct json *v, const char *key)
{
    return json_i64_or(json_get(v, key), 0);
}

static const char *yes_no(bool b)
{
    return b ? "true" : "false";
}

static const char *number(struct arena *a, const struct json *v, const char *key)
{
    return arena_printf(a, "%lld", (long long)number_of(v, key));
}

/* ---- the table -------------------------------------------------------------------------- */

static void add_seal(struct table *t, const struct json *s)
{
    struct arena *a = t->arena;
    bool recovery = flag_of(s, "recovery_seal");

    table_add(t, recovery ? "Recovery Seal Type" : "Seal Type", member_text(a, s, "type"),
              NULL);
    table_add(t, "Initialized", yes_no(flag_of(s, "initialized")), NULL);
    table_add(t, "Sealed", yes_no(flag_of(s, "sealed")), NULL);
    table_add(t, recovery ? "Total Recovery Shares" : "Total Shares", number(a, s, "n"), NULL);
    table_add(t, "Threshold", number(a, s, "t"), NULL);
    if (flag_of(s, "sealed")) {
        table_add(t, "Unseal Progress",
                  arena_printf(a, "%s/%s", number(a, s, "progress"), number(a, s, "t")), NULL);
        table_add(t, "Unseal Nonce", member_text(a, s, "nonce"), NULL);
    }
    if (flag_of(s, "migration"))
        table_add(t, "Seal Migration in Progress", "true", NULL);
    table_add(t, "Version", member_text(a, s, "version"), NULL);
    table_add(t, "Build Date", member_text(a, s, "build_date"), NULL);
    table_add(t, "Storage Type", member_text(a, s, "storage_type"), NULL);
    if (*member_text(a, s, "cluster_name"))
        table_add(t, "Cluster Name", member_text(a, s, "cluster_name"), NULL);
    if (*member_text(a, s, "cluster_id"))
        table_add(t, "Cluster ID", member_text(a, s, "cluster_id"), NULL);
}

static void add_standby(struct table *t, const struct json *l)
{
    const char *active = member_text(t->arena, l, "leader_address");

    table_add(t, "HA Mode", "standby", NULL);
    table_add(t, "Active Node Address", *active ? active : "<none>", NULL);
    if (flag_of(l, "performance_standby")) {
        table_add(t, "Performance Standby Node", "true", NULL);
        table_add(t, "Performance Standby Last Remote WAL",
                  number(t->arena, l, "performance_standby_last_remote_wal"), NULL);
    }
}

static void add_ha(struct table *t, const struct json *s, const struct json *l)
{
    struct arena *a = t->arena;

    table_add(t, "HA Enabled", yes_no(flag_of(l, "ha_enabled")), NULL);
    if (!flag_of(l, "ha_enabled") || flag_of(s, "sealed"))
        return;
    table_add(t, "HA Cluster", member_text(a, l, "leader_cluster_address"), NULL);
    if (flag_of(l, "is_self")) {
        table_add(t, "HA Mode", "active", NULL);
        table_add(t, "Active Since", member_text(a, l, "active_time"), NULL);
    } else {
        add_standby(t, l);
    }
    if (number_of(l, "raft_committed_index") > 0)
        table_add(t, "Raft Committed Index", number(a, l, "raft_committed_index"), NULL);
    if (number_of(l, "raft_applied_index") > 0)
        table_add(t, "Raft Applied Index", number(a, l, "raft_applied_index"), NULL);
}

static void print_table(struct cli_call *c, const struct json *s, const struct json *l)
{
    struct table t = TABLE_VAULT(c->arena);

    table_add(&t, "Key", "Value", NULL);
    table_underline(&t);
    add_seal(&t, s);
    add_ha(&t, s, l);
    table_print(&t, stdout);
}

/* ---- the tree --------------------------------------------------------------------------- */

static struct json *tree_of(struct arena *a, const struct json *s, const struct json *l)
{
    static const char *const order[] = {
        "type",
        "initialized",
        "sealed",
        "t",
        "n",
        "progress",
        "nonce",
        "version",
        "build_date",
        "migration",
        "cluster_name",
        "cluster_id",
        "recovery_seal",
        "storage_type",
    };
    /* What is only there when it says something. */
    static const char *const texts[] = {"leader_address", "leader_cluster_address"};
    static const char *const numbers[] = {"performance_standby_last_remote_wal", "last_wal",
                                          "raft_committed_index", "raft_applied_index"};
    struct json *v = in_order(a, s, order, ARRAY_LEN(order));
    const struct json *since = json_get(l, "active_time");

    set_bool(a, v, "ha_enabled", flag_of(l, "ha_enabled"));
    if (flag_of(l, "is_self"))
        set_bool(a, v, "is_self", true);
    json_set(a, v, STR("active_time"),
             since ? *since : json_of_str(STR("0001-01-01T00:00:00Z")));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (*member_text(a, l, texts[i]))
            set_str(a, v, texts[i], member_text(a, l, texts[i]));
    if (flag_of(l, "performance_standby"))
        set_bool(a, v, "performance_standby", true);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (number_of(l, numbers[i]) != 0)
            set_int(a, v, numbers[i], number_of(l, numbers[i]));
    return v;
}

/* ---- doors ------------------------------------------------------------------------------ */

int seal_status_print(struct cli_call *c, const struct json *status)
{
    struct json *leader = json_new_object(c->arena);
    const struct json *l = leader;
    struct remote_reply r;
    int code;

    /* A sealed server of a cluster does not say who leads. */
    if (remote_call(c, "GET", "sys/leader", NULL, &r) == 0)
        l = r.json;
    else if (strstr(r.error, "Vault is sealed"))
        set_bool(c->arena, leader, "ha_enabled", true);
    else
        return r.shown ? CLI_EXIT_OK
                       : cli_fail(CLI_EXIT_USAGE, "Error checking leader status: %s", r.error);
    if (!print_formatted(c, tree_of(c->arena, status, l), &code)) {
        print_table(c, status, l);
        code = CLI_EXIT_OK;
    }
    return code;
}

static int run(struct cli_call *c)
{
    struct remote_reply r;
    int code;

    if (remote_call(c, "GET", "sys/seal-status", NULL, &r) < 0)
        return r.shown ? CLI_EXIT_OK
                       : cli_fail(CLI_EXIT_USAGE, "Error checking seal status: %s", r.error);
    code = seal_status_print(c, r.json);
    if (code != CLI_EXIT_OK)
        return code;
    return flag_of(r.json, "sealed") ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

const struct cli_command cmd_status = {
    .name = "status",
    .usage = "vault status [options]",
    .synopsis = "Sealed or not, active or standby",
    .about =
        "Shows whether the server is initialised and unsealed. The exit code is 0 when it is "
        "unsealed, 2 when it is sealed, 1 when it cannot be asked.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = run,
};
