/*
 * opt -- fields that the API may leave out
 *
 * A scalar with FIELD_PTR is a pointer: NULL means "not given" (null in JSON). OPT reads it,
 * zero when it is not there; opt_set gives it a value of its own in the arena.
 *
 *     if (OPT(group->count) > 3) ...
 *     opt_set(a, &group->count, 1);
 */
#ifndef NOMAD_MODEL_OPT_H
#define NOMAD_MODEL_OPT_H

#include "base/arena.h"

#define OPT(p)                            \
    ({                                    \
        __typeof__(p) p_ = (p);           \
        p_ ? *p_ : (__typeof__(*(p))){0}; \
    })

#define opt_set(arena, pp, value)                                     \
    ({                                                                \
        __typeof__(**(pp)) *n_ = arena_alloc((arena), sizeof **(pp)); \
        *n_ = (value);                                                \
        *(pp) = n_;                                                   \
    })

/* A string that may be NULL, as "". */
static inline const char *str_or_empty(const char *s)
{
    return s ? s : "";
}

#endif
