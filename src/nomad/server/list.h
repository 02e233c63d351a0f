/*
 * list -- lists of the API: which objects, in which order, which page
 *
 *     struct list l;
 *     list_begin(c, &l, e);               what every list may be asked (prefix, page, order)
 *     list_scan_ids(&l, &alloc_table, "alloc", e);    or list_scan_index, list_add
 *     list_reply(&l, LIST_BY_CREATION, write_one);
 *
 * A page's token names the first object of the next page, so a list that changes in between
 * neither repeats nor loses what did not change.
 *
 * Memory: objects live as long as the call's transaction.
 * `filter` is over the objects as the API shows them in full, not over the list's short forms;
 * an alloc's Job is the version that it runs.
 *
 * Errors: 400 for parameters that cannot be read, and for a filter that names what an object
 *         does not have, 500 for a prefix that is no UUID's (as the
 *         API has it).
 */
#ifndef NOMAD_SERVER_LIST_H
#define NOMAD_SERVER_LIST_H

#include "lang/filter.h"
#include "nomad/server/server_priv.h"

enum { UUID_CHARS = 36 };

struct list {
    struct call *c;
    const char *prefix, *next_token, *namespace; /* namespace NULL: all of them */
    int64_t per_page;                            /* 0: everything */
    bool reverse;
    struct filter *filter; /* NULL: everything matches */
    LIST(const struct object *) at;
};

enum list_order { LIST_AS_FOUND, LIST_BY_KEY, LIST_BY_CREATION, LIST_BY_NAME };

typedef void list_write_fn(struct list *l, struct json_out *w, const struct object *o);

int list_begin(struct call *c, struct list *l, struct err *e);
/* One object more, unless the filter says no, or the caller may not know of it. */
int list_offer(struct list *l, const struct object *o, struct err *e);
/* Objects of a table whose key is one UUID; `what` is in the error: "alloc lookup failed: ...".
 * Those of other namespaces are left out. */
int list_scan_ids(struct list *l, const struct table *t, const char *what, struct err *e);
/* All objects below an index's parts (or, with index NULL, the table's key parts). NULL ends
 * the parts early. */
int list_scan(struct list *l, const struct table *t, const char *index, const char *part1,
              const char *part2, struct err *e);
/* Objects whose name, the last part of the key, starts with the list's prefix; below `part` if
 * it is not NULL. */
int list_scan_names(struct list *l, const struct table *t, const char *part, struct err *e);
void list_reply(struct list *l, enum list_order order, list_write_fn *write);

/* "alloc lookup failed: index error: UUID must be 36 characters" */
int check_uuid(const char *id, const char *what, struct err *e);
/* An answer of 404 that carries the headers of a read, as the API's reads do. */
int reply_not_found(struct call *c, const char *text);
/* Members that objects with read metadata end with. */
void json_query_meta(struct json_out *w, uint64_t index);
/* A call whose last path segment is an id: in the arena. */
const char *call_id(const struct call *c, const char *param);

/* show.c: short forms */
enum stub_flags { STUB_RESOURCES = 1 << 0, STUB_NO_TASK_STATES = 1 << 1 };
void write_alloc_stub_with(struct json_out *w, const struct object *o, unsigned flags);
void write_job(struct json_out *w, const struct object *o);
void write_summary(struct json_out *w, const struct object *o); /* NULL: null */
void list_alloc_stub(struct list *l, struct json_out *w, const struct object *o);
void list_eval(struct list *l, struct json_out *w, const struct object *o);
void list_deployment(struct list *l, struct json_out *w, const struct object *o);
/* alloc_api.c: in full, with the version of its job */
void write_alloc(struct call *c, struct json_out *w, const struct object *o);
/* What is wanted of it goes into its row; the scheduler acts on it. */
int alloc_want_transition(struct txn *t, const struct object *old, bool migrate,
                          bool reschedule, bool no_shutdown_delay, int64_t now_ns,
                          struct err *e);
/* job_read.c, node_api.c */
void list_job_stub(struct list *l, struct json_out *w, const struct object *o);
void list_node_stub(struct list *l, struct json_out *w, const struct object *o);

#endif
