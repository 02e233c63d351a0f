/*
 * config/rotate-root: GetUser, CreateAccessKey, store it, DeleteAccessKey of the old one.
 *
 * The old key is deleted only when the new one is durable, so a stop at any moment leaves the
 * mount with a key that works; at worst the user keeps one key more than it needs.
 */
#include <string.h>

#include "base/err.h"
#include "vault/secrets/aws_priv.h"

struct rotation {
    const struct aws_root *old;
    const char *user; /* whose keys they are */
    struct aws_keys fresh;
    struct aws_limit limit;
};

static int call_failed(const struct aws_client *iam, const char *action, struct err *e)
{
    struct err why = e ? *e : (struct err)ERR_INIT;

    return req_fail_multi(e, aws_client_fault(iam)->throttled ? 502 : 500,
                          "error calling %s: %s", action, why.msg);
}

static int make_key(struct aws_client *iam, struct rotation *k, struct err *e)
{
    struct arena *a = aws_client_arena(iam);
    const struct aws_xml *x;

    if (AWS_CALL(iam, "GetUser", &x, e, {NULL, NULL}) < 0)
        return call_failed(iam, "GetUser", e);
    k->user = arena_cstr(a, aws_xml_text(x, "GetUserResult/User/UserName"));
    if (!*k->user)
        return req_fail_multi(e, 500,
                              "GetUser names no user: these are the keys of an account, "
                              "which cannot be rotated");
    if (AWS_CALL(iam, "CreateAccessKey", &x, e, {"UserName", k->user}) < 0)
        return call_failed(iam, "CreateAccessKey", e);
    x = aws_xml_at(x, "CreateAccessKeyResult/AccessKey");
    k->fresh.access_key = arena_cstr(a, aws_xml_text(x, "AccessKeyId"));
    k->fresh.secret_key = arena_cstr(a, aws_xml_text(x, "SecretAccessKey"));
    if (!*k->fresh.access_key || !*k->fresh.secret_key)
        return req_fail_multi(e, 500, "nil AccessKeyId or SecretAccessKey returned");
    return 0;
}

/* ERR_EXISTS: somebody has changed the configuration meanwhile. */
static int keep_key(struct txn *t, void *arg, struct err *e)
{
    struct rotation *k = arg;
    const struct aws_root *now;
    struct aws_root next;
    bool found;
    int r = aws_root_load(t, k->old->mount, txn_arena(t), &now, &found, e);

    if (r < 0)
        return r;
    if (!found || !now->access_key || strcmp(now->access_key, k->old->access_key) != 0)
        return err_set(e, ERR_EXISTS,
                       "config/root was changed while its key was being rotated");
    next = *now;
    next.access_key = k->fresh.access_key;
    next.secret_key = k->fresh.secret_key;
    return aws_root_store(t, &next, e);
}

static int rotate(struct req *r, void *arg, struct err *e)
{
    struct rotation *k = arg;
    struct aws_client *iam;
    struct err why = ERR_INIT;
    int ret = aws_client_open(k->old, AWS_IAM, &k->limit, r->a, &iam, &why);

    if (ret < 0)
        return req_fail_multi(e, 500, "%s", why.msg);
    ret = make_key(iam, k, e);
    if (ret < 0)
        return ret;
    ret = store_run(vault_store(r->vault), keep_key, k, 0, NULL, &why);
    if (ret < 0) { /* nobody knows the new key: it goes again */
        AWS_CALL(iam, "DeleteAccessKey", NULL, NULL, {"AccessKeyId", k->fresh.access_key},
                 {"UserName", k->user});
        return req_fail_multi(e, 500, "error saving new root configuration: %s", why.msg);
    }
    ret = AWS_CALL(iam, "DeleteAccessKey", NULL, &why, {"AccessKeyId", k->old->access_key},
                   {"UserName", k->user});
    if (ret < 0 && ret != ERR_NOTFOUND)
        return req_fail_multi(e, 500, "error deleting old access key: %s", why.msg);
    return 0;
}

static int rotated(struct req *r, void *arg, struct err *e)
{
    (void)e;
    json_kv_str(req_data(r), "access_key", ((struct rotation *)arg)->fresh.access_key);
    return 0;
}

int aws_rotate_root(struct call *c, struct err *e)
{
    struct req *r = aws_req(c);
    struct rotation *k = arena_new_of(r->a, struct rotation);
    bool found;
    int ret = aws_root_load(r->txn, r->mount->uuid, r->a, &k->old, &found, e);

    if (ret < 0)
        return ret;
    if (!found)
        return req_fail_multi(e, 500, "no configuration found for config/root");
    if (!k->old->access_key || !*k->old->access_key || !k->old->secret_key ||
        !*k->old->secret_key)
        return req_fail(e,
                        "Cannot call config/rotate-root when either access_key or secret_key "
                        "is empty");
    k->limit = aws_limit_of(r->vault);
    req_then(r, rotate, rotated, k);
    return 0;
}
