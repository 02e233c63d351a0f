#include <string.h>

#include "base/str.h"
#include "cli/vault/login.h"
#include "cli/vault/vault_priv.h"

/* ---- token ------------------------------------------------------------------------------ */

#define NO_TERMINAL                                                                            \
    "An error occurred attempting to ask for a token. The raw error message is shown below, "  \
    "but "                                                                                     \
    "usually this is because you attempted to pipe a value into the command or you are "       \
    "executing outside of a terminal (tty). If you want to pipe the value, pass \"-\" as the " \
    "argument to read from stdin. The raw error was: "

static int token_from(struct cli_call *c, const struct strmap *config, const char **ret,
                      const char **ret_error)
{
    const char *token = strmap_get(config, "token");
    struct err e = ERR_INIT;
    char *typed;

    if (token) {
        *ret = token;
        return 0;
    }
    if (input_hidden(c->arena, stderr, "Token (will be hidden): ", &typed, &e) < 0) {
        *ret_error = arena_printf(c->arena, NO_TERMINAL "%s", e.msg);
        return -1;
    }
    *ret = typed;
    return 0;
}

/* What lookup-self says, in the shape of a login's answer. */
static struct json *auth_of_lookup(struct arena *a, const char *token, const struct json *data)
{
    struct json *auth = json_new_object(a);
    static const struct {
        const char *from, *to;
    } members[] = {
        {"accessor", "accessor"},       {"policies", "policies"},
        {"policies", "token_policies"}, {"identity_policies", "identity_policies"},
        {"meta", "metadata"},           {"ttl", "lease_duration"},
        {"renewable", "renewable"},
    };

    set_str(a, auth, "client_token", token);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct json *v = json_get(data, members[i].from);

        if (v)
            json_set(a, auth, str_of(members[i].to), *v);
    }
    return auth;
}

static int login_token(struct cli_call *c, const struct login_method *m, const char *path,
                       struct strmap *config, struct vault_secret *ret, const char **ret_error)
{
    const char *lookup = strmap_get(config, "lookup"), *token;
    bool verify = true;
    struct remote_reply r;

    (void)m;
    (void)path;
    if (lookup && !str_to_bool(str_of(lookup), &verify)) {
        *ret_error = "Failed to parse \"lookup\" as boolean";
        return -1;
    }
    if (token_from(c, config, &token, ret_error) < 0)
        return -1;
    remote_set_token(c, token);
    *ret = (struct vault_secret){.auth = auth_of_lookup(c->arena, token, NULL)};
    if (!verify)
        return 0;
    if (remote_call(c, "GET", "auth/token/lookup-self", NULL, &r) < 0) {
        *ret_error =
            r.shown ? NULL : arena_printf(c->arena, "error looking up token: %s", r.error);
        return -1;
    }
    ret->auth = auth_of_lookup(c->arena, token, json_get(r.json, "data"));
    return 0;
}

/* ---- methods that are one request ------------------------------------------------------- */

static int ask_hidden(struct cli_call *c, const struct login_method *m, struct strmap *config,
                      const char **ret_error)
{
    struct err e = ERR_INIT;
    char *typed;

    if (!m->hidden || strmap_get(config, m->hidden))
        return 0;
    if (input_hidden(c->arena, stderr, m->prompt, &typed, &e) < 0) {
        *ret_error = e.msg[0] ? arena_strdup(c->arena, e.msg) : "no terminal";
        return -1;
    }
    strmap_set(c->arena, config, m->hidden, typed);
    return 0;
}

static int login_request(struct cli_call *c, const struct login_method *m, const char *path,
                         struct strmap *config, struct vault_secret *ret,
                         const char **ret_error)
{
    const char *user = m->user_key ? strmap_get(config, m->user_key) : NULL;
    struct json *body = json_new_object(c->arena);
    struct remote_reply r;

    if (m->user_key && !user) {
        *ret_error = arena_printf(c->arena, "'%s' must be specified", m->user_key);
        return -1;
    }
    if (ask_hidden(c, m, config, ret_error) < 0)
        return -1;
    path = arena_printf(c->arena, "auth/%s/login%s%s", path, user ? "/" : "", user ? user : "");
    for (size_t i = 0; i < config->len; i++)
        if (strcmp(config->at[i].key, "mount") != 0 &&
            !(user && strcmp(config->at[i].key, m->user_key) == 0))
            set_str(c->arena, body, config->at[i].key, config->at[i].val);
    if (remote_call(c, "PUT", path, body, &r) < 0) {
        *ret_error = r.shown ? NULL : r.error;
        return -1;
    }
    if (secret_of(c, &r, ret))
        return 0;
    *ret_error = "empty response from credential provider";
    return -1;
}

static const struct login_method methods[] = {
    {"approle", "vault login -method=approle role_id=ID [secret_id=ID]", login_request, NULL,
     NULL, NULL},
    {"cert", "vault login -method=cert -client-cert=FILE -client-key=FILE [name=ROLE]",
     login_request, NULL, NULL, NULL},
    {"github", "vault login -method=github [token=TOKEN]", login_request, NULL, "token",
     "GitHub Personal Access Token (will be hidden): "},
    {"jwt", "vault login -method=jwt role=ROLE jwt=TOKEN", login_request, NULL, NULL, NULL},
    {"kubernetes", "vault login -method=kubernetes role=ROLE jwt=TOKEN", login_request, NULL,
     NULL, NULL},
    {"ldap", "vault login -method=ldap username=NAME [password=PASSWORD]", login_request,
     "username", "password", "Password (will be hidden): "},
    {"okta", "vault login -method=okta username=NAME [password=PASSWORD]", login_request,
     "username", "password", "Password (will be hidden): "},
    {"radius", "vault login -method=radius username=NAME [password=PASSWORD]", login_request,
     "username", "password", "Password (will be hidden): "},
    {"token", "vault login TOKEN [CONFIG K=V...]", login_token, NULL, NULL, NULL},
    {"userpass", "vault login -method=userpass username=NAME [password=PASSWORD]",
     login_request, "username", "password", "Password (will be hidden): "},
};

const struct login_method *login_method_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(name, methods[i].name) == 0)
            return &methods[i];
    return NULL;
}
