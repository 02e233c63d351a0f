#include <ctype.h>

#include "nomad/model/validate.h"

enum { SECOND = 1000000000, PORT_MAX = 65535 };

/*
 * Networks.
 */
struct seen_ports {
    const struct network *network;
    struct problem_list *p;
    const port_list *lists[2];
};

static const struct port *earlier(const struct seen_ports *s, size_t list, size_t i, bool label)
{
    const struct port *me = &s->lists[list]->at[i];

    for (size_t l = 0; l <= list; l++)
        for (size_t k = 0; k < (l == list ? i : s->lists[l]->len); k++) {
            const struct port *other = &s->lists[l]->at[k];

            if (label
                    ? same(other->label, me->label)
                    : other->value == me->value && same(other->host_network, me->host_network))
                return other;
        }
    return NULL;
}

static void validate_port(const struct seen_ports *s, size_t list, size_t i)
{
    const struct port *me = &s->lists[list]->at[i], *other;
    const char *why = name_problem(me->label, NAME_MAX_BYTES, false);

    if (empty(me->label))
        bad(s->p, "Port must have a label");
    else if (why)
        bad(s->p, "Port label \"%.64s\" %s", me->label, why);
    else if (earlier(s, list, i, true))
        bad(s->p, "Port label %s already in use by taskgroup network", me->label);
    if (list == 0 && (me->value < 1 || me->value > PORT_MAX)) {
        bad(s->p, "Port %s has invalid value (must be between 1 and 65535): %lld", me->label,
            (long long)me->value);
    } else if (list == 0) {
        other = earlier(s, list, i, false);
        if (other && !me->ignore_collision)
            bad(s->p, "Static port %lld already reserved by taskgroup network:%s",
                (long long)me->value, other->label);
    }
    if (me->to < -1 || me->to > PORT_MAX)
        bad(s->p, "Port %s cannot be mapped to a port (must be between -1 and 65535): %lld",
            me->label, (long long)me->to);
}

void validate_networks(const struct task_group *g, struct problem_list *p)
{
    struct problem_list inner = below(p);

    list_each (&g->networks, it) {
        struct seen_ports s = {it, &inner, {&it->reserved_ports, &it->dynamic_ports}};

        if (!same(it->mode, "host") && !same(it->mode, "bridge") && !same(it->mode, "none") &&
            !str_starts(str_of(it->mode), STR("cni/")))
            bad(&inner,
                "Invalid network mode \"%.64s\": must be one of host, bridge, none, "
                "cni/<name>",
                it->mode);
        for (size_t list = 0; list < 2; list++)
            for (size_t i = 0; i < s.lists[list]->len; i++)
                validate_port(&s, list, i);
    }
    bad_below(p, &inner, "Task group network validation failed: ");
}

static bool port_label_known(const struct task_group *g, const struct task *t,
                             const char *label)
{
    int64_t n;

    if (str_to_i64(str_of(label), 10, &n))
        return true;
    list_each (&g->networks, it) {
        list_each (&it->reserved_ports, port)
            if (same(port->label, label))
                return true;
        list_each (&it->dynamic_ports, port)
            if (same(port->label, label))
                return true;
    }
    if (!t || !t->resources)
        return false;
    list_each (&t->resources->networks, it) {
        list_each (&it->reserved_ports, port)
            if (same(port->label, label))
                return true;
        list_each (&it->dynamic_ports, port)
            if (same(port->label, label))
                return true;
    }
    return false;
}

/*
 * Services.
 */
/* What stands for a value at run time ("${NOMAD_ALLOC_INDEX}") is not looked at. */
static bool rfc1123(const char *s)
{
    size_t n = 0;

    if (*s == '-' || (*s && s[strlen(s) - 1] == '-'))
        return false;
    for (; *s; s++, n++) {
        const char *end = s[0] == '$' && s[1] == '{' ? strchr(s, '}') : NULL;

        if (end)
            s = end;
        else if (!isalnum((unsigned char)*s) && *s != '-')
            return false;
    }
    return n > 0 && n <= 63;
}

/* The first thing that is wrong with a check. */
static const char *check_problem(const struct service *s, const struct service_check *c,
                                 struct arena *a)
{
    bool http = same(c->type, "http"), tcp = same(c->type, "tcp"), grpc = same(c->type, "grpc");
    struct str path = str_of(c->path);

    if ((http || tcp || grpc) && empty(c->port_label) && empty(s->port_label))
        return arena_printf(
            a, "check requires a port but neither check nor service \"%s\" have a port",
            s->name);
    if (http && path.len == 0)
        return "http type must have http path";
    if (http && str_has(path, STR("://")))
        return "relative http path must not begin with a scheme";
    if (same(c->type, "script") && empty(c->command))
        return "script type must have a valid script path";
    if (c->interval_ns < SECOND)
        return arena_printf(a, "interval (%s) cannot be lower than 1s",
                            duration_text(a, c->interval_ns));
    if (c->timeout_ns < SECOND)
        return arena_printf(a, "timeout (%s) is lower than required minimum timeout 1s",
                            duration_text(a, c->timeout_ns));
    return NULL;
}

static void validate_checks(const struct service *s, struct problem_list *p)
{
    bool nomad = same(s->provider, "nomad");

    list_each (&s->checks, c) {
        bool ok = same(c->type, "http") || same(c->type, "tcp") ||
                  (!nomad && (same(c->type, "script") || same(c->type, "grpc")));
        const char *why;

        if (!ok) {
            bad(p, "invalid check type (\"%s\"), must be one of %s", c->type,
                nomad ? "tcp, http" : "tcp, http, grpc, script");
            continue;
        }
        why = check_problem(s, c, p->arena);
        if (why)
            bad(p, "Check %s invalid: %s", c->name, why);
    }
}

static void validate_service(const struct task_group *g, const struct task *t,
                             const struct service *s, struct problem_list *p)
{
    if (!rfc1123(s->name))
        bad(p,
            "Service name must be valid per RFC 1123 and can contain only alphanumeric "
            "characters or dashes and must be no longer than 63 characters: \"%.128s\"",
            s->name);
    if (!same(s->provider, "consul") && !same(s->provider, "nomad"))
        bad(p, "Service provider must be \"consul\", or \"nomad\"; not \"%s\"", s->provider);
    validate_connect(g, t, s, p);
    validate_checks(s, p);
}

void validate_services(const struct task_group *g, const struct task *t,
                       const service_list *services, struct problem_list *p)
{
    struct problem_list inner = below(p);

    for (size_t i = 0; i < services->len; i++) {
        const struct service *s = &services->at[i];
        struct problem_list one = below(p);

        validate_service(g, t, s, &one);
        bad_below(&inner, &one, "service[%zu] \"%s\" validation failed: ", i, s->name);
        if (!empty(s->port_label) && !port_label_known(g, t, s->port_label))
            bad(&inner, "port label \"%s\" referenced by services %s does not exist",
                s->port_label, s->name);
        list_each (&s->checks, c) {
            bool port = same(c->type, "http") || same(c->type, "tcp") || same(c->type, "grpc");

            if (port && empty(c->port_label) && empty(s->port_label))
                bad(&inner, "check \"service: \\\"%s\\\" check\" is missing a port", s->name);
            else if (!empty(c->port_label) && !port_label_known(g, t, c->port_label))
                bad(&inner, "port label \"%s\" referenced by services %s does not exist",
                    c->port_label, s->name);
        }
    }
    bad_below(p, &inner, "%s", t ? "" : "Task group service validation failed: ");
}
