/* vault operator key-status, rotate, members, usage. */
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cli/vault/commands.h"

/* ---- key-status, rotate ----------------------------------------------------------------- */

/* "2026-11-22T04:53:15Z" -> "22 Nov 26 04:53 UTC" */
static const char *short_time(struct arena *a, const char *rfc3339)
{
    int64_t ns;
    time_t t;
    struct tm tm;
    char month[32];

    if (time_parse_rfc3339(str_of(rfc3339), &ns, NULL) < 0)
        return rfc3339;
    t = (time_t)(ns / NS_PER_S);
    gmtime_r(&t, &tm);
    strftime(month, sizeof month, "%b", &tm);
    return arena_printf(a, "%02d %s %02d %02d:%02d UTC", tm.tm_mday, month, tm.tm_year % 100,
                        tm.tm_hour, tm.tm_min);
}

static void print_key_status(struct cli_call *c, const struct json *s)
{
    struct table t = TABLE_VAULT(c->arena);
    const char *encryptions = member_text(c->arena, s, "encryptions");

    table_add(&t, "Key Term", member_text(c->arena, s, "term"), NULL);
    table_add(&t, "Install Time",
              short_time(c->arena, member_text(c->arena, s, "install_time")), NULL);
    table_add(&t, "Encryption Count", *encryptions ? encryptions : "0", NULL);
    table_print(&t, stdout);
}

static struct json *key_status_tree(struct arena *a, const struct json *s)
{
    static const char *const names[] = {"term", "install_time", "encryptions"};
    struct json *v = json_new_object(a);

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (json_get(s, names[i]))
            json_set(a, v, str_of(names[i]), *json_get(s, names[i]));
    return v;
}

/* The envelope's data, or the root for servers that have it there only. */
static const struct json *key_status_of(const struct remote_reply *r)
{
    const struct json *data = json_get(r->json, "data");

    return json_is(data, JSON_OBJECT) ? data : r->json;
}

static int key_status_run(struct cli_call *c)
{
    struct remote_reply r;
    int code;

    if (remote_call(c, "GET", "sys/key-status", NULL, &r) < 0)
        return remote_failed(&r, "Error reading key status");
    if (print_formatted(c, key_status_tree(c->arena, key_status_of(&r)), &code))
        return code;
    print_key_status(c, key_status_of(&r));
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_key_status = {
    .name = "operator key-status",
    .usage = "vault operator key-status [options]",
    .synopsis = "Age and use of the current key",
    .about = "Shows since when the current key is in use, and for how many encryptions.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = key_status_run,
};

static int rotate_run(struct cli_call *c)
{
    struct remote_reply r;
    int code;

    if (remote_call(c, "POST", "sys/rotate", NULL, &r) < 0)
        return remote_failed(&r, "Error rotating key");
    if (remote_call(c, "GET", "sys/key-status", NULL, &r) < 0)
        return remote_failed(&r, "Error reading key status");
    if (print_formatted(c, key_status_tree(c->arena, key_status_of(&r)), &code))
        return code;
    printf("Success! Rotated key\n\n");
    print_key_status(c, key_status_of(&r));
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_rotate = {
    .name = "operator rotate",
    .usage = "vault operator rotate [options]",
    .synopsis = "A new encryption key",
    .about =
        "Makes a new key for what is stored from now on; older keys stay for what they have "
        "encrypted.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = rotate_run,
};

/* ---- members ---------------------------------------------------------------------------- */

static int members_run(struct cli_call *c)
{
    static const char *const members[] = {
        "hostname", "remote_address",  "cluster_address", "active_node",
        "version",  "upgrade_version", "redundancy_zone", "last_echo"};
    struct table t = TABLE_VAULT(c->arena);
    const struct json *nodes;
    struct remote_reply r;
    int code;

    if (remote_call(c, "GET", "sys/ha-status", NULL, &r) < 0)
        return remote_failed(&r, "Error fetching HA status");
    nodes = json_path(r.json, "data.nodes");
    if (!nodes)
        nodes = json_get(r.json, "nodes");
    if (print_formatted(c, nodes, &code))
        return code;
    table_add(&t, "Host Name", "API Address", "Cluster Address", "Active Node", "Version",
              "Upgrade Version", "Redundancy Zone", "Last Echo", NULL);
    table_underline(&t);
    for (uint32_t i = 0; json_is(nodes, JSON_ARRAY) && i < nodes->len; i++) {
        const char *cells[ARRAY_LEN(members)];

        for (size_t k = 0; k < ARRAY_LEN(members); k++)
            cells[k] = member_text(c->arena, &nodes->items[i], members[k]);
        table_add_cells(&t, cells, ARRAY_LEN(cells));
    }
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_members = {
    .name = "operator members",
    .usage = "vault operator members [options]",
    .synopsis = "Servers of the cluster",
    .about = "Lists the servers of the cluster.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = members_run,
};

/* ---- usage ------------------------------------------------------------------------------ */

static const char *start_time, *end_time;

static const struct flag usage_flags[] = {
    {"start-time", FLAG_STR, &start_time, NULL, "from when (RFC 3339)"},
    {"end-time", FLAG_STR, &end_time, NULL, "to when (RFC 3339)"},
};

static void add_counts(struct table *t, const char *name, const struct json *counts)
{
    table_add(t, name, member_text(t->arena, counts, "distinct_entities"),
              member_text(t->arena, counts, "non_entity_tokens"),
              member_text(t->arena, counts, "clients"), NULL);
}

static const char *usage_query(struct arena *a)
{
    const char *q = "";

    if (start_time)
        q = arena_printf(a, "start_time=%s", start_time);
    if (end_time)
        q = arena_printf(a, "%s%send_time=%s", q, *q ? "&" : "", end_time);
    return q;
}

static int usage_run(struct cli_call *c)
{
    struct table t = {.arena = c->arena, .glue = "   ", .empty = "0"};
    struct remote_request q = {.method = "GET",
                               .path = "sys/internal/counters/activity",
                               .query = usage_query(c->arena)};
    const struct json *data, *spaces;
    struct remote_reply r;
    int code;

    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error retrieving client counts");
    data = json_get(r.json, "data");
    if (!json_is(data, JSON_OBJECT))
        return cli_fail(CLI_EXIT_FAILED, "No data is available in the given time range.");
    if (print_formatted(c, data, &code))
        return code;
    printf("Period start: %s\nPeriod end: %s\n\n", member_text(c->arena, data, "start_time"),
           member_text(c->arena, data, "end_time"));
    table_add(&t, "Namespace path", "Distinct entities", "Non-Entity tokens", "Active clients",
              NULL);
    table_underline(&t);
    spaces = json_get(data, "by_namespace");
    for (uint32_t i = 0; json_is(spaces, JSON_ARRAY) && i < spaces->len; i++) {
        const char *path = member_text(c->arena, &spaces->items[i], "namespace_path");

        add_counts(&t, *path ? path : "[root]", json_get(&spaces->items[i], "counts"));
    }
    add_counts(&t, "Total", json_get(data, "total"));
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_usage = {
    .name = "operator usage",
    .usage = "vault operator usage [options]",
    .synopsis = "Numbers of clients",
    .about = "Shows how many clients the server had.",
    .flags = CLI_FLAGS(usage_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = usage_run,
};
