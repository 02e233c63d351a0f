/*
 * What the files of nomad/client share.
 *
 * Locks, outer first: the client's, an alloc's journal's, an alloc's, a task's. Threads: see
 * client.h; each field says whose it is.
 */
#ifndef NOMAD_CLIENT_CLIENT_PRIV_H
#define NOMAD_CLIENT_CLIENT_PRIV_H

#include <stdatomic.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/thread.h"
#include "base/vec.h"
#include "nomad/client/client.h"
#include "nomad/driver/driver.h"

#define CLIENT_ROOM "client"
#define CLIENT_NOMAD_VERSION "1.9.7" /* what servers and constraints compare with */

enum client_lock_rank {
    RANK_CLIENT_META = RANK_CLIENT,
    RANK_CLIENT_ALL,     /* struct nomad_client */
    RANK_CLIENT_JOURNAL, /* an alloc's file */
    RANK_CLIENT_ALLOC,
    RANK_CLIENT_TASK,
    RANK_CLIENT_LINK,
};

static inline bool same(const char *a, const char *b)
{
    return strcmp(str_or_empty(a), str_or_empty(b)) == 0;
}
static inline bool is_empty(const char *s)
{
    return !s || !*s;
}

struct alloc_run;
struct link_http;
struct serve_job;
struct router;

/* Texts that alloc directories and requests are made of. */
enum { DIR_TEXT_MAX = 4096 };

/* ---- one task --------------------------------------------------------------------------- */

/* What the vault hook holds for a task. Guarded by the task's lock. */
struct task_token {
    char *token, *accessor, *address, *namespace_; /* heap; token is wiped */
    int64_t ttl_s;
    int64_t expires_ns; /* wall; 0: never */
    bool renewable;
    bool fresh; /* not renewed yet: that is done at once, to see that it can be */
};

enum task_cmd_kind { CMD_SIGNAL = 1, CMD_USAGE };

/* Something another thread wants from the running task; it waits until `done`. */
struct task_cmd {
    enum task_cmd_kind kind;
    int sig;
    struct task_usage *usage;
    bool done;
    int result;
    struct err err;
    struct task_cmd *next;
};

struct task_run {
    struct alloc_run *ar;
    const char *name; /* heap */
    struct thread thread, keeper;

    struct lock lock; /* the rest of this block */
    struct cond answered;
    struct stopper wake; /* something below has changed: the task's thread looks */
    bool may_start;      /* its turn in the group's life cycle has come */
    bool kill, detach, restart;
    bool restart_counts; /* the restart is a failure by the restart policy */
    struct task_cmd *cmds;
    bool running; /* it has a handle */
    bool over;    /* its thread has nothing more to do */
    struct arena *st_arena;
    struct task_state *st; /* in st_arena; replaced whole */
    struct task_token token;
    char *handle_text; /* JSON of the driver's handle_state; NULL: none */
    struct restart_tracker tracker;

    /* the task's thread only */
    struct object *alloc; /* whose job it runs */
    const struct driver *driver;
    struct task_handle *handle;
    bool restored, dirs_made, validated;
    char *secrets_dir, *task_dir, *local_dir, *private_dir, *shim_dir; /* heap */

    struct stopper keep_stop; /* ends the keeper */
};

/* ---- one alloc -------------------------------------------------------------------------- */

struct alloc_run {
    atomic_uint refs;
    struct nomad_client *c;
    char id[UUID_SIZE];
    char *dir, *shared_dir, *logs_dir, *shim_dir; /* heap */
    struct task_run **tasks;                      /* fixed once made */
    size_t n_tasks;
    struct thread thread;
    bool restored; /* from the journal */

    struct lock lock; /* the rest */
    struct stopper wake;
    struct object *alloc; /* as the server last said; body struct alloc, job inside */
    bool kill, detach, destroy;
    int64_t dirty_ms;    /* the journal is behind since (mono); 0: it is not */
    bool over;           /* every task has ended */
    int64_t over_ns;     /* wall, when */
    int health;          /* -1: unknown, else bool */
    int64_t health_at;   /* wall ns */
    bool health_watched; /* restored: do not begin anew */

    struct lock journal; /* its file */
    bool update_queued;  /* the client's lock */
};

/* ---- the client ------------------------------------------------------------------------- */

struct nomad_client {
    struct arena *arena; /* options */
    struct nomad_client_opts o;
    char id[UUID_SIZE], secret_id[UUID_SIZE];
    struct secret key; /* seals the journal */
    int state_fd, allocs_fd, alloc_fd;
    struct server_link link;
    struct link_http *link_http; /* NULL: o.link */
    bool is_root;

    struct stopper stop;
    struct thread t_beat, t_watch, t_update, t_finger, t_gc, t_stream;
    bool started;

    struct lock meta_lock; /* one change of the metadata at a time */
    struct lock lock;      /* the rest */
    struct cond changed;   /* update queue, requests, registered, stopping */
    struct stopper gc_wake;
    struct map allocs; /* id -> alloc_run */
    VEC(struct alloc_run *) updates;
    int64_t updates_due_ms; /* mono: when they are to go; 0: now */
    struct object *node;    /* body struct node: replaced whole */
    bool node_changed;      /* to be registered again */
    struct stopper beat_wake;
    bool registered, contacted; /* contacted: a server has told what is to run here */
    struct stopper contact;     /* stopped once contacted */
    int64_t heartbeat_ttl_ms, last_heartbeat_mono, started_mono;
    uint64_t known_servers;
    struct serve_job *jobs; /* fs and the like, under way or ended and not yet joined */
    unsigned n_jobs;        /* under way */
    bool stopping;
    struct json *dynamic_meta; /* in meta_arena: {"key": "value" or null}; NULL: none */
    struct arena *meta_arena;

    struct api_service service;
    struct router *router;
};

/* ---- state.c: directories, identity, key ------------------------------------------------ */

int client_state_open(struct nomad_client *c, struct err *e);
void client_state_close(struct nomad_client *c);

/* ---- journal.c -------------------------------------------------------------------------- */

/* Write the alloc's record now, whatever `dirty_ms` says. Failure is logged and tried again. */
void journal_write(struct alloc_run *ar);
void journal_remove(struct alloc_run *ar);
/* Every record there is becomes an alloc_run (not started), given to `fn`. */
int journal_load(struct nomad_client *c,
                 void (*fn)(struct nomad_client *c, struct alloc_run *ar), struct err *e);

/* ---- alloc_dir.c ------------------------------------------------------------------------ */

int alloc_dir_make(struct alloc_run *ar, struct err *e);
int task_dirs_make(struct task_run *t, const char *user, struct err *e);
void alloc_dir_destroy(struct alloc_run *ar);
/* Of an alloc without a run: its directory, what is mounted in it, its supervisors' traces. */
void alloc_dir_remove(struct nomad_client *c, const char *id, const struct strlist *tasks);
void orphans_end(struct nomad_client *c); /* orphans.c */

/* ---- task_state.c: events and states ---------------------------------------------------- */

int task_state_init(struct task_run *t, const struct task_state *from); /* NULL: new */
void task_emit(struct task_run *t, const struct task_event *ev);
/* State and event in one change; ev may be NULL. */
void task_become(struct task_run *t, const char *state, const struct task_event *ev);
void task_count_restart(struct task_run *t, const struct task_event *ev);
/* What the server is told about the alloc. */
void alloc_view(struct alloc_run *ar, struct arena *a, struct alloc *ret);
struct task_state *task_state_copy(struct task_run *t, struct arena *a);

/* ---- alloc_run.c ------------------------------------------------------------------------ */

struct alloc_run *alloc_run_new(struct nomad_client *c, struct object *alloc); /* takes it */
struct alloc_run *alloc_run_ref(struct alloc_run *ar);
void alloc_run_unref(struct alloc_run *ar);
DEFINE_AUTO(struct alloc_run *, alloc_run_unref)
#define auto_alloc_run AUTO(alloc_run_unrefp)
int alloc_run_start(struct alloc_run *ar, struct err *e);
void alloc_run_update(struct alloc_run *ar, struct object *alloc); /* takes it */
void alloc_run_kill(struct alloc_run *ar);
void alloc_run_detach(struct alloc_run *ar); /* end its threads, leave its tasks */
void alloc_run_join(struct alloc_run *ar);
/* When the server hears of a change: an event alone waits a moment for more to go with it. */
enum tell { TELL_NOW, TELL_SOON };
/* Something of it changed: journal, server, life cycle. From any thread. */
void alloc_touch(struct alloc_run *ar, enum tell when);
/* Only its thread is to look. */
void alloc_wake(struct alloc_run *ar);
struct object *alloc_run_alloc(struct alloc_run *ar); /* a reference */
struct task_run *alloc_run_task(struct alloc_run *ar, struct str name);
static inline const struct alloc *alloc_of(const struct object *o)
{
    return o->body;
}
const struct task_group *alloc_group(const struct alloc *al);
struct object *alloc_object(const struct alloc *al); /* a deep copy */

/* ---- alloc_health.c --------------------------------------------------------------------- */

struct health_watch {
    bool active, deployment;
    const char *check; /* "task_states" "checks" "manual" */
    int64_t min_healthy_ns, limit_ns;
    int64_t deadline_ms; /* mono; 0: none */
};
void health_begin(struct health_watch *h, struct alloc_run *ar);
/* Looks; may decide. *ret_wake: when to look again (mono ms, 0: on change). */
void health_look(struct health_watch *h, struct alloc_run *ar, int64_t *ret_wake);

/* ---- task_run.c ------------------------------------------------------------------------- */

struct task_run *task_run_new(struct alloc_run *ar, const char *name);
void task_run_free(struct task_run *t);
int task_run_start(struct task_run *t, struct err *e);
void task_allow(struct task_run *t);
/* Ask it to end; the events are added first (may be NULL). Idempotent but for the events. */
void task_kill(struct task_run *t, const struct task_event *why, const char *reason);
void task_detach(struct task_run *t);
void task_restart(struct task_run *t, const struct task_event *ev);
int task_ask(struct task_run *t, struct task_cmd *cmd, struct err *e);
/* Wakes the thread; under the lock. */
static inline void task_wake_locked(struct task_run *t)
{
    stopper_stop(&t->wake);
}
const struct task *task_spec(const struct task_run *t); /* of t->alloc */
int64_t task_kill_timeout_ns(const struct nomad_client *c, const struct task *spec);

/* ---- task_check.c, task_env.c ----------------------------------------------------------- */

/* What this client cannot do for the task: NULL, or a sentence that names the block. */
const char *task_unsupported(const struct alloc *al, const struct task *spec, struct arena *a);
/* The task's config against the driver's schema: NULL, or the API's text. */
const char *task_config_problem(const struct driver *d, const struct json *config,
                                struct arena *a);
/* Everything the task's environment is; `a` should be one that wipes. */
void task_env_build(struct task_run *t, struct arena *a, struct strmap *ret);

/* ---- task_vault.c ----------------------------------------------------------------------- */

/* Before a start: the task has its token, on disk too. 0: go on; ERR_CANCELED: the task's wake
 * was stopped; other: given up, the event is there and the task is to fail. */
int vault_hook(struct task_run *t, struct err *e);
void vault_keep_start(struct task_run *t); /* renewal, if it is due at all */
void vault_keep_stop(struct task_run *t);
void task_token_done(struct task_token *tok);

/* ---- vault_api.c ------------------------------------------------------------------------ */

/* ERR_DENIED: the token cannot be renewed any more; ERR_UNAVAIL...: try again. */
int vault_renew_self(struct nomad_client *c, const struct task_token *tok, int64_t increment_s,
                     struct stopper *stop, int64_t *ret_ttl_s, struct err *e);
struct vault_seen {
    char version[64], cluster_id[64], cluster_name[128];
    bool accessible;
};
int vault_look(struct nomad_client *c, struct vault_seen *ret, struct err *e);

/* A server says that it does not know this node: register again. */
void client_denied(struct nomad_client *c);
void client_add(struct nomad_client *c, struct alloc_run *ar); /* takes the reference */

/* ---- finger.c, node.c, loops ------------------------------------------------------------ */

void finger_all(struct nomad_client *c, struct node *n, struct arena *a);
void node_init(struct nomad_client *c);
/* Copy the node, let fn change it; if it differs (true) it is registered again. */
bool node_change(struct nomad_client *c, void (*fn)(struct node *n, struct arena *a, void *arg),
                 void *arg);
struct object *node_ref(struct nomad_client *c);
void node_meta_load(struct nomad_client *c);
int node_meta_set(struct nomad_client *c, const struct json *changes, struct err *e);

void beat_loop(void *c);
void watch_loop(void *c);
void update_loop(void *c);
void finger_loop(void *c);
void gc_loop(void *c);
void update_queue(struct alloc_run *ar, enum tell when);
/* Everything queued, within the deadline (mono ms). */
void update_flush(struct nomad_client *c, int64_t deadline_ms);

/* ---- link_http.c ------------------------------------------------------------------------ */

struct link_http_opts {
    struct strlist servers; /* "host[:port]" */
    struct nomad_client_tls tls;
    const char *region;
};
int link_http_new(const struct link_http_opts *o, struct link_http **ret, struct err *e);
void link_http_free(struct link_http *l);
/* The agent ends: calls under way are given up, later ones are short. Between the two, while
 * nobody calls, last_calls makes the latter possible. */
void link_http_hurry(struct link_http *l);
void link_http_last_calls(struct link_http *l);
struct server_link link_http_link(struct link_http *l);
void link_http_set_servers(struct link_http *l, const struct strlist *servers);
/* Those that a server names, besides the configured ones. */
void link_http_add_servers(struct link_http *l, const struct strlist *servers);

/* ---- gc.c ------------------------------------------------------------------------------- */

void client_gc_now(struct nomad_client *c); /* every ended alloc */
void client_gc_room(struct nomad_client *c);
void client_wake_gc(struct nomad_client *c);
/* It ends, and then everything of it goes; the gc loop does that. */
void client_destroy_alloc(struct alloc_run *ar);
/* What is over and to be destroyed goes now. */
void client_reap(struct nomad_client *c);
struct alloc_run *client_alloc(struct nomad_client *c,
                               struct str id); /* a reference, or NULL */
/* References to all of them (heap array). */
size_t client_allocs(struct nomad_client *c, struct alloc_run ***ret);

/* Back-off of the loops: 1 s doubling to `max_ms`, with jitter; `tries` counts up. */
int64_t backoff_ms(unsigned tries, int64_t max_ms);

#endif
