/* Which policies a new token gets: the API's recorded matrix of roles and callers. */
#include "t.h"

#include "base/buf.h"
#include "vault/core/token_priv.h"

#define SUBSET(got, allowed, globs)                                                    \
    "token policies (" got ") must be subset of the role's allowed policies (" allowed \
    ") or glob policies (" globs ")"
#define NOT_A "token policy \"a\" is disallowed by this role"

/* Lists are written with spaces; NULL role fields: none. */
struct role_row {
    const char *allowed, *disallowed, *allowed_glob, *disallowed_glob;
    bool no_default;
};

static const struct role_row m0 = {"a", "", "", "", false}, m1 = {"", "a", "", "", false},
                             m2 = {"", "", "dev-*", "", false},
                             m3 = {"", "", "", "dev-*", false}, m4 = {"a", "a", "", "", false},
                             m5 = {"", "dev-y", "dev-*", "", false},
                             m6 = {"", "default", "", "", false}, m7 = {"", "", "", "", false},
                             quiet = {"a", "", "", "", true}, lax = {"", "", "", "", true};

static struct strlist words(struct arena *a, const char *text)
{
    struct str rest = str_of(text), word;
    struct strlist l = {0};

    while (*text && str_split(&rest, ' ', &word))
        list_push(a, &l, arena_cstr(a, word));
    return l;
}

static const char *joined(struct arena *a, const struct strlist *l)
{
    auto_buf struct buf b = BUF_INIT(4096);

    for (size_t i = 0; i < l->len; i++)
        buf_printf(&b, "%s%s", i ? " " : "", l->at[i]);
    return arena_cstr(a, buf_str(&b));
}

TEST(policies_of_a_new_token_are_as_recorded)
{
    static const char n[] = "b cre default";
    static const struct {
        const struct role_row *role; /* NULL: none */
        const char *parent, *asked;
        bool no_default, sudo;
        const char *want, *error;
    } rows[] = {
        {&m0, n, "", false, false, "a default", NULL},
        {&m0, n, "a", false, false, "a default", NULL},
        {&m0, n, "a dev-x", false, false, NULL,
         SUBSET("[\"a\" \"default\" \"dev-x\"]", "[\"a\" \"default\"]", "[]")},
        {&m0, n, "dev-x dev-y", false, false, NULL,
         SUBSET("[\"default\" \"dev-x\" \"dev-y\"]", "[\"a\" \"default\"]", "[]")},
        {&m0, n, "a", true, false, "a", NULL},
        {&m0, n, "default", false, false, "default", NULL},
        {&m1, n, "", false, false, "b cre default", NULL},
        {&m1, n, "a", false, false, NULL, NOT_A},
        {&m1, n, "a dev-x", false, false, NULL, NOT_A},
        {&m1, n, "dev-x dev-y", false, false, "default dev-x dev-y", NULL},
        {&m1, n, "a", true, false, NULL, NOT_A},
        {&m1, n, "default", false, false, "default", NULL},
        {&m1, "root", "", false, true, "root", NULL},
        {&m2, n, "", false, false, "default", NULL},
        {&m2, n, "a", false, false, NULL,
         SUBSET("[\"a\" \"default\"]", "[\"default\"]", "[\"dev-*\"]")},
        {&m2, n, "dev-x dev-y", false, false, "default dev-x dev-y", NULL},
        {&m2, n, "a", true, false, NULL, SUBSET("[\"a\"]", "[]", "[\"dev-*\"]")},
        {&m3, n, "", false, false, "b cre default", NULL},
        {&m3, n, "a", false, false, "a default", NULL},
        {&m3, n, "a dev-x", false, false, NULL,
         "token policy \"dev-x\" is disallowed by this role"},
        {&m3, n, "a", true, false, "a", NULL},
        {&m4, n, "", false, false, NULL, NOT_A},
        {&m4, n, "default", false, false, "default", NULL},
        {&m5, n, "", false, false, "default", NULL},
        {&m5, n, "dev-x dev-y", false, false, NULL,
         "token policy \"dev-y\" is disallowed by this role"},
        {&m6, n, "", false, false, NULL, "token policy \"default\" is disallowed by this role"},
        {&m6, n, "a", false, false, "a", NULL},
        {&m6, n, "default", false, false, NULL,
         "token policy \"default\" is disallowed by this role"},
        {&m7, n, "", false, false, "b cre default", NULL},
        {&m7, n, "a", false, false, NULL, "child policies must be subset of parent"},
        {&m7, n, "default", false, false, "default", NULL},
        {&m7, "root", "root", false, true, "root", NULL},
        {&m0, "root", "root", false, true, NULL,
         SUBSET("[\"root\"]", "[\"a\" \"default\"]", "[]")},
        {&quiet, n, "a", false, false, "a", NULL},
        {&lax, "root", "a", false, true, "a default", NULL},

        {NULL, "root", "", false, true, "root", NULL},
        {NULL, "root", "b a", false, true, "a b default", NULL},
        {NULL, "root", "a", true, true, "a", NULL},
        {NULL, "root", "root a", false, true, "root", NULL},
        {NULL, "root", "response-wrapping", false, true, NULL,
         "cannot assign policy \"response-wrapping\""},
        {NULL, "root", "CONTROL-group", false, true, NULL,
         "cannot assign policy \"control-group\""},
        {NULL, "a sudoer", "", false, true, "a sudoer", NULL},
        {NULL, "a sudoer", "b", false, true, "b default", NULL},
        {NULL, "a sudoer", "root", false, true, NULL,
         "root tokens may not be created without parent token being root"},
        {NULL, "a sudoer", "RooT", false, true, NULL,
         "root tokens may not be created without parent token being root"},
        {NULL, "a sudoer", "a b", false, false, NULL,
         "child policies must be subset of parent"},
        {NULL, "a b", "b", false, false, "b", NULL},
        {NULL, "a default", "a", false, false, "a default", NULL},
        {NULL, "a default", "a", true, false, "a", NULL},
        {NULL, "a default", "", true, false, "a", NULL},
        {NULL, "a default", "ROOT", false, false, NULL,
         "child policies must be subset of parent"},
        {&m1, n, "Root", false, false, NULL,
         "root tokens may not be created without parent token being root"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct strlist parent = words(a, rows[i].parent), got = {0};
        struct token_role role = {0};
        struct token_policy_ask q = {.asked = words(a, rows[i].asked),
                                     .no_default = rows[i].no_default,
                                     .sudo = rows[i].sudo,
                                     .parent = &parent};
        struct err e = ERR_INIT;
        int r;

        if (rows[i].role) {
            role.allowed_policies = words(a, rows[i].role->allowed);
            role.disallowed_policies = words(a, rows[i].role->disallowed);
            role.allowed_policies_glob = words(a, rows[i].role->allowed_glob);
            role.disallowed_policies_glob = words(a, rows[i].role->disallowed_glob);
            role.token_no_default_policy = rows[i].role->no_default;
            q.role = &role;
        }
        T_ROW(arena_printf(a, "row %zu: %s asks %s", i, rows[i].parent, rows[i].asked));
        r = token_policies_decide(a, &q, &got, &e);
        T_STR_EQ(e.msg, rows[i].error ? rows[i].error : "");
        T_INT_EQ(r, rows[i].error ? ERR_INVALID : 0);
        if (rows[i].want)
            T_STR_EQ(joined(a, &got), rows[i].want);
    }
    T_ROW("");
}

TEST(a_token_has_at_most_so_many_policies)
{
    auto_arena struct arena *a = arena_new(0);
    struct strlist parent = words(a, "root"), got;
    struct token_policy_ask q = {.sudo = true, .parent = &parent};
    struct err e = ERR_INIT;

    for (size_t i = 0; i < TOKEN_POLICIES_MAX; i++)
        list_push(a, &q.asked, arena_printf(a, "p%zu", i));
    T_OK(token_policies_decide(a, &q, &got, &e), &e);
    list_push(a, &q.asked, "one more");
    T_INT_EQ(token_policies_decide(a, &q, &got, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "at most 1000 policies");

    char *name = arena_zalloc(a, POLICY_NAME_MAX + 2);

    memset(name, 'x', POLICY_NAME_MAX);
    q.asked.len = 1;
    q.asked.at[0] = name;
    T_OK(token_policies_decide(a, &q, &got, &e), &e);
    name[POLICY_NAME_MAX] = 'x';
    T_INT_EQ(token_policies_decide(a, &q, &got, &e), ERR_INVALID);
    T_STR_HAS(e.msg, "at most 256 bytes");
}
