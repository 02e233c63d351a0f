#include "nomad/model/namespace.h"

#include "base/err.h"
#include "nomad/model/model_priv.h"

static const struct schema_field capability_fields[] = {
    {"DisabledNetworkModes", NULL, F_STRLIST, AT(namespace_capabilities, disabled_networks),
     .flags = FIELD_NULLEMPTY, .max = 100},
    {"DisabledTaskDrivers", NULL, F_STRLIST, AT(namespace_capabilities, disabled_drivers),
     .flags = FIELD_NULLEMPTY, .max = 100},
    {"EnabledNetworkModes", NULL, F_STRLIST, AT(namespace_capabilities, enabled_networks),
     .flags = FIELD_NULLEMPTY, .max = 100},
    {"EnabledTaskDrivers", NULL, F_STRLIST, AT(namespace_capabilities, enabled_drivers),
     .flags = FIELD_NULLEMPTY, .max = 100},
};
static SCHEMA(capabilities_schema, "capabilities", struct namespace_capabilities,
              capability_fields);

static const struct schema_field namespace_fields[] = {
    {"Capabilities", NULL, F_OBJ, AT(namespace_body, capabilities),
     .sub = &capabilities_schema},
    {"ConsulConfiguration", NULL, F_JSON, AT(namespace_body, consul)},
    {"CreateIndex", NULL, F_UINT, AT(namespace_body, create_index)},
    {"Description", NULL, F_STR, AT(namespace_body, description), .def = "\"\""},
    {"Hash", NULL, F_STR, AT(namespace_body, hash)},
    {"Meta", NULL, F_STRMAP, AT(namespace_body, meta), .flags = FIELD_NULLEMPTY, .max = 1000},
    {"ModifyIndex", NULL, F_UINT, AT(namespace_body, modify_index)},
    {"Name", NULL, F_STR, AT(namespace_body, name), .def = "\"\""},
    {"NodePoolConfiguration", NULL, F_JSON, AT(namespace_body, pools)},
    {"Quota", NULL, F_STR, AT(namespace_body, quota), .def = "\"\""},
    {"VaultConfiguration", NULL, F_JSON, AT(namespace_body, vault)},
};
SCHEMA(namespace_schema, "namespace", struct namespace_body, namespace_fields);

static const struct schema_field scheduling_fields[] = {
    {"MemoryOversubscriptionEnabled", NULL, F_BOOL,
     AT(pool_scheduling, memory_oversubscription), .flags = FIELD_PTR},
    {"SchedulerAlgorithm", NULL, F_STR, AT(pool_scheduling, algorithm), .def = "\"\""},
};
static SCHEMA(scheduling_schema, "scheduler configuration", struct pool_scheduling,
              scheduling_fields);

static const struct schema_field pool_fields[] = {
    {"CreateIndex", NULL, F_UINT, AT(node_pool, create_index)},
    {"Description", NULL, F_STR, AT(node_pool, description), .def = "\"\""},
    {"Hash", NULL, F_STR, AT(node_pool, hash)},
    {"Meta", NULL, F_STRMAP, AT(node_pool, meta), .flags = FIELD_NULLEMPTY, .max = 1000},
    {"ModifyIndex", NULL, F_UINT, AT(node_pool, modify_index)},
    {"Name", NULL, F_STR, AT(node_pool, name), .def = "\"\""},
    {"SchedulerConfiguration", NULL, F_OBJ, AT(node_pool, scheduling),
     .sub = &scheduling_schema},
};
SCHEMA(node_pool_schema, "node pool", struct node_pool, pool_fields);

/* ---- what is always there --------------------------------------------------------------- */

void namespace_default(struct namespace_body *ret)
{
    *ret = (struct namespace_body){.name = DEFAULT_NAMESPACE,
                                   .description = "Default shared namespace",
                                   .quota = "",
                                   /* what every server of the API says of it as it is made */
                                   .hash = "C7UbjDwBK0dK8wQq7Izg7SJIzaV+lIo2X7wRtzY3pSw=",
                                   .create_index = 1,
                                   .modify_index = 1};
}

bool node_pool_is_builtin(const char *name)
{
    return same(name, POOL_ALL) || same(name, POOL_DEFAULT);
}

void node_pool_builtin(const char *name, struct node_pool *ret)
{
    bool all = same(name, POOL_ALL);

    *ret = (struct node_pool){.name = all ? POOL_ALL : POOL_DEFAULT,
                              .description = all ? "Node pool with all nodes in the cluster."
                                                 : "Default node pool.",
                              .create_index = 1,
                              .modify_index = 1};
}

/* ---- what they may be ------------------------------------------------------------------- */

bool name_is_plain(const char *name, const char *more, size_t max)
{
    size_t len = strlen(str_or_empty(name));

    if (len == 0 || len > max)
        return false;
    for (const char *p = name; *p; p++) {
        bool word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || *p == '-';

        if (!word && !strchr(more, *p))
            return false;
    }
    return true;
}

static bool has_long_description(const char *text)
{
    return strlen(str_or_empty(text)) > DESCRIPTION_MAX_BYTES;
}

int namespace_check(const struct namespace_body *n, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    const char *name = str_or_empty(n->name);
    struct problem_list p = {.arena = a};

    if (!name_is_plain(name, "", NAMESPACE_NAME_MAX))
        list_push(a, &p.at,
                  arena_printf(a, "invalid name \"%s\". Must match regex ^[a-zA-Z0-9-]{1,128}$",
                               name));
    if (has_long_description(n->description))
        list_push(a, &p.at, "description longer than 256");
    if (n->pools || n->vault || n->consul)
        list_push(a, &p.at,
                  "configurations of node pools, Vault and Consul are features of Nomad "
                  "Enterprise");
    if (!empty(n->quota))
        list_push(a, &p.at, "quotas are a feature of Nomad Enterprise");
    return p.at.len ? err_set(e, ERR_INVALID, "Invalid namespace \"%s\": %s", name,
                              problem_list_text(a, &p))
                    : 0;
}

int node_pool_check(const struct node_pool *p, struct err *e)
{
    const char *name = str_or_empty(p->name);
    const char *algorithm = p->scheduling ? str_or_empty(p->scheduling->algorithm) : "";

    if (!name_is_plain(name, "_", NAMESPACE_NAME_MAX))
        return err_set(
            e, ERR_INVALID,
            "invalid node pool: invalid name \"%s\", must match regex ^[a-zA-Z0-9-_]{1,128}$",
            name);
    if (has_long_description(p->description))
        return err_set(e, ERR_INVALID, "invalid node pool: description longer than 256");
    if (*algorithm && !same(algorithm, "binpack") && !same(algorithm, "spread"))
        return err_set(e, ERR_INVALID, "invalid node pool: invalid scheduler algorithm: %s",
                       algorithm);
    return 0;
}

/* ---- what a namespace lets in ----------------------------------------------------------- */

static bool is_allowed(const struct strlist *enabled, const struct strlist *disabled,
                       const char *what)
{
    return (enabled->len == 0 || strlist_has(enabled, what)) && !strlist_has(disabled, what);
}

static const char *refuse(struct arena *a, const struct namespace_body *n, const char *kind,
                          struct strlist *names)
{
    const char *text = "";

    if (names->len == 0)
        return NULL;
    strlist_sort_unique(names);
    if (names->len == 1)
        return arena_printf(a, "used %s \"%s\" is not allowed in namespace \"%s\"", kind,
                            names->at[0], n->name);
    for (size_t i = 0; i < names->len; i++)
        text = arena_printf(a, "%s%s\"%s\"", text, i ? " " : "", names->at[i]);
    return arena_printf(a, "used %ss [%s] are not allowed in namespace \"%s\"", kind, text,
                        n->name);
}

const char *namespace_refusal(const struct namespace_body *n, const struct job *j,
                              struct arena *a)
{
    const struct namespace_capabilities *c = n->capabilities;
    struct strlist drivers = {0}, networks = {0};
    const char *why;

    if (!c)
        return NULL;
    list_each (&j->groups, g) {
        list_each (&g->tasks, t)
            if (!is_allowed(&c->enabled_drivers, &c->disabled_drivers, t->driver))
                list_push(a, &drivers, str_or_empty(t->driver));
        list_each (&g->networks, net) {
            const char *mode = empty(net->mode) ? "host" : net->mode;

            if (!is_allowed(&c->enabled_networks, &c->disabled_networks, mode))
                list_push(a, &networks, mode);
        }
    }
    why = refuse(a, n, "task driver", &drivers);
    return why ? why : refuse(a, n, "group network mode", &networks);
}
