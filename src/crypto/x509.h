/*
 * x509 -- certificates: read, issue, check
 *
 * Enough for a cluster's own TLS: an authority that issues leaves whose names carry a role
 * (`server.global.nomad`), and the looking at of certificates that others made.
 *
 * Thread:  any; a cert is immutable and counted.
 * Errors:  ERR_INVALID (not a certificate, or a name that cannot stand in one), ERR_DENIED (not
 *          issued by that authority, not its purpose, not valid now), ERR_TOOBIG.
 * Limits:  CERT_PEM_MAX bytes of text, CERT_NAMES_MAX names in one certificate.
 */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct err;
struct pkey;
struct cert;

enum { CERT_PEM_MAX = 64 << 10, CERT_NAMES_MAX = 100, CERT_NAME_MAX = 253 };

/* The first certificate in `pem`. */
int cert_from_pem(struct str pem, struct cert **ret, struct err *e);
int cert_put_pem(const struct cert *c, struct buf *out, struct err *e);
struct cert *cert_ref(struct cert *c);
void cert_unref(struct cert *c); /* NULL is fine */
DEFINE_AUTO(struct cert *, cert_unref)
#define auto_cert AUTO(cert_unrefp)

/* All in `a`. Names with control characters or NUL in them are left out: they match nothing. */
const char *cert_common_name(const struct cert *c, struct arena *a); /* "" if none */
const char *cert_issuer_common_name(const struct cert *c, struct arena *a);
const char *cert_subject(const struct cert *c, struct arena *a); /* RFC 2253: "CN=x,O=y" */
void cert_names(const struct cert *c, struct arena *a, struct strlist *ret_dns,
                struct strlist *ret_ips);                       /* subject alternative names */
const char *cert_serial(const struct cert *c, struct arena *a); /* "1a:2b:..." */
const char *cert_serial_decimal(const struct cert *c, struct arena *a);
/* Domains that an authority's leaves must be of (name constraints); none: any. */
void cert_permitted_dns(const struct cert *c, struct arena *a, struct strlist *ret);
int64_t cert_not_before_s(const struct cert *c); /* Unix time */
int64_t cert_not_after_s(const struct cert *c);
bool cert_is_ca(const struct cert *c);
void cert_fingerprint(const struct cert *c, uint8_t ret_sha256[32]);
int cert_public_key(const struct cert *c, struct pkey **ret, struct err *e);

/* Does one of its DNS names equal `name`? ASCII case apart; "*.x" stands for one label. */
bool cert_has_dns(const struct cert *c, const char *name);

enum cert_purpose { CERT_FOR_SERVER = 1 << 0, CERT_FOR_CLIENT = 1 << 1 };

/* More of the subject than its common name; X.520's least maximum is ours for all. */
enum cert_subject_part {
    CERT_COUNTRY, /* two letters */
    CERT_PROVINCE,
    CERT_LOCALITY,
    CERT_STREET,
    CERT_POSTAL_CODE,
    CERT_ORGANIZATION,
    CERT_UNIT,
    CERT_SUBJECT_PARTS,
};
enum { CERT_SUBJECT_PART_MAX = 40 };

struct cert_spec {
    const char *common_name;
    const char *subject[CERT_SUBJECT_PARTS]; /* NULL or "": none */
    struct strlist dns, ips;
    struct strlist permitted_dns; /* of an authority: its leaves' names are in these domains */
    int64_t not_before_s, not_after_s;
    bool ca;           /* may issue leaves, nothing below them */
    unsigned purposes; /* of a leaf: CERT_FOR_* */
};

/* Certify `key` (its public half). Without `issuer` the certificate signs itself, with `key`;
 * else `issuer_key` does. The serial number is random (128 bits). */
int cert_issue(const struct cert_spec *spec, const struct pkey *key, const struct cert *issuer,
               const struct pkey *issuer_key, struct cert **ret, struct err *e);

/* Is `c` a leaf of `ca`, meant for all of `purposes` and valid at now_s? */
int cert_verify(const struct cert *c, const struct cert *ca, unsigned purposes, int64_t now_s,
                struct err *e);

#endif
