/* Write-ahead records of engines: which mount they belong to travels in the record. */
#include <stdio.h>
#include <string.h>

#include "api/wal.h"
#include "base/clock.h"
#include "vault/core/core_priv.h"

enum { WAL_NAME_MAX = 64 };

struct engine_wal_kind {
    struct vault *vault;
    int (*rollback)(struct lease_env *env, const struct json *payload, struct err *e);
    char name[WAL_NAME_MAX];
};

int engine_wal_put(struct req *r, const char *name, const struct json *payload, char ret_id[37],
                   struct err *e)
{
    struct json *record = json_new_object(r->a);
    char kind[WAL_NAME_MAX];

    snprintf(kind, sizeof kind, "%s/%s", r->mount->engine->type, name);
    json_set(r->a, record, STR("mount"), json_of_str(str_of(r->mount->uuid)));
    json_set(r->a, record, STR("payload"), *payload);
    return wal_put(r->txn, kind, record, ret_id, e);
}

int engine_wal_del(struct req *r, const char *id, struct err *e)
{
    return wal_del(r->txn, id, e);
}

/* The mount may be gone by now: what it made outside still has to go, and cannot. */
static int roll_back(void *ctx, const struct json *record, struct arena *a, struct err *e)
{
    const struct engine_wal_kind *kind = ctx;
    struct lease_env env = {
        .vault = kind->vault, .a = a, .now_ns = clock_wall_ns(), .lease_id = ""};
    const char *uuid = json_cstr_or(a, json_get(record, "mount"), "");
    struct txn *t;
    int r = txn_begin(vault_store(kind->vault), TXN_READ_ONLY, &t, e);

    if (r < 0)
        return r;
    r = mount_by_uuid(kind->vault, t, uuid, &env.mount, e);
    if (r == 0)
        env.mount = schema_copy(&mount_schema, env.mount, a);
    txn_drop(t);
    if (r == ERR_NOTFOUND) {
        log_warn("vault", "wal_without_mount kind=%s mount=%s", kind->name, uuid);
        return 0;
    }
    return r < 0 ? r : kind->rollback(&env, json_get(record, "payload"), e);
}

void wal_register_engines(struct vault *v)
{
    for (size_t i = 0; i < v->n_engines; i++) {
        const struct engine *en = v->engines[i].engine;

        for (const struct engine_wal *w = en->wals; w && w->name; w++) {
            struct engine_wal_kind *kind = calloc(1, sizeof *kind);

            if (!kind)
                abort();
            kind->vault = v;
            kind->rollback = w->rollback;
            snprintf(kind->name, sizeof kind->name, "%s/%s", en->type, w->name);
            vec_push(&v->wal_kinds, kind);
            wal_register(v->opts.api, &(struct wal_kind){kind->name, roll_back, kind});
        }
    }
}

void wal_kinds_free(struct vault *v)
{
    for (size_t i = 0; i < v->wal_kinds.len; i++)
        free(v->wal_kinds.at[i]);
    vec_done(&v->wal_kinds);
}
