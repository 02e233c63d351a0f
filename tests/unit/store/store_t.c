#include "store_t.h"

struct store *st_memory(void)
{
    struct store_opts opts = {.map_bytes = 16 << 20}; /* small: a sanitizer's space is too */
    struct store *s = NULL;
    struct err e = ERR_INIT;

    T_OK(store_open(&opts, &s, &e), &e);
    return s;
}

struct store *st_open(const char *dir, uint64_t map_bytes)
{
    struct store_opts opts = {.dir = dir, .map_bytes = map_bytes, .no_sync = true};
    struct store *s = NULL;
    struct err e = ERR_INIT;

    T_OK(store_open(&opts, &s, &e), &e);
    return s;
}

const char *st_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", t_tmpdir(), name);
    return path;
}

struct txn *st_begin(struct store *s, unsigned flags)
{
    struct txn *t = NULL;
    struct err e = ERR_INIT;

    T_OK(txn_begin(s, flags, &t, &e), &e);
    return t;
}

uint64_t st_put(struct store *s, const char *key, const char *value)
{
    struct txn *t = st_begin(s, 0);
    struct err e = ERR_INIT;
    uint64_t rev = 0;

    T_OK(txn_put(t, str_of(key), str_of(value), &e), &e);
    T_OK(txn_commit_wait(t, &rev, &e), &e);
    return rev;
}

uint64_t st_del(struct store *s, const char *key)
{
    struct txn *t = st_begin(s, 0);
    struct err e = ERR_INIT;
    uint64_t rev = 0;

    T_OK(txn_del(t, str_of(key), &e), &e);
    T_OK(txn_commit_wait(t, &rev, &e), &e);
    return rev;
}

const char *st_get(struct store *s, const char *key)
{
    static char value[256];
    struct txn *t = st_begin(s, TXN_READ_ONLY);
    struct err e = ERR_INIT;
    struct record rec;
    int r = txn_get(t, str_of(key), &rec, &e);

    if (r == ERR_NOTFOUND)
        snprintf(value, sizeof value, "-");
    else
        snprintf(value, sizeof value, "%.*s", STR_ARG(rec.value));
    txn_drop(t);
    T_TRUE(r == 0 || r == ERR_NOTFOUND);
    return value;
}

const char *st_keys(struct txn *t, const char *prefix, unsigned flags)
{
    static char keys[4096];
    struct err e = ERR_INIT;
    struct record rec;
    struct scan it;
    size_t len = 0;
    int r;

    keys[0] = '\0';
    T_OK(scan_begin(t, &it, str_of(prefix), flags, &e), &e);
    while ((r = scan_next(&it, &rec, &e)) > 0)
        len += (size_t)snprintf(keys + len, sizeof keys - len, "%s%.*s", len ? " " : "",
                                STR_ARG(rec.key));
    T_OK(r, &e);
    scan_end(&it);
    return keys;
}
