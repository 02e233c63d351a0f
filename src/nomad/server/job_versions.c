/* Versions of a job: as they are, back to one of them, tags, the text each was made of. */
#include <string.h>

#include "nomad/server/job_api.h"
#include "nomad/server/list.h"

enum { JOB_TAGS_MAX = 100, JOB_TAG_NAME_MAX = 128, JOB_TAG_TEXT_MAX = 1000 };

/* ---- versions --------------------------------------------------------------------------- */

static int find_versions(struct call *c, const char *id, struct list *l, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    *l = (struct list){.c = c};
    job_key_of(&k, &job_version_table, call_namespace(c), id);
    r = table_scan_begin(c->txn, &it, &job_version_table, &k, SCAN_PEEK | SCAN_REVERSE, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0)
        list_push(c->arena, &l->at, o);
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

/* A version's row is younger than its job; of the newest one the job's row knows the status. */
static void write_version(struct json_out *w, const struct object *o, const struct object *job)
{
    struct job j = *(const struct job *)o->body;
    const struct job *now = job ? job->body : NULL;
    uint64_t spec = job_spec_index(o), modified = o->mod_rev;
    uint64_t created = now ? index_or(OPT(now->create_index), job->create_rev) : 0;

    if (now && OPT(now->version) == OPT(j.version)) {
        j.status = now->status;
        modified = job->mod_rev > modified ? job->mod_rev : modified;
    }
    j.create_index = &created;
    j.job_modify_index = &spec;
    j.modify_index = &modified;
    schema_encode(&job_schema, &j, 0, w);
}

/* What each version is compared with: NULL, the one before it. */
static int compared_with(struct call *c, const char *id, const struct list *l,
                         const struct job **ret, struct err *e)
{
    const char *tag = call_text(c, "diff_tag"), *number = call_text(c, "diff_version");
    uint64_t version = 0;

    *ret = NULL;
    if (!*tag && !*number)
        return 0;
    if (*tag && *number)
        return nomad_fail(e, 400, "diff_tag and diff_version are mutually exclusive");
    if (*number && !str_to_u64(str_of(number), 10, &version))
        return nomad_fail(e, 400, "Failed to parse value of \"diff_version\" (%.64s)", number);
    list_each (&l->at, o) {
        const struct job *v = (*o)->body;

        if (*number ? OPT(v->version) == version
                    : v->version_tag && strcmp(v->version_tag->name, tag) == 0) {
            *ret = v;
            return 0;
        }
    }
    return *number ? nomad_fail(e, 404, "version %s not found on job \"%s\"", number, id)
                   : nomad_fail(e, 404, "tag \"%s\" not found on job \"%s\"", tag, id);
}

static void write_diffs(struct call *c, struct json_out *w, const struct list *l,
                        const struct job *with)
{
    json_key(w, "Diffs");
    if ((l->at.len < 2 && !with) || !call_flag(c, "diffs")) {
        json_null(w);
        return;
    }
    json_arr(w);
    for (size_t i = 0; i + !with < l->at.len; i++) {
        struct job_diff d = {0};

        job_diff_make(with ? with : l->at.at[i + 1]->body, l->at.at[i]->body, true, c->arena,
                      &d);
        schema_encode(&job_diff_schema, &d, 0, w);
    }
    json_arr_end(w);
}

int job_versions(struct call *c, const char *id, struct err *e)
{
    const struct table *const tables[] = {&job_version_table};
    const struct object *job;
    const struct job *with = NULL;
    struct json_out *w;
    struct list l;
    int r = read_tables(c, tables, 1, e);

    if (r == 0)
        r = find_versions(c, id, &l, e);
    if (r == 0)
        r = job_find(c, id, &job, e);
    if (r != 0)
        return r;
    if (l.at.len == 0)
        return reply_not_found(c, "job versions not found");
    r = compared_with(c, id, &l, &with, e);
    if (r < 0)
        return r;
    w = nomad_json(c);
    json_obj(w);
    write_diffs(c, w, &l, with);
    json_query_meta(w, table_rev(c->txn, &job_version_table));
    json_key(w, "Versions");
    json_arr(w);
    for (size_t i = 0; i < l.at.len; i++)
        write_version(w, l.at.at[i], job);
    json_arr_end(w);
    json_obj_end(w);
    return 0;
}

int job_submission(struct call *c, const char *id, struct err *e)
{
    const struct object *o = NULL;
    struct job_submission s;
    uint64_t version;
    struct key k;
    int r;

    if (!str_to_u64(str_of(call_text(c, "version")), 10, &version))
        return nomad_fail(e, 400, "Unable to parse job submission version parameter");
    job_key_of(&k, &job_submission_table, call_namespace(c), id);
    key_add_u64(&k, version);
    r = table_get(c->txn, &job_submission_table, &k, &o, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    r = read_object(c, &job_submission_table, &k, o, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "job source not found");
    s = *(const struct job_submission *)o->body;
    s.job_modify_index = index_or(s.job_modify_index, o->mod_rev);
    nomad_schema(c, &job_submission_schema, &s);
    return 0;
}

/* ---- revert, stable --------------------------------------------------------------------- */

struct by_version_body {
    const char *job_id;
    uint64_t *job_version, *enforce_prior_version;
    bool stable;
};

static const struct schema_field by_version_fields[] = {
    {"JobID", NULL, F_STR, offsetof(struct by_version_body, job_id)},
    {"JobVersion", NULL, F_UINT, offsetof(struct by_version_body, job_version),
     .flags = FIELD_PTR},
    {"EnforcePriorVersion", NULL, F_UINT,
     offsetof(struct by_version_body, enforce_prior_version), .flags = FIELD_PTR},
    {"Stable", NULL, F_BOOL, offsetof(struct by_version_body, stable)},
};
static SCHEMA(by_version_schema, "request", struct by_version_body, by_version_fields);

static int versioned(struct call *c, const char *id, struct by_version_body *b,
                     const struct object **ret_version, struct err *e)
{
    const char *ns = call_namespace(c);
    int r = nomad_body(c, &by_version_schema, b, e);

    if (r < 0)
        return r;
    if (!b->job_id || !*b->job_id)
        return nomad_fail(e, 400, "JobID must be specified");
    if (strcmp(b->job_id, id) != 0)
        return nomad_fail(e, 400, "Job ID does not match");
    r = state_job_version(c->txn, ns, id, OPT(b->job_version), ret_version, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 500, "job \"%s\" in namespace \"%s\" at version %llu not found",
                          id, ns, (unsigned long long)OPT(b->job_version));
    return r;
}

/* The text that a version was made of; NULL: none was kept. */
static int find_source(struct call *c, const char *id, uint64_t version,
                       struct job_submission **ret, struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    *ret = NULL;
    job_key_of(&k, &job_submission_table, call_namespace(c), id);
    key_add_u64(&k, version);
    r = table_get(c->txn, &job_submission_table, &k, &o, e);
    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0)
        return r;
    *ret = schema_copy(&job_submission_schema, o->body, c->arena);
    (*ret)->job_modify_index = 0;
    return 0;
}

int job_revert(struct call *c, const char *id, struct err *e)
{
    struct registration *g = arena_new_of(c->arena, struct registration);
    const struct object *version, *now;
    struct by_version_body b;
    int r = versioned(c, id, &b, &version, e);

    if (r == 0)
        r = state_job(c->txn, call_namespace(c), id, &now, e);
    if (r == ERR_NOTFOUND)
        return nomad_fail(e, 500, "job %s not found", id);
    if (r < 0)
        return r;
    unsigned long long current = OPT(((const struct job *)now->body)->version);

    if (OPT(b.job_version) == current)
        return nomad_fail(e, 500, "can't revert to current version");
    if (b.enforce_prior_version && *b.enforce_prior_version != current)
        return nomad_fail(e, 500, "Current job has version %llu; enforcing version %llu",
                          current, (unsigned long long)*b.enforce_prior_version);
    memcpy(&g->job, schema_copy(&job_schema, version->body, c->arena), sizeof g->job);
    g->warnings = "";
    r = find_source(c, id, OPT(b.job_version), &g->body.submission, e);
    return r < 0 ? r : registration_store(c, g, e);
}

void reply_index(struct call *c, uint64_t rev, void *arg)
{
    struct json_out *w = nomad_json(c);

    (void)arg;
    json_obj(w);
    json_kv_u64(w, "Index", rev);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

int job_stable(struct call *c, const char *id, struct err *e)
{
    const struct object *version;
    struct by_version_body b;
    int r = versioned(c, id, &b, &version, e);

    if (r == 0)
        r = job_set_stable(c->txn, version, b.stable, e);
    if (r == 0)
        call_on_commit(c, reply_index, NULL);
    return r;
}

/* ---- tags ------------------------------------------------------------------------------- */

struct tag_body {
    uint64_t *version;
    const char *description;
};

static const struct schema_field tag_fields[] = {
    {"Version", NULL, F_UINT, offsetof(struct tag_body, version), .flags = FIELD_PTR},
    {"Description", NULL, F_STR, offsetof(struct tag_body, description)},
};
static SCHEMA(tag_schema, "tag", struct tag_body, tag_fields);

static void reply_tag(struct call *c, uint64_t rev, void *arg)
{
    const struct job_version_tag *tag = arg;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_str(w, "Description", tag->description);
    json_kv_u64(w, "Index", rev);
    json_kv_str(w, "Name", tag->name);
    json_kv_i64(w, "TaggedTime", tag->tagged_time);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

/* A version's tag is in its row, and in the job's while it is the newest. */
static int put_tag(struct call *c, const struct object *version,
                   const struct job_version_tag *tag, struct err *e)
{
    const struct job *v = version->body;
    const struct object *now;
    struct object *o = state_copy(version);
    int r;

    ((struct job *)o->body)->version_tag =
        tag ? schema_copy(&job_version_tag_schema, tag, o->arena) : NULL;
    r = state_put(c->txn, &job_version_table, o, e);
    if (r == 0)
        r = state_job(c->txn, v->namespace, v->id, &now, e);
    if (r == ERR_NOTFOUND)
        return 0;
    if (r < 0 || OPT(((const struct job *)now->body)->version) != OPT(v->version))
        return r;
    o = state_copy(now);
    ((struct job *)o->body)->version_tag =
        tag ? schema_copy(&job_version_tag_schema, tag, o->arena) : NULL;
    return state_put(c->txn, &job_table, o, e);
}

static const struct object *tagged(const struct list *l, const char *name, size_t *ret_tags)
{
    const struct object *found = NULL;

    *ret_tags = 0;
    list_each (&l->at, o) {
        const struct job *v = (*o)->body;

        *ret_tags += v->version_tag != NULL;
        if (v->version_tag && strcmp(v->version_tag->name, name) == 0)
            found = *o;
    }
    return found;
}

static const struct object *version_in(const struct list *l, uint64_t version)
{
    list_each (&l->at, o)
        if (OPT(((const struct job *)(*o)->body)->version) == version)
            return *o;
    return NULL;
}

static int check_tag(const char *name, const struct tag_body *b, struct err *e)
{
    if (!*name)
        return nomad_fail(e, 400, "name is required");
    if (strlen(name) > JOB_TAG_NAME_MAX)
        return nomad_fail(e, 400, "tag name must be %d bytes or fewer", JOB_TAG_NAME_MAX);
    if (str_of(b->description).len > JOB_TAG_TEXT_MAX)
        return nomad_fail(e, 400, "tag description must be %d bytes or fewer",
                          JOB_TAG_TEXT_MAX);
    return 0;
}

int job_tag(struct call *c, const char *id, const char *name, struct err *e)
{
    struct job_version_tag *tag = arena_new_of(c->arena, struct job_version_tag);
    const struct object *had, *version;
    struct tag_body b = {0};
    struct list l;
    size_t tags;
    int r = nomad_body(c, &tag_schema, &b, e);

    if (r == 0)
        r = check_tag(name, &b, e);
    if (r == 0)
        r = find_versions(c, id, &l, e);
    if (r < 0)
        return r;
    if (l.at.len == 0)
        return nomad_fail(e, 404, "job \"%s\" not found", id);
    version = b.version ? version_in(&l, *b.version) : l.at.at[0];
    if (!version)
        return nomad_fail(e, 500, "job \"%s\" in namespace \"%s\" at version %llu not found",
                          id, call_namespace(c), (unsigned long long)*b.version);
    had = tagged(&l, name, &tags);
    if (had && had != version)
        return nomad_fail(e, 400,
                          "tag \"%s\" already exists on a different version of job "
                          "\"%s\"",
                          name, id);
    if (tags >= JOB_TAGS_MAX && !((const struct job *)version->body)->version_tag)
        return nomad_fail(e, 400, "job \"%s\" has %d tagged versions already", id,
                          JOB_TAGS_MAX);
    *tag = (struct job_version_tag){name, str_or_empty(b.description), c->now_ns};
    r = put_tag(c, version, tag, e);
    if (r == 0)
        call_on_commit(c, reply_tag, tag);
    return r;
}

int job_untag(struct call *c, const char *id, const char *name, struct err *e)
{
    struct job_version_tag *none = arena_new_of(c->arena, struct job_version_tag);
    const struct object *version;
    struct list l;
    size_t tags;
    int r = find_versions(c, id, &l, e);

    if (r < 0)
        return r;
    version = tagged(&l, name, &tags);
    if (!version)
        return nomad_fail(e, 500, "tag \"%s\" not found on job \"%s\"", name, id);
    none->name = none->description = "";
    r = put_tag(c, version, NULL, e);
    if (r == 0)
        call_on_commit(c, reply_tag, none);
    return r;
}
