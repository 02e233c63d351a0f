/*
 * cli/common/term -- is somebody looking, and does he like colours
 */
#ifndef CLI_COMMON_TERM_H
#define CLI_COMMON_TERM_H

#include <stdbool.h>

bool term_is_tty(int fd);
/* Colours on `fd`? Not when it is no terminal, when TERM is "dumb", or when NO_COLOR or
 * `no_color_env` (may be NULL) is set in the environment to anything but "", "0" or "false". */
bool term_has_colour(int fd, const char *no_color_env);
int term_columns(int fd); /* 80 when unknown */

#endif
