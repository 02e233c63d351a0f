/*
 * scale -- counts of groups changed from outside: what happened, and within which limits
 *
 *     POST .../scale   Count  -> a new version of the job, an evaluation, an event
 *                      no Count -> an event alone: what an autoscaler has to tell, or its error
 *
 * Thread: the API's.
 * Limits: SCALING_EVENTS_MAX events of a group, newest first; SCALING_NOTE_MAX bytes of message
 *         and meta each.
 */
#ifndef NOMAD_SERVER_SCALE_H
#define NOMAD_SERVER_SCALE_H

#include "nomad/server/job_store.h"

enum { SCALING_EVENTS_MAX = 20, SCALING_NOTE_MAX = 16 << 10 };

struct scaling_event {
    int64_t time_ns;
    int64_t *count;
    int64_t previous_count;
    const char *message, *eval_id; /* eval_id NULL: none was made */
    bool error;
    struct json *meta;
    uint64_t create_index; /* 0: of the row's last commit */
};

struct scaling_events {
    const char *group; /* key of the map */
    LIST(struct scaling_event) at;
};

/* Of one job. */
struct scaling_history {
    const char *namespace, *job_id;
    LIST(struct scaling_events) groups;
};
extern const struct schema scaling_history_schema;

/* "Namespace", "Job", "Group" of what a policy scales, "" when it is not said. */
const char *scaling_target(const struct scaling_policy *p, const char *key);
/* Rows for the job's scaling blocks, whose ids are set in `j`; those of former ones go. */
int scaling_policies_put(struct txn *t, struct job *j, struct arena *a, struct err *e);

extern const struct route scale_routes[];
extern const size_t n_scale_routes;

#endif
