#include "nomad/model/variable.h"

#include "base/err.h"
#include "nomad/model/model_priv.h"

static const struct schema_field lock_fields[] = {
    {"ID", NULL, F_STR, AT(variable_lock, id), .def = "\"\""},
    {"TTL", NULL, F_DURATION, AT(variable_lock, ttl_ns)},
    {"LockDelay", NULL, F_DURATION, AT(variable_lock, delay_ns)},
};
static SCHEMA(lock_schema, "lock", struct variable_lock, lock_fields);

static const struct schema_field variable_fields[] = {
    {"Namespace", NULL, F_STR, AT(variable, namespace)},
    {"Path", NULL, F_STR, AT(variable, path)},
    {"KeyID", NULL, F_STR, AT(variable, key_id), .flags = FIELD_HIDDEN},
    {"Box", NULL, F_BYTES, AT(variable, box), .flags = FIELD_HIDDEN},
    {"Lock", NULL, F_OBJ, AT(variable, lock), .flags = FIELD_OMITEMPTY, .sub = &lock_schema},
    {"ModifyIndex", NULL, F_UINT, AT(variable, modify_index)},
    {"CreateTime", NULL, F_INT, AT(variable, create_time)},
    {"ModifyTime", NULL, F_INT, AT(variable, modify_time)},
};
SCHEMA(variable_schema, "variable", struct variable, variable_fields);

/* ---- paths ------------------------------------------------------------------------------ */

static bool has_only_path_characters(const char *path)
{
    size_t len = strlen(path);

    if (len == 0 || len > VARIABLE_PATH_MAX)
        return false;
    for (const char *p = path; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
              (*p >= '0' && *p <= '9') || strchr("-_~/", *p)))
            return false;
    return true;
}

static size_t segments(const char *path)
{
    size_t n = 1;

    for (const char *p = path; *p; p++)
        n += *p == '/';
    return n;
}

/* Below "nomad" only what jobs and templates of jobs read. */
int variable_path_check(const char *path, struct err *e)
{
    enum { TASK_DEPTH = 5, TEMPLATE_DEPTH = 3 }; /* nomad/jobs/job/group/task */

    if (!has_only_path_characters(path))
        return err_set(e, ERR_INVALID, "invalid path \"%s\"", path);
    if (same(path, "nomad"))
        return err_set(e, ERR_INVALID,
                       "\"nomad\" is a reserved top-level directory path, but you may write "
                       "variables to \"nomad/jobs\", \"nomad/job-templates\", or below");
    if (strncmp(path, "nomad/", 6) != 0)
        return 0;
    if (same(path, "nomad/jobs") || strncmp(path, "nomad/jobs/", 11) == 0)
        return segments(path) <= TASK_DEPTH
                   ? 0
                   : err_set(e, ERR_INVALID,
                             "invalid path \"%s\": below \"nomad/jobs\" there are a job, a "
                             "group and a task at most",
                             path);
    if (same(path, "nomad/job-templates"))
        return err_set(e, ERR_INVALID,
                       "\"nomad/job-templates\" is a reserved directory path, but you may "
                       "write variables at the level below it, for example, "
                       "\"nomad/job-templates/template-name\"");
    if (strncmp(path, "nomad/job-templates/", 20) == 0 && segments(path) == TEMPLATE_DEPTH)
        return 0;
    return err_set(e, ERR_INVALID,
                   "only paths at \"nomad/jobs\" or \"nomad/job-templates\" and below are "
                   "valid paths under the top-level \"nomad\" directory");
}
