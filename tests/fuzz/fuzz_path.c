/* A request's target: whatever comes, the normaliser's result is clean or refused, stays the
 * same when it is normalised again, and the router finds no segment in it that could climb. */
#include <stdint.h>
#include <stdlib.h>

#include "http/router.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct route routes[] = {
    {.methods = M_GET, .pattern = "/v1/jobs"},
    {.methods = M_WRITE, .pattern = "/v1/job/:id/plan"},
    {.methods = M_GET, .pattern = "/v1/job/:id"},
    {.methods = M_ANY, .pattern = "/v1/:mount/*path"},
    {.methods = M_GET, .pattern = "/ui/+file"},
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_clean(struct str path)
{
    struct str rest = path, seg;

    must(path.len > 0 && path.p[0] == '/');
    str_split(&rest, '/', &seg);
    while (str_split(&rest, '/', &seg)) {
        must(seg.len > 0 || !rest.p); /* only the last may be empty */
        must(!str_eq(seg, STR(".")) && !str_eq(seg, STR("..")));
        for (size_t i = 0; i < seg.len; i++)
            must((unsigned char)seg.p[i] >= 0x20 && seg.p[i] != 0x7f);
    }
}

/* Normalising what is normal changes nothing; '%' has to be escaped for that, as a client
 * would. */
static void check_again(struct str path, struct arena *a)
{
    char *escaped = arena_alloc(a, path.len * 3 + 1);
    struct target again;
    size_t n = 0;

    for (size_t i = 0; i < path.len; i++) {
        if (path.p[i] == '%' || path.p[i] == '?') {
            memcpy(escaped + n, path.p[i] == '%' ? "%25" : "%3f", 3);
            n += 3;
        } else {
            escaped[n++] = path.p[i];
        }
    }
    target_parse(&again, str_n(escaped, n), a);
    must(again.state == HTTP_PATH_CLEAN && str_eq(again.path, path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct router *r;
    auto_arena struct arena *a = arena_new(0);
    struct route_params ps;
    struct target t;
    unsigned allowed;

    if (!r)
        r = router_new(routes, ARRAY_LEN(routes));
    if (len == 0 || len > HTTP_TARGET_MAX)
        return 0;
    target_parse(&t, str_n(data, len), a);
    if (t.state == HTTP_PATH_BAD || str_eq(t.path, STR("*")))
        return 0;
    check_clean(t.path);
    check_again(t.path, a);
    router_find(r, M_GET, t.path, &ps, &allowed);
    must(ps.n <= ROUTE_PARAMS_MAX);
    for (size_t i = 0; i < ps.n; i++)
        must(ps.value[i].len == 0 ||
             (ps.value[i].p >= t.path.p &&
              ps.value[i].p + ps.value[i].len <= t.path.p + t.path.len));
    return 0;
}
