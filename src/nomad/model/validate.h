/*
 * validate -- how the files that check a job speak of what they find
 *
 * Each level collects its own list; a list that is not empty becomes one sentence of the list
 * above: "Task group web validation failed: 1 error occurred:\n\t* ...".
 */
#ifndef NOMAD_MODEL_VALIDATE_H
#define NOMAD_MODEL_VALIDATE_H

#include "nomad/model/model_priv.h"

void bad(struct problem_list *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* If `inner` has something: "<text><inner>" goes into p. fmt may be "". */
void bad_below(struct problem_list *p, const struct problem_list *inner, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
static inline struct problem_list below(const struct problem_list *p)
{
    return (struct problem_list){.arena = p->arena};
}

const char *duration_text(struct arena *a, int64_t ns);
/* Would this path, relative to a task's directory, lead out of the alloc directory? */
bool path_escapes(const char *path);

void validate_constraints(const constraint_list *l, bool in_task, struct problem_list *p);
void validate_affinities(const affinity_list *l, struct problem_list *p);
void validate_spreads(const spread_list *l, struct problem_list *p);
void validate_meta(const struct strmap *m, const char *what, struct problem_list *p);
void validate_group(const struct job *j, const struct task_group *g, struct problem_list *p);
void validate_task(const struct job *j, const struct task_group *g, const struct task *t,
                   struct problem_list *p);
void validate_services(const struct task_group *g, const struct task *t,
                       const service_list *services, struct problem_list *p);
/* `t` NULL: a service of the group. */
void validate_connect(const struct task_group *g, const struct task *t, const struct service *s,
                      struct problem_list *p);
void validate_networks(const struct task_group *g, struct problem_list *p);
void validate_periodic(const struct job *j, const struct job_limits *lim,
                       struct problem_list *p);

#endif
