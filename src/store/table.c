/*
 * Tables. A record's key is the table's name and the object's key parts. An index entry's key
 * is i \0 table \0 index \0 the index parts, the record's key parts and its value the length of
 * the latter (u16, little endian), so that the record is found from it.
 */
#include "store/table.h"

#include <assert.h>

#include "base/err.h"
#include "store/store_priv.h"
#include "store/table_cache.h"

enum { PK_LEN_BYTES = 2 };

int table_open(struct store *s, const struct table *t, struct err *e)
{
    struct key k;

    return store_register_prefix(s, table_prefix(t, &k), e);
}

void store_set_codec(struct store *s, const struct store_codec *codec)
{
    atomic_store(&s->codec, codec);
}

const struct store_codec *store_get_codec(struct store *s)
{
    return atomic_load(&s->codec);
}

void store_cache_clear(struct store *s)
{
    table_cache_clear(s->cache);
}

static int key_check(const struct table *t, const struct key *k, struct err *e)
{
    int r = store_key_check(key_str(k), e);

    return r < 0 ? err_wrap(e, r, "table %s", t->name) : 0;
}

/* Objects that a txn hands out end with it. */

static void unref(void *o)
{
    object_unref(o);
}

static const struct object *lend(struct txn *x, const struct object *o)
{
    arena_on_end(x->arena, unref, (void *)o);
    return o;
}

/* Decoding. */

static int decode_sealed(struct store *s, struct str key, struct str boxed, struct buf *out,
                         struct err *e)
{
    const struct store_codec *codec = store_get_codec(s);

    if (!codec)
        return err_set(e, ERR_SEALED, "Vault is sealed");
    return codec->decode(codec->ctx, key, boxed, out, e);
}

static int decode(struct store *s, const struct table *t, const struct record *rec,
                  struct object **ret, struct err *e)
{
    auto_buf struct buf plain = {.max = STORE_VALUE_MAX, .secret = true};
    struct str text = rec->value;
    int r = 0;

    if (t->sealed) {
        r = decode_sealed(s, rec->key, rec->value, &plain, e);
        text = buf_str(&plain);
    }
    if (r == 0)
        r = object_load(t->schema, text, ret, e);
    if (r < 0)
        return err_wrap(e, r, "a record of table %s", t->name);
    if (t->sealed)
        arena_set_wipe((*ret)->arena);
    (*ret)->create_rev = rec->create_rev;
    (*ret)->mod_rev = rec->mod_rev;
    return 0;
}

/* The object of a record that was just read, lent to the caller. */
static int object_of(struct txn *x, const struct table *t, const struct record *rec,
                     const struct object **ret, struct err *e)
{
    struct store *s = x->store;
    struct object *o = NULL;
    uint64_t epoch;
    int r;

    if (rec->mod_rev == 0) { /* our own write */
        const struct op *op = overlay_find(&x->writes, rec->key);

        if (op && op->object) {
            *ret = op->object; /* the op's reference lives as long */
            return 0;
        }
    } else {
        const struct object *have = table_cache_get(s->cache, rec->key, rec->mod_rev);

        if (have) {
            *ret = lend(x, have);
            return 0;
        }
    }
    epoch = table_cache_epoch(s->cache);
    r = decode(s, t, rec, &o, e);
    if (r < 0)
        return r;
    if (rec->mod_rev != 0)
        table_cache_put(s->cache, rec->key, o, epoch);
    *ret = lend(x, o);
    return 0;
}

static int get(struct txn *x, const struct table *t, const struct key *k, bool remember,
               const struct object **ret, struct err *e)
{
    struct record rec;
    int r = key_check(t, k, e);

    if (r == 0)
        r = remember ? txn_get(x, key_str(k), &rec, e) : txn_peek(x, key_str(k), &rec, e);
    return r < 0 ? r : object_of(x, t, &rec, ret, e);
}

int table_get(struct txn *x, const struct table *t, const struct key *k,
              const struct object **ret, struct err *e)
{
    return get(x, t, k, true, ret, e);
}

int table_peek(struct txn *x, const struct table *t, const struct key *k,
               const struct object **ret, struct err *e)
{
    return get(x, t, k, false, ret, e);
}

/* Indexes. */

void table_index_key(struct key *k, const struct table *t, const char *index)
{
    key_init(k, "i");
    key_addz(k, t->name);
    key_addz(k, index);
}

/* A record's own parts: its key behind the table's name. */
static struct str own_parts(const struct table *t, struct str key)
{
    return str_from(key, strlen(t->name) + 1);
}

/* 1: *ret is the entry's key, 0: the object is not in this index. */
static int entry_key(const struct table *t, const struct table_index *ix, const void *body,
                     struct str key, struct key *ret, struct err *e)
{
    int r;

    table_index_key(ret, t, ix->name);
    if (!ix->parts(body, ret))
        return 0;
    key_add_raw(ret, own_parts(t, key));
    r = key_check(t, ret, e);
    return r < 0 ? err_wrap(e, r, "index %s", ix->name) : 1;
}

static int put_entry(struct txn *x, const struct key *entry, struct str own, struct err *e)
{
    const char len[PK_LEN_BYTES] = {(char)(own.len & 0xff), (char)(own.len >> 8)};

    return txn_put(x, key_str(entry), str_n(len, sizeof len), e);
}

/* From what the index said of `was` to what it says of `is` (either may be NULL). */
static int update_index(struct txn *x, const struct table *t, const struct table_index *ix,
                        struct str key, const void *was, const void *is, struct err *e)
{
    struct key old, new;
    int had = was ? entry_key(t, ix, was, key, &old, e) : 0;
    int has = is ? entry_key(t, ix, is, key, &new, e) : 0;
    int r = 0;

    if (had < 0 || has < 0)
        return had < 0 ? had : has;
    if (had && has && str_eq(key_str(&old), key_str(&new)))
        return 0;
    if (had)
        r = txn_del(x, key_str(&old), e);
    if (r == 0 && has)
        r = put_entry(x, &new, own_parts(t, key), e);
    return r;
}

static int update_indexes(struct txn *x, const struct table *t, const struct key *k,
                          const void *is, struct err *e)
{
    const struct object *was = NULL;
    int r;

    if (!t->indexes[0].name)
        return 0;
    r = table_get(x, t, k, &was, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    for (int i = 0; i < TABLE_INDEXES_MAX && t->indexes[i].name; i++) {
        r = update_index(x, t, &t->indexes[i], key_str(k), was ? was->body : NULL, is, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Writing. */

static int put_value(struct txn *x, const struct table *t, const struct key *k,
                     const struct object *o, struct err *e)
{
    auto_buf struct buf plain = {.max = STORE_VALUE_MAX, .secret = t->sealed};
    auto_buf struct buf boxed = {.max = STORE_VALUE_MAX};
    const struct store_codec *codec;
    int r;

    object_store(o, &plain);
    r = buf_check(&plain, "the record", e);
    if (r < 0)
        return r;
    if (!t->sealed)
        return txn_put(x, key_str(k), buf_str(&plain), e);
    codec = store_get_codec(x->store);
    if (!codec)
        return err_set(e, ERR_SEALED, "Vault is sealed");
    r = codec->encode(codec->ctx, key_str(k), buf_str(&plain), &boxed, e);
    return r < 0 ? r : txn_put(x, key_str(k), buf_str(&boxed), e);
}

int table_put(struct txn *x, const struct table *t, const struct object *o, struct err *e)
{
    struct key k;
    int r;

    assert(o->schema == t->schema);
    key_init(&k, t->name);
    t->key(o->body, &k);
    r = key_check(t, &k, e);
    if (r == 0)
        r = update_indexes(x, t, &k, o->body, e);
    if (r == 0)
        r = put_value(x, t, &k, o, e);
    if (r < 0)
        return err_wrap(e, r, "write to table %s", t->name);
    overlay_find(&x->writes, key_str(&k))->object = lend(x, object_ref(o));
    return 0;
}

int table_del(struct txn *x, const struct table *t, const struct key *k, struct err *e)
{
    int r = key_check(t, k, e);

    if (r == 0)
        r = update_indexes(x, t, k, NULL, e);
    if (r == 0)
        r = txn_del(x, key_str(k), e);
    return r < 0 ? err_wrap(e, r, "delete from table %s", t->name) : 0;
}

/* Scans. */

static int begin(struct txn *x, struct table_scan *it, const struct table *t,
                 const struct key *prefix, unsigned flags, bool by_index, struct err *e)
{
    *it = (struct table_scan){.txn = x, .table = t, .by_index = by_index, .flags = flags};
    if (prefix->over)
        return key_check(t, prefix, e);
    /* An index entry's value never changes, and is needed. */
    return scan_begin(x, &it->scan, key_str(prefix),
                      by_index ? flags & ~(unsigned)SCAN_KEYS_ONLY : flags, e);
}

int table_scan_begin(struct txn *x, struct table_scan *it, const struct table *t,
                     const struct key *prefix, unsigned scan_flags, struct err *e)
{
    return begin(x, it, t, prefix, scan_flags, false, e);
}

int table_scan_index(struct txn *x, struct table_scan *it, const struct table *t,
                     const struct key *prefix, unsigned scan_flags, struct err *e)
{
    return begin(x, it, t, prefix, scan_flags, true, e);
}

/* From an index entry to its record's key. */
static int record_key(const struct table *t, const struct record *entry, struct key *ret,
                      struct err *e)
{
    const unsigned char *p = (const unsigned char *)entry->value.p;
    size_t len = entry->value.len == PK_LEN_BYTES ? p[0] | (size_t)p[1] << 8 : SIZE_MAX;

    if (len > entry->key.len)
        return err_set(e, ERR_CORRUPT, "an index entry of table %s is damaged", t->name);
    key_init(ret, t->name);
    key_add_raw(ret, str_from(entry->key, entry->key.len - len));
    return 0;
}

static int follow(struct table_scan *it, const struct record *entry, const struct object **ret,
                  struct err *e)
{
    struct key k;
    int r = record_key(it->table, entry, &k, e);

    if (r == 0)
        r = get(it->txn, it->table, &k, !(it->flags & SCAN_PEEK), ret, e);
    if (r == ERR_NOTFOUND)
        return err_set(e, ERR_CORRUPT, "an index of table %s names a record that is not there",
                       it->table->name);
    return r;
}

int table_scan_next(struct table_scan *it, const struct object **ret, struct err *e)
{
    struct record rec;
    int r = scan_next(&it->scan, &rec, e);

    if (r <= 0)
        return r;
    it->index_key = rec.key;
    *ret = NULL;
    if (it->flags & SCAN_KEYS_ONLY)
        return 1;
    r = it->by_index ? follow(it, &rec, ret, e) : object_of(it->txn, it->table, &rec, ret, e);
    return r < 0 ? r : 1;
}

void table_scan_end(struct table_scan *it)
{
    scan_end(&it->scan);
}

uint64_t table_rev(struct txn *x, const struct table *t)
{
    struct key k;

    return txn_prefix_rev(x, table_prefix(t, &k));
}

struct str table_prefix(const struct table *t, struct key *k)
{
    key_init(k, t->name);
    return key_str(k);
}
