/* Whether a registration fits: numbers into the API's types, and the job into this region. */
#include <string.h>

#include "nomad/server/job_api.h"
#include "nomad/server/server_priv.h"

static int weight_fits(const int64_t *weight, const char *type, struct err *e)
{
    if (!weight || (*weight >= INT8_MIN && *weight <= INT8_MAX))
        return 0;
    return nomad_fail(e, 400,
                      "json: cannot unmarshal number %lld into Go struct field %s.Weight of "
                      "type int8",
                      (long long)*weight, type);
}

static int placement_fits(const affinity_list *affinities, const spread_list *spreads,
                          struct err *e)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < affinities->len; i++)
        r = weight_fits(affinities->at[i].weight, "Affinity", e);
    for (size_t i = 0; r == 0 && spreads && i < spreads->len; i++)
        r = weight_fits(spreads->at[i].weight, "Spread", e);
    return r;
}

int registration_fits(const struct job *j, struct err *e)
{
    int r = placement_fits(&j->affinities, &j->spreads, e);

    list_each (&j->groups, g) {
        if (r == 0)
            r = placement_fits(&g->affinities, &g->spreads, e);
        list_each (&g->tasks, t)
            if (r == 0)
                r = placement_fits(&t->affinities, NULL, e);
    }
    return r;
}

/* "global" is what callers say who know of no region. */
int registration_region(struct call *c, const struct job *j, struct err *e)
{
    const char *own = server_of(c)->opts.region, *asked = str_or_empty(j->region);

    if (j->multiregion && j->multiregion->regions.len)
        asked = str_or_empty(j->multiregion->regions.at[0].name);
    if (!*asked || strcmp(asked, "global") == 0 || strcmp(asked, own) == 0)
        return 0;
    return nomad_fail(e, 500, "No path to region");
}
