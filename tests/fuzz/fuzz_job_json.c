/*
 * A job as a client may send it: whatever decodes must canonicalize, finish, validate, compare,
 * print and read back without harm, and finishing twice must change nothing.
 */
#include <stdlib.h>

#include "base/err.h"
#include "nomad/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(struct buf *b, const struct job *j)
{
    struct json_out w;

    json_out_init(&w, b, NULL);
    schema_encode(&job_schema, j, 0, &w);
}

static void check_idempotent(struct job *j, struct arena *a)
{
    auto_buf struct buf once = BUF_INIT(64 << 20), twice = BUF_INIT(64 << 20);

    print(&once, j);
    job_canonicalize(j, a);
    job_finish(j, NULL, a);
    print(&twice, j);
    if (!str_eq(buf_str(&once), buf_str(&twice)))
        abort();
}

static void look(struct job *j, struct arena *a)
{
    struct problem_list p = {.arena = a};
    struct job_diff d;

    job_validate(j, NULL, &p);
    problem_list_text(a, &p);
    job_warnings(j, a);
    job_diff_make(NULL, j, true, a, &d);
    job_diff_make(j, j, true, a, &d);
    if (!job_spec_eq(j, schema_copy(&job_schema, j, a)))
        abort();
    list_each (&j->groups, g) {
        struct comparable c;

        group_ask(g, &c);
        if (p.at.len == 0 && group_needs_restart(j, g, j, g)) /* names may stand twice */
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena *a = arena_new(0);
    struct job j;
    struct json *v;

    if (json_parse(str_n(data, size), &json_limits_anon, JSON_COPY, a, &v, NULL) < 0 ||
        job_from_json(v, a, &j, NULL) < 0)
        return 0;
    job_canonicalize(&j, a);
    job_finish(&j, NULL, a);
    look(&j, a);
    check_idempotent(&j, a);
    return 0;
}
