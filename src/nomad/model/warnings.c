#include "nomad/model/validate.h"

static void identity_warnings(const struct workload_identity *i, struct problem_list *p)
{
    struct problem_list inner = below(p);

    if (i->audience.len == 0)
        bad(&inner, "Identity[%s] identities without an audience are insecure", i->name);
    if (i->ttl_ns == 0)
        bad(&inner, "Identity[%s] identities without an expiration are insecure", i->name);
    bad_below(p, &inner, "%s", "");
}

static void task_warnings(const struct task *t, struct problem_list *p)
{
    if (t->resources && OPT(t->resources->iops) > 0)
        bad(p, "IOPS has been deprecated as of Nomad 0.9.0. Please remove IOPS from resource "
               "block.");
    if (t->resources && t->resources->networks.len)
        bad(p, "task network resources have been deprecated as of Nomad 0.12.0. Please "
               "configure networking via group network block.");
    list_each (&t->identities, it)
        identity_warnings(it, p);
}

static void group_warnings(const struct task_group *g, struct problem_list *p)
{
    const struct update_strategy *u = g->update;

    if (u && OPT(u->max_parallel) > OPT(g->count) && OPT(g->count) > 0)
        bad(p,
            "Update max parallel count is greater than task group count (%lld > %lld). A "
            "destructive change would result in the simultaneous replacement of all "
            "allocations.",
            (long long)OPT(u->max_parallel), (long long)OPT(g->count));
    list_each (&g->networks, it)
        if (OPT(it->mbits) > 0)
            bad(p, "mbits has been deprecated as of Nomad 0.12.0. Please remove mbits from the "
                   "network block");
    list_each (&g->tasks, it) {
        struct problem_list inner = below(p);

        task_warnings(it, &inner);
        bad_below(p, &inner, "Task \"%s\" has warnings: ", it->name);
    }
}

const char *job_warnings(const struct job *j, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct problem_list p = {.arena = a};

    if (j->periodic && !empty(j->periodic->spec))
        bad(&p, "cron is deprecated and may be removed in a future release. Use crons instead");
    list_each (&j->groups, it) {
        struct problem_list inner = below(&p);

        group_warnings(it, &inner);
        bad_below(&p, &inner, "Group \"%s\" has warnings: ", it->name);
    }
    if (p.at.len == 0)
        return "";
    buf_printf(&b, p.at.len == 1 ? "1 warning:\n" : "%zu warnings:\n", p.at.len);
    list_each (&p.at, it) {
        struct str text = str_trim(str_of(*it));

        buf_printf(&b, "\n* %.*s", STR_ARG(text));
    }
    return arena_cstr(a, buf_str(&b));
}
