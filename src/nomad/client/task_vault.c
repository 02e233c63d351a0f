/*
 * The vault hook: a task's own token, from its derivation to its last renewal.
 *
 * A vault or a server that cannot be asked is asked again, for ever; the running task is not
 * touched. Only a token that can never be renewed again leads to a new one, and then to what
 * the job's change_mode says. Revoking is the servers' business.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/proc.h"
#include "nomad/client/client_priv.h"

enum {
    TOKEN_MAX = 64 << 10,
    DERIVE_BACKOFF_MS = 30000,
    RENEW_BACKOFF_MS = 30000,
    RENEW_FLOOR_MS = 30000,
};
#define NEW_TOKEN "Vault: new Vault token acquired"

void task_token_done(struct task_token *tok)
{
    char *const texts[] = {tok->token, tok->accessor, tok->address, tok->namespace_};

    if (tok->token)
        secret_wipe(tok->token, strlen(tok->token));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    *tok = (struct task_token){0};
}

static char *copy_text(const char *s)
{
    char *p = strdup(str_or_empty(s));

    if (!p)
        abort();
    return p;
}

static int64_t expiry_of(int64_t ttl_s)
{
    return ttl_s > 0 ? clock_wall_ns() + ttl_s * 1000000000 : 0;
}

static void set_token(struct task_run *t, const struct link_token *from)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    task_token_done(&t->token);
    t->token = (struct task_token){
        .token = copy_text(from->token),
        .accessor = copy_text(from->accessor),
        .address = copy_text(from->address),
        .namespace_ = copy_text(from->namespace_),
        .ttl_s = from->ttl_s,
        .expires_ns = expiry_of(from->ttl_s),
        .renewable = from->renewable,
        .fresh = true,
    };
}

/* ---- the token's files ------------------------------------------------------------------ */

/* Untouched when it says the same already: a reader may watch it. */
static int write_file(int dirfd, const char *token, mode_t mode, struct err *e)
{
    auto_buf struct buf have = BUF_INIT(TOKEN_MAX);
    int r;

    have.secret = true;
    r = path_read_file(dirfd, "vault_token", &have, NULL);
    if (r == 0 && str_eqc(buf_str(&have), token))
        return 0;
    return path_replace(dirfd, "vault_token", str_of(token), mode, e);
}

static int write_in(struct task_run *t, const char *dir, const char *token, mode_t mode,
                    struct err *e)
{
    char path[DIR_TEXT_MAX];
    auto_fd int fd = -1;

    snprintf(path, sizeof path, "%s/%s/%s", t->ar->id, t->name, dir);
    fd = path_open_beneath(t->ar->c->alloc_fd, path, O_RDONLY | O_DIRECTORY, 0, 0, e);
    return fd < 0 ? fd : write_file(fd, token, mode, e);
}

static int write_token(struct task_run *t, const struct vault_block *v, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    const char *token;
    int r;

    arena_set_wipe(a);
    lock_take(&t->lock);
    token = arena_strdup(a, t->token.token);
    lock_drop(&t->lock);
    r = write_in(t, "private", token, 0600, e);
    if (r == 0 && !OPT(v->disable_file))
        r = write_in(t, "secrets", token, 0644, e);
    return r < 0 ? err_wrap(e, r, "failed to write Vault token") : 0;
}

/* ---- getting one ------------------------------------------------------------------------ */

static bool is_transient(int code)
{
    return code != ERR_INVALID && code != ERR_NOTFOUND && code != ERR_UNSUPPORTED;
}

/* One try. *ret_again: it may work later. */
static int derive_once(struct task_run *t, struct stopper *stop, bool *ret_again, struct err *e)
{
    const struct nomad_client *c = t->ar->c;
    auto_arena struct arena *a = arena_new(0);
    struct strlist tasks = {0};
    struct link_tokens got = {0};
    int r;

    arena_set_wipe(a);
    list_push(a, &tasks, t->name);
    r = c->link.derive(c->link.ctx, c->id, c->secret_id, t->ar->id, &tasks, stop, a, &got, e);
    *ret_again = is_transient(r);
    if (r < 0)
        return r;
    list_each (&got.list, it) {
        if (!same(it->task, t->name))
            continue;
        if (!is_empty(it->err)) {
            *ret_again = it->err_recoverable;
            return err_set(e, it->err_recoverable ? ERR_UNAVAIL : ERR_UPSTREAM, "%s", it->err);
        }
        set_token(t, it);
        return 0;
    }
    *ret_again = false;
    return err_set(e, ERR_UPSTREAM, "the server's answer does not name the task");
}

static void say_waiting(struct task_run *t, const struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_message(
        TE_HOOK_MESSAGE,
        arena_printf(a, "Vault: no token yet, trying again until there is one: %s", e->msg),
        clock_wall_ns(), a);

    task_emit(t, &ev);
}

/* Until there is one. ERR_CANCELED: stopped; other: there will be none. */
static int derive(struct task_run *t, struct stopper *stop, bool tell, struct err *e)
{
    bool again;
    int r;

    for (unsigned tries = 0;; tries++) {
        struct err why = ERR_INIT;

        r = derive_once(t, stop, &again, &why);
        if (r == 0)
            return 0;
        if (stopper_is_set(stop))
            return err_set(e, ERR_CANCELED, "stopped");
        if (!again)
            return err_set(e, r, "%s", why.msg);
        if (tries == 0 && tell)
            say_waiting(t, &why);
        log_warn(CLIENT_ROOM, "no Vault token yet, retrying alloc=%s task=%s error=%s",
                 t->ar->id, t->name, why.msg);
        if (stopper_wait_until(stop, clock_mono_ms() + backoff_ms(tries, DERIVE_BACKOFF_MS)))
            return err_set(e, ERR_CANCELED, "stopped");
    }
}

static int give_up(struct task_run *t, const char *what, int code, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev = task_event_killing(0, arena_printf(a, "Vault: %s%s", what, e->msg),
                                              true, clock_wall_ns(), a);

    task_become(t, TASK_DEAD, &ev);
    return code;
}

static bool has_token(struct task_run *t)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    return t->token.token && (!t->token.expires_ns || t->token.expires_ns > clock_wall_ns());
}

int vault_hook(struct task_run *t, struct err *e)
{
    const struct task *spec = task_spec(t);
    int r = 0;

    if (!spec->vault)
        return 0;
    if (!has_token(t))
        r = derive(t, &t->wake, true, e);
    if (r == ERR_CANCELED)
        return r;
    if (r < 0)
        return give_up(t, "server failed to derive vault token: ", r, e);
    r = write_token(t, spec->vault, e);
    return r < 0 ? give_up(t, "", r, e) : 0;
}

/* ---- keeping it ------------------------------------------------------------------------- */

/* Between half and two thirds of what is left, so that a thousand tasks do not ask at once. */
static int64_t renew_delay_ms(int64_t expires_ns)
{
    int64_t left = (expires_ns - clock_wall_ns()) / 1000000;
    int64_t delay = left / 2 + (int64_t)random_below((uint64_t)(left > 6 ? left / 6 : 1));

    if (left <= 0)
        return 0;
    if (delay < RENEW_FLOOR_MS)
        delay = left / 2 < RENEW_FLOOR_MS ? left / 2 : RENEW_FLOOR_MS;
    return delay;
}

/* A copy to work with outside the lock; `a` wipes. */
static struct task_token copy_token(struct task_run *t, struct arena *a)
{
    auto_lock struct lock *held = lock_scope(&t->lock);
    struct task_token tok = t->token;

    tok.token = arena_strdup(a, tok.token);
    tok.address = arena_strdup(a, tok.address);
    tok.namespace_ = arena_strdup(a, tok.namespace_);
    tok.accessor = NULL;
    return tok;
}

static int renew(struct task_run *t, struct err *e)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_token tok;
    int64_t ttl_s = 0;
    int r;

    arena_set_wipe(a);
    tok = copy_token(t, a);
    r = vault_renew_self(t->ar->c, &tok, tok.ttl_s, &t->keep_stop, &ttl_s, e);
    if (r < 0)
        return r;
    lock_take(&t->lock);
    t->token.expires_ns = expiry_of(ttl_s > 0 ? ttl_s : tok.ttl_s);
    t->token.fresh = false;
    lock_drop(&t->lock);
    journal_write(t->ar);
    return 0;
}

/* The running task learns of its new token. */
static void tell_task(struct task_run *t, const struct vault_block *v)
{
    auto_arena struct arena *a = arena_new(0);
    struct task_event ev;

    if (same(v->change_mode, "restart")) {
        ev = task_event_restart_signaled(NEW_TOKEN, clock_wall_ns(), a);
        task_restart(t, &ev);
    } else if (same(v->change_mode, "signal")) {
        struct task_cmd cmd = {.kind = CMD_SIGNAL,
                               .sig = proc_signal_number(str_or_empty(v->change_signal))};
        struct err e = ERR_INIT;

        ev =
            task_event_signaling(str_or_empty(v->change_signal), NEW_TOKEN, clock_wall_ns(), a);
        task_emit(t, &ev);
        if (task_ask(t, &cmd, &e) < 0)
            log_warn(CLIENT_ROOM, "task not signalled alloc=%s task=%s error=%s", t->ar->id,
                     t->name, e.msg);
    }
}

/* The old token is gone for good. */
static int replace_token(struct task_run *t, const struct vault_block *v, struct err *e)
{
    int r = derive(t, &t->keep_stop, false, e);

    if (r == 0)
        r = write_token(t, v, e);
    if (r < 0)
        return r;
    journal_write(t->ar);
    tell_task(t, v);
    return 0;
}

static bool wants_keeping(struct task_run *t, const struct vault_block *v)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    return t->token.token && t->token.renewable && t->token.expires_ns &&
           !OPT(v->allow_token_expiration);
}

static int64_t next_renewal(struct task_run *t)
{
    auto_lock struct lock *held = lock_scope(&t->lock);

    return clock_mono_ms() + (t->token.fresh ? 0 : renew_delay_ms(t->token.expires_ns));
}

static void keep_main(void *arg)
{
    struct task_run *t = arg;
    const struct vault_block *v = task_spec(t)->vault;
    int64_t at = next_renewal(t);
    unsigned tries = 0;

    while (!stopper_wait_until(&t->keep_stop, at) && wants_keeping(t, v)) {
        struct err e = ERR_INIT;
        int r = renew(t, &e);

        if (r == ERR_DENIED)
            r = replace_token(t, v, &e);
        if (r == 0) {
            tries = 0;
            at = next_renewal(t);
            continue;
        }
        if (!stopper_is_set(&t->keep_stop))
            log_warn(CLIENT_ROOM, "Vault token not renewed, retrying alloc=%s task=%s error=%s",
                     t->ar->id, t->name, e.msg);
        at = clock_mono_ms() + backoff_ms(tries++, RENEW_BACKOFF_MS);
    }
}

void vault_keep_start(struct task_run *t)
{
    const struct task *spec = task_spec(t);
    struct err e = ERR_INIT;

    if (!spec->vault || !wants_keeping(t, spec->vault))
        return;
    stopper_reset(&t->keep_stop);
    if (thread_start(&t->keeper, "token", keep_main, t, &e) < 0)
        log_error(CLIENT_ROOM, "Vault token will not be renewed alloc=%s task=%s error=%s",
                  t->ar->id, t->name, e.msg);
}

void vault_keep_stop(struct task_run *t)
{
    if (!t->keeper.running)
        return;
    stopper_stop(&t->keep_stop);
    thread_join(&t->keeper);
}
