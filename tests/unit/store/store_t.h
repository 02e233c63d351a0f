/* What the store's tests share. */
#ifndef TESTS_UNIT_STORE_STORE_T_H
#define TESTS_UNIT_STORE_STORE_T_H

#include "t.h"

#include <stdio.h>

#include "base/err.h"
#include "store/store.h"

struct store *st_memory(void);
struct store *st_open(const char *dir,
                      uint64_t map_bytes); /* synced only if a test is about it */
const char *st_dir(const char *name);      /* below t_tmpdir, static storage */
struct txn *st_begin(struct store *s, unsigned flags);
uint64_t st_put(struct store *s, const char *key, const char *value);
uint64_t st_del(struct store *s, const char *key);
/* The value in a fresh snapshot, "-" if there is none; static storage. */
const char *st_get(struct store *s, const char *key);
/* All keys of a scan, joined by spaces; static storage. */
const char *st_keys(struct txn *t, const char *prefix, unsigned flags);

#endif
