#include "base/err.h"

#include <errno.h>

#include "t.h"

TEST(err_set_keeps_code_and_message)
{
    struct err e = ERR_INIT;

    T_INT_EQ(err_set(&e, ERR_NOTFOUND, "no lease '%s'", "x"), ERR_NOTFOUND);
    T_STR_EQ(e.msg, "no lease 'x'");
    T_INT_EQ(e.code, ERR_NOTFOUND);
    T_INT_EQ(err_http_status(&e), 404);
    err_reset(&e);
    T_INT_EQ(e.code, 0);
    T_STR_EQ(e.msg, "");
}

TEST(err_wrap_puts_context_in_front)
{
    struct err e = ERR_INIT;

    err_set(&e, ERR_IO, "disk on fire");
    T_INT_EQ(err_wrap(&e, ERR_CORRUPT, "load %s", "keyring"), ERR_CORRUPT);
    T_STR_EQ(e.msg, "load keyring: disk on fire");
    T_INT_EQ(e.code, ERR_CORRUPT);

    struct err bare = ERR_INIT;

    err_wrap(&bare, ERR_DENIED, "open");
    T_STR_EQ(bare.msg, "open: permission denied");
}

TEST(err_errno_names_the_cause_and_picks_the_kind)
{
    static const struct {
        const char *label;
        int sys, code, want;
        const char *text;
    } rows[] = {
        {"plain", EACCES, ERR_DENIED, ERR_DENIED, "open 'f': Permission denied"},
        {"disk full", ENOSPC, ERR_IO, ERR_NOSPACE, "No space left"},
        {"quota", EDQUOT, ERR_IO, ERR_NOSPACE, "quota"},
        {"descriptors", EMFILE, ERR_IO, ERR_LIMIT, "Too many open files"},
        {"system's descriptors", ENFILE, ERR_IO, ERR_LIMIT, "Too many open files"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        struct err e = ERR_INIT;

        errno = rows[i].sys;
        T_INT_EQ(err_set_errno(&e, rows[i].code, "open '%s'", "f"), rows[i].want);
        T_INT_EQ(e.sys, rows[i].sys);
        T_STR_HAS(e.msg, rows[i].text);
        errno = rows[i].sys;
        T_INT_EQ(err_set_errno(NULL, rows[i].code, "x"), rows[i].want);
    }
}

TEST(err_messages_too_long_are_cut_and_say_so)
{
    struct err e = ERR_INIT;
    char wide[ERR_MSG_SIZE * 2];

    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    err_set(&e, ERR_INVALID, "%s", wide);
    T_INT_EQ(strlen(e.msg), ERR_MSG_SIZE - 1);
    T_STR_EQ(e.msg + ERR_MSG_SIZE - 4, "...");
    err_wrap(&e, ERR_INVALID, "%s", "deep");
    T_INT_EQ(strlen(e.msg), ERR_MSG_SIZE - 1);
    T_STR_HAS(e.msg, "deep: www");
    errno = EIO;
    err_set_errno(&e, ERR_IO, "%s", wide);
    T_STR_EQ(e.msg + ERR_MSG_SIZE - 4, "...");
}

TEST(err_takes_a_message_that_points_into_itself)
{
    struct err e = ERR_INIT;

    err_set(&e, ERR_IO, "cause");
    err_set(&e, ERR_IO, "again: %s", e.msg);
    T_STR_EQ(e.msg, "again: cause");
}

TEST(err_kinds_have_status_exit_code_text_and_name)
{
    static const struct {
        int code, status;
        const char *name, *text;
    } rows[] = {
        {ERR_INVALID, 400, "ERR_INVALID", "invalid input"},
        {ERR_SEALED, 503, "ERR_SEALED", "Vault is sealed"},
        {ERR_NOSPACE, 507, "ERR_NOSPACE", "no space left on the storage device"},
        {0, 200, "ERR_OK", "success"},
        {-1000, 200, "ERR_OK", "success"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].name);
        T_INT_EQ(err_kind_status(rows[i].code), rows[i].status);
        T_STR_EQ(err_kind_name(rows[i].code), rows[i].name);
        T_STR_EQ(err_kind_text(rows[i].code), rows[i].text);
        T_INT_EQ(err_exit_code(rows[i].code), rows[i].status == 200 ? 0 : 2);
    }

    struct err e = ERR_INIT;

    err_set_status(&e, ERR_INVALID, 500, "as Vault does");
    T_INT_EQ(err_http_status(&e), 500);
    T_INT_EQ(err_set(NULL, ERR_IO, "nobody listens"), ERR_IO);
    T_INT_EQ(err_wrap(NULL, ERR_IO, "nobody listens"), ERR_IO);
}
