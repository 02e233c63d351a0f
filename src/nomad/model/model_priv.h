/*
 * model_priv -- what the files of the model share: how schema tables are written, and schemas
 * of pieces that no other room names
 */
#ifndef NOMAD_MODEL_MODEL_PRIV_H
#define NOMAD_MODEL_MODEL_PRIV_H

#include "nomad/model/model.h"

#define AT(type, member) .offset = offsetof(struct type, member)

/*
 * What the tables say about defaults: `def` is what reading a job *file* fills in (a plain
 * string of the API is "" there, never null). JSON is decoded without them; job_canonicalize
 * and job_finish do the rest. A scalar that is FIELD_PTR | FIELD_NULLEMPTY stays null for ever
 * when it was not given.
 */

extern const struct schema dns_config_schema;

#endif
