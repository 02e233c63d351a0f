/* Mounts as the API shows them. */
#include <string.h>

#include "vault/core/core_priv.h"

const char *mount_shown_path(const struct mount *m)
{
    return str_starts(str_of(m->path), STR("auth/")) ? m->path + strlen("auth/") : m->path;
}

static void write_config(const struct mount *m, struct json_out *w)
{
    json_key(w, "config");
    schema_encode(&mount_config_schema, &m->config, 0, w);
}

void mount_json_members(const struct mount *m, struct json_out *w)
{
    const char *version = m->engine->plugin_version;

    json_kv_str(w, "accessor", m->accessor);
    write_config(m, w);
    if (!m->engine->singleton)
        json_kv_str(w, "deprecation_status", "supported");
    json_kv_str(w, "description", m->description ? m->description : "");
    json_kv_bool(w, "external_entropy_access", m->external_entropy_access);
    json_kv_bool(w, "local", m->local);
    json_key(w, "options");
    if (m->has_options)
        json_strmap(w, &m->options);
    else
        json_null(w);
    json_kv_str(w, "plugin_version", m->config.plugin_version ? m->config.plugin_version : "");
    json_kv_str(w, "running_plugin_version",
                version ? version : "v" VAULT_API_VERSION "+builtin.vault");
    json_kv_str(w, "running_sha256", "");
    json_kv_bool(w, "seal_wrap", m->seal_wrap);
    json_kv_str(w, "type", m->type);
    json_kv_str(w, "uuid", m->uuid);
}

void mount_json(const struct mount *m, struct json_out *w)
{
    json_obj(w);
    mount_json_members(m, w);
    json_obj_end(w);
}
