#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/common/input.h"
#include "cli/nomad/nomad_priv.h"
#include "cli/nomad/tls.h"

enum { KEY_MODE = 0600, CERT_MODE = 0644, NAME_MAX_LEN = 100 };

int tls_check_name(const char *what, const char *name)
{
    size_t n = strlen(name);

    if (n > 0 && n <= NAME_MAX_LEN && name[0] != '.' && name[0] != '-' &&
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n)
        return CLI_EXIT_OK;
    return cli_fail(NOMAD_EXIT_FAILED,
                    "The %s must be 1 to %d letters, digits, dashes and dots", what,
                    NAME_MAX_LEN);
}

int tls_check_days(int64_t days)
{
    if (days > 0 && days <= TLS_DAYS_MAX)
        return CLI_EXIT_OK;
    return cli_fail(NOMAD_EXIT_FAILED, "A certificate is valid for 1 to %d days", TLS_DAYS_MAX);
}

static const char *cert_file(struct cli_call *c, const char *name)
{
    return arena_printf(c->arena, "%s.pem", name);
}

static const char *key_file(struct cli_call *c, const char *name)
{
    return arena_printf(c->arena, "%s-key.pem", name);
}

int tls_files_free(struct cli_call *c, const char *name)
{
    const char *files[] = {cert_file(c, name), key_file(c, name)};
    struct stat st;

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (lstat(files[i], &st) == 0)
            return cli_fail(NOMAD_EXIT_FAILED,
                            "File '%s' already exists; it is not written over", files[i]);
    return CLI_EXIT_OK;
}

/* Whole and on the disk, or not there. */
static int write_new(const char *path, struct str text, mode_t mode, struct err *e)
{
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    int r;

    if (fd < 0)
        return err_set_errno(e, errno == EEXIST ? ERR_EXISTS : ERR_IO, "create %s", path);
    r = fd_write_all(fd, text, e);
    if (r == 0 && (fchmod(fd, mode) != 0 || fsync(fd) != 0))
        r = err_set_errno(e, ERR_IO, "write %s", path);
    if (r < 0)
        unlink(path);
    return r;
}

int tls_files_write(struct cli_call *c, const char *name, const struct cert *cert,
                    const struct pkey *key)
{
    auto_buf struct buf cert_pem = BUF_INIT(CERT_PEM_MAX),
                        key_pem = {.max = PKEY_PEM_MAX, .secret = true};
    struct err e = ERR_INIT;

    if (cert_put_pem(cert, &cert_pem, &e) < 0 || pkey_put_private_pem(key, &key_pem, &e) < 0 ||
        write_new(key_file(c, name), buf_str(&key_pem), KEY_MODE, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error saving a key: %s", e.msg);
    if (write_new(cert_file(c, name), buf_str(&cert_pem), CERT_MODE, &e) < 0) {
        unlink(key_file(c, name)); /* alone it is of no use, and in the way of the next try */
        return cli_fail(NOMAD_EXIT_FAILED, "Error saving a certificate: %s", e.msg);
    }
    return CLI_EXIT_OK;
}

int tls_read_cert(struct cli_call *c, const char *path, struct cert **ret)
{
    struct err e = ERR_INIT;
    struct str pem;

    if (input_file(c->arena, path, &pem, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading a certificate: %s", e.msg);
    if (cert_from_pem(pem, ret, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading a certificate: %s: %s", path, e.msg);
    return CLI_EXIT_OK;
}

int tls_read_key(struct cli_call *c, const char *path, struct pkey **ret)
{
    struct err e = ERR_INIT;
    struct str pem;

    if (input_file(c->arena, path, &pem, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading a key: %s", e.msg);
    if (pkey_from_pem(pem, ret, &e) < 0)
        return cli_fail(NOMAD_EXIT_FAILED, "Error reading a key: %s: %s", path, e.msg);
    return CLI_EXIT_OK;
}

/* "[a b]" */
static const char *names_text(struct cli_call *c, const struct strlist *names)
{
    auto_buf struct buf b = BUF_INIT((size_t)CERT_NAMES_MAX * (CERT_NAME_MAX + 2));

    for (size_t i = 0; i < names->len; i++)
        buf_printf(&b, "%s%s", i ? " " : "", names->at[i]);
    return arena_printf(c->arena, "[%.*s]", STR_ARG(buf_str(&b)));
}

static const char *utc_text(struct cli_call *c, int64_t unix_s)
{
    char text[64];
    time_t t = (time_t)unix_s;
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
    return arena_strdup(c->arena, text);
}

void tls_print(struct cli_call *c, const struct cert *cert, const struct tls_names *names,
               size_t n)
{
    struct table t = TABLE_NOMAD(c->arena);

    table_add(&t, "Serial Number", cert_serial_decimal(cert, c->arena), NULL);
    table_add(&t, "Issuer CN", cert_issuer_common_name(cert, c->arena), NULL);
    table_add(&t, "Common Name", cert_subject(cert, c->arena), NULL);
    table_add(&t, "Expiry Date", utc_text(c, cert_not_after_s(cert)), NULL);
    for (size_t i = 0; i < n; i++)
        table_add(&t, names[i].title, names_text(c, &names[i].list), NULL);
    table_print(&t, stdout);
}
