/*
 * arena -- memory that lives as long as one request (or one immutable object)
 *
 * Allocation is a pointer bump; everything goes away together in arena_free. Nothing is freed
 * singly. What else must end with the arena (a file descriptor, a reference) is registered with
 * arena_on_end and run in reverse order.
 *
 * Thread: one thread at a time.
 * Errors: none; running out of memory aborts. The caller has bounded what it asks for.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/str.h"

struct arena;

/* `first_bytes`: size of the first block, 0 for the usual 2 KiB. */
struct arena *arena_new(size_t first_bytes);
void arena_free(struct arena *a); /* NULL is fine */
DEFINE_AUTO(struct arena *, arena_free)
#define auto_arena AUTO(arena_freep)

/* Forget everything, keep the first block. */
void arena_reset(struct arena *a);

/* Wipe every byte before it is given back: for requests that carry secrets. */
void arena_set_wipe(struct arena *a);

void *arena_alloc(struct arena *a, size_t bytes);  /* aligned for any type, not cleared */
void *arena_zalloc(struct arena *a, size_t bytes); /* cleared */
void arena_on_end(struct arena *a, void (*fn)(void *), void *arg);
size_t arena_bytes(const struct arena *a); /* taken from the system so far */

#define arena_new_of(a, type) ((type *)arena_zalloc((a), sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_zalloc((a), sizeof(type) * (n)))

char *arena_strdup(struct arena *a, const char *s);              /* NULL stays NULL */
char *arena_strndup(struct arena *a, const char *p, size_t len); /* NUL added */
static inline char *arena_cstr(struct arena *a, struct str s)
{
    return arena_strndup(a, s.p, s.len);
}
struct str arena_str(struct arena *a, struct str s); /* copied, NUL behind it */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/*
 * A list is a pointer and a length; it grows inside an arena in powers of two.
 *     LIST(struct task) tasks = {0};
 *     struct task *t = list_add(a, &tasks);   // cleared
 *     list_push(a, &names, "x");
 */
#define LIST(T)     \
    struct {        \
        T *at;      \
        size_t len; \
    }

void *arena_list_grow_(struct arena *a, void *at, size_t len, size_t item_bytes);

#define list_add(a, list)                                                                \
    ({                                                                                   \
        (list)->at = arena_list_grow_((a), (list)->at, (list)->len, sizeof *(list)->at); \
        &(list)->at[(list)->len++];                                                      \
    })
#define list_push(a, list, item) (*(list_add((a), (list))) = (item))
#define list_each(list, it) \
    for (__typeof__(*(list)->at) *it = (list)->at; it && it < (list)->at + (list)->len; it++)

/* The two shapes that are everywhere. Strings end in NUL. */
struct strlist {
    const char **at;
    size_t len;
};

struct strpair {
    const char *key, *val;
};

struct strmap { /* sorted by key, keys unique */
    struct strpair *at;
    size_t len;
};

bool strlist_has(const struct strlist *l, const char *s);
void strlist_sort_unique(struct strlist *l);
const char *strmap_get(const struct strmap *m, const char *key); /* NULL: not there */
void strmap_set(struct arena *a, struct strmap *m, const char *key, const char *val);

#endif
