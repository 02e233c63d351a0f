#include <assert.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/http_priv.h"

enum { WORKERS_MAX = 64 };

static void set_defaults(struct http_server *s)
{
    struct http_limits *l = &s->limits;
    struct {
        uint32_t *at, value;
    } numbers[] = {
        {&l->head_timeout_ms, HTTP_HEAD_TIMEOUT_MS},
        {&l->body_timeout_ms, HTTP_BODY_TIMEOUT_MS},
        {&l->write_timeout_ms, HTTP_WRITE_TIMEOUT_MS},
        {&l->idle_timeout_ms, HTTP_IDLE_TIMEOUT_MS},
        {&l->connections, HTTP_CONNECTIONS_MAX},
        {&l->connections_per_address, HTTP_CONNECTIONS_PER_ADDRESS},
    };

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (*numbers[i].at == 0)
            *numbers[i].at = numbers[i].value;
    if (l->body == 0)
        l->body = HTTP_BODY_MAX;
    if (l->body_anon == 0)
        l->body_anon = HTTP_BODY_ANON_MAX;
    if (!s->opts.too_many_text)
        s->opts.too_many_text = "too many connections from your address\n";
}

static unsigned workers_wanted(unsigned asked)
{
    long cores = asked ? (long)asked : sysconf(_SC_NPROCESSORS_ONLN);

    return cores < 1 ? 1 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;
}

int http_server_new(const struct http_server_opts *opts, struct http_server **ret,
                    struct err *e)
{
    struct http_server *s = calloc(1, sizeof *s);
    int r = 0;

    assert(opts->handle);
    if (!s)
        abort();
    s->opts = *opts;
    s->limits = opts->limits;
    set_defaults(s);
    lock_init(&s->lock, "http server", RANK_HTTP);
    cond_init(&s->changed);
    s->n_workers = workers_wanted(opts->workers);
    s->workers = calloc(s->n_workers, sizeof *s->workers);
    if (!s->workers)
        abort();
    for (unsigned i = 0; i < s->n_workers && r == 0; i++)
        r = worker_start(&s->workers[i], s, i, e);
    if (r < 0) {
        http_server_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

static bool is_quiet(struct http_server *s)
{
    return s->n_listening == 0 && atomic_load(&s->n_conns) == 0 && s->n_sockets == 0;
}

/* The deadline is real time even when the clock is fake: it bounds how long a stop takes. */
static void wait_quiet(struct http_server *s, int64_t deadline_ms)
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    while (!is_quiet(s))
        if (!cond_wait_until(&s->changed, &s->lock, deadline_ms))
            return;
}

/* Listeners are added and never removed while the server lives. */
static size_t listeners_now(struct http_server *s, struct listener *ret[LISTENERS_MAX])
{
    auto_lock struct lock *held = lock_scope(&s->lock);

    for (size_t i = 0; i < s->listeners.len; i++)
        ret[i] = s->listeners.at[i];
    return s->listeners.len;
}

static void stop_listening(struct http_server *s)
{
    struct listener *at[LISTENERS_MAX];
    size_t n = listeners_now(s, at);

    for (size_t i = 0; i < n; i++)
        worker_post(at[i]->w, &at[i]->post, NULL);
}

void http_server_stop(struct http_server *s, int64_t deadline_ms)
{
    if (!s)
        return;
    atomic_store(&s->stopping, true);
    stop_listening(s);
    for (unsigned i = 0; i < s->n_workers; i++)
        worker_post(&s->workers[i], &s->workers[i].stop_post, NULL);
    wait_quiet(s, deadline_ms > 0 ? deadline_ms : 1);
    for (unsigned i = 0; i < s->n_workers; i++)
        worker_post(&s->workers[i], &s->workers[i].kill_post, NULL);
    upgrade_stop_all(s);
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    if (s->workers && s->workers[s->n_workers - 1].thread.running) {
        http_server_stop(s, 0);
        wait_quiet(s, 0);
    }
    for (unsigned i = 0; i < s->n_workers; i++)
        worker_join(&s->workers[i]);
    free(s->workers);
    for (size_t i = 0; i < s->listeners.len; i++)
        listener_free(s->listeners.at[i]);
    vec_done(&s->listeners);
    map_done(&s->peers);
    cond_done(&s->changed);
    lock_done(&s->lock);
    free(s);
}

int http_server_reload_tls(struct http_server *s, struct err *e)
{
    struct listener *at[LISTENERS_MAX];
    size_t n = listeners_now(s, at);

    for (size_t i = 0; i < n; i++) {
        int r = at[i]->tls ? tls_source_reload(at[i]->tls, e) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

void http_server_stats(struct http_server *s, struct http_server_stats *ret)
{
    int64_t parked = 0;

    *ret = (struct http_server_stats){.connections = (uint64_t)atomic_load(&s->n_conns)};
    for (unsigned i = 0; i < s->n_workers; i++) {
        ret->requests += atomic_load(&s->workers[i].requests);
        ret->refused += atomic_load(&s->workers[i].refused);
        parked += atomic_load(&s->workers[i].parked);
    }
    ret->parked = (uint64_t)parked;
}
