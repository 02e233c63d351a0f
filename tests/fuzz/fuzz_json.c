/* Texts: ours and jansson's reader agree, and what we print means the same to both. */
#include <stdlib.h>

#include "base/err.h"
#include "jansson_side.h"
#include "lang/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool good)
{
    if (!good)
        abort();
}

static void check_print(struct str text, const struct json *v, const char *indent)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(64 << 20);
    struct json *back;

    json_print(&b, v, indent);
    require(buf_ok(&b));
    require(json_parse(buf_str(&b), &json_limits_file, JSON_COPY, a, &back, NULL) == 0);
    require(json_eq(v, back));
    if (jansson_reads(text) == JANSSON_YES)
        require(jansson_same(text, buf_str(&b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    auto_arena struct arena *a = arena_new(0);
    struct str text = str_n(data, len);
    struct json *v;
    int r = json_parse(text, NULL, 0, a, &v, NULL);

    if (r == 0) {
        require(jansson_reads(text) != JANSSON_NO);
        require(json_eq(v, json_copy(a, v)));
        check_print(text, v, NULL);
        check_print(text, v, "  ");
    } else if (r == ERR_INVALID) {
        require(jansson_reads(text) != JANSSON_YES);
    }
    return 0;
}
