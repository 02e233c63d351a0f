/*
 * explain -- why allocs of a job have no place, and what would have to change
 *
 * Given to sched_process by sched_input.explain, it is filled for every group: how many of it
 * live, which names got no place, and for each class of nodes each reason with the node that is
 * nearest to suit. It tells of the cluster as the plan would leave it: what the plan places has
 * taken its room, what it stops has given it back.
 *
 * Memory:  all of it in the arena that sched_process was given; nothing points into the mirror.
 * Limits:  EXPLAIN_NAMES_MAX names and EXPLAIN_REASONS_MAX reasons a group (further nodes are
 *          counted under the last), EXPLAIN_HOLDERS_MAX ports a reason.
 */
#ifndef NOMAD_SCHED_EXPLAIN_H
#define NOMAD_SCHED_EXPLAIN_H

#include "nomad/model/model.h"

enum { EXPLAIN_NAMES_MAX = 1000, EXPLAIN_REASONS_MAX = 200, EXPLAIN_HOLDERS_MAX = 16 };

/* Who has a static port that the group asks for. */
struct port_holder {
    const char *label;
    int64_t port;
    const char *alloc_id, *job_id; /* "": it is reserved for the host */
};

/* What is missing on one node. */
struct shortage {
    int64_t cpu, memory_mb, disk_mb, cores;
    bool too_small; /* even empty the node has not so much */
};

struct explain_reason {
    const char *node_class; /* "": none */
    /* "node-pool" "datacenter" "not-ready" "constraint" "driver" "network" "volume" "device"
     * "distinct_hosts" "distinct_property" "resources" "port" */
    const char *kind;
    const char *reason; /* as the metrics of evaluations say it */
    int64_t nodes;
    const char *node_id, *node_name; /* the nearest of them */
    struct shortage missing;
    LIST(struct port_holder) ports;
    const char *change; /* in words: with it the alloc could be placed there */
};

struct explain_group {
    const char *group;
    int64_t count, live, would_place, unplaced;
    struct strlist names; /* of the unplaced */
    LIST(struct explain_reason) reasons;
};

struct explanation {
    LIST(struct explain_group) groups;
};

#endif
