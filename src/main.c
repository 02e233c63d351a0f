/*
 * serai -- one program, three names
 *
 * Called as `vault` or `nomad` (a link is enough) it is that program: its commands, and its
 * server. As `serai` it is all: `serai vault ...`, `serai nomad ...`, and its own commands.
 */
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "base/path.h"
#include "cli/common/complete.h"
#include "cli/nomad/nomad_cli.h"
#include "cli/vault/vault_cli.h"

struct command {
    const char *name;
    int (*main)(int argc, char **argv);
};

/* `vault server -h`: a row of the command line's table like any other. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "-help") == 0 ||
            strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

static int vault_main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "server") == 0 && !asks_for_help(argc, argv))
        return vault_server_main(argc - 1, argv + 1);
    return vault_cli_main(argc, argv);
}

static int nomad_main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "agent") == 0 && !asks_for_help(argc, argv))
        return nomad_agent_main(argc - 1, argv + 1);
    if (argc > 2 && strcmp(argv[1], "config") == 0 && strcmp(argv[2], "validate") == 0 &&
        !asks_for_help(argc, argv))
        return nomad_validate_main(argc - 2, argv + 2);
    return nomad_cli_main(argc, argv);
}

static const struct command commands[] = {
    {"agent", serai_agent_main},
    {"nomad", nomad_main},
    {"routes", routes_main},
    {"vault", vault_main},
};

static int usage(FILE *to)
{
    fprintf(to,
            "usage: serai <command> [arguments]\n"
            "\n"
            "    agent        both servers in one process: `serai agent -dev` to try it\n"
            "    nomad ...    the orchestrator: agent and commands (as the program `nomad`)\n"
            "    vault ...    the secrets vault: server and commands (as the program `vault`)\n"
            "    routes       every endpoint this program serves, as JSON\n"
            "    version      print the version\n");
    return to == stdout ? 0 : 1;
}

/* The shell asks about a line that begins with `serai`: what follows is the line of one of the
 * others. */
static int complete_main(int argc, char **argv)
{
    auto_arena struct arena *a = arena_new(0);
    const char *inner;

    if (!cli_complete_inner("agent nomad routes vault version", a, &inner))
        return 0;
    if (strcmp(inner, "vault") == 0)
        return vault_cli_main(argc, argv);
    return strcmp(inner, "nomad") == 0 ? nomad_cli_main(argc, argv) : 0;
}

static int serai_main(int argc, char **argv)
{
    /* "serai vault" is how a shell calls us for lines of `vault`. */
    if (cli_completing() &&
        (argc < 2 || (strcmp(argv[1], "vault") != 0 && strcmp(argv[1], "nomad") != 0)))
        return complete_main(argc, argv);
    if (argc > 1 && strcmp(argv[1], "-autocomplete-install") == 0)
        return cli_autocomplete_install("serai");
    if (argc > 1 && strcmp(argv[1], "-autocomplete-uninstall") == 0)
        return cli_autocomplete_uninstall("serai");
    if (argc < 2)
        return usage(stderr);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].main(argc - 1, argv + 1);
    if (strstr(argv[1], "version")) {
        printf("Serai v" SERAI_VERSION "\n");
        return 0;
    }
    return usage(strstr(argv[1], "help") || strcmp(argv[1], "-h") == 0 ? stdout : stderr);
}

int main(int argc, char **argv)
{
    const char *name = argc > 0 ? path_base(argv[0]) : "serai";

    if (strcmp(name, "vault") == 0)
        return vault_main(argc, argv);
    if (strcmp(name, "nomad") == 0)
        return nomad_main(argc, argv);
    return serai_main(argc, argv);
}
