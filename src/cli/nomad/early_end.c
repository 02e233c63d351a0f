/*
 * A service task that ends well before its deployment is healthy.
 *
 * It will be restarted, and end again: to wait for the deployment is to wait for its deadline.
 */
#include <string.h>

#include "cli/nomad/nomad_priv.h"

/* The newest event of this kind, or NULL. */
static const struct json *last_event(struct cli_call *c, const struct json *state,
                                     const char *type)
{
    const struct json *events = at(state, "Events");

    for (size_t i = count_of(events); i-- > 0;)
        if (strcmp(text_at(c, &events->items[i], "Type"), type) == 0)
            return &events->items[i];
    return NULL;
}

static bool ended_well(struct cli_call *c, const struct json *state)
{
    const struct json *ended = last_event(c, state, "Terminated");

    return ended && strcmp(text_at(c, ended, "Details.exit_code"), "0") == 0;
}

bool ended_early(struct cli_call *c, const char *deployment, const char **ret)
{
    struct nomad_reply r;

    if (nomad_get(c, pathf(c, "deployment/allocations/%s", path_part(c, deployment)), &r))
        return false;
    for (size_t i = 0; i < count_of(r.json); i++) {
        const struct json *al = &r.json->items[i], *states = at(al, "TaskStates");

        if (strcmp(text_at(c, al, "JobType"), "service") != 0 ||
            bool_at(al, "DeploymentStatus.Healthy"))
            continue;
        for (size_t k = 0; k < count_of(states); k++) {
            const struct json *state = &states->members[k].value,
                              *restart = last_event(c, state, "Restarting");

            if (!ended_well(c, state))
                continue;
            *ret =
                pathf(c,
                      "Task \"%.*s\" of allocation \"%s\" finished (exit code 0) before its "
                      "deployment was healthy%s%s. A service is meant to keep running; to "
                      "keep watching: nomad job status %s",
                      STR_ARG(states->members[k].key), short_id(c, text_at(c, al, "ID"), false),
                      restart ? ": " : "", restart ? text_at(c, restart, "DisplayMessage") : "",
                      text_at(c, al, "JobID"));
            return true;
        }
    }
    return false;
}
