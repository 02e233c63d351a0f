#include "vault/core/core_priv.h"

int vault_init(struct vault *v, struct txn *t, struct arena *a, int64_t now_ns,
               const struct seal_config *c, const char *root_token_id,
               struct secret *ret_shares, struct str *ret_root_token, struct err *e)
{
    int r = seal_init(v->seal, t, c, v->opts.cluster_name, ret_shares, e);

    if (r == 0)
        r = mount_init(v, t, now_ns, e);
    if (r == 0)
        r = policy_init(t, e);
    if (r == 0)
        r = token_create_root(v, t, a, now_ns, root_token_id, ret_root_token, e);
    return r;
}
