#include "nomad/server/remote.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "http/client.h"
#include "lang/units.h"
#include "nomad/server/server_priv.h"

enum {
    TRY_FIRST_MS = 1000,
    TRY_MAX_MS = 30000,
    RENEW_MIN_MS = 5000,
    CALL_TIMEOUT_MS = 20000,
    BODY_MAX = 256 << 10,
};

struct remote {
    struct task_secrets secrets;
    struct arena *arena; /* options */
    struct remote_opts opts;
    struct http_client *http;
    struct thread thread;
    struct stopper stop;

    struct lock lock; /* what follows */
    bool established, root, tried;
    char role[256];
    char problem[ERR_MSG_SIZE];
    int64_t token_ttl_s, creation_ttl_s, renewed_ns, renew_at_ms, expires_ms;
};

/* ---- asking the Vault ------------------------------------------------------------------- */

static int kind_of(int status)
{
    if (status == 400 || status == 403 || status == 404)
        return ERR_DENIED;
    return ERR_UNAVAIL;
}

/* The error as Vault's own client words it; scripts and people know it. */
static int api_error(const struct remote *m, const char *method, const char *path,
                     const struct http_response *q, struct arena *a, struct err *e)
{
    auto_buf struct buf text = BUF_INIT(ERR_MSG_SIZE);
    const struct json *list;
    struct json *v;

    buf_printf(&text, "Error making API request.\n\nURL: %s %s/v1/%s\nCode: %d. Errors:\n",
               method, m->opts.address, path, q->status);
    if (json_parse(q->body, NULL, JSON_COPY, a, &v, NULL) == 0 &&
        json_is(list = json_get(v, "errors"), JSON_ARRAY)) {
        for (uint32_t i = 0; i < list->len; i++)
            buf_printf(&text, "\n* %.*s", STR_ARG(json_str_or(&list->items[i], STR(""))));
    }
    return err_set(e, kind_of(q->status), "%.*s", STR_ARG(buf_str(&text)));
}

/* 2xx: *ret is the JSON answer (NULL: empty). */
static int ask(struct remote *m, const char *method, const char *path, struct str body,
               struct arena *a, struct json **ret, struct err *e)
{
    const struct http_header headers[] = {{"X-Vault-Token", m->opts.token},
                                          {"X-Vault-Request", "true"},
                                          {"X-Vault-Namespace", m->opts.namespace}};
    struct http_request q = {.method = method,
                             .path = arena_printf(a, "/v1/%s", path),
                             .body = body,
                             .headers = headers,
                             .n_headers = m->opts.namespace && *m->opts.namespace ? 3 : 2,
                             .timeout_ms = CALL_TIMEOUT_MS,
                             .stop = &m->stop};
    struct http_response reply;
    int r = http_do(m->http, &q, a, &reply, e);

    *ret = NULL;
    if (r < 0)
        return err_set(e, ERR_UNAVAIL, "%s \"%s/v1/%s\": %s", method[0] == 'G' ? "Get" : "Post",
                       m->opts.address, path, e ? arena_strdup(a, e->msg) : "");
    if (reply.status < 200 || reply.status > 299)
        return api_error(m, method, path, &reply, a, e);
    if (reply.body.len && json_parse(reply.body, NULL, JSON_COPY, a, ret, e) < 0)
        return err_set(e, ERR_UNAVAIL, "the answer of %s is not JSON", path);
    return 0;
}

/* {"name": "value"}, whatever the value holds. */
static struct str one_member(struct arena *a, const char *name, const char *value)
{
    auto_buf struct buf b = BUF_INIT(BODY_MAX);
    struct json_out w;

    json_out_init(&w, &b, NULL);
    json_obj(&w);
    json_kv_str(&w, name, value);
    json_obj_end(&w);
    return arena_str(a, buf_str(&b));
}

/* ---- is everything as it must be? ------------------------------------------------------- */

struct self {
    bool root, renewable;
    int64_t ttl_s, creation_ttl_s;
    const char *role;
};

static int look_at_self(struct remote *m, struct arena *a, struct self *ret, struct err *e)
{
    struct json *v;
    const struct json *data, *policies;
    int r = ask(m, "GET", "auth/token/lookup-self", (struct str){0}, a, &v, e);

    if (r < 0)
        return r;
    data = json_get(v, "data");
    policies = json_get(data, "policies");
    *ret = (struct self){.renewable = json_bool_or(json_get(data, "renewable"), false),
                         .ttl_s = json_i64_or(json_get(data, "ttl"), 0),
                         .creation_ttl_s = json_i64_or(json_get(data, "creation_ttl"), 0),
                         .role = json_cstr_or(a, json_get(data, "role"), "")};
    for (uint32_t i = 0; json_is(policies, JSON_ARRAY) && i < policies->len; i++)
        if (str_eqc(json_str_or(&policies->items[i], STR("")), "root"))
            ret->root = true;
    return 0;
}

static int check_self(const struct remote *m, struct self *s, struct err *e)
{
    if (m->opts.create_from_role && *m->opts.create_from_role)
        s->role = m->opts.create_from_role;
    if (s->root && s->creation_ttl_s == 0)
        return 0;
    if (!s->renewable)
        return err_set(e, ERR_DENIED, "Vault token is not renewable or root");
    if (s->creation_ttl_s == 0)
        return err_set(e, ERR_DENIED, "invalid lease duration of zero");
    if (s->ttl_s == 0)
        return err_set(e, ERR_DENIED, "token TTL is zero");
    if (!s->root && !*s->role)
        return err_set(e, ERR_DENIED,
                       "token role name must be set when not using a root token");
    return 0;
}

static const char *list_text(const struct json *caps, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(1024);

    for (uint32_t i = 0; json_is(caps, JSON_ARRAY) && i < caps->len; i++)
        buf_printf(&b, "%s%.*s", i ? " " : "", STR_ARG(json_str_or(&caps->items[i], STR(""))));
    return arena_cstr(a, buf_str(&b));
}

static bool has_capability(const struct json *caps, const char *want)
{
    for (uint32_t i = 0; json_is(caps, JSON_ARRAY) && i < caps->len; i++) {
        struct str c = json_str_or(&caps->items[i], STR(""));

        if (str_eqc(c, want) || str_eqc(c, "root"))
            return true;
    }
    return false;
}

static int capabilities_on(struct remote *m, const char *path, struct arena *a,
                           const struct json **ret, struct err *e)
{
    struct json *v;
    const struct json *data;
    int r = ask(m, "POST", "sys/capabilities-self", one_member(a, "path", path), a, &v, e);

    if (r < 0)
        return r;
    data = json_get(v, "data");
    *ret = json_get(data, path);
    if (!*ret)
        *ret = json_get(data, "capabilities");
    return 0;
}

static int check_capabilities(struct remote *m, const struct self *s, struct arena *a,
                              struct err *e)
{
    const struct {
        const char *path, *capability;
        bool needed;
    } rows[] = {
        {"auth/token/lookup", "update", !m->opts.allow_unauthenticated},
        {"auth/token/renew-self", "update", true},
        {"auth/token/revoke-accessor", "update", true},
        {arena_printf(a, "auth/token/roles/%s", s->role), "read", *s->role != '\0'},
        {arena_printf(a, "auth/token/create/%s", s->role), "update", *s->role != '\0'},
    };
    const struct json *caps;

    if (capabilities_on(m, "sys/capabilities-self", a, &caps, NULL) == ERR_DENIED) {
        log_warn(
            "vault",
            "capabilities of the server's token cannot be looked at; they are not checked");
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int r = rows[i].needed ? capabilities_on(m, rows[i].path, a, &caps, e) : 0;

        if (r < 0)
            return r;
        if (rows[i].needed && !has_capability(caps, rows[i].capability))
            return err_set(e, ERR_DENIED,
                           "token must have one of the following capabilities [\"%s\" "
                           "\"root\"] on \"%s\"; has [%s]",
                           rows[i].capability, rows[i].path, list_text(caps, a));
    }
    return 0;
}

static int check_role(struct remote *m, const struct self *s, struct arena *a, struct err *e)
{
    struct json *v;
    const struct json *d;
    int r;

    if (!*s->role)
        return 0;
    r = ask(m, "GET", arena_printf(a, "auth/token/roles/%s", s->role), (struct str){0}, a, &v,
            e);
    if (r == ERR_DENIED)
        return err_set(e, ERR_DENIED, "Role \"%s\" does not exist", s->role);
    if (r < 0)
        return r;
    d = json_get(v, "data");
    if (!json_bool_or(json_get(d, "renewable"), false))
        return err_set(e, ERR_DENIED, "Role must allow tokens to be renewed");
    if (json_i64_or(json_get(d, "explicit_max_ttl"), 0) ||
        json_i64_or(json_get(d, "token_explicit_max_ttl"), 0))
        return err_set(e, ERR_DENIED,
                       "Role can not use an explicit max ttl. Token must be periodic.");
    if (!json_i64_or(json_get(d, "period"), 0) && !json_i64_or(json_get(d, "token_period"), 0))
        return err_set(e, ERR_DENIED,
                       "Role must have a non-zero period to make tokens periodic.");
    return 0;
}

/* ---- the connection --------------------------------------------------------------------- */

static int renew_self(struct remote *m, struct arena *a, int64_t *ret_ttl_s, struct err *e)
{
    struct json *v;
    int r = ask(m, "PUT", "auth/token/renew-self",
                str_of(arena_printf(a, "{\"increment\":%lld}", (long long)m->creation_ttl_s)),
                a, &v, e);

    if (r == 0)
        *ret_ttl_s = json_i64_or(json_path(v, "auth.lease_duration"), 0);
    return r;
}

static void keep_going(struct remote *m, int64_t ttl_s)
{
    int64_t now = clock_mono_ms();

    m->token_ttl_s = ttl_s;
    m->renewed_ns = clock_wall_ns();
    m->expires_ms = ttl_s ? now + ttl_s * 1000 : 0;
    m->renew_at_ms =
        ttl_s ? now + (ttl_s * 500 > RENEW_MIN_MS ? ttl_s * 500 : RENEW_MIN_MS) : 0;
}

static int establish(struct remote *m, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct self s = {0};
    int64_t ttl = 0;
    int r = look_at_self(m, a, &s, e);

    if (r == 0)
        r = check_self(m, &s, e);
    if (r == 0 && !s.root)
        r = check_capabilities(m, &s, a, e);
    if (r == 0)
        r = check_role(m, &s, a, e);
    m->creation_ttl_s = s.creation_ttl_s;
    if (r == 0 && s.creation_ttl_s)
        r = renew_self(m, a, &ttl, e);
    if (r < 0)
        return r;
    lock_take(&m->lock);
    m->established = m->tried = true;
    m->root = s.root;
    snprintf(m->role, sizeof m->role, "%s", s.role);
    m->problem[0] = '\0';
    keep_going(m, ttl);
    lock_drop(&m->lock);
    log_info("vault", "connection to Vault established address=%s role=%s", m->opts.address,
             s.role);
    return 0;
}

static void note_failure(struct remote *m, const struct err *e, int64_t wait_ms)
{
    lock_take(&m->lock);
    m->tried = true;
    m->established = false;
    snprintf(m->problem, sizeof m->problem, "%s", e->msg);
    lock_drop(&m->lock);
    if (e->code == ERR_UNAVAIL)
        log_warn("vault", "failed to contact Vault API: retry=%llds error=%s",
                 (long long)wait_ms / 1000, e->msg);
    else
        log_error("vault", "failed to validate self token/role: retry=%llds error=%s",
                  (long long)wait_ms / 1000, e->msg);
}

/* Until it stands; false: stopped. */
static bool keep_trying(struct remote *m)
{
    int64_t wait = TRY_FIRST_MS;

    while (!stopper_is_set(&m->stop)) {
        struct err e = ERR_INIT;

        if (establish(m, &e) == 0)
            return true;
        note_failure(m, &e, wait);
        if (stopper_wait_until(&m->stop, clock_mono_ms() + wait +
                                             (int64_t)random_below((uint64_t)wait / 4)))
            return false;
        wait = wait * 2 > TRY_MAX_MS ? TRY_MAX_MS : wait * 2;
    }
    return false;
}

/* The server's own token, renewed at half its time; a failure is tried again until it is over.
 */
static void keep_alive(struct remote *m)
{
    auto_arena struct arena *a = arena_new(0);
    int64_t wait = RENEW_MIN_MS;

    while (!stopper_wait_until(&m->stop, m->renew_at_ms)) {
        struct err e = ERR_INIT;
        int64_t ttl;

        if (m->renew_at_ms == 0)
            continue; /* a root token: nothing to renew, until stopped */
        arena_reset(a);
        if (renew_self(m, a, &ttl, &e) == 0) {
            lock_take(&m->lock);
            keep_going(m, ttl);
            lock_drop(&m->lock);
            wait = RENEW_MIN_MS;
            continue;
        }
        log_warn("vault", "own token is not renewed, retrying: %s", e.msg);
        if (e.code == ERR_DENIED || clock_mono_ms() >= m->expires_ms) {
            note_failure(m, &e, TRY_FIRST_MS);
            return;
        }
        m->renew_at_ms = clock_mono_ms() + wait;
        wait = wait * 2 > TRY_MAX_MS ? TRY_MAX_MS : wait * 2;
    }
}

static void run(void *arg)
{
    struct remote *m = arg;

    while (keep_trying(m))
        keep_alive(m);
}

/* ---- what the server asks for ----------------------------------------------------------- */

static int check_established(struct remote *m, struct err *e)
{
    int r = 0;

    lock_take(&m->lock);
    if (!m->established)
        r = m->tried ? err_set(e, ERR_UNAVAIL, "failed to establish connection to Vault: %s",
                               m->problem)
                     : err_set(e, ERR_UNAVAIL,
                               "Connection to Vault has not been established. Retry");
    lock_drop(&m->lock);
    return r;
}

static const char *missing_policies(const struct job *j, const struct json *have,
                                    struct arena *a)
{
    struct strlist missing = {0};
    auto_buf struct buf b = BUF_INIT(ERR_MSG_SIZE);

    list_each (&j->groups, g)
        list_each (&g->tasks, t)
            for (size_t i = 0; t->vault && i < t->vault->policies.len; i++)
                if (!has_capability(have, t->vault->policies.at[i]))
                    list_push(a, &missing, t->vault->policies.at[i]);
    strlist_sort_unique(&missing);
    for (size_t i = 0; i < missing.len; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", missing.at[i]);
    return missing.len ? arena_cstr(a, buf_str(&b)) : NULL;
}

static int job_error(struct err *e, int code, const char *text)
{
    return err_set_status(e, code, 500, "1 error occurred:\n\t* %s\n\n", text);
}

static int check_job(void *ctx, const struct job *j, const char *submitter, struct arena *a,
                     struct err *e)
{
    struct remote *m = ctx;
    struct json *v;
    const char *missing;
    struct err why = ERR_INIT;

    if (m->opts.allow_unauthenticated)
        return 0;
    if (!submitter || !*submitter)
        return job_error(e, ERR_DENIED, "Vault used in the job but missing Vault token");
    if (ask(m, "POST", "auth/token/lookup", one_member(a, "token", submitter), a, &v, &why) < 0)
        return job_error(e, ERR_DENIED,
                         arena_printf(a, "failed to lookup Vault token: %s", why.msg));
    missing = missing_policies(j, json_path(v, "data.policies"), a);
    if (missing)
        return job_error(
            e, ERR_DENIED,
            arena_printf(a, "Vault token doesn't allow access to the following policies: %s",
                         missing));
    return 0;
}

static void write_create_body(struct remote *m, const struct token_ask *q, bool periodic,
                              struct buf *b)
{
    const char *ttl =
        m->opts.task_token_ttl && *m->opts.task_token_ttl ? m->opts.task_token_ttl : "72h";
    const struct strpair meta[] = {{"AllocationID", q->alloc->id},
                                   {"JobID", q->alloc->job_id},
                                   {"Namespace", str_or_empty(q->task->vault->namespace)},
                                   {"NodeID", q->node->id},
                                   {"Task", q->task->name},
                                   {"TaskGroup", q->alloc->task_group}};
    char name[512];
    struct json_out w;

    json_out_init(&w, b, NULL);
    json_obj(&w);
    json_key(&w, "policies");
    json_strlist(&w, &q->task->vault->policies);
    json_key(&w, "meta");
    json_obj(&w);
    for (size_t i = 0; i < ARRAY_LEN(meta); i++)
        json_kv_str(&w, meta[i].key, meta[i].val);
    json_obj_end(&w);
    json_kv_str(&w, "ttl", ttl);
    if (periodic)
        json_kv_str(&w, "period", ttl);
    snprintf(name, sizeof name, "%s-%s", q->alloc->id, q->task->name);
    json_kv_str(&w, "display_name", name);
    json_obj_end(&w);
}

static int create(void *ctx, struct txn *t, const struct token_ask *q, struct arena *a,
                  struct link_token *ret, const struct json **ret_record, struct err *e)
{
    auto_buf struct buf body = BUF_INIT(BODY_MAX);
    struct remote *m = ctx;
    const struct json *auth;
    struct json *v, *record;
    const char *path;
    bool with_role;
    int r = check_established(m, e);

    (void)t;
    if (r < 0)
        return r;
    with_role = m->role[0] != '\0';
    path = with_role ? arena_printf(a, "auth/token/create/%s", m->role) : "auth/token/create";
    write_create_body(m, q, !with_role, &body);
    r = ask(m, "POST", path, buf_str(&body), a, &v, e);
    if (r < 0)
        return err_wrap(e, r, "failed to create an alloc vault token");
    auth = json_get(v, "auth");
    ret->token = json_cstr_or(a, json_get(auth, "client_token"), "");
    ret->accessor = json_cstr_or(a, json_get(auth, "accessor"), "");
    ret->ttl_s = json_i64_or(json_get(auth, "lease_duration"), 0);
    ret->renewable = json_bool_or(json_get(auth, "renewable"), false);
    ret->address = m->opts.address;
    ret->namespace_ = str_or_empty(m->opts.namespace);
    if (!*ret->token || !*ret->accessor)
        return err_set(e, ERR_UNAVAIL, "the Vault gave no token for the task");
    record = json_new_object(a);
    json_set(a, record, STR("accessor"), json_of_str(str_of(ret->accessor)));
    *ret_record = record;
    return 0;
}

static int revoke_token(void *ctx, const struct json *record, struct arena *a, struct err *e)
{
    struct remote *m = ctx;
    struct json *v;
    const char *accessor = json_cstr_or(a, json_get(record, "accessor"), "");
    int r = ask(m, "POST", "auth/token/revoke-accessor", one_member(a, "accessor", accessor), a,
                &v, e);

    if (r < 0 && e && strstr(e->msg, "invalid accessor"))
        return 0;
    return r;
}

static const struct json *status(void *ctx, struct arena *a)
{
    struct remote *m = ctx;
    struct json *v = json_new_object(a);

    lock_take(&m->lock);
    json_set(a, v, STR("enabled"), json_of_bool(true));
    json_set(a, v, STR("established"), json_of_bool(m->established));
    json_set(a, v, STR("token_ttl"), json_of_i64(a, m->token_ttl_s));
    json_set(a, v, STR("problem"), json_of_str(arena_str(a, str_of(m->problem))));
    lock_drop(&m->lock);
    return v;
}

/* ---- life ------------------------------------------------------------------------------- */

static void remote_free(void *ctx)
{
    struct remote *m = ctx;

    stopper_stop(&m->stop);
    thread_join(&m->thread);
    http_client_free(m->http);
    stopper_done(&m->stop);
    lock_done(&m->lock);
    arena_free(m->arena);
    free(m);
}

static void copy_opts(struct remote *m, const struct remote_opts *o)
{
    struct arena *a = m->arena;

    m->opts = (struct remote_opts){
        .address = arena_strdup(a, o->address),
        .token = arena_strdup(a, str_or_empty(o->token)),
        .namespace = arena_strdup(a, str_or_empty(o->namespace)),
        .create_from_role = arena_strdup(a, str_or_empty(o->create_from_role)),
        .task_token_ttl = arena_strdup(a, str_or_empty(o->task_token_ttl)),
        .allow_unauthenticated = o->allow_unauthenticated};
}

int remote_secrets_new(const struct remote_opts *o, struct task_secrets **ret, struct err *e)
{
    struct http_client_opts http = {.address = o->address,
                                    .ca_file = o->ca_file,
                                    .ca_dir = o->ca_path,
                                    .cert_file = o->cert_file,
                                    .key_file = o->key_file,
                                    .server_name = o->tls_server_name,
                                    .skip_verify = o->skip_verify,
                                    .timeout_ms = CALL_TIMEOUT_MS,
                                    .user_agent = "Nomad/1.9.7"};
    struct remote *m = calloc(1, sizeof *m);
    int r;

    if (!m)
        abort();
    m->arena = arena_new(0);
    arena_set_wipe(m->arena);
    copy_opts(m, o);
    m->secrets = (struct task_secrets){.ctx = m,
                                       .outside = true,
                                       .role = m->opts.create_from_role,
                                       .asks_submitter = !o->allow_unauthenticated,
                                       .check_job = check_job,
                                       .create = create,
                                       .revoke = revoke_token,
                                       .status = status,
                                       .free = remote_free};
    lock_init(&m->lock, "vault connection", RANK_SERVER + 4);
    r = stopper_init(&m->stop, e);
    if (r == 0)
        r = http_client_new(&http, &m->http, e);
    if (r == 0)
        r = thread_start(&m->thread, "vault", run, m, e);
    if (r < 0) {
        remote_free(m);
        return r;
    }
    *ret = &m->secrets;
    return 0;
}
