#include "base/log_follow.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/thread.h"

enum { COUNT_LINE_MAX = 128 };

struct log_follower {
    enum log_level level;
    struct buf lines;
    unsigned left_out;
};

static struct lock lock = LOCK_INIT("log followers", RANK_LOG_TAP);
static struct cond news;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct log_follower *followers[LOG_FOLLOWERS_MAX]; /* under lock */

static void feed(void *arg, enum log_level level, struct str line)
{
    auto_lock struct lock *held = lock_scope(&lock);

    (void)arg;
    for (size_t i = 0; i < LOG_FOLLOWERS_MAX; i++) {
        struct log_follower *f = followers[i];

        if (!f || level < f->level)
            continue;
        if (f->lines.len + line.len > LOG_FOLLOW_BYTES - COUNT_LINE_MAX)
            f->left_out++;
        else
            buf_put_str(&f->lines, line);
    }
    cond_broadcast(&news);
}

static void init_news(void)
{
    cond_init(&news);
}

/* Lock held: the log makes every line that somebody wants. */
static void tell_level(void)
{
    enum log_level lowest = LOG_OFF;

    for (size_t i = 0; i < LOG_FOLLOWERS_MAX; i++)
        if (followers[i] && followers[i]->level < lowest)
            lowest = followers[i]->level;
    log_set_tap_level(lowest);
}

int log_follow(enum log_level level, struct log_follower **ret, struct err *e)
{
    (void)pthread_once(&once, init_news);
    log_set_tap(feed, NULL);
    auto_lock struct lock *held = lock_scope(&lock);

    for (size_t i = 0; i < LOG_FOLLOWERS_MAX; i++) {
        if (followers[i])
            continue;
        *ret = followers[i] = calloc(1, sizeof **ret);
        if (!*ret)
            abort();
        **ret = (struct log_follower){.level = level, .lines = BUF_INIT(LOG_FOLLOW_BYTES)};
        tell_level();
        return 0;
    }
    return err_set(e, ERR_LIMIT, "%d readers follow the log already", LOG_FOLLOWERS_MAX);
}

bool log_follow_next(struct log_follower *f, int64_t deadline_ms, struct buf *ret)
{
    auto_lock struct lock *held = lock_scope(&lock);

    while (f->lines.len == 0 && f->left_out == 0)
        if (!cond_wait_until(&news, &lock, deadline_ms))
            return false;
    buf_put_str(ret, buf_str(&f->lines));
    if (f->left_out)
        buf_printf(ret, "[WARN]  %u lines were left out: they are not read fast enough\n",
                   f->left_out);
    buf_reset(&f->lines);
    f->left_out = 0;
    return true;
}

void log_unfollow(struct log_follower *f)
{
    if (!f)
        return;
    lock_take(&lock);
    for (size_t i = 0; i < LOG_FOLLOWERS_MAX; i++)
        if (followers[i] == f)
            followers[i] = NULL;
    tell_level();
    lock_drop(&lock);
    buf_done(&f->lines);
    free(f);
}
