/*
 * nomad/model -- the objects of the orchestrator: what they are, what is allowed, what follows
 *
 * Jobs, nodes, allocs, evals, deployments and plans; each struct is described once by a schema
 * (lang/schema.h). Around them stand the rules that need nothing but their inputs: defaults,
 * validation, comparison, difference, statuses, restart and reschedule policies, constraints,
 * interpolation, task events.
 *
 * Thread:  any; nothing here has state.
 * Memory:  the arena that is passed in.
 * Time and chance come in as arguments.
 */
#ifndef NOMAD_MODEL_MODEL_H
#define NOMAD_MODEL_MODEL_H

#include "nomad/model/alloc.h"
#include "nomad/model/eval.h"
#include "nomad/model/expr.h"
#include "nomad/model/job.h"
#include "nomad/model/node.h"
#include "nomad/model/opt.h"

#endif
