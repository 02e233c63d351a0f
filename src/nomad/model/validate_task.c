#include "nomad/model/validate.h"

enum { MEMORY_MIN_MB = 10 };

/* "a/../../b" leaves; what is not known before run time (${...}) is looked at there again. */
bool path_escapes(const char *path)
{
    struct str rest = str_of(path), part;
    int depth = 1; /* a task's directory is one below the alloc's */

    if (*path == '/')
        return false; /* relative to the alloc directory all the same */
    while (str_split(&rest, '/', &part)) {
        if (str_eqc(part, ".."))
            depth--;
        else if (part.len && !str_eqc(part, "."))
            depth++;
        if (depth < 0)
            return true;
    }
    return false;
}

static void validate_resources(const struct task *t, struct problem_list *p)
{
    const struct resources *r = t->resources;
    struct problem_list outer = below(p), inner = below(p);
    int64_t cpu = OPT(r->cpu), cores = OPT(r->cores), mem = OPT(r->memory_mb),
            max = OPT(r->memory_max_mb);

    if (cores < 0)
        bad(&inner, "minimum Cores value is 1; got %lld", (long long)cores);
    if (cores == 0 && cpu < 1)
        bad(&inner, "minimum CPU value is 1; got %lld", (long long)cpu);
    if (mem < MEMORY_MIN_MB)
        bad(&inner, "minimum MemoryMB value is %d; got %lld", MEMORY_MIN_MB, (long long)mem);
    bad_below(&outer, &inner, "%s", "");
    if (cores > 0 && cpu > 0)
        bad(&outer, "Task can only ask for 'cpu' or 'cores' resource, not both.");
    if (max != 0 && max != -1 && max < mem)
        bad(&outer, "MemoryMaxMB value (%lld) should be larger than MemoryMB value (%lld)",
            (long long)max, (long long)mem);
    if (OPT(r->disk_mb) > 0)
        bad(&outer, "Task can't ask for disk resources, they have to be specified at the task "
                    "group level.");
    list_each (&r->devices, it)
        if (empty(it->name))
            bad(&outer, "device must have a name");
    bad_below(p, &outer, "%s", "");
}

static void validate_logs(const struct task_group *g, const struct task *t,
                          struct problem_list *p)
{
    const struct log_config *l = t->logs;
    struct problem_list inner = below(p);
    int64_t files = OPT(l->max_files), size = OPT(l->max_file_size_mb);
    int64_t disk = g->ephemeral_disk ? OPT(g->ephemeral_disk->size_mb) : 0;

    if (files < 1)
        bad(&inner, "minimum number of files is 1; got %lld", (long long)files);
    if (size < 1)
        bad(&inner, "minimum file size is 1MB; got %lld", (long long)size);
    if (files >= 1 && size >= 1 && !OPT(l->disabled) &&
        (files > INT32_MAX || size > INT32_MAX || files * size > disk))
        bad(&inner, "log storage (%lld MB) must be less than requested disk capacity (%lld MB)",
            files > INT32_MAX || size > INT32_MAX ? (long long)INT64_MAX
                                                  : (long long)(files * size),
            (long long)disk);
    bad_below(p, &inner, "%s", "");
}

static void validate_template(const struct template *t, struct problem_list *p)
{
    if (empty(t->source_path) && empty(t->embedded_tmpl))
        bad(p, "Must specify a source path or have an embedded template");
    if (empty(t->dest_path))
        bad(p, "Must specify a destination for the template");
    else if (path_escapes(t->dest_path))
        bad(p, "destination escapes allocation directory");
    if (same(t->change_mode, "signal")) {
        if (empty(t->change_signal))
            bad(p, "Must specify signal value when change mode is signal");
        if (OPT(t->envvars))
            bad(p, "cannot use signals with env var templates");
    } else if (same(t->change_mode, "script")) {
        if (!t->change_script || empty(t->change_script->command))
            bad(p, "must specify script path value when change mode is script");
    } else if (!same(t->change_mode, "noop") && !same(t->change_mode, "restart")) {
        bad(p, "Invalid change mode. Must be one of the following: noop, signal, script, "
               "restart");
    }
    if (OPT(t->splay_ns) < 0)
        bad(p, "Must specify positive splay value");
    if (!empty(t->perms)) {
        uint64_t mode;

        if (!str_to_u64(str_of(t->perms), 8, &mode) || mode > 07777)
            bad(p, "Failed to parse \"%.32s\" as octal: invalid syntax", t->perms);
    }
    if (t->wait && OPT(t->wait->max_ns) && OPT(t->wait->min_ns) > OPT(t->wait->max_ns))
        bad(p, "wait min %s is greater than max %s",
            duration_text(p->arena, OPT(t->wait->min_ns)),
            duration_text(p->arena, OPT(t->wait->max_ns)));
}

static void validate_templates(const struct task *t, struct problem_list *p)
{
    for (size_t i = 0; i < t->templates.len; i++) {
        const struct template *it = &t->templates.at[i];
        struct problem_list inner = below(p);

        validate_template(it, &inner);
        bad_below(p, &inner, "Template %zu validation failed: ", i + 1);
        for (size_t k = 0; k < i && !empty(it->dest_path); k++)
            if (same(it->dest_path, t->templates.at[k].dest_path)) {
                bad(p, "Template %zu has same destination as %zu", i + 1, k + 1);
                break;
            }
    }
}

static void validate_artifacts(const struct task *t, struct problem_list *p)
{
    for (size_t i = 0; i < t->artifacts.len; i++) {
        const struct artifact *it = &t->artifacts.at[i];
        const char *sum = strmap_get(&it->options, "checksum");
        struct problem_list inner = below(p);

        if (empty(it->source))
            bad(&inner, "source must be specified");
        if (!same(it->mode, "any") && !same(it->mode, "file") && !same(it->mode, "dir"))
            bad(&inner, "invalid artifact mode \"%s\"; must be one of: any, file, dir",
                it->mode);
        if (path_escapes(it->dest))
            bad(&inner, "destination escapes allocation directory");
        if (sum && !strchr(sum, ':') && !strstr(sum, "${"))
            bad(&inner, "checksum must be given as \"type:value\"; got \"%.128s\"", sum);
        bad_below(p, &inner, "Artifact %zu validation failed: ", i + 1);
    }
}

static void validate_vault(const struct task *t, struct problem_list *p)
{
    const struct vault_block *v = t->vault;
    struct problem_list inner = below(p);

    if (!v)
        return;
    list_each (&v->policies, it)
        if (same(*it, "root"))
            bad(&inner, "Can not specify \"root\" policy");
    if (same(v->change_mode, "signal") && empty(v->change_signal))
        bad(&inner, "Signal must be specified when using change mode signal");
    else if (!same(v->change_mode, "signal") && !same(v->change_mode, "noop") &&
             !same(v->change_mode, "restart"))
        bad(&inner, "Unknown change mode \"%s\"", v->change_mode);
    bad_below(p, &inner, "Vault validation failed: ");
}

static void validate_mounts(const struct task_group *g, const struct task *t,
                            struct problem_list *p)
{
    for (size_t i = 0; i < t->volume_mounts.len; i++) {
        const struct volume_mount *m = &t->volume_mounts.at[i];
        bool known = false;

        list_each (&g->volumes, it)
            known = known || same(it->name, m->volume);
        if (empty(m->volume))
            bad(p, "Volume Mount (%zu) references an empty volume", i);
        else if (!known)
            bad(p, "Volume Mount (%zu) references undefined volume %s", i, m->volume);
        if (!same(m->propagation_mode, "private") &&
            !same(m->propagation_mode, "host-to-task") &&
            !same(m->propagation_mode, "bidirectional"))
            bad(p, "Volume Mount (%zu) has an invalid propagation mode: \"%s\"", i,
                m->propagation_mode);
    }
}

static void validate_lifecycle(const struct task *t, struct problem_list *p)
{
    const char *hook = t->lifecycle ? t->lifecycle->hook : "prestart";

    if (empty(hook))
        bad(p, "Lifecycle validation failed: no lifecycle hook provided");
    else if (!same(hook, "prestart") && !same(hook, "poststart") && !same(hook, "poststop"))
        bad(p, "Lifecycle validation failed: invalid hook: %s", hook);
}

static void validate_identities(const struct task *t, struct problem_list *p)
{
    list_each (&t->identities, it) {
        const char *why = name_problem(it->name, NAME_MAX_BYTES, false);

        if (why)
            bad(p, "Identity \"%.64s\": the name %s", it->name, why);
        if (!empty(it->filepath) && path_escapes(it->filepath))
            bad(p, "Identity \"%s\": filepath escapes allocation directory", it->name);
    }
}

static void validate_task_self(const struct task *t, struct problem_list *p)
{
    const char *why = name_problem(t->name, JOB_NAME_MAX, true);

    if (empty(t->name))
        bad(p, "Missing task name");
    else if (why)
        bad(p, "Task name %s", why);
    if (empty(t->driver))
        bad(p, "Missing task driver");
    if (OPT(t->kill_timeout_ns) < 0)
        bad(p, "KillTimeout must be a positive value");
    if (t->shutdown_delay_ns < 0)
        bad(p, "ShutdownDelay must be a positive value");
}

void validate_task(const struct job *j, const struct task_group *g, const struct task *t,
                   struct problem_list *p)
{
    validate_task_self(t, p);
    validate_resources(t, p);
    validate_logs(g, t, p);
    validate_constraints(&t->constraints, true, p);
    if (same(j->type, "system") && t->affinities.len)
        bad(p, "System jobs may not have an affinity block");
    else
        validate_affinities(&t->affinities, p);
    validate_services(g, t, &t->services, p);
    validate_vault(t, p);
    validate_templates(t, p);
    validate_artifacts(t, p);
    validate_meta(&t->env, "env", p);
    validate_meta(&t->meta, "meta", p);
    if (t->dispatch_payload && path_escapes(t->dispatch_payload->file))
        bad(p, "Dispatch Payload validation failed: destination escapes allocation directory");
    validate_lifecycle(t, p);
    validate_mounts(g, t, p);
    validate_identities(t, p);
}
