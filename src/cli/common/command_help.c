#include <string.h>

#include "base/str.h"
#include "cli/common/command.h"
#include "cli/common/text.h"

enum { HELP_WIDTH = 78, NAME_WIDTH = 18 };

static void paragraph(FILE *to, const char *text, const char *indent)
{
    auto_arena struct arena *a = arena_new(0);

    fprintf(to, "%s%s\n", indent, text_wrap(a, text, HELP_WIDTH, indent));
}

static const char *kind_of(const struct flag *f)
{
    switch (f->type) {
    case FLAG_BOOL:
        return "";
    case FLAG_INT:
        return "=<number>";
    case FLAG_CALL: {
        const struct flag_call *c = f->to;

        return c->parse == cli_parse_duration ? "=<duration>" : "=<key=value>";
    }
    default:
        return "=<text>";
    }
}

static void print_flags(FILE *to, const char *title, const struct cli_flags *flags)
{
    fprintf(to, "\n%s:\n", title);
    for (size_t i = 0; i < flags->len; i++) {
        fprintf(to, "\n  -%s%s\n", flags->at[i].name, kind_of(&flags->at[i]));
        paragraph(to, flags->at[i].help, "      ");
    }
}

static void print_usage(FILE *to, const struct cli_program *p, const struct cli_command *c)
{
    if (c->usage)
        fprintf(to, "Usage: %s\n", c->usage);
    else if (c->run)
        fprintf(to, "Usage: %s %s [options]\n", p->name, c->name);
    else
        fprintf(to, "Usage: %s %s <subcommand> [options] [args]\n", p->name, c->name);
}

static void print_line(FILE *to, const char *name, const char *synopsis)
{
    fprintf(to, "    %-*s %s\n", NAME_WIDTH, name, synopsis);
}

/* Is `c` directly inside `group`? Its last word, or NULL. */
static const char *word_in(const char *group, const struct cli_command *c)
{
    size_t len = strlen(group);
    const char *word = c->name;

    if (len > 0) {
        if (strncmp(c->name, group, len) != 0 || c->name[len] != ' ')
            return NULL;
        word = c->name + len + 1;
    }
    return strchr(word, ' ') ? NULL : word;
}

static void print_members(FILE *to, const struct cli_program *p, const char *group,
                          const char *common, bool shown)
{
    for (size_t i = 0; i < p->n_commands; i++) {
        const struct cli_command *c = p->commands[i];
        const char *word = word_in(group, c);
        bool is_common = false;
        struct str rest = str_of(common), item;

        if (!word || !c->synopsis || !*c->synopsis)
            continue;
        while (str_split(&rest, ' ', &item))
            is_common |= str_eqc(item, word);
        if (is_common == shown)
            print_line(to, word, c->synopsis);
    }
}

static void print_program(FILE *to, const struct cli_program *p)
{
    fprintf(to, "Usage: %s <command> [args]\n", p->name);
    if (p->common) {
        fprintf(to, "\nCommon commands:\n");
        print_members(to, p, "", p->common, true);
    }
    fprintf(to, "\n%s:\n", p->common ? "Other commands" : "Commands");
    print_members(to, p, "", p->common, false);
    fprintf(to, "\n`%s <command> -h` explains a command.\n", p->name);
}

void cli_print_help(const struct cli_program *p, const struct cli_command *c, FILE *to)
{
    if (!c) {
        print_program(to, p);
        return;
    }
    print_usage(to, p, c);
    fputc('\n', to);
    paragraph(to, c->about ? c->about : c->synopsis, "  ");
    if (!c->run) {
        fprintf(to, "\nSubcommands:\n");
        print_members(to, p, c->name, NULL, false);
        return;
    }
    if (c->flags.len > 0)
        print_flags(to, c->flags.title ? c->flags.title : "Command Options", &c->flags);
    for (size_t s = 0; s < p->n_sets; s++)
        if (c->sets & 1u << s)
            print_flags(to, p->sets[s].title, &p->sets[s]);
}
