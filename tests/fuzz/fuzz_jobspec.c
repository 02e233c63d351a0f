/*
 * fuzz_jobspec -- any bytes as a job file, with values for its variables
 *
 * The text up to a line "----" is the API's Variables, the rest the job file. A job that comes
 * out is canonicalised and written as JSON.
 */
#include <assert.h>

#include "nomad/jobspec/jobspec.h"

enum { FUZZ_BYTES_MAX = 64 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf out = BUF_INIT(64 << 20);
    struct hcl_diags d = {.arena = a};
    struct str text = str_n(data, size);
    ptrdiff_t cut = str_find(text, STR("----\n"));
    struct jobspec_opts opts = {.vars = str_upto(text, cut < 0 ? 0 : (size_t)cut)};
    struct json_out w;
    struct job *j;
    int r;

    if (size > FUZZ_BYTES_MAX)
        return 0;
    r = jobspec_parse(str_from(text, cut < 0 ? 0 : (size_t)cut + 5), "f", &opts, a, &j, &d);
    assert((r < 0) == (d.list.len > 0));
    (void)hcl_diags_text(a, &d);
    if (r < 0)
        return 0;
    job_canonicalize(j, a);
    json_out_init(&w, &out, NULL);
    schema_encode(&job_schema, j, 0, &w);
    return 0;
}
