/* The vault hook: tokens come, are renewed, are replaced; an outage touches nothing. */
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "client_t.h"
#include "http/server.h"

/* ---- a vault that knows renew-self and seal-status -------------------------------------- */

struct fake_vault {
    struct http_server *http;
    char address[64];
    atomic_uint renewals;
    atomic_int status; /* of renew-self */
    atomic_int ttl_s;
};

static void vault_handle(struct http_exchange *x, void *arg)
{
    struct fake_vault *v = arg;
    struct http_reply r = {.status = 200, .content_type = "application/json"};

    if (str_eqc(http_path(x), "/v1/sys/seal-status")) {
        r.body = STR("{\"sealed\":true,\"version\":\"1.14.9\",\"cluster_name\":\"vc\"}");
    } else if (str_eqc(http_path(x), "/v1/auth/token/renew-self")) {
        atomic_fetch_add(&v->renewals, 1);
        r.status = atomic_load(&v->status);
        r.body = r.status == 200
                     ? str_of(arena_printf(http_arena(x), "{\"auth\":{\"lease_duration\":%d}}",
                                           atomic_load(&v->ttl_s)))
                     : STR("{\"errors\":[\"permission denied\"]}");
    } else {
        r.status = 404;
    }
    http_reply(x, &r);
}

static void vault_start(struct fake_vault *v)
{
    struct http_server_opts o = {.workers = 1, .handle = vault_handle, .arg = v};
    struct http_listener_opts l = {.address = "127.0.0.1"};
    struct err e = ERR_INIT;
    uint16_t port;

    *v = (struct fake_vault){.http = NULL};
    atomic_init(&v->status, 200);
    atomic_init(&v->ttl_s, 2);
    atomic_init(&v->renewals, 0);
    T_OK(http_server_new(&o, &v->http, &e), &e);
    T_OK(http_server_listen(v->http, &l, &port, &e), &e);
    snprintf(v->address, sizeof v->address, "http://127.0.0.1:%u", port);
}

static void vault_stop(struct fake_vault *v)
{
    http_server_free(v->http);
}

/* ---- tokens ----------------------------------------------------------------------------- */

#define SHOW                                             \
    "echo $VAULT_TOKEN > $NOMAD_ALLOC_DIR/data/env; "    \
    "trap 'echo hup >> $NOMAD_ALLOC_DIR/data/hup' HUP; " \
    "echo up >> $NOMAD_ALLOC_DIR/data/up; while true; do sleep 0.05; done"
#define VAULT(more) "\"Vault\":{\"Policies\":[\"p\"]" more "}"

TEST(a_token_reaches_its_task_by_file_and_environment)
{
    static const struct {
        const char *label, *vault, *env;
        bool file;
    } rows[] = {
        {"usual", VAULT(""), "hvs.CANARY-1\n", true},
        {"env = false", VAULT(",\"Env\":false"), "\n", true},
        {"disable_file", VAULT(",\"DisableFile\":true"), "hvs.CANARY-1\n", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        struct stat st;

        T_ROW(rows[i].label);
        world_start(&w, NULL);
        world_run(&w, ID1, SHOW, rows[i].vault, NULL);
        world_wait(&w, ID1, "running");
        T_UNTIL(*world_file(&w, ID1, "alloc/data/up"));
        T_STR_EQ(world_file(&w, ID1, "alloc/data/env"), rows[i].env);
        T_STR_EQ(world_file(&w, ID1, "t/private/vault_token"), "hvs.CANARY-1");
        T_STR_EQ(world_file(&w, ID1, "t/secrets/vault_token"),
                 rows[i].file ? "hvs.CANARY-1" : "");
        T_INT_EQ(stat(world_path(&w, ID1, "t/private/vault_token"), &st), 0);
        T_INT_EQ(st.st_mode & 0777, 0600);
        if (rows[i].file) {
            T_INT_EQ(stat(world_path(&w, ID1, "t/secrets/vault_token"), &st), 0);
            T_INT_EQ(st.st_mode & 0777, 0644);
        }
        world_stop(&w);
    }
}

/* Does any file below `path`, those of the alloc's hidden directories aside, hold `word`? */
static bool grep(int at, const char *path, const char *word)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    bool found = false;

    for (struct dirent *d; dir && (d = readdir(dir));) {
        auto_buf struct buf b = BUF_INIT(1 << 20);

        if (d->d_name[0] == '.' || strcmp(d->d_name, "secrets") == 0 ||
            strcmp(d->d_name, "private") == 0)
            continue;
        if (d->d_type == DT_DIR)
            found = found || grep(fd, d->d_name, word);
        else if (d->d_type == DT_REG && path_read_file(fd, d->d_name, &b, NULL) == 0)
            found = found || memmem(b.p ? b.p : "", b.len, word, strlen(word));
    }
    if (dir)
        closedir(dir);
    return found;
}

TEST(no_token_lies_in_clear_in_what_the_client_keeps)
{
    struct world w;

    world_start(&w, NULL);
    world_run(&w, ID1, "exec sleep 900", VAULT(""), NULL);
    world_wait(&w, ID1, "running");
    world_end_client(&w);
    T_FALSE(grep(AT_FDCWD, w.dir, "CANARY"));
    T_TRUE(grep(AT_FDCWD, w.dir, "sleep") == false); /* the job neither: it is sealed whole */
    world_begin_client(&w);
    world_stop(&w);
}

TEST(a_vault_that_is_away_makes_the_task_wait_not_fail)
{
    struct world w;

    world_start(&w, NULL);
    w.server.derive_fails = 1;
    world_run(&w, ID1, SHOW, VAULT(""), NULL);
    T_UNTIL(world_has_event(&w, ID1, "t", TE_HOOK_MESSAGE));
    T_STR_EQ(world_alloc(&w, ID1)->client_status, "pending");
    T_STR_HAS(world_texts(&w, ID1, "t"), "Vault is sealed");
    world_wait(&w, ID1, "running");
    T_INT_EQ(w.server.derives, 2);
    world_stop(&w);
}

TEST(a_task_that_waits_for_its_token_can_be_stopped)
{
    struct world w;

    world_start(&w, NULL);
    w.server.derive_fails = 1000;
    world_run(&w, ID1, SHOW, VAULT(""), NULL);
    T_UNTIL(world_has_event(&w, ID1, "t", TE_HOOK_MESSAGE));
    world_desire(&w, ID1, ALLOC_STOP);
    world_wait(&w, ID1, "complete");
    world_stop(&w);
}

TEST(a_refused_token_fails_the_task_in_the_words_of_the_api)
{
    struct world w;

    world_start(&w, NULL);
    w.server.derive_error = "failed to create an alloc vault token: no";
    world_run(&w, ID1, SHOW, VAULT(""), NULL);
    world_wait(&w, ID1, "failed");
    T_STR_EQ(world_types(&w, ID1, "t"), "Received|Task Setup|Killing");
    T_STR_HAS(world_texts(&w, ID1, "t"),
              "|Vault: server failed to derive vault token: failed to "
              "create an alloc vault token: no");
    T_TRUE(world_task(&w, ID1, "t")->failed);
    world_stop(&w);
}

TEST(a_token_is_renewed_at_once_and_then_between_half_and_two_thirds_of_its_time)
{
    struct fake_vault v;
    struct world w;
    int64_t began;

    vault_start(&v);
    world_start(&w, NULL);
    w.server.vault_address = v.address;
    w.server.token_ttl_s = 2;
    world_run(&w, ID1, SHOW, VAULT(""), NULL);
    T_UNTIL(atomic_load(&v.renewals) >= 1);
    began = clock_mono_ms();
    T_UNTIL(atomic_load(&v.renewals) >= 2);
    T_TRUE(clock_mono_ms() - began >= 800); /* not all the time */
    T_UNTIL(*world_file(&w, ID1, "alloc/data/up"));
    T_INT_EQ(w.server.derives, 1);
    T_STR_EQ(world_types(&w, ID1, "t"), "Received|Task Setup|Started");
    T_STR_EQ(world_file(&w, ID1, "alloc/data/up"), "up\n");
    world_stop(&w);
    vault_stop(&v);
}

TEST(renewal_follows_the_token_through_a_restart_of_the_agent)
{
    struct fake_vault v;
    struct world w;

    vault_start(&v);
    world_start(&w, NULL);
    w.server.vault_address = v.address;
    w.server.token_ttl_s = 2;
    world_run(&w, ID1, SHOW, VAULT(""), NULL);
    world_wait(&w, ID1, "running");
    world_end_client(&w);
    world_begin_client(&w);
    T_UNTIL(atomic_load(&v.renewals) >= 1);
    T_INT_EQ(w.server.derives, 1);
    world_stop(&w);
    vault_stop(&v);
}

TEST(a_vault_that_is_down_for_longer_than_the_ttl_leaves_the_task_alone)
{
    struct fake_vault v;
    struct world w;

    vault_start(&v);
    atomic_store(&v.status, 503);
    world_start(&w, NULL);
    w.server.vault_address = v.address;
    w.server.token_ttl_s = 1;
    world_run(&w, ID1, SHOW, VAULT(""), NULL);
    world_wait(&w, ID1, "running");
    T_UNTIL(atomic_load(&v.renewals) >= 2);
    T_INT_EQ(w.server.derives, 1);
    T_STR_EQ(world_types(&w, ID1, "t"), "Received|Task Setup|Started");
    atomic_store(&v.status, 200);
    T_UNTIL(atomic_load(&v.renewals) >= 4);
    T_STR_EQ(world_file(&w, ID1, "alloc/data/up"), "up\n");
    T_INT_EQ(w.server.derives, 1);
    world_stop(&w);
    vault_stop(&v);
}

TEST(a_token_that_is_lost_is_replaced_as_change_mode_says)
{
    static const struct {
        const char *label, *vault, *types, *done, *want;
    } rows[] = {
        {"restart", VAULT(",\"ChangeMode\":\"restart\""),
         "Received|Task Setup|Started|Restart Signaled|Terminated|Restarting|Started",
         "alloc/data/up", "up\nup\n"},
        {"signal", VAULT(",\"ChangeMode\":\"signal\",\"ChangeSignal\":\"SIGHUP\""),
         "Received|Task Setup|Started|Signaling", "alloc/data/hup", "hup\n"},
        {"noop", VAULT(",\"ChangeMode\":\"noop\""), "Received|Task Setup|Started",
         "alloc/data/up", "up\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fake_vault v;
        struct world w;

        T_ROW(rows[i].label);
        vault_start(&v);
        atomic_store(&v.ttl_s, 1);
        world_start(&w, NULL);
        w.server.vault_address = v.address;
        w.server.token_ttl_s = 1;
        w.server.first_expires = true; /* the next one lasts */
        world_run(&w, ID1, SHOW, rows[i].vault, NULL);
        world_wait(&w, ID1, "running");
        T_UNTIL(*world_file(&w, ID1, "alloc/data/up")); /* its trap is set */
        atomic_store(&v.status, 403);
        T_UNTIL(strcmp(world_file(&w, ID1, "t/secrets/vault_token"), "hvs.CANARY-1") != 0);
        T_UNTIL(strcmp(world_file(&w, ID1, rows[i].done), rows[i].want) == 0);
        T_UNTIL(strcmp(world_types(&w, ID1, "t"), rows[i].types) == 0);
        if (i < 2)
            T_STR_HAS(world_texts(&w, ID1, "t"), "Vault: new Vault token acquired");
        world_stop(&w);
        vault_stop(&v);
    }
}

static char vault_address[64];

static void with_vault(struct nomad_client_opts *o)
{
    o->vault.enabled = true;
    o->vault.address = vault_address;
}

TEST(a_vault_is_seen_also_while_sealed_and_never_forgotten)
{
    struct fake_vault v;
    struct world w;
    const struct node *n;

    vault_start(&v);
    snprintf(vault_address, sizeof vault_address, "%s", v.address);
    world_start(&w, with_vault);
    T_UNTIL(strmap_get(&nomad_client_node(w.client, w.arena)->attributes, "vault.version"));
    n = nomad_client_node(w.client, w.arena);
    T_STR_EQ(strmap_get(&n->attributes, "vault.version"), "1.14.9");
    T_STR_EQ(strmap_get(&n->attributes, "vault.accessible"), "true");
    T_UNTIL(w.server.registers >= 2 || w.server.registers == 1);
    vault_stop(&v);
    world_end_client(&w);
    world_begin_client(&w);
    T_ROW("a later agent knows it without asking");
    n = nomad_client_node(w.client, w.arena);
    T_STR_EQ(strmap_get(&n->attributes, "vault.version"), "1.14.9");
    world_stop(&w);
}
