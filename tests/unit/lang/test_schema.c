#include "lang/schema.h"

#include <pthread.h>
#include <stdio.h>

#include "base/err.h"
#include "t.h"

/*
 * A small family of objects: a group has tasks, a task has resources.
 */
struct link {
    const char *label, *url;
};

static const struct schema_field link_fields[] = {
    {.json = "Label",
     .hcl = "label",
     .type = F_STR,
     .offset = offsetof(struct link, label),
     .flags = FIELD_LABEL},
    {.json = "URL",
     .hcl = "url",
     .type = F_STR,
     .offset = offsetof(struct link, url),
     .flags = FIELD_REQUIRED},
};
static SCHEMA(link_schema, "link", struct link, link_fields);

struct resources {
    int64_t cpu, memory;
    int64_t *disk;
};

static const struct schema_field resources_fields[] = {
    {.json = "CPU",
     .hcl = "cpu",
     .type = F_INT,
     .offset = offsetof(struct resources, cpu),
     .def = "100"},
    {.json = "MemoryMB",
     .hcl = "memory",
     .type = F_INT,
     .offset = offsetof(struct resources, memory),
     .def = "300",
     .min = 10,
     .max = INT64_MAX},
    {.json = "DiskMB",
     .hcl = "disk",
     .type = F_INT,
     .offset = offsetof(struct resources, disk),
     .flags = FIELD_PTR},
};
static SCHEMA(resources_schema, "resources", struct resources, resources_fields);

struct task {
    const char *name, *driver, *password;
    struct resources res;
    struct resources *extra;
    struct json *config;
    struct strmap env;
    struct strlist args, tags;
    int64_t kill_timeout, ttl, started;
    double weight;
    bool leader;
    uint64_t serial;
    struct str key;
    const char *stored_hash;
    uint64_t index;
    LIST(struct task) children;
};

static const struct schema task_schema;

static const struct schema_field task_fields[] = {
    {.json = "Name",
     .hcl = "name",
     .type = F_STR,
     .offset = offsetof(struct task, name),
     .flags = FIELD_LABEL | FIELD_REQUIRED,
     .max = 20},
    {.json = "Driver",
     .hcl = "driver",
     .type = F_STR,
     .offset = offsetof(struct task, driver),
     .def = "\"exec\"",
     .one_of = "exec|raw_exec|docker"},
    {.json = "Password",
     .type = F_STR,
     .offset = offsetof(struct task, password),
     .flags = FIELD_SECRET | FIELD_OMITEMPTY},
    {.json = "Resources",
     .hcl = "resources",
     .type = F_EMBED,
     .offset = offsetof(struct task, res),
     .sub = &resources_schema},
    {.json = "Extra",
     .hcl = "extra",
     .type = F_OBJ,
     .offset = offsetof(struct task, extra),
     .sub = &resources_schema},
    {.json = "Config",
     .hcl = "config",
     .type = F_JSON,
     .offset = offsetof(struct task, config)},
    {.json = "Env", .hcl = "env", .type = F_STRMAP, .offset = offsetof(struct task, env)},
    {.json = "Args",
     .hcl = "args",
     .type = F_STRLIST,
     .offset = offsetof(struct task, args),
     .flags = FIELD_NULLEMPTY,
     .max = 3},
    {.json = "Tags",
     .hcl = "tags",
     .type = F_STRLIST,
     .offset = offsetof(struct task, tags),
     .flags = FIELD_CSL,
     .def = "[\"a\", \"b\"]"},
    {.json = "KillTimeout",
     .hcl = "kill_timeout",
     .type = F_DURATION,
     .offset = offsetof(struct task, kill_timeout),
     .def = "5000000000",
     .min = 1000000000,
     .max = 60000000000},
    {.json = "TTL", .type = F_TTL, .offset = offsetof(struct task, ttl)},
    {.json = "StartedAt", .type = F_TIME, .offset = offsetof(struct task, started)},
    {.json = "Weight", .type = F_DOUBLE, .offset = offsetof(struct task, weight)},
    {.json = "Leader",
     .hcl = "leader",
     .type = F_BOOL,
     .offset = offsetof(struct task, leader)},
    {.json = "Serial", .type = F_UINT, .offset = offsetof(struct task, serial)},
    {.json = "Key", .type = F_BYTES, .offset = offsetof(struct task, key)},
    {.json = "StoredHash",
     .type = F_STR,
     .offset = offsetof(struct task, stored_hash),
     .flags = FIELD_HIDDEN},
    {.json = "ModifyIndex",
     .type = F_UINT,
     .offset = offsetof(struct task, index),
     .flags = FIELD_NODIFF},
    {.json = "Children",
     .hcl = "child",
     .type = F_LIST,
     .offset = offsetof(struct task, children),
     .sub = &task_schema,
     .diff_name = "Child"},
};
static SCHEMA(task_schema, "task", struct task, task_fields);

struct group {
    const char *name;
    int64_t count;
    LIST(struct task) tasks;
    LIST(struct link) links; /* by label */
};

static void check_group(const void *obj, const char *path, struct problems *p)
{
    const struct group *g = obj;

    if (g->count > (int64_t)g->tasks.len * 10)
        problem_add(p, path, "count %lld is too much for %zu tasks", (long long)g->count,
                    g->tasks.len);
}

static const struct schema_field group_fields[] = {
    {.json = "Name",
     .hcl = "name",
     .type = F_STR,
     .offset = offsetof(struct group, name),
     .flags = FIELD_LABEL},
    {.json = "Count",
     .hcl = "count",
     .type = F_INT,
     .offset = offsetof(struct group, count),
     .def = "1"},
    {.json = "Tasks",
     .hcl = "task",
     .type = F_LIST,
     .offset = offsetof(struct group, tasks),
     .sub = &task_schema,
     .diff_name = "Task"},
    {.json = "Links",
     .hcl = "link",
     .type = F_MAP,
     .offset = offsetof(struct group, links),
     .sub = &link_schema,
     .diff_name = "Link"},
};
static SCHEMA_CHECKED(group_schema, "group", struct group, group_fields, check_group);

static struct json *parse(struct arena *a, const char *text)
{
    struct err e = ERR_INIT;
    struct json *v = NULL;

    T_OK(json_parse(str_of(text), NULL, 0, a, &v, &e), &e);
    return v;
}

static struct task *task_of(struct arena *a, const char *text, unsigned flags)
{
    struct err e = ERR_INIT;
    struct task *t = arena_new_of(a, struct task);

    T_OK(schema_decode(&task_schema, parse(a, text), flags, a, t, &e), &e);
    return t;
}

static const char *text_of(struct arena *a, const struct schema *s, const void *obj,
                           unsigned flags)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct json_out w;

    json_out_init(&w, &b, NULL);
    schema_encode(s, obj, flags, &w);
    T_TRUE(buf_ok(&b));
    return arena_cstr(a, buf_str(&b));
}

static const char full_task[] =
    "{\"Name\":\"web\",\"Driver\":\"docker\",\"Password\":\"pw\","
    "\"Resources\":{\"CPU\":5,\"MemoryMB\":20,\"DiskMB\":null},"
    "\"Extra\":{\"CPU\":100,\"MemoryMB\":300,\"DiskMB\":7},\"Config\":{\"a\":[1,{\"b\":null}]},"
    "\"Env\":{\"A\":\"1\",\"Z\":\"\"},\"Args\":[\"x\",\"y\"],\"Tags\":[],"
    "\"KillTimeout\":7000000000,\"TTL\":60,\"StartedAt\":\"2024-02-29T12:34:56.5Z\","
    "\"Weight\":0.25,\"Leader\":true,\"Serial\":18446744073709551615,\"Key\":\"AAEC\","
    "\"ModifyIndex\":9,\"Children\":[]}";

TEST(what_was_decoded_is_encoded_the_same)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(text_of(a, &task_schema, task_of(a, full_task, 0), 0), full_task);
}

TEST(defaults_are_filled_deep_and_fresh_for_each_object)
{
    auto_arena struct arena *a = arena_new(0);
    struct task *x = task_of(a, "{\"Name\":\"x\",\"Extra\":{}}", 0);
    struct task *y = task_of(a, "{\"Name\":\"y\"}", 0);
    struct task *z = task_of(a, "{\"Name\":\"z\",\"Extra\":{}}", SCHEMA_NO_DEFAULTS);

    T_STR_EQ(x->driver, "exec");
    T_INT_EQ(x->res.cpu, 100);
    T_INT_EQ(x->extra->memory, 300);
    T_INT_EQ(x->kill_timeout, 5000000000);
    T_INT_EQ(x->tags.len, 2);
    strlist_sort_unique(&x->tags);
    x->tags.at[0] = "changed";
    T_STR_EQ(y->tags.at[0], "a");
    T_TRUE(y->extra == NULL);
    T_TRUE(z->driver == NULL);
    T_INT_EQ(z->extra->memory, 0);
}

TEST(null_leaves_the_default_or_empties)
{
    auto_arena struct arena *a = arena_new(0);
    struct task *t =
        task_of(a,
                "{\"Name\":\"x\",\"Driver\":null,\"Tags\":null,\"KillTimeout\":null,"
                "\"Extra\":null,\"Resources\":null,\"Config\":null}",
                0);

    T_STR_EQ(t->driver, "exec");
    T_INT_EQ(t->tags.len, 0);
    T_INT_EQ(t->kill_timeout, 5000000000);
    T_INT_EQ(t->res.cpu, 100);
    T_TRUE(t->extra == NULL && t->config == NULL);
}

TEST(a_bad_value_is_named_with_its_path)
{
    static const struct {
        const char *label, *text;
        unsigned flags;
        const char *error;
    } rows[] = {
        {"not an object", "[]", 0, "must be an object, not array"},
        {"string", "{\"Name\":5}", 0, "name: must be a string, not number"},
        {"too long", "{\"Name\":\"123456789012345678901\"}", 0,
         "name: must not be longer than 20 bytes"},
        {"NUL", "{\"Name\":\"a\\u0000\"}", 0, "name: must not contain a NUL"},
        {"required", "{}", 0, "name: is required"},
        {"required, empty", "{\"Name\":\"\"}", 0, "name: is required"},
        {"one of", "{\"Name\":\"x\",\"Driver\":\"qemu\"}", 0,
         "driver: must be \"exec\", \"raw_exec\" or \"docker\", not \"qemu\""},
        {"integer", "{\"Name\":\"x\",\"Resources\":{\"CPU\":\"5\"}}", 0,
         "resources.cpu: must be a number, not string"},
        {"fraction", "{\"Name\":\"x\",\"Resources\":{\"CPU\":1.5}}", 0,
         "resources.cpu: must be a whole number"},
        {"range", "{\"Name\":\"x\",\"Resources\":{\"MemoryMB\":9}}", 0,
         "resources.memory: must be at least 10"},
        {"range of durations", "{\"Name\":\"x\",\"KillTimeout\":61000000000}", 0,
         "kill_timeout: must be at most 1m0s"},
        {"duration as text", "{\"Name\":\"x\",\"KillTimeout\":\"5s\"}", 0,
         "kill_timeout: must be a number, not string"},
        {"bad duration", "{\"Name\":\"x\",\"KillTimeout\":\"zz\"}", SCHEMA_LENIENT,
         "kill_timeout: time: invalid duration \"zz\""},
        {"ttl", "{\"Name\":\"x\",\"TTL\":\"2d3h\"}", 0,
         "TTL: time: unknown unit \"d\" in duration \"2d3h\""},
        {"time", "{\"Name\":\"x\",\"StartedAt\":\"now\"}", 0,
         "StartedAt: parsing time \"now\""},
        {"bool", "{\"Name\":\"x\",\"Leader\":1}", 0,
         "leader: must be true or false, not number"},
        {"negative", "{\"Name\":\"x\",\"Serial\":-1}", 0, "Serial: must not be negative"},
        {"base64", "{\"Name\":\"x\",\"Key\":\"!\"}", 0, "Key: must be base64"},
        {"list", "{\"Name\":\"x\",\"Args\":\"a\"}", 0, "args: must be a list of strings"},
        {"item", "{\"Name\":\"x\",\"Args\":[\"a\",2]}", 0, "args[1]: must be a string"},
        {"too many", "{\"Name\":\"x\",\"Args\":[\"1\",\"2\",\"3\",\"4\"]}", 0,
         "args: must not have more than 3 items"},
        {"map", "{\"Name\":\"x\",\"Env\":{\"K\":1}}", 0, "env[\"K\"]: must be a string"},
        {"key with NUL", "{\"Name\":\"x\",\"Env\":{\"K\\u0000\":\"\"}}", 0,
         "env: must not have"},
        {"unknown", "{\"Name\":\"x\",\"Drivr\":\"\"}", 0,
         "unknown field \"Drivr\", did you mean \"Driver\"?"},
        {"unknown, far off", "{\"Name\":\"x\",\"Zebra\":\"\"}", 0, "unknown field \"Zebra\""},
        {"case matters", "{\"name\":\"x\"}", 0,
         "unknown field \"name\", did you mean \"Name\"?"},
        {"label in the path",
         "{\"Name\":\"x\",\"Children\":[{\"Resources\":{\"MemoryMB\":1},\"Name\":\"kid\"}]}", 0,
         "task \"kid\" > resources.memory: must be at least 10"},
        {"no label", "{\"Name\":\"x\",\"Children\":[{}]}", 0, "child[0].name: is required"},
        {"item is no object", "{\"Name\":\"x\",\"Children\":[1]}", 0,
         "child[0]: must be an object, not number"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct err e = ERR_INIT;
        struct task *t = arena_new_of(a, struct task);

        T_ROW(rows[i].label);
        T_INT_EQ(schema_decode(&task_schema, parse(a, rows[i].text), rows[i].flags, a, t, &e),
                 ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].error);
    }
}

TEST(all_problems_come_at_once_up_to_a_maximum)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct problems p = {.arena = a};
    struct task *t = arena_new_of(a, struct task);
    struct err e = ERR_INIT;

    T_INT_EQ(schema_decode(&task_schema, parse(a, "{\"Name\":1,\"Driver\":2}"), 0, a, t, &e),
             ERR_INVALID);
    T_STR_HAS(e.msg,
              "name: must be a string, not number\ndriver: must be a string, not number");
    buf_puts(&b, "{\"Name\":\"x\",\"Children\":[0");
    for (int i = 0; i < 500; i++)
        buf_puts(&b, ",0");
    buf_puts(&b, "]}");
    schema_decode_into(&task_schema, parse(a, buf_str(&b).p), 0, "job \"j\"", t, &p);
    T_INT_EQ(p.list.len, PROBLEMS_MAX);
    T_STR_EQ(p.list.at[0].path, "job \"j\" > child[0]");
}

TEST(objects_nested_without_end_are_refused)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct json_limits lim = {1 << 20, 1000, 10000};
    struct task *t = arena_new_of(a, struct task);
    struct err e = ERR_INIT;
    struct json *v;

    for (int i = 0; i < 100; i++)
        buf_puts(&b, "{\"Name\":\"x\",\"Children\":[");
    for (int i = 0; i < 100; i++)
        buf_puts(&b, "]}");
    T_OK(json_parse(buf_str(&b), &lim, 0, a, &v, &e), &e);
    T_INT_EQ(schema_decode(&task_schema, v, 0, a, t, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "nested too deeply");
}

TEST(names_match_in_any_case_when_asked_and_unknown_ones_are_skipped)
{
    auto_arena struct arena *a = arena_new(0);
    struct task *t = task_of(a, "{\"bogus\":[1,{}],\"nAME\":\"x\",\"RESOURCES\":{\"cpu\":9}}",
                             SCHEMA_NOCASE | SCHEMA_UNKNOWN_OK);

    T_STR_EQ(t->name, "x");
    T_INT_EQ(t->res.cpu, 9);
}

TEST(lenient_decoding_is_vault_s_weak_typing)
{
    auto_arena struct arena *a = arena_new(0);
    struct task *t =
        task_of(a,
                "{\"Name\":5,\"Args\":\"one\",\"Tags\":\" a , b,,c \",\"Leader\":\"t\","
                "\"Serial\":\"0x10\",\"Weight\":\"1.5\",\"KillTimeout\":\"5s\","
                "\"Env\":[\"k=v\",\"a=b=c\"],\"Resources\":{\"CPU\":\"7\"},\"TTL\":\"1h\","
                "\"Children\":{\"Name\":true}}",
                SCHEMA_LENIENT);

    T_STR_EQ(t->name, "5");
    T_INT_EQ(t->args.len, 1);
    T_INT_EQ(t->tags.len, 3);
    T_STR_EQ(t->tags.at[1], "b");
    T_TRUE(t->leader);
    T_INT_EQ(t->serial, 16);
    T_TRUE(t->weight == 1.5);
    T_INT_EQ(t->kill_timeout, 5000000000);
    T_STR_EQ(strmap_get(&t->env, "a"), "b=c");
    T_INT_EQ(t->res.cpu, 7);
    T_INT_EQ(t->ttl, 3600);
    T_STR_EQ(t->children.at[0].name, "1");
}

TEST(hidden_fields_are_neither_shown_nor_taken_from_clients)
{
    auto_arena struct arena *a = arena_new(0);
    struct task *t = task_of(a, "{\"Name\":\"x\",\"StoredHash\":\"evil\"}", 0);

    T_TRUE(t->stored_hash == NULL);
    t->stored_hash = "h";
    T_TRUE(strstr(text_of(a, &task_schema, t, 0), "StoredHash") == NULL);
    T_STR_HAS(text_of(a, &task_schema, t, SCHEMA_ALL), "\"StoredHash\":\"h\"");
}

TEST(secrets_are_redacted_and_empty_fields_left_out_or_null)
{
    auto_arena struct arena *a = arena_new(0);
    struct task *t = task_of(a, "{\"Name\":\"x\",\"Password\":\"pw\"}", 0);

    T_STR_HAS(text_of(a, &task_schema, t, SCHEMA_REDACT), "\"Password\":\"<redacted>\"");
    T_STR_HAS(text_of(a, &task_schema, t, 0), "\"Password\":\"pw\"");
    T_STR_HAS(text_of(a, &task_schema, t, 0), "\"Args\":null");
    t->password = NULL;
    T_TRUE(strstr(text_of(a, &task_schema, t, 0), "Password") == NULL);
    T_STR_HAS(text_of(a, &task_schema, t, 0), "\"StartedAt\":\"0001-01-01T00:00:00Z\"");
    T_STR_EQ(text_of(a, &task_schema, NULL, 0), "null");
}

/* Each schema has its own idea of null: Args says it may be, Tags does not. */
TEST(an_empty_list_that_was_given_is_told_from_one_that_was_not)
{
    static const struct {
        const char *label, *args, *want;
    } rows[] = {
        {"not given", "", "\"Args\":null"},
        {"null", ",\"Args\":null", "\"Args\":null"},
        {"empty", ",\"Args\":[]", "\"Args\":[]"},
        {"empty, then null", ",\"Args\":[],\"args\":null", "\"Args\":null"},
        {"full", ",\"Args\":[\"x\"]", "\"Args\":[\"x\"]"},
    };
    auto_arena struct arena *a = arena_new(0);
    struct task *bare = task_of(a, "{\"Name\":\"x\"}", 0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *text = arena_printf(a, "{\"Name\":\"x\"%s}", rows[i].args);
        struct task *t = task_of(a, text, SCHEMA_NOCASE), *copy;
        struct object_diff d;

        T_ROW(rows[i].label);
        T_STR_HAS(text_of(a, &task_schema, t, 0), rows[i].want);
        copy = schema_copy(&task_schema, t, a);
        T_STR_HAS(text_of(a, &task_schema, copy, 0), rows[i].want);
        T_TRUE(schema_eq(&task_schema, t, copy));
        T_TRUE(schema_eq(&task_schema, t, bare) == (t->args.len == 0));
        schema_diff(&task_schema, bare, t, false, a, &d);
        T_STR_EQ(d.type, t->args.len ? "Edited" : "None");
        schema_forget_empty(&t->args);
        T_TRUE((t->args.at == NULL) == (t->args.len == 0));
        list_push(a, &copy->args, "y"); /* the shared room is not written to */
        T_STR_EQ(copy->args.at[copy->args.len - 1], "y");
    }
    T_ROW("");
}

TEST(the_stored_form_keeps_that_an_empty_list_was_given)
{
    auto_object struct object *o = object_new(&task_schema), *back = NULL;
    auto_buf struct buf b = BUF_INIT(1 << 16);
    struct err e = ERR_INIT;
    struct task *t = o->body;

    t->name = "x";
    t->args.at = SCHEMA_GIVEN_EMPTY;
    object_store(o, &b);
    T_OK(object_load(&task_schema, buf_str(&b), &back, &e), &e);
    T_STR_HAS(text_of(back->arena, &task_schema, back->body, 0), "\"Args\":[]");
}

TEST(maps_carry_their_key_in_the_first_field)
{
    auto_arena struct arena *a = arena_new(0);
    struct err e = ERR_INIT;
    struct group *g = arena_new_of(a, struct group);

    T_OK(schema_decode(
             &group_schema,
             parse(a, "{\"Tasks\":[{\"Name\":\"t\"}],\"Links\":{\"home\":{\"URL\":\"u\"}}}"), 0,
             a, g, &e),
         &e);
    T_INT_EQ(g->links.len, 1);
    T_STR_EQ(g->links.at[0].label, "home");
    T_STR_HAS(text_of(a, &group_schema, g, 0), "\"Links\":{\"home\":{");
    T_INT_EQ(schema_decode(&group_schema, parse(a, "{\"Links\":{\"home\":{}}}"), 0, a, g, &e),
             ERR_INVALID);
    T_STR_HAS(e.msg, "link \"home\" > url: is required");
    (void)list_add(a, &g->links); /* decoded lists can grow */
}

TEST(what_was_in_the_target_before_decoding_is_not_in_it_afterwards)
{
    static const char *const rows[] = {"{}", "{\"Name\":null,\"Links\":null}", "[]", "null"};
    auto_arena struct arena *a = arena_new(0);
    struct err e = ERR_INIT;
    struct group g;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i]);
        memset(&g, 0xa5, sizeof g);
        schema_decode(&group_schema, parse(a, rows[i]), SCHEMA_NO_DEFAULTS, a, &g, &e);
        T_TRUE(g.name == NULL && g.tasks.at == NULL && g.links.at == NULL);
        T_INT_EQ(g.count, 0);
        T_INT_EQ(g.tasks.len, 0);
        T_INT_EQ(g.links.len, 0);
    }
    T_ROW("");
}

TEST(an_object_s_own_check_runs_after_its_fields)
{
    auto_arena struct arena *a = arena_new(0);
    struct err e = ERR_INIT;
    struct group *g = arena_new_of(a, struct group);
    const char text[] = "{\"Name\":\"g\",\"Count\":50,\"Tasks\":[{\"Name\":\"t\"}]}";

    T_INT_EQ(schema_decode(&group_schema, parse(a, text), 0, a, g, &e), ERR_INVALID);
    T_STR_EQ(e.msg, "count 50 is too much for 1 tasks");
}

TEST(check_finds_what_a_hand_made_object_breaks)
{
    auto_arena struct arena *a = arena_new(0);
    struct problems p = {.arena = a};
    struct group g = {.name = "web", .count = 1};
    struct task *t = list_add(a, &g.tasks);
    struct err e = ERR_INIT;

    schema_defaults(&task_schema, a, t);
    t->name = "api";
    schema_check(&group_schema, &g, "group \"web\"", &p);
    T_INT_EQ(p.list.len, 0);
    T_INT_EQ(problems_to_err(&p, &e), 0);
    t->res.memory = 9;
    t->driver = "qemu";
    schema_check(&group_schema, &g, "group \"web\"", &p);
    T_INT_EQ(problems_to_err(&p, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "group \"web\" > task \"api\" > driver: must be \"exec\"");
    T_STR_HAS(e.msg, "group \"web\" > task \"api\" > resources.memory: must be at least 10");
}

TEST(a_copy_is_equal_and_shares_nothing)
{
    auto_arena struct arena *a = arena_new(0);
    struct arena *gone = arena_new(0);
    struct task *t = task_of(gone, full_task, 0);
    struct task *copy = schema_copy(&task_schema, t, a);

    T_TRUE(schema_eq(&task_schema, t, copy));
    arena_free(gone);
    T_STR_EQ(text_of(a, &task_schema, copy, 0), full_task);
    T_TRUE(schema_copy(&task_schema, NULL, a) == NULL);
}

TEST(equality_sees_every_field_but_those_marked)
{
    static const struct {
        const char *label, *text;
        bool want;
    } rows[] = {
        {"string", "{\"Name\":\"y\"}", false},
        {"embedded", "{\"Name\":\"x\",\"Resources\":{\"CPU\":1}}", false},
        {"object", "{\"Name\":\"x\",\"Extra\":{}}", false},
        {"free form", "{\"Name\":\"x\",\"Config\":{}}", false},
        {"map", "{\"Name\":\"x\",\"Env\":{\"a\":\"b\"}}", false},
        {"list", "{\"Name\":\"x\",\"Tags\":[\"b\",\"a\"]}", false},
        {"number", "{\"Name\":\"x\",\"Weight\":1}", false},
        {"pointer", "{\"Name\":\"x\",\"Resources\":{\"DiskMB\":0}}", false},
        {"children", "{\"Name\":\"x\",\"Children\":[{\"Name\":\"k\"}]}", false},
        {"not compared", "{\"Name\":\"x\",\"ModifyIndex\":77}", true},
    };
    auto_arena struct arena *a = arena_new(0);
    struct task *base = task_of(a, "{\"Name\":\"x\"}", 0);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        T_INT_EQ(schema_eq(&task_schema, base, task_of(a, rows[i].text, 0)), rows[i].want);
    }
}

static void put_diff(struct buf *b, const struct object_diff *o, int depth)
{
    buf_printf(b, "%*s%s %s\n", depth, "", o->type, o->name);
    list_each (&o->fields, f)
        buf_printf(b, "%*s %s %s: %s => %s\n", depth, "", f->type, f->name, f->old_text,
                   f->new_text);
    list_each (&o->objects, child)
        put_diff(b, child, depth + 1);
}

static const char *diff_text(struct arena *a, const void *x, const void *y, bool all)
{
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct object_diff d;

    schema_diff(&task_schema, x, y, all, a, &d);
    put_diff(&b, &d, 0);
    return arena_cstr(a, buf_str(&b));
}

TEST(differences_name_fields_and_objects_as_the_api_does)
{
    auto_arena struct arena *a = arena_new(0);
    struct task *x =
        task_of(a,
                "{\"Name\":\"x\",\"Env\":{\"A\":\"1\",\"B\":\"2\"},\"Args\":[\"p\"],"
                "\"Config\":{\"args\":[\"a\"],\"v\":true},\"ModifyIndex\":1,"
                "\"Children\":[{\"Name\":\"k\"},{\"Name\":\"gone\"}]}",
                0);
    struct task *y =
        task_of(a,
                "{\"Name\":\"x\",\"Env\":{\"A\":\"3\",\"C\":\"4\"},\"Args\":[\"q\"],"
                "\"Config\":{\"args\":[\"b\"],\"v\":true},\"ModifyIndex\":2,"
                "\"Leader\":true,\"Resources\":{\"CPU\":5},"
                "\"Children\":[{\"Name\":\"new\"},{\"Name\":\"k\",\"Leader\":true}]}",
                0);

    static const char want[] = "Edited task\n"
                               " Edited Env[A]: 1 => 3\n"
                               " Deleted Env[B]: 2 => \n"
                               " Added Env[C]:  => 4\n"
                               " Edited Leader: false => true\n"
                               " Edited Resources\n"
                               "  Edited CPU: 100 => 5\n"
                               " Edited Config\n"
                               "  Edited args[0]: a => b\n"
                               " Edited Args\n"
                               "  Deleted Args: p => \n"
                               "  Added Args:  => q\n"
                               " Edited Child\n"
                               "  Edited Leader: false => true\n"
                               " Deleted Child\n";
    const char *text = diff_text(a, x, y, false);

    T_STR_EQ(diff_text(a, x, x, false), "None task\n");
    T_STRN_EQ(str_upto(str_of(text), sizeof want - 1), str_of(want));
    T_STR_HAS(text, " Added Child\n  Added Driver:  => exec\n");
    T_STR_HAS(text, "  Added Name:  => new\n");
}

TEST(a_diff_with_context_keeps_what_did_not_change)
{
    auto_arena struct arena *a = arena_new(0);
    struct task *x = task_of(a, "{\"Name\":\"x\"}", 0);
    struct task *y = task_of(a, "{\"Name\":\"x\",\"Leader\":true}", 0);
    const char *text = diff_text(a, x, y, true);

    T_STR_HAS(text, " None Name: x => x\n");
    T_STR_HAS(text, " None Password:  => \n");
    T_STR_HAS(text, " None KillTimeout: 5000000000 => 5000000000\n");
    T_STR_HAS(text, " Edited Leader: false => true\n");
    text = diff_text(a, NULL, y, false);
    T_STR_HAS(text, "Added task\n");
    T_STR_HAS(text, " Added Leader:  => true\n");
    T_STR_HAS(diff_text(a, x, NULL, false), "Deleted task\n");
}

TEST(a_stored_object_comes_back_whole)
{
    auto_arena struct arena *a = arena_new(0);
    auto_object struct object *o = object_new(&task_schema), *back = NULL;
    auto_buf struct buf b = BUF_INIT(1 << 20);
    struct task *t = o->body;
    struct err e = ERR_INIT;

    t->name = "x";
    t->stored_hash = "h";
    t->res.memory = 3; /* a limit that came later does not lose the record */
    object_store(o, &b);
    T_STR_HAS(b.p, "{\"_v\":1,\"Name\":\"x\",");
    T_OK(object_load(&task_schema, buf_str(&b), &back, &e), &e);
    T_TRUE(schema_eq(&task_schema, t, back->body));
    T_STR_EQ(((struct task *)back->body)->stored_hash, "h");
}

TEST(records_of_other_programs_are_read_or_refused)
{
    static const struct {
        const char *label, *record;
        int want;
        const char *error;
    } rows[] = {
        {"older, fields missing", "{\"_v\":1,\"Name\":\"x\"}", 0, NULL},
        {"unknown field", "{\"_v\":1,\"Name\":\"x\",\"Gone\":1}", 0, NULL},
        {"newer", "{\"_v\":2,\"Name\":\"x\"}", ERR_UNSUPPORTED, "newer program"},
        {"no version", "{\"Name\":\"x\"}", ERR_CORRUPT, "stored task: no version"},
        {"no object", "[]", ERR_CORRUPT, "stored task: no version"},
        {"no JSON", "{\"_v\":1", ERR_CORRUPT, "stored task: invalid JSON"},
        {"wrong type", "{\"_v\":1,\"Name\":1}", ERR_CORRUPT,
         "stored task: name: must be a string"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_object struct object *o = NULL;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(object_load(&task_schema, str_of(rows[i].record), &o, &e), rows[i].want);
        if (rows[i].error)
            T_STR_HAS(e.msg, rows[i].error);
        else
            T_INT_EQ(((struct task *)o->body)->res.cpu, 100);
    }
}

static void *share(void *arg)
{
    const struct object *o = arg;

    for (int i = 0; i < 20000; i++)
        object_unref(object_ref(o));
    object_unref(o);
    return NULL;
}

TEST(references_are_counted_across_threads)
{
    enum { N = 4 };
    struct object *o = object_new(&resources_schema);
    pthread_t t[N];

    for (int i = 0; i < N; i++)
        T_INT_EQ(pthread_create(&t[i], NULL, share, object_ref(o)), 0);
    for (int i = 0; i < N; i++)
        pthread_join(t[i], NULL);
    T_INT_EQ(atomic_load(&o->refs), 1);
    object_unref(o);
    object_unref(NULL);
}
