/* Durations, sizes and times: what is read and written is read back the same. */
#include <stdlib.h>

#include "lang/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool good)
{
    if (!good)
        abort();
}

static void check_duration(struct str text)
{
    char out[DURATION_TEXT_SIZE];
    int64_t ns, back;

    if (duration_parse(text, &ns, NULL) < 0)
        return;
    duration_format(ns, out);
    require(duration_parse(str_of(out), &back, NULL) == 0 && back == ns);
}

static void check_ttl(struct str text)
{
    char out[DURATION_TEXT_SIZE];
    int64_t s, back;

    if (ttl_parse(text, &s, NULL) < 0)
        return;
    require(s <= INT64_MAX / 1000000000 && s >= INT64_MIN / 1000000000);
    ttl_format_human(s, out);
    require(ttl_parse(str_of(out), &back, NULL) == 0 && back == s);
}

static void check_time(struct str text)
{
    char out[TIME_TEXT_SIZE];
    int64_t ns, back;

    if (time_parse_rfc3339(text, &ns, NULL) < 0)
        return;
    time_format_utc(ns, out);
    require(time_parse_rfc3339(str_of(out), &back, NULL) == 0 && back == ns);
}

static void check_size(struct str text)
{
    char out[SIZE_TEXT_SIZE];
    int64_t bytes;

    if (size_parse(text, &bytes, NULL) < 0)
        return;
    require(bytes >= 0);
    size_format_iec((uint64_t)bytes, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct str text = str_n(data, len);

    check_duration(text);
    check_ttl(text);
    check_time(text);
    check_size(text);
    return 0;
}
