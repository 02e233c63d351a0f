/*
 * Requests to the server, with retries and errors as the API's Go client has them. One server
 * per process: what is opened here lives until remote_close.
 */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/vault/remote_show.h"
#include "cli/vault/vault_priv.h"
#include "http/client.h"

enum {
    RETRIES_DEFAULT = 2,
    RETRY_FIRST_MS = 1000,
    RETRY_MORE_MS = 1500,
    HEADERS_MAX = 64,
    ERRORS_MAX_BYTES = 16 << 20,
};

#define DEFAULT_ADDRESS "https://127.0.0.1:8200"

static struct {
    struct http_client *http;
    const char *url;        /* what URLs begin with in messages; no '/' behind it */
    const char *prefix;     /* path of the address, "" mostly */
    const char *bad_scheme; /* set: an address that no request can go to */
    const char *token;
    int64_t retries;
} remote;

const char *remote_address(void)
{
    return remote.url;
}

const char *remote_token(void)
{
    return remote.token;
}

void remote_set_token(struct cli_call *c, const char *token)
{
    remote.token = arena_strdup(c->arena, token);
}

/* ---- the address ------------------------------------------------------------------------ */

/* What stands for itself in a path of Go's. */
static char *escape_path(struct arena *a, const char *path)
{
    struct str rest = str_of(path);
    auto_buf struct buf b = BUF_INIT(VAULT_PATH_MAX * 4);

    while (rest.len > 0) {
        size_t keep = strcspn(rest.p, "$&+,:;=@");

        buf_puts(&b, http_escape_path(a, str_upto(rest, keep)));
        if (keep < rest.len)
            buf_putc(&b, rest.p[keep++]);
        rest = str_from(rest, keep);
    }
    return arena_cstr(a, buf_str(&b));
}

static bool is_scheme(struct str s)
{
    if (s.len == 0 || !((s.p[0] | 0x20) >= 'a' && (s.p[0] | 0x20) <= 'z'))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.",
                    s.p[i]))
            return false;
    return true;
}

/* An address without "scheme://": told apart as Go does. */
static int odd_address(struct cli_call *c, const char *address)
{
    ptrdiff_t colon = str_chr(str_of(address), ':');
    struct str head = str_upto(str_of(address), colon < 0 ? 0 : (size_t)colon);

    if (colon >= 0 && !is_scheme(head) && str_chr(head, '/') < 0)
        return cli_fail(
            CLI_EXIT_FAILED,
            "failed to create client: parse \"%s\": first path segment in URL cannot "
            "contain colon",
            address);
    remote.bad_scheme = arena_cstr(c->arena, head);
    remote.url = escape_path(c->arena, address);
    remote.prefix = "";
    return 0;
}

static int split_address(struct cli_call *c, const char *address, const char **ret_origin)
{
    const char *rest = strstr(address, "://"), *slash;
    struct str scheme;

    if (!rest)
        return odd_address(c, address);
    scheme = str_n(address, (size_t)(rest - address));
    if (str_eqc(scheme, "unix")) {
        remote.url = "http://localhost";
        remote.prefix = "";
        *ret_origin = address;
        return 0;
    }
    slash = strchr(rest + 3, '/');
    remote.prefix = slash ? path_join(c->arena, "/", clean_path(c->arena, slash)) : "";
    if (strcmp(remote.prefix, "/") == 0)
        remote.prefix = "";
    *ret_origin = slash ? arena_strndup(c->arena, address, (size_t)(slash - address)) : address;
    remote.url = arena_printf(c->arena, "%s%s", *ret_origin, remote.prefix);
    if (!str_eqc(scheme, "http") && !str_eqc(scheme, "https"))
        remote.bad_scheme = arena_cstr(c->arena, scheme);
    return 0;
}

static uint32_t timeout_ms(void)
{
    const char *text = getenv("VAULT_CLIENT_TIMEOUT");
    int64_t ns;

    if (!text || !*text || cli_parse_duration(&ns, text, NULL) < 0 || ns <= 0 ||
        ns / 1000000 >= UINT32_MAX)
        return HTTP_CLIENT_TIMEOUT_MS;
    return (uint32_t)(ns / 1000000);
}

static int open_http(const char *origin)
{
    static const char *const anywhere[] = {"*", NULL};
    const struct vault_cli_options *o = &vault_cli_options;
    struct http_client_opts opts = {
        .address = origin,
        .ca_file = o->ca_cert,
        .ca_dir = o->ca_path,
        .cert_file = o->client_cert,
        .key_file = o->client_key,
        .server_name = o->tls_server_name,
        .skip_verify = o->skip_verify,
        .timeout_ms = timeout_ms(),
        .follow_redirects = !o->disable_redirects,
        .redirect_ok = anywhere,
        .user_agent = "serai/" SERAI_VERSION,
    };
    struct err e = ERR_INIT;

    if (http_client_new(&opts, &remote.http, &e) < 0)
        return cli_fail(CLI_EXIT_FAILED, "failed to create client: %s", e.msg);
    return 0;
}

static int find_token(struct cli_call *c)
{
    const char *token = getenv("VAULT_TOKEN");
    struct err e = ERR_INIT;

    if (token && *token)
        remote.token = arena_cstr(c->arena, str_trim(str_of(token)));
    else if (token_file_read(c->arena, &remote.token, &e) < 0)
        return cli_fail(CLI_EXIT_FAILED, "failed to get token helper: %s", e.msg);
    return 0;
}

int remote_open(struct cli_call *c)
{
    const char *address = vault_cli_options.agent_address, *origin = NULL;
    const char *retries = getenv("VAULT_MAX_RETRIES");
    int r;

    if (!address)
        address = vault_cli_options.address ? vault_cli_options.address : DEFAULT_ADDRESS;
    remote.retries = RETRIES_DEFAULT;
    if (retries && *retries && !str_to_i64(str_of(retries), 10, &remote.retries))
        return cli_fail(CLI_EXIT_FAILED,
                        "failed to create client: VAULT_MAX_RETRIES: \"%s\" is "
                        "no number",
                        retries);
    r = split_address(c, address, &origin);
    if (r == 0)
        r = find_token(c);
    if (r == 0 && !remote.bad_scheme)
        r = open_http(origin);
    return r;
}

void remote_close(void)
{
    http_client_free(remote.http);
    remote.http = NULL;
}

/* ---- one request ------------------------------------------------------------------------ */

struct headers {
    struct http_header at[HEADERS_MAX];
    size_t len;
};

static void header(struct headers *h, const char *name, const char *value)
{
    if (h->len < HEADERS_MAX && value && *value)
        h->at[h->len++] = (struct http_header){name, value};
}

static void fill_headers(struct cli_call *c, const struct remote_request *q, struct headers *h)
{
    const struct vault_cli_options *o = &vault_cli_options;

    header(h, "X-Vault-Request", "true");
    header(h, "X-Vault-Token", remote.token);
    header(h, "X-Vault-Namespace", o->namespace_);
    if (!q->aside && o->wrap_ttl_ns > 0)
        header(h, "X-Vault-Wrap-TTL", seconds_text(c->arena, o->wrap_ttl_ns));
    if (o->policy_override)
        header(h, "X-Vault-Policy-Override", "true");
    for (size_t i = 0; i < o->mfa.len; i++)
        header(h, "X-Vault-MFA", o->mfa.at[i]);
    if (o->mfa.len == 0)
        header(h, "X-Vault-MFA", getenv("VAULT_MFA"));
    for (size_t i = 0; i < o->headers.len; i++)
        header(h, o->headers.at[i].key, o->headers.at[i].val);
    header(h, "Content-Type", q->content_type);
}

static struct str body_text(struct cli_call *c, const struct remote_request *q)
{
    auto_buf struct buf b = BUF_INIT(INPUT_MAX * 2);
    struct json_out w;

    if (q->raw.p)
        return q->raw;
    if (q->null_body)
        return STR("null");
    if (!q->body)
        return (struct str){0};
    b.secret = true;
    json_out_init(&w, &b, NULL);
    w.escape_html = true;
    json_value(&w, q->body);
    return arena_str(c->arena, buf_str(&b));
}

static bool worth_a_retry(int r, const struct err *e, int status)
{
    if (r < 0)
        return r == ERR_UNAVAIL && !strstr(e->msg, "tls:") && !strstr(e->msg, "x509:") &&
               !strstr(e->msg, "HTTPS client");
    return status == 412 || (status >= 500 && status != 501);
}

static int send(struct cli_call *c, const struct http_request *hq, struct http_response *hr,
                struct err *e)
{
    for (int64_t left = remote.retries;; left--) {
        int r = http_do(remote.http, hq, c->arena, hr, e);

        if (left <= 0 || !worth_a_retry(r, e, r < 0 ? 0 : hr->status))
            return r;
        usleep((left == remote.retries ? RETRY_FIRST_MS : RETRY_MORE_MS) * 1000);
        err_reset(e);
    }
}

/* ---- errors ----------------------------------------------------------------------------- */

/* `Get "URL": what` */
static const char *no_reply_text(struct cli_call *c, const char *method, const char *url,
                                 const char *what)
{
    char *name = arena_strdup(c->arena, method);

    for (char *p = name + 1; *p; p++)
        *p = (char)(*p | 0x20);
    return arena_printf(c->arena, "%s \"%s\": %s", name, url, what);
}

static void put_errors(struct buf *b, const struct json *errors)
{
    for (uint32_t i = 0; i < errors->len; i++) {
        if (i > 0)
            buf_putc(b, '\n');
        buf_puts(b, "* ");
        buf_put_str(b, json_str_or(&errors->items[i], STR("")));
    }
}

static const char *error_text(struct cli_call *c, const char *method, const char *url,
                              const struct http_response *hr, const struct json *json)
{
    auto_buf struct buf b = BUF_INIT(ERRORS_MAX_BYTES);
    const struct json *errors = json_get(json, "errors");
    const char *namespace_ = http_response_header(hr, "X-Vault-Namespace");

    buf_puts(&b, "Error making API request.\n\n");
    if (namespace_)
        buf_printf(&b, "Namespace: %s\n", namespace_);
    buf_printf(&b, "URL: %s %s\nCode: %d. %s:\n\n", method, url, hr->status,
               json ? "Errors" : "Raw Message");
    if (!json)
        buf_put_str(&b, hr->body);
    else if (json_is(errors, JSON_ARRAY))
        put_errors(&b, errors);
    return arena_cstr(c->arena, buf_str(&b));
}

int remote_failed(const struct remote_reply *r, const char *fmt, ...)
{
    va_list ap;

    if (r->shown)
        return CLI_EXIT_OK;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    return cli_fail(CLI_EXIT_FAILED, ": %s", r->error);
}

/* ---- doors ------------------------------------------------------------------------------ */

static const struct json *parse_body(struct cli_call *c, struct str body)
{
    struct json *v;

    if (str_trim(body).len == 0 ||
        json_parse(body, &json_limits_file, JSON_TRAILING, c->arena, &v, NULL) < 0)
        return NULL;
    return v;
}

static bool show_instead(struct cli_call *c, const struct remote_request *q, const char *url,
                         const struct headers *h, struct str body)
{
    const struct vault_cli_options *o = &vault_cli_options;

    if (q->aside || (!o->output_curl && !o->output_policy))
        return false;
    if (o->output_policy)
        remote_show_policy(c->arena, q->method, q->path, q->query);
    else
        remote_show_curl(q->method, url, h->at, h->len, body);
    return true;
}

int remote_do(struct cli_call *c, const struct remote_request *q, struct remote_reply *r)
{
    struct headers h = {0};
    struct err e = ERR_INIT;
    struct http_response hr = {0};
    const char *tail = arena_printf(c->arena, "/v1/%s%s%s", escape_path(c->arena, q->path),
                                    q->query && *q->query ? "?" : "", q->query ? q->query : "");
    const char *url = arena_printf(c->arena, "%s%s", remote.url, tail);
    struct http_request hq = {.method = q->method,
                              .path = arena_printf(c->arena, "%s%s", remote.prefix, tail),
                              .body = body_text(c, q),
                              .on_data = q->on_data,
                              .arg = q->arg,
                              .timeout_ms = q->on_data ? HTTP_NO_TIMEOUT : 0};

    *r = (struct remote_reply){.error = ""};
    fill_headers(c, q, &h);
    if (show_instead(c, q, url, &h, hq.body)) {
        r->shown = true;
        return -1;
    }
    hq.headers = h.at;
    hq.n_headers = h.len;
    if (remote.bad_scheme)
        err_set(&e, ERR_INVALID, "unsupported protocol scheme \"%s\"", remote.bad_scheme);
    if (remote.bad_scheme || send(c, &hq, &hr, &e) < 0) {
        r->error = no_reply_text(c, q->method, url, e.msg);
        return -1;
    }
    r->status = hr.status;
    r->body = hr.body;
    r->json = parse_body(c, hr.body);
    if (hr.status < 400)
        return 0;
    r->error = error_text(c, q->method, url, &hr, r->json);
    return -1;
}

int remote_call(struct cli_call *c, const char *method, const char *path,
                const struct json *body, struct remote_reply *r)
{
    struct remote_request q = {.method = method, .path = path, .body = body};

    return remote_do(c, &q, r);
}
