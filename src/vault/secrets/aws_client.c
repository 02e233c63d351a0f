/*
 * AWS's query protocol: a signed POST of Action=...&Version=..., answered in XML.
 *
 * What is worth another try is tried again, max_retries times, with growing pauses, until the
 * operation's deadline. A fault says whether it is sure that nothing was done: an attempt that
 * ended without a clear answer makes that unsure, whatever the next one is told.
 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/thread.h"
#include "vault/secrets/aws_priv.h"

enum { PAUSE_MS = 50, PAUSE_THROTTLED_MS = 500, PAUSE_MAX_MS = 5000, BODY_MAX = 1 << 20 };

struct aws_client {
    struct arena *a;
    struct http_client *http;
    const char *url, *path; /* as errors show it */
    const char *version;
    struct http_aws_sigv4 sign;
    int64_t max_retries;
    struct aws_limit limit;
    struct aws_fault fault;
};

static const struct {
    const char *name, *version;
} services[] = {[AWS_IAM] = {"iam", "2010-05-08"}, [AWS_STS] = {"sts", "2011-06-15"}};

/* ---- a request's text -----------------------------------------------------------------------
 */

static const char *form(struct aws_client *c, const char *action,
                        const struct aws_param *params, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(BODY_MAX);

    buf_printf(&b, "Action=%s&Version=%s", action, c->version);
    for (const struct aws_param *p = params; p && p->name; p++)
        if (p->value)
            buf_printf(&b, "&%s=%s", p->name, http_escape(c->a, str_of(p->value)));
    return buf_check(&b, "the request to AWS", e) < 0 ? NULL : arena_cstr(c->a, buf_str(&b));
}

/* ---- what came back -------------------------------------------------------------------------
 */

static bool is_throttling(const char *code)
{
    static const char *const codes[] = {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "PriorRequestNotComplete",
        "TransactionInProgressException",
        "EC2ThrottledException",
    };

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

/* How one attempt ended. */
struct attempt {
    int result;
    bool worth_another, unclear;
};

static void not_answered(struct aws_client *c, int r, struct attempt *at, struct err *e)
{
    bool never_sent = r == ERR_INVALID || (e && str_starts(str_of(e->msg), STR("dial tcp")));

    err_wrap(e, r, "RequestError: send request failed\ncaused by: Post \"%s\"", c->url);
    c->fault = (struct aws_fault){.not_done = never_sent};
    *at = (struct attempt){.result = r == ERR_INVALID ? ERR_UNAVAIL : r,
                           .worth_another = r == ERR_UNAVAIL || r == ERR_TIMEOUT,
                           .unclear = !never_sent};
}

static const char *request_id(const struct aws_xml *x, const struct http_response *h)
{
    struct str id = aws_xml_text(x, "RequestId");
    const char *header = http_response_header(h, "x-amzn-RequestId");

    return id.len ? id.p : header ? header : "";
}

static void refused(struct aws_client *c, const struct http_response *h, struct attempt *at,
                    struct err *e)
{
    const struct aws_xml *x = NULL;
    struct str code, message;
    int kind = ERR_UPSTREAM;

    if (aws_xml_parse(h->body, c->a, &x, NULL) < 0)
        x = NULL;
    code = aws_xml_text(x, "Error/Code");
    message = aws_xml_text(x, "Error/Message");
    if (!code.len) {
        code = STR("SerializationError");
        message = STR("failed to unmarshal error message");
    }
    c->fault = (struct aws_fault){0};
    memcpy(c->fault.code, code.p, code.len < AWS_CODE_SIZE ? code.len : AWS_CODE_SIZE - 1);
    c->fault.throttled = is_throttling(c->fault.code) || h->status == 429;
    c->fault.not_done = c->fault.throttled || h->status < 500;
    if (strcmp(c->fault.code, "NoSuchEntity") == 0)
        kind = ERR_NOTFOUND;
    at->result = err_set(e, kind, "%.*s: %.*s\n\tstatus code: %d, request id: %s",
                         STR_ARG(code), STR_ARG(message), h->status, request_id(x, h));
    at->worth_another = c->fault.throttled || (h->status >= 500 && h->status != 501) ||
                        str_starts(code, STR("RequestTimeout"));
    at->unclear = !c->fault.not_done;
}

static void try_once(struct aws_client *c, const char *body, const struct aws_xml **ret,
                     struct attempt *at, struct err *e)
{
    static const struct http_header headers[] = {
        {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    int64_t left_ms = c->limit.deadline_ms - clock_mono_ms();
    struct http_request q = {.method = "POST",
                             .path = c->path,
                             .body = str_of(body),
                             .headers = headers,
                             .n_headers = ARRAY_LEN(headers),
                             .aws = &c->sign,
                             .stop = c->limit.stop};
    struct http_response h;
    int r;

    q.timeout_ms = (uint32_t)(left_ms < 1 ? 1 : left_ms < AWS_CALL_MS ? left_ms : AWS_CALL_MS);
    r = http_do(c->http, &q, c->a, &h, e);
    if (r < 0) {
        not_answered(c, r, at, e);
        return;
    }
    if (h.status >= 300) {
        refused(c, &h, at, e);
        return;
    }
    c->fault = (struct aws_fault){0};
    *at = (struct attempt){.unclear = true};
    at->result = aws_xml_parse(h.body, c->a, ret, e);
    if (at->result < 0)
        at->result = err_wrap(e, ERR_UPSTREAM, "SerializationError");
}

/* Doubled with every try, between half and all of it. */
static int64_t pause_ms(const struct aws_client *c, int64_t attempt)
{
    int64_t ms = c->fault.throttled ? PAUSE_THROTTLED_MS : PAUSE_MS;

    ms <<= attempt < 10 ? attempt : 10;
    if (ms > PAUSE_MAX_MS)
        ms = PAUSE_MAX_MS;
    return ms / 2 + (int64_t)random_below((uint64_t)ms / 2 + 1);
}

int aws_call(struct aws_client *c, const char *action, const struct aws_param *params,
             const struct aws_xml **ret, struct err *e)
{
    const char *body = form(c, action, params, e);
    const struct aws_xml *x = NULL;
    struct attempt at = {0};
    struct err own = ERR_INIT;
    bool unclear = false;

    if (!body)
        return ERR_TOOBIG;
    for (int64_t i = 0;; i++) {
        int64_t again_ms;

        err_reset(&own);
        try_once(c, body, &x, &at, &own);
        if (at.result == 0)
            break;
        unclear |= at.unclear;
        again_ms = clock_mono_ms() + pause_ms(c, i);
        if (!at.worth_another || i >= c->max_retries || again_ms >= c->limit.deadline_ms ||
            stopper_wait_until(c->limit.stop, again_ms))
            break;
    }
    c->fault.not_done &= !unclear;
    if (at.result < 0)
        return err_set(e, at.result, "%s", own.msg);
    if (ret)
        *ret = x;
    return 0;
}

const struct aws_fault *aws_client_fault(const struct aws_client *c)
{
    return &c->fault;
}

struct arena *aws_client_arena(const struct aws_client *c)
{
    return c->a;
}

int aws_tell(const struct aws_client *c, int result, struct err *e)
{
    if (e)
        e->status = c && c->fault.throttled ? 502 : 400;
    return result;
}

int aws_list_all(struct aws_client *c, const struct aws_list *l, struct strlist *ret,
                 struct err *e)
{
    const char *result = arena_printf(c->a, "%sResult", l->action), *marker = NULL;

    for (int page = 0; page < AWS_PAGES_MAX; page++) {
        const struct aws_xml *x, *items;
        int r =
            AWS_CALL(c, l->action, &x, e, {l->param, l->value},
                     {"MaxItems", arena_printf(c->a, "%d", AWS_ITEMS_MAX)}, {"Marker", marker});

        if (r < 0)
            return r;
        x = aws_xml_at(x, result);
        items = aws_xml_at(x, l->items);
        for (const struct aws_xml *m = items ? items->first : NULL; m; m = m->next)
            list_push(c->a, ret,
                      arena_cstr(c->a, *l->member ? aws_xml_text(m, l->member) : m->text));
        if (!str_eqc(aws_xml_text(x, "IsTruncated"), "true"))
            return 0;
        marker = arena_cstr(c->a, aws_xml_text(x, "Marker"));
    }
    return err_set(e, ERR_UPSTREAM, "%s: the list is longer than %d", l->action,
                   AWS_PAGES_MAX * AWS_ITEMS_MAX);
}

/* ---- opening --------------------------------------------------------------------------------
 */

static void free_http(void *http)
{
    http_client_free(http);
}

struct aws_limit aws_limit_of(const struct vault *v)
{
    return (struct aws_limit){clock_mono_ms() + AWS_OPERATION_MS, api_stopper(vault_api(v))};
}

int aws_client_open(const struct aws_root *root, enum aws_service s,
                    const struct aws_limit *limit, struct arena *a, struct aws_client **ret,
                    struct err *e)
{
    struct http_client_opts opts = {.connect_timeout_ms = AWS_CONNECT_MS,
                                    .reply_max = AWS_REPLY_MAX};
    struct aws_client *c = arena_new_of(a, struct aws_client);
    struct aws_keys keys;
    struct aws_place place;
    int r = aws_keys_find(root, a, &keys, e);

    if (r == 0)
        r = aws_place_find(root, s, a, &place, e);
    if (r < 0)
        return r;
    opts.address = place.origin;
    r = http_client_new(&opts, &c->http, e);
    if (r < 0)
        return err_wrap(e, ERR_UNAVAIL, "%s_endpoint", services[s].name);
    arena_on_end(a, free_http, c->http);
    c->a = a;
    c->url = arena_printf(a, "%s%s", place.origin, place.path);
    c->path = place.path;
    c->version = services[s].version;
    c->sign = (struct http_aws_sigv4){keys.access_key, keys.secret_key, keys.session_token,
                                      place.region, services[s].name};
    c->max_retries = root->max_retries < 0 ? AWS_RETRIES_DEFAULT : root->max_retries;
    if (c->max_retries > AWS_RETRIES_MAX)
        c->max_retries = AWS_RETRIES_MAX;
    c->limit = *limit;
    *ret = c;
    return 0;
}
