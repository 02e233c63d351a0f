/* The network that tasks are reached by: the configured interface, else the default route's. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>

#include "nomad/client/finger.h"

enum { SPEED_UNKNOWN = 1000 };

/* Interface of the route to 0.0.0.0/0. */
static const char *default_interface(struct arena *a)
{
    struct str text = finger_file("/proc/net/route", a), line;

    while (str_split(&text, '\n', &line)) {
        struct str name, dest;

        if (str_split(&line, '\t', &name) && str_split(&line, '\t', &dest) &&
            str_eqc(dest, "00000000"))
            return arena_cstr(a, name);
    }
    return NULL;
}

static bool usable(const struct ifaddrs *i, const char *name)
{
    int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;

    return (family == AF_INET || family == AF_INET6) && (i->ifa_flags & IFF_UP) &&
           (!name || strcmp(i->ifa_name, name) == 0);
}

/* Without a default route: the first that is up and not the loopback, else the loopback. */
static const char *any_interface(const struct ifaddrs *all)
{
    for (const struct ifaddrs *i = all; i; i = i->ifa_next)
        if (usable(i, NULL) && !(i->ifa_flags & IFF_LOOPBACK))
            return i->ifa_name;
    return "lo";
}

static bool address_text(const struct sockaddr *sa, char *ret, socklen_t size)
{
    const void *addr =
        sa->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr
            : (const void *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

    if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)addr))
        return false;
    return inet_ntop(sa->sa_family, addr, ret, size) != NULL;
}

static int64_t speed_of(const char *name, struct arena *a)
{
    int64_t mbits;
    const char *path = arena_printf(a, "/sys/class/net/%s/speed", name);

    return str_to_i64(str_trim(finger_file(path, a)), 10, &mbits) && mbits > 0 ? mbits
                                                                               : SPEED_UNKNOWN;
}

static void add_address(struct node *n, struct arena *a, const struct ifaddrs *i,
                        const char *text, int64_t speed, struct node_network *net)
{
    bool v4 = i->ifa_addr->sa_family == AF_INET;
    struct network nw = {.mode = "host",
                         .device = arena_strdup(a, i->ifa_name),
                         .ip = arena_strdup(a, text),
                         .hostname = ""};
    struct node_address addr = {.family = v4 ? "ipv4" : "ipv6",
                                .alias = "default",
                                .address = nw.ip,
                                .reserved_ports = "",
                                .gateway = ""};

    nw.cidr = arena_printf(a, "%s/%d", text, v4 ? 32 : 128);
    opt_set(a, &nw.mbits, speed);
    list_push(a, &n->resources.networks, nw);
    list_push(a, &net->addresses, addr);
    if (!strmap_get(&n->attributes, "unique.network.ip-address"))
        finger_set(n, a, "unique.network.ip-address", text);
}

void finger_network(struct nomad_client *c, struct node *n, struct arena *a)
{
    const char *name = c->o.network_interface;
    struct ifaddrs *all = NULL;
    struct node_network net = {.mode = "host"};
    char text[INET6_ADDRSTRLEN];

    if (getifaddrs(&all) < 0)
        return;
    if (is_empty(name))
        name = default_interface(a);
    if (is_empty(name))
        name = arena_strdup(a, any_interface(all));
    net.device = name;
    net.speed = speed_of(name, a);
    net.mac_address = arena_cstr(
        a, str_trim(finger_file(arena_printf(a, "/sys/class/net/%s/address", name), a)));
    /* IPv4 first: that is what jobs of the API's time expect as "the" address. */
    for (int family = AF_INET;; family = AF_INET6) {
        for (const struct ifaddrs *i = all; i; i = i->ifa_next)
            if (usable(i, name) && i->ifa_addr->sa_family == family &&
                address_text(i->ifa_addr, text, sizeof text))
                add_address(n, a, i, text, net.speed, &net);
        if (family == AF_INET6)
            break;
    }
    list_push(a, &n->resources.node_networks, net);
    freeifaddrs(all);
}
