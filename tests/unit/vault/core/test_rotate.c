/* The barrier's key: what it has sealed is counted over restarts, and it is changed in time. */
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../vault_t.h"
#include "vault/core/core_priv.h"
#include "vault/core/keyring.h"
#include "vault/core/lease_priv.h"

static void start(struct vault_t *v, const char *dir)
{
    vault_t_start_in(v, dir, NULL, 0);
    lease_loop_stop(v->vault); /* upkeep is called here, when the test wants it */
    v->vault->rotation_look_ms = 0;
}

static void upkeep(struct vault_t *v)
{
    v->vault->rotation_look_ms = 0;
    rotation_upkeep(v->vault);
}

static struct key_status status_of(struct vault_t *v)
{
    struct key_status ks;

    seal_key_status(vault_seal(v->vault), &ks);
    return ks;
}

/* One sealed record each: a policy. */
static void seal_some(struct vault_t *v, int n)
{
    for (int i = 0; i < n; i++)
        vault_expect(v, 204, "PUT", arena_printf(v->arena, "/v1/sys/policies/acl/p%d", i),
                     "{\"policy\":\"path \\\"a\\\" {capabilities=[\\\"read\\\"]}\"}");
}

static const char *new_dir(struct vault_t *v, const char *name)
{
    const char *dir = arena_printf(v->arena, "%s/%s", t_tmpdir(), name);

    T_INT_EQ(mkdir(dir, 0700), 0);
    return dir;
}

/* What a crash would leave of a store that rests: its files. */
static void copy_dir(const char *from, const char *to)
{
    char source[512];
    char *argv[] = {"cp", "-r", "--sparse=always", source, (char *)(uintptr_t)to, NULL};
    int status;
    pid_t pid;

    snprintf(source, sizeof source, "%s/.", from);
    T_INT_EQ(posix_spawnp(&pid, "cp", NULL, NULL, argv, environ), 0);
    T_INT_EQ(waitpid(pid, &status, 0), pid);
    T_INT_EQ(status, 0);
}

static void config(struct vault_t *v, const char *body)
{
    vault_expect(v, 204, "PUT", "/v1/sys/rotate/config", body);
}

TEST(the_count_of_encryptions_survives_an_orderly_stop_as_it_is)
{
    auto_arena struct arena *a = arena_new(0);
    struct vault_t v = {.arena = a};
    const char *dir = new_dir(&v, "orderly");
    uint64_t before;

    start(&v, dir);
    upkeep(&v); /* reserves */
    seal_some(&v, 50);
    before = status_of(&v).encryptions;
    T_TRUE(before >= 50);
    vault_t_stop(&v);
    start(&v, dir);
    T_INT_EQ(status_of(&v).encryptions, before);
    vault_expect(&v, 204, "PUT", "/v1/sys/seal", NULL);
    vault_t_stop(&v);
    start(&v, dir);
    T_TRUE(status_of(&v).encryptions >= before);
    T_TRUE(status_of(&v).encryptions < before + 100);
    vault_t_stop(&v);
}

TEST(after_a_crash_a_key_counts_as_used_up_to_what_was_reserved)
{
    auto_arena struct arena *a = arena_new(0);
    struct vault_t v = {.arena = a};
    const char *dir = new_dir(&v, "alive"), *copy = new_dir(&v, "crashed");
    uint64_t before;

    start(&v, dir);
    upkeep(&v);
    seal_some(&v, 50);
    before = status_of(&v).encryptions;
    copy_dir(dir, copy);
    vault_t_stop(&v);
    start(&v, copy);
    T_TRUE(status_of(&v).encryptions >= before);
    T_TRUE(status_of(&v).encryptions <= before + 2 * SEAL_COUNT_STEP);
    vault_t_stop(&v);
}

TEST(a_key_that_has_sealed_too_much_is_followed_by_a_new_one)
{
    auto_arena struct arena *a = arena_new(0);
    struct vault_t v = {.arena = a};
    const char *dir = new_dir(&v, "much"), *copy = new_dir(&v, "much2");

    start(&v, dir);
    upkeep(&v);
    config(&v, "{\"max_operations\":1000000}");
    seal_some(&v, 3);
    upkeep(&v);
    T_INT_EQ(status_of(&v).term, 1); /* not yet */
    config(&v, "{\"enabled\":false}");
    copy_dir(dir, copy);
    vault_t_stop(&v);
    start(&v, copy); /* counts as having sealed more than a million */
    upkeep(&v);
    T_INT_EQ(status_of(&v).term, 1);
    config(&v, "{\"enabled\":true}");
    upkeep(&v);
    T_INT_EQ(status_of(&v).term, 2);
    T_TRUE(status_of(&v).encryptions < 1000);
    upkeep(&v);
    T_INT_EQ(status_of(&v).term, 2);
    vault_expect(&v, 200, "GET", "/v1/sys/policies/acl/p0", NULL); /* sealed by the old one */
    seal_some(&v, 3);
    vault_t_stop(&v);
    start(&v, copy);
    T_INT_EQ(status_of(&v).term, 2);
    vault_expect(&v, 200, "GET", "/v1/sys/policies/acl/p0", NULL);
    vault_t_stop(&v);
}

TEST(a_key_that_is_too_old_is_followed_by_a_new_one)
{
    static const int64_t hour_ns = 3600 * 1000000000LL;
    struct vault_t v;

    vault_t_start(&v, NULL, 0);
    lease_loop_stop(v.vault);
    config(&v, "{\"interval\":\"24h\"}");
    clock_fake_start(status_of(&v).installed_ns + 23 * hour_ns);
    upkeep(&v);
    T_INT_EQ(status_of(&v).term, 1);
    clock_fake_advance(2 * hour_ns);
    upkeep(&v);
    T_INT_EQ(status_of(&v).term, 2);
    clock_fake_stop();
    vault_t_stop(&v);
}

TEST(a_keyring_of_the_first_form_is_read)
{
    enum {
        HEAD = 1 + KEYRING_NAME_SIZE + KEYRING_ID_SIZE + KEYRING_KEY_BYTES + 4,
        COUNT_AT = 12
    };
    auto_keyring struct keyring *k = NULL, *old = NULL, *again = NULL;
    auto_secret struct secret now = SECRET_INIT, first = SECRET_INIT;
    struct err e = ERR_INIT;

    T_OK(keyring_new("c", "id", 7, &k, &e), &e);
    k->terms[0].reserved = 77;
    T_OK(keyring_encode(k, &now, &e), &e);
    T_OK(keyring_decode(&now, &again, &e), &e);
    T_INT_EQ(again->terms[0].reserved, 77);
    T_INT_EQ(atomic_load(&again->encryptions), 77);

    T_OK(secret_alloc(now.len - 8, &first, &e), &e);
    memcpy(first.p, now.p, HEAD + COUNT_AT);
    memcpy(first.p + HEAD + COUNT_AT, now.p + HEAD + COUNT_AT + 8, KEYRING_KEY_BYTES);
    first.p[0] = 1;
    T_OK(keyring_decode(&first, &old, &e), &e);
    T_INT_EQ(old->terms[0].installed_ns, 7);
    T_INT_EQ(old->terms[0].reserved, 0);
    T_TRUE(secret_eq(&old->terms[0].key, &k->terms[0].key));
    first.p[0] = 3;
    T_INT_EQ(keyring_decode(&first, &old, &e), ERR_CORRUPT);
}
