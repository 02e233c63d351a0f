#include "cli/nomad/nomad_cli.h"

#include <stdlib.h>
#include <string.h>

#include "cli/nomad/guess.h"
#include "cli/nomad/nomad_priv.h"

#define GROUP(var, name_, synopsis_) \
    const struct cli_command var = {.name = (name_), .synopsis = (synopsis_)}

GROUP(nomad_cmd_acl, "acl", "Interact with ACL policies and tokens");
GROUP(nomad_cmd_acl_policy, "acl policy", "Interact with ACL policies");
GROUP(nomad_cmd_acl_role, "acl role", "Interact with ACL roles");
GROUP(nomad_cmd_acl_token, "acl token", "Interact with ACL tokens");
GROUP(nomad_cmd_alloc, "alloc", "Interact with allocations");
GROUP(nomad_cmd_config, "config", "Interact with configurations");
GROUP(nomad_cmd_deployment, "deployment", "Interact with deployments");
GROUP(nomad_cmd_eval, "eval", "Interact with evaluations");
GROUP(nomad_cmd_job, "job", "Interact with jobs");
GROUP(nomad_cmd_job_periodic, "job periodic", "Interact with periodic jobs");
GROUP(nomad_cmd_job_tag, "job tag", "Manage job version tags");
GROUP(nomad_cmd_namespace, "namespace", "Interact with namespaces");
GROUP(nomad_cmd_node, "node", "Interact with nodes");
GROUP(nomad_cmd_node_meta, "node meta", "Interact with node metadata");
GROUP(nomad_cmd_node_pool, "node pool", "Interact with node pools");
GROUP(nomad_cmd_operator, "operator", "Provides cluster-level tools for operators");
GROUP(nomad_cmd_operator_autopilot, "operator autopilot",
      "Provides tools for modifying Autopilot configuration");
GROUP(nomad_cmd_operator_gossip, "operator gossip", "Manage the gossip layer");
GROUP(nomad_cmd_operator_gossip_keyring, "operator gossip keyring",
      "Manage gossip layer encryption keys");
GROUP(nomad_cmd_operator_raft, "operator raft", "Provides access to the Raft subsystem");
GROUP(nomad_cmd_operator_root, "operator root", "Manage the root encryption keys");
GROUP(nomad_cmd_operator_root_keyring, "operator root keyring",
      "Manages the root encryption keys");
GROUP(nomad_cmd_operator_scheduler, "operator scheduler",
      "Provides access to the scheduler configuration");
GROUP(nomad_cmd_operator_snapshot, "operator snapshot",
      "Saves and inspects snapshots of Nomad server state");
GROUP(nomad_cmd_server, "server", "Interact with servers");
GROUP(nomad_cmd_service, "service", "Interact with registered services");
GROUP(nomad_cmd_system, "system", "Interact with the system API");
GROUP(nomad_cmd_system_reconcile, "system reconcile", "Perform system reconciliation tasks");
GROUP(nomad_cmd_tls, "tls", "Generate Self Signed TLS Certificates for Nomad");
GROUP(nomad_cmd_tls_ca, "tls ca", "Helpers for managing certificate authorities");
GROUP(nomad_cmd_tls_cert, "tls cert", "Helpers for managing certificates");
GROUP(nomad_cmd_var, "var", "Interact with variables");

static const struct cli_command *const commands[] = {
#define NOMAD_COMMAND(name) &name,
#include "cli/nomad/commands.def"
#undef NOMAD_COMMAND
};

static int begin(struct cli_call *c)
{
    int r = nomad_options_finish();

    if (r == CLI_EXIT_OK && c->command->sets & SET_CLIENT)
        r = nomad_open(c);
    return r;
}

static int print_version(void)
{
    printf("Nomad v1.9.7 (serai " SERAI_VERSION ")\n");
    return CLI_EXIT_OK;
}

static int version_run(struct cli_call *c)
{
    (void)c;
    return print_version();
}

const struct cli_command nomad_cmd_version = {
    .name = "version",
    .synopsis = "Prints the Nomad version",
    .run = version_run,
};

/* Names of before there were groups: "node-status" is "node status". */
static const char *const old_names[] = {"alloc-status",      "eval-status",    "node-status",
                                        "node-drain",        "server-members", "server-join",
                                        "server-force-leave"};

/* The arguments with an old name as two words; on the heap. */
static char **spell_out(int *argc, char **argv)
{
    char **args = calloc((size_t)*argc + 2, sizeof *args);
    size_t n = 0;

    if (!args)
        abort();
    for (int i = 0; i < *argc; i++) {
        char *dash = NULL;

        for (size_t k = 0; i == 1 && k < ARRAY_LEN(old_names); k++)
            if (strcmp(argv[i], old_names[k]) == 0)
                dash = strchr(argv[i], '-');
        args[n++] = argv[i];
        if (dash) {
            *dash = '\0';
            args[n++] = dash + 1;
        }
    }
    *argc = (int)n;
    return args;
}

int nomad_cli_main(int argc, char **argv)
{
    static const struct cli_program program = {
        .name = "nomad",
        .commands = commands,
        .n_commands = ARRAY_LEN(commands),
        .sets = nomad_flag_sets,
        .n_sets = ARRAY_LEN(nomad_flag_sets),
        .common = "run stop status alloc job node agent",
        .begin = begin,
        .version = print_version,
        .flag_guesses = nomad_flag_guesses,
        .usage_after_error = true,
        .hint_after_count = true,
    };
    char **args = spell_out(&argc, argv);
    int r = cli_run(&program, argc, args);

    nomad_close();
    free(args);
    return r;
}
