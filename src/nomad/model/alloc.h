/*
 * nomad/model/alloc -- one instance of a group on one node
 *
 * The stored record has no copy of its job: it names the job's version, and versions are kept
 * as long as an alloc uses one. `job` and the three older resource fields are filled for a
 * reply (alloc_fill_legacy) or for the client.
 */
#ifndef NOMAD_MODEL_ALLOC_H
#define NOMAD_MODEL_ALLOC_H

#include "lang/schema.h"
#include "nomad/model/job.h"

/*
 * What was given to it.
 */
struct alloc_port {
    const char *label;
    int64_t value, to;
    const char *host_ip;
    bool ignore_collision;
};

struct alloc_cpu {
    int64_t cpu_shares;
    struct json *reserved_cores; /* [0, 1] or null */
};

struct alloc_memory {
    int64_t memory_mb, memory_max_mb;
};

struct alloc_task_resources {
    const char *name; /* key of the map */
    struct alloc_cpu cpu;
    struct alloc_memory memory;
    network_list networks;
    struct json *devices;
};

struct alloc_shared_resources {
    network_list networks;
    int64_t disk_mb;
    LIST(struct alloc_port) ports;
};

struct alloc_resources {
    LIST(struct alloc_task_resources) tasks;
    struct json *task_lifecycles; /* {task: null or {"Hook", "Sidecar"}} */
    struct alloc_shared_resources shared;
};

/*
 * Why it stands where it stands.
 */
struct score_meta {
    const char *node_id;
    struct json *scores; /* {"binpack": 0.5, ...} */
    double norm_score;
};

/* Counters by name are JSON objects: {"dc1": 3}; NULL when there is nothing to count. */
struct alloc_metric {
    const char *group; /* key, where it stands in a map by group */
    int64_t nodes_evaluated, nodes_filtered, nodes_in_pool;
    struct json *nodes_available, *class_filtered, *constraint_filtered;
    int64_t nodes_exhausted;
    struct json *class_exhausted, *dimension_exhausted;
    struct strlist quota_exhausted;            /* always empty */
    struct json *resources_exhausted, *scores; /* always NULL */
    LIST(struct score_meta) score_meta;
    int64_t allocation_time_ns, coalesced_failures;
};

/* counts[key] += n, the object made when there is none. */
void count_add(struct arena *a, struct json **counts, const char *key, int64_t n);
int64_t count_get(const struct json *counts, const char *key);

/*
 * Task states.
 */
enum { TASK_EVENTS_MAX = 10, TASK_EVENT_DETAILS_MAX = 32 };

struct task_event {
    const char *type;
    int64_t time; /* Unix ns */
    const char *message, *display_message;
    struct strmap details;
    bool fails_task;
    const char *restart_reason, *setup_error, *driver_error;
    int64_t exit_code, signal, kill_timeout_ns;
    const char *kill_error, *kill_reason;
    int64_t start_delay_ns;
    const char *download_error, *validation_error;
    int64_t disk_limit;
    const char *failed_sibling, *vault_error, *task_signal_reason, *task_signal,
        *driver_message, *generic_source;
};

struct task_state {
    const char *name;  /* key of the map */
    const char *state; /* "pending" "running" "dead" */
    bool failed;
    uint64_t restarts;
    int64_t *last_restart, *started_at, *finished_at; /* Unix ns */
    LIST(struct task_event) events;
    const char *paused;
    struct json *task_handle; /* always NULL */
};

struct alloc_deployment_status {
    bool *healthy;
    int64_t timestamp; /* Unix ns */
    bool canary;
    uint64_t modify_index;
};

struct reschedule_event {
    int64_t reschedule_time; /* Unix ns */
    const char *prev_alloc_id, *prev_node_id;
    int64_t delay_ns;
};

struct reschedule_tracker {
    LIST(struct reschedule_event) events;
    const char *last_reschedule; /* "" "ok" "no placement" */
};

struct desired_transition {
    bool *migrate, *reschedule, *force_reschedule, *no_shutdown_delay;
};

/* What the server thought of it, when that was not what its client had said last. */
struct alloc_state {
    int64_t field;     /* 0: client status */
    const char *value; /* "unknown", or the status it came back with */
    int64_t time;      /* Unix ns */
};

struct alloc_network_status {
    const char *interface_name, *address, *address_ipv6;
    struct dns_config *dns;
};

struct alloc {
    const char *id, *namespace, *eval_id, *name, *node_id, *node_name, *job_id, *task_group;
    struct job *job; /* replies only */
    uint64_t job_version, job_create_index, job_modify_index;
    const char *job_type;
    struct alloc_resources *resources;
    struct resources *legacy_resources, *legacy_shared; /* replies only */
    struct json *legacy_tasks;                          /* replies only */
    struct alloc_metric *metrics;
    const char *desired_status, *desired_description; /* "run" "stop" "evict" */
    struct desired_transition *desired_transition;    /* NULL: nothing wanted */
    const char *client_status, *client_description;
    LIST(struct task_state) task_states;
    LIST(struct alloc_state) alloc_states;
    const char *previous_allocation, *next_allocation, *deployment_id;
    struct alloc_deployment_status *deployment_status;
    struct reschedule_tracker *reschedule_tracker;
    struct alloc_network_status *network_status;
    const char *followup_eval_id;
    struct strlist preempted_allocations;
    const char *preempted_by;
    const char *signing_key_id;
    uint64_t create_index, modify_index, alloc_modify_index;
    int64_t create_time, modify_time; /* Unix ns */
};

extern const struct schema alloc_schema, task_state_schema, task_event_schema,
    alloc_metric_schema, alloc_resources_schema, alloc_deployment_status_schema,
    reschedule_tracker_schema;

/* Texts of the states. */
#define ALLOC_RUN "run"
#define ALLOC_STOP "stop"
#define ALLOC_EVICT "evict"
#define ALLOC_PENDING "pending"
#define ALLOC_RUNNING "running"
#define ALLOC_COMPLETE "complete"
#define ALLOC_FAILED "failed"
#define ALLOC_LOST "lost"
#define ALLOC_UNKNOWN "unknown"
#define TASK_PENDING "pending"
#define TASK_RUNNING "running"
#define TASK_DEAD "dead"

/* Desired descriptions. */
#define ALLOC_NOT_NEEDED "alloc not needed due to job update"
#define ALLOC_MIGRATING "alloc is being migrated"
#define ALLOC_UPDATING "alloc is being updated due to job update"
#define ALLOC_IS_LOST "alloc is lost since its node is down"
#define ALLOC_IN_PLACE "alloc updating in-place"
#define ALLOC_NODE_TAINTED "alloc not needed as node is tainted"
#define ALLOC_RESCHEDULED "alloc was rescheduled because it failed"
#define ALLOC_IS_UNKNOWN "alloc is unknown since its node is disconnected"
#define ALLOC_RECONNECTED "alloc not needed due to disconnected client reconnect"

bool alloc_client_terminal(const struct alloc *al);             /* complete, failed or lost */
bool alloc_server_terminal(const struct alloc *al);             /* desired stop or evict */
bool alloc_terminal(const struct alloc *al);                    /* either */
bool alloc_status_may_become(const char *from, const char *to); /* client status */
bool task_status_may_become(const char *from, const char *to);
/* Since when its client is not heard of, Unix ns; 0: it is. */
int64_t alloc_unknown_since(const struct alloc *al);
/* Its client is back and says what it does; who keeps its place is not decided yet. */
bool alloc_reconnecting(const struct alloc *al);
enum { ALLOC_STATES_KEPT = 10 };
void alloc_state_add(struct alloc *al, const char *value, int64_t now_ns, struct arena *a);
/* Every task ended well (a batch alloc that need not run again). */
bool alloc_ran_ok(const struct alloc *al);
/* Newest finish of its tasks, Unix ns; 0: none. */
int64_t alloc_last_finish(const struct alloc *al);

/* The client's view of the whole from its tasks: status and description. */
void alloc_status_from_tasks(const struct task_state *states, size_t n, const char **ret_status,
                             const char **ret_description);

/* Fill job (as given) and the older resource fields, for a reply. */
void alloc_fill_legacy(struct alloc *al, struct job *job, struct arena *a);

/* Sums, counting what can run at the same time (prestart tasks that end before the main ones
 * start). */
struct comparable {
    int64_t cpu, memory_mb, memory_max_mb, disk_mb;
    uint64_t cores[4]; /* reserved cores, a bit each (up to 256) */
    uint32_t n_cores;
};
void alloc_comparable(const struct alloc_resources *r, struct comparable *ret);
void group_ask(const struct task_group *tg, struct comparable *ret);

/*
 * Task events. Constructors fill type, details and display message.
 */
struct task_event task_event_new(const char *type, int64_t now_ns, struct arena *a);
struct task_event task_event_message(const char *type, const char *message, int64_t now_ns,
                                     struct arena *a);
struct task_event task_event_setup(const char *message, int64_t now_ns, struct arena *a);
struct task_event task_event_setup_failure(const char *error, int64_t now_ns, struct arena *a);
struct task_event task_event_terminated(int64_t exit_code, int64_t signal, const char *message,
                                        bool oom_killed, int64_t now_ns, struct arena *a);
struct task_event task_event_restarting(int64_t delay_ns, const char *reason, int64_t now_ns,
                                        struct arena *a);
struct task_event task_event_not_restarting(const char *reason, int64_t now_ns,
                                            struct arena *a);
struct task_event task_event_restart_signaled(const char *reason, int64_t now_ns,
                                              struct arena *a);
struct task_event task_event_signaling(const char *signal, const char *reason, int64_t now_ns,
                                       struct arena *a);
struct task_event task_event_killing(int64_t timeout_ns, const char *reason, bool fails_task,
                                     int64_t now_ns, struct arena *a);
struct task_event task_event_killed(const char *error, int64_t now_ns, struct arena *a);
struct task_event task_event_driver_failure(const char *error, int64_t now_ns, struct arena *a);
struct task_event task_event_failed_validation(const char *error, int64_t now_ns,
                                               struct arena *a);
struct task_event task_event_download_failed(const char *error, int64_t now_ns,
                                             struct arena *a);
struct task_event task_event_sibling_failed(const char *sibling, int64_t now_ns,
                                            struct arena *a);
/* What the API shows as DisplayMessage. */
const char *task_event_display(const struct task_event *ev, struct arena *a);
/* Copy `ev` to the end, the oldest goes beyond TASK_EVENTS_MAX; sets failed when fails_task. */
void task_state_add_event(struct task_state *ts, const struct task_event *ev, struct arena *a);

/* Types of events. */
#define TE_RECEIVED "Received"
#define TE_SETUP "Task Setup"
#define TE_SETUP_FAILURE "Setup Failure"
#define TE_VALIDATION "Failed Validation"
#define TE_DOWNLOADING "Downloading Artifacts"
#define TE_DOWNLOAD_FAILED "Failed Artifact Download"
#define TE_TEMPLATE "Template"
#define TE_STARTED "Started"
#define TE_TERMINATED "Terminated"
#define TE_RESTARTING "Restarting"
#define TE_NOT_RESTARTING "Not Restarting"
#define TE_RESTART_SIGNALED "Restart Signaled"
#define TE_SIGNALING "Signaling"
#define TE_KILLING "Killing"
#define TE_KILLED "Killed"
#define TE_DRIVER_FAILURE "Driver Failure"
#define TE_DRIVER "Driver"
#define TE_SIBLING_FAILED "Sibling Task Failed"
#define TE_LEADER_DEAD "Leader Task Dead"
#define TE_MAIN_DEAD "Main Tasks Dead"
#define TE_UNHEALTHY "Alloc Unhealthy"
#define TE_SHUTDOWN_DELAY "Waiting for shutdown delay"
#define TE_SKIP_SHUTDOWN_DELAY "Skipping shutdown delay"
#define TE_RECONNECTED "Reconnected"
#define TE_RESTORE_FAILED "Failed Restoring Task"
#define TE_HOOK_FAILED "Task hook failed"
#define TE_HOOK_MESSAGE "Task hook message"

/*
 * The restart policy, as a function of what happened.
 */
struct restart_tracker {
    bool on_success;      /* run again after exit 0 too (service and system) */
    int64_t window_start; /* ns; 0: not started */
    int64_t count;        /* starts that count in this window */
};

enum restart_cause {
    RESTART_EXIT,          /* it ended: ok says how */
    RESTART_START_FAILED,  /* could not be started, trying again may help */
    RESTART_START_REFUSED, /* could not be started, trying again cannot help */
    RESTART_KILLED,        /* on purpose */
    RESTART_ASKED,         /* "restart" by a user, a template, the vault hook */
};

enum restart_verdict { RESTART_DONE, RESTART_AGAIN, RESTART_GIVE_UP };

struct restart_decision {
    enum restart_verdict verdict;
    int64_t delay_ns;
    const char *reason;
};

/* Does this task run again after it ended well? */
bool restart_on_success(const struct job *j, const struct task *t);
/* `jitter`: a random number in [0, 1). */
void restart_next(struct restart_tracker *rt, const struct restart_policy *p,
                  enum restart_cause cause, bool ok, int64_t now_ns, double jitter,
                  struct arena *a, struct restart_decision *ret);

/*
 * The reschedule policy.
 */
struct reschedule_decision {
    bool eligible;
    int64_t at;       /* Unix ns; may be in the past */
    int64_t delay_ns; /* what goes into the tracker */
};
void reschedule_next(const struct reschedule_policy *p, const struct alloc *failed,
                     int64_t now_ns, struct reschedule_decision *ret);
enum { RESCHEDULE_EVENTS_KEPT = 5 };
/* The tracker of the replacement: the old one's events and one more. */
struct reschedule_tracker *reschedule_tracker_next(const struct alloc *failed,
                                                   const struct reschedule_policy *p,
                                                   int64_t delay_ns, int64_t now_ns,
                                                   struct arena *a);

#endif
