#include <inttypes.h>

#include "nomad/model/model_priv.h"

const struct task_group *job_group(const struct job *j, const char *name)
{
    if (j)
        list_each (&j->groups, it)
            if (same(it->name, name))
                return it;
    return NULL;
}

void group_disconnect(const struct task_group *g, struct disconnect_rules *ret)
{
    const struct disconnect_strategy *d = g->disconnect;

    *ret = (struct disconnect_rules){
        .lost_after_ns = OPT(g->max_client_disconnect_ns),
        .stop_on_client_after_ns = OPT(g->stop_after_client_disconnect_ns),
        .replace = !OPT(g->prevent_reschedule_on_lost),
        .reconcile = "best_score",
    };
    if (!d)
        return;
    ret->lost_after_ns = OPT(d->lost_after_ns);
    ret->stop_on_client_after_ns = OPT(d->stop_on_client_after_ns);
    ret->replace = !d->replace || *d->replace;
    if (d->reconcile && *d->reconcile)
        ret->reconcile = d->reconcile;
}

const struct task *group_task(const struct task_group *tg, const char *name)
{
    if (tg)
        list_each (&tg->tasks, it)
            if (same(it->name, name))
                return it;
    return NULL;
}

bool job_is_stopped(const struct job *j)
{
    return !j || OPT(j->stop);
}

bool job_is_periodic(const struct job *j)
{
    return j->periodic != NULL;
}

bool job_is_parameterized(const struct job *j)
{
    return j->parameterized && !j->dispatched;
}

bool update_is_rolling(const struct update_strategy *u)
{
    return u && OPT(u->max_parallel) > 0;
}

char *alloc_name(struct arena *a, const char *job_id, const char *group, uint32_t index)
{
    return arena_printf(a, "%s.%s[%" PRIu32 "]", job_id, group, index);
}

int64_t alloc_name_index(const char *name)
{
    struct str s = str_of(name);
    ptrdiff_t open = str_rchr(s, '[');
    int64_t n;

    if (open < 0 || !str_ends(s, STR("]")))
        return -1;
    s = str_n(s.p + open + 1, s.len - (size_t)open - 2);
    return str_to_i64(s, 10, &n) && n >= 0 && n <= UINT32_MAX ? n : -1;
}

static void put_all(struct arena *a, struct strmap *to, const struct strmap *from)
{
    for (size_t i = 0; i < from->len; i++)
        strmap_set(a, to, from->at[i].key, from->at[i].val);
}

void task_meta(const struct job *j, const struct task_group *tg, const struct task *t,
               struct arena *a, struct strmap *ret)
{
    *ret = (struct strmap){0};
    put_all(a, ret, &j->meta);
    put_all(a, ret, &tg->meta);
    if (t)
        put_all(a, ret, &t->meta);
}

/*
 * A job that starts others is running until it is stopped. Any other one is running while an
 * alloc or a deployment lives, pending while only an eval does, and dead once there was
 * something.
 */
const char *job_status(const struct job *j, const struct job_status_facts *f)
{
    bool stopped = job_is_stopped(j);

    if (same(j->type, "system") || job_is_periodic(j) || job_is_parameterized(j))
        return stopped ? "dead" : "running";
    if (f->has_live_alloc || f->has_live_deployment)
        return "running";
    if (f->has_live_eval)
        return "pending";
    return f->has_eval || f->has_alloc || stopped ? "dead" : "pending";
}
