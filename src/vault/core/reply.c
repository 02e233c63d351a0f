/* From what a handler made to what is sent: lease or token, wrapping, envelope, status. */
#include <stdio.h>
#include <string.h>

#include "vault/core/core_priv.h"

struct json_out *req_data(struct req *r)
{
    if (r->out)
        return r->out;
    buf_reset(&r->priv->data);
    json_out_init(&r->priv->out, &r->priv->data, NULL);
    r->priv->out.escape_html = true;
    r->out = &r->priv->out;
    json_obj(r->out);
    return r->out;
}

void req_data_raw(struct req *r, struct str object)
{
    struct json_out *w = req_data(r);
    struct str members = str_n(object.p + 1, object.len - 2); /* core closes the object */

    buf_put_str(w->b, members);
    w->first = members.len == 0;
}

void req_lease_hint(struct req *r, int64_t ttl_s)
{
    r->priv->lease_duration_s = ttl_s;
}

void req_warn(struct req *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    list_push(r->a, &r->warnings, arena_vprintf(r->a, fmt, ap));
    va_end(ap);
}

void req_list_keys(struct req *r, const struct strlist *keys)
{
    json_key(req_data(r), "keys");
    json_strlist(r->out, keys);
    r->priv->list_empty = keys->len == 0;
}

/* ---- what the handler made -------------------------------------------------------------- */

/* A leased secret whose token has just spent its last use would never be revoked in time. */
static int register_secret(struct req *r, struct err *e)
{
    const struct lease *l;
    int ret;

    if (!r->secret)
        return 0;
    if (r->priv->last_use)
        return req_fail(e, "Secret cannot be returned; token had one use left, so leased "
                           "credentials were immediately revoked.");
    ret = lease_register(r, r->secret, &l, e);
    if (ret < 0)
        return ret;
    r->priv->lease_id = l->id;
    r->priv->lease_duration_s = l->ttl_s;
    r->priv->lease_renewable = l->renewable;
    return 0;
}

static bool has_reply(const struct req *r)
{
    return r->out || r->auth_reply || r->warnings.len || r->priv->lease_id;
}

/* ---- the envelope ----------------------------------------------------------------------- */

static struct str data_text(const struct req *r)
{
    return buf_str(&r->priv->data);
}

/* Members of the data object, without its braces. */
static struct str data_members(const struct req *r)
{
    struct str all = data_text(r);

    return str_n(all.p + 1, all.len - 2);
}

static void write_warnings(const struct req *r, struct json_out *w)
{
    const struct strlist *both[] = {&r->warnings, &r->priv->notes};

    if (r->warnings.len + r->priv->notes.len == 0) {
        json_null(w);
        return;
    }
    json_arr(w);
    for (size_t k = 0; k < ARRAY_LEN(both); k++)
        for (size_t i = 0; i < both[k]->len; i++)
            json_str(w, both[k]->at[i]);
    json_arr_end(w);
}

static void write_envelope(struct req *r, struct json_out *w, const struct json *wrap_info)
{
    bool wrapped = wrap_info != NULL;

    json_obj(w);
    if (!wrapped && r->out && r->route && (r->route->flags & ROUTE_TOPLEVEL) &&
        data_members(r).len) {
        buf_put_str(w->b, data_members(r));
        w->first = false;
    }
    json_kv_str(w, "request_id", wrapped ? "" : r->request_id);
    json_kv_str(w, "lease_id", !wrapped && r->priv->lease_id ? r->priv->lease_id : "");
    json_kv_bool(w, "renewable", !wrapped && r->priv->lease_renewable);
    json_kv_i64(w, "lease_duration", wrapped ? 0 : r->priv->lease_duration_s);
    json_key(w, "data");
    if (!wrapped && r->out)
        json_raw(w, data_text(r));
    else
        json_null(w);
    json_key(w, "wrap_info");
    json_value(w, wrap_info);
    json_key(w, "warnings");
    write_warnings(r, w);
    json_key(w, "auth");
    json_value(w, wrapped ? NULL : r->auth_reply);
    json_obj_end(w);
    buf_putc(w->b, '\n');
}

static const char *wrapped_accessor(const struct req *r)
{
    return json_cstr_or(r->a, json_get(r->auth_reply, "accessor"), NULL);
}

static int wrap(struct req *r, const struct json **ret, struct err *e)
{
    auto_buf struct buf inner = BUF_INIT(API_REPLY_MAX);
    struct json_out w;

    inner.secret = true;
    json_out_init(&w, &inner, NULL);
    w.escape_html = true;
    write_envelope(r, &w, NULL);
    return wrap_response(r, buf_str(&inner), r->priv->wrap_ttl_s, wrapped_accessor(r), ret, e);
}

static int send_envelope(struct req *r, struct err *e)
{
    const struct json *wrap_info = NULL;
    struct json_out w;
    bool may_wrap =
        r->priv->wrap_ttl_s && !(r->route->flags & ROUTE_NO_WRAP) && r->status < 400;
    int ret;

    if (may_wrap) {
        ret = wrap(r, &wrap_info, e);
        if (ret < 0)
            return ret;
    }
    buf_reset(r->call->body);
    json_out_init(&w, r->call->body, NULL);
    w.escape_html = true;
    write_envelope(r, &w, wrap_info);
    call_field(r->call, "Cache-Control", "no-store");
    call_reply(r->call, r->status ? r->status : 200, "application/json");
    return 0;
}

/* Nothing to say: done for a write, not there for a read. */
static int send_nothing(struct req *r, struct err *e)
{
    call_field(r->call, "Cache-Control", "no-store");
    if (r->status) {
        call_reply(r->call, r->status, NULL);
        return 0;
    }
    if (r->op == OP_READ || r->op == OP_LIST)
        return err_set(e, ERR_NOTFOUND, "%s", "");
    call_reply(r->call, 204, NULL);
    return 0;
}

int req_complete(struct req *r, struct err *e)
{
    int ret = 0;

    if (r->route->flags & ROUTE_BARE) {
        call_field(r->call, "Cache-Control", "no-store");
        return 0;
    }
    if (r->auth)
        ret = token_from_auth(r, r->auth, e);
    if (ret == 0)
        ret = register_secret(r, e);
    if (ret < 0)
        return ret;
    if (r->out) {
        json_obj_end(r->out);
        ret = buf_check(&r->priv->data, "the reply", e);
        if (ret < 0)
            return ret;
    }
    if (!has_reply(r) || (r->op == OP_LIST && r->priv->list_empty && !r->warnings.len))
        return send_nothing(r, e);
    return send_envelope(r, e);
}
