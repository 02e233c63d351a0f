/* A query: bounded, decoded within its bytes, the same when looked at twice. */
#include <stdint.h>
#include <stdlib.h>

#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    auto_arena struct arena *a = arena_new(0);
    struct str query = str_n(data, len);
    struct target_params *one, *two;

    if (len > HTTP_TARGET_MAX || target_query_too_many(query))
        return 0;
    one = target_params(query, a);
    two = target_params(query, a);
    if (one->n > HTTP_PARAMS_MAX || one->n != two->n)
        abort();
    for (size_t i = 0; i < one->n; i++)
        if (one->at[i].name.len + one->at[i].value.len > len ||
            !str_eq(one->at[i].name, two->at[i].name) ||
            !str_eq(one->at[i].value, two->at[i].value))
            abort();
    return 0;
}
