#include <stdio.h>

#include "base/err.h"
#include "lang/hcl.h"
#include "lang/schema.h"
#include "t.h"

struct port {
    const char *label;
    int64_t value;
};

static const struct schema_field port_fields[] = {
    {.json = "Label",
     .hcl = "",
     .type = F_STR,
     .offset = offsetof(struct port, label),
     .flags = FIELD_LABEL},
    {.json = "Value", .hcl = "static", .type = F_INT, .offset = offsetof(struct port, value)},
};
static SCHEMA(port_schema, "port", struct port, port_fields);

struct update {
    int64_t max_parallel, stagger;
    bool *revert;
};

static const struct schema_field update_fields[] = {
    {.json = "MaxParallel",
     .hcl = "max_parallel",
     .type = F_INT,
     .offset = offsetof(struct update, max_parallel),
     .def = "1",
     .min = 0,
     .max = 5},
    {.json = "Stagger",
     .hcl = "stagger",
     .type = F_DURATION,
     .offset = offsetof(struct update, stagger)},
    {.json = "AutoRevert",
     .hcl = "auto_revert",
     .type = F_BOOL,
     .offset = offsetof(struct update, revert),
     .flags = FIELD_PTR},
};
static SCHEMA(update_schema, "update", struct update, update_fields);

struct scaling {
    int64_t max;
};

static const struct schema_field scaling_fields[] = {
    {.json = "Max",
     .hcl = "max",
     .type = F_INT,
     .offset = offsetof(struct scaling, max),
     .flags = FIELD_REQUIRED},
};
static SCHEMA(scaling_schema, "scaling", struct scaling, scaling_fields);

struct job {
    const char *id, *type;
    int64_t priority;
    bool all_at_once;
    double weight;
    struct strlist datacenters, policies;
    struct strmap meta;
    struct json *config, *options;
    struct update *update;
    struct scaling scaling;
    LIST(struct port) ports, volumes;
    int64_t ttl;
};

static const struct schema_field job_fields[] = {
    {.json = "ID", .hcl = "name", .type = F_STR, .offset = offsetof(struct job, id)},
    {.json = "Type",
     .hcl = "type",
     .type = F_STR,
     .offset = offsetof(struct job, type),
     .def = "\"service\""},
    {.json = "Priority",
     .hcl = "priority",
     .type = F_INT,
     .offset = offsetof(struct job, priority),
     .def = "50"},
    {.json = "AllAtOnce",
     .hcl = "all_at_once",
     .type = F_BOOL,
     .offset = offsetof(struct job, all_at_once)},
    {.json = "Weight",
     .hcl = "weight",
     .type = F_DOUBLE,
     .offset = offsetof(struct job, weight)},
    {.json = "Datacenters",
     .hcl = "datacenters",
     .type = F_STRLIST,
     .offset = offsetof(struct job, datacenters),
     .flags = FIELD_NULLEMPTY},
    {.json = "Policies",
     .hcl = "policies",
     .type = F_STRLIST,
     .offset = offsetof(struct job, policies),
     .flags = FIELD_CSL},
    {.json = "Meta",
     .hcl = "meta",
     .type = F_STRMAP,
     .offset = offsetof(struct job, meta),
     .flags = FIELD_BLOCK | FIELD_NULLEMPTY},
    {.json = "Config",
     .hcl = "config",
     .type = F_JSON,
     .offset = offsetof(struct job, config),
     .flags = FIELD_BLOCK_ONLY},
    {.json = "Options",
     .hcl = "options",
     .type = F_JSON,
     .offset = offsetof(struct job, options)},
    {.json = "Update",
     .hcl = "update",
     .type = F_OBJ,
     .offset = offsetof(struct job, update),
     .sub = &update_schema},
    {.json = "Scaling",
     .hcl = "scaling",
     .type = F_EMBED,
     .offset = offsetof(struct job, scaling),
     .sub = &scaling_schema},
    {.json = "Ports",
     .hcl = "port",
     .type = F_LIST,
     .offset = offsetof(struct job, ports),
     .sub = &port_schema},
    {.json = "Volumes",
     .hcl = "volume",
     .type = F_MAP,
     .offset = offsetof(struct job, volumes),
     .sub = &port_schema},
    {.json = "TTL", .hcl = "ttl", .type = F_TTL, .offset = offsetof(struct job, ttl)},
};
static SCHEMA(job_schema, "job", struct job, job_fields);

/* The job as JSON, or the diagnostics. */
static const char *decode(struct arena *a, const char *text, enum hcl_dialect dialect)
{
    auto_buf struct buf b = BUF_INIT(16 << 20);
    struct hcl_diags d = {.arena = a, .dialect = dialect};
    struct hcl_body *body = NULL;
    struct job *j = arena_new_of(a, struct job);
    struct json_out w;

    if (hcl_parse(str_of(text), "in.hcl", dialect, a, &body, &d) == 0)
        schema_decode_hcl(&job_schema, body, NULL, a, j, &d);
    if (d.list.len)
        return hcl_diags_text(a, &d);
    json_out_init(&w, &b, NULL);
    schema_encode(&job_schema, j, 0, &w);
    return arena_cstr(a, buf_str(&b));
}

TEST(arguments_and_blocks_fill_the_struct)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(decode(a,
                    "name = \"a${1 + 1}\"\n"
                    "priority = \"70\"\n"
                    "all_at_once = \"true\"\n"
                    "weight = 1.5\n"
                    "datacenters = [\"dc1\", 2, true]\n"
                    "policies = \"x, y\"\n"
                    "ttl = \"1h\"\n"
                    "meta {\n  k = 5\n}\n"
                    "config {\n  image = \"i\"\n}\n"
                    "options = { a = [1] }\n"
                    "update {\n  stagger = \"30s\"\n  auto_revert = false\n}\n"
                    "scaling {\n  max = 3\n}\n"
                    "port \"http\" {\n  static = 80\n}\n"
                    "port \"b\" {}\n"
                    "volume \"v\" {\n  static = 1\n}\n",
                    HCL2),
             "{\"ID\":\"a2\",\"Type\":\"service\",\"Priority\":70,\"AllAtOnce\":true,"
             "\"Weight\":1.5,\"Datacenters\":[\"dc1\",\"2\",\"true\"],"
             "\"Policies\":[\"x\",\"y\"],\"Meta\":{\"k\":\"5\"},\"Config\":{\"image\":\"i\"},"
             "\"Options\":{\"a\":[1]},"
             "\"Update\":{\"MaxParallel\":1,\"Stagger\":30000000000,\"AutoRevert\":false},"
             "\"Scaling\":{\"Max\":3},"
             "\"Ports\":[{\"Label\":\"http\",\"Value\":80},{\"Label\":\"b\",\"Value\":0}],"
             "\"Volumes\":{\"v\":{\"Label\":\"v\",\"Value\":1}},\"TTL\":3600}");
}

TEST(null_is_not_given_and_limits_are_not_looked_at)
{
    auto_arena struct arena *a = arena_new(0);
    const char *text = decode(a,
                              "type = null\ndatacenters = null\n"
                              "update {\n  max_parallel = 99\n  auto_revert = null\n}\n",
                              HCL2);

    T_STR_HAS(text, "\"Type\":\"service\"");
    T_STR_HAS(text, "\"MaxParallel\":99,\"Stagger\":0,\"AutoRevert\":null");
}

TEST(what_is_written_empty_stays_empty)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"nothing", "", "\"Datacenters\":null,\"Policies\":[],\"Meta\":null"},
        {"null", "datacenters = null", "\"Datacenters\":null"},
        {"list", "datacenters = []", "\"Datacenters\":[]"},
        {"block", "meta {\n}", "\"Meta\":{}"},
        {"argument", "meta = {}", "\"Meta\":{}"},
    };
    auto_arena struct arena *a = arena_new(0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *text = arena_printf(a, "%s\nscaling {\n  max = 3\n}\n", rows[i].text);

        T_ROW(rows[i].label);
        T_STR_HAS(decode(a, text, HCL2), rows[i].want);
        T_STR_HAS(decode(a, text, HCL1), strcmp(rows[i].label, "null") ? rows[i].want : "");
    }
    T_ROW("");
}

TEST(mistakes_are_said_in_the_words_and_at_the_places_users_know)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"unknown argument", "bogus = 1",
         "in.hcl:1,1-6: Unsupported argument; An argument named \"bogus\" is not expected "
         "here."},
        {"near argument", "datacenter = []",
         "in.hcl:1,1-11: Unsupported argument; An argument named \"datacenter\" is not "
         "expected "
         "here. Did you mean \"datacenters\"?"},
        {"argument that is a block", "update = 3",
         "in.hcl:1,1-7: Unsupported argument; An argument named \"update\" is not expected "
         "here. "
         "Did you mean to define a block of type \"update\"?"},
        {"free form that must be a block", "config = {}",
         "in.hcl:1,1-7: Unsupported argument; An argument named \"config\" is not expected "
         "here. "
         "Did you mean to define a block of type \"config\"?"},
        {"unknown block", "bogus {}",
         "in.hcl:1,1-6: Unsupported block type; Blocks of type \"bogus\" are not expected "
         "here."},
        {"near block", "updat {}",
         "in.hcl:1,1-6: Unsupported block type; Blocks of type \"updat\" are not expected "
         "here. "
         "Did you mean \"update\"?"},
        {"block that is an argument", "priority {}",
         "in.hcl:1,1-9: Unsupported block type; Blocks of type \"priority\" are not expected "
         "here. Did you mean to define argument \"priority\"? If so, use the equals sign to "
         "assign it a value."},
        {"missing", "scaling {\n}",
         "in.hcl:1,9-9: Missing required argument; The argument \"max\" is required, but no "
         "definition was found."},
        {"duplicate", "update {}\nupdate {}",
         "in.hcl:2,1-7: Duplicate update block; Only one update block is allowed. Another was "
         "defined at in.hcl:1,1-7."},
        {"duplicate map", "meta {}\nmeta {}",
         "in.hcl:2,1-5: Duplicate meta block; Only one meta block is allowed. Another was "
         "defined "
         "at in.hcl:1,1-5."},
        {"no label", "port {}",
         "in.hcl:1,6-7: Missing  for port; All port blocks must have 1 labels ()."},
        {"two labels", "port \"a\" \"b\" {}",
         "in.hcl:1,10-13: Extraneous label for port; Only 1 labels () are expected for port "
         "blocks."},
        {"label on a block without", "update \"x\" {}",
         "in.hcl:1,8-11: Extraneous label for update; No labels are expected for update "
         "blocks."},
        {"string", "name = [\"x\"]",
         "in.hcl:1,8-9: Unsuitable value type; Unsuitable value: string required"},
        {"number from a word", "priority = \"x\"",
         "in.hcl:1,13-14: Unsuitable value type; Unsuitable value: a number is required"},
        {"number from a bool", "priority = true",
         "in.hcl:1,12-16: Unsuitable value type; Unsuitable value: number required"},
        {"fraction", "priority = 50.5",
         "in.hcl:1,12-16: Unsuitable value type; Unsuitable value: value must be a whole "
         "number, "
         "between -9223372036854775808 and 9223372036854775807"},
        {"too large", "priority = 99999999999999999999",
         "in.hcl:1,12-32: Unsuitable value type; Unsuitable value: value must be a whole "
         "number"},
        {"bool", "all_at_once = 1",
         "in.hcl:1,15-16: Unsuitable value type; Unsuitable value: bool required"},
        {"bool from a word", "all_at_once = \"yes\"",
         "in.hcl:1,16-19: Unsuitable value type; Unsuitable value: a bool is required"},
        {"list", "datacenters = \"dc1\"",
         "in.hcl:1,16-19: Unsuitable value type; Unsuitable value: list of string required"},
        {"list item", "datacenters = [[\"a\"]]",
         "in.hcl:1,15-16: Unsuitable value type; Unsuitable value: element 0: string required"},
        {"map", "meta = [\"x\"]",
         "in.hcl:1,8-9: Unsuitable value type; Unsuitable value: map of string required"},
        {"map's value in a block", "meta {\n a = [1]\n}",
         "in.hcl:2,6-7: Unsuitable value type; Unsuitable value: string required"},
        {"block in a map", "meta {\n a {}\n}",
         "in.hcl:2,4-5: Unsuitable value type; Unsuitable value: string required"},
        {"null in a map", "meta {\n a = null\n}",
         "in.hcl:2,6-10: Unsuitable value type; Unsuitable value: null value is not allowed"},
        {"duration", "update {\n stagger = \"abc\"\n}",
         "in.hcl:2,13-16: Unsuitable value type; Unsuitable duration value: time: invalid "
         "duration "
         "\"abc\""},
        {"empty duration", "update {\n stagger = \"\"\n}",
         "in.hcl:2,14-14: Unsuitable value type; Unsuitable duration value: time: invalid "
         "duration "
         "\"\""},
        {"duration from a bool", "update {\n stagger = true\n}",
         "in.hcl:2,12-16: Unsuitable value type; Unsuitable value: expected a string but found "
         "{{{} %!s(cty.primitiveTypeKind=66)}}"},
        {"duration from a list", "update {\n stagger = [1]\n}",
         "in.hcl:2,12-13: Unsuitable value type; Unsuitable value: expected a string but found "
         "{{{} [{{{} %!s(cty.primitiveTypeKind=78)}}]}}"},
        {"duration from null", "update {\n stagger = null\n}",
         "in.hcl:2,12-16: Unsuitable value; Unsuitable duration value: nil"},
        {"NUL", "name = \"\\u0000\"", "Unsuitable value: must not contain a NUL character"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].label);
        T_STR_HAS(decode(a, rows[i].text, HCL2), rows[i].want);
    }
}

TEST(dynamic_blocks_are_unfolded_in_source_order)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_HAS(decode(a,
                     "port \"first\" {}\n"
                     "dynamic \"port\" {\n"
                     "  for_each = [80, 443]\n"
                     "  labels = [\"p${port.key}\"]\n"
                     "  content {\n    static = port.value\n  }\n}\n"
                     "dynamic \"volume\" {\n"
                     "  for_each = { a = 1 }\n"
                     "  iterator = it\n"
                     "  labels = [it.key]\n"
                     "  content {\n    static = it.value\n  }\n}\n"
                     "dynamic \"update\" {\n"
                     "  for_each = [\"5s\"]\n"
                     "  content {\n    stagger = update.value\n  }\n}\n",
                     HCL2),
              "\"Update\":{\"MaxParallel\":1,\"Stagger\":5000000000,\"AutoRevert\":null},"
              "\"Scaling\":{\"Max\":0},"
              "\"Ports\":[{\"Label\":\"first\",\"Value\":0},{\"Label\":\"p0\",\"Value\":80},"
              "{\"Label\":\"p1\",\"Value\":443}],"
              "\"Volumes\":{\"a\":{\"Label\":\"a\",\"Value\":1}}");
}

TEST(mistakes_in_dynamic_blocks_are_said)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        {"no for_each", "dynamic \"update\" {\n content {}\n}",
         "Missing required argument; The argument \"for_each\" is required"},
        {"not iterable", "dynamic \"update\" {\n for_each = 3\n content {}\n}",
         "in.hcl:2,13-14: Invalid dynamic for_each value; Cannot use a number value in "
         "for_each. "
         "An iterable collection is required."},
        {"null", "dynamic \"update\" {\n for_each = null\n content {}\n}",
         "Invalid dynamic for_each value; Cannot use a null value in for_each."},
        {"no content", "dynamic \"update\" {\n for_each = []\n}",
         "Missing dynamic content block; A dynamic block must have a nested block of type "
         "\"content\" to describe the body of each generated block."},
        {"two contents", "dynamic \"update\" {\n for_each = []\n content {}\n content {}\n}",
         "Extraneous dynamic content block"},
        {"unknown type", "dynamic \"nosuch\" {\n for_each = []\n content {}\n}",
         "in.hcl:1,9-17: Unsupported block type; Blocks of type \"nosuch\" are not expected "
         "here."},
        {"no labels", "dynamic \"port\" {\n for_each = []\n content {}\n}",
         "Missing required argument; The argument \"labels\" is required"},
        {"labels for none",
         "dynamic \"update\" {\n for_each = []\n labels = []\n content {}\n}",
         "An argument named \"labels\" is not expected here."},
        {"labels' number", "dynamic \"port\" {\n for_each = [1]\n labels = []\n content {}\n}",
         "Insufficient dynamic block labels"},
        {"label's type", "dynamic \"port\" {\n for_each = [1]\n labels = [[]]\n content {}\n}",
         "Invalid dynamic block label"},
        {"iterator", "dynamic \"update\" {\n for_each = []\n iterator = 3\n content {}\n}",
         "Dynamic iterator must be a single variable name."},
        {"too many of one", "dynamic \"update\" {\n for_each = [1, 2]\n content {}\n}",
         "Duplicate update block"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].label);
        T_STR_HAS(decode(a, rows[i].text, HCL2), rows[i].want);
    }
}

TEST(an_older_configuration_is_decoded_by_the_same_table)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_HAS(decode(a,
                     "name = \"x\"\ndatacenters = \"one\"\npriority = \"7\"\n"
                     "meta { a = \"1\" }\nconfig = { \"k.v\" = true }\n"
                     "update { max_parallel = 2 }\nupdate { stagger = \"1s\" }\n"
                     "port \"a\" { static = 1 }\nport { \"b\" { static = 2 } }\n",
                     HCL1),
              "\"Ports\":[{\"Label\":\"a\",\"Value\":1},{\"Label\":\"b\",\"Value\":2}]");
    T_STR_HAS(decode(a, "name = \"x\"\nbogus = 1\n", HCL1), "invalid key: bogus");
}

TEST(the_json_syntax_is_decoded_by_the_same_table)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_HAS(
        decode(a,
               "{\"name\": \"x\", \"meta\": {\"a\": \"b\"}, \"config\": {\"k\": 1},"
               " \"update\": {\"stagger\": \"1s\"}, \"port\": {\"http\": {\"static\": 80}}}",
               HCL2),
        "\"Ports\":[{\"Label\":\"http\",\"Value\":80}]");
    T_STR_HAS(
        decode(a, "{\"names\": \"x\"}", HCL2),
        "Extraneous JSON object property; No argument or block type is named \"names\". Did "
        "you mean \"name\"?");
}

TEST(dynamic_blocks_cannot_multiply_without_end)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1 << 20);

    buf_puts(&b, "dynamic \"port\" {\n for_each = [for x in [0");
    for (int i = 1; i < 450; i++)
        buf_printf(&b, ", %d", i);
    buf_puts(&b, "] : x]\n labels = [\"a\"]\n content {}\n}\n");
    for (int i = 0; i < 30; i++)
        buf_puts(&b, "dynamic \"port\" {\n for_each = range_is_not_here\n content {}\n}\n");
    T_STR_HAS(decode(a, buf_str(&b).p, HCL2), "Missing required argument");
    buf_reset(&b);
    buf_puts(&b, "dynamic \"port\" {\n labels = [\"a\"]\n for_each = [");
    for (int i = 0; i < SCHEMA_ITEMS_MAX + 1; i++)
        buf_puts(&b, "1,");
    buf_puts(&b, "]\n content {}\n}\n");
    T_STR_HAS(decode(a, buf_str(&b).p, HCL2),
              "Too many blocks; No more than 10000 port blocks are allowed.");
}
