/* What may follow what: tables of edges, a picture above each. A state may always stay. */
#include "nomad/model/model_priv.h"

struct edge {
    const char *from, *to;
};

static bool may_become(const struct edge *edges, size_t n, const char *from, const char *to)
{
    if (same(from, to))
        return true;
    for (size_t i = 0; i < n; i++)
        if (same(edges[i].from, from) && same(edges[i].to, to))
            return true;
    return false;
}

/*
 *   (new) ──► pending ──► running ──► complete
 *                │  ▲        │  ▲ └─► failed
 *                │  └────────┘  │        (running → pending: restored, waits for a server)
 *                ├─► failed, complete
 *                └─► lost ◄── running, unknown
 *   pending, running ──► unknown ──► running, pending, complete, failed, lost
 */
bool alloc_status_may_become(const char *from, const char *to)
{
    static const struct edge edges[] = {
        {"", ALLOC_PENDING},
        {ALLOC_PENDING, ALLOC_RUNNING},
        {ALLOC_PENDING, ALLOC_COMPLETE},
        {ALLOC_PENDING, ALLOC_FAILED},
        {ALLOC_PENDING, ALLOC_LOST},
        {ALLOC_PENDING, ALLOC_UNKNOWN},
        {ALLOC_RUNNING, ALLOC_PENDING},
        {ALLOC_RUNNING, ALLOC_COMPLETE},
        {ALLOC_RUNNING, ALLOC_FAILED},
        {ALLOC_RUNNING, ALLOC_LOST},
        {ALLOC_RUNNING, ALLOC_UNKNOWN},
        {ALLOC_UNKNOWN, ALLOC_PENDING},
        {ALLOC_UNKNOWN, ALLOC_RUNNING},
        {ALLOC_UNKNOWN, ALLOC_COMPLETE},
        {ALLOC_UNKNOWN, ALLOC_FAILED},
        {ALLOC_UNKNOWN, ALLOC_LOST},
        /* A node that was thought dead comes back and says how its alloc ended. */
        {ALLOC_LOST, ALLOC_COMPLETE},
        {ALLOC_LOST, ALLOC_FAILED},
    };

    return may_become(edges, ARRAY_LEN(edges), from, to);
}

/*
 *   (new) ──► pending ──► running ──► dead
 *                ▲  └────────┼─────────►┘
 *                └───────────┘  restart      (dead → pending: "restart -all-tasks")
 */
bool task_status_may_become(const char *from, const char *to)
{
    static const struct edge edges[] = {
        {"", TASK_PENDING},           {TASK_PENDING, TASK_RUNNING}, {TASK_PENDING, TASK_DEAD},
        {TASK_RUNNING, TASK_PENDING}, {TASK_RUNNING, TASK_DEAD},    {TASK_DEAD, TASK_PENDING},
    };

    return may_become(edges, ARRAY_LEN(edges), from, to);
}

/*
 *   (new) ──► initializing ──► ready ◄──► down
 *                   │  ▲        │ ▲         │ ▲
 *                   │  └────────┼─┼─────────┘ │
 *                   └──► down   ▼ │           │
 *                         disconnected ───────┘
 */
bool node_status_may_become(const char *from, const char *to)
{
    static const struct edge edges[] = {
        {"", "initializing"},
        {"", "ready"},
        {"initializing", "ready"},
        {"initializing", "down"},
        {"ready", "down"},
        {"ready", "disconnected"},
        {"ready", "initializing"},
        {"down", "initializing"},
        {"down", "ready"},
        {"down", "disconnected"},
        {"disconnected", "ready"},
        {"disconnected", "down"},
        {"disconnected", "initializing"},
    };

    return may_become(edges, ARRAY_LEN(edges), from, to);
}

/*
 *   (new) ──► pending ──► complete
 *     │          │  ▲ └─► failed
 *     └► blocked ┼──┘
 *           └────┴──────► canceled
 */
bool eval_status_may_become(const char *from, const char *to)
{
    static const struct edge edges[] = {
        {"", EVAL_PENDING},
        {"", EVAL_BLOCKED},
        {EVAL_PENDING, EVAL_COMPLETE},
        {EVAL_PENDING, EVAL_FAILED},
        {EVAL_PENDING, EVAL_CANCELED},
        {EVAL_PENDING, EVAL_BLOCKED},
        {EVAL_BLOCKED, EVAL_PENDING},
        {EVAL_BLOCKED, EVAL_CANCELED},
    };

    return may_become(edges, ARRAY_LEN(edges), from, to);
}

/*
 *   (new) ──► running ◄──► paused
 *                │            │
 *                ├─► successful
 *                └─► failed, cancelled ◄─┘
 */
bool deployment_status_may_become(const char *from, const char *to)
{
    static const struct edge edges[] = {
        {"", DEPLOYMENT_RUNNING},
        {DEPLOYMENT_RUNNING, DEPLOYMENT_PAUSED},
        {DEPLOYMENT_RUNNING, DEPLOYMENT_SUCCESSFUL},
        {DEPLOYMENT_RUNNING, DEPLOYMENT_FAILED},
        {DEPLOYMENT_RUNNING, DEPLOYMENT_CANCELLED},
        {DEPLOYMENT_PAUSED, DEPLOYMENT_RUNNING},
        {DEPLOYMENT_PAUSED, DEPLOYMENT_FAILED},
        {DEPLOYMENT_PAUSED, DEPLOYMENT_CANCELLED},
    };

    return may_become(edges, ARRAY_LEN(edges), from, to);
}
