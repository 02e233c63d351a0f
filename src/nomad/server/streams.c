/*
 * Asking clients: `/v1/client/...` is answered by the node that runs the alloc, over the
 * websocket that the node keeps open (nomad/model/stream.h). A client needs no open port and no
 * route back.
 *
 *      request -> node's stream -> frame "request" ... "head" -> reply starts, pieces ->
 * reply's body, "end" -> done
 *
 * Thread: each node's websocket has a reader thread of its own, which owns its exchanges'
 * progress; calls only add exchanges. `lock` guards the maps; it is not held while anything is
 * sent.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "crypto/crypto.h"
#include "http/server.h"
#include "http/websocket.h"
#include "nomad/model/stream.h"
#include "nomad/server/list.h"
#include "nomad/server/server_priv.h"

enum { TICK_MS = 50, IDLE_MS = 10000, MESSAGE_MAX = 2 * STREAM_PIECE_MAX };

struct exchange {
    uint64_t id;
    struct http_exchange *x;    /* until the reply starts */
    struct http_stream *stream; /* after that */
    int64_t owed;               /* taken but not yet said `more` about */
    atomic_bool gone;           /* the asker left */
};

struct node_stream {
    char node_id[64];
    struct websocket *ws;
    struct stopper stop;
    struct lock lock; /* exchanges */
    VEC(struct exchange *) exchanges;
    uint64_t next_id;
    atomic_uint refs;
    struct client_streams *all;
};

struct client_streams {
    struct lock lock; /* by_node */
    struct cond empty;
    struct map by_node;
    size_t readers;
    bool stopping;
};

/* ---- one node's stream ------------------------------------------------------------------ */

static void stream_unref(struct node_stream *n)
{
    if (atomic_fetch_sub(&n->refs, 1) != 1)
        return;
    ws_free(n->ws);
    stopper_done(&n->stop);
    lock_done(&n->lock);
    vec_done(&n->exchanges);
    free(n);
}

static int send_frame(struct node_stream *n, const struct stream_frame *f, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(MESSAGE_MAX);

    stream_frame_write(f, &b);
    return ws_send(n->ws, WS_TEXT, buf_str(&b), e);
}

static struct exchange *find_exchange(struct node_stream *n, uint64_t id)
{
    struct exchange *found = NULL;

    lock_take(&n->lock);
    for (size_t i = 0; i < n->exchanges.len && !found; i++)
        if (n->exchanges.at[i]->id == id)
            found = n->exchanges.at[i];
    lock_drop(&n->lock);
    return found;
}

static void drop_exchange(struct node_stream *n, struct exchange *ex)
{
    lock_take(&n->lock);
    for (size_t i = 0; i < n->exchanges.len; i++) {
        if (n->exchanges.at[i] == ex) {
            vec_remove_swap(&n->exchanges, i);
            break;
        }
    }
    lock_drop(&n->lock);
    if (ex->stream)
        http_stream_end(ex->stream);
    free(ex);
}

static void reply_text(struct http_exchange *x, int status, const char *text)
{
    http_reply(x, &(struct http_reply){.status = status,
                                       .content_type = "text/plain; charset=utf-8",
                                       .body = arena_str(http_arena(x), str_of(text))});
}

static void on_head(struct node_stream *n, struct exchange *ex, const struct stream_frame *f)
{
    struct http_exchange *x = ex->x;
    struct http_reply head = {.status = f->status};
    struct err e = ERR_INIT;

    if (!x)
        return;
    head.content_type = f->type && *f->type ? arena_strdup(http_arena(x), f->type) : NULL;
    ex->x = NULL;
    if (http_stream_start(x, &head, &ex->stream, &e) < 0) {
        send_frame(n, &(struct stream_frame){.id = ex->id, .kind = STREAM_CANCEL}, NULL);
        reply_text(x, 500, e.msg);
        drop_exchange(n, ex);
    }
}

static void cancel(struct node_stream *n, struct exchange *ex)
{
    send_frame(n, &(struct stream_frame){.id = ex->id, .kind = STREAM_CANCEL}, NULL);
    if (ex->x)
        reply_text(ex->x, 500, "canceled");
    drop_exchange(n, ex);
}

static void on_end(struct node_stream *n, struct exchange *ex)
{
    if (ex->x)
        reply_text(ex->x, 502, "the client agent gave no answer");
    drop_exchange(n, ex);
}

/* Say `more` for what the asker has taken. */
static void give_credit(struct node_stream *n, struct exchange *ex)
{
    if (ex->owed == 0 || http_stream_wait(ex->stream, 1, NULL) < 0)
        return;
    send_frame(n, &(struct stream_frame){.id = ex->id, .kind = STREAM_MORE, .bytes = ex->owed},
               NULL);
    ex->owed = 0;
}

static void on_piece(struct node_stream *n, struct str message)
{
    struct exchange *ex;
    struct str data;
    uint64_t id;

    if (stream_piece_read(message, &id, &data, NULL) < 0)
        return;
    ex = find_exchange(n, id);
    if (!ex || !ex->stream)
        return;
    if (http_stream_write(ex->stream, data, NULL) < 0) {
        cancel(n, ex);
        return;
    }
    ex->owed += (int64_t)data.len;
    give_credit(n, ex);
}

static void on_frame(struct node_stream *n, struct str text)
{
    auto_arena struct arena *a = arena_new(0);
    struct stream_frame f;
    struct exchange *ex;

    if (stream_frame_read(text, a, &f, NULL) < 0)
        return;
    ex = find_exchange(n, f.id);
    if (!ex)
        return;
    if (f.kind == STREAM_HEAD)
        on_head(n, ex, &f);
    else if (f.kind == STREAM_END)
        on_end(n, ex);
}

/* Credit that waits for slow askers, and askers that left. */
static bool look_after(struct node_stream *n)
{
    struct exchange *list[STREAM_REQUESTS_MAX];
    size_t len;
    bool busy = false;

    lock_take(&n->lock);
    len = n->exchanges.len < STREAM_REQUESTS_MAX ? n->exchanges.len : STREAM_REQUESTS_MAX;
    for (size_t i = 0; i < len; i++)
        list[i] = n->exchanges.at[i];
    lock_drop(&n->lock);
    for (size_t i = 0; i < len; i++) {
        if (atomic_load(&list[i]->gone) ||
            (list[i]->stream && http_stream_is_gone(list[i]->stream))) {
            cancel(n, list[i]);
            continue;
        }
        busy = true;
        if (list[i]->stream)
            give_credit(n, list[i]);
    }
    return busy;
}

static void end_all(struct node_stream *n)
{
    lock_take(&n->lock);
    while (n->exchanges.len) {
        struct exchange *ex = n->exchanges.at[0];

        vec_remove_swap(&n->exchanges, 0);
        lock_drop(&n->lock);
        if (ex->x)
            reply_text(ex->x, 404, "No path to node");
        if (ex->stream)
            http_stream_end(ex->stream);
        free(ex);
        lock_take(&n->lock);
    }
    lock_drop(&n->lock);
}

static void read_stream(struct node_stream *n)
{
    auto_buf struct buf b = BUF_INIT(MESSAGE_MAX);
    bool busy = false;
    struct err e;
    int r;

    do {
        e = (struct err)ERR_INIT;
        r = ws_recv(n->ws, &n->stop, clock_mono_ms() + (busy ? TICK_MS : IDLE_MS), &b, &e);
        if (r == WS_TEXT)
            on_frame(n, buf_str(&b));
        else if (r == WS_BINARY)
            on_piece(n, buf_str(&b));
        busy = look_after(n);
    } while (r > 0 || r == ERR_TIMEOUT);
    end_all(n);
}

/* ---- all of them ------------------------------------------------------------------------ */

static bool add_stream(struct client_streams *all, struct node_stream *n)
{
    struct node_stream *old;
    bool ok;

    lock_take(&all->lock);
    ok = !all->stopping;
    old = ok ? map_put(&all->by_node, str_of(n->node_id), n) : NULL;
    all->readers += ok;
    lock_drop(&all->lock);
    if (old)
        stopper_stop(&old->stop); /* the client has come back: the old connection is dead */
    return ok;
}

static void remove_stream(struct client_streams *all, struct node_stream *n)
{
    lock_take(&all->lock);
    if (map_get(&all->by_node, str_of(n->node_id)) == n)
        map_del(&all->by_node, str_of(n->node_id));
    all->readers--;
    cond_broadcast(&all->empty);
    lock_drop(&all->lock);
}

static void run_stream(struct websocket *ws, void *arg)
{
    struct node_stream *n = arg;

    n->ws = ws;
    if (add_stream(n->all, n)) {
        log_debug("stream", "node stream opened node_id=%s", n->node_id);
        read_stream(n);
        remove_stream(n->all, n);
    }
    stream_unref(n);
}

static void take_stream(struct call *c, void *arg)
{
    struct err e = ERR_INIT;

    if (http_upgrade(c->x, run_stream, arg, &e) < 0) {
        stream_unref(arg);
        reply_text(c->x, 400, e.msg);
    }
}

static int check_node(struct call *c, const char *node_id, struct err *e)
{
    struct str secret = call_header(c, "X-Nomad-Node-Secret");
    const struct object *o;
    char hash[NODE_SECRET_HASH_SIZE];
    int r = state_node(c->txn, node_id, &o, e);

    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 403, "node %s is not registered", node_id);
    if (r < 0)
        return r;
    node_secret_hash(secret, hash);
    if (!crypto_str_eq(str_of(((const struct node *)o->body)->secret_id_hash), str_of(hash)))
        return nomad_fail(e, 403, "node secret ID does not match");
    return 0;
}

int rpc_stream(struct call *c, struct err *e)
{
    const char *id = call_text(c, "node_id");
    struct node_stream *n;
    int r = check_node(c, id, e);

    if (r < 0)
        return r;
    n = calloc(1, sizeof *n);
    if (!n)
        abort();
    snprintf(n->node_id, sizeof n->node_id, "%s", id);
    n->refs = 1;
    n->all = server_of(c)->streams;
    lock_init(&n->lock, "node stream", RANK_SERVER + 3);
    r = stopper_init(&n->stop, e);
    if (r < 0) {
        free(n);
        return r;
    }
    call_take(c, take_stream, n);
    return 0;
}

int streams_start(struct nomad_server *s, struct err *e)
{
    (void)e;
    s->streams = calloc(1, sizeof *s->streams);
    if (!s->streams)
        abort();
    lock_init(&s->streams->lock, "node streams", RANK_SERVER + 2);
    cond_init(&s->streams->empty);
    return 0;
}

/* Under all->lock. */
static void stop_nodes(struct client_streams *all)
{
    void *value;

    all->stopping = true;
    for (size_t i = 0; map_next(&all->by_node, &i, NULL, &value);)
        stopper_stop(&((struct node_stream *)value)->stop);
}

void streams_end(struct nomad_server *s)
{
    struct client_streams *all = s->streams;

    if (!all)
        return;
    lock_take(&all->lock);
    stop_nodes(all);
    lock_drop(&all->lock);
}

void streams_stop(struct nomad_server *s)
{
    struct client_streams *all = s->streams;

    if (!all)
        return;
    lock_take(&all->lock);
    stop_nodes(all);
    while (all->readers)
        cond_wait(&all->empty, &all->lock);
    lock_drop(&all->lock);
    map_done(&all->by_node);
    cond_done(&all->empty);
    lock_done(&all->lock);
    free(all);
    s->streams = NULL;
}

/* ---- asking ------------------------------------------------------------------------------ */

struct forward {
    struct node_stream *n;
    struct exchange *ex;
    struct stream_frame frame;
};

static struct node_stream *stream_of(struct client_streams *all, const char *node_id)
{
    struct node_stream *n;

    if (!all)
        return NULL;
    lock_take(&all->lock);
    n = map_get(&all->by_node, str_of(node_id));
    if (n)
        atomic_fetch_add(&n->refs, 1);
    lock_drop(&all->lock);
    return n;
}

static void asker_left(struct http_exchange *x, void *arg)
{
    (void)x;
    atomic_store(&((struct exchange *)arg)->gone, true);
}

static void take_forward(struct call *c, void *arg)
{
    struct forward *f = arg;
    struct node_stream *n = f->n;
    bool full;

    f->ex->x = c->x;
    lock_take(&n->lock);
    full = n->exchanges.len >= STREAM_REQUESTS_MAX || stopper_is_set(&n->stop);
    f->ex->id = f->frame.id = ++n->next_id;
    if (!full)
        vec_push(&n->exchanges, f->ex);
    lock_drop(&n->lock);
    if (full) {
        free(f->ex);
        reply_text(c->x, 429, "too many requests for this node are under way");
    } else {
        http_on_gone(c->x, asker_left, f->ex);
        send_frame(n, &f->frame,
                   NULL); /* a dead websocket is noticed by its reader, which answers */
    }
    stream_unref(n);
}

int forward_to_node(struct call *c, const char *node_id, struct err *e)
{
    struct node_stream *n = stream_of(server_of(c)->streams, node_id);
    struct forward *f;

    if (!n)
        return nomad_fail(e, 404, "No path to node");
    f = arena_new_of(c->arena, struct forward);
    f->n = n;
    f->ex = calloc(1, sizeof *f->ex);
    if (!f->ex)
        abort();
    f->frame =
        (struct stream_frame){.kind = STREAM_REQUEST,
                              .method = http_method_name(c->method),
                              .target = c->x ? arena_cstr(c->arena, http_target(c->x)) : "",
                              .body = call_body(c)};
    call_take(c, take_forward, f);
    return 0;
}

/* What may be done with an alloc by the last part of its path. */
static const struct {
    const char *action;
    enum acl_cap cap, other;
} alloc_actions[] = {
    /* clang-format off */
    {"logs",       CAP_READ_FS,         CAP_READ_LOGS},
    {"ls",         CAP_READ_FS,         0},
    {"stat",       CAP_READ_FS,         0},
    {"cat",        CAP_READ_FS,         0},
    {"readat",     CAP_READ_FS,         0},
    {"stream",     CAP_READ_FS,         0},
    {"snapshot",   CAP_READ_FS,         0},
    {"stats",      CAP_READ_JOB,        0},
    {"checks",     CAP_READ_JOB,        0},
    {"restart",    CAP_ALLOC_LIFECYCLE, 0},
    {"signal",     CAP_ALLOC_LIFECYCLE, 0},
    {"pause",      CAP_ALLOC_LIFECYCLE, 0},
    {"gc",         CAP_SUBMIT_JOB,      0},
    {"exec",       CAP_ALLOC_EXEC,      0},
    /* clang-format on */
};

/* A shell in a task without walls is a shell on its node. */
static bool needs_node_exec(struct call *c, const struct alloc *al)
{
    const char *task = call_text(c, "task");
    const struct object *version;

    if (state_job_version(c->txn, al->namespace, al->job_id, al->job_version, &version, NULL) <
        0)
        return true;
    list_each (&((const struct job *)version->body)->groups, g)
        list_each (&g->tasks, t)
            if (strcmp(g->name, al->task_group) == 0 && strcmp(t->name, task) == 0)
                return strcmp(str_or_empty(t->driver), "raw_exec") == 0;
    return true;
}

static int need_of_alloc(struct call *c, const struct alloc *al, struct err *e)
{
    struct str op = call_param(c, "op");
    struct str action = op.len ? op : call_param(c, "action");
    int r;

    for (size_t i = 0; i < ARRAY_LEN(alloc_actions); i++) {
        if (!str_eqc(action, alloc_actions[i].action))
            continue;
        r = call_need_one(c, al->namespace, alloc_actions[i].cap, alloc_actions[i].other, e);
        if (r == 0 && alloc_actions[i].cap == CAP_ALLOC_EXEC && needs_node_exec(c, al))
            r = call_need(c, al->namespace, CAP_ALLOC_NODE_EXEC, e);
        return r;
    }
    return call_need_that(c, rights_is_management(call_rights(c)), e);
}

static int need_of_node(struct call *c, struct err *e)
{
    bool reads = c->method & (M_GET | M_HEAD) && !str_ends(c->path, STR("/gc"));

    return call_need_area(c, AREA_NODE, reads ? LEVEL_READ : LEVEL_WRITE, e);
}

static int find_alloc(struct call *c, const struct alloc **ret, struct err *e)
{
    const char *id = arena_cstr(c->arena, call_param(c, "alloc"));
    const struct object *o;
    int r = check_uuid(id, "alloc", e);

    if (r == 0)
        r = state_alloc(c->txn, id, &o, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 404, "Unknown allocation \"%s\"", id);
    if (r < 0)
        return r;
    *ret = o->body;
    return need_of_alloc(c, *ret, e);
}

int client_need(struct call *c, struct err *e)
{
    const struct alloc *al;

    return call_param(c, "alloc").len ? find_alloc(c, &al, e) : need_of_node(c, e);
}

static int client_of_alloc(struct call *c, struct err *e)
{
    const struct alloc *al;
    int r = find_alloc(c, &al, e);

    return r < 0 ? r : forward_to_node(c, al->node_id, e);
}

static int client_of_node(struct call *c, struct err *e)
{
    const char *id = call_text(c, "node_id");
    const struct object *o;
    int r;

    r = need_of_node(c, e);
    if (r == 0 && !*id)
        return nomad_fail(e, 400, "No local Node and node_id not provided");
    if (r == 0)
        r = check_uuid(id, "node", e);
    if (r == 0)
        r = state_node(c->txn, id, &o, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 404, "Unknown node \"%s\"", id);
    return r < 0 ? r : forward_to_node(c, id, e);
}

const struct route client_routes[] = {
    /* clang-format off */
    {M_ANY & ~M_OPTIONS, "/v1/client/fs/:op/:alloc",             NEED_CHECK, client_of_alloc},
    {M_ANY & ~M_OPTIONS, "/v1/client/allocation/:alloc/*action", NEED_CHECK, client_of_alloc},
    {M_ANY & ~M_OPTIONS, "/v1/client/stats",                     NEED_CHECK, client_of_node},
    {M_ANY & ~M_OPTIONS, "/v1/client/gc",                        NEED_CHECK, client_of_node},
    {M_ANY & ~M_OPTIONS, "/v1/client/metadata",                  NEED_CHECK, client_of_node},
    /* clang-format on */
};
const size_t n_client_routes = ARRAY_LEN(client_routes);
