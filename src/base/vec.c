#include "base/vec.h"

#include <stdint.h>

void *vec_grow_(void *at, size_t *cap, size_t need, size_t item_bytes)
{
    size_t n = *cap ? *cap : 8;
    void *p;

    if (need <= *cap)
        return at;
    while (n < need)
        n *= 2;
    if (n > SIZE_MAX / item_bytes)
        abort();
    p = realloc(at, n * item_bytes);
    if (!p)
        abort();
    *cap = n;
    return p;
}
