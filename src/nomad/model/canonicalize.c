#include <ctype.h>

#include "nomad/model/connect.h"
#include "nomad/model/model_priv.h"

/*
 * The documented defaults, as objects; what a job does not say is taken from them.
 */
#define N(v) (&(int64_t){(v)})
#define Y(v) (&(bool){(v)})

enum { SECOND = 1000000000 };

static const struct restart_policy restart_service = {.attempts = N(2),
                                                      .interval_ns = N(1800LL * SECOND),
                                                      .delay_ns = N(15LL * SECOND),
                                                      .mode = "fail",
                                                      .render_templates = Y(false)};
static const struct restart_policy restart_batch = {.attempts = N(3),
                                                    .interval_ns = N(86400LL * SECOND),
                                                    .delay_ns = N(15LL * SECOND),
                                                    .mode = "fail",
                                                    .render_templates = Y(false)};

static const struct reschedule_policy reschedule_service = {.attempts = N(0),
                                                            .interval_ns = N(0),
                                                            .delay_ns = N(30LL * SECOND),
                                                            .delay_function = "exponential",
                                                            .max_delay_ns = N(3600LL * SECOND),
                                                            .unlimited = Y(true)};
static const struct reschedule_policy reschedule_batch = {.attempts = N(1),
                                                          .interval_ns = N(86400LL * SECOND),
                                                          .delay_ns = N(5LL * SECOND),
                                                          .delay_function = "constant",
                                                          .max_delay_ns = N(0),
                                                          .unlimited = Y(false)};
static const struct reschedule_policy reschedule_none = {.attempts = N(0),
                                                         .interval_ns = N(0),
                                                         .delay_ns = N(0),
                                                         .delay_function = "",
                                                         .max_delay_ns = N(0),
                                                         .unlimited = Y(false)};

static const struct update_strategy update_default = {.stagger_ns = N(30LL * SECOND),
                                                      .max_parallel = N(1),
                                                      .health_check = "checks",
                                                      .min_healthy_time_ns = N(10LL * SECOND),
                                                      .healthy_deadline_ns = N(300LL * SECOND),
                                                      .progress_deadline_ns = N(600LL * SECOND),
                                                      .canary = N(0),
                                                      .auto_revert = Y(false),
                                                      .auto_promote = Y(false)};
static const struct migrate_strategy migrate_default = {.max_parallel = N(1),
                                                        .health_check = "checks",
                                                        .min_healthy_time_ns = N(10LL * SECOND),
                                                        .healthy_deadline_ns =
                                                            N(300LL * SECOND)};

static const struct ephemeral_disk disk_default = {
    .sticky = Y(false), .migrate = Y(false), .size_mb = N(300)};
static const struct disconnect_strategy disconnect_default = {
    .lost_after_ns = N(0), .replace = Y(true), .reconcile = "best_score"};
static const struct log_config logs_default = {
    .max_files = N(10), .max_file_size_mb = N(10), .disabled = Y(false)};
static const struct vault_block vault_default = {.role = "",
                                                 .namespace = "",
                                                 .cluster = "default",
                                                 .env = Y(true),
                                                 .disable_file = Y(false),
                                                 .change_mode = "restart",
                                                 .change_signal = "SIGHUP",
                                                 .allow_token_expiration = Y(false)};
static const struct template template_default = {.source_path = "",
                                                 .dest_path = "",
                                                 .embedded_tmpl = "",
                                                 .change_mode = "restart",
                                                 .splay_ns = N(5LL * SECOND),
                                                 .perms = "0644",
                                                 .left_delim = "{{",
                                                 .right_delim = "}}",
                                                 .envvars = Y(false),
                                                 .vault_grace_ns = N(0),
                                                 .err_missing_key = Y(false)};
static const struct artifact artifact_default = {
    .source = "", .dest = "local/", .mode = "any", .insecure = Y(false)};
static const struct volume_mount mount_default = {.volume = "",
                                                  .destination = "",
                                                  .read_only = Y(false),
                                                  .propagation_mode = "private",
                                                  .selinux_label = ""};
static const struct periodic periodic_default = {.enabled = Y(true),
                                                 .spec = "",
                                                 .spec_type = "cron",
                                                 .prohibit_overlap = Y(false),
                                                 .time_zone = "UTC"};
static const struct job job_default = {.region = "global",
                                       .namespace = "default",
                                       .id = "",
                                       .parent_id = "",
                                       .type = "service",
                                       .priority = N(JOB_PRIORITY_DEFAULT),
                                       .all_at_once = Y(false),
                                       .node_pool = "",
                                       .consul_namespace = "",
                                       .vault_namespace = "",
                                       .nomad_token_id = "",
                                       .consul_token = "",
                                       .vault_token = "",
                                       .stop = Y(false),
                                       .stable = Y(false),
                                       .status = "",
                                       .status_description = "",
                                       .version = (&(uint64_t){0}),
                                       .create_index = (&(uint64_t){0}),
                                       .modify_index = (&(uint64_t){0}),
                                       .job_modify_index = (&(uint64_t){0})};

struct canon {
    struct arena *a;
    const struct job *job;
    const struct task_group *group;
    bool service, batch, system;
};

/* "" where a text has no meaning of its own. */
static void text_default(const char **s, const char *def)
{
    if (empty(*s))
        *s = def;
}

/* A list that is shown as [] even where nobody wrote one. */
#define give_empty(list) ((void)((list)->at = (list)->at ? (list)->at : SCHEMA_GIVEN_EMPTY))

static const char *upper(struct arena *a, const char *s)
{
    char *up = arena_strdup(a, s);

    for (char *p = up; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return up;
}

/*
 * Pieces.
 */
static void canon_placement(const struct canon *c, constraint_list *cs, affinity_list *as,
                            spread_list *ss)
{
    list_each (cs, it)
        text_default(&it->operand, "=");
    list_each (as, it) {
        text_default(&it->operand, "=");
        if (!it->weight)
            opt_set(c->a, &it->weight, 50);
    }
    if (ss)
        list_each (ss, it)
            if (!it->weight)
                opt_set(c->a, &it->weight, 50);
}

static void canon_resources(const struct canon *c, struct resources **at)
{
    struct resources *r = *at ? *at : arena_new_of(c->a, struct resources);

    *at = r;
    if (!r->cores)
        opt_set(c->a, &r->cores, 0);
    if (!r->cpu)
        opt_set(c->a, &r->cpu, *r->cores > 0 ? 0 : 100);
    if (!r->memory_mb)
        opt_set(c->a, &r->memory_mb, 300);
    list_each (&r->devices, it) {
        if (!it->count)
            opt_set(c->a, &it->count, 1);
        canon_placement(c, &it->constraints, &it->affinities, NULL);
    }
    if (r->numa)
        text_default(&r->numa->affinity, "none");
}

static void canon_mount(const struct canon *c, struct volume_mount *m)
{
    text_default(&m->propagation_mode, "private");
    fill_from(&volume_mount_schema, m, &mount_default, c->a);
}

static void canon_template(const struct canon *c, struct template *t)
{
    fill_from(&template_schema, t, &template_default, c->a);
    if (same(t->change_mode, "signal"))
        text_default(&t->change_signal, "SIGHUP");
    t->change_signal = upper(c->a, str_or_empty(t->change_signal));
    if (t->change_script) {
        struct change_script *s = t->change_script;

        text_default(&s->command, "");
        if (!s->timeout_ns)
            opt_set(c->a, &s->timeout_ns, 5LL * SECOND);
        if (!s->fail_on_error)
            opt_set(c->a, &s->fail_on_error, false);
    }
}

/* What a check does not say of its restarts, its service does. */
static void canon_check_restart(const struct canon *c, struct check_restart **check,
                                const struct check_restart *service)
{
    struct check_restart *r = *check;

    if (!r && service)
        *check = r = schema_copy(&check_restart_schema, service, c->a);
    if (!r)
        return;
    if (service) {
        r->limit = r->limit ? r->limit : service->limit;
        r->ignore_warnings = r->ignore_warnings || service->ignore_warnings;
        if (!r->grace_ns)
            r->grace_ns = service->grace_ns;
    }
    if (!r->grace_ns)
        opt_set(c->a, &r->grace_ns, SECOND);
}

static void canon_logs(const struct canon *c, struct log_config **at)
{
    struct log_config *l = *at ? *at : arena_new_of(c->a, struct log_config);

    *at = l;
    if (!l->disabled && l->enabled)
        opt_set(c->a, &l->disabled, !*l->enabled);
    fill_from(&log_config_schema, l, &logs_default, c->a);
}

static void canon_connect(const struct canon *c, struct connect *n)
{
    struct sidecar_task *t = n->sidecar_task;

    if (t) {
        canon_resources(c, &t->resources);
        canon_logs(c, &t->logs);
        if (!t->kill_timeout_ns)
            opt_set(c->a, &t->kill_timeout_ns, 5LL * SECOND);
        if (!t->shutdown_delay_ns)
            opt_set(c->a, &t->shutdown_delay_ns, 0);
        list_each (&t->volume_mounts, it)
            canon_mount(c, it);
    }
    if (n->gateway && n->gateway->proxy && !n->gateway->proxy->connect_timeout_ns)
        opt_set(c->a, &n->gateway->proxy->connect_timeout_ns, 5LL * SECOND);
}

static void canon_service(const struct canon *c, const struct task *t, struct service *s)
{
    if (empty(s->name))
        s->name = arena_printf(c->a, t ? "%s-%s-%s" : "%s-%s", str_or_empty(c->job->name),
                               str_or_empty(c->group->name), t ? str_or_empty(t->name) : "");
    text_default(&s->address_mode, "auto");
    text_default(&s->provider, "consul");
    text_default(&s->on_update, "require_healthy");
    text_default(&s->cluster, "default");
    if (s->connect)
        canon_connect(c, s->connect);
    canon_check_restart(c, &s->check_restart, NULL);
    list_each (&s->checks, it) {
        text_default(&it->on_update, s->on_update);
        canon_check_restart(c, &it->check_restart, s->check_restart);
    }
}

static void canon_consul(struct consul_block *b)
{
    text_default(&b->namespace, "");
    text_default(&b->partition, "");
    text_default(&b->cluster, "default");
}

/*
 * Task.
 */
static void canon_task(const struct canon *c, struct task *t)
{
    canon_placement(c, &t->constraints, &t->affinities, NULL);
    canon_resources(c, &t->resources);
    canon_logs(c, &t->logs);
    if (!t->kill_timeout_ns)
        opt_set(c->a, &t->kill_timeout_ns, 5LL * SECOND);
    if (!t->restart)
        t->restart = arena_new_of(c->a, struct restart_policy);
    fill_from(&restart_policy_schema, t->restart, c->group->restart, c->a);
    if (t->vault) {
        text_default(&t->vault->cluster, "default");
        fill_from(&vault_block_schema, t->vault, &vault_default, c->a);
    }
    if (t->consul)
        canon_consul(t->consul);
    list_each (&t->templates, it)
        canon_template(c, it);
    list_each (&t->artifacts, it) {
        text_default(&it->dest, "local/");
        text_default(&it->mode, "any");
        fill_from(&artifact_schema, it, &artifact_default, c->a);
    }
    if (t->csi_plugin && !t->csi_plugin->health_timeout_ns)
        opt_set(c->a, &t->csi_plugin->health_timeout_ns, 30LL * SECOND);
    list_each (&t->volume_mounts, it)
        canon_mount(c, it);
    list_each (&t->services, it)
        canon_service(c, t, it);
}

/*
 * Group.
 */
static void canon_group_policies(const struct canon *c, struct task_group *g)
{
    const struct job *j = c->job;
    struct arena *a = c->a;

    if (!g->restart)
        g->restart = arena_new_of(a, struct restart_policy);
    fill_from(&restart_policy_schema, g->restart, c->batch ? &restart_batch : &restart_service,
              a);

    if (!g->reschedule && !same(j->type, "system"))
        g->reschedule = arena_new_of(a, struct reschedule_policy);
    if (g->reschedule) {
        fill_from(&reschedule_policy_schema, g->reschedule, j->reschedule, a);
        fill_from(&reschedule_policy_schema, g->reschedule,
                  c->service               ? &reschedule_service
                  : same(j->type, "batch") ? &reschedule_batch
                                           : &reschedule_none,
                  a);
    }
    if (all_zero(&update_strategy_schema, g->update))
        g->update = NULL;
    if (!g->update && j->update)
        g->update = arena_new_of(a, struct update_strategy);
    if (g->update) {
        fill_from(&update_strategy_schema, g->update, j->update, a);
        fill_from(&update_strategy_schema, g->update, &update_default, a);
    }
    if (!g->migrate && (c->service || j->migrate))
        g->migrate = arena_new_of(a, struct migrate_strategy);
    if (g->migrate) {
        fill_from(&migrate_strategy_schema, g->migrate, j->migrate, a);
        fill_from(&migrate_strategy_schema, g->migrate, &migrate_default, a);
    }
}

static void canon_scaling(const struct canon *c, struct task_group *g)
{
    if (g->scaling) {
        struct scaling_policy *s = g->scaling;

        text_default(&s->type, "horizontal");
        if (!s->enabled)
            opt_set(c->a, &s->enabled, true);
        if (!g->count && s->min)
            opt_set(c->a, &g->count, *s->min);
    }
    if (!g->count)
        opt_set(c->a, &g->count, 1);
    if (g->scaling && !g->scaling->min)
        opt_set(c->a, &g->scaling->min, *g->count);
}

static void canon_group(struct canon *c, struct task_group *g)
{
    c->group = g;
    text_default(&g->name, "");
    canon_scaling(c, g);
    canon_placement(c, &g->constraints, &g->affinities, &g->spreads);
    canon_group_policies(c, g);
    if (!g->ephemeral_disk)
        g->ephemeral_disk = arena_new_of(c->a, struct ephemeral_disk);
    fill_from(&ephemeral_disk_schema, g->ephemeral_disk, &disk_default, c->a);
    if (g->disconnect)
        fill_from(&disconnect_strategy_schema, g->disconnect, &disconnect_default, c->a);
    if (!g->consul)
        g->consul = arena_new_of(c->a, struct consul_block);
    canon_consul(g->consul);
    if (!g->prevent_reschedule_on_lost)
        opt_set(c->a, &g->prevent_reschedule_on_lost, false);
    list_each (&g->services, it)
        canon_service(c, NULL, it);
    list_each (&g->tasks, it)
        canon_task(c, it);
}

static void canon_multiregion(struct job *j, struct arena *a)
{
    if (!j->multiregion)
        return;
    if (!j->multiregion->strategy)
        j->multiregion->strategy = arena_new_of(a, struct multiregion_strategy);
    if (!j->multiregion->strategy->max_parallel)
        opt_set(a, &j->multiregion->strategy->max_parallel, 0);
    text_default(&j->multiregion->strategy->on_failure, "");
    list_each (&j->multiregion->regions, it) {
        if (!it->count)
            opt_set(a, &it->count, 1);
        give_empty(&it->datacenters);
        give_empty(&it->meta);
    }
}

void job_canonicalize(struct job *j, struct arena *a)
{
    struct canon c = {.a = a, .job = j};

    text_default(&j->id, j->name);
    text_default(&j->name, j->id);
    text_default(&j->region, "global");
    text_default(&j->namespace, "default");
    text_default(&j->type, "service");
    fill_from(&job_schema, j, &job_default, a);
    c.service = same(j->type, "service");
    c.system = same(j->type, "system");
    c.batch = same(j->type, "batch") || same(j->type, "sysbatch");

    if (all_zero(&update_strategy_schema, j->update))
        j->update = NULL;
    if (!j->update && c.service)
        j->update = arena_new_of(a, struct update_strategy);
    if (j->update)
        fill_from(&update_strategy_schema, j->update, &update_default, a);
    if (j->migrate)
        fill_from(&migrate_strategy_schema, j->migrate, &migrate_default, a);
    if (j->periodic) {
        fill_from(&periodic_schema, j->periodic, &periodic_default, a);
        give_empty(&j->periodic->specs);
    }
    canon_multiregion(j, a);
    canon_placement(&c, &j->constraints, &j->affinities, &j->spreads);
    list_each (&j->groups, it)
        canon_group(&c, it);
}
