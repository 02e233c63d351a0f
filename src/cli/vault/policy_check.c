#include "cli/vault/policy_check.h"

#include "base/err.h"
#include "vault/core/policy.h"

int policy_check(struct str text, struct arena *a, struct err *e)
{
    struct policy *policy;

    if (text.len > POLICY_FILE_MAX)
        return err_set(e, ERR_TOOBIG, "a policy has at most %d bytes", POLICY_FILE_MAX);
    return policy_parse(text, a, &policy, e);
}
