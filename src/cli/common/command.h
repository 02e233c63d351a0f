/*
 * cli/common/command -- a program of many commands, as both command lines are
 *
 * A program is a table of commands; a command is a name ("kv get"), its flags, and a function.
 * A row without a function is a group ("kv") and only has help. The longest name that fits the
 * arguments wins; then flags are read, arguments counted, and the function run. What it returns
 * is the exit code.
 *
 * Flags write into variables of the command's file: one process runs one command.
 *
 * Exit codes: 127 no such command, 1 wrong flags or number of arguments (both on stderr), 0
 * help that was asked for (stdout).
 * Thread: one.
 */
#ifndef CLI_COMMON_COMMAND_H
#define CLI_COMMON_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/flags.h"

struct cli_command;
struct cli_guess;

enum { CLI_EXIT_OK = 0, CLI_EXIT_USAGE = 1, CLI_EXIT_FAILED = 2, CLI_EXIT_UNKNOWN = 127 };

struct cli_call {
    const struct cli_command *command;
    struct arena *arena; /* of the whole run; wiped at the end */
    int argc;
    char **argv; /* what the flags left */
};

struct cli_flags {
    const char *title; /* over them in the help: "Output Options" */
    const struct flag *at;
    size_t len;
};

#define CLI_FLAGS(array)                       \
    {                                          \
        .at = (array), .len = ARRAY_LEN(array) \
    }

struct cli_args {
    int min, max;         /* max -1: any number; {0} with `expected` NULL: not counted */
    const char *expected; /* as the error says it: "1", "0-1" */
};

/* Offers words for an argument or a flag's value (see complete.h). */
typedef void cli_guess_fn(struct cli_call *c, struct cli_guess *g);

enum { CLI_GUESS_ARGS = 3 };

struct cli_command {
    const char *name;     /* "token create" */
    const char *named;    /* in "For additional help try ..."; NULL: by its name */
    const char *usage;    /* "vault token create [options]"; NULL: the program and the name */
    const char *synopsis; /* one line of the group's list, "" hides it */
    const char *about;    /* paragraphs of the help */
    struct cli_flags flags;
    unsigned sets; /* bit i: the program's sets[i] too */
    struct cli_args args;
    bool any_flags;         /* flags are not read: they are in argv */
    const char *flag_names; /* with any_flags, for the shell: "config dev" */
    /* For the shell: the first argument, the second, ...; where there may be any number, the
     * last one serves those behind it, too. */
    cli_guess_fn *guess[CLI_GUESS_ARGS];
    int (*run)(struct cli_call *c); /* NULL: a group */
};

/* Values of a flag, for the shell: `words`, or what `guess` finds. */
struct cli_flag_guess {
    const char *flag;
    const char *words;
    cli_guess_fn *guess;
    const char *command; /* only of this one and those in it ("audit"); NULL: of all */
};

struct cli_program {
    const char *name; /* "vault" */
    const struct cli_command *const
        *commands; /* sorted by name; groups before what is in them */
    size_t n_commands;
    const struct cli_flags *sets;
    size_t n_sets;
    const char *common; /* names the help shows first: "read write delete" */
    /* When flags are read, before the command: CLI_EXIT_OK or the exit code to end with. */
    int (*begin)(struct cli_call *c);
    int (*version)(void); /* "-v", "--version", "version" */
    /* Show the help (on stdout) after a usage error? (Nomad does, Vault does not.) */
    bool usage_after_error;
    /* Say "This command takes <expected>" and where help is, instead of counting aloud? */
    bool hint_after_count;
    const struct cli_flag_guess
        *flag_guesses; /* ends with {NULL}; the first that fits serves */
};

int cli_run(const struct cli_program *p, int argc, char **argv);

/* The command that the arguments begin with, the longest name wins; NULL: none. *ret_words: how
 * many arguments spell it. */
const struct cli_command *cli_find(const struct cli_program *p, int argc, char **argv,
                                   int *ret_words);
enum { CLI_FLAGS_MAX = 128 };
/* All flags of a command, those of its sets too; at most CLI_FLAGS_MAX. */
size_t cli_flags_of(const struct cli_program *p, const struct cli_command *c, struct flag *ret);

/* "Not enough arguments (expected 1, got 0)" and its like on stderr, for commands that count
 * their own; false when it did. */
bool cli_count_args(const struct cli_call *c, const struct cli_args *want);

/* A line on stderr; returns `exit_code`, so that `return cli_fail(2, ...)` reads well. */
int cli_fail(int exit_code, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The help of one command, or of the program when `c` is NULL. */
void cli_print_help(const struct cli_program *p, const struct cli_command *c, FILE *to);

/*
 * Types of flags beside those of base/flags.h: `to` is &CLI_DURATION(&ns).
 */
int cli_parse_duration(void *arg, const char *value, struct err *e); /* int64_t ns */
int cli_parse_pair(void *arg, const char *value, struct err *e);     /* struct cli_pairs */
/* "90s", "1h30m", "10" (seconds), "2d". */
#define CLI_DURATION(to_ns) ((struct flag_call){cli_parse_duration, (to_ns)})
/* "key=value", again and again. */
#define CLI_PAIRS(to_pairs) ((struct flag_call){cli_parse_pair, (to_pairs)})

enum { CLI_PAIRS_MAX = 1000 };

struct cli_pairs {
    struct strpair *at; /* heap, for the life of the process */
    size_t len;
};

#endif
