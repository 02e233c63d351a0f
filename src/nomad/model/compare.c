#include "nomad/model/model_priv.h"

bool job_spec_eq(const struct job *a, const struct job *b)
{
    return schema_eq(&job_schema, a, b);
}

static bool json_same(const struct json *a, const struct json *b)
{
    return a == b || (a && b && json_eq(a, b));
}

static bool strmap_same(const struct strmap *a, const struct strmap *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (!same(a->at[i].key, b->at[i].key) || !same(a->at[i].val, b->at[i].val))
            return false;
    return true;
}

static bool obj_same(const struct schema *s, const void *a, const void *b)
{
    return a == b || (a && b && schema_eq(s, a, b));
}

/* Two LISTs of one schema's structs. */
#define lists_same(schema, a, b) items_same((schema), (a)->at, (a)->len, (b)->at, (b)->len)

static bool items_same(const struct schema *s, const void *a, size_t na, const void *b,
                       size_t nb)
{
    if (na != nb)
        return false;
    for (size_t i = 0; i < na; i++)
        if (!schema_eq(s, (const char *)a + i * s->size, (const char *)b + i * s->size))
            return false;
    return true;
}

static bool resources_same(const struct resources *a, const struct resources *b)
{
    if (!a || !b)
        return a == b;
    return OPT(a->cpu) == OPT(b->cpu) && OPT(a->cores) == OPT(b->cores) &&
           OPT(a->memory_mb) == OPT(b->memory_mb) &&
           OPT(a->memory_max_mb) == OPT(b->memory_max_mb) &&
           lists_same(&network_schema, &a->networks, &b->networks) &&
           lists_same(&device_request_schema, &a->devices, &b->devices) &&
           obj_same(&numa_schema, a->numa, b->numa);
}

/* What a running task cannot take on: how it is started, with what, and where. */
static bool task_same(const struct task *a, const struct task *b)
{
    return same(a->name, b->name) && same(a->driver, b->driver) && same(a->user, b->user) &&
           json_same(a->config, b->config) && strmap_same(&a->env, &b->env) &&
           lists_same(&artifact_schema, &a->artifacts, &b->artifacts) &&
           obj_same(&vault_block_schema, a->vault, b->vault) &&
           lists_same(&template_schema, &a->templates, &b->templates) &&
           obj_same(&consul_block_schema, a->consul, b->consul) &&
           obj_same(&csi_plugin_schema, a->csi_plugin, b->csi_plugin) &&
           lists_same(&volume_mount_schema, &a->volume_mounts, &b->volume_mounts) &&
           resources_same(a->resources, b->resources) &&
           obj_same(&workload_identity_schema, a->identity, b->identity) &&
           lists_same(&workload_identity_schema, &a->identities, &b->identities) &&
           OPT(a->logs ? a->logs->disabled : NULL) == OPT(b->logs ? b->logs->disabled : NULL) &&
           OPT(a->restart ? a->restart->render_templates : NULL) ==
               OPT(b->restart ? b->restart->render_templates : NULL);
}

static bool group_same(const struct task_group *a, const struct task_group *b)
{
    return a->tasks.len == b->tasks.len &&
           obj_same(&ephemeral_disk_schema, a->ephemeral_disk, b->ephemeral_disk) &&
           lists_same(&network_schema, &a->networks, &b->networks) &&
           lists_same(&volume_request_schema, &a->volumes, &b->volumes);
}

bool group_needs_restart(const struct job *job_a, const struct task_group *a,
                         const struct job *job_b, const struct task_group *b)
{
    auto_arena struct arena *tmp = NULL;

    if (!group_same(a, b))
        return true;
    tmp = arena_new(0);
    list_each (&a->tasks, t) {
        const struct task *other = group_task(b, t->name);
        struct strmap meta_a, meta_b;

        if (!other || !task_same(t, other))
            return true;
        task_meta(job_a, a, t, tmp, &meta_a);
        task_meta(job_b, b, other, tmp, &meta_b);
        if (!strmap_same(&meta_a, &meta_b))
            return true;
    }
    return false;
}
