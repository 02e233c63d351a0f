/* The thread that follows the tables, and its readers. */
#include "nomad/server/events.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "http/server.h"

enum { TICK_MS = 1000, CHECK_MS = 1000, SLOW_TICK_MS = 50, PIECE_MAX = 64 << 10 };

struct wanted {
    const char *topic, *key; /* "*": any */
};

struct reader {
    struct http_stream *stream;
    LIST(struct wanted) wanted; /* in the exchange's arena, which lives as long as the stream */
    const char *namespace;      /* NULL: all */
    uint64_t from_index;
    uint64_t next;  /* the ring's number of the next change */
    struct buf out; /* what waits, from `sent` on */
    size_t sent;
    int64_t beat_ms;
    const char *grant; /* its caller's rights, asked for anew at check_ms */
    int64_t check_ms;
    bool placed, over;
};

struct events {
    struct nomad_server *server;
    struct thread thread;
    struct stopper wake;
    struct watch *watches[EVENT_TOPICS];
    struct lock lock; /* joining, n_readers, stopping */
    VEC(struct reader *) joining;
    size_t n_readers;
    bool stopping;
    /* The thread's: */
    VEC(struct reader *) readers;
    VEC(struct event *) fresh; /* not all of their revision seen yet */
    struct event *ring[EVENTS_MAX];
    uint64_t oldest, end; /* numbers: ring[n % EVENTS_MAX] */
    size_t bytes;
};

/* ---- the ring --------------------------------------------------------------------------- */

static struct event *ring_at(const struct events *v, uint64_t n)
{
    return v->ring[n % EVENTS_MAX];
}

static void drop_oldest(struct events *v)
{
    struct event *ev = ring_at(v, v->oldest);

    v->bytes -= ev->value.len;
    event_free(ev);
    v->ring[v->oldest++ % EVENTS_MAX] = NULL;
}

static void ring_add(struct events *v, struct event *ev)
{
    while (v->oldest < v->end &&
           (v->end - v->oldest == EVENTS_MAX || v->bytes + ev->value.len > EVENTS_BYTES_MAX))
        drop_oldest(v);
    v->bytes += ev->value.len;
    v->ring[v->end++ % EVENTS_MAX] = ev;
}

static int by_rev(const void *a, const void *b)
{
    const struct event *x = *(struct event *const *)a, *y = *(struct event *const *)b;

    if (x->rev != y->rev)
        return x->rev < y->rev ? -1 : 1;
    return x->topic == y->topic ? 0 : x->topic < y->topic ? -1 : 1;
}

/* Everything up to `bound` has been seen in every table. */
static void take_fresh(struct events *v, uint64_t bound)
{
    size_t n = 0;

    if (v->fresh.len)
        qsort(v->fresh.at, v->fresh.len, sizeof *v->fresh.at, by_rev);
    while (n < v->fresh.len && v->fresh.at[n]->rev <= bound)
        ring_add(v, v->fresh.at[n++]);
    memmove(v->fresh.at, v->fresh.at + n, (v->fresh.len - n) * sizeof *v->fresh.at);
    v->fresh.len -= n;
}

/* Changes were missed: no reader may believe that it has seen everything. */
static void lose_all(struct events *v)
{
    for (size_t i = 0; i < v->fresh.len; i++)
        event_free(v->fresh.at[i]);
    v->fresh.len = 0;
    while (v->oldest < v->end)
        drop_oldest(v);
    v->oldest = ++v->end; /* nobody's next change is here any more */
}

static void drain(struct events *v)
{
    uint64_t bound = store_rev(v->server->opts.store);
    struct watch_event ev;
    bool lost = false;

    for (size_t i = 0; i < EVENT_TOPICS; i++)
        while (watch_next(v->watches[i], NULL, 1, &ev, NULL) > 0) {
            lost = lost || ev.kind == WATCH_RESYNC;
            if (ev.kind != WATCH_RESYNC)
                vec_push(&v->fresh, event_new(&event_topics[i], &ev));
        }
    if (lost)
        lose_all(v);
    else if (v->fresh.len)
        take_fresh(v, bound);
}

/* ---- one reader ------------------------------------------------------------------------- */

static bool key_fits(const char *key, const struct event *ev)
{
    if (strcmp(key, "*") == 0 || strcmp(key, ev->key) == 0)
        return true;
    for (size_t i = 0; i < ev->n_filter_keys; i++)
        if (strcmp(key, ev->filter_keys[i]) == 0)
            return true;
    return false;
}

static bool topic_fits(const char *topic, const struct event *ev)
{
    return strcmp(topic, "*") == 0 || strcmp(topic, ev->topic->name) == 0;
}

static bool wants(const struct reader *r, struct event *ev)
{
    bool topic = false;

    if (ev->rev < r->from_index)
        return false;
    list_each (&r->wanted, it)
        topic = topic || topic_fits(it->topic, ev);
    if (!topic || !event_make(ev))
        return false;
    if (r->namespace && ev->namespace && strcmp(r->namespace, ev->namespace) != 0)
        return false;
    list_each (&r->wanted, it)
        if (topic_fits(it->topic, ev) && key_fits(it->key, ev))
            return true;
    return false;
}

/* One index's events, or as many of them as make a line. False: there are no more. */
static bool next_line(struct events *v, struct reader *r)
{
    uint64_t index = 0;

    buf_reset(&r->out);
    r->sent = 0;
    for (; r->next < v->end && r->out.len < EVENTS_LINE_MAX; r->next++) {
        struct event *ev = ring_at(v, r->next);

        if (index && ev->rev != index)
            break;
        if (!wants(r, ev))
            continue;
        if (index)
            buf_putc(&r->out, ',');
        else
            buf_printf(&r->out, "{\"Index\":%llu,\"Events\":[", (unsigned long long)ev->rev);
        index = ev->rev;
        buf_put_str(&r->out, ev->text);
    }
    if (index)
        buf_puts(&r->out, "]}\n");
    return index != 0;
}

/* 1: all of it went out; 0: the peer has to read first. */
static int send_out(struct reader *r)
{
    while (r->sent < r->out.len) {
        struct str rest = str_from(buf_str(&r->out), r->sent);
        struct str piece = str_upto(rest, PIECE_MAX);
        int code = http_stream_write(r->stream, piece, NULL);

        if (code == ERR_LIMIT)
            return 0;
        if (code < 0) {
            r->over = true;
            return 0;
        }
        r->sent += piece.len;
        r->beat_ms = clock_mono_ms() + EVENTS_BEAT_MS;
    }
    return 1;
}

static void tell_and_close(struct reader *r)
{
    if (r->sent == 0 || r->sent == r->out.len)
        http_stream_write(r->stream,
                          STR("{\"Error\":\"events were dropped before they were read; read "
                              "the state again and go on with its index\"}\n"),
                          NULL);
    r->over = true;
}

/* True: it waits for its peer. */
static bool pump(struct events *v, struct reader *r)
{
    if (clock_mono_ms() >= r->check_ms) {
        r->over = r->over || !acl_grant_holds(v->server, r->grant);
        r->check_ms = clock_mono_ms() + CHECK_MS;
    }
    while (!r->over && send_out(r)) {
        if (r->next < v->oldest)
            tell_and_close(r);
        else if (!next_line(v, r) && clock_mono_ms() < r->beat_ms)
            return false;
        else if (r->out.len == 0)
            buf_puts(&r->out, "{}\n");
    }
    if (!r->over && r->next < v->oldest)
        tell_and_close(r);
    r->over = r->over || http_stream_is_gone(r->stream);
    return !r->over;
}

static void reader_free(struct reader *r)
{
    http_stream_end(r->stream);
    buf_done(&r->out);
    free(r);
}

/* ---- all readers ------------------------------------------------------------------------ */

static bool take_joining(struct events *v)
{
    auto_lock struct lock *held = lock_scope(&v->lock);

    if (!v->stopping && stopper_is_set(&v->wake))
        stopper_reset(&v->wake);
    for (size_t i = 0; i < v->joining.len; i++) {
        v->joining.at[i]->next = v->oldest;
        vec_push(&v->readers, v->joining.at[i]);
    }
    v->joining.len = 0;
    return !v->stopping;
}

static bool pump_all(struct events *v, bool stopping)
{
    bool slow = false;

    for (size_t i = 0; i < v->readers.len;) {
        struct reader *r = v->readers.at[i];

        slow = pump(v, r) || slow;
        if (http_stream_is_gone(r->stream) || r->over || stopping) {
            vec_remove_swap(&v->readers, i);
            reader_free(r);
            lock_take(&v->lock);
            v->n_readers--;
            lock_drop(&v->lock);
        } else {
            i++;
        }
    }
    return slow;
}

static void wait_for_news(struct events *v, bool slow)
{
    struct pollfd fds[EVENT_TOPICS + 1] = {{.fd = v->wake.fd, .events = POLLIN}};

    for (size_t i = 0; i < EVENT_TOPICS; i++)
        fds[i + 1] = (struct pollfd){.fd = watch_fd(v->watches[i]), .events = POLLIN};
    poll(fds, ARRAY_LEN(fds), slow ? SLOW_TICK_MS : v->readers.len ? TICK_MS : -1);
}

static void run(void *arg)
{
    struct events *v = arg;
    bool going = true;

    while (going) {
        bool slow;

        drain(v);
        going = take_joining(v);
        slow = pump_all(v, !going);
        if (going)
            wait_for_news(v, slow);
    }
}

/* ---- asking ----------------------------------------------------------------------------- */

static void refuse(struct http_exchange *x, int status, const char *text)
{
    http_reply(x, &(struct http_reply){.status = status,
                                       .content_type = "text/plain; charset=utf-8",
                                       .body = str_of(text)});
}

/* 0, or why it cannot join. */
static const char *join(struct events *v, struct reader *r)
{
    auto_lock struct lock *held = lock_scope(&v->lock);

    if (v->stopping)
        return "the server is shutting down";
    vec_push(&v->joining, r);
    stopper_stop(&v->wake);
    return NULL;
}

static bool claim(struct events *v)
{
    auto_lock struct lock *held = lock_scope(&v->lock);
    bool ok = !v->stopping && v->n_readers < EVENTS_READERS_MAX;

    v->n_readers += ok;
    return ok;
}

static void unclaim(struct events *v)
{
    auto_lock struct lock *held = lock_scope(&v->lock);

    v->n_readers--;
}

static void take(struct call *c, void *arg)
{
    struct http_reply head = {
        .status = 200, .content_type = "application/json", .body = STR("{}\n"), .close = true};
    struct events *v = server_of(c)->events;
    struct reader *r = calloc(1, sizeof *r);

    if (!r)
        abort();
    *r = *(struct reader *)arg;
    r->beat_ms = clock_mono_ms() + EVENTS_BEAT_MS;
    buf_init(&r->out, API_REPLY_MAX);
    if (!v || !claim(v)) {
        free(r);
        refuse(c->x, 429, "too many readers of events; try again later");
        return;
    }
    if (http_stream_start(c->x, &head, &r->stream, NULL) < 0) {
        unclaim(v);
        free(r);
        refuse(c->x, 500, "canceled");
        return;
    }
    if (join(v, r)) {
        unclaim(v);
        reader_free(r);
    }
}

static int bad_topic(struct str text, struct err *e)
{
    return nomad_fail(e, 400,
                      "Invalid topic query: Invalid key value pair for topic, topic: %.*s",
                      STR_ARG(str_upto(text, 200)));
}

static int add_topic(struct call *c, struct reader *r, struct str text, struct err *e)
{
    struct str key = text, topic;

    if (r->wanted.len == EVENTS_TOPICS_MAX)
        return nomad_fail(e, 400, "Invalid topic query: more than %d topics",
                          EVENTS_TOPICS_MAX);
    str_split(&key, ':', &topic);
    if (topic.len == 0 || str_chr(key, ':') >= 0)
        return bad_topic(text, e);
    list_push(c->arena, &r->wanted,
              ((struct wanted){arena_cstr(c->arena, topic),
                               key.len ? arena_cstr(c->arena, key) : "*"}));
    return 0;
}

/* Objects of jobs in one namespace that may be read, nodes who may read those; all of them, and
 * all namespaces at once, only management. */
static bool may_read(const struct call *c, const struct reader *r)
{
    const struct rights *has = call_rights(c);

    if (rights_is_management(has))
        return true;
    for (size_t i = 0; i < r->wanted.len; i++) {
        const char *topic = r->wanted.at[i].topic;
        bool yes = false;

        if (strcmp(topic, "Node") == 0)
            yes = rights_area(has, AREA_NODE, LEVEL_READ);
        else if (strcmp(topic, "Job") == 0 || strcmp(topic, "Allocation") == 0 ||
                 strcmp(topic, "Evaluation") == 0 || strcmp(topic, "Deployment") == 0)
            yes = r->namespace && rights_namespace(has, r->namespace, CAP_READ_JOB);
        if (!yes)
            return false;
    }
    return true;
}

static int event_stream(struct call *c, struct err *e)
{
    struct reader *r = arena_new_of(c->arena, struct reader);
    struct str name, value;
    int code = 0;

    if (*call_text(c, "index") &&
        !str_to_u64(str_of(call_text(c, "index")), 10, &r->from_index))
        return nomad_fail(e, 400, "Unable to parse index: \"%.200s\" is no number",
                          call_text(c, "index"));
    for (size_t i = 0; code == 0 && call_query_at(c, i, &name, &value); i++)
        if (str_eqc(name, "topic"))
            code = add_topic(c, r, value, e);
    if (code < 0)
        return code;
    if (r->wanted.len == 0)
        list_push(c->arena, &r->wanted, ((struct wanted){"*", "*"}));
    if (!call_all_namespaces(c))
        r->namespace = call_namespace(c);
    code = call_need_that(c, may_read(c, r), e);
    if (code == 0)
        code = acl_grant(c, &r->grant, e);
    if (code < 0)
        return code;
    call_take(c, take, r);
    return 0;
}

const struct route event_routes[] = {
    {M_GET, "/v1/event/stream", NEED_CHECK, event_stream, NULL}};
const size_t n_event_routes = ARRAY_LEN(event_routes);

/* ---- life ------------------------------------------------------------------------------- */

static int open_watches(struct events *v, struct err *e)
{
    struct store *store = v->server->opts.store;
    uint64_t rev = store_rev(store);
    struct key k;
    int r = 0;

    for (size_t i = 0; i < EVENT_TOPICS && r == 0; i++)
        r = watch_open(store, table_prefix(event_topics[i].table, &k), rev, &v->watches[i], e);
    return r;
}

int events_start(struct nomad_server *s, struct err *e)
{
    struct events *v = calloc(1, sizeof *v);
    int r;

    if (!v)
        abort();
    v->server = s;
    s->events = v;
    lock_init(&v->lock, "events", RANK_SERVER + 2);
    r = stopper_init(&v->wake, e);
    if (r == 0)
        r = open_watches(v, e);
    return r < 0 ? r : thread_start(&v->thread, "events", run, v, e);
}

void events_stop(struct nomad_server *s)
{
    struct events *v = s->events;

    if (!v)
        return;
    lock_take(&v->lock);
    v->stopping = true;
    stopper_stop(&v->wake);
    lock_drop(&v->lock);
    thread_join(&v->thread);
    for (size_t i = 0; i < EVENT_TOPICS; i++)
        watch_close(v->watches[i]);
    lose_all(v);
    vec_done(&v->fresh);
    vec_done(&v->readers);
    vec_done(&v->joining);
    stopper_done(&v->wake);
    lock_done(&v->lock);
    free(v);
    s->events = NULL;
}
