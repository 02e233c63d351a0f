/* What people want to see of a certificate. */
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "crypto/crypto_priv.h"
#include "crypto/x509_priv.h"

enum { SUBJECT_TEXT_MAX = 4096 };

const char *cert_subject(const struct cert *c, struct arena *a)
{
    auto_ossl_bio BIO *bio = ossl_must(BIO_new(BIO_s_mem()));
    auto_buf struct buf text = BUF_INIT(SUBJECT_TEXT_MAX);

    /* RFC 2253 escapes control characters and what is not ASCII. */
    if (X509_NAME_print_ex(bio, X509_get_subject_name(cert_x509(c)), 0, XN_FLAG_RFC2253) < 0 ||
        bio_move(bio, &text, NULL) < 0)
        return "";
    return arena_cstr(a, buf_str(&text));
}

const char *cert_serial_decimal(const struct cert *c, struct arena *a)
{
    auto_ossl_bn BIGNUM *n =
        ossl_must(ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert_x509(c)), NULL));
    char *text = ossl_must(BN_bn2dec(n)), *ret = arena_strdup(a, text);

    OPENSSL_free(text);
    return ret;
}

static const char *dns_of(const GENERAL_SUBTREE *tree, struct arena *a)
{
    struct str s;

    if (tree->base->type != GEN_DNS)
        return NULL;
    s = str_n(ASN1_STRING_get0_data(tree->base->d.dNSName),
              (size_t)ASN1_STRING_length(tree->base->d.dNSName));
    return s.len && s.len <= CERT_NAME_MAX && str_is_printable(s) ? arena_cstr(a, s) : NULL;
}

void cert_permitted_dns(const struct cert *c, struct arena *a, struct strlist *ret)
{
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(cert_x509(c), NID_name_constraints, NULL, NULL);
    int n = nc ? sk_GENERAL_SUBTREE_num(nc->permittedSubtrees) : 0;

    *ret = (struct strlist){0};
    for (int i = 0; i < n && i < CERT_NAMES_MAX; i++) {
        const char *text = dns_of(sk_GENERAL_SUBTREE_value(nc->permittedSubtrees, i), a);

        if (text)
            list_push(a, ret, text);
    }
    NAME_CONSTRAINTS_free(nc);
}
