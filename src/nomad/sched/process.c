#include "base/err.h"
#include "nomad/sched/priv.h"

/*
 * Chance: splitmix64 over two words, one stream that chooses among equal nodes, and one for ids
 * and ports.
 */
static uint64_t mix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t run_choice(struct eval_run *r)
{
    return mix(&r->rng[0]);
}

uint64_t run_random(struct eval_run *r)
{
    return mix(&r->rng[1]);
}

const char *run_uuid(struct eval_run *r)
{
    uint64_t a = mix(&r->rng[1]), b = mix(&r->rng[1]);

    return arena_printf(r->a, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
                        (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff,
                        ((unsigned)(b >> 48) & 0x3fff) | 0x8000,
                        (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}

/*
 * The mirror is changed while an evaluation runs, and put back at its end.
 */
void run_take(struct eval_run *r, uint32_t node, const struct usage *u)
{
    vec_push(&r->changes, ((struct change){node, true, *u}));
    node_take(r->s, node, u);
}

void run_give(struct eval_run *r, uint32_t node, const struct usage *u)
{
    vec_push(&r->changes, ((struct change){node, false, *u}));
    node_give(r->s, node, u);
}

void run_undo(struct eval_run *r)
{
    while (r->changes.len) {
        const struct change *c = &r->changes.at[--r->changes.len];

        if (c->taken)
            node_give(r->s, c->node, &c->usage);
        else
            node_take(r->s, c->node, &c->usage);
    }
    vec_done(&r->changes);
}

int sched_process(struct sched *s, const struct sched_input *in, struct arena *a,
                  struct plan *ret, struct err *e)
{
    const char *type = in->job ? in->job->type : in->eval->type;
    struct eval_run r = {.s = s, .in = in, .job = in->job, .a = a, .plan = ret};

    *ret = (struct plan){.eval_id = in->eval->id};
    ret->annotations = arena_new_of(a, struct plan_annotations);
    r.rng[0] = in->seed[0];
    r.rng[1] = in->seed[1];
    r.batch = same(type, "batch");
    r.system = same(type, "system") || same(type, "sysbatch");
    r.stopping = job_is_stopped(in->job);
    if (!r.batch && !r.system && !same(type, "service"))
        return err_set(e, ERR_INVALID, "no scheduler for evaluations of type \"%s\"", type);
    if (r.system)
        system_job(&r);
    else
        reconcile_job(&r);
    explain_finish(&r);
    blocked_eval(&r);
    run_undo(&r);
    map_done(&r.stopped);
    return 0;
}
