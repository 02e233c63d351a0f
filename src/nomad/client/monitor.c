/* /v1/agent/monitor of this node, asked by a server: the log as it is written. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/log_follow.h"
#include "nomad/client/serve.h"

enum { TICK_MS = 250, BEAT_MS = 10000 };

static int send_lines(struct ask *q, bool plain, struct str lines, struct err *e)
{
    auto_buf struct buf data = BUF_INIT(2 * LOG_FOLLOW_BYTES),
                        b = BUF_INIT(3 * LOG_FOLLOW_BYTES);
    struct json_out w;

    if (plain)
        return q->w->piece(q->w, lines, e);
    codec_base64_encode(&data, lines, false, true);
    json_out_init(&w, &b, NULL);
    json_obj(&w);
    json_kv_strn(&w, "Data", buf_str(&data));
    json_obj_end(&w);
    return q->w->piece(q->w, buf_str(&b), e);
}

static int follow(struct ask *q, struct log_follower *log, bool plain, struct err *e)
{
    int64_t beat_ms = clock_mono_ms() + BEAT_MS;
    int r = answer_head(q->w, 200, plain ? "text/plain" : TYPE_JSON, e);

    while (r == 0 && !stopper_is_set(&q->c->stop) && !q->w->is_gone(q->w)) {
        auto_buf struct buf lines = BUF_INIT(LOG_FOLLOW_BYTES);
        bool any = log_follow_next(log, clock_mono_ms() + TICK_MS, &lines);

        if (any)
            r = send_lines(q, plain, buf_str(&lines), e);
        else if (!plain && clock_mono_ms() >= beat_ms)
            r = q->w->piece(q->w, STR("{}"), e);
        if (clock_mono_ms() >= beat_ms)
            beat_ms = clock_mono_ms() + BEAT_MS;
    }
    return r;
}

int serve_monitor(struct ask *q, struct err *e)
{
    enum log_level level = LOG_INFO;
    struct log_follower *log;
    struct str text;
    bool plain = false;
    int r;

    if (ask_param(q, "log_level", &text) && text.len && !log_level_parse(text, &level))
        return err_set(e, ERR_INVALID, "Unknown log level: %.*s", STR_ARG(str_upto(text, 200)));
    if (ask_param(q, "plain", &text))
        (void)str_to_bool(text, &plain);
    r = log_follow(level, &log, e);
    if (r < 0)
        return r;
    r = follow(q, log, plain, e);
    log_unfollow(log);
    return r;
}
