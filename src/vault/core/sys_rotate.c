/*
 * sys/key-status, sys/rotate, sys/rotate/config: the barrier's keys and when they change.
 *
 * A key that has sealed too much, or is too old, is followed by a new one by itself: the lease
 * loop looks once a minute. What the old one has sealed stays readable. The loop also keeps the
 * stored count of what a key has sealed ahead of the true one.
 */
#include <string.h>

#include "base/clock.h"
#include "lang/units.h"
#include "vault/core/core_priv.h"

enum { LOOK_EVERY_MS = 60000, DAY_S = 24 * 60 * 60 };

/* So many random nonces under one key are safe. */
static const int64_t operations_max = 3865470566, operations_min = 1000000;

static struct req *req_of(struct call *c)
{
    return c->state;
}

/* ---- the configuration ------------------------------------------------------------------ */

struct rotation {
    bool enabled;
    int64_t max_operations, interval_s;
};

static const struct schema_field rotation_fields[] = {
    {"enabled", NULL, F_BOOL, offsetof(struct rotation, enabled)},
    {"max_operations", NULL, F_INT, offsetof(struct rotation, max_operations)},
    {"interval", NULL, F_TTL, offsetof(struct rotation, interval_s)},
};
static SCHEMA(rotation_schema, "rotation", struct rotation, rotation_fields);

static void rotation_key(const void *body, struct key *k)
{
    (void)body;
    key_addz(k, "config");
}

const struct table rotation_table = {
    .name = "rotation", .schema = &rotation_schema, .key = rotation_key, .sealed = true};

static int load(struct txn *t, struct rotation *ret, struct err *e)
{
    const struct object *o;
    struct key k;
    int r;

    *ret = (struct rotation){true, operations_max, 0};
    key_init(&k, rotation_table.name);
    rotation_key(NULL, &k);
    r = table_get(t, &rotation_table, &k, &o, e);
    if (r == 0)
        *ret = *(const struct rotation *)o->body;
    return r == ERR_NOTFOUND ? 0 : r;
}

static int read_config(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    char text[DURATION_TEXT_SIZE];
    struct json_out *w;
    struct rotation now;
    int ret = load(r->txn, &now, e);

    if (ret < 0)
        return ret;
    w = req_data(r);
    json_kv_bool(w, "enabled", now.enabled);
    if (now.interval_s) {
        duration_format(now.interval_s * 1000000000, text);
        json_kv_str(w, "interval", text);
    } else {
        json_kv_i64(w, "interval", 0);
    }
    json_kv_i64(w, "max_operations", now.max_operations);
    return 0;
}

static int check(const struct rotation *n, struct err *e)
{
    if (n->max_operations < operations_min || n->max_operations > operations_max)
        return req_fail(e, "max_operations must be in the range [%lld,%lld]",
                        (long long)operations_min, (long long)operations_max);
    if (n->interval_s && n->interval_s < DAY_S)
        return req_fail(e, "interval must be greater or equal to 24h0m0s");
    if (n->interval_s > INT64_MAX / 1000000000)
        return req_fail(e, "interval must be less than 292 years");
    return 0;
}

/* What is not given stays. */
static int write_config(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct rotation given, next;
    auto_object struct object *o = NULL;
    int ret = req_decode(r, &rotation_schema, &given, e);

    if (ret == 0)
        ret = load(r->txn, &next, e);
    if (ret < 0)
        return ret;
    if (req_has(r, "enabled"))
        next.enabled = given.enabled;
    if (req_has(r, "max_operations"))
        next.max_operations = given.max_operations;
    if (req_has(r, "interval"))
        next.interval_s = given.interval_s;
    ret = check(&next, e);
    if (ret < 0)
        return ret;
    o = object_new(&rotation_schema);
    *(struct rotation *)o->body = next;
    return table_put(r->txn, &rotation_table, o, e);
}

/* ---- by itself -------------------------------------------------------------------------- */

static bool is_due(const struct rotation *n, const struct key_status *ks, int64_t now_ns)
{
    if (!n->enabled)
        return false;
    return ks->encryptions >= (uint64_t)n->max_operations ||
           (n->interval_s && (now_ns - ks->installed_ns) / 1000000000 >= n->interval_s);
}

struct upkeep {
    struct vault *vault;
    bool rotated;
};

static int rotate_if_due(struct txn *t, void *arg, struct err *e)
{
    struct upkeep *u = arg;
    int64_t now_ns = clock_wall_ns();
    struct rotation config;
    struct key_status ks;
    int r = load(t, &config, e);

    seal_key_status(u->vault->seal, &ks);
    u->rotated = r == 0 && ks.term && is_due(&config, &ks, now_ns);
    return u->rotated ? seal_rotate(u->vault->seal, t, now_ns, e) : r;
}

void rotation_upkeep(struct vault *v)
{
    struct upkeep u = {v, false};
    struct err e = ERR_INIT;
    int r;

    if (!seal_is_open(v->seal) || clock_mono_ms() < v->rotation_look_ms)
        return;
    v->rotation_look_ms = clock_mono_ms() + LOOK_EVERY_MS;
    if (seal_reserve_count(v->seal, &e) < 0)
        log_warn("core", "the count of encryptions is not stored, retrying: %s", e.msg);
    r = store_run(v->opts.store, rotate_if_due, &u, 0, NULL, &e);
    if (r == 0 && u.rotated)
        r = seal_reload(v->seal, &e);
    if (r < 0 && r != ERR_SEALED)
        log_warn("core", "the barrier's key is not rotated, retrying: %s", e.msg);
    else if (u.rotated)
        log_info("core", "the barrier has a new key");
}

/* ---- by hand ---------------------------------------------------------------------------- */

static int key_status(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct json_out *w = req_data(r);
    char time[TIME_TEXT_SIZE];
    struct key_status ks;

    (void)e;
    seal_key_status(r->vault->seal, &ks);
    time_format_local(ks.installed_ns, time);
    json_kv_u64(w, "encryptions", ks.encryptions);
    json_kv_str(w, "install_time", time);
    json_kv_i64(w, "term", ks.term);
    return 0;
}

static void use_new_key(struct call *c, uint64_t rev, void *arg)
{
    struct err e = ERR_INIT;

    (void)rev;
    (void)arg;
    if (seal_reload(req_of(c)->vault->seal, &e) < 0)
        log_error("core", "rotated key is not in use yet: %s", e.msg);
}

static int rotate(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    int ret = seal_rotate(r->vault->seal, r->txn, r->now_ns, e);

    if (ret == 0)
        call_on_commit(c, use_new_key, NULL);
    return ret;
}

static const struct path_info config_info = {
    .fields = &rotation_schema, .help = "When the barrier's key is rotated by itself."};

const struct route sys_rotate_routes[] = {
    /* clang-format off */
    {M_GET,   "key-status",    ROUTE_TOPLEVEL, key_status,   NULL},
    {M_WRITE, "rotate",        ROUTE_SUDO,     rotate,       NULL},
    {M_GET,   "rotate/config", 0,              read_config,  &config_info},
    {M_WRITE, "rotate/config", 0,              write_config, &config_info},
    /* clang-format on */
};
const size_t n_sys_rotate_routes = ARRAY_LEN(sys_rotate_routes);
