/*
 * cli/nomad/alloc_files -- reading from an allocation's node
 *
 * The node itself is asked first, which spares the servers the traffic; when it cannot be
 * reached, the usual server, which passes the question on.
 */
#ifndef CLI_NOMAD_ALLOC_FILES_H
#define CLI_NOMAD_ALLOC_FILES_H

#include "cli/nomad/nomad_priv.h"

enum { TAIL_LINES = 10, TAIL_LINE_BYTES = 120 };

struct alloc_files {
    const struct json *alloc;
    const char *id;
    const char *node; /* "host:port", NULL when it cannot be reached */
};

/* The last `lines`, or else the last `bytes`, of what is streamed. */
struct tail {
    int64_t lines, bytes;
};

/* `which`: NULL: nothing was given, which is an error; a prefix of an allocation's ID or, for
 * `by_job`, a job. Exit code. */
int alloc_files_open(struct cli_call *c, const char *which, bool by_job,
                     struct alloc_files *ret);
/* client/fs/<what>/<alloc>?<query>. */
int alloc_files_get(struct cli_call *c, struct alloc_files const *f, const char *what,
                    const char *query, struct nomad_reply *r);
/* To stdout as it comes; `tail` may be NULL. */
int alloc_files_stream(struct cli_call *c, const struct alloc_files *f, const char *what,
                       const char *query, const struct tail *tail, struct nomad_reply *r);
int64_t tail_offset(const struct tail *t); /* bytes from the end to ask for */

#endif
