/* What the fingerprints' files share. */
#ifndef NOMAD_CLIENT_FINGER_H
#define NOMAD_CLIENT_FINGER_H

#include <fcntl.h>

#include "nomad/client/client_priv.h"

/* An empty value is not set. Keys are literals or live in the arena. */
void finger_set(struct node *n, struct arena *a, const char *key, const char *value);
void finger_setf(struct node *n, struct arena *a, const char *key, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
struct str finger_file(const char *path, struct arena *a); /* empty when it cannot be read */

void finger_cpu(struct nomad_client *c, struct node *n, struct arena *a);
void finger_network(struct nomad_client *c, struct node *n, struct arena *a);

#endif
