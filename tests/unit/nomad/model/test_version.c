#include "model_t.h"

TEST(versions_meet_their_constraints)
{
    static const struct {
        const char *version, *constraint;
        bool loose, semver;
    } rows[] = {
        {"1.2.3", ">= 1.2", true, true},
        {"1.2.3", "~> 1.2", true, true},
        {"2.0", "~> 1.2", false, false},
        {"1.3", "~> 1.2.3", false, false},
        {"1.2.9", "~> 1.2.3", true, true},
        {"22.04", ">= 22.04, < 25", true, true},
        {"25.0", ">= 22.04, < 25", false, false},
        {"v1.14.9", "= 1.14.9", true, true},
        {"1.0", "1.0.0", true, true},
        {"1.0.1", "!= 1.0", true, true},
        {"1.14.0-beta1", ">= 1.0", false, true}, /* a prerelease */
        {"1.14.0-beta1", ">= 1.14.0-alpha", true, true},
        {"1.7.0-dev", ">= 1.7.0-a", true, true},
        {"1.9.7+ent", ">= 1.9.7", true, true},
        {"1.0.0-alpha.2", "< 1.0.0-alpha.10", true, true},
        {"1.0.0-rc1", "< 1.0.0", false, true},
        {"not a version", ">= 1", false, false},
        {"1.2", "x y", false, false},
        {"", ">= 1", false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char label[128];

        snprintf(label, sizeof label, "%s %s", rows[i].version, rows[i].constraint);
        T_ROW(label);
        T_INT_EQ(version_matches(rows[i].version, rows[i].constraint, false), rows[i].loose);
        T_INT_EQ(version_matches(rows[i].version, rows[i].constraint, true), rows[i].semver);
    }
    T_ROW("");
}

TEST(a_malformed_version_constraint_is_named)
{
    struct err e = ERR_INIT;

    T_INT_EQ(version_constraint_check("x y", false, &e), ERR_INVALID);
    T_STR_EQ(e.msg, "Malformed constraint: x y");
    T_INT_EQ(version_constraint_check("", false, &e), ERR_INVALID);
}
