/* One level of a tree of paths. */
#include <string.h>

#include "vault/core/core_priv.h"

/* Past everything below the folder: the '/' at the end of `at` becomes the byte after it. */
static int skip_folder(struct scan *it, struct str at, struct err *e)
{
    char next[STORE_KEY_MAX + 1];

    memcpy(next, at.p, at.len);
    next[at.len - 1]++;
    return scan_seek(it, str_n(next, at.len), e);
}

/* Past every record of this very path (a path may have several: its versions). */
static int skip_path(struct scan *it, struct str at, struct err *e)
{
    char next[STORE_KEY_MAX + 1];

    memcpy(next, at.p, at.len);
    next[at.len] = 1;
    return scan_seek(it, str_n(next, at.len + 1), e);
}

int list_level(struct txn *t, const struct key *start, struct str folder, struct arena *a,
               struct strlist *ret, struct err *e)
{
    struct key k = *start;
    struct record rec;
    struct scan it;
    int r;

    key_add_open(&k, folder);
    r = scan_begin(t, &it, key_str(&k), SCAN_KEYS_ONLY | SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = scan_next(&it, &rec, e)) > 0) {
        struct str rest = str_from(rec.key, k.len), name;
        ptrdiff_t slash;

        if (!key_next(&rest, &name))
            break;
        slash = str_chr(name, '/');
        if (slash >= 0)
            name.len = (size_t)slash + 1;
        list_push(a, ret, arena_cstr(a, name));
        r = slash >= 0 ? skip_folder(&it, str_upto(rec.key, k.len + name.len), e)
                       : skip_path(&it, str_upto(rec.key, k.len + name.len), e);
        if (r < 0)
            break;
    }
    scan_end(&it);
    return r < 0 ? r : 0;
}
