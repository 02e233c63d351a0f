/* nomad agent: flags, banner, life of the process. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/nomad_agent.h"
#include "agent/nomad_half.h"
#include "api/agent.h"
#include "base/err.h"
#include "base/log.h"

enum { BANNER_KEY_WIDTH = 22 };

struct nomad_flags {
    struct flag_list config, meta, servers, join, retry_join;
    bool dev, dev_connect, server, client, log_json, ignored, vault_enabled,
        vault_allow_unauthenticated, vault_tls_skip_verify;
    bool has_vault_enabled, has_vault_allow, has_vault_skip;
    const char *bind, *data_dir, *state_dir, *alloc_dir, *dc, *region, *node, *log_level,
        *node_class, *node_pool, *network_interface, *vault_address, *vault_token,
        *vault_namespace, *vault_create_from_role, *vault_ca_file, *vault_ca_path,
        *vault_cert_file, *vault_key_file, *vault_tls_server_name, *ignored_text;
    int64_t bootstrap_expect, ignored_number;
};

static int parse_flags(struct nomad_flags *f, int argc, char **argv, struct err *e)
{
    const struct flag flags[] = {
        {"config", FLAG_LIST, &f->config, NULL,
         "configuration file or directory; may be repeated"},
        {"dev", FLAG_BOOL, &f->dev, NULL, "server and client in one, nothing kept"},
        {"dev-connect", FLAG_BOOL, &f->dev_connect, NULL, "as -dev"},
        {"server", FLAG_BOOL, &f->server, NULL, "run a server"},
        {"client", FLAG_BOOL, &f->client, NULL, "run a client"},
        {"bootstrap-expect", FLAG_INT, &f->bootstrap_expect, NULL, "accepted"},
        {"bind", FLAG_STR, &f->bind, NULL, "address of the listeners"},
        {"data-dir", FLAG_STR, &f->data_dir, NULL, "where state is kept"},
        {"state-dir", FLAG_STR, &f->state_dir, NULL, "the client's state"},
        {"alloc-dir", FLAG_STR, &f->alloc_dir, NULL, "allocations' directories"},
        {"dc", FLAG_STR, &f->dc, NULL, "datacenter"},
        {"region", FLAG_STR, &f->region, NULL, "region"},
        {"node", FLAG_STR, &f->node, NULL, "name of this agent"},
        {"log-level", FLAG_STR, &f->log_level, NULL, "TRACE, DEBUG, INFO, WARN, ERROR"},
        {"log-json", FLAG_BOOL, &f->log_json, NULL, "log as JSON"},
        {"node-class", FLAG_STR, &f->node_class, NULL, "node class"},
        {"node-pool", FLAG_STR, &f->node_pool, NULL, "node pool"},
        {"servers", FLAG_LIST, &f->servers, NULL, "servers, comma-separated"},
        {"meta", FLAG_LIST, &f->meta, NULL, "key=value of the node"},
        {"network-interface", FLAG_STR, &f->network_interface, NULL,
         "interface whose address tasks get"},
        {"join", FLAG_LIST, &f->join, NULL, "accepted"},
        {"retry-join", FLAG_LIST, &f->retry_join, NULL, "servers, for a client"},
        {"retry-max", FLAG_INT, &f->ignored_number, NULL, "accepted"},
        {"retry-interval", FLAG_STR, &f->ignored_text, NULL, "accepted"},
        {"rejoin", FLAG_BOOL, &f->ignored, NULL, "accepted"},
        {"raft-protocol", FLAG_INT, &f->ignored_number, NULL, "accepted"},
        {"encrypt", FLAG_STR, &f->ignored_text, NULL, "accepted"},
        {"plugin-dir", FLAG_STR, &f->ignored_text, NULL, "accepted"},
        {"alloc-mounts-dir", FLAG_STR, &f->ignored_text, NULL, "accepted"},
        {"network-speed", FLAG_INT, &f->ignored_number, NULL, "accepted"},
        {"log-include-location", FLAG_BOOL, &f->ignored, NULL, "accepted"},
        {"vault-enabled", FLAG_BOOL, &f->vault_enabled, &f->has_vault_enabled, "use a Vault"},
        {"vault-allow-unauthenticated", FLAG_BOOL, &f->vault_allow_unauthenticated,
         &f->has_vault_allow, "jobs need no Vault token of their submitter"},
        {"vault-address", FLAG_STR, &f->vault_address, NULL, "its address"},
        {"vault-token", FLAG_STR, &f->vault_token, NULL, "the server's token"},
        {"vault-namespace", FLAG_STR, &f->vault_namespace, NULL, "its namespace"},
        {"vault-create-from-role", FLAG_STR, &f->vault_create_from_role, NULL,
         "token role for tasks' tokens"},
        {"vault-ca-file", FLAG_STR, &f->vault_ca_file, NULL, "CA certificate"},
        {"vault-ca-path", FLAG_STR, &f->vault_ca_path, NULL, "directory of CA certificates"},
        {"vault-cert-file", FLAG_STR, &f->vault_cert_file, NULL, "client certificate"},
        {"vault-key-file", FLAG_STR, &f->vault_key_file, NULL, "its key"},
        {"vault-tls-skip-verify", FLAG_BOOL, &f->vault_tls_skip_verify, &f->has_vault_skip,
         "do not verify"},
        {"vault-tls-server-name", FLAG_STR, &f->vault_tls_server_name, NULL,
         "name in its certificate"},
    };

    argc--;
    argv++;
    return flags_parse(flags, ARRAY_LEN(flags), &argc, &argv, e);
}

/* ---- flags over files -------------------------------------------------------------------- */

static bool *boxed(struct arena *a, bool v)
{
    bool *b = arena_alloc(a, sizeof *b);

    *b = v;
    return b;
}

static void set(const char **to, const char *flag)
{
    if (flag && *flag)
        *to = flag;
}

static void apply_vault(struct arena *a, const struct nomad_flags *f, struct nomad_config *c)
{
    struct nomad_vault_config *v;

    if (c->vaults.len == 0)
        (void)list_add(a, &c->vaults);
    v = &c->vaults.at[0];
    if (f->has_vault_enabled)
        v->enabled = boxed(a, f->vault_enabled);
    if (f->has_vault_allow)
        v->allow_unauthenticated = boxed(a, f->vault_allow_unauthenticated);
    if (f->has_vault_skip)
        v->tls_skip_verify = boxed(a, f->vault_tls_skip_verify);
    set(&v->address, f->vault_address);
    set(&v->token, f->vault_token);
    set(&v->namespace, f->vault_namespace);
    set(&v->create_from_role, f->vault_create_from_role);
    set(&v->ca_file, f->vault_ca_file);
    set(&v->ca_path, f->vault_ca_path);
    set(&v->cert_file, f->vault_cert_file);
    set(&v->key_file, f->vault_key_file);
    set(&v->tls_server_name, f->vault_tls_server_name);
}

static void add_servers(struct arena *a, const struct flag_list *from, struct strlist *to)
{
    for (size_t i = 0; i < from->len; i++) {
        struct str rest = str_of(from->at[i]), one;

        while (str_split(&rest, ',', &one))
            if (one.len)
                list_push(a, to, arena_cstr(a, str_trim(one)));
    }
}

static int apply_meta(struct arena *a, const struct nomad_flags *f, struct nomad_config *c,
                      struct err *e)
{
    for (size_t i = 0; i < f->meta.len; i++) {
        struct str value = str_of(f->meta.at[i]), key;

        if (!str_split(&value, '=', &key) || !value.p || key.len == 0)
            return err_set(e, ERR_INVALID, "Error parsing Client.Meta value: %s",
                           f->meta.at[i]);
        strmap_set(a, &c->client.meta, arena_cstr(a, key), arena_cstr(a, value));
    }
    return 0;
}

static int apply_flags(struct arena *a, const struct nomad_flags *f, struct nomad_config *c,
                       struct err *e)
{
    if (f->server)
        c->server.enabled = boxed(a, true);
    if (f->client)
        c->client.enabled = boxed(a, true);
    c->log_json = c->log_json || f->log_json;
    set(&c->bind_addr, f->bind);
    set(&c->data_dir, f->data_dir);
    set(&c->client.state_dir, f->state_dir);
    set(&c->client.alloc_dir, f->alloc_dir);
    set(&c->datacenter, f->dc);
    set(&c->region, f->region);
    set(&c->name, f->node);
    set(&c->log_level, f->log_level);
    set(&c->client.node_class, f->node_class);
    set(&c->client.node_pool, f->node_pool);
    set(&c->client.network_interface, f->network_interface);
    if (f->bootstrap_expect)
        c->server.bootstrap_expect = f->bootstrap_expect;
    add_servers(a, &f->servers, &c->client.servers);
    add_servers(a, &f->retry_join, &c->client.server_join.retry_join);
    apply_vault(a, f, c);
    return apply_meta(a, f, c, e);
}

/* ---- what it prints -----------------------------------------------------------------------
 */

static void line(const char *key, const char *value)
{
    printf("%*s: %s\n", BANNER_KEY_WIDTH, key, value);
}

void nomad_agent_banner(struct arena *a, const struct nomad_config *c,
                        const struct nomad_half *h)
{
    bool server = nomad_config_on(c->server.enabled),
         client = nomad_config_on(c->client.enabled);

    printf("==> Nomad agent configuration:\n\n");
    line("Advertise Addrs",
         arena_printf(a, "HTTP: %s%s%s%s%s", c->advertise.http, server ? "; RPC: " : "",
                      server ? c->advertise.rpc : "", server ? "; Serf: " : "",
                      server ? c->advertise.serf : ""));
    line("Bind Addrs",
         arena_printf(a, "HTTP: [%s:%lld]%s", c->addresses.http, (long long)c->ports.http,
                      server ? arena_printf(a, "; RPC: %s:%lld; Serf: %s:%lld",
                                            c->addresses.rpc, (long long)c->ports.rpc,
                                            c->addresses.serf, (long long)c->ports.serf)
                             : ""));
    line("Client", client ? "true" : "false");
    line("Log Level", c->log_level);
    if (nomad_half_node_id(h))
        line("Node Id", nomad_half_node_id(h));
    line("Region", arena_printf(a, "%s (DC: %s)", c->region, c->datacenter));
    line("Server", server ? "true" : "false");
    line("Version", "1.9.7 (serai " SERAI_VERSION ")");
    printf("\n");
}

static void print_loaded(struct arena *a, const struct nomad_config *c)
{
    auto_buf struct buf b = BUF_INIT(64 << 10);

    (void)a;
    for (size_t i = 0; i < c->files.len; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", c->files.at[i]);
    if (c->files.len)
        printf("==> Loaded configuration from %.*s\n", STR_ARG(buf_str(&b)));
    else
        printf("==> No configuration files loaded\n");
    if (!c->dev && !c->tls.http)
        printf("==> WARNING: mTLS is not configured - Nomad is not secure without mTLS!\n");
    printf("==> Starting Nomad agent...\n");
    fflush(stdout);
}

/* ---- life ----------------------------------------------------------------------------------
 */

static void reload(void *arg)
{
    struct nomad_half *h = *(struct nomad_half **)arg;

    printf("==> Caught signal: hangup\n==> Reloading configuration...\n");
    fflush(stdout);
    if (h)
        nomad_half_reload(h);
}

int nomad_agent_logging(const struct nomad_config *c, struct err *e)
{
    enum log_level level;

    if (!log_level_parse(str_of(c->log_level), &level))
        return err_set(e, ERR_INVALID, "Invalid log level: %s", c->log_level);
    log_set_level(level);
    log_set_json(c->log_json);
    return 0;
}

/* A snapshot was staged: the store takes it over when it is opened. */
static void restart(struct nomad_half **h)
{
    printf("==> Starting again with the restored state\n");
    fflush(stdout);
    nomad_half_stop(TAKE_PTR(*h), false);
}

static int serve(struct arena *a, struct nomad_config *c, struct err *e)
{
    struct nomad_half_opts o = {.config = c};
    struct nomad_half *h = NULL;
    struct agent_opts agent = {
        .name = "nomad", .pid_file = c->pid_file, .reload = reload, .arg = &h};
    bool leaving;
    int r = agent_init(&agent, e), sig;

    if (r == 0)
        r = nomad_agent_logging(c, e);
    if (r < 0)
        return r;
    print_loaded(a, c);
    do {
        r = nomad_half_start(&o, &h, e);
        if (r < 0)
            return r;
        nomad_agent_banner(a, c, h);
        printf("==> Nomad agent started! Log data will stream in below:\n\n");
        fflush(stdout);
        sig = agent_run();
        if (sig == 0)
            restart(&h);
    } while (sig == 0);
    printf("==> Caught signal: %s\n", sig == SIGINT ? "interrupt" : "terminated");
    leaving = sig == SIGINT ? c->leave_on_interrupt : c->leave_on_terminate;
    if (leaving)
        printf("==> Gracefully shutting down agent...\n");
    fflush(stdout);
    nomad_half_stop(h, leaving);
    return leaving ? 0 : 1; /* a stop that is no leave ends with 1, as scripts know it */
}

static void flags_done(struct nomad_flags *f)
{
    flag_list_done(&f->config);
    flag_list_done(&f->meta);
    flag_list_done(&f->servers);
    flag_list_done(&f->join);
    flag_list_done(&f->retry_join);
}

int nomad_agent_main(int argc, char **argv)
{
    auto_arena struct arena *a = arena_new(0);
    struct nomad_flags f = {0};
    struct nomad_config c;
    struct err e = ERR_INIT;
    int r = parse_flags(&f, argc, argv, &e);

    arena_set_wipe(a);
    if (r == 0) {
        nomad_config_defaults(a, &c, f.dev || f.dev_connect);
        r = nomad_config_load(a, &f.config, &c, &e);
    }
    if (r == 0 && c.vault_servers.len)
        r = err_set(
            &e, ERR_INVALID,
            "a vault_server block is for `serai agent`, which runs both in one process; "
            "here `vault { address = ... }` names a vault");
    if (r == 0)
        r = apply_flags(a, &f, &c, &e);
    if (r == 0)
        r = nomad_config_finish(a, &c, &e);
    if (r == 0)
        r = serve(a, &c, &e);
    flags_done(&f);
    if (r < 0)
        printf("==> %s\n", e.msg);
    return r < 0 ? 1 : r;
}
