/*
 * What the commands of `vault` share: their common flags, requests, and how a reply is shown.
 */
#ifndef CLI_VAULT_VAULT_PRIV_H
#define CLI_VAULT_VAULT_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/path.h"
#include "cli/common/command.h"
#include "cli/common/input.h"
#include "cli/common/kv.h"
#include "cli/common/print.h"
#include "cli/common/table.h"
#include "cli/common/text.h"
#include "lang/json.h"
#include "lang/units.h"

enum { NS_PER_S = 1000000000, VAULT_PATH_MAX = 4096 };

/* ---- flags that many commands have (options.c) ------------------------------------------ */

enum vault_flag_sets {
    SET_HTTP = 1 << 0,
    SET_FIELD = 1 << 1,
    SET_FORMAT = 1 << 2,
    SET_DETAILED = 1 << 3,
};

struct vault_cli_options {
    const char *address, *agent_address;
    const char *ca_cert, *ca_path, *client_cert, *client_key, *tls_server_name;
    const char *namespace_, *unlock_key;
    int64_t wrap_ttl_ns;
    struct flag_list mfa;
    struct cli_pairs headers;
    bool skip_verify, has_skip_verify, policy_override, disable_redirects, non_interactive;
    bool output_curl, output_policy;
    const char *format_name, *field;
    enum output_format format;
    bool detailed;
};

extern struct vault_cli_options vault_cli_options;
extern const struct cli_flags vault_flag_sets[4];
/* Read the environment into what no flag set. 0 or the exit code, with its message printed. */
int vault_options_finish(unsigned sets);

static inline bool format_is_table(void)
{
    return vault_cli_options.format == FORMAT_TABLE;
}

/* ---- requests (remote.c) ---------------------------------------------------------------- */

struct remote_request {
    const char *method;
    const char *path;         /* below /v1/, not escaped */
    const char *query;        /* escaped, without '?' */
    const struct json *body;  /* NULL: none */
    bool null_body;           /* the body is `null` */
    struct str raw;           /* a body that is no JSON; .p NULL: none */
    const char *content_type; /* NULL: none */
    bool aside;               /* not what the user asked for: never wrapped, nor only shown */
    /* Streaming of a 2xx reply, without a time limit; as in http/client.h. */
    bool (*on_data)(void *arg, struct str data);
    void *arg;
};

struct remote_reply {
    int status; /* 0: none came */
    struct str body;
    const struct json *json; /* NULL: no body, or it is no JSON */
    const char *error;       /* what to tell when the call failed */
    bool shown;              /* -output-curl-string: nothing was sent */
};

/* TLS files and the address; 0 or the exit code. */
int remote_open(struct cli_call *c);
void remote_close(void);
/* 0; or -1 with r->error: the API's error in its usual layout, or why there is no reply. */
int remote_do(struct cli_call *c, const struct remote_request *q, struct remote_reply *r);
/* The same for the simple case. `body` may be NULL. */
int remote_call(struct cli_call *c, const char *method, const char *path,
                const struct json *body, struct remote_reply *r);
/* "PREFIX: r->error" on stderr; 2, or 0 when it was only shown. */
int remote_failed(const struct remote_reply *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

const char *remote_address(void);
const char *remote_token(void); /* "" without one */
void remote_set_token(struct cli_call *c, const char *token);

/* ~/.vault-token */
int token_file_read(struct arena *a, const char **ret, struct err *e);
int token_file_write(const char *token, struct err *e);

/* ---- replies (secret.c, secret_print.c) ------------------------------------------------- */

/* A reply's envelope; all NULL or empty where it has none. */
struct vault_secret {
    struct str request_id, lease_id;
    int64_t lease_duration;
    bool renewable;
    const struct json *data, *warnings, *auth, *wrap_info;
    struct str raw;
};

/* False: the reply holds nothing (204, or a 404 without data and warnings). A body without
 * envelope is data as a whole. */
bool secret_of(struct cli_call *c, const struct remote_reply *r, struct vault_secret *ret);
/* As the format wants it, the field if one is asked for. Returns the exit code. */
int secret_print(struct cli_call *c, const struct vault_secret *s);
int secret_print_field(struct cli_call *c, const struct vault_secret *s, const char *field);
/* The API call's whole answer: secret_print, or 0 and nothing when it is empty. */
int secret_print_reply(struct cli_call *c, const struct remote_reply *r);
void secret_print_warnings(struct cli_call *c, const struct vault_secret *s);
/* Key/Value table of a JSON object. */
void secret_print_data(struct cli_call *c, const struct json *data);
/* Envelope as a tree, in the order the API's clients know. */
struct json *secret_tree(struct arena *a, const struct vault_secret *s);
/* How the tables show one value of `data`: ttl-like numbers as durations. */
const char *secret_cell(struct arena *a, struct str key, const struct json *v);
/* A value alone: a line end behind it only on a terminal. */
void print_raw(struct cli_call *c, const char *text);
/* Data in the format asked for (json or yaml); false for a table, which the caller prints.
 * Prints its own error for `pretty`: *ret_exit is the exit code then. */
bool print_formatted(struct cli_call *c, const struct json *v, int *ret_exit);
/* The list of data.keys, sorted; exit code. */
int secret_print_list(struct cli_call *c, const struct vault_secret *s);

/* ---- small things (util.c) -------------------------------------------------------------- */

/* Without blanks around it and slashes at either end. */
char *clean_path(struct arena *a, const char *path);
char *with_slash(struct arena *a, const char *path); /* "a/b" -> "a/b/" */
/* key=value pairs as a query: "a=1&b=2". Prints its error; NULL then. */
const char *query_of(struct cli_call *c, int argc, char **argv);
/* kv_parse, with the error on stderr; NULL then. */
struct json *data_of(struct cli_call *c, int argc, char **argv);
const char *seconds_text(struct arena *a, int64_t ns); /* Go's "72h0m0s" */
void set_str(struct arena *a, struct json *obj, const char *key, const char *value);
void set_bool(struct arena *a, struct json *obj, const char *key, bool value);
void set_int(struct arena *a, struct json *obj, const char *key, int64_t value);
void set_null(struct arena *a, struct json *obj, const char *key);
void set_list(struct arena *a, struct json *obj, const char *key, const struct flag_list *l);
void set_pairs(struct arena *a, struct json *obj, const char *key, const struct cli_pairs *p);
const char *member_text(struct arena *a, const struct json *obj, const char *key);
/* The named members first, in that order, then what else there is; one that is missing stays
 * so. */
struct json *in_order(struct arena *a, const struct json *obj, const char *const *names,
                      size_t n);
/* Wrapped at 78 columns, a line end behind it. */
void say(struct cli_call *c, FILE *to, const char *text);

#endif
