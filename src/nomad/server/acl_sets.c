/*
 * Compiled sets of policies: what a token's policies allow is worked out once, and again when
 * one of them has changed. A set is known by its policies' names and revisions.
 *
 * Thread: `lock` guards the list; a set does not change once made, and is counted.
 */
#include <string.h>

#include "base/clock.h"
#include "base/vec.h"
#include "nomad/server/acl_priv.h"

struct acl_set {
    atomic_uint refs;
    struct arena *arena;
    const char *key;
    const struct rights *rights;
};

static void set_unref(void *p)
{
    struct acl_set *s = p;

    if (atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    arena_free(s->arena);
    free(s);
}

static const struct rights *lend(struct call *c, struct acl_set *s)
{
    arena_on_end(c->arena, set_unref, s);
    return s->rights;
}

static struct acl_set *find_set(struct acl_state *st, const char *key)
{
    auto_lock struct lock *held = lock_scope(&st->lock);

    for (size_t i = 0; i < st->sets.len; i++)
        if (strcmp(st->sets.at[i]->key, key) == 0) {
            atomic_fetch_add(&st->sets.at[i]->refs, 1);
            return st->sets.at[i];
        }
    return NULL;
}

/* In the place of the oldest when there are many. */
static void keep_set(struct acl_state *st, struct acl_set *s)
{
    auto_lock struct lock *held = lock_scope(&st->lock);

    atomic_fetch_add(&s->refs, 1);
    if (st->sets.len >= ACL_SETS_MAX) {
        set_unref(st->sets.at[0]);
        vec_remove(&st->sets, 0);
    }
    vec_push(&st->sets, s);
}

void acl_sets_done(struct acl_state *st)
{
    for (size_t i = 0; i < st->sets.len; i++)
        set_unref(st->sets.at[i]);
    vec_done(&st->sets);
}

/* A stored policy was read before it was stored; one that does not parse allows nothing. */
static struct acl_set *compile(const struct object *const *rows, size_t n, const char *key)
{
    struct acl_set *s = calloc(1, sizeof *s);
    const struct acl_rules **all;

    if (!s)
        abort();
    atomic_init(&s->refs, 1);
    s->arena = arena_new(0);
    s->key = arena_strdup(s->arena, key);
    all = arena_zalloc(s->arena, (n + 1) * sizeof(struct acl_rules *));
    for (size_t i = 0; i < n; i++) {
        const struct acl_policy *p = rows[i]->body;
        struct acl_rules *r = arena_new_of(s->arena, struct acl_rules);
        const char *text = arena_strdup(s->arena, str_or_empty(p->rules));

        if (acl_rules_parse(str_of(text), s->arena, r, NULL) < 0)
            *r = (struct acl_rules){0};
        all[i] = r;
    }
    s->rights = rights_new(all, n, s->arena);
    return s;
}

struct set_rows {
    LIST(const struct object *) at;
};

/* The policies that there are, and the key of their set. */
static int read_set(struct txn *t, struct arena *a, const struct strlist *policies,
                    struct set_rows *ret, const char **ret_key, struct err *e)
{
    const char *key = "";

    for (size_t i = 0; i < policies->len; i++) {
        const struct object *o;
        int r = acl_policy_get(t, policies->at[i], &o, e);

        if (r < 0 && r != ERR_NOTFOUND)
            return r;
        if (r < 0)
            continue;
        list_push(a, &ret->at, o);
        key =
            arena_printf(a, "%s%s@%llu ", key, policies->at[i], (unsigned long long)o->mod_rev);
    }
    *ret_key = key;
    return 0;
}

int acl_rights_of(struct call *c, const struct strlist *policies, const struct rights **ret,
                  struct err *e)
{
    struct acl_state *st = server_of(c)->acl;
    struct set_rows rows = {0};
    const char *key;
    struct acl_set *s;
    int r = read_set(c->txn, c->arena, policies, &rows, &key, e);

    if (r < 0)
        return r;
    s = find_set(st, key);
    if (!s) {
        s = compile(rows.at.at, rows.at.len, key);
        keep_set(st, s);
    }
    *ret = lend(c, s);
    return 0;
}

/* ---- grants ----------------------------------------------------------------------------- */

/* "ACCESSOR policy@revision ..."; nobody's accessor is "-". */
static int grant_of(struct txn *t, const struct acl_token *tok, const char **ret, struct err *e)
{
    struct arena *a = txn_arena(t);
    struct strlist policies = {0};
    struct set_rows rows = {0};
    const char *key = "";
    int r = 0;

    if (!tok)
        list_push(a, &policies, "anonymous");
    else if (strcmp(tok->type, ACL_TOKEN_CLIENT) == 0)
        r = acl_token_policies(t, tok, &policies, e);
    else
        key = "management";
    if (r == 0 && !*key)
        r = read_set(t, a, &policies, &rows, &key, e);
    if (r == 0)
        *ret = arena_printf(a, "%s %s", tok ? tok->accessor_id : "-", key);
    return r;
}

int acl_grant(struct call *c, const char **ret, struct err *e)
{
    const char *text = NULL;
    int r = server_of(c)->opts.acl.enabled ? grant_of(c->txn, call_token(c), &text, e) : 0;

    *ret = text ? arena_strdup(c->arena, text) : "";
    return r;
}

bool acl_grant_holds(struct nomad_server *s, const char *grant)
{
    auto_txn struct txn *t = NULL;
    struct str rest = str_of(grant), accessor;
    const struct acl_token *tok = NULL;
    const struct object *o;
    const char *now;

    if (!s->opts.acl.enabled)
        return true;
    if (txn_begin(s->opts.store, TXN_READ_ONLY, &t, NULL) < 0 ||
        !str_split(&rest, ' ', &accessor))
        return false;
    if (!str_eqc(accessor, "-")) {
        if (acl_token_get(t, arena_cstr(txn_arena(t), accessor), &o, NULL) < 0)
            return false;
        tok = o->body;
        if (acl_token_expired(tok, clock_wall_ns()))
            return false;
    }
    return grant_of(t, tok, &now, NULL) == 0 && strcmp(now, grant) == 0;
}
