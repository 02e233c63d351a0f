/* sys/leases and its older names. */
#include <string.h>

#include "base/clock.h"
#include "lang/units.h"
#include "vault/core/lease_priv.h"

enum { SYNC_WAIT_MS = 60000, SYNC_POLL_MS = 5 };

static struct req *req_of(struct call *c)
{
    return c->state;
}

struct lease_body {
    const char *lease_id, *url_lease_id, *prefix;
    int64_t increment_s;
    bool sync;
};

static const struct schema_field lease_body_fields[] = {
    {"lease_id", NULL, F_STR, offsetof(struct lease_body, lease_id)},
    {"url_lease_id", NULL, F_STR, offsetof(struct lease_body, url_lease_id)},
    {"prefix", NULL, F_STR, offsetof(struct lease_body, prefix)},
    {"increment", NULL, F_TTL, offsetof(struct lease_body, increment_s)},
    {"sync", NULL, F_BOOL, offsetof(struct lease_body, sync)},
};
static SCHEMA(lease_body_schema, "lease", struct lease_body, lease_body_fields);

/* The id stands in the body, or in the path. */
static int read_body(struct req *r, struct lease_body *b, struct str *ret_id, struct err *e)
{
    int ret = req_decode(r, &lease_body_schema, b, e);

    if (ret < 0)
        return ret;
    *ret_id = str_of(b->lease_id && *b->lease_id ? b->lease_id : b->url_lease_id);
    return ret_id->len ? 0 : req_fail(e, "lease_id must be specified");
}

/* ---- lookup ------------------------------------------------------------------------------ */

struct times {
    int64_t issued_ns, expires_ns, renewed_ns;
    bool renewable;
};

static int find_times(struct req *r, struct str id, struct times *ret, struct err *e)
{
    const struct token *t;
    const struct lease *l;
    int got = lease_get(r->txn, id, &l, e);

    if (got == 0) {
        *ret = (struct times){l->issued_ns, l->expires_ns, l->renewed_ns, l->renewable};
        return 0;
    }
    if (got == ERR_NOTFOUND)
        got = lease_find_token(r->vault, r->txn, id, &t, e);
    if (got == 0)
        *ret = (struct times){t->issued_ns, t->expires_ns, t->renewed_ns, t->renewable};
    return got;
}

static void write_time(struct json_out *w, const char *name, int64_t ns)
{
    char text[TIME_TEXT_SIZE];

    if (ns)
        time_format_local(ns, text);
    json_kv_str(w, name, ns ? text : NULL);
}

/* What is left in whole seconds, of a now that is rounded to one. */
static int64_t seconds_left(const struct times *t, int64_t now_ns)
{
    int64_t now_s = (now_ns + 500000000) / 1000000000;
    int64_t left = (t->expires_ns - now_s * 1000000000) / 1000000000;

    return t->expires_ns == 0 || left < 0 ? 0 : left;
}

static int lookup(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct lease_body b;
    struct times times = {0};
    struct json_out *w;
    struct str id;
    int ret = read_body(r, &b, &id, e);

    if (ret < 0)
        return ret;
    ret = find_times(r, id, &times, e);
    if (ret == ERR_NOTFOUND)
        return req_fail(e, "invalid lease");
    if (ret < 0)
        return ret;
    w = req_data(r);
    write_time(w, "expire_time", times.expires_ns);
    json_kv_strn(w, "id", id);
    write_time(w, "issue_time", times.issued_ns);
    write_time(w, "last_renewal", times.renewed_ns);
    json_kv_bool(w, "renewable", times.renewable);
    json_kv_i64(w, "ttl", seconds_left(&times, r->now_ns));
    return 0;
}

/* ---- list -------------------------------------------------------------------------------- */

/* The leases of tokens have no records of their own: "<path>/h<hash>" of every token. */
static int list_tokens(struct req *r, struct str folder, struct strlist *keys, struct err *e)
{
    struct key k, exact;
    struct str path = str_upto(folder, folder.len ? folder.len - 1 : 0);
    const struct object *o;
    struct table_scan it;
    int ret;

    table_index_key(&k, &token_table, "path");
    ret = list_level(r->txn, &k, folder, r->a, keys, e);
    for (size_t i = 0; i < keys->len; i++) /* a path's last part is a folder of leases */
        if (!str_ends(str_of(keys->at[i]), STR("/")))
            keys->at[i] = arena_printf(r->a, "%s/", keys->at[i]);
    if (ret < 0 || path.len == 0)
        return ret;
    table_index_key(&exact, &token_table, "path");
    key_add(&exact, path);
    ret = table_scan_index(r->txn, &it, &token_table, &exact, SCAN_PEEK, e);
    if (ret < 0)
        return ret;
    while ((ret = table_scan_next(&it, &o, e)) > 0)
        list_push(r->a, keys, arena_printf(r->a, "h%s", ((const struct token *)o->body)->hash));
    table_scan_end(&it);
    return ret < 0 ? ret : 0;
}

static int list_leases(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct str folder = req_param(r, "prefix");
    struct strlist keys = {0}, more = {0};
    struct key k;
    int ret;

    key_init(&k, lease_table.name);
    ret = list_level(r->txn, &k, folder, r->a, &keys, e);
    if (ret == 0)
        ret = list_tokens(r, folder, &more, e);
    if (ret < 0)
        return ret;
    for (size_t i = 0; i < more.len; i++)
        list_push(r->a, &keys, more.at[i]);
    strlist_sort_unique(&keys);
    req_list_keys(r, &keys);
    return 0;
}

/* ---- renew ------------------------------------------------------------------------------- */

struct renewal {
    struct str id;
    int64_t increment_s;
    struct lease_env env; /* its mount and lease are copies */
    int64_t ttl_s, max_ttl_s;
};

static int check_renewable(struct req *r, struct str id, const struct lease **ret,
                           struct err *e)
{
    const struct token *t;
    int got = lease_get(r->txn, id, ret, e);

    if (got == ERR_NOTFOUND) {
        got = lease_find_token(r->vault, r->txn, id, &t, e);
        if (got == 0)
            return req_fail(e, "tokens cannot be renewed through this endpoint");
        return got == ERR_NOTFOUND ? req_fail(e, "lease not found") : got;
    }
    if (got < 0)
        return got;
    if (lease_is_in_state(*ret, LEASE_IRREVOCABLE))
        return req_fail(e, "lease is expired and has failed previous revocation attempts");
    if (!lease_is_in_state(*ret, "") || (*ret)->expires_ns <= r->now_ns)
        return req_fail(e, "lease expired");
    return (*ret)->renewable ? 0 : req_fail(e, "lease is not renewable");
}

static int ask_engine(struct req *r, void *arg, struct err *e)
{
    struct renewal *n = arg;

    (void)r;
    n->ttl_s = n->max_ttl_s = 0;
    return n->env.mount->engine->renew(&n->env, &n->ttl_s, &n->max_ttl_s, e);
}

static int store_renewal(struct req *r, void *arg, struct err *e)
{
    const struct renewal *n = arg;
    const struct lease *old;
    const struct mount *m;
    struct lease l;
    const char *warning;
    int ret = check_renewable(r, n->id, &old, e);

    if (ret == 0)
        ret = mount_by_uuid(r->vault, r->txn, old->mount_uuid, &m, e);
    if (ret < 0)
        return ret;
    l = *old;
    struct ttl_input in = {.increment_s = n->increment_s,
                           .backend_ttl_s = n->ttl_s,
                           .backend_max_s = n->max_ttl_s ? n->max_ttl_s : old->max_ttl_s,
                           .mount_default_s = mount_default_ttl_s(r->vault, m),
                           .mount_max_s = mount_max_ttl_s(r->vault, m),
                           .start_ns = old->issued_ns,
                           .now_ns = r->now_ns};

    ret = ttl_decide(&in, r->a, &l.ttl_s, &warning, e);
    if (ret < 0)
        return ret;
    if (warning)
        req_warn(r, "%s", warning);
    l.expires_ns = r->now_ns + l.ttl_s * 1000000000;
    l.renewed_ns = r->now_ns;
    r->priv->lease_id = arena_cstr(r->a, n->id);
    r->priv->lease_duration_s = l.ttl_s;
    r->priv->lease_renewable = l.renewable;
    return lease_put(r->txn, &l, e);
}

static void prepare_env(struct req *r, const struct lease *old, const struct mount *m,
                        struct renewal *n)
{
    struct lease *copy = schema_copy(&lease_schema, old, r->a);
    struct mount *mount = schema_copy(&mount_schema, m, r->a);

    mount->engine = m->engine;
    n->env = (struct lease_env){.vault = r->vault,
                                .mount = mount,
                                .a = r->a,
                                .now_ns = r->now_ns,
                                .lease_id = copy->id,
                                .issued_ns = copy->issued_ns,
                                .internal = copy->internal,
                                .data = copy->data,
                                .increment_s = n->increment_s};
}

static int renew(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct renewal *n = arena_new_of(r->a, struct renewal);
    const struct lease *old;
    const struct mount *m;
    struct lease_body b;
    int ret = read_body(r, &b, &n->id, e);

    if (ret == 0)
        ret = check_renewable(r, n->id, &old, e);
    if (ret == 0)
        ret = mount_by_uuid(r->vault, r->txn, old->mount_uuid, &m, e);
    if (ret < 0)
        return ret;
    n->increment_s = b.increment_s;
    if (!m->engine->renew)
        return store_renewal(r, n, e);
    ret = call_claim_pool(c, e);
    if (ret < 0)
        return ret;
    prepare_env(r, old, m, n);
    req_then(r, ask_engine, store_renewal, n);
    return 0;
}

/* ---- revoke ------------------------------------------------------------------------------ */

static int revoke_act(struct req *r, void *arg, struct err *e)
{
    struct lease_jobs *jobs = lease_loop_jobs(r->vault->loop);
    struct err why = ERR_INIT;

    if (!jobs)
        return err_set(e, ERR_UNAVAIL, "the server is stopping");
    if (lease_jobs_revoke_now(jobs, arg, &why) < 0)
        return req_fail(e, "failed to revoke entry: %s", why.msg);
    return 0;
}

static int nothing_more(struct req *r, void *arg, struct err *e)
{
    (void)r;
    (void)arg;
    (void)e;
    return 0;
}

/* From this transaction on it counts as revoked; what must be undone outside follows. */
static int revoke_lease(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    const struct token *t;
    const struct lease *l;
    struct lease_body b;
    struct str id;
    int ret = read_body(r, &b, &id, e);

    if (ret < 0)
        return ret;
    ret = lease_get(r->txn, id, &l, e);
    if (ret == ERR_NOTFOUND) {
        ret = lease_find_token(r->vault, r->txn, id, &t, e);
        if (ret == 0)
            return token_revoke(r->vault, r->txn, t, r->now_ns, e);
        return ret == ERR_NOTFOUND ? 0 : ret;
    }
    if (ret < 0)
        return ret;
    if (!lease_needs_engine(r->vault, r->txn, l))
        return lease_del(r->txn, l->id, e);
    ret = lease_make_due(r->txn, l, false, false, r->now_ns, e);
    if (ret < 0 || !b.sync)
        return ret;
    ret = call_claim_pool(c, e);
    if (ret == 0)
        req_then(r, revoke_act, nothing_more, arena_cstr(r->a, id));
    return ret;
}

/* ---- by prefix --------------------------------------------------------------------------- */

struct prefix_wait {
    struct str prefix; /* ends in '/' */
    int64_t before_ns;
};

/* Which lease below the prefix is still to go? *ret_error: one was tried, and failed. */
static int look_below(struct vault *v, const struct prefix_wait *p, struct arena *a,
                      bool *ret_waiting, const char **ret_error, struct err *e)
{
    auto_txn struct txn *t = NULL;
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r = txn_begin(v->opts.store, TXN_READ_ONLY, &t, e);

    *ret_waiting = false;
    *ret_error = NULL;
    if (r < 0)
        return r;
    key_init(&k, lease_table.name);
    key_add_open(&k, p->prefix);
    r = table_scan_begin(t, &it, &lease_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while (!*ret_waiting && (r = table_scan_next(&it, &o, e)) > 0) {
        const struct lease *l = o->body;

        if (l->issued_ns > p->before_ns)
            continue;
        if (l->tries > 0)
            *ret_error = arena_printf(a, "failed to revoke \"%s\": %s", l->id, l->last_error);
        else
            *ret_waiting = true;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

int lease_wait_revoked(struct vault *v, struct str prefix, int64_t before_ns, struct arena *a,
                       const char **ret_error, struct err *e)
{
    struct prefix_wait p = {prefix, before_ns};
    int64_t deadline = clock_mono_ms() + SYNC_WAIT_MS;
    bool waiting = true;

    lease_loop_wake(v);
    for (;;) {
        int ret = look_below(v, &p, a, &waiting, ret_error, e);

        if (ret < 0 || !waiting)
            return ret;
        if (clock_mono_ms() >= deadline)
            return err_set(e, ERR_TIMEOUT, "leases are still being revoked");
        if (stopper_wait_until(api_stopper(v->opts.api), clock_mono_ms() + SYNC_POLL_MS))
            return err_set(e, ERR_UNAVAIL, "the server is stopping");
    }
}

static int wait_act(struct req *r, void *arg, struct err *e)
{
    const struct prefix_wait *p = arg;
    const char *error = NULL;
    int ret = lease_wait_revoked(r->vault, p->prefix, p->before_ns, r->a, &error, e);

    return ret == 0 && error ? req_fail(e, "%s", error) : ret;
}

static int revoke_below(struct req *r, bool force, bool sync, struct err *e)
{
    struct prefix_wait *p = arena_new_of(r->a, struct prefix_wait);
    struct str prefix = req_param(r, "prefix");
    int ret = lease_revoke_prefix(r->vault, r->txn, prefix, force, r->now_ns, e);

    if (ret < 0 || !sync)
        return ret;
    p->prefix = str_of(
        arena_printf(r->a, "%.*s%s", STR_ARG(prefix), str_ends(prefix, STR("/")) ? "" : "/"));
    p->before_ns = r->now_ns;
    ret = call_claim_pool(r->call, e);
    if (ret == 0)
        req_then(r, wait_act, nothing_more, p);
    return ret;
}

static int revoke_prefix(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct lease_body b;
    int ret = req_decode(r, &lease_body_schema, &b, e);

    return ret < 0 ? ret : revoke_below(r, false, b.sync, e);
}

static int revoke_force(struct call *c, struct err *e)
{
    struct req *r = req_of(c);

    return revoke_below(r, true, r->vault->loop != NULL, e);
}

static const struct path_info lease_info = {
    .fields = &lease_body_schema,
    .help = "Leases: look one up, renew it, revoke it, or all below a prefix."};

const struct route lease_routes[] = {
    /* clang-format off */
    {M_WRITE, "leases/lookup",                 0,          lookup,           &lease_info},
    {M_LIST,  "leases/lookup/*prefix",         ROUTE_SUDO, list_leases,      &lease_info},
    {M_WRITE, "leases/renew/*url_lease_id",    0,          renew,            &lease_info},
    {M_WRITE, "renew/*url_lease_id",           0,          renew,            &lease_info},
    {M_WRITE, "leases/revoke/*url_lease_id",   0,          revoke_lease,     &lease_info},
    {M_WRITE, "revoke/*url_lease_id",          0,          revoke_lease,     &lease_info},
    {M_WRITE, "leases/revoke-prefix/+prefix",  ROUTE_SUDO, revoke_prefix,    &lease_info},
    {M_WRITE, "revoke-prefix/+prefix",         ROUTE_SUDO, revoke_prefix,    &lease_info},
    {M_WRITE, "leases/revoke-force/+prefix",   ROUTE_SUDO, revoke_force,     &lease_info},
    {M_WRITE, "revoke-force/+prefix",          ROUTE_SUDO, revoke_force,     &lease_info},
    {M_WRITE, "leases/tidy",                   0,          lease_tidy,       &lease_info},
    {M_GET,   "leases",                        ROUTE_SUDO, lease_irrevocable, &lease_info},
    {M_GET,   "leases/count",                  0,          lease_count,      &lease_info},
    /* clang-format on */
};
const size_t n_lease_routes = ARRAY_LEN(lease_routes);
