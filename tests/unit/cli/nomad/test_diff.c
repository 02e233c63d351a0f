#include "cli/nomad/diff.h"

#include "t.h"

static const char edited[] =
    "{\"Type\":\"Edited\",\"ID\":\"web\",\"Fields\":null,\"Objects\":null,\"TaskGroups\":["
    "{\"Type\":\"Edited\",\"Name\":\"front\",\"Objects\":null,\"Fields\":[{\"Type\":\"Edited\","
    "\"Name\":\"Count\",\"Old\":\"1\",\"New\":\"2\",\"Annotations\":[\"forces create\"]}],"
    "\"Updates\":{\"in-place update\":1,\"create\":1},\"Tasks\":[{\"Type\":\"None\","
    "\"Name\":\"app\",\"Fields\":null,\"Objects\":null,\"Annotations\":null}]}]}";

static const char added[] =
    "{\"Type\":\"Added\",\"ID\":\"web\",\"Fields\":[{\"Type\":\"Added\",\"Name\":\"Priority\","
    "\"Old\":\"\",\"New\":\"50\"}],\"Objects\":null,\"TaskGroups\":[{\"Type\":\"Added\","
    "\"Name\":\"front\",\"Fields\":null,\"Objects\":null,\"Updates\":{\"create\":1},\"Tasks\":["
    "{\"Type\":\"Added\",\"Name\":\"app\",\"Annotations\":[\"forces create\"],\"Fields\":null,"
    "\"Objects\":null}]}]}";

static const char nested[] =
    "{\"Type\":\"Edited\",\"ID\":\"j\",\"TaskGroups\":[{\"Type\":\"Edited\",\"Name\":\"g\","
    "\"Tasks\":[{\"Type\":\"Edited\",\"Name\":\"t\",\"Objects\":[{\"Type\":\"Edited\","
    "\"Name\":\"Config\",\"Fields\":[{\"Type\":\"Edited\",\"Name\":\"image\",\"Old\":\"a\","
    "\"New\":\"b\"},{\"Type\":\"None\",\"Name\":\"args[0]\",\"Old\":\"x\",\"New\":\"x\"},"
    "{\"Type\":\"Deleted\",\"Name\":\"user\",\"Old\":\"q\\\"\",\"New\":\"\"}]}]}]},"
    "{\"Type\":\"Deleted\",\"Name\":\"old\",\"Updates\":{\"destroy\":2},\"Tasks\":null}]}";

TEST(a_diff_is_shown_with_aligned_markers_and_names)
{
    static const struct {
        const char *label, *diff;
        bool verbose;
        const char *want;
    } rows[] = {
        {"edited", edited, false,
         "+/- Job: \"web\"\n"
         "+/- Task Group: \"front\" (1 create, 1 in-place update)\n"
         "  +/- Count: \"1\" => \"2\" (forces create)\n"
         "      Task: \"app\""},
        {"what is new is only named", added, false,
         "+ Job: \"web\"\n"
         "+ Task Group: \"front\" (1 create)\n"
         "  + Task: \"app\" (forces create)"},
        {"verbose: with its fields", added, true,
         "+ Job: \"web\"\n"
         "+ Priority: \"50\"\n"
         "+ Task Group: \"front\" (1 create)\n"
         "  + Task: \"app\" (forces create)"},
        {"objects, and several groups", nested, false,
         "+/- Job: \"j\"\n"
         "+/- Task Group: \"g\"\n"
         "  +/- Task: \"t\"\n"
         "    +/- Config {\n"
         "      +/- image:   \"a\" => \"b\"\n"
         "          args[0]: \"x\"\n"
         "      -   user:    \"q\\\"\"\n"
         "        }\n"
         "\n"
         "-   Task Group: \"old\" (2 destroy)"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct cli_call c = {.arena = a};
        struct err e = ERR_INIT;
        struct json *v = NULL;

        T_ROW(rows[i].label);
        T_OK(json_parse(str_of(rows[i].diff), &json_limits_file, 0, a, &v, &e), &e);
        T_STR_EQ(job_diff_text(&c, v, rows[i].verbose), rows[i].want);
    }
}

TEST(a_diff_without_end_is_cut_and_no_harm_done)
{
    enum { LEVELS = 60 };
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf b = BUF_INIT(1 << 16);
    struct cli_call c = {.arena = a};
    struct err e = ERR_INIT;
    struct json *v = NULL;

    buf_puts(&b, "{\"Type\":\"Edited\",\"ID\":\"deep\"");
    for (int i = 0; i < LEVELS; i++)
        buf_puts(&b, ",\"Objects\":[{\"Type\":\"Edited\",\"Name\":\"o\"");
    for (int i = 0; i < LEVELS; i++)
        buf_puts(&b, "}]");
    buf_puts(&b, "}");
    if (json_parse(buf_str(&b), &json_limits_file, 0, a, &v, &e) == 0)
        T_STR_HAS(job_diff_text(&c, v, false), "+/- Job: \"deep\"");
    else
        T_STR_HAS(e.msg, "deep");
}
