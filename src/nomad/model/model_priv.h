/*
 * model_priv -- what the files of the model share: how schema tables are written, and schemas
 * of pieces that no other room names
 */
#ifndef NOMAD_MODEL_MODEL_PRIV_H
#define NOMAD_MODEL_MODEL_PRIV_H

#include <string.h>

#include "nomad/model/model.h"

#define AT(type, member) .offset = offsetof(struct type, member)

/*
 * What the tables say about defaults: `def` is what reading a job *file* fills in (a plain
 * string of the API is "" there, never null). JSON is decoded without them; job_canonicalize
 * and job_finish do the rest. A scalar that is FIELD_PTR | FIELD_NULLEMPTY stays null for ever
 * when it was not given.
 */

extern const struct schema dns_config_schema, check_restart_schema, device_request_schema,
    numa_schema;

/* "node.class", "attr.kernel.name", "meta.rack": NULL when the node has no such thing. */
const char *node_name_value(const struct node *n, struct str name);

/* Texts and optional scalars of `obj` that are NULL become those of `other` (NULL: nothing). */
void fill_from(const struct schema *s, void *obj, const void *other, struct arena *a);
/* Those still NULL become "" and zero, all the way down; `null:` ones stay. */
void fill_nulls(const struct schema *s, void *obj, struct arena *a);
/* Nothing in it says anything: every text empty, every optional scalar NULL or zero. */
bool all_zero(const struct schema *s, const void *obj);

static inline bool same(const char *a, const char *b)
{
    return strcmp(str_or_empty(a), str_or_empty(b)) == 0;
}
static inline bool empty(const char *s)
{
    return !s || !*s;
}

#endif
