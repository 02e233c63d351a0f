/* Files and logs for those who ask, and what is never shown. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client_t.h"

/* ---- asking ----------------------------------------------------------------------------- */

struct got {
    struct lock lock;
    struct cond changed;
    int status;
    char type[64];
    struct buf body;
    bool ended;
    struct client_ask *ask;
};

static void on_reply(void *arg, int status, const char *type, struct str data)
{
    struct got *g = arg;
    auto_lock struct lock *held = lock_scope(&g->lock);

    if (status > 0) {
        g->status = status;
        snprintf(g->type, sizeof g->type, "%s", type);
    } else if (data.p) {
        buf_put_str(&g->body, data);
    } else {
        g->ended = true;
    }
    cond_broadcast(&g->changed);
}

static void ask_begin(struct world *w, struct got *g, const char *method, const char *target,
                      const char *body)
{
    struct err e = ERR_INIT;

    *g = (struct got){.body = BUF_INIT(8 << 20)};
    lock_init(&g->lock, "test", RANK_QUEUE);
    cond_init(&g->changed);
    T_OK(nomad_client_ask(w->client, method, target, str_of(body), on_reply, g, &g->ask, &e),
         &e);
}

static void ask_end(struct got *g)
{
    client_ask_done(g->ask);
    buf_done(&g->body);
    cond_done(&g->changed);
    lock_done(&g->lock);
}

static bool ended(struct got *g)
{
    auto_lock struct lock *held = lock_scope(&g->lock);

    return g->ended;
}

static bool has(struct got *g, const char *text)
{
    auto_lock struct lock *held = lock_scope(&g->lock);

    return g->body.p && strstr(g->body.p, text);
}

/* The whole answer, as text of the world's arena. */
static const char *ask_all(struct world *w, const char *method, const char *target,
                           const char *body, int *ret_status)
{
    struct got g;
    const char *text;

    ask_begin(w, &g, method, target, body);
    T_UNTIL(ended(&g));
    text = arena_cstr(w->arena, buf_str(&g.body));
    if (ret_status)
        *ret_status = g.status;
    ask_end(&g);
    return text;
}

static const char *get(struct world *w, const char *target, int *ret_status)
{
    return ask_all(w, "GET", target, "", ret_status);
}

#define MAKE                                                                                \
    "echo note > local/note.txt; echo top > secrets/mine; ln -s ../secrets local/out; "     \
    "ln -s secrets/mine link; ln -s /etc local/etc; mkdir local/d; echo deep > local/d/f; " \
    "printf 'one\\ntwo\\n'; touch $NOMAD_ALLOC_DIR/data/made; exec sleep 900"
#define VAULT "\"Vault\":{\"Policies\":[\"p\"]}"

static void world_with_files(struct world *w)
{
    world_start(w, NULL);
    world_run(w, ID1, MAKE, VAULT, NULL);
    world_wait(w, ID1, "running");
    T_UNTIL(access(world_path(w, ID1, "alloc/data/made"), F_OK) == 0);
}

/* ---- what can be read and what cannot --------------------------------------------------- */

TEST(files_are_answered_or_refused_for_a_reason)
{
    static const struct {
        const char *target;
        int status;
        const char *text;
    } rows[] = {
        {"/v1/client/fs/cat/" ID1 "?path=t/local/note.txt", 200, "note\n"},
        {"/v1/client/fs/cat/" ID1 "?path=/t/local/../local/note.txt", 200, "note\n"},
        {"/v1/client/fs/readat/" ID1 "?path=t/local/note.txt&offset=1&limit=2", 200, "ot"},
        {"/v1/client/fs/readat/" ID1 "?path=t/local/note.txt&limit=2", 400,
         "error parsing offset: strconv.ParseInt: parsing \"\": invalid syntax"},
        {"/v1/client/fs/readat/" ID1 "?path=t/local/note.txt&offset=0&limit=99999999999", 400,
         "limit must be at most"},
        {"/v1/client/fs/cat/" ID1, 400, "must provide a file name"},
        {"/v1/client/fs/cat/" ID1 "?path=t/local/none", 404,
         "/" ID1 "/t/local/none: no such file or directory"},
        {"/v1/client/fs/stat/" ID1 "?path=t/local/none", 404,
         "/" ID1 "/t/local/none: no such file or directory"},
        {"/v1/client/fs/cat/" ID1 "?path=t/secrets/none", 404,
         "/" ID1 "/t/secrets/none: no such file or directory"},
        {"/v1/client/fs/cat/" ID1 "?path=t/local", 400, "file \"t/local\" is a directory"},
        {"/v1/client/fs/cat/" ID1 "?path=../../../etc/passwd", 400,
         "Path escapes the alloc directory"},
        {"/v1/client/fs/cat/" ID1 "?path=%2e%2e%2f%2e%2e%2fx", 400,
         "Path escapes the alloc directory"},
        {"/v1/client/fs/cat/" ID1 "?path=t/secrets/vault_token", 403,
         "Reading secret file prohibited: t/secrets/vault_token"},
        {"/v1/client/fs/cat/" ID1 "?path=t/./secrets//vault_token", 403,
         "Reading secret file prohibited: t/secrets/vault_token"},
        {"/v1/client/fs/cat/" ID1 "?path=t/SECRETS/vault_token", 404,
         "no such file or directory"},
        {"/v1/client/fs/cat/" ID1 "?path=t/private/vault_token", 403,
         "Reading private file prohibited: t/private/vault_token"},
        {"/v1/client/fs/readat/" ID1 "?path=t/secrets/mine&offset=0&limit=9", 403,
         "Reading secret file prohibited"},
        {"/v1/client/fs/stream/" ID1 "?path=t/secrets/mine&follow=false", 500,
         "Reading secret file prohibited"},
        {"/v1/client/fs/cat/" ID1 "?path=t/link", 403, "links are not followed"},
        {"/v1/client/fs/cat/" ID1 "?path=t/local/out/vault_token", 403,
         "links are not followed"},
        {"/v1/client/fs/cat/" ID1 "?path=t/local/etc/passwd", 403, "links are not followed"},
        {"/v1/client/fs/ls/" ID1 "?path=t/local/etc", 403, "links are not followed"},
        {"/v1/client/fs/ls/" ID2, 404, "Unknown allocation \"" ID2 "\""},
        {"/v1/client/fs/ls/nope", 500,
         "alloc lookup failed: index error: UUID must be 36 characters"},
        {"/v1/client/fs/ls/", 400, "must provide a valid alloc id"},
        {"/v1/client/fs/bogus/" ID1, 404, "Invalid method"},
        {"/v1/client/allocation/" ID1 "/bogus", 404, "resource not found"},
        {"/v1/client/fs/logs/" ID1, 400, "must provide task name"},
        {"/v1/client/fs/logs/" ID1 "?task=t", 400, "must provide log type (stdout/stderr)"},
        {"/v1/client/fs/logs/" ID1 "?task=t&type=bogus", 400,
         "must provide log type (stdout/stderr)"},
        {"/v1/client/fs/logs/" ID1 "?task=zz&type=stdout", 400, "unknown task name \"zz\""},
        {"/v1/client/fs/logs/" ID1 "?task=t&type=stdout&origin=middle", 400,
         "origin must be start or end"},
        {"/v1/client/fs/logs/" ID1 "?task=t&type=stdout&plain=true", 200, "one\ntwo\n"},
        {"/v1/client/fs/logs/" ID1 "?task=t&type=stdout&plain=true&origin=end&offset=4", 200,
         "two\n"},
        {"/v1/client/fs/logs/" ID1 "?task=t&type=stdout&plain=true&offset=4", 200, "two\n"},
        {"/v1/client/fs/logs/" ID1 "?task=t&type=stdout", 200,
         "{\"Data\":\"b25lCnR3bwo=\",\"File\":\"alloc/logs/t.stdout.0\"}"},
        {"/v1/client/fs/stream/" ID1 "?path=t/local/note.txt&follow=false&offset=2", 200,
         "{\"Offset\":2,\"Data\":\"dGUK\",\"File\":\"t/local/note.txt\"}"},
        {"/v1/client/allocation/" ID1 "/checks", 200, "null"},
        {"/v1/client/allocation/" ID1 "/gc", 500, "still running"},
    };
    struct world w;

    world_with_files(&w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int status;
        const char *text = get(&w, rows[i].target, &status);

        T_ROW(rows[i].target);
        T_STR_HAS(text, rows[i].text);
        T_INT_EQ(status, rows[i].status);
        T_TRUE(!strstr(text, "CANARY"));
    }
    T_ROW("");
    world_stop(&w);
}

TEST(listings_and_stat_have_the_shape_of_the_api)
{
    struct world w;
    const char *text;

    world_with_files(&w);
    text = get(&w, "/v1/client/fs/ls/" ID1, NULL);
    T_STR_HAS(text, "[{\"Name\":\"alloc\",\"IsDir\":true,\"Size\":");
    T_STR_HAS(text, "\"FileMode\":\"drwxrwxrwx\"");
    text = get(&w, "/v1/client/fs/ls/" ID1 "?path=/t", NULL);
    T_STR_HAS(text, "\"Name\":\"tmp\",\"IsDir\":true");
    T_STR_HAS(text, "\"FileMode\":\"dtrwxrwxrwx\"");
    T_STR_HAS(text, "\"Name\":\"link\",\"IsDir\":false");
    T_STR_HAS(text, "\"FileMode\":\"Lrwxrwxrwx\"");
    text = get(&w, "/v1/client/fs/stat/" ID1 "?path=t/local/note.txt", NULL);
    T_STR_HAS(text,
              "{\"Name\":\"note.txt\",\"IsDir\":false,\"Size\":5,\"FileMode\":\"-rw-r--r--\"");
    T_STR_HAS(text, "\"ContentType\":\"text/plain; charset=utf-8\"}");
    text = get(&w, "/v1/client/fs/stat/" ID1 "?path=t/secrets/vault_token", NULL);
    T_STR_HAS(text, "\"Name\":\"vault_token\"");
    T_STR_HAS(text, "application/octet-stream");
    world_stop(&w);
}

/* A task that swaps a directory for a link to its secrets as fast as it can. */
TEST(links_swapped_while_we_read_leak_nothing)
{
    struct world w;

    world_start(&w, NULL);
    world_run(
        &w, ID1,
        "mkdir a; echo fine > a/vault_token; touch $NOMAD_ALLOC_DIR/data/made; while true; "
        "do mv a b; ln -s secrets a; rm a; mv b a; done",
        VAULT, NULL);
    T_UNTIL(access(world_path(&w, ID1, "alloc/data/made"), F_OK) == 0);
    for (int i = 0; i < 300; i++)
        T_TRUE(
            !strstr(get(&w, "/v1/client/fs/cat/" ID1 "?path=t/a/vault_token", NULL), "CANARY"));
    world_stop(&w);
}

/* ---- following -------------------------------------------------------------------------- */

TEST(a_followed_log_goes_through_rotation_and_ends_with_its_task)
{
    struct world w;
    struct got g;

    world_start(&w, NULL);
    world_run(&w, ID1,
              "echo first; while [ ! -e $NOMAD_ALLOC_DIR/data/go ]; do sleep 0.02; done; "
              "head -c 2500000 /dev/zero | tr '\\0' x; echo; echo last",
              "\"LogConfig\":{\"MaxFiles\":5,\"MaxFileSizeMB\":1}", NULL);
    world_wait(&w, ID1, "running");
    ask_begin(&w, &g, "GET",
              "/v1/client/fs/logs/" ID1 "?task=t&type=stdout&plain=true&follow=true", "");
    T_UNTIL(has(&g, "first\n"));
    T_FALSE(ended(&g));
    close(open(world_path(&w, ID1, "alloc/data/go"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
    T_UNTIL(ended(&g));
    T_TRUE(has(&g, "\nlast\n"));
    T_INT_EQ(g.body.len, 6 + 2500000 + 1 + 5);
    ask_end(&g);
    world_stop(&w);
}

TEST(a_followed_file_tells_of_its_end_and_beats_meanwhile)
{
    struct world w;
    struct got g;

    world_with_files(&w);
    ask_begin(&w, &g, "GET", "/v1/client/fs/stream/" ID1 "?path=t/local/d/f", "");
    T_UNTIL(has(&g, "ZGVlcAo="));
    T_UNTIL(has(&g, "{}"));
    T_INT_EQ(truncate(world_path(&w, ID1, "t/local/d/f"), 0), 0);
    T_UNTIL(has(&g, "\"FileEvent\":\"file truncated\""));
    T_INT_EQ(unlink(world_path(&w, ID1, "t/local/d/f")), 0);
    T_UNTIL(has(&g, "\"FileEvent\":\"file deleted\""));
    T_UNTIL(ended(&g));
    ask_end(&g);
    world_stop(&w);
}

TEST(a_reader_that_leaves_ends_its_stream_at_once)
{
    struct world w;
    struct got g;
    int64_t began;

    world_with_files(&w);
    ask_begin(&w, &g, "GET", "/v1/client/fs/logs/" ID1 "?task=t&type=stdout&follow=true", "");
    T_UNTIL(has(&g, "b25lCnR3bwo="));
    began = clock_mono_ms();
    ask_end(&g);
    T_TRUE(clock_mono_ms() - began < 900);
    ask_begin(&w, &g, "GET", "/v1/client/fs/logs/" ID1 "?task=t&type=stdout&follow=true", "");
    T_UNTIL(has(&g, "b25lCnR3bwo="));
    began = clock_mono_ms();
    world_end_client(&w); /* so does an agent that ends */
    T_TRUE(clock_mono_ms() - began < 5000);
    ask_end(&g);
    world_stop(&w);
}

TEST(too_many_requests_at_once_are_refused)
{
    struct world w;
    static struct got g[CLIENT_REQUESTS_MAX];
    struct client_ask *more;
    struct err e = ERR_INIT;

    world_with_files(&w);
    for (size_t i = 0; i < ARRAY_LEN(g); i++)
        ask_begin(&w, &g[i], "GET", "/v1/client/fs/logs/" ID1 "?task=t&type=stdout&follow=true",
                  "");
    T_INT_EQ(nomad_client_ask(w.client, "GET", "/v1/client/stats", STR(""), on_reply, NULL,
                              &more, &e),
             ERR_LIMIT);
    T_STR_HAS(e.msg, "try again");
    for (size_t i = 0; i < ARRAY_LEN(g); i++)
        ask_end(&g[i]);
    get(&w, "/v1/client/gc", NULL);
    world_stop(&w);
}

/* ---- allocs, tasks, node ---------------------------------------------------------------- */

TEST(a_task_is_restarted_and_signalled_on_request)
{
    struct world w;
    int status;

    world_start(&w, NULL);
    world_run(&w, ID1,
              "trap 'echo hup >> $NOMAD_ALLOC_DIR/data/hup' HUP; echo up >> "
              "$NOMAD_ALLOC_DIR/data/up; while true; do sleep 0.02; done",
              NULL, NULL);
    world_wait(&w, ID1, "running");
    T_UNTIL(*world_file(&w, ID1, "alloc/data/up"));
    ask_all(&w, "PUT", "/v1/client/allocation/" ID1 "/signal",
            "{\"Signal\":\"SIGHUP\",\"Task\":\"t\"}", &status);
    T_INT_EQ(status, 200);
    T_UNTIL(*world_file(&w, ID1, "alloc/data/hup"));
    T_STR_HAS(ask_all(&w, "PUT", "/v1/client/allocation/" ID1 "/signal",
                      "{\"Signal\":\"SIGNOPE\"}", &status),
              "unknown signal");
    T_INT_EQ(status, 400);
    T_STR_HAS(ask_all(&w, "PUT", "/v1/client/allocation/" ID1 "/restart",
                      "{\"TaskName\":\"nope\"}", &status),
              "Could not find task named: nope");
    T_INT_EQ(status, 404);
    T_STR_HAS(ask_all(&w, "PUT", "/v1/client/allocation/" ID1 "/restart", "[1]", &status),
              "Failed to decode body");
    T_INT_EQ(status, 400);
    ask_all(&w, "PUT", "/v1/client/allocation/" ID1 "/restart", "", &status);
    T_INT_EQ(status, 200);
    T_UNTIL(strcmp(world_file(&w, ID1, "alloc/data/up"), "up\nup\n") == 0);
    T_STR_HAS(world_texts(&w, ID1, "t"), "User requested running tasks to restart|");
    world_stop(&w);
}

TEST(stats_are_measured)
{
    struct world w;
    const char *text;

    world_with_files(&w);
    text = get(&w, "/v1/client/allocation/" ID1 "/stats", NULL);
    T_STR_HAS(text, "\"Tasks\":{\"t\":{\"ResourceUsage\":{\"MemoryStats\":{\"RSS\":");
    T_STR_HAS(text, "\"Measured\":[\"RSS\",\"Swap\"]");
    T_TRUE(!strstr(text, "\"RSS\":0,"));
    text = get(&w, "/v1/client/stats", NULL);
    T_STR_HAS(text, "\"Memory\":{\"Total\":");
    T_STR_HAS(text, "\"CPU\":[{\"CPU\":\"cpu0\"");
    T_STR_HAS(text, "\"DeviceStats\":null,\"Uptime\":");
    world_stop(&w);
}

TEST(metadata_is_changed_kept_and_told)
{
    struct world w;
    int status;

    world_start(&w, NULL);
    T_STR_HAS(get(&w, "/v1/client/metadata", NULL), "\"Dynamic\":{}");
    T_STR_HAS(ask_all(&w, "POST", "/v1/client/metadata",
                      "{\"Meta\":{\"rack\":\"r1\","
                      "\"connect.log_level\":null}}",
                      &status),
              "\"Dynamic\":{\"rack\":\"r1\",\"connect.log_level\":null}");
    T_INT_EQ(status, 200);
    T_UNTIL(w.server.registers >= 2);
    world_end_client(&w);
    world_begin_client(&w);
    T_STR_EQ(strmap_get(&nomad_client_node(w.client, w.arena)->meta, "rack"), "r1");
    T_TRUE(!strmap_get(&nomad_client_node(w.client, w.arena)->meta, "connect.log_level"));
    ask_all(&w, "POST", "/v1/client/metadata", "{\"Meta\":{\"rack\":7}}", &status);
    T_INT_EQ(status, 400);
    ask_all(&w, "POST", "/v1/client/metadata", "{}", &status);
    T_INT_EQ(status, 400);
    world_stop(&w);
}

static void keep_one(struct nomad_client_opts *o)
{
    o->gc_max_allocs = 1;
}

TEST(ended_allocs_go_when_there_are_too_many)
{
    struct world w;

    world_start(&w, keep_one);
    world_run(&w, ID1, "true", NULL, NULL);
    world_wait(&w, ID1, "complete");
    T_UNTIL(nomad_client_has_alloc(w.client, ID1));
    world_run(&w, ID2, "exec sleep 900", NULL, NULL);
    world_wait(&w, ID2, "running");
    T_UNTIL(!nomad_client_has_alloc(w.client, ID1));
    T_UNTIL(access(world_path(&w, ID1, "alloc"), F_OK) < 0);
    T_TRUE(nomad_client_has_alloc(w.client, ID2));
    world_stop(&w);
}
