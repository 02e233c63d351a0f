/*
 * ws_priv -- how a websocket is put on a connection
 */
#ifndef WS_PRIV_H
#define WS_PRIV_H

#include <stddef.h>

#include "base/arena.h"
#include "http/websocket.h"

enum { WS_KEY_SIZE = 25, WS_ACCEPT_SIZE = 29, WS_AGAIN = -2 };

/* Bytes both ways, without blocking: > 0, 0 end, WS_AGAIN or -1. Called under the websocket's
 * lock. */
struct ws_transport {
    void *arg;
    int fd; /* to poll; -1: the peer is already gone */
    ptrdiff_t (*recv)(void *arg, void *p, size_t len);
    ptrdiff_t (*send)(void *arg, const void *p, size_t len);
    void (*done)(void *arg);
};

/* `early`: what was read behind the handshake. `on_free` (may be NULL) runs first in ws_free.
 */
struct websocket *ws_new(const struct ws_transport *t, bool client, struct str early,
                         void (*on_free)(void *arg), void *on_free_arg);
void ws_shutdown(struct websocket *ws); /* from any thread: every call ends with ERR_CANCELED */

/* RFC 6455 4.2.2: the answer to a key. */
void ws_accept_key(struct str key, char ret[WS_ACCEPT_SIZE]);
void ws_random_key(char ret[WS_KEY_SIZE]);

#endif
