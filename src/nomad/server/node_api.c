/* /v1/nodes, /v1/node/...: reads and the table of routes. Changes: node_write.c. */
#include <string.h>

#include "nomad/server/list.h"
#include "nomad/server/node_api.h"

/* ---- the list --------------------------------------------------------------------------- */

#define AT(member) offsetof(struct node, member)

static const struct schema_field stub_fields[] = {
    {"ID", NULL, F_STR, AT(id)},
    {"Datacenter", NULL, F_STR, AT(datacenter)},
    {"Name", NULL, F_STR, AT(name)},
    {"NodePool", NULL, F_STR, AT(node_pool)},
    {"NodeClass", NULL, F_STR, AT(node_class)},
    {"SchedulingEligibility", NULL, F_STR, AT(eligibility)},
    {"Status", NULL, F_STR, AT(status)},
    {"StatusDescription", NULL, F_STR, AT(status_description)},
    {"Drivers", NULL, F_MAP, AT(drivers), .flags = FIELD_NULLEMPTY, .sub = &driver_info_schema},
    {"HostVolumes", NULL, F_MAP, AT(host_volumes), .flags = FIELD_NULLEMPTY,
     .sub = &host_volume_schema},
    {"LastDrain", NULL, F_OBJ, AT(last_drain), .sub = &drain_metadata_schema},
};
static SCHEMA(stub_schema, "node", struct node, stub_fields);

static const struct schema_field stub_resources_fields[] = {
    {"NodeResources", NULL, F_EMBED, AT(resources), .sub = &node_resources_schema},
    {"ReservedResources", NULL, F_EMBED, AT(reserved), .sub = &reserved_resources_schema},
};
static SCHEMA(stub_resources_schema, "node", struct node, stub_resources_fields);

void list_node_stub(struct list *l, struct json_out *w, const struct object *o)
{
    const struct node *n = o->body;
    const char *os = strmap_get(&n->attributes, "os.name");

    json_obj(w);
    json_kv_strn(w, "Address", node_address_of(n));
    schema_encode_fields(&stub_schema, n, 0, w);
    json_kv_str(w, "Version", str_or_empty(strmap_get(&n->attributes, "nomad.version")));
    json_kv_bool(w, "Drain", n->drain_strategy != NULL);
    if (os && call_flag(l->c, "os")) {
        json_key(w, "Attributes");
        json_obj(w);
        json_kv_str(w, "os.name", os);
        json_obj_end(w);
    }
    if (call_flag(l->c, "resources"))
        schema_encode_fields(&stub_resources_schema, n, 0, w);
    json_kv_u64(w, "CreateIndex", o->create_rev);
    json_kv_u64(w, "ModifyIndex", o->mod_rev);
    json_obj_end(w);
}

static int nodes_list(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&node_table};
    struct list l;
    int r = list_begin(c, &l, e);

    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = list_scan_ids(&l, &node_table, "node", e);
    if (r == 0)
        list_reply(&l, LIST_BY_KEY, list_node_stub);
    return r;
}

/* ---- one -------------------------------------------------------------------------------- */

/* The older form of resources, which old clients still read. */
static void write_legacy(struct json_out *w, const char *key, int64_t cpu, int64_t memory,
                         int64_t disk, const network_list *networks)
{
    static const int64_t zero;
    struct resources res = {.cpu = &cpu, .memory_mb = &memory, .disk_mb = &disk};

    res.cores = res.memory_max_mb = res.iops = res.secrets_mb = (int64_t *)(uintptr_t)&zero;
    if (networks)
        res.networks = *networks;
    json_key(w, key);
    schema_encode(&resources_schema, &res, 0, w);
}

/* The newest row that the node's client had a word in: nodes need no write for it. */
static int last_alloc_update(struct call *c, const char *node_id, uint64_t *ret, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int r;

    *ret = 0;
    table_index_key(&k, &alloc_table, "by_node");
    key_addz(&k, node_id);
    r = table_scan_index(c->txn, &it, &alloc_table, &k, SCAN_PEEK, e);
    if (r < 0)
        return r;
    while ((r = table_scan_next(&it, &o, e)) > 0) {
        const struct alloc *al = o->body;

        if (strcmp(al->client_status, ALLOC_PENDING) != 0 && o->mod_rev > *ret)
            *ret = o->mod_rev;
    }
    table_scan_end(&it);
    return r < 0 ? r : 0;
}

static void write_node(struct json_out *w, const struct object *o, uint64_t last_alloc_update)
{
    struct node n = *(const struct node *)o->body;
    struct json none = {.type = JSON_OBJECT};

    n.create_index = o->create_rev;
    n.modify_index = o->mod_rev;
    n.last_alloc_update_index = last_alloc_update;
    if (!n.csi_controller_plugins)
        n.csi_controller_plugins = &none;
    if (!n.csi_node_plugins)
        n.csi_node_plugins = &none;
    json_obj(w);
    schema_encode_fields(&node_schema, &n, 0, w);
    json_kv_bool(w, "Drain", n.drain_strategy != NULL);
    json_kv_str(w, "SecretID", "");
    write_legacy(w, "Resources", n.resources.cpu.cpu_shares, n.resources.memory.memory_mb,
                 n.resources.disk.disk_mb, &n.resources.networks);
    write_legacy(w, "Reserved", n.reserved.cpu.cpu_shares, n.reserved.memory.memory_mb,
                 n.reserved.disk.disk_mb, NULL);
    json_obj_end(w);
}

static int node_read(struct call *c, struct err *e)
{
    const struct object *o = NULL;
    const char *id = call_id(c, "id");
    struct key k;
    uint64_t last;
    int r = check_uuid(id, "node", e);

    if (r == 0)
        r = state_node(c->txn, id, &o, e);
    if (r < 0 && r != ERR_NOTFOUND)
        return r;
    key_init(&k, node_table.name);
    key_addz(&k, id);
    r = read_object(c, &node_table, &k, r == 0 ? o : NULL, e);
    if (r != 0)
        return r;
    if (!o)
        return reply_not_found(c, "node not found");
    r = last_alloc_update(c, id, &last, e);
    if (r == 0)
        write_node(nomad_json(c), o, last);
    return r;
}

static void write_full_alloc(struct list *l, struct json_out *w, const struct object *o)
{
    write_alloc(l->c, w, o);
}

static int node_allocations(struct call *c, struct err *e)
{
    const struct table *const tables[] = {&alloc_table};
    struct list l = {.c = c, .next_token = ""};
    const char *id = call_id(c, "id");
    int r = check_uuid(id, "node", e);

    if (r == 0)
        r = read_tables(c, tables, 1, e);
    if (r == 0)
        r = list_scan(&l, &alloc_table, "by_node", id, NULL, e);
    if (r == 0)
        list_reply(&l, LIST_BY_CREATION, write_full_alloc);
    return r;
}

const struct route node_routes[] = {
    {M_GET, "/v1/nodes", NEED_AREA(AREA_NODE, LEVEL_READ), nodes_list, NULL},
    {M_GET, "/v1/node/*id", NEED_AREA(AREA_NODE, LEVEL_READ), node_read, NULL},
    {M_GET, "/v1/node/:id/allocations", NEED_AREA(AREA_NODE, LEVEL_READ), node_allocations,
     NULL},
    {M_WRITE, "/v1/node/:id/drain", NEED_AREA(AREA_NODE, LEVEL_WRITE), node_drain_call, NULL},
    {M_WRITE, "/v1/node/:id/eligibility", NEED_AREA(AREA_NODE, LEVEL_WRITE),
     node_eligibility_call, NULL},
    {M_WRITE, "/v1/node/:id/evaluate", NEED_AREA(AREA_NODE, LEVEL_WRITE), node_evaluate_call,
     NULL},
    {M_WRITE, "/v1/node/:id/purge", NEED_AREA(AREA_NODE, LEVEL_WRITE), node_purge_call, NULL},
};
const size_t n_node_routes = ARRAY_LEN(node_routes);
