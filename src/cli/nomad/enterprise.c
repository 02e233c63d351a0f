/* Commands of the Enterprise edition: they ask, and say what the server answered. */
#include "cli/nomad/nomad_priv.h"

struct question {
    const struct cli_command *command;
    const char *path, *failed;
};

static const struct question questions[] = {
    {&nomad_cmd_quota_list, "quotas", "Error retrieving quotas"},
    {&nomad_cmd_recommendation_list, "recommendations", "Error listing recommendations"},
    {&nomad_cmd_sentinel_list, "sentinel/policies", "Error listing Sentinel policies"},
};

/* A server of that edition is shown as it answers: its commands are not those of this program.
 */
static int list_run(struct cli_call *c)
{
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        struct nomad_reply r;

        if (questions[i].command != c->command)
            continue;
        if (nomad_get(c, questions[i].path, &r))
            return cli_fail(NOMAD_EXIT_FAILED, "%s: %s", questions[i].failed, r.error);
        print_value(r.json, FORMAT_JSON, c->arena);
    }
    return CLI_EXIT_OK;
}

static int license_run(struct cli_call *c)
{
    struct nomad_reply r;

    if (nomad_get(c, "operator/license", &r))
        return cli_fail(NOMAD_EXIT_FAILED, "Error getting license: %s", r.error);
    if (!r.json) /* 204: there is none */
        return cli_fail(NOMAD_EXIT_FAILED,
                        "Error getting license: Nomad Enterprise only endpoint");
    print_value(r.json, FORMAT_JSON, c->arena);
    return CLI_EXIT_OK;
}

#define ENTERPRISE_GROUP(var, name_)                   \
    const struct cli_command var = {                   \
        .name = (name_),                               \
        .synopsis = "",                                \
        .about = "Part of Nomad Enterprise, not here", \
    }

#define ENTERPRISE_ROW(var, name_, synopsis_, run_)                       \
    const struct cli_command var = {                                      \
        .name = (name_),                                                  \
        .synopsis = (synopsis_),                                          \
        .about = "Part of Nomad Enterprise: this server has none of it.", \
        .sets = SET_CLIENT,                                               \
        .args = {0, 0, "no arguments"},                                   \
        .run = (run_),                                                    \
    }

ENTERPRISE_GROUP(nomad_cmd_license, "license");
ENTERPRISE_GROUP(nomad_cmd_quota, "quota");
ENTERPRISE_GROUP(nomad_cmd_recommendation, "recommendation");
ENTERPRISE_GROUP(nomad_cmd_sentinel, "sentinel");
ENTERPRISE_ROW(nomad_cmd_license_get, "license get", "Show the license", license_run);
ENTERPRISE_ROW(nomad_cmd_quota_list, "quota list", "List quotas", list_run);
ENTERPRISE_ROW(nomad_cmd_recommendation_list, "recommendation list", "List recommendations",
               list_run);
ENTERPRISE_ROW(nomad_cmd_sentinel_list, "sentinel list", "List policies", list_run);
