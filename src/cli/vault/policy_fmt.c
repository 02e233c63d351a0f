/* vault policy fmt: a policy file, checked and laid out anew. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "cli/vault/commands.h"
#include "cli/vault/guess.h"
#include "cli/vault/hcl_layout.h"
#include "cli/vault/policy_check.h"

enum { MODE_MASK = 07777 };

static int replace(const char *file, struct str text, struct err *e)
{
    struct stat st;

    if (stat(file, &st) != 0)
        return err_set_errno(e, ERR_IO, "stat %s", file);
    return path_write_atomic(AT_FDCWD, file, text, st.st_mode & MODE_MASK, e);
}

static int run(struct cli_call *c)
{
    const char *file = c->argv[0];
    auto_buf struct buf out = BUF_INIT(POLICY_FILE_MAX * 2);
    struct err e = ERR_INIT;
    struct str text;

    if (input_file(c->arena, file, &text, &e) < 0)
        return cli_fail(CLI_EXIT_USAGE, "Error reading source file: %s", e.msg);
    if (policy_check(text, c->arena, &e) < 0)
        return cli_fail(CLI_EXIT_USAGE, "failed to parse policy: %s", e.msg);
    if (hcl_layout(text, &out, &e) < 0)
        return cli_fail(CLI_EXIT_USAGE, "Error formatting policy: %s", e.msg);
    if (replace(file, buf_str(&out), &e) < 0)
        return cli_fail(CLI_EXIT_USAGE, "Error writing formatted file: %s", e.msg);
    printf("Success! Formatted policy: %s\n", file);
    return CLI_EXIT_OK;
}

const struct cli_command cmd_policy_fmt = {
    .name = "policy fmt",
    .usage = "vault policy fmt [options] PATH",
    .synopsis = "Check a file and lay it out",
    .about =
        "Checks a policy file and writes it back in the usual layout. No server is needed.",
    .args = {1, 1, "1"},
    .guess = {cli_guess_files},
    .run = run,
};
