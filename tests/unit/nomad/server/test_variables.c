#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/random.h"
#include "cluster.h"
#include "store/table.h"

#define CANARY "canary-4711-is-never-seen"

struct row {
    const char *label, *method, *path, *body;
    int status;
    const char *want;
};

static void play(struct cluster *cl, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        T_ROW(rows[i].label);
        struct answer a = ask(cl, rows[i].method, rows[i].path, rows[i].body);

        T_INT_EQ(a.status, rows[i].status);
        T_STR_HAS(a.body, rows[i].want);
    }
    T_ROW("");
}

TEST(variables_are_written_compared_and_removed)
{
    static const struct row rows[] = {
        {"none", "GET", "/v1/vars", NULL, 200, "[]"},
        {"none such", "GET", "/v1/var/a", NULL, 404, "variable not found"},
        {"no path", "PUT", "/v1/var/", "{\"Items\":{\"a\":\"b\"}}", 400,
         "missing variable path"},
        {"no items", "PUT", "/v1/var/a", "{}", 400, "variable missing required Items object"},
        {"list of items", "PUT", "/v1/var/a", "{\"Items\":[1]}", 400, "cannot unmarshal array"},
        {"a number", "PUT", "/v1/var/a", "{\"Items\":{\"a\":5}}", 400,
         "json: cannot unmarshal number into Go struct field VariableDecrypted.Items of type "
         "string"},
        {"bad path", "PUT", "/v1/var/a%20b", "{\"Items\":{\"a\":\"b\"}}", 400,
         "RPC Error:: 400,invalid path \"a b\""},
        {"reserved", "PUT", "/v1/var/nomad", "{\"Items\":{\"a\":\"b\"}}", 400,
         "reserved top-level directory"},
        {"below reserved", "PUT", "/v1/var/nomad/x", "{\"Items\":{\"a\":\"b\"}}", 400,
         "only paths at \"nomad/jobs\""},
        {"too deep", "PUT", "/v1/var/nomad/jobs/a/b/c/d", "{\"Items\":{\"a\":\"b\"}}", 400,
         "invalid path"},
        {"a task's", "PUT", "/v1/var/nomad/jobs/a/b/c", "{\"Items\":{\"a\":\"b\"}}", 200, ""},
        {"no namespace", "PUT", "/v1/var/a?namespace=x", "{\"Items\":{\"a\":\"b\"}}", 500,
         "nonexistent namespace \"x\""},
        {"bad index", "PUT", "/v1/var/a?cas=x", "{\"Items\":{\"a\":\"b\"}}", 400,
         "can not parse cas"},
        {"index of nothing", "PUT", "/v1/var/a?cas=7", "{\"Items\":{\"a\":\"b\"}}", 409,
         "\"ModifyIndex\":0"},
        {"only if new", "PUT", "/v1/var/a?cas=0", "{\"Items\":{\"a\":\"b\"}}", 200,
         "\"Items\":{\"a\":\"b\"}"},
        {"no longer new", "PUT", "/v1/var/a?cas=0", "{\"Items\":{\"a\":\"c\"}}", 409,
         "\"Items\":{\"a\":\"b\"}"},
        {"whatever is there", "PUT", "/v1/var/a", "{\"Items\":{\"a\":\"c\"}}", 200,
         "\"Items\":{\"a\":\"c\"}"},
        {"read", "GET", "/v1/var/a", NULL, 200, "\"Items\":{\"a\":\"c\"}"},
        {"listed", "GET", "/v1/vars?prefix=a", NULL, 200, "\"Path\":\"a\""},
        {"by prefix", "GET", "/v1/vars?prefix=nomad", NULL, 200, "nomad/jobs/a/b/c"},
        {"everywhere", "GET", "/v1/vars?namespace=*&prefix=nomad", NULL, 200, "nomad/jobs"},
        {"elsewhere", "GET", "/v1/vars?namespace=x", NULL, 200, "[]"},
        {"not removed", "DELETE", "/v1/var/a?cas=1", NULL, 409, "\"Items\":{\"a\":\"c\"}"},
        {"removed", "DELETE", "/v1/var/a", NULL, 204, ""},
        {"removed again", "DELETE", "/v1/var/a", NULL, 204, ""},
        {"method", "PATCH", "/v1/var/a", NULL, 400, "Invalid method"},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    play(&cl, rows, sizeof rows / sizeof *rows);
    cluster_stop(&cl);
}

TEST(a_variable_holds_64_kib_and_no_byte_more)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    for (int more = 0; more < 2; more++) {
        size_t n = (size_t)(64 << 10) - 1 + (size_t)more; /* and a key of one byte */
        char *value = arena_alloc(cl.arena, n + 1);

        memset(value, 'x', n);
        value[n] = '\0';
        struct answer a = ask(&cl, "PUT", "/v1/var/big",
                              arena_printf(cl.arena, "{\"Items\":{\"k\":\"%s\"}}", value));

        T_INT_EQ(a.status, more ? 400 : 200);
        if (more)
            T_STR_HAS(a.body, "variables are limited to 64KiB");
    }
    cluster_stop(&cl);
}

TEST(pages_of_variables_follow_each_other)
{
    struct cluster cl;
    const char *next = "";
    int seen = 0;

    cluster_start(&cl, NULL);
    for (int i = 0; i < 5; i++)
        ask(&cl, "PUT", arena_printf(cl.arena, "/v1/var/p/%d", i), "{\"Items\":{\"a\":\"b\"}}");
    do {
        struct answer a =
            ask(&cl, "GET", arena_printf(cl.arena, "/v1/vars?per_page=2&next_token=%s", next),
                NULL);

        T_STR_EQ(at(&cl, &a, "0.Path"), arena_printf(cl.arena, "p/%d", seen));
        seen += (int)a.json->len;
        next = answer_field(&a, "X-Nomad-NextToken");
    } while (*next);
    T_INT_EQ(seen, 5);
    cluster_stop(&cl);
}

/* ---- locks ---------------------------------------------------------------------------------
 */

TEST(a_lock_is_held_by_one)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    struct answer got =
        ask(&cl, "PUT", "/v1/var/lk?lock-acquire",
            "{\"Items\":{\"a\":\"b\"},\"Lock\":{\"TTL\":\"15s\",\"LockDelay\":\"20s\"}}");
    const char *id = at(&cl, &got, "Lock.ID");
    const char *mine =
        arena_printf(cl.arena, "{\"Items\":{\"a\":\"c\"},\"Lock\":{\"ID\":\"%s\"}}", id);
    const char *bare = arena_printf(cl.arena, "{\"Lock\":{\"ID\":\"%s\"}}", id);

    T_INT_EQ(got.status, 200);
    T_INT_EQ(strlen(id), 36);
    T_AT(&cl, &got, "Lock.TTL", "15s");
    T_AT(&cl, &got, "Lock.LockDelay", "20s");
    const struct row rows[] = {
        {"seen", "GET", "/v1/var/lk", NULL, 200, id},
        {"another", "PUT", "/v1/var/lk?lock-acquire", "{\"Items\":{\"a\":\"b\"}}", 409,
         "\"CreateIndex\":0"},
        {"a write", "PUT", "/v1/var/lk", "{\"Items\":{\"a\":\"b\"}}", 409, "\"Path\":\"lk\""},
        {"a removal", "DELETE", "/v1/var/lk", NULL, 409, ""},
        {"the holder's write", "PUT", "/v1/var/lk", mine, 200, "\"a\":\"c\""},
        {"renewed", "PUT", "/v1/var/lk?lock-renew", bare, 200, id},
        {"renewed by nobody", "PUT", "/v1/var/lk?lock-renew", "{}", 400, "missing lock ID"},
        {"renewed by another", "PUT", "/v1/var/lk?lock-renew", "{\"Lock\":{\"ID\":\"x\"}}", 409,
         ""},
        {"released by another", "PUT", "/v1/var/lk?lock-release", "{\"Lock\":{\"ID\":\"x\"}}",
         409, ""},
        {"of nothing", "PUT", "/v1/var/no?lock-renew", bare, 404, "variable not found"},
        {"two at once", "PUT", "/v1/var/lk?lock-renew&lock-release", bare, 400, "multiple"},
        {"too short", "PUT", "/v1/var/l2?lock-acquire", "{\"Lock\":{\"TTL\":\"1s\"}}", 400,
         "TTL must be between 10s and 24h"},
        {"no time", "PUT", "/v1/var/l2?lock-acquire", "{\"Lock\":{\"TTL\":\"zz\"}}", 400,
         "not a duration"},
        {"released", "PUT", "/v1/var/lk?lock-release", bare, 200, "\"a\":\"c\""},
        {"free", "PUT", "/v1/var/lk", "{\"Items\":{\"a\":\"b\"}}", 200, ""},
        {"not renewed", "PUT", "/v1/var/lk?lock-renew", bare, 409, ""},
        {"acquired again", "PUT", "/v1/var/lk?lock-acquire", "{}", 200, "\"a\":\"b\""},
    };

    play(&cl, rows, sizeof rows / sizeof *rows);
    server_down(&cl);
    server_up(&cl); /* held still, its time begins anew */
    T_INT_EQ(ask(&cl, "PUT", "/v1/var/lk?lock-acquire", "{}").status, 409);
    cluster_stop(&cl);
}

/* ---- the keyring ----------------------------------------------------------------------------
 */

struct home { /* a directory with a key file */
    char dir[64];
    struct nomad_server_opts opts;
    char file[96];
};

static void home_make(struct home *h)
{
    memset(h, 0, sizeof *h);
    snprintf(h->dir, sizeof h->dir, "/tmp/seraitestXXXXXX");
    T_TRUE(mkdtemp(h->dir) != NULL);
    snprintf(h->file, sizeof h->file, "%s/root.key", h->dir);
    h->opts.key_file = h->file;
}

static void home_end(struct home *h)
{
    path_remove_tree(AT_FDCWD, h->dir, NULL);
}

static void key_file_write(struct home *h, struct str text, mode_t mode)
{
    struct err e = ERR_INIT;
    int fd = path_open_dir(h->dir, &e);

    T_OK(fd < 0 ? fd : path_write_atomic(fd, "root.key", text, mode, &e), &e);
    close(fd);
}

static const char *key_file_text(struct cluster *cl, const char *file)
{
    auto_buf struct buf text = BUF_INIT(4096);
    struct err e = ERR_INIT;

    T_OK(path_read_file(AT_FDCWD, file, &text, &e), &e);
    return arena_cstr(cl->arena, buf_str(&text));
}

static void put_variables(struct cluster *cl, int n)
{
    for (int i = 0; i < n; i++)
        T_INT_EQ(ask(cl, "PUT", arena_printf(cl->arena, "/v1/var/v/%d", i),
                     arena_printf(cl->arena, "{\"Items\":{\"k\":\"" CANARY "%d\"}}", i))
                     .status,
                 200);
}

static void check_variables(struct cluster *cl, int n)
{
    for (int i = 0; i < n; i++) {
        struct answer a = ask(cl, "GET", arena_printf(cl->arena, "/v1/var/v/%d", i), NULL);

        T_AT(cl, &a, "Items.k", arena_printf(cl->arena, CANARY "%d", i));
    }
}

static int keys_in_state(struct cluster *cl, const char *state)
{
    struct answer a = ask(cl, "GET", "/v1/operator/keyring/keys", NULL);
    int n = 0;

    for (uint32_t i = 0; i < a.json->len; i++)
        n += strcmp(at(cl, &a, arena_printf(cl->arena, "%u.State", i)), state) == 0;
    return n;
}

static const char *key_in_state(struct cluster *cl, const char *state)
{
    struct answer a = ask(cl, "GET", "/v1/operator/keyring/keys", NULL);

    for (uint32_t i = 0; i < a.json->len; i++)
        if (strcmp(at(cl, &a, arena_printf(cl->arena, "%u.State", i)), state) == 0)
            return at(cl, &a, arena_printf(cl->arena, "%u.KeyID", i));
    return "";
}

static int remove_key(struct cluster *cl, const char *id, const char *query)
{
    return ask(cl, "DELETE",
               arena_printf(cl->arena, "/v1/operator/keyring/key/%s%s", id, query), NULL)
        .status;
}

TEST(variables_survive_a_restart_and_are_never_in_clear)
{
    struct cluster cl;
    struct home h;
    struct scan it;
    struct record rec;
    struct txn *t;
    struct err e = ERR_INIT;
    struct stat st;
    int records = 0;

    home_make(&h);
    cluster_start(&cl, &h.opts);
    put_variables(&cl, 3);
    server_down(&cl);
    server_up(&cl);
    check_variables(&cl, 3);
    T_INT_EQ(keys_in_state(&cl, "active"), 1);
    T_INT_EQ(stat(h.file, &st), 0);
    T_INT_EQ(st.st_mode & 07777, 0600);
    T_OK(txn_begin(cl.store, TXN_READ_ONLY, &t, &e), &e);
    T_OK(scan_begin(t, &it, STR(""), 0, &e), &e);
    while (scan_next(&it, &rec, &e) > 0) {
        T_FALSE(str_has(rec.value, STR(CANARY)));
        records++;
    }
    scan_end(&it);
    txn_drop(t);
    T_TRUE(records > 3);
    cluster_stop(&cl);
    home_end(&h);
}

TEST(a_rotation_changes_what_seals_and_a_full_one_seals_all_anew)
{
    enum { N = 100 };
    struct cluster cl;
    struct home h;

    home_make(&h);
    cluster_start(&cl, &h.opts);
    put_variables(&cl, N);
    struct answer before = ask(&cl, "GET", "/v1/var/v/7", NULL);
    const char *first = key_in_state(&cl, "active");

    T_INT_EQ(remove_key(&cl, first, ""), 500); /* active */
    T_INT_EQ(ask(&cl, "PUT", "/v1/operator/keyring/rotate", NULL).status, 200);
    T_STR_EQ(key_in_state(&cl, "inactive"), first);
    T_INT_EQ(remove_key(&cl, first, ""), 500); /* in use */
    check_variables(&cl, N);
    T_INT_EQ(ask(&cl, "PUT", "/v1/operator/keyring/rotate?full=true", NULL).status, 200);
    server_down(&cl); /* in the middle of it: the next life goes on */
    server_up(&cl);
    T_UNTIL(keys_in_state(&cl, "rekeying") == 0);
    T_INT_EQ(keys_in_state(&cl, "inactive"), 2);
    check_variables(&cl, N);
    struct answer after = ask(&cl, "GET", "/v1/var/v/7", NULL);

    T_AT(&cl, &after, "ModifyIndex", at(&cl, &before, "ModifyIndex"));
    T_AT(&cl, &after, "CreateIndex", at(&cl, &before, "CreateIndex"));
    T_INT_EQ(remove_key(&cl, first, ""), 200);
    T_INT_EQ(remove_key(&cl, first, ""), 404);
    check_variables(&cl, N);
    cluster_stop(&cl);
    home_end(&h);
}

TEST(a_prepublished_key_becomes_active_in_its_time)
{
    struct cluster cl;

    cluster_start(&cl, NULL);
    struct answer bad =
        ask(&cl, "PUT", "/v1/operator/keyring/rotate?full=true&publish_time=9", NULL);
    struct answer past = ask(&cl, "PUT", "/v1/operator/keyring/rotate?publish_time=9", NULL);
    struct answer no = ask(&cl, "PUT", "/v1/operator/keyring/rotate?publish_time=x", NULL);
    int64_t soon = clock_wall_ns() + INT64_C(1500000000);
    struct answer a =
        ask(&cl, "PUT",
            arena_printf(cl.arena, "/v1/operator/keyring/rotate?publish_time=%lld",
                         (long long)soon),
            NULL);

    T_INT_EQ(bad.status, 400);
    T_INT_EQ(past.status, 400);
    T_INT_EQ(no.status, 400);
    T_AT(&cl, &a, "Key.State", "prepublished");
    struct answer jwks = ask(&cl, "GET", "/.well-known/jwks.json", NULL);

    T_STR_HAS(jwks.body, at(&cl, &a, "Key.KeyID")); /* known before it signs */
    T_STR_HAS(answer_field(&jwks, "Cache-Control"), "max-age=");
    T_UNTIL(strcmp(key_in_state(&cl, "active"), at(&cl, &a, "Key.KeyID")) == 0);
    cluster_stop(&cl);
}

TEST(a_lost_key_file_is_told_and_an_empty_one_is_a_new_beginning)
{
    struct nomad_server *s = NULL;
    struct err e = ERR_INIT;
    struct cluster cl;
    struct home h;

    home_make(&h);
    cluster_start(&cl, &h.opts);
    put_variables(&cl, 1);
    server_down(&cl);
    const char *first = key_file_text(&cl, h.file);

    unlink(h.file);
    T_INT_EQ(nomad_server_new(&cl.opts, &s, &e), ERR_NOTFOUND);
    T_STR_HAS(e.msg, "root.key is not there");
    key_file_write(&h, STR(""), 0644);
    err_reset(&e);
    T_INT_EQ(nomad_server_new(&cl.opts, &s, &e), ERR_DENIED);
    T_STR_HAS(e.msg, "chmod 0600");
    chmod(h.file, 0600);
    server_up(&cl);
    T_INT_EQ(ask(&cl, "PUT", "/v1/var/new", "{\"Items\":{\"a\":\"b\"}}").status, 200);
    struct answer old = ask(&cl, "GET", "/v1/var/v/0", NULL);

    T_INT_EQ(old.status, 500);
    T_STR_HAS(old.body, "another key file");
    server_down(&cl);
    key_file_write(
        &h, str_of(arena_printf(cl.arena, "%s%s", key_file_text(&cl, h.file), first)), 0600);
    server_up(&cl); /* both keys in it: everything opens */
    check_variables(&cl, 1);
    T_INT_EQ(ask(&cl, "GET", "/v1/var/new", NULL).status, 200);
    server_down(&cl);
    key_file_write(&h, STR("abc\n"), 0600);
    err_reset(&e);
    T_INT_EQ(nomad_server_new(&cl.opts, &s, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "root.key:1: a key is 64 hexadecimal digits");
    key_file_write(&h, STR(""), 0600);
    server_up(&cl);
    cluster_stop(&cl);
    home_end(&h);
}

TEST(discovery_is_there_for_an_issuer)
{
    struct nomad_server_opts o = {.oidc_issuer = "https://nomad.example"};
    struct cluster cl;

    cluster_start(&cl, &o);
    struct answer a = ask(&cl, "GET", "/.well-known/openid-configuration", NULL);

    T_AT(&cl, &a, "issuer", "https://nomad.example");
    T_AT(&cl, &a, "jwks_uri", "https://nomad.example/.well-known/jwks.json");
    cluster_stop(&cl);
}

TEST(old_keys_rotate_and_go_by_themselves)
{
    struct nomad_server_opts o = {
        .root_key_rotation_ms = 1, .root_key_gc_ms = 1, .root_key_gc_interval_ms = 100};
    struct cluster cl;

    cluster_start(&cl, &o);
    const char *first = key_in_state(&cl, "active");

    T_UNTIL(*key_in_state(&cl, "active") && strcmp(key_in_state(&cl, "active"), first) != 0);
    T_UNTIL(!str_has(str_of(ask(&cl, "GET", "/v1/operator/keyring/keys", NULL).body),
                     str_of(first)));
    cluster_stop(&cl);
}
