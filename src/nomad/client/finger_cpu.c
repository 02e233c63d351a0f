/* Processors: how many, how fast. MHz times cores is what jobs ask a share of. */
#include <inttypes.h>
#include <unistd.h>

#include "nomad/client/finger.h"

enum { MHZ_UNKNOWN = 1000 };
#define CPU0 "/sys/devices/system/cpu/cpu0/cpufreq/"

/* "model name : x" of /proc/cpuinfo. */
static struct str cpuinfo(struct str text, const char *key)
{
    struct str line, name;

    while (str_split(&text, '\n', &line)) {
        if (str_chr(line, ':') < 0)
            continue;
        str_split(&line, ':', &name);
        if (str_eqc(str_trim(name), key))
            return str_trim(line);
    }
    return STR("");
}

static int64_t mhz_of_file(const char *path, struct arena *a)
{
    int64_t khz;

    return str_to_i64(str_trim(finger_file(path, a)), 10, &khz) ? khz / 1000 : 0;
}

static int64_t mhz_of(struct str info, struct arena *a)
{
    int64_t mhz = mhz_of_file(CPU0 "base_frequency", a);
    double now;

    if (mhz <= 0)
        mhz = mhz_of_file(CPU0 "cpuinfo_max_freq", a);
    if (mhz <= 0 && str_to_double(cpuinfo(info, "cpu MHz"), &now))
        mhz = (int64_t)now;
    return mhz > 0 ? mhz : MHZ_UNKNOWN;
}

void finger_cpu(struct nomad_client *c, struct node *n, struct arena *a)
{
    struct str info = finger_file("/proc/cpuinfo", a);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t mhz = mhz_of(info, a), total;

    if (cores < 1)
        cores = 1;
    total = c->o.cpu_total_compute > 0 ? c->o.cpu_total_compute : mhz * cores;
    finger_set(n, a, "cpu.modelname", arena_cstr(a, cpuinfo(info, "model name")));
    finger_setf(n, a, "cpu.frequency", "%" PRId64, mhz);
    finger_setf(n, a, "cpu.numcores", "%ld", cores);
    finger_setf(n, a, "cpu.reservablecores", "%ld", cores);
    finger_setf(n, a, "cpu.totalcompute", "%" PRId64, total);
    finger_setf(n, a, "cpu.usablecompute", "%" PRId64, total - c->o.reserved_cpu);
    n->resources.cpu.cpu_shares = total;
    n->resources.cpu.total_cores = cores;
    n->resources.cpu.reservable_cores = json_new_array(a);
    for (long i = 0; i < cores; i++)
        json_push(a, n->resources.cpu.reservable_cores, json_of_i64(a, i));
}
