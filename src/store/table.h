/*
 * table -- typed records with secondary indexes, and a cache of decoded ones
 *
 * A table names its schema and says how an object's key is made. Objects are immutable: to
 * change one, copy its body (schema_copy into a new object), change the copy, put it. Decoded
 * objects are cached by (key, mod_rev) and shared, so a read of an unchanged record costs a
 * lookup, not a decode.
 *
 * A field that holds "the revision of this very commit" is stored as 0 and read back as the
 * record's mod_rev by whoever owns the table (the commit's revision is not known while the
 * record is written).
 *
 * Sealed tables pass their values through the store's codec (vault's barrier: AES-GCM with the
 * record's key as associated data), so that nothing of them is readable on disk.
 */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

#include "lang/schema.h"
#include "store/store.h"

enum {
    TABLE_INDEXES_MAX = 6,
    TABLE_CACHE_BYTES = 16 << 20, /* what cached objects hold in all, per store */
};

struct table_index {
    const char *name;
    /* Append the index parts of `body` to k with key_add*; return false: not in this index. The
     * record's own key parts are appended by the table. */
    bool (*parts)(const void *body, struct key *k);
};

struct table {
    const char *name; /* first part of every key */
    const struct schema *schema;
    void (*key)(const void *body, struct key *k); /* append the key's parts */
    struct table_index indexes[TABLE_INDEXES_MAX];
    bool sealed;
};

/* Registers the table's prefix; once per store, before the first use. */
int table_open(struct store *s, const struct table *t, struct err *e);

/* Values of sealed tables. encode/decode get the record's whole key. Returns ERR_SEALED when
 * locked. */
struct store_codec {
    void *ctx;
    int (*encode)(void *ctx, struct str key, struct str plain, struct buf *out, struct err *e);
    int (*decode)(void *ctx, struct str key, struct str boxed, struct buf *out, struct err *e);
};
void store_set_codec(struct store *s, const struct store_codec *codec);
const struct store_codec *store_get_codec(struct store *s); /* NULL: none set */
/* Drop every cached object (a vault was sealed). */
void store_cache_clear(struct store *s);

/* `k` holds the whole key: key_init(&k, t->name) and its parts. *ret is a new reference,
 * released with the txn's arena, so callers need not unref; object_ref it to keep it longer.
 * ERR_NOTFOUND. */
int table_get(struct txn *x, const struct table *t, const struct key *k,
              const struct object **ret, struct err *e);
int table_peek(struct txn *x, const struct table *t, const struct key *k,
               const struct object **ret, struct err *e);
/* Insert or replace; old index entries go, new ones come. The object must not change
 * afterwards. */
int table_put(struct txn *x, const struct table *t, const struct object *o, struct err *e);
int table_del(struct txn *x, const struct table *t, const struct key *k,
              struct err *e); /* absent is fine */

/*
 * Scans. `prefix`: key_init(&k, t->name) and leading parts (or key_add_open for a part's
 * start). By index: table_index_key(&k, t, "by_job") and leading index parts. struct table_scan
 * it; table_scan_begin(x, &it, t, &prefix, flags, e); while ((r = table_scan_next(&it, &obj,
 * e)) > 0) ... table_scan_end(&it);
 */
struct table_scan {
    struct scan scan;
    struct txn *txn;
    const struct table *table;
    bool by_index;
    unsigned flags;
    struct str index_key; /* of the current record; by_index: of its index entry */
};
/* With SCAN_KEYS_ONLY *ret is NULL and index_key says what was found. */
void table_index_key(struct key *k, const struct table *t, const char *index);
int table_scan_begin(struct txn *x, struct table_scan *it, const struct table *t,
                     const struct key *prefix, unsigned scan_flags, struct err *e);
int table_scan_index(struct txn *x, struct table_scan *it, const struct table *t,
                     const struct key *prefix, unsigned scan_flags, struct err *e);
int table_scan_next(struct table_scan *it, const struct object **ret, struct err *e);
void table_scan_end(struct table_scan *it);

/* Newest revision that changed the table: a list's X-Nomad-Index. */
uint64_t table_rev(struct txn *x, const struct table *t);
/* First part of the table's keys, as bytes: what waits and watches take. */
struct str table_prefix(const struct table *t, struct key *k);

#endif
