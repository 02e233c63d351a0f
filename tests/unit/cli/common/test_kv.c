#include "cli/common/kv.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/common/input.h"
#include "t.h"

enum { ARGS = 4 };

static const char *in_dir(struct arena *a, const char *name, const char *text)
{
    auto_fd int dir = path_open_dir(t_tmpdir(), NULL);
    struct err e = ERR_INIT;

    T_OK(path_write_atomic(dir, name, str_of(text), 0600, &e), &e);
    return arena_printf(a, "%s/%s", t_tmpdir(), name);
}

/* Stdin is a pipe with this in it. */
static void feed(const char *text)
{
    int fds[2];

    T_INT_EQ(pipe(fds), 0);
    T_TRUE(fd_write_all(fds[1], str_of(text), NULL) == 0);
    close(fds[1]);
    T_TRUE(dup2(fds[0], STDIN_FILENO) >= 0);
    close(fds[0]);
}

static int count(char **args)
{
    int n = 0;

    while (n < ARGS && args[n])
        n++;
    return n;
}

TEST(arguments_become_an_object_or_say_why_not)
{
    static const struct {
        const char *label;
        char *args[ARGS];
        const char *in, *want, *error;
    } rows[] = {
        {"strings", {"b=2", "a=x y"}, "", "{\"a\":\"x y\",\"b\":\"2\"}", NULL},
        {"the first = splits", {"a==b=c"}, "", "{\"a\":\"=b=c\"}", NULL},
        {"empty value, empty key", {"a=", "=v"}, "", "{\"\":\"v\",\"a\":\"\"}", NULL},
        {"an empty argument is nothing", {"", "a=1"}, "", "{\"a\":\"1\"}", NULL},
        {"twice makes a list", {"a=1", "a=2", "a=3"}, "", "{\"a\":[\"1\",\"2\",\"3\"]}", NULL},
        {"an escaped @", {"a=\\@lit"}, "", "{\"a\":\"@lit\"}", NULL},
        {"stdin as a value, its line end kept", {"a=-"}, "in\n", "{\"a\":\"in\\n\"}", NULL},
        {"stdin as an object",
         {"-", "b=1"},
         "{\"a\":[1,null]}",
         "{\"a\":[1,null],\"b\":\"1\"}",
         NULL},
        {"an object takes the place of what was there",
         {"a=1", "-"},
         "{\"a\":2}",
         "{\"a\":2}",
         NULL},
        {"a dash within is text", {"a=-x"}, "", "{\"a\":\"-x\"}", NULL},
        {"no =", {"bad"}, "", NULL, "invalid key/value pair \"bad\": format must be key=value"},
        {"stdin twice",
         {"a=-", "b=-"},
         "x",
         NULL,
         "invalid key/value pair \"b=-\": stdin already consumed"},
        {"no file",
         {"a=@/nonexistent/f"},
         "",
         NULL,
         "invalid key/value pair \"a=@/nonexistent/f\": error reading file: open "
         "/nonexistent/f: "
         "no such file or directory"},
        {"no file for an object",
         {"@/nonexistent/f"},
         "",
         NULL,
         "invalid key/value pair \"@/nonexistent/f\": open /nonexistent/f: no such file or "
         "directory"},
        {"no JSON", {"-"}, "zz", NULL, "invalid key/value pair \"-\": invalid"},
        {"a list, not an object", {"-"}, "[]", NULL, "this is a JSON array"},
        {"nothing on stdin", {"-"}, "", NULL, "EOF"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf b = BUF_INIT(INPUT_MAX);
        struct err e = ERR_INIT;
        struct json *v;
        char *args[ARGS];
        int r;

        T_ROW(rows[i].label);
        for (size_t k = 0; k < ARGS; k++)
            args[k] = rows[i].args[k];
        feed(rows[i].in);
        r = kv_parse(a, count(args), args, &v, &e);
        if (rows[i].error) {
            T_INT_EQ(r < 0, true);
            T_STR_HAS(e.msg, rows[i].error);
            continue;
        }
        T_OK(r, &e);
        json_print(&b, v, NULL);
        T_STR_EQ(b.p, rows[i].want);
    }
}

TEST(files_are_read_as_they_are)
{
    auto_arena struct arena *a = arena_new(0);
    const char *file = in_dir(a, "v.txt", "file\n"), *object = in_dir(a, "o.json", "{\"n\":5}");
    char *args[] = {arena_printf(a, "v=@%s", file), arena_printf(a, "@%s", object)};
    auto_buf struct buf b = BUF_INIT(1000);
    struct err e = ERR_INIT;
    struct json *v = NULL;

    T_OK(kv_parse(a, 2, args, &v, &e), &e);
    json_print(&b, v, NULL);
    T_STR_EQ(b.p, "{\"n\":5,\"v\":\"file\\n\"}");
}

TEST(a_file_larger_than_the_maximum_is_refused)
{
    auto_arena struct arena *a = arena_new(0);
    char *args[] = {arena_printf(a, "v=@%s", in_dir(a, "big", ""))};
    struct err e = ERR_INIT;
    struct json *v;

    T_INT_EQ(truncate(args[0] + 3, INPUT_MAX + 1), 0);
    T_INT_EQ(kv_parse(a, 1, args, &v, &e), ERR_TOOBIG);
}

TEST(more_arguments_than_the_maximum_are_refused)
{
    auto_arena struct arena *a = arena_new(0);
    struct err e = ERR_INIT;
    struct json *v;

    T_INT_EQ(kv_parse(a, KV_ARGS_MAX + 1, NULL, &v, &e), ERR_TOOBIG);
}

TEST(strings_only_where_a_list_makes_no_sense)
{
    auto_arena struct arena *a = arena_new(0);
    char *one[] = {"username=bob", "n=1"}, *two[] = {"a=1", "a=2"};
    struct strmap m = {0};
    struct err e = ERR_INIT;

    T_OK(kv_parse_strings(a, 2, one, &m, &e), &e);
    T_STR_EQ(strmap_get(&m, "username"), "bob");
    T_INT_EQ(kv_parse_strings(a, 2, two, &m, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "key \"a\" must have one value");
}
