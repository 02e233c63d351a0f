/*
 * api_priv -- what the files of this room share
 *
 * A call belongs to exactly one thread at a time. It changes hands only through one of four
 * gates, each of which orders memory by a lock: a pool's queue, the lane, the committer, and
 * the waiter of an inner call. Who has handed a call over does not touch it again.
 *
 *     api.c       life of the frame, call_resume
 *     pipeline.c  the states of a call
 *     call.c      what handlers use
 *     query.c     ?index= and ?wait=
 *     park.c      calls that wait for a change or their deadline
 *     lane.c      calls that lost against others too often, one at a time
 *     pool.c      threads with a queue; the api threads and the blocking pool
 *     inner.c     calls without HTTP
 *     gzip.c      compressed replies
 *     wal.c       write-ahead records
 */
#ifndef API_PRIV_H
#define API_PRIV_H

#include "api/api.h"
#include "base/thread.h"
#include "base/vec.h"

enum {
    API_THREADS_MIN = 2, /* api threads: one per core within these */
    API_THREADS_MAX = 8,
    LANE_AFTER = 3, /* conflicts after which a call waits for its turn in the lane */
    LANE_PRESS = 8, /* conflicts after which the lane's call makes the others wait */
};

/* Ranks within RANK_API; none of these is held while another is taken. */
enum { RANK_API_PARK = RANK_API, RANK_API_LANE, RANK_API_POOL, RANK_API_INNER, RANK_API_WAL };

/*
 * pool: threads that run jobs in the order they come. Jobs are linked through themselves, so
 * pushing never fails; what bounds a pool are its claims.
 */
struct job {
    struct job *next;
    void (*fn)(struct job *j);
};

struct pool {
    struct lock lock;
    struct cond wake;
    struct job *first, **last;
    unsigned idle; /* threads that wait */
    unsigned claims, claims_max;
    bool closing;
    struct thread *threads;
    unsigned n_threads;
};

/* claims_max 0: claims are not used. */
int pool_init(struct pool *p, const char *name, unsigned threads, unsigned claims_max,
              struct err *e);
void pool_done(struct pool *p); /* runs what is queued, then ends the threads */
void pool_push(struct pool *p, struct job *j);
void pool_push_first(struct pool *p, struct job *j); /* before all others */
bool pool_claim(struct pool *p);                     /* false: all places are taken */
void pool_unclaim(struct pool *p);
unsigned pool_claims(struct pool *p);
bool pool_is_mine(const struct pool *p); /* is this one of its threads? */

/*
 * park: one record on the heap for each parked call. The references of its store waits keep it
 * alive, so a wake-up that comes late finds a record, never a call that is gone.
 */
struct parked;

struct park {
    struct lock lock;
    struct cond timer;
    VEC(struct parked *) heap; /* by deadline */
    struct parked *list;       /* all of them */
    size_t n;
    bool ready, closing, ending;
    struct thread thread;
};

int park_init(struct api *api, struct err *e);
void park_stop(struct api *api); /* wakes everybody; later calls are not parked */
void park_done(struct api *api);
void park_enter(struct call *c); /* hands the call over */
/* Back on an api thread: sets timed_out and peer_gone. */
void park_leave(struct call *c);

/* lane: see lane.c. */
struct lane {
    struct lock lock;
    struct call *first, **last;
    struct call *held;    /* those that gave way, until it is through */
    atomic_bool pressing; /* the lane's call has lost too often */
    bool busy;
};

void lane_init(struct lane *l);
void lane_done(struct lane *l);
void lane_enter(struct call *c); /* hands the call over */
void lane_leave(struct call *c); /* not in it: nothing */
void lane_lost(struct call *c);  /* a conflict more */
/* Is it to give way before it commits? Then, its transaction dropped, lane_wait takes it over.
 */
bool lane_must_wait(const struct call *c);
void lane_wait(struct call *c);

struct wal;
int wal_new(struct api *api, struct wal **ret, struct err *e);
void wal_stop(struct wal *w); /* NULL is fine */
void wal_free(struct wal *w); /* NULL is fine */

struct api {
    struct store *store;
    struct pool threads, blocking;
    struct park park;
    struct lane lane;
    struct wal *wal;
    atomic_size_t calls;
    atomic_bool stopping;
    struct stopper stopper; /* the same, for waits */
    atomic_uint_least64_t conflicts;
    bool stopped;
};

/* Whose turn it is when the call is resumed. */
enum call_phase {
    PHASE_SERVE,
    PHASE_COMMITTED, /* the committer has spoken */
    PHASE_ACT,       /* from here on on the blocking pool */
    PHASE_FINISH,
    PHASE_PARKED,
};

struct call_wait {
    struct str prefix;
    uint64_t rev;
    bool exact;
};

struct commit_hook {
    void (*fn)(struct call *c, uint64_t rev, void *arg);
    void *arg;
};

struct inner; /* inner.c */

struct call_priv {
    struct job job; /* first: the pools' link */
    struct call *call;
    struct call *lane_next;
    enum call_phase phase;
    bool in_finish; /* the attempt is finish's, not serve's */
    bool failed;    /* the reply is an error's */
    bool in_lane, claimed, gone_watched;
    atomic_bool gone;
    int conflicts;

    struct buf body;
    struct json_out json;
    LIST(struct commit_hook) hooks;
    call_act *act, *finish;
    void *then_arg;
    void (*take)(struct call *c, void *arg);
    void *take_arg;

    struct call_wait waits[CALL_WAITS_MAX];
    size_t n_waits;
    int64_t park_deadline_ms, query_deadline_ms;
    size_t park_floor; /* arena bytes when first parked */
    struct parked *parked;

    int commit_result;
    uint64_t commit_rev;
    struct err *commit_err;

    struct json *json_body;
    bool json_read;
    struct inner *inner; /* NULL: an exchange's call */
};

/* A fresh call in `a`. The caller sets x or inner, method, path, and then runs it. */
struct call *call_new(struct api *api, const struct api_service *svc, struct arena *a);
/* Counts the call; false (and nothing counted): the api is stopping. */
bool api_enter(struct api *api);
void api_leave(struct api *api);

void call_run(struct call *c);    /* on the thread that owns it now */
void call_resume(struct call *c); /* hands it to the thread that shall run it */
void call_reset_reply(struct call *c);
void call_fail(struct call *c, const struct err *e); /* the reply is the error's */

/* inner.c: the ends of an inner call that others reach. */
void inner_resume(struct inner *in);
void inner_finish(struct call *c);
bool inner_query(const struct call *c, const char *name, struct str *ret);
bool inner_query_at(const struct call *c, size_t i, struct str *ret_name,
                    struct str *ret_value);
struct str inner_header(const struct call *c, const char *name);
struct str inner_body(const struct call *c);

/* gzip.c: replaces the body and adds the header, or leaves all as it is. */
void gzip_reply(struct call *c);

#endif
