/* nomad fmt: HCL files in the usual layout. No agent is needed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "cli/common/input.h"
#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"
#include "lang/hcl_format.h"

enum {
    FMT_TEXT_MAX = 4 * HCL_TEXT_MAX, /* of one file, its blanks included */
    FMT_DEPTH_MAX = 64,              /* folders within each other */
    FMT_ENTRIES_MAX = 100000,        /* in one folder */
    MODE_MASK = 07777,
};

static struct {
    bool check, list, write, recursive;
} o = {.list = true, .write = true};

static const struct flag fmt_flags[] = {
    {"check", FLAG_BOOL, &o.check, NULL, "write nothing; exit with 1 if a file would change"},
    {"list", FLAG_BOOL, &o.list, NULL, "name the files that change (true if not said)"},
    {"recursive", FLAG_BOOL, &o.recursive, NULL, "also folders within folders"},
    {"write", FLAG_BOOL, &o.write, NULL, "write the files back (true if not said)"},
};

/* What came of all files: exit code and, for -check, whether one is not as it should be. */
struct formatting {
    struct cli_call *c;
    int code;
    bool changed;
};

static void failed(struct formatting *f, const char *path, const char *why)
{
    f->code = cli_fail(NOMAD_EXIT_FAILED, "Error formatting %s: %s", path, why);
}

/* False: said. */
static bool format(struct formatting *f, const char *path, struct str text, struct buf *out)
{
    struct hcl_diags d = {.arena = f->c->arena};

    if (hcl_format(text, path, &d, out) == 0)
        return true;
    failed(f, path, hcl_diags_text(f->c->arena, &d));
    return false;
}

/* The file itself is replaced, not a link to it. */
static int write_back(const char *path, struct str text, struct err *e)
{
    auto_free char *real = realpath(path, NULL);
    struct stat st;

    if (!real || stat(real, &st) != 0)
        return err_set_errno(e, ERR_IO, "stat %s", path);
    return path_write_atomic(AT_FDCWD, real, text, st.st_mode & MODE_MASK, e);
}

static void do_file(struct formatting *f, const char *path)
{
    auto_buf struct buf out = BUF_INIT(FMT_TEXT_MAX);
    struct err e = ERR_INIT;
    struct str text;
    bool changed;

    if (input_file(f->c->arena, path, &text, &e) < 0) {
        failed(f, path, e.msg);
        return;
    }
    if (!format(f, path, text, &out))
        return;
    changed = !str_eq(text, buf_str(&out));
    f->changed = f->changed || changed;
    if (changed && o.list)
        printf("%s\n", path);
    if (changed && o.write && !o.check && write_back(path, buf_str(&out), &e) < 0)
        failed(f, path, e.msg);
    if (!o.list && !o.write && !o.check)
        printf("%.*s", STR_ARG(buf_str(&out)));
}

static void do_stdin(struct formatting *f)
{
    auto_buf struct buf out = BUF_INIT(FMT_TEXT_MAX);
    struct err e = ERR_INIT;
    struct str text;

    if (input_stdin(f->c->arena, &text, &e) < 0) {
        failed(f, "<stdin>", e.msg);
        return;
    }
    if (!format(f, "<stdin>", text, &out))
        return;
    f->changed = !str_eq(text, buf_str(&out));
    if (!o.check)
        printf("%.*s", STR_ARG(buf_str(&out)));
}

static bool is_ours(const char *name)
{
    struct str s = str_of(name);

    return str_ends(s, STR(".nomad")) || str_ends(s, STR(".hcl"));
}

/* What is in a folder and not hidden, by name. False: said. */
static bool read_names(struct formatting *f, const char *path, struct strlist *ret)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    if (!dir) {
        failed(f, path, strerror(errno));
        return false;
    }
    while ((entry = readdir(dir)) && ret->len < FMT_ENTRIES_MAX)
        if (entry->d_name[0] != '.')
            list_push(f->c->arena, ret, arena_strdup(f->c->arena, entry->d_name));
    closedir(dir);
    if (entry) {
        failed(f, path, "too many files in one folder");
        return false;
    }
    strlist_sort_unique(ret);
    return true;
}

static void do_folder(struct formatting *f, const char *path, int depth)
{
    struct strlist names = {0};

    if (depth > FMT_DEPTH_MAX) {
        failed(f, path, "folders are nested too deeply");
        return;
    }
    if (!read_names(f, path, &names))
        return;
    for (size_t i = 0; i < names.len; i++) {
        const char *name = names.at[i],
                   *inner = strcmp(path, ".") ? path_join(f->c->arena, path, name) : name;
        struct stat st;

        if (lstat(inner, &st) != 0)
            continue; /* it has just gone */
        if (S_ISDIR(st.st_mode) && o.recursive)
            do_folder(f, inner, depth + 1);
        else if (!S_ISDIR(st.st_mode) && is_ours(name))
            do_file(f, inner);
    }
}

static void do_path(struct formatting *f, const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        f->code = cli_fail(NOMAD_EXIT_FAILED, "No file or directory at %s", path);
    else if (S_ISDIR(st.st_mode))
        do_folder(f, path, 0);
    else if (is_ours(path))
        do_file(f, path);
    else
        f->code = cli_fail(NOMAD_EXIT_FAILED,
                           "Only .nomad and .hcl files can be processed using nomad fmt");
}

static int fmt_run(struct cli_call *c)
{
    struct formatting f = {.c = c};

    if (c->argc == 1 && strcmp(c->argv[0], "-") == 0)
        do_stdin(&f);
    else if (c->argc == 0)
        do_folder(&f, ".", 0);
    else
        for (int i = 0; i < c->argc; i++)
            do_path(&f, c->argv[i]);
    if (f.code == CLI_EXIT_OK && o.check && f.changed)
        return NOMAD_EXIT_FAILED;
    return f.code;
}

const struct cli_command nomad_cmd_fmt = {
    .name = "fmt",
    .usage = "nomad fmt [flags] paths ...",
    .synopsis = "Rewrites Nomad config and job files to canonical format",
    .about =
        "Lays out job files and agent configurations (.nomad, .hcl): indentation, one blank "
        "between words, columns of '=' and of comments. A folder stands for the files in it, "
        "no "
        "argument for this folder, '-' for standard input, whose text goes to standard output.",
    .flags = CLI_FLAGS(fmt_flags),
    .args = {0, -1, NULL},
    .guess = {cli_guess_files},
    .run = fmt_run,
};
