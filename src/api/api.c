#include "api/api.h"

#include <assert.h>
#include <poll.h>
#include <unistd.h>

#include "api/api_priv.h"

static unsigned api_thread_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    if (cores < API_THREADS_MIN)
        return API_THREADS_MIN;
    return cores < API_THREADS_MAX ? (unsigned)cores : API_THREADS_MAX;
}

static int api_start(struct api *api, const struct api_opts *o, struct err *e)
{
    unsigned threads = o->pool_threads ? o->pool_threads : API_POOL_THREADS;
    unsigned queue = o->pool_queue ? o->pool_queue : API_POOL_QUEUE_MAX;
    int r;

    if ((r = pool_init(&api->threads, "api", api_thread_count(), 0, e)) < 0)
        return r;
    if ((r = pool_init(&api->blocking, "blocking", threads, threads + queue, e)) < 0)
        return r;
    if ((r = park_init(api, e)) < 0)
        return r;
    return wal_new(api, &api->wal, e);
}

int api_new(const struct api_opts *o, struct api **ret, struct err *e)
{
    struct api *api = calloc(1, sizeof *api);

    if (!api)
        abort();
    assert(o->store);
    api->store = o->store;
    lane_init(&api->lane);
    api->stopper.fd = -1;
    int r = stopper_init(&api->stopper, e);

    if (r >= 0)
        r = api_start(api, o, e);

    if (r < 0) {
        api_free(api);
        return err_wrap(e, r, "start the request pipeline");
    }
    *ret = api;
    return 0;
}

bool api_enter(struct api *api)
{
    atomic_fetch_add(&api->calls, 1);
    if (!atomic_load(&api->stopping))
        return true;
    atomic_fetch_sub(&api->calls, 1);
    return false;
}

/* The last thing a call does with the api: api_stop may free it right after. */
void api_leave(struct api *api)
{
    atomic_fetch_sub(&api->calls, 1);
}

/* Nobody signals the last call's end (it would touch an api that may be gone), so look. */
static void await_calls(struct api *api)
{
    while (atomic_load(&api->calls) > 0)
        (void)poll(NULL, 0, 1);
}

void api_stop(struct api *api)
{
    if (api->stopped)
        return;
    api->stopped = true;
    atomic_store(&api->stopping, true);
    if (api->stopper.fd >= 0)
        stopper_stop(&api->stopper);
    wal_stop(api->wal);
    park_stop(api);
    await_calls(api);
    pool_done(&api->blocking);
    pool_done(&api->threads);
}

void api_free(struct api *api)
{
    if (!api)
        return;
    api_stop(api);
    park_done(api);
    wal_free(api->wal);
    lane_done(&api->lane);
    if (api->stopper.fd >= 0)
        stopper_done(&api->stopper);
    free(api);
}

struct stopper *api_stopper(struct api *api)
{
    return &api->stopper;
}

/*
 * Jobs that are not calls.
 */
struct pool_task {
    struct job job;
    struct api *api;
    void (*fn)(void *arg);
    void *arg;
};

static void pool_task_run(struct job *j)
{
    struct pool_task *t = (struct pool_task *)j;

    t->fn(t->arg);
    pool_unclaim(&t->api->blocking);
    free(t);
}

int api_pool_run(struct api *api, void (*fn)(void *arg), void *arg, struct err *e)
{
    if (atomic_load(&api->stopping))
        return err_set(e, ERR_UNAVAIL, "the server is stopping");
    if (!pool_claim(&api->blocking))
        return err_set_status(e, ERR_LIMIT, 503, "too many requests wait for other servers");

    struct pool_task *t = malloc(sizeof *t);

    if (!t)
        abort();
    *t = (struct pool_task){{.fn = pool_task_run}, api, fn, arg};
    pool_push(&api->blocking, &t->job);
    return 0;
}

void api_stats(struct api *api, struct api_stats *ret)
{
    *ret = (struct api_stats){
        .calls = atomic_load(&api->calls),
        .pool = pool_claims(&api->blocking),
        .conflicts = atomic_load(&api->conflicts),
    };
    auto_lock struct lock *held = lock_scope(&api->park.lock);

    ret->parked = api->park.n;
}
