/*
 * kv -- key and value, version 1 and 2
 *
 * Version 1 keeps one record per path. Version 2 keeps a record of metadata per path and one
 * record per version, so a read copies one value and never parses it: values are stored as the
 * JSON text that is answered (members sorted).
 *
 * An upgrade from 1 to 2 moves nothing. A path that has no metadata but a record of version 1
 * is read as one with a single version, and is turned into version 2 when it is first changed.
 */
#ifndef VAULT_SECRETS_KV_H
#define VAULT_SECRETS_KV_H

#include "vault/core/engine.h"
#include "vault/core/mount.h"

enum { KV_PATH_MAX = 400, KV_TEXT_MAX = 6 << 20 };

extern const struct engine kv_engine, kv2_engine, generic_engine;

/* ---- kv1.c ------------------------------------------------------------------------------- */

struct kv1_record {
    const char *mount, *path, *value;
    int64_t ttl_s; /* of the value's "ttl" or "lease"; -1: none */
    int64_t written_ns;
};
extern const struct table kv1_table;
int kv1_get(struct req *r, struct str path, const struct kv1_record **ret, struct err *e);
int kv1_del(struct req *r, struct str path, struct err *e);
/* options.version of a mount: the tune hook of both versions. */
int kv_tune(struct req *r, const struct mount *old, struct mount *m, struct err *e);

/* ---- kv_text.c --------------------------------------------------------------------------- */

/* The text of `v` with the members of every object sorted. ERR_TOOBIG. */
int kv_print(struct buf *b, const struct json *v, struct err *e);
/* `v` must be an object (null, NULL and an empty list count as one): *ret. `prefix` is what
 * stands before the error. */
int kv_object(struct req *r, const char *field, const struct json *v, const char *prefix,
              const struct json **ret, struct err *e);
/* RFC 7396. */
struct json kv_merge(struct arena *a, const struct json *target, const struct json *patch);
int kv_check_path(struct str path, struct err *e);
/* req_decode whose errors do not begin with "Field validation failed: ". */
int kv_decode(struct req *r, const struct schema *s, void *obj, struct err *e);

#endif
