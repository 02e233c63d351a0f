#include "api/api_priv.h"
#include "base/clock.h"
#include "base/random.h"
#include "lang/units.h"

/* How long a blocking query may wait, without its jitter. */
static int asked_wait_ms(const struct call *c, int64_t *ret, struct err *e)
{
    struct str text;
    int64_t ns = 0;

    if (call_query(c, "wait", &text) && text.len > 0 && duration_parse(text, &ns, NULL) < 0)
        return err_set(e, ERR_INVALID, "Invalid wait time");
    *ret = ns <= 0 ? API_WAIT_DEFAULT_MS : (ns + 999999) / 1000000;
    if (*ret > API_WAIT_MAX_MS)
        *ret = API_WAIT_MAX_MS;
    return 0;
}

static int asked_index(const struct call *c, uint64_t *ret, struct err *e)
{
    struct str text;

    *ret = 0;
    if (call_query(c, "index", &text) && text.len > 0 && !str_to_u64(text, 10, ret))
        return err_set(e, ERR_INVALID, "Invalid index");
    return 0;
}

int call_blocking_query(const struct call *c, uint64_t current, bool *ret_park,
                        int64_t *ret_deadline_ms, struct err *e)
{
    struct call_priv *p = c->priv;
    int64_t wait_ms;
    uint64_t index;
    int r;

    if ((r = asked_wait_ms(c, &wait_ms, e)) < 0 || (r = asked_index(c, &index, e)) < 0)
        return r;
    *ret_park = index > 0 && current <= index && !c->timed_out;
    if (*ret_park && p->query_deadline_ms == 0) /* once: woken calls keep their deadline */
        p->query_deadline_ms =
            clock_mono_ms() + wait_ms + (int64_t)random_below((uint64_t)wait_ms / 16 + 1);
    *ret_deadline_ms = p->query_deadline_ms;
    return 0;
}
