#include "nomad/sched/priv.h"

/*
 * Spreads and distinct_property: both count allocs by the value that a node's attribute has.
 */
static int32_t value_index(struct arena *a, struct spread_state *sp, const char *value)
{
    if (!value)
        return NONE;
    for (size_t i = 0; i < sp->values.len; i++)
        if (same(sp->values.at[i].value, value))
            return (int32_t)i;
    list_push(a, &sp->values, ((struct spread_use){.value = value, .desired = -1}));
    return (int32_t)sp->values.len - 1;
}

static const char *node_value(const struct ranker *k, uint32_t node, const char *attribute)
{
    return node_target(k->run->s->nodes.at[node]->node, attribute, k->run->a);
}

static int32_t value_at(struct ranker *k, struct spread_state *sp, uint32_t node)
{
    uint32_t class = k->run->s->hot.at[node].class;
    int32_t v;

    if (sp->by_class && sp->by_class[class])
        return sp->by_class[class] - 2;
    v = value_index(k->run->a, sp, node_value(k, node, sp->attribute));
    if (sp->by_class)
        sp->by_class[class] = v + 2; /* NONE is -1 */
    return v;
}

static void state_values(struct ranker *k, struct spread_state *sp, const char *attribute)
{
    struct arena *a = k->run->a;

    sp->attribute = attribute;
    if (!target_is_unique(attribute))
        sp->by_class = arena_array(a, int32_t, k->run->s->classes.at.len + 1);
    sp->value_of = arena_array(a, int32_t, k->len + 1);
    for (uint32_t i = 0; i < k->len; i++)
        sp->value_of[i] = value_at(k, sp, k->at[i].node);
}

/* What each listed value shall have; "*" stands for all that are not listed. */
static void state_targets(struct ranker *k, struct spread_state *sp)
{
    double count = (double)OPT(k->group->count);
    int64_t sum = 0;

    list_each (&sp->spread->targets, it) {
        int32_t i = value_index(k->run->a, sp, it->value);

        sp->values.at[i].desired = (double)it->percent * count / 100;
        sum += it->percent;
    }
    sp->rest = sum < 100 ? (double)(100 - sum) * count / 100 : -1;
}

static void add_spreads(struct ranker *k, const spread_list *l, double weights)
{
    list_each (l, it) {
        struct spread_state *sp = list_add(k->run->a, &k->spreads);

        *sp = (struct spread_state){.spread = it, .targets = it->targets.len > 0};
        sp->share = weights > 0 ? (double)OPT(it->weight) / weights : 0;
        state_values(k, sp, it->attribute);
        if (sp->targets)
            state_targets(k, sp);
    }
}

static double weight_sum(const spread_list *l)
{
    double sum = 0;

    list_each (l, it)
        sum += (double)OPT(it->weight);
    return sum;
}

static void add_distincts(struct ranker *k, const constraint_list *l, bool whole_job)
{
    list_each (l, it) {
        struct distinct *d;
        int64_t limit = 1;

        if (!same(it->operand, "distinct_property"))
            continue;
        if (!empty(it->rtarget))
            str_to_i64(str_of(it->rtarget), 10, &limit);
        d = list_add(k->run->a, &k->distincts);
        *d = (struct distinct){.c = it, .whole_job = whole_job, .limit = limit};
        state_values(k, &d->by_value, it->ltarget);
    }
}

/* Every candidate's combination, one spread after the other. */
static void find_combinations(struct ranker *k)
{
    struct combinations *c = &k->combinations;
    struct arena *a = k->run->a;

    c->of = arena_array(a, uint32_t, k->len + 1);
    c->len = 1;
    list_each (&k->spreads, sp) {
        size_t width = sp->values.len + 1;
        uint32_t *number, len = 0;

        if (c->len * width > COMBINATIONS_MAX) {
            c->len = 0;
            return;
        }
        number = arena_array(a, uint32_t, c->len * width);
        for (uint32_t i = 0; i < k->len; i++) {
            uint32_t *n = &number[c->of[i] * width + (size_t)(sp->value_of[i] + 1)];

            if (*n == 0)
                *n = ++len;
            c->of[i] = *n - 1;
        }
        c->len = len ? len : 1;
    }
    c->like = arena_array(a, uint32_t, c->len);
    for (uint32_t i = 0; i < k->len; i++)
        c->like[c->of[i]] = i;
    c->blend = arena_array(a, struct blend, (size_t)c->len * PARTS_MAX);
}

void spread_blend(struct ranker *k)
{
    struct combinations *c = &k->combinations;

    for (uint32_t i = 0; i < c->len; i++) {
        float boost = k->len ? (float)spread_boost(k, c->like[i]) : 0;

        for (uint32_t parts = 1; parts < PARTS_MAX; parts++) {
            struct blend *b = &c->blend[i * PARTS_MAX + parts];
            float n = (float)parts;

            *b = boost == 0 ? (struct blend){1, 0}
                            : (struct blend){n / (n + 1), boost / (n + 1)};
        }
    }
}

void spread_init(struct ranker *k)
{
    double weights = weight_sum(&k->group->spreads) + weight_sum(&k->run->job->spreads);

    add_spreads(k, &k->group->spreads, weights);
    add_spreads(k, &k->run->job->spreads, weights);
    add_distincts(k, &k->group->constraints, false);
    add_distincts(k, &k->run->job->constraints, true);
    find_combinations(k);
}

static void count_value(struct ranker *k, struct spread_state *sp, int32_t node, int by)
{
    int32_t cand = k->cand_of[node];
    int32_t v = cand != NONE ? sp->value_of[cand] : value_at(k, sp, (uint32_t)node);

    if (v != NONE)
        sp->values.at[v].used += by;
}

void spread_count(struct ranker *k, int32_t node, bool same_group, int by)
{
    list_each (&k->spreads, it)
        if (same_group)
            count_value(k, it, node, by);
    list_each (&k->distincts, it)
        if (same_group || it->whole_job)
            count_value(k, &it->by_value, node, by);
}

const char *distinct_problem(struct ranker *k, uint32_t cand)
{
    list_each (&k->distincts, it) {
        int32_t v = it->by_value.value_of[cand];

        if (v == NONE)
            return arena_printf(k->run->a, "missing property \"%s\"", it->c->ltarget);
        if (it->by_value.values.at[v].used >= it->limit)
            return arena_printf(k->run->a, "distinct_property: %s=%s used by %lld allocs",
                                it->c->ltarget, it->by_value.values.at[v].value,
                                (long long)it->by_value.values.at[v].used);
    }
    return NULL;
}

static double target_boost(const struct spread_state *sp, const struct spread_use *u)
{
    double desired = u->desired >= 0 ? u->desired : sp->rest;

    if (desired < 0)
        return -1;
    if (desired == 0)
        return -(double)(u->used + 1);
    return (desired - (double)(u->used + 1)) / desired * sp->share;
}

/* Without targets all values shall have the same: those with fewer are better. */
static double even_boost(const struct spread_use *u, int64_t min, int64_t max)
{
    if (max == 0)
        return 0;
    if (u->used == 0) /* nothing there yet: the least used of all */
        return 1;
    if (u->used != min)
        return (double)(min - u->used) / (double)min;
    return min == max ? -1 : (double)(max - min) / (double)min;
}

static void least_and_most(const struct spread_state *sp, int64_t *min, int64_t *max)
{
    *min = INT64_MAX;
    *max = 0;
    list_each (&sp->values, it) {
        if (it->used <= 0)
            continue;
        *min = it->used < *min ? it->used : *min;
        *max = it->used > *max ? it->used : *max;
    }
}

void spread_prepare(struct ranker *k)
{
    list_each (&k->spreads, sp) {
        int64_t min, max;

        least_and_most(sp, &min, &max);
        list_each (&sp->values, it)
            it->boost = sp->targets ? target_boost(sp, it) : even_boost(it, min, max);
    }
}

double spread_boost(const struct ranker *k, uint32_t cand)
{
    double sum = 0;

    list_each (&k->spreads, sp) {
        int32_t v = sp->value_of[cand];

        sum += v == NONE ? -1 : sp->values.at[v].boost;
    }
    return sum;
}
