#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>

#include "api/config.h"
#include "base/path.h"
#include "fake.h"

struct listener {
    const char *kind, *address;
    bool tls_disable;
};

static const struct schema_field listener_fields[] = {
    {"type", "type", F_STR, offsetof(struct listener, kind), FIELD_LABEL},
    {"address", "address", F_STR, offsetof(struct listener, address)},
    {"tls_disable", "tls_disable", F_BOOL, offsetof(struct listener, tls_disable)},
};
static SCHEMA(listener_schema, "listener", struct listener, listener_fields);

struct ports {
    int64_t http;
};

static const struct schema_field ports_fields[] = {
    {"http", "http", F_INT, offsetof(struct ports, http), .min = 0, .max = 65535},
};
static SCHEMA(ports_schema, "ports", struct ports, ports_fields);

struct config {
    const char *name, *log_level;
    struct ports *ports;
    LIST(struct listener) listeners;
    struct strmap meta;
};

static const struct schema_field config_fields[] = {
    {"name", "name", F_STR, offsetof(struct config, name)},
    {"log_level", "log_level", F_STR, offsetof(struct config, log_level)},
    {"ports", "ports", F_OBJ, offsetof(struct config, ports), .sub = &ports_schema},
    {"listener", "listener", F_LIST, offsetof(struct config, listeners),
     .sub = &listener_schema},
    {"meta", "meta", F_STRMAP, offsetof(struct config, meta)},
};
static SCHEMA(config_schema, "config", struct config, config_fields);

static const char *write_file(const char *name, const char *text)
{
    static char path[512];
    struct err e = ERR_INIT;
    int dir = path_open_dir(t_tmpdir(), &e);

    T_OK(dir, &e);
    T_OK(path_write_atomic(dir, name, str_of(text), 0600, &e), &e);
    close(dir);
    snprintf(path, sizeof path, "%s/%s", t_tmpdir(), name);
    return path;
}

static int load(struct arena *a, const char *path, struct config *ret, struct err *e)
{
    struct config_files files = {0};
    int r = config_read(a, path, &files, e);

    *ret = (struct config){0};
    if (r < 0)
        return r;
    T_INT_EQ(files.list.len, 1);
    return config_decode(&config_schema, &files.list.at[0], a, ret, e);
}

TEST(hcl_and_json_mean_the_same)
{
    static const struct {
        const char *label, *file, *text;
    } rows[] = {
        {"blocks", "a.hcl",
         "name = \"n\"\nports { http = 4646 }\nlistener \"tcp\" { address = \"a:1\" "
         "tls_disable = true }\nmeta { k = \"v\" }\n"},
        {"objects", "b.hcl",
         "name = \"n\"\nports = { http = 4646 }\nlistener = { tcp = { address = \"a:1\" "
         "tls_disable = true } }\nmeta = { k = \"v\" }\n"},
        {"json", "c.json",
         "{\"name\":\"n\",\"ports\":{\"http\":4646},\"listener\":{\"tcp\":{\"address\":"
         "\"a:1\",\"tls_disable\":true}},\"meta\":{\"k\":\"v\"}}"},
        {"json lists", "d.json",
         "{\"name\":\"n\",\"ports\":[{\"http\":4646}],\"listener\":[{\"tcp\":{\"address\":"
         "\"a:1\",\"tls_disable\":true}}],\"meta\":{\"k\":\"v\"}}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct config c;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_OK(load(a, write_file(rows[i].file, rows[i].text), &c, &e), &e);
        T_STR_EQ(c.name, "n");
        T_INT_EQ(c.ports->http, 4646);
        T_INT_EQ(c.listeners.len, 1);
        T_STR_EQ(c.listeners.at[0].kind, "tcp");
        T_STR_EQ(c.listeners.at[0].address, "a:1");
        T_TRUE(c.listeners.at[0].tls_disable);
        T_STR_EQ(strmap_get(&c.meta, "k"), "v");
    }
}

TEST(errors_say_where_and_name_the_nearest_key)
{
    static const struct {
        const char *label, *file, *text, *want;
    } rows[] = {
        {"top", "e.hcl", "name = \"n\"\nlog_levl = \"x\"\n",
         "e.hcl:2:1: unknown key \"log_levl\", did you mean \"log_level\"?"},
        {"block", "e.hcl", "listner \"tcp\" {}\n",
         "e.hcl:1:1: unknown key \"listner\", did you mean \"listener\"?"},
        {"within a block", "e.hcl", "listener \"tcp\" {\n  adress = \"a\"\n}\n",
         "e.hcl:2:3: unknown key \"adress\" in listener, did you mean \"address\"?"},
        {"within an object", "e.hcl", "ports = {\n  htp = 1\n}\n",
         "e.hcl:2:3: unknown key \"htp\" in ports, did you mean \"http\"?"},
        {"json", "e.json", "{\n \"listener\": {\"tcp\": {\"adress\": \"a\"}}}",
         "unknown key \"adress\" in listener, did you mean \"address\"?"},
        {"nothing near", "e.hcl", "banana = 1\n", "e.hcl:1:1: unknown key \"banana\""},
        {"a label is no key", "e.hcl", "listener \"tcp\" {\n  type = \"a\"\n}\n",
         "e.hcl:2:3: unknown key \"type\" in listener"},
        {"syntax", "e.hcl", "name = \"n\"\nlistener \"tcp\" {\n", "e.hcl:"},
        {"json syntax", "e.json", "{\"name\": x}", "e.json:1:"},
        {"type", "e.hcl", "ports {\n  http = \"many\"\n}\n", "e.hcl:2:"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct config c;
        struct err e = ERR_INIT;

        T_ROW(rows[i].label);
        T_INT_EQ(load(a, write_file(rows[i].file, rows[i].text), &c, &e), ERR_INVALID);
        T_STR_HAS(e.msg, rows[i].want);
    }
}

TEST(several_unknown_keys_are_all_named)
{
    auto_arena struct arena *a = arena_new(0);
    struct config c;
    struct err e = ERR_INIT;

    T_INT_EQ(load(a, write_file("f.hcl", "nam = 1\nlog_leve = 2\n"), &c, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "f.hcl:1:1: unknown key \"nam\", did you mean \"name\"?\n");
    T_STR_HAS(e.msg, "f.hcl:2:1: unknown key \"log_leve\", did you mean \"log_level\"?");
}

TEST(a_directory_is_read_in_name_order_without_what_editors_leave)
{
    static const char *const names[] = {"20.json", "10.hcl", ".hidden.hcl", "10.hcl~", "#5.hcl",
                                        "README",  "30.hcl", ".10.hcl.swp", "5.txt"};
    auto_arena struct arena *a = arena_new(0);
    struct config_files files = {0};
    struct err e = ERR_INIT;
    char dir[300], want[400];

    snprintf(dir, sizeof dir, "%s/conf.d", t_tmpdir());
    snprintf(want, sizeof want, "%s/sub.hcl", dir);
    T_OK(path_mkdirs(want, 0700, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(want, sizeof want, "conf.d/%s", names[i]);
        int fd = path_open_dir(dir, &e);

        T_OK(path_write_atomic(fd, names[i], str_of(i == 0 ? "{}" : ""), 0600, &e), &e);
        close(fd);
    }
    T_OK(config_read(a, dir, &files, &e), &e);
    T_INT_EQ(files.list.len, 3);
    T_STR_EQ(path_base(files.list.at[0].path), "10.hcl");
    T_STR_EQ(path_base(files.list.at[1].path), "20.json");
    T_STR_EQ(path_base(files.list.at[2].path), "30.hcl");
}

TEST(what_is_missing_or_too_large_is_named)
{
    auto_arena struct arena *a = arena_new(0);
    auto_free char *big = malloc(CONFIG_FILE_MAX + 2);
    struct config_files files = {0};
    struct err e = ERR_INIT;

    T_INT_EQ(config_read(a, "/nonexistent/x.hcl", &files, &e), ERR_NOTFOUND);
    T_STR_HAS(e.msg, "/nonexistent/x.hcl");
    memset(big, '\n', CONFIG_FILE_MAX + 1);
    big[CONFIG_FILE_MAX + 1] = '\0';
    err_reset(&e);
    T_INT_EQ(config_read(a, write_file("big.hcl", big), &files, &e), ERR_TOOBIG);
    T_STR_HAS(e.msg, "read configuration");
}
