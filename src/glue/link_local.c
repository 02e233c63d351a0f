#include "glue/link_local.h"

#include <string.h>

#include "base/thread.h"
#include "nomad/model/link_wire.h"

enum { BODY_MAX = 32 << 20, SLICE_MS = 1000 };

/* HTTP status to what the client does about it: again later, register anew, or give up. */
static int kind_of(int status)
{
    switch (status) {
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOTFOUND;
    default:
        return status >= 400 && status < 500 ? ERR_INVALID : ERR_UNAVAIL;
    }
}

static int post(struct link_local *l, const char *call, const char *secret, struct str body,
                struct arena *a, struct str *ret, struct err *e)
{
    const struct http_field field = {LINK_SECRET_HEADER, secret};
    struct api_request q = {.method = "POST",
                            .path = arena_printf(a, LINK_PATH "%s", call),
                            .body = body,
                            .headers = &field,
                            .n_headers = 1};
    struct api_response reply;
    int r = api_call(l->api, l->rpc, &q, a, &reply, e);

    if (r < 0)
        return r;
    if (reply.status != 200)
        return err_set(e, kind_of(reply.status), "%.*s", STR_ARG(reply.body));
    *ret = reply.body;
    return 0;
}

/* Request by its schema, answer by its own; `reply` may be NULL. */
static int exchange(struct link_local *l, const char *call, const char *secret,
                    const struct schema *rs, const void *request, const struct schema *as,
                    void *answer, struct arena *a, struct err *e)
{
    auto_buf struct buf body = BUF_INIT(BODY_MAX);
    struct json_out w;
    struct str text;
    struct json *v;
    int r;

    json_out_init(&w, &body, NULL);
    schema_encode(rs, request, SCHEMA_ALL, &w);
    r = buf_check(&body, "the request", e);
    if (r == 0)
        r = post(l, call, secret, buf_str(&body), a, &text, e);
    if (r < 0 || !as)
        return r;
    r = json_parse(text, &json_limits_file, 0, a, &v, e);
    if (r == 0)
        r = schema_decode(as, v, LINK_WIRE, a, answer, e);
    return r < 0 ? err_wrap(e, r, "answer of %s", call) : 0;
}

static int node_register(void *ctx, const struct node *n, const char *secret, struct arena *a,
                         struct link_lease *ret, struct err *e)
{
    return exchange(ctx, "register", secret, &node_schema, n, &link_lease_schema, ret, a, e);
}

static int heartbeat(void *ctx, const char *node_id, const char *secret, const char *status,
                     struct arena *a, struct link_lease *ret, struct err *e)
{
    struct link_request q = {.node_id = node_id, .status = status};

    return exchange(ctx, "heartbeat", secret, &link_request_schema, &q, &link_lease_schema, ret,
                    a, e);
}

static void unref(void *o)
{
    object_unref(o);
}

static int allocs(void *ctx, const char *node_id, const char *secret, uint64_t index,
                  int64_t wait_ms, struct stopper *stop, struct arena *a,
                  struct link_allocs *ret, struct err *e)
{
    struct link_request q = {.node_id = node_id, .index = index};
    struct link_allocs_wire wire = {0};
    int r;

    /* In slices: an inner call cannot be cancelled, and the client may be asked to end. */
    do {
        q.wait_ms = wait_ms < SLICE_MS ? wait_ms : SLICE_MS;
        wait_ms -= q.wait_ms;
        r = exchange(ctx, "allocs", secret, &link_request_schema, &q, &link_allocs_wire_schema,
                     &wire, a, e);
    } while (r == 0 && wire.index <= index && wait_ms > 0 && !(stop && stopper_is_set(stop)));
    if (r < 0)
        return r;
    ret->index = wire.index;
    ret->list.len = 0;
    list_each (&wire.allocs, al) {
        struct object *o = object_new(&alloc_schema);

        memcpy(o->body, schema_copy(&alloc_schema, al, o->arena), sizeof *al);
        arena_on_end(a, unref, o);
        list_push(a, &ret->list, o);
    }
    return 0;
}

static int update(void *ctx, const char *node_id, const char *secret,
                  const struct alloc *const *list, size_t n, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct link_request q = {.node_id = node_id};

    for (size_t i = 0; i < n; i++)
        list_push(a, &q.allocs, *list[i]);
    return exchange(ctx, "update", secret, &link_request_schema, &q, NULL, NULL, a, e);
}

static int derive(void *ctx, const char *node_id, const char *secret, const char *alloc_id,
                  const struct strlist *tasks, struct stopper *stop, struct arena *a,
                  struct link_tokens *ret, struct err *e)
{
    struct link_request q = {.node_id = node_id, .alloc_id = alloc_id, .tasks = *tasks};

    (void)stop;
    return exchange(ctx, "derive", secret, &link_request_schema, &q, &link_tokens_schema, ret,
                    a, e);
}

static int events(void *ctx, const char *node_id, const char *secret,
                  const struct node_event *list, size_t n, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct link_request q = {.node_id = node_id};

    for (size_t i = 0; i < n; i++)
        list_push(a, &q.events, list[i]);
    return exchange(ctx, "events", secret, &link_request_schema, &q, NULL, NULL, a, e);
}

struct server_link link_local(struct link_local *l)
{
    return (struct server_link){.ctx = l,
                                .node_register = node_register,
                                .heartbeat = heartbeat,
                                .allocs = allocs,
                                .update = update,
                                .derive = derive,
                                .events = events};
}
