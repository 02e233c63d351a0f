/* A task's spec, as whoever may write to a starting supervisor's standard input could send it:
 * read within its limits, with every string inside what was read, or refused with a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/shim_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
    if (!what)
        abort();
}

static void inside(const struct spec *s, const char *p, size_t size)
{
    require(p >= s->text && p < s->text + size);
    require(memchr(p, '\0', (size_t)(s->text + size - p)) != NULL);
}

static void check(const struct spec *s, size_t size)
{
    inside(s, s->path, size);
    require(s->n_argv <= SHIM_ARGS_MAX && s->argv[s->n_argv] == NULL);
    require(s->n_env <= SHIM_ARGS_MAX && s->env[s->n_env] == NULL);
    require(s->n_rlimits <= SHIM_RLIMITS_MAX && s->n_groups <= SHIM_GROUPS_MAX);
    require(s->log_files > 0 && s->log_files <= SHIM_LOG_FILES_MAX);
    for (size_t i = 0; i < s->n_argv; i++)
        inside(s, s->argv[i], size);
    for (size_t i = 0; i < s->n_env; i++)
        inside(s, s->env[i], size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct spec s; /* large */
    struct err e = ERR_INIT;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    memset(&s, 0, sizeof s);
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    if (spec_read(fd, &s, &e) == 0)
        check(&s, size);
    else
        require(e.msg[0] != '\0');
    free(s.text);
    close(fd);
    return 0;
}
