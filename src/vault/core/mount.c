#include "vault/core/mount.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "vault/core/core_priv.h"

static const struct schema_field config_fields[] = {
    {"default_lease_ttl", NULL, F_TTL, offsetof(struct mount_config, default_lease_ttl_s)},
    {"max_lease_ttl", NULL, F_TTL, offsetof(struct mount_config, max_lease_ttl_s)},
    {"force_no_cache", NULL, F_BOOL, offsetof(struct mount_config, force_no_cache)},
    {"listing_visibility", NULL, F_STR, offsetof(struct mount_config, listing_visibility),
     .flags = FIELD_OMITEMPTY},
    {"token_type", NULL, F_STR, offsetof(struct mount_config, token_type),
     .flags = FIELD_OMITEMPTY},
    {"passthrough_request_headers", NULL, F_STRLIST,
     offsetof(struct mount_config, passthrough_request_headers),
     .flags = FIELD_CSL | FIELD_OMITEMPTY},
    {"allowed_response_headers", NULL, F_STRLIST,
     offsetof(struct mount_config, allowed_response_headers),
     .flags = FIELD_CSL | FIELD_OMITEMPTY},
    {"audit_non_hmac_request_keys", NULL, F_STRLIST,
     offsetof(struct mount_config, audit_non_hmac_request_keys),
     .flags = FIELD_CSL | FIELD_OMITEMPTY},
    {"audit_non_hmac_response_keys", NULL, F_STRLIST,
     offsetof(struct mount_config, audit_non_hmac_response_keys),
     .flags = FIELD_CSL | FIELD_OMITEMPTY},
    {"allowed_managed_keys", NULL, F_STRLIST,
     offsetof(struct mount_config, allowed_managed_keys), .flags = FIELD_CSL | FIELD_OMITEMPTY},
    {"user_lockout_config", NULL, F_JSON, offsetof(struct mount_config, user_lockout_config),
     .flags = FIELD_OMITEMPTY},
    {"plugin_version", NULL, F_STR, offsetof(struct mount_config, plugin_version),
     .flags = FIELD_OMITEMPTY},
};
const struct schema mount_config_schema = {"config", sizeof(struct mount_config), config_fields,
                                           ARRAY_LEN(config_fields), NULL};

static const struct schema_field mount_fields[] = {
    {"namespace_id", NULL, F_STR, offsetof(struct mount, namespace_id)},
    {"path", NULL, F_STR, offsetof(struct mount, path)},
    {"uuid", NULL, F_STR, offsetof(struct mount, uuid)},
    {"accessor", NULL, F_STR, offsetof(struct mount, accessor)},
    {"type", NULL, F_STR, offsetof(struct mount, type)},
    {"description", NULL, F_STR, offsetof(struct mount, description)},
    {"config", NULL, F_EMBED, offsetof(struct mount, config), .sub = &mount_config_schema},
    {"options", NULL, F_STRMAP, offsetof(struct mount, options)},
    {"has_options", NULL, F_BOOL, offsetof(struct mount, has_options)},
    {"local", NULL, F_BOOL, offsetof(struct mount, local)},
    {"seal_wrap", NULL, F_BOOL, offsetof(struct mount, seal_wrap)},
    {"external_entropy_access", NULL, F_BOOL, offsetof(struct mount, external_entropy_access)},
    {"tainted", NULL, F_BOOL, offsetof(struct mount, tainted)},
    {"created", NULL, F_INT, offsetof(struct mount, created_ns)},
};
SCHEMA(mount_schema, "mount", struct mount, mount_fields);

static void table_key(const void *body, struct key *k)
{
    const struct mount *m = body;

    key_addz(k, m->namespace_id);
    key_addz(k, m->path);
}

const struct table mount_table = {
    .name = "mount", .schema = &mount_schema, .key = table_key, .sealed = true};

/* ---- the snapshot ----------------------------------------------------------------------- */

/*
 * All mounts as of one revision of the table: sorted by path; shared, freed with the last user.
 */
struct mount_snapshot {
    atomic_uint refs;
    uint64_t rev;
    struct arena *arena;
    const struct mount **at; /* by path */
    size_t len;
};

void mount_snapshot_free(struct mount_snapshot *s)
{
    if (s && atomic_fetch_sub(&s->refs, 1) == 1) {
        arena_free(s->arena);
        free(s);
    }
}

static void snapshot_unref(void *s)
{
    mount_snapshot_free(s);
}

static int snapshot_add(struct vault *v, struct mount_snapshot *s, const struct mount *row,
                        struct err *e)
{
    enum engine_kind kind =
        str_starts(str_of(row->path), STR("auth/")) ? ENGINE_AUTH : ENGINE_SECRET;
    struct mount *m = schema_copy(&mount_schema, row, s->arena);

    m->engine = vault_engine(v, m->type, kind);
    if (!m->engine)
        return err_set(e, ERR_UNSUPPORTED,
                       "mount %s has type %s, which this program does not know", m->path,
                       m->type);
    if (m->engine->variant)
        m->engine = m->engine->variant(m);
    s->at[s->len++] = m;
    return 0;
}

static int snapshot_load(struct vault *v, struct txn *t, struct mount_snapshot *s,
                         struct err *e)
{
    const struct object *row;
    struct table_scan it;
    struct key prefix;
    int r;

    s->at = arena_array(s->arena, const struct mount *, MOUNTS_MAX);
    key_init(&prefix, mount_table.name);
    r = table_scan_begin(t, &it, &mount_table, &prefix, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &row, e)) > 0 && s->len < MOUNTS_MAX) {
        r = snapshot_add(v, s, row->body, e);
        if (r < 0)
            break;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static int snapshot_new(struct vault *v, struct txn *t, uint64_t rev,
                        struct mount_snapshot **ret, struct err *e)
{
    struct mount_snapshot *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        abort();
    s->refs = 1;
    s->rev = rev;
    s->arena = arena_new(0);
    r = snapshot_load(v, t, s, e);
    if (r < 0) {
        mount_snapshot_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

/* The snapshot of this transaction's view, kept until its arena ends. A transaction that has
 * itself changed the table reads it afresh. */
static int snapshot_get(struct vault *v, struct txn *t, const struct mount_snapshot **ret,
                        struct err *e)
{
    uint64_t rev = table_rev(t, &mount_table);
    bool own = txn_has_writes(t);
    struct mount_snapshot *s = NULL, *old = NULL;
    int r;

    lock_take(&v->lock);
    if (!own && v->mounts && v->mounts->rev == rev) {
        s = v->mounts;
        atomic_fetch_add(&s->refs, 1);
    }
    lock_drop(&v->lock);
    if (!s) {
        r = snapshot_new(v, t, rev, &s, e);
        if (r < 0)
            return r;
        lock_take(&v->lock);
        if (!own && (!v->mounts || v->mounts->rev < rev)) {
            old = v->mounts;
            v->mounts = s;
            atomic_fetch_add(&s->refs, 1);
        }
        lock_drop(&v->lock);
        mount_snapshot_free(old);
    }
    arena_on_end(txn_arena(t), snapshot_unref, s);
    *ret = s;
    return 0;
}

/* ---- looking up ------------------------------------------------------------------------- */

/* Index of the first mount whose path is greater than `path`. */
static size_t upper(const struct mount_snapshot *s, struct str path)
{
    size_t lo = 0, hi = s->len;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (str_cmp(str_of(s->at[mid]->path), path) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Mounts do not nest, so the longest prefix is the only one: it sorts right before the path. */
int mount_find(struct vault *v, struct txn *t, struct str path, const struct mount **ret,
               struct str *ret_rest, struct err *e)
{
    const struct mount_snapshot *s;
    int r = snapshot_get(v, t, &s, e);
    size_t i;

    if (r < 0)
        return r;
    i = upper(s, path);
    if (i > 0 && str_starts(path, str_of(s->at[i - 1]->path)) && !s->at[i - 1]->tainted) {
        *ret = s->at[i - 1];
        *ret_rest = str_from(path, strlen((*ret)->path));
        return 0;
    }
    /* "cubbyhole" itself belongs to "cubbyhole/" */
    if (i < s->len && !s->at[i]->tainted && strlen(s->at[i]->path) == path.len + 1 &&
        str_starts(str_of(s->at[i]->path), path)) {
        *ret = s->at[i];
        *ret_rest = STR("");
        return 0;
    }
    return err_set(e, ERR_NOTFOUND, "no handler for route \"%.*s\". route entry not found.",
                   STR_ARG(path));
}

static int find_where(struct vault *v, struct txn *t,
                      bool (*is)(const struct mount *, struct str), struct str what,
                      const struct mount **ret, struct err *e)
{
    const struct mount_snapshot *s;
    int r = snapshot_get(v, t, &s, e);

    if (r < 0)
        return r;
    for (size_t i = 0; i < s->len; i++) {
        if (is(s->at[i], what)) {
            *ret = s->at[i];
            return 0;
        }
    }
    return err_set(e, ERR_NOTFOUND, "no such mount");
}

static bool has_path(const struct mount *m, struct str path)
{
    return str_eqc(path, m->path) && !m->tainted;
}

static bool has_uuid(const struct mount *m, struct str uuid)
{
    return str_eqc(uuid, m->uuid);
}

static bool has_accessor(const struct mount *m, struct str accessor)
{
    return str_eqc(accessor, m->accessor);
}

int mount_by_path(struct vault *v, struct txn *t, struct str path, const struct mount **ret,
                  struct err *e)
{
    return find_where(v, t, has_path, path, ret, e);
}

int mount_by_uuid(struct vault *v, struct txn *t, const char *uuid, const struct mount **ret,
                  struct err *e)
{
    return find_where(v, t, has_uuid, str_of(uuid), ret, e);
}

int mount_by_accessor(struct vault *v, struct txn *t, const char *accessor,
                      const struct mount **ret, struct err *e)
{
    return find_where(v, t, has_accessor, str_of(accessor), ret, e);
}

int mount_list(struct vault *v, struct txn *t, const struct mount *const **ret, size_t *ret_n,
               struct err *e)
{
    const struct mount_snapshot *s;
    int r = snapshot_get(v, t, &s, e);

    if (r < 0)
        return r;
    *ret = s->at;
    *ret_n = s->len;
    return 0;
}

int64_t mount_default_ttl_s(const struct vault *v, const struct mount *m)
{
    int64_t own = m->config.default_lease_ttl_s, max = mount_max_ttl_s(v, m);
    int64_t ttl = own > 0 ? own : v->opts.default_lease_ttl_s;

    return ttl < max ? ttl : max;
}

int64_t mount_max_ttl_s(const struct vault *v, const struct mount *m)
{
    return m->config.max_lease_ttl_s > 0 ? m->config.max_lease_ttl_s : v->opts.max_lease_ttl_s;
}

/* ---- changing --------------------------------------------------------------------------- */

void mount_key(struct key *k, const struct table *t, const struct mount *m)
{
    key_init(k, t->name);
    key_addz(k, m->uuid);
}

int mount_put(struct txn *t, const struct mount *m, struct err *e)
{
    auto_object struct object *o = object_new(&mount_schema);

    memcpy(o->body, schema_copy(&mount_schema, m, o->arena), sizeof *m);
    return table_put(t, &mount_table, o, e);
}

void mount_row_key(struct key *k, const struct mount *m)
{
    key_init(k, mount_table.name);
    table_key(m, k);
}

int mount_del(struct txn *t, const struct mount *m, struct err *e)
{
    struct key k;

    mount_row_key(&k, m);
    return table_del(t, &mount_table, &k, e);
}

static const char *make_accessor(struct arena *a, const char *path, const char *type)
{
    char hex[9];

    random_hex(hex, 8);
    return arena_printf(a, "%s%s_%s", str_starts(str_of(path), STR("auth/")) ? "auth_" : "",
                        type, hex);
}

void mount_identify(struct arena *a, struct mount *m, int64_t now_ns)
{
    char uuid[UUID_SIZE];

    random_uuid(uuid);
    m->namespace_id = "root";
    m->uuid = arena_strdup(a, uuid);
    m->accessor = make_accessor(a, m->path, m->type);
    m->created_ns = now_ns;
}

int mount_init(struct vault *v, struct txn *t, int64_t now_ns, struct err *e)
{
    static const struct {
        const char *path, *type, *description, *header;
        bool local, seal_wrap;
    } first[] = {
        {"sys/", "system", "system endpoints used for control, policy and debugging", "Accept",
         false, true},
        {"identity/", "identity", "identity store", "Authorization", false, false},
        {"cubbyhole/", "cubbyhole", "per-token private secret storage", NULL, true, false},
        {"auth/token/", "token", "token based credentials", NULL, false, false},
    };
    struct arena *a = txn_arena(t);

    (void)v;
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        struct mount m = {.path = first[i].path,
                          .type = first[i].type,
                          .description = first[i].description,
                          .local = first[i].local,
                          .seal_wrap = first[i].seal_wrap};
        int r;

        if (first[i].header)
            list_push(a, &m.config.passthrough_request_headers, first[i].header);
        if (str_starts(str_of(m.path), STR("auth/")))
            m.config.token_type = "default-service";
        mount_identify(a, &m, now_ns);
        r = mount_put(t, &m, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Neither may lie below the other. *ret_other: the path in the way. */
bool mount_path_taken(const struct mount *const *all, size_t n, const char *path,
                      const char **ret_other)
{
    struct str p = str_of(path);

    for (size_t i = 0; i < n; i++) {
        struct str q = str_of(all[i]->path);

        if (str_starts(p, q) || str_starts(q, p)) {
            *ret_other = all[i]->path;
            return true;
        }
    }
    return false;
}

int mount_enable(struct req *r, struct mount *m, struct err *e)
{
    bool auth = str_starts(str_of(m->path), STR("auth/"));
    const struct mount *const *all;
    const char *other;
    size_t n;
    int ret = mount_list(r->vault, r->txn, &all, &n, e);

    if (ret < 0)
        return ret;
    if (n >= MOUNTS_MAX)
        return err_set(e, ERR_LIMIT, "there are %d mounts already, no more are possible",
                       MOUNTS_MAX);
    if (strlen(m->path) > MOUNT_PATH_MAX)
        return req_fail(e, "a mount path may have at most %d bytes", MOUNT_PATH_MAX);
    m->engine = vault_engine(r->vault, m->type, auth ? ENGINE_AUTH : ENGINE_SECRET);
    if (!m->engine)
        return req_fail(e, "plugin not found in the catalog: %s", m->type);
    if (mount_path_taken(all, n, m->path, &other))
        return req_fail(e, "path is already in use at %s",
                        auth ? other + strlen("auth/") : other);
    mount_identify(r->a, m, r->now_ns);
    ret = m->engine->enable ? m->engine->enable(r, m, e) : 0;
    return ret < 0 ? ret : mount_put(r->txn, m, e);
}
