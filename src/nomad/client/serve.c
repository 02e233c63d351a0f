/* Requests to /v1/client/...: where they come in, which handler they go to. */
#include "nomad/client/serve.h"
#include "base/clock.h"
#include "http/router.h"
#include "http/target.h"

/* ---- threads ---------------------------------------------------------------------------- */

struct serve_job {
    struct nomad_client *c;
    struct thread thread;
    void (*fn)(void *arg);
    void *arg;
    bool ended; /* the client's lock */
    struct serve_job *next;
};

static void job_main(void *arg)
{
    struct serve_job *j = arg;
    struct nomad_client *c = j->c;

    j->fn(j->arg);
    auto_lock struct lock *held = lock_scope(&c->lock);
    j->ended = true;
    c->n_jobs--;
    cond_broadcast(&c->changed);
}

/* Take the ended ones off the list. */
static struct serve_job *take_ended(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);
    struct serve_job *ended = NULL, **p = &c->jobs;

    while (*p) {
        struct serve_job *j = *p;

        if (!j->ended) {
            p = &j->next;
            continue;
        }
        *p = j->next;
        j->next = ended;
        ended = j;
    }
    return ended;
}

static void join_ended(struct nomad_client *c)
{
    struct serve_job *j = take_ended(c), *next;

    for (; j; j = next) {
        next = j->next;
        thread_join(&j->thread);
        free(j);
    }
}

/* Begun under the lock, so that nobody joins it before its thread is known. */
static int begin_job(struct nomad_client *c, struct serve_job *j, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&c->lock);
    int r;

    if (c->stopping)
        return err_set(e, ERR_UNAVAIL, "the client agent is shutting down");
    if (c->n_jobs == CLIENT_REQUESTS_MAX)
        return err_set(e, ERR_LIMIT, "the client agent answers %d requests already, try again",
                       CLIENT_REQUESTS_MAX);
    r = thread_start(&j->thread, "request", job_main, j, e);
    if (r < 0)
        return r;
    j->next = c->jobs;
    c->jobs = j;
    c->n_jobs++;
    return 0;
}

int serve_spawn(struct nomad_client *c, void (*fn)(void *arg), void *arg, struct err *e)
{
    struct serve_job *j = calloc(1, sizeof *j);
    int r;

    if (!j)
        abort();
    *j = (struct serve_job){.c = c, .fn = fn, .arg = arg};
    join_ended(c);
    r = begin_job(c, j, e);
    if (r < 0)
        free(j);
    return r;
}

/* `stopping` is set: streams that follow see it and end. */
void serve_stop(struct nomad_client *c)
{
    lock_take(&c->lock);
    while (c->n_jobs > 0)
        cond_wait(&c->changed, &c->lock);
    lock_drop(&c->lock);
    join_ended(c);
}

/* ---- answers ---------------------------------------------------------------------------- */

int answer_head(struct answer *w, int status, const char *type, struct err *e)
{
    int r = w->head(w, status, type, e);

    if (r == 0)
        w->head_sent = true;
    return r;
}

int answer_whole(struct answer *w, int status, const char *type, struct str body, struct err *e)
{
    w->head_sent = true;
    return w->whole(w, status, type, body, e);
}

static void answer_error(struct answer *w, const struct err *e)
{
    if (!w->head_sent)
        answer_whole(w, err_http_status(e), TYPE_TEXT, str_of(e->msg), NULL);
}

/* ---- handlers' helpers ------------------------------------------------------------------ */

bool ask_param(const struct ask *q, const char *name, struct str *ret)
{
    if (q->call)
        return call_query(q->call, name, ret);
    for (size_t i = 0; q->params && i < q->params->n; i++) {
        if (str_eqc(q->params->at[i].name, name)) {
            *ret = q->params->at[i].value;
            return true;
        }
    }
    return false;
}

const char *ask_cstr(const struct ask *q, const char *name)
{
    struct str s;

    return ask_param(q, name, &s) ? arena_cstr(q->a, s) : "";
}

int ask_alloc(const struct ask *q, struct alloc_run **ret, struct err *e)
{
    if (q->id.len == 0)
        return err_set(e, ERR_INVALID, "must provide a valid alloc id");
    if (q->id.len != UUID_SIZE - 1)
        return err_set_status(e, ERR_INVALID, 500,
                              "alloc lookup failed: index error: UUID must be 36 characters");
    *ret = client_alloc(q->c, q->id);
    if (!*ret)
        return err_set(e, ERR_NOTFOUND, "Unknown allocation \"%.*s\"", STR_ARG(q->id));
    return 0;
}

/* ---- the table -------------------------------------------------------------------------- */

typedef int serve_fn(struct ask *q, struct err *e);
struct serve_entry {
    serve_fn *fn;
};

#define ENTRY(fn) (&(const struct serve_entry){fn})

static int no_such_fs(struct ask *q, struct err *e)
{
    (void)q;
    return err_set(e, ERR_NOTFOUND, "Invalid method");
}

static int no_such_resource(struct ask *q, struct err *e)
{
    (void)q;
    return err_set(e, ERR_NOTFOUND, "resource not found");
}

static const struct route routes[] = {
    /* clang-format off */
    {M_GET,            "/v1/client/fs/ls/*id",              0, NULL, ENTRY(serve_ls)},
    {M_GET,            "/v1/client/fs/stat/*id",            0, NULL, ENTRY(serve_stat)},
    {M_GET,            "/v1/client/fs/cat/*id",             0, NULL, ENTRY(serve_cat)},
    {M_GET,            "/v1/client/fs/readat/*id",          0, NULL, ENTRY(serve_readat)},
    {M_GET,            "/v1/client/fs/stream/*id",          0, NULL, ENTRY(serve_stream)},
    {M_GET,            "/v1/client/fs/logs/*id",            0, NULL, ENTRY(serve_logs)},
    {M_ANY,            "/v1/client/fs/*id",                 0, NULL, ENTRY(no_such_fs)},
    {M_GET,            "/v1/client/allocation/:id/stats",   0, NULL, ENTRY(serve_alloc_stats)},
    {M_WRITE | M_GET,  "/v1/client/allocation/:id/restart", 0, NULL, ENTRY(serve_alloc_restart)},
    {M_WRITE,          "/v1/client/allocation/:id/signal",  0, NULL, ENTRY(serve_alloc_signal)},
    {M_GET,            "/v1/client/allocation/:id/checks",  0, NULL, ENTRY(serve_alloc_checks)},
    {M_WRITE | M_GET,  "/v1/client/allocation/:id/gc",      0, NULL, ENTRY(serve_alloc_gc)},
    {M_ANY,            "/v1/client/allocation/*id",         0, NULL, ENTRY(no_such_resource)},
    {M_GET,            "/v1/client/stats",                  0, NULL, ENTRY(serve_host_stats)},
    {M_WRITE | M_GET,  "/v1/client/gc",                     0, NULL, ENTRY(serve_gc)},
    {M_WRITE | M_GET,  "/v1/client/metadata",               0, NULL, ENTRY(serve_metadata)},
    {M_GET,            "/v1/agent/monitor",                 0, NULL, ENTRY(serve_monitor)},
    /* clang-format on */
};

static int dispatch(struct ask *q, struct err *e)
{
    struct route_params params = {.n = 0};
    unsigned allowed = 0;
    const struct route *r = router_find(q->c->router, http_method_bit(str_of(q->method)),
                                        q->path, &params, &allowed);
    const struct serve_entry *entry;

    if (!r)
        return allowed ? err_set(e, ERR_METHOD, "Invalid method")
                       : err_set(e, ERR_NOTFOUND, "%s", "");
    q->id = route_param(&params, "id");
    entry = r->extra;
    return entry->fn(q, e);
}

static void run(struct ask *q)
{
    struct err e = ERR_INIT;

    if (dispatch(q, &e) < 0)
        answer_error(q->w, &e);
}

void serve_run(struct nomad_client *c, const char *method, struct str target, struct str body,
               struct answer *w)
{
    auto_arena struct arena *a = arena_new(0);
    struct target t;
    struct ask q = {.c = c, .a = a, .method = method, .body = body, .w = w};
    struct err e = ERR_INIT;

    target_parse(&t, target, a);
    if (t.state != HTTP_PATH_CLEAN || target_query_too_many(t.query)) {
        err_set(&e, ERR_INVALID, "the request's path or query is malformed");
        answer_error(w, &e);
        return;
    }
    q.path = t.path;
    q.params = target_params(t.query, a);
    run(&q);
}

/* ---- an HTTP exchange of this agent ----------------------------------------------------- */

struct http_answer {
    struct answer w;
    struct nomad_client *c;
    struct http_exchange *x;
    struct http_stream *s;
};

static int http_head(struct answer *w, int status, const char *type, struct err *e)
{
    struct http_answer *h = (struct http_answer *)w;
    struct http_reply head = {.status = status, .content_type = type};

    return http_stream_start(h->x, &head, &h->s, e);
}

static int http_whole(struct answer *w, int status, const char *type, struct str body,
                      struct err *e)
{
    struct http_answer *h = (struct http_answer *)w;
    struct http_reply reply = {.status = status, .content_type = type};

    (void)e;
    reply.body = arena_str(http_arena(h->x), body);
    http_reply(h->x, &reply);
    h->x = NULL;
    return 0;
}

static int http_piece(struct answer *w, struct str data, struct err *e)
{
    struct http_answer *h = (struct http_answer *)w;
    int r;

    while ((r = http_stream_write(h->s, data, e)) == ERR_LIMIT) {
        r = http_stream_wait(h->s, clock_mono_ms() + 1000, e);
        if (r < 0 && r != ERR_TIMEOUT)
            return r;
        if (stopper_is_set(&h->c->stop))
            return err_set(e, ERR_CANCELED, "stopping");
    }
    return r;
}

static bool http_gone(struct answer *w)
{
    struct http_answer *h = (struct http_answer *)w;

    return h->s ? http_stream_is_gone(h->s) : h->x && http_is_gone(h->x);
}

static void exchange_main(void *arg)
{
    struct http_answer *h = arg;
    auto_arena struct arena *a = arena_new(0);

    serve_run(h->c, arena_cstr(a, http_method(h->x)), arena_str(a, http_target(h->x)),
              http_body(h->x), &h->w);
    if (h->s)
        http_stream_end(h->s);
    else if (h->x) { /* a handler that could not even begin its stream: the peer is gone */
        struct http_reply none = {.status = 500};

        http_reply(h->x, &none);
    }
    free(h);
}

static void take_exchange(struct call *call, void *arg)
{
    struct http_answer *h = calloc(1, sizeof *h);
    struct http_exchange *x = call->x;
    struct err e = ERR_INIT;

    if (!h)
        abort();
    *h = (struct http_answer){
        .w = {.head = http_head,
              .whole = http_whole,
              .piece = http_piece,
              .is_gone = http_gone,
              .wake_fd = -1,
              .follows = true},
        .c = arg,
        .x = x,
    };
    if (serve_spawn(arg, exchange_main, h, &e) < 0) {
        struct http_reply reply = {.status = err_http_status(&e), .content_type = TYPE_TEXT};

        reply.body = str_of(arena_strdup(http_arena(x), e.msg));
        free(h);
        http_reply(x, &reply);
    }
}

/* ---- an inner call ---------------------------------------------------------------------- */

struct inner_answer {
    struct answer w;
    struct call *call;
};

static int inner_head(struct answer *w, int status, const char *type, struct err *e)
{
    (void)e;
    call_reply(((struct inner_answer *)w)->call, status, type);
    return 0;
}

static int inner_piece(struct answer *w, struct str data, struct err *e)
{
    struct buf *b = ((struct inner_answer *)w)->call->body;

    buf_put_str(b, data);
    return buf_check(b, "the answer", e);
}

static int inner_whole(struct answer *w, int status, const char *type, struct str body,
                       struct err *e)
{
    inner_head(w, status, type, e);
    return inner_piece(w, body, e);
}

static bool inner_gone(struct answer *w)
{
    (void)w;
    return false;
}

static int serve(struct call *call, struct err *e)
{
    struct nomad_client *c = call->service->ctx;
    struct inner_answer in = {
        .w = {.head = inner_head,
              .whole = inner_whole,
              .piece = inner_piece,
              .is_gone = inner_gone,
              .wake_fd = -1},
        .call = call,
    };
    struct ask q = {.c = c,
                    .a = call->arena,
                    .method = http_method_name(call->method),
                    .path = call->path,
                    .call = call,
                    .w = &in.w};

    (void)e;
    if (call->x) {
        call_take(call, take_exchange, c);
        return 0;
    }
    q.body = call_body(call);
    run(&q);
    return 0;
}

static void render_error(struct call *call, const struct err *e)
{
    call_reply(call, err_http_status(e), TYPE_TEXT);
    buf_puts(call->body, e->msg);
}

static size_t body_limit(struct http_exchange *x, void *arg)
{
    (void)x;
    (void)arg;
    return CLIENT_BODY_MAX;
}

void serve_init(struct nomad_client *c)
{
    c->router = router_new(routes, ARRAY_LEN(routes));
    c->service = (struct api_service){.name = "client",
                                      .serve = serve,
                                      .render_error = render_error,
                                      .body_limit = body_limit,
                                      .ctx = c};
}

void serve_done(struct nomad_client *c)
{
    if (c->router)
        router_free(c->router);
}

const struct api_service *nomad_client_service(struct nomad_client *c)
{
    return &c->service;
}
