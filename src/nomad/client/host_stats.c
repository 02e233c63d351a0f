/* /v1/client/stats: what this machine is doing. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "nomad/client/finger.h"
#include "nomad/client/serve.h"

enum { CPUS_MAX = 4096, SAMPLE_MS = 100 };

/* ---- memory ----------------------------------------------------------------------------- */

static uint64_t meminfo(struct str text, const char *key)
{
    struct str line, name;
    uint64_t kb;

    while (str_split(&text, '\n', &line)) {
        if (str_chr(line, ':') < 0)
            continue;
        str_split(&line, ':', &name);
        line = str_trim(line);
        if (str_eqc(name, key) && str_ends(line, STR(" kB")) &&
            str_to_u64(str_upto(line, line.len - 3), 10, &kb))
            return kb << 10;
    }
    return 0;
}

static void put_memory(struct json_out *w, struct arena *a)
{
    struct str text = finger_file("/proc/meminfo", a);
    uint64_t total = meminfo(text, "MemTotal"), available = meminfo(text, "MemAvailable");

    json_key(w, "Memory");
    json_obj(w);
    json_kv_u64(w, "Total", total);
    json_kv_u64(w, "Available", available);
    json_kv_u64(w, "Used", total > available ? total - available : 0);
    json_kv_u64(w, "Free", meminfo(text, "MemFree"));
    json_obj_end(w);
}

/* ---- processors ------------------------------------------------------------------------- */

struct cpu_times {
    char name[16];
    uint64_t user, system, idle, total;
};

struct cpu_list {
    LIST(struct cpu_times) at;
};

static void read_cpus(struct arena *a, struct cpu_list *ret)
{
    struct str text = finger_file("/proc/stat", a), line;

    while (str_split(&text, '\n', &line) && ret->at.len < CPUS_MAX) {
        unsigned long long v[8] = {0};
        struct cpu_times *t;
        int cpu;

        if (line.len < 4 || line.p[3] < '0' || line.p[3] > '9')
            continue; /* "cpu": the sum */
        if (sscanf(arena_cstr(a, line), "cpu%d %llu %llu %llu %llu %llu %llu %llu %llu", &cpu,
                   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 5)
            continue;
        t = list_add(a, &ret->at);
        snprintf(t->name, sizeof t->name, "cpu%d", cpu);
        t->user = v[0] + v[1];
        t->system = v[2] + v[5] + v[6];
        t->idle = v[3] + v[4];
        for (size_t i = 0; i < ARRAY_LEN(v); i++)
            t->total += v[i];
    }
}

static double share(uint64_t now, uint64_t before, uint64_t total)
{
    return total > 0 && now >= before ? 100.0 * (double)(now - before) / (double)total : 0;
}

static double put_cpu(struct json_out *w, const struct cpu_times *b, const struct cpu_times *n,
                      double mhz)
{
    uint64_t total = n->total > b->total ? n->total - b->total : 0;
    double idle = share(n->idle, b->idle, total), busy = total ? 100 - idle : 0;

    json_obj(w);
    json_kv_str(w, "CPU", n->name);
    json_key(w, "User");
    json_double(w, share(n->user, b->user, total));
    json_key(w, "System");
    json_double(w, share(n->system, b->system, total));
    json_key(w, "Idle");
    json_double(w, idle);
    json_key(w, "TotalPercent");
    json_double(w, busy);
    json_key(w, "TotalTicks");
    json_double(w, busy / 100 * mhz);
    json_obj_end(w);
    return busy / 100 * mhz;
}

static void put_cpus(struct json_out *w, struct nomad_client *c, struct arena *a)
{
    auto_object struct object *o = node_ref(c);
    const struct node *n = o->body;
    double mhz = n->resources.cpu.total_cores > 0 ? (double)n->resources.cpu.cpu_shares /
                                                        (double)n->resources.cpu.total_cores
                                                  : 0;
    struct cpu_list before = {0}, now = {0};
    double ticks = 0;

    read_cpus(a, &before);
    stopper_wait_until(&c->stop, clock_mono_ms() + SAMPLE_MS);
    read_cpus(a, &now);
    json_key(w, "CPU");
    json_arr(w);
    for (size_t i = 0; i < now.at.len && i < before.at.len; i++)
        ticks += put_cpu(w, &before.at.at[i], &now.at.at[i], mhz);
    json_arr_end(w);
    json_key(w, "CPUTicksConsumed");
    json_double(w, ticks);
}

/* ---- disks ------------------------------------------------------------------------------ */

static void put_disk(struct json_out *w, const char *device, const char *mount,
                     const struct statvfs *v)
{
    uint64_t size = v->f_blocks * v->f_frsize, left = v->f_bavail * v->f_frsize;

    json_obj(w);
    json_kv_str(w, "Device", device);
    json_kv_str(w, "Mountpoint", mount);
    json_kv_u64(w, "Size", size);
    json_kv_u64(w, "Used", size - v->f_bfree * v->f_frsize);
    json_kv_u64(w, "Available", left);
    json_key(w, "UsedPercent");
    json_double(w, size ? 100.0 * (double)(size - left) / (double)size : 0);
    json_key(w, "InodesUsedPercent");
    json_double(w, v->f_files ? 100.0 * (double)(v->f_files - v->f_ffree) / (double)v->f_files
                              : 0);
    json_obj_end(w);
}

static void put_disks(struct json_out *w, struct nomad_client *c, struct arena *a)
{
    struct str text = finger_file("/proc/self/mounts", a), line;
    struct statvfs v;

    json_key(w, "DiskStats");
    json_arr(w);
    while (str_split(&text, '\n', &line)) {
        struct str device, mount;

        if (!str_split(&line, ' ', &device) || !str_split(&line, ' ', &mount) ||
            !str_starts(device, STR("/dev/")))
            continue;
        const char *at = arena_cstr(a, mount);
        if (statvfs(at, &v) == 0)
            put_disk(w, arena_cstr(a, device), at, &v);
    }
    json_arr_end(w);
    json_key(w, "AllocDirStats");
    if (fstatvfs(c->alloc_fd, &v) == 0)
        put_disk(w, "", c->o.alloc_dir, &v);
    else
        json_null(w);
}

static int64_t uptime_s(struct arena *a)
{
    struct str text = finger_file("/proc/uptime", a), first;
    double s;

    return str_split(&text, ' ', &first) && str_to_double(first, &s) ? (int64_t)s : 0;
}

int serve_host_stats(struct ask *q, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(4 << 20);
    struct json_out w;

    json_out_init(&w, &b, NULL);
    json_obj(&w);
    put_memory(&w, q->a);
    put_cpus(&w, q->c, q->a);
    put_disks(&w, q->c, q->a);
    json_kv_null(&w, "DeviceStats");
    json_kv_i64(&w, "Uptime", uptime_s(q->a));
    json_kv_i64(&w, "Timestamp", clock_wall_ns());
    json_obj_end(&w);
    return answer_whole(q->w, 200, TYPE_JSON, buf_str(&b), e);
}
