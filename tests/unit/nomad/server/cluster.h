/*
 * cluster -- a whole server over a store in memory, and nodes that only claim to run things
 *
 *     struct cluster cl;
 *     cluster_start(&cl, NULL);
 *     const char *node = node_up(&cl, "a");
 *     ask(&cl, "PUT", "/v1/jobs", job_text(&cl, "web", 2, UPDATE_ONE));
 *     wait_for(&cl, "/v1/job/web/summary", "Summary.g.Starting", "2");
 *     report(&cl, alloc, "running", 1);
 *     cluster_stop(&cl);
 *
 * Nodes speak the inner protocol's calls; nothing but the network is missing.
 */
#ifndef TESTS_UNIT_NOMAD_SERVER_CLUSTER_H
#define TESTS_UNIT_NOMAD_SERVER_CLUSTER_H

#include "api/api.h"
#include "lang/json.h"
#include "nomad/server/server.h"
#include "t.h"

struct cluster {
    struct store *store;
    struct api *api;
    struct nomad_server *server;
    struct nomad_server_opts opts;
    const char *token;   /* who asks; NULL: nobody in particular */
    struct arena *arena; /* of everything that is asked and told */
};

void cluster_start(struct cluster *cl, const struct nomad_server_opts *o); /* NULL: usual */
void cluster_stop(struct cluster *cl);
/* The server alone, between two lives of it: what is in the store stays. */
void server_down(struct cluster *cl);
void server_up(struct cluster *cl);

struct answer {
    int status;
    const char *body;
    const struct json *json; /* NULL: no JSON */
    uint64_t rev;
    struct api_response raw;
};

struct answer ask(struct cluster *cl, const char *method, const char *path, const char *body);
/* An inner call, with the secret that every node of a cluster has. */
struct answer ask_rpc(struct cluster *cl, const char *path, const char *body);
const char *answer_field(const struct answer *a, const char *name); /* reply header, "" */
/* What stands at a dotted path, as text; "" when there is none. */
const char *at(struct cluster *cl, const struct answer *a, const char *path);
/* Asks until it is so. */
void wait_for(struct cluster *cl, const char *path, const char *dotted, const char *want);

/* A service job of one group "g" with one task; `update` is the update block or "null". */
const char *job_text(struct cluster *cl, const char *id, int count, const char *update);
const char *job_text_with(struct cluster *cl, const char *id, const char *type, int count,
                          const char *update, const char *command);
#define UPDATE_ONE                                                                \
    "{\"MaxParallel\":1,\"HealthCheck\":\"manual\",\"MinHealthyTime\":1000000000" \
    ",\"HealthyDeadline\":60000000000,\"ProgressDeadline\":600000000000}"

const char *node_up(struct cluster *cl, const char *name); /* its id */
void node_beat(struct cluster *cl, const char *node_id);
/* A node tells of an alloc; healthy -1: nothing said. */
void report(struct cluster *cl, const char *alloc_id, const char *status, int healthy);
/* Once `n` allocs of the job match ClientStatus (NULL: any) and DesiredStatus "run": their ids,
 * in order of their names. */
const char **allocs_of(struct cluster *cl, const char *job, const char *client_status, int n);
int count_allocs(struct cluster *cl, const char *job, const char *client_status,
                 const char *desired_status);

#define T_AT(cl, answer, path, want) T_STR_EQ(at((cl), (answer), (path)), (want))

#endif
