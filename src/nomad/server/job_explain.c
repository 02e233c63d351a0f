/*
 * `job explain`: why allocs of a job have no place, and what would have to change.
 *
 * As with `job plan` the scheduler's own thread answers: it evaluates the stored job once more,
 * writes nothing, and tells the reasons.
 */
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "nomad/sched/explain.h"
#include "nomad/sched/sched.h"
#include "nomad/server/job_api.h"
#include "nomad/server/list.h"
#include "nomad/server/sched_config.h"

#define AT(type, member) offsetof(struct type, member)

static const struct schema_field holder_fields[] = {
    {"Label", NULL, F_STR, AT(port_holder, label)},
    {"Port", NULL, F_INT, AT(port_holder, port)},
    {"AllocID", NULL, F_STR, AT(port_holder, alloc_id)},
    {"JobID", NULL, F_STR, AT(port_holder, job_id)},
};
static SCHEMA(holder_schema, "port holder", struct port_holder, holder_fields);

static const struct schema_field shortage_fields[] = {
    {"CPU", NULL, F_INT, AT(shortage, cpu)},
    {"MemoryMB", NULL, F_INT, AT(shortage, memory_mb)},
    {"DiskMB", NULL, F_INT, AT(shortage, disk_mb)},
    {"Cores", NULL, F_INT, AT(shortage, cores)},
    {"NodeTooSmall", NULL, F_BOOL, AT(shortage, too_small)},
};
static SCHEMA(shortage_schema, "shortage", struct shortage, shortage_fields);

static const struct schema_field reason_fields[] = {
    {"NodeClass", NULL, F_STR, AT(explain_reason, node_class)},
    {"Kind", NULL, F_STR, AT(explain_reason, kind)},
    {"Reason", NULL, F_STR, AT(explain_reason, reason)},
    {"Nodes", NULL, F_INT, AT(explain_reason, nodes)},
    {"NearestNodeID", NULL, F_STR, AT(explain_reason, node_id)},
    {"NearestNodeName", NULL, F_STR, AT(explain_reason, node_name)},
    {"Missing", NULL, F_EMBED, AT(explain_reason, missing), .sub = &shortage_schema},
    {"PortHolders", NULL, F_LIST, AT(explain_reason, ports), .sub = &holder_schema},
    {"Change", NULL, F_STR, AT(explain_reason, change)},
};
static SCHEMA(reason_schema, "reason", struct explain_reason, reason_fields);

static const struct schema_field group_fields[] = {
    {"Name", NULL, F_STR, AT(explain_group, group)},
    {"Count", NULL, F_INT, AT(explain_group, count)},
    {"Live", NULL, F_INT, AT(explain_group, live)},
    {"WouldPlace", NULL, F_INT, AT(explain_group, would_place)},
    {"Unplaced", NULL, F_INT, AT(explain_group, unplaced)},
    {"UnplacedNames", NULL, F_STRLIST, AT(explain_group, names)},
    {"Reasons", NULL, F_LIST, AT(explain_group, reasons), .sub = &reason_schema},
};
static SCHEMA(group_schema, "explained group", struct explain_group, group_fields);

struct explain_reply {
    const char *job_id, *namespace;
    uint64_t version, index;
    bool stopped, fully_placed;
    struct explanation found;
};

static const struct schema_field reply_fields[] = {
    {"JobID", NULL, F_STR, AT(explain_reply, job_id)},
    {"Namespace", NULL, F_STR, AT(explain_reply, namespace)},
    {"Version", NULL, F_UINT, AT(explain_reply, version)},
    {"Stopped", NULL, F_BOOL, AT(explain_reply, stopped)},
    {"FullyPlaced", NULL, F_BOOL, AT(explain_reply, fully_placed)},
    {"Groups", NULL, F_LIST, AT(explain_reply, found.groups), .sub = &group_schema},
    {"Index", NULL, F_UINT, AT(explain_reply, index)},
};
static SCHEMA(reply_schema, "explanation", struct explain_reply, reply_fields);

struct explaining {
    struct call *c;
    const char *id;
    bool found;
    struct explain_reply reply;
};

static bool is_template(const struct job *j)
{
    return j->periodic || j->parameterized;
}

static int evaluate(struct explaining *x, struct sched *sched, struct txn *t,
                    const struct job *j, struct err *e)
{
    struct arena *a = x->c->arena;
    struct job_source src = {t, a, j->namespace, j->id};
    struct eval ev = {.id = "",
                      .namespace = j->namespace,
                      .priority = OPT(j->priority),
                      .type = j->type,
                      .triggered_by = EVAL_BY_QUEUED,
                      .job_id = j->id,
                      .status = EVAL_PENDING};
    struct sched_input in = {.eval = &ev,
                             .job = j,
                             .now_ns = clock_wall_ns(),
                             .snapshot_index = txn_rev(t),
                             .seed = {random_u64(), random_u64()},
                             .explain = &x->reply.found};
    const struct object *d;
    struct plan plan;
    int r = job_latest_deployment(t, j->namespace, j->id, &d, e);

    if (r < 0)
        return r;
    in.deployment = d ? state_body(d, a) : NULL;
    r = sched_input_fill(&in, &src, e);
    return r < 0 ? r : sched_process(sched, &in, a, &plan, e);
}

static void note_job(struct explaining *x, const struct job *j, uint64_t index)
{
    x->found = true;
    x->reply.job_id = j->id;
    x->reply.namespace = j->namespace;
    x->reply.version = OPT(j->version);
    x->reply.stopped = job_is_stopped(j);
    x->reply.index = index;
}

static void note_outcome(struct explaining *x)
{
    x->reply.fully_placed = true;
    list_each (&x->reply.found.groups, it)
        if (it->unplaced || it->would_place)
            x->reply.fully_placed = false;
}

/* On the scheduler's thread; the call's own waits. */
static int ask_scheduler(struct nomad_server *s, void *sched, void *arg, struct err *e)
{
    struct explaining *x = arg;
    const struct object *o = NULL;
    auto_txn struct txn *t = NULL;
    const struct job *j;
    int r = txn_begin(s->opts.store, TXN_READ_ONLY, &t, e);

    if (r == 0)
        r = state_job(t, call_namespace(x->c), x->id, &o, e);
    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    j = state_body(o, x->c->arena);
    note_job(x, j, txn_rev(t));
    if (!is_template(j))
        r = evaluate(x, sched, t, j, e);
    if (r == 0)
        note_outcome(x);
    return r;
}

static int act_explain(struct call *c, void *arg, struct err *e)
{
    struct explaining *x = arg;
    int r = scheduler_ask(server_of(c), ask_scheduler, x, e);

    if (r < 0)
        return r;
    if (!x->found)
        return nomad_fail(e, 404, "job not found");
    nomad_schema(c, &reply_schema, &x->reply);
    nomad_index(c, x->reply.index);
    return 0;
}

int job_explain(struct call *c, const char *id, struct err *e)
{
    struct explaining *x = arena_new_of(c->arena, struct explaining);

    (void)e;
    x->c = c;
    x->id = id;
    call_then(c, act_explain, NULL, x);
    return 0;
}
