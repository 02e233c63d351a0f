#include "vault/secrets/aws.h"

#include "base/err.h"
#include "vault/secrets/aws_priv.h"

/* Static roles do not exist here: none is found. */
static int no_static_role(struct call *c, struct err *e)
{
    (void)c;
    return err_set(e, ERR_NOTFOUND, "%s", "");
}

static const struct route static_routes[] = {
    /* clang-format off */
    {M_GET, "static-roles/:name", 0, no_static_role, NULL},
    {M_GET, "static-creds/:name", 0, no_static_role, NULL},
    /* clang-format on */
};

static const size_t n_static_routes = ARRAY_LEN(static_routes);

static const struct route_part routes[] = {
    {aws_config_routes, &n_aws_config_routes},
    {aws_role_routes, &n_aws_role_routes},
    {aws_cred_routes, &n_aws_cred_routes},
    {static_routes, &n_static_routes},
    {NULL, NULL},
};

static const struct table *const tables[] = {&aws_root_table, &aws_lease_table, &aws_role_table,
                                             NULL};

const struct engine aws_engine = {
    .type = "aws",
    .kind = ENGINE_SECRET,
    .more_routes = routes,
    .tables = tables,
    .renew = aws_renew,
    .revoke = aws_revoke,
    .wals = aws_wals,
};
