#include "glue/builtin.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "vault/core/policy.h"
#include "vault/core/seal.h"
#include "vault/core/token.h"

enum { TASK_TOKEN_TTL_S = 72 * 3600 };

struct builtin {
    struct task_secrets secrets;
    struct vault *vault;
    const char *address;
};

static bool is_reserved(const char *policy)
{
    static const char *const names[] = {"root", "response-wrapping", "control-group"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(policy, names[i]) == 0)
            return true;
    return false;
}

static int check_policies(const struct strlist *policies, const char *task, struct arena *a,
                          struct err *e)
{
    for (size_t i = 0; i < policies->len; i++) {
        const char *name = policy_name_canonical(a, str_of(policies->at[i]));

        if (is_reserved(name))
            return err_set(e, ERR_DENIED,
                           "task %s asks for the policy \"%s\", which no task may have", task,
                           name);
    }
    return 0;
}

static int check_job(void *ctx, const struct job *j, const char *submitter, struct arena *a,
                     struct err *e)
{
    (void)ctx;
    (void)submitter;
    list_each (&j->groups, g) {
        list_each (&g->tasks, t) {
            struct err why = ERR_INIT;

            if (t->vault && check_policies(&t->vault->policies, t->name, a, &why) < 0)
                return err_set_status(e, ERR_DENIED, 500, "1 error occurred:\n\t* %s\n\n",
                                      why.msg);
        }
    }
    return 0;
}

static void fill_token(const struct token_ask *q, struct arena *a, struct token *tok)
{
    const struct strpair meta[] = {{"AllocationID", q->alloc->id},
                                   {"JobID", q->alloc->job_id},
                                   {"Namespace", ""},
                                   {"NodeID", q->node->id},
                                   {"Task", q->task->name},
                                   {"TaskGroup", q->alloc->task_group}};

    *tok = (struct token){.namespace_id = "root",
                          .parent_hash = "",
                          .path = "auth/token/create",
                          .display_name =
                              arena_printf(a, "token-%s-%s", q->alloc->id, q->task->name),
                          .type = "service",
                          .role = "",
                          .entity_id = "",
                          .period_s = TASK_TOKEN_TTL_S,
                          .renewable = true,
                          .has_meta = true,
                          .owner = arena_printf(a, "alloc/%s/%s", q->alloc->id, q->task->name)};
    for (size_t i = 0; i < ARRAY_LEN(meta); i++)
        strmap_set(a, &tok->meta, meta[i].key, meta[i].val);
    for (size_t i = 0; i < q->task->vault->policies.len; i++)
        list_push(a, &tok->policies, q->task->vault->policies.at[i]);
    policy_names_canonical(a, &tok->policies, true);
}

static int create(void *ctx, struct txn *t, const struct token_ask *q, struct arena *a,
                  struct link_token *ret, const struct json **ret_record, struct err *e)
{
    struct builtin *b = ctx;
    struct token_new n = {.ttl_s = TASK_TOKEN_TTL_S};
    const struct token *tok;
    struct json *record;
    struct str id;
    int r = check_policies(&q->task->vault->policies, q->task->name, a, e);

    if (r < 0)
        return r;
    if (!seal_is_open(vault_seal(b->vault)))
        return err_set(e, ERR_SEALED, "Vault is sealed");
    fill_token(q, a, &n.tok);
    r = token_create(b->vault, t, a, clock_wall_ns(), &n, &id, &tok, e);
    if (r < 0)
        return r;
    ret->token = arena_cstr(a, id);
    ret->accessor = arena_strdup(a, tok->accessor);
    ret->ttl_s = TASK_TOKEN_TTL_S;
    ret->renewable = true;
    ret->address = b->address;
    ret->namespace_ = "";
    record = json_new_object(a);
    json_set(a, record, STR("owner"), json_of_str(str_of(arena_strdup(a, n.tok.owner))));
    *ret_record = record;
    return 0;
}

/* While sealed nothing can be read: the queue finds the owner again. */
static int alloc_ended(void *ctx, struct txn *t, const char *alloc_id, struct err *e)
{
    struct builtin *b = ctx;
    char owner[128];

    if (!seal_is_open(vault_seal(b->vault)))
        return 0;
    snprintf(owner, sizeof owner, "alloc/%s/", alloc_id);
    return token_revoke_owner(b->vault, t, str_of(owner), clock_wall_ns(), e);
}

struct revoke_job {
    struct builtin *b;
    const char *owner;
};

static int revoke_owner(struct txn *t, void *arg, struct err *e)
{
    const struct revoke_job *j = arg;

    return token_revoke_owner(j->b->vault, t, str_of(j->owner), clock_wall_ns(), e);
}

static int revoke_record(void *ctx, const struct json *record, struct arena *a, struct err *e)
{
    struct builtin *b = ctx;
    struct revoke_job j = {b, json_cstr_or(a, json_get(record, "owner"), "")};

    if (!*j.owner)
        return 0;
    if (!seal_is_open(vault_seal(b->vault)))
        return err_set(e, ERR_SEALED, "Vault is sealed");
    return store_run(vault_store(b->vault), revoke_owner, &j, 0, NULL, e);
}

static const struct json *status(void *ctx, struct arena *a)
{
    struct builtin *b = ctx;
    struct json *v = json_new_object(a);

    json_set(a, v, STR("enabled"), json_of_bool(true));
    json_set(a, v, STR("established"), json_of_bool(seal_is_open(vault_seal(b->vault))));
    return v;
}

static void builtin_free(void *ctx)
{
    free(ctx);
}

struct task_secrets *builtin_secrets_new(struct vault *v, const char *address)
{
    struct builtin *b = calloc(1, sizeof *b);

    if (!b)
        abort();
    b->vault = v;
    b->address = address;
    b->secrets = (struct task_secrets){.ctx = b,
                                       .check_job = check_job,
                                       .create = create,
                                       .alloc_ended = alloc_ended,
                                       .revoke = revoke_record,
                                       .status = status,
                                       .free = builtin_free};
    return &b->secrets;
}
