#include "cli/nomad/alloc_files.h"

#include <string.h>

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

int alloc_files_stream(struct cli_call *c, const struct alloc_files *f, const char *what,
                       const char *query, const struct tail *tail, struct nomad_reply *r)
{
    struct sink sink = {.lines = tail ? tail->lines : 0};

    return nomad_stream(c, f->node, pathf(c, "client/fs/%s/%s?%s", what, f->id, query), put,
                        &sink, r);
}
