/*
 * nomad/model/job -- the job specification as the API shows it
 *
 * One struct per block, one schema per struct, with the API's (JSON) and the job file's (HCL)
 * names. A job goes through these hands:
 *
 *   job file ──jobspec──► job ──job_canonicalize──► as `jobs/parse` answers (defaults set)
 *   JSON ──job_from_json──► job ──job_canonicalize──► job_finish ──► job_validate ──► stored
 *
 * Before job_finish any pointer may be NULL ("not given"). After it every string is non-NULL
 * and every optional scalar is set, but for those that stay null in the API (shutdown_delay_ns,
 * max_client_disconnect_ns, stop_after_client_disconnect_ns, ... of a group; marked `null:`
 * below).
 *
 * Fields under "job file only" have no JSON name: jobspec folds them into the others (the
 * shorthands of a constraint into operand and rtarget, `port` blocks into the two port lists,
 * `identity` blocks into identity and identities, group and job level `vault` into the tasks, a
 * `task` in the job into a group of its own).
 *
 * Memory: a job and all it points to live in one arena; once committed it is immutable.
 */
#ifndef NOMAD_MODEL_JOB_H
#define NOMAD_MODEL_JOB_H

#include "lang/schema.h"
#include "nomad/model/opt.h"

/*
 * Pieces that stand in several places.
 */
struct constraint {
    const char *ltarget, *rtarget, *operand;
    /* job file only */
    const char *hcl_version, *hcl_semver, *hcl_regexp, *hcl_set_contains, *hcl_set_contains_all,
        *hcl_set_contains_any, *hcl_distinct_property;
    bool *hcl_distinct_hosts, *hcl_is_set, *hcl_is_not_set;
};

struct affinity {
    const char *ltarget, *rtarget, *operand;
    int64_t *weight;
    /* job file only */
    const char *hcl_version, *hcl_semver, *hcl_regexp, *hcl_set_contains, *hcl_set_contains_all,
        *hcl_set_contains_any;
};

struct spread_target {
    const char *value;
    int64_t percent;
};

struct spread {
    const char *attribute;
    int64_t *weight;
    LIST(struct spread_target) targets;
};

typedef LIST(struct constraint) constraint_list;
typedef LIST(struct affinity) affinity_list;
typedef LIST(struct spread) spread_list;

struct restart_policy {
    int64_t *interval_ns, *attempts, *delay_ns;
    const char *mode; /* "fail" "delay" */
    bool *render_templates;
};

struct reschedule_policy {
    int64_t *attempts, *interval_ns, *delay_ns;
    const char *delay_function; /* "constant" "exponential" "fibonacci" */
    int64_t *max_delay_ns;
    bool *unlimited;
};

struct update_strategy {
    int64_t *stagger_ns, *max_parallel;
    const char *health_check; /* "checks" "task_states" "manual" */
    int64_t *min_healthy_time_ns, *healthy_deadline_ns, *progress_deadline_ns, *canary;
    bool *auto_revert, *auto_promote;
};

struct migrate_strategy {
    int64_t *max_parallel;
    const char *health_check;
    int64_t *min_healthy_time_ns, *healthy_deadline_ns;
};

struct ephemeral_disk {
    bool *sticky, *migrate;
    int64_t *size_mb;
};

struct disconnect_strategy {
    int64_t *lost_after_ns, *stop_on_client_after_ns; /* null: stop_on_client_after_ns */
    bool *replace;
    const char *reconcile;
};

/* What holds for a group, whichever of the older and newer arguments said it. */
struct disconnect_rules {
    int64_t
        lost_after_ns; /* a running alloc is unknown, not lost, for so long; 0: lost at once */
    int64_t stop_on_client_after_ns; /* its client ends it by itself then; 0: never */
    bool replace;                    /* somebody else takes its place meanwhile */
    const char *reconcile;           /* who stays when it is back: "best_score" "keep_original"
                                        "keep_replacement" "longest_running" */
};

struct consul_block {
    const char *namespace, *cluster, *partition;
};

/*
 * Networks.
 */
struct port {
    const char *label;
    int64_t value, to; /* value: the static port, 0: chosen at placement */
    const char *host_network;
    bool ignore_collision;
};

typedef LIST(struct port) port_list;

struct dns_config {
    struct strlist servers, searches, options;
};

struct cni_config {
    struct strmap args;
};

struct network {
    const char *mode, *device, *cidr, *ip, *hostname;
    struct dns_config *dns;
    struct cni_config *cni;
    int64_t *mbits;
    port_list reserved_ports, dynamic_ports;
    /* job file only */
    port_list hcl_ports;
};

typedef LIST(struct network) network_list;

/*
 * Services.
 */
struct check_restart {
    int64_t limit;
    int64_t *grace_ns;
    bool ignore_warnings;
};

struct service_check {
    const char *name, *type, *command;
    struct strlist args;
    const char *path, *protocol, *port_label, *method, *body, *initial_status, *address_mode,
        *advertise, *tls_server_name, *grpc_service, *task_name, *on_update, *notes;
    struct json *header; /* {"Name": ["value", ...]} */
    int64_t interval_ns, timeout_ns;
    bool expose, tls_skip_verify, grpc_use_tls;
    int64_t success_before_passing, failures_before_critical, failures_before_warning;
    struct check_restart *check_restart;
};

struct service_weights {
    int64_t passing, warning;
};

struct workload_identity {
    const char *name;
    struct strlist audience;
    const char *change_mode, *change_signal;
    bool env, file;
    const char *filepath, *service_name;
    int64_t ttl_ns;
};

struct service {
    const char *name;
    struct strlist tags, canary_tags;
    bool enable_tag_override;
    const char *port_label, *address_mode, *address;
    LIST(struct service_check) checks;
    struct check_restart *check_restart;
    struct connect *connect; /* nomad/model/connect.h */
    struct strmap meta, canary_meta, tagged_addresses;
    const char *task_name, *on_update, *provider, *cluster;
    struct workload_identity *identity;
    struct service_weights *weights;
};

typedef LIST(struct service) service_list;

/*
 * Task.
 */
struct device_request {
    const char *name;
    uint64_t *count;
    constraint_list constraints;
    affinity_list affinities;
};

struct numa {
    const char *affinity; /* "none" "prefer" "require" */
    struct strlist devices;
};

struct resources {
    int64_t *cpu, *cores, *memory_mb, *memory_max_mb, *disk_mb, *iops, *secrets_mb;
    network_list networks;
    LIST(struct device_request) devices;
    struct numa *numa;
};

struct log_config {
    int64_t *max_files, *max_file_size_mb;
    bool *enabled, *disabled; /* null: enabled (older form) */
};

struct lifecycle {
    const char *hook; /* "prestart" "poststart" "poststop" */
    bool sidecar;
};

struct vault_block {
    struct strlist policies;
    const char *role, *namespace, *cluster;
    bool *env, *disable_file;
    const char *change_mode, *change_signal;
    bool *allow_token_expiration;
};

struct change_script {
    const char *command;
    struct strlist args;
    int64_t *timeout_ns;
    bool *fail_on_error;
};

struct template_wait {
    int64_t *min_ns, *max_ns;
};

struct template
{
    const char *source_path, *dest_path, *embedded_tmpl, *change_mode, *change_signal;
    struct change_script *change_script;
    int64_t *splay_ns;
    const char *perms;
    int64_t *uid, *gid; /* null */
    const char *left_delim, *right_delim;
    bool *envvars;
    int64_t *vault_grace_ns;
    struct template_wait *wait;
    bool *err_missing_key;
};

struct artifact {
    const char *source, *dest, *mode;
    struct strmap options, headers;
    bool *insecure;
    bool chown;
};

struct volume_mount {
    const char *volume, *destination;
    bool *read_only;
    const char *propagation_mode, *selinux_label;
};

/* The task is a plugin that serves volumes to its node. */
struct csi_plugin {
    const char *id, *type, *mount_dir, *stage_publish_base_dir;
    int64_t *health_timeout_ns;
};

struct dispatch_payload {
    const char *file;
};

struct action {
    const char *name, *command;
    struct strlist args;
};

struct task_schedule_cron {
    const char *start, *end, *timezone;
};

struct task_schedule {
    struct task_schedule_cron *cron;
};

struct scaling_policy {
    const char *id, *namespace, *type;
    struct strmap target;
    int64_t *min, *max;
    struct json *policy;
    bool *enabled;
    uint64_t create_index, modify_index;
    /* job file only: the label of a task's scaling block, "cpu" or "mem" */
    const char *hcl_label;
};

struct task {
    const char *name, *driver, *user, *kind, *kill_signal;
    struct lifecycle *lifecycle;
    struct json *config;
    constraint_list constraints;
    affinity_list affinities;
    struct strmap env, meta;
    service_list services;
    struct resources *resources;
    struct restart_policy *restart;
    int64_t *kill_timeout_ns;
    struct log_config *logs;
    LIST(struct artifact) artifacts;
    struct vault_block *vault;
    struct consul_block *consul;
    LIST(struct template) templates;
    struct dispatch_payload *dispatch_payload;
    LIST(struct volume_mount) volume_mounts;
    struct csi_plugin *csi_plugin;
    bool leader;
    int64_t shutdown_delay_ns;
    LIST(struct scaling_policy) scaling;
    struct workload_identity *identity;
    LIST(struct workload_identity) identities;
    LIST(struct action) actions;
    struct task_schedule *schedule;
    /* job file only */
    LIST(struct workload_identity) hcl_identities;
};

/*
 * Group.
 */
struct mount_options {
    const char *fs_type;
    struct strlist mount_flags;
};

struct volume_request {
    const char *name, *type, *source; /* name is also its key in the map */
    bool read_only, sticky, per_alloc;
    const char *access_mode, *attachment_mode;
    struct mount_options *mount_options;
};

struct task_group {
    const char *name;
    int64_t *count;
    constraint_list constraints;
    affinity_list affinities;
    spread_list spreads;
    LIST(struct task) tasks;
    LIST(struct volume_request) volumes;
    struct restart_policy *restart;
    struct reschedule_policy *reschedule;
    struct disconnect_strategy *disconnect;
    struct ephemeral_disk *ephemeral_disk;
    struct update_strategy *update;
    struct migrate_strategy *migrate;
    network_list networks;
    struct strmap meta;
    service_list services;
    int64_t *shutdown_delay_ns, *stop_after_client_disconnect_ns,
        *max_client_disconnect_ns; /* null */
    struct scaling_policy *scaling;
    struct consul_block *consul;
    bool *prevent_reschedule_on_lost;
    /* job file only */
    struct vault_block *hcl_vault;
};

/*
 * Job.
 */
struct periodic {
    bool *enabled;
    const char *spec;
    struct strlist specs;
    const char *spec_type;
    bool *prohibit_overlap;
    const char *time_zone;
};

struct parameterized {
    const char *payload; /* "optional" "required" "forbidden" */
    struct strlist meta_required, meta_optional;
};

struct multiregion_strategy {
    int64_t *max_parallel;
    const char *on_failure;
};

struct multiregion_region {
    const char *name;
    int64_t *count;
    struct strlist datacenters;
    const char *node_pool;
    struct strmap meta;
};

struct multiregion {
    struct multiregion_strategy *strategy;
    LIST(struct multiregion_region) regions;
};

struct job_ui_link {
    const char *label, *url;
};

struct job_ui {
    const char *description;
    LIST(struct job_ui_link) links;
};

struct job_version_tag {
    const char *name, *description;
    int64_t tagged_time; /* Unix ns */
};

struct job {
    const char *region, *namespace, *id, *name, *parent_id, *type;
    int64_t *priority;
    bool *all_at_once;
    struct strlist datacenters;
    const char *node_pool;
    constraint_list constraints;
    affinity_list affinities;
    spread_list spreads;
    LIST(struct task_group) groups;
    struct update_strategy *update;
    struct multiregion *multiregion;
    struct periodic *periodic;
    struct parameterized *parameterized;
    struct reschedule_policy *reschedule; /* moved into the groups by job_canonicalize */
    struct migrate_strategy *migrate;     /* likewise */
    struct strmap meta;
    struct job_ui *ui;
    bool dispatched;
    const char *dispatch_idempotency_token;
    struct str payload; /* as given, not compressed */
    const char *consul_namespace, *vault_namespace, *nomad_token_id;
    const char *consul_token, *vault_token; /* secret; never stored: job_finish clears them */
    /* state */
    bool *stop, *stable;
    const char *status, *status_description;
    uint64_t *version;
    int64_t *submit_time; /* Unix ns */
    uint64_t *create_index, *modify_index, *job_modify_index;
    struct job_version_tag *version_tag;
    /* job file only */
    struct vault_block *hcl_vault;
    LIST(struct task) hcl_tasks;
};

extern const struct schema job_schema, task_group_schema, task_schema, constraint_schema,
    affinity_schema, spread_schema, restart_policy_schema, reschedule_policy_schema,
    update_strategy_schema, migrate_strategy_schema, ephemeral_disk_schema,
    disconnect_strategy_schema, network_schema, port_schema, service_schema,
    service_check_schema, workload_identity_schema, resources_schema, log_config_schema,
    lifecycle_schema, vault_block_schema, template_schema, artifact_schema, volume_mount_schema,
    volume_request_schema, scaling_policy_schema, job_version_tag_schema, periodic_schema,
    parameterized_schema, consul_block_schema, action_schema, multiregion_schema, job_ui_schema,
    csi_plugin_schema, connect_schema;

enum {
    JOB_NAME_MAX = 512,   /* bytes of a job's ID and name */
    NAME_MAX_BYTES = 128, /* of a group, task, volume, port label */
    JOB_GROUPS_MAX = 1000,
    GROUP_TASKS_MAX = 200,
    GROUP_COUNT_MAX = 100000,
    JOB_META_MAX = 1000, /* keys of one meta or env map */
    GROUP_PORTS_MAX = 200,
    JOB_DATACENTERS_MAX = 1000,
    JOB_VERSIONS_KEPT = 6,
    TASK_TEMPLATES_MAX = 200,
    TASK_ARTIFACTS_MAX = 200,
    JOB_CONSTRAINTS_MAX = 500, /* of one list, affinities and spreads too */
    JOB_PRIORITY_DEFAULT = 50,
    JOB_PRIORITY_MAX = 100,
    DISPATCH_PAYLOAD_MAX = 16 << 10,
    JOB_CRONS_MAX = 100,
};

/* Decode the API's job object (names in any case, unknown members ignored, no defaults).
 * *ret is zeroed first. ERR_INVALID with every problem and its path. */
int job_from_json(const struct json *v, struct arena *a, struct job *ret, struct err *e);

/* What a client does before it submits: fill in the documented defaults, inherit restart,
 * update, reschedule and migrate from job to group to task. Idempotent. */
void job_canonicalize(struct job *j, struct arena *a);

/*
 * What the server adds: no nulls but the documented ones, identities, scaling policies'
 * targets, the constraints that the job's blocks imply (Vault, signals, service discovery,
 * bridge network), tokens cleared. Idempotent. Call after job_canonicalize.
 */
struct job_finish_opts {
    const char *region, *default_node_pool; /* NULL: "global", "default" */
};
void job_finish(struct job *j, const struct job_finish_opts *opts, struct arena *a);

/*
 * Checking. `problem_list` holds finished sentences that nest as the API shows them.
 */
struct problem_list {
    struct arena *arena;
    LIST(const char *) at;
};
/* "1 error occurred:\n\t* text\n\n". Empty list: "". */
char *problem_list_text(struct arena *a, const struct problem_list *p);

struct job_limits {
    int64_t max_priority;                 /* 0: JOB_PRIORITY_MAX */
    bool (*zone_known)(const char *name); /* NULL: a time zone's name is enough */
};
/* All errors of a finished job. With none the list stays empty. */
void job_validate(const struct job *j, const struct job_limits *lim, struct problem_list *p);
/* job_validate as ERR_INVALID whose text is problem_list_text (status 500 as the API has it).
 * The text may be longer than an err holds: *ret_text (may be NULL) gets all of it. */
int job_validate_err(const struct job *j, const struct job_limits *lim, struct arena *a,
                     const char **ret_text, struct err *e);
/* What register answers as Warnings: "" or "1 warning:\n\n* ...". */
const char *job_warnings(const struct job *j, struct arena *a);

/* May `new_job` replace `old`? ERR_INVALID "cannot update job from type ..." */
int job_check_update(const struct job *old, const struct job *new_job, struct err *e);

/* A name that may become a directory or file name: not empty, no "/", no NUL or control
 * character, at most `max` bytes, UTF-8, not one of those that mean something below an alloc
 * directory (".", "..", "alloc", "tmp", ...) when `is_dir`. NULL when fine, else why not. */
const char *name_problem(const char *name, size_t max, bool is_dir);

/*
 * Comparing.
 */
/* Same specification: everything but state (status, indexes, version, submit time, stable). */
bool job_spec_eq(const struct job *a, const struct job *b);
/* Do tasks of `b` have to be started anew to become what `a`'s group now says? */
bool group_needs_restart(const struct job *job_a, const struct task_group *a,
                         const struct job *job_b, const struct task_group *b);

/*
 * Differences, for `job plan` and `job history -p`.
 */
struct jd_field {
    const char *type, *name, *old_text, *new_text; /* type: None Added Deleted Edited */
    struct strlist annotations;
};
struct jd_object {
    const char *type, *name;
    LIST(struct jd_field) fields;
    LIST(struct jd_object) objects;
};
struct jd_task {
    const char *type, *name;
    LIST(struct jd_field) fields;
    LIST(struct jd_object) objects;
    struct strlist annotations;
};
struct jd_group {
    const char *type, *name;
    LIST(struct jd_field) fields;
    LIST(struct jd_object) objects;
    LIST(struct jd_task) tasks;
    struct json *updates; /* {"create": 1}; NULL before job_diff_annotate */
};
struct job_diff {
    const char *type, *id;
    LIST(struct jd_field) fields;
    LIST(struct jd_object) objects;
    LIST(struct jd_group) groups;
};
extern const struct schema job_diff_schema;

struct plan_annotations;
/* `old` or `new_job` may be NULL. contextual: unchanged fields of edited objects too. */
void job_diff_make(const struct job *old, const struct job *new_job, bool contextual,
                   struct arena *a, struct job_diff *ret);
/* Adds what a plan would do: counters per group and "forces create" and the like. */
void job_diff_annotate(struct job_diff *d, const struct plan_annotations *notes,
                       struct arena *a);

/*
 * Lookups.
 */
void group_disconnect(const struct task_group *g, struct disconnect_rules *ret);
const struct task_group *job_group(const struct job *j, const char *name); /* NULL: none */
const struct task *group_task(const struct task_group *tg, const char *name);
bool job_is_stopped(const struct job *j); /* NULL counts as stopped */
bool job_is_periodic(const struct job *j);
bool job_is_parameterized(const struct job *j); /* a template for dispatch, not a child of it */
bool update_is_rolling(const struct update_strategy *u); /* max_parallel > 0 */
/* "job.group[3]", and back: -1 when it is no such name. */
char *alloc_name(struct arena *a, const char *job_id, const char *group, uint32_t index);
int64_t alloc_name_index(const char *name);
/* Meta of job, group and task as a task sees it: the innermost wins. */
void task_meta(const struct job *j, const struct task_group *tg, const struct task *t,
               struct arena *a, struct strmap *ret);

/*
 * Status of a job: "pending" "running" "dead".
 */
struct job_status_facts {
    bool has_live_alloc, has_alloc; /* live: not terminal on either side */
    bool has_live_eval, has_eval;   /* live: not complete, failed or canceled */
    bool has_live_deployment;
};
const char *job_status(const struct job *j, const struct job_status_facts *f);

#endif
