/*
 * Identities of tasks: what a task can prove about itself, signed by the keyring.
 *
 * They are signed when the alloc's client asks for them, each time anew, with the key that was
 * active when the alloc was placed (its SigningKeyID), or the active one once that is gone.
 */
#include "nomad/server/identity.h"

#include <string.h>

#include "base/random.h"
#include "nomad/server/keyring.h"

enum { CLAIMS_MAX = 16 << 10, SECOND_NS = 1000000000 };

static bool is_for_vault(const struct workload_identity *wi)
{
    return strncmp(str_or_empty(wi->name), "vault_", 6) == 0;
}

static void write_audience(struct json_out *w, const struct strlist *aud)
{
    if (aud->len == 0)
        return;
    json_key(w, "aud");
    if (aud->len == 1)
        json_str(w, aud->at[0]);
    else
        json_strlist(w, aud);
}

static void write_times(struct json_out *w, const struct workload_identity *wi, int64_t now_ns)
{
    if (wi->ttl_ns > 0)
        json_kv_i64(w, "exp", (now_ns + wi->ttl_ns) / SECOND_NS);
    json_kv_i64(w, "iat", now_ns / SECOND_NS);
    json_kv_i64(w, "nbf", now_ns / SECOND_NS);
}

static void write_vault(struct json_out *w, const struct vault_block *v)
{
    if (*str_or_empty(v->namespace))
        json_kv_str(w, "vault_namespace", v->namespace);
    if (*str_or_empty(v->role))
        json_kv_str(w, "vault_role", v->role);
}

/* Of a child of a periodic or parameterised job the parent is named: its id is known before. */
static void write_claims(struct json_out *w, const struct nomad_server *s,
                         const struct identity_ask *q, const struct workload_identity *wi,
                         int64_t now_ns, struct arena *a)
{
    const struct alloc *al = q->alloc;
    const char *parent = str_or_empty(q->job->parent_id);
    const char *job = *parent ? parent : al->job_id;
    char jti[UUID_SIZE];

    random_uuid(jti);
    json_obj(w);
    write_audience(w, &wi->audience);
    write_times(w, wi, now_ns);
    if (*str_or_empty(s->opts.oidc_issuer))
        json_kv_str(w, "iss", s->opts.oidc_issuer);
    json_kv_str(w, "jti", jti);
    json_kv_str(w, "nomad_allocation_id", al->id);
    json_kv_str(w, "nomad_job_id", job);
    json_kv_str(w, "nomad_namespace", al->namespace);
    json_kv_str(w, "nomad_task", q->task->name);
    json_kv_str(w, "sub",
                arena_printf(a, "%s:%s:%s:%s:%s:%s", s->opts.region, al->namespace, job,
                             al->task_group, q->task->name, wi->name));
    if (is_for_vault(wi) && q->task->vault)
        write_vault(w, q->task->vault);
    json_obj_end(w);
}

int identity_sign(struct nomad_server *s, struct txn *t, const struct identity_ask *q,
                  const struct workload_identity *wi, int64_t now_ns, struct buf *out,
                  struct err *e)
{
    auto_buf struct buf claims = BUF_INIT(CLAIMS_MAX);
    struct json_out w;
    int r;

    json_out_init(&w, &claims, NULL);
    write_claims(&w, s, q, wi, now_ns, txn_arena(t));
    r = buf_check(&claims, "the claims", e);
    return r < 0 ? r
                 : root_keyring_sign(s->keyring, t, str_or_empty(q->alloc->signing_key_id),
                                     buf_str(&claims), out, e);
}

/* ---- for the alloc's client ----------------------------------------------------------------
 */

static int add_one(struct call *c, const struct identity_ask *q,
                   const struct workload_identity *wi, struct link_identities *ret,
                   struct err *e)
{
    auto_buf struct buf token = {.max = CLAIMS_MAX * 2, .secret = true};
    struct link_identity *id;
    int r = identity_sign(server_of(c), c->txn, q, wi, c->now_ns, &token, e);

    if (r < 0)
        return r;
    id = list_add(c->arena, &ret->list);
    *id = (struct link_identity){.task = q->task->name,
                                 .name = wi->name,
                                 .token = arena_cstr(c->arena, buf_str(&token)),
                                 .expires_ns = wi->ttl_ns > 0 ? c->now_ns + wi->ttl_ns : 0};
    return 0;
}

int identities_of_alloc(struct call *c, const struct alloc *al, const struct job *j,
                        struct link_identities *ret, struct err *e)
{
    const struct task_group *g = job_group(j, al->task_group);
    int r = 0;

    for (size_t i = 0; g && r == 0 && i < g->tasks.len; i++) {
        const struct task *t = &g->tasks.at[i];
        struct identity_ask q = {.alloc = al, .job = j, .task = t};

        if (t->identity)
            r = add_one(c, &q, t->identity, ret, e);
        for (size_t k = 0; r == 0 && k < t->identities.len; k++)
            r = add_one(c, &q, &t->identities.at[k], ret, e);
    }
    return r;
}
