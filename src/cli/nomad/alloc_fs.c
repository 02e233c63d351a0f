/* nomad alloc fs (also: nomad fs): look into the directory of an allocation. */
#include <string.h>

#include "base/str.h"
#include "cli/nomad/alloc_files.h"
#include "cli/nomad/guess.h"

enum { HTTP_FORBIDDEN = 403 };

static struct {
    bool human, stat, tail, follow, job, verbose;
    int64_t lines, bytes;
    bool has_lines, has_bytes;
} o;

static const struct flag fs_flags[] = {
    {"H", FLAG_BOOL, &o.human, NULL, "sizes in bytes"},
    {"stat", FLAG_BOOL, &o.stat, NULL, "about the file, not what is in it"},
    {"tail", FLAG_BOOL, &o.tail, NULL, "the end of the file"},
    {"f", FLAG_BOOL, &o.follow, NULL, "and what is added to it, until interrupted"},
    {"n", FLAG_INT, &o.lines, &o.has_lines, "with -tail: this many lines"},
    {"c", FLAG_INT, &o.bytes, &o.has_bytes, "with -tail: this many bytes"},
    {"job", FLAG_BOOL, &o.job, NULL, "the argument is a job: one of its allocations"},
    {"verbose", FLAG_BOOL, &o.verbose, NULL, "whole IDs"},
};

static const char *size_text(struct cli_call *c, const struct json *file)
{
    /* Nomad's flag is the other way round: without -H sizes are for people. */
    return o.human ? text_at(c, file, "Size") : bytes_text(c, (double)number_at(file, "Size"));
}

static int print_stat(struct cli_call *c, const struct json *file)
{
    struct table t = TABLE_NOMAD(c->arena);
    const char *name = text_at(c, file, "Name");

    table_add(&t, "Mode", "Size", "Modified Time", "Content Type", "Name", NULL);
    table_add(&t, text_at(c, file, "FileMode"), size_text(c, file),
              time_text(c, time_at(file, "ModTime")), text_at(c, file, "ContentType"),
              bool_at(file, "IsDir") ? pathf(c, "%s/", name) : name, NULL);
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

static int print_dir(struct cli_call *c, const struct alloc_files *f, const char *path)
{
    struct table t = TABLE_NOMAD(c->arena);
    struct nomad_reply r;

    if (alloc_files_get(c, f, "ls", pathf(c, "path=%s", path_part(c, path)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error listing alloc dir: %s", r.error);
    table_add(&t, "Mode", "Size", "Modified Time", "Name", NULL);
    for (size_t i = 0; i < count_of(r.json); i++) {
        const struct json *file = &r.json->items[i];
        const char *name = text_at(c, file, "Name");

        table_add(&t, text_at(c, file, "FileMode"), size_text(c, file),
                  time_text(c, time_at(file, "ModTime")),
                  bool_at(file, "IsDir") ? pathf(c, "%s/", name) : name, NULL);
    }
    table_print(&t, stdout);
    return CLI_EXIT_OK;
}

static int print_file(struct cli_call *c, const struct alloc_files *f, const char *path)
{
    const char *query = pathf(c, "path=%s", path_part(c, path));
    struct tail tail = {.lines = o.has_bytes   ? 0
                                 : o.has_lines ? o.lines
                                               : TAIL_LINES,
                        .bytes = o.bytes};
    struct nomad_reply r;

    if (!o.tail && !o.follow) {
        if (!alloc_files_stream(c, f, "cat", query, NULL, &r))
            return CLI_EXIT_OK;
        if (r.status != HTTP_FORBIDDEN)
            return cli_fail(NOMAD_EXIT_FAILED, "Error reading file: %s", r.error);
        /* A secret: what the node says instead is shown as the file would be. */
        printf("%.*s", STR_ARG(r.body));
        return CLI_EXIT_OK;
    }
    query = pathf(c, "%s&follow=%s&origin=end&offset=%lld", query, o.follow ? "true" : "false",
                  (long long)tail_offset(&tail));
    if (alloc_files_stream(c, f, "stream", query, &tail, &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error tailing file: %s", r.error);
    return CLI_EXIT_OK;
}

static int run(struct cli_call *c)
{
    const char *path = c->argc > 1 ? c->argv[1] : "/";
    struct alloc_files f;
    struct nomad_reply r;
    int code = alloc_files_open(c, c->argc ? c->argv[0] : NULL, o.job, &f);

    if (code != CLI_EXIT_OK)
        return code;
    if (alloc_files_get(c, &f, "stat", pathf(c, "path=%s", path_part(c, path)), &r))
        return cli_fail(NOMAD_EXIT_FAILED, "%s", r.error);
    if (o.stat)
        return print_stat(c, r.json);
    return bool_at(r.json, "IsDir") ? print_dir(c, &f, path) : print_file(c, &f, path);
}

#define FS_ROW(var, name_, synopsis_)                                           \
    const struct cli_command var = {                                            \
        .name = (name_),                                                        \
        .usage = "nomad " name_ " [options] <allocation> <path>",               \
        .synopsis = (synopsis_),                                                \
        .about = "Lists a directory of an allocation, or prints a file of it.", \
        .flags = CLI_FLAGS(fs_flags),                                           \
        .sets = SET_CLIENT,                                                     \
        .args = {0, 2, "one or two arguments: <allocation> [<path>]"},          \
        .guess = {guess_alloc, guess_alloc_path},                               \
        .run = run,                                                             \
    }

FS_ROW(nomad_cmd_alloc_fs, "alloc fs", "Inspect the contents of an allocation directory");
FS_ROW(nomad_cmd_fs, "fs", "");
