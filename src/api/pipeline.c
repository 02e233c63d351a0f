#include <assert.h>

#include "api/api_priv.h"
#include "base/clock.h"

/*
 * The states of a call. Each box is run by the thread that owns the call at that time; each
 * arrow marked * hands the call over, and the one who does so does not touch it again.
 *
 *              +------------------ conflict: again * ------------------+
 *              v                                                       |
 *   start --> SERVE --- writes * ---> (committer) --- * ---> COMMITTED-+
 *             ^  | |                                             | |
 *             |  | +-- no writes -----------+--------------------+ | error
 *      change |  |                          |                      |
 *    deadline *  | CALL_PARKED *            v         no           v
 *             |  v                       then? -------------->   REPLY *
 *           PARKED -- peer left --> REPLY   | yes *                ^ ^
 *                                           v                      | |
 *                                          ACT --- error ----------+ |
 *                                           |                        |
 *                                           v                        |
 *                                        FINISH (as SERVE, but on the blocking pool)
 *
 * SERVE and FINISH are attempts: a transaction is begun, the service's function runs in it, and
 * what it wrote is committed before anybody sees the reply.
 */

static void call_job(struct job *j)
{
    call_run(((struct call_priv *)j)->call);
}

static void free_body(void *arg)
{
    buf_done(arg);
}

struct call *call_new(struct api *api, const struct api_service *svc, struct arena *a)
{
    struct call *c = arena_new_of(a, struct call);
    struct call_priv *p = arena_new_of(a, struct call_priv);

    *c = (struct call){.api = api, .service = svc, .arena = a, .store = api->store, .priv = p};
    c->now_ns = clock_wall_ns();
    c->body = &p->body;
    p->call = c;
    p->job.fn = call_job;
    buf_init(&p->body, API_REPLY_MAX);
    arena_on_end(a, free_body, &p->body);
    return c;
}

void api_handle(struct http_exchange *x, void *arg)
{
    const struct api_mount *m = arg;
    struct call *c = call_new(m->api, m->service, http_arena(x));
    struct err e = ERR_INIT;

    c->x = x;
    c->method = http_method_bit(http_method(x));
    c->path = http_path(x);
    if (api_enter(m->api)) {
        call_run(c);
        return;
    }
    err_set(&e, ERR_UNAVAIL, "the server is stopping");
    call_fail(c, &e);
    http_reply(x, &(struct http_reply){.status = c->status,
                                       .content_type = c->content_type,
                                       .body = buf_str(c->body),
                                       .fields = c->fields,
                                       .n_fields = c->n_fields,
                                       .close = true});
}

void call_reset_reply(struct call *c)
{
    c->status = 0;
    c->content_type = NULL;
    c->n_fields = 0;
    buf_reset(c->body);
    c->priv->hooks.len = 0;
    c->priv->take = NULL;
    c->priv->failed = false;
}

void call_fail(struct call *c, const struct err *e)
{
    call_reset_reply(c);
    c->service->render_error(c, e);
    c->priv->failed = true;
    c->priv->hooks.len = 0;
    c->priv->take = NULL;
}

/* To whoever runs the call's next phase. */
void call_resume(struct call *c)
{
    struct call_priv *p = c->priv;

    if (p->phase == PHASE_ACT)
        pool_push(&c->api->blocking, &p->job);
    else if (p->phase == PHASE_FINISH)
        pool_push_first(&c->api->blocking, &p->job); /* all but done: before new acts */
    else if (p->inner)
        inner_resume(p->inner);
    else
        pool_push(&c->api->threads, &p->job);
}

/*
 * REPLY.
 */
static int check_body(const struct call *c, struct err *e)
{
    if (buf_ok(c->body))
        return 0;
    return err_set_status(e, ERR_TOOBIG, 500, "the reply is larger than %d bytes",
                          (int)API_REPLY_MAX);
}

static void send_reply(struct call *c)
{
    struct call_priv *p = c->priv;
    struct http_reply reply = {
        .status = c->status,
        .content_type = c->content_type,
        .body = buf_str(c->body),
        .fields = c->fields,
        .n_fields = c->n_fields,
    };

    if (p->take)
        p->take(c, p->take_arg);
    else
        http_reply(c->x, &reply);
}

static void call_end(struct call *c)
{
    struct call_priv *p = c->priv;
    struct api *api = c->api;
    struct err e = ERR_INIT;

    assert(!c->txn);
    if (check_body(c, &e) < 0)
        call_fail(c, &e);
    lane_leave(c);
    if (p->claimed)
        pool_unclaim(&api->blocking);
    if (c->status == 0)
        c->status = c->body->len ? 200 : 204;
    c->peer_gone = atomic_load(&p->gone);
    if (c->service->finished)
        c->service->finished(c);
    if (p->inner) {
        inner_finish(c);
        return;
    }
    if (c->service->gzip && !p->take)
        gzip_reply(c);
    send_reply(c); /* the call's memory may be gone from here on */
    api_leave(api);
}

static void end_with(struct call *c, const struct err *e)
{
    call_fail(c, e);
    call_end(c);
}

/*
 * Attempts.
 */
static void again(struct call *c)
{
    struct call_priv *p = c->priv;
    struct err e = ERR_INIT;

    atomic_fetch_add_explicit(&c->api->conflicts, 1, memory_order_relaxed);
    c->attempt++;
    if (++p->conflicts >= API_TRIES_MAX) {
        err_set(&e, ERR_UNAVAIL, "gave way to other writers %d times, try again", p->conflicts);
        end_with(c, &e);
        return;
    }
    p->phase = p->in_finish ? PHASE_FINISH : PHASE_SERVE;
    lane_lost(c);
    if (p->conflicts >= LANE_AFTER && !p->in_lane && !p->in_finish)
        lane_enter(c);
    else
        call_resume(c);
}

static void begin_act(struct call *c)
{
    struct call_priv *p = c->priv;

    assert(p->claimed);
    lane_leave(c);
    p->conflicts = 0;
    p->phase = PHASE_ACT;
    call_resume(c);
}

/* What the attempt wrote, if anything, is durable. */
static void durable(struct call *c)
{
    struct call_priv *p = c->priv;

    for (size_t i = 0; i < p->hooks.len; i++)
        p->hooks.at[i].fn(c, p->commit_rev, p->hooks.at[i].arg);
    p->hooks.len = 0;
    if (!p->failed && !p->in_finish && (p->act || p->finish))
        begin_act(c);
    else
        call_end(c);
}

/* On the committer's thread: remember and hand over. */
static void committed(void *arg, int result, uint64_t rev, const struct err *e)
{
    struct call *c = arg;
    struct call_priv *p = c->priv;

    p->commit_result = result;
    if (result >= 0) {
        p->commit_rev = rev;
    } else if (result != ERR_CONFLICT) {
        p->commit_err = arena_alloc(c->arena, sizeof *e);
        *p->commit_err = *e;
    }
    p->phase = PHASE_COMMITTED;
    call_resume(c);
}

static void run_committed(struct call *c)
{
    struct call_priv *p = c->priv;

    if (p->commit_result == ERR_CONFLICT)
        again(c);
    else if (p->commit_result < 0)
        end_with(c, p->commit_err);
    else
        durable(c);
}

static void drop_txn(struct call *c)
{
    txn_drop(TAKE_PTR(c->txn));
}

static void give_way(struct call *c)
{
    drop_txn(c);
    atomic_fetch_add_explicit(&c->api->conflicts, 1, memory_order_relaxed);
    c->attempt++;
    c->priv->phase = PHASE_SERVE;
    lane_wait(c);
}

static void commit(struct call *c)
{
    if (!txn_has_writes(c->txn)) {
        drop_txn(c);
        durable(c);
    } else if (lane_must_wait(c)) {
        give_way(c);
    } else {
        txn_commit(TAKE_PTR(c->txn), committed, c);
    }
}

/* The attempt failed: an error is the reply; what it wrote is dropped unless that counts. */
static void settle_error(struct call *c, bool keep, const struct err *e)
{
    if (!keep)
        drop_txn(c);
    call_fail(c, e);
    if (keep)
        commit(c);
    else
        call_end(c);
}

static void settle_parked(struct call *c)
{
    struct err e = ERR_INIT;

    if (c->priv->in_finish) {
        err_set(&e, ERR_INTERNAL, "a call cannot park in its finish");
        settle_error(c, false, &e);
        return;
    }
    drop_txn(c);
    lane_leave(c);
    park_enter(c);
}

/* The attempt's function has returned `r`. */
static void settle(struct call *c, int r, struct err *e)
{
    if (r == CALL_PARKED) {
        settle_parked(c);
    } else if (r == ERR_CONFLICT) {
        drop_txn(c);
        again(c);
    } else if (r < 0) {
        settle_error(c, c->commit_on_error, e);
    } else if (check_body(c, e) < 0) {
        settle_error(c, false, e);
    } else {
        commit(c);
    }
}

static int run_fn(struct call *c, struct err *e)
{
    struct call_priv *p = c->priv;

    if (p->in_finish)
        return p->finish(c, p->then_arg, e);
    c->state = NULL;
    p->act = p->finish = NULL;
    return c->service->serve(c, e);
}

static void run_attempt(struct call *c)
{
    struct call_priv *p = c->priv;
    struct err e = ERR_INIT;
    int r;

    p->commit_err = NULL;
    p->n_waits = 0;
    c->commit_on_error = false;
    c->peer_gone = atomic_load(&p->gone);
    call_reset_reply(c);
    r = txn_begin(c->store, 0, &c->txn, &e);
    if (r < 0) {
        end_with(c, &e);
        return;
    }
    settle(c, run_fn(c, &e), &e);
}

static void run_act(struct call *c)
{
    struct call_priv *p = c->priv;
    struct err e = ERR_INIT;
    int r = p->act ? p->act(c, p->then_arg, &e) : 0;

    if (r < 0) {
        end_with(c, &e);
    } else if (!p->finish) {
        call_end(c);
    } else {
        p->in_finish = true;
        p->phase = PHASE_FINISH;
        run_attempt(c);
    }
}

static void run_woken(struct call *c)
{
    struct err e = ERR_INIT;

    park_leave(c);
    if (c->peer_gone) {
        err_set(&e, ERR_CANCELED, "the client has left");
        end_with(c, &e);
        return;
    }
    if (c->priv->commit_err) { /* a wait could not be registered */
        end_with(c, c->priv->commit_err);
        return;
    }
    c->attempt++;
    c->priv->phase = PHASE_SERVE;
    run_attempt(c);
}

void call_run(struct call *c)
{
    switch (c->priv->phase) {
    case PHASE_SERVE:
    case PHASE_FINISH:
        run_attempt(c);
        break;
    case PHASE_COMMITTED:
        run_committed(c);
        break;
    case PHASE_ACT:
        run_act(c);
        break;
    case PHASE_PARKED:
        run_woken(c);
        break;
    }
}
