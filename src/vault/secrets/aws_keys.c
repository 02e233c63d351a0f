/*
 * Which keys requests are signed with: those of config/root, else the environment's, else those
 * of the shared credentials file. The metadata service of a machine in AWS's cloud is not
 * asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "vault/secrets/aws_priv.h"

static const char *from_env(const char *name, const char *old_name)
{
    const char *v = getenv(name);

    if ((!v || !*v) && old_name)
        v = getenv(old_name);
    return v && *v ? v : NULL;
}

static bool is_given(const char *s)
{
    return s && *s;
}

static bool keys_from_env(struct arena *a, struct aws_keys *ret)
{
    const char *access = from_env("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY");
    const char *secret = from_env("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY");

    if (!access || !secret)
        return false;
    *ret = (struct aws_keys){arena_strdup(a, access), arena_strdup(a, secret),
                             arena_strdup(a, from_env("AWS_SESSION_TOKEN", NULL))};
    return true;
}

/* ---- the file ------------------------------------------------------------------------------
 */

/* "[name]" */
static bool section_name(struct str line, struct str *ret)
{
    if (line.len < 2 || line.p[0] != '[' || line.p[line.len - 1] != ']')
        return false;
    *ret = str_trim(str_n(line.p + 1, line.len - 2));
    return true;
}

static void take_setting(struct str line, struct arena *a, struct aws_keys *ret)
{
    const struct {
        const char *name, **to;
    } settings[] = {
        {"aws_access_key_id", &ret->access_key},
        {"aws_secret_access_key", &ret->secret_key},
        {"aws_session_token", &ret->session_token},
    };
    struct str name;

    if (str_chr(line, '=') < 0)
        return;
    str_split(&line, '=', &name);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (str_eqc(str_trim(name), settings[i].name))
            *settings[i].to = arena_cstr(a, str_trim(line));
}

bool aws_keys_from_file(struct str text, struct str profile, struct arena *a,
                        struct aws_keys *ret)
{
    struct str line, name;
    bool ours = false;

    *ret = (struct aws_keys){0};
    while (text.len && str_split(&text, '\n', &line)) {
        line = str_trim(line);
        if (line.len == 0 || line.p[0] == '#' || line.p[0] == ';')
            continue;
        if (section_name(line, &name))
            ours = str_eq(name, profile);
        else if (ours)
            take_setting(line, a, ret);
    }
    return is_given(ret->access_key) && is_given(ret->secret_key);
}

static const char *file_path(struct arena *a)
{
    const char *path = from_env("AWS_SHARED_CREDENTIALS_FILE", NULL);
    const char *home = from_env("HOME", NULL);

    if (path)
        return path;
    return home ? arena_printf(a, "%s/.aws/credentials", home) : NULL;
}

/* At most `size` bytes; more is as good as no file. */
static bool read_file(const char *path, char *to, size_t size, size_t *ret_len)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;

    while (fd >= 0 && len < size) {
        ssize_t n = read(fd, to + len, size - len);

        if (n == 0) {
            *ret_len = len;
            return true;
        }
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            len += (size_t)n;
    }
    return false;
}

static bool keys_from_shared_file(struct arena *a, struct aws_keys *ret)
{
    const char *path = file_path(a), *profile = from_env("AWS_PROFILE", NULL);
    char *text;
    size_t len;

    if (!path)
        return false;
    text = arena_alloc(a, AWS_KEYS_FILE_MAX);
    return read_file(path, text, AWS_KEYS_FILE_MAX, &len) &&
           aws_keys_from_file(str_n(text, len), str_of(profile ? profile : "default"), a, ret);
}

int aws_keys_find(const struct aws_root *root, struct arena *a, struct aws_keys *ret,
                  struct err *e)
{
    bool has_access = is_given(root->access_key), has_secret = is_given(root->secret_key);

    if (has_access && has_secret) {
        *ret = (struct aws_keys){root->access_key, root->secret_key, NULL};
        return 0;
    }
    if (has_access || has_secret)
        return err_set(e, ERR_UNAVAIL,
                       "static AWS client credentials haven't been properly configured (the "
                       "access key or secret key were provided but not both)");
    if (keys_from_env(a, ret) || keys_from_shared_file(a, ret))
        return 0;
    return err_set(e, ERR_UNAVAIL,
                   "NoCredentialProviders: no valid providers in chain. Deprecated.\n\tFor "
                   "verbose messaging see aws.Config.CredentialsChainVerboseErrors");
}
