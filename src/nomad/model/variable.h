/*
 * nomad/model/variable -- a variable as it is stored: sealed, with what may be seen of it
 *
 * Limits: VARIABLE_PATH_MAX bytes of [a-zA-Z0-9-_~/]; VARIABLE_ITEMS_MAX bytes of keys and
 *         values together.
 */
#ifndef NOMAD_MODEL_VARIABLE_H
#define NOMAD_MODEL_VARIABLE_H

#include "lang/schema.h"

enum { VARIABLE_PATH_MAX = 128, VARIABLE_ITEMS_MAX = 64 << 10 };

#define LOCK_TTL_DEFAULT_NS INT64_C(15000000000)
#define LOCK_TTL_MIN_NS INT64_C(10000000000)
#define LOCK_TTL_MAX_NS (INT64_C(24) * 3600 * 1000000000)

struct variable_lock {
    const char *id;
    int64_t ttl_ns, delay_ns;
};

struct variable {
    const char *namespace, *path;
    const char *key_id; /* of the root key that sealed it */
    struct str box;     /* its items, as JSON, sealed */
    struct variable_lock *lock;
    uint64_t modify_index;            /* 0: this record's; else it was only sealed anew since */
    int64_t create_time, modify_time; /* Unix ns */
};

extern const struct schema variable_schema;

/* May anything be stored there? ERR_INVALID with the API's text. */
int variable_path_check(const char *path, struct err *e);

#endif
