#include <math.h>

#include "nomad/sched/priv.h"

/*
 * Choosing a node: every candidate is scored, the best wins; of equals the first from a place
 * that the evaluation's seed chooses. What is known of a candidate is kept from one alloc of
 * the group to the next: scores stand in one flat array, and only those of nodes that changed
 * are computed again. Spreads, distinct properties and penalties change with every alloc and
 * are added as the array is read.
 */
static const float NOWHERE = -1e9f;

/*
 * Set-up.
 */
static bool dc_matches(const struct job *j, const char *dc)
{
    list_each (&j->datacenters, it)
        if (str_glob(str_of(*it), str_of(dc)))
            return true;
    return false;
}

enum place_match { IN_POOL = 1, IN_DC = 2 };

static uint8_t *match_places(const struct ranker *k)
{
    const struct sched *s = k->run->s;
    const struct job *j = k->run->job;
    uint8_t *match = arena_array(k->run->a, uint8_t, s->places.len + 1);

    for (size_t i = 0; i < s->places.len; i++) {
        const struct place_name *p = &s->places.at[i];

        if (same(j->node_pool, "all") || same(j->node_pool, s->pools.at.at[p->pool]))
            match[i] |= IN_POOL;
        if (dc_matches(j, s->dcs.at.at[p->dc]))
            match[i] |= IN_DC;
    }
    return match;
}

static void find_candidates(struct ranker *k)
{
    struct sched *s = k->run->s;
    const uint8_t *match = match_places(k);
    int64_t *by_dc = arena_array(k->run->a, int64_t, s->dcs.at.len + 1);

    k->at = arena_alloc(k->run->a, (s->hot.len + 1) * sizeof *k->at);
    k->score = arena_alloc(k->run->a, (s->hot.len + 1) * sizeof *k->score);
    k->cell = arena_array(k->run->a, uint32_t, s->hot.len + 1);
    k->cand_of = arena_alloc(k->run->a, (s->hot.len + 1) * sizeof *k->cand_of);
    for (uint32_t i = 0; i < s->hot.len; i++) {
        const struct hot *h = &s->hot.at[i];

        k->cand_of[i] = NONE;
        if (!(h->flags & HOT_READY) || h->place >= s->places.len ||
            !(match[h->place] & IN_POOL))
            continue;
        k->nodes_in_pool++;
        if (!(match[h->place] & IN_DC))
            continue;
        by_dc[s->places.at[h->place].dc]++;
        k->cand_of[i] = (int32_t)k->len;
        k->at[k->len++] = (struct candidate){.node = i};
    }
    for (size_t i = 0; i < s->dcs.at.len; i++)
        if (by_dc[i])
            count_add(k->run->a, &k->nodes_available, s->dcs.at.at[i], by_dc[i]);
}

static double affinity_sum(const affinity_list *l)
{
    double sum = 0;

    list_each (l, it)
        sum += fabs((double)OPT(it->weight));
    return sum;
}

static double affinity_of(struct ranker *k, const affinity_list *l, const struct node *n)
{
    double sum = 0;

    list_each (l, it) {
        const char *left = node_target(n, it->ltarget, k->run->a);
        const char *right = node_target(n, it->rtarget, k->run->a);

        if (constraint_holds(it->operand, left, left != NULL, right, right != NULL))
            sum += (double)OPT(it->weight);
    }
    return sum;
}

static double node_affinities(struct ranker *k, const struct node *n)
{
    double sum =
        affinity_of(k, &k->run->job->affinities, n) + affinity_of(k, &k->group->affinities, n);

    list_each (&k->group->tasks, it)
        sum += affinity_of(k, &it->affinities, n);
    return sum;
}

static bool affinity_escapes(const affinity_list *l)
{
    list_each (l, it)
        if (target_is_unique(it->ltarget) || target_is_unique(it->rtarget))
            return true;
    return false;
}

static bool affinities_escape(const struct ranker *k)
{
    list_each (&k->group->tasks, it)
        if (affinity_escapes(&it->affinities))
            return true;
    return affinity_escapes(&k->run->job->affinities) ||
           affinity_escapes(&k->group->affinities);
}

/* Nodes of one class have the same, unless something unique is asked for. */
static void find_affinities(struct ranker *k)
{
    const struct sched *s = k->run->s;
    double total = affinity_sum(&k->run->job->affinities) + affinity_sum(&k->group->affinities);
    uint32_t *like; /* by class: a candidate of it, + 1 */
    bool unique = affinities_escape(k);

    list_each (&k->group->tasks, it)
        total += affinity_sum(&it->affinities);
    k->has_affinities = total > 0;
    if (!k->has_affinities)
        return;
    like = arena_array(k->run->a, uint32_t, s->classes.at.len + 1);
    for (uint32_t i = 0; i < k->len; i++) {
        struct candidate *c = &k->at[i];
        uint32_t *first = &like[s->hot.at[c->node].class];

        if (*first && !unique) {
            c->affinity = k->at[*first - 1].affinity;
            continue;
        }
        c->affinity = (float)(node_affinities(k, s->nodes.at[c->node]->node) / total);
        *first = i + 1;
    }
}

static bool wants_distinct_hosts(const constraint_list *l)
{
    list_each (l, it)
        if (same(it->operand, "distinct_hosts") && !same(it->rtarget, "false"))
            return true;
    return false;
}

/* The job's allocs that stay, as the plan stands now. */
static void count_present(struct ranker *k)
{
    const struct sched *s = k->run->s;
    const struct s_job *j = mirror_job(s, k->run->job->namespace, k->run->job->id);

    for (size_t i = 0; j && i < j->allocs.len; i++) {
        const struct s_alloc *sa = &s->allocs.at[j->allocs.at[i]];

        if (sa->node != NONE && !alloc_terminal(sa->alloc) && !run_stops(k->run, sa->alloc))
            ranker_moved(k, sa->node, sa->alloc->task_group, 1);
    }
    list_each (&k->run->plan->places, it)
        ranker_moved(k, mirror_node(s, (*it)->node_id), (*it)->task_group, 1);
}

static void prepare_ports(struct ranker *k)
{
    const struct network *n = k->group->networks.len ? &k->group->networks.at[0] : NULL;

    if (!n || n->reserved_ports.len == 0)
        return;
    k->collision = arena_array(k->run->a, const char *, n->reserved_ports.len);
    for (size_t i = 0; i < n->reserved_ports.len; i++)
        k->collision[i] = arena_printf(k->run->a, "network: reserved port collision %s=%lld",
                                       n->reserved_ports.at[i].label,
                                       (long long)n->reserved_ports.at[i].value);
}

/*
 * Scores.
 */
static void tally_add(struct tally *t, const char *why, int by)
{
    uint32_t i = t->last;

    t->total += by;
    if (!(t->len && t->why[i] == why))
        for (i = 0; i < t->len && t->why[i] != why; i++)
            ;
    if (i == TALLY_MAX) /* more kinds than anyone reads: count them with the last */
        i = TALLY_MAX - 1;
    else if (i == t->len)
        t->why[t->len++] = why;
    t->n[i] += by;
    t->last = i;
}

static float pow10_fast(const struct sched *s, float x)
{
    float at = x * POW10_STEPS;
    int i = (int)at;

    if (x <= 0 || i >= POW10_STEPS)
        return x <= 0 ? powf(10, x) : 10;
    return s->pow10[i] + (s->pow10[i + 1] - s->pow10[i]) * (at - (float)i);
}

/* How well the ask packs (or spreads) the node, 0 to 1. */
static float fit_score(const struct ranker *k, const struct hot *h)
{
    float cpu = h->cpu ? 1 - (float)(h->cpu_used + k->ask.cpu) / (float)h->cpu : 0;
    float mem = h->mem ? 1 - (float)(h->mem_used + k->ask.memory_mb) / (float)h->mem : 0;
    float total = pow10_fast(k->run->s, cpu) + pow10_fast(k->run->s, mem);
    float fit = k->run->in->spread_algorithm ? total - 2 : 20 - total;

    return (fit < 0 ? 0 : fit > 18 ? 18 : fit) / 18;
}

static const char *port_collision(const struct ranker *k, uint32_t node)
{
    const port_list *l = k->collision ? &k->group->networks.at[0].reserved_ports : NULL;

    for (size_t i = 0; l && i < l->len; i++)
        if (!l->at[i].ignore_collision &&
            node_has_port(k->run->s->nodes.at[node], (uint16_t)l->at[i].value))
            return k->collision[i];
    return NULL;
}

static const char *short_of(const struct ranker *k, const struct hot *h, uint32_t node)
{
    if (h->cpu_used + k->ask.cpu > h->cpu)
        return "cpu";
    if (h->mem_used + k->ask.memory_mb > h->mem)
        return "memory";
    if (h->disk_used + k->ask.disk_mb > h->disk)
        return "disk";
    return port_collision(k, node);
}

static double anti_affinity(const struct ranker *k, const struct candidate *c)
{
    int64_t count = OPT(k->group->count);

    return -(double)(c->same_group + 1) / (double)(count > 0 ? count : 1);
}

static bool kept_apart(const struct ranker *k, const struct candidate *c)
{
    return (k->distinct_hosts_job && c->same_job) || (k->distinct_hosts_group && c->same_group);
}

static void score_it(struct ranker *k, uint32_t i)
{
    struct candidate *c = &k->at[i];
    const struct hot *h = &k->run->s->hot.at[c->node];

    c->sum = fit_score(k, h);
    c->parts = 1;
    if (c->same_group && !k->run->system) {
        c->sum += (float)anti_affinity(k, c);
        c->parts++;
    }
    if (k->has_affinities) {
        c->sum += c->affinity;
        c->parts++;
    }
    k->score[i] = c->sum / (float)c->parts;
    k->cell[i] = k->combinations.of[i] * PARTS_MAX + c->parts;
}

void ranker_short(struct ranker *k, uint32_t cand, const char *why)
{
    k->at[cand].short_of = true;
    k->at[cand].why = why;
    k->score[cand] = NOWHERE;
    tally_add(&k->exhausted, why, 1);
}

static void look_again(struct ranker *k, uint32_t i)
{
    struct candidate *c = &k->at[i];
    const char *why;

    c->dirty = false;
    if (c->infeasible)
        return;
    if (c->apart)
        tally_add(&k->filtered, "distinct_hosts", -1);
    if (c->short_of)
        tally_add(&k->exhausted, c->why, -1);
    c->short_of = false;
    c->apart = kept_apart(k, c);
    if (c->apart) {
        k->score[i] = NOWHERE;
        tally_add(&k->filtered, "distinct_hosts", 1);
        return;
    }
    why = short_of(k, &k->run->s->hot.at[c->node], c->node);
    if (why)
        ranker_short(k, i, why);
    else
        score_it(k, i);
}

static void first_look(struct ranker *k, uint32_t i)
{
    struct candidate *c = &k->at[i];

    c->infeasible = !feasible_node(k->run, &k->feas, c->node, &c->why);
    if (c->infeasible) {
        k->score[i] = NOWHERE;
        tally_add(&k->filtered, c->why, 1);
        return;
    }
    look_again(k, i);
}

void ranker_init(struct eval_run *r, struct ranker *k, const struct task_group *g)
{
    *k = (struct ranker){.run = r, .group = g};
    group_ask(g, &k->ask);
    feasible_init(r, &k->feas, g);
    find_candidates(k);
    find_affinities(k);
    prepare_ports(k);
    k->distinct_hosts_job = wants_distinct_hosts(&r->job->constraints);
    k->distinct_hosts_group = wants_distinct_hosts(&g->constraints);
    spread_init(k);
    count_present(k);
    if (k->len)
        k->start = (uint32_t)(run_choice(r) % k->len);
    for (uint32_t i = 0; i < k->len; i++)
        first_look(k, i);
    k->dirty.len = 0;
    arena_on_end(r->a, ranker_done, k);
}

void ranker_done(void *ranker)
{
    struct ranker *k = ranker;

    vec_done(&k->dirty);
}

void ranker_moved(struct ranker *k, int32_t node, const char *group, int by)
{
    bool mine = same(group, k->group->name);
    struct candidate *c;

    if (node == NONE)
        return;
    spread_count(k, node, mine, by);
    if (k->cand_of[node] == NONE)
        return;
    c = &k->at[k->cand_of[node]];
    c->same_job = (uint16_t)(c->same_job + by);
    if (mine)
        c->same_group = (uint16_t)(c->same_group + by);
    if (!c->dirty)
        vec_push(&k->dirty, (uint32_t)k->cand_of[node]);
    c->dirty = true;
}

static bool is_avoided(const struct ranker *k, const struct candidate *c,
                       const struct select_opts *o)
{
    return o->avoid && strlist_has(o->avoid, k->run->s->nodes.at[c->node]->node->id);
}

static double final_score(const struct ranker *k, uint32_t i, const struct select_opts *o,
                          int *ret_parts)
{
    const struct candidate *c = &k->at[i];
    double sum = (double)c->sum, boost;
    int parts = c->parts;

    if (k->spreads.len) {
        boost = spread_boost(k, i);
        if (boost != 0) {
            sum += boost;
            parts++;
        }
    }
    if (is_avoided(k, c, o)) {
        sum -= 1;
        parts++;
    }
    *ret_parts = parts;
    return sum / parts;
}

double ranker_score(struct ranker *k, uint32_t cand, const struct select_opts *o,
                    int *ret_parts)
{
    float before = k->score[cand];
    double score;

    score_it(k, cand);
    score = final_score(k, cand, o, ret_parts);
    k->score[cand] = before;
    return score;
}

static void tally_to(struct arena *a, const struct tally *t, struct json **counts)
{
    for (uint32_t i = 0; i < t->len; i++)
        if (t->n[i])
            count_add(a, counts, t->why[i], t->n[i]);
}

/* The best few, best first. */
struct top {
    uint32_t cand[SCHED_SCORES_SHOWN];
    double score[SCHED_SCORES_SHOWN];
    uint32_t len;
};

static void top_add(struct top *t, uint32_t cand, double score)
{
    uint32_t i = t->len;

    if (t->len == SCHED_SCORES_SHOWN) {
        if (score <= t->score[t->len - 1])
            return;
        i = t->len - 1;
    } else {
        t->len++;
    }
    for (; i > 0 && t->score[i - 1] < score; i--) {
        t->cand[i] = t->cand[i - 1];
        t->score[i] = t->score[i - 1];
    }
    t->cand[i] = cand;
    t->score[i] = score;
}

static void scan_plain(const struct ranker *k, uint32_t from, uint32_t to, struct top *t)
{
    const float *score = k->score;
    float least = NOWHERE;

    for (uint32_t i = from; i < to; i++) {
        if (score[i] <= least)
            continue;
        top_add(t, i, (double)score[i]);
        if (t->len == SCHED_SCORES_SHOWN)
            least = (float)t->score[t->len - 1];
    }
}

/* With spreads. */
static void scan_blended(const struct ranker *k, uint32_t from, uint32_t to, struct top *t)
{
    const struct blend *blend = k->combinations.blend;
    float least = NOWHERE / PARTS_MAX;

    for (uint32_t i = from; i < to; i++) {
        const struct blend *b = &blend[k->cell[i]];
        float score = k->score[i] * b->mul + b->add;

        if (score <= least)
            continue;
        top_add(t, i, (double)score);
        if (t->len == SCHED_SCORES_SHOWN)
            least = (float)t->score[t->len - 1];
    }
}

/* Penalties concern few: these are looked at by themselves, and meanwhile out of the question.
 */
struct set_aside {
    uint32_t cand;
    float score;
};
typedef LIST(struct set_aside) aside_list;

static void set_aside(struct ranker *k, const struct select_opts *o, aside_list *aside)
{
    if (!o->avoid)
        return;
    list_each (o->avoid, id) {
        int32_t node = mirror_node(k->run->s, *id);
        int32_t i = node == NONE ? NONE : k->cand_of[node];

        if (i == NONE || k->score[i] <= NOWHERE)
            continue;
        list_push(k->run->a, aside, ((struct set_aside){(uint32_t)i, k->score[i]}));
        k->score[i] = NOWHERE;
    }
}

static void scan_fast(struct ranker *k, const struct select_opts *o, struct top *t)
{
    aside_list aside = {0};
    struct top exact = {0};
    int parts;

    set_aside(k, o, &aside);
    if (k->spreads.len) {
        spread_blend(k);
        scan_blended(k, k->start, k->len, t);
        scan_blended(k, 0, k->start, t);
    } else {
        scan_plain(k, k->start, k->len, t);
        scan_plain(k, 0, k->start, t);
    }
    for (uint32_t i = 0; i < t->len; i++)
        top_add(&exact, t->cand[i], final_score(k, t->cand[i], o, &parts));
    list_each (&aside, it) {
        k->score[it->cand] = it->score;
        top_add(&exact, it->cand, final_score(k, it->cand, o, &parts));
    }
    *t = exact;
}

static void scan_all(struct ranker *k, uint32_t from, uint32_t to, const struct select_opts *o,
                     struct tally *distinct, struct top *t)
{
    for (uint32_t i = from; i < to; i++) {
        const char *why;
        int parts;

        if (k->score[i] <= NOWHERE)
            continue;
        why = k->distincts.len ? distinct_problem(k, i) : NULL;
        if (why)
            tally_add(distinct, why, 1);
        else
            top_add(t, i, final_score(k, i, o, &parts));
    }
}

/*
 * What the alloc (or the failure) says of it.
 */
static struct str number_text(struct ranker *k, double v)
{
    uint64_t bits;
    struct number_text *t;

    if (v == 0)
        return STR("0");
    memcpy(&bits, &v, sizeof bits);
    t = &k->texts[(bits * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - NUMBER_TEXTS_BITS)];
    if (t->bits != bits) { /* nodes are much alike: most scores were written before */
        auto_buf struct buf b = BUF_INIT(64);
        struct json_out w;

        json_out_init(&w, &b, NULL);
        json_double(&w, v);
        *t = (struct number_text){bits, arena_str(k->run->a, buf_str(&b))};
    }
    return t->text;
}

static void part(struct ranker *k, struct json *to, const char *name, double v)
{
    json_set(k->run->a, to, str_of(name),
             (struct json){.type = JSON_NUMBER, .text = number_text(k, v)});
}

static void score_details(struct ranker *k, uint32_t i, double norm,
                          const struct select_opts *o, struct score_meta *ret)
{
    const struct candidate *c = &k->at[i];
    struct arena *a = k->run->a;
    struct json *parts = json_new_object(a);

    part(k, parts, "binpack", (double)fit_score(k, &k->run->s->hot.at[c->node]));
    part(k, parts, "job-anti-affinity", c->same_group ? anti_affinity(k, c) : 0);
    part(k, parts, "node-affinity", (double)c->affinity);
    part(k, parts, "node-reschedule-penalty", is_avoided(k, c, o) ? -1 : 0);
    if (k->spreads.len)
        part(k, parts, "allocation-spread", spread_boost(k, i));
    *ret =
        (struct score_meta){.node_id = arena_strdup(a, k->run->s->nodes.at[c->node]->node->id),
                            .scores = parts,
                            .norm_score = norm};
}

static void count_classes(const struct ranker *k, struct alloc_metric *m)
{
    for (uint32_t i = 0; i < k->len; i++) {
        const struct candidate *c = &k->at[i];
        const char *class = k->run->s->nodes.at[c->node]->node->node_class;

        if (empty(class))
            continue;
        if (c->infeasible)
            count_add(k->run->a, &m->class_filtered, class, 1);
        else if (c->short_of)
            count_add(k->run->a, &m->class_exhausted, class, 1);
    }
}

static void fill_metric(struct ranker *k, const struct top *t, const struct tally *distinct,
                        const struct select_opts *o, struct alloc_metric *m)
{
    struct arena *a = k->run->a;

    *m = (struct alloc_metric){.group = k->group->name,
                               .nodes_evaluated = k->len,
                               .nodes_filtered = k->filtered.total + distinct->total,
                               .nodes_in_pool = k->nodes_in_pool,
                               .nodes_available = k->nodes_available,
                               .nodes_exhausted = k->exhausted.total};
    tally_to(a, &k->filtered, &m->constraint_filtered);
    tally_to(a, distinct, &m->constraint_filtered);
    tally_to(a, &k->exhausted, &m->dimension_exhausted);
    for (uint32_t i = 0; i < t->len; i++)
        score_details(k, t->cand[i], t->score[i], o, list_add(a, &m->score_meta));
    if (t->len == 0)
        count_classes(k, m);
}

/* A job on every node asks about one at a time. */
static void select_one(struct ranker *k, const struct select_opts *o, struct selection *ret)
{
    int32_t i = k->cand_of[o->only_node];
    struct tally distinct = {0};
    struct top t = {0};

    if (i != NONE)
        scan_all(k, (uint32_t)i, (uint32_t)i + 1, o, &distinct, &t);
    fill_metric(k, &t, &distinct, o, &ret->metric);
    ret->metric.nodes_evaluated = 1;
    ret->metric.nodes_filtered = distinct.total;
    ret->metric.nodes_exhausted = i != NONE && k->at[i].short_of;
    ret->metric.constraint_filtered = ret->metric.dimension_exhausted = NULL;
    tally_to(k->run->a, &distinct, &ret->metric.constraint_filtered);
    if (ret->metric.nodes_exhausted)
        count_add(k->run->a, &ret->metric.dimension_exhausted, k->at[i].why, 1);
    ret->cand = t.len ? (int32_t)t.cand[0] : NONE;
}

void ranker_select(struct ranker *k, const struct select_opts *opts, struct selection *ret)
{
    struct tally distinct = {0};
    struct top t = {0};

    while (k->dirty.len)
        look_again(k, k->dirty.at[--k->dirty.len]);
    spread_prepare(k);
    if (opts->only_node != NONE) {
        select_one(k, opts, ret);
        return;
    }
    if (k->distincts.len == 0 && k->combinations.len) {
        scan_fast(k, opts, &t);
    } else {
        scan_all(k, k->start, k->len, opts, &distinct, &t);
        scan_all(k, 0, k->start, opts, &distinct, &t);
    }
    fill_metric(k, &t, &distinct, opts, &ret->metric);
    ret->cand = t.len ? (int32_t)t.cand[0] : NONE;
}

void ranker_chose(struct ranker *k, uint32_t cand, double score, double victims_score,
                  const struct select_opts *o, struct selection *ret)
{
    struct top t = {.cand = {cand}, .score = {score}, .len = 1};
    struct tally distinct = {0};

    ret->cand = (int32_t)cand;
    fill_metric(k, &t, &distinct, o, &ret->metric);
    part(k, ret->metric.score_meta.at[0].scores, "preemption", victims_score);
}
