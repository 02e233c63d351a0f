/* What the files of Nomad's command line share. */
#ifndef CLI_NOMAD_NOMAD_PRIV_H
#define CLI_NOMAD_NOMAD_PRIV_H

#include "base/err.h"
#include "cli/common/command.h"
#include "cli/common/print.h"
#include "cli/common/table.h"
#include "lang/json.h"

enum { NOMAD_EXIT_FAILED = 1, SHORT_ID = 8, FULL_ID = 36 };

/* ---- options.c ----------------------------------------------------------------------------
 */

/* Bits of cli_command.sets, as nomad_flag_sets. */
enum { SET_CLIENT = 1 << 0 };
extern const struct cli_flags nomad_flag_sets[1];

struct nomad_options {
    const char *address, *region, *namespace, *token, *ca_cert, *ca_path, *client_cert,
        *client_key, *tls_server_name;
    bool tls_skip_verify, no_color, force_color;
};
extern struct nomad_options nomad_options;
int nomad_options_finish(void); /* environment and defaults */

/* ---- client.c -----------------------------------------------------------------------------
 */

/* An answer; `error` is NULL when the status is 2xx, else what Go's client would say. */
struct nomad_reply {
    int status;
    struct str body;
    const struct json *json; /* NULL: empty or no JSON */
    uint64_t index;          /* X-Nomad-Index */
    const char *error;
};

int nomad_open(struct cli_call *c);
void nomad_close(void);
const char *nomad_address(void);
/* `path` without "/v1/", may carry a query; region and namespace are added. 0, or 1 with
 * r->error set. */
int nomad_get(struct cli_call *c, const char *path, struct nomad_reply *r);
int nomad_send(struct cli_call *c, const char *method, const char *path,
               const struct json *body, struct nomad_reply *r);
/* The same to another agent ("host:port"), for files and logs; short time to connect. */
int nomad_get_from(struct cli_call *c, const char *address, const char *path,
                   struct nomad_reply *r);
enum { NOMAD_HEADERS_MAX = 32 };
struct http_header;
/* As it is given: a path from the root ("/v1/jobs"), any body (.p NULL: none), more headers. */
int nomad_raw(struct cli_call *c, const char *method, const char *path, struct str body,
              const struct http_header *headers, size_t n_headers, struct nomad_reply *r);
/* Piece by piece; false from `on_data` ends it. NULL address: the usual one. */
int nomad_stream(struct cli_call *c, const char *address, const char *path,
                 bool (*on_data)(void *arg, struct str data), void *arg, struct nomad_reply *r);
/* Escape one segment or value. */
const char *path_part(struct cli_call *c, const char *text);
const char *pathf(struct cli_call *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- show.c -------------------------------------------------------------------------------
 */

const char *text_at(struct cli_call *c, const struct json *v,
                    const char *dotted); /* "" if absent */
int64_t number_at(const struct json *v, const char *dotted);
bool bool_at(const struct json *v, const char *dotted);
const struct json *at(const struct json *v, const char *dotted); /* "" is v itself */
const char *short_id(struct cli_call *c, const char *id, bool verbose);
const char *time_text(struct cli_call *c,
                      int64_t unix_ns); /* local RFC 3339 in seconds, "N/A" for 0 */
const char *ago(struct cli_call *c, int64_t unix_ns);      /* "3s ago", "1h4m ago" */
int64_t time_at(const struct json *v, const char *dotted); /* number of ns, or RFC 3339 */
/* 1024-based with two or three digits: "1.8 MiB", "300 MiB". */
const char *bytes_text(struct cli_call *c, double n);
/* "key = value" lines; rows end with a NULL key. */
struct kv_line {
    const char *key, *value;
};
void print_kv(struct cli_call *c, const struct kv_line *lines, size_t n);
/* -json and -t: 1 when printed (or an error was): *ret is the exit code. */
int print_as_asked(struct cli_call *c, const struct json *v, bool as_json, const char *tmpl,
                   int *ret);
size_t count_of(const struct json *v); /* items or members; 0 if neither */
/* `what` and where help is, on stderr; returns `exit_code`. */
int usage_error(const struct cli_call *c, int exit_code, const char *what);
/* "/dir/x" for a "x" of the working directory. */
const char *whole_path(struct cli_call *c, const char *path);

/* ---- lookup.c -----------------------------------------------------------------------------
 */

/* Servers look identifiers up by whole bytes: an even number of hex digits. */
const char *even_prefix(struct cli_call *c, const char *prefix);
/* A prefix to the one object it names: 0, else the exit code and a message was printed. */
int find_alloc(struct cli_call *c, const char *prefix, const char *what_failed,
               const struct json **ret);
int find_node(struct cli_call *c, const char *prefix, const struct json **ret);
/* The one named by the argument, or that of the agent that is asked; it will be changed. */
int find_node_or_own(struct cli_call *c, bool own, const struct json **ret);
int own_node(struct cli_call *c, const char **ret_id);
int find_eval(struct cli_call *c, const char *prefix, const struct json **ret);
int find_job(struct cli_call *c, const char *prefix, const char **ret_id, const char **ret_ns);
/* Among the jobs that are `wanted`, called `kind` ("periodic ") in messages. */
int find_job_of(struct cli_call *c, const char *kind, bool (*wanted)(const struct json *job),
                const char *prefix, const char **ret_id, const char **ret_ns);
int find_deployment(struct cli_call *c, const char *prefix, const struct json **ret);

/* ---- monitor.c ----------------------------------------------------------------------------
 */

/* Follow an evaluation to its end, and what it deploys; of a job that is stopped the deployment
 * may well be cancelled. Exit code. */
enum monitor_to { MONITOR_EVAL, MONITOR_DEPLOYMENT, MONITOR_STOP };
int monitor_eval(struct cli_call *c, const char *eval_id, bool verbose, enum monitor_to to);
/* The same, or with `detach` only "Evaluation ID: ..."; nothing for an empty ID. */
int follow_eval(struct cli_call *c, const char *eval_id, bool detach, bool verbose);
/* Follow a deployment to its end. Exit code. */
int monitor_deployment(struct cli_call *c, const char *id, bool verbose);
/* Did a service's task end well before it was healthy? A line that says so. */
bool ended_early(struct cli_call *c, const char *deployment, const char **ret);
void print_warnings(struct cli_call *c, const struct json *reply);
void print_metrics(struct cli_call *c, const struct json *metric, const char *indent);
void print_deployed(struct cli_call *c, const struct json *deployment, bool verbose,
                    const char *indent);

/* ---- deployment.c, job_status.c -----------------------------------------------------------
 */

void print_deployments(struct cli_call *c, const struct json *list, bool verbose);
void print_deployment(struct cli_call *c, const struct json *deployment, bool verbose);
void print_job_table(struct cli_call *c, const struct json *jobs);
/* "No allocations placed" for an empty list. */
void print_alloc_table(struct cli_call *c, const struct json *allocs, bool verbose);

/* ---- status.c -----------------------------------------------------------------------------
 */

int status_of_any(struct cli_call *c); /* argv[0]: the beginning of a name or ID, or nothing */

/* ---- alloc_json.c -------------------------------------------------------------------------
 */

const struct json *whole_alloc(struct cli_call *c, const struct json *alloc);

#define NOMAD_COMMAND(name) extern const struct cli_command name;
#include "cli/nomad/commands.def"
#undef NOMAD_COMMAND

#endif
