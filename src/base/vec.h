/*
 * vec -- an array on the heap that grows
 *
 *     VEC(struct watch *) ws = {0};
 *     vec_push(&ws, w);
 *     vec_done(&ws);
 *
 * The owner frees what the items own. Growth beyond memory aborts: bound the count first.
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <stddef.h>
#include <string.h>

#include "base/auto.h"

#define VEC(T)           \
    struct {             \
        T *at;           \
        size_t len, cap; \
    }

void *vec_grow_(void *at, size_t *cap, size_t need, size_t item_bytes);

#define vec_reserve(v, n) ((v)->at = vec_grow_((v)->at, &(v)->cap, (n), sizeof *(v)->at))
#define vec_push(v, item) (vec_reserve((v), (v)->len + 1), (void)((v)->at[(v)->len++] = (item)))
/* Remove item i, order kept. */
#define vec_remove(v, i)                                                            \
    (memmove(&(v)->at[i], &(v)->at[(i) + 1], ((v)->len - (i)-1) * sizeof *(v)->at), \
     (void)(v)->len--)
/* Remove item i, the last one takes its place. */
#define vec_remove_swap(v, i) ((v)->at[i] = (v)->at[(v)->len - 1], (void)(v)->len--)
#define vec_done(v) (free((v)->at), (v)->at = NULL, (v)->len = (v)->cap = 0)

#endif
