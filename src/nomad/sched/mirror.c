#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "nomad/sched/priv.h"

/*
 * Texts by number.
 */
static uint32_t name_number(struct names *n, const char *text)
{
    const char *t = text ? text : "";
    void *have = map_get(&n->by_text, str_of(t));
    char *copy;

    if (have)
        return (uint32_t)((uintptr_t)have - 1);
    copy = strdup(t);
    if (!copy)
        abort();
    vec_push(&n->at, copy);
    map_put(&n->by_text, str_of(copy), (void *)(uintptr_t)n->at.len);
    return (uint32_t)n->at.len - 1;
}

static void names_done(struct names *n)
{
    for (size_t i = 0; i < n->at.len; i++)
        free(n->at.at[i]);
    vec_done(&n->at);
    map_done(&n->by_text);
}

static uint16_t place_number(struct sched *s, const struct node *n)
{
    struct place_name p = {name_number(&s->dcs, n->datacenter),
                           name_number(&s->pools, n->node_pool)};

    for (size_t i = 0; i < s->places.len; i++)
        if (s->places.at[i].dc == p.dc && s->places.at[i].pool == p.pool)
            return (uint16_t)i;
    if (s->places.len == UINT16_MAX) /* of no datacenter: nothing is placed there */
        return UINT16_MAX;
    vec_push(&s->places, p);
    return (uint16_t)(s->places.len - 1);
}

/*
 * Lookups.
 */
int32_t mirror_node(const struct sched *s, const char *id)
{
    return (int32_t)(uintptr_t)map_get(&s->node_by_id, str_of(id)) - 1;
}

int32_t mirror_alloc(const struct sched *s, const char *id)
{
    return (int32_t)(uintptr_t)map_get(&s->alloc_by_id, str_of(id)) - 1;
}

static struct str job_key(char *buf, size_t size, const char *namespace, const char *id)
{
    size_t a = strlen(namespace), b = strlen(id);

    if (a + b + 1 > size)
        return (struct str){buf, 0};
    memcpy(buf, namespace, a + 1);
    memcpy(buf + a + 1, id, b);
    return (struct str){buf, a + 1 + b};
}

enum { KEY_MAX = NAME_MAX_BYTES + 4 * JOB_NAME_MAX };

const struct s_job *mirror_job(const struct sched *s, const char *namespace, const char *id)
{
    char buf[KEY_MAX];
    uintptr_t at = (uintptr_t)map_get(&s->job_by_key, job_key(buf, sizeof buf, namespace, id));

    return at ? s->jobs.at[at - 1] : NULL;
}

static int32_t job_slot(struct sched *s, const char *namespace, const char *id)
{
    char buf[KEY_MAX];
    struct str key = job_key(buf, sizeof buf, namespace, id);
    uintptr_t at = (uintptr_t)map_get(&s->job_by_key, key);
    struct s_job *j;

    if (at)
        return (int32_t)at - 1;
    j = calloc(1, sizeof *j);
    if (!j || !(j->key = malloc(key.len + 1)))
        abort();
    memcpy(j->key, key.p, key.len);
    j->key_len = key.len;
    if (s->free_jobs.len) {
        at = s->free_jobs.at[--s->free_jobs.len];
        s->jobs.at[at] = j;
    } else {
        at = s->jobs.len;
        vec_push(&s->jobs, j);
    }
    map_put(&s->job_by_key, str_n(j->key, key.len), (void *)(at + 1));
    return (int32_t)at;
}

static void job_free(struct s_job *j)
{
    if (!j)
        return;
    vec_done(&j->allocs);
    free(j->key);
    free(j);
}

static void job_drop_if_empty(struct sched *s, int32_t slot)
{
    struct s_job *j = s->jobs.at[slot];

    if (j->allocs.len)
        return;
    map_del(&s->job_by_key, str_n(j->key, j->key_len));
    job_free(j);
    s->jobs.at[slot] = NULL;
    vec_push(&s->free_jobs, (uint32_t)slot);
}

/*
 * What a node has taken.
 */
static size_t port_at(const struct s_node *n, uint16_t port)
{
    size_t lo = 0, hi = n->ports.len;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (n->ports.at[mid] < port)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool node_has_port(const struct s_node *n, uint16_t port)
{
    size_t at = port_at(n, port);

    if (at < n->ports.len && n->ports.at[at] == port)
        return true;
    for (size_t i = 0; i < n->host_ports.len; i++)
        if (port >= n->host_ports.at[i].lo && port <= n->host_ports.at[i].hi)
            return true;
    return false;
}

static int32_t clamp32(int64_t v)
{
    return v > INT32_MAX ? INT32_MAX : v < 0 ? 0 : (int32_t)v;
}

static void count_cores(struct s_node *n, const uint64_t *cores, int by)
{
    for (size_t w = 0; w < 4; w++)
        for (uint64_t rest = cores[w]; rest; rest &= rest - 1) {
            size_t core = w * 64 + (size_t)__builtin_ctzll(rest);
            uint64_t bit = UINT64_C(1) << (core % 64);

            n->core_users[core] = (uint8_t)(n->core_users[core] + by);
            if (n->core_users[core])
                n->cores_used[w] |= bit;
            else
                n->cores_used[w] &= ~bit;
        }
}

void node_take(struct sched *s, uint32_t node, const struct usage *u)
{
    struct s_node *n = s->nodes.at[node];
    struct hot *h = &s->hot.at[node];

    h->cpu_used += clamp32(u->cpu);
    h->mem_used += clamp32(u->mem);
    h->disk_used += clamp32(u->disk);
    count_cores(n, u->cores, 1);
    for (uint32_t i = 0; i < u->n_ports; i++) {
        size_t at = port_at(n, u->ports[i]);

        vec_push(&n->ports, 0);
        memmove(&n->ports.at[at + 1], &n->ports.at[at],
                (n->ports.len - 1 - at) * sizeof *n->ports.at);
        n->ports.at[at] = u->ports[i];
    }
}

void node_give(struct sched *s, uint32_t node, const struct usage *u)
{
    struct s_node *n = s->nodes.at[node];
    struct hot *h = &s->hot.at[node];

    h->cpu_used -= clamp32(u->cpu);
    h->mem_used -= clamp32(u->mem);
    h->disk_used -= clamp32(u->disk);
    count_cores(n, u->cores, -1);
    for (uint32_t i = 0; i < u->n_ports; i++) {
        size_t at = port_at(n, u->ports[i]);

        if (at < n->ports.len && n->ports.at[at] == u->ports[i])
            vec_remove(&n->ports, at);
    }
}

/*
 * Allocs.
 */
static uint16_t *ports_of(const struct alloc *al, uint32_t *ret_n)
{
    size_t n = al->resources ? al->resources->shared.ports.len : 0;
    uint16_t *ports = n ? calloc(n, sizeof *ports) : NULL;

    *ret_n = 0;
    for (size_t i = 0; ports && i < n; i++) {
        int64_t v = al->resources->shared.ports.at[i].value;

        if (v > 0 && v <= UINT16_MAX && !al->resources->shared.ports.at[i].ignore_collision)
            ports[(*ret_n)++] = (uint16_t)v;
    }
    return ports;
}

static void alloc_usage(struct s_alloc *sa)
{
    struct comparable c;

    alloc_comparable(sa->alloc->resources, &c);
    sa->usage = (struct usage){.cpu = c.cpu, .mem = c.memory_mb, .disk = c.disk_mb};
    memcpy(sa->usage.cores, c.cores, sizeof c.cores);
    sa->ports = ports_of(sa->alloc, &sa->usage.n_ports);
    sa->usage.ports = sa->ports;
}

static void attach(struct sched *s, uint32_t slot, int32_t node)
{
    struct s_alloc *sa = &s->allocs.at[slot];

    sa->node = node;
    if (node == NONE) {
        s->n_orphans++;
        return;
    }
    sa->in_node = (uint32_t)s->nodes.at[node]->allocs.len;
    vec_push(&s->nodes.at[node]->allocs, slot);
    sa->counts = !alloc_client_terminal(sa->alloc);
    if (sa->counts)
        node_take(s, (uint32_t)node, &sa->usage);
}

static void detach(struct sched *s, uint32_t slot)
{
    struct s_alloc *sa = &s->allocs.at[slot];
    struct s_node *n;

    if (sa->node == NONE) {
        s->n_orphans--;
        return;
    }
    if (sa->counts)
        node_give(s, (uint32_t)sa->node, &sa->usage);
    sa->counts = false;
    n = s->nodes.at[sa->node];
    vec_remove_swap(&n->allocs, sa->in_node);
    if (sa->in_node < n->allocs.len)
        s->allocs.at[n->allocs.at[sa->in_node]].in_node = sa->in_node;
}

static void alloc_fill(struct sched *s, uint32_t slot, const struct object *o)
{
    struct s_alloc *sa = &s->allocs.at[slot];

    sa->obj = object_ref(o);
    sa->alloc = o->body;
    alloc_usage(sa);
    attach(s, slot, mirror_node(s, sa->alloc->node_id));
}

static void alloc_clear(struct sched *s, uint32_t slot)
{
    struct s_alloc *sa = &s->allocs.at[slot];

    detach(s, slot);
    free(sa->ports);
    sa->ports = NULL;
    object_unref(sa->obj);
    sa->obj = NULL;
}

int sched_alloc_put(struct sched *s, const struct object *o, struct err *e)
{
    const struct alloc *al = o->body;
    int32_t slot = mirror_alloc(s, al->id);
    struct s_job *j;

    if (slot != NONE) {
        const struct object *old = object_ref(s->allocs.at[slot].obj);

        map_put(&s->alloc_by_id, str_of(al->id), (void *)(uintptr_t)(slot + 1));
        alloc_clear(s, (uint32_t)slot);
        alloc_fill(s, (uint32_t)slot, o);
        object_unref(old);
        return 0;
    }
    if (s->n_allocs >= SCHED_ALLOCS_MAX)
        return err_set(e, ERR_LIMIT, "more than %d allocations", SCHED_ALLOCS_MAX);
    if (s->free_allocs.len) {
        slot = (int32_t)s->free_allocs.at[--s->free_allocs.len];
    } else {
        slot = (int32_t)s->allocs.len;
        vec_push(&s->allocs, (struct s_alloc){0});
    }
    s->n_allocs++;
    map_put(&s->alloc_by_id, str_of(al->id), (void *)(uintptr_t)(slot + 1));
    s->allocs.at[slot].job = job_slot(s, al->namespace, al->job_id);
    j = s->jobs.at[s->allocs.at[slot].job];
    s->allocs.at[slot].in_job = (uint32_t)j->allocs.len;
    vec_push(&j->allocs, (uint32_t)slot);
    alloc_fill(s, (uint32_t)slot, o);
    return 0;
}

void sched_alloc_del(struct sched *s, const char *id)
{
    int32_t slot = mirror_alloc(s, id);
    struct s_alloc *sa;
    struct s_job *j;

    if (slot == NONE)
        return;
    sa = &s->allocs.at[slot];
    map_del(&s->alloc_by_id, str_of(sa->alloc->id));
    j = s->jobs.at[sa->job];
    vec_remove_swap(&j->allocs, sa->in_job);
    if (sa->in_job < j->allocs.len)
        s->allocs.at[j->allocs.at[sa->in_job]].in_job = sa->in_job;
    job_drop_if_empty(s, sa->job);
    alloc_clear(s, (uint32_t)slot);
    vec_push(&s->free_allocs, (uint32_t)slot);
    s->n_allocs--;
}

/*
 * Nodes.
 */
static void reserve_ports(struct s_node *n, const char *text)
{
    struct str rest = str_of(text), part, low;

    while (str_split(&rest, ',', &part)) {
        uint64_t lo, hi;

        part = str_trim(part);
        if (!str_split(&part, '-', &low) || !str_to_u64(low, 10, &lo))
            continue;
        hi = lo;
        if ((part.len && !str_to_u64(part, 10, &hi)) || hi > UINT16_MAX || lo > hi)
            continue;
        vec_push(&n->host_ports, ((struct port_range){(uint16_t)lo, (uint16_t)hi}));
    }
}

static void core_bits(const struct json *list, uint64_t *bits)
{
    for (uint32_t i = 0; json_is(list, JSON_ARRAY) && i < list->len; i++) {
        int64_t core = json_i64_or(&list->items[i], -1);

        if (core >= 0 && core < 256)
            bits[core / 64] |= UINT64_C(1) << (core % 64);
    }
}

static void node_read(struct sched *s, struct s_node *n, struct hot *h)
{
    const struct node *node = n->node;
    const struct node_resources *have = &node->resources;
    const struct reserved_resources *kept = &node->reserved;
    uint64_t reserved[4] = {0};

    h->cpu = clamp32(have->cpu.cpu_shares - kept->cpu.cpu_shares);
    h->mem = clamp32(have->memory.memory_mb - kept->memory.memory_mb);
    h->disk = clamp32(have->disk.disk_mb - kept->disk.disk_mb);
    h->class = name_number(&s->classes, node->computed_class);
    h->place = place_number(s, node);
    h->flags = HOT_USED;
    if (node_is_ready(node))
        h->flags |= HOT_READY;
    if (same(node->status, "down"))
        h->flags |= HOT_DOWN;
    if (same(node->status, "disconnected"))
        h->flags |= HOT_DISCONNECTED;

    vec_done(&n->host_ports);
    reserve_ports(n, kept->networks.reserved_host_ports);
    list_each (&have->node_networks, it)
        list_each (&it->addresses, addr)
            reserve_ports(n, addr->reserved_ports);
    memset(n->cores_usable, 0, sizeof n->cores_usable);
    core_bits(have->cpu.reservable_cores, n->cores_usable);
    core_bits(kept->cpu.reserved_cores, reserved);
    for (size_t i = 0; i < 4; i++)
        n->cores_usable[i] &= ~reserved[i];
    n->mhz_per_core =
        have->cpu.total_cores > 0 ? have->cpu.cpu_shares / have->cpu.total_cores : 0;
}

static void adopt_orphans(struct sched *s, int32_t node)
{
    const char *id = s->nodes.at[node]->node->id;

    for (uint32_t i = 0; s->n_orphans && i < s->allocs.len; i++) {
        struct s_alloc *sa = &s->allocs.at[i];

        if (!sa->obj || sa->node != NONE || !same(sa->alloc->node_id, id))
            continue;
        s->n_orphans--;
        attach(s, i, node);
    }
}

static int32_t node_slot_new(struct sched *s)
{
    struct s_node *n = calloc(1, sizeof *n);

    if (!n)
        abort();
    s->n_nodes++;
    if (s->free_nodes.len) {
        uint32_t slot = s->free_nodes.at[--s->free_nodes.len];

        s->nodes.at[slot] = n;
        s->hot.at[slot] = (struct hot){0};
        return (int32_t)slot;
    }
    vec_push(&s->nodes, n);
    vec_push(&s->hot, (struct hot){0});
    return (int32_t)s->nodes.len - 1;
}

/* Classes that no node has any more are forgotten now and then. */
static void renumber(struct sched *s)
{
    if (s->classes.at.len < 2 * s->n_nodes + 1024)
        return;
    names_done(&s->classes);
    for (size_t i = 0; i < s->nodes.len; i++)
        if (s->nodes.at[i])
            s->hot.at[i].class = name_number(&s->classes, s->nodes.at[i]->node->computed_class);
}

int sched_node_put(struct sched *s, const struct object *o, struct err *e)
{
    const struct node *node = o->body;
    int32_t slot = mirror_node(s, node->id);
    bool fresh = slot == NONE;
    const struct object *old;

    if (fresh && s->n_nodes >= SCHED_NODES_MAX)
        return err_set(e, ERR_LIMIT, "more than %d nodes", SCHED_NODES_MAX);
    if (fresh)
        slot = node_slot_new(s);
    old = s->nodes.at[slot]->obj;
    s->nodes.at[slot]->obj = object_ref(o);
    s->nodes.at[slot]->node = node;
    map_put(&s->node_by_id, str_of(node->id), (void *)(uintptr_t)(slot + 1));
    object_unref(old);
    node_read(s, s->nodes.at[slot], &s->hot.at[slot]);
    renumber(s);
    if (fresh)
        adopt_orphans(s, slot);
    return 0;
}

static void node_free(struct s_node *n)
{
    vec_done(&n->allocs);
    vec_done(&n->ports);
    vec_done(&n->host_ports);
    object_unref(n->obj);
    free(n);
}

void sched_node_del(struct sched *s, const char *id)
{
    int32_t slot = mirror_node(s, id);
    struct s_node *n;

    if (slot == NONE)
        return;
    n = s->nodes.at[slot];
    map_del(&s->node_by_id, str_of(n->node->id));
    for (size_t i = 0; i < n->allocs.len; i++) {
        struct s_alloc *sa = &s->allocs.at[n->allocs.at[i]];

        sa->node = NONE;
        sa->counts = false;
        s->n_orphans++;
    }
    node_free(n);
    s->nodes.at[slot] = NULL;
    s->hot.at[slot] = (struct hot){0};
    vec_push(&s->free_nodes, (uint32_t)slot);
    s->n_nodes--;
}

/*
 * The door's rest.
 */
struct sched *sched_new(void)
{
    struct sched *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    for (size_t i = 0; i < ARRAY_LEN(s->pow10); i++)
        s->pow10[i] = (float)pow(10, (double)i / POW10_STEPS);
    return s;
}

void sched_free(struct sched *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->allocs.len; i++)
        if (s->allocs.at[i].obj) {
            free(s->allocs.at[i].ports);
            object_unref(s->allocs.at[i].obj);
        }
    for (size_t i = 0; i < s->nodes.len; i++)
        if (s->nodes.at[i])
            node_free(s->nodes.at[i]);
    for (size_t i = 0; i < s->jobs.len; i++)
        job_free(s->jobs.at[i]);
    vec_done(&s->free_jobs);
    vec_done(&s->hot);
    vec_done(&s->nodes);
    vec_done(&s->free_nodes);
    vec_done(&s->allocs);
    vec_done(&s->free_allocs);
    vec_done(&s->jobs);
    vec_done(&s->places);
    map_done(&s->node_by_id);
    map_done(&s->alloc_by_id);
    map_done(&s->job_by_key);
    names_done(&s->classes);
    names_done(&s->dcs);
    names_done(&s->pools);
    free(s);
}

size_t sched_node_count(const struct sched *s)
{
    return s->n_nodes;
}

size_t sched_alloc_count(const struct sched *s)
{
    return s->n_allocs;
}

const struct node *sched_node(const struct sched *s, const char *id)
{
    int32_t slot = mirror_node(s, id);

    return slot == NONE ? NULL : s->nodes.at[slot]->node;
}

void sched_each_job_alloc(const struct sched *s, const char *namespace, const char *job_id,
                          sched_alloc_fn *fn, void *ctx)
{
    const struct s_job *j = mirror_job(s, namespace, job_id);

    for (size_t i = 0; j && i < j->allocs.len; i++)
        fn(ctx, s->allocs.at[j->allocs.at[i]].alloc);
}

void sched_each_node_alloc(const struct sched *s, const char *node_id, sched_alloc_fn *fn,
                           void *ctx)
{
    int32_t slot = mirror_node(s, node_id);

    for (size_t i = 0; slot != NONE && i < s->nodes.at[slot]->allocs.len; i++)
        fn(ctx, s->allocs.at[s->nodes.at[slot]->allocs.at[i]].alloc);
}

static bool seen_before(const struct sched *s, const struct s_node *n, size_t i)
{
    int32_t job = s->allocs.at[n->allocs.at[i]].job;

    for (size_t k = 0; k < i; k++) {
        const struct s_alloc *sa = &s->allocs.at[n->allocs.at[k]];

        if (sa->job == job && !alloc_terminal(sa->alloc))
            return true;
    }
    return false;
}

void sched_each_node_job(const struct sched *s, const char *node_id, sched_alloc_fn *fn,
                         void *ctx)
{
    int32_t slot = mirror_node(s, node_id);
    const struct s_node *n = slot == NONE ? NULL : s->nodes.at[slot];

    for (size_t i = 0; n && i < n->allocs.len; i++) {
        const struct alloc *al = s->allocs.at[n->allocs.at[i]].alloc;

        if (!alloc_terminal(al) && !seen_before(s, n, i))
            fn(ctx, al);
    }
}
