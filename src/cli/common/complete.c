#include "cli/common/complete.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/common/complete_line.h"

enum { DEEPER_MAX = 8, FLAG_NAME_MAX = 128 };

/* ---- what is offered -------------------------------------------------------------------- */

/* Would a shell leave the name as it is? */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!alnum && c < 0x80 && !strchr("-_./:@%+,=", c))
            return false;
    }
    return str_is_printable(s);
}

void cli_guess_add(struct cli_guess *g, const char *text)
{
    struct str s = str_of(text);

    if (s.len > 0 && g->found.len < GUESSES_MAX && str_starts(s, str_of(g->word)) &&
        is_plain(s))
        list_push(g->arena, &g->found, arena_strdup(g->arena, text));
}

void cli_guess_add_words(struct cli_guess *g, const char *words)
{
    struct str rest = str_of(words), item;

    while (str_split(&rest, ' ', &item))
        cli_guess_add(g, arena_cstr(g->arena, item));
}

bool cli_guess_ready(struct cli_call *c, struct cli_guess *g)
{
    if (!g->begun)
        g->ready = !g->program->begin || g->program->begin(c) == CLI_EXIT_OK;
    g->begun = true;
    return g->ready;
}

static bool ends_so(const char *name, const char *endings)
{
    struct str rest = str_of(endings), item;

    while (str_split(&rest, ' ', &item))
        if (str_ends(str_of(name), item))
            return true;
    return !endings;
}

static void add_entry(struct cli_guess *g, const char *dir, const char *name,
                      const char *endings)
{
    const char *path = arena_printf(g->arena, "%s%s", dir, name);
    const char *typed = path_base(g->word);
    struct stat st;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (*name == '.' && *typed != '.') ||
        stat(path, &st) < 0)
        return;
    if (S_ISDIR(st.st_mode))
        cli_guess_add(g, arena_printf(g->arena, "%s/", path));
    else if (ends_so(name, endings))
        cli_guess_add(g, path);
}

void cli_guess_files_named(struct cli_guess *g, const char *endings)
{
    struct str word = str_of(g->word);
    const char *dir = arena_cstr(g->arena, str_upto(word, (size_t)(str_rchr(word, '/') + 1)));
    DIR *d = opendir(*dir ? dir : ".");
    const struct dirent *entry;

    if (!d)
        return;
    while ((entry = readdir(d)))
        add_entry(g, dir, entry->d_name, endings);
    closedir(d);
}

void cli_guess_files(struct cli_call *c, struct cli_guess *g)
{
    (void)c;
    cli_guess_files_named(g, NULL);
}

/* ---- the line --------------------------------------------------------------------------- */

/* What of a line is known when the cursor's word is reached. */
struct place {
    struct cli_call call;
    struct flag flags[CLI_FLAGS_MAX];
    size_t n_flags;
    const struct flag *open; /* the word is its value */
    const char *open_name;   /* of a flag that is only known by its guess */
    bool flags_ended;
};

static struct str name_of_flag(const char *word)
{
    struct str s = str_of(word + (word[1] == '-' ? 2 : 1));
    ptrdiff_t eq = str_chr(s, '=');

    return eq < 0 ? s : str_upto(s, (size_t)eq);
}

static const struct flag *flag_named(const struct place *at, struct str name)
{
    for (size_t i = 0; i < at->n_flags; i++)
        if (str_eqc(name, at->flags[i].name))
            return &at->flags[i];
    return NULL;
}

static bool is_of(const struct cli_command *c, const char *command)
{
    struct str name = str_of(c->name), group = str_of(command);

    return !command || str_eq(name, group) ||
           (str_starts(name, group) && name.p[group.len] == ' ');
}

static const struct cli_flag_guess *guess_of_flag(const struct cli_program *p,
                                                  const struct cli_command *c, struct str name)
{
    for (const struct cli_flag_guess *f = p->flag_guesses; f && f->flag; f++)
        if (str_eqc(name, f->flag) && is_of(c, f->command))
            return f;
    return NULL;
}

/* A flag before the cursor: what it sets may say whom to ask. */
static void pass_flag(const struct cli_program *p, struct place *at, char *word, char *next)
{
    struct str name = name_of_flag(word);
    const struct flag *f = flag_named(at, name);
    bool has_value = strchr(word, '=') != NULL;
    char *two[] = {word, next}, **argv = two;
    int argc = next ? 2 : 1;
    struct err e = ERR_INIT;

    at->open = NULL;
    at->open_name = NULL;
    if (!f && !has_value && at->call.command->any_flags &&
        guess_of_flag(p, at->call.command, name))
        at->open_name = arena_cstr(at->call.arena, name);
    if (!f)
        return;
    if (f->type != FLAG_BOOL && !has_value)
        at->open = f;
    if (!at->open || next)
        flags_parse(f, 1, &argc, &argv, &e);
}

static void read_line(const struct cli_program *p, struct place *at, char **words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool takes_value = at->open || at->open_name;

        if (takes_value) {
            at->open = NULL;
            at->open_name = NULL;
        } else if (!at->flags_ended && strcmp(words[i], "--") == 0) {
            at->flags_ended = true;
        } else if (!at->flags_ended && words[i][0] == '-' && words[i][1]) {
            pass_flag(p, at, words[i], i + 1 < n ? words[i + 1] : NULL);
        } else {
            at->flags_ended = !at->call.command->any_flags;
            at->call.argv[at->call.argc++] = words[i];
        }
    }
}

/* ---- guessing --------------------------------------------------------------------------- */

static void guess_value(const struct cli_program *p, struct place *at, struct cli_guess *g,
                        struct str name, const struct flag *f)
{
    const struct cli_flag_guess *known = guess_of_flag(p, at->call.command, name);

    if (known && known->words)
        cli_guess_add_words(g, known->words);
    else if (known)
        known->guess(&at->call, g);
    else if (f && f->type == FLAG_BOOL)
        cli_guess_add_words(g, "true false");
}

static void guess_flag_names(struct place *at, struct cli_guess *g)
{
    const char *dashes = strncmp(g->word, "--", 2) == 0 ? "--" : "-";
    struct str rest = str_of(at->call.command->flag_names), item;

    for (size_t i = 0; i < at->n_flags; i++)
        cli_guess_add(g, arena_printf(g->arena, "%s%s", dashes, at->flags[i].name));
    while (str_split(&rest, ' ', &item))
        if (item.len > 0)
            cli_guess_add(g, arena_printf(g->arena, "%s%.*s", dashes, STR_ARG(item)));
    cli_guess_add(g, arena_printf(g->arena, "%shelp", dashes));
}

static cli_guess_fn *guess_of_argument(const struct cli_call *call)
{
    const struct cli_command *c = call->command;
    bool any_number = !c->args.expected || c->args.max < 0;
    int i = call->argc;

    if (!any_number && i >= c->args.max)
        return NULL;
    if (any_number && i >= CLI_GUESS_ARGS)
        i = CLI_GUESS_ARGS - 1;
    while (any_number && i > 0 && !c->guess[i])
        i--;
    return i < CLI_GUESS_ARGS ? c->guess[i] : NULL;
}

/* A word that can only become one directory becomes what is in it. */
static void guess_argument(struct cli_call *c, struct cli_guess *g, cli_guess_fn *guess)
{
    guess(c, g);
    for (int i = 0; i < DEEPER_MAX && g->found.len == 1; i++) {
        struct cli_guess deeper = *g;

        deeper.word = g->found.at[0];
        if (!str_ends(str_of(deeper.word), STR("/")) || strcmp(deeper.word, g->word) == 0)
            return;
        memset(&deeper.found, 0, sizeof deeper.found);
        guess(c, &deeper);
        if (deeper.found.len == 0)
            return;
        *g = deeper;
    }
}

/* In front of what is found for `-format=js`: "-format=". */
static const char *guess_flag(const struct cli_program *p, struct place *at,
                              struct cli_guess *g)
{
    const char *word = g->word, *eq = strchr(word, '=');
    struct str name = name_of_flag(word);

    if (!eq) {
        guess_flag_names(at, g);
        return "";
    }
    g->word = eq + 1;
    guess_value(p, at, g, name, flag_named(at, name));
    return arena_strndup(g->arena, word, (size_t)(g->word - word));
}

/* Words that follow the first `n` ones in names of commands. */
static void guess_commands(const struct cli_program *p, struct cli_guess *g, char **words,
                           size_t n)
{
    for (size_t i = 0; i < p->n_commands; i++) {
        struct str rest = str_of(p->commands[i]->name), item;
        size_t k = 0;
        bool more;

        while ((more = str_split(&rest, ' ', &item)) && k < n && str_eqc(item, words[k]))
            k++;
        if (more && k == n)
            cli_guess_add(g, arena_cstr(g->arena, item));
    }
}

static const char *guess_word(const struct cli_program *p, struct place *at,
                              struct cli_guess *g)
{
    cli_guess_fn *guess;

    if (at->open) {
        guess_value(p, at, g, str_of(at->open->name), at->open);
    } else if (at->open_name) {
        guess_value(p, at, g, str_of(at->open_name), NULL);
    } else if (!at->flags_ended && g->word[0] == '-') {
        return guess_flag(p, at, g);
    } else {
        guess = guess_of_argument(&at->call);
        if (guess)
            guess_argument(&at->call, g, guess);
    }
    return "";
}

/* `words` without the program's name, the last one is the cursor's. What stands in front of all
 * that is found. */
static const char *guess_line(const struct cli_program *p, struct cli_guess *g, char **words,
                              size_t n)
{
    int spelled;
    const struct cli_command *c = cli_find(p, (int)n - 1, words, &spelled);
    struct place at = {.call = {.command = c, .arena = g->arena}};

    g->word = words[n - 1];
    if (n == 1)
        cli_guess_add_words(g, "-help -version -autocomplete-install -autocomplete-uninstall");
    guess_commands(p, g, words, n - 1);
    if (!c)
        return "";
    at.call.argv = arena_array(g->arena, char *, n);
    at.n_flags = c->any_flags ? 0 : cli_flags_of(p, c, at.flags);
    read_line(p, &at, words + spelled, n - 1 - (size_t)spelled);
    return guess_word(p, &at, g);
}

/* ---- the answer ------------------------------------------------------------------------- */

static int in_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* `replaced`: what the shell will put the answer in place of; bash breaks words at '=' and ':',
 * and so it is only the end of ours. NULL: the whole word. */
static void print_found(struct cli_guess *g, const char *front, const char *word,
                        const char *replaced)
{
    size_t cut = 0;
    const char *last = "";

    if (replaced && str_ends(str_of(word), str_of(replaced)))
        cut = strlen(word) - strlen(replaced);
    if (g->found.len > 0)
        qsort(g->found.at, g->found.len, sizeof *g->found.at, in_order);
    list_each (&g->found, it) {
        if (strcmp(*it, last) != 0)
            printf("%s\n", arena_printf(g->arena, "%s%s", front, *it) + cut);
        last = *it;
    }
}

/* Nothing was found in time; and nothing has been printed yet. */
static void too_late(int sig)
{
    (void)sig;
    _exit(CLI_EXIT_OK);
}

bool cli_completing(void)
{
    return getenv("COMP_LINE") != NULL;
}

/* Which of the shell's arguments is the word: (program, command, word, word before). */
static const char *replaced_of(int argc, char **argv)
{
    return argc >= 3 ? argv[2] : NULL;
}

int cli_complete(const struct cli_program *p, int argc, char **argv)
{
    auto_arena struct arena *a = arena_new(0);
    struct cli_guess g = {.program = p, .arena = a, .word = ""};
    struct comp_line line;
    const char *front;

    arena_set_wipe(a);
    signal(SIGALRM, too_late);
    alarm(COMPLETE_TIME_S);
    if (!freopen("/dev/null", "w", stderr) || !comp_line_of_env(a, &line))
        return CLI_EXIT_OK;
    front = guess_line(p, &g, line.words.at + 1, line.words.len - 1);
    print_found(&g, front, line.words.at[line.words.len - 1], replaced_of(argc, argv));
    alarm(0);
    return fflush(stdout) == 0 ? CLI_EXIT_OK : CLI_EXIT_USAGE;
}

/* ---- a program in a program ------------------------------------------------------------- */

bool cli_complete_inner(const char *names, struct arena *a, const char **ret)
{
    struct str text = comp_line_cut(str_of(getenv("COMP_LINE")), getenv("COMP_POINT"));
    struct cli_guess g = {.arena = a};
    struct comp_line line;

    if (!comp_line_of_env(a, &line))
        return false;
    g.word = *ret = line.words.at[1];
    if (line.words.len == 2) {
        cli_guess_add_words(&g, names);
        print_found(&g, "", g.word, NULL);
        return false;
    }
    setenv("COMP_LINE", arena_cstr(a, str_from(text, line.starts.at[1])), true);
    unsetenv("COMP_POINT");
    return true;
}
