/* What the tests of the model share: recordings, and jobs from JSON. */
#ifndef MODEL_T_H
#define MODEL_T_H

#include "lang/json.h"
#include "nomad/model/model.h"
#include "t.h"

/* The steps of a recording, in `a`. */
const struct json *golden_steps(struct arena *a, const char *file);
/* JSON text with ' for ". */
struct json *json_of(struct arena *a, const char *text);
/* Decoded, canonicalized and finished; fails the test when it is no job. */
struct job *job_of(struct arena *a, const struct json *v);
struct job *job_text(struct arena *a, const char *text);
/* A service job "j" with group "g", task "t" (raw_exec). */
struct job *job_simple(struct arena *a);
const char *schema_text(struct arena *a, const struct schema *s, const void *obj);

#endif
