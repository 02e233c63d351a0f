#include <strings.h>

#include "api/api_priv.h"

/*
 * An inner call is run by the thread that waits for it, phase by phase: the committer, the
 * notifier or the blocking pool only tell it that it may go on. So waiting for one cannot use
 * up the api threads that it would need.
 */
struct inner {
    const struct api_request *req;
    struct lock lock;
    struct cond wake;
    bool runnable, done; /* under the lock */
    struct str name[API_QUERY_MAX], value[API_QUERY_MAX];
    size_t n_query;
};

void inner_resume(struct inner *in)
{
    auto_lock struct lock *held = lock_scope(&in->lock);

    in->runnable = true;
    cond_signal(&in->wake);
}

void inner_finish(struct call *c)
{
    struct inner *in = c->priv->inner;
    auto_lock struct lock *held = lock_scope(&in->lock);

    in->done = true;
    cond_signal(&in->wake);
}

bool inner_query(const struct call *c, const char *name, struct str *ret)
{
    const struct inner *in = c->priv->inner;

    for (size_t i = 0; i < in->n_query; i++) {
        if (str_eqc(in->name[i], name)) {
            *ret = in->value[i];
            return true;
        }
    }
    return false;
}

bool inner_query_at(const struct call *c, size_t i, struct str *ret_name, struct str *ret_value)
{
    const struct inner *in = c->priv->inner;

    if (i >= in->n_query)
        return false;
    *ret_name = in->name[i];
    *ret_value = in->value[i];
    return true;
}

struct str inner_header(const struct call *c, const char *name)
{
    const struct api_request *q = c->priv->inner->req;

    for (size_t i = 0; i < q->n_headers; i++) {
        if (strcasecmp(q->headers[i].name, name) == 0)
            return str_of(q->headers[i].value);
    }
    return (struct str){0};
}

struct str inner_body(const struct call *c)
{
    struct str b = c->priv->inner->req->body;

    return b.p ? b : STR("");
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) & 15 : -1;
}

static int unescape(struct str s, bool plus, struct arena *a, struct str *ret, struct err *e)
{
    char *to = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        int hi, lo;

        if (s.p[i] != '%') {
            to[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
            continue;
        }
        if (s.len - i < 3 || (hi = hex_digit(s.p[i + 1])) < 0 ||
            (lo = hex_digit(s.p[i + 2])) < 0 || (hi | lo) == 0)
            return err_set(e, ERR_INVALID, "invalid %%-escape in \"%.*s\"", STR_ARG(s));
        to[n++] = (char)(hi << 4 | lo);
        i += 2;
    }
    to[n] = '\0';
    *ret = str_n(to, n);
    return 0;
}

static int read_query(struct inner *in, struct str query, struct arena *a, struct err *e)
{
    struct str item, name;
    int r;

    while (str_split(&query, '&', &item)) {
        if (item.len == 0)
            continue;
        if (in->n_query == API_QUERY_MAX)
            return err_set(e, ERR_INVALID, "more than %d query parameters", (int)API_QUERY_MAX);
        (void)str_split(&item, '=', &name);
        if ((r = unescape(name, true, a, &in->name[in->n_query], e)) < 0 ||
            (r = unescape(item, true, a, &in->value[in->n_query], e)) < 0)
            return r;
        in->n_query++;
    }
    return 0;
}

static int read_request(struct inner *in, struct call *c, struct err *e)
{
    const struct api_request *q = in->req;
    struct str query = str_of(q->path), path;
    int r;

    c->method = http_method_bit(str_of(q->method));
    if (c->method == 0)
        return err_set(e, ERR_INVALID, "unknown method %s", q->method);
    if (q->path[0] != '/')
        return err_set(e, ERR_INVALID, "the path \"%s\" does not begin with '/'", q->path);
    (void)str_split(&query, '?', &path);
    if ((r = unescape(path, false, c->arena, &c->path, e)) < 0)
        return r;
    return read_query(in, query, c->arena, e);
}

/* False: done. */
static bool wait_turn(struct inner *in)
{
    auto_lock struct lock *held = lock_scope(&in->lock);

    while (!in->runnable && !in->done)
        cond_wait(&in->wake, &in->lock);
    in->runnable = false;
    return !in->done;
}

static void run(struct inner *in, struct call *c)
{
    lock_init(&in->lock, "inner call", RANK_API_INNER);
    cond_init(&in->wake);
    do
        call_run(c);
    while (wait_turn(in));
    cond_done(&in->wake);
    lock_done(&in->lock);
}

int api_call(struct api *api, const struct api_service *svc, const struct api_request *q,
             struct arena *a, struct api_response *ret, struct err *e)
{
    struct inner *in = arena_new_of(a, struct inner);
    struct call *c = call_new(api, svc, a);
    int r;

    in->req = q;
    c->priv->inner = in;
    if ((r = read_request(in, c, e)) < 0)
        return r;
    if (!api_enter(api))
        return err_set(e, ERR_UNAVAIL, "the server is stopping");
    run(in, c);
    api_leave(api);
    if (c->priv->take)
        return err_set(e, ERR_UNSUPPORTED, "%s is a stream: it needs a connection", q->path);
    *ret = (struct api_response){.status = c->status,
                                 .body = buf_str(c->body),
                                 .rev = c->priv->commit_rev,
                                 .content_type = c->content_type,
                                 .fields = c->fields,
                                 .n_fields = c->n_fields};
    return 0;
}
