/*
 * The usual layout of an HCL file: two blanks per level, one blank around '=', an empty line
 * between blocks, the '=' of neighbouring lines in one column. Comments stay where they are.
 *
 * The text has been parsed before: this looks at its words only. ERR_INVALID when they are
 * none.
 */
#ifndef CLI_VAULT_HCL_LAYOUT_H
#define CLI_VAULT_HCL_LAYOUT_H

#include "base/buf.h"
#include "base/str.h"

struct err;

enum { HCL_LAYOUT_DEPTH_MAX = 64, HCL_LAYOUT_TEXT_MAX = 8 << 20 };

int hcl_layout(struct str text, struct buf *out, struct err *e);

#endif
