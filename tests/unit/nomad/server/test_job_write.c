#include "cluster.h"

#define TASK(more)                                                                       \
    "\"Tasks\":[{\"Name\":\"t\",\"Driver\":\"raw_exec\",\"Config\":{\"command\":\"/bin/" \
    "true\"}" more "}]"
#define JOB(more, group, task)                                                                \
    "{\"Job\":{\"ID\":\"w\",\"Name\":\"w\",\"Type\":\"batch\",\"Datacenters\":[\"dc1\"]" more \
    ",\"TaskGroups\":[{\"Name\":\"g\"" group "," TASK(task) "}]}}"
#define AFFINITY(n) ",\"Affinities\":[{\"LTarget\":\"a\",\"RTarget\":\"b\",\"Weight\":" n "}]"
#define SPREAD(n) ",\"Spreads\":[{\"Attribute\":\"a\",\"Weight\":" n "}]"

TEST(a_registration_is_refused_for_what_does_not_fit)
{
    static const struct {
        const char *label, *body;
        int status;
        const char *want;
    } rows[] = {
        {"job's affinity", JOB(AFFINITY("500"), "", ""), 400, "number 500 into"},
        {"group's affinity", JOB("", AFFINITY("-129"), ""), 400,
         "Affinity.Weight of type int8"},
        {"task's affinity", JOB("", "", AFFINITY("128")), 400, "Affinity.Weight of type int8"},
        {"an int8 may be too much", JOB("", "", AFFINITY("127")), 500, "between [-100, 100]"},
        {"job's spread", JOB(SPREAD("500"), "", ""), 400, "Spread.Weight of type int8"},
        {"group's spread", JOB("", SPREAD("500"), ""), 400, "Spread.Weight of type int8"},
        {"another region", JOB(",\"Region\":\"mars\"", "", ""), 500, "No path to region"},
        {"other regions", JOB(",\"Multiregion\":{\"Regions\":[{\"Name\":\"a\"}]}", "", ""), 500,
         "No path to region"},
        {"no Vault here", JOB("", "", ",\"Vault\":{\"Policies\":[\"p\"]}"), 500,
         "Vault \"default\" not enabled but used in the job"},
        {"Vault's own heading", JOB("", "", ",\"Vault\":{\"Policies\":[\"root\"]}"), 500,
         "* Vault validation failed: 1 error occurred:\n\t* Can not specify \"root\" policy"},
        {"its own region", JOB(",\"Region\":\"global\"", "", ""), 200, "\"EvalID\":\""},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct answer a = ask(&cl, "POST", "/v1/jobs", rows[i].body);

        T_STR_HAS(a.body, rows[i].want);
        T_INT_EQ(a.status, rows[i].status);
    }
    T_ROW("");
    cluster_stop(&cl);
}

TEST(a_stop_answers_as_the_api_does)
{
    static const struct {
        const char *label, *path;
        int status;
        const char *want;
    } rows[] = {
        {"unknown", "/v1/job/none", 200, "{\"EvalCreateIndex\":0,\"EvalID\":\"\",\"Index\":0,"},
        {"priority too high", "/v1/job/w?eval_priority=500", 400,
         "Eval priority must be between 1 and 100 inclusively"},
        {"priority too low", "/v1/job/w?eval_priority=-1", 400,
         "Eval priority must be between 1 and 100 inclusively"},
        {"priority is a word", "/v1/job/w?eval_priority=x", 400, "invalid syntax"},
        {"priority left to the job", "/v1/job/w?eval_priority=0", 200, "\"EvalID\":\""},
    };
    struct cluster cl;

    cluster_start(&cl, NULL);
    T_INT_EQ(ask(&cl, "POST", "/v1/jobs", JOB("", "", "")).status, 200);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        T_ROW(rows[i].label);
        struct answer a = ask(&cl, "DELETE", rows[i].path, NULL);

        T_STR_HAS(a.body, rows[i].want);
        T_INT_EQ(a.status, rows[i].status);
    }
    T_ROW("");
    cluster_stop(&cl);
}
