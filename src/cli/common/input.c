#include "cli/common/input.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/path.h"
#include "cli/common/term.h"

static const char *open_error(int sys)
{
    switch (sys) {
    case ENOENT:
        return "no such file or directory";
    case EACCES:
        return "permission denied";
    case EISDIR:
        return "is a directory";
    case ENOTDIR:
        return "not a directory";
    default:
        return "it cannot be opened";
    }
}

static int read_whole(int fd, const char *what, struct arena *a, struct str *ret, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(INPUT_MAX);
    int r;

    b.secret = true;
    r = fd_read_all(fd, &b, e);
    if (r < 0)
        return err_wrap(e, r, "read %s", what);
    *ret = arena_str(a, buf_str(&b));
    return 0;
}

int input_file(struct arena *a, const char *path, struct str *ret, struct err *e)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_DENIED, "open %s: %s", path,
                       open_error(errno));
    return read_whole(fd, path, a, ret, e);
}

int input_stdin(struct arena *a, struct str *ret, struct err *e)
{
    return read_whole(STDIN_FILENO, "standard input", a, ret, e);
}

int input_file_or_stdin(struct arena *a, const char *path, struct str *ret, struct err *e)
{
    return strcmp(path, "-") == 0 ? input_stdin(a, ret, e) : input_file(a, path, ret, e);
}

static volatile sig_atomic_t interrupted; /* the signal's number, 0: none */

static void on_signal(int sig)
{
    interrupted = sig;
}

/* Byte by byte, so that nothing behind the line is taken. */
static int read_line(struct arena *a, char **ret, struct err *e)
{
    auto_buf struct buf b = BUF_INIT(INPUT_HIDDEN_MAX);
    ssize_t n;
    char c;

    b.secret = true;
    while ((n = read(STDIN_FILENO, &c, 1)) != 0 && c != '\n') {
        if (n < 0 && errno == EINTR && interrupted)
            return err_set(e, ERR_CANCELED, "interrupted");
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set_errno(e, ERR_IO, "read standard input");
        buf_putc(&b, c);
    }
    if (!buf_ok(&b))
        return err_set(e, ERR_TOOBIG, "the line is longer than %d bytes", INPUT_HIDDEN_MAX);
    *ret = arena_cstr(a, str_trim(buf_str(&b)));
    return 0;
}

int input_line(struct arena *a, FILE *to, const char *prompt, char **ret, struct err *e)
{
    fputs(prompt, to);
    fflush(to);
    return read_line(a, ret, e);
}

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* A line without echo. A signal that ends the program does so only when the terminal is again
 * as it was. */
static int read_quietly(struct arena *a, const struct termios *was, char **ret, struct err *e)
{
    struct sigaction catch = {.sa_handler = on_signal}, old[ARRAY_LEN(ending_signals)];
    struct termios quiet = *was;
    int r;

    quiet.c_lflag &= ~(tcflag_t)ECHO;
    interrupted = 0;
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++)
        sigaction(ending_signals[i], &catch, &old[i]);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    r = read_line(a, ret, e);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, was);
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++)
        sigaction(ending_signals[i], &old[i], NULL);
    if (interrupted)
        raise(interrupted);
    return r;
}

int input_hidden(struct arena *a, FILE *to, const char *prompt, char **ret, struct err *e)
{
    struct termios was;
    int r;

    fputs(prompt, to);
    fflush(to);
    if (!term_is_tty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &was) != 0) {
        fputc('\n', to);
        return err_set(e, ERR_INVALID, "file descriptor 0 is not a terminal");
    }
    r = read_quietly(a, &was, ret, e);
    fputc('\n', to);
    return r;
}
