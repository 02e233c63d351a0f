#include "nomad/sched/priv.h"

/*
 * Ports and cores that a group gets on one node. A node's addresses share one set of ports: a
 * port that is taken on one of them is not given out on another.
 */
enum { RANDOM_TRIES = 20 };

static const char *node_ip(const struct node *n, const char *host_network)
{
    bool any = empty(host_network) || same(host_network, "default");

    list_each (&n->resources.node_networks, it)
        list_each (&it->addresses, addr)
            if (same(addr->alias, any ? "default" : host_network))
                return addr->address;
    list_each (&n->resources.networks, it)
        if (!empty(it->ip))
            return it->ip;
    return str_or_empty(strmap_get(&n->attributes, "unique.network.ip-address"));
}

static const char *node_device(const struct node *n)
{
    list_each (&n->resources.networks, it)
        if (!empty(it->device))
            return it->device;
    list_each (&n->resources.node_networks, it)
        if (!empty(it->device))
            return it->device;
    return "";
}

struct picker {
    struct ranker *k;
    const struct s_node *node;
    uint16_t taken[GROUP_PORTS_MAX];
    uint32_t n_taken;
};

static bool is_free(const struct picker *p, uint16_t port)
{
    for (uint32_t i = 0; i < p->n_taken; i++)
        if (p->taken[i] == port)
            return false;
    return !node_has_port(p->node, port);
}

/* By chance first; then the first free one from a random place on. 0: none. */
static uint16_t pick_dynamic(struct picker *p)
{
    int64_t lo = p->node->node->resources.min_dynamic_port,
            hi = p->node->node->resources.max_dynamic_port;
    uint64_t width, at;

    if (lo < 1 || hi > UINT16_MAX || hi < lo) {
        lo = NODE_MIN_DYNAMIC_PORT;
        hi = NODE_MAX_DYNAMIC_PORT;
    }
    width = (uint64_t)(hi - lo) + 1;
    for (int i = 0; i < RANDOM_TRIES; i++) {
        uint16_t port = (uint16_t)((uint64_t)lo + run_random(p->k->run) % width);

        if (is_free(p, port))
            return port;
    }
    at = run_random(p->k->run) % width;
    for (uint64_t i = 0; i < width; i++) {
        uint16_t port = (uint16_t)((uint64_t)lo + (at + i) % width);

        if (is_free(p, port))
            return port;
    }
    return 0;
}

static void give_port(struct picker *p, struct offer *o, const struct port *ask, uint16_t value)
{
    struct arena *a = p->k->run->a;
    struct alloc_port out = {
        .label = ask->label,
        .value = value,
        .to = ask->to == -1 ? value : ask->to,
        .host_ip = arena_strdup(a, node_ip(p->node->node, ask->host_network)),
        .ignore_collision = ask->ignore_collision,
    };

    if (!ask->ignore_collision)
        p->taken[p->n_taken++] = value;
    list_push(a, &o->shared.ports, out);
}

static bool give_static(struct picker *p, struct offer *o, const struct network *n,
                        const char **ret_dim)
{
    list_each (&n->reserved_ports, it) {
        if (!it->ignore_collision && !is_free(p, (uint16_t)it->value)) {
            *ret_dim = arena_printf(p->k->run->a, "network: reserved port collision %s=%lld",
                                    it->label, (long long)it->value);
            return false;
        }
        give_port(p, o, it, (uint16_t)it->value);
    }
    return true;
}

static bool give_dynamic(struct picker *p, struct offer *o, const struct network *n,
                         const char **ret_dim)
{
    list_each (&n->dynamic_ports, it) {
        uint16_t port = pick_dynamic(p);

        if (port == 0) {
            *ret_dim = "network: dynamic port selection failed";
            return false;
        }
        give_port(p, o, it, port);
    }
    return true;
}

/* The network as the alloc has it: values filled in. */
static void fill_network(const struct picker *p, struct offer *o, const struct network *ask)
{
    struct arena *a = p->k->run->a;
    struct network *n = schema_copy(&network_schema, ask, a);
    size_t at = 0;

    n->device = arena_strdup(a, node_device(p->node->node));
    n->ip = arena_strdup(a, node_ip(p->node->node, NULL));
    list_each (&n->reserved_ports, it)
        it->to = o->shared.ports.at[at++].to;
    list_each (&n->dynamic_ports, it) {
        it->value = o->shared.ports.at[at].value;
        it->to = o->shared.ports.at[at++].to;
    }
    list_push(a, &o->shared.networks, *n);
}

static bool offer_ports(struct ranker *k, uint32_t node, struct offer *o, const char **ret_dim)
{
    struct picker p = {.k = k, .node = k->run->s->nodes.at[node]};
    const struct network *ask;
    uint16_t *ports;

    if (k->group->networks.len == 0)
        return true;
    ask = &k->group->networks.at[0];
    if (ask->reserved_ports.len + ask->dynamic_ports.len > GROUP_PORTS_MAX) {
        *ret_dim = "network: port collision";
        return false;
    }
    if (!give_static(&p, o, ask, ret_dim) || !give_dynamic(&p, o, ask, ret_dim))
        return false;
    fill_network(&p, o, ask);
    ports = arena_array(k->run->a, uint16_t, p.n_taken + 1);
    memcpy(ports, p.taken, p.n_taken * sizeof *ports);
    o->usage.ports = ports;
    o->usage.n_ports = p.n_taken;
    return true;
}

/*
 * Cores.
 */
static bool take_cores(const struct s_node *n, struct offer *o, int64_t want, struct arena *a,
                       struct json **ret)
{
    *ret = json_new_array(a);
    for (size_t core = 0; core < 256 && want > 0; core++) {
        uint64_t bit = UINT64_C(1) << (core % 64);

        if (!(n->cores_usable[core / 64] & bit) || n->cores_used[core / 64] & bit ||
            o->usage.cores[core / 64] & bit)
            continue;
        o->usage.cores[core / 64] |= bit;
        json_push(a, *ret, json_of_i64(a, (int64_t)core));
        want--;
    }
    return want == 0;
}

static bool offer_cores(struct ranker *k, uint32_t node, struct offer *o, const char **ret_dim)
{
    const struct s_node *n = k->run->s->nodes.at[node];
    struct arena *a = k->run->a;
    size_t i = 0;

    o->task_cores = arena_array(a, const struct json *, k->group->tasks.len + 1);
    o->task_cpu = arena_array(a, int64_t, k->group->tasks.len + 1);
    list_each (&k->group->tasks, it) {
        int64_t cores = it->resources ? OPT(it->resources->cores) : 0;
        struct json *list;

        o->task_cpu[i] = it->resources ? OPT(it->resources->cpu) : 0;
        if (cores > 0) {
            if (!take_cores(n, o, cores, a, &list)) {
                *ret_dim = "cores";
                return false;
            }
            o->task_cores[i] = list;
            o->task_cpu[i] = cores * n->mhz_per_core;
            o->usage.cpu += o->task_cpu[i];
        }
        i++;
    }
    return true;
}

bool offer_make(struct ranker *k, uint32_t node, struct offer *ret, const char **ret_dim)
{
    const struct hot *h = &k->run->s->hot.at[node];

    *ret = (struct offer){
        .usage = {.cpu = k->ask.cpu, .mem = k->ask.memory_mb, .disk = k->ask.disk_mb}};
    ret->shared.disk_mb = k->ask.disk_mb;
    if (!offer_cores(k, node, ret, ret_dim))
        return false;
    if (h->cpu_used + ret->usage.cpu > h->cpu) {
        *ret_dim = "cpu";
        return false;
    }
    return offer_ports(k, node, ret, ret_dim);
}
