/*
 * key_file -- what the root keys are sealed with
 *
 * A file of its own (mode 0600) beside the store, so that a copy of the store alone opens
 * nothing. One key of 32 bytes in hex per line: the first seals, each may open. An empty file
 * is a beginning: it gets a key.
 *
 * Errors: ERR_DENIED (others may read it, it is a link), ERR_INVALID (a line that is no key),
 *         ERR_IO.
 */
#ifndef NOMAD_SERVER_KEY_FILE_H
#define NOMAD_SERVER_KEY_FILE_H

#include <stdbool.h>

#include "base/secret.h"

struct err;

/* Up to `max` keys; *ret_n of them. `path` NULL: one key, in memory only. ERR_NOTFOUND: it must
 * exist and does not. */
int key_file_load(const char *path, bool must_exist, struct secret *keys, size_t max,
                  size_t *ret_n, struct err *e);

#endif
