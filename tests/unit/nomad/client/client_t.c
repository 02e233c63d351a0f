#include "client_t.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"

TEST_GUARD

/* ---- the fake server -------------------------------------------------------------------- */

static int is_down(struct fake_server *s, struct err *e)
{
    while (s->hangs)
        cond_wait(&s->changed, &s->lock);
    return s->down ? err_set(e, ERR_UNAVAIL, "the server is away") : 0;
}

static void fill_lease(struct arena *a, struct link_lease *ret, uint64_t index)
{
    *ret = (struct link_lease){.heartbeat_ttl_ms = 1000, .index = index};
    list_push(a, &ret->servers, "127.0.0.1:4647");
}

static int fake_register(void *ctx, const struct node *n, const char *secret_id,
                         struct arena *a, struct link_lease *ret, struct err *e)
{
    struct fake_server *s = ctx;
    auto_lock struct lock *held = lock_scope(&s->lock);

    if (is_down(s, e) < 0)
        return ERR_UNAVAIL;
    if (strlen(secret_id) != 36)
        return err_set(e, ERR_DENIED, "no secret");
    s->registers++;
    s->unknown = false;
    object_unref(s->node);
    s->node = object_new(&node_schema);
    s->node->body = schema_copy(&node_schema, n, s->node->arena);
    fill_lease(a, ret, s->index);
    return 0;
}

static int fake_heartbeat(void *ctx, const char *node_id, const char *secret_id,
                          const char *status, struct arena *a, struct link_lease *ret,
                          struct err *e)
{
    struct fake_server *s = ctx;
    auto_lock struct lock *held = lock_scope(&s->lock);

    (void)node_id;
    (void)secret_id;
    if (is_down(s, e) < 0)
        return ERR_UNAVAIL;
    if (s->unknown || !s->node || strcmp(status, "ready") != 0)
        return err_set(e, ERR_DENIED, "node not found");
    s->heartbeats++;
    fill_lease(a, ret, s->index);
    return 0;
}

static void unref_object(void *o)
{
    object_unref(o);
}

static int fake_allocs(void *ctx, const char *node_id, const char *secret_id, uint64_t index,
                       int64_t wait_ms, struct stopper *stop, struct arena *a,
                       struct link_allocs *ret, struct err *e)
{
    struct fake_server *s = ctx;
    int64_t deadline = clock_mono_ms() + wait_ms;
    auto_lock struct lock *held = lock_scope(&s->lock);

    (void)node_id;
    (void)secret_id;
    if (s->deny_watch) {
        s->deny_watch = false;
        return err_set(e, ERR_DENIED, "node not found");
    }
    while (s->index <= index && !stopper_is_set(stop) && !s->down && clock_mono_ms() < deadline)
        cond_wait_until(&s->changed, &s->lock, clock_mono_ms() + 10);
    if (stopper_is_set(stop))
        return err_set(e, ERR_CANCELED, "stopped");
    if (is_down(s, e) < 0)
        return ERR_UNAVAIL;
    ret->index = s->index;
    for (size_t i = 0; i < s->n; i++) {
        if (!s->allocs[i].alloc)
            continue;
        list_push(a, &ret->list, object_ref(s->allocs[i].alloc));
        arena_on_end(a, unref_object, s->allocs[i].alloc);
    }
    return 0;
}

static struct fake_alloc *find(struct fake_server *s, const char *id)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->allocs[i].id, id) == 0)
            return &s->allocs[i];
    return NULL;
}

static int fake_update(void *ctx, const char *node_id, const char *secret_id,
                       const struct alloc *const *allocs, size_t n, struct err *e)
{
    struct fake_server *s = ctx;
    auto_lock struct lock *held = lock_scope(&s->lock);

    (void)node_id;
    (void)secret_id;
    if (is_down(s, e) < 0)
        return ERR_UNAVAIL;
    for (size_t i = 0; i < n; i++) {
        struct fake_alloc *f = find(s, allocs[i]->id);
        struct object *o = object_new(&alloc_schema);

        o->body = schema_copy(&alloc_schema, allocs[i], o->arena);
        if (f) {
            object_unref(f->update);
            f->update = o;
            f->n_updates++;
        } else {
            object_unref(o);
        }
    }
    cond_broadcast(&s->changed);
    return 0;
}

static int fake_derive(void *ctx, const char *node_id, const char *secret_id,
                       const char *alloc_id, const struct strlist *tasks, struct stopper *stop,
                       struct arena *a, struct link_tokens *ret, struct err *e)
{
    struct fake_server *s = ctx;
    auto_lock struct lock *held = lock_scope(&s->lock);

    (void)node_id;
    (void)secret_id;
    (void)alloc_id;
    (void)stop;
    if (is_down(s, e) < 0)
        return ERR_UNAVAIL;
    s->derives++;
    for (size_t i = 0; i < tasks->len; i++) {
        struct link_token tok = {.task = tasks->at[i], .err = ""};

        if (s->derive_fails > 0) {
            s->derive_fails--;
            tok.err = "Vault is sealed";
            tok.err_recoverable = true;
        } else if (s->derive_error) {
            tok.err = s->derive_error;
        } else {
            tok.token = arena_printf(a, "hvs.CANARY-%u", s->derives);
            tok.accessor = "acc";
            tok.address = s->vault_address;
            tok.namespace_ = "";
            tok.ttl_s = s->first_expires && s->derives > 1 ? 0 : s->token_ttl_s;
            tok.renewable = tok.ttl_s > 0;
        }
        list_push(a, &ret->list, tok);
    }
    return 0;
}

static int fake_events(void *ctx, const char *node_id, const char *secret_id,
                       const struct node_event *events, size_t n, struct err *e)
{
    (void)ctx;
    (void)node_id;
    (void)secret_id;
    (void)events;
    (void)n;
    (void)e;
    return 0;
}

static void server_init(struct fake_server *s)
{
    *s = (struct fake_server){.index = 1};
    lock_init(&s->lock, "fake server", RANK_SERVER);
    cond_init(&s->changed);
    s->link = (struct server_link){s,           fake_register, fake_heartbeat, fake_allocs,
                                   fake_update, fake_derive,   fake_events};
}

static void server_done(struct fake_server *s)
{
    for (size_t i = 0; i < s->n; i++) {
        object_unref(s->allocs[i].alloc);
        object_unref(s->allocs[i].update);
    }
    object_unref(s->node);
    cond_done(&s->changed);
    lock_done(&s->lock);
}

/* ---- the world -------------------------------------------------------------------------- */

static const char *shim_path(struct arena *a)
{
    char self[PATH_MAX];
    const char *env = getenv("SERAI_SHIM");
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (env)
        return env;
    self[n > 0 ? n : 0] = '\0';
    *strrchr(self, '/') = '\0';
    return arena_printf(a, "%s/../../src/shim/serai-shim", self);
}

void world_begin_client(struct world *w)
{
    struct err e = ERR_INIT;

    T_OK(nomad_client_new(&w->opts, &w->client, &e), &e);
    T_OK(nomad_client_start(w->client, &e), &e);
}

void world_end_client(struct world *w)
{
    nomad_client_stop(w->client, false);
    nomad_client_free(w->client);
    w->client = NULL;
}

void world_start(struct world *w, void (*change)(struct nomad_client_opts *o))
{
    static int n;

    *w = (struct world){.arena = arena_new(0)};
    snprintf(w->dir, sizeof w->dir, "%s/client-%d", t_tmpdir(), n++);
    server_init(&w->server);
    w->opts = (struct nomad_client_opts){
        .data_dir = w->dir,
        .link = &w->server.link,
        .name = "node1",
        .dev = true,
        .network_interface = "lo",
        .http_addr = "127.0.0.1:4646",
        .shim_path = shim_path(w->arena),
    };
    if (change)
        change(&w->opts);
    world_begin_client(w);
}

void world_close(struct world *w)
{
    if (!w->client)
        world_begin_client(w);
    lock_take(&w->server.lock);
    w->server.down = false;
    lock_drop(&w->server.lock);
    for (size_t i = 0; i < w->server.n; i++)
        if (w->server.allocs[i].alloc)
            world_forget(w, w->server.allocs[i].id);
    struct nomad_client_stats st;
    int64_t until = t_real_ms() + T_PATIENCE_MS;

    do {
        nomad_client_stats(w->client, &st);
        poll(NULL, 0, 2);
    } while (st.allocs > 0 && t_real_ms() < until);
    T_INT_EQ(st.allocs, 0);
    nomad_client_free(w->client);
}

void world_stop(struct world *w)
{
    world_close(w);
    world_done(w);
}

void world_done(struct world *w)
{
    server_done(&w->server);
    arena_free(w->arena);
}

static struct fake_alloc *slot(struct fake_server *s, const char *id)
{
    struct fake_alloc *f = find(s, id);

    if (f)
        return f;
    T_TRUE(s->n < FAKE_ALLOCS);
    f = &s->allocs[s->n++];
    snprintf(f->id, sizeof f->id, "%s", id);
    return f;
}

static void announce(struct fake_server *s, struct fake_alloc *f, struct object *o)
{
    struct alloc *al = o->body;

    s->index++;
    al->modify_index = al->alloc_modify_index = s->index;
    object_unref(f->alloc);
    f->alloc = o;
    cond_broadcast(&s->changed);
}

void world_put(struct world *w, const char *id, const char *job_json)
{
    struct object *o = object_new(&alloc_schema);
    struct arena *a = o->arena;
    struct alloc *al = o->body;
    struct json *v = NULL;
    struct err e = ERR_INIT;

    T_OK(json_parse(str_of(job_json), NULL, JSON_COPY, a, &v, &e), &e);
    al->job = arena_new_of(a, struct job);
    T_OK(job_from_json(v, a, al->job, &e), &e);
    job_canonicalize(al->job, a);
    job_finish(al->job, NULL, a);
    al->id = arena_strdup(a, id);
    al->namespace = "default";
    al->node_id = "n";
    al->job_id = al->job->id;
    al->job_type = al->job->type;
    al->task_group = al->job->groups.at[0].name;
    al->name = alloc_name(a, al->job->id, al->task_group, 0);
    al->desired_status = ALLOC_RUN;
    al->client_status = ALLOC_PENDING;
    if (w->server.deploy)
        al->deployment_id = "33333333-3333-3333-3333-333333333333";
    al->resources = arena_new_of(a, struct alloc_resources);
    list_each (&al->job->groups.at[0].tasks, t) {
        struct alloc_task_resources *r = list_add(a, &al->resources->tasks);

        r->name = t->name;
        r->cpu.cpu_shares = OPT(t->resources->cpu);
        r->memory.memory_mb = OPT(t->resources->memory_mb);
    }
    auto_lock struct lock *held = lock_scope(&w->server.lock);
    announce(&w->server, slot(&w->server, id), o);
}

void world_run(struct world *w, const char *id, const char *script, const char *more,
               const char *group)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(64 << 10);
    struct json_out out;

    json_out_init(&out, &b, NULL);
    json_str(&out, script);
    world_put(w, id,
              arena_printf(a,
                           "{\"ID\":\"j\",\"Name\":\"j\",\"Type\":\"batch\",\"Datacenters\":"
                           "[\"dc1\"],\"Meta\":{\"foo\":\"bar\"},\"TaskGroups\":[{\"Name\":"
                           "\"g\",\"RestartPolicy\":{\"Attempts\":0,\"Mode\":\"fail\"},"
                           "%s\"Tasks\":[{\"Name\":\"t\",\"Driver\":\"raw_exec\","
                           "\"Config\":{\"command\":\"/bin/sh\",\"args\":[\"-c\",%.*s]}%s}]}]}",
                           group ? arena_printf(a, "%s,", group) : "", STR_ARG(buf_str(&b)),
                           more ? arena_printf(a, ",%s", more) : ""));
}

void world_desire(struct world *w, const char *id, const char *desired)
{
    auto_lock struct lock *held = lock_scope(&w->server.lock);
    struct fake_alloc *f = find(&w->server, id);
    struct object *o = object_new(&alloc_schema);
    struct alloc *al = schema_copy(&alloc_schema, f->alloc->body, o->arena);

    o->body = al;
    al->desired_status = desired;
    announce(&w->server, f, o);
}

void world_preempts(struct world *w, const char *id, const char *victim)
{
    auto_lock struct lock *held = lock_scope(&w->server.lock);
    struct fake_alloc *f = find(&w->server, id);
    struct object *o = object_new(&alloc_schema);
    struct alloc *al = schema_copy(&alloc_schema, f->alloc->body, o->arena);

    o->body = al;
    list_push(o->arena, &al->preempted_allocations, arena_strdup(o->arena, victim));
    announce(&w->server, f, o);
}

void world_forget(struct world *w, const char *id)
{
    auto_lock struct lock *held = lock_scope(&w->server.lock);
    struct fake_alloc *f = find(&w->server, id);

    object_unref(f->alloc);
    f->alloc = NULL;
    w->server.index++;
    cond_broadcast(&w->server.changed);
}

/* ---- looking ---------------------------------------------------------------------------- */

const struct alloc *world_alloc(struct world *w, const char *id)
{
    auto_lock struct lock *held = lock_scope(&w->server.lock);
    struct fake_alloc *f = find(&w->server, id);

    return f && f->update ? schema_copy(&alloc_schema, f->update->body, w->arena) : NULL;
}

const struct task_state *world_task(struct world *w, const char *id, const char *task)
{
    const struct alloc *al = world_alloc(w, id);

    for (size_t i = 0; al && i < al->task_states.len; i++)
        if (strcmp(al->task_states.at[i].name, task) == 0)
            return &al->task_states.at[i];
    return NULL;
}

void world_wait(struct world *w, const char *id, const char *status)
{
    int64_t until = t_real_ms() + T_PATIENCE_MS;
    const struct alloc *al;

    while (!(al = world_alloc(w, id)) || strcmp(al->client_status, status) != 0) {
        if (t_real_ms() > until)
            t_fail(__FILE__, __LINE__, "alloc is %s, want %s: %s",
                   al ? al->client_status : "unknown", status, world_texts(w, id, "t"));
        poll(NULL, 0, 2);
    }
}

void world_wait_task(struct world *w, const char *id, const char *task, const char *state)
{
    int64_t until = t_real_ms() + T_PATIENCE_MS;
    const struct task_state *st;

    while (!(st = world_task(w, id, task)) || strcmp(st->state, state) != 0) {
        if (t_real_ms() > until)
            t_fail(__FILE__, __LINE__, "task %s is %s, want %s: %s", task,
                   st ? st->state : "unknown", state, world_texts(w, id, task));
        poll(NULL, 0, 2);
    }
}

static const char *joined(struct world *w, const char *id, const char *task, bool texts)
{
    const struct task_state *st = world_task(w, id, task);
    const char *s = "";

    for (size_t i = 0; st && i < st->events.len; i++)
        s = arena_printf(w->arena, "%s%s%s", s, i ? "|" : "",
                         texts ? st->events.at[i].display_message : st->events.at[i].type);
    return s;
}

const char *world_types(struct world *w, const char *id, const char *task)
{
    return joined(w, id, task, false);
}

const char *world_texts(struct world *w, const char *id, const char *task)
{
    return joined(w, id, task, true);
}

bool world_has_event(struct world *w, const char *id, const char *task, const char *type)
{
    const struct task_state *st = world_task(w, id, task);

    for (size_t i = 0; st && i < st->events.len; i++)
        if (strcmp(st->events.at[i].type, type) == 0)
            return true;
    return false;
}

const char *world_path(struct world *w, const char *id, const char *path)
{
    return arena_printf(w->arena, "%s/alloc/%s/%s", w->dir, id, path);
}

const char *world_file(struct world *w, const char *id, const char *path)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);

    if (path_read_file(AT_FDCWD, world_path(w, id, path), &b, NULL) < 0)
        return "";
    return arena_cstr(w->arena, buf_str(&b));
}
