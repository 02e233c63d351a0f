/* vault operator raft ...: for servers that keep their data in Vault's own raft storage. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"

enum { SNAPSHOT_MODE = 0600 };

const struct cli_command cmd_operator_raft = {
    .name = "operator raft",
    .synopsis = "Raft storage",
    .about = "For a server whose storage is raft.",
};

/* ---- join ------------------------------------------------------------------------------- */

static struct {
    const char *ca_cert, *client_cert, *client_key;
    bool retry, non_voter;
} join;

static const struct flag join_flags[] = {
    {"leader-ca-cert", FLAG_STR, &join.ca_cert, NULL,
     "PEM to verify the leader with, or @file"},
    {"leader-client-cert", FLAG_STR, &join.client_cert, NULL, "our certificate, or @file"},
    {"leader-client-key", FLAG_STR, &join.client_key, NULL, "its key, or @file"},
    {"retry", FLAG_BOOL, &join.retry, NULL, "try again until it works"},
    {"non-voter", FLAG_BOOL, &join.non_voter, NULL, "join without a vote"},
};

static bool set_pem(struct cli_call *c, struct json *body, const char *key, const char *value)
{
    struct err e = ERR_INIT;
    struct str text;

    if (!value || value[0] != '@') {
        set_str(c->arena, body, key, value);
        return true;
    }
    if (input_file(c->arena, value + 1, &text, &e) < 0) {
        cli_fail(0, "Failed to parse %s: %s", key, e.msg);
        return false;
    }
    json_set(c->arena, body, str_of(key), json_of_str(text));
    return true;
}

static int join_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;
    int code;

    if (c->argc > 0)
        set_str(c->arena, body, "leader_api_addr", c->argv[0]);
    if (!set_pem(c, body, "leader_ca_cert", join.ca_cert) ||
        !set_pem(c, body, "leader_client_cert", join.client_cert) ||
        !set_pem(c, body, "leader_client_key", join.client_key))
        return CLI_EXIT_USAGE;
    set_bool(c->arena, body, "retry", join.retry);
    set_bool(c->arena, body, "non_voter", join.non_voter);
    if (remote_call(c, "POST", "sys/storage/raft/join", body, &r) < 0)
        return remote_failed(&r, "Error joining the node to the Raft cluster");
    if (print_formatted(c, r.json, &code))
        return code;
    body = json_new_object(c->arena);
    set_bool(c->arena, body, "Joined", json_bool_or(json_get(r.json, "joined"), false));
    secret_print_data(c, body);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_raft_join = {
    .name = "operator raft join",
    .usage = "vault operator raft join [options] <leader-api-addr>",
    .synopsis = "Become a member",
    .about = "Makes the server a member of the cluster of another.",
    .flags = CLI_FLAGS(join_flags),
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 1, "0-1"},
    .run = join_run,
};

/* ---- peers ------------------------------------------------------------------------------ */

static int list_peers_run(struct cli_call *c)
{
    struct table t = TABLE_VAULT(c->arena);
    const struct json *servers;
    struct vault_secret s;
    struct remote_reply r;
    int code;

    if (remote_call(c, "GET", "sys/storage/raft/configuration", NULL, &r) < 0 &&
        r.status != 404)
        return remote_failed(&r, "Error reading the raft cluster configuration");
    if (!secret_of(c, &r, &s))
        return cli_fail(CLI_EXIT_FAILED, "No raft cluster configuration found");
    if (print_formatted(c, secret_tree(c->arena, &s), &code))
        return code;
    servers = json_path(s.data, "config.servers");
    table_add(&t, "Node", "Address", "State", "Voter", NULL);
    table_underline(&t);
    for (uint32_t i = 0; json_is(servers, JSON_ARRAY) && i < servers->len; i++) {
        const struct json *n = &servers->items[i];

        table_add(&t, member_text(c->arena, n, "node_id"), member_text(c->arena, n, "address"),
                  json_bool_or(json_get(n, "leader"), false) ? "leader" : "follower",
                  member_text(c->arena, n, "voter"), NULL);
    }
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_raft_list_peers = {
    .name = "operator raft list-peers",
    .usage = "vault operator raft list-peers [options]",
    .synopsis = "Show the members",
    .about = "Lists the members of the cluster.",
    .sets = SET_HTTP | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = list_peers_run,
};

static int remove_peer_run(struct cli_call *c)
{
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;

    set_str(c->arena, body, "server_id", c->argv[0]);
    if (remote_call(c, "POST", "sys/storage/raft/remove-peer", body, &r) < 0)
        return remote_failed(&r, "Error removing the peer from raft cluster");
    puts("Peer removed successfully!");
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_raft_remove_peer = {
    .name = "operator raft remove-peer",
    .usage = "vault operator raft remove-peer [options] <server_id>",
    .synopsis = "Take a member out",
    .about = "Takes a server out of the cluster.",
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .run = remove_peer_run,
};

/* ---- snapshots -------------------------------------------------------------------------- */

const struct cli_command cmd_operator_raft_snapshot = {
    .name = "operator raft snapshot",
    .synopsis = "Backups",
    .about = "Backups of the whole store.",
};

static bool write_piece(void *arg, struct str data)
{
    return fd_write_all(*(int *)arg, data, NULL) == 0;
}

/* Written beside its place, and put there when it is whole. */
static int save_run(struct cli_call *c)
{
    const char *part = arena_printf(c->arena, "%s.part", c->argv[0]);
    auto_fd int fd =
        open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, SNAPSHOT_MODE);
    struct remote_request q = {.method = "GET",
                               .path = "sys/storage/raft/snapshot",
                               .on_data = write_piece,
                               .arg = &fd};
    struct remote_reply r;

    if (fd < 0)
        return cli_fail(CLI_EXIT_FAILED, "Error creating snapshot file: open %s: %s", part,
                        strerrordesc_np(errno));
    if (remote_do(c, &q, &r) < 0) {
        unlink(part);
        return remote_failed(&r, "Error taking the snapshot");
    }
    if (fsync(fd) != 0 || rename(part, c->argv[0]) != 0) {
        unlink(part);
        return cli_fail(CLI_EXIT_FAILED, "Error writing the snapshot: %s",
                        strerrordesc_np(errno));
    }
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_raft_snapshot_save = {
    .name = "operator raft snapshot save",
    .usage = "vault operator raft snapshot save <snapshot_file>",
    .synopsis = "Write a backup",
    .about = "Writes a backup of the whole store to a file.",
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {cli_guess_files},
    .run = save_run,
};

static bool force;

static const struct flag restore_flags[] = {
    {"force", FLAG_BOOL, &force, NULL, "even if the snapshot is that of another cluster"},
};

static int restore_run(struct cli_call *c)
{
    struct remote_request q = {.method = "POST",
                               .path = force ? "sys/storage/raft/snapshot-force"
                                             : "sys/storage/raft/snapshot"};
    struct err e = ERR_INIT;
    struct remote_reply r;

    if (input_file(c->arena, c->argv[0], &q.raw, &e) < 0)
        return cli_fail(CLI_EXIT_FAILED, "Error reading the snapshot: %s", e.msg);
    if (remote_do(c, &q, &r) < 0)
        return remote_failed(&r, "Error installing the snapshot");
    return CLI_EXIT_OK;
}

const struct cli_command cmd_operator_raft_snapshot_restore = {
    .name = "operator raft snapshot restore",
    .usage = "vault operator raft snapshot restore [options] <snapshot_file>",
    .synopsis = "Replace the store by a backup",
    .about = "Replaces the whole store by a backup.",
    .flags = CLI_FLAGS(restore_flags),
    .sets = SET_HTTP,
    .args = {1, 1, "1"},
    .guess = {cli_guess_files},
    .run = restore_run,
};
