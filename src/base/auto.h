/*
 * auto -- ownership that can be read off the declaration
 *
 * A variable declared `auto_free char *p` is released when its scope ends. What is to
 * outlive the scope is taken out with TAKE_PTR / TAKE_FD on the last line.
 * A room that has a destructor `foo_free(struct foo *)` adds
 *     DEFINE_AUTO(struct foo *, foo_free)
 *     #define auto_foo AUTO(foo_freep)
 */
#ifndef BASE_AUTO_H
#define BASE_AUTO_H

#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

#define AUTO(fn) __attribute__((cleanup(fn)))

/* `fn` takes the pointer and accepts NULL. */
#define DEFINE_AUTO(type, fn)         \
    static inline void fn##p(type *p) \
    {                                 \
        fn(*p);                       \
    }

#define TAKE_PTR(p)               \
    ({                            \
        __typeof__(p) *p_ = &(p); \
        __typeof__(p) v_ = *p_;   \
        *p_ = NULL;               \
        v_;                       \
    })

#define TAKE_FD(fd)      \
    ({                   \
        int *p_ = &(fd); \
        int v_ = *p_;    \
        *p_ = -1;        \
        v_;              \
    })

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

static inline void auto_freep_(void *p)
{
    free(*(void **)p);
}
#define auto_free AUTO(auto_freep_)

static inline void auto_closep_(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define auto_fd AUTO(auto_closep_)

#endif
