#include "http/head.h"

#include <string.h>

#include "http/server.h"

/* RFC 9110 5.6.2: the letters of a token. */
static const bool token_char[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,
    ['#'] = true,         ['$'] = true,         ['%'] = true,         ['&'] = true,
    ['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true,
    ['.'] = true,         ['^'] = true,         ['_'] = true,         ['`'] = true,
    ['|'] = true,         ['~'] = true,
};

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!token_char[(unsigned char)s.p[i]])
            return false;
    return s.len > 0;
}

/* Visible or above ASCII; with `blanks` also space and tab. */
static bool is_text(struct str s, bool blanks)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (blanks ? (c < 0x20 && c != '\t') || c == 0x7f : c <= 0x20 || c == 0x7f)
            return false;
    }
    return true;
}

ptrdiff_t head_find_end(const char *p, size_t len, size_t *scanned)
{
    size_t i = *scanned;

    while (i < len) {
        const char *lf = memchr(p + i, '\n', len - i);

        if (!lf)
            break;
        i = (size_t)(lf - p);
        if (i == 0 || p[i - 1] != '\r')
            return HEAD_BAD;
        i++;
        if (i >= 4 && p[i - 3] == '\n')
            return (ptrdiff_t)i;
    }
    *scanned = i < len ? len : i;
    return HEAD_MORE;
}

static int refuse(struct head *h, int status, const char *why)
{
    h->why = why;
    return status;
}

/* "http://host/path" is allowed in place of "/path" (RFC 9112 3.2.2); the host is not used. */
static struct str origin_form(struct str target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t n = strlen(schemes[i]);

        if (target.len > n && str_eq_nocase(str_upto(target, n), str_of(schemes[i]))) {
            struct str rest = str_from(target, n);

            for (size_t k = 0; k < rest.len; k++)
                if (rest.p[k] == '/')
                    return str_from(rest, k);
            return STR("/");
        }
    }
    return target;
}

static int parse_request_line(struct head *h, struct str line)
{
    struct str version;

    if (!str_split(&line, ' ', &h->method) || !str_split(&line, ' ', &h->target))
        return refuse(h, 400, "malformed request line");
    version = line;
    if (!is_token(h->method) || h->method.len > HEAD_METHOD_MAX)
        return refuse(h, 400, "invalid method");
    if (h->target.len > HTTP_TARGET_MAX)
        return refuse(h, 414, "request target too long");
    if (!is_text(h->target, false))
        return refuse(h, 400, "invalid character in request target");
    h->target = origin_form(h->target);
    if (h->target.len == 0 || (h->target.p[0] != '/' && !(str_eq(h->target, STR("*")) &&
                                                          str_eq(h->method, STR("OPTIONS")))))
        return refuse(h, 400, "request target is not a path");
    if (str_eq(version, STR("HTTP/1.1")) || str_eq(version, STR("HTTP/1.0"))) {
        h->minor = version.p[7] - '0';
        return 0;
    }
    if (version.len == 8 && str_starts(version, STR("HTTP/")))
        return refuse(h, 505, "unsupported protocol version");
    return refuse(h, 400, "malformed protocol version");
}

static int parse_field(struct head *h, struct str line)
{
    ptrdiff_t colon = str_chr(line, ':');
    struct head_field f;

    if (line.p[0] == ' ' || line.p[0] == '\t')
        return refuse(h, 400, "folded header line");
    if (colon <= 0)
        return refuse(h, 400, "header line without a name");
    f.name = str_upto(line, (size_t)colon);
    f.value = str_trim_chars(str_from(line, (size_t)colon + 1), " \t");
    if (!is_token(f.name))
        return refuse(h, 400, "invalid header name");
    if (!is_text(f.value, true))
        return refuse(h, 400, "invalid character in header value");
    h->fields[h->n_fields++] = f;
    return 0;
}

static int read_length(struct head *h, struct str value)
{
    uint64_t n;

    if (h->content_length >= 0)
        return refuse(h, 400, "more than one Content-Length");
    for (size_t i = 0; i < value.len; i++)
        if (value.p[i] < '0' || value.p[i] > '9')
            return refuse(h, 400, "invalid Content-Length");
    if (value.len == 0 || value.len > 18 || !str_to_u64(value, 10, &n))
        return refuse(h, 400, "invalid Content-Length");
    h->content_length = (int64_t)n;
    return 0;
}

static int read_transfer_encoding(struct head *h, struct str value)
{
    if (h->chunked)
        return refuse(h, 400, "more than one Transfer-Encoding");
    if (!str_eq_nocase(value, STR("chunked")))
        return refuse(h, 400, "unsupported Transfer-Encoding");
    if (h->minor == 0)
        return refuse(h, 400, "Transfer-Encoding in HTTP/1.0");
    h->chunked = true;
    return 0;
}

/* What the headers say about the message and the connection. */
static int read_meaning(struct head *h)
{
    size_t hosts = 0;
    int r = 0;

    h->content_length = -1;
    h->keep_alive = h->minor == 1;
    for (size_t i = 0; i < h->n_fields && r == 0; i++) {
        struct str name = h->fields[i].name, value = h->fields[i].value;

        switch (name.len) {
        case 4:
            hosts += str_eq_nocase(name, STR("Host"));
            break;
        case 6:
            if (str_eq_nocase(name, STR("Expect")) &&
                str_eq_nocase(value, STR("100-continue")) && h->minor == 1)
                h->expect_continue = true;
            break;
        case 10:
            if (!str_eq_nocase(name, STR("Connection")))
                break;
            if (head_list_has(value, STR("close")))
                h->keep_alive = false;
            else if (h->minor == 0 && head_list_has(value, STR("keep-alive")))
                h->keep_alive = true;
            break;
        case 14:
            if (str_eq_nocase(name, STR("Content-Length")))
                r = read_length(h, value);
            break;
        case 17:
            if (str_eq_nocase(name, STR("Transfer-Encoding")))
                r = read_transfer_encoding(h, value);
            break;
        default:
            break;
        }
    }
    if (r)
        return r;
    if (h->chunked && h->content_length >= 0)
        return refuse(h, 400, "both Content-Length and Transfer-Encoding");
    if (hosts > 1 || (hosts == 0 && h->minor == 1))
        return refuse(h, 400, hosts ? "more than one Host" : "missing Host");
    return 0;
}

/* Next line without its CRLF; head_find_end has seen to it that each has one. */
static bool next_line(struct str *rest, struct str *ret)
{
    ptrdiff_t lf = str_chr(*rest, '\n');

    if (lf < 1)
        return false;
    *ret = str_upto(*rest, (size_t)lf - 1);
    *rest = str_from(*rest, (size_t)lf + 1);
    return true;
}

static size_t count_lines(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += s.p[i] == '\n';
    return n;
}

int head_parse(struct head *h, const char *p, size_t len, struct arena *a)
{
    struct str rest = str_n(p, len), line;
    size_t lines = count_lines(rest); /* the first, the fields, the empty one */
    int r;

    *h = (struct head){0};
    if (lines > HTTP_HEADERS_MAX + 2)
        return refuse(h, 431, "too many headers");
    h->fields = arena_alloc(a, lines * sizeof *h->fields);
    if (!next_line(&rest, &line))
        return refuse(h, 400, "malformed request line");
    r = parse_request_line(h, line);
    while (r == 0 && next_line(&rest, &line) && line.len > 0)
        r = parse_field(h, line);
    return r ? r : read_meaning(h);
}

struct str head_get(const struct head *h, struct str name)
{
    for (size_t i = 0; i < h->n_fields; i++)
        if (h->fields[i].name.len == name.len && str_eq_nocase(h->fields[i].name, name))
            return h->fields[i].value;
    return (struct str){0};
}

bool head_list_has(struct str value, struct str token)
{
    struct str item;

    while (str_split(&value, ',', &item))
        if (str_eq_nocase(str_trim_chars(item, " \t"), token))
            return true;
    return false;
}
