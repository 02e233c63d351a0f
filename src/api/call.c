#include <assert.h>
#include <strings.h>

#include "api/api_priv.h"

struct str call_param(const struct call *c, const char *name)
{
    return route_param(&c->params, name);
}

bool call_query(const struct call *c, const char *name, struct str *ret)
{
    return c->x ? http_param(c->x, name, ret) : inner_query(c, name, ret);
}

bool call_query_at(const struct call *c, size_t i, struct str *ret_name, struct str *ret_value)
{
    if (!c->x)
        return inner_query_at(c, i, ret_name, ret_value);
    if (i >= http_param_count(c->x))
        return false;
    http_param_at(c->x, i, ret_name, ret_value);
    return true;
}

struct str call_header(const struct call *c, const char *name)
{
    return c->x ? http_header(c->x, name) : inner_header(c, name);
}

struct str call_body(const struct call *c)
{
    return c->x ? http_body(c->x) : inner_body(c);
}

int call_json(struct call *c, const struct json **ret, struct err *e)
{
    struct call_priv *p = c->priv;
    struct str body = call_body(c);

    if (!p->json_read && str_trim(body).len > 0) {
        int r =
            json_parse(body, c->authenticated ? &json_limits_request : &json_limits_anon,
                       c->service->json_strict ? 0 : JSON_TRAILING, c->arena, &p->json_body, e);

        if (r < 0)
            return r;
    }
    p->json_read = true;
    *ret = json_is(p->json_body, JSON_NULL) ? NULL : p->json_body;
    return 0;
}

void call_reply(struct call *c, int status, const char *content_type)
{
    c->status = status;
    c->content_type = content_type;
}

struct json_out *call_json_out(struct call *c, int status)
{
    call_reply(c, status, "application/json");
    buf_reset(c->body);
    json_out_init(&c->priv->json, c->body, NULL);
    return &c->priv->json;
}

/* `value` is the arena's. A field set twice keeps the newer value. A peer's text may be part of
 * it: what could end the line becomes a space. */
static void set_field(struct call *c, const char *name, char *value)
{
    for (unsigned char *p = (unsigned char *)value; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            *p = ' ';
    }
    for (size_t i = 0; i < c->n_fields; i++) {
        if (strcasecmp(c->fields[i].name, name) == 0) {
            c->fields[i].value = value;
            return;
        }
    }
    assert(c->n_fields < API_FIELDS_MAX);
    c->fields[c->n_fields++] = (struct http_field){arena_strdup(c->arena, name), value};
}

void call_field(struct call *c, const char *name, const char *value)
{
    set_field(c, name, arena_strdup(c->arena, value));
}

void call_fieldf(struct call *c, const char *name, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_field(c, name, arena_vprintf(c->arena, fmt, ap));
    va_end(ap);
}

void call_on_commit(struct call *c, void (*fn)(struct call *c, uint64_t rev, void *arg),
                    void *arg)
{
    list_push(c->arena, &c->priv->hooks, ((struct commit_hook){fn, arg}));
}

void call_set_secret(struct call *c)
{
    c->body->secret = true;
    arena_set_wipe(c->arena);
}

void call_take(struct call *c, void (*fn)(struct call *c, void *arg), void *arg)
{
    c->priv->take = fn;
    c->priv->take_arg = arg;
}

void call_wait_on(struct call *c, struct str prefix, bool exact, uint64_t rev)
{
    struct call_priv *p = c->priv;

    assert(p->n_waits < CALL_WAITS_MAX);
    p->waits[p->n_waits++] =
        (struct call_wait){.prefix = arena_str(c->arena, prefix), .rev = rev, .exact = exact};
}

int call_park(struct call *c, int64_t deadline_ms)
{
    c->priv->park_deadline_ms = deadline_ms;
    return CALL_PARKED;
}

int call_claim_pool(struct call *c, struct err *e)
{
    struct call_priv *p = c->priv;

    if (!p->claimed && !pool_claim(&c->api->blocking))
        return err_set_status(e, ERR_LIMIT, 503,
                              "too many requests wait for other servers, try again");
    p->claimed = true;
    return 0;
}

void call_then(struct call *c, call_act *act, call_act *finish, void *arg)
{
    struct call_priv *p = c->priv;

    assert(p->claimed && !p->in_finish);
    p->act = act;
    p->finish = finish;
    p->then_arg = arg;
}
