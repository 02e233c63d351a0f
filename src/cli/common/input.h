/*
 * cli/common/input -- what a person or a pipe gives
 *
 * Errors: ERR_INVALID (no terminal), ERR_NOTFOUND, ERR_DENIED, ERR_IO, ERR_TOOBIG. Files are
 * reported in Go's words: "open x: no such file or directory".
 * Limits: INPUT_MAX bytes of a file or of stdin, INPUT_HIDDEN_MAX of a hidden line.
 */
#ifndef CLI_COMMON_INPUT_H
#define CLI_COMMON_INPUT_H

#include <stdio.h>

#include "base/arena.h"
#include "base/str.h"

struct err;

enum { INPUT_MAX = 32 << 20, INPUT_HIDDEN_MAX = 4096 };

int input_file(struct arena *a, const char *path, struct str *ret, struct err *e);
int input_stdin(struct arena *a, struct str *ret, struct err *e);
/* "-" is stdin. */
int input_file_or_stdin(struct arena *a, const char *path, struct str *ret, struct err *e);

/* Show `prompt` on `to` and read a line from the terminal without echo. Without a terminal:
 * ERR_INVALID "file descriptor 0 is not a terminal". The line is trimmed. */
int input_hidden(struct arena *a, FILE *to, const char *prompt, char **ret, struct err *e);
/* The same with echo, from wherever stdin comes. */
int input_line(struct arena *a, FILE *to, const char *prompt, char **ret, struct err *e);

#endif
