/* A backup's stream, as an operator may be handed one: restored into an empty store in memory.
 * Whatever it is, the answer is an error that leaves the store empty, or a store that can be
 * written out and restored again to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t records(struct store *s)
{
    struct record rec;
    struct scan it;
    struct txn *t;
    size_t n = 0;

    if (txn_begin(s, TXN_READ_ONLY, &t, NULL) < 0)
        abort();
    if (scan_begin(t, &it, STR(""), 0, NULL) < 0)
        abort();
    while (scan_next(&it, &rec, NULL) > 0)
        n++;
    scan_end(&it);
    txn_drop(t);
    return n;
}

static void again(struct store *s, int fd)
{
    struct store_opts o = {.map_bytes = 64 << 20};
    struct store *copy;

    if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 || store_open(&o, &copy, NULL) < 0)
        abort();
    if (store_snapshot_write(s, fd, NULL, NULL) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
        store_snapshot_restore(copy, fd, NULL) < 0 || records(copy) != records(s))
        abort();
    store_close(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_opts o = {.map_bytes = 64 << 20};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    struct err e = ERR_INIT;
    struct store *s;

    if (fd < 0 || store_open(&o, &s, &e) < 0)
        abort();
    if (write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
        abort();
    if (store_snapshot_restore(s, fd, &e) == 0)
        again(s, fd);
    else if (records(s) != 0)
        abort();
    store_close(s);
    close(fd);
    return 0;
}
