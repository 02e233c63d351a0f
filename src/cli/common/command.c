#include "cli/common/command.h"

#include <stdarg.h>
#include <string.h>

#include "base/err.h"
#include "base/secret.h"
#include "base/str.h"
#include "cli/common/complete.h"

int cli_fail(int exit_code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return exit_code;
}

bool cli_count_args(const struct cli_call *c, const struct cli_args *want)
{
    if (c->argc < want->min) {
        cli_fail(0, "Not enough arguments (expected %s, got %d)", want->expected, c->argc);
        return false;
    }
    if (want->max >= 0 && c->argc > want->max) {
        cli_fail(0, "Too many arguments (expected %s, got %d)", want->expected, c->argc);
        return false;
    }
    return true;
}

/* How many arguments spell the command's name: 2 for "kv get"; 0 if they do not. */
static int words_of(const struct cli_command *c, int argc, char **argv)
{
    struct str rest = str_of(c->name), word;
    int n = 0;

    while (str_split(&rest, ' ', &word)) {
        if (n == argc || !str_eqc(word, argv[n]))
            return 0;
        n++;
    }
    return n;
}

const struct cli_command *cli_find(const struct cli_program *p, int argc, char **argv,
                                   int *ret_words)
{
    const struct cli_command *best = NULL;

    *ret_words = 0;
    for (size_t i = 0; i < p->n_commands; i++) {
        int n = words_of(p->commands[i], argc, argv);

        if (n > *ret_words) {
            *ret_words = n;
            best = p->commands[i];
        }
    }
    return best;
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "-h") == 0 || strcmp(arg, "-help") == 0 || strcmp(arg, "--help") == 0;
}

static bool is_version(const char *arg)
{
    return strcmp(arg, "-v") == 0 || strcmp(arg, "-version") == 0 ||
           strcmp(arg, "--version") == 0;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (is_help(argv[i]))
            return true;
    return false;
}

size_t cli_flags_of(const struct cli_program *p, const struct cli_command *c, struct flag *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < c->flags.len && n < CLI_FLAGS_MAX; i++)
        ret[n++] = c->flags.at[i];
    for (size_t s = 0; s < p->n_sets; s++)
        for (size_t i = 0; c->sets & 1u << s && i < p->sets[s].len; i++)
            if (n < CLI_FLAGS_MAX)
                ret[n++] = p->sets[s].at[i];
    return n;
}

static int usage_help(const struct cli_program *p, const struct cli_command *c)
{
    if (p->usage_after_error)
        cli_print_help(p, c, stdout);
    return CLI_EXIT_USAGE;
}

static bool fits(const struct cli_call *c, const struct cli_args *want)
{
    return c->argc >= want->min && (want->max < 0 || c->argc <= want->max);
}

static int wrong_count(const struct cli_program *p, struct cli_call *call)
{
    const struct cli_command *c = call->command;

    if (p->hint_after_count)
        return cli_fail(CLI_EXIT_USAGE,
                        "This command takes %s\nFor additional help try '%s %s -help'",
                        c->args.expected, p->name, c->named ? c->named : c->name);
    cli_count_args(call, &c->args);
    return usage_help(p, c);
}

static int run(const struct cli_program *p, struct cli_call *call)
{
    struct flag flags[CLI_FLAGS_MAX];
    size_t n = cli_flags_of(p, call->command, flags);
    struct err e = ERR_INIT;
    int r;

    if (!call->command->any_flags && flags_parse(flags, n, &call->argc, &call->argv, &e) < 0) {
        cli_fail(CLI_EXIT_USAGE, "%s", e.msg);
        return usage_help(p, call->command);
    }
    if (call->command->args.expected && !fits(call, &call->command->args))
        return wrong_count(p, call);
    r = p->begin ? p->begin(call) : CLI_EXIT_OK;
    return r == CLI_EXIT_OK ? call->command->run(call) : r;
}

static int run_command(const struct cli_program *p, const struct cli_command *c, int argc,
                       char **argv)
{
    auto_arena struct arena *arena = arena_new(0);
    struct cli_call call = {.command = c, .arena = arena, .argc = argc, .argv = argv};

    arena_set_wipe(arena); /* tokens and keys pass through it */
    if (asks_for_help(argc, argv)) {
        cli_print_help(p, c, stdout);
        return CLI_EXIT_OK;
    }
    if (!c->run) {
        cli_print_help(p, c, p->usage_after_error ? stdout : stderr);
        return CLI_EXIT_USAGE;
    }
    return run(p, &call);
}

/* `vault -address=... status`: the flags belong behind the command. */
static int flags_first(const struct cli_program *p, int argc, char **argv)
{
    int skip = 0, words;
    const struct cli_command *c;

    while (skip < argc && argv[skip][0] == '-')
        skip++;
    c = cli_find(p, argc - skip, argv + skip, &words);
    if (asks_for_help(argc, argv)) {
        cli_print_help(p, c, stdout);
        return CLI_EXIT_OK;
    }
    if (!c) {
        cli_print_help(p, NULL, stderr);
        return CLI_EXIT_UNKNOWN;
    }
    fprintf(stderr, "Invalid flags before the subcommand. If these flags are for\n"
                    "the subcommand, please put them after the subcommand.\n\n");
    cli_print_help(p, c, stderr);
    return CLI_EXIT_USAGE;
}

int cli_run(const struct cli_program *p, int argc, char **argv)
{
    const struct cli_command *c;
    int words, r;

    secret_harden_process();
    if (cli_completing())
        return cli_complete(p, argc, argv);
    argc--;
    argv++;
    if (argc > 0 && is_version(argv[0])) {
        r = p->version();
    } else if (argc > 0 && strcmp(argv[0], "-autocomplete-install") == 0) {
        r = cli_autocomplete_install(p->name);
    } else if (argc > 0 && strcmp(argv[0], "-autocomplete-uninstall") == 0) {
        r = cli_autocomplete_uninstall(p->name);
    } else if (argc > 0 && argv[0][0] == '-') {
        r = flags_first(p, argc, argv);
    } else if ((c = cli_find(p, argc, argv, &words))) {
        r = run_command(p, c, argc - words, argv + words);
    } else {
        cli_print_help(p, NULL, stderr);
        r = CLI_EXIT_UNKNOWN;
    }
    if (fflush(stdout) != 0 && r == CLI_EXIT_OK)
        return cli_fail(CLI_EXIT_USAGE,
                        "Error writing the output: the device is full or closed");
    return r;
}
