/*
 * Fingerprints: what the scheduler may know about this machine.
 *
 * One table. A fingerprint that finds nothing adds nothing; none of them can fail the agent or
 * make its start wait for the network (the vault is asked by the loop below, and what it once
 * said is never taken back: an outage is no reason to move jobs).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/proc.h"
#include "nomad/client/finger.h"

enum { FINGER_PERIOD_MS = 15000, PROC_FILE_MAX = 1 << 20, CGROUP2_MAGIC = 0x63677270 };

void finger_set(struct node *n, struct arena *a, const char *key, const char *value)
{
    if (!is_empty(value))
        strmap_set(a, &n->attributes, key, arena_strdup(a, value));
}

void finger_setf(struct node *n, struct arena *a, const char *key, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    finger_set(n, a, key, arena_vprintf(a, fmt, ap));
    va_end(ap);
}

struct str finger_file(const char *path, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(PROC_FILE_MAX);

    if (path_read_file(AT_FDCWD, path, &b, NULL) < 0)
        return STR("");
    return arena_str(a, buf_str(&b));
}

/* ---- the kernel and the system ---------------------------------------------------------- */

static const char *go_arch(const char *machine)
{
    static const char *const rows[][2] = {
        {"x86_64", "amd64"},    {"aarch64", "arm64"},   {"armv7l", "arm"}, {"i686", "386"},
        {"riscv64", "riscv64"}, {"ppc64le", "ppc64le"}, {"s390x", "s390x"}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i][0], machine) == 0)
            return rows[i][1];
    return machine;
}

static void finger_kernel(struct nomad_client *c, struct node *n, struct arena *a)
{
    struct utsname u;

    (void)c;
    if (uname(&u) < 0)
        return;
    finger_set(n, a, "cpu.arch", go_arch(u.machine));
    finger_set(n, a, "kernel.arch", u.machine);
    finger_set(n, a, "kernel.name", "linux");
    finger_set(n, a, "kernel.version", u.release);
    finger_set(n, a, "unique.hostname", u.nodename);
}

/* KEY=value or KEY="value" of /etc/os-release. */
static const char *release_value(struct str text, const char *key, struct arena *a)
{
    struct str line, name;

    while (str_split(&text, '\n', &line)) {
        if (str_chr(line, '=') < 0)
            continue;
        str_split(&line, '=', &name);
        if (str_eqc(name, key))
            return arena_cstr(a, str_trim_chars(line, "\"'"));
    }
    return NULL;
}

static void finger_os(struct nomad_client *c, struct node *n, struct arena *a)
{
    struct str text = finger_file("/etc/os-release", a);
    auto_buf struct buf signals = BUF_INIT(4096);

    (void)c;
    finger_set(n, a, "os.name", release_value(text, "ID", a));
    finger_set(n, a, "os.version", release_value(text, "VERSION_ID", a));
    for (int sig = 1; sig < SIGRTMIN; sig++)
        if (proc_signal_name(sig))
            buf_printf(&signals, "%s%s", signals.len ? "," : "", proc_signal_name(sig));
    if (signals.len)
        finger_set(n, a, "os.signals", signals.p);
}

static void finger_cgroup(struct nomad_client *c, struct node *n, struct arena *a)
{
    struct statfs fs;

    (void)c;
    if (statfs("/sys/fs/cgroup", &fs) < 0)
        return;
    finger_set(n, a, "os.cgroups.version", fs.f_type == CGROUP2_MAGIC ? "2" : "1");
}

static void finger_memory(struct nomad_client *c, struct node *n, struct arena *a)
{
    int64_t bytes = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);

    if (c->o.memory_total_mb > 0)
        bytes = c->o.memory_total_mb << 20;
    if (bytes <= 0)
        return;
    finger_setf(n, a, "memory.totalbytes", "%lld", (long long)bytes);
    n->resources.memory.memory_mb = bytes >> 20;
}

static void finger_storage(struct nomad_client *c, struct node *n, struct arena *a)
{
    struct statvfs v;
    int64_t total, left;

    if (fstatvfs(c->alloc_fd, &v) < 0)
        return;
    total = (int64_t)v.f_blocks * (int64_t)v.f_frsize;
    left = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
    finger_set(n, a, "unique.storage.volume", c->o.alloc_dir);
    finger_setf(n, a, "unique.storage.bytestotal", "%lld", (long long)total);
    finger_setf(n, a, "unique.storage.bytesfree", "%lld", (long long)left);
    n->resources.disk.disk_mb = c->o.disk_total_mb > 0 ? c->o.disk_total_mb : left >> 20;
}

static void finger_self(struct nomad_client *c, struct node *n, struct arena *a)
{
    finger_set(n, a, "nomad.version", CLIENT_NOMAD_VERSION);
    finger_set(n, a, "nomad.revision", "serai-" SERAI_VERSION);
    finger_set(n, a, "nomad.advertise.address", c->o.http_addr);
    finger_set(n, a, "unique.advertise.address", c->o.http_addr);
}

/* ---- drivers ---------------------------------------------------------------------------- */

static void finger_driver(struct nomad_client *c, const struct driver *d, struct node *n,
                          struct arena *a)
{
    struct driver_env env = {.shim_path = c->o.shim_path,
                             .plugin_config = json_get(c->o.plugins, d->name),
                             .is_root = c->is_root,
                             .dev = c->o.dev};
    struct driver_facts f = {0};
    struct err e = ERR_INIT;
    struct driver_info *info = list_add(a, &n->drivers);

    if (d->fingerprint(&env, a, &f, &e) < 0)
        f = (struct driver_facts){.health_description = arena_strdup(a, e.msg)};
    *info = (struct driver_info){.name = d->name,
                                 .attributes = f.attributes,
                                 .detected = f.detected,
                                 .healthy = f.healthy,
                                 .health_description = str_or_empty(f.health_description),
                                 .update_time = clock_wall_ns()};
    for (size_t i = 0; i < f.attributes.len; i++) {
        const char *value = f.attributes.at[i].val;

        /* the driver says "true" of itself, the node says "1" of the driver */
        finger_set(n, a, f.attributes.at[i].key, strcmp(value, "true") == 0 ? "1" : value);
    }
}

/* "driver.allowlist", "driver.denylist" of the options, and their older names. */
static bool driver_listed(const struct nomad_client *c, const char *option, const char *older,
                          const char *name)
{
    const char *list = strmap_get(&c->o.options, option);
    struct str rest = str_of(list ? list : strmap_get(&c->o.options, older)), item;

    while (str_split(&rest, ',', &item))
        if (str_eqc(str_trim(item), name))
            return true;
    return false;
}

static void finger_drivers(struct nomad_client *c, struct node *n, struct arena *a)
{
    bool only = strmap_get(&c->o.options, "driver.allowlist") ||
                strmap_get(&c->o.options, "driver.whitelist");

    for (size_t i = 0; drivers[i]; i++) {
        const char *name = drivers[i]->name;

        if (only && !driver_listed(c, "driver.allowlist", "driver.whitelist", name))
            continue;
        if (!driver_listed(c, "driver.denylist", "driver.blacklist", name))
            finger_driver(c, drivers[i], n, a);
    }
}

/* ---- the vault, in the background ------------------------------------------------------- */

static void apply_vault(struct node *n, struct arena *a, void *arg)
{
    const struct vault_seen *seen = arg;

    finger_set(n, a, "vault.accessible", "true");
    finger_set(n, a, "vault.version", seen->version);
    finger_set(n, a, "vault.cluster_id", seen->cluster_id);
    finger_set(n, a, "vault.cluster_name", seen->cluster_name);
}

/* Kept, so that an agent which starts during an outage knows what it knew. */
static void save_vault(struct nomad_client *c, const struct vault_seen *seen)
{
    auto_buf struct buf b = BUF_INIT(4096);
    struct json_out w;

    json_out_init(&w, &b, NULL);
    json_obj(&w);
    json_kv_str(&w, "address", c->o.vault.address);
    json_kv_str(&w, "version", seen->version);
    json_kv_str(&w, "cluster_id", seen->cluster_id);
    json_kv_str(&w, "cluster_name", seen->cluster_name);
    json_obj_end(&w);
    path_write_atomic(c->state_fd, "vault-seen", buf_str(&b), 0600, NULL);
}

static void finger_vault(struct nomad_client *c, struct node *n, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(4096);
    struct json *v = NULL;

    if (!c->o.vault.enabled || path_read_file(c->state_fd, "vault-seen", &b, NULL) < 0 ||
        json_parse(buf_str(&b), &json_limits_anon, JSON_COPY, a, &v, NULL) < 0 ||
        !same(json_cstr_or(a, json_get(v, "address"), ""), c->o.vault.address))
        return;
    finger_set(n, a, "vault.accessible", "true");
    finger_set(n, a, "vault.version", json_cstr_or(a, json_get(v, "version"), ""));
    finger_set(n, a, "vault.cluster_id", json_cstr_or(a, json_get(v, "cluster_id"), ""));
    finger_set(n, a, "vault.cluster_name", json_cstr_or(a, json_get(v, "cluster_name"), ""));
}

void finger_all(struct nomad_client *c, struct node *n, struct arena *a)
{
    static void (*const table[])(struct nomad_client * c, struct node * n, struct arena * a) = {
        finger_kernel,  finger_os,   finger_cgroup,  finger_cpu,     finger_memory,
        finger_storage, finger_self, finger_network, finger_drivers, finger_vault,
    };

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        table[i](c, n, a);
}

static void look_at_vault(struct nomad_client *c, bool *was_there)
{
    struct vault_seen seen;
    struct err e = ERR_INIT;
    bool there = vault_look(c, &seen, &e) == 0;

    if (there && node_change(c, apply_vault, &seen))
        save_vault(c, &seen);
    if (there != *was_there && !stopper_is_set(&c->stop)) {
        if (there)
            log_info(CLIENT_ROOM, "Vault is available version=%s", seen.version);
        else
            log_warn(CLIENT_ROOM, "Vault is not available, retrying error=%s", e.msg);
    }
    *was_there = there;
}

void finger_loop(void *arg)
{
    struct nomad_client *c = arg;
    bool was_there = false;

    if (!c->o.vault.enabled || is_empty(c->o.vault.address))
        return;
    do
        look_at_vault(c, &was_there);
    while (!stopper_wait_until(&c->stop, clock_mono_ms() + FINGER_PERIOD_MS));
}
