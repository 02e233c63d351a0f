/* What the scheduler is given besides the eval and the job: what operators say, and the jobs of
 * other allocs as the transaction sees them. */
#include <string.h>

#include "nomad/sched/sched.h"
#include "nomad/server/data_api.h"
#include "nomad/server/sched_config.h"

static const struct job *version_of(void *ctx, uint64_t version)
{
    struct job_source *src = ctx;
    const struct object *o;

    if (state_job_version(src->t, src->ns, src->id, version, &o, NULL) < 0)
        return NULL;
    return state_body(o, src->a);
}

static const struct job *job_of(void *ctx, const struct alloc *al)
{
    struct job_source *src = ctx;
    const struct object *o;

    if (state_job_version(src->t, al->namespace, al->job_id, al->job_version, &o, NULL) < 0)
        return NULL;
    return state_body(o, src->a);
}

static bool may_preempt(const struct preemption_config *p, const char *type)
{
    const struct {
        const char *type;
        bool enabled;
    } rows[] = {{"service", p->service},
                {"batch", p->batch},
                {"system", p->system},
                {"sysbatch", p->sysbatch}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].type, type) == 0)
            return rows[i].enabled;
    return false;
}

/* A pool may have an algorithm of its own. */
static int algorithm_of(struct txn *t, const char *pool, const char **ret, struct err *e)
{
    const struct node_pool *p;
    int r = state_node_pool(t, str_or_empty(pool), &p, e);

    if (r == ERR_NOTFOUND)
        return 0;
    if (r == 0 && p->scheduling && *str_or_empty(p->scheduling->algorithm))
        *ret = p->scheduling->algorithm;
    return r;
}

/* Of equal nodes the same ones are chosen when this version is planned and when it runs. */
static uint64_t choice_of(const struct job *j)
{
    const char *const parts[] = {j->namespace, j->id};
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        for (const char *p = parts[i];; p++) {
            h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
            if (!*p)
                break;
        }
    return h + OPT(j->version);
}

int sched_input_fill(struct sched_input *in, struct job_source *src, struct err *e)
{
    struct sched_config conf;
    int r;

    in->job_version = version_of;
    in->job_of = job_of;
    in->ctx = src;
    if (!in->job)
        return 0;
    r = sched_config_load(src->t, src->a, &conf, e);
    if (r == 0)
        r = algorithm_of(src->t, in->job->node_pool, &conf.algorithm, e);
    if (r < 0)
        return r;
    in->seed[0] = choice_of(in->job);
    in->spread_algorithm = strcmp(conf.algorithm, "spread") == 0;
    in->preempt = may_preempt(&conf.preemption, in->job->type);
    return 0;
}
