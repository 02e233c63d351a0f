/*
 * bench_kv -- a vault's directory with many secrets in it, for a real server to be started on
 *
 *     bench_kv DIRECTORY SECRETS     prints the unseal key (hex)
 *
 * Initialised with one share and the token "root". KV version 2 at secret/ has the secrets
 * k0, k1, ... as the engine itself writes them, many in a transaction, without syncing.
 */
#include <stdio.h>

#include "base/clock.h"
#include "inner.h"
#include "vault/secrets/kv2.h"
#include "vault/secrets/secrets.h"

enum { BATCH = 1000 };

struct fill {
    const struct mount *mount;
    uint64_t from, to;
};

static int fill_txn(struct txn *t, void *arg, struct err *e)
{
    static const struct kv2_config config = {.mount = ""};
    const struct fill *f = arg;
    struct req r = {.a = txn_arena(t), .txn = t, .mount = f->mount, .now_ns = clock_wall_ns()};

    for (uint64_t i = f->from; i < f->to; i++) {
        const char *path = arena_printf(r.a, "k%llu", (unsigned long long)i);
        const char *text = arena_printf(
            r.a, "{\"user\":\"app-%llu\",\"password\":\"wJalrXUtnFEMI-K7MDENG-bPxRfiCY\"}",
            (unsigned long long)i);
        int ret = kv2_add(&r, kv2_new(&r, str_of(path)), &config, str_of(text), e);

        if (ret < 0)
            return ret;
    }
    return 0;
}

static void fill(struct inner *v, uint64_t n)
{
    struct fill f = {.mount = inner_mount(v, "secret/")};
    struct err e = ERR_INIT;

    for (; f.from < n; f.from = f.to) {
        f.to = f.from + BATCH < n ? f.from + BATCH : n;
        inner_check(store_run(v->store, fill_txn, &f, 0, NULL, &e), &e, "fill");
    }
}

int main(int argc, char **argv)
{
    struct inner v = {.engines = secrets_engines, .n_engines = n_secrets_engines};
    uint64_t n;

    if (argc != 3 || !str_to_u64(str_of(argv[2]), 10, &n)) {
        fprintf(stderr, "usage: bench_kv DIRECTORY SECRETS\n");
        return 2;
    }
    v.dir = argv[1];
    inner_init(&v, false);
    inner_ask(&v, "POST", "/v1/sys/mounts/secret",
              "{\"type\":\"kv\",\"options\":{\"version\":\"2\"}}");
    fill(&v, n);
    inner_close(&v);
    for (size_t i = 0; i < v.share.len; i++)
        printf("%02x", v.share.p[i]);
    printf("\n");
    inner_done(&v);
    return 0;
}
