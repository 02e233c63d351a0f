#include "cli/common/print.h"

#include "base/str.h"

bool format_parse(const char *name, enum output_format *ret)
{
    static const struct {
        const char *name;
        enum output_format format;
    } names[] = {
        {"", FORMAT_TABLE},    {"table", FORMAT_TABLE}, {"json", FORMAT_JSON},
        {"yaml", FORMAT_YAML}, {"yml", FORMAT_YAML},    {"pretty", FORMAT_PRETTY},
        {"raw", FORMAT_RAW},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(str_of(name), str_of(names[i].name))) {
            *ret = names[i].format;
            return true;
        }
    return false;
}

void print_json(struct buf *b, const struct json *v)
{
    struct json_out w;

    json_out_init(&w, b, "  ");
    w.escape_html = true;
    json_value(&w, v);
}

void print_value(const struct json *v, enum output_format f, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(PRINT_MAX);

    b.secret = true;
    if (f == FORMAT_YAML) {
        print_yaml(&b, v, a);
    } else {
        print_json(&b, v);
        buf_putc(&b, '\n');
    }
    fwrite(b.p ? b.p : "", 1, b.len, stdout);
}
