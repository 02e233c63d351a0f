/*
 * tls -- what `nomad tls` keeps in files: certificates, and keys beside them
 *
 * A file that is there is never written over. Keys are for their owner (0600), certificates for
 * everybody (0644), whatever the umask.
 *
 * Errors: said on stderr; the functions return the exit code.
 * Limits: CERT_PEM_MAX, PKEY_PEM_MAX bytes of a file; TLS_DAYS_MAX days of a certificate.
 */
#ifndef CLI_NOMAD_TLS_H
#define CLI_NOMAD_TLS_H

#include "cli/common/command.h"
#include "crypto/pkey.h"
#include "crypto/x509.h"

enum { TLS_DAYS_MAX = 36500, TLS_SECONDS_A_DAY = 86400 };

/* May this be part of a file's name and of a DNS name? Else said, `what` it is. */
int tls_check_name(const char *what, const char *name);
int tls_check_days(int64_t days);
/* "name.pem" and "name-key.pem"; neither may be there. */
int tls_files_free(struct cli_call *c, const char *name);
int tls_files_write(struct cli_call *c, const char *name, const struct cert *cert,
                    const struct pkey *key);
int tls_read_cert(struct cli_call *c, const char *path, struct cert **ret);
int tls_read_key(struct cli_call *c, const char *path, struct pkey **ret);
/* Number, issuer, subject, end; then a line of `names`, under their title, for each that has
 * one. */
struct tls_names {
    const char *title;
    struct strlist list;
};
void tls_print(struct cli_call *c, const struct cert *cert, const struct tls_names *names,
               size_t n);

#endif
