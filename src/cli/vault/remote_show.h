/* -output-curl-string and -output-policy: the request, not sent. */
#ifndef CLI_VAULT_REMOTE_SHOW_H
#define CLI_VAULT_REMOTE_SHOW_H

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

struct http_header;

void remote_show_curl(const char *method, const char *url, const struct http_header *headers,
                      size_t n, struct str body);
void remote_show_policy(struct arena *a, const char *method, const char *path,
                        const char *query);

#endif
