/*
 * cli/common/complete -- what the TAB key of a shell offers
 *
 * The shell calls the program itself, with the line in COMP_LINE and the cursor in COMP_POINT
 * (bash's `complete -C`, which zsh knows too; fish through a function); the answer is one word
 * a line on stdout. What is offered comes from the table of commands: names, flags, and for
 * values the guesses that a command's row and the program's `flag_guesses` name.
 *
 * Nothing is ever said about what goes wrong: no answer is the answer then. After
 * COMPLETE_TIME_S the program ends without one.
 * Names that a shell would take apart (blanks, quotes, `$` and their like) are not offered.
 *
 * Thread: one.
 * Limits: COMPLETE_LINE_MAX bytes and COMPLETE_WORDS_MAX words of a line, GUESSES_MAX answers,
 * COMPLETE_RC_MAX bytes of a shell's file.
 */
#ifndef CLI_COMMON_COMPLETE_H
#define CLI_COMMON_COMPLETE_H

#include "cli/common/command.h"

enum {
    COMPLETE_TIME_S = 2,
    COMPLETE_LINE_MAX = 64 << 10,
    COMPLETE_WORDS_MAX = 512,
    COMPLETE_RC_MAX = 4 << 20,
    GUESSES_MAX = 1000,
};

/* One word to be guessed. The arguments before it are in the call, its flags are set. */
struct cli_guess {
    const char *word; /* what is there of it */
    LIST(const char *) found;
    const struct cli_program *program;
    struct arena *arena;
    bool begun, ready;
};

/* Offered if it begins with the word. */
void cli_guess_add(struct cli_guess *g, const char *text);
void cli_guess_add_words(struct cli_guess *g, const char *words); /* "table json yaml" */
/* May the server be asked? Does what the program does before a command, once. */
bool cli_guess_ready(struct cli_call *c, struct cli_guess *g);
/* A guess: files and directories. */
void cli_guess_files(struct cli_call *c, struct cli_guess *g);
/* The same, of files only those that end in one of the words: ".hcl .json". */
void cli_guess_files_named(struct cli_guess *g, const char *endings);

/* Does a shell ask? */
bool cli_completing(void);
/* Answer it; argv as the shell gave it (program, command, word, word before). */
int cli_complete(const struct cli_program *p, int argc, char **argv);
/* A program whose first word is the name of another program ("serai vault ..."): the line
 * without its own name is what the other one completes. False: the cursor is still in that
 * word, which was answered with `names`. `*ret` is the word otherwise. */
bool cli_complete_inner(const char *names, struct arena *a, const char **ret);

/* -autocomplete-install, -autocomplete-uninstall: for every shell whose start file is there.
 * Says on stderr what is not as it should be (already there; not there). Exit code. */
int cli_autocomplete_install(const char *name);
int cli_autocomplete_uninstall(const char *name);

#endif
