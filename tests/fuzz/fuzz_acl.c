/*
 * fuzz_acl -- any bytes as one or two policies of Nomad's, compiled and asked
 *
 * Up to the first NUL: a name that is asked about. Behind it: policies, parted by NULs. What
 * parses must compile, be shown as JSON, and what it allows must hold together.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "nomad/model/acl.h"

enum { FUZZ_BYTES_MAX = 64 << 10, POLICIES_MAX = 4 };

static void ask(const struct rights *r, const char *name)
{
    for (unsigned cap = CAP_LIST_JOBS; cap <= CAP_SENTINEL_OVERRIDE; cap++)
        if (rights_namespace(r, name, (enum acl_cap)cap))
            assert(rights_any_in_namespace(r, name) && rights_namespace(r, "*", cap) &&
                   !rights_none(r));
    for (unsigned cap = VAR_LIST; cap <= VAR_DESTROY; cap++)
        if (rights_variable(r, name, name, (enum acl_var_cap)cap))
            assert(rights_any_variable(r, "*", (enum acl_var_cap)cap) && !rights_none(r));
    for (unsigned area = 0; area < AREAS; area++)
        if (rights_area(r, (enum acl_area)area, LEVEL_WRITE))
            assert(rights_area(r, (enum acl_area)area, LEVEL_READ));
}

/* A deny more never allows anything that was not allowed. */
static void check_denied(const struct acl_rules **all, size_t n, const char *name,
                         struct arena *a)
{
    const char *text = arena_printf(a, "namespace \"*\" { policy = \"deny\" }");
    struct acl_rules deny;
    const struct rights *before = rights_new(all, n, a), *after;

    if (acl_rules_parse(str_of(text), a, &deny, NULL) < 0)
        return;
    all[n] = &deny;
    after = rights_new(all, n + 1, a);
    for (unsigned cap = CAP_LIST_JOBS; cap <= CAP_SENTINEL_OVERRIDE; cap++)
        assert(!rights_namespace(after, name, (enum acl_cap)cap) ||
               rights_namespace(before, name, (enum acl_cap)cap));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_n(data, size), part, name;
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf shown = BUF_INIT(64 << 20);
    struct acl_rules rules[POLICIES_MAX];
    const struct acl_rules *all[POLICIES_MAX + 1];
    struct json_out w;
    size_t n = 0;

    if (size > FUZZ_BYTES_MAX || !str_split(&rest, '\0', &name))
        return 0;
    while (n < POLICIES_MAX && str_split(&rest, '\0', &part)) {
        struct err e = ERR_INIT;
        int r = acl_rules_parse(part, a, &rules[n], &e);

        assert((r < 0) == (e.msg[0] != '\0'));
        if (r < 0)
            continue;
        json_out_init(&w, &shown, NULL);
        acl_rules_json(&rules[n], "", &w);
        buf_reset(&shown);
        all[n] = &rules[n];
        n++;
    }
    ask(rights_new(all, n, a), arena_cstr(a, name));
    ask(rights_new(all, n, a), "default");
    check_denied(all, n, arena_cstr(a, name), a);
    return 0;
}
