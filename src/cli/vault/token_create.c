#include "base/str.h"
#include "cli/vault/commands.h"

static struct {
    const char *id, *display_name, *role, *type, *entity_alias;
    int64_t ttl, explicit_max_ttl, period, use_limit;
    bool renewable, orphan, no_default_policy;
    struct cli_pairs metadata;
    struct flag_list policies;
} o = {.renewable = true, .type = "service"};

static const struct flag flags[] = {
    {"id", FLAG_STR, &o.id, NULL, "the token itself, instead of a generated one"},
    {"display-name", FLAG_STR, &o.display_name, NULL, "name for logs and people"},
    {"ttl", FLAG_CALL, &CLI_DURATION(&o.ttl), NULL, "how long it lives before a renewal"},
    {"explicit-max-ttl", FLAG_CALL, &CLI_DURATION(&o.explicit_max_ttl), NULL,
     "how long it lives at most, whatever renewals it gets"},
    {"period", FLAG_CALL, &CLI_DURATION(&o.period), NULL,
     "each renewal is for so long, without an end"},
    {"renewable", FLAG_BOOL, &o.renewable, NULL, "may it be renewed? (default true)"},
    {"orphan", FLAG_BOOL, &o.orphan, NULL,
     "without a parent: it outlives the token that made it"},
    {"no-default-policy", FLAG_BOOL, &o.no_default_policy, NULL,
     "without the policy \"default\""},
    {"use-limit", FLAG_INT, &o.use_limit, NULL,
     "how many requests it is good for; 0: any number"},
    {"role", FLAG_STR, &o.role, NULL, "role that rules what the token may be"},
    {"metadata", FLAG_CALL, &CLI_PAIRS(&o.metadata), NULL,
     "key=value for logs; may be repeated"},
    {"policy", FLAG_LIST, &o.policies, NULL, "name of a policy; may be repeated"},
    {"type", FLAG_STR, &o.type, NULL, "service or batch"},
    {"entity-alias", FLAG_STR, &o.entity_alias, NULL, "alias of an entity, with -role only"},
};

static struct json *body_of(struct arena *a)
{
    struct json *b = json_new_object(a);

    if (o.id)
        set_str(a, b, "id", o.id);
    if (o.policies.len > 0)
        set_list(a, b, "policies", &o.policies);
    if (o.metadata.len > 0)
        set_pairs(a, b, "meta", &o.metadata);
    set_str(a, b, "ttl", seconds_text(a, o.ttl));
    set_str(a, b, "explicit_max_ttl", seconds_text(a, o.explicit_max_ttl));
    set_str(a, b, "period", seconds_text(a, o.period));
    if (o.orphan)
        set_bool(a, b, "no_parent", true);
    if (o.no_default_policy)
        set_bool(a, b, "no_default_policy", true);
    set_str(a, b, "display_name", o.display_name);
    set_int(a, b, "num_uses", o.use_limit);
    set_bool(a, b, "renewable", o.renewable);
    set_str(a, b, "type", o.type);
    set_str(a, b, "entity_alias", o.entity_alias);
    return b;
}

static int run(struct cli_call *c)
{
    const char *path = "auth/token/create";
    struct remote_reply r;

    if (o.role && *o.role)
        path = arena_printf(c->arena, "%s/%s", path, o.role);
    if (remote_call(c, "POST", path, body_of(c->arena), &r) < 0)
        return remote_failed(&r, "Error creating token");
    return secret_print_reply(c, &r);
}

const struct cli_command cmd_token_create = {
    .name = "token create",
    .usage = "vault token create [options]",
    .synopsis = "Make one",
    .about = "Makes a token. Without flags it has the policies of the token in use and is its "
             "child: it ends with it.",
    .flags = CLI_FLAGS(flags),
    .sets = SET_HTTP | SET_FIELD | SET_FORMAT,
    .args = {0, 0, "0"},
    .run = run,
};
