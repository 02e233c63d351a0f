/* Functions between values and their encodings: base64, URLs, JSON, CSV. */
#include "base/codec.h"
#include "base/err.h"
#include "lang/hcl_eval_priv.h"
#include "lang/hcl_funcs.h"

static struct str arg(const struct hcl_func_call *c, size_t i)
{
    return c->args[i]->text;
}

static struct json *fn_base64encode(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);

    codec_base64_encode(&b, arg(c, 0), false, true);
    return hcl_call_text(c, &b);
}

static struct json *fn_base64decode(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);

    if (codec_base64_decode(&b, arg(c, 0), false, true, NULL) < 0)
        return hcl_call_failed(c, "failed to decode base64 data '%.*s'", STR_ARG(arg(c, 0)));
    if (!str_is_utf8(buf_str(&b)))
        return hcl_call_failed(c, "the result of decoding the provided string is not valid "
                                  "UTF-8");
    return hcl_call_text(c, &b);
}

static struct json *fn_urlencode(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);
    struct str s = arg(c, 0);

    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.p[i];

        if ((ch >= '0' && ch <= '9') || ((ch | 32) >= 'a' && (ch | 32) <= 'z') ||
            (ch && strchr("-_.~", ch)))
            buf_putc(&b, (char)ch);
        else if (ch == ' ')
            buf_putc(&b, '+');
        else
            buf_printf(&b, "%%%02X", ch);
    }
    return hcl_call_text(c, &b);
}

/*
 * JSON
 */

static void put_json(struct json_out *w, const struct json *v, struct arena *a)
{
    const struct json *n;

    switch (v->type) {
    case JSON_NUMBER:
        n = hcl_to_number(v, a);
        json_raw(w, n ? n->text : v->text);
        break;
    case JSON_ARRAY:
        json_arr(w);
        for (uint32_t i = 0; i < v->len && buf_ok(w->b); i++)
            put_json(w, &v->items[i], a);
        json_arr_end(w);
        break;
    case JSON_OBJECT:
        json_obj(w);
        for (uint32_t i = 0; i < v->len && buf_ok(w->b); i++) {
            json_keyn(w, v->members[i].key);
            put_json(w, &v->members[i].value, a);
        }
        json_obj_end(w);
        break;
    default:
        json_value(w, v);
    }
}

void hcl_put_json(struct buf *b, const struct json *v, struct arena *a)
{
    struct json_out w;

    json_out_init(&w, b, NULL);
    w.escape_html = true;
    put_json(&w, v, a);
}

static struct json *fn_jsonencode(const struct hcl_func_call *c)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);

    hcl_put_json(&b, c->args[0], c->arena);
    return hcl_call_text(c, &b);
}

/* What was decoded has its objects sorted, as every object of the language is. */
static void sort_all(struct json *v)
{
    for (uint32_t i = 0; v->type >= JSON_ARRAY && i < v->len; i++)
        sort_all(v->type == JSON_ARRAY ? &v->items[i] : &v->members[i].value);
    if (v->type == JSON_OBJECT)
        hcl_sort_members(v->members, &v->len);
}

static struct json *fn_jsondecode(const struct hcl_func_call *c)
{
    static const struct json_limits limits = {HCL_EVAL_BYTES_MAX, HCL_DEPTH_MAX - 4,
                                              HCL_EVAL_STEPS_MAX / 4};
    struct str s = arg(c, 0);
    struct err e = ERR_INIT;
    struct json *v;
    int r;

    if (!hcl_call_spend(c, s.len / 4, s.len * 2)) /* a byte can be a value: "[1,1,1]" */
        return NULL;
    r = json_parse(s, &limits, 0, c->arena, &v, &e);
    if (r == ERR_TOOBIG) {
        hcl_call_spend(c, SIZE_MAX, 0);
        return NULL;
    }
    if (r < 0 && str_has(str_of(e.msg), STR("unexpected end")))
        return hcl_call_failed(c, "EOF");
    if (r < 0)
        return hcl_call_failed(c, "%s", e.msg);
    sort_all(v);
    return v;
}

/*
 * CSV: a line of names, then a line for each object.
 */

struct csv {
    const struct hcl_func_call *c;
    struct str rest;
    size_t line;
    LIST(struct json) fields; /* of the record read last */
};

static bool csv_failed(struct csv *csv, const char *why)
{
    hcl_call_failed(csv->c, "CSV parse error on line %zu: %s", csv->line, why);
    return false;
}

static void skip(struct csv *csv, size_t n)
{
    csv->rest = str_from(csv->rest, n);
}

/* Behind the opening quote. */
static bool quoted_field(struct csv *csv, struct str *ret)
{
    auto_buf struct buf b = BUF_INIT(HCL_EVAL_BYTES_MAX);

    for (;;) {
        ptrdiff_t at = str_chr(csv->rest, '"');

        if (at < 0)
            return csv_failed(csv, "extraneous or missing \" in quoted-field");
        for (size_t i = 0; i < (size_t)at; i++)
            csv->line += csv->rest.p[i] == '\n';
        buf_put_str(&b, str_upto(csv->rest, (size_t)at));
        skip(csv, (size_t)at + 1);
        if (csv->rest.len == 0 || csv->rest.p[0] != '"')
            break;
        buf_putc(&b, '"');
        skip(csv, 1);
    }
    *ret = arena_str(csv->c->arena, buf_str(&b));
    return true;
}

static bool plain_field(struct csv *csv, struct str *ret)
{
    size_t n = 0;

    while (n < csv->rest.len && csv->rest.p[n] != ',' && csv->rest.p[n] != '\n')
        n++;
    *ret = str_upto(csv->rest, n);
    skip(csv, n);
    if (ret->len > 0 && ret->p[ret->len - 1] == '\r' && csv->rest.len > 0 &&
        csv->rest.p[0] == '\n')
        ret->len--;
    if (str_chr(*ret, '"') >= 0)
        return csv_failed(csv, "bare \" in non-quoted field");
    return true;
}

static void skip_empty_lines(struct csv *csv)
{
    for (;;) {
        size_t n =
            str_starts(csv->rest, STR("\n")) ? 1 : 2 * str_starts(csv->rest, STR("\r\n"));

        if (n == 0)
            return;
        skip(csv, n);
        csv->line++;
    }
}

/* False: said. */
static bool read_record(struct csv *csv)
{
    csv->fields.len = 0;
    for (;;) {
        struct str field;
        bool quoted = csv->rest.len > 0 && csv->rest.p[0] == '"';

        skip(csv, quoted);
        if (quoted ? !quoted_field(csv, &field) : !plain_field(csv, &field))
            return false;
        list_push(csv->c->arena, &csv->fields, json_of_str(field));
        if (str_starts(csv->rest, STR(","))) {
            skip(csv, 1);
            continue;
        }
        if (str_starts(csv->rest, STR("\r\n")))
            skip(csv, 1);
        if (csv->rest.len > 0 && csv->rest.p[0] != '\n')
            return csv_failed(csv, "extraneous or missing \" in quoted-field");
        skip(csv, 1);
        return true;
    }
}

static struct json *csv_object(struct csv *csv, const struct json *names, size_t n)
{
    struct json r = {.type = JSON_OBJECT};

    if (csv->fields.len != n) {
        csv_failed(csv, "wrong number of fields");
        return NULL;
    }
    if (!hcl_call_spend(csv->c, n, n * sizeof(struct json_member)))
        return NULL;
    r.members = arena_array(csv->c->arena, struct json_member, n + 1);
    for (; r.len < n; r.len++)
        r.members[r.len] = (struct json_member){names[r.len].text, csv->fields.at[r.len]};
    hcl_sort_members(r.members, &r.len);
    return hcl_result(csv->c, r);
}

static bool names_differ(const struct hcl_func_call *c, const struct json *names, size_t n)
{
    struct map seen = MAP_INIT;
    bool ok = true;

    for (size_t i = 0; i < n && ok; i++)
        if (map_put(&seen, names[i].text, &seen)) {
            hcl_call_failed(c, "duplicate column name \"%.*s\"", STR_ARG(names[i].text));
            ok = false;
        }
    map_done(&seen);
    return ok;
}

static struct json *fn_csvdecode(const struct hcl_func_call *c)
{
    struct csv csv = {.c = c, .rest = arg(c, 0), .line = 1};
    struct json *r = hcl_result_list(c, HCL_IS_LIST, 0);
    LIST(struct json) rows = {0};
    struct json *names;
    size_t n;

    if (!hcl_call_spend(c, csv.rest.len / 8, csv.rest.len))
        return NULL;
    skip_empty_lines(&csv);
    if (csv.rest.len == 0)
        return hcl_call_failed(c, "missing header line");
    if (!read_record(&csv) || !names_differ(c, csv.fields.at, csv.fields.len))
        return NULL;
    n = csv.fields.len;
    names = csv.fields.at;
    csv.fields.at = NULL;
    csv.fields.len = 0;
    for (;;) {
        const struct json *row;

        csv.line++;
        skip_empty_lines(&csv);
        if (csv.rest.len == 0)
            break;
        row = read_record(&csv) ? csv_object(&csv, names, n) : NULL;
        if (!row)
            return NULL;
        list_push(c->arena, &rows, *row);
    }
    r->items = rows.at;
    r->len = (uint32_t)rows.len;
    return r;
}

void hcl_funcs_codecs(struct map *funcs)
{
    static const struct hcl_function rows[] = {
        {"base64decode", fn_base64decode, {{"str", HCL_STRING}}},
        {"base64encode", fn_base64encode, {{"str", HCL_STRING}}},
        {"csvdecode", fn_csvdecode, {{"str", HCL_STRING}}},
        {"jsondecode", fn_jsondecode, {{"str", HCL_STRING}}},
        {"jsonencode", fn_jsonencode, {{"val", HCL_ANY, true}}},
        {"urlencode", fn_urlencode, {{"str", HCL_STRING}}},
    };

    hcl_funcs_add_rows(funcs, rows, ARRAY_LEN(rows));
}
