#include "base/err.h"
#include "nomad/model/model_priv.h"

static int check_name(const char *what, const char *name, struct err *e)
{
    const char *why = name_problem(name, NAME_MAX_BYTES, false);

    return why ? err_set(e, ERR_INVALID, "%s %s", what, why) : 0;
}

static int check_uuid(const char *id, struct err *e)
{
    if (strlen(id) != 36)
        return err_set(e, ERR_INVALID, "node ID must be 36 characters");
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? id[i] != '-' : !strchr("0123456789abcdef", id[i]))
            return err_set(e, ERR_INVALID, "node ID is not a UUID");
    }
    return 0;
}

static void default_text(const char **s, const char *def)
{
    if (empty(*s))
        *s = def;
}

int node_check(struct node *n, struct arena *a, struct err *e)
{
    int r;

    default_text(&n->node_pool, "default");
    default_text(&n->eligibility, "eligible");
    default_text(&n->status, "initializing");
    if (n->resources.min_dynamic_port == 0)
        n->resources.min_dynamic_port = NODE_MIN_DYNAMIC_PORT;
    if (n->resources.max_dynamic_port == 0)
        n->resources.max_dynamic_port = NODE_MAX_DYNAMIC_PORT;
    fill_nulls(&node_schema, n, a);

    r = check_uuid(n->id, e);
    if (r == 0)
        r = check_name("node datacenter", n->datacenter, e);
    if (r == 0)
        r = check_name("node name", n->name, e);
    if (r == 0)
        r = check_name("node pool", n->node_pool, e);
    if (r < 0)
        return r;
    if (same(n->node_pool, "all"))
        return err_set(e, ERR_INVALID, "node is not allowed to register in node pool \"all\"");
    if (n->resources.cpu.cpu_shares < 0 || n->resources.memory.memory_mb < 0 ||
        n->resources.disk.disk_mb < 0)
        return err_set(e, ERR_INVALID, "node resources must not be negative");
    if (n->resources.min_dynamic_port < 1 || n->resources.max_dynamic_port > 65535 ||
        n->resources.min_dynamic_port > n->resources.max_dynamic_port)
        return err_set(e, ERR_INVALID, "node dynamic ports must lie within 1 to 65535");
    return 0;
}

bool node_is_ready(const struct node *n)
{
    return same(n->status, "ready") && same(n->eligibility, "eligible") && !n->drain_strategy;
}

void node_event_add(struct node *n, const char *message, const char *subsystem, int64_t now_ns,
                    struct arena *a)
{
    struct node_event ev = {.message = arena_strdup(a, message),
                            .subsystem = arena_strdup(a, subsystem),
                            .timestamp = now_ns};

    if (n->events.len >= NODE_EVENTS_MAX) {
        memmove(n->events.at, n->events.at + 1, (NODE_EVENTS_MAX - 1) * sizeof *n->events.at);
        n->events.len = NODE_EVENTS_MAX - 1;
    }
    list_push(a, &n->events, ev);
}

struct str node_address_of(const struct node *n)
{
    struct str addr = str_of(n->http_addr);
    ptrdiff_t colon = str_rchr(addr, ':');

    return str_trim_chars(colon < 0 ? addr : str_upto(addr, (size_t)colon), "[]");
}

/*
 * Computed class. Two independent 64-bit FNV-1a hashes over a plain text of everything that a
 * constraint may look at: equal nodes have equal classes on every server.
 */
struct digest {
    uint64_t a, b;
};

static void put(struct digest *d, const char *s)
{
    for (const unsigned char *p = (const unsigned char *)str_or_empty(s);; p++) {
        d->a = (d->a ^ *p) * UINT64_C(0x100000001b3);
        d->b = (d->b ^ *p ^ 0x5au) * UINT64_C(0x100000001b3);
        if (!*p)
            return; /* the NUL is the separator */
    }
}

static void put_map(struct digest *d, const struct strmap *m)
{
    for (size_t i = 0; i < m->len; i++) {
        if (strstr(m->at[i].key, "unique."))
            continue;
        put(d, m->at[i].key);
        put(d, m->at[i].val);
    }
    put(d, "\1");
}

static void put_json(struct digest *d, const struct json *v)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);

    if (v)
        json_print(&b, v, NULL);
    put(d, buf_str(&b).p);
}

char *node_computed_class(const struct node *n, struct arena *a)
{
    struct digest d = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4)};

    put(&d, n->datacenter);
    put(&d, n->node_class);
    put(&d, n->node_pool);
    put_map(&d, &n->attributes);
    put_map(&d, &n->meta);
    list_each (&n->drivers, it) {
        put(&d, it->name);
        put(&d, it->detected && it->healthy ? "1" : "0");
    }
    list_each (&n->host_volumes, it)
        put(&d, it->name);
    put(&d, "\1");
    list_each (&n->host_networks, it)
        put(&d, it->name);
    put_json(&d, n->resources.devices);
    return arena_printf(a, "v1:%016llx%016llx", (unsigned long long)d.a,
                        (unsigned long long)d.b);
}
