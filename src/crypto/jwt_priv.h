/*
 * jwt_priv -- the reading of a token's header
 */
#ifndef CRYPTO_JWT_PRIV_H
#define CRYPTO_JWT_PRIV_H

#include "crypto/jwt.h"

struct err;

/* `text` is the decoded header, a JSON object. ERR_INVALID if it is not one, if a member that
 * matters stands there twice or is no string, or if there is a "crit". */
int jwt_header_parse(struct str text, struct arena *a, struct jwt_header *ret, struct err *e);

#endif
