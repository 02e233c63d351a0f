/*
 * crash [ROUNDS [SEED]]: what was acknowledged survives SIGKILL, whole
 *
 * Each round starts a writer of its own (this program again) on the same directory. Its threads
 * commit transactions of several keys that carry one counter, and tell the parent through a
 * pipe only after the commit is said to be durable. At a random moment the parent kills it,
 * opens the store and checks: every acknowledged counter is there, all keys of a thread agree,
 * the revision has not gone back. Prints the number of rounds and acknowledged transactions.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "base/thread.h"
#include "store/store.h"

enum { WRITERS = 4, KEYS = 5, ROUNDS = 200, KILL_AFTER_MS = 60 };

struct ack {
    uint32_t who, n;
};

static void die(const char *what, const struct err *e)
{
    fprintf(stderr, "crash: %s: %s\n", what, e ? e->msg : "");
    exit(1);
}

static void must(int r, const char *what, const struct err *e)
{
    if (r < 0)
        die(what, e);
}

static void key_of(char *to, size_t size, unsigned who, int k)
{
    /* Far apart, so that a transaction touches many pages. */
    snprintf(to, size, "%c/w%u/%d", 'a' + k * 4, who, k);
}

/* The counter that writer `who` has reached: all its keys must agree. */
static uint32_t counter(struct txn *t, unsigned who)
{
    uint32_t n = 0;

    for (int k = 0; k < KEYS; k++) {
        struct err e = ERR_INIT;
        struct record rec;
        uint32_t v = 0;
        char key[32];
        int r;

        key_of(key, sizeof key, who, k);
        r = txn_get(t, str_of(key), &rec, &e);
        if (r != ERR_NOTFOUND) {
            must(r, key, &e);
            if (rec.value.len < sizeof v)
                die("a value is too short", NULL);
            memcpy(&v, rec.value.p, sizeof v);
        }
        if (k > 0 && v != n) {
            fprintf(stderr, "crash: half a transaction: key 0 of writer %u has %u, key %d %u\n",
                    who, n, k, v);
            exit(1);
        }
        n = v;
    }
    return n;
}

/* The child. */

struct writer {
    struct thread thread;
    struct store *s;
    uint32_t who, n;
    int fd;
};

static void write_on(void *arg)
{
    struct writer *w = arg;
    static const char filler[2000] = {0};

    for (;;) {
        struct ack ack = {w->who, ++w->n};
        struct err e = ERR_INIT;
        struct txn *t;

        must(txn_begin(w->s, 0, &t, &e), "begin", &e);
        for (int k = 0; k < KEYS; k++) {
            char key[32], value[sizeof ack.n + sizeof filler];
            size_t len = sizeof ack.n + (ack.n * 37u + (unsigned)k * 101u) % sizeof filler;

            key_of(key, sizeof key, w->who, k);
            memcpy(value, &ack.n, sizeof ack.n);
            memcpy(value + sizeof ack.n, filler, len - sizeof ack.n);
            must(txn_put(t, str_of(key), str_n(value, len), &e), "put", &e);
        }
        must(txn_commit_wait(t, NULL, &e), "commit", &e);
        if (write(w->fd, &ack, sizeof ack) != sizeof ack) /* atomic: smaller than PIPE_BUF */
            exit(0);
    }
}

static _Noreturn void child(const char *dir, int fd)
{
    struct store_opts o = {.dir = dir};
    struct writer w[WRITERS] = {0};
    struct store *s;
    struct txn *t;
    struct err e = ERR_INIT;

    must(store_open(&o, &s, &e), "open", &e);
    must(txn_begin(s, TXN_READ_ONLY, &t, &e), "begin", &e);
    for (uint32_t i = 0; i < WRITERS; i++)
        w[i] = (struct writer){.s = s, .who = i, .n = counter(t, i), .fd = fd};
    txn_drop(t);
    for (int i = 0; i < WRITERS; i++)
        must(thread_start(&w[i].thread, "writer", write_on, &w[i], &e), "thread", &e);
    for (;;)
        pause();
}

/* The parent. */

static pid_t start_child(const char *dir, int *ret_fd)
{
    char fd_text[16];
    int fds[2];
    pid_t pid;

    if (pipe(fds) < 0)
        die("pipe", NULL);
    snprintf(fd_text, sizeof fd_text, "%d", fds[1]);
    pid = fork();
    if (pid < 0)
        die("fork", NULL);
    if (pid == 0) {
        close(fds[0]);
        execl("/proc/self/exe", "crash", "child", dir, fd_text, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    *ret_fd = fds[0];
    return pid;
}

/* Takes acknowledgements until `until_ms`, or with 0 until the pipe ends. */
static int take_acks(int fd, int64_t until_ms, uint32_t last[WRITERS])
{
    int n = 0;

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        struct ack ack;
        int64_t left = until_ms ? until_ms - clock_mono_ms() : 60000;

        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            return n;
        if (read(fd, &ack, sizeof ack) != sizeof ack)
            return n;
        last[ack.who] = ack.n;
        n++;
    }
}

static void check(const char *dir, const uint32_t last[WRITERS], uint64_t *rev)
{
    struct store_opts o = {.dir = dir};
    struct store *s;
    struct txn *t;
    struct err e = ERR_INIT;

    must(store_open(&o, &s, &e), "open after the crash", &e);
    must(txn_begin(s, TXN_READ_ONLY, &t, &e), "begin", &e);
    if (store_rev(s) < *rev)
        die("the revision went back", NULL);
    *rev = store_rev(s);
    for (unsigned i = 0; i < WRITERS; i++) {
        uint32_t n = counter(t, i);

        if (n < last[i]) {
            fprintf(stderr, "crash: writer %u was told that %u is durable, %u is there\n", i,
                    last[i], n);
            exit(1);
        }
    }
    txn_drop(t);
    store_close(s);
}

static int one_round(const char *dir, uint32_t last[WRITERS], unsigned *seed, uint64_t *rev)
{
    int fd, status, n;
    pid_t pid = start_child(dir, &fd);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t until;

    poll(&p, 1, 60000); /* until it works, then a while */
    until = clock_mono_ms() + rand_r(seed) % KILL_AFTER_MS;
    n = take_acks(fd, until, last);
    kill(pid, SIGKILL);
    n += take_acks(fd, 0, last);
    close(fd);
    if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
        die("the writer ended by itself", NULL);
    check(dir, last, rev);
    return n;
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS;
    unsigned seed = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : (unsigned)getpid();
    char base[] = "/tmp/serai-crash-XXXXXX", dir[64];
    uint32_t last[WRITERS] = {0};
    struct err e = ERR_INIT;
    uint64_t rev = 0;
    long acks = 0;

    if (argc == 4 && strcmp(argv[1], "child") == 0)
        child(argv[2], (int)strtol(argv[3], NULL, 10));
    if (!mkdtemp(base))
        die("mkdtemp", NULL);
    snprintf(dir, sizeof dir, "%s/store", base);
    printf("seed %u\n", seed);
    for (long i = 0; i < rounds; i++)
        acks += one_round(dir, last, &seed, &rev);
    printf("%ld rounds, %ld acknowledged transactions, none lost, none half\n", rounds, acks);
    auto_fd int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(path_remove_tree(tmp, path_base(base), &e), "clean up", &e);
    return acks > 0 ? 0 : 1;
}
