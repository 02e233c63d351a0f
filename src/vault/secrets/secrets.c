#include "vault/secrets/secrets.h"

#include "vault/secrets/aws.h"
#include "vault/secrets/kv.h"

const struct engine *const secrets_engines[] = {
    &aws_engine,
    &generic_engine,
    &kv_engine,
    NULL,
};
const size_t n_secrets_engines = ARRAY_LEN(secrets_engines) - 1;
