#include "cli/common/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80 };

bool term_is_tty(int fd)
{
    return isatty(fd) == 1;
}

static bool is_on(const char *name)
{
    const char *v = name ? getenv(name) : NULL;

    return v && *v && strcmp(v, "0") != 0 && strcmp(v, "false") != 0;
}

bool term_has_colour(int fd, const char *no_color_env)
{
    const char *term = getenv("TERM");

    return term_is_tty(fd) && term && strcmp(term, "dumb") != 0 && !is_on("NO_COLOR") &&
           !is_on(no_color_env);
}

int term_columns(int fd)
{
    struct winsize w;

    if (ioctl(fd, TIOCGWINSZ, &w) != 0 || w.ws_col == 0)
        return USUAL_COLUMNS;
    return w.ws_col;
}
