/*
 * t -- the little that our tests add to cmocka
 *
 * A test file is a list of `TEST(name_is_a_sentence) { ... }`; they register themselves and one
 * main (t_main.c, linked into every unit binary) runs them, or those whose name contains
 * argv[1]. Tables carry a label per row: T_ROW(label) before the row's checks puts it into each
 * failure.
 */
#ifndef TESTS_UNIT_T_H
#define TESTS_UNIT_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"

struct t_case {
    const char *name;
    void (*fn)(void **state);
    struct t_case *next;
};

void t_register(struct t_case *c);

#define TEST(name)                                                 \
    static void test_##name(void **t_state);                       \
    static struct t_case case_##name = {#name, test_##name, NULL}; \
    __attribute__((constructor)) static void register_##name(void) \
    {                                                              \
        t_register(&case_##name);                                  \
    }                                                              \
    static void test_##name(__attribute__((unused)) void **t_state)

/* Label for what follows, "" to end. */
#define T_ROW(label) (t_row = (label))
extern const char *t_row;

void t_fail(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4)
    __attribute__((noreturn));
void t_int_eq(const char *file, int line, const char *what, int64_t got, int64_t want);
void t_str_eq(const char *file, int line, const char *what, struct str got, struct str want);
void t_str_has(const char *file, int line, const char *what, const char *got, const char *part);

#define T_INT_EQ(got, want) t_int_eq(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))
#define T_STR_EQ(got, want) t_str_eq(__FILE__, __LINE__, #got, str_of(got), str_of(want))
/* The same for two struct str. */
#define T_STRN_EQ(got, want) t_str_eq(__FILE__, __LINE__, #got, (got), (want))
#define T_STR_HAS(got, part) t_str_has(__FILE__, __LINE__, #got, (got), (part))
#define T_TRUE(cond)                                          \
    do {                                                      \
        if (!(cond))                                          \
            t_fail(__FILE__, __LINE__, "%s is false", #cond); \
    } while (0)
#define T_FALSE(cond) T_TRUE(!(cond))
/* A call that must succeed; shows e's message if not. */
#define T_OK(call, err)                                                                      \
    do {                                                                                     \
        int t_r_ = (call);                                                                   \
        if (t_r_ < 0)                                                                        \
            t_fail(__FILE__, __LINE__, "%s: %s %s", #call, err_kind_name(t_r_), (err)->msg); \
    } while (0)

/* How long a test waits for what another thread or process is about to do: only one that fails
 * waits so long. In real time, whatever a test has done to base/clock.h. */
enum { T_PATIENCE_MS = 60000 };
int64_t t_real_ms(void);
void t_pause(void); /* a moment between two looks */

#define T_UNTIL(cond)                                                         \
    do {                                                                      \
        int64_t until_ = t_real_ms() + T_PATIENCE_MS;                         \
        while (!(cond)) {                                                     \
            if (t_real_ms() > until_)                                         \
                t_fail(__FILE__, __LINE__, "%s does not become true", #cond); \
            t_pause();                                                        \
        }                                                                     \
    } while (0)

/* For a program whose tests start what outlives them (TEST_GUARD; once, beside its tests): it
 * ends with the program, however that ends, and to leave something behind is a failure. */
void t_guard(void);
#define TEST_GUARD                                       \
    __attribute__((constructor)) static void guard(void) \
    {                                                    \
        t_guard();                                       \
    }

/* A scratch directory that is removed at exit. Static storage, per process. */
const char *t_tmpdir(void);

#endif
