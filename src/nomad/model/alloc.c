#include <inttypes.h>

#include "nomad/model/model_priv.h"

bool alloc_client_terminal(const struct alloc *al)
{
    return same(al->client_status, ALLOC_COMPLETE) || same(al->client_status, ALLOC_FAILED) ||
           same(al->client_status, ALLOC_LOST);
}

bool alloc_server_terminal(const struct alloc *al)
{
    return same(al->desired_status, ALLOC_STOP) || same(al->desired_status, ALLOC_EVICT);
}

bool alloc_terminal(const struct alloc *al)
{
    return alloc_server_terminal(al) || alloc_client_terminal(al);
}

bool alloc_ran_ok(const struct alloc *al)
{
    return same(al->client_status, ALLOC_COMPLETE);
}

int64_t alloc_last_finish(const struct alloc *al)
{
    int64_t last = 0;

    list_each (&al->task_states, it)
        if (OPT(it->finished_at) > last)
            last = *it->finished_at;
    return last;
}

void alloc_status_from_tasks(const struct task_state *states, size_t n, const char **ret_status,
                             const char **ret_description)
{
    bool failed = false, running = false, pending = n == 0;

    for (size_t i = 0; i < n; i++) {
        bool dead = same(states[i].state, TASK_DEAD);

        failed = failed || (dead && states[i].failed);
        running = running || same(states[i].state, TASK_RUNNING);
        pending = pending || same(states[i].state, TASK_PENDING);
    }
    *ret_status = failed    ? ALLOC_FAILED
                  : running ? ALLOC_RUNNING
                  : pending ? ALLOC_PENDING
                            : ALLOC_COMPLETE;
    *ret_description = failed    ? "Failed tasks"
                       : running ? "Tasks are running"
                       : pending ? "No tasks have started"
                                 : "All tasks have completed";
}

/*
 * Resources.
 */
static void add_core_bits(const struct json *cores, struct comparable *ret)
{
    for (uint32_t i = 0; json_is(cores, JSON_ARRAY) && i < cores->len; i++) {
        int64_t core = json_i64_or(&cores->items[i], -1);

        if (core < 0 || core >= 256)
            continue;
        ret->cores[core / 64] |= UINT64_C(1) << (core % 64);
        ret->n_cores++;
    }
}

/* What one task takes. */
struct piece {
    int64_t cpu, memory, memory_max;
    const char *hook; /* "": a main task */
    bool sidecar;
};

/* Tasks that end before the main ones start, the main ones, and those after them never run at
 * the same time; sidecars run beside all of them. */
struct phases {
    struct piece always, phase[3];
};

static int64_t max3(int64_t a, int64_t b, int64_t c)
{
    int64_t m = a > b ? a : b;

    return m > c ? m : c;
}

static void phases_add(struct phases *ph, const struct piece *t)
{
    struct piece *to = &ph->phase[1];

    if (!empty(t->hook) && t->sidecar)
        to = &ph->always;
    else if (same(t->hook, "prestart"))
        to = &ph->phase[0];
    else if (same(t->hook, "poststop"))
        to = &ph->phase[2];
    to->cpu += t->cpu;
    to->memory += t->memory;
    to->memory_max += t->memory_max;
}

static void phases_total(const struct phases *ph, struct comparable *ret)
{
    const struct piece *p = ph->phase;

    ret->cpu = ph->always.cpu + max3(p[0].cpu, p[1].cpu, p[2].cpu);
    ret->memory_mb = ph->always.memory + max3(p[0].memory, p[1].memory, p[2].memory);
    ret->memory_max_mb =
        ph->always.memory_max + max3(p[0].memory_max, p[1].memory_max, p[2].memory_max);
}

void alloc_comparable(const struct alloc_resources *r, struct comparable *ret)
{
    struct phases ph = {0};

    *ret = (struct comparable){0};
    if (!r)
        return;
    list_each (&r->tasks, it) {
        const struct json *life = json_get(r->task_lifecycles, it->name);
        const struct json *hook = json_get(life, "Hook");
        char name[16] = "";

        if (json_is(hook, JSON_STRING) && hook->text.len < sizeof name)
            memcpy(name, hook->text.p, hook->text.len);
        phases_add(&ph, &(struct piece){it->cpu.cpu_shares, it->memory.memory_mb,
                                        it->memory.memory_max_mb ? it->memory.memory_max_mb
                                                                 : it->memory.memory_mb,
                                        name, json_bool_or(json_get(life, "Sidecar"), false)});
        add_core_bits(it->cpu.reserved_cores, ret);
    }
    phases_total(&ph, ret);
    ret->disk_mb = r->shared.disk_mb;
}

void group_ask(const struct task_group *tg, struct comparable *ret)
{
    struct phases ph = {0};

    *ret = (struct comparable){0};
    list_each (&tg->tasks, it) {
        const struct resources *r = it->resources;

        if (!r)
            continue;
        phases_add(&ph, &(struct piece){OPT(r->cpu), OPT(r->memory_mb), OPT(r->memory_max_mb),
                                        it->lifecycle ? it->lifecycle->hook : "",
                                        it->lifecycle && it->lifecycle->sidecar});
        ret->n_cores += (uint32_t)OPT(r->cores);
    }
    phases_total(&ph, ret);
    ret->disk_mb = tg->ephemeral_disk ? OPT(tg->ephemeral_disk->size_mb) : 0;
}

/*
 * The older form of an alloc's resources.
 */
static struct resources *legacy_new(struct arena *a, int64_t cpu, int64_t mem, int64_t max,
                                    int64_t disk)
{
    struct resources *r = arena_new_of(a, struct resources);

    opt_set(a, &r->cpu, cpu);
    opt_set(a, &r->memory_mb, mem);
    opt_set(a, &r->memory_max_mb, max);
    opt_set(a, &r->disk_mb, disk);
    fill_nulls(&resources_schema, r, a);
    return r;
}

static void legacy_tasks(struct alloc *al, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(4 << 20);
    struct json_out w;

    json_out_init(&w, &b, NULL);
    json_obj(&w);
    list_each (&al->resources->tasks, it) {
        json_key(&w, it->name);
        schema_encode(&resources_schema,
                      legacy_new(a, it->cpu.cpu_shares, it->memory.memory_mb,
                                 it->memory.memory_max_mb, 0),
                      0, &w);
    }
    json_obj_end(&w);
    if (buf_ok(&b))
        json_parse(buf_str(&b), NULL, JSON_COPY, a, &al->legacy_tasks, NULL);
}

void alloc_fill_legacy(struct alloc *al, struct job *job, struct arena *a)
{
    struct comparable c;

    al->job = job;
    if (!al->resources)
        return;
    alloc_comparable(al->resources, &c);
    al->legacy_resources = legacy_new(a, c.cpu, c.memory_mb, c.memory_max_mb, c.disk_mb);
    al->legacy_shared = legacy_new(a, 0, 0, 0, c.disk_mb);
    al->legacy_shared->networks = al->resources->shared.networks;
    legacy_tasks(al, a);
}

/*
 * Clients that are not heard of.
 */
int64_t alloc_unknown_since(const struct alloc *al)
{
    const struct alloc_state *last =
        al->alloc_states.len ? &al->alloc_states.at[al->alloc_states.len - 1] : NULL;

    return last && same(last->value, ALLOC_UNKNOWN) ? last->time : 0;
}

bool alloc_reconnecting(const struct alloc *al)
{
    return alloc_unknown_since(al) && !same(al->client_status, ALLOC_UNKNOWN) &&
           !same(al->client_status, ALLOC_LOST);
}

void alloc_state_add(struct alloc *al, const char *value, int64_t now_ns, struct arena *a)
{
    if (al->alloc_states.len == ALLOC_STATES_KEPT) {
        al->alloc_states.len--;
        memmove(al->alloc_states.at, al->alloc_states.at + 1,
                al->alloc_states.len * sizeof *al->alloc_states.at);
    }
    list_push(a, &al->alloc_states,
              ((struct alloc_state){.value = arena_strdup(a, value), .time = now_ns}));
}

/*
 * Counters by name.
 */
int64_t count_get(const struct json *counts, const char *key)
{
    return json_i64_or(json_get(counts, key), 0);
}

void count_add(struct arena *a, struct json **counts, const char *key, int64_t n)
{
    if (!*counts)
        *counts = json_new_object(a);
    json_set(a, *counts, str_of(arena_strdup(a, key)),
             json_of_i64(a, count_get(*counts, key) + n));
}
