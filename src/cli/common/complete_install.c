/* -autocomplete-install: a line in the start file of each shell that somebody uses here. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/common/complete.h"

#define ZSH_LOADER "autoload -U +X bashcompinit && bashcompinit"
#define ZSH_LINE "complete -o nospace -C "

struct program {
    struct arena *arena;
    const char *name; /* "vault" */
    const char *call; /* how a shell calls it: "/usr/bin/vault" */
};

struct shell {
    const char *name;
    const char *file;     /* NULL: nobody uses this shell */
    const char *lines[2]; /* to be in the file, the last one names the program */
    bool own;             /* the file holds nothing else */
};

/* ---- the program as a shell can call it -------------------------------------------------- */

/* A name without a slash: where the path of the environment has it. */
static const char *from_path(struct arena *a, const char *name)
{
    struct str rest = str_of(getenv("PATH")), dir;

    while (str_split(&rest, ':', &dir)) {
        const char *full = path_join(a, dir.len ? arena_cstr(a, dir) : ".", name);

        if (access(full, X_OK) == 0)
            return full;
    }
    return NULL;
}

static const char *absolute(struct arena *a, const char *path)
{
    char here[PATH_MAX];

    if (path_is_absolute(path))
        return path;
    return getcwd(here, sizeof here) ? path_clean(a, path_join(a, here, path)) : NULL;
}

/* Blanks and the like would need quotes inside of quotes. */
static bool is_simple(const char *path)
{
    return path[strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "/._-+@%")] == '\0';
}

/* The name it was called by, not what a link leads to: that has other commands. */
static int find_call(struct program *p)
{
    const char *self = program_invocation_name, *path;

    path = strchr(self, '/') ? self : from_path(p->arena, self);
    path = path ? absolute(p->arena, path) : NULL;
    if (!path || !is_simple(path))
        return cli_fail(CLI_EXIT_USAGE,
                        "The program's own path, %s, cannot stand in a shell's start file; "
                        "call it by its full path, one without blanks and special characters",
                        path ? path : self);
    p->call = strcmp(path_base(path), p->name) == 0
                  ? path
                  : arena_printf(p->arena, "'%s %s'", path, p->name);
    return CLI_EXIT_OK;
}

/* ---- the shells ---------------------------------------------------------------------------
 */

static bool is_login_shell(const char *name)
{
    const char *shell = getenv("SHELL");

    return shell && strcmp(path_base(shell), name) == 0;
}

/* The first of `names` that is there; the first at all if this is the user's shell. */
static const char *start_file(struct arena *a, const char *shell, const char *dir,
                              const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        const char *path = path_join(a, dir, names[i]);

        if (access(path, F_OK) == 0)
            return path;
    }
    return is_login_shell(shell) ? path_join(a, dir, names[0]) : NULL;
}

static const char *or_below(struct arena *a, const char *env, const char *home,
                            const char *below)
{
    const char *dir = getenv(env);

    return dir && path_is_absolute(dir) ? dir : path_join(a, home, below);
}

static struct shell bash_of(const struct program *p, const char *home)
{
    static const char *const names[] = {".bashrc", ".bash_profile", ".bash_login", ".profile",
                                        NULL};

    return (struct shell){
        .name = "bash",
        .file = start_file(p->arena, "bash", home, names),
        .lines = {NULL, arena_printf(p->arena, "complete -C %s %s", p->call, p->name)},
    };
}

static struct shell zsh_of(const struct program *p, const char *home)
{
    static const char *const names[] = {".zshrc", NULL};

    return (struct shell){
        .name = "zsh",
        .file = start_file(p->arena, "zsh", or_below(p->arena, "ZDOTDIR", home, ""), names),
        .lines = {ZSH_LOADER, arena_printf(p->arena, ZSH_LINE "%s %s", p->call, p->name)},
    };
}

static struct shell fish_of(const struct program *p, const char *home)
{
    const char *dir =
        path_join(p->arena, or_below(p->arena, "XDG_CONFIG_HOME", home, ".config"), "fish");
    struct str call = str_trim_chars(str_of(p->call), "'");

    return (struct shell){
        .name = "fish",
        .own = true,
        .file = access(dir, F_OK) == 0 || is_login_shell("fish")
                    ? arena_printf(p->arena, "%s/completions/%s.fish", dir, p->name)
                    : NULL,
        .lines = {arena_printf(p->arena,
                               "function __complete_%s\n"
                               "    set -lx COMP_LINE (commandline -cp)\n"
                               "    test -z (commandline -ct)\n"
                               "    and set COMP_LINE \"$COMP_LINE \"\n"
                               "    %.*s\n"
                               "end",
                               p->name, STR_ARG(call)),
                  arena_printf(p->arena, "complete -f -c %s -a \"(__complete_%s)\"", p->name,
                               p->name)},
    };
}

/* ---- the files ----------------------------------------------------------------------------
 */

static int failed(const struct shell *s, const struct err *e)
{
    return cli_fail(CLI_EXIT_USAGE, "%s: %s: %s", s->name, s->file, e->msg);
}

/* Missing is empty. */
static int read_rc(const struct shell *s, struct buf *b)
{
    struct err e = ERR_INIT;
    int r = path_read_file(AT_FDCWD, s->file, b, &e);

    return r == 0 || r == ERR_NOTFOUND ? CLI_EXIT_OK : failed(s, &e);
}

/* Is `line` one of the lines (or some of them, as they stand)? */
static bool has_line(struct str text, struct str line)
{
    for (;;) {
        ptrdiff_t at = str_find(text, line);
        size_t end;

        if (at < 0)
            return false;
        end = (size_t)at + line.len;
        if ((at == 0 || text.p[at - 1] == '\n') && (end == text.len || text.p[end] == '\n'))
            return true;
        text = str_from(text, (size_t)at + 1);
        if (text.len == 0)
            return false;
    }
}

static void add_lines(const struct shell *s, struct str old, struct buf *b)
{
    if (old.len > 0 && !str_ends(old, STR("\n")))
        buf_putc(b, '\n');
    for (size_t i = 0; i < ARRAY_LEN(s->lines); i++)
        if (s->lines[i] && !has_line(old, str_of(s->lines[i])))
            buf_printf(b, "%s\n", s->lines[i]);
}

/* At the end of the file, which is not replaced: it may be a link to one kept elsewhere. */
static int append(const struct shell *s, struct str text)
{
    auto_fd int fd = -1;
    struct err e = ERR_INIT;
    const char *slash = strrchr(s->file, '/');
    auto_free char *dir = strndup(s->file, (size_t)(slash - s->file));

    if (path_mkdirs(dir, 0755, &e) < 0)
        return failed(s, &e);
    fd = open(s->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        err_set_errno(&e, ERR_IO, "open");
    if (fd < 0 || fd_write_all(fd, text, &e) < 0)
        return failed(s, &e);
    return CLI_EXIT_OK;
}

static int install(const struct shell *s)
{
    auto_buf struct buf old = BUF_INIT(COMPLETE_RC_MAX), text = BUF_INIT(COMPLETE_RC_MAX);
    int r = read_rc(s, &old);

    if (r != CLI_EXIT_OK)
        return r;
    if (has_line(buf_str(&old), str_of(s->lines[1])))
        return cli_fail(CLI_EXIT_USAGE, "%s: already installed in %s", s->name, s->file);
    add_lines(s, buf_str(&old), &text);
    return append(s, buf_str(&text));
}

/* The text without the line; the loader goes with the last program that needs it. */
static void without_line(const struct shell *s, struct str old, struct buf *b)
{
    struct str line, rest = old;
    bool others = false;

    while (str_split(&rest, '\n', &line))
        others |= str_starts(line, STR(ZSH_LINE)) && !str_eqc(line, s->lines[1]);
    rest = old;
    while (str_split(&rest, '\n', &line)) {
        bool loader = s->lines[0] && str_eqc(line, s->lines[0]) && !others;

        if (!loader && !str_eqc(line, s->lines[1]))
            buf_printf(b, "%.*s%s", STR_ARG(line), rest.p ? "\n" : "");
    }
}

static int replace(const struct shell *s, struct str text)
{
    auto_free char *real = realpath(s->file, NULL);
    struct err e = ERR_INIT;
    struct stat st;

    if (!real || stat(real, &st) < 0) {
        err_set_errno(&e, ERR_IO, "find");
        return failed(s, &e);
    }
    if (path_write_atomic(AT_FDCWD, real, text, st.st_mode & 07777, &e) < 0)
        return failed(s, &e);
    return CLI_EXIT_OK;
}

static int uninstall(const struct shell *s)
{
    auto_buf struct buf old = BUF_INIT(COMPLETE_RC_MAX), text = BUF_INIT(COMPLETE_RC_MAX);
    int r = read_rc(s, &old);

    if (r != CLI_EXIT_OK)
        return r;
    if (!has_line(buf_str(&old), str_of(s->lines[1])))
        return cli_fail(CLI_EXIT_USAGE, "%s: not installed in %s", s->name, s->file);
    if (s->own)
        return unlink(s->file) == 0
                   ? CLI_EXIT_OK
                   : cli_fail(CLI_EXIT_USAGE, "%s: %s: %s", s->name, s->file, strerror(errno));
    without_line(s, buf_str(&old), &text);
    return replace(s, buf_str(&text));
}

/* ---- both ---------------------------------------------------------------------------------
 */

static int for_those_used(const struct program *p, const char *home,
                          int (*what)(const struct shell *s))
{
    const struct shell shells[] = {bash_of(p, home), zsh_of(p, home), fish_of(p, home)};
    int worst = CLI_EXIT_OK, used = 0;

    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        int r = shells[i].file ? what(&shells[i]) : CLI_EXIT_OK;

        used += shells[i].file != NULL;
        worst = r > worst ? r : worst;
    }
    if (used == 0)
        return cli_fail(CLI_EXIT_USAGE,
                        "No shell is used here: there is no ~/.bashrc, no ~/.zshrc and no "
                        "~/.config/fish");
    return worst;
}

static int for_shells(const char *name, int (*what)(const struct shell *s))
{
    auto_arena struct arena *a = arena_new(0);
    struct program p = {.arena = a, .name = name};
    const char *home = getenv("HOME");
    int r = find_call(&p);

    if (r != CLI_EXIT_OK)
        return r;
    if (!home || !path_is_absolute(home))
        return cli_fail(CLI_EXIT_USAGE, "HOME is not set: there are no shell's start files");
    return for_those_used(&p, home, what);
}

int cli_autocomplete_install(const char *name)
{
    return for_shells(name, install);
}

int cli_autocomplete_uninstall(const char *name)
{
    return for_shells(name, uninstall);
}
