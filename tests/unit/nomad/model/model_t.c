#include "model_t.h"

#include <stdio.h>
#include <stdlib.h>

const struct json *golden_steps(struct arena *a, const char *file)
{
    const char *path = arena_printf(a, "%s/%s.json", GOLDEN_DIR, file);
    auto_buf struct buf b = BUF_INIT(64 << 20);
    struct err e = ERR_INIT;
    FILE *f = fopen(path, "r");
    struct json *v;
    char part[8192];
    size_t n;

    if (!f)
        t_fail(__FILE__, __LINE__, "cannot read %s", path);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_put(&b, part, n);
    fclose(f);
    T_OK(json_parse(buf_str(&b), &json_limits_file, JSON_COPY, a, &v, &e), &e);
    return json_get(v, "steps");
}

struct json *json_of(struct arena *a, const char *text)
{
    char *copy = arena_strdup(a, text);
    struct err e = ERR_INIT;
    struct json *v;

    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    T_OK(json_parse(str_of(copy), NULL, 0, a, &v, &e), &e);
    return v;
}

struct job *job_of(struct arena *a, const struct json *v)
{
    struct job *j = arena_new_of(a, struct job);
    struct err e = ERR_INIT;

    T_OK(job_from_json(v, a, j, &e), &e);
    job_canonicalize(j, a);
    job_finish(j, NULL, a);
    return j;
}

struct job *job_text(struct arena *a, const char *text)
{
    return job_of(a, json_of(a, text));
}

struct job *job_simple(struct arena *a)
{
    return job_text(a, "{'ID':'j','TaskGroups':[{'Name':'g','Tasks':[{'Name':'t',"
                       "'Driver':'raw_exec','Config':{'command':'/bin/true'}}]}]}");
}

const char *schema_text(struct arena *a, const struct schema *s, const void *obj)
{
    auto_buf struct buf b = BUF_INIT(16 << 20);
    struct json_out w;

    json_out_init(&w, &b, NULL);
    schema_encode(s, obj, 0, &w);
    return arena_cstr(a, buf_str(&b));
}
