#include "store/gather.h"

void gather_ended(struct gather *g, size_t len, int64_t commit_ns, int64_t now_ns)
{
    g->answered = len;
    g->commit_ns = commit_ns;
    g->ended_ns = now_ns;
}

size_t gather_want(struct gather *g, size_t waiting, int64_t *ret_until_ns)
{
    int64_t patience = g->commit_ns / GATHER_SHARE;

    if (g->answered == 0 || g->answered + waiting < 2 || g->commit_ns < GATHER_WORTH_NS)
        return 0;
    if (g->rest > 0) {
        g->rest--;
        return 0;
    }
    *ret_until_ns = g->ended_ns + (patience < GATHER_MAX_NS ? patience : GATHER_MAX_NS);
    return g->answered + waiting;
}

void gather_got(struct gather *g, size_t waiting, size_t want, size_t got)
{
    if (got - waiting < (want - waiting + 1) / 2)
        g->rest = GATHER_REST;
}
