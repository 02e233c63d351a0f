/* The inner protocol over HTTP: the wire's bodies, failing over, and what servers ask back. */
#include <stdio.h>
#include <unistd.h>

#include "client_t.h"
#include "http/server.h"
#include "http/websocket.h"
#include "nomad/model/link_wire.h"
#include "nomad/model/stream.h"

enum { PARK_MS = 30 };

/* The fake server's functions behind HTTP, as a server's rpc has them. */
struct rpc_server {
    struct fake_server *server;
    struct http_server *http;
    char address[64];
    atomic_uint asked, streams;
    /* the stream: what the last request got */
    struct lock lock;
    struct cond changed;
    const char *target; /* to be asked on the next stream */
    bool no_more;       /* never say `more`: the window runs out */
    struct buf body;
    int status;
    bool ended;
};

static void reply_error(struct http_exchange *x, int code, const struct err *e)
{
    struct http_reply r = {.status = err_kind_status(code), .content_type = "text/plain"};

    r.body = str_of(arena_strdup(http_arena(x), e->msg));
    http_reply(x, &r);
}

static void reply_object(struct http_exchange *x, const struct schema *s, const void *obj)
{
    auto_buf struct buf b = BUF_INIT(8 << 20);
    struct http_reply r = {.status = 200, .content_type = "application/json"};
    struct json_out w;

    json_out_init(&w, &b, NULL);
    schema_encode(s, obj, SCHEMA_ALL, &w);
    r.body = arena_str(http_arena(x), buf_str(&b));
    http_reply(x, &r);
}

static int decode(struct http_exchange *x, const struct schema *s, void *ret, struct err *e)
{
    struct json *v = NULL;
    int r = json_parse(http_body(x), NULL, 0, http_arena(x), &v, e);

    return r < 0 ? r : schema_decode(s, v, LINK_WIRE, http_arena(x), ret, e);
}

static const char *secret_of(struct http_exchange *x)
{
    return arena_cstr(http_arena(x), http_header(x, LINK_SECRET_HEADER));
}

static void do_register(struct rpc_server *s, struct http_exchange *x)
{
    struct node n = {0};
    struct link_lease lease = {0};
    struct err e = ERR_INIT;
    int r = decode(x, &node_schema, &n, &e);

    if (r == 0)
        r = s->server->link.node_register(s->server, &n, secret_of(x), http_arena(x), &lease,
                                          &e);
    if (r < 0)
        reply_error(x, r, &e);
    else
        reply_object(x, &link_lease_schema, &lease);
}

static void do_allocs(struct rpc_server *s, struct http_exchange *x,
                      const struct link_request *q)
{
    struct link_allocs got = {0};
    struct link_allocs_wire wire = {0};
    struct arena *a = http_arena(x);
    struct stopper never;
    struct err e = ERR_INIT;
    int r;

    T_INT_EQ(stopper_init(&never, NULL), 0);
    r = s->server->link.allocs(s->server, q->node_id, secret_of(x), q->index, PARK_MS, &never,
                               a, &got, &e);
    stopper_done(&never);
    if (r < 0) {
        reply_error(x, r, &e);
        return;
    }
    wire.index = got.index;
    for (size_t i = 0; i < got.list.len; i++)
        list_push(a, &wire.allocs, *(const struct alloc *)got.list.at[i]->body);
    reply_object(x, &link_allocs_wire_schema, &wire);
}

static void do_call(struct rpc_server *s, struct http_exchange *x, struct str name)
{
    struct arena *a = http_arena(x);
    struct fake_server *f = s->server;
    struct link_request q = {0};
    struct link_lease lease = {0};
    struct link_tokens tokens = {0};
    struct err e = ERR_INIT;
    int r = decode(x, &link_request_schema, &q, &e);

    if (r == 0 && str_eqc(name, "heartbeat")) {
        r = f->link.heartbeat(f, q.node_id, secret_of(x), q.status, a, &lease, &e);
        if (r == 0)
            reply_object(x, &link_lease_schema, &lease);
    } else if (r == 0 && str_eqc(name, "allocs")) {
        do_allocs(s, x, &q);
    } else if (r == 0 && str_eqc(name, "update")) {
        const struct alloc **list = arena_array(a, const struct alloc *, q.allocs.len + 1);

        for (size_t i = 0; i < q.allocs.len; i++)
            list[i] = &q.allocs.at[i];
        r = f->link.update(f, q.node_id, secret_of(x), list, q.allocs.len, &e);
        if (r == 0)
            reply_object(x, &link_lease_schema, &lease);
    } else if (r == 0 && str_eqc(name, "derive")) {
        r = f->link.derive(f, q.node_id, secret_of(x), q.alloc_id, &q.tasks, NULL, a, &tokens,
                           &e);
        if (r == 0)
            reply_object(x, &link_tokens_schema, &tokens);
    } else if (r == 0) {
        r = err_set(&e, ERR_NOTFOUND, "no such call");
    }
    if (r < 0)
        reply_error(x, r, &e);
}

/* ---- the stream ------------------------------------------------------------------------- */

static void send_frame(struct websocket *ws, const struct stream_frame *f)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);

    stream_frame_write(f, &b);
    ws_send(ws, WS_TEXT, buf_str(&b), NULL);
}

static void got_text(struct rpc_server *s, struct str text)
{
    auto_arena struct arena *a = arena_new(0);
    struct stream_frame f;
    struct err e = ERR_INIT;
    auto_lock struct lock *held = lock_scope(&s->lock);

    if (stream_frame_read(text, a, &f, &e) < 0 || f.id != 7)
        return;
    if (f.kind == STREAM_HEAD)
        s->status = f.status;
    s->ended = s->ended || f.kind == STREAM_END;
    cond_broadcast(&s->changed);
}

static void stream_main(struct websocket *ws, void *arg)
{
    struct rpc_server *s = arg;
    auto_buf struct buf b = BUF_INIT(WS_MESSAGE_MAX);
    struct stream_frame ask = {.id = 7, .kind = STREAM_REQUEST, .method = "GET"};
    int r;

    atomic_fetch_add(&s->streams, 1);
    lock_take(&s->lock);
    while (!s->target)
        cond_wait(&s->changed, &s->lock);
    ask.target = s->target;
    lock_drop(&s->lock);
    if (*ask.target)
        send_frame(ws, &ask);
    while ((r = ws_recv(ws, NULL, clock_mono_ms() + T_PATIENCE_MS, &b, NULL)) > 0) {
        struct stream_frame more = {.id = 7, .kind = STREAM_MORE};
        struct str data;
        uint64_t id;

        if (r == WS_TEXT) {
            got_text(s, buf_str(&b));
            continue;
        }
        if (stream_piece_read(buf_str(&b), &id, &data, NULL) < 0 || id != 7)
            break;
        lock_take(&s->lock);
        buf_put_str(&s->body, data);
        more.bytes = (int64_t)data.len;
        cond_broadcast(&s->changed);
        lock_drop(&s->lock);
        if (!s->no_more)
            send_frame(ws, &more);
    }
    ws_free(ws);
}

static void handle(struct http_exchange *x, void *arg)
{
    struct rpc_server *s = arg;
    struct str path = http_path(x);
    struct err e = ERR_INIT;

    atomic_fetch_add(&s->asked, 1);
    if (!str_starts(path, STR(LINK_PATH))) {
        reply_error(x, ERR_NOTFOUND, &e);
        return;
    }
    path = str_from(path, sizeof LINK_PATH - 1);
    if (str_eqc(path, "register"))
        do_register(s, x);
    else if (!str_eqc(path, "stream"))
        do_call(s, x, path);
    else if (strlen(secret_of(x)) != 36 || http_upgrade(x, stream_main, s, &e) < 0)
        reply_error(x, ERR_DENIED, &e);
}

static void rpc_start(struct rpc_server *s, struct fake_server *f)
{
    struct http_server_opts o = {.workers = 4, .handle = handle, .arg = s};
    struct http_listener_opts l = {.address = "127.0.0.1"};
    struct err e = ERR_INIT;
    uint16_t port;

    *s = (struct rpc_server){.server = f, .body = BUF_INIT(16 << 20)};
    lock_init(&s->lock, "rpc server", RANK_SERVER + 1);
    cond_init(&s->changed);
    T_OK(http_server_new(&o, &s->http, &e), &e);
    T_OK(http_server_listen(s->http, &l, &port, &e), &e);
    snprintf(s->address, sizeof s->address, "127.0.0.1:%u", port);
}

static void set_target(struct rpc_server *s, const char *target)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    if (!s->target)
        s->target = target;
    cond_broadcast(&s->changed);
}

static void rpc_stop(struct rpc_server *s)
{
    set_target(s, "");
    http_server_free(s->http);
    buf_done(&s->body);
    cond_done(&s->changed);
    lock_done(&s->lock);
}

/* A world whose client reaches its server by HTTP, after one that nobody listens at. */
static void world_over_http(struct world *w, struct rpc_server *s)
{
    world_start(w, NULL);
    world_end_client(w);
    rpc_start(s, &w->server);
    w->opts.link = NULL;
    list_push(w->arena, &w->opts.servers, "127.0.0.1:1");
    list_push(w->arena, &w->opts.servers, s->address);
    world_begin_client(w);
}

static bool stream_ended(struct rpc_server *s)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    return s->ended;
}

static size_t stream_len(struct rpc_server *s)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    return s->body.len;
}

TEST(a_task_with_a_token_runs_over_http)
{
    struct rpc_server s;
    struct world w;

    world_over_http(&w, &s);
    world_run(&w, ID1, "cat secrets/vault_token; exit 3", "\"Vault\":{\"Policies\":[\"p\"]}",
              NULL);
    world_wait(&w, ID1, "failed");
    T_STR_EQ(world_file(&w, ID1, "alloc/logs/t.stdout.0"), "hvs.CANARY-1");
    T_STR_EQ(world_types(&w, ID1, "t"),
             "Received|Task Setup|Started|Terminated|Not Restarting");
    T_STR_EQ(strmap_get(&((struct node *)w.server.node->body)->attributes, "kernel.name"),
             "linux");
    world_close(&w);
    rpc_stop(&s);
    world_done(&w);
}

TEST(a_server_reads_files_over_the_stream)
{
    struct rpc_server s;
    struct world w;

    world_over_http(&w, &s);
    world_run(&w, ID1,
              "head -c 1000000 /dev/zero > local/big; echo up > local/up; exec sleep 900", NULL,
              NULL);
    T_UNTIL(*world_file(&w, ID1, "t/local/up"));
    set_target(&s, "/v1/client/fs/cat/" ID1 "?path=t/local/big");
    T_UNTIL(stream_ended(&s));
    T_INT_EQ(s.status, 200);
    T_INT_EQ(stream_len(&s), 1000000);
    world_close(&w);
    rpc_stop(&s);
    world_done(&w);
}

TEST(a_server_that_reads_slowly_is_not_drowned)
{
    struct rpc_server s;
    struct world w;

    world_over_http(&w, &s);
    s.no_more = true;
    world_run(&w, ID1,
              "head -c 1000000 /dev/zero > local/big; echo up > local/up; exec sleep 900", NULL,
              NULL);
    T_UNTIL(*world_file(&w, ID1, "t/local/up"));
    set_target(&s, "/v1/client/fs/cat/" ID1 "?path=t/local/big");
    T_UNTIL(stream_len(&s) == STREAM_WINDOW);
    poll(NULL, 0, 50);
    T_INT_EQ(stream_len(&s), STREAM_WINDOW);
    T_FALSE(stream_ended(&s));
    world_close(&w);
    rpc_stop(&s);
    world_done(&w);
}

TEST(a_server_that_goes_away_is_waited_for)
{
    struct rpc_server s;
    struct world w;

    world_over_http(&w, &s);
    world_run(&w, ID1, "exec sleep 900", NULL, NULL);
    world_wait(&w, ID1, "running");
    lock_take(&w.server.lock);
    w.server.down = true;
    lock_drop(&w.server.lock);
    world_desire(&w, ID1, ALLOC_STOP);
    poll(NULL, 0, 100);
    T_STR_EQ(world_alloc(&w, ID1)->client_status, "running");
    lock_take(&w.server.lock);
    w.server.down = false;
    lock_drop(&w.server.lock);
    world_wait(&w, ID1, "complete");
    world_close(&w);
    rpc_stop(&s);
    world_done(&w);
}

TEST(an_agent_ends_soon_also_when_its_server_hangs)
{
    struct rpc_server s;
    struct world w;
    int64_t began;

    world_over_http(&w, &s);
    world_run(&w, ID1, "exec sleep 900", NULL, NULL);
    world_wait(&w, ID1, "running");
    T_UNTIL(atomic_load(&s.asked) > 3);
    lock_take(&w.server.lock);
    w.server.hangs = true;
    lock_drop(&w.server.lock);
    world_desire(&w, ID1, ALLOC_RUN); /* the parked request comes back, and asks again */
    began = clock_mono_ms();
    world_end_client(&w);
    T_TRUE(clock_mono_ms() - began < 5000);
    lock_take(&w.server.lock);
    w.server.hangs = false;
    cond_broadcast(&w.server.changed);
    lock_drop(&w.server.lock);
    world_begin_client(&w);
    world_close(&w);
    rpc_stop(&s);
    world_done(&w);
}

/* ---- frames ----------------------------------------------------------------------------- */

TEST(frames_read_back_as_they_were_written)
{
    static const struct stream_frame rows[] = {
        {.id = 1,
         .kind = STREAM_REQUEST,
         .method = "PUT",
         .target = "/v1/x?a=b",
         .body = {"{\"a\":1}", 7}},
        {.id = UINT64_MAX, .kind = STREAM_MORE, .bytes = STREAM_WINDOW},
        {.id = 3, .kind = STREAM_CANCEL},
        {.id = 4, .kind = STREAM_HEAD, .status = 404, .type = "text/plain"},
        {.id = 5, .kind = STREAM_END},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf b = BUF_INIT(1 << 20);
        struct stream_frame f;
        struct err e = ERR_INIT;

        stream_frame_write(&rows[i], &b);
        T_OK(stream_frame_read(buf_str(&b), a, &f, &e), &e);
        T_INT_EQ(f.id, rows[i].id);
        T_INT_EQ(f.kind, rows[i].kind);
        T_INT_EQ(f.bytes, rows[i].bytes);
        T_INT_EQ(f.status, rows[i].status);
        T_STRN_EQ(f.body, rows[i].body);
        if (rows[i].target)
            T_STR_EQ(f.target, rows[i].target);
    }
}

TEST(frames_that_are_none_are_refused)
{
    static const struct {
        const char *label, *text;
    } rows[] = {
        {"no JSON", "x"},
        {"no object", "[1]"},
        {"no id", "{\"kind\":\"end\"}"},
        {"negative id", "{\"id\":-1,\"kind\":\"end\"}"},
        {"unknown kind", "{\"id\":1,\"kind\":\"x\"}"},
        {"no target", "{\"id\":1,\"kind\":\"request\"}"},
        {"relative target", "{\"id\":1,\"kind\":\"request\",\"target\":\"x\"}"},
        {"body no base64", "{\"id\":1,\"kind\":\"request\",\"target\":\"/x\",\"body\":\"*\"}"},
        {"too much more", "{\"id\":1,\"kind\":\"more\",\"bytes\":99999999}"},
        {"status 7", "{\"id\":1,\"kind\":\"head\",\"status\":7}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct stream_frame f;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(stream_frame_read(str_of(rows[i].text), a, &f, &e), ERR_INVALID);
    }
    uint64_t id;
    struct str data;
    T_ROW("short piece");
    T_INT_EQ(stream_piece_read(STR("1234567"), &id, &data, NULL), ERR_INVALID);
}
