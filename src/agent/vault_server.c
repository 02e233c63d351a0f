/* vault server: flags, banner, life of the process. */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/vault_half.h"
#include "api/agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"

enum { BANNER_KEY_WIDTH = 24, BANNER_LINES_MAX = 32 };

struct server_flags {
    struct flag_list config;
    bool dev, dev_kv_v1, dev_leased_kv, dev_skip_init, dev_no_store_token, ignored;
    const char *dev_root_token_id, *dev_listen_address, *log_level, *log_format, *ignored_text;
    bool has_log_level;
};

static int parse_flags(struct server_flags *f, int argc, char **argv, struct err *e)
{
    const struct flag flags[] = {
        {"config", FLAG_LIST, &f->config, NULL,
         "configuration file or directory; may be repeated"},
        {"dev", FLAG_BOOL, &f->dev, NULL,
         "development server: in memory, unsealed, root token printed"},
        {"dev-root-token-id", FLAG_STR, &f->dev_root_token_id, NULL,
         "root token of the dev server"},
        {"dev-listen-address", FLAG_STR, &f->dev_listen_address, NULL,
         "its address, default 127.0.0.1:8200"},
        {"dev-no-store-token", FLAG_BOOL, &f->dev_no_store_token, NULL,
         "leave ~/.vault-token alone"},
        {"dev-kv-v1", FLAG_BOOL, &f->dev_kv_v1, NULL, "mount version 1 at secret/"},
        {"dev-leased-kv", FLAG_BOOL, &f->dev_leased_kv, NULL, "accepted"},
        {"dev-skip-init", FLAG_BOOL, &f->dev_skip_init, NULL, "leave it uninitialised"},
        {"dev-ha", FLAG_BOOL, &f->ignored, NULL, "accepted"},
        {"dev-transactional", FLAG_BOOL, &f->ignored, NULL, "accepted"},
        {"dev-auto-seal", FLAG_BOOL, &f->ignored, NULL, "accepted"},
        {"dev-three-node", FLAG_BOOL, &f->ignored, NULL, "accepted"},
        {"dev-latency", FLAG_STR, &f->ignored_text, NULL, "accepted"},
        {"dev-latency-jitter", FLAG_STR, &f->ignored_text, NULL, "accepted"},
        {"dev-plugin-dir", FLAG_STR, &f->ignored_text, NULL, "accepted"},
        {"log-level", FLAG_STR, &f->log_level, &f->has_log_level,
         "trace, debug, info, warn, error"},
        {"log-format", FLAG_STR, &f->log_format, NULL, "standard or json"},
        {"combine-logs", FLAG_BOOL, &f->ignored, NULL, "accepted"},
        {"exit-on-core-shutdown", FLAG_BOOL, &f->ignored, NULL, "accepted"},
    };

    argc--;
    argv++;
    return flags_parse(flags, ARRAY_LEN(flags), &argc, &argv, e);
}

static const char *or_env(const char *value, const char *name)
{
    const char *env = getenv(name);

    return value && *value ? value : env && *env ? env : NULL;
}

/* The dev server's configuration; files given beside -dev come on top. */
static void dev_config(struct arena *a, const struct server_flags *f, struct vault_config *c)
{
    struct vault_listener *l = list_add(a, &c->listeners);
    struct vault_storage *s;
    const char *address = or_env(f->dev_listen_address, "VAULT_DEV_LISTEN_ADDRESS");

    *l = (struct vault_listener){
        .type = "tcp", .address = address ? address : "127.0.0.1:8200", .tls_disable = true};
    c->storage.len = 0;
    s = list_add(a, &c->storage);
    *s = (struct vault_storage){.type = "inmem"};
    c->ui = c->disable_mlock = c->raw_storage_endpoint = true;
    if (!c->api_addr)
        c->api_addr = arena_printf(a, "http://%s", l->address);
}

static int set_logging(const struct server_flags *f, const struct vault_config *c,
                       struct err *e)
{
    const char *level = f->has_log_level ? f->log_level : c->log_level;
    const char *format = f->log_format ? f->log_format : c->log_format;
    enum log_level parsed;

    if (level && *level) {
        if (!log_level_parse(str_of(level), &parsed))
            return err_set(e, ERR_INVALID, "unknown log level: %s", level);
        log_set_level(parsed);
    }
    log_set_json(format && strcmp(format, "json") == 0);
    return 0;
}

/* ---- what it prints --------------------------------------------------------------------- */

struct banner {
    struct {
        const char *key, *value;
    } at[BANNER_LINES_MAX];
    size_t len;
};

static void banner_add(struct banner *b, const char *key, const char *value)
{
    if (b->len < BANNER_LINES_MAX)
        b->at[b->len++] = (__typeof__(b->at[0])){key, value};
}

static const char *describe_listener(struct arena *a, const struct vault_listener *l,
                                     const char *url)
{
    const char *address = l->address ? l->address : "127.0.0.1:8200";

    if (strcmp(l->type, "unix") == 0)
        return arena_printf(a, "unix (addr: \"%s\")", address);
    if (str_ends(str_of(address), STR(":0")) && url)
        address = strstr(url, "://") + 3;
    return arena_printf(a,
                        "tcp (addr: \"%s\", max_request_duration: \"1m30s\", max_request_size: "
                        "\"33554432\", tls: \"%s\")",
                        address, l->tls_disable ? "disabled" : "enabled");
}

static void print_banner(struct arena *a, const struct vault_config *c,
                         const struct vault_half *h)
{
    struct banner b = {0};

    if (c->api_addr)
        banner_add(&b, "Api Address", c->api_addr);
    if (c->cluster_addr)
        banner_add(&b, "Cluster Address", c->cluster_addr);
    for (size_t i = 0; i < c->listeners.len; i++)
        banner_add(&b, arena_printf(a, "Listener %zu", i + 1),
                   describe_listener(a, &c->listeners.at[i], vault_half_address(h)));
    banner_add(&b, "Log Level", c->log_level && *c->log_level ? c->log_level : "info");
    banner_add(&b, "Mlock",
               c->disable_mlock ? "supported: true, enabled: false"
                                : "supported: true, enabled: true");
    banner_add(&b, "Recovery Mode", "false");
    banner_add(&b, "Storage", c->storage.at[0].type);
    banner_add(&b, "Version", "Vault v1.14.9 (serai " SERAI_VERSION ")");
    printf("==> Vault server configuration:\n\n");
    for (size_t i = 0; i < b.len; i++)
        printf("%*s: %s\n", BANNER_KEY_WIDTH, b.at[i].key, b.at[i].value);
    printf("\n");
}

static void print_dev(const struct vault_half *h)
{
    printf("WARNING! dev mode is enabled! In this mode, Vault runs entirely in-memory\n"
           "and starts unsealed with a single unseal key. The root token is already\n"
           "authenticated to the CLI, so you can immediately begin using Vault.\n"
           "\n"
           "You may need to set the following environment variables:\n"
           "\n"
           "    $ export VAULT_ADDR='%s'\n"
           "\n"
           "The unseal key and root token are displayed below in case you want to\n"
           "seal/unseal the Vault or re-authenticate.\n"
           "\n"
           "Unseal Key: %s\n"
           "Root Token: %s\n"
           "\n"
           "Development mode should NOT be used in production installations!\n"
           "\n",
           vault_half_address(h), vault_half_unseal_key(h), vault_half_root_token(h));
}

/* So that the command line is logged in at once. */
static void store_token(const char *token)
{
    const char *home = getenv("HOME");
    struct passwd *pw = home && *home ? NULL : getpwuid(getuid());
    struct err e = ERR_INIT;

    if (pw)
        home = pw->pw_dir;
    if (!home || !*home)
        return;
    auto_fd int dir = path_open_dir(home, &e);
    if (dir < 0 || path_write_atomic(dir, ".vault-token", str_of(token), 0600, &e) < 0)
        log_warn("core", "the root token is not stored in ~/.vault-token: %s", e.msg);
}

/* ---- life ------------------------------------------------------------------------------- */

static void reload(void *arg)
{
    printf("==> Vault reload triggered\n");
    fflush(stdout);
    vault_half_reload(*(struct vault_half **)arg);
}

static int serve(struct arena *a, const struct server_flags *f, struct vault_config *c,
                 struct err *e)
{
    struct vault_dev dev = {.root_token_id =
                                or_env(f->dev_root_token_id, "VAULT_DEV_ROOT_TOKEN_ID"),
                            .kv_v1 = f->dev_kv_v1,
                            .leased_kv = f->dev_leased_kv,
                            .skip_init = f->dev_skip_init};
    struct vault_half_opts o = {.config = c, .dev = f->dev ? &dev : NULL};
    struct vault_half *h = NULL;
    struct agent_opts agent = {
        .name = "vault", .pid_file = c->pid_file, .reload = reload, .arg = &h};
    int r = agent_init(&agent, e);

    if (r < 0)
        return r;
    secret_require_lock(!c->disable_mlock && !f->dev);
    r = vault_half_start(&o, &h, e);
    if (r < 0)
        return r;
    print_banner(a, c, h);
    if (f->dev && vault_half_root_token(h)) {
        print_dev(h);
        if (!f->dev_no_store_token)
            store_token(vault_half_root_token(h));
    }
    printf("==> Vault server started! Log data will stream in below:\n\n");
    fflush(stdout);
    agent_run();
    printf("==> Vault shutdown triggered\n");
    fflush(stdout);
    vault_half_stop(h);
    return 0;
}

int vault_server_main(int argc, char **argv)
{
    auto_arena struct arena *a = arena_new(0);
    struct server_flags f = {0};
    struct vault_config c = {0};
    struct err e = ERR_INIT;
    int r = parse_flags(&f, argc, argv, &e);

    if (r == 0 && !f.dev && f.config.len == 0)
        r = err_set(&e, ERR_INVALID, "Must specify at least one config path using -config");
    if (r == 0)
        r = vault_config_load(a, &f.config, &c, &e);
    if (r == 0 && f.dev)
        dev_config(a, &f, &c);
    if (r == 0)
        r = vault_config_check(&c, &e);
    if (r == 0)
        r = set_logging(&f, &c, &e);
    if (r == 0)
        r = serve(a, &f, &c, &e);
    flag_list_done(&f.config);
    if (r < 0)
        printf("%s\n", e.msg);
    return r < 0 ? 1 : 0;
}
