/* What can be said against a task before it is started. */
#include "nomad/client/client_priv.h"

/* ---- blocks that this client does not run ----------------------------------------------- */

static bool has_own_identity(const struct task *t)
{
    for (size_t i = 0; i < t->identities.len; i++)
        if (t->identities.at[i].env || t->identities.at[i].file)
            return true;
    return t->identity && (t->identity->env || t->identity->file);
}

static bool uses_connect(const service_list *services)
{
    for (size_t i = 0; i < services->len; i++)
        if (services->at[i].connect)
            return true;
    return false;
}

static const char *network_mode(const struct task_group *g)
{
    for (size_t i = 0; i < g->networks.len; i++) {
        const char *mode = g->networks.at[i].mode;

        if (!is_empty(mode) && strcmp(mode, "host") != 0 && strcmp(mode, "none") != 0)
            return mode;
    }
    return NULL;
}

static const char *unsupported_block(const struct task_group *g, const struct task *t,
                                     struct arena *a)
{
    const struct {
        bool used;
        const char *block;
    } rows[] = {
        {t->templates.len > 0, "template"},
        {t->artifacts.len > 0, "artifact"},
        {t->volume_mounts.len > 0, "volume_mount"},
        {t->csi_plugin != NULL, "csi_plugin"},
        {has_own_identity(t), "identity (with env or file)"},
        {t->schedule != NULL, "schedule"},
        {uses_connect(&t->services) || uses_connect(&g->services) || !is_empty(t->kind),
         "connect"},
        {t->services.len > 0 || g->services.len > 0, "service"},
        {g->volumes.len > 0, "volume"},
        {t->resources && t->resources->devices.len > 0, "device"},
        {g->ephemeral_disk &&
             (OPT(g->ephemeral_disk->sticky) || OPT(g->ephemeral_disk->migrate)),
         "ephemeral_disk (with sticky or migrate)"},
        {t->logs && (OPT(t->logs->disabled) || (t->logs->enabled && !*t->logs->enabled)),
         "logs (disabled)"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].used)
            return rows[i].block;
    return network_mode(g) ? arena_printf(a, "network (mode \"%s\")", network_mode(g)) : NULL;
}

const char *task_unsupported(const struct alloc *al, const struct task *spec, struct arena *a)
{
    const struct task_group *g = alloc_group(al);
    const char *block = unsupported_block(g, spec, a);

    if (!block)
        return NULL;
    return arena_printf(a, "this client cannot run the block %s yet (driver \"%s\")", block,
                        str_or_empty(spec->driver));
}

/* ---- the driver's config ---------------------------------------------------------------- */

static bool knows(const struct schema *s, struct str name)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (str_eqc(name, str_or_empty(s->fields[i].json)))
            return true;
    return false;
}

static void check_fields(const struct schema *s, const struct json *config,
                         struct problem_list *p)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct schema_field *f = &s->fields[i];

        if ((f->flags & FIELD_REQUIRED) && !json_get(config, f->json))
            list_push(p->arena, &p->at,
                      arena_printf(p->arena,
                                   "Missing required argument: The argument \"%s\" is "
                                   "required, but no definition was found.",
                                   f->json));
    }
    for (uint32_t i = 0; i < config->len; i++) {
        struct str key = config->members[i].key;

        if (!knows(s, key))
            list_push(
                p->arena, &p->at,
                arena_printf(p->arena,
                             "Invalid label: No argument or block type is named \"%.*s\".",
                             STR_ARG(key)));
    }
}

static void check_values(const struct schema *s, const struct json *config,
                         struct problem_list *p)
{
    void *obj = arena_zalloc(p->arena, s->size);
    struct err e = ERR_INIT;

    if (schema_decode(s, config, SCHEMA_LENIENT | SCHEMA_UNKNOWN_OK, p->arena, obj, &e) < 0)
        list_push(p->arena, &p->at,
                  arena_printf(p->arena, "Incorrect attribute value type: %s", e.msg));
}

const char *task_config_problem(const struct driver *d, const struct json *config,
                                struct arena *a)
{
    struct problem_list p = {.arena = a};

    list_push(a, &p.at, "failed to parse config: ");
    if (!json_is(config, JSON_OBJECT) || config->len == 0) {
        list_push(
            a, &p.at,
            "Root value must be object: The root value in a JSON-based configuration must "
            "be either a JSON object or a JSON array of objects.");
    } else {
        check_fields(d->config_schema, config, &p);
        if (p.at.len == 1)
            check_values(d->config_schema, config, &p);
    }
    return p.at.len > 1 ? problem_list_text(a, &p) : NULL;
}
