/*
 * /v1/agent/monitor: the log as it is written, of this agent or of a node's.
 *
 * Thread: one per reader (bounded by LOG_FOLLOWERS_MAX); it ends with its reader or the server.
 */
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log_follow.h"
#include "http/server.h"
#include "nomad/server/agent_api.h"
#include "nomad/server/list.h"

enum { TICK_MS = 250, BEAT_MS = 10000 };

struct monitor {
    struct nomad_server *server;
    struct thread thread;
    bool used, ended; /* the lock of all */
    struct log_follower *log;
    struct http_stream *stream;
    bool plain;
    int64_t beat_ms;
};

/* Places, one per reader; a thread that has ended is joined when its place is wanted again. */
struct monitors {
    struct lock lock;
    struct monitor at[LOG_FOLLOWERS_MAX];
};

/* ---- sending ---------------------------------------------------------------------------- */

static int send_bytes(struct monitor *m, struct str data)
{
    int r;

    m->beat_ms = clock_mono_ms() + BEAT_MS;
    while ((r = http_stream_write(m->stream, data, NULL)) == ERR_LIMIT) {
        r = http_stream_wait(m->stream, clock_mono_ms() + TICK_MS, NULL);
        if ((r < 0 && r != ERR_TIMEOUT) || stopper_is_set(&m->server->stop))
            return ERR_CANCELED;
    }
    return r;
}

static int send_lines(struct monitor *m, struct str lines)
{
    auto_buf struct buf data = BUF_INIT(2 * LOG_FOLLOW_BYTES),
                        b = BUF_INIT(3 * LOG_FOLLOW_BYTES);
    struct json_out w;

    if (m->plain)
        return send_bytes(m, lines);
    codec_base64_encode(&data, lines, false, true);
    json_out_init(&w, &b, NULL);
    json_obj(&w);
    json_kv_strn(&w, "Data", buf_str(&data));
    json_obj_end(&w);
    return send_bytes(m, buf_str(&b));
}

static int beat(struct monitor *m)
{
    return m->plain || clock_mono_ms() < m->beat_ms ? 0 : send_bytes(m, STR("{}"));
}

static void run(void *arg)
{
    struct monitor *m = arg;
    struct nomad_server *s = m->server;
    int r = 0;

    while (r == 0 && !stopper_is_set(&s->stop) && !http_stream_is_gone(m->stream)) {
        auto_buf struct buf lines = BUF_INIT(LOG_FOLLOW_BYTES);

        r = log_follow_next(m->log, clock_mono_ms() + TICK_MS, &lines)
                ? send_lines(m, buf_str(&lines))
                : beat(m);
    }
    http_stream_end(m->stream);
    log_unfollow(m->log);
    auto_lock struct lock *held = lock_scope(&s->monitors->lock);
    m->ended = true;
}

/* ---- places ----------------------------------------------------------------------------- */

/* NULL: all are taken, or the server stops. */
static struct monitor *place(struct monitors *all)
{
    auto_lock struct lock *held = lock_scope(&all->lock);

    for (size_t i = 0; i < LOG_FOLLOWERS_MAX; i++) {
        struct monitor *m = &all->at[i];

        if (m->used && !m->ended)
            continue;
        thread_join(&m->thread); /* nothing is left for it to do */
        *m = (struct monitor){.used = true};
        return m;
    }
    return NULL;
}

static void give_back(struct monitors *all, struct monitor *m)
{
    auto_lock struct lock *held = lock_scope(&all->lock);

    log_unfollow(m->log);
    *m = (struct monitor){0};
}

void monitors_start(struct nomad_server *s)
{
    s->monitors = calloc(1, sizeof *s->monitors);
    if (!s->monitors)
        abort();
    lock_init(&s->monitors->lock, "monitors", RANK_SERVER + 2);
}

/* s->stop is set: each sees it within TICK_MS. */
void monitors_stop(struct nomad_server *s)
{
    if (!s->monitors)
        return;
    for (size_t i = 0; i < LOG_FOLLOWERS_MAX; i++)
        thread_join(&s->monitors->at[i].thread);
    lock_done(&s->monitors->lock);
    free(s->monitors);
    s->monitors = NULL;
}

/* ---- asking ----------------------------------------------------------------------------- */

struct wish {
    enum log_level level;
    bool plain;
};

static void refuse(struct http_exchange *x, int status, const char *text)
{
    http_reply(x, &(struct http_reply){.status = status,
                                       .content_type = "text/plain; charset=utf-8",
                                       .body = arena_str(http_arena(x), str_of(text))});
}

static void take(struct call *c, void *arg)
{
    const struct wish *wish = arg;
    struct http_reply head = {.status = 200,
                              .content_type = wish->plain ? "text/plain" : "application/json",
                              .close = true};
    struct nomad_server *s = server_of(c);
    struct monitor *m = s->monitors && !stopper_is_set(&s->stop) ? place(s->monitors) : NULL;
    struct err e = ERR_INIT;

    if (!m) {
        refuse(c->x, 429, "too many readers of the log; try again later");
        return;
    }
    m->server = s;
    m->plain = wish->plain;
    m->beat_ms = clock_mono_ms() + BEAT_MS;
    if (log_follow(wish->level, &m->log, &e) < 0 ||
        http_stream_start(c->x, &head, &m->stream, &e) < 0) {
        give_back(s->monitors, m);
        refuse(c->x, 500, e.msg);
        return;
    }
    if (thread_start(&m->thread, "monitor", run, m, &e) < 0) {
        http_stream_end(m->stream);
        give_back(s->monitors, m);
    }
}

static bool is_this_server(const struct call *c, const char *id)
{
    const struct nomad_server *s = server_of(c);

    return strcmp(id, "leader") == 0 || strcmp(id, member_name(s, c->arena)) == 0 ||
           strcmp(id, s->opts.name) == 0 || strcmp(id, server_id(s, c->arena)) == 0;
}

/* 1: another agent's; 0: this one's. */
static int target(struct call *c, const char **ret_node, struct err *e)
{
    const char *node = call_text(c, "node_id"), *server = call_text(c, "server_id");
    const char *here = server_of(c)->opts.client_id;
    const struct object *o;
    int r;

    *ret_node = node;
    if (*node && *server)
        return nomad_fail(e, 400, "Cannot target node and server simultaneously");
    if (*server && !is_this_server(c, server))
        return nomad_fail(e, 500, "unknown Nomad server %.200s", server);
    if (!*node || (here && strcmp(node, here) == 0))
        return 0;
    r = check_uuid(node, "node", e);
    if (r == 0)
        r = state_node(c->txn, node, &o, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 404, "Unknown node \"%s\"", node);
    return r < 0 ? r : 1;
}

int agent_monitor(struct call *c, struct err *e)
{
    struct wish *wish = arena_new_of(c->arena, struct wish);
    const char *level = call_text(c, "log_level"), *node = "";
    int r;

    wish->level = LOG_INFO;
    if (*level && !log_level_parse(str_of(level), &wish->level))
        return nomad_fail(e, 400, "Unknown log level: %.200s", level);
    r = call_bool(c, "plain", &wish->plain, e);
    if (r == 0)
        r = target(c, &node, e);
    if (r != 0)
        return r < 0 ? r : forward_to_node(c, node, e);
    call_take(c, take, wish);
    return 0;
}
