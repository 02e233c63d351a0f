/* What of a node is promised, and what is in use, for `nomad node status <node>`. */
#include "cli/nomad/node_resources.h"

#include <math.h>
#include <string.h>

enum { MIB = 1 << 20 };

struct amounts {
    double mhz, memory, disk; /* memory and disk in bytes */
};

static bool is_live(struct cli_call *c, const struct json *alloc)
{
    const char *s = text_at(c, alloc, "ClientStatus");

    return strcmp(s, "pending") == 0 || strcmp(s, "running") == 0 || strcmp(s, "unknown") == 0;
}

static struct amounts of_node(const struct json *n, const char *what)
{
    const struct json *r = at(n, what);

    return (struct amounts){(double)number_at(r, "Cpu.CpuShares"),
                            (double)number_at(r, "Memory.MemoryMB") * MIB,
                            (double)number_at(r, "Disk.DiskMB") * MIB};
}

static struct amounts promised(struct cli_call *c, const struct json *allocs)
{
    struct amounts sum = {0, 0, 0};

    for (size_t i = 0; i < count_of(allocs); i++) {
        const struct json *a = &allocs->items[i], *tasks = at(a, "AllocatedResources.Tasks");

        if (!is_live(c, a))
            continue;
        for (size_t k = 0; k < count_of(tasks); k++) {
            sum.mhz += (double)number_at(&tasks->members[k].value, "Cpu.CpuShares");
            sum.memory += (double)number_at(&tasks->members[k].value, "Memory.MemoryMB") * MIB;
        }
        sum.disk += (double)number_at(a, "AllocatedResources.Shared.DiskMB") * MIB;
    }
    return sum;
}

static double real_at(const struct json *v, const char *dotted)
{
    double d = 0;

    return json_to_double(at(v, dotted), &d) ? d : 0;
}

/* Of the allocs that run; one that does not tell counts nothing. */
static struct amounts used_by_allocs(struct cli_call *c, const struct json *allocs)
{
    struct amounts sum = {0, 0, 0};

    for (size_t i = 0; i < count_of(allocs); i++) {
        const struct json *a = &allocs->items[i];
        struct nomad_reply r;

        if (strcmp(text_at(c, a, "ClientStatus"), "running") != 0 ||
            nomad_get(c, pathf(c, "client/allocation/%s/stats", text_at(c, a, "ID")), &r))
            continue;
        sum.mhz += real_at(r.json, "ResourceUsage.CpuStats.TotalTicks");
        sum.memory += real_at(r.json, "ResourceUsage.MemoryStats.RSS");
    }
    return sum;
}

static void print_use(struct cli_call *c, const char *title, struct amounts used,
                      struct amounts total, bool disk)
{
    struct table t = TABLE_NOMAD(c->arena);

    printf("\n%s\n", title);
    table_add(&t, "CPU", "Memory", disk ? "Disk" : NULL, NULL);
    table_add(&t, pathf(c, "%.0f/%.0f MHz", floor(used.mhz), total.mhz),
              pathf(c, "%s/%s", bytes_text(c, used.memory), bytes_text(c, total.memory)),
              disk ? pathf(c, "%s/%s", bytes_text(c, used.disk), bytes_text(c, total.disk))
                   : NULL,
              NULL);
    table_print(&t, stdout);
}

static const char *percent(struct cli_call *c, const struct json *v, const char *dotted)
{
    return pathf(c, "%.2f%%", real_at(v, dotted));
}

static const char *size(struct cli_call *c, const struct json *v, const char *dotted)
{
    return bytes_text(c, real_at(v, dotted));
}

static void print_details(struct cli_call *c, const struct json *stats)
{
    const struct json *cpus = at(stats, "CPU"), *disks = at(stats, "DiskStats"),
                      *m = at(stats, "Memory");
    const struct kv_line memory[] = {{"Total", size(c, m, "Total")},
                                     {"Available", size(c, m, "Available")},
                                     {"Used", size(c, m, "Used")},
                                     {"Free", size(c, m, "Free")}};

    printf("\nCPU Stats\n");
    for (size_t i = 0; i < count_of(cpus); i++) {
        const struct json *cpu = &cpus->items[i];
        const struct kv_line lines[] = {{"CPU", text_at(c, cpu, "CPU")},
                                        {"User", percent(c, cpu, "User")},
                                        {"System", percent(c, cpu, "System")},
                                        {"Idle", percent(c, cpu, "Idle")}};

        printf("%s", i ? "\n" : "");
        print_kv(c, lines, ARRAY_LEN(lines));
    }
    printf("\nMemory Stats\n");
    print_kv(c, memory, ARRAY_LEN(memory));
    printf("\nDisk Stats\n");
    for (size_t i = 0; i < count_of(disks); i++) {
        const struct json *d = &disks->items[i];
        const struct kv_line lines[] = {{"Device", text_at(c, d, "Device")},
                                        {"MountPoint", text_at(c, d, "Mountpoint")},
                                        {"Size", size(c, d, "Size")},
                                        {"Used", size(c, d, "Used")},
                                        {"Available", size(c, d, "Available")},
                                        {"Used Percent", percent(c, d, "UsedPercent")},
                                        {"Inodes Percent", percent(c, d, "InodesUsedPercent")}};

        printf("%s", i ? "\n" : "");
        print_kv(c, lines, ARRAY_LEN(lines));
    }
}

void print_node_resources(struct cli_call *c, const struct json *node,
                          const struct json *allocs, bool details)
{
    struct amounts all = of_node(node, "NodeResources"),
                   kept = of_node(node, "ReservedResources");
    struct amounts free = {all.mhz - kept.mhz, all.memory - kept.memory, all.disk - kept.disk};
    struct nomad_reply r;

    print_use(c, "Allocated Resources", promised(c, allocs), free, true);
    if (nomad_get(c, pathf(c, "client/stats?node_id=%s", text_at(c, node, "ID")), &r)) {
        printf("\n");
        cli_fail(0, "error fetching node stats: actual resource usage not present");
        return;
    }
    print_use(c, "Allocation Resource Utilization", used_by_allocs(c, allocs), free, false);
    print_use(c, "Host Resource Utilization",
              (struct amounts){real_at(r.json, "CPUTicksConsumed"),
                               real_at(r.json, "Memory.Used"),
                               real_at(r.json, "AllocDirStats.Used")},
              (struct amounts){all.mhz, real_at(r.json, "Memory.Total"),
                               real_at(r.json, "AllocDirStats.Size")},
              true);
    if (details)
        print_details(c, r.json);
}
