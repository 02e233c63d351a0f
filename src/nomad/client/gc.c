/*
 * Ended allocs are kept for their files and logs until there are too many or the disk fills;
 * the oldest go first. Destroying is the gc loop's business alone, so nothing else waits for
 * it.
 */
#include <sys/statvfs.h>

#include "base/clock.h"
#include "nomad/client/client_priv.h"

void client_wake_gc(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    stopper_stop(&c->gc_wake);
}

void client_destroy_alloc(struct alloc_run *ar)
{
    lock_take(&ar->lock);
    ar->destroy = true;
    ar->kill = true;
    stopper_stop(&ar->wake);
    lock_drop(&ar->lock);
    client_wake_gc(ar->c);
}

static bool is_over(struct alloc_run *ar, bool *ret_destroy, int64_t *ret_since)
{
    auto_lock struct lock *held = lock_scope(&ar->lock);

    *ret_destroy = ar->destroy;
    *ret_since = ar->over_ns;
    return ar->over;
}

static void reap_one(struct nomad_client *c, struct alloc_run *ar)
{
    alloc_run_join(ar);
    lock_take(&c->lock);
    map_del(&c->allocs, str_of(ar->id));
    lock_drop(&c->lock);
    alloc_dir_destroy(ar);
    journal_remove(ar);
    alloc_run_unref(ar); /* the map's */
}

void client_reap(struct nomad_client *c)
{
    struct alloc_run **all;
    size_t n = client_allocs(c, &all);

    for (size_t i = 0; i < n; i++) {
        bool destroy;
        int64_t since;

        if (is_over(all[i], &destroy, &since) && destroy)
            reap_one(c, all[i]);
        alloc_run_unref(all[i]);
    }
    free(all);
}

/* Mark up to `most` ended allocs, oldest first. */
static void mark_oldest(struct nomad_client *c, size_t most)
{
    struct alloc_run **all;
    size_t n = client_allocs(c, &all);

    while (most-- > 0) {
        struct alloc_run *oldest = NULL;
        int64_t oldest_at = 0;

        for (size_t i = 0; i < n; i++) {
            bool destroy;
            int64_t since;

            if (is_over(all[i], &destroy, &since) && !destroy &&
                (!oldest || since < oldest_at)) {
                oldest = all[i];
                oldest_at = since;
            }
        }
        if (!oldest)
            break;
        client_destroy_alloc(oldest);
    }
    for (size_t i = 0; i < n; i++)
        alloc_run_unref(all[i]);
    free(all);
}

void client_gc_now(struct nomad_client *c)
{
    mark_oldest(c, SIZE_MAX);
}

static size_t count_allocs(struct nomad_client *c)
{
    auto_lock struct lock *held = lock_scope(&c->lock);

    return c->allocs.len;
}

static bool disk_is_full(const struct nomad_client *c)
{
    struct statvfs v;

    if (fstatvfs(c->alloc_fd, &v) < 0 || v.f_blocks == 0)
        return false;
    return (int64_t)(100 * (v.f_blocks - v.f_bavail) / v.f_blocks) >= c->o.gc_disk_usage ||
           (v.f_files > 0 &&
            (int64_t)(100 * (v.f_files - v.f_ffree) / v.f_files) >= c->o.gc_inode_usage);
}

void client_gc_room(struct nomad_client *c)
{
    size_t n = count_allocs(c), max = (size_t)c->o.gc_max_allocs;

    if (n > max)
        mark_oldest(c, n - max);
}

void gc_loop(void *arg)
{
    struct nomad_client *c = arg;
    int64_t look_at = clock_mono_ms() + c->o.gc_interval_ms;

    while (!stopper_is_set(&c->stop)) {
        stopper_wait_until(&c->gc_wake, look_at);
        lock_take(&c->lock);
        if (!c->stopping)
            stopper_reset(&c->gc_wake);
        lock_drop(&c->lock);
        client_gc_room(c);
        client_reap(c);
        if (clock_mono_ms() < look_at)
            continue;
        look_at = clock_mono_ms() + c->o.gc_interval_ms;
        if (disk_is_full(c))
            mark_oldest(c, 2);
    }
}
