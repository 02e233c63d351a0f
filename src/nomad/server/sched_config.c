#include "nomad/server/sched_config.h"

#include <string.h>

#include "nomad/server/list.h"

#define AT(member) offsetof(struct sched_config, member)

static const struct schema_field preemption_fields[] = {
    {"SystemSchedulerEnabled", NULL, F_BOOL, offsetof(struct preemption_config, system)},
    {"SysBatchSchedulerEnabled", NULL, F_BOOL, offsetof(struct preemption_config, sysbatch)},
    {"BatchSchedulerEnabled", NULL, F_BOOL, offsetof(struct preemption_config, batch)},
    {"ServiceSchedulerEnabled", NULL, F_BOOL, offsetof(struct preemption_config, service)},
};
static SCHEMA(preemption_schema, "preemption", struct preemption_config, preemption_fields);

static const struct schema_field config_fields[] = {
    {"SchedulerAlgorithm", NULL, F_STR, AT(algorithm), .def = "\"binpack\""},
    {"PreemptionConfig", NULL, F_EMBED, AT(preemption), .sub = &preemption_schema},
    {"MemoryOversubscriptionEnabled", NULL, F_BOOL, AT(memory_oversubscription)},
    {"RejectJobRegistration", NULL, F_BOOL, AT(reject_job_registration)},
    {"PauseEvalBroker", NULL, F_BOOL, AT(pause_eval_broker)},
    {"CreateIndex", NULL, F_UINT, AT(create_index)},
    {"ModifyIndex", NULL, F_UINT, AT(modify_index)},
};
static SCHEMA(config_schema, "scheduler configuration", struct sched_config, config_fields);

static void config_key(struct key *k)
{
    key_init(k, "scheduler_config");
}

int sched_config_load(struct txn *t, struct arena *a, struct sched_config *ret, struct err *e)
{
    struct object *o;
    struct record rec;
    struct key k;
    int r;

    config_key(&k);
    r = txn_get(t, key_str(&k), &rec, e);
    if (r == ERR_NOTFOUND) {
        *ret = (struct sched_config){.algorithm = "binpack",
                                     .preemption = {.system = true},
                                     .create_index = 1,
                                     .modify_index = 1};
        return 0;
    }
    if (r == 0)
        r = object_load(&config_schema, rec.value, &o, e);
    if (r < 0)
        return r;
    memcpy(ret, schema_copy(&config_schema, o->body, a), sizeof *ret);
    ret->create_index = rec.create_rev;
    ret->modify_index = rec.mod_rev;
    object_unref(o);
    return 0;
}

int sched_config_read(struct call *c, struct err *e)
{
    struct sched_config conf;
    struct json_out *w;
    int r = sched_config_load(c->txn, c->arena, &conf, e);

    if (r < 0)
        return r;
    nomad_index(c, conf.modify_index);
    w = nomad_json(c);
    json_obj(w);
    json_query_meta(w, conf.modify_index);
    json_key(w, "SchedulerConfig");
    schema_encode(&config_schema, &conf, 0, w);
    json_obj_end(w);
    return 0;
}

static int store(struct call *c, const struct sched_config *conf, struct err *e)
{
    auto_object struct object *o = object_new(&config_schema);
    auto_buf struct buf text = BUF_INIT(4096);
    struct sched_config *body = o->body;
    struct key k;

    memcpy(body, schema_copy(&config_schema, conf, o->arena), sizeof *body);
    body->create_index = body->modify_index = 0;
    object_store(o, &text);
    config_key(&k);
    return txn_put(c->txn, key_str(&k), buf_str(&text), e);
}

static void reply_written(struct call *c, uint64_t rev, void *arg)
{
    const bool *updated = arg;
    struct json_out *w = nomad_json(c);

    if (*updated)
        scheduler_wake(server_of(c)); /* it may have been paused */
    json_obj(w);
    json_kv_u64(w, "Index", rev);
    json_kv_bool(w, "Updated", *updated);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

int sched_config_write(struct call *c, struct err *e)
{
    bool *updated = arena_new_of(c->arena, bool);
    struct sched_config conf, now;
    uint64_t cas = 0;
    struct str text;
    bool checks = call_query(c, "cas", &text);
    int r = nomad_body(c, &config_schema, &conf, e);

    if (r < 0)
        return r;
    if (checks && !str_to_u64(text, 10, &cas))
        return nomad_fail(e, 400, "Error parsing cas value: \"%.*s\" is not a number",
                          STR_ARG(text));
    if (!*str_or_empty(conf.algorithm))
        conf.algorithm = "binpack";
    if (strcmp(conf.algorithm, "binpack") != 0 && strcmp(conf.algorithm, "spread") != 0)
        return nomad_fail(e, 400, "invalid scheduler algorithm: %s", conf.algorithm);
    r = sched_config_load(c->txn, c->arena, &now, e);
    if (r < 0)
        return r;
    *updated = !checks || cas == now.modify_index;
    if (!*updated) {
        reply_written(c, now.modify_index, updated);
        return 0;
    }
    r = store(c, &conf, e);
    if (r == 0)
        call_on_commit(c, reply_written, updated);
    return r;
}
