#include <string.h>

#include "base/err.h"
#include "lang/filter.h"
#include "t.h"

struct part {
    const char *name;
    int64_t count;
    struct strmap meta;
};

struct thing {
    const char *id, *owner, *token, *hidden;
    int64_t priority, *limit;
    uint64_t index;
    double weight;
    bool stop;
    int64_t since;
    struct strlist dcs;
    struct strmap meta;
    struct json *free_form;
    struct part *main, *spare;
    struct part inner;
    LIST(struct part) parts, named;
};

static const struct schema_field part_fields[] = {
    {"Name", NULL, F_STR, offsetof(struct part, name)},
    {"Count", NULL, F_INT, offsetof(struct part, count)},
    {"Meta", NULL, F_STRMAP, offsetof(struct part, meta)},
};
static SCHEMA(part_schema, "part", struct part, part_fields);

static const struct schema_field thing_fields[] = {
    {"ID", NULL, F_STR, offsetof(struct thing, id)},
    {"Owner", NULL, F_STR, offsetof(struct thing, owner)},
    {"Token", NULL, F_STR, offsetof(struct thing, token), .flags = FIELD_SECRET},
    {"Hidden", NULL, F_STR, offsetof(struct thing, hidden), .flags = FIELD_HIDDEN},
    {"Priority", NULL, F_INT, offsetof(struct thing, priority)},
    {"Limit", NULL, F_INT, offsetof(struct thing, limit), .flags = FIELD_PTR},
    {"Index", NULL, F_UINT, offsetof(struct thing, index)},
    {"Weight", NULL, F_DOUBLE, offsetof(struct thing, weight)},
    {"Stop", NULL, F_BOOL, offsetof(struct thing, stop)},
    {"Since", NULL, F_TIME, offsetof(struct thing, since)},
    {"Datacenters", NULL, F_STRLIST, offsetof(struct thing, dcs)},
    {"Meta", NULL, F_STRMAP, offsetof(struct thing, meta)},
    {"Free", NULL, F_JSON, offsetof(struct thing, free_form)},
    {"Main", NULL, F_OBJ, offsetof(struct thing, main), .sub = &part_schema},
    {"Spare", NULL, F_OBJ, offsetof(struct thing, spare), .sub = &part_schema},
    {"Inner", NULL, F_EMBED, offsetof(struct thing, inner), .sub = &part_schema},
    {"Parts", NULL, F_LIST, offsetof(struct thing, parts), .sub = &part_schema},
    {"Named", NULL, F_MAP, offsetof(struct thing, named), .sub = &part_schema},
};
static SCHEMA(thing_schema, "thing", struct thing, thing_fields);

static const char thing_text[] =
    "{\"ID\":\"web-1\",\"Token\":\"s.secret\",\"Priority\":50,\"Index\":7,\"Weight\":1.5,"
    "\"Stop\":true,\"Datacenters\":[\"dc1\",\"dc2\"],"
    "\"Meta\":{\"owner\":\"ops\",\"a.b\":\"dot\",\"empty\":\"\"},"
    "\"Free\":{\"n\":3,\"list\":[1,2],\"null\":null,\"yes\":true},"
    "\"Main\":{\"Name\":\"m\",\"Count\":2},\"Inner\":{\"Name\":\"i\"},"
    "\"Parts\":[{\"Name\":\"p0\",\"Count\":1},{\"Name\":\"p1\",\"Count\":1,"
    "\"Meta\":{\"k\":\"v\"}}],"
    "\"Named\":{\"one\":{\"Count\":1},\"two\":{\"Count\":2}}}";

static const struct thing *thing_new(struct arena *a)
{
    struct thing *t = arena_new_of(a, struct thing);
    struct err e = ERR_INIT;
    struct json *v;

    T_OK(json_parse(str_of(thing_text), NULL, 0, a, &v, &e), &e);
    T_OK(schema_decode(&thing_schema, v, 0, a, t, &e), &e);
    return t;
}

static int run(struct arena *a, const struct thing *t, const char *text, struct err *e)
{
    struct filter *f;
    int r = filter_parse(str_of(text), a, &f, e);

    return r < 0 ? r : filter_match(f, &thing_schema, t, e);
}

TEST(a_filter_matches_what_it_says)
{
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        {"ID == \"web-1\"", 1},
        {"ID==`web-1`", 1},
        {"ID != \"web-1\"", 0},
        {"Stop == true and Priority == 50", 1},
        {"Priority == \"0x32\"", 1},
        {"Priority != 49", 1},
        {"Index == 7", 1},
        {"Weight == 1.5", 1},
        {"Limit == 0", 1},
        {"Owner == \"\"", 1},
        {"Owner is empty", 1},
        {"Owner is not empty", 0},
        {"\"dc1\" in Datacenters", 1},
        {"dc1 in Datacenters", 1},
        {"\"dc3\" in Datacenters", 0},
        {"\"dc3\" not in Datacenters", 1},
        {"Datacenters contains dc2", 1},
        {"Datacenters not contains dc2", 0},
        {"Datacenters.1 == dc2", 1},
        {"Datacenters.7 == dc2", 0},
        {"ID contains \"eb\"", 1},
        {"ID not contains \"eb\"", 0},
        {"ID matches \"^web-[0-9]+$\"", 1},
        {"ID matches `^\\w+-\\d$`", 1},
        {"ID not matches \"^db\"", 1},
        {"ID == \"\\x77eb\\u002d1\"", 1},
        {"Meta.owner == ops", 1},
        {"Meta.owner == dev", 0},
        {"Meta[\"a.b\"] == dot", 1},
        {"\"/Meta/a.b\" == dot", 1},
        {"Meta.none == x", 0},
        {"Meta.none != x", 1},
        {"Meta.none is empty", 1},
        {"Meta.none is not empty", 0},
        {"Meta.none matches x", 0},
        {"Meta.none not matches x", 1},
        {"x in Meta.none", 0},
        {"x not in Meta.none", 1},
        {"Meta.empty is empty", 1},
        {"owner in Meta", 1},
        {"nobody in Meta", 0},
        {"Meta contains owner", 1},
        {"Meta is not empty", 1},
        {"Free.n == 3", 1},
        {"2 in Free.list", 1},
        {"Free.list.0 == 1", 1},
        {"Free.yes == true", 1},
        {"Free.null is empty", 1},
        {"Free.none.deeper == 1", 0},
        {"Main.Count == 2", 1},
        {"Main.Name == m", 1},
        {"Spare.Name == m", 0},
        {"Spare is empty", 1},
        {"Inner.Name == i", 1},
        {"Parts.1.Meta.k == v", 1},
        {"Parts is not empty", 1},
        {"Named.two.Count == 2", 1},
        {"Named.three.Count == 2", 0},
        {"two in Named", 1},
        {"any Parts as p { p.Name == p1 }", 1},
        {"all Parts as p { p.Count == 1 }", 1},
        {"all Parts as p { p.Name == p1 }", 0},
        {"any Parts as i, p { i == 1 and p.Name == p1 }", 1},
        {"any Named as k { k == two }", 1},
        {"any Named as k, v { k == one and v.Count == 2 }", 0},
        {"any Named as _, v { v.Count == 2 }", 1},
        {"any Named as k, _ { k == one }", 1},
        {"any Parts as p { any p.Meta as k, v { v == v and ID == \"web-1\" } }", 1},
        {"any Spare.Meta as k { k == x }", 0},
        {"all Spare.Meta as k { k == x }", 1},
        {"any Datacenters as d{d==dc2}", 1},
        {"not ID == x", 1},
        {"not not ID == x", 0},
        {"not (ID == x or Stop == true)", 0},
        {"ID == x or Stop == true and Priority == 1", 0},
        {"ID == \"web-1\" or Stop == true and Priority == 1", 1},
        {"(ID == x or Stop == true) and Priority == 50", 1},
        {"  ( ( Stop == true ) )  ", 1},
        {"Stop == t\nand\tPriority == 50", 1},
    };
    auto_arena struct arena *a = arena_new(0);
    const struct thing *t = thing_new(a);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;

        T_ROW(rows[i].text);
        T_INT_EQ(run(a, t, rows[i].text, &e), rows[i].want);
    }
}

TEST(a_wrong_filter_says_what_is_wrong)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"Type ==", "1:8 (7): no match found, expected: \"-\", \"0\", \"\\\"\", \"`\", "
                    "[ \\t\\r\\n], [1-9] or [a-zA-Z]"},
        {"(",
         "1:2 (1): no match found, expected: \"(\", \"-\", \"0\", \"\\\"\", \"`\", \"all\", "
         "\"any\", \"not\", [ \\t\\r\\n], [1-9] or [a-zA-Z]"},
        {"ID == x y",
         "1:9 (8): no match found, expected: \"and\", \"or\", [ \\t\\r\\n] or EOF"},
        {"\nID = x", "2:4 (4): no match found, expected: \"!=\""},
        {"(ID == x", "1:9 (8): rule \"grouping\": Unmatched parentheses"},
        {"ID == \"x", "1:9 (8): rule \"string\": Unterminated string literal"},
        {"ID == \"\\d\"", "1:7 (6): rule \"string\": invalid syntax"},
        {"ID == 12x", "1:9 (8): rule \"number\": Invalid number literal"},
        {"Meta[x] == 1", "1:6 (5): rule \"index\": Invalid index"},
        {"Meta[\"x\" == 1", "1:10 (9): rule \"index\": Unclosed index expression"},
        {"x in 5", "1:6 (5): rule \"match\": Invalid selector"},
        {"ID matches \"[\"", "missing closing ]"},
        {"Bogus == 1",
         "error finding value in datum: /Bogus at part 0: couldn't find key: struct "
         "field with name \"Bogus\""},
        {"Main.Bogus == 1",
         "error finding value in datum: /Main/Bogus at part 1: couldn't find "
         "key: struct field with name \"Bogus\""},
        {"ID.x == 1", "/ID/x: at part 1, invalid value kind: string"},
        {"Datacenters.x == 1", "couldn't convert value \"x\" to int"},
        {"Token == \"s.secret\"", "struct field with name \"Token\""},
        {"Hidden == \"\"", "struct field with name \"Hidden\""},
        {"Priority == high", "strconv.ParseInt: parsing \"high\": invalid syntax"},
        {"Index == -1", "strconv.ParseUint: parsing \"-1\": invalid syntax"},
        {"Weight == x", "strconv.ParseFloat: parsing \"x\": invalid syntax"},
        {"Stop == maybe", "strconv.ParseBool: parsing \"maybe\": invalid syntax"},
        {"Main == m", "unable to find suitable primitive comparison function for matching"},
        {"Since == 0", "unable to find suitable primitive comparison function for matching"},
        {"x in Priority",
         "Cannot perform in/contains operations on type int for selector: \"Priority\""},
        {"Priority is empty", "Cannot perform is empty operations on type int"},
        {"any ID as x { x == y }", "Cannot perform any/all operations on type string"},
        {"Priority matches 5", "Value of type int is not convertible to []byte"},
        {"", "1:1 (0): no match found"},
        {"\xff", "not UTF-8"},
    };
    auto_arena struct arena *a = arena_new(0);
    const struct thing *t = thing_new(a);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;

        T_ROW(rows[i].text);
        T_INT_EQ(run(a, t, rows[i].text, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].want);
    }
}

static char *repeat(struct arena *a, const char *head, const char *part, size_t n,
                    const char *tail)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);

    buf_puts(&b, head);
    for (size_t i = 0; i < n; i++)
        buf_puts(&b, part);
    buf_puts(&b, tail);
    return arena_cstr(a, buf_str(&b));
}

TEST(a_filter_has_limits)
{
    auto_arena struct arena *a = arena_new(0);
    const struct thing *t = thing_new(a);
    const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"text", repeat(a, "ID == \"", "x", FILTER_TEXT_MAX, "\""), "longer than 16384 bytes"},
        {"parentheses", repeat(a, "", "(", 5000, ""), "nested too deeply"},
        {"not", repeat(a, "", "not ", 4000, "ID == x"), "nested too deeply"},
        {"comparisons", repeat(a, "ID == x", " or ID==x", 1000, ""), "too many parts"},
        {"parts", repeat(a, "Meta", ".x", 100, " == x"), "too many parts"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(run(a, t, rows[i].text, &e), ERR_TOOBIG);
        T_STR_HAS(e.msg, rows[i].want);
    }
    for (size_t n = 1; n < 60; n += 29) { /* what is below them is fine */
        struct err e = ERR_INIT;

        T_INT_EQ(run(a, t, repeat(a, repeat(a, "", "(", n, "Stop == true"), ")", n, ""), &e),
                 1);
    }
}

TEST(a_filter_looks_at_a_bounded_amount)
{
    auto_arena struct arena *a = arena_new(0);
    struct thing t = *thing_new(a);
    struct err e = ERR_INIT;
    const char *any =
        "any Datacenters as a { any Datacenters as b { any Datacenters as c { any "
        "Datacenters as d { any Datacenters as e { e == x } } } } }";

    t.dcs = (struct strlist){arena_array(a, const char *, 200), 200};
    for (size_t i = 0; i < t.dcs.len; i++)
        t.dcs.at[i] = "dc";
    T_INT_EQ(run(a, &t, any, &e), ERR_TOOBIG);
    T_STR_HAS(e.msg, "looks at too much");
    t.owner = repeat(a, "", "aaaaaaaaaa", 50000, "");
    err_reset(&e);
    T_INT_EQ(run(a, &t, "Owner matches \"(a|aa|aaa|aaaa|aaaaa|aaaaaa|a{900})*b\"", &e),
             ERR_TOOBIG);
}

TEST(a_filter_knows_which_names_it_asks_for)
{
    auto_arena struct arena *a = arena_new(0);
    struct err e = ERR_INIT;
    struct filter *f;

    T_OK(filter_parse(STR("not (ID == x or ModifyIndex == 3)"), a, &f, &e), &e);
    T_TRUE(filter_asks(f, STR("Index")));
    T_OK(filter_parse(STR("ID == Index"), a, &f, &e), &e);
    T_FALSE(filter_asks(f, STR("Index")));
}
