#include "cluster.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#define SECRET "11111111-2222-3333-4444-555555555555"

void server_up(struct cluster *cl)
{
    struct err e = ERR_INIT;

    T_OK(nomad_server_new(&cl->opts, &cl->server, &e), &e);
    T_OK(nomad_server_start(cl->server, &e), &e);
}

void server_down(struct cluster *cl)
{
    nomad_server_stop(cl->server);
    nomad_server_free(cl->server);
    cl->server = NULL;
}

void cluster_start(struct cluster *cl, const struct nomad_server_opts *o)
{
    struct err e = ERR_INIT;

    log_set_level(LOG_OFF); /* what is provoked here is checked, not read */
    *cl = (struct cluster){.arena = arena_new(0)};
    T_OK(store_open(&(struct store_opts){0}, &cl->store, &e), &e);
    T_OK(api_new(&(struct api_opts){.store = cl->store}, &cl->api, &e), &e);
    cl->opts = o ? *o : (struct nomad_server_opts){0};
    cl->opts.store = cl->store;
    cl->opts.api = cl->api;
    cl->opts.region = "global";
    cl->opts.datacenter = "dc1";
    cl->opts.name = "server1";
    cl->opts.http_addr = "127.0.0.1:4646";
    cl->opts.rpc_addr = "127.0.0.1:4647";
    server_up(cl);
}

void cluster_stop(struct cluster *cl)
{
    api_stop(cl->api);
    server_down(cl);
    api_free(cl->api);
    store_close(cl->store);
    arena_free(cl->arena);
}

/* ---- asking -------------------------------------------------------------------------------
 */

static struct answer call(struct cluster *cl, const struct api_service *svc, const char *method,
                          const char *path, const char *body)
{
    struct http_field headers[] = {{"X-Nomad-Node-Secret", (char *)(uintptr_t)SECRET},
                                   {"X-Nomad-Token", (char *)(uintptr_t)cl->token}};
    struct api_request q = {.method = method,
                            .path = path,
                            .body = str_of(body),
                            .headers = headers,
                            .n_headers = cl->token ? 2 : 1};
    struct answer a = {0};
    struct err e = ERR_INIT;
    struct json *v;

    T_OK(api_call(cl->api, svc, &q, cl->arena, &a.raw, &e), &e);
    a.status = a.raw.status;
    a.rev = a.raw.rev;
    a.body = arena_cstr(cl->arena, a.raw.body);
    if (str_has(str_of(a.raw.content_type), STR("json"))) {
        T_OK(json_parse(str_of(a.body), NULL, 0, cl->arena, &v, &e), &e);
        a.json = v;
    }
    return a;
}

struct answer ask(struct cluster *cl, const char *method, const char *path, const char *body)
{
    return call(cl, nomad_server_service(cl->server), method, path, body);
}

struct answer ask_rpc(struct cluster *cl, const char *path, const char *body)
{
    return call(cl, nomad_server_rpc(cl->server), "POST", path, body);
}

const char *answer_field(const struct answer *a, const char *name)
{
    for (size_t i = 0; i < a->raw.n_fields; i++)
        if (str_eq_nocase(str_of(a->raw.fields[i].name), str_of(name)))
            return a->raw.fields[i].value;
    return "";
}

const char *at(struct cluster *cl, const struct answer *a, const char *path)
{
    const struct json *v = json_path(a->json, path);
    struct buf b = BUF_INIT(1 << 20);
    const char *text;

    if (!v)
        return "";
    if (v->type == JSON_STRING)
        return arena_cstr(cl->arena, v->text);
    json_print(&b, v, NULL);
    text = arena_cstr(cl->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

void wait_for(struct cluster *cl, const char *path, const char *dotted, const char *want)
{
    int64_t until = clock_mono_ms() + T_PATIENCE_MS;

    for (;;) {
        struct answer a = ask(cl, "GET", path, NULL);
        const char *got = at(cl, &a, dotted);

        if (strcmp(got, want) == 0)
            return;
        if (clock_mono_ms() > until)
            t_fail(__FILE__, __LINE__, "%s: %s stays %s, not %s", path, dotted, got, want);
        poll(NULL, 0, 1);
    }
}

/* ---- jobs ---------------------------------------------------------------------------------
 */

const char *job_text_with(struct cluster *cl, const char *id, const char *type, int count,
                          const char *update, const char *command)
{
    return arena_printf(
        cl->arena,
        "{\"Job\":{\"ID\":\"%s\",\"Name\":\"%s\",\"Type\":\"%s\",\"Datacenters\":[\"dc1\"],"
        "\"TaskGroups\":[{\"Name\":\"g\",\"Count\":%d,\"Update\":%s,"
        "\"RestartPolicy\":{\"Attempts\":0,\"Interval\":600000000000,\"Delay\":15000000000,"
        "\"Mode\":\"fail\"},"
        "\"Tasks\":[{\"Name\":\"t\",\"Driver\":\"raw_exec\","
        "\"Config\":{\"command\":\"%s\"},"
        "\"Resources\":{\"CPU\":20,\"MemoryMB\":16}}]}]}}",
        id, id, type, count, update, command);
}

const char *job_text(struct cluster *cl, const char *id, int count, const char *update)
{
    return job_text_with(cl, id, "service", count, update, "/bin/true");
}

/* ---- nodes --------------------------------------------------------------------------------
 */

const char *node_up(struct cluster *cl, const char *name)
{
    char id[UUID_SIZE];
    const char *text;
    struct answer a;

    random_uuid(id);
    text = arena_printf(
        cl->arena,
        "{\"ID\":\"%s\",\"Name\":\"%s\",\"Datacenter\":\"dc1\",\"HTTPAddr\":\"127.0.0.1:5641\","
        "\"Attributes\":{\"kernel.name\":\"linux\",\"driver.raw_exec\":\"1\","
        "\"nomad.version\":\"1.9.7\",\"os.name\":\"debian\"},"
        "\"Drivers\":{\"raw_exec\":{\"Detected\":true,\"Healthy\":true}},"
        "\"NodeResources\":{\"Cpu\":{\"CpuShares\":4000,\"TotalCpuCores\":2},"
        "\"Memory\":{\"MemoryMB\":4096},\"Disk\":{\"DiskMB\":100000}}}",
        id, name);
    a = call(cl, nomad_server_rpc(cl->server), "POST", "/v1/internal/node/register", text);
    T_INT_EQ(a.status, 200);
    return arena_strdup(cl->arena, id);
}

void node_beat(struct cluster *cl, const char *node_id)
{
    const char *text = arena_printf(cl->arena, "{\"node_id\":\"%s\"}", node_id);
    struct answer a =
        call(cl, nomad_server_rpc(cl->server), "POST", "/v1/internal/node/heartbeat", text);

    T_STR_EQ(a.status == 200 ? "" : a.body, "");
}

void report(struct cluster *cl, const char *alloc_id, const char *status, int healthy)
{
    struct answer al =
        ask(cl, "GET", arena_printf(cl->arena, "/v1/allocation/%s", alloc_id), NULL);
    const char *health = "", *text;
    struct answer a;

    T_INT_EQ(al.status, 200);
    if (healthy >= 0)
        health = arena_printf(cl->arena,
                              ",\"DeploymentStatus\":{\"Healthy\":%s,"
                              "\"Timestamp\":\"2026-01-01T00:00:00Z\"}",
                              healthy ? "true" : "false");
    text = arena_printf(cl->arena,
                        "{\"node_id\":\"%s\",\"allocs\":[{\"ID\":\"%s\",\"ClientStatus\":\"%s\""
                        ",\"ClientDescription\":\"told by a test\"%s}]}",
                        at(cl, &al, "NodeID"), alloc_id, status, health);
    a = call(cl, nomad_server_rpc(cl->server), "POST", "/v1/internal/node/update", text);
    T_STR_EQ(a.status == 200 ? "" : a.body, "");
}

/* ---- allocs -------------------------------------------------------------------------------
 */

static bool matches(const struct json *al, const char *key, const char *want)
{
    return !want || str_eqc(json_str_or(json_get(al, key), STR("")), want);
}

int count_allocs(struct cluster *cl, const char *job, const char *client_status,
                 const char *desired_status)
{
    struct answer a =
        ask(cl, "GET", arena_printf(cl->arena, "/v1/job/%s/allocations", job), NULL);
    int n = 0;

    for (uint32_t i = 0; i < a.json->len; i++)
        n += matches(&a.json->items[i], "ClientStatus", client_status) &&
             matches(&a.json->items[i], "DesiredStatus", desired_status);
    return n;
}

static int by_name(const void *a, const void *b)
{
    const struct json *x = *(const struct json *const *)a, *y = *(const struct json *const *)b;

    return str_cmp(json_get(x, "Name")->text, json_get(y, "Name")->text);
}

const char **allocs_of(struct cluster *cl, const char *job, const char *client_status, int n)
{
    int64_t until = clock_mono_ms() + T_PATIENCE_MS;
    const struct json **found = arena_array(cl->arena, const struct json *, 1000);
    const char **ids = arena_array(cl->arena, const char *, n + 1);
    int k = 0;

    for (;;) {
        struct answer a =
            ask(cl, "GET", arena_printf(cl->arena, "/v1/job/%s/allocations", job), NULL);

        k = 0;
        for (uint32_t i = 0; i < a.json->len && k < 1000; i++)
            if (matches(&a.json->items[i], "ClientStatus", client_status) &&
                matches(&a.json->items[i], "DesiredStatus", "run"))
                found[k++] = &a.json->items[i];
        if (k == n)
            break;
        if (clock_mono_ms() > until)
            t_fail(__FILE__, __LINE__, "job %s has %d allocs that are %s, not %d", job, k,
                   client_status ? client_status : "wanted", n);
        poll(NULL, 0, 1);
    }
    qsort(found, (size_t)n, sizeof *found, by_name);
    for (int i = 0; i < n; i++)
        ids[i] = arena_cstr(cl->arena, json_get(found[i], "ID")->text);
    return ids;
}
