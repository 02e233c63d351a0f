#include "cli/common/command.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "t.h"

enum { ARGS = 6, OUTPUT_MAX = 1 << 16 };

static struct {
    int64_t ttl;
    bool force;
    struct cli_pairs meta;
    int ran, argc;
    const char *first;
} got;

static const struct flag thing_flags[] = {
    {"ttl", FLAG_CALL, &CLI_DURATION(&got.ttl), NULL, "how long"},
    {"meta", FLAG_CALL, &CLI_PAIRS(&got.meta), NULL, "pairs"},
};
static const struct flag set_flags[] = {{"force", FLAG_BOOL, &got.force, NULL, "do it"}};
static const struct cli_flags sets[] = {{"Other Options", set_flags, 1}};

static int thing_run(struct cli_call *c)
{
    got.ran++;
    got.argc = c->argc;
    got.first = c->argc > 0 ? c->argv[0] : "";
    return 7;
}

static const struct cli_command group = {
    .name = "do", .synopsis = "group", .about = "A group."};
static const struct cli_command thing = {
    .name = "do thing",
    .synopsis = "does it",
    .about = "Does it.",
    .flags = CLI_FLAGS(thing_flags),
    .sets = 1,
    .args = {1, 2, "1-2"},
    .run = thing_run,
};
static const struct cli_command *const commands[] = {&group, &thing};

static int version(void)
{
    return 9;
}

static const struct cli_program program = {.name = "prog",
                                           .commands = commands,
                                           .n_commands = 2,
                                           .sets = sets,
                                           .n_sets = 1,
                                           .version = version};

/* Run with stdout and stderr in files; their text. */
static int run(struct arena *a, const char *const *args, const char **out, const char **err)
{
    char *argv[ARGS + 2] = {"prog"};
    const char *files[2] = {arena_printf(a, "%s/out", t_tmpdir()),
                            arena_printf(a, "%s/err", t_tmpdir())};
    const char **texts[2] = {out, err};
    int saved[2], argc = 1, code;

    for (; argc <= ARGS && args[argc - 1]; argc++)
        argv[argc] = arena_strdup(a, args[argc - 1]);
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        auto_fd int fd = open(files[i], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        saved[i] = dup(i + 1);
        dup2(fd, i + 1);
    }
    code = cli_run(&program, argc, argv);
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        auto_buf struct buf b = BUF_INIT(OUTPUT_MAX);

        dup2(saved[i], i + 1);
        close(saved[i]);
        T_TRUE(path_read_file(AT_FDCWD, files[i], &b, NULL) == 0);
        *texts[i] = arena_cstr(a, buf_str(&b));
    }
    return code;
}

TEST(a_command_is_found_and_run_or_the_misuse_is_told)
{
    static const struct {
        const char *label, *args[ARGS];
        int want, ran;
        const char *out, *err; /* what they begin with */
    } rows[] = {
        {"run", {"do", "thing", "-ttl=90", "x"}, 7, 1, "", ""},
        {"flag and value apart", {"do", "thing", "-ttl", "1d", "x"}, 7, 1, "", ""},
        {"a flag of a set", {"do", "thing", "-force", "x", "y"}, 7, 1, "", ""},
        {"unknown flag",
         {"do", "thing", "-zz", "x"},
         1,
         0,
         "",
         "flag provided but not defined: -zz\n"},
        {"bad duration",
         {"do", "thing", "-ttl=zz", "x"},
         1,
         0,
         "",
         "invalid value \"zz\" for flag -ttl: time: invalid duration \"zz\"\n"},
        {"bad pair",
         {"do", "thing", "-meta=zz", "x"},
         1,
         0,
         "",
         "invalid value \"zz\" for flag -meta: missing = in KV pair: \"zz\"\n"},
        {"too few", {"do", "thing"}, 1, 0, "", "Not enough arguments (expected 1-2, got 0)\n"},
        {"too many",
         {"do", "thing", "a", "b", "c"},
         1,
         0,
         "",
         "Too many arguments (expected 1-2, got 3)\n"},
        {"flags end at the first word", {"do", "thing", "a", "-force"}, 7, 1, "", ""},
        {"help of a command",
         {"do", "thing", "-h"},
         0,
         0,
         "Usage: prog do thing [options]\n",
         ""},
        {"a group alone", {"do"}, 1, 0, "", "Usage: prog do <subcommand> [options] [args]\n"},
        {"help of a group",
         {"do", "--help"},
         0,
         0,
         "Usage: prog do <subcommand> [options] [args]\n",
         ""},
        {"unknown in a group", {"do", "nope"}, 1, 0, "", "Usage: prog do <subcommand>"},
        {"unknown", {"nope"}, 127, 0, "", "Usage: prog <command> [args]\n"},
        {"none", {NULL}, 127, 0, "", "Usage: prog <command> [args]\n"},
        {"help", {"-h"}, 0, 0, "Usage: prog <command> [args]\n", ""},
        {"version", {"--version"}, 9, 0, "", ""},
        {"flags before",
         {"-force", "do", "thing", "x"},
         1,
         0,
         "",
         "Invalid flags before the subcommand."},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        const char *out, *err;

        T_ROW(rows[i].label);
        got.ran = 0;
        T_INT_EQ(run(a, rows[i].args, &out, &err), rows[i].want);
        T_INT_EQ(got.ran, rows[i].ran);
        T_TRUE(str_starts(str_of(out), str_of(rows[i].out)) && (*rows[i].out || !*out));
        T_TRUE(str_starts(str_of(err), str_of(rows[i].err)) && (*rows[i].err || !*err));
    }
}

TEST(durations_are_go_s_or_seconds_or_days)
{
    static const struct {
        const char *text;
        int64_t want_ms;
    } rows[] = {{"90", 90000},  {"72h", 259200000}, {"1h30m", 5400000}, {"2d", 172800000},
                {"500ms", 500}, {"0", 0},           {"-1", -1000}};
    static const char *const bad[] = {
        "zz", "1x", "", "d", "9999999999999999999", "99999999999999d"};
    int64_t ns = 0;
    struct err e = ERR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].text);
        T_OK(cli_parse_duration(&ns, rows[i].text, &e), &e);
        T_INT_EQ(ns, rows[i].want_ms * 1000000);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        T_ROW(bad[i]);
        T_INT_EQ(cli_parse_duration(&ns, bad[i], &e), ERR_INVALID);
    }
}
