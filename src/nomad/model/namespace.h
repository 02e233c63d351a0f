/*
 * nomad/model/namespace -- where jobs and variables live, and the pools that nodes form
 *
 * The namespace "default" and the pools "all" and "default" are always there, stored or not.
 *
 * Limits: NAMESPACE_NAME_MAX bytes of [a-zA-Z0-9-] (pools also "_"), DESCRIPTION_MAX_BYTES.
 */
#ifndef NOMAD_MODEL_NAMESPACE_H
#define NOMAD_MODEL_NAMESPACE_H

#include "lang/schema.h"

struct job;

enum { NAMESPACE_NAME_MAX = 128, DESCRIPTION_MAX_BYTES = 256 };

#define DEFAULT_NAMESPACE "default"
#define POOL_ALL "all"
#define POOL_DEFAULT "default"

struct namespace_capabilities {
    struct strlist enabled_drivers, disabled_drivers, enabled_networks, disabled_networks;
};

struct namespace_body {
    const char *name, *description, *quota;
    struct namespace_capabilities *capabilities;
    struct json *pools, *vault, *consul; /* always NULL: features of Nomad Enterprise */
    struct strmap meta;
    const char *hash;
    uint64_t create_index, modify_index;
};

extern const struct schema namespace_schema;

/* As it is where nobody has changed it. */
void namespace_default(struct namespace_body *ret);
/* ERR_INVALID with the API's text. */
int namespace_check(const struct namespace_body *n, struct err *e);
/* What of the job its namespace forbids, as the API says it; NULL: nothing. */
const char *namespace_refusal(const struct namespace_body *n, const struct job *j,
                              struct arena *a);

struct pool_scheduling {
    const char *algorithm; /* "": as the cluster */
    bool *memory_oversubscription;
};

struct node_pool {
    const char *name, *description;
    struct strmap meta;
    struct pool_scheduling *scheduling;
    const char *hash;
    uint64_t create_index, modify_index;
};

extern const struct schema node_pool_schema;

bool node_pool_is_builtin(const char *name);
void node_pool_builtin(const char *name, struct node_pool *ret);
int node_pool_check(const struct node_pool *p, struct err *e);

/* 1 to `max` letters, digits, '-' and what is in `more`. */
bool name_is_plain(const char *name, const char *more, size_t max);

#endif
