/*
 * wrap -- response wrapping: a reply put into a cubbyhole that only a single-use token can open
 */
#ifndef VAULT_CORE_WRAP_H
#define VAULT_CORE_WRAP_H

#include "vault/core/engine.h"

/* The header X-Vault-Wrap-TTL: seconds, 0: no wrapping. ERR_INVALID with the API's text. */
int wrap_ttl_from_header(struct req *r, int64_t *ret_s, struct err *e);
/* Store `envelope` (the finished reply) for `ttl_s`; *ret is the `wrap_info` object. */
int wrap_response(struct req *r, struct str envelope, int64_t ttl_s,
                  const char *wrapped_accessor, const struct json **ret, struct err *e);

extern const struct route wrap_routes[]; /* part of sys/: wrapping/... */
extern const size_t n_wrap_routes;

#endif
