#include "nomad/server/server.h"

#include "nomad/server/events.h"
#include "nomad/server/http.h"
#include "nomad/server/keyring.h"
#include "nomad/server/periodic.h"
#include "nomad/server/server_priv.h"

/* A store with root keys and no key file is a file that was lost. */
static int open_keyring(struct nomad_server *s, struct err *e)
{
    auto_txn struct txn *t = NULL;
    root_key_list all = {0};
    int r = txn_begin(s->opts.store, TXN_READ_ONLY, &t, e);

    if (r == 0)
        r = root_keys(t, SCAN_PEEK, txn_arena(t), &all, e);
    return r < 0 ? r : root_keyring_open(s->opts.key_file, all.len > 0, &s->keyring, e);
}

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
    if (r == 0)
        r = open_keyring(s, e);
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

    s->start_rev = store_rev(s->opts.store);
    monitors_start(s);
    if (r == 0)
        r = events_start(s, e);
    if (r == 0)
        r = root_keyring_start(s, e);
    if (r == 0)
        r = acl_start(s, e);
    if (r == 0)
        r = heartbeats_start(s, e);
    if (r == 0)
        r = scheduler_start(s, e);
    if (r == 0)
        r = watcher_start(s, e);
    if (r == 0)
        r = periodic_start(s, e);
    return r;
}

void nomad_server_stopping(struct nomad_server *s)
{
    stopper_stop(&s->stop);
    streams_end(s);
}

void nomad_server_stop(struct nomad_server *s)
{
    stopper_stop(&s->stop);
    events_stop(s);
    monitors_stop(s);
    streams_stop(s);
    periodic_stop(s);
    watcher_stop(s);
    scheduler_stop(s);
    heartbeats_stop(s);
    root_keyring_stop(s);
    acl_stop(s);
}

void nomad_server_free(struct nomad_server *s)
{
    if (!s)
        return;
    nomad_server_stop(s);
    http_services_done(s);
    root_keyring_free(s->keyring);
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
    for (const struct route_part *p = http_parts; p->routes; p++)
        for (size_t k = 0; k < *p->n; k++)
            fn(arg, p->routes[k].methods, p->routes[k].pattern);
}
