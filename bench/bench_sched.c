/*
 * bench_sched -- how long an evaluation takes, over a grid of cluster and job sizes
 *
 * bench_sched: prints one line per (nodes, count, kind of job): time for the whole evaluation,
 * per alloc placed, and for the second of two like it with the cluster loaded. The largest of
 * the grid are the figures.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "figure.h"
#include "nomad/sched/sched.h"

enum { MOST_NODES = 5000, MOST_ALLOCS = 1000 };

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void die(const struct err *e)
{
    fprintf(stderr, "bench_sched: %s\n", e->msg);
    exit(1);
}

/* Ten kinds of nodes, five racks. */
static void add_node(struct sched *s, int i)
{
    auto_object struct object *o = object_new(&node_schema);
    struct node *n = o->body;
    struct err e = ERR_INIT;

    n->id = arena_printf(o->arena, "00000000-0000-4000-8000-%012d", i);
    n->name = arena_printf(o->arena, "node-%d", i);
    n->datacenter = "dc1";
    n->node_pool = "default";
    n->status = "ready";
    n->eligibility = "eligible";
    n->resources.cpu.cpu_shares = 16000;
    n->resources.memory.memory_mb = 64000;
    n->resources.disk.disk_mb = 500000;
    n->resources.min_dynamic_port = NODE_MIN_DYNAMIC_PORT;
    n->resources.max_dynamic_port = NODE_MAX_DYNAMIC_PORT;
    strmap_set(o->arena, &n->attributes, "kernel.name", i % 10 ? "linux" : "windows");
    strmap_set(o->arena, &n->attributes, "cpu.model", arena_printf(o->arena, "m%d", i % 10));
    strmap_set(o->arena, &n->attributes, "driver.raw_exec", "1");
    strmap_set(o->arena, &n->meta, "rack", arena_printf(o->arena, "r%d", i % 5));
    n->computed_class = node_computed_class(n, o->arena);
    if (sched_node_put(s, o, &e) < 0)
        die(&e);
}

static const struct {
    const char *label, *group;
} kinds[] = {
    {"plain", ""},
    {"constraint",
     ",\"Constraints\":[{\"LTarget\":\"${attr.kernel.name}\",\"RTarget\":\"linux\","
     "\"Operand\":\"=\"}]"},
    {"spread", ",\"Spreads\":[{\"Attribute\":\"${meta.rack}\",\"Weight\":100}]"},
    {"ports", ",\"Networks\":[{\"DynamicPorts\":[{\"Label\":\"a\"},{\"Label\":\"b\"}]}]"},
};

static struct job *make_job(struct arena *a, const char *id, int count, const char *group)
{
    const char *text = arena_printf(
        a,
        "{\"ID\":\"%s\",\"Datacenters\":[\"dc1\"],\"TaskGroups\":[{\"Name\":\"g\",\"Count\":%d%"
        "s,"
        "\"Tasks\":[{\"Name\":\"t\",\"Driver\":\"raw_exec\",\"Resources\":{\"CPU\":50,"
        "\"MemoryMB\":64}}]}]}",
        id, count, group);
    struct job *j = arena_new_of(a, struct job);
    struct err e = ERR_INIT;
    struct json *v;

    if (json_parse(str_of(text), NULL, 0, a, &v, &e) < 0 || job_from_json(v, a, j, &e) < 0)
        die(&e);
    job_canonicalize(j, a);
    job_finish(j, NULL, a);
    return j;
}

static void commit(struct sched *s, const struct plan *p)
{
    struct err e = ERR_INIT;

    list_each (&p->places, it) {
        auto_object struct object *o = object_new(&alloc_schema);

        *(struct alloc *)o->body = *(struct alloc *)schema_copy(&alloc_schema, *it, o->arena);
        if (sched_alloc_put(s, o, &e) < 0)
            die(&e);
    }
}

/* Best of a few: the machine has other work. */
static int64_t evaluate(struct sched *s, const struct job *j, struct arena **plan_arena,
                        struct plan *ret)
{
    struct eval ev = {.id = "eval", .namespace = "default", .priority = 50, .type = "service"};
    struct sched_input in = {.eval = &ev, .job = j, .now_ns = 1, .seed = {1, 2}};
    struct err e = ERR_INIT;
    int64_t best = INT64_MAX;

    ev.job_id = j->id;
    ev.triggered_by = EVAL_BY_REGISTER;
    for (int i = 0; i < 5; i++) {
        int64_t t;

        arena_free(*plan_arena);
        *plan_arena = arena_new(0);
        t = now_ns();
        if (sched_process(s, &in, *plan_arena, ret, &e) < 0)
            die(&e);
        t = now_ns() - t;
        best = t < best ? t : best;
    }
    return best;
}

static void run(int nodes, int count, size_t kind)
{
    auto_sched struct sched *s = sched_new();
    auto_arena struct arena *a = arena_new(0), *plans = NULL;
    int64_t first, second;
    struct plan p;

    for (int i = 0; i < nodes; i++)
        add_node(s, i);
    first = evaluate(s, make_job(a, "one", count, kinds[kind].group), &plans, &p);
    commit(s, &p);
    second = evaluate(s, make_job(a, "two", count, kinds[kind].group), &plans, &p);
    printf("%6d nodes %6d allocs  %-10s  %9.1f us  %7.2f us/alloc  (loaded: %9.1f us) placed "
           "%zu\n",
           nodes, count, kinds[kind].label, (double)first / 1e3, (double)first / 1e3 / count,
           (double)second / 1e3, p.places.len);
    if (nodes == MOST_NODES && count == MOST_ALLOCS)
        figure(kinds[kind].label, (double)first / 1e3 / count, "us/alloc", "",
               "1,000 allocs on 5,000 nodes, every node scored");
}

int main(void)
{
    static const int nodes[] = {100, 1000, MOST_NODES}, counts[] = {1, 10, 100, MOST_ALLOCS};

    for (size_t n = 0; n < ARRAY_LEN(nodes); n++)
        for (size_t c = 0; c < ARRAY_LEN(counts); c++)
            for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
                run(nodes[n], counts[c], k);
    return 0;
}
