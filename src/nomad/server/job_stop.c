/* Jobs: stop and purge. */
#include <string.h>

#include "nomad/server/job_api.h"

struct deregistered {
    const char *eval_id;
    bool found;
    bool purge;
};

static void reply_deregistered(struct call *c, uint64_t rev, void *arg)
{
    const struct deregistered *d = arg;
    struct json_out *w = nomad_json(c);

    json_obj(w);
    json_kv_u64(w, "EvalCreateIndex", rev); /* also where no evaluation was made */
    json_kv_str(w, "EvalID", d->eval_id);
    json_kv_u64(w, "Index", rev);
    json_kv_u64(w, "JobModifyIndex", rev);
    json_kv_bool(w, "KnownLeader", false);
    json_kv_u64(w, "LastContact", 0);
    json_kv_str(w, "NextToken", "");
    json_kv_str(w, "VolumeEvalID", "");
    json_kv_u64(w, "VolumeEvalIndex", 0);
    json_obj_end(w);
    call_fieldf(c, "X-Nomad-Index", "%llu", (unsigned long long)rev);
}

/* 0: not given, or left to the job. */
static int eval_priority_of(struct call *c, int64_t *ret, struct err *e)
{
    const char *text = call_text(c, "eval_priority");

    *ret = 0;
    if (!*text)
        return 0;
    if (!str_to_i64(str_of(text), 10, ret))
        return nomad_fail(e, 400,
                          "Failed to parse value of \"eval_priority\" (%.64s) as an int: "
                          "strconv.Atoi: parsing \"%.64s\": invalid syntax",
                          text, text);
    if (*ret < 0 || *ret > 100)
        return nomad_fail(e, 400, "Eval priority must be between 1 and 100 inclusively");
    return 0;
}

int job_deregister(struct call *c, const char *id, struct err *e)
{
    const char *ns = call_namespace(c);
    struct deregistered *d = arena_new_of(c->arena, struct deregistered);
    const struct object *old;
    const struct job *j;
    struct job_tx x = job_tx_of(c);
    int64_t priority = 0;
    int r = call_bool(c, "purge", &d->purge, e);

    d->eval_id = "";
    if (r < 0)
        return r;
    r = eval_priority_of(c, &priority, e);
    if (r < 0)
        return r;
    r = state_job(c->txn, ns, id, &old, e);
    if (r == ERR_NOTFOUND) {
        reply_deregistered(c, 0, d);
        return 0;
    }
    if (r < 0)
        return r;
    j = old->body;
    r = d->purge            ? job_purge(c->txn, ns, id, e)
        : job_is_stopped(j) ? 0
                            : job_put_stopped(&x, old, e);
    if (r == 0)
        r = job_make_eval(&x, j, priority, EVAL_BY_DEREGISTER, 0, &d->eval_id, e);
    if (r == 0 && !d->purge)
        r = job_refresh_status(c->txn, ns, id, e);
    if (r < 0)
        return r;
    if (!txn_has_writes(c->txn))
        reply_deregistered(c, table_rev(c->txn, &job_table), d);
    else
        call_on_commit(c, reply_deregistered, d);
    return 0;
}
