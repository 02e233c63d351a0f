#include "cli/common/complete.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/path.h"
#include "cli/common/complete_line.h"
#include "t.h"

enum { OUTPUT_MAX = 1 << 16, PATHS = 4 };

/* ---- a program ----------------------------------------------------------------------------
 */

static struct {
    bool force, refuse;
    const char *format, *where;
    int64_t n;
    int begun;
} got;

static const struct flag get_flags[] = {
    {"format", FLAG_STR, &got.format, NULL, "how"},
    {"force", FLAG_BOOL, &got.force, NULL, "do it"},
    {"n", FLAG_INT, &got.n, NULL, "how many"},
};
static const struct flag set_flags[] = {{"where", FLAG_STR, &got.where, NULL, "whom to ask"}};
static const struct cli_flags sets[] = {{"Other Options", set_flags, 1}};

static int begin(struct cli_call *c)
{
    (void)c;
    got.begun++;
    return got.refuse ? 2 : CLI_EXIT_OK;
}

static void guess_name(struct cli_call *c, struct cli_guess *g)
{
    if (cli_guess_ready(c, g) && cli_guess_ready(c, g))
        cli_guess_add_words(g, "app b;c böse deep/ $(x) deep/er/ deep/er/end q'");
}

static void guess_after(struct cli_call *c, struct cli_guess *g)
{
    cli_guess_add(g, arena_printf(g->arena, "after-%s-%d-%s", c->argv[0], c->argc,
                                  got.where ? got.where : ""));
}

static int never(struct cli_call *c)
{
    (void)c;
    T_TRUE(!"a command ran");
    return 0;
}

static const struct cli_command kv = {.name = "kv", .synopsis = "group"};
static const struct cli_command kv_get = {.name = "kv get",
                                          .synopsis = "get",
                                          .flags = CLI_FLAGS(get_flags),
                                          .sets = 1,
                                          .args = {1, 2, "1-2"},
                                          .guess = {guess_name, guess_after},
                                          .run = never};
static const struct cli_command kv_put = {
    .name = "kv put", .synopsis = "", .guess = {guess_name}, .run = never};
static const struct cli_command kv_meta_get = {.name = "kv meta get", .run = never};
static const struct cli_command server = {
    .name = "server", .any_flags = true, .flag_names = "dev config", .run = never};
static const struct cli_command *const commands[] = {&kv, &kv_get, &kv_put, &kv_meta_get,
                                                     &server};
static const struct cli_flag_guess flag_guesses[] = {
    {"format", "json table", .command = "kv"},
    {"format", "never"},
    {"config", "a.hcl b.hcl"},
    {"where", .guess = guess_name},
    {NULL},
};
static const struct cli_program program = {.name = "prog",
                                           .commands = commands,
                                           .n_commands = ARRAY_LEN(commands),
                                           .sets = sets,
                                           .n_sets = 1,
                                           .begin = begin,
                                           .flag_guesses = flag_guesses};

/* ---- stdout -------------------------------------------------------------------------------
 */

static char *out_file(struct arena *a)
{
    return arena_printf(a, "%s/out", t_tmpdir());
}

static int begin_capture(struct arena *a)
{
    auto_fd int fd = open(out_file(a), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int saved;

    fflush(NULL);
    saved = dup(1);
    dup2(fd, 1);
    return saved;
}

static const char *end_capture(struct arena *a, int saved)
{
    auto_buf struct buf b = BUF_INIT(OUTPUT_MAX);

    fflush(NULL);
    dup2(saved, 1);
    close(saved);
    T_TRUE(path_read_file(AT_FDCWD, out_file(a), &b, NULL) == 0);
    return arena_cstr(a, buf_str(&b));
}

/* What is offered for a line whose cursor is at '|' (or at its end), as the shell sees the word
 * if `word` is given. */
static const char *offered(struct arena *a, const char *text, const char *word)
{
    char *argv[] = {"prog", "prog", arena_strdup(a, word ? word : ""), "before", NULL};
    char *line = arena_strdup(a, text), *bar = strchr(line, '|');
    int saved = begin_capture(a), saved_err = dup(2);

    memset(&got, 0, sizeof got);
    unsetenv("COMP_POINT");
    if (bar) {
        memmove(bar, bar + 1, strlen(bar));
        setenv("COMP_POINT", arena_printf(a, "%d", (int)(bar - line)), true);
    }
    setenv("COMP_LINE", line, true);
    T_INT_EQ(cli_run(&program, word ? 4 : 1, argv), 0);
    unsetenv("COMP_LINE");
    unsetenv("COMP_POINT");
    dup2(saved_err, 2);
    close(saved_err);
    return end_capture(a, saved);
}

TEST(a_line_is_offered_what_can_follow_and_nothing_else)
{
    static const struct {
        const char *label, *line, *word, *want;
    } rows[] = {
        {"all commands", "prog ", NULL,
         "-autocomplete-install\n-autocomplete-uninstall\n-help\n-version\nkv\nserver\n"},
        {"the beginning of one", "prog s", NULL, "server\n"},
        {"the program's own name", "prog", NULL, ""},
        {"an empty line", "", NULL, ""},
        {"the cursor in the middle", "prog k| get", NULL, "kv\n"},
        {"assignments in front", "A=1 b=2 prog s", NULL, "server\n"},
        {"commands of a group", "prog kv ", NULL, "get\nmeta\nput\n"},
        {"deeper", "prog kv meta ", NULL, "get\n"},
        {"no such command", "prog zz ", NULL, ""},
        {"flags of a command", "prog kv get -", NULL, "-force\n-format\n-help\n-n\n-where\n"},
        {"with two dashes", "prog kv get --fo", NULL, "--force\n--format\n"},
        {"values of a flag", "prog kv get -format ", NULL, "json\ntable\n"},
        {"values behind '='", "prog kv get -format=j", NULL, "-format=json\n"},
        {"values behind '=' as bash sees them", "prog kv get -format=j", "j", "json\n"},
        {"no letter behind '='", "prog kv get -format=", "", "json\ntable\n"},
        {"values of a bool", "prog kv get -force=", "", "false\ntrue\n"},
        {"a bool takes no word", "prog kv get -force ap", NULL, "app\n"},
        {"a flag without a guess", "prog kv get -n ", NULL, ""},
        {"a guess for a flag", "prog kv get -where ap", NULL, "app\n"},
        {"arguments, without what a shell would take apart", "prog kv get ", NULL,
         "app\nböse\ndeep/\ndeep/er/\ndeep/er/end\n"},
        {"the second argument knows the first", "prog kv get x ", NULL, "after-x-1-\n"},
        {"it knows the flags", "prog kv get -where=here x a", NULL, "after-x-1-here\n"},
        {"flags apart from their value", "prog kv get -where here x a", NULL,
         "after-x-1-here\n"},
        {"a bad flag is passed over", "prog kv get -zz -n=q x a", NULL, "after-x-1-\n"},
        {"behind the last argument", "prog kv get x y ", NULL, ""},
        {"behind arguments there are no flags", "prog kv get x -", NULL, ""},
        {"behind two dashes there are none", "prog kv get -- -", NULL, ""},
        {"any number of arguments", "prog kv put x y z ap", NULL, "app\n"},
        {"quotes", "prog kv get 'x y' after", NULL, ""},
        {"in quotes", "prog kv get \"ap", "ap", "app\n"},
        {"flags that are only named", "prog server -", NULL, "-config\n-dev\n-help\n"},
        {"their values", "prog server -dev -config a", NULL, "a.hcl\n"},
        {"what can only be one folder is entered", "prog kv get deep/er/e", NULL,
         "deep/er/end\n"},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        T_STR_EQ(offered(a, rows[i].line, rows[i].word), rows[i].want);
    }
}

TEST(a_program_that_cannot_begin_offers_nothing_and_is_tried_once)
{
    auto_arena struct arena *a = arena_new(0);
    int saved;
    const char *out;
    char *argv[] = {"prog", NULL};

    memset(&got, 0, sizeof got);
    got.refuse = true;
    setenv("COMP_LINE", "prog kv get ", true);
    saved = begin_capture(a);
    T_INT_EQ(cli_complete(&program, 1, argv), 0);
    out = end_capture(a, saved);
    unsetenv("COMP_LINE");
    T_STR_EQ(out, "");
    T_INT_EQ(got.begun, 1);
}

TEST(a_line_is_cut_at_the_cursor_and_split_as_a_shell_does)
{
    static const struct {
        const char *label, *text, *point, *words[6];
    } rows[] = {
        {"blanks", " a  b ", NULL, {"a", "b", ""}},
        {"empty", "", NULL, {""}},
        {"quotes", "a 'b \\c' \"d \\\"e\" f\\ g", NULL, {"a", "b \\c", "d \"e", "f g"}},
        {"an open quote", "a 'b c", NULL, {"a", "b c"}},
        {"characters, not bytes", "ä öü x", "4", {"ä", "öü"}},
        {"a point behind the end", "a b", "99", {"a", "b"}},
        {"no number", "a b", "x", {"a", "b"}},
        {"a backslash at the end", "a\\", NULL, {"a\\"}},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct comp_line l;
        size_t n = 0;

        T_ROW(rows[i].label);
        T_TRUE(comp_line_split(a, comp_line_cut(str_of(rows[i].text), rows[i].point), &l));
        while (n < ARRAY_LEN(rows[i].words) && rows[i].words[n])
            n++;
        T_INT_EQ(l.words.len, n);
        for (size_t k = 0; k < n; k++)
            T_STR_EQ(l.words.at[k], rows[i].words[k]);
    }
}

TEST(a_line_without_end_is_left_alone)
{
    auto_arena struct arena *a = arena_new(0);
    char *words = arena_alloc(a, COMPLETE_WORDS_MAX * 2 + 2);
    char *text = arena_alloc(a, COMPLETE_LINE_MAX + 2);
    struct comp_line l;

    for (size_t i = 0; i < COMPLETE_WORDS_MAX; i++)
        memcpy(words + 2 * i, "a ", 2);
    words[2 * COMPLETE_WORDS_MAX] = '\0';
    T_FALSE(comp_line_split(a, str_of(words), &l)); /* one more, the empty one */
    words[2 * COMPLETE_WORDS_MAX - 1] = '\0';
    T_TRUE(comp_line_split(a, str_of(words), &l));
    memset(text, 'a', COMPLETE_LINE_MAX + 1);
    text[COMPLETE_LINE_MAX + 1] = '\0';
    T_FALSE(comp_line_split(a, str_of(text), &l));
    T_TRUE(comp_line_split(a, str_of(text + 1), &l));
}

TEST(no_more_is_offered_than_the_maximum)
{
    auto_arena struct arena *a = arena_new(0);
    struct cli_guess g = {.arena = a, .word = "x"};

    for (int i = 0; i <= GUESSES_MAX; i++)
        cli_guess_add(&g, arena_printf(a, "x%d", i));
    T_INT_EQ(g.found.len, GUESSES_MAX);
}

/* ---- files --------------------------------------------------------------------------------
 */

TEST(files_are_offered_by_their_endings_and_folders_always)
{
    auto_arena struct arena *a = arena_new(0);
    const char *dir = arena_printf(a, "%s/files", t_tmpdir());
    struct cli_guess g = {.arena = a, .word = arena_printf(a, "%s/", dir)};

    T_TRUE(path_mkdirs(arena_printf(a, "%s/sub", dir), 0700, NULL) == 0);
    for (size_t i = 0; i < PATHS; i++) {
        static const char *const names[PATHS] = {"a.hcl", "b.txt", ".hidden.hcl", "a b.hcl"};
        auto_fd int fd =
            open(arena_printf(a, "%s/%s", dir, names[i]), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        T_TRUE(fd >= 0);
    }
    cli_guess_files_named(&g, ".hcl .json");
    T_INT_EQ(g.found.len, 2);
    T_TRUE(str_ends(str_of(g.found.at[0]), STR("/a.hcl")) ||
           str_ends(str_of(g.found.at[1]), STR("/a.hcl")));
    g.found.len = 0;
    g.word = arena_printf(a, "%s/.h", dir);
    cli_guess_files_named(&g, NULL);
    T_INT_EQ(g.found.len, 1);
    g.found.len = 0;
    g.word = arena_printf(a, "%s/none/", dir);
    cli_guess_files_named(&g, NULL);
    T_INT_EQ(g.found.len, 0);
}

/* ---- installing ---------------------------------------------------------------------------
 */

static const char *text_of(struct arena *a, const char *dir, const char *name)
{
    auto_buf struct buf b = BUF_INIT(OUTPUT_MAX);

    if (path_read_file(AT_FDCWD, arena_printf(a, "%s/%s", dir, name), &b, NULL) < 0)
        return "(none)";
    return arena_cstr(a, buf_str(&b));
}

static void write_text(struct arena *a, const char *dir, const char *name, const char *text)
{
    T_TRUE(path_write_atomic(AT_FDCWD, arena_printf(a, "%s/%s", dir, name), str_of(text), 0640,
                             NULL) == 0);
}

/* A home with what every shell has. */
static const char *home_with_shells(struct arena *a, const char *name)
{
    const char *home = arena_printf(a, "%s/%s", t_tmpdir(), name);

    T_TRUE(path_mkdirs(arena_printf(a, "%s/.config/fish", home), 0700, NULL) == 0);
    write_text(a, home, "dotfile", "alias ll='ls -l'"); /* no line end */
    T_TRUE(symlink("dotfile", arena_printf(a, "%s/.bashrc", home)) == 0);
    write_text(a, home, ".zshrc", "# mine\n");
    setenv("HOME", home, true);
    unsetenv("ZDOTDIR");
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("SHELL");
    return home;
}

TEST(installing_adds_lines_once_and_uninstalling_takes_only_those_away)
{
    auto_arena struct arena *a = arena_new(0);
    const char *home = home_with_shells(a, "home");
    struct stat st;

    T_INT_EQ(cli_autocomplete_install("prog"), 0);
    T_STR_HAS(text_of(a, home, ".bashrc"), "alias ll='ls -l'\ncomplete -C '");
    T_STR_HAS(text_of(a, home, ".bashrc"), " prog' prog\n");
    T_STR_HAS(text_of(a, home, ".zshrc"),
              "# mine\nautoload -U +X bashcompinit && bashcompinit\ncomplete -o nospace -C ");
    T_STR_HAS(text_of(a, home, ".config/fish/completions/prog.fish"),
              "complete -f -c prog -a \"(__complete_prog)\"\n");

    const char *bash = text_of(a, home, ".bashrc"), *zsh = text_of(a, home, ".zshrc");

    T_INT_EQ(cli_autocomplete_install("prog"), 1); /* it says so, and changes nothing */
    T_STR_EQ(text_of(a, home, ".bashrc"), bash);
    T_STR_EQ(text_of(a, home, ".zshrc"), zsh);

    T_INT_EQ(cli_autocomplete_install("other"), 0);
    T_INT_EQ(cli_autocomplete_uninstall("prog"), 0);
    T_STR_HAS(text_of(a, home, ".zshrc"), "bashcompinit && bashcompinit\ncomplete -o nospace");
    T_INT_EQ(cli_autocomplete_uninstall("other"), 0);
    T_STR_EQ(text_of(a, home, ".bashrc"), "alias ll='ls -l'\n");
    T_STR_EQ(text_of(a, home, ".zshrc"), "# mine\n");
    T_STR_EQ(text_of(a, home, ".config/fish/completions/prog.fish"), "(none)");
    T_INT_EQ(cli_autocomplete_uninstall("prog"), 1);

    T_TRUE(lstat(arena_printf(a, "%s/.bashrc", home), &st) == 0);
    T_TRUE(S_ISLNK(st.st_mode)); /* what the link leads to was changed, not the link */
    T_TRUE(stat(arena_printf(a, "%s/.bashrc", home), &st) == 0);
    T_INT_EQ(st.st_mode & 0777, 0640);
}

TEST(without_a_shells_file_there_is_an_error_unless_it_is_the_login_shell)
{
    auto_arena struct arena *a = arena_new(0);
    const char *home = arena_printf(a, "%s/bare", t_tmpdir());

    T_TRUE(path_mkdirs(home, 0700, NULL) == 0);
    setenv("HOME", home, true);
    unsetenv("SHELL");
    T_INT_EQ(cli_autocomplete_install("prog"), 1);
    setenv("SHELL", "/bin/bash", true);
    T_INT_EQ(cli_autocomplete_install("prog"), 0);
    T_STR_HAS(text_of(a, home, ".bashrc"), "complete -C ");
    unsetenv("HOME");
    T_INT_EQ(cli_autocomplete_install("prog"), 1);
}
