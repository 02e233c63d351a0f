#include <inttypes.h>

#include "nomad/model/model_priv.h"

/*
 * Differences between two versions of a job, as the API shows them. Scalars are fields; maps
 * are fields named "Meta[key]"; structs are objects; a list of texts is an object with one
 * field per element. Elements of a list are the same when their key is, or, without one, when
 * they are equal: then a changed one is a deleted and an added one.
 *
 * Fields of job, group and task themselves show only when they changed; those of the objects
 * below show all, if the caller wants the context.
 */
typedef LIST(struct jd_field) field_list;
typedef LIST(struct jd_object) object_list;

struct differ {
    struct arena *a;
    bool context;
};

/* What the API calls the element of a list, and what makes two elements the same one. */
static const struct {
    const char *json, *name, *key;
} lists[] = {
    {"Constraints", "Constraint", NULL},
    {"Affinities", "Affinity", NULL},
    {"Spreads", "Spread", NULL},
    {"SpreadTarget", "SpreadTarget", NULL},
    {"Networks", "Network", NULL},
    {"ReservedPorts", "Static Port", "Label"},
    {"DynamicPorts", "Dynamic Port", "Label"},
    {"Services", "Service", "Name"},
    {"Checks", "Check", "Name"},
    {"Volumes", "Volume", "Name"},
    {"Artifacts", "Artifact", NULL},
    {"Templates", "Template", "DestPath"},
    {"VolumeMounts", "VolumeMount", NULL},
    {"Identities", "Identity", "Name"},
    {"Actions", "Action", "Name"},
    {"Devices", "Device", "Name"},
    {"CNI", "CNIConfig", NULL},
    {"Links", "Link", NULL},
    {"Connect", "ConsulConnect", NULL},
    {"Proxy", "ConsulProxy", NULL},
    {"Upstreams", "ConsulUpstreams", "DestinationName"},
};

/* Not shown: state, secrets, names (they head the diff), and what the API leaves out. */
static const char *const hidden[] = {
    "job.ID",
    "job.Status",
    "job.StatusDescription",
    "job.Stable",
    "job.Version",
    "job.SubmitTime",
    "job.CreateIndex",
    "job.ModifyIndex",
    "job.JobModifyIndex",
    "job.VersionTag",
    "job.ConsulToken",
    "job.VaultToken",
    "job.NomadTokenID",
    "job.Update",
    "job.TaskGroups",
    "job.Payload",
    "job.Reschedule",
    "job.Migrate",
    "job.DispatchIdempotencyToken",
    "group.Name",
    "group.Tasks",
    "group.Migrate",
    "task.Name",
    "task.RestartPolicy",
    "task.Lifecycle",
    "task.ScalingPolicies",
    "update.Stagger",
    "logs.Enabled",
    "scaling.CreateIndex",
    "scaling.ModifyIndex",
    "scaling.ID",
};

static bool is_hidden(const struct schema *s, const struct schema_field *f)
{
    size_t len = strlen(s->name);

    if (!f->json || f->flags & FIELD_HCL_ONLY)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        if (strncmp(hidden[i], s->name, len) == 0 && hidden[i][len] == '.' &&
            strcmp(hidden[i] + len + 1, f->json) == 0)
            return true;
    return false;
}

static const void *at(const void *obj, const struct schema_field *f)
{
    return obj ? (const char *)obj + f->offset : NULL;
}

/*
 * Fields.
 */
static const char *type_of(const char *old, const char *new)
{
    if (strcmp(old, new) == 0)
        return "None";
    return !*old ? "Added" : !*new ? "Deleted" : "Edited";
}

static void add_field(const struct differ *d, field_list *to, const char *name, const char *old,
                      const char *new, bool all)
{
    struct jd_field f = {.name = name, .old_text = old, .new_text = new};

    f.type = type_of(old, new);
    if (all || !same(f.type, "None"))
        list_push(d->a, to, f);
}

/* A scalar as text; NULL: not there. */
static const char *scalar_text(const struct differ *d, const struct schema_field *f,
                               const void *obj)
{
    const void *v = at(obj, f);

    if (!v)
        return NULL;
    if (f->type == F_STR)
        return str_or_empty(*(const char *const *)v);
    if (f->flags & FIELD_PTR)
        v = *(const void *const *)v;
    if (!v)
        return NULL;
    if (f->type == F_BOOL)
        return *(const bool *)v ? "true" : "false";
    if (f->type == F_UINT)
        return arena_printf(d->a, "%" PRIu64, *(const uint64_t *)v);
    return arena_printf(d->a, "%" PRId64, *(const int64_t *)v);
}

static void diff_scalar(const struct differ *d, const struct schema_field *f, const void *a,
                        const void *b, bool all, field_list *to)
{
    const char *old = scalar_text(d, f, a), *new = scalar_text(d, f, b);

    if (!old && !new)
        return;
    add_field(d, to, f->json, str_or_empty(old), str_or_empty(new), all);
}

static void diff_strmap(const struct differ *d, const char *name, const struct strmap *a,
                        const struct strmap *b, bool all, field_list *to)
{
    size_t i = 0, k = 0;

    while ((a && i < a->len) || (b && k < b->len)) {
        int c = !a || i >= a->len   ? 1
                : !b || k >= b->len ? -1
                                    : strcmp(a->at[i].key, b->at[k].key);
        const char *key = c <= 0 ? a->at[i].key : b->at[k].key;

        add_field(d, to, name ? arena_printf(d->a, "%s[%s]", name, key) : key,
                  c <= 0 ? a->at[i].val : "", c >= 0 ? b->at[k].val : "", all);
        i += c <= 0;
        k += c >= 0;
    }
}

/* {"args": ["a"], "m": {"k": 1}} as "args[0]" and "m[k]". */
static void flatten(struct arena *a, const char *name, const struct json *v, struct strmap *to)
{
    if (v->type == JSON_OBJECT || v->type == JSON_ARRAY) {
        for (uint32_t i = 0; i < v->len; i++) {
            bool obj = v->type == JSON_OBJECT;
            const char *key =
                obj ? arena_cstr(a, v->members[i].key) : arena_printf(a, "%" PRIu32, i);

            flatten(a, *name ? arena_printf(a, "%s[%s]", name, key) : key,
                    obj ? &v->members[i].value : &v->items[i], to);
        }
    } else if (v->type == JSON_BOOL) {
        strmap_set(a, to, name, v->b ? "true" : "false");
    } else if (v->type != JSON_NULL) {
        strmap_set(a, to, name, arena_cstr(a, v->text));
    }
}

static int by_name(const void *x, const void *y)
{
    const struct jd_field *a = x, *b = y;
    int c = strcmp(a->name, b->name);

    return c ? c : strcmp(a->old_text, b->old_text);
}

static void sort_fields(field_list *l)
{
    if (l->len > 1)
        qsort(l->at, l->len, sizeof *l->at, by_name);
}

/*
 * Objects.
 */
static void diff_members(const struct differ *d, const struct schema *s, const void *a,
                         const void *b, bool all, field_list *fields, object_list *objects);

static bool fields_changed(const field_list *l)
{
    list_each (l, it)
        if (!same(it->type, "None"))
            return true;
    return false;
}

static bool objects_changed(const object_list *l)
{
    list_each (l, it)
        if (!same(it->type, "None"))
            return true;
    return false;
}

static void diff_object(const struct differ *d, const struct schema *s, const char *name,
                        const void *a, const void *b, object_list *to)
{
    struct jd_object o = {.name = name, .type = a && b ? "None" : a ? "Deleted" : "Added"};
    field_list fields = {0};
    object_list objects = {0};

    if (!a && !b)
        return;
    diff_members(d, s, a, b, d->context, &fields, &objects);
    if (a && b && !fields_changed(&fields) && !objects_changed(&objects))
        return;
    if (a && b)
        o.type = "Edited";
    o.fields.at = fields.at;
    o.fields.len = fields.len;
    o.objects.at = objects.at;
    o.objects.len = objects.len;
    list_push(d->a, to, o);
}

static void diff_set(const struct differ *d, const char *name, const struct strlist *a,
                     const struct strlist *b, object_list *to)
{
    struct jd_object o = {.name = name};
    field_list fields = {0};
    bool added = false, deleted = false;

    for (size_t i = 0; b && i < b->len; i++)
        if (!a || !strlist_has(a, b->at[i])) {
            added = true;
            add_field(d, &fields, name, "", b->at[i], true);
        }
    for (size_t i = 0; a && i < a->len; i++) {
        bool kept = b && strlist_has(b, a->at[i]);

        deleted = deleted || !kept;
        add_field(d, &fields, name, a->at[i], kept ? a->at[i] : "", d->context);
    }
    if (!added && !deleted)
        return;
    sort_fields(&fields);
    o.type = added && deleted ? "Edited" : added ? "Added" : "Deleted";
    o.fields.at = fields.at;
    o.fields.len = fields.len;
    list_push(d->a, to, o);
}

static void diff_json(const struct differ *d, const char *name, const struct json *a,
                      const struct json *b, object_list *to)
{
    struct jd_object o = {.name = name, .type = !a ? "Added" : !b ? "Deleted" : "Edited"};
    struct strmap old = {0}, new = {0};
    field_list fields = {0};

    if (a)
        flatten(d->a, "", a, &old);
    if (b)
        flatten(d->a, "", b, &new);
    diff_strmap(d, NULL, &old, &new, d->context, &fields);
    if (!fields_changed(&fields))
        return;
    sort_fields(&fields);
    o.fields.at = fields.at;
    o.fields.len = fields.len;
    list_push(d->a, to, o);
}

/*
 * Lists of structs.
 */
struct items {
    const char *at;
    size_t len;
};

static const char *list_name(const struct schema_field *f, const char **ret_key)
{
    *ret_key = NULL;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (same(lists[i].json, f->json)) {
            *ret_key = lists[i].key;
            return lists[i].name;
        }
    return f->json;
}

static const char *key_of(const struct schema *s, const void *item, const char *key)
{
    for (size_t i = 0; key && i < s->n_fields; i++)
        if (s->fields[i].json && same(s->fields[i].json, key))
            return *(const char *const *)at(item, &s->fields[i]);
    return NULL;
}

static const void *find(const struct schema *s, const struct items *in, const void *item,
                        const char *key, bool *taken)
{
    const char *mine = key_of(s, item, key);

    for (size_t i = 0; i < in->len; i++) {
        const void *other = in->at + i * s->size;

        if (taken[i] || (key ? !same(mine, key_of(s, other, key)) : !schema_eq(s, item, other)))
            continue;
        taken[i] = true;
        return other;
    }
    return NULL;
}

static void diff_list(const struct differ *d, const struct schema_field *f, const void *a,
                      const void *b, object_list *to)
{
    static const struct items none;
    const struct items *old = a ? at(a, f) : &none, *new = b ? at(b, f) : &none;
    bool *taken = arena_zalloc(d->a, new->len + 1);
    const char *key, *name = list_name(f, &key);

    for (size_t i = 0; i < old->len; i++) {
        const void *item = old->at + i * f->sub->size;

        diff_object(d, f->sub, name, item, find(f->sub, new, item, key, taken), to);
    }
    for (size_t i = 0; i < new->len; i++)
        if (!taken[i])
            diff_object(d, f->sub, name, NULL, new->at + i * f->sub->size, to);
}

static void diff_member(const struct differ *d, const struct schema_field *f, const void *a,
                        const void *b, bool all, field_list *fields, object_list *objects)
{
    const char *unused;

    switch (f->type) {
    case F_STRMAP:
        diff_strmap(d, f->json, at(a, f), at(b, f), all, fields);
        break;
    case F_STRLIST:
        diff_set(d, f->json, at(a, f), at(b, f), objects);
        break;
    case F_JSON:
        diff_json(d, f->json, a ? *(struct json *const *)at(a, f) : NULL,
                  b ? *(struct json *const *)at(b, f) : NULL, objects);
        break;
    case F_OBJ:
        diff_object(d, f->sub, list_name(f, &unused), a ? *(const void *const *)at(a, f) : NULL,
                    b ? *(const void *const *)at(b, f) : NULL, objects);
        break;
    case F_LIST:
    case F_MAP:
        diff_list(d, f, a, b, objects);
        break;
    case F_BYTES:
        break;
    default:
        diff_scalar(d, f, a, b, all, fields);
        break;
    }
}

static void diff_members(const struct differ *d, const struct schema *s, const void *a,
                         const void *b, bool all, field_list *fields, object_list *objects)
{
    for (size_t i = 0; i < s->n_fields; i++)
        if (!is_hidden(s, &s->fields[i]))
            diff_member(d, &s->fields[i], a, b, all, fields, objects);
    sort_fields(fields);
}

/*
 * Job, groups, tasks.
 */
static const char *level_type(const void *a, const void *b, bool changed)
{
    if (!a || !b)
        return a ? "Deleted" : b ? "Added" : "None";
    return changed ? "Edited" : "None";
}

#define MOVE(to, from) ((to).at = (from).at, (to).len = (from).len)

static bool diff_task(const struct differ *d, const struct task *a, const struct task *b,
                      struct jd_task *ret)
{
    field_list fields = {0};
    object_list objects = {0};

    diff_members(d, &task_schema, a, b, false, &fields, &objects);
    MOVE(ret->fields, fields);
    MOVE(ret->objects, objects);
    ret->name = b ? b->name : a->name;
    ret->type = level_type(a, b, fields.len || objects.len);
    return !same(ret->type, "None");
}

static int task_by_name(const void *x, const void *y)
{
    return strcmp(((const struct jd_task *)x)->name, ((const struct jd_task *)y)->name);
}

static bool diff_tasks(const struct differ *d, const struct task_group *a,
                       const struct task_group *b, struct jd_group *ret)
{
    bool changed = false;

    if (a)
        list_each (&a->tasks, it)
            changed |= diff_task(d, it, b ? group_task(b, it->name) : NULL,
                                 list_add(d->a, &ret->tasks));
    if (b)
        list_each (&b->tasks, it)
            if (!a || !group_task(a, it->name))
                changed |= diff_task(d, NULL, it, list_add(d->a, &ret->tasks));
    if (ret->tasks.len > 1)
        qsort(ret->tasks.at, ret->tasks.len, sizeof *ret->tasks.at, task_by_name);
    return changed;
}

static bool diff_group(const struct differ *d, const struct task_group *a,
                       const struct task_group *b, struct jd_group *ret)
{
    field_list fields = {0};
    object_list objects = {0};
    bool tasks;

    diff_members(d, &task_group_schema, a, b, false, &fields, &objects);
    tasks = diff_tasks(d, a, b, ret);
    MOVE(ret->fields, fields);
    MOVE(ret->objects, objects);
    ret->name = b ? b->name : a->name;
    ret->type = level_type(a, b, fields.len || objects.len || tasks);
    return !same(ret->type, "None");
}

static int group_by_name(const void *x, const void *y)
{
    return strcmp(((const struct jd_group *)x)->name, ((const struct jd_group *)y)->name);
}

static bool diff_groups(const struct differ *d, const struct job *a, const struct job *b,
                        struct job_diff *ret)
{
    bool changed = false;

    if (a)
        list_each (&a->groups, it)
            changed |= diff_group(d, it, job_group(b, it->name), list_add(d->a, &ret->groups));
    if (b)
        list_each (&b->groups, it)
            if (!job_group(a, it->name))
                changed |= diff_group(d, NULL, it, list_add(d->a, &ret->groups));
    if (ret->groups.len > 1)
        qsort(ret->groups.at, ret->groups.len, sizeof *ret->groups.at, group_by_name);
    return changed;
}

void job_diff_make(const struct job *old, const struct job *new_job, bool contextual,
                   struct arena *a, struct job_diff *ret)
{
    struct differ d = {a, contextual};
    field_list fields = {0};
    object_list objects = {0};
    bool groups;

    *ret = (struct job_diff){.id = new_job ? new_job->id : old ? old->id : ""};
    diff_members(&d, &job_schema, old, new_job, false, &fields, &objects);
    groups = diff_groups(&d, old, new_job, ret);
    MOVE(ret->fields, fields);
    MOVE(ret->objects, objects);
    ret->type = level_type(old, new_job, fields.len || objects.len || groups);
}
