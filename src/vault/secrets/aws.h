/*
 * aws -- credentials for AWS: IAM users and STS sessions, made on demand, gone with their lease
 */
#ifndef VAULT_SECRETS_AWS_H
#define VAULT_SECRETS_AWS_H

#include "vault/core/engine.h"

extern const struct engine aws_engine;

#endif
