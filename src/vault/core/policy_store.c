/*
 * Policies at rest, the ones that are always there, and compiled ACLs.
 *
 * A compiled ACL is immutable and shared: it belongs to one revision of the policy table, one
 * list of names and one identity, which together are its key in the cache. The cache is emptied
 * when it is full or when the table has changed; what is in use lives on by its count.
 */
#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "vault/core/core_priv.h"
#include "vault/core/policy_priv.h"

enum {
    CACHE_MAX = 1024,           /* compiled ACLs */
    CACHE_BYTES_MAX = 16 << 20, /* what they hold in all */
    CACHE_KEY_MAX = 64 << 10,   /* a longer list of names is compiled each time */
};

static const struct schema_field row_fields[] = {
    {"namespace_id", NULL, F_STR, offsetof(struct policy_row, namespace_id)},
    {"name", NULL, F_STR, offsetof(struct policy_row, name)},
    {"text", NULL, F_STR, offsetof(struct policy_row, text), .max = POLICY_TEXT_MAX},
};
SCHEMA(policy_row_schema, "policy", struct policy_row, row_fields);

static void row_key(const void *body, struct key *k)
{
    const struct policy_row *row = body;

    key_addz(k, row->namespace_id);
    key_addz(k, row->name);
}

const struct table policy_table = {
    .name = "policy", .schema = &policy_row_schema, .key = row_key, .sealed = true};

/* ---- the ones that are always there ----------------------------------------------------- */

static const char default_text[] =
    "# What every token may do unless it was made without this policy.\n"
    "\n"
    "# Look at, extend and end itself.\n"
    "path \"auth/token/lookup-self\" {\n"
    "    capabilities = [\"read\"]\n"
    "}\n"
    "path \"auth/token/renew-self\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"auth/token/revoke-self\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "\n"
    "# Ask what it may do.\n"
    "path \"sys/capabilities-self\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/internal/ui/resultant-acl\" {\n"
    "    capabilities = [\"read\"]\n"
    "}\n"
    "\n"
    "# Read the entity it belongs to.\n"
    "path \"identity/entity/id/{{identity.entity.id}}\" {\n"
    "    capabilities = [\"read\"]\n"
    "}\n"
    "path \"identity/entity/name/{{identity.entity.name}}\" {\n"
    "    capabilities = [\"read\"]\n"
    "}\n"
    "\n"
    "# Extend and look at a lease whose id it knows, by the old path and the new one.\n"
    "path \"sys/renew\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/leases/renew\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/leases/lookup\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "\n"
    "# Keep things that nobody else can see and that end with it.\n"
    "path \"cubbyhole/*\" {\n"
    "    capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\"]\n"
    "}\n"
    "\n"
    "# Wrap values, and look at or open a wrapping token that it was given.\n"
    "path \"sys/wrapping/wrap\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/wrapping/lookup\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/wrapping/unwrap\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "\n"
    "# Hash things.\n"
    "path \"sys/tools/hash\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "path \"sys/tools/hash/*\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "\n"
    "# Ask how far a request that needs approval has come.\n"
    "path \"sys/control-group/request\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n"
    "\n"
    "# Sign in elsewhere with this vault as the OpenID Connect provider.\n"
    "path \"identity/oidc/provider/+/authorize\" {\n"
    "    capabilities = [\"read\", \"update\"]\n"
    "}\n";

static const char wrapping_text[] = "# Of a wrapping token: open what it wraps, once.\n"
                                    "path \"cubbyhole/response\" {\n"
                                    "    capabilities = [\"create\", \"read\"]\n"
                                    "}\n"
                                    "path \"sys/wrapping/unwrap\" {\n"
                                    "    capabilities = [\"update\"]\n"
                                    "}\n";

static const char control_group_text[] =
    "# Of the token of a request that waits for approval.\n"
    "path \"cubbyhole/control-group\" {\n"
    "    capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\"]\n"
    "}\n"
    "path \"sys/wrapping/unwrap\" {\n"
    "    capabilities = [\"update\"]\n"
    "}\n";

static const struct {
    const char *name, *text;
} fixed[] = {
    {"root", ""}, {"response-wrapping", wrapping_text}, {"control-group", control_group_text}};

static const char *fixed_text(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
        if (strcmp(fixed[i].name, name) == 0)
            return fixed[i].text;
    return NULL;
}

/* ---- names ------------------------------------------------------------------------------ */

const char *policy_name_canonical(struct arena *a, struct str name)
{
    char *p;

    name = str_trim(name);
    p = arena_cstr(a, name);
    for (size_t i = 0; i < name.len; i++)
        p[i] = (char)tolower((unsigned char)p[i]);
    return p;
}

void policy_names_canonical(struct arena *a, struct strlist *names, bool add_default)
{
    struct strlist out = {0};

    for (size_t i = 0; i < names->len; i++) {
        const char *name = policy_name_canonical(a, str_of(names->at[i]));

        if (*name)
            list_push(a, &out, name);
    }
    if (add_default)
        list_push(a, &out, "default");
    strlist_sort_unique(&out);
    if (strlist_has(&out, "root")) {
        out.len = 0;
        list_push(a, &out, "root");
    }
    *names = out;
}

/* ---- texts ------------------------------------------------------------------------------ */

int policy_text(struct txn *t, const char *name, const char **ret, struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    *ret = fixed_text(name);
    if (*ret)
        return 0;
    if (strlen(name) > POLICY_NAME_MAX)
        return err_set(e, ERR_NOTFOUND, "there is no policy of that name");
    key_init(&k, policy_table.name);
    key_addz(&k, "root");
    key_addz(&k, name);
    r = table_get(t, &policy_table, &k, &o, e);
    if (r == ERR_NOTFOUND)
        return err_set(e, r, "there is no policy \"%s\"", name);
    if (r < 0)
        return r;
    *ret = ((const struct policy_row *)o->body)->text;
    return 0;
}

bool policy_exists(struct txn *t, const char *name)
{
    const char *text;

    return policy_text(t, name, &text, NULL) == 0;
}

int policy_put(struct txn *t, const char *name, const char *text, struct err *e)
{
    auto_object struct object *o = object_new(&policy_row_schema);

    *(struct policy_row *)o->body =
        (struct policy_row){arena_strdup(o->arena, "root"), arena_strdup(o->arena, name),
                            arena_strdup(o->arena, text)};
    return table_put(t, &policy_table, o, e);
}

int policy_init(struct txn *t, struct err *e)
{
    return policy_put(t, "default", default_text, e);
}

/* ---- compiled --------------------------------------------------------------------------- */

struct cached_acl {
    atomic_uint refs;
    struct arena *arena;
    struct str key;
    const struct acl *acl;
};

struct policy_cache {
    struct map by_key;
    uint64_t rev;
    size_t bytes;
};

static void cached_unref(void *arg)
{
    struct cached_acl *c = arg;

    if (c && atomic_fetch_sub(&c->refs, 1) == 1) {
        arena_free(c->arena);
        free(c);
    }
}

static void cache_clear(struct policy_cache *cache)
{
    void *c;

    for (size_t i = 0; map_next(&cache->by_key, &i, NULL, &c);)
        cached_unref(c);
    map_done(&cache->by_key);
    cache->bytes = 0;
}

void policy_cache_free(struct policy_cache *c)
{
    if (!c)
        return;
    cache_clear(c);
    free(c);
}

/* Everything that the compiled form depends on, but for the table's revision. */
static void cache_key(struct buf *b, const struct strlist *names,
                      const struct policy_identity *id)
{
    for (size_t i = 0; i < names->len; i++) {
        buf_puts(b, names->at[i]);
        buf_putc(b, '\0');
    }
    buf_putc(b, '\0');
    if (id) {
        buf_puts(b, id->entity_id ? id->entity_id : "");
        buf_putc(b, '\0');
        buf_puts(b, id->entity_name ? id->entity_name : "");
        buf_putc(b, '\0');
        json_print(b, id->entity, NULL);
    }
}

/* A new reference, or NULL. */
static struct cached_acl *cache_find(struct vault *v, uint64_t rev, struct str key)
{
    auto_lock struct lock *held = lock_scope(&v->lock);
    struct cached_acl *c;

    if (!v->policies || v->policies->rev != rev)
        return NULL;
    c = map_get(&v->policies->by_key, key);
    if (c)
        atomic_fetch_add(&c->refs, 1);
    return c;
}

static void cache_add(struct vault *v, uint64_t rev, struct cached_acl *c)
{
    auto_lock struct lock *held = lock_scope(&v->lock);
    struct policy_cache *cache = v->policies;

    if (!cache) {
        cache = v->policies = calloc(1, sizeof *cache);
        if (!cache)
            abort();
    }
    if (cache->rev > rev)
        return; /* made from an older view than what is kept */
    if (cache->rev < rev || cache->by_key.len >= CACHE_MAX || cache->bytes > CACHE_BYTES_MAX)
        cache_clear(cache);
    cache->rev = rev;
    if (map_get(&cache->by_key, c->key))
        return;
    atomic_fetch_add(&c->refs, 1);
    map_put(&cache->by_key, c->key, c);
    cache->bytes += arena_bytes(c->arena);
}

/* A name without a policy grants nothing. */
static int compile(struct txn *t, const struct strlist *names, const struct policy_identity *id,
                   struct arena *a, const struct acl **ret, struct err *e)
{
    const struct policy **policies = arena_array(a, const struct policy *, names->len + 1);
    bool root = names->len == 1 && strcmp(names->at[0], "root") == 0;
    size_t n = 0;

    for (size_t i = 0; i < names->len && !root; i++) {
        struct policy *p;
        const char *text;
        int r;

        if (strcmp(names->at[i], "root") == 0)
            continue; /* means something alone only */
        r = policy_text(t, names->at[i], &text, e);
        if (r == ERR_NOTFOUND)
            continue;
        if (r < 0)
            return r;
        r = policy_parse(arena_str(a, str_of(text)), a, &p, e);
        if (r < 0)
            return err_wrap(e, ERR_CORRUPT, "policy \"%s\"", names->at[i]);
        policies[n++] = p;
    }
    *ret = acl_new(a, policies, n, id, root);
    return 0;
}

int acl_for_policies(struct vault *v, struct txn *t, const struct strlist *names,
                     const struct policy_identity *id, const struct acl **ret, struct err *e)
{
    auto_buf struct buf key = BUF_INIT(CACHE_KEY_MAX);
    uint64_t rev = table_rev(t, &policy_table);
    bool shared = !txn_has_writes(t); /* this transaction may have changed a policy itself */
    struct cached_acl *c = NULL;
    int r;

    cache_key(&key, names, id);
    shared = shared && buf_ok(&key);
    if (shared)
        c = cache_find(v, rev, buf_str(&key));
    if (!c) {
        c = calloc(1, sizeof *c);
        if (!c)
            abort();
        c->refs = 1;
        c->arena = arena_new(0);
        c->key = arena_str(c->arena, buf_str(&key));
        r = compile(t, names, id, c->arena, &c->acl, e);
        if (r < 0) {
            cached_unref(c);
            return r;
        }
        if (shared)
            cache_add(v, rev, c);
    }
    arena_on_end(txn_arena(t), cached_unref, c);
    *ret = c->acl;
    return 0;
}
