#include "nomad/server/server.h"

#include "nomad/server/http.h"
#include "nomad/server/server_priv.h"

int nomad_server_new(const struct nomad_server_opts *o, struct nomad_server **ret,
                     struct err *e)
{
    struct nomad_server *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        abort();
    s->opts = *o;
    http_services_init(s);
    r = stopper_init(&s->stop, e);
    if (r == 0)
        r = state_open(o->store, e);
    if (r < 0) {
        nomad_server_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

int nomad_server_start(struct nomad_server *s, struct err *e)
{
    int r = streams_start(s, e);

    if (r == 0)
        r = heartbeats_start(s, e);
    if (r == 0)
        r = scheduler_start(s, e);
    if (r == 0)
        r = watcher_start(s, e);
    return r;
}

void nomad_server_stop(struct nomad_server *s)
{
    stopper_stop(&s->stop);
    streams_stop(s);
    watcher_stop(s);
    scheduler_stop(s);
    heartbeats_stop(s);
}

void nomad_server_free(struct nomad_server *s)
{
    if (!s)
        return;
    nomad_server_stop(s);
    http_services_done(s);
    stopper_done(&s->stop);
    free(s);
}

const struct api_service *nomad_server_service(struct nomad_server *s)
{
    return &s->http;
}

const struct api_service *nomad_server_rpc(struct nomad_server *s)
{
    return &s->rpc;
}

void nomad_server_set_client(struct nomad_server *s, const char *node_id)
{
    s->opts.client_id = node_id;
}

void nomad_server_stats(struct nomad_server *s, struct nomad_server_stats *ret)
{
    *ret = (struct nomad_server_stats){.index = store_rev(s->opts.store)};
    scheduler_stats(s, ret);
}

void nomad_server_each_route(void (*fn)(void *arg, unsigned methods, const char *pattern),
                             void *arg)
{
    const struct route *const parts[] = {job_routes,   eval_routes,       alloc_routes,
                                         node_routes,  deployment_routes, agent_routes,
                                         client_routes};
    const size_t counts[] = {n_job_routes,        n_eval_routes,  n_alloc_routes, n_node_routes,
                             n_deployment_routes, n_agent_routes, n_client_routes};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        for (size_t k = 0; k < counts[i]; k++)
            fn(arg, parts[i][k].methods, parts[i][k].pattern);
}
