/*
 * api/wal -- write-ahead records: what was begun outside and must be undone after a crash
 *
 * Before a handler's act creates something outside (an IAM user), its first transaction puts a
 * record that says how to undo it; finish deletes it together with what it stores. Records
 * older than WAL_AGE_MS that are still there are given to their kind's rollback, at start and
 * every WAL_PERIOD_MS and at wal_wake, until that succeeds.
 *
 * Tests shorten both times with SERAI_WAL_AGE_MS in the environment; requests that take longer
 * than it are undone, so it is for tests only.
 */
#ifndef API_WAL_H
#define API_WAL_H

#include "base/random.h"
#include "lang/json.h"
#include "store/store.h"

struct api;

enum { WAL_AGE_MS = 60000, WAL_PERIOD_MS = 60000, WAL_BATCH = 64, WAL_PAYLOAD_MAX = 64 << 10 };

struct wal_kind {
    const char *name; /* "aws/user" */
    /* Undo; must be idempotent ("already gone" is success). Runs on the blocking pool. */
    int (*rollback)(void *ctx, const struct json *payload, struct arena *a, struct err *e);
    void *ctx;
};

void wal_register(struct api *api, const struct wal_kind *kind); /* copied; at start */
/* Records go through the store's codec when one is set, and are looked at only while it is
 * open. ERR_TOOBIG (WAL_PAYLOAD_MAX), ERR_SEALED. */
int wal_put(struct txn *t, const char *kind, const struct json *payload, char ret_id[UUID_SIZE],
            struct err *e);
/* In finish, with what it stores. ERR_TIMEOUT: the request took longer than WAL_AGE_MS and was
 * undone meanwhile; pass it on. */
int wal_del(struct txn *t, const char *id, struct err *e);
/* Have the next periodic sweep now: the store's codec has just been opened. Any thread. */
void wal_wake(struct api *api);
/* Roll back everything older than `age_ms` now (tests). Returns how many of those are
 * left; ERR_SEALED, and those of store/store.h. Waits for the pool; not from serve. */
int wal_sweep(struct api *api, int64_t age_ms, struct err *e);

#endif
