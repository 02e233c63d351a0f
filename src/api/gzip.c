#include <string.h>
#include <zlib.h>

#include "api/api_priv.h"

/*
 * Replies are compressed quickly rather than well, on the thread that sends them. Secret ones
 * never are: the length of a compressed text tells about its contents.
 */
enum { GZIP_LEVEL = 1, GZIP_WINDOW = 15 + 16 /* with gzip's head */, GZIP_MEMORY = 8 };

/* "gzip", or "*", in a list like "deflate, gzip;q=0.5"; q=0 means "not this". */
static bool takes_gzip(struct str list)
{
    struct str item, name;

    if (!list.p)
        return false;
    while (str_split(&list, ',', &item)) {
        (void)str_split(&item, ';', &name);
        name = str_trim(name);
        if (!str_eq_nocase(name, STR("gzip")) && !str_eqc(name, "*"))
            continue;
        struct str q = item.p ? str_trim(item) : STR("");
        double weight;

        return !(str_starts(q, STR("q=")) && str_to_double(str_from(q, 2), &weight) &&
                 weight <= 0);
    }
    return false;
}

static bool has_encoding(const struct call *c)
{
    for (size_t i = 0; i < c->n_fields; i++) {
        if (str_eq_nocase(str_of(c->fields[i].name), STR("Content-Encoding")))
            return true;
    }
    return false;
}

static bool wanted(const struct call *c)
{
    return !c->body->secret && c->body->len >= API_GZIP_MIN && c->body->len <= API_GZIP_MAX &&
           c->n_fields + 2 <= API_FIELDS_MAX && !has_encoding(c) &&
           takes_gzip(call_header(c, "Accept-Encoding"));
}

/* False: it did not get smaller, or there was no memory. */
static bool deflate_into(struct str body, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)body.p, .avail_in = (uInt)body.len};
    char *to = buf_reserve(out, body.len);

    if (!to || deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                            Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)body.len;
    bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;

    out->len = z.total_out;
    (void)deflateEnd(&z);
    return done;
}

void gzip_reply(struct call *c)
{
    auto_buf struct buf out = BUF_INIT(API_GZIP_MAX);

    if (!wanted(c))
        return;
    call_field(c, "Vary", "Accept-Encoding");
    if (!deflate_into(buf_str(c->body), &out))
        return;
    struct buf plain = *c->body;

    *c->body = out;
    out = plain;
    call_field(c, "Content-Encoding", "gzip");
}
