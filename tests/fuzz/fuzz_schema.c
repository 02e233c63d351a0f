/* Stored records, and request bodies in every way of decoding them: what was taken survives
 * being stored, copied and compared. The first byte chooses the flags. */
#include <stdlib.h>

#include "lang/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct item {
    const char *name, *secret, *kind;
    int64_t number, duration, ttl, time;
    int64_t *maybe;
    uint64_t natural;
    double real;
    bool flag;
    struct str bytes;
    struct strlist list;
    struct strmap map;
    struct json *free_form;
    struct item *one;
    LIST(struct item) many, named;
};

static const struct schema item_schema;

#define FIELD(name_, type_, member) \
    .json = (name_), .hcl = (name_), .type = (type_), .offset = offsetof(struct item, member)

static const struct schema_field item_fields[] = {
    {FIELD("name", F_STR, name), .flags = FIELD_LABEL},
    {FIELD("secret", F_STR, secret), .flags = FIELD_SECRET | FIELD_HIDDEN},
    {FIELD("kind", F_STR, kind), .def = "\"a\"", .one_of = "a|b"},
    {FIELD("number", F_INT, number), .min = -5, .max = 1000},
    {FIELD("duration", F_DURATION, duration), .def = "5"},
    {FIELD("ttl", F_TTL, ttl)},
    {FIELD("time", F_TIME, time)},
    {FIELD("maybe", F_INT, maybe), .flags = FIELD_PTR},
    {FIELD("natural", F_UINT, natural)},
    {FIELD("real", F_DOUBLE, real)},
    {FIELD("flag", F_BOOL, flag)},
    {FIELD("bytes", F_BYTES, bytes)},
    {FIELD("list", F_STRLIST, list), .flags = FIELD_CSL, .def = "[\"x\"]"},
    {FIELD("map", F_STRMAP, map)},
    {FIELD("free", F_JSON, free_form)},
    {FIELD("one", F_OBJ, one), .sub = &item_schema},
    {FIELD("many", F_LIST, many), .sub = &item_schema},
    {FIELD("named", F_MAP, named), .sub = &item_schema},
};
static SCHEMA(item_schema, "item", struct item, item_fields);

static void require(bool good)
{
    if (!good)
        abort();
}

static void check_record(struct str record)
{
    auto_object struct object *o = NULL, *again = NULL;
    auto_buf struct buf b = BUF_INIT(64 << 20);

    if (object_load(&item_schema, record, &o, NULL) < 0)
        return;
    object_store(o, &b);
    if (!buf_ok(&b)) /* deeper than the writer goes */
        return;
    require(object_load(&item_schema, buf_str(&b), &again, NULL) == 0);
    require(schema_eq(&item_schema, o->body, again->body));
}

static void check_body(struct str text, unsigned flags)
{
    auto_arena struct arena *a = arena_new(0);
    struct problems p = {.arena = a};
    struct item *it = arena_new_of(a, struct item), *copy;
    struct object_diff d;
    struct json *v;

    if (json_parse(text, NULL, 0, a, &v, NULL) < 0)
        return;
    schema_decode_into(&item_schema, v, flags, "item \"x\"", it, &p);
    require(p.list.len <= PROBLEMS_MAX);
    if (p.list.len)
        return;
    copy = schema_copy(&item_schema, it, a);
    require(schema_eq(&item_schema, it, copy));
    schema_check(&item_schema, copy, "", &p);
    schema_diff(&item_schema, it, copy, false, a, &d);
    require(strcmp(d.type, "None") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0)
        return 0;
    check_record(str_n(data + 1, len - 1));
    check_body(str_n(data + 1, len - 1), data[0] & 0x1F);
    return 0;
}
