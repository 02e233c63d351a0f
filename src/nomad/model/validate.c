#include "nomad/model/validate.h"

#include "base/err.h"
#include "lang/units.h"

void bad(struct problem_list *p, const char *fmt, ...)
{
    va_list ap;

    if (p->at.len >= PROBLEMS_MAX)
        return;
    va_start(ap, fmt);
    list_push(p->arena, &p->at, arena_vprintf(p->arena, fmt, ap));
    va_end(ap);
}

void bad_below(struct problem_list *p, const struct problem_list *inner, const char *fmt, ...)
{
    const char *what;
    va_list ap;

    if (inner->at.len == 0)
        return;
    va_start(ap, fmt);
    what = arena_vprintf(p->arena, fmt, ap);
    va_end(ap);
    bad(p, "%s%s", what, problem_list_text(p->arena, inner));
}

char *problem_list_text(struct arena *a, const struct problem_list *p)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);

    if (p->at.len == 0)
        return arena_strdup(a, "");
    buf_printf(&b, p->at.len == 1 ? "1 error occurred:" : "%zu errors occurred:", p->at.len);
    list_each (&p->at, it)
        buf_printf(&b, "\n\t* %s", *it);
    buf_puts(&b, "\n\n");
    return arena_cstr(a, buf_str(&b));
}

const char *duration_text(struct arena *a, int64_t ns)
{
    char text[DURATION_TEXT_SIZE];

    duration_format(ns, text);
    return arena_strdup(a, text);
}

/*
 * Names. A job's ID never becomes a path; names of groups, tasks, volumes and ports do, or
 * become part of an environment variable.
 */
const char *name_problem(const char *name, size_t max, bool is_dir)
{
    static const char *const reserved[] = {".",     "..",      "alloc",  "tmp",
                                           "local", "secrets", "private"};
    struct str s = str_of(name);

    if (s.len == 0)
        return "is empty";
    if (s.len > max)
        return "is too long";
    if (!str_is_printable(s))
        return "contains a character that cannot be printed";
    if (str_chr(s, '/') >= 0)
        return "cannot include slashes";
    for (size_t i = 0; is_dir && i < ARRAY_LEN(reserved); i++)
        if (str_eqc(s, reserved[i]))
            return "is reserved";
    return NULL;
}

void validate_meta(const struct strmap *m, const char *what, struct problem_list *p)
{
    for (size_t i = 0; i < m->len; i++)
        if (!*m->at[i].key || strpbrk(m->at[i].key, "=\n"))
            bad(p, "%s key \"%.64s\" must not be empty or contain \"=\" or a line break", what,
                m->at[i].key);
}

/*
 * Placement.
 */
static void validate_operand(const char *l, const char *op, const char *r, bool affinity,
                             struct problem_list *p)
{
    struct err e = ERR_INIT;
    uint64_t n;

    if (empty(op)) {
        bad(p, "Missing %s operand", affinity ? "affinity" : "constraint");
    } else if (same(op, "distinct_hosts") && !affinity) {
        return;
    } else if (same(op, "distinct_property") && !affinity) {
        if (!empty(r) && (!str_to_u64(str_of(r), 10, &n) || *r == '+'))
            bad(p,
                "Failed to convert RTarget \"%s\" to uint64: strconv.ParseUint: parsing "
                "\"%s\": "
                "invalid syntax",
                r, r);
        else if (!empty(r) && n < 1)
            bad(p, "Distinct Property must have an allowed count of 1 or greater: %s < 1", r);
    } else if (same(op, "regexp")) {
        if (regexp_check(r, &e) < 0)
            bad(p, "Regular expression failed to compile: %s", e.msg);
    } else if (same(op, "version") || same(op, "semver")) {
        if (version_constraint_check(r, same(op, "semver"), &e) < 0)
            bad(p, "%s constraint is invalid: %s", same(op, "semver") ? "Semver" : "Version",
                e.msg);
    } else if (same(op, "is_set") || same(op, "is_not_set")) {
        if (!empty(r))
            bad(p, "Operator \"%s\" does not support an RTarget", op);
    } else if (str_starts(str_of(op), STR("set_contains"))) {
        if (empty(r))
            bad(p, "Set contains operator requires an RTarget");
    } else if (!constraint_operand_ok(op)) {
        bad(p, "Unknown %s %s \"%s\"", affinity ? "affinity" : "constraint",
            affinity ? "operator" : "type", op);
    }
    if (empty(l) && !affinity && !same(op, "distinct_hosts"))
        bad(p, "No LTarget provided but is required by constraint");
    if (str_of(l).len + str_of(r).len > CONSTRAINT_TEXT_MAX)
        bad(p, "must not be longer than %d bytes", CONSTRAINT_TEXT_MAX);
}

void validate_constraints(const constraint_list *l, bool in_task, struct problem_list *p)
{
    for (size_t i = 0; i < l->len; i++) {
        const struct constraint *c = &l->at[i];
        struct problem_list inner = below(p);

        validate_operand(c->ltarget, c->operand, c->rtarget, false, &inner);
        bad_below(p, &inner, "Constraint %zu validation failed: ", i + 1);
        if (in_task && str_starts(str_of(c->operand), STR("distinct_")))
            bad(p, "Constraint %zu has disallowed Operand at task level: %s", i + 1,
                c->operand);
    }
}

void validate_affinities(const affinity_list *l, struct problem_list *p)
{
    for (size_t i = 0; i < l->len; i++) {
        const struct affinity *c = &l->at[i];
        struct problem_list inner = below(p);
        int64_t weight = OPT(c->weight);

        validate_operand(c->ltarget, c->operand, c->rtarget, true, &inner);
        if (weight == 0)
            bad(&inner, "Affinity weight cannot be zero");
        else if (weight < -100 || weight > 100)
            bad(&inner, "Affinity weight must be between [-100, 100]");
        bad_below(p, &inner, "Affinity %zu validation failed: ", i + 1);
    }
}

void validate_spreads(const spread_list *l, struct problem_list *p)
{
    for (size_t i = 0; i < l->len; i++) {
        const struct spread *s = &l->at[i];
        struct problem_list inner = below(p);
        int64_t sum = 0, weight = OPT(s->weight);

        if (empty(s->attribute))
            bad(&inner, "Missing spread attribute");
        if (weight <= 0 || weight > 100)
            bad(&inner, "Spread block must have a positive weight from 0 to 100");
        list_each (&s->targets, it) {
            if (it->percent < 0 || it->percent > 100)
                bad(&inner,
                    "Spread target percentage for value \"%s\" must be between 0 and 100",
                    it->value);
            else
                sum += it->percent;
        }
        if (sum > 100)
            bad(&inner,
                "Sum of spread target percentages must not be greater than 100%%; got %lld%%",
                (long long)sum);
        bad_below(p, &inner, "Spread %zu validation failed: ", i + 1);
    }
}

/*
 * Job.
 */
static void validate_identity(const struct job *j, int64_t max_priority, struct problem_list *p)
{
    static const char *const types[] = {"service", "batch", "system", "sysbatch"};
    bool known = false;

    if (empty(j->region))
        bad(p, "Missing job region");
    if (empty(j->id))
        bad(p, "Missing job ID");
    else if (strchr(j->id, ' '))
        bad(p, "Job ID contains a space");
    else if (!str_is_printable(str_of(j->id)))
        bad(p, "Job ID contains a character that cannot be printed");
    if (empty(j->name))
        bad(p, "Missing job name");
    else if (!str_is_printable(str_of(j->name)))
        bad(p, "Job name contains a character that cannot be printed");
    if (empty(j->namespace))
        bad(p, "Job must be in a namespace");
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        known = known || same(j->type, types[i]);
    if (empty(j->type))
        bad(p, "Missing job type");
    else if (!known)
        bad(p, "Invalid job type: \"%s\"", j->type);
    if (OPT(j->priority) < 1 || OPT(j->priority) > max_priority)
        bad(p, "job priority must be between [1, %lld]", (long long)max_priority);
    list_each (&j->datacenters, it)
        if (empty(*it))
            bad(p, "datacenter must be non-empty string");
}

static void validate_groups(const struct job *j, struct problem_list *p)
{
    if (j->groups.len == 0)
        bad(p, "Missing job task groups");
    for (size_t i = 0; i < j->groups.len; i++) {
        const char *name = j->groups.at[i].name;

        if (empty(name)) {
            bad(p, "Job task group %zu missing name", i + 1);
            continue;
        }
        for (size_t k = 0; k < i; k++)
            if (same(name, j->groups.at[k].name)) {
                bad(p, "Job task group %zu redefines '%s' from group %zu", i + 1, name, k + 1);
                break;
            }
        if (same(j->type, "system") && OPT(j->groups.at[i].count) > 1)
            bad(p,
                "Job task group %s has count %lld. Count cannot exceed 1 with system "
                "scheduler",
                name, (long long)OPT(j->groups.at[i].count));
    }
    list_each (&j->groups, it) {
        struct problem_list inner = below(p);

        validate_group(j, it, &inner);
        bad_below(p, &inner, "Task group %s validation failed: ", it->name);
    }
}

static void validate_parameterized(const struct job *j, struct problem_list *p)
{
    const struct parameterized *pj = j->parameterized;
    struct problem_list inner = below(p);
    auto_buf struct buf both = BUF_INIT(64 << 10);

    if (!pj)
        return;
    if (!same(j->type, "batch") && !same(j->type, "sysbatch"))
        bad(p, "Parameterized job can only be used with \"batch\" or \"sysbatch\" scheduler");
    if (!empty(pj->payload) && !same(pj->payload, "optional") &&
        !same(pj->payload, "required") && !same(pj->payload, "forbidden"))
        bad(&inner, "Unknown payload requirement: \"%s\"", pj->payload);
    list_each (&pj->meta_required, it)
        if (strlist_has(&pj->meta_optional, *it))
            buf_printf(&both, "%s%s", both.len ? " " : "", *it);
    if (both.len)
        bad(&inner,
            "Required and optional meta keys should be disjoint. Following keys exist in both: "
            "[%s]",
            both.p);
    bad_below(p, &inner, "%s", "");
}

static void validate_ui(const struct job *j, struct problem_list *p)
{
    size_t len = j->ui ? str_of(j->ui->description).len : 0;

    if (len > 1000)
        bad(p, "UI description must be under 1000 characters, currently %zu", len);
}

void job_validate(const struct job *j, const struct job_limits *lim, struct problem_list *p)
{
    int64_t max_priority = lim && lim->max_priority ? lim->max_priority : JOB_PRIORITY_MAX;
    bool system = same(j->type, "system");

    validate_identity(j, max_priority, p);
    validate_constraints(&j->constraints, false, p);
    if (system && j->affinities.len)
        bad(p, "System jobs may not have an affinity block");
    else
        validate_affinities(&j->affinities, p);
    if (system && j->spreads.len)
        bad(p, "System jobs may not have a spread block");
    else
        validate_spreads(&j->spreads, p);
    validate_meta(&j->meta, "meta", p);
    validate_groups(j, p);
    validate_periodic(j, lim ? lim : &(const struct job_limits){0}, p);
    validate_parameterized(j, p);
    if (j->multiregion && j->multiregion->regions.len)
        bad(p, "Multiregion jobs are a Nomad Enterprise feature");
    validate_ui(j, p);
}

int job_validate_err(const struct job *j, const struct job_limits *lim, struct arena *a,
                     const char **ret_text, struct err *e)
{
    struct problem_list p = {.arena = a};
    const char *text;

    job_validate(j, lim, &p);
    if (p.at.len == 0)
        return 0;
    text = problem_list_text(a, &p);
    if (ret_text)
        *ret_text = text;
    return err_set_status(e, ERR_INVALID, 500, "%s", text);
}

int job_check_update(const struct job *old, const struct job *new_job, struct err *e)
{
    if (!old)
        return 0;
    if (!same(old->type, new_job->type))
        return err_set_status(e, ERR_INVALID, 500,
                              "cannot update job from type \"%s\" to \"%s\"", old->type,
                              new_job->type);
    if (!old->periodic != !new_job->periodic)
        return err_set_status(e, ERR_INVALID, 500,
                              old->periodic
                                  ? "cannot update periodic job to being non-periodic"
                                  : "cannot update non-periodic job to being periodic");
    if (!old->parameterized != !new_job->parameterized)
        return err_set_status(
            e, ERR_INVALID, 500,
            old->parameterized ? "cannot update parameterized job to being non-parameterized"
                               : "cannot update non-parameterized job to being parameterized");
    if (old->dispatched != new_job->dispatched && new_job->dispatched)
        return err_set_status(e, ERR_INVALID, 500,
                              "job can't be submitted with 'Dispatched' set");
    return 0;
}
