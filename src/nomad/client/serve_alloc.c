/* What can be asked about an alloc and its tasks, and of this node. */
#include <inttypes.h>
#include <signal.h>

#include "base/clock.h"
#include "base/proc.h"
#include "nomad/client/serve.h"

/* The body as a JSON object; an empty one is NULL. */
static int body_of(const struct ask *q, const struct json **ret, struct err *e)
{
    struct json *v = NULL;
    int r;

    *ret = NULL;
    if (str_trim(q->body).len == 0)
        return 0;
    r = json_parse(q->body, &json_limits_anon, 0, q->a, &v, e);
    if (r < 0)
        return err_wrap(e, ERR_INVALID, "Failed to decode body");
    if (v->type != JSON_OBJECT && v->type != JSON_NULL)
        return err_set(e, ERR_INVALID, "Failed to decode body: must be an object");
    *ret = v->type == JSON_OBJECT ? v : NULL;
    return 0;
}

static int answer_index(struct ask *q, struct err *e)
{
    return answer_whole(q->w, 200, TYPE_JSON, STR("{\"Index\":0}"), e);
}

/* ---- stats ------------------------------------------------------------------------------ */

struct usage_sum {
    uint64_t rss;
    double percent;
};

static void put_usage(struct json_out *w, uint64_t rss, double percent, double ticks)
{
    static const char *const memory[] = {
        "Cache", "KernelMaxUsage", "KernelUsage", "MappedFile", "MaxUsage", "Swap", "Usage"};
    static const char *const cpu[] = {"ThrottledPeriods", "ThrottledTime", "SystemMode",
                                      "UserMode"};

    json_key(w, "ResourceUsage");
    json_obj(w);
    json_key(w, "MemoryStats");
    json_obj(w);
    json_kv_u64(w, "RSS", rss);
    for (size_t i = 0; i < ARRAY_LEN(memory); i++)
        json_kv_i64(w, memory[i], 0);
    json_key(w, "Measured");
    json_raw(w, STR("[\"RSS\",\"Swap\"]"));
    json_obj_end(w);
    json_key(w, "CpuStats");
    json_obj(w);
    for (size_t i = 0; i < ARRAY_LEN(cpu); i++)
        json_kv_i64(w, cpu[i], 0);
    json_key(w, "Percent");
    json_double(w, percent);
    json_key(w, "TotalTicks");
    json_double(w, ticks);
    json_key(w, "Measured");
    json_raw(w, STR("[\"System Mode\",\"User Mode\",\"Percent\"]"));
    json_obj_end(w);
    json_kv_null(w, "DeviceStats");
    json_obj_end(w);
}

static double mhz_of(struct nomad_client *c)
{
    auto_object struct object *o = node_ref(c);
    const struct node *n = o->body;
    int64_t cores = n->resources.cpu.total_cores;

    return cores > 0 ? (double)n->resources.cpu.cpu_shares / (double)cores : 0;
}

static void put_task_stats(struct json_out *w, struct task_run *t, double mhz,
                           struct usage_sum *sum)
{
    struct task_usage u = {0};
    struct task_cmd cmd = {.kind = CMD_USAGE, .usage = &u};

    if (task_ask(t, &cmd, NULL) < 0)
        return;
    sum->rss += u.rss_bytes;
    sum->percent += u.cpu_percent;
    json_key(w, t->name);
    json_obj(w);
    put_usage(w, u.rss_bytes, u.cpu_percent, u.cpu_percent / 100 * mhz);
    json_kv_i64(w, "Timestamp", clock_wall_ns());
    json_kv_null(w, "Pids");
    json_obj_end(w);
}

int serve_alloc_stats(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    auto_buf struct buf b = BUF_INIT(4 << 20);
    const char *only = ask_cstr(q, "task");
    struct usage_sum sum = {0};
    double mhz = mhz_of(q->c);
    struct json_out w;
    int r = ask_alloc(q, &ar, e);

    if (r < 0)
        return r;
    if (*only && !alloc_run_task(ar, str_of(only)))
        return err_set(e, ERR_INVALID, "unknown task name \"%.128s\"", only);
    json_out_init(&w, &b, NULL);
    json_obj(&w);
    json_key(&w, "Tasks");
    json_obj(&w);
    for (size_t i = 0; i < ar->n_tasks; i++)
        if (!*only || strcmp(only, ar->tasks[i]->name) == 0)
            put_task_stats(&w, ar->tasks[i], mhz, &sum);
    json_obj_end(&w);
    put_usage(&w, sum.rss, sum.percent, sum.percent / 100 * mhz);
    json_kv_i64(&w, "Timestamp", clock_wall_ns());
    json_obj_end(&w);
    return answer_whole(q->w, 200, TYPE_JSON, buf_str(&b), e);
}

/* ---- restart and signal ----------------------------------------------------------------- */

static bool is_running(struct task_run *t)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    return t->running;
}

static void restart_task(struct task_run *t, const char *reason)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_restart_signaled(reason, clock_wall_ns(), a);

    task_restart(t, &ev);
}

static int named_task(struct alloc_run *ar, const char *name, struct task_run **ret,
                      struct err *e)
{
    *ret = alloc_run_task(ar, str_of(name));
    if (!*ret)
        return err_set(e, ERR_NOTFOUND, "Could not find task named: %.128s", name);
    return 0;
}

int serve_alloc_restart(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    const struct json *body = NULL;
    const char *name;
    struct task_run *t;
    bool all;
    int r = ask_alloc(q, &ar, e);

    if (r == 0)
        r = body_of(q, &body, e);
    if (r < 0)
        return r;
    name = json_cstr_or(q->a, json_get_nocase(body, "TaskName"), "");
    all = json_bool_or(json_get_nocase(body, "AllTasks"), false);
    if (*name && all)
        return err_set(e, ERR_INVALID, "a task's name and AllTasks exclude each other");
    if (*name) {
        r = named_task(ar, name, &t, e);
        if (r < 0)
            return r;
        if (!is_running(t))
            return err_set_status(e, ERR_INVALID, 500, "Task not running");
        restart_task(t, "User requested task to restart");
        return answer_index(q, e);
    }
    for (size_t i = 0; i < ar->n_tasks; i++)
        if (is_running(ar->tasks[i]))
            restart_task(ar->tasks[i], all ? "User requested all tasks to restart"
                                           : "User requested running tasks to restart");
    return answer_index(q, e);
}

static int signal_task(struct task_run *t, int sig, struct err *e)
{
    struct task_cmd cmd = {.kind = CMD_SIGNAL, .sig = sig};
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_signaling(proc_signal_name(sig), "", clock_wall_ns(), a);
    int r;

    if (!is_running(t))
        return err_set_status(e, ERR_INVALID, 500, "Task not running");
    task_emit(t, &ev);
    r = task_ask(t, &cmd, e);
    return r < 0 ? err_wrap(e, r, "Failed to signal task: %s", t->name) : 0;
}

int serve_alloc_signal(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    const struct json *body = NULL;
    const char *name, *signal_name;
    struct task_run *t;
    int sig, r = ask_alloc(q, &ar, e);

    if (r == 0)
        r = body_of(q, &body, e);
    if (r < 0)
        return r;
    name = json_cstr_or(q->a, json_get_nocase(body, "Task"), "");
    signal_name = json_cstr_or(q->a, json_get_nocase(body, "Signal"), "");
    sig = *signal_name ? proc_signal_number(signal_name) : SIGKILL;
    if (!sig)
        return err_set(e, ERR_INVALID, "unknown signal \"%.32s\"", signal_name);
    if (*name) {
        r = named_task(ar, name, &t, e);
        if (r == 0)
            r = signal_task(t, sig, e);
        return r < 0 ? r : answer_index(q, e);
    }
    for (size_t i = 0; r == 0 && i < ar->n_tasks; i++)
        if (is_running(ar->tasks[i]))
            r = signal_task(ar->tasks[i], sig, e);
    return r < 0 ? r : answer_index(q, e);
}

/* ---- the rest --------------------------------------------------------------------------- */

int serve_alloc_checks(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    int r = ask_alloc(q, &ar, e);

    return r < 0 ? r : answer_whole(q->w, 200, TYPE_JSON, STR("null"), e);
}

int serve_alloc_gc(struct ask *q, struct err *e)
{
    auto_alloc_run struct alloc_run *ar = NULL;
    bool over;
    int r = ask_alloc(q, &ar, e);

    if (r < 0)
        return r;
    lock_take(&ar->lock);
    over = ar->over;
    lock_drop(&ar->lock);
    if (!over)
        return err_set_status(e, ERR_INVALID, 500,
                              "alloc %s is still running and cannot be collected", ar->id);
    client_destroy_alloc(ar);
    return answer_whole(q->w, 200, NULL, STR(""), e);
}

int serve_gc(struct ask *q, struct err *e)
{
    client_gc_now(q->c);
    return answer_whole(q->w, 200, NULL, STR(""), e);
}

static void put_metadata(struct nomad_client *c, struct json_out *w)
{
    auto_object struct object *o = node_ref(c);
    const struct node *n = o->body;

    json_obj(w);
    json_key(w, "Meta");
    json_strmap(w, &n->meta);
    json_key(w, "Static");
    json_strmap(w, &c->o.meta);
    json_key(w, "Dynamic");
    lock_take(&c->lock);
    if (c->dynamic_meta)
        json_value(w, c->dynamic_meta);
    else
        json_raw(w, STR("{}"));
    lock_drop(&c->lock);
    json_obj_end(w);
}

int serve_metadata(struct ask *q, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(4 << 20);
    const struct json *body = NULL, *meta;
    struct json_out w;
    int r = 0;

    if (strcmp(q->method, "GET") != 0) {
        r = body_of(q, &body, e);
        meta = json_get_nocase(body, "Meta");
        if (r == 0 && (!json_is(meta, JSON_OBJECT) || meta->len == 0))
            r = err_set(e, ERR_INVALID, "missing required Meta object");
        if (r == 0)
            r = node_meta_set(q->c, meta, e);
        if (r < 0)
            return r;
    }
    json_out_init(&w, &b, NULL);
    put_metadata(q->c, &w);
    return answer_whole(q->w, 200, TYPE_JSON, buf_str(&b), e);
}
