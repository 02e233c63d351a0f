#include "vault/core/lease.h"

#include "t.h"

enum { H = 3600, D = 24 * H };
static const int64_t S = 1000000000;

TEST(a_ttl_is_what_was_asked_for_as_far_as_all_limits_allow)
{
    static const struct {
        const char *label;
        struct ttl_input in; /* times in seconds here */
        int64_t want;        /* < 0: an ERR_* */
        const char *warning; /* "": none */
    } rows[] = {
        {"nothing given", {.mount_default_s = 32 * D, .mount_max_s = 32 * D}, 32 * D, ""},
        {"the engine's", {.backend_ttl_s = H, .mount_default_s = D, .mount_max_s = D}, H, ""},
        {"an increment wins over it",
         {.increment_s = 60, .backend_ttl_s = H, .mount_default_s = D, .mount_max_s = D},
         60,
         ""},
        {"capped to the mount's",
         {.increment_s = 99999 * H, .mount_default_s = D, .mount_max_s = 32 * D},
         32 * D,
         "TTL of \"99999h\" exceeded the effective max_ttl of \"768h\"; TTL value is capped "
         "accordingly"},
        {"capped to the engine's",
         {.increment_s = D, .backend_max_s = 2 * H, .mount_default_s = D, .mount_max_s = D},
         2 * H,
         "TTL of \"24h\" exceeded the effective max_ttl of \"2h\"; TTL value is capped "
         "accordingly"},
        {"an engine's larger maximum does not matter",
         {.backend_ttl_s = 9 * H,
          .backend_max_s = 9 * D,
          .mount_default_s = H,
          .mount_max_s = H},
         H,
         "TTL of \"9h\" exceeded the effective max_ttl of \"1h\"; TTL value is capped "
         "accordingly"},
        {"capped to the explicit maximum",
         {.increment_s = H, .explicit_max_s = 1200, .mount_default_s = D, .mount_max_s = D},
         1200,
         "TTL of \"1h\" exceeded the effective max_ttl of \"20m\"; TTL value is capped "
         "accordingly"},
        {"a renewal counts from the start",
         {.increment_s = H,
          .mount_default_s = D,
          .mount_max_s = H,
          .start_ns = 1000,
          .now_ns = 1000 + 600},
         3000,
         "TTL of \"1h\" exceeded the effective max_ttl of \"50m\"; TTL value is capped "
         "accordingly"},
        {"a renewal may shorten",
         {.increment_s = 5,
          .mount_default_s = D,
          .mount_max_s = D,
          .start_ns = 1000,
          .now_ns = 2000},
         5,
         ""},
        {"the end has come",
         {.increment_s = 5,
          .mount_default_s = H,
          .mount_max_s = H,
          .start_ns = 1000,
          .now_ns = 1000 + H},
         ERR_INVALID,
         ""},
        {"one second before it",
         {.increment_s = 1,
          .mount_default_s = H,
          .mount_max_s = H,
          .start_ns = 1000,
          .now_ns = 1000 + H - 1},
         1,
         ""},
        {"a period has no end",
         {.period_s = H,
          .mount_default_s = D,
          .mount_max_s = D,
          .start_ns = 1000,
          .now_ns = 1000 + 400 * D},
         H,
         ""},
        {"a period ignores the increment",
         {.period_s = H, .increment_s = 5, .mount_default_s = D, .mount_max_s = D},
         H,
         ""},
        {"a period is capped to the mount's",
         {.period_s = 2 * D, .mount_default_s = H, .mount_max_s = D},
         D,
         "period of \"48h\" exceeded the effective max_ttl of \"24h\"; period value is capped "
         "accordingly"},
        {"a period ends with the explicit maximum",
         {.period_s = H,
          .explicit_max_s = 2 * H,
          .mount_default_s = D,
          .mount_max_s = D,
          .start_ns = 1000,
          .now_ns = 1000 + 90 * 60},
         1800,
         "TTL of \"1h\" exceeded the effective max_ttl of \"30m\"; TTL value is capped "
         "accordingly"},
        {"a period that is capped is told once, also when time has passed",
         {.period_s = H,
          .explicit_max_s = 1800,
          .mount_default_s = D,
          .mount_max_s = D,
          .start_ns = 1000,
          .now_ns = 1000 + 60},
         1740,
         "period of \"1h\" exceeded the effective max_ttl of \"30m\"; period value is capped "
         "accordingly"},
        {"numbers that overflow are no end",
         {.increment_s = INT64_MAX,
          .mount_default_s = H,
          .mount_max_s = INT64_MAX,
          .start_ns = 1000,
          .now_ns = 1000},
         INT64_MAX,
         ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct ttl_input in = rows[i].in;
        const char *warning = "unset";
        struct err e = ERR_INIT;
        int64_t ttl = 0;
        int r;

        T_ROW(rows[i].label);
        in.start_ns *= S;
        in.now_ns = in.now_ns * S + S / 2; /* fractions do not count */
        r = ttl_decide(&in, a, &ttl, &warning, &e);
        if (rows[i].want < 0) {
            T_INT_EQ(r, rows[i].want);
            T_STR_EQ(e.msg, "past the max TTL, cannot renew");
            continue;
        }
        T_INT_EQ(r, 0);
        T_INT_EQ(ttl, rows[i].want);
        T_STR_EQ(warning ? warning : "", rows[i].warning);
    }
    T_ROW("");
}
