/* The token helper: a file in the home directory, readable by its owner alone. */
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/vault/vault_priv.h"

enum { TOKEN_FILE_MAX = 64 << 10 };

#define TOKEN_FILE ".vault-token"

static int open_home(struct err *e)
{
    const char *home = getenv("HOME");
    const struct passwd *pw;

    if (!home || !*home) {
        pw = getpwuid(getuid());
        home = pw ? pw->pw_dir : NULL;
    }
    if (!home)
        return err_set(e, ERR_NOTFOUND, "no home directory: HOME is not set");
    return path_open_dir(home, e);
}

int token_file_read(struct arena *a, const char **ret, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(TOKEN_FILE_MAX);
    auto_fd int home = open_home(e);
    int r;

    *ret = "";
    if (home < 0)
        return home;
    b.secret = true;
    r = path_read_file(home, TOKEN_FILE, &b, e);
    if (r == ERR_NOTFOUND) {
        err_reset(e);
        return 0;
    }
    if (r < 0)
        return r;
    *ret = arena_cstr(a, str_trim(buf_str(&b)));
    return 0;
}

int token_file_write(const char *token, struct err *e)
{
    auto_fd int home = open_home(e);

    if (home < 0)
        return home;
    return path_write_atomic(home, TOKEN_FILE, str_of(token), 0600, e);
}
