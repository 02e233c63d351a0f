/* /v1/agent/self and /v1/agent/members: who this server is. */
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "nomad/server/agent_api.h"

/* ---- names ----------------------------------------------------------------------------------
 */

static uint64_t hash_text(uint64_t h, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)str_or_empty(text); *p; p++)
        h = (h ^ *p) * UINT64_C(0x100000001b3);
    return h;
}

const char *member_name(const struct nomad_server *s, struct arena *a)
{
    return arena_printf(a, "%s.%s", s->opts.name, s->opts.region);
}

/* The same after every restart; nothing relies on its being secret or random. */
const char *server_id(const struct nomad_server *s, struct arena *a)
{
    const char *name = member_name(s, a);
    uint64_t x = hash_text(UINT64_C(0xcbf29ce484222325), name);
    uint64_t y = hash_text(x ^ UINT64_C(0x9e3779b97f4a7c15), name);

    return arena_printf(a, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(x >> 32),
                        (unsigned)(x >> 16) & 0xffff, (unsigned)x & 0xffff, (unsigned)(y >> 48),
                        (unsigned long long)(y & 0xffffffffffff));
}

static void split_addr(const char *addr, struct arena *a, const char **ret_host,
                       int64_t *ret_port)
{
    struct str s = str_of(addr);
    ptrdiff_t colon = str_rchr(s, ':');

    *ret_port = 0;
    *ret_host = arena_cstr(a, colon < 0 ? s : str_trim_chars(str_upto(s, (size_t)colon), "[]"));
    if (colon >= 0)
        str_to_i64(str_from(s, (size_t)colon + 1), 10, ret_port);
}

/* ---- the member
 * ------------------------------------------------------------------------------ */

static void write_tags(struct call *c, struct json_out *w)
{
    const struct nomad_server *s = server_of(c);
    const char *host;
    int64_t port;

    split_addr(s->opts.rpc_addr, c->arena, &host, &port);
    json_key(w, "Tags");
    json_obj(w);
    json_kv_str(w, "bootstrap", "1");
    json_kv_str(w, "build", NOMAD_API_VERSION);
    json_kv_str(w, "dc", s->opts.datacenter);
    json_kv_str(w, "expect", "1");
    json_kv_str(w, "id", server_id(s, c->arena));
    json_kv_str(w, "port", arena_printf(c->arena, "%lld", (long long)port));
    json_kv_str(w, "raft_vsn", "3");
    json_kv_str(w, "region", s->opts.region);
    json_kv_str(w, "revision", "");
    json_kv_str(w, "role", "nomad");
    json_kv_str(w, "rpc_addr", host);
    json_kv_str(w, "vsn", "1");
    json_obj_end(w);
}

static void write_member(struct call *c, struct json_out *w)
{
    const char *host;
    int64_t port;

    split_addr(server_of(c)->opts.rpc_addr, c->arena, &host, &port);
    json_obj(w);
    json_kv_str(w, "Addr", host);
    json_kv_i64(w, "DelegateCur", 4);
    json_kv_i64(w, "DelegateMax", 5);
    json_kv_i64(w, "DelegateMin", 2);
    json_kv_str(w, "Name", member_name(server_of(c), c->arena));
    json_kv_i64(w, "Port", port);
    json_kv_i64(w, "ProtocolCur", 2);
    json_kv_i64(w, "ProtocolMax", 5);
    json_kv_i64(w, "ProtocolMin", 1);
    json_kv_str(w, "Status", "alive");
    write_tags(c, w);
    json_obj_end(w);
}

int agent_members(struct call *c, struct err *e)
{
    const struct nomad_server_opts *o = &server_of(c)->opts;
    struct json_out *w = nomad_json(c);

    (void)e;
    json_obj(w);
    json_key(w, "Members");
    json_arr(w);
    write_member(c, w);
    json_arr_end(w);
    json_kv_str(w, "ServerDC", o->datacenter);
    json_kv_str(w, "ServerName", o->name);
    json_kv_str(w, "ServerRegion", o->region);
    json_obj_end(w);
    return 0;
}

/* ---- configuration
 * ---------------------------------------------------------------------------- */

static void kv_enabled(struct json_out *w, const char *key, bool enabled)
{
    json_key(w, key);
    json_obj(w);
    json_kv_bool(w, "Enabled", enabled);
    json_obj_end(w);
}

static void write_version(struct json_out *w)
{
    json_key(w, "Version");
    json_obj(w);
    json_kv_str(w, "Revision", "");
    json_kv_str(w, "Version", NOMAD_API_VERSION);
    json_kv_str(w, "VersionMetadata", "");
    json_kv_str(w, "VersionPrerelease", "");
    json_obj_end(w);
}

/* Its token is there but never shown. */
static void write_vaults(struct json_out *w, const struct task_secrets *ts)
{
    json_key(w, "Vaults");
    json_arr(w);
    if (ts) {
        json_obj(w);
        json_kv_str(w, "Name", "default");
        json_kv_bool(w, "Enabled", true);
        json_kv_str(w, "Role", str_or_empty(ts->role));
        json_kv_str(w, "Token", ts->outside ? "<redacted>" : "");
        json_obj_end(w);
    }
    json_arr_end(w);
}

static void write_config(struct call *c, struct json_out *w)
{
    const struct nomad_server_opts *o = &server_of(c)->opts;

    json_key(w, "config");
    json_obj(w);
    kv_enabled(w, "ACL", o->acl.enabled);
    json_key(w, "AdvertiseAddrs");
    json_obj(w);
    json_kv_str(w, "HTTP", str_or_empty(o->http_addr));
    json_kv_str(w, "RPC", str_or_empty(o->rpc_addr));
    json_obj_end(w);
    kv_enabled(w, "Client", o->with_client);
    json_kv_str(w, "Datacenter", o->datacenter);
    json_kv_bool(w, "DevMode", o->dev);
    json_kv_str(w, "NodeName", o->name);
    json_kv_str(w, "Region", o->region);
    kv_enabled(w, "Server", true);
    kv_enabled(w, "Vault", o->secrets != NULL);
    write_vaults(w, o->secrets);
    write_version(w);
    json_obj_end(w);
}

/* ---- numbers: all of them as text
 * -------------------------------------------------------------- */

static void kv_number(struct call *c, struct json_out *w, const char *key, uint64_t v)
{
    json_kv_str(w, key, arena_printf(c->arena, "%llu", (unsigned long long)v));
}

static void write_nomad_stats(struct call *c, struct json_out *w)
{
    json_key(w, "nomad");
    json_obj(w);
    json_kv_str(w, "bootstrap", "true");
    json_kv_str(w, "known_regions", "1");
    json_kv_str(w, "leader", "true");
    json_kv_str(w, "leader_addr", str_or_empty(server_of(c)->opts.rpc_addr));
    json_kv_str(w, "server", "true");
    json_obj_end(w);
}

/* The store's revision is what clients know as the log's index. */
static void write_raft_stats(struct call *c, struct json_out *w)
{
    uint64_t rev = store_rev(c->store);

    json_key(w, "raft");
    json_obj(w);
    kv_number(c, w, "applied_index", rev);
    kv_number(c, w, "commit_index", rev);
    kv_number(c, w, "last_log_index", rev);
    json_kv_str(w, "num_peers", "0");
    json_kv_str(w, "state", "Leader");
    json_obj_end(w);
}

static void write_runtime_stats(struct call *c, struct json_out *w)
{
    struct utsname u;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    json_key(w, "runtime");
    json_obj(w);
    if (uname(&u) == 0) {
        json_kv_str(w, "arch", u.machine);
        json_kv_str(w, "kernel.name", "linux");
        json_kv_str(w, "kernel.version", u.release);
    }
    kv_number(c, w, "cpu_count", cpus > 0 ? (uint64_t)cpus : 1);
    json_obj_end(w);
}

/* Tokens of ended tasks that are not revoked yet. */
static uint64_t tracked_for_revoke(struct call *c)
{
    const struct object *o;
    struct table_scan it;
    uint64_t n = 0;
    struct key k;

    table_prefix(&revocation_table, &k);
    if (table_scan_begin(c->txn, &it, &revocation_table, &k, SCAN_PEEK | SCAN_KEYS_ONLY, NULL) <
        0)
        return 0;
    while (table_scan_next(&it, &o, NULL) > 0)
        n++;
    table_scan_end(&it);
    return n;
}

static void write_vault_stats(struct call *c, struct json_out *w)
{
    const struct task_secrets *ts = server_of(c)->opts.secrets;
    const struct json *v = ts && ts->status ? ts->status(ts->ctx, c->arena) : NULL;

    json_key(w, "vault");
    json_obj(w);
    json_kv_str(w, "enabled", ts ? "true" : "false");
    if (ts)
        kv_number(c, w, "tracked_for_revoked", tracked_for_revoke(c));
    for (uint32_t i = 0; json_is(v, JSON_OBJECT) && i < v->len; i++) {
        const struct json *m = &v->members[i].value;

        if (str_eqc(v->members[i].key, "enabled"))
            continue;
        json_keyn(w, v->members[i].key);
        if (m->type == JSON_BOOL)
            json_str(w, m->b ? "true" : "false");
        else if (m->type == JSON_STRING || m->type == JSON_NUMBER)
            json_strn(w, m->text);
        else
            json_str(w, "");
    }
    json_obj_end(w);
}

static void write_client_stats(struct call *c, struct json_out *w)
{
    json_key(w, "client");
    json_obj(w);
    json_kv_str(w, "known_servers", str_or_empty(server_of(c)->opts.rpc_addr));
    json_kv_str(w, "node_id", str_or_empty(server_of(c)->opts.client_id));
    json_obj_end(w);
}

int agent_self(struct call *c, struct err *e)
{
    struct json_out *w = nomad_json(c);

    (void)e;
    json_obj(w);
    write_config(c, w);
    json_key(w, "member");
    write_member(c, w);
    json_key(w, "stats");
    json_obj(w);
    if (server_of(c)->opts.with_client)
        write_client_stats(c, w);
    write_nomad_stats(c, w);
    write_raft_stats(c, w);
    write_runtime_stats(c, w);
    json_key(w, "serf");
    json_obj(w);
    json_kv_str(w, "members", "1");
    json_obj_end(w);
    write_vault_stats(c, w);
    json_obj_end(w);
    json_obj_end(w);
    return 0;
}
