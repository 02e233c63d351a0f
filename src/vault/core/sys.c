/* sys/: its tables, one per subject. */
#include "vault/core/core_priv.h"

static const struct route_part parts[] = {
    /* clang-format off */
    {sys_seal_routes,     &n_sys_seal_routes},
    {sys_rotate_routes,   &n_sys_rotate_routes},
    {sys_mount_routes,    &n_sys_mount_routes},
    {sys_remount_routes,  &n_sys_remount_routes},
    {sys_tool_routes,     &n_sys_tool_routes},
    {sys_internal_routes, &n_sys_internal_routes},
    {policy_routes,       &n_policy_routes},
    {lease_routes,        &n_lease_routes},
    {wrap_routes,         &n_wrap_routes},
    {0},
    /* clang-format on */
};

const struct engine sys_engine = {
    .type = "system",
    .kind = ENGINE_SECRET,
    .more_routes = parts,
    .singleton = true,
};
