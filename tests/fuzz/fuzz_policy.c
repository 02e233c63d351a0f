/*
 * fuzz_policy -- any bytes as a policy, compiled and asked
 *
 * Up to the first NUL: the path that is asked and fills the templates. Behind it: the text.
 * What parses must compile, and what it says of a path must hold together.
 */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "vault/core/policy.h"

enum { FUZZ_BYTES_MAX = 64 << 10 };

static void ask(const struct acl *acl, struct str path)
{
    unsigned caps = acl_capabilities(acl, path);

    assert(caps == CAP_DENY || !(caps & (CAP_DENY | CAP_ROOT)));
    for (enum vault_op op = OP_READ; op < OP_HELP; op++) {
        struct acl_request q = {.op = op, .path = path};

        if (acl_allows(acl, &q) && op != OP_LIST && !str_ends(path, STR("/")))
            assert(caps != CAP_DENY && acl_touches_prefix(acl, path));
        q.needs_sudo = true;
        if (acl_allows(acl, &q) && op != OP_LIST)
            assert(acl_has_sudo(acl, path));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf shown = BUF_INIT(16 << 20);
    struct policy_identity id = {.entity_id = "e"};
    struct err e = ERR_INIT;
    struct json_out w;
    struct policy *p;
    struct acl *acl;
    struct str path, text;
    int r;

    if (!end || size > FUZZ_BYTES_MAX)
        return 0;
    path = str_n(data, (size_t)(end - data));
    text = str_n(end + 1, size - path.len - 1);
    id.entity_name = arena_cstr(a, path);
    r = policy_parse(text, a, &p, &e);
    assert((r < 0) == (e.msg[0] != '\0'));
    if (r < 0)
        return 0;
    acl = acl_new(a, (const struct policy *const *)&p, 1, &id, false);
    ask(acl, path);
    ask(acl, STR("a/b"));
    json_out_init(&w, &shown, NULL);
    json_obj(&w);
    acl_json_members(acl, &w);
    json_obj_end(&w);
    return 0;
}
