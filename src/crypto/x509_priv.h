/*
 * x509_priv -- what reading and issuing share
 */
#ifndef CRYPTO_X509_PRIV_H
#define CRYPTO_X509_PRIV_H

#include <openssl/x509.h>

#include "crypto/x509.h"

struct cert *cert_wrap(X509 *taken);
X509 *cert_x509(const struct cert *c);

#endif
