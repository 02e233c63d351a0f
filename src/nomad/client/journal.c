/*
 * One sealed file per alloc: what a later client over the same state directory needs to take
 * its tasks up again. The box is bound to the alloc's id, so files cannot be swapped.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "crypto/crypto.h"
#include "nomad/client/client_priv.h"

enum { JOURNAL_VERSION = 1 };

static struct str aad_of(struct arena *a, const char *id)
{
    return str_of(arena_printf(a, "nomad/client/alloc/%s", id));
}

/* ---- writing ---------------------------------------------------------------------------- */

static void put_token(struct json_out *w, const struct task_token *tok)
{
    json_key(w, "token");
    json_obj(w);
    json_kv_str(w, "token", tok->token);
    json_kv_str(w, "accessor", tok->accessor);
    json_kv_str(w, "address", tok->address);
    json_kv_str(w, "namespace", tok->namespace_);
    json_kv_i64(w, "ttl_s", tok->ttl_s);
    json_kv_i64(w, "expires_ns", tok->expires_ns);
    json_kv_bool(w, "renewable", tok->renewable);
    json_obj_end(w);
}

static void put_task(struct json_out *w, struct task_run *t)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    json_obj(w);
    json_kv_str(w, "name", t->name);
    json_key(w, "state");
    schema_encode(&task_state_schema, t->st, SCHEMA_ALL, w);
    json_kv_i64(w, "window_start", t->tracker.window_start);
    json_kv_i64(w, "count", t->tracker.count);
    if (t->handle_text) {
        json_key(w, "handle");
        json_raw(w, str_of(t->handle_text));
    }
    if (t->token.token)
        put_token(w, &t->token);
    json_obj_end(w);
}

static void put_alloc(struct json_out *w, struct alloc_run *ar)
{
    auto_lock struct lock *held = lock_scope(&ar->lock);

    json_kv_i64(w, "v", JOURNAL_VERSION);
    json_key(w, "alloc");
    schema_encode(&alloc_schema, ar->alloc->body, SCHEMA_ALL, w);
    json_kv_bool(w, "kill", ar->kill);
    json_kv_i64(w, "health", ar->health);
    json_kv_i64(w, "health_at", ar->health_at);
    json_kv_i64(w, "over_ns", ar->over_ns);
    ar->dirty_ms = 0;
}

static int seal_to_file(struct alloc_run *ar, struct str plain, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf box = BUF_INIT(CLIENT_JOURNAL_MAX + AEAD_OVERHEAD);
    int r = aead_seal(&ar->c->key, plain, aad_of(a, ar->id), &box, e);

    return r < 0 ? r : path_replace(ar->c->allocs_fd, ar->id, buf_str(&box), 0600, e);
}

void journal_write(struct alloc_run *ar)
{
    /* Held over the write: the newest record must be the one that stays. */
    auto_lock struct lock *held = lock_scope(&ar->journal);
    auto_buf struct buf b = BUF_INIT(CLIENT_JOURNAL_MAX);
    struct err e = ERR_INIT;
    struct json_out w;
    int r;

    b.secret = true;
    json_out_init(&w, &b, NULL);
    json_obj(&w);
    put_alloc(&w, ar);
    json_key(&w, "tasks");
    json_arr(&w);
    for (size_t i = 0; i < ar->n_tasks; i++)
        put_task(&w, ar->tasks[i]);
    json_arr_end(&w);
    json_obj_end(&w);
    r = buf_check(&b, "an alloc's record", &e);
    if (r == 0)
        r = seal_to_file(ar, buf_str(&b), &e);
    if (r < 0)
        log_warn(CLIENT_ROOM, "record of alloc not written, retrying alloc=%s error=%s", ar->id,
                 e.msg);
}

void journal_remove(struct alloc_run *ar)
{
    auto_lock struct lock *held = lock_scope(&ar->journal);

    unlinkat(ar->c->allocs_fd, ar->id, 0);
}

/* ---- reading ---------------------------------------------------------------------------- */

static char *text_of(const struct json *v)
{
    struct str s = json_str_or(v, STR(""));
    char *p = strndup(s.p, s.len);

    if (!p)
        abort();
    return p;
}

static void get_token(const struct json *v, struct task_token *ret)
{
    if (!json_is(v, JSON_OBJECT))
        return;
    *ret = (struct task_token){
        .token = text_of(json_get(v, "token")),
        .accessor = text_of(json_get(v, "accessor")),
        .address = text_of(json_get(v, "address")),
        .namespace_ = text_of(json_get(v, "namespace")),
        .ttl_s = json_i64_or(json_get(v, "ttl_s"), 0),
        .expires_ns = json_i64_or(json_get(v, "expires_ns"), 0),
        .renewable = json_bool_or(json_get(v, "renewable"), false),
    };
}

static int get_task(const struct json *v, struct task_run *t, struct arena *a, struct err *e)
{
    struct task_state st = {0};
    const struct json *handle = json_get(v, "handle");
    int r = schema_decode(&task_state_schema, json_get(v, "state"),
                          SCHEMA_ALL | SCHEMA_UNKNOWN_OK, a, &st, e);

    if (r < 0)
        return r;
    st.name = t->name;
    task_state_init(t, &st);
    t->tracker.window_start = json_i64_or(json_get(v, "window_start"), 0);
    t->tracker.count = json_i64_or(json_get(v, "count"), 0);
    t->restored = true;
    if (handle) {
        auto_buf struct buf b = BUF_INIT(CLIENT_JOURNAL_MAX);

        json_print(&b, handle, NULL);
        t->handle_text = buf_take(&b);
    }
    get_token(json_get(v, "token"), &t->token);
    return 0;
}

static struct task_run *task_named(struct alloc_run *ar, struct str name)
{
    for (size_t i = 0; i < ar->n_tasks; i++)
        if (str_eqc(name, ar->tasks[i]->name))
            return ar->tasks[i];
    return NULL;
}

static int decode(struct nomad_client *c, const char *id, struct str text, struct arena *a,
                  struct alloc_run **ret, struct err *e)
{
    auto_object struct object *o = object_new(&alloc_schema);
    auto_alloc_run struct alloc_run *ar = NULL;
    const struct json *tasks;
    struct json *v;
    int r = json_parse(text, &json_limits_file, 0, a, &v, e);

    if (r == 0)
        r = schema_decode(&alloc_schema, json_get(v, "alloc"),
                          SCHEMA_ALL | SCHEMA_UNKNOWN_OK | SCHEMA_NO_DEFAULTS, o->arena,
                          o->body, e);
    if (r < 0)
        return r;
    if (!same(alloc_of(o)->id, id) || !alloc_group(alloc_of(o)))
        return err_set(e, ERR_CORRUPT, "the record is not of this alloc");
    ar = alloc_run_new(c, TAKE_PTR(o));
    ar->restored = true;
    ar->kill = json_bool_or(json_get(v, "kill"), false);
    ar->health = (int)json_i64_or(json_get(v, "health"), -1);
    ar->health_at = json_i64_or(json_get(v, "health_at"), 0);
    ar->over_ns = json_i64_or(json_get(v, "over_ns"), 0);
    tasks = json_get(v, "tasks");
    for (uint32_t i = 0; json_is(tasks, JSON_ARRAY) && i < tasks->len; i++) {
        struct task_run *t =
            task_named(ar, json_str_or(json_get(&tasks->items[i], "name"), STR("")));

        if (t && (r = get_task(&tasks->items[i], t, a, e)) < 0)
            return r;
    }
    *ret = TAKE_PTR(ar);
    return 0;
}

static int load_one(struct nomad_client *c, const char *id, struct alloc_run **ret,
                    struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf box = BUF_INIT(CLIENT_JOURNAL_MAX + AEAD_OVERHEAD);
    auto_buf struct buf plain = BUF_INIT(CLIENT_JOURNAL_MAX);
    int r = path_read_file(c->allocs_fd, id, &box, e);

    arena_set_wipe(a);
    plain.secret = true;
    if (r == 0)
        r = aead_open(&c->key, buf_str(&box), aad_of(a, id), &plain, e);
    return r < 0 ? r : decode(c, id, buf_str(&plain), a, ret, e);
}

/* Out of the way, but kept: someone may want to look. */
static void put_aside(struct nomad_client *c, const char *id, const struct err *e)
{
    char name[UUID_SIZE + 16];

    log_error(CLIENT_ROOM, "record of alloc cannot be read, put aside alloc=%s error=%s", id,
              e->msg);
    snprintf(name, sizeof name, "%s.unreadable", id);
    renameat(c->allocs_fd, id, c->allocs_fd, name);
}

int journal_load(struct nomad_client *c,
                 void (*fn)(struct nomad_client *c, struct alloc_run *ar), struct err *e)
{
    int fd = path_open_beneath(c->allocs_fd, ".", O_RDONLY | O_DIRECTORY, 0, 0, e);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir)
        return fd < 0 ? fd : err_set_errno(e, ERR_IO, "read the clients' records");
    for (struct dirent *d; (d = readdir(dir));) {
        struct alloc_run *ar = NULL;
        struct err why = ERR_INIT;

        if (strlen(d->d_name) != UUID_SIZE - 1)
            continue; /* ".", "..", what was put aside, an unfinished write */
        if (load_one(c, d->d_name, &ar, &why) < 0)
            put_aside(c, d->d_name, &why);
        else
            fn(c, ar);
    }
    closedir(dir);
    return 0;
}
