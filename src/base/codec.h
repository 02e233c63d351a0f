/*
 * codec -- bytes as text and back: base64, base64url, hex
 *
 * Decoding is strict: one text for one value. No white space, no foreign letters, padding as
 * said, the unused bits of the last letter zero.
 *
 * Errors: ERR_INVALID (with the position), ERR_TOOBIG (the result does not fit the buf).
 * On an error nothing has been added to the buf.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct err;

/* RFC 4648 section 4, or 5 with `url`; `pad`: with '='. Encoding overflows as buf_put does. */
void codec_base64_encode(struct buf *b, struct str bytes, bool url, bool pad);
int codec_base64_decode(struct buf *b, struct str text, bool url, bool pad, struct err *e);

void codec_hex_encode(struct buf *b, struct str bytes);              /* lower case */
int codec_hex_decode(struct buf *b, struct str text, struct err *e); /* any case */

#endif
