/*
 * `vault kv`: one set of commands for both versions of the engine. The server is asked first
 * which one a path belongs to (sys/internal/ui/mounts); version 2 puts a word between mount and
 * path: data, metadata, delete, undelete, destroy.
 */
#ifndef CLI_VAULT_KV_PRIV_H
#define CLI_VAULT_KV_PRIV_H

#include "cli/vault/vault_priv.h"

struct kv_path {
    bool v2;
    const char *mount; /* "secret/"; "" when the server does not know */
    const char *path;  /* as the user means it: "secret/app" */
    const char *rest;  /* below the mount: "app" */
};

/* The flag every command of kv has. */
extern const char *kv_mount;
#define KV_MOUNT_FLAG                                           \
    {                                                           \
        "mount", FLAG_STR, &kv_mount, NULL,                     \
            "path of the engine; the argument is then below it" \
    }

/* Ask the server about argv[0] (with -mount it may be missing). 0 or the exit code, the error
 * printed. */
int kv_find(struct cli_call *c, struct kv_path *ret);
/* "secret/app" + "data" -> "secret/data/app" */
const char *kv_api_path(struct cli_call *c, const struct kv_path *k, const char *word);

/* "===== Secret Path =====": as wide as the table (or text) it stands over. */
void kv_title(const char *title, size_t width);
void kv_title_for(const char *title, const struct json *table);
void kv_print_path(const char *title, const char *path);

/* Is the answer shown by something else than kv's own tables? (json, a field, a wrapping) */
bool kv_shown_plainly(const struct vault_secret *s);
/* PUT or PATCH of `body`, then: path and metadata of the version that came of it. */
int kv_show_version(struct cli_call *c, const struct remote_reply *r, const char *path);
/* "Error writing data to PATH: ..."; also what a 404 has to say. */
int kv_write_failed(struct cli_call *c, const struct remote_reply *r, const char *path);
/* A request that changes something and answers nothing, or warnings. The exit code. */
int kv_write(struct cli_call *c, const struct remote_request *q);
/* "1,2,3" and repeated flags, as a JSON list of strings. */
struct json *kv_versions(struct arena *a, const struct flag_list *l);

#endif
