/* The ends: renewal and revocation of leases, and users that a crash has left behind. */
#include "base/err.h"
#include "vault/secrets/aws_priv.h"

int aws_renew(struct lease_env *env, int64_t *ret_ttl_s, int64_t *ret_max_ttl_s, struct err *e)
{
    auto_txn struct txn *t = NULL;
    const struct aws_lease *lease;
    int r = txn_begin(vault_store(env->vault), TXN_READ_ONLY, &t, e);

    if (r == 0)
        r = aws_lease_load(t, env->mount->uuid, env->a, &lease, e);
    if (r < 0)
        return r;
    *ret_ttl_s = lease ? lease->lease_s : 0;
    *ret_max_ttl_s = lease ? lease->lease_max_s : 0;
    return 0;
}

/* A session cannot be ended: it expires by itself, not later than its lease. */
int aws_revoke(struct lease_env *env, struct err *e)
{
    const char *user = json_cstr_or(env->a, json_get(env->internal, "username"), NULL);

    if (json_bool_or(json_get(env->internal, "is_sts"), false))
        return 0;
    if (!user)
        return err_set(e, ERR_CORRUPT, "the lease names no user");
    return aws_user_forget(env->vault, env->mount, user, env->issued_ns / 1000000000,
                           env->now_ns, env->a, e);
}

static int roll_back_user(struct lease_env *env, const struct json *payload, struct err *e)
{
    const char *user = json_cstr_or(env->a, json_get(payload, "username"), NULL);
    int64_t made_s = json_i64_or(json_get(payload, "made"), 0);

    if (!user)
        return 0; /* nothing can be undone with it */
    return aws_user_forget(env->vault, env->mount, user, made_s, env->now_ns, env->a, e);
}

const struct engine_wal aws_wals[] = {{"user", roll_back_user}, {NULL, NULL}};
