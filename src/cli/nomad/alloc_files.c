#include "cli/nomad/alloc_files.h"

#include <string.h>

#include "base/codec.h"
#include "base/str.h"

/* One of the job's allocations: a running one, else the newest. */
static int alloc_of_job(struct cli_call *c, const char *job, const char **ret)
{
    const struct json *best = NULL;
    struct nomad_reply r;

    if (nomad_get(c, pathf(c, "job/%s/allocations", path_part(c, job)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error fetching allocations: %s", r.error);
    for (size_t i = 0; i < count_of(r.json); i++) {
        const struct json *a = &r.json->items[i];

        if (!best || strcmp(text_at(c, a, "ClientStatus"), "running") == 0)
            best = a;
    }
    if (!best)
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error fetching allocations: job \"%s\" doesn't exist or it has no "
                        "allocations",
                        job);
    *ret = text_at(c, best, "ID");
    return CLI_EXIT_OK;
}

static const char *address_of_node(struct cli_call *c, const char *node)
{
    struct nomad_reply r, probe;
    const char *address;

    if (nomad_get(c, pathf(c, "node/%s", node), &r))
        return NULL;
    address = text_at(c, r.json, "HTTPAddr");
    if (!*address)
        return NULL;
    nomad_get_from(c, address, "agent/health?type=client", &probe);
    return probe.status ? address : NULL;
}

int alloc_files_open(struct cli_call *c, const char *which, bool by_job,
                     struct alloc_files *ret)
{
    int code;

    *ret = (struct alloc_files){0};
    if (!which)
        return usage_error(c, NOMAD_EXIT_FAILED,
                           by_job ? "A job ID is required" : "An allocation ID is required");
    code = by_job ? alloc_of_job(c, which, &which) : CLI_EXIT_OK;
    if (code == CLI_EXIT_OK)
        code = find_alloc(c, which, "Error querying allocation", &ret->alloc);
    if (code != CLI_EXIT_OK)
        return code;
    ret->id = text_at(c, ret->alloc, "ID");
    ret->node = address_of_node(c, text_at(c, ret->alloc, "NodeID"));
    return CLI_EXIT_OK;
}

int alloc_files_get(struct cli_call *c, struct alloc_files const *f, const char *what,
                    const char *query, struct nomad_reply *r)
{
    const char *path = pathf(c, "client/fs/%s/%s?%s", what, f->id, query);

    return f->node ? nomad_get_from(c, f->node, path, r) : nomad_get(c, path, r);
}

int64_t tail_offset(const struct tail *t)
{
    return t->lines > 0 ? t->lines * TAIL_LINE_BYTES : t->bytes;
}

/* More was asked for than the lines may need: what is before them is cut off the first piece.
 */
struct sink {
    int64_t lines; /* 0: everything */
    bool begun;
};

static struct str last_lines(struct str s, int64_t lines)
{
    size_t from = s.len;

    if (from && s.p[from - 1] == '\n')
        from--;
    while (from > 0) {
        if (s.p[from - 1] == '\n' && --lines == 0)
            break;
        from--;
    }
    return str_from(s, from);
}

static bool put(void *arg, struct str data)
{
    struct sink *s = arg;

    if (!s->begun && s->lines > 0)
        data = last_lines(data, s->lines);
    s->begun = true;
    return fwrite(data.p, 1, data.len, stdout) == data.len && fflush(stdout) == 0;
}

/* ---- frames: what `stream` sends ---------------------------------------------------------
 */

enum { FRAME_MAX = 4 << 20 };

/* `{"Data":"<base64>","File":...}{}{...}`, cut anywhere. */
struct frames {
    struct sink sink;
    struct buf rest; /* of an object that is not whole yet */
};

/* Length of the object at the beginning; 0: its end is missing. */
static size_t object_length(struct str s)
{
    bool in_text = false;
    int open = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (in_text && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            in_text = !in_text;
        else if (!in_text && s.p[i] == '{')
            open++;
        else if (!in_text && s.p[i] == '}' && --open == 0)
            return i + 1;
    }
    return 0;
}

static bool put_frame(struct frames *f, struct str text)
{
    auto_buf struct buf data = BUF_INIT(FRAME_MAX);
    auto_arena struct arena *a = arena_new(0);
    const struct json *encoded;
    struct json *v;

    if (json_parse(text, &json_limits_file, 0, a, &v, NULL) < 0)
        return false;
    encoded = json_get(v, "Data");
    if (!json_is(encoded, JSON_STRING))
        return true; /* only to say that the line is alive */
    if (codec_base64_decode(&data, encoded->text, false, true, NULL) < 0)
        return false;
    return put(&f->sink, buf_str(&data));
}

static bool put_frames(void *arg, struct str data)
{
    struct frames *f = arg;
    struct str all;
    size_t n, done = 0;
    bool ok = true;

    buf_put_str(&f->rest, data);
    if (!buf_ok(&f->rest))
        return false;
    all = buf_str(&f->rest);
    while (ok && (n = object_length(str_from(all, done)))) {
        ok = put_frame(f, str_n(all.p + done, n));
        done += n;
    }
    if (done) {
        memmove(f->rest.p, f->rest.p + done, f->rest.len - done);
        f->rest.len -= done;
    }
    return ok;
}

int alloc_files_stream(struct cli_call *c, const struct alloc_files *f, const char *what,
                       const char *query, const struct tail *tail, struct nomad_reply *r)
{
    struct sink sink = {.lines = tail ? tail->lines : 0};
    struct frames frames = {.sink = sink, .rest = BUF_INIT(FRAME_MAX)};
    const char *path = pathf(c, "client/fs/%s/%s?%s", what, f->id, query);
    bool framed = strcmp(what, "stream") == 0;
    int failed = nomad_stream(c, f->node, path, framed ? put_frames : put,
                              framed ? (void *)&frames : (void *)&sink, r);

    buf_done(&frames.rest);
    return failed;
}
