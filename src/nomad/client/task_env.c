/*
 * A task's environment. Later wins: NOMAD_*, meta, the agent's own environment (less what is
 * on the deny list), the task's `env` block, what hooks add.
 */
#include <inttypes.h>

#include "nomad/client/client_priv.h"

extern char **environ;

static const char *const denied[] = {
    "CONSUL_TOKEN",
    "CONSUL_HTTP_TOKEN",
    "CONSUL_HTTP_TOKEN_FILE",
    "NOMAD_TOKEN",
    "VAULT_TOKEN",
    "CONSUL_LICENSE",
    "NOMAD_LICENSE",
    "VAULT_LICENSE",
    "CONSUL_LICENSE_PATH",
    "NOMAD_LICENSE_PATH",
    "VAULT_LICENSE_PATH",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_METADATA_URL",
    "NOTIFY_SOCKET",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
};

struct env_build {
    struct arena *a;
    struct strmap *m;
};

/* An empty value is not set at all, as tasks know it. */
static void put(struct env_build *b, const char *key, const char *value)
{
    if (!is_empty(value))
        strmap_set(b->a, b->m, arena_strdup(b->a, key), arena_strdup(b->a, value));
}

static void putf(struct env_build *b, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void putf(struct env_build *b, const char *key, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(b, key, arena_vprintf(b->a, fmt, ap));
    va_end(ap);
}

/* "PREFIX" + label, with what a shell cannot name made "_". */
static const char *key_of(struct arena *a, const char *prefix, const char *label, bool upper)
{
    char *key = arena_printf(a, "%s%s", prefix, label);

    for (char *p = key + strlen(prefix); *p; p++) {
        bool word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || *p == '_';

        if (!word)
            *p = '_';
        else if (upper && *p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    }
    return key;
}

static void put_dirs(struct env_build *b, const struct task_run *t)
{
    put(b, "NOMAD_ALLOC_DIR", t->ar->shared_dir);
    put(b, "NOMAD_TASK_DIR", t->local_dir);
    put(b, "NOMAD_SECRETS_DIR", t->secrets_dir);
}

static void put_names(struct env_build *b, const struct task_run *t, const struct alloc *al,
                      const struct node *n)
{
    const struct job *j = al->job;
    int64_t index = alloc_name_index(str_or_empty(al->name));

    put(b, "NOMAD_ALLOC_ID", al->id);
    putf(b, "NOMAD_SHORT_ALLOC_ID", "%.8s", al->id);
    put(b, "NOMAD_ALLOC_NAME", al->name);
    if (index >= 0)
        putf(b, "NOMAD_ALLOC_INDEX", "%" PRId64, index);
    put(b, "NOMAD_TASK_NAME", t->name);
    put(b, "NOMAD_GROUP_NAME", al->task_group);
    put(b, "NOMAD_JOB_ID", j->id);
    put(b, "NOMAD_JOB_NAME", j->name);
    put(b, "NOMAD_JOB_PARENT_ID", j->parent_id);
    put(b, "NOMAD_DC", n->datacenter);
    put(b, "NOMAD_REGION", t->ar->c->o.region);
    put(b, "NOMAD_NAMESPACE", str_or_empty(al->namespace));
    put(b, "NOMAD_PARENT_CGROUP", n->cgroup_parent);
}

static const struct alloc_task_resources *task_resources(const struct alloc *al,
                                                         const char *task)
{
    if (al->resources)
        for (size_t i = 0; i < al->resources->tasks.len; i++)
            if (same(al->resources->tasks.at[i].name, task))
                return &al->resources->tasks.at[i];
    return NULL;
}

static void put_limits(struct env_build *b, const struct task_run *t, const struct alloc *al)
{
    const struct alloc_task_resources *r = task_resources(al, t->name);
    auto_buf struct buf cores = BUF_INIT(8192);

    if (!r)
        return;
    if (r->memory.memory_mb > 0)
        putf(b, "NOMAD_MEMORY_LIMIT", "%" PRId64, r->memory.memory_mb);
    if (r->memory.memory_max_mb > 0)
        putf(b, "NOMAD_MEMORY_MAX_LIMIT", "%" PRId64, r->memory.memory_max_mb);
    if (r->cpu.cpu_shares > 0)
        putf(b, "NOMAD_CPU_LIMIT", "%" PRId64, r->cpu.cpu_shares);
    for (uint32_t i = 0;
         json_is(r->cpu.reserved_cores, JSON_ARRAY) && i < r->cpu.reserved_cores->len; i++)
        buf_printf(&cores, "%s%" PRId64, i ? "," : "",
                   json_i64_or(&r->cpu.reserved_cores->items[i], 0));
    strmap_set(b->a, b->m, "NOMAD_CPU_CORES", arena_cstr(b->a, buf_str(&cores))); /* "" too */
}

/* The group's ports: host networking, so inside and outside are the same. */
static void put_port(struct env_build *b, const struct alloc_port *p)
{
    int64_t inside = p->to > 0 ? p->to : p->value;
    const char *ip = str_or_empty(p->host_ip);

#define KEY(prefix) key_of(b->a, prefix, str_or_empty(p->label), false)
    put(b, KEY("NOMAD_IP_"), ip);
    put(b, KEY("NOMAD_HOST_IP_"), ip);
    putf(b, KEY("NOMAD_PORT_"), "%" PRId64, inside);
    putf(b, KEY("NOMAD_ALLOC_PORT_"), "%" PRId64, inside);
    putf(b, KEY("NOMAD_HOST_PORT_"), "%" PRId64, p->value);
    if (*ip) {
        putf(b, KEY("NOMAD_ADDR_"), "%s:%" PRId64, ip, p->value);
        putf(b, KEY("NOMAD_HOST_ADDR_"), "%s:%" PRId64, ip, p->value);
    }
#undef KEY
}

/* Ports in a task's own network block (the older form). */
static void put_task_ports(struct env_build *b, const struct network *n, const char *prefix)
{
    const port_list *const lists[] = {&n->reserved_ports, &n->dynamic_ports};

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (size_t k = 0; k < lists[i]->len; k++) {
            const struct port *p = &lists[i]->at[k];
            const char *label = arena_printf(b->a, "%s%s", prefix, str_or_empty(p->label));

            put(b, key_of(b->a, "NOMAD_IP_", label, false), n->ip);
            putf(b, key_of(b->a, "NOMAD_PORT_", label, false), "%" PRId64, p->value);
            putf(b, key_of(b->a, "NOMAD_ADDR_", label, false), "%s:%" PRId64,
                 str_or_empty(n->ip), p->value);
        }
    }
}

static void put_ports(struct env_build *b, const struct task_run *t, const struct alloc *al)
{
    if (!al->resources)
        return;
    for (size_t i = 0; i < al->resources->shared.ports.len; i++)
        put_port(b, &al->resources->shared.ports.at[i]);
    for (size_t i = 0; i < al->resources->tasks.len; i++) {
        const struct alloc_task_resources *r = &al->resources->tasks.at[i];
        bool own = same(r->name, t->name);
        const char *prefix = own ? "" : arena_printf(b->a, "%s_", str_or_empty(r->name));

        for (size_t k = 0; k < r->networks.len; k++)
            put_task_ports(b, &r->networks.at[k], prefix);
    }
}

static void put_meta(struct env_build *b, const struct task *spec, const struct alloc *al,
                     interpolate_lookup *lookup, void *names)
{
    struct strmap meta = {0};

    task_meta(al->job, alloc_group(al), spec, b->a, &meta);
    for (size_t i = 0; i < meta.len; i++) {
        const char *value = interpolate(str_or_empty(meta.at[i].val), lookup, names, b->a);

        put(b, key_of(b->a, "NOMAD_META_", meta.at[i].key, false), value);
        put(b, key_of(b->a, "NOMAD_META_", meta.at[i].key, true), value);
    }
}

static bool is_denied(struct str key, const char *option)
{
    struct str rest = str_of(option), item;

    if (is_empty(option)) {
        for (size_t i = 0; i < ARRAY_LEN(denied); i++)
            if (str_eq_nocase(key, str_of(denied[i])))
                return true;
        return false;
    }
    while (str_split(&rest, ',', &item))
        if (str_eq_nocase(key, str_trim(item)))
            return true;
    return false;
}

static void put_host(struct env_build *b, const struct nomad_client *c)
{
    const char *option = strmap_get(&c->o.options, "env.denylist");

    if (!option)
        option = strmap_get(&c->o.options, "env.blacklist");
    for (char **p = environ; *p; p++) {
        struct str rest = str_of(*p), key;

        if (str_chr(rest, '=') <= 0)
            continue;
        str_split(&rest, '=', &key);
        if (!is_denied(key, option))
            put(b, arena_cstr(b->a, key), arena_cstr(b->a, rest));
    }
}

/* Values are seen as they stood before the block, so its order does not matter. */
static void put_block(struct env_build *b, const struct task *spec, const struct node *n,
                      const char *region)
{
    struct strmap before = {.at = arena_array(b->a, struct strpair, b->m->len + 1),
                            .len = b->m->len};
    struct task_names names = {.node = n, .env = &before, .region = region};

    for (size_t i = 0; i < b->m->len; i++)
        before.at[i] = b->m->at[i];
    for (size_t i = 0; i < spec->env.len; i++) {
        const char *key = interpolate(spec->env.at[i].key, task_names_lookup, &names, b->a);

        strmap_set(
            b->a, b->m, key,
            interpolate(str_or_empty(spec->env.at[i].val), task_names_lookup, &names, b->a));
    }
}

static void put_vault(struct env_build *b, struct task_run *t, const struct task *spec)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    if (!spec->vault || !t->token.token || (spec->vault->env && !*spec->vault->env))
        return;
    put(b, "VAULT_TOKEN", t->token.token);
    put(b, "VAULT_NAMESPACE",
        is_empty(t->token.namespace_) ? spec->vault->namespace : t->token.namespace_);
}

void task_env_build(struct task_run *t, struct arena *a, struct strmap *ret)
{
    auto_object struct object *node = node_ref(t->ar->c);
    const struct alloc *al = alloc_of(t->alloc);
    const struct task *spec = task_spec(t);
    struct env_build b = {a, ret};
    struct task_names names = {.node = node->body, .env = ret, .region = t->ar->c->o.region};

    *ret = (struct strmap){0};
    put_dirs(&b, t);
    put_names(&b, t, al, node->body);
    put_limits(&b, t, al);
    put_ports(&b, t, al);
    put_meta(&b, spec, al, task_names_lookup, &names);
    put_host(&b, t->ar->c);
    put_block(&b, spec, node->body, t->ar->c->o.region);
    put_vault(&b, t, spec);
}
