/* var -- what the commands on variables share: showing one, conflicts, specification files */
#ifndef CLI_NOMAD_VAR_H
#define CLI_NOMAD_VAR_H

#include "cli/nomad/nomad_priv.h"

/* Shows one as -out says ("" decides by the terminal: table or json). `tmpl`: for go-template.
 * Exit code. */
int var_print(struct cli_call *c, const struct json *v, const char *out, const char *tmpl);
/* Are -out and -template possible together? `formats`: "hcl json table". Exit code. */
int var_check_out(struct cli_call *c, const char *out, const char *tmpl, const char *formats);
const char *var_path(struct cli_call *c, const char *path); /* "var/<path>" */
/* A 409 in words; what is in the way is in the reply. Exit code. */
int var_conflict(struct cli_call *c, const struct nomad_reply *r, uint64_t check_index);
/* A specification: {Path, Namespace, Items, Lock, ModifyIndex}. `format` "hcl", "json" or ""
 * (by the name's end). Exit code. */
int var_read_spec(struct cli_call *c, const char *file, const char *format, struct json **ret);
/* "key=value", "key=@file" into Items. Exit code. */
int var_add_item(struct cli_call *c, struct json *items, const char *pair);

#endif
