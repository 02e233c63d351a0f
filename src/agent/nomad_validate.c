/* nomad config validate: what an agent would say about its configuration, without one. */
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/nomad_config.h"
#include "base/buf.h"
#include "base/err.h"

enum { VALIDATE_ERRORS_MAX = 1 << 20 };

/* All paths, one after the other: each that cannot be loaded is a line of `errors`. The number
 * of them. */
static size_t load_all(struct arena *a, int n, char **paths, struct nomad_config *c,
                       struct buf *errors)
{
    size_t failed = 0;

    for (int i = 0; i < n; i++) {
        const char *path = paths[i];
        struct flag_list one = {&path, 1};
        struct err e = ERR_INIT;

        if (nomad_config_load(a, &one, c, &e) < 0) {
            buf_printf(errors, "\t* %s\n", e.msg);
            failed++;
        }
    }
    return failed;
}

/* What is allowed and seldom wanted. */
static void warn(const struct nomad_config *c)
{
    if (!c->tls.http || !c->tls.rpc)
        fprintf(stderr,
                "WARNING: mTLS is not configured - Nomad is not secure without mTLS!\n");
    if (nomad_config_on(c->server.enabled) && c->server.bootstrap_expect == 1)
        fprintf(stderr, "WARNING: Bootstrap mode enabled! Potentially unsafe operation.\n");
    else if (nomad_config_on(c->server.enabled) && c->server.bootstrap_expect % 2 == 0)
        fprintf(stderr, "WARNING: Number of bootstrap servers should ideally be set to an odd "
                        "number.\n");
}

int nomad_validate_main(int argc, char **argv)
{
    auto_arena struct arena *a = arena_new(0);
    auto_buf struct buf errors = BUF_INIT(VALIDATE_ERRORS_MAX);
    struct nomad_config c;
    struct err e = ERR_INIT;
    size_t failed;

    arena_set_wipe(a);
    if (argc < 2) {
        fprintf(stderr, "Must specify at least one config file or directory\n");
        return 1;
    }
    nomad_config_defaults(a, &c, false);
    failed = load_all(a, argc - 1, argv + 1, &c, &errors);
    if (failed) {
        fprintf(stderr, "%zu error%s occurred:\n%.*s\n\n", failed, failed == 1 ? "" : "s",
                STR_ARG(buf_str(&errors)));
        return 1;
    }
    if (nomad_config_finish(a, &c, &e) < 0) {
        fprintf(stderr, "%s\nConfiguration is invalid\n", e.msg);
        return 1;
    }
    warn(&c);
    printf("Configuration is valid!\n");
    return 0;
}
