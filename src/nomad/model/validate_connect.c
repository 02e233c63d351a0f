/* What can be said against a service's `connect` block. */
#include "nomad/model/connect.h"
#include "nomad/model/validate.h"

enum { PORT_MAX = 65535 };

static bool is_one_of(const char *s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (same(s, words[i]))
            return true;
    return false;
}

static void validate_port_number(const char *what, int64_t port, struct problem_list *p)
{
    if (port < 0 || port > PORT_MAX)
        bad(p, "Consul Connect %s must be between 0 and 65535, not %lld", what,
            (long long)port);
}

/*
 * Sidecars.
 */
static void validate_upstream(const struct connect_upstream *u, struct problem_list *p)
{
    static const char *const modes[] = {"", "none", "local", "remote"};
    bool port = u->local_bind_port != 0, socket = !empty(u->local_bind_socket_path);

    if (empty(u->destination_name))
        bad(p, "Consul Connect upstream has no destination_name");
    if (port == socket)
        bad(p,
            "Consul Connect upstream \"%.128s\" needs either local_bind_port or "
            "local_bind_socket_path",
            u->destination_name);
    validate_port_number("local_bind_port", u->local_bind_port, p);
    if (u->mesh_gateway && !is_one_of(u->mesh_gateway->mode, modes, ARRAY_LEN(modes)))
        bad(p,
            "Consul Connect mesh_gateway mode \"%.64s\" not supported: must be one of none, "
            "local, remote",
            u->mesh_gateway->mode);
}

static void validate_expose(const struct expose_config *x, struct problem_list *p)
{
    static const char *const protocols[] = {"http", "http2"};

    list_each (&x->paths, it) {
        if (!it->path || *it->path != '/')
            bad(p, "Consul Connect expose path \"%.128s\" must begin with /", it->path);
        if (!is_one_of(it->protocol, protocols, ARRAY_LEN(protocols)))
            bad(p,
                "Consul Connect expose protocol must be \"http\" or \"http2\", not \"%.64s\"",
                it->protocol);
        if (empty(it->listener_port))
            bad(p, "Consul Connect expose path \"%.128s\" has no listener_port", it->path);
        validate_port_number("local_path_port", it->local_path_port, p);
    }
}

static void validate_transparent(const struct transparent_proxy *t, struct problem_list *p)
{
    const struct json *ports = t->exclude_outbound_ports;
    int64_t port;

    validate_port_number("outbound_port", t->outbound_port, p);
    if (ports && ports->type != JSON_ARRAY && ports->type != JSON_NULL)
        bad(p, "Consul Connect exclude_outbound_ports must be a list of ports");
    for (uint32_t i = 0; json_is(ports, JSON_ARRAY) && i < ports->len; i++)
        if (!json_to_i64(&ports->items[i], &port) || port < 1 || port > PORT_MAX)
            bad(p, "Consul Connect exclude_outbound_ports[%u] is no port", i);
}

static void validate_sidecar(const struct task_group *g, const struct sidecar_service *s,
                             struct problem_list *p)
{
    const struct connect_proxy *proxy = s->proxy;

    if (g->networks.len != 1)
        bad(p, "Consul Connect sidecars require exactly 1 network, found %zu in group \"%s\"",
            g->networks.len, g->name);
    else if (!same(g->networks.at[0].mode, "bridge"))
        bad(p, "Consul Connect sidecar requires bridge network, found \"%s\" in group \"%s\"",
            g->networks.at[0].mode, g->name);
    if (!proxy)
        return;
    validate_port_number("local_service_port", proxy->local_service_port, p);
    list_each (&proxy->upstreams, it)
        validate_upstream(it, p);
    if (proxy->expose)
        validate_expose(proxy->expose, p);
    if (proxy->transparent_proxy)
        validate_transparent(proxy->transparent_proxy, p);
}

/*
 * Gateways.
 */
static void validate_listener(const struct ingress_listener *l, struct problem_list *p)
{
    static const char *const protocols[] = {"tcp", "http", "http2", "grpc"};

    if (l->port < 1 || l->port > PORT_MAX)
        bad(p, "Consul ingress listener requires valid port, not %lld", (long long)l->port);
    if (!is_one_of(l->protocol, protocols, ARRAY_LEN(protocols)))
        bad(p,
            "Consul ingress listener protocol \"%.64s\" not supported: must be one of tcp, "
            "http, http2, grpc",
            l->protocol);
    if (l->services.len == 0)
        bad(p, "Consul ingress listener has no service");
    list_each (&l->services, it)
        if (empty(it->name))
            bad(p, "Consul ingress service has no name");
}

static void validate_gateway(const struct connect_gateway *g, struct problem_list *p)
{
    int kinds = (g->ingress != NULL) + (g->terminating != NULL) + (g->mesh != NULL);

    if (kinds != 1)
        bad(p, "One Consul gateway configuration must be set: ingress, terminating or mesh");
    if (g->ingress && g->ingress->listeners.len == 0)
        bad(p, "Consul ingress gateway has no listener");
    if (g->ingress)
        list_each (&g->ingress->listeners, it)
            validate_listener(it, p);
    if (!g->terminating)
        return;
    if (g->terminating->services.len == 0)
        bad(p, "Consul terminating gateway has no service");
    list_each (&g->terminating->services, it)
        if (empty(it->name))
            bad(p, "Consul terminating gateway has a service without a name");
}

void validate_connect(const struct task_group *g, const struct task *t, const struct service *s,
                      struct problem_list *p)
{
    const struct connect *c = s->connect;
    bool beside = c && (c->sidecar_service || c->gateway); /* what runs beside the tasks */

    if (!c)
        return;
    if (same(s->provider, "nomad"))
        bad(p, "Service with provider nomad cannot include Connect blocks");
    if (c->native + (c->sidecar_service != NULL) + (c->gateway != NULL) != 1)
        bad(p, "Consul Connect must be exclusively native, make use of a sidecar, or represent "
               "a Gateway");
    if (t && beside)
        bad(p, "Consul Connect with a sidecar or a gateway belongs to a service of the group");
    if (c->native && !t && empty(s->task_name) && g->tasks.len != 1)
        bad(p, "Service %s is Connect Native and requires setting the task", s->name);
    if (c->sidecar_service)
        validate_sidecar(g, c->sidecar_service, p);
    if (c->gateway)
        validate_gateway(c->gateway, p);
}
