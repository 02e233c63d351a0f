/* The arithmetic of TTLs. Pure: everything comes in with the input. */
#include "lang/units.h"
#include "vault/core/core_priv.h"

enum { NS_PER_S = 1000000000 };

static const int64_t no_limit = INT64_MAX;

static int64_t tighter(int64_t max, int64_t other)
{
    return other > 0 && other < max ? other : max;
}

static int64_t add_capped(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? no_limit : sum;
}

static const char *capped_text(struct arena *a, const char *what, const char *value,
                               int64_t asked_s, int64_t max_s)
{
    char asked[DURATION_TEXT_SIZE], max[DURATION_TEXT_SIZE];

    ttl_format_human(asked_s, asked);
    ttl_format_human(max_s, max);
    return arena_printf(a,
                        "%s of \"%s\" exceeded the effective max_ttl of \"%s\"; %s value is "
                        "capped accordingly",
                        what, asked, max, value);
}

/* The first that is given: what the caller asks for, what the engine says, the mount's. */
static int64_t wanted_ttl(const struct ttl_input *in)
{
    if (in->increment_s > 0)
        return in->increment_s;
    return in->backend_ttl_s > 0 ? in->backend_ttl_s : in->mount_default_s;
}

int ttl_decide(const struct ttl_input *in, struct arena *a, int64_t *ret_ttl_s,
               const char **ret_warning, struct err *e)
{
    int64_t now_s = in->now_ns / NS_PER_S; /* seconds are the precision of a TTL */
    int64_t start_s = in->start_ns ? in->start_ns / NS_PER_S : now_s;
    int64_t max = tighter(tighter(in->mount_max_s, in->backend_max_s), in->explicit_max_s);
    int64_t ttl, ends_s, left;

    *ret_warning = NULL;
    if (in->period_s > 0) {
        ttl = in->period_s;
        if (ttl > max) {
            *ret_warning = capped_text(a, "period", "period", ttl, max);
            ttl = max;
        }
        ends_s = in->explicit_max_s > 0 ? add_capped(start_s, in->explicit_max_s) : no_limit;
    } else {
        ttl = wanted_ttl(in);
        ends_s = add_capped(start_s, max);
    }
    left = ends_s == no_limit ? no_limit : ends_s - now_s;
    if (left <= 0)
        return err_set(e, ERR_INVALID, "past the max TTL, cannot renew");
    if (ttl > left) {
        if (!*ret_warning) /* else the period was, which says why */
            *ret_warning = capped_text(a, "TTL", "TTL", ttl, left);
        ttl = left;
    }
    *ret_ttl_s = ttl;
    return 0;
}
