#include "model_t.h"

#include "base/arena.h"
#include "nomad/model/model.h"

/* Answers that do not come from looking at the job alone. */
static bool from_elsewhere(struct str text)
{
    static const char *const starts[] = {"cannot update job", "No path to region",
                                         "json: cannot unmarshal", "Job ID"};

    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (str_starts(text, str_of(starts[i])))
            return true;
    return str_has(text, STR("is in nonexistent"));
}

static void check_step(struct arena *a, const struct json *step, int *ret_checked)
{
    const struct json *job = json_path(step, "body.Job"),
                      *reply = json_path(step, "reply.body");
    const struct json *error = json_get(reply, "Error");
    struct str want = json_is(reply, JSON_STRING) ? reply->text : STR("");
    struct problem_list p = {.arena = a};
    struct job *j;

    if (json_is(error, JSON_STRING))
        want = error->text;
    if (!json_is(job, JSON_OBJECT) || from_elsewhere(want))
        return;
    j = job_of(a, job);
    job_validate(j, NULL, &p);
    T_STRN_EQ(str_of(problem_list_text(a, &p)), want);
    if (want.len == 0)
        T_STRN_EQ(str_of(job_warnings(j, a)),
                  json_str_or(json_get(reply, "Warnings"), STR("")));
    (*ret_checked)++;
}

TEST(validation_says_what_the_recordings_say)
{
    auto_arena struct arena *a = arena_new(0);
    const struct json *steps = golden_steps(a, "http-validate");
    int checked = 0;

    for (uint32_t i = 0; i < steps->len; i++) {
        const char *label = arena_printf(a, "http-validate step %u", i);

        T_ROW(label);
        check_step(a, &steps->items[i], &checked);
    }
    T_ROW("");
    T_TRUE(checked > 50);
}

TEST(bad_jobs_of_the_write_recording_are_refused_with_its_words)
{
    auto_arena struct arena *a = arena_new(0);
    const struct json *steps = golden_steps(a, "http-write");
    int checked = 0;

    for (uint32_t i = 0; i < 21; i++) {
        const struct json *v = json_path(&steps->items[i], "reply.body");
        const char *label = arena_printf(a, "http-write step %u", i);

        T_ROW(label);
        if (json_is(v, JSON_STRING) && str_has(v->text, STR("error")))
            check_step(a, &steps->items[i], &checked);
    }
    T_ROW("");
    T_TRUE(checked > 8);
}

TEST(names_that_could_lead_out_of_a_directory_are_refused)
{
    static const struct {
        const char *label, *name;
        bool dir, ok;
    } rows[] = {
        {"plain", "web", true, true},
        {"dots inside", "a..b", true, true},
        {"empty", "", true, false},
        {"parent", "..", true, false},
        {"self", ".", true, false},
        {"alloc", "alloc", true, false},
        {"tmp", "tmp", true, false},
        {"alloc as a port label", "alloc", false, true},
        {"slash", "a/b", true, false},
        {"line break", "a\nb", true, false},
        {"escape", "a\033[31m", true, false},
        {"not UTF-8", "a\xff", true, false},
        {"umlaut", "g\xc3\xa4st", true, true},
    };
    char longest[NAME_MAX_BYTES + 2];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        T_ROW(rows[i].label);
        T_INT_EQ(name_problem(rows[i].name, NAME_MAX_BYTES, rows[i].dir) == NULL, rows[i].ok);
    }
    T_ROW("");
    memset(longest, 'a', sizeof longest);
    longest[NAME_MAX_BYTES] = '\0';
    T_TRUE(name_problem(longest, NAME_MAX_BYTES, true) == NULL);
    longest[NAME_MAX_BYTES] = 'a';
    longest[NAME_MAX_BYTES + 1] = '\0';
    T_STR_EQ(name_problem(longest, NAME_MAX_BYTES, true), "is too long");
}

TEST(a_task_named_after_a_directory_of_the_alloc_is_refused)
{
    auto_arena struct arena *a = arena_new(0);
    struct job *j = job_simple(a);
    struct err e = ERR_INIT;
    const char *text;

    j->groups.at[0].tasks.at[0].name = "..";
    T_INT_EQ(job_validate_err(j, NULL, a, &text, &e), ERR_INVALID);
    T_STR_HAS(text, "Task name is reserved");
    T_INT_EQ(err_http_status(&e), 500);
}

TEST(an_update_that_changes_what_a_job_is_is_refused)
{
    static const struct {
        const char *label, *old, *new, *want;
    } rows[] = {
        {"same", "{'ID':'j'}", "{'ID':'j'}", NULL},
        {"type", "{'ID':'j'}", "{'ID':'j','Type':'batch'}",
         "cannot update job from type \"service\" to \"batch\""},
        {"becomes periodic", "{'ID':'j','Type':'batch'}",
         "{'ID':'j','Type':'batch','Periodic':{'Spec':'@daily'}}",
         "cannot update non-periodic job to being periodic"},
        {"stops being parameterized", "{'ID':'j','Type':'batch','ParameterizedJob':{}}",
         "{'ID':'j','Type':'batch'}",
         "cannot update parameterized job to being non-parameterized"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct err e = ERR_INIT;
        int r;

        T_ROW(rows[i].label);
        r = job_check_update(job_text(a, rows[i].old), job_text(a, rows[i].new), &e);
        T_INT_EQ(r, rows[i].want ? ERR_INVALID : 0);
        if (rows[i].want)
            T_STR_EQ(e.msg, rows[i].want);
    }
}

TEST(cron_expressions_are_looked_at)
{
    static const struct {
        const char *spec, *want;
    } rows[] = {
        {"*/15 * * * *", NULL},
        {"@daily", NULL},
        {"0 30 9 * * * *", NULL},
        {"0 0 1 jan-mar MON,wed", NULL},
        {"0 0 L * 5#3", NULL},
        {"nope", "missing field(s)"},
        {"61 * * * *", "syntax error in minute field: '61'"},
        {"* * * * * * * *", "too many fields"},
        {"*/0 * * * *", "syntax error in minute field: '*/0'"},
        {"5-1 * * * *", "syntax error in minute field: '5-1'"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct job *j = job_simple(a);
        struct problem_list p = {.arena = a};
        struct periodic *pd;

        T_ROW(rows[i].spec);
        pd = arena_new_of(a, struct periodic);
        pd->spec = rows[i].spec;
        j->type = "batch";
        j->update = j->groups.at[0].update = NULL;
        j->groups.at[0].migrate = NULL;
        j->periodic = pd;
        job_canonicalize(j, a);
        job_validate(j, NULL, &p);
        if (!rows[i].want)
            T_STR_EQ(problem_list_text(a, &p), "");
        else
            T_STR_HAS(problem_list_text(a, &p), rows[i].want);
    }
}
