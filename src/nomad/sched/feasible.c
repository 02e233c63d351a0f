#include "nomad/sched/priv.h"

/*
 * What a group asks of a node that does not depend on what else runs there. Nodes of one
 * computed class answer alike, so each class is looked at once per group and evaluation, unless
 * the group looks at something that is unique to a node.
 */
static bool constraint_escapes(const constraint_list *l)
{
    list_each (l, it)
        if (target_is_unique(it->ltarget) || target_is_unique(it->rtarget))
            return true;
    return false;
}

void feasible_init(struct eval_run *r, struct feasible *f, const struct task_group *g)
{
    size_t n = r->s->classes.at.len;

    *f = (struct feasible){.job = r->job, .group = g, .n_classes = n};
    f->by_class = arena_array(r->a, uint8_t, n + 1);
    f->why = arena_array(r->a, const char *, n + 1);
    f->escaped =
        constraint_escapes(&r->job->constraints) || constraint_escapes(&g->constraints);
    list_each (&g->tasks, it)
        f->escaped = f->escaped || constraint_escapes(&it->constraints);
    list_push(r->a, &r->all_feas, f);
}

static const char *constraints_problem(struct eval_run *r, const constraint_list *l,
                                       const struct node *n)
{
    list_each (l, it) {
        const char *left = node_target(n, it->ltarget, r->a);
        const char *right = node_target(n, it->rtarget, r->a);

        if (!constraint_holds(it->operand, left, left != NULL, right, right != NULL))
            return arena_printf(r->a, "%s %s %s", it->ltarget, it->operand, it->rtarget);
    }
    return NULL;
}

bool node_has_driver(const struct node *n, const char *driver)
{
    char key[NAME_MAX_BYTES + 16];
    const char *attr;

    list_each (&n->drivers, it)
        if (same(it->name, driver))
            return it->detected && it->healthy;
    snprintf(key, sizeof key, "driver.%s", driver);
    attr = strmap_get(&n->attributes, key);
    return attr && (same(attr, "1") || same(attr, "true"));
}

static bool has_network(const struct node *n, const char *name)
{
    list_each (&n->host_networks, it)
        if (same(it->name, name))
            return true;
    list_each (&n->resources.node_networks, it)
        list_each (&it->addresses, addr)
            if (same(addr->alias, name))
                return true;
    return false;
}

static const char *port_problem(struct eval_run *r, const port_list *l, const struct node *n)
{
    list_each (l, it) {
        if (empty(it->host_network) || same(it->host_network, "default") ||
            has_network(n, it->host_network))
            continue;
        return arena_printf(r->a, "missing host network \"%s\" for port \"%s\"",
                            it->host_network, it->label);
    }
    return NULL;
}

static const char *network_problem(struct eval_run *r, const struct task_group *g,
                                   const struct node *n)
{
    const char *why;

    if (g->networks.len == 0)
        return NULL;
    why = port_problem(r, &g->networks.at[0].reserved_ports, n);
    return why ? why : port_problem(r, &g->networks.at[0].dynamic_ports, n);
}

static const char *volume_problem(const struct task_group *g, const struct node *n)
{
    list_each (&g->volumes, v) {
        bool found = false;

        if (!same(v->type, "host"))
            return "missing CSI plugins";
        list_each (&n->host_volumes, it)
            found = found || (same(it->name, v->source) && (v->read_only || !it->read_only));
        if (!found)
            return "missing compatible host volumes";
    }
    return NULL;
}

static const char *group_problem(struct eval_run *r, const struct feasible *f,
                                 const struct node *n)
{
    const struct task_group *g = f->group;
    const char *why = constraints_problem(r, &f->job->constraints, n);

    if (why)
        return why;
    list_each (&g->tasks, it)
        if (!node_has_driver(n, it->driver))
            return "missing drivers";
    why = constraints_problem(r, &g->constraints, n);
    if (why)
        return why;
    list_each (&g->tasks, it) {
        why = constraints_problem(r, &it->constraints, n);
        if (why)
            return why;
        if (it->resources && it->resources->devices.len)
            return "missing devices"; /* no node has any yet */
    }
    why = network_problem(r, g, n);
    return why ? why : volume_problem(g, n);
}

bool feasible_node(struct eval_run *r, struct feasible *f, uint32_t node, const char **ret_why)
{
    uint32_t class = r->s->hot.at[node].class;

    if (f->escaped) {
        *ret_why = group_problem(r, f, r->s->nodes.at[node]->node);
        return !*ret_why;
    }
    if (f->by_class[class] == V_UNKNOWN) {
        f->why[class] = group_problem(r, f, r->s->nodes.at[node]->node);
        f->by_class[class] = f->why[class] ? V_NO : V_YES;
    }
    *ret_why = f->why[class];
    return f->by_class[class] == V_YES;
}
