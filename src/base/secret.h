/*
 * secret -- key bytes that are locked, not dumped, and wiped
 *
 * The only place for keys, shares and unwrapped tokens. Backed by a process-wide arena of
 * guarded pages: mlock, MADV_DONTDUMP, MADV_WIPEONFORK, a guard page on either side. Where
 * mlock is refused the process goes on unless secret_require_lock(true) was called (config
 * `disable_mlock = false` on a server that is not -dev), and says so once in the log.
 *
 * Thread: any; one secret, one thread at a time.
 * Errors: ERR_TOOBIG above SECRET_MAX, ERR_LIMIT when the locked arena (16 MiB) is used up.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/str.h"

struct err;

enum { SECRET_MAX = 16384 };

struct secret {
    uint8_t *p;
    size_t len;
};

#define SECRET_INIT \
    {               \
        0           \
    }

/* Room for `len` cleared bytes. */
int secret_alloc(size_t len, struct secret *ret, struct err *e);
int secret_copy(const void *p, size_t len, struct secret *ret, struct err *e);
int secret_random(size_t len, struct secret *ret, struct err *e);
void secret_done(struct secret *s); /* wipes; an empty one is fine */
#define auto_secret AUTO(secret_done)

bool secret_eq(const struct secret *a,
               const struct secret *b); /* constant time for equal lengths */
void secret_wipe(void *p, size_t len);  /* explicit_bzero under our name */
bool secret_is_locked(void);            /* did mlock work? */

/* From now on memory that cannot be locked is ERR_LIMIT, not a warning. Call it before the
 * first secret. */
void secret_require_lock(bool required);

/* At program start: RLIMIT_CORE 0, PR_SET_DUMPABLE 0, and no memory in a core. */
void secret_harden_process(void);

#endif
