#include <ctype.h>

#include "nomad/model/model_priv.h"

/*
 * What a group's blocks need of a node, as constraints that show in `job inspect`.
 */
struct needs {
    struct arena *a;
    struct strlist signals, vault_clusters;
    bool consul, nomad_services, nomad_checks, identity, bridge;
};

static void need_text(struct needs *n, struct strlist *l, const char *s)
{
    if (!strlist_has(l, s))
        list_push(n->a, l, s);
}

static void need_signal(struct needs *n, const char *signal)
{
    char *up = arena_strdup(n->a, signal);

    for (char *p = up; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    if (*up)
        need_text(n, &n->signals, up);
}

static void service_needs(struct needs *n, const struct service *s)
{
    n->consul = n->consul || same(s->provider, "consul");
    n->nomad_services = n->nomad_services || same(s->provider, "nomad");
    n->nomad_checks = n->nomad_checks || (same(s->provider, "nomad") && s->checks.len);
}

static void task_needs(struct needs *n, const struct task *t)
{
    if (t->vault) {
        need_text(n, &n->vault_clusters, t->vault->cluster);
        if (same(t->vault->change_mode, "signal"))
            need_signal(n, t->vault->change_signal);
    }
    need_signal(n, t->kill_signal);
    list_each (&t->templates, it)
        if (same(it->change_mode, "signal"))
            need_signal(n, it->change_signal);
    list_each (&t->services, it)
        service_needs(n, it);
    n->identity = n->identity || t->identities.len > 0;
}

static bool has_target(const struct task_group *g, const char *ltarget)
{
    list_each (&g->constraints, it)
        if (same(it->ltarget, ltarget))
            return true;
    return false;
}

static void imply(struct needs *n, struct task_group *g, const char *l, const char *operand,
                  const char *r)
{
    struct constraint c = {.ltarget = l, .rtarget = r, .operand = operand};

    if (!has_target(g, l))
        list_push(n->a, &g->constraints, c);
}

static void imply_signals(struct needs *n, struct task_group *g)
{
    auto_buf struct buf b = BUF_INIT(64 << 10);

    if (n->signals.len == 0)
        return;
    strlist_sort_unique(&n->signals);
    for (size_t i = 0; i < n->signals.len; i++)
        buf_printf(&b, "%s%s", i ? "," : "", n->signals.at[i]);
    imply(n, g, "${attr.os.signals}", "set_contains", arena_cstr(n->a, buf_str(&b)));
}

static void imply_bridge(struct needs *n, struct task_group *g)
{
    static const char *const plugins[] = {"bridge", "firewall", "host-local", "loopback",
                                          "portmap"};

    for (size_t i = 0; n->bridge && i < ARRAY_LEN(plugins); i++)
        imply(n, g, arena_printf(n->a, "${attr.plugins.cni.version.%s}", plugins[i]), "semver",
              ">= 0.4.0");
}

static void imply_all(struct task_group *g, struct arena *a)
{
    struct needs n = {.a = a};

    list_each (&g->tasks, it)
        task_needs(&n, it);
    list_each (&g->services, it)
        service_needs(&n, it);
    list_each (&g->networks, it)
        n.bridge = n.bridge || same(it->mode, "bridge");

    list_each (&n.vault_clusters, it) {
        if (same(*it, "default"))
            imply(&n, g, "${attr.vault.version}", "semver", ">= 0.6.1");
        else
            imply(&n, g, arena_printf(a, "${attr.vault.%s.version}", *it), "semver",
                  ">= 1.11.0");
    }
    imply_signals(&n, g);
    if (n.nomad_services)
        imply(&n, g, "${attr.nomad.service_discovery}", "=", "true");
    if (n.nomad_checks)
        imply(&n, g, "${attr.nomad.version}", "semver", ">= 1.4.0");
    if (n.consul)
        imply(&n, g, "${attr.consul.version}", "semver", ">= 1.8.0");
    if (n.identity)
        imply(&n, g, "${attr.nomad.version}", "semver", ">= 1.7.0-a");
    imply_bridge(&n, g);
}

/*
 * Names that stand for others in a service's name, the default name of a check.
 */
struct service_names {
    const struct job *job;
    const struct task_group *group;
    const struct task *task;
    struct arena *a;
};

static const char *service_name_part(void *ctx, struct str name)
{
    const struct service_names *n = ctx;
    const char *task = n->task ? n->task->name : NULL;

    if (str_eqc(name, "JOB"))
        return n->job->name;
    if (str_eqc(name, "TASKGROUP"))
        return n->group->name;
    if (str_eqc(name, "TASK"))
        return task;
    if (!str_eqc(name, "BASE"))
        return NULL;
    return arena_printf(n->a, task ? "%s-%s-%s" : "%s-%s", n->job->name, n->group->name,
                        task ? task : "");
}

static void finish_services(const struct job *j, const struct task_group *g,
                            const struct task *t, service_list *services, struct arena *a)
{
    struct service_names names = {j, g, t, a};

    list_each (services, s) {
        s->name = interpolate(s->name, service_name_part, &names, a);
        list_each (&s->checks, it)
            if (empty(it->name))
                it->name = arena_printf(a, "service: \"%s\" check", s->name);
    }
}

static void finish_task(const struct job *j, const struct task_group *g, struct task *t,
                        struct arena *a)
{
    if (!t->identity)
        t->identity = arena_new_of(a, struct workload_identity);
    t->identity->name = "default";
    if (!strlist_has(&t->identity->audience, "nomadproject.io"))
        list_push(a, &t->identity->audience, "nomadproject.io");
    finish_services(j, g, t, &t->services, a);
    schema_forget_empty(&t->env);
    schema_forget_empty(&t->meta);
    if (json_is(t->config, JSON_OBJECT) && t->config->len == 0)
        t->config = NULL;
}

static void finish_networks(network_list *networks)
{
    list_each (networks, it) {
        if (empty(it->mode))
            it->mode = "host";
        list_each (&it->reserved_ports, p)
            if (empty(p->host_network))
                p->host_network = "default";
        list_each (&it->dynamic_ports, p)
            if (empty(p->host_network))
                p->host_network = "default";
    }
}

static void finish_group(const struct job *j, struct task_group *g, struct arena *a)
{
    finish_networks(&g->networks);
    schema_forget_empty(&g->meta);
    list_each (&g->tasks, it)
        finish_task(j, g, it, a);
    finish_services(j, g, NULL, &g->services, a);
    if (g->scaling) {
        struct strmap target = {0}, *box = &g->scaling->target;

        strmap_set(a, &target, "Namespace", j->namespace);
        strmap_set(a, &target, "Job", j->id);
        strmap_set(a, &target, "Group", g->name);
        *box = target;
    }
    imply_all(g, a);
}

/* Of a job's own update block the server keeps what the groups do not have. */
static void finish_update(struct job *j, struct arena *a)
{
    struct update_strategy *u = arena_new_of(a, struct update_strategy);

    if (j->update) {
        u->stagger_ns = j->update->stagger_ns;
        u->max_parallel = j->update->max_parallel;
    }
    j->update = u;
}

static void finish_identity(struct job *j, const struct job_finish_opts *o, struct arena *a)
{
    if (empty(j->region) || (same(j->region, "global") && o->region))
        j->region = o->region ? o->region : "global";
    if (empty(j->node_pool))
        j->node_pool = o->default_node_pool ? o->default_node_pool : "default";
    if (OPT(j->priority) == 0) /* a job file may say so, the server does not take it so */
        opt_set(a, &j->priority, JOB_PRIORITY_DEFAULT);
    if (j->datacenters.len == 0)
        list_push(a, &j->datacenters, "*");
    j->consul_token = "";
    j->vault_token = "";
    j->reschedule = NULL;
    j->migrate = NULL;
}

void job_finish(struct job *j, const struct job_finish_opts *opts, struct arena *a)
{
    static const struct job_finish_opts none;

    finish_identity(j, opts ? opts : &none, a);
    finish_update(j, a);
    schema_forget_empty(&j->meta);
    fill_nulls(&job_schema, j, a);
    list_each (&j->groups, it)
        finish_group(j, it, a);
    fill_nulls(&job_schema, j, a); /* what was added just now */
}

int job_from_json(const struct json *v, struct arena *a, struct job *ret, struct err *e)
{
    return schema_decode(&job_schema, v, SCHEMA_NOCASE | SCHEMA_UNKNOWN_OK | SCHEMA_NO_DEFAULTS,
                         a, ret, e);
}
