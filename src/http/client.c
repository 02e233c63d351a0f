#include "http/client.h"

#include <assert.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/client_priv.h"

/* One request under way. */
struct fetch {
    const struct http_client *c;
    const struct http_request *q;
    struct slot *slot;
    struct arena *a;
    struct curl_slist *headers;
    struct body body;
    struct {
        struct http_header *at;
        size_t len;
    } fields;
    size_t field_bytes, reply_max;
    bool too_big, stopped;
};

static char *copy(const char *s)
{
    char *p = s && *s ? strdup(s) : NULL;

    if (s && *s && !p)
        abort();
    return p;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "::1") == 0;
}

static char *url_part(CURLU *u, CURLUPart part, unsigned flags)
{
    char *text = NULL, *own;

    if (curl_url_get(u, part, &text, flags) != CURLUE_OK)
        return NULL;
    own = copy(text);
    curl_free(text);
    return own;
}

static int bad_address(const char *address, const char *why, struct err *e)
{
    return err_set(e, ERR_INVALID, "address '%.200s': %s", address, why);
}

static char *join_base(const char *scheme, const char *host, const char *port)
{
    struct buf b = BUF_INIT(2048);

    buf_printf(&b, strchr(host, ':') ? "%s://[%s]:%s" : "%s://%s:%s", scheme, host, port);
    return buf_take(&b);
}

/* With another name for TLS, libcurl asks for that name and is sent to the real place. */
static void use_server_name(struct http_client *c, const char *scheme)
{
    struct buf b = BUF_INIT(2048);

    if (!c->o.server_name || strcmp(scheme, "https") != 0)
        return;
    buf_printf(&b, strchr(c->host, ':') ? "%s:%s:[%s]:%s" : "%s:%s:%s:%s", c->o.server_name,
               c->port, c->host, c->port);
    c->connect_to = buf_take(&b);
    free(c->base);
    c->base = join_base(scheme, c->o.server_name, c->port);
}

static int read_url(struct http_client *c, CURLU *u, const char *address, struct err *e)
{
    auto_free char *scheme = NULL, *user = NULL, *path = NULL, *raw_host = NULL;

    if (curl_url_set(u, CURLUPART_URL, address, 0) != CURLUE_OK)
        return bad_address(address, "not a URL", e);
    scheme = url_part(u, CURLUPART_SCHEME, 0);
    user = url_part(u, CURLUPART_USER, 0);
    path = url_part(u, CURLUPART_PATH, 0);
    raw_host = url_part(u, CURLUPART_HOST, 0);
    if (!scheme || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return bad_address(address, "it must begin with http://, https:// or unix://", e);
    if (user)
        return err_set(e, ERR_INVALID, "the address must not contain a user name");
    if (!raw_host)
        return bad_address(address, "no host", e);
    if (path && strcmp(path, "/") != 0)
        return bad_address(address, "it must not have a path", e);
    c->port = url_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    c->host = copy(raw_host[0] == '[' ? raw_host + 1 : raw_host);
    if (!c->host || !c->port)
        return bad_address(address, "no host", e);
    if (raw_host[0] == '[')
        c->host[strcspn(c->host, "]%")] = '\0';
    c->is_loopback = is_loopback(c->host);
    c->base = join_base(scheme, c->host, c->port);
    use_server_name(c, scheme);
    return 0;
}

static int read_address(struct http_client *c, const char *address, struct err *e)
{
    CURLU *u;
    int r;

    if (!address || !*address)
        return err_set(e, ERR_INVALID, "no address");
    if (strncmp(address, "unix://", 7) == 0) {
        c->unix_path = copy(address + 7);
        if (!c->unix_path)
            return bad_address(address, "no path", e);
        c->base = copy("http://localhost");
        c->host = copy("localhost");
        c->port = copy("80");
        return 0;
    }
    u = curl_url();
    if (!u)
        abort();
    r = read_url(c, u, address, e);
    curl_url_cleanup(u);
    return r;
}

int http_client_new(const struct http_client_opts *o, struct http_client **ret, struct err *e)
{
    auto_http_client struct http_client *c = calloc(1, sizeof *c);
    int r;

    if (!c)
        abort();
    lock_init(&c->lock, "http client", RANK_HTTP);
    c->o = *o;
    c->o.address = NULL;
    c->o.ca_file = copy(o->ca_file);
    c->o.ca_dir = copy(o->ca_dir);
    c->o.cert_file = copy(o->cert_file);
    c->o.key_file = copy(o->key_file);
    c->o.server_name = copy(o->server_name);
    c->o.user_agent = copy(o->user_agent);
    if (!c->o.timeout_ms)
        c->o.timeout_ms = HTTP_CLIENT_TIMEOUT_MS;
    if (!c->o.connect_timeout_ms)
        c->o.connect_timeout_ms = HTTP_CONNECT_TIMEOUT_MS;
    if (!c->o.reply_max)
        c->o.reply_max = HTTP_REPLY_MAX;
    r = read_address(c, o->address, e);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(c);
    return 0;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    while (c->idle) {
        struct slot *s = c->idle;

        c->idle = s->next;
        slot_free(s);
    }
    free((char *)c->o.ca_file);
    free((char *)c->o.ca_dir);
    free((char *)c->o.cert_file);
    free((char *)c->o.key_file);
    free((char *)c->o.server_name);
    free((char *)c->o.user_agent);
    free(c->base);
    free(c->unix_path);
    free(c->host);
    free(c->port);
    free(c->connect_to);
    lock_done(&c->lock);
    free(c);
}

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
    struct fetch *f = arg;
    long status = 0;

    n *= one;
    curl_easy_getinfo(f->slot->easy, CURLINFO_RESPONSE_CODE, &status);
    if (f->q->on_data && status < 300) {
        f->stopped = !f->q->on_data(f->q->arg, str_n(p, n));
        return f->stopped ? 0 : n;
    }
    if (n > f->reply_max - f->body.len) {
        f->too_big = true;
        return 0;
    }
    body_put(&f->body, str_n(p, n));
    return n;
}

static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
    struct fetch *f = arg;
    struct str line = str_trim(str_n(p, n * one)), name;
    struct http_header *h;

    if (str_starts(line, STR("HTTP/"))) { /* an earlier one was "100 Continue" */
        f->fields.len = 0;
        return n * one;
    }
    f->field_bytes += line.len;
    if (f->fields.len == REPLY_HEADERS_MAX || f->field_bytes > REPLY_HEADER_BYTES_MAX) {
        f->too_big = true;
        return 0;
    }
    if (str_chr(line, ':') <= 0)
        return n * one;
    str_split(&line, ':', &name);
    h = list_add(f->a, &f->fields);
    h->name = arena_cstr(f->a, name);
    h->value = arena_cstr(f->a, str_trim(line));
    return n * one;
}

static void add_header(struct fetch *f, const char *line)
{
    struct curl_slist *l = curl_slist_append(f->headers, line);

    if (!l)
        abort();
    f->headers = l;
}

static int set_headers(struct fetch *f, struct err *e)
{
    const struct http_request *q = f->q;
    bool has_type = false;

    for (size_t i = 0; i < q->n_headers; i++) {
        const struct http_header *h = &q->headers[i];

        if (strpbrk(h->name, "\r\n: ") || strpbrk(h->value, "\r\n"))
            return err_set(e, ERR_INVALID, "header '%.64s' contains a line break", h->name);
        has_type |= strcasecmp(h->name, "Content-Type") == 0;
        add_header(f, arena_printf(f->a, *h->value ? "%s: %s" : "%s;", h->name, h->value));
    }
    if (!q->aws) { /* libcurl signs what stands here, even what it then does not send */
        add_header(f, "Expect:");
        if (!has_type)
            add_header(f, "Content-Type:");
    }
    if (f->c->connect_to)
        add_header(f,
                   arena_printf(f->a, strchr(f->c->host, ':') ? "Host: [%s]:%s" : "Host: %s:%s",
                                f->c->host, f->c->port));
    if (q->aws && q->aws->session_token && *q->aws->session_token)
        add_header(f, arena_printf(f->a, "x-amz-security-token: %s", q->aws->session_token));
    return 0;
}

static void set_method(CURL *h, const struct http_request *q)
{
    const char *method = q->method ? q->method : "GET";
    bool writes = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
                  strcmp(method, "PATCH") == 0;

    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
        return;
    }
    if (q->body.p || writes) {
        curl_easy_setopt(h, CURLOPT_POST, 1L);
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, q->body.p ? q->body.p : "");
    }
    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method);
}

static void set_aws(struct fetch *f)
{
    const struct http_aws_sigv4 *aws = f->q->aws;
    CURL *h = f->slot->easy;

    if (!aws)
        return;
    curl_easy_setopt(h, CURLOPT_AWS_SIGV4,
                     arena_printf(f->a, "aws:amz:%s:%s", aws->region, aws->service));
    curl_easy_setopt(h, CURLOPT_USERNAME, aws->access_key);
    curl_easy_setopt(h, CURLOPT_PASSWORD, aws->secret_key);
}

static int by_name_then_value(const void *pa, const void *pb)
{
    struct str a = *(const struct str *)pa, b = *(const struct str *)pb, na, nb;
    int r;

    str_split(&a, '=', &na);
    str_split(&b, '=', &nb);
    r = str_cmp(na, nb);
    return r ? r : str_cmp(a, b);
}

/* AWS signs the parameters in order, libcurl as they stand: so they are put in order. */
static const char *sort_query(struct arena *a, const char *path)
{
    struct str rest = str_of(path), head, pair;
    LIST(struct str) pairs = {0};
    auto_buf struct buf b = BUF_INIT(1 << 20);

    str_split(&rest, '?', &head);
    if (rest.len == 0)
        return path;
    while (str_split(&rest, '&', &pair))
        list_push(a, &pairs, pair);
    qsort(pairs.at, pairs.len, sizeof *pairs.at, by_name_then_value);
    buf_put_str(&b, head);
    for (size_t i = 0; i < pairs.len; i++) {
        buf_putc(&b, i ? '&' : '?');
        buf_put_str(&b, pairs.at[i]);
    }
    return buf_ok(&b) ? arena_cstr(a, buf_str(&b)) : path;
}

static int fetch_once(struct fetch *f, const char *url, struct err *e)
{
    const struct http_client *c = f->c;
    uint32_t timeout_ms = f->q->timeout_ms ? f->q->timeout_ms : c->o.timeout_ms;
    struct curl_slist *place = NULL;
    CURL *h = f->slot->easy;
    int r;

    slot_prepare(f->slot, url);
    if (c->connect_to) {
        place = curl_slist_append(NULL, c->connect_to);
        curl_easy_setopt(h, CURLOPT_CONNECT_TO, place);
    }
    r = set_headers(f, e);
    if (r == 0) {
        set_method(h, f->q);
        set_aws(f);
        curl_easy_setopt(h, CURLOPT_HTTPHEADER, f->headers);
        if (timeout_ms != HTTP_NO_TIMEOUT)
            curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
        curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(h, CURLOPT_WRITEDATA, f);
        curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(h, CURLOPT_HEADERDATA, f);
        r = slot_perform(f->slot, f->q->stop, e);
    }
    if (f->too_big)
        r = err_set(e, ERR_TOOBIG, "the reply is larger than %zu bytes", f->reply_max);
    if (f->stopped)
        r = 0;
    curl_slist_free_all(place);
    return r;
}

static void fetch_reset(struct fetch *f)
{
    curl_multi_remove_handle(f->slot->multi, f->slot->easy);
    curl_slist_free_all(f->headers);
    f->headers = NULL;
    body_done(&f->body);
    f->fields.len = 0;
    f->field_bytes = 0;
}

static void fill_response(struct fetch *f, const char *url, struct http_response *ret)
{
    long status = 0;

    curl_easy_getinfo(f->slot->easy, CURLINFO_RESPONSE_CODE, &status);
    *ret = (struct http_response){
        .status = (int)status,
        .body = arena_str(f->a, str_n(f->body.p ? f->body.p : "", f->body.len)),
        .headers = f->fields.at,
        .n_headers = f->fields.len,
        .effective_url = url,
    };
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 307 || status == 308;
}

/* Scheme, host and port of a URL, without the rest: "https://host:8200". */
static const char *origin_of(struct arena *a, const char *url)
{
    const char *host = strstr(url, "://");
    size_t n;

    if (!host)
        return "";
    n = strcspn(host + 3, "/?#") + (size_t)(host + 3 - url);
    return arena_strndup(a, url, n);
}

static bool may_go_to(const struct http_client *c, struct arena *a, const char *from,
                      const char *to)
{
    const char *origin = origin_of(a, to);

    if (strcasecmp(origin, origin_of(a, from)) == 0)
        return true;
    if (strncmp(from, "https:", 6) == 0 && strncasecmp(to, "https:", 6) != 0)
        return false; /* what was private stays private */
    for (const char *const *ok = c->o.redirect_ok; ok && *ok; ok++)
        if (strcmp(*ok, "*") == 0 || strcasecmp(*ok, origin) == 0)
            return true;
    return false;
}

/* Where a redirect leads, NULL: nowhere, or not for us. */
static const char *next_url(struct fetch *f, const char *url, const struct http_response *r)
{
    char *to = NULL;
    const char *own = NULL;

    if (!f->c->o.follow_redirects || f->c->unix_path || !is_redirect(r->status))
        return NULL;
    curl_easy_getinfo(f->slot->easy, CURLINFO_REDIRECT_URL, &to);
    if (to && may_go_to(f->c, f->a, url, to))
        own = arena_strdup(f->a, to);
    return own;
}

int http_do(struct http_client *c, const struct http_request *q, struct arena *a,
            struct http_response *ret, struct err *e)
{
    struct fetch f = {.c = c, .q = q, .a = a, .reply_max = c->o.reply_max};
    const char *url =
        arena_printf(a, "%s%s", c->base, q->aws ? sort_query(a, q->path) : q->path);
    int r;

    if (q->path[0] != '/')
        return err_set(e, ERR_INVALID, "a request's path must begin with '/'");
    f.slot = slot_take(c);
    for (int hops = 0;; hops++) {
        const char *to = NULL;

        r = fetch_once(&f, url, e);
        if (r == 0) {
            fill_response(&f, url, ret);
            to = hops < REDIRECTS_MAX ? next_url(&f, url, ret) : NULL;
        }
        fetch_reset(&f);
        if (!to)
            break;
        url = to;
    }
    slot_back(f.slot);
    return r;
}

const char *http_response_header(const struct http_response *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}
