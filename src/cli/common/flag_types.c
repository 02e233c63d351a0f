#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/common/command.h"
#include "lang/units.h"

enum { DAY_S = 24 * 60 * 60 };

static bool whole_seconds(struct str s, int64_t *ret)
{
    int64_t days;

    if (str_to_i64(s, 10, ret))
        return true;
    if (!str_ends(s, STR("d")) || !str_to_i64(str_upto(s, s.len - 1), 10, &days))
        return false;
    return !__builtin_mul_overflow(days, DAY_S, ret);
}

int cli_parse_duration(void *arg, const char *value, struct err *e)
{
    int64_t *to = arg, s;

    if (whole_seconds(str_of(value), &s)) {
        if (__builtin_mul_overflow(s, 1000000000, to))
            return err_set(e, ERR_INVALID, "time: invalid duration \"%.200s\"", value);
        return 0;
    }
    return duration_parse(str_of(value), to, e);
}

int cli_parse_pair(void *arg, const char *value, struct err *e)
{
    struct cli_pairs *to = arg;
    const char *eq = strchr(value, '=');

    if (!eq)
        return err_set(e, ERR_INVALID, "missing = in KV pair: \"%.200s\"", value);
    if (to->len == CLI_PAIRS_MAX)
        return err_set(e, ERR_INVALID, "given more than %d times", CLI_PAIRS_MAX);
    to->at = reallocarray(to->at, to->len + 1, sizeof *to->at);
    if (!to->at)
        abort();
    to->at[to->len++] = (struct strpair){strndup(value, (size_t)(eq - value)), eq + 1};
    return 0;
}
