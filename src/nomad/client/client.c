/* Making a client, starting and ending its loops; the table of its allocs. */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "nomad/client/serve.h"

enum {
    FLUSH_MS = 1000,         /* last updates, when we go */
    DRAIN_MS = 3600 * 1000,  /* drain_on_shutdown's default */
    KILL_ON_STOP_MS = 4000,  /* -dev: how long tasks get when the agent ends */
    KILL_TIMEOUT_MS = 30000, /* max_kill_timeout's default */
};

int64_t backoff_ms(unsigned tries, int64_t max_ms)
{
    int64_t ms = 1000;

    while (tries-- > 0 && ms < max_ms)
        ms *= 2;
    ms = ms < max_ms ? ms : max_ms;
    return ms - (int64_t)random_below((uint64_t)ms / 4 + 1);
}

/* ---- options ---------------------------------------------------------------------------- */

static void copy_map(struct arena *a, struct strmap *to, const struct strmap *from)
{
    *to = (struct strmap){0};
    for (size_t i = 0; i < from->len; i++)
        strmap_set(a, to, arena_strdup(a, from->at[i].key),
                   arena_strdup(a, str_or_empty(from->at[i].val)));
}

static void copy_list(struct arena *a, struct strlist *to, const struct strlist *from)
{
    *to = (struct strlist){0};
    for (size_t i = 0; i < from->len; i++)
        list_push(a, to, arena_strdup(a, from->at[i]));
}

static void copy_texts(struct arena *a, struct nomad_client_opts *o)
{
    const char **const texts[] = {
        &o->state_dir,
        &o->alloc_dir,
        &o->data_dir,
        &o->shim_path,
        &o->region,
        &o->datacenter,
        &o->name,
        &o->node_class,
        &o->node_pool,
        &o->http_addr,
        &o->network_interface,
        &o->reserved_ports,
        &o->tls.ca_file,
        &o->tls.cert_file,
        &o->tls.key_file,
        &o->vault.address,
        &o->vault.ca_file,
        &o->vault.ca_path,
        &o->vault.cert_file,
        &o->vault.key_file,
        &o->vault.tls_server_name,
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = arena_strdup(a, *texts[i]);
}

static void default_i64(int64_t *v, int64_t def)
{
    if (*v <= 0)
        *v = def;
}

static void default_text(const char **s, const char *def)
{
    if (is_empty(*s))
        *s = def;
}

/* Beside the running program, or where `make install` puts it. */
static const char *find_shim(struct arena *a)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    static const char *const places[] = {"%.*s/serai-shim", "%.*s/shim/serai-shim",
                                         "%.*s/../libexec/serai/serai-shim",
                                         "%.*s/src/shim/serai-shim"};

    if (n <= 0)
        return "serai-shim";
    while (n > 0 && self[n - 1] != '/')
        n--;
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        const char *path = arena_printf(a, places[i], (int)(n - 1), self);
#pragma GCC diagnostic pop

        if (access(path, X_OK) == 0)
            return path;
    }
    return "/usr/libexec/serai/serai-shim";
}

static int take_options(struct nomad_client *c, const struct nomad_client_opts *from,
                        struct err *e)
{
    struct arena *a = c->arena;
    struct nomad_client_opts *o = &c->o;
    char host[HOST_NAME_MAX + 1] = "";

    *o = *from;
    copy_texts(a, o);
    copy_map(a, &o->meta, &from->meta);
    copy_map(a, &o->options, &from->options);
    copy_list(a, &o->servers, &from->servers);
    o->plugins = json_copy(a, from->plugins);
    if (is_empty(o->state_dir) && !is_empty(o->data_dir))
        o->state_dir = path_join(a, o->data_dir, "client");
    if (is_empty(o->alloc_dir) && !is_empty(o->data_dir))
        o->alloc_dir = path_join(a, o->data_dir, "alloc");
    if (is_empty(o->state_dir) || is_empty(o->alloc_dir) || !path_is_absolute(o->state_dir) ||
        !path_is_absolute(o->alloc_dir))
        return err_set(e, ERR_INVALID,
                       "client: data_dir, or state_dir and alloc_dir, must be absolute paths");
    gethostname(host, sizeof host - 1);
    default_text(&o->region, "global");
    default_text(&o->datacenter, "dc1");
    default_text(&o->name, *host ? arena_strdup(a, host) : "node");
    default_text(&o->node_pool, "default");
    if (is_empty(o->shim_path))
        o->shim_path = find_shim(a);
    default_i64(&o->max_kill_timeout_ms, KILL_TIMEOUT_MS);
    default_i64(&o->gc_interval_ms, 60000);
    default_i64(&o->gc_max_allocs, 50);
    default_i64(&o->gc_disk_usage, 80);
    default_i64(&o->gc_inode_usage, 70);
    default_i64(&o->min_dynamic_port, NODE_MIN_DYNAMIC_PORT);
    default_i64(&o->max_dynamic_port, NODE_MAX_DYNAMIC_PORT);
    return 0;
}

/* Metadata that jobs of the API's time look for. */
static void default_meta(struct nomad_client *c)
{
    static const char *const rows[][2] = {
        {"connect.gateway_image", "docker.io/envoyproxy/envoy:v${NOMAD_envoy_version}"},
        {"connect.sidecar_image", "docker.io/envoyproxy/envoy:v${NOMAD_envoy_version}"},
        {"connect.log_level", "info"},
        {"connect.proxy_concurrency", "1"},
        {"connect.transparent_proxy.default_outbound_port", "15001"},
        {"connect.transparent_proxy.default_uid", "101"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strmap_get(&c->o.meta, rows[i][0]))
            strmap_set(c->arena, &c->o.meta, rows[i][0], rows[i][1]);
}

/* ---- making ----------------------------------------------------------------------------- */

static int make_link(struct nomad_client *c, struct err *e)
{
    struct link_http_opts o = {.servers = c->o.servers, .tls = c->o.tls, .region = c->o.region};
    int r;

    if (c->o.link) {
        c->link = *c->o.link;
        return 0;
    }
    r = link_http_new(&o, &c->link_http, e);
    if (r == 0)
        c->link = link_http_link(c->link_http);
    return r;
}

static int make_stoppers(struct nomad_client *c, struct err *e)
{
    struct stopper *const all[] = {&c->stop, &c->beat_wake, &c->contact, &c->gc_wake};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        all[i]->fd = -1;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        int r = stopper_init(all[i], e);

        if (r < 0)
            return r;
    }
    return 0;
}

int nomad_client_new(const struct nomad_client_opts *o, struct nomad_client **ret,
                     struct err *e)
{
    auto_nomad_client struct nomad_client *c = calloc(1, sizeof *c);
    int r;

    if (!c)
        abort();
    c->arena = arena_new(0);
    c->state_fd = c->allocs_fd = c->alloc_fd = -1;
    c->is_root = geteuid() == 0;
    lock_init(&c->lock, "client", RANK_CLIENT_ALL);
    lock_init(&c->meta_lock, "client meta", RANK_CLIENT_META);
    cond_init(&c->changed);
    r = make_stoppers(c, e);
    if (r == 0)
        r = take_options(c, o, e);
    if (r == 0)
        r = client_state_open(c, e);
    if (r == 0)
        r = make_link(c, e);
    if (r < 0)
        return r;
    default_meta(c);
    node_meta_load(c);
    node_init(c);
    serve_init(c);
    *ret = TAKE_PTR(c);
    return 0;
}

void nomad_client_free(struct nomad_client *c)
{
    struct alloc_run **all;
    size_t n;

    if (!c)
        return;
    nomad_client_stop(c, false);
    n = client_allocs(c, &all);
    for (size_t i = 0; i < n; i++) {
        map_del(&c->allocs, str_of(all[i]->id));
        alloc_run_unref(all[i]);
        alloc_run_unref(all[i]); /* the map's */
    }
    free(all);
    for (size_t i = 0; i < c->updates.len; i++)
        alloc_run_unref(c->updates.at[i]);
    vec_done(&c->updates);
    map_done(&c->allocs);
    link_http_free(c->link_http);
    object_unref(c->node);
    arena_free(c->meta_arena);
    serve_done(c);
    client_state_close(c);
    stopper_done(&c->stop);
    stopper_done(&c->beat_wake);
    stopper_done(&c->contact);
    stopper_done(&c->gc_wake);
    cond_done(&c->changed);
    lock_done(&c->lock);
    lock_done(&c->meta_lock);
    arena_free(c->arena);
    free(c);
}

/* ---- starting --------------------------------------------------------------------------- */

void client_add(struct nomad_client *c, struct alloc_run *ar)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    map_put(&c->allocs, str_of(ar->id), ar);
}

static void restore(struct nomad_client *c, struct alloc_run *ar)
{
    struct err e = ERR_INIT;

    client_add(c, ar);
    if (alloc_run_start(ar, &e) < 0)
        log_error(CLIENT_ROOM, "alloc not taken up alloc=%s error=%s", ar->id, e.msg);
    else
        update_queue(ar, TELL_NOW); /* what happened meanwhile is news */
}

static int start_loops(struct nomad_client *c, struct err *e)
{
    const struct {
        struct thread *t;
        const char *name;
        void (*fn)(void *arg);
        bool wanted;
    } loops[] = {
        {&c->t_beat, "beat", beat_loop, true},
        {&c->t_watch, "allocs", watch_loop, true},
        {&c->t_update, "updates", update_loop, true},
        {&c->t_gc, "gc", gc_loop, true},
        {&c->t_finger, "fingerprint", finger_loop, true},
        {&c->t_stream, "stream", stream_loop, c->link_http != NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
        int r =
            loops[i].wanted ? thread_start(loops[i].t, loops[i].name, loops[i].fn, c, e) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

int nomad_client_start(struct nomad_client *c, struct err *e)
{
    int r;

    c->started = true;
    c->started_mono = clock_mono_ms();
    r = journal_load(c, restore, e);
    if (r == 0)
        r = start_loops(c, e);
    if (r < 0)
        nomad_client_stop(c, false);
    return r;
}

/* ---- ending ----------------------------------------------------------------------------- */

static bool all_over(struct nomad_client *c)
{
    struct alloc_run **all;
    size_t n = client_allocs(c, &all);
    bool over = true;

    for (size_t i = 0; i < n; i++) {
        lock_take(&all[i]->lock);
        over = over && (all[i]->over || !all[i]->kill);
        lock_drop(&all[i]->lock);
        alloc_run_unref(all[i]);
    }
    free(all);
    return over;
}

static bool is_system(struct alloc_run *ar)
{
    auto_object struct object *o = alloc_run_alloc(ar);

    return same(alloc_of(o)->job->type, "system");
}

/* End the tasks before we go, as long as the deadline allows. */
static void kill_tasks(struct nomad_client *c, int64_t deadline_ms, bool but_system)
{
    struct alloc_run **all;
    size_t n = client_allocs(c, &all);

    for (size_t i = 0; i < n; i++) {
        if (!but_system || !is_system(all[i]))
            alloc_run_kill(all[i]);
        alloc_run_unref(all[i]);
    }
    free(all);
    while (!all_over(c) && clock_mono_ms() < deadline_ms)
        stopper_wait_until(&c->stop, clock_mono_ms() + 20);
}

static void detach_all(struct nomad_client *c)
{
    struct alloc_run **all;
    size_t n = client_allocs(c, &all);

    for (size_t i = 0; i < n; i++)
        alloc_run_detach(all[i]);
    for (size_t i = 0; i < n; i++) {
        alloc_run_join(all[i]);
        alloc_run_unref(all[i]);
    }
    free(all);
}

void nomad_client_leave(struct nomad_client *c, bool leaving)
{
    int64_t drain = c->o.drain.deadline_ms > 0 ? c->o.drain.deadline_ms : DRAIN_MS;

    if (!c->started || stopper_is_set(&c->stop))
        return;
    if (c->o.kill_on_stop)
        kill_tasks(c, clock_mono_ms() + KILL_ON_STOP_MS, false);
    else if (leaving && c->o.drain.enabled)
        kill_tasks(c, clock_mono_ms() + drain, c->o.drain.ignore_system_jobs);
    if (!c->link_http)
        update_flush(c, clock_mono_ms() + FLUSH_MS);
    lock_take(&c->lock);
    c->stopping = true;
    stopper_stop(&c->stop);
    stopper_stop(&c->beat_wake);
    stopper_stop(&c->gc_wake);
    cond_broadcast(&c->changed);
    lock_drop(&c->lock);
    serve_stop(c);
}

void nomad_client_stop(struct nomad_client *c, bool leaving)
{
    struct thread *const loops[] = {&c->t_beat,   &c->t_watch, &c->t_update,
                                    &c->t_finger, &c->t_gc,    &c->t_stream};

    if (!c->started)
        return;
    nomad_client_leave(c, leaving);
    c->started = false;
    if (c->link_http)
        link_http_hurry(c->link_http);
    for (size_t i = 0; i < ARRAY_LEN(loops); i++)
        thread_join(loops[i]);
    if (c->link_http)
        link_http_last_calls(c->link_http);
    update_flush(c, clock_mono_ms() + FLUSH_MS);
    detach_all(c);
}

/* ---- looking ---------------------------------------------------------------------------- */

const char *nomad_client_id(const struct nomad_client *c)
{
    return c->id;
}

const struct node *nomad_client_node(struct nomad_client *c, struct arena *a)
{
    auto_object struct object *o = node_ref(c);

    return schema_copy(&node_schema, o->body, a);
}

struct alloc_run *client_alloc(struct nomad_client *c, struct str id)
{
    auto_lock struct lock *held = lock_scope(&c->lock);
    struct alloc_run *ar = map_get(&c->allocs, id);

    return ar ? alloc_run_ref(ar) : NULL;
}

size_t client_allocs(struct nomad_client *c, struct alloc_run ***ret)
{
    auto_lock struct lock *held = lock_scope(&c->lock);
    struct alloc_run **all = calloc(c->allocs.len + 1, sizeof(struct alloc_run *));
    size_t n = 0, i = 0;
    struct str key;
    void *ar;

    if (!all)
        abort();
    while (map_next(&c->allocs, &i, &key, &ar))
        all[n++] = alloc_run_ref(ar);
    *ret = all;
    return n;
}

bool nomad_client_has_alloc(struct nomad_client *c, const char *alloc_id)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    return map_get(&c->allocs, str_of(alloc_id)) != NULL;
}

void nomad_client_stats(struct nomad_client *c, struct nomad_client_stats *ret)
{
    struct alloc_run **all;
    size_t n = client_allocs(c, &all);

    *ret = (struct nomad_client_stats){.allocs = n, .last_heartbeat_ms = -1};
    for (size_t i = 0; i < n; i++) {
        lock_take(&all[i]->lock);
        ret->running += !all[i]->over;
        lock_drop(&all[i]->lock);
        alloc_run_unref(all[i]);
    }
    free(all);
    auto_lock struct lock *held = lock_scope(&c->lock);
    ret->heartbeat_ttl_ms = c->heartbeat_ttl_ms;
    if (c->last_heartbeat_mono)
        ret->last_heartbeat_ms = clock_mono_ms() - c->last_heartbeat_mono;
    ret->known_servers = c->known_servers;
    ret->registered = c->registered;
}

void nomad_client_set_servers(struct nomad_client *c, const struct strlist *servers)
{
    if (c->link_http)
        link_http_set_servers(c->link_http, servers);
}
