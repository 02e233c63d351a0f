/* A line of a cron expression and, behind it, the bytes of a time zone's file: whatever they
 * are, times only go forward, and the last one before a time is one of them. */
#include <stdlib.h>

#include "nomad/model/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str bytes = str_n(data, len), line = {0};
    auto_zone struct zone *z = NULL;
    struct crons all = {.len = 1};
    int64_t t = 1767225600;
    struct cron c;

    str_split(&bytes, '\n', &line);
    if (cron_parse(line, &c, NULL) < 0)
        return 0;
    if (bytes.len && zone_parse(bytes, &z, NULL) < 0)
        return 0;
    all.at = &c;
    all.zone = z;
    for (int i = 0; i < 4 && t != CRON_NEVER; i++) {
        int64_t next = cron_next(&c, z, t);

        require(next > t);
        if (next != CRON_NEVER) {
            require(crons_latest(&all, t, next) == next);
            require(crons_latest(&all, t, next - 1) == CRON_NEVER);
        }
        t = next;
    }
    return 0;
}
