/* The node: registered, kept alive by heartbeats, registered again when it has changed. */
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/path.h"
#include "nomad/client/client_priv.h"

enum { BEAT_BACKOFF_MS = 15000, BEAT_DEV_BACKOFF_MS = 1000, META_FILE_MAX = 1 << 20 };

struct object *node_ref(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    return object_ref(c->node);
}

/* ---- metadata that the API sets --------------------------------------------------------- */

/* {"key": "value" or null (hidden)}: kept in node-meta. */
void node_meta_load(struct nomad_client *c)
{
    auto_buf struct buf b = BUF_INIT(META_FILE_MAX);
    struct json *v = NULL;

    c->meta_arena = arena_new(0);
    c->dynamic_meta = NULL;
    if (path_read_file(c->state_fd, "node-meta", &b, NULL) < 0 ||
        json_parse(buf_str(&b), &json_limits_file, JSON_COPY, c->meta_arena, &v, NULL) < 0)
        return;
    if (json_is(v, JSON_OBJECT))
        c->dynamic_meta = v;
}

static void apply_meta(struct node *n, struct arena *a, void *arg)
{
    struct nomad_client *c = arg;
    const struct json *dyn = c->dynamic_meta;

    n->meta = (struct strmap){0};
    for (size_t i = 0; i < c->o.meta.len; i++) {
        const struct json *v = json_get(dyn, c->o.meta.at[i].key);

        if (!v)
            strmap_set(a, &n->meta, c->o.meta.at[i].key, c->o.meta.at[i].val);
    }
    for (uint32_t i = 0; dyn && i < dyn->len; i++)
        if (dyn->members[i].value.type == JSON_STRING)
            strmap_set(a, &n->meta, arena_cstr(a, dyn->members[i].key),
                       arena_cstr(a, dyn->members[i].value.text));
}

static int merge_meta(const struct json *changes, struct json *to, struct arena *a,
                      struct err *e)
{
    for (uint32_t i = 0; i < changes->len; i++) {
        const struct json_member *m = &changes->members[i];

        if (m->key.len == 0 || m->key.len > NAME_MAX_BYTES || !str_is_printable(m->key))
            return err_set(e, ERR_INVALID, "metadata keys are 1 to %d printable bytes",
                           NAME_MAX_BYTES);
        if (m->value.type != JSON_STRING && m->value.type != JSON_NULL)
            return err_set(e, ERR_INVALID,
                           "metadata value of \"%.*s\" must be a string or null",
                           STR_ARG(m->key));
        json_set(a, to, arena_str(a, m->key), *json_copy(a, &m->value));
    }
    if (to->len > CLIENT_META_MAX)
        return err_set(e, ERR_TOOBIG, "more than %d metadata keys", CLIENT_META_MAX);
    return 0;
}

int node_meta_set(struct nomad_client *c, const struct json *changes, struct err *e)
{
    struct arena *a = arena_new(0), *old;
    auto_buf struct buf b = BUF_INIT(META_FILE_MAX);
    struct json *next;
    int r;
    auto_lock struct lock *held = lock_scope(&c->meta_lock);

    lock_take(&c->lock);
    next = c->dynamic_meta ? json_copy(a, c->dynamic_meta) : json_new_object(a);
    lock_drop(&c->lock);
    r = merge_meta(changes, next, a, e);
    json_print(&b, next, NULL);
    if (r == 0)
        r = buf_check(&b, "the node's metadata", e);
    if (r == 0)
        r = path_write_atomic(c->state_fd, "node-meta", buf_str(&b), 0600, e);
    if (r < 0) {
        arena_free(a);
        return r;
    }
    lock_take(&c->lock);
    old = c->meta_arena;
    c->meta_arena = a;
    c->dynamic_meta = next;
    lock_drop(&c->lock);
    node_change(c, apply_meta, c);
    arena_free(old);
    return 0;
}

/* ---- making and changing ---------------------------------------------------------------- */

void node_init(struct nomad_client *c)
{
    struct object *o = object_new(&node_schema);
    struct node *n = o->body;
    struct err e = ERR_INIT;

    n->id = arena_strdup(o->arena, c->id);
    n->datacenter = c->o.datacenter;
    n->name = c->o.name;
    n->node_class = str_or_empty(c->o.node_class);
    n->node_pool = c->o.node_pool;
    n->http_addr = str_or_empty(c->o.http_addr);
    n->tls_enabled = c->o.http_tls;
    n->status = "initializing";
    n->eligibility = "eligible";
    n->cgroup_parent = "nomad.slice";
    n->resources.min_dynamic_port = c->o.min_dynamic_port;
    n->resources.max_dynamic_port = c->o.max_dynamic_port;
    n->reserved.cpu.cpu_shares = c->o.reserved_cpu;
    n->reserved.memory.memory_mb = c->o.reserved_memory_mb;
    n->reserved.disk.disk_mb = c->o.reserved_disk_mb;
    n->reserved.networks.reserved_host_ports = str_or_empty(c->o.reserved_ports);
    finger_all(c, n, o->arena);
    apply_meta(n, o->arena, c);
    if (node_check(n, o->arena, &e) < 0)
        log_error(CLIENT_ROOM, "servers will refuse this node error=%s", e.msg);
    n->computed_class = node_computed_class(n, o->arena);
    c->node = o;
}

bool node_change(struct nomad_client *c, void (*fn)(struct node *n, struct arena *a, void *arg),
                 void *arg)
{
    auto_object struct object *was = node_ref(c);
    auto_object struct object *next = object_new(&node_schema);
    struct node *n = schema_copy(&node_schema, was->body, next->arena);

    next->body = n;
    fn(n, next->arena, arg);
    if (schema_eq(&node_schema, was->body, n))
        return false;
    n->computed_class = node_computed_class(n, next->arena);
    lock_take(&c->lock);
    object_unref(c->node);
    c->node = TAKE_PTR(next);
    c->node_changed = true;
    stopper_stop(&c->beat_wake);
    lock_drop(&c->lock);
    return true;
}

/* ---- the loop --------------------------------------------------------------------------- */

void client_denied(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    c->registered = false;
    stopper_stop(&c->beat_wake);
}

static bool must_register(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);
    bool must = !c->registered || c->node_changed;

    c->node_changed = false;
    return must;
}

static void note_lease(struct nomad_client *c, const struct link_lease *l)
{
    if (c->link_http && l->servers.len > 0)
        link_http_add_servers(c->link_http, &l->servers);
    auto_lock struct lock *held = lock_scope(&c->lock);

    c->heartbeat_ttl_ms = l->heartbeat_ttl_ms;
    c->last_heartbeat_mono = clock_mono_ms();
    c->known_servers = l->servers.len;
    if (!c->registered)
        log_info(CLIENT_ROOM, "node registered id=%s", c->id);
    c->registered = true;
    cond_broadcast(&c->changed);
}

/* Register if needed, then say that we are ready. */
static int beat(struct nomad_client *c, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_object struct object *node = node_ref(c);
    struct link_lease lease = {0};
    int r = 0;

    if (must_register(c)) {
        r = c->link.node_register(c->link.ctx, node->body, c->secret_id, a, &lease, e);
        if (r < 0) {
            client_denied(c);
            return r;
        }
    }
    r = c->link.heartbeat(c->link.ctx, c->id, c->secret_id, "ready", a, &lease, e);
    if (r == ERR_DENIED)
        client_denied(c);
    if (r == 0)
        note_lease(c, &lease);
    return r;
}

/* Until it is time for the next, or something wants one now. */
static void wait_beat(struct nomad_client *c, int64_t ms)
{
    stopper_wait_until(&c->beat_wake, clock_mono_ms() + ms);
    auto_lock struct lock *held = lock_scope(&c->lock);

    if (!c->stopping)
        stopper_reset(&c->beat_wake);
}

static int64_t next_beat_ms(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);
    int64_t ttl = c->heartbeat_ttl_ms > 1000 ? c->heartbeat_ttl_ms : 1000;

    return ttl - (int64_t)random_below((uint64_t)ttl / 10);
}

static int64_t last_heard(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    return c->last_heartbeat_mono ? c->last_heartbeat_mono : c->started_mono;
}

/* Ends what must not go on where no server hears of it (stop_on_client_after). When to look
 * again; 0: nothing will be due. */
static int64_t stop_unheard(struct nomad_client *c)
{
    int64_t heard = last_heard(c), now = clock_mono_ms(), next = 0;
    struct alloc_run **all;
    size_t n = client_allocs(c, &all);

    for (size_t i = 0; i < n; i++) {
        auto_object struct object *o = alloc_run_alloc(all[i]);
        const struct task_group *g = alloc_group(alloc_of(o));
        struct disconnect_rules d = {0};
        int64_t due;

        if (g)
            group_disconnect(g, &d);
        due = heard + d.stop_on_client_after_ns / 1000000;
        if (d.stop_on_client_after_ns > 0 && due <= now)
            alloc_run_kill(all[i]);
        else if (d.stop_on_client_after_ns > 0 && (!next || due < next))
            next = due;
        alloc_run_unref(all[i]);
    }
    free(all);
    return next;
}

static void wait_again(struct nomad_client *c, unsigned tries)
{
    int64_t until =
        clock_mono_ms() + backoff_ms(tries, c->o.dev ? BEAT_DEV_BACKOFF_MS : BEAT_BACKOFF_MS);
    int64_t due = stop_unheard(c);

    stopper_wait_until(&c->stop, due && due < until ? due : until);
}

void beat_loop(void *arg)
{
    struct nomad_client *c = arg;
    unsigned tries = 0;

    while (!stopper_is_set(&c->stop)) {
        struct err e = ERR_INIT;
        int r = beat(c, &e);

        if (r == 0) {
            tries = 0;
            wait_beat(c, next_beat_ms(c));
            continue;
        }
        if (stopper_is_set(&c->stop))
            break;
        log_warn(CLIENT_ROOM, "heartbeat failed, retrying error=%s", e.msg);
        if (r == ERR_DENIED && tries++ == 0)
            continue; /* a server that does not know us is told at once who we are */
        /* A waiting wake must not turn this into a busy loop. */
        wait_again(c, tries++);
    }
}
