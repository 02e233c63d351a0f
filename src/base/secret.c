/*
 * Locked memory comes in chunks, each with a page on either side that cannot be touched. A
 * chunk serves one size class at a time. What is known about a chunk (which slots are taken)
 * is kept outside of it, so an overrun cannot rewrite it; behind each secret stands a canary.
 */
#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "base/thread.h"

enum {
    GUARD_BYTES = 4096,
    CHUNK_BYTES = 32768,
    STRIDE = CHUNK_BYTES + GUARD_BYTES,
    CHUNKS = 512, /* 16 MiB of secrets at most */
    SLOT_MIN = 32,
    SLOTS_MAX = CHUNK_BYTES / SLOT_MIN,
    CANARY_BYTES = 8,
};

struct chunk {
    uint32_t slot_bytes; /* 0: serves no class now */
    uint32_t taken;
    bool mapped;
    uint64_t used[SLOTS_MAX / 64]; /* a bit per slot */
};

static struct lock lock = LOCK_INIT("secret", RANK_SECRET);
static uint8_t *base; /* NULL until the first use */
static uint64_t canary;
static struct chunk chunks[CHUNKS];
static size_t n_mapped;
static bool lock_required, lock_refused, refusal_told;

static uint8_t *chunk_at(size_t i)
{
    return base + GUARD_BYTES + i * STRIDE;
}

static int arena_open(struct err *e)
{
    void *p;

    if (base)
        return 0;
    p = mmap(NULL, GUARD_BYTES + (size_t)CHUNKS * STRIDE, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return err_set_errno(e, ERR_LIMIT, "reserve memory for secrets");
    random_bytes(&canary, sizeof canary);
    base = p;
    return 0;
}

/* Give chunk i memory: locked, kept out of core dumps, empty in a forked child. */
static int chunk_map(size_t i, struct err *e)
{
    uint8_t *p = chunk_at(i);

    if (mprotect(p, CHUNK_BYTES, PROT_READ | PROT_WRITE) < 0)
        return err_set_errno(e, ERR_LIMIT, "memory for secrets");
    /* The bare call: the sanitizers make mlock(3) do nothing. */
    if (syscall(SYS_mlock, p, (size_t)CHUNK_BYTES) < 0) {
        if (lock_required) {
            (void)mprotect(p, CHUNK_BYTES, PROT_NONE);
            return err_set_errno(e, ERR_LIMIT,
                                 "cannot lock memory for secrets: raise RLIMIT_MEMLOCK, grant "
                                 "CAP_IPC_LOCK or set disable_mlock = true");
        }
        lock_refused = true;
    }
    if (madvise(p, CHUNK_BYTES, MADV_DONTDUMP) < 0 ||
        madvise(p, CHUNK_BYTES, MADV_WIPEONFORK) < 0) {
        (void)mprotect(p, CHUNK_BYTES, PROT_NONE);
        return err_set_errno(e, ERR_LIMIT, "keep secrets out of dumps and children");
    }
    chunks[i].mapped = true;
    n_mapped++;
    return 0;
}

/* A chunk of the class with a free slot, else an idle one, else a new one; or ERR_LIMIT. */
static int chunk_for(size_t slot_bytes, struct chunk **ret, struct err *e)
{
    struct chunk *idle = NULL;

    for (size_t i = 0; i < n_mapped; i++) {
        struct chunk *c = &chunks[i];

        if (c->slot_bytes == slot_bytes && c->taken < CHUNK_BYTES / slot_bytes) {
            *ret = c;
            return 0;
        }
        if (c->slot_bytes == 0 && !idle)
            idle = c;
    }
    if (!idle) {
        int r;

        if (n_mapped == CHUNKS)
            return err_set(e, ERR_LIMIT, "the memory for secrets is used up (%d bytes)",
                           CHUNKS * CHUNK_BYTES);
        idle = &chunks[n_mapped];
        r = chunk_map(n_mapped, e);
        if (r < 0)
            return r;
    }
    idle->slot_bytes = (uint32_t)slot_bytes;
    *ret = idle;
    return 0;
}

static uint8_t *slot_take(struct chunk *c)
{
    for (size_t w = 0; w < ARRAY_LEN(c->used); w++) {
        if (~c->used[w]) {
            size_t bit = (size_t)__builtin_ctzll(~c->used[w]);

            c->used[w] |= UINT64_C(1) << bit;
            c->taken++;
            return chunk_at((size_t)(c - chunks)) + (w * 64 + bit) * c->slot_bytes;
        }
    }
    abort(); /* `taken` said otherwise */
}

static size_t slot_bytes_for(size_t len)
{
    size_t n = SLOT_MIN;

    while (n < len + CANARY_BYTES)
        n *= 2;
    return n;
}

static int alloc_locked(size_t len, struct secret *ret, bool *tell, struct err *e)
{
    auto_lock struct lock *held = lock_scope(&lock);
    struct chunk *c = NULL;
    int r;

    r = arena_open(e);
    if (r == 0)
        r = chunk_for(slot_bytes_for(len), &c, e);
    if (r < 0)
        return r;
    *ret = (struct secret){slot_take(c), len};
    memcpy(ret->p + len, &canary, CANARY_BYTES);
    *tell = lock_refused && !refusal_told;
    refusal_told |= lock_refused;
    return 0;
}

int secret_alloc(size_t len, struct secret *ret, struct err *e)
{
    bool tell = false;
    int r;

    if (len > SECRET_MAX)
        return err_set(e, ERR_TOOBIG, "a secret of %zu bytes, at most %d can be kept", len,
                       SECRET_MAX);
    r = alloc_locked(len, ret, &tell, e);
    if (tell)
        log_warn("secret", "memory cannot be locked, secrets may be swapped to disk: raise "
                           "RLIMIT_MEMLOCK or grant CAP_IPC_LOCK");
    return r;
}

int secret_copy(const void *p, size_t len, struct secret *ret, struct err *e)
{
    int r = secret_alloc(len, ret, e);

    if (r == 0 && len)
        memcpy(ret->p, p, len);
    return r;
}

int secret_random(size_t len, struct secret *ret, struct err *e)
{
    int r = secret_alloc(len, ret, e);

    if (r == 0)
        random_bytes(ret->p, len);
    return r;
}

/* Slots are handed out cleared because they are given back cleared. */
void secret_done(struct secret *s)
{
    size_t offset, i, slot;
    struct chunk *c;

    if (!s->p)
        return;
    auto_lock struct lock *held = lock_scope(&lock);

    offset = (size_t)(s->p - base) - GUARD_BYTES;
    i = offset / STRIDE;
    assert(i < CHUNKS && chunks[i].slot_bytes);
    c = &chunks[i];
    slot = offset % STRIDE / c->slot_bytes;
    assert(offset % STRIDE % c->slot_bytes == 0 && slot < SLOTS_MAX);
    assert(c->used[slot / 64] >> slot % 64 & 1); /* else it was given back twice */
    assert(memcmp(s->p + s->len, &canary, CANARY_BYTES) == 0);

    explicit_bzero(s->p, c->slot_bytes);
    c->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    if (--c->taken == 0)
        c->slot_bytes = 0;
    *s = (struct secret)SECRET_INIT;
}

bool secret_eq(const struct secret *a, const struct secret *b)
{
    uint8_t diff = 0;

    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++) {
        diff = (uint8_t)(diff | (a->p[i] ^ b->p[i]));
        __asm__("" : "+r"(diff)); /* or the compiler may stop at the first difference */
    }
    return diff == 0;
}

void secret_wipe(void *p, size_t len)
{
    if (len)
        explicit_bzero(p, len);
}

void secret_require_lock(bool required)
{
    auto_lock struct lock *held = lock_scope(&lock);

    lock_required = required;
}

bool secret_is_locked(void)
{
    auto_secret struct secret probe = SECRET_INIT;

    if (secret_alloc(1, &probe, NULL) < 0)
        return false;
    auto_lock struct lock *held = lock_scope(&lock);

    return !lock_refused;
}

/* No core, and should somebody make cores possible again, nothing in them. The kernel's file is
 * ours only as long as the process is dumpable. Children inherit it: see shim/main.c. */
static void coredump_filter(const char *mappings)
{
    auto_fd int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);

    if (fd >= 0 && write(fd, mappings, strlen(mappings)) < 0)
        return; /* a kernel without cores */
}

void secret_harden_process(void)
{
    const struct rlimit none = {0, 0};

    coredump_filter("0");
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
