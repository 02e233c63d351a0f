#include "nomad/model/stream.h"

#include <string.h>

#include "base/codec.h"
#include "base/err.h"
#include "lang/json.h"
#include "nomad/model/opt.h"

enum { FRAME_DEPTH = 4, FRAME_NODES = 64 };

static const char *const kinds[] = {
    [STREAM_REQUEST] = "request", [STREAM_MORE] = "more", [STREAM_CANCEL] = "cancel",
    [STREAM_HEAD] = "head",       [STREAM_END] = "end",
};

static void write_body(struct json_out *w, struct str body)
{
    auto_buf struct buf text = BUF_INIT(2 * STREAM_BODY_MAX);

    codec_base64_encode(&text, body, false, true);
    json_kv_strn(w, "body", buf_str(&text));
}

void stream_frame_write(const struct stream_frame *f, struct buf *b)
{
    struct json_out w;

    json_out_init(&w, b, NULL);
    json_obj(&w);
    json_kv_u64(&w, "id", f->id);
    json_kv_str(&w, "kind", kinds[f->kind]);
    if (f->kind == STREAM_REQUEST) {
        json_kv_str(&w, "method", f->method);
        json_kv_str(&w, "target", f->target);
        if (f->body.len > 0)
            write_body(&w, f->body);
    } else if (f->kind == STREAM_MORE) {
        json_kv_i64(&w, "bytes", f->bytes);
    } else if (f->kind == STREAM_HEAD) {
        json_kv_i64(&w, "status", f->status);
        json_kv_str(&w, "type", str_or_empty(f->type));
    }
    json_obj_end(&w);
}

static enum stream_kind kind_of(struct str name)
{
    for (size_t i = STREAM_REQUEST; i < ARRAY_LEN(kinds); i++)
        if (str_eqc(name, kinds[i]))
            return (enum stream_kind)i;
    return 0;
}

static int read_request(const struct json *v, struct arena *a, struct stream_frame *ret,
                        struct err *e)
{
    auto_buf struct buf body = BUF_INIT(STREAM_BODY_MAX);
    struct str text = json_str_or(json_get(v, "body"), STR(""));
    struct str target = json_str_or(json_get(v, "target"), STR(""));
    int r = codec_base64_decode(&body, text, false, true, e);

    if (r < 0)
        return err_wrap(e, r, "stream: body of a request");
    if (target.len == 0 || target.len > STREAM_TARGET_MAX || target.p[0] != '/')
        return err_set(e, ERR_INVALID,
                       "stream: a request's target is a path of at most %d bytes",
                       STREAM_TARGET_MAX);
    ret->method = json_cstr_or(a, json_get(v, "method"), "GET");
    ret->target = arena_cstr(a, target);
    ret->body = arena_str(a, buf_str(&body));
    return 0;
}

int stream_frame_read(struct str text, struct arena *a, struct stream_frame *ret, struct err *e)
{
    static const struct json_limits lim = {4 * STREAM_BODY_MAX, FRAME_DEPTH, FRAME_NODES};
    const struct json *id;
    struct json *v;
    int64_t n;
    int r = json_parse(text, &lim, JSON_COPY, a, &v, e);

    if (r < 0)
        return err_wrap(e, r, "stream");
    id = json_get(v, "id");
    *ret = (struct stream_frame){.kind = kind_of(json_str_or(json_get(v, "kind"), STR("")))};
    if (!json_is(id, JSON_NUMBER) || !str_to_u64(id->text, 10, &ret->id))
        return err_set(e, ERR_INVALID, "stream: a message has no id");
    if (!ret->kind)
        return err_set(e, ERR_INVALID, "stream: a message is of no known kind");
    if (ret->kind == STREAM_REQUEST)
        return read_request(v, a, ret, e);
    n = json_i64_or(json_get(v, "bytes"), 0);
    if (n < 0 || n > STREAM_WINDOW)
        return err_set(e, ERR_INVALID, "stream: 'bytes' must be 0 to %d", STREAM_WINDOW);
    ret->bytes = n;
    n = json_i64_or(json_get(v, "status"), 0);
    if (ret->kind == STREAM_HEAD && (n < 100 || n > 599))
        return err_set(e, ERR_INVALID, "stream: a head's status must be 100 to 599");
    ret->status = (int)n;
    ret->type = json_cstr_or(a, json_get(v, "type"), "");
    return 0;
}

void stream_piece_write(uint64_t id, struct str data, struct buf *b)
{
    buf_put_u64be(b, id);
    buf_put_str(b, data);
}

int stream_piece_read(struct str message, uint64_t *ret_id, struct str *ret_data, struct err *e)
{
    uint64_t id = 0;

    if (message.len < STREAM_ID_BYTES)
        return err_set(e, ERR_INVALID, "stream: a piece without its id");
    if (message.len > STREAM_ID_BYTES + STREAM_PIECE_MAX)
        return err_set(e, ERR_TOOBIG, "stream: a piece is larger than %d bytes",
                       STREAM_PIECE_MAX);
    for (size_t i = 0; i < STREAM_ID_BYTES; i++)
        id = id << 8 | (uint8_t)message.p[i];
    *ret_id = id;
    *ret_data = str_from(message, STREAM_ID_BYTES);
    return 0;
}
