/*
 * gc -- what nobody needs any more goes, a slice at a time
 *
 *     jobs -> evaluations (with their allocs) -> deployments -> nodes
 *
 * A sweep walks the tables from a cursor; each slice is one transaction that looks at
 * GC_LOOK_MAX rows and writes at most GC_WRITES_MAX, so neither the store nor the watcher is
 * ever held up. Whatever a row hangs on is read in that transaction: a job that is started
 * again meanwhile makes the slice run anew.
 *
 * Thread: the watcher's.
 */
#ifndef NOMAD_SERVER_GC_H
#define NOMAD_SERVER_GC_H

#include "nomad/server/server_priv.h"

enum { GC_LOOK_MAX = 200, GC_WRITES_MAX = 500 };

struct gc {
    struct nomad_server *server;
    bool running, force; /* force: whatever its age */
    int phase;
    char cursor[STORE_KEY_MAX + 1]; /* the last row that was looked at */
    size_t cursor_len;
};

void gc_start(struct gc *g, bool force); /* a sweep from the beginning */
/* One slice. 1: the sweep goes on, 0: it is over; errors leave it where it was. */
int gc_slice(struct gc *g, struct err *e);

#endif
