/*
 * policy_priv -- a parsed policy, and what the files of policies share
 *
 * policy_parse.c reads a text, policy_template.c its {{identity...}} parts, acl.c compiles and
 * evaluates. All three are pure. policy_store.c keeps texts and compiled ACLs, policy_routes.c
 * and policy_password.c are the endpoints.
 */
#ifndef VAULT_CORE_POLICY_PRIV_H
#define VAULT_CORE_POLICY_PRIV_H

#include "vault/core/policy.h"

/* A parameter's name (lower case) and its values; none: any value. */
struct policy_param {
    struct str name;
    LIST(const struct json *) values;
};

struct policy_params {
    struct policy_param *at;
    size_t len;
};

struct policy_rule {
    struct str path; /* as written, but for a '/' at its start and, of a prefix, the '*' */
    bool prefix;     /* ended in '*' */
    unsigned caps;   /* CAP_DENY is alone */
    struct policy_params allowed, denied;
    struct strlist required; /* lower case */
    int64_t min_wrap_s, max_wrap_s;
};

struct policy {
    LIST(struct policy_rule) rules;
};

/* Are there as many {{ as }}, one after the other? */
bool policy_template_is_balanced(struct str path);
static inline bool policy_is_templated(struct str path)
{
    return str_has(path, STR("{{"));
}
/*
 * The path with its templates filled in. False: something is missing, or is no single literal
 * segment: it is empty or holds '/', '*', '+' or ',' (a name that a user chose must not widen
 * what the path grants).
 */
bool policy_template_fill(struct arena *a, struct str path, const struct policy_identity *id,
                          struct str *ret);

/* "N errors occurred:\n\t* ...\n\n" */
char *policy_multi_text(struct arena *a, const struct strlist *texts);

/* policy_store.c */
int policy_put(struct txn *t, const char *name, const char *text, struct err *e);

/* policy_password.c: part of sys/. */
int password_policy_list(struct call *c, struct err *e);
int password_policy_generate(struct call *c, struct err *e);
int password_policy_read(struct call *c, struct err *e);
int password_policy_write(struct call *c, struct err *e);
int password_policy_delete(struct call *c, struct err *e);

#endif
