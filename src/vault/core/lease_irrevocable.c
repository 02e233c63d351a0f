/* sys/leases, sys/leases/count: those that cannot be revoked; sys/leases/tidy. */
#include <string.h>

#include "vault/core/lease_priv.h"

static struct req *req_of(struct call *c)
{
    return c->state;
}

/* ---- tidy, irrevocable ones ----------------------------------------------------------------
 */

int lease_tidy(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    int ret = lease_order_put(r->txn, "tidy", STR(""), false, r->now_ns, e);

    if (ret < 0)
        return ret;
    r->status = 202;
    req_warn(r,
             "Tidy operation successfully started. Any information from the operation will be "
             "printed to Vault's server logs.");
    return 0;
}

static bool wants_irrevocable(struct req *r)
{
    return str_eqc(json_str_or(json_get(r->data, "type"), STR("")), "irrevocable");
}

static int find_irrevocable(struct req *r, size_t max, struct lease_list *ret, struct err *e)
{
    const struct object *o;
    struct table_scan it;
    struct key k;
    int got;

    table_index_key(&k, &lease_table, "irrevocable");
    got = table_scan_index(r->txn, &it, &lease_table, &k, SCAN_PEEK, e);
    if (got < 0)
        return got;
    while (ret->len < max && (got = table_scan_next(&it, &o, e)) > 0)
        list_push(r->a, ret, o->body);
    table_scan_end(&it);
    return got < 0 ? got : 0;
}

struct mount_count {
    const char *accessor;
    int64_t n;
};

static void count_mount(struct req *r, const struct lease *l, struct mount_count *counts,
                        size_t *n)
{
    const struct mount *m;
    const char *accessor = l->mount_uuid;
    size_t i = 0;

    if (mount_by_uuid(r->vault, r->txn, l->mount_uuid, &m, NULL) == 0)
        accessor = m->accessor;
    while (i < *n && strcmp(counts[i].accessor, accessor) != 0)
        i++;
    if (i == *n) {
        counts[i].accessor = accessor;
        (*n)++;
    }
    counts[i].n++;
}

int lease_count(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct lease_list found = {0};
    struct mount_count *counts;
    struct json_out *w;
    size_t n = 0;
    int ret;

    if (!wants_irrevocable(r))
        return err_set(e, ERR_NOTFOUND, "%s", "");
    ret = find_irrevocable(r, SIZE_MAX, &found, e);
    if (ret < 0)
        return ret;
    counts = arena_array(r->a, struct mount_count, found.len + 1);
    for (size_t i = 0; i < found.len; i++)
        count_mount(r, found.at[i], counts, &n);
    w = req_data(r);
    json_key(w, "counts");
    json_obj(w);
    for (size_t i = 0; i < n; i++)
        json_kv_i64(w, counts[i].accessor, counts[i].n);
    json_obj_end(w);
    json_kv_u64(w, "lease_count", found.len);
    return 0;
}

static int read_limit(struct req *r, size_t *ret, struct err *e)
{
    const struct json *v = json_get(r->data, "limit");
    struct str text = json_str_or(v, STR(""));
    int64_t n;

    *ret = LEASE_IRREVOCABLE_SHOWN_MAX;
    if (!v || text.len == 0 || str_eqc(text, "none"))
        return 0;
    if (!str_to_i64(text, 10, &n) || n < 0)
        return req_fail_multi(
            e, 500,
            "invalid 'limit' provided: strconv.Atoi: parsing \"%.*s\": invalid "
            "syntax",
            STR_ARG(text));
    if ((size_t)n < *ret)
        *ret = (size_t)n;
    return 0;
}

int lease_irrevocable(struct call *c, struct err *e)
{
    struct req *r = req_of(c);
    struct lease_list found = {0};
    struct json_out *w;
    size_t max;
    int ret;

    if (!wants_irrevocable(r))
        return err_set(e, ERR_NOTFOUND, "%s", "");
    ret = read_limit(r, &max, e);
    if (ret == 0)
        ret = find_irrevocable(r, max, &found, e);
    if (ret < 0)
        return ret;
    w = req_data(r);
    json_kv_u64(w, "lease_count", found.len);
    json_key(w, "leases");
    json_arr(w);
    for (size_t i = 0; i < found.len; i++) {
        json_obj(w);
        json_kv_str(w, "error", found.at[i]->last_error ? found.at[i]->last_error : "");
        json_kv_str(w, "lease_id", found.at[i]->id);
        json_obj_end(w);
    }
    json_arr_end(w);
    return 0;
}
