/* What the files of the model's ACLs share. */
#ifndef NOMAD_MODEL_ACL_PRIV_H
#define NOMAD_MODEL_ACL_PRIV_H

#include "nomad/model/acl.h"
#include "nomad/model/model_priv.h"
#include "nomad/model/namespace.h"

/* Kinds of rules that have names; each has capabilities of its own. */
enum acl_kind { KIND_NAMESPACE, KIND_VARIABLE, KIND_POOL, KIND_VOLUME, ACL_KINDS };

/* A capability with number n is bit n of a set; bit 0 denies. */
#define ACL_DENY ((uint64_t)1)

extern const char *const *const acl_cap_names[ACL_KINDS];
uint64_t acl_cap_bit(enum acl_kind kind, const char *name); /* 0: no such capability */
enum acl_level acl_level_of(const char *policy);

#endif
