/*
 * bench_lease -- many leases: what they cost, and how fast they come and go
 *
 *     bench_lease DIRECTORY LEASES     a durable store there; for bench_lease.py
 *
 * Fills the store, prints its port and serves until standard input says a line (creds/NAME of
 * the engine at b/ makes a lease; the token is "root"); the other figures come after it.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/random.h"
#include "figure.h"
#include "http/server.h"
#include "inner.h"
#include "vault/core/lease_priv.h"

enum { FILL_BATCH = 1000 };

/* ---- an engine without an outside ----------------------------------------------------------
 */

static int make(struct call *c, struct err *e)
{
    struct req *r = c->state;
    struct secret_made *s = arena_new_of(r->a, struct secret_made);

    (void)e;
    s->renewable = true;
    s->internal = json_new_object(r->a);
    json_kv_str(req_data(r), "access_key", "AKIAIOSFODNN7EXAMPLE");
    json_kv_str(r->out, "secret_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    r->secret = s;
    return 0;
}

static const struct route routes[] = {{M_WRITE | M_GET, "creds/:name", 0, make, NULL}};
static const struct engine engine = {
    .type = "bench", .kind = ENGINE_SECRET, .routes = routes, .n_routes = 1};
static const struct engine *const engines[] = {&engine};

/* ---- a vault -------------------------------------------------------------------------------
 */

struct bench {
    struct inner v;
    const char *mount_uuid;
};

static void set_up(struct bench *b)
{
    inner_init(&b->v, false);
    inner_ask(&b->v, "POST", "/v1/sys/mounts/b", "{\"type\":\"bench\"}");
    b->mount_uuid = inner_mount(&b->v, "b/")->uuid;
}

/* ---- measures ------------------------------------------------------------------------------
 */

static double per_second(double n, int64_t since_ms)
{
    return n * 1000 / (double)(clock_mono_ms() - since_ms + 1);
}

static size_t private_kib(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    size_t kib = 0;
    char text[256];

    while (f && fgets(text, sizeof text, f))
        if (sscanf(text, "RssAnon: %zu", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

static uint64_t leases_left(struct bench *b)
{
    struct err e = ERR_INIT;
    struct record rec;
    uint64_t n = 0;
    struct scan it;
    struct txn *t;
    struct key k;

    inner_check(txn_begin(b->v.store, TXN_READ_ONLY, &t, &e), &e, "count");
    key_init(&k, lease_table.name);
    inner_check(scan_begin(t, &it, key_str(&k), SCAN_KEYS_ONLY | SCAN_PEEK, &e), &e, "count");
    while (scan_next(&it, &rec, &e) > 0)
        n++;
    scan_end(&it);
    txn_drop(t);
    return n;
}

static bool is_empty(struct bench *b, const char *prefix)
{
    struct err e = ERR_INIT;
    struct record rec;
    struct scan it;
    struct txn *t;
    struct key k;
    bool found;

    inner_check(txn_begin(b->v.store, TXN_READ_ONLY, &t, &e), &e, "look");
    key_init(&k, lease_table.name);
    key_add_open(&k, str_of(prefix));
    inner_check(scan_begin(t, &it, key_str(&k), SCAN_KEYS_ONLY | SCAN_PEEK, &e), &e, "look");
    found = scan_next(&it, &rec, &e) > 0;
    scan_end(&it);
    txn_drop(t);
    return !found;
}

static void wait_empty(struct bench *b, const char *prefix)
{
    while (!is_empty(b, prefix))
        usleep(10000);
}

/* Serve over HTTP until standard input says so. */
static void serve(struct bench *b)
{
    struct api_mount mount = {.api = b->v.api, .service = vault_service(b->v.vault)};
    struct http_server_opts opts = {.handle = api_handle, .arg = &mount};
    struct http_listener_opts at = {.address = "127.0.0.1"};
    struct err e = ERR_INIT;
    struct http_server *http;
    uint16_t port;

    inner_check(http_server_new(&opts, &http, &e), &e, "server");
    inner_check(http_server_listen(http, &at, &port, &e), &e, "listen");
    printf("%u\n", port);
    fflush(stdout);
    (void)getchar();
    http_server_stop(http, clock_mono_ms() + 2000);
    http_server_free(http);
}

struct fill {
    struct bench *bench;
    size_t n;
    const char *role;
    int64_t expires_ns;
};

static int fill_txn(struct txn *t, void *arg, struct err *e)
{
    const struct fill *f = arg;
    struct arena *a = txn_arena(t);
    struct json *data = json_new_object(a);

    json_set(a, data, STR("access_key"), json_of_str(STR("AKIAIOSFODNN7EXAMPLE")));
    json_set(a, data, STR("secret_key"),
             json_of_str(STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")));
    for (size_t i = 0; i < f->n; i++) {
        char suffix[LEASE_SUFFIX_CHARS + 1];
        struct lease l = {.token_hash = "0",
                          .mount_uuid = f->bench->mount_uuid,
                          .issued_ns = clock_wall_ns(),
                          .expires_ns = f->expires_ns,
                          .renewable = true,
                          .ttl_s = 3600,
                          .data = data};
        int r;

        random_base62(suffix, LEASE_SUFFIX_CHARS);
        l.id = arena_printf(a, "b/creds/%s/%s", f->role, suffix);
        r = lease_put(t, &l, e);
        if (r < 0)
            return r;
    }
    return 0;
}

static void fill(struct bench *b, const char *role, size_t n, int64_t expires_ns)
{
    struct fill f = {b, FILL_BATCH, role, expires_ns};
    struct err e = ERR_INIT;

    for (size_t done = 0; done < n; done += FILL_BATCH)
        inner_check(store_run(b->v.store, fill_txn, &f, 0, NULL, &e), &e, "fill");
}

static void measure_start(struct bench *b)
{
    int64_t since;

    inner_close(&b->v);
    since = clock_mono_ns();
    inner_open(&b->v, true);
    inner_unseal(&b->v);
    figure("start with all leases", (double)(clock_mono_ns() - since) / 1e9, "s", "<= 2",
           "from the store's file to a running vault");
}

static void revoke_prefix(struct bench *b, const char *role, size_t n)
{
    struct arena *a = b->v.arena;
    int64_t since = clock_mono_ns();

    inner_ask(&b->v, "PUT", arena_printf(a, "/v1/sys/leases/revoke-prefix/b/creds/%s", role),
              "{}");
    if (n > 0)
        figure("revoke-prefix answers", (double)(clock_mono_ns() - since) / 1e6, "ms", "", "");
    wait_empty(b, arena_printf(a, "b/creds/%s/", role));
    if (n > 0)
        figure("revoke-prefix", (double)n * 1e9 / (double)(clock_mono_ns() - since), "leases/s",
               ">= 20000", "half of the leases; until the last is gone");
}

/* They are all due at once. */
static void expire(struct bench *b, size_t n)
{
    struct err e = ERR_INIT;
    int64_t since;

    lease_loop_stop(b->v.vault);
    fill(b, "due", n, clock_wall_ns());
    since = clock_mono_ms();
    inner_check(vault_start(b->v.vault, &e), &e, "start");
    wait_empty(b, "b/creds/due/");
    figure("expiry", per_second((double)n, since), "leases/s", "", "all at one moment");
}

static void run(struct bench *b, size_t n)
{
    int64_t later = clock_wall_ns() + 24 * 3600 * 1000000000LL;
    size_t before;

    set_up(b);
    before = private_kib();
    fill(b, "kept", n / 2, later);
    fill(b, "short", n - n / 2, later);
    figure("memory of a lease", (double)(private_kib() - before) * 1024 / (double)n, "bytes",
           "<= 100", "private RSS after the fill");
    measure_start(b);
    serve(b);
    revoke_prefix(b, "kept", n / 2);
    revoke_prefix(b, "short", 0);
    revoke_prefix(b, "asked", 0);
    expire(b, n / 4);
    if (leases_left(b) > 0)
        fprintf(stderr, "bench_lease: %llu leases are left\n",
                (unsigned long long)leases_left(b));
    inner_close(&b->v);
}

int main(int argc, char **argv)
{
    struct bench b = {.v = {.engines = engines, .n_engines = 1}};
    int64_t n;

    if (argc != 3 || !str_to_i64(str_of(argv[2]), 10, &n) || n < 4) {
        fprintf(stderr, "usage: bench_lease DIRECTORY LEASES\n");
        return 2;
    }
    b.v.dir = argv[1];
    run(&b, (size_t)n);
    inner_done(&b.v);
    return 0;
}
