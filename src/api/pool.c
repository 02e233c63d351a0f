#include <assert.h>
#include <stdio.h>

#include "api/api_priv.h"

/* Waits for the next job; NULL: closing and nothing is queued any more. */
static struct job *pool_next(struct pool *p)
{
    auto_lock struct lock *held = lock_scope(&p->lock);

    while (!p->first && !p->closing) {
        p->idle++;
        cond_wait(&p->wake, &p->lock);
        p->idle--;
    }
    struct job *j = p->first;

    if (j) {
        p->first = j->next;
        if (!p->first)
            p->last = &p->first;
    }
    return j;
}

static _Thread_local const struct pool *mine; /* the pool that this thread works for */

bool pool_is_mine(const struct pool *p)
{
    return mine == p;
}

static void pool_main(void *arg)
{
    struct pool *p = arg;
    struct job *j;

    mine = p;
    while ((j = pool_next(p)))
        j->fn(j);
}

static int start_threads(struct pool *p, const char *name, unsigned threads, struct err *e)
{
    for (unsigned i = 0; i < threads; i++) {
        char label[16];

        snprintf(label, sizeof label, "%s-%u", name, i);
        int r = thread_start(&p->threads[i], label, pool_main, p, e);

        if (r < 0)
            return r;
        p->n_threads++;
    }
    return 0;
}

int pool_init(struct pool *p, const char *name, unsigned threads, unsigned claims_max,
              struct err *e)
{
    *p = (struct pool){.claims_max = claims_max};
    p->last = &p->first;
    lock_init(&p->lock, name, RANK_API_POOL);
    cond_init(&p->wake);
    p->threads = calloc(threads, sizeof *p->threads);
    if (!p->threads)
        abort();
    int r = start_threads(p, name, threads, e);

    if (r < 0)
        pool_done(p);
    return r;
}

void pool_done(struct pool *p)
{
    if (!p->threads)
        return;
    lock_take(&p->lock);
    p->closing = true;
    cond_broadcast(&p->wake);
    lock_drop(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        thread_join(&p->threads[i]);
    free(p->threads);
    p->threads = NULL;
    cond_done(&p->wake);
    lock_done(&p->lock);
}

void pool_push(struct pool *p, struct job *j)
{
    auto_lock struct lock *held = lock_scope(&p->lock);

    j->next = NULL;
    *p->last = j;
    p->last = &j->next;
    if (p->idle > 0)
        cond_signal(&p->wake);
}

void pool_push_first(struct pool *p, struct job *j)
{
    auto_lock struct lock *held = lock_scope(&p->lock);

    j->next = p->first;
    p->first = j;
    if (!j->next)
        p->last = &j->next;
    if (p->idle > 0)
        cond_signal(&p->wake);
}

bool pool_claim(struct pool *p)
{
    auto_lock struct lock *held = lock_scope(&p->lock);

    if (p->claims == p->claims_max)
        return false;
    p->claims++;
    return true;
}

void pool_unclaim(struct pool *p)
{
    auto_lock struct lock *held = lock_scope(&p->lock);

    assert(p->claims > 0);
    p->claims--;
}

unsigned pool_claims(struct pool *p)
{
    auto_lock struct lock *held = lock_scope(&p->lock);

    return p->claims;
}
