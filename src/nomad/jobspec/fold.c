#include <stdlib.h>

#include "nomad/jobspec/jobspec_priv.h"

/*
 * What a job file may write shorter than the API has it.
 */

struct shorthand {
    const char *operand, *value;
};

static const char *bool_text(const bool *b)
{
    return !b ? NULL : *b ? "true" : "false";
}

/* The last one given wins, as it does in the file format's own order. */
static void take_shorthand(const struct shorthand *s, size_t n, const char **operand,
                           const char **rtarget)
{
    for (size_t i = 0; i < n; i++) {
        if (!s[i].value || !*s[i].value)
            continue;
        *operand = s[i].operand;
        *rtarget = s[i].value;
    }
    if (!*operand || !**operand)
        *operand = "=";
}

static void fold_constraint(struct constraint *c)
{
    const struct shorthand s[] = {
        {"version", c->hcl_version},
        {"semver", c->hcl_semver},
        {"regexp", c->hcl_regexp},
        {"set_contains", c->hcl_set_contains},
        {"set_contains_all", c->hcl_set_contains_all},
        {"set_contains_any", c->hcl_set_contains_any},
        {"distinct_hosts", bool_text(c->hcl_distinct_hosts)},
    };

    take_shorthand(s, ARRAY_LEN(s), &c->operand, &c->rtarget);
    if (c->hcl_distinct_property && *c->hcl_distinct_property) {
        c->operand = "distinct_property";
        c->ltarget = c->hcl_distinct_property;
    }
    if (c->hcl_is_set && *c->hcl_is_set)
        c->operand = "is_set";
    if (c->hcl_is_not_set && *c->hcl_is_not_set)
        c->operand = "is_not_set";
}

static void fold_affinity(struct affinity *f)
{
    const struct shorthand s[] = {
        {"version", f->hcl_version},
        {"semver", f->hcl_semver},
        {"regexp", f->hcl_regexp},
        {"set_contains", f->hcl_set_contains},
        {"set_contains_all", f->hcl_set_contains_all},
        {"set_contains_any", f->hcl_set_contains_any},
    };

    take_shorthand(s, ARRAY_LEN(s), &f->operand, &f->rtarget);
}

static void fold_constraints(constraint_list *c, affinity_list *f)
{
    list_each (c, it)
        fold_constraint(it);
    list_each (f, it)
        fold_affinity(it);
}

/* A port with a number is reserved, one without is chosen at placement. */
static void fold_networks(network_list *networks, struct arena *a)
{
    list_each (networks, n) {
        list_each (&n->hcl_ports, p) {
            if (p->value > 0)
                list_push(a, &n->reserved_ports, *p);
            else
                list_push(a, &n->dynamic_ports, *p);
        }
        n->hcl_ports.at = NULL;
        n->hcl_ports.len = 0;
    }
}

static void fold_identities(struct task *t, struct arena *a)
{
    if (t->hcl_identities.len) /* shown as [] even if none of them has a name */
        t->identities.at = SCHEMA_GIVEN_EMPTY;
    list_each (&t->hcl_identities, id) {
        if (id->name && *id->name && strcmp(id->name, "default") != 0) {
            list_push(a, &t->identities, *id);
        } else {
            t->identity = arena_new_of(a, struct workload_identity);
            *t->identity = *id;
        }
    }
    t->hcl_identities.at = NULL;
    t->hcl_identities.len = 0;
}

static void fold_scaling(struct task *t)
{
    list_each (&t->scaling, s) {
        if (!s->hcl_label)
            continue;
        s->type = strcmp(s->hcl_label, "cpu") == 0 ? "vertical_cpu" : "vertical_mem";
        s->hcl_label = NULL;
    }
}

static int by_key(const void *x, const void *y)
{
    const struct json_member *a = x, *b = y;

    return str_cmp(a->key, b->key);
}

/* Members in order of their keys, as the API shows a map. No deeper than what was parsed. */
static void sort_members(struct json *v)
{
    for (uint32_t i = 0; v->type == JSON_ARRAY && i < v->len; i++)
        sort_members(&v->items[i]);
    if (v->type != JSON_OBJECT || v->len == 0)
        return;
    qsort(v->members, v->len, sizeof *v->members, by_key);
    for (uint32_t i = 0; i < v->len; i++)
        sort_members(&v->members[i].value);
}

/* The API shows `x = {...}` in a driver's configuration as it shows a block: one of a list. */
static void fold_config(struct json *config, struct arena *a)
{
    for (uint32_t i = 0; json_is(config, JSON_OBJECT) && i < config->len; i++) {
        struct json *v = &config->members[i].value, *list;

        if (v->type != JSON_OBJECT)
            continue;
        list = json_new_array(a);
        json_push(a, list, *v);
        *v = *list;
    }
    if (config)
        sort_members(config);
}

static void fold_task(struct task *t, struct vault_block *vault, struct arena *a)
{
    fold_constraints(&t->constraints, &t->affinities);
    if (t->resources) {
        fold_networks(&t->resources->networks, a);
        list_each (&t->resources->devices, d)
            fold_constraints(&d->constraints, &d->affinities);
    }
    fold_config(t->config, a);
    fold_identities(t, a);
    fold_scaling(t);
    if (t->lifecycle && !t->lifecycle->sidecar && !(t->lifecycle->hook && *t->lifecycle->hook))
        t->lifecycle = NULL; /* an empty block says nothing */
    if (!t->vault)
        t->vault = vault;
}

static void fold_group(struct task_group *tg, struct vault_block *job_vault, struct arena *a)
{
    struct vault_block *vault = tg->hcl_vault ? tg->hcl_vault : job_vault;

    fold_constraints(&tg->constraints, &tg->affinities);
    fold_networks(&tg->networks, a);
    if (tg->scaling)
        tg->scaling->type =
            tg->scaling->type && *tg->scaling->type ? tg->scaling->type : "horizontal";
    list_each (&tg->tasks, t)
        fold_task(t, vault, a);
    tg->hcl_vault = NULL;
}

/* A task of the job itself is the only one of a group with its name. */
static void wrap_tasks(struct job *j, struct arena *a)
{
    list_each (&j->hcl_tasks, t) {
        struct task_group *tg = list_add(a, &j->groups);

        schema_defaults(&task_group_schema, a, tg);
        tg->name = t->name;
        tg->count = arena_new_of(a, int64_t);
        *tg->count = 1;
        list_push(a, &tg->tasks, *t);
    }
    j->hcl_tasks.at = NULL;
    j->hcl_tasks.len = 0;
}

void jobspec_fold(struct job *j, struct arena *a)
{
    fold_constraints(&j->constraints, &j->affinities);
    wrap_tasks(j, a);
    list_each (&j->groups, tg)
        fold_group(tg, j->hcl_vault, a);
    j->hcl_vault = NULL;
}
