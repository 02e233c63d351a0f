/*
 * hcl_format -- HCL2 text in the language's usual layout
 *
 * Two blanks for each bracket that is open where a line begins; between tokens one blank or
 * none; the `=` of lines that follow each other in one column, and so the comments behind them.
 * Lines stay lines, comments stay comments, heredocs are left as they are: only blanks change,
 * so the text means what it meant. Formatting twice is formatting once.
 *
 * Thread: any.
 * Memory: nothing is kept but what is said, in the arena of `d`, which must have one.
 * Errors: ERR_INVALID (the text does not parse: said in `d`; JSON syntax is one of those),
 * ERR_TOOBIG (the text, or what `ret` may hold: also said in `d`).
 * Limits: HCL_TEXT_MAX bytes and what hcl.h says of parsing.
 */
#ifndef LANG_HCL_FORMAT_H
#define LANG_HCL_FORMAT_H

#include "base/buf.h"
#include "lang/hcl.h"

int hcl_format(struct str text, const char *file, struct hcl_diags *d, struct buf *ret);

#endif
