#include <assert.h>

#include "base/err.h"
#include "store/store_priv.h"

static void add(struct key *k, struct str part, bool end)
{
    size_t need = part.len + (end ? 1 : 0);

    if (k->over || need > STORE_KEY_MAX - k->len) {
        k->over = true;
        return;
    }
    if (part.len)
        memcpy(k->p + k->len, part.p, part.len);
    k->len += part.len;
    if (end)
        k->p[k->len++] = '\0';
}

void key_init(struct key *k, const char *table)
{
    k->len = 0;
    k->over = false;
    key_addz(k, table);
}

void key_add(struct key *k, struct str part)
{
    if (part.len && memchr(part.p, '\0', part.len))
        k->over = true;
    add(k, part, true);
}

void key_addz(struct key *k, const char *part)
{
    add(k, str_of(part), true);
}

void key_add_open(struct key *k, struct str start)
{
    if (start.len && memchr(start.p, '\0', start.len))
        k->over = true;
    add(k, start, false);
}

void key_add_raw(struct key *k, struct str bytes)
{
    add(k, bytes, false);
}

/* Big endian sorts as a number; eight bytes always, so that NULs inside do no harm. */
void key_add_u64(struct key *k, uint64_t n)
{
    char b[8];

    for (int i = 7; i >= 0; i--) {
        b[i] = (char)(n & 0xff);
        n >>= 8;
    }
    add(k, str_n(b, sizeof b), true);
}

bool key_next(struct str *rest, struct str *ret_part)
{
    const char *end = rest->len ? memchr(rest->p, '\0', rest->len) : NULL;

    if (!end)
        return false;
    *ret_part = str_n(rest->p, (size_t)(end - rest->p));
    *rest = str_from(*rest, ret_part->len + 1);
    return true;
}

bool key_next_u64(struct str *rest, uint64_t *ret_n)
{
    uint64_t n = 0;

    if (rest->len < 9 || rest->p[8] != '\0')
        return false;
    for (int i = 0; i < 8; i++)
        n = n << 8 | (unsigned char)rest->p[i];
    *ret_n = n;
    *rest = str_from(*rest, 9);
    return true;
}

int store_key_check(struct str key, struct err *e)
{
    if (key.len == 0)
        return err_set(e, ERR_INVALID, "an empty key");
    if (key.len > STORE_KEY_MAX)
        return err_set(e, ERR_TOOBIG, "a key is longer than %d bytes or a part of it has a NUL",
                       STORE_KEY_MAX);
    return 0;
}

bool prefix_end(struct arena *a, struct str prefix, struct str *ret)
{
    size_t len = prefix.len;
    char *p;

    while (len && (unsigned char)prefix.p[len - 1] == 0xff)
        len--;
    if (len == 0)
        return false;
    p = arena_strndup(a, prefix.p, len);
    p[len - 1]++;
    *ret = str_n(p, len);
    return true;
}
