/*
 * http/websocket -- RFC 6455 messages over an upgraded connection (libwslay), both sides
 *
 * Used for `exec` and for the streams that servers ask of client agents. Pings are answered by
 * themselves; ws_recv pings a quiet peer and gives up on a dead one.
 *
 * Thread:  one reader; writers from any thread.
 * Errors:  ERR_CANCELED (closed or gone), ERR_TOOBIG (a message above WS_MESSAGE_MAX),
 * ERR_TIMEOUT.
 */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct stopper;
struct websocket;

enum { WS_MESSAGE_MAX = 1 << 20, WS_PING_MS = 15000, WS_DEAD_MS = 45000 };
enum ws_kind { WS_TEXT = 1, WS_BINARY = 2 };

int ws_send(struct websocket *ws, enum ws_kind kind, struct str data, struct err *e);
/* Next whole message into `b` (reset first): its kind; 0 when the peer closed; or ERR_*. */
int ws_recv(struct websocket *ws, struct stopper *stop, int64_t deadline_ms, struct buf *b,
            struct err *e);
void ws_close(struct websocket *ws, uint16_t code, const char *reason);
void ws_free(struct websocket *ws); /* closes; NULL is fine */

#endif
