/* Requests to a server, with errors as the API's Go client words them. */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/nomad/nomad_priv.h"
#include "http/client.h"

enum { NEAR_CONNECT_MS = 1000, HEADERS_MAX = 2 + NOMAD_HEADERS_MAX };

static struct http_client *usual;
static const char *bad_scheme; /* of an address that no request can go to */

const char *nomad_address(void)
{
    return nomad_options.address;
}

static int open_client(const char *address, uint32_t connect_ms, struct http_client **ret,
                       struct err *e)
{
    const struct nomad_options *o = &nomad_options;
    struct http_client_opts opts = {.address = address,
                                    .ca_file = o->ca_cert,
                                    .ca_dir = o->ca_path,
                                    .cert_file = o->client_cert,
                                    .key_file = o->client_key,
                                    .server_name = o->tls_server_name,
                                    .skip_verify = o->tls_skip_verify,
                                    .connect_timeout_ms = connect_ms,
                                    .timeout_ms = 24 * 3600 * 1000};

    return http_client_new(&opts, ret, e);
}

/* "ftp" of "ftp://host", "host" of "host:4646", "" of "host"; NULL for what we can talk to. */
static const char *unknown_scheme(struct arena *a, const char *address)
{
    ptrdiff_t colon = str_chr(str_of(address), ':');
    struct str scheme = str_upto(str_of(address), colon < 0 ? 0 : (size_t)colon);

    if (str_eqc(scheme, "http") || str_eqc(scheme, "https") || str_eqc(scheme, "unix"))
        return NULL;
    return arena_cstr(a, scheme);
}

/* What Go's parser of URLs says of ":4646" and "127.0.0.1:4646". */
static const char *wrong_address(const char *address)
{
    bool has_colon =
        strcspn(address, ":/") < strlen(address) && address[strcspn(address, ":/")] == ':';

    if (*address == ':')
        return "missing protocol scheme";
    return has_colon && !isalpha((unsigned char)*address)
               ? "first path segment in URL cannot contain colon"
               : NULL;
}

int nomad_open(struct cli_call *c)
{
    struct err e = ERR_INIT;

    if (wrong_address(nomad_options.address))
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error initializing client: invalid address '%s': parse \"%s\": %s",
                        nomad_options.address, nomad_options.address,
                        wrong_address(nomad_options.address));
    bad_scheme = unknown_scheme(c->arena, nomad_options.address);
    if (bad_scheme)
        return CLI_EXIT_OK; /* the first request says so */
    if (open_client(nomad_options.address, 0, &usual, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error initializing client: %s", e.msg);
    return CLI_EXIT_OK;
}

void nomad_close(void)
{
    http_client_free(usual);
    usual = NULL;
}

const char *path_part(struct cli_call *c, const char *text)
{
    return http_escape(c->arena, str_of(text));
}

const char *pathf(struct cli_call *c, const char *fmt, ...)
{
    va_list ap;
    char *s;

    va_start(ap, fmt);
    s = arena_vprintf(c->arena, fmt, ap);
    va_end(ap);
    return s;
}

static const char *with_common(struct cli_call *c, const char *path)
{
    const struct nomad_options *o = &nomad_options;
    bool has_ns = strstr(path, "namespace=") != NULL;
    char glue = strchr(path, '?') ? '&' : '?';
    const char *full = *path == '/' ? path : pathf(c, "/v1/%s", path);

    if (o->namespace && *o->namespace && !has_ns) {
        full = pathf(c, "%s%cnamespace=%s", full, glue, path_part(c, o->namespace));
        glue = '&';
    }
    if (o->region && *o->region)
        full = pathf(c, "%s%cregion=%s", full, glue, path_part(c, o->region));
    return full;
}

static const char *verb(const char *method)
{
    return strcmp(method, "GET") == 0      ? "Get"
           : strcmp(method, "DELETE") == 0 ? "Delete"
           : strcmp(method, "POST") == 0   ? "Post"
                                           : "Put";
}

static void read_reply(struct cli_call *c, const struct http_response *h, struct nomad_reply *r)
{
    const char *index = http_response_header(h, "X-Nomad-Index");
    struct json *v;

    r->status = h->status;
    r->body = h->body;
    if (index)
        str_to_u64(str_of(index), 10, &r->index);
    if (h->body.len && json_parse(h->body, &json_limits_file, 0, c->arena, &v, NULL) == 0)
        r->json = v;
    if (h->status < 200 || h->status > 299)
        r->error = pathf(c, "Unexpected response code: %d (%.*s)", h->status,
                         STR_ARG(str_trim_chars(h->body, "\n")));
}

static int ask_with(struct cli_call *c, struct http_client *http, const char *address,
                    const char *path, struct http_request *q, const struct http_header *more,
                    size_t n_more, struct nomad_reply *r)
{
    struct http_header headers[HEADERS_MAX];
    struct http_response h;
    struct err e = ERR_INIT;

    *r = (struct nomad_reply){0};
    q->path = with_common(c, path);
    q->headers = headers;
    q->n_headers = 0;
    if (nomad_options.token && *nomad_options.token)
        headers[q->n_headers++] = (struct http_header){"X-Nomad-Token", nomad_options.token};
    if (q->body.p)
        headers[q->n_headers++] = (struct http_header){"Content-Type", "application/json"};
    for (size_t i = 0; i < n_more && q->n_headers < HEADERS_MAX; i++)
        headers[q->n_headers++] = more[i];
    if (!http)
        err_set(&e, ERR_INVALID, "unsupported protocol scheme \"%s\"", bad_scheme);
    if (!http || http_do(http, q, c->arena, &h, &e) < 0) {
        r->error = pathf(c, "%s \"%s%s%s\": %s", verb(q->method), address,
                         *path == '/' ? "" : "/v1/", path, e.msg);
        return 1;
    }
    read_reply(c, &h, r);
    return r->error != NULL;
}

static int ask(struct cli_call *c, struct http_client *http, const char *address,
               const char *path, struct http_request *q, struct nomad_reply *r)
{
    return ask_with(c, http, address, path, q, NULL, 0, r);
}

int nomad_get(struct cli_call *c, const char *path, struct nomad_reply *r)
{
    struct http_request q = {.method = "GET"};

    return ask(c, usual, nomad_options.address, path, &q, r);
}

int nomad_send(struct cli_call *c, const char *method, const char *path,
               const struct json *body, struct nomad_reply *r)
{
    struct buf text = BUF_INIT(PRINT_MAX);
    struct http_request q = {.method = method};
    int failed;

    if (body) {
        json_print(&text, body, NULL);
        q.body = buf_str(&text);
    }
    failed = ask(c, usual, nomad_options.address, path, &q, r);
    buf_done(&text);
    return failed;
}

int nomad_raw(struct cli_call *c, const char *method, const char *path, struct str body,
              const struct http_header *headers, size_t n_headers, struct nomad_reply *r)
{
    struct http_request q = {.method = method, .body = body};

    return ask_with(c, usual, nomad_options.address, path, &q, headers, n_headers, r);
}

static const char *url_of(struct cli_call *c, const char *address)
{
    bool tls = str_starts(str_of(nomad_options.address), STR("https:"));

    return pathf(c, "http%s://%s", tls ? "s" : "", address);
}

int nomad_get_from(struct cli_call *c, const char *address, const char *path,
                   struct nomad_reply *r)
{
    struct http_request q = {.method = "GET"};
    struct http_client *http = NULL;
    const char *url = url_of(c, address);
    struct err e = ERR_INIT;
    int failed;

    *r = (struct nomad_reply){0};
    if (open_client(url, NEAR_CONNECT_MS, &http, &e) < 0) {
        r->error = arena_strdup(c->arena, e.msg);
        return 1;
    }
    failed = ask(c, http, url, path, &q, r);
    http_client_free(http);
    return failed;
}

int nomad_stream(struct cli_call *c, const char *address, const char *path,
                 bool (*on_data)(void *arg, struct str data), void *arg, struct nomad_reply *r)
{
    struct http_request q = {.method = "GET", .on_data = on_data, .arg = arg};
    struct http_client *http = NULL;
    const char *url = address ? url_of(c, address) : nomad_options.address;
    struct err e = ERR_INIT;
    int failed;

    *r = (struct nomad_reply){0};
    if (address && open_client(url, NEAR_CONNECT_MS, &http, &e) < 0) {
        r->error = arena_strdup(c->arena, e.msg);
        return 1;
    }
    failed = ask(c, address ? http : usual, url, path, &q, r);
    http_client_free(http);
    return failed;
}
