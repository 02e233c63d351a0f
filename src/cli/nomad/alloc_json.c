/* An allocation with every member the API's client knows: servers leave empty ones out. */
#include "cli/nomad/nomad_priv.h"

struct absent {
    const char *key, *value;
};

static void fill(struct cli_call *c, struct json *object, const struct absent *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct json *v;

        if (!json_get(object, rows[i].key) &&
            json_parse(str_of(rows[i].value), &json_limits_file, 0, c->arena, &v, NULL) == 0)
            json_set(c->arena, object, str_of(rows[i].key), *v);
    }
}

static void fill_states(struct cli_call *c, struct json *states)
{
    static const struct absent of_event[] = {{"DiskSize", "0"}};

    for (size_t i = 0; i < count_of(states); i++) {
        const struct json *events = at(&states->members[i].value, "Events");

        for (size_t k = 0; k < count_of(events); k++)
            fill(c, &events->items[k], of_event, ARRAY_LEN(of_event));
    }
}

const struct json *whole_alloc(struct cli_call *c, const struct json *al)
{
    static const struct absent of_alloc[] = {
        {"DesiredDescription", "\"\""},
        {"DesiredTransition", "{\"Migrate\":null,\"Reschedule\":null}"},
        {"FollowupEvalID", "\"\""},
        {"NextAllocation", "\"\""},
        {"PreemptedAllocations", "null"},
        {"PreemptedByAllocation", "\"\""},
        {"PreviousAllocation", "\"\""},
        {"RescheduleTracker", "null"},
        {"Services", "null"},
    };
    struct json *whole = json_copy(c->arena, al);
    const struct json *states = at(whole, "TaskStates");

    if (!json_is(whole, JSON_OBJECT))
        return al;
    fill(c, whole, of_alloc, ARRAY_LEN(of_alloc));
    if (json_is(states, JSON_OBJECT))
        fill_states(c, (struct json *)states);
    return whole;
}
