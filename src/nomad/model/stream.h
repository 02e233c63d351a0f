/*
 * nomad/model/stream -- what servers ask of a client agent, over one websocket
 *
 * The client opens `GET /v1/internal/node/stream?node_id=ID` (header X-Nomad-Node-Secret) on a
 * server's ports.rpc and keeps it; the server sends requests, the client answers. Any number
 * of exchanges share the websocket, told apart by an id that the server picks.
 *
 *   text messages: one JSON object, a struct stream_frame
 *     server -> client
 * {"id":7,"kind":"request","method":"GET","target":"/v1/client/...","body":b64}
 *                       {"id":7,"kind":"more","bytes":65536}   that much of the body was taken
 *                       {"id":7,"kind":"cancel"}               nobody reads the answer any more
 *     client -> server  {"id":7,"kind":"head","status":200,"type":"text/plain"}
 *                       {"id":7,"kind":"end"}
 *   binary messages (client -> server): 8 bytes id, big endian, then a piece of the body
 *
 * The client sends at most STREAM_WINDOW bytes of a body that the server has not said `more`
 * about, so a slow reader slows only its own exchange. `end` comes once for each request that
 * was not canceled before. An unknown id is ignored on both sides (it was canceled).
 *
 * Errors: ERR_INVALID, ERR_TOOBIG: the other side does not speak this; close the websocket.
 */
#ifndef NOMAD_MODEL_STREAM_H
#define NOMAD_MODEL_STREAM_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

struct err;

enum {
    STREAM_REQUESTS_MAX = 64,     /* under way at once on one websocket; more: status 429 */
    STREAM_TARGET_MAX = 16 << 10, /* bytes */
    STREAM_BODY_MAX = 64 << 10,   /* of a request */
    STREAM_PIECE_MAX = 64 << 10,  /* of a body, in one message */
    STREAM_WINDOW = 256 << 10,    /* sent and not yet taken */
    STREAM_ID_BYTES = 8,
};

enum stream_kind { STREAM_REQUEST = 1, STREAM_MORE, STREAM_CANCEL, STREAM_HEAD, STREAM_END };

struct stream_frame {
    uint64_t id;
    enum stream_kind kind;
    const char *method, *target; /* request */
    struct str body;             /* request; empty: none */
    int64_t bytes;               /* more */
    int status;                  /* head */
    const char *type;            /* head; "": none */
};

void stream_frame_write(const struct stream_frame *f, struct buf *b);
int stream_frame_read(struct str text, struct arena *a, struct stream_frame *ret,
                      struct err *e);

void stream_piece_write(uint64_t id, struct str data, struct buf *b);
int stream_piece_read(struct str message, uint64_t *ret_id, struct str *ret_data,
                      struct err *e);

#endif
