/*
 * What the server evaluates of a job: the input's lines are an operand, a left and a right
 * side. Nothing may hang or read beyond its texts, and a pattern that was refused matches
 * nothing.
 */
#include <stdlib.h>

#include "base/err.h"
#include "nomad/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *lookup(void *ctx, struct str name)
{
    (void)ctx;
    return name.len % 2 ? "value" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena struct arena *a = arena_new(0);
    struct str rest = str_n(data, size < 4096 ? size : 4096), part;
    const char *text[3] = {"", "", ""};

    if (rest.len && memchr(rest.p, '\0', rest.len))
        return 0;
    for (size_t i = 0; i < 3 && str_split(&rest, '\n', &part); i++)
        text[i] = arena_cstr(a, part);
    constraint_holds(text[0], text[1], true, text[2], true);
    constraint_holds("semver", text[1], true, text[2], true);
    constraint_holds("version", text[1], true, text[2], true);
    if (regexp_check(text[2], NULL) < 0 && regexp_matches(text[2], text[1]))
        abort();
    regexp_matches(text[2], text[1]);
    interpolate(text[1], lookup, NULL, a);
    name_problem(text[1], NAME_MAX_BYTES, true);
    alloc_name_index(text[1]);
    return 0;
}
