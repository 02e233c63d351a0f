/*
 * bench_http -- a server whose handler answers 200 with nothing, to be compared with nginx's
 * `return 200` by bench_http.py. Prints its port; ends with its standard input.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "http/server.h"

static void handle(struct http_exchange *x, void *arg)
{
    (void)arg;
    http_reply(x, &(struct http_reply){.status = 200, .content_type = "text/plain"});
}

int main(void)
{
    auto_http_server struct http_server *s = NULL;
    struct http_server_opts opts = {.handle = handle};
    struct http_listener_opts at = {.address = "127.0.0.1"};
    struct err e = ERR_INIT;
    uint16_t port;
    char c;

    if (http_server_new(&opts, &s, &e) < 0 || http_server_listen(s, &at, &port, &e) < 0) {
        fprintf(stderr, "bench_http: %s\n", e.msg);
        return 1;
    }
    printf("%u\n", port);
    fflush(stdout);
    while (read(0, &c, 1) > 0)
        ;
    return 0;
}
