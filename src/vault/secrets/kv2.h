/* The records of kv version 2, and what its files share. */
#ifndef VAULT_SECRETS_KV2_H
#define VAULT_SECRETS_KV2_H

#include "vault/secrets/kv.h"

enum {
    KV2_VERSIONS_DEFAULT = 10,
    KV2_VERSIONS_MAX = 4096, /* of one path, whatever max_versions says */
    KV2_INLINE_MAX = 1024,   /* bytes of a value that stands in its path's record */
    KV2_CUSTOM_KEYS_MAX = 64,
    KV2_CUSTOM_KEY_MAX = 128,
    KV2_CUSTOM_VALUE_MAX = 512,
};

struct kv2_version {
    int64_t version, created_ns, deletion_ns; /* deletion 0: none; it may be to come */
    bool destroyed;
};
typedef LIST(struct kv2_version) kv2_versions;

struct kv2_meta {
    const char *mount, *path;
    int64_t created_ns, updated_ns;
    int64_t current, oldest; /* oldest 0: nothing was pruned yet */
    int64_t max_versions, delete_after_s;
    bool cas_required, has_custom;
    struct strmap custom;
    kv2_versions versions; /* ascending */
    /* The current version's value, if it is small: then it has no record of its own, and a
     * secret is read and written as one record. NULL: it has one. */
    const char *text;
    /* Not stored: the path has a record of version 1 only. */
    const struct kv1_record *from_v1;
};

struct kv2_config {
    const char *mount;
    int64_t max_versions, delete_after_s;
    bool cas_required;
};

extern const struct table kv2_meta_table, kv2_value_table, kv2_config_table;
extern const struct schema kv2_config_schema;

/* kv2_record.c */
/* ERR_NOTFOUND. The copy may be changed and put. */
int kv2_load(struct req *r, struct str path, struct kv2_meta **ret, struct err *e);
/* The same for reading only: what it points to is shared. */
int kv2_peek(struct req *r, struct str path, const struct kv2_meta **ret, struct err *e);
/* Store it; a record of version 1 is turned into its version 1 first. */
int kv2_put(struct req *r, struct kv2_meta *m, struct err *e);
int kv2_remove(struct req *r, struct kv2_meta *m, struct err *e);
struct kv2_meta *kv2_new(struct req *r, struct str path);
int kv2_value(struct req *r, const struct kv2_meta *m, int64_t version, struct str *ret,
              struct err *e);
int kv2_del_value(struct req *r, struct kv2_meta *m, int64_t version, struct err *e);
/* Append a version with this text, and prune. */
int kv2_add(struct req *r, struct kv2_meta *m, const struct kv2_config *c, struct str text,
            struct err *e);
int kv2_config_get(struct req *r, const struct kv2_config **ret, struct err *e);

struct kv2_version *kv2_find(const struct kv2_meta *m, int64_t version); /* NULL: none */
bool kv2_is_deleted(const struct kv2_version *v, int64_t now_ns);
int64_t kv2_deletion_time(const struct kv2_meta *m, const struct kv2_config *c, int64_t now_ns);
/* {"created_time", "custom_metadata", ...}: the members, inside an open object. */
void kv2_write_version(struct json_out *w, const struct kv2_meta *m,
                       const struct kv2_version *v);
void kv2_write_custom(struct json_out *w, const struct kv2_meta *m);
void kv2_write_time(struct json_out *w, const char *name, int64_t ns); /* 0: "" */
int kv2_exists(struct req *r, bool *ret, struct err *e);
/* delete_version_after: seconds or a duration, negative ones too. */
int kv2_read_duration(const char *field, const struct json *v, const char *prefix,
                      int64_t *ret_s, struct err *e);

/* kv2.c: what is below no known part of the mount. */
bool kv2_is_bad_path(struct str path);
int kv2_invalid_path(struct call *c, struct err *e);

extern const struct route kv2_data_routes[], kv2_version_routes[], kv2_metadata_routes[],
    kv2_config_routes[];
extern const size_t n_kv2_data_routes, n_kv2_version_routes, n_kv2_metadata_routes,
    n_kv2_config_routes;

static inline struct req *kv2_req(struct call *c)
{
    return c->state;
}

#endif
