/*
 * template -- the part of Go's text/template that `-t` is used for
 *
 * {{.A.B}}, {{.}}, {{range .X}}...{{else}}...{{end}}, {{if .X}}...{{else}}...{{end}}, {{with}},
 * {{$x := ...}} is not;
 * {{len .X}}, {{index .X "k"}}, {{printf "%s" .X}}, {{"text"}}, {{- trim -}}. Errors say what
 * is not understood.
 */
#ifndef CLI_NOMAD_TEMPLATE_H
#define CLI_NOMAD_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "lang/json.h"

struct err;

int template_print(const char *text, const struct json *data, struct arena *a, struct buf *out,
                   struct err *e);

#endif
