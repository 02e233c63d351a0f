/*
 * serai agent: vault and nomad in one process, on one store, with the glue built in
 *
 * Configuration is both programs' own: -config files are a nomad agent's, whose `vault_server`
 * block holds what a vault server's file would; -vault-config files are a vault server's and
 * win over the block. With neither the vault listens on 127.0.0.1:8200 and keeps everything
 * below data_dir.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/nomad_agent.h"
#include "agent/nomad_half.h"
#include "agent/vault_half.h"
#include "api/agent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "glue/builtin.h"

struct serai_flags {
    struct flag_list config, vault_config;
    bool dev;
    const char *root_token_id, *data_dir;
};

struct halves {
    struct vault_half *vault;
    struct nomad_half *nomad;
};

static int parse_flags(struct serai_flags *f, int argc, char **argv, struct err *e)
{
    const struct flag flags[] = {
        {"config", FLAG_LIST, &f->config, NULL, "nomad agent configuration; may be repeated"},
        {"vault-config", FLAG_LIST, &f->vault_config, NULL,
         "vault server configuration; may be repeated"},
        {"dev", FLAG_BOOL, &f->dev, NULL,
         "everything in memory, vault unsealed, root token printed"},
        {"dev-root-token-id", FLAG_STR, &f->root_token_id, NULL, "root token of the dev vault"},
        {"data-dir", FLAG_STR, &f->data_dir, NULL, "where everything is kept"},
    };

    argc--;
    argv++;
    return flags_parse(flags, ARRAY_LEN(flags), &argc, &argv, e);
}

/* What the vault's files leave open. */
static void vault_defaults(struct arena *a, const struct nomad_config *n,
                           struct vault_config *v)
{
    if (v->listeners.len == 0)
        *(struct vault_listener *)list_add(a, &v->listeners) = (struct vault_listener){
            .type = "tcp", .address = "127.0.0.1:8200", .tls_disable = true};
    if (n->dev) {
        v->storage.len = 0;
        *(struct vault_storage *)list_add(a, &v->storage) =
            (struct vault_storage){.type = "inmem"};
    } else if (v->storage.len == 0) {
        *(struct vault_storage *)list_add(a, &v->storage) =
            (struct vault_storage){.type = "file", .path = path_join(a, n->data_dir, "serai")};
    }
    if (n->dev)
        v->disable_mlock = v->ui = true;
}

static int load(struct arena *a, const struct serai_flags *f, struct nomad_config *n,
                struct vault_config *v, struct err *e)
{
    int r;

    nomad_config_defaults(a, n, f->dev);
    r = nomad_config_load(a, &f->config, n, e);
    if (r == 0)
        list_each (&n->vault_servers, it)
            vault_config_merge(a, v, it);
    if (r == 0)
        r = vault_config_load(a, &f->vault_config, v, e);
    if (r < 0)
        return r;
    if (f->data_dir)
        n->data_dir = f->data_dir;
    if (f->config.len == 0 && !f->dev) { /* one machine that does both */
        n->server.enabled = n->client.enabled = arena_new_of(a, bool);
        *n->server.enabled = true;
        n->bind_addr = "127.0.0.1";
        n->advertise = (struct nomad_addresses){"127.0.0.1", "127.0.0.1", "127.0.0.1"};
    }
    n->vaults.len = 0; /* the vault is this program */
    r = nomad_config_finish(a, n, e);
    if (r < 0)
        return r;
    vault_defaults(a, n, v);
    return vault_config_check(v, e);
}

static void print_ready(struct arena *a, const struct nomad_config *n, const struct halves *h)
{
    nomad_agent_banner(a, n, h->nomad);
    printf("         Vault Address: %s\n\n", vault_half_address(h->vault));
    if (vault_half_root_token(h->vault))
        printf("    $ export VAULT_ADDR='%s'\n"
               "    $ export NOMAD_ADDR='http://%s'\n"
               "\n"
               "Unseal Key: %s\n"
               "Root Token: %s\n\n",
               vault_half_address(h->vault), n->advertise.http, vault_half_unseal_key(h->vault),
               vault_half_root_token(h->vault));
    printf("==> Serai agent started! Log data will stream in below:\n\n");
    fflush(stdout);
}

static void reload(void *arg)
{
    struct halves *h = arg;

    if (h->vault)
        vault_half_reload(h->vault);
    if (h->nomad)
        nomad_half_reload(h->nomad);
}

static int start(const struct serai_flags *f, const struct nomad_config *n,
                 const struct vault_config *v, struct halves *h,
                 struct task_secrets **ret_secrets, struct err *e)
{
    struct vault_dev dev = {.root_token_id = f->root_token_id};
    struct vault_half_opts vo = {.config = v, .dev = f->dev ? &dev : NULL};
    struct nomad_half_opts no = {.config = n};
    int r = vault_half_start(&vo, &h->vault, e);

    if (r < 0)
        return r;
    *ret_secrets =
        builtin_secrets_new(vault_half_vault(h->vault), vault_half_address(h->vault));
    no.store = vault_half_store(h->vault);
    no.api = vault_half_api(h->vault);
    no.secrets = *ret_secrets;
    no.vault_address = vault_half_address(h->vault);
    return nomad_half_start(&no, &h->nomad, e);
}

static void stop(struct halves *h, struct task_secrets **secrets, bool leaving)
{
    nomad_half_stop(TAKE_PTR(h->nomad), leaving);
    if (*secrets)
        (*secrets)->free((*secrets)->ctx);
    *secrets = NULL;
    vault_half_stop(TAKE_PTR(h->vault));
}

static int serve(struct arena *a, const struct serai_flags *f, struct nomad_config *n,
                 struct vault_config *v, struct err *e)
{
    struct halves h = {0};
    struct agent_opts agent = {.name = "serai", .reload = reload, .arg = &h};
    struct task_secrets *secrets = NULL;
    bool leaving = false;
    int r = agent_init(&agent, e), sig = 0;

    if (r == 0)
        r = nomad_agent_logging(n, e);
    if (r < 0)
        return r;
    secret_require_lock(!v->disable_mlock);
    do {
        r = start(f, n, v, &h, &secrets, e);
        if (r == 0) {
            print_ready(a, n, &h);
            sig = agent_run();
            leaving = sig == SIGINT ? n->leave_on_interrupt : sig && n->leave_on_terminate;
            printf(sig ? "==> Serai shutdown triggered\n"
                       : "==> Starting again with the restored state\n");
            fflush(stdout);
        }
        stop(&h, &secrets, leaving);
    } while (r == 0 && sig == 0);
    return r;
}

int serai_agent_main(int argc, char **argv)
{
    auto_arena struct arena *a = arena_new(0);
    struct serai_flags f = {0};
    struct nomad_config n;
    struct vault_config v = {0};
    struct err e = ERR_INIT;
    int r = parse_flags(&f, argc, argv, &e);

    if (r == 0)
        r = load(a, &f, &n, &v, &e);
    if (r == 0)
        r = serve(a, &f, &n, &v, &e);
    flag_list_done(&f.config);
    flag_list_done(&f.vault_config);
    if (r < 0)
        printf("==> %s\n", e.msg);
    return r < 0 ? 1 : 0;
}
