/* What the files of the server's ACLs share. */
#ifndef NOMAD_SERVER_ACL_PRIV_H
#define NOMAD_SERVER_ACL_PRIV_H

#include <stdlib.h>

#include "base/secret.h"
#include "nomad/server/data_api.h"

struct acl_set;

/* struct nomad_server's `acl`. */
struct acl_state {
    struct lock lock; /* all of it */
    VEC(struct acl_set *) sets;
    uint64_t key_rev; /* of the row that `hash` and `seal` come from, 0: none opened */
    struct secret hash, seal;
};

void acl_sets_done(struct acl_state *st);

/* "N errors occurred:" below "KIND 0 invalid: ", as 400. */
int acl_reply_problems(struct call *c, const char *kind, const struct strlist *problems);
/* A reply of 400 whose text may be long. */
int acl_reply_400(struct call *c, const char *text);
/* One token, whole: with its secret. */
int acl_reply_token(struct call *c, struct json_out *w, const struct object *o, struct err *e);
/* A new one: accessor, secret (NULL: by chance) and what follows from them; replies. */
int acl_token_make(struct call *c, struct acl_token *tok, const char *secret, struct err *e);

extern const struct route acl_bootstrap_routes[], acl_policy_routes[], acl_role_routes[],
    acl_token_routes[];
extern const size_t n_acl_bootstrap_routes, n_acl_policy_routes, n_acl_role_routes,
    n_acl_token_routes;

#endif
