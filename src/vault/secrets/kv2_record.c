/* kv version 2: records, and the rules by which versions come and go. */
#include <string.h>

#include "lang/units.h"
#include "vault/secrets/kv2.h"

/* ---- tables ------------------------------------------------------------------------------ */

static const struct schema_field version_fields[] = {
    {"version", NULL, F_INT, offsetof(struct kv2_version, version)},
    {"created", NULL, F_INT, offsetof(struct kv2_version, created_ns)},
    {"deletion", NULL, F_INT, offsetof(struct kv2_version, deletion_ns),
     .flags = FIELD_OMITEMPTY},
    {"destroyed", NULL, F_BOOL, offsetof(struct kv2_version, destroyed),
     .flags = FIELD_OMITEMPTY},
};
static SCHEMA(version_schema, "version", struct kv2_version, version_fields);

static const struct schema_field meta_fields[] = {
    {"mount", NULL, F_STR, offsetof(struct kv2_meta, mount)},
    {"path", NULL, F_STR, offsetof(struct kv2_meta, path)},
    {"created", NULL, F_INT, offsetof(struct kv2_meta, created_ns)},
    {"updated", NULL, F_INT, offsetof(struct kv2_meta, updated_ns)},
    {"current", NULL, F_INT, offsetof(struct kv2_meta, current)},
    {"oldest", NULL, F_INT, offsetof(struct kv2_meta, oldest)},
    {"max_versions", NULL, F_INT, offsetof(struct kv2_meta, max_versions),
     .flags = FIELD_OMITEMPTY},
    {"delete_after", NULL, F_INT, offsetof(struct kv2_meta, delete_after_s),
     .flags = FIELD_OMITEMPTY},
    {"cas_required", NULL, F_BOOL, offsetof(struct kv2_meta, cas_required),
     .flags = FIELD_OMITEMPTY},
    {"has_custom", NULL, F_BOOL, offsetof(struct kv2_meta, has_custom),
     .flags = FIELD_OMITEMPTY},
    {"custom", NULL, F_STRMAP, offsetof(struct kv2_meta, custom), .flags = FIELD_OMITEMPTY},
    {"versions", NULL, F_LIST, offsetof(struct kv2_meta, versions), .sub = &version_schema},
    {"text", NULL, F_STR, offsetof(struct kv2_meta, text),
     .flags = FIELD_SECRET | FIELD_OMITEMPTY, .max = STORE_VALUE_MAX},
};
static SCHEMA(meta_schema, "kv2", struct kv2_meta, meta_fields);

static void meta_key(const void *body, struct key *k)
{
    const struct kv2_meta *m = body;

    key_addz(k, m->mount);
    key_addz(k, m->path);
}

const struct table kv2_meta_table = {
    .name = "kv2", .schema = &meta_schema, .key = meta_key, .sealed = true};

struct value {
    const char *mount, *path, *text;
    int64_t version;
};

static const struct schema_field value_fields[] = {
    {"mount", NULL, F_STR, offsetof(struct value, mount)},
    {"path", NULL, F_STR, offsetof(struct value, path)},
    {"version", NULL, F_INT, offsetof(struct value, version)},
    {"text", NULL, F_STR, offsetof(struct value, text), .flags = FIELD_SECRET,
     .max = STORE_VALUE_MAX},
};
static SCHEMA(value_schema, "kv2value", struct value, value_fields);

static void value_key(const void *body, struct key *k)
{
    const struct value *v = body;

    key_addz(k, v->mount);
    key_addz(k, v->path);
    key_add_u64(k, (uint64_t)v->version);
}

const struct table kv2_value_table = {
    .name = "kv2v", .schema = &value_schema, .key = value_key, .sealed = true};

static const struct schema_field config_fields[] = {
    {"mount", NULL, F_STR, offsetof(struct kv2_config, mount)},
    {"max_versions", NULL, F_INT, offsetof(struct kv2_config, max_versions)},
    {"delete_after", NULL, F_INT, offsetof(struct kv2_config, delete_after_s)},
    {"cas_required", NULL, F_BOOL, offsetof(struct kv2_config, cas_required)},
};
SCHEMA(kv2_config_schema, "kv2config", struct kv2_config, config_fields);

static void config_key(const void *body, struct key *k)
{
    key_addz(k, ((const struct kv2_config *)body)->mount);
}

const struct table kv2_config_table = {
    .name = "kv2c", .schema = &kv2_config_schema, .key = config_key, .sealed = true};

int kv2_config_get(struct req *r, const struct kv2_config **ret, struct err *e)
{
    static const struct kv2_config none = {.mount = ""};
    const struct object *o;
    struct key k;
    int got;

    mount_key(&k, &kv2_config_table, r->mount);
    got = table_get(r->txn, &kv2_config_table, &k, &o, e);
    *ret = got == 0 ? o->body : &none;
    return got == ERR_NOTFOUND ? 0 : got;
}

/* ---- metadata ---------------------------------------------------------------------------- */

struct kv2_meta *kv2_new(struct req *r, struct str path)
{
    struct kv2_meta *m = arena_new_of(r->a, struct kv2_meta);

    m->mount = r->mount->uuid;
    m->path = arena_cstr(r->a, path);
    m->created_ns = m->updated_ns = r->now_ns;
    return m;
}

/* What a record of version 1 looks like here. */
static struct kv2_meta *as_v2(struct req *r, struct str path, const struct kv1_record *old)
{
    struct kv2_meta *m = kv2_new(r, path);

    m->created_ns = m->updated_ns = old->written_ns;
    m->current = m->oldest = 1;
    list_push(r->a, &m->versions,
              ((struct kv2_version){.version = 1, .created_ns = old->written_ns}));
    m->from_v1 = old;
    return m;
}

int kv2_peek(struct req *r, struct str path, const struct kv2_meta **ret, struct err *e)
{
    const struct kv1_record *old;
    const struct object *o;
    struct key k;
    int got;

    if (path.len == 0 || path.len > KV_PATH_MAX)
        return err_set(e, ERR_NOTFOUND, "%s", "");
    mount_key(&k, &kv2_meta_table, r->mount);
    key_add(&k, path);
    got = table_get(r->txn, &kv2_meta_table, &k, &o, e);
    if (got == 0) {
        *ret = o->body;
        return 0;
    }
    if (got == ERR_NOTFOUND)
        got = kv1_get(r, path, &old, e);
    if (got == 0)
        *ret = as_v2(r, path, old);
    return got;
}

int kv2_load(struct req *r, struct str path, struct kv2_meta **ret, struct err *e)
{
    const struct kv2_meta *m;
    int got = kv2_peek(r, path, &m, e);

    if (got < 0)
        return got;
    *ret = schema_copy(&meta_schema, m, r->a);
    (*ret)->from_v1 = m->from_v1;
    (*ret)->path =
        arena_cstr(r->a, path); /* as asked: a stored name lost bytes that are no text */
    return 0;
}

static int put_value(struct req *r, const struct kv2_meta *m, int64_t version, struct str text,
                     struct err *e)
{
    auto_object struct object *o = object_new(&value_schema);
    struct value *v = o->body;

    arena_set_wipe(o->arena);
    v->mount = arena_strdup(o->arena, m->mount);
    v->path = arena_strdup(o->arena, m->path);
    v->version = version;
    v->text = arena_cstr(o->arena, text);
    return table_put(r->txn, &kv2_value_table, o, e);
}

static int take_over_v1(struct req *r, struct kv2_meta *m, struct err *e)
{
    const struct kv1_record *old = m->from_v1;
    const struct kv2_version *first = kv2_find(m, 1);
    int ret = 0;

    if (!old)
        return 0;
    m->from_v1 = NULL;
    if (first && !first->destroyed)
        ret = put_value(r, m, 1, str_of(old->value), e);
    return ret < 0 ? ret : kv1_del(r, str_of(m->path), e);
}

int kv2_put(struct req *r, struct kv2_meta *m, struct err *e)
{
    auto_object struct object *o = NULL;
    int ret = take_over_v1(r, m, e);

    if (ret < 0)
        return ret;
    o = object_new(&meta_schema);
    arena_set_wipe(o->arena);
    memcpy(o->body, schema_copy(&meta_schema, m, o->arena), sizeof *m);
    return table_put(r->txn, &kv2_meta_table, o, e);
}

/* ---- values ------------------------------------------------------------------------------ */

/* By the path as asked for: one that is no text was stored with U+FFFD in it. */
static void value_key_of(struct key *k, const struct req *r, int64_t version)
{
    mount_key(k, &kv2_value_table, r->mount);
    key_add(k, req_param(r, "path"));
    key_add_u64(k, (uint64_t)version);
}

static bool has_text(const struct kv2_meta *m, int64_t version)
{
    return version == m->current && m->text && *m->text;
}

int kv2_value(struct req *r, const struct kv2_meta *m, int64_t version, struct str *ret,
              struct err *e)
{
    const struct object *o;
    struct key k;
    int got;

    if (m->from_v1) {
        *ret = str_of(m->from_v1->value);
        return 0;
    }
    if (has_text(m, version)) {
        *ret = str_of(m->text);
        return 0;
    }
    value_key_of(&k, r, version);
    got = table_get(r->txn, &kv2_value_table, &k, &o, e);
    if (got == 0)
        *ret = str_of(((const struct value *)o->body)->text);
    return got;
}

int kv2_del_value(struct req *r, struct kv2_meta *m, int64_t version, struct err *e)
{
    struct key k;

    if (has_text(m, version)) {
        m->text = NULL;
        return 0;
    }
    value_key_of(&k, r, version);
    return table_del(r->txn, &kv2_value_table, &k, e);
}

int kv2_remove(struct req *r, struct kv2_meta *m, struct err *e)
{
    struct key k;
    int ret = kv1_del(r, str_of(m->path), e);

    for (size_t i = 0; i < m->versions.len && ret == 0; i++)
        ret = kv2_del_value(r, m, m->versions.at[i].version, e);
    if (ret < 0)
        return ret;
    mount_key(&k, &kv2_meta_table, r->mount);
    key_addz(&k, m->path);
    return table_del(r->txn, &kv2_meta_table, &k, e);
}

/* ---- versions ---------------------------------------------------------------------------- */

struct kv2_version *kv2_find(const struct kv2_meta *m, int64_t version)
{
    for (size_t i = m->versions.len; i > 0; i--)
        if (m->versions.at[i - 1].version == version)
            return &m->versions.at[i - 1];
    return NULL;
}

bool kv2_is_deleted(const struct kv2_version *v, int64_t now_ns)
{
    return v->deletion_ns != 0 && v->deletion_ns <= now_ns;
}

/* The shorter of the mount's and the path's; a negative one switches it off. */
int64_t kv2_deletion_time(const struct kv2_meta *m, const struct kv2_config *c, int64_t now_ns)
{
    int64_t s = m->delete_after_s;

    if (c->delete_after_s < 0 || s < 0)
        return 0;
    if (s == 0 || (c->delete_after_s > 0 && c->delete_after_s < s))
        s = c->delete_after_s;
    return s ? now_ns + s * 1000000000 : 0;
}

static size_t versions_kept(const struct kv2_meta *m, const struct kv2_config *c)
{
    int64_t n = m->max_versions > c->max_versions ? m->max_versions : c->max_versions;

    if (n <= 0)
        n = KV2_VERSIONS_DEFAULT;
    return n < KV2_VERSIONS_MAX ? (size_t)n : KV2_VERSIONS_MAX;
}

static int prune(struct req *r, struct kv2_meta *m, const struct kv2_config *c, struct err *e)
{
    size_t keep = versions_kept(m, c), gone = 0;

    if (m->versions.len <= keep)
        return 0;
    gone = m->versions.len - keep;
    for (size_t i = 0; i < gone; i++) {
        int ret = kv2_del_value(r, m, m->versions.at[i].version, e);

        if (ret < 0)
            return ret;
    }
    m->versions.at += gone;
    m->versions.len = keep;
    m->oldest = m->versions.at[0].version;
    return 0;
}

/* The value of the version that is current until now gets a record of its own. */
static int move_text_out(struct req *r, struct kv2_meta *m, struct err *e)
{
    const char *text = m->text;

    if (!has_text(m, m->current))
        return 0;
    m->text = NULL;
    return put_value(r, m, m->current, str_of(text), e);
}

int kv2_add(struct req *r, struct kv2_meta *m, const struct kv2_config *c, struct str text,
            struct err *e)
{
    struct kv2_version v = {.version = m->current + 1,
                            .created_ns = r->now_ns,
                            .deletion_ns = kv2_deletion_time(m, c, r->now_ns)};
    int ret = take_over_v1(r, m, e);

    if (ret == 0)
        ret = move_text_out(r, m, e);
    if (ret == 0 && text.len > KV2_INLINE_MAX)
        ret = put_value(r, m, v.version, text, e);
    if (ret < 0)
        return ret;
    list_push(r->a, &m->versions, v);
    m->current = v.version;
    if (text.len <= KV2_INLINE_MAX)
        m->text = arena_cstr(r->a, text);
    m->updated_ns = r->now_ns;
    ret = prune(r, m, c, e);
    return ret < 0 ? ret : kv2_put(r, m, e);
}

/* ---- showing ----------------------------------------------------------------------------- */

void kv2_write_time(struct json_out *w, const char *name, int64_t ns)
{
    char text[TIME_TEXT_SIZE] = "";

    if (ns)
        time_format_utc(ns, text);
    json_kv_str(w, name, text);
}

void kv2_write_custom(struct json_out *w, const struct kv2_meta *m)
{
    json_key(w, "custom_metadata");
    if (m->has_custom)
        json_strmap(w, &m->custom);
    else
        json_null(w);
}

void kv2_write_version(struct json_out *w, const struct kv2_meta *m,
                       const struct kv2_version *v)
{
    kv2_write_time(w, "created_time", v->created_ns);
    kv2_write_custom(w, m);
    kv2_write_time(w, "deletion_time", v->deletion_ns);
    json_kv_bool(w, "destroyed", v->destroyed);
    json_kv_i64(w, "version", v->version);
}

int kv2_exists(struct req *r, bool *ret, struct err *e)
{
    const struct kv2_meta *m;
    int got = kv2_peek(r, req_param(r, "path"), &m, e);

    *ret = got == 0;
    return got == ERR_NOTFOUND ? 0 : got;
}

int kv2_read_duration(const char *field, const struct json *v, const char *prefix,
                      int64_t *ret_s, struct err *e)
{
    auto_buf struct buf shown = BUF_INIT(ERR_MSG_SIZE / 2);
    struct err why = ERR_INIT;

    if (ttl_from_json(v, ret_s, &why) == 0)
        return 0;
    req_show_value(&shown, v);
    return req_fail(e, "%serror converting input %.*s for field \"%s\": %s", prefix,
                    STR_ARG(buf_str(&shown)), field, why.msg);
}
