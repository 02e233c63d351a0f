#include <assert.h>

#include "http/http_priv.h"

void exchange_free(struct http_exchange *x)
{
    struct worker *w = x->c->w;

    if (x->parked)
        atomic_fetch_sub(&w->parked, 1);
    body_done(&x->body);
    worker_arena_back(w, x->arena); /* x with it */
}

struct arena *http_arena(struct http_exchange *x)
{
    return x->arena;
}

unsigned http_listener_tag(const struct http_exchange *x)
{
    return x->c->l->tag;
}

struct str http_method(const struct http_exchange *x)
{
    return x->head.method;
}

struct str http_target(const struct http_exchange *x)
{
    return x->raw_target;
}

struct str http_path(const struct http_exchange *x)
{
    return x->target.path;
}

struct str http_query(const struct http_exchange *x)
{
    return x->target.query;
}

enum http_path_state http_path_state(const struct http_exchange *x)
{
    return x->target.state;
}

static const struct target_params *params(const struct http_exchange *x)
{
    static const struct target_params none;
    struct http_exchange *own = (struct http_exchange *)x;

    if (x->target.query.len == 0)
        return &none;
    if (!x->params)
        own->params = target_params(x->target.query, x->arena);
    return x->params;
}

bool http_param(const struct http_exchange *x, const char *name, struct str *ret)
{
    const struct target_params *ps = params(x);

    for (size_t i = 0; i < ps->n; i++) {
        if (str_eqc(ps->at[i].name, name)) {
            *ret = ps->at[i].value;
            return true;
        }
    }
    return false;
}

size_t http_param_count(const struct http_exchange *x)
{
    return params(x)->n;
}

void http_param_at(const struct http_exchange *x, size_t i, struct str *ret_name,
                   struct str *ret_value)
{
    const struct target_params *ps = params(x);

    assert(i < ps->n);
    *ret_name = ps->at[i].name;
    *ret_value = ps->at[i].value;
}

struct str http_header(const struct http_exchange *x, const char *name)
{
    return head_get(&x->head, str_of(name));
}

size_t http_header_count(const struct http_exchange *x)
{
    return x->head.n_fields;
}

void http_header_at(const struct http_exchange *x, size_t i, struct str *ret_name,
                    struct str *ret_value)
{
    assert(i < x->head.n_fields);
    *ret_name = x->head.fields[i].name;
    *ret_value = x->head.fields[i].value;
}

struct str http_body(const struct http_exchange *x)
{
    return str_n(x->body.p ? x->body.p : "", x->body.len);
}

const char *http_peer_address(const struct http_exchange *x)
{
    return x->c->peer.text;
}

uint16_t http_peer_port(const struct http_exchange *x)
{
    return x->c->peer.port;
}

bool http_is_tls(const struct http_exchange *x)
{
    return x->c->l->is_tls;
}

struct str http_peer_cert(const struct http_exchange *x)
{
    return x->c->tls ? tls_peer_cert(x->c->tls) : STR("");
}

void http_set_user(struct http_exchange *x, void *user)
{
    x->user = user;
}

void *http_user(const struct http_exchange *x)
{
    return x->user;
}

/*
 * The peer is gone. `gone` and `gone_fn` meet under the worker's lock: whichever comes second
 * sees the other. The callback runs on the worker, which is also the only one to free the
 * exchange, so it is whole for as long as the callback runs, whoever answers it meanwhile.
 */
void exchange_tell_gone(struct http_exchange *x)
{
    struct worker *w = x->c->w;
    void (*fn)(struct http_exchange *, void *);
    void *arg;

    lock_take(&w->lock);
    atomic_store(&x->gone, true);
    fn = x->gone_fn;
    arg = x->gone_arg;
    x->gone_fn = NULL;
    lock_drop(&w->lock);
    if (fn)
        fn(x, arg);
}

void http_on_gone(struct http_exchange *x, void (*fn)(struct http_exchange *x, void *arg),
                  void *arg)
{
    struct conn *c = x->c;
    struct worker *w = c->w;
    bool late;

    lock_take(&w->lock);
    x->gone_fn = fn;
    x->gone_arg = arg;
    late = atomic_load(&x->gone);
    lock_drop(&w->lock);
    if (late)
        worker_post(w, &c->post, NULL);
}

bool http_is_gone(const struct http_exchange *x)
{
    return atomic_load(&x->gone);
}

void exchange_answer(struct http_exchange *x, enum answer how)
{
    struct conn *c = x->c;
    struct worker *w = c->w;
    int none = ANSWER_NONE;

    if (!atomic_compare_exchange_strong(&x->answer, &none, how)) {
        fprintf(stderr, "http: an exchange was answered twice\n");
        abort();
    }
    if (worker_is_self(w) && w->running == c)
        x->answer_ready = true;
    else
        worker_post(w, &c->post, &x->posted);
}

void answer_begin(struct conn *c)
{
    struct http_exchange *x = c->x;

    if (x->parked) {
        x->parked = false;
        atomic_fetch_sub(&c->w->parked, 1);
    }
    if (x->stream && c->state == CONN_DEAD)
        stream_gone(x->stream);
    if (c->state == CONN_DEAD) {
        conn_release(c);
        return;
    }
    switch (atomic_load(&x->answer)) {
    case ANSWER_REPLY:
        reply_begin(c);
        break;
    case ANSWER_STREAM:
        c->state = CONN_STREAM;
        if (c->half_closed)
            conn_close(c);
        else
            stream_pump(c);
        break;
    default:
        upgrade_begin(c);
        break;
    }
}
