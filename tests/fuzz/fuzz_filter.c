/*
 * A filter expression against a job: nothing may hang, leave the limits or answer differently
 * the second time.
 */
#include <stdlib.h>

#include "base/err.h"
#include "lang/filter.h"
#include "nomad/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char job_text[] =
    "{\"ID\":\"web\",\"Type\":\"service\",\"Priority\":50,\"Datacenters\":[\"dc1\"],"
    "\"Meta\":{\"a\":\"b\"},\"TaskGroups\":[{\"Name\":\"g\",\"Count\":2,\"Tasks\":[{\"Name\":"
    "\"t\","
    "\"Config\":{\"args\":[\"x\",1,null]}}]}]}";

static const struct job *job_once(void)
{
    static struct job *job;
    static struct arena *a;
    struct json *v;

    if (job)
        return job;
    a = arena_new(0);
    job = arena_new_of(a, struct job);
    if (json_parse(str_of(job_text), NULL, 0, a, &v, NULL) < 0 ||
        schema_decode(&job_schema, v, SCHEMA_UNKNOWN_OK, a, job, NULL) < 0)
        abort();
    return job;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena *a = arena_new(0);
    struct str text = str_n(data, size);
    struct filter *f, *again;
    int r;

    if (filter_parse(text, a, &f, NULL) < 0)
        return 0;
    r = filter_match(f, &job_schema, job_once(), NULL);
    if (filter_parse(text, a, &again, NULL) < 0 ||
        filter_match(again, &job_schema, job_once(), NULL) != r)
        abort();
    filter_asks(f, STR("Index"));
    return 0;
}
