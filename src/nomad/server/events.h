/*
 * events -- /v1/event/stream: what changed, as it changes
 *
 * One thread follows the tables through store watches (it never holds up a commit), keeps the
 * last changes in a ring, and writes to every reader what it asked for: lines of JSON, one or
 * more per index, `{}` when nothing happened for EVENTS_BEAT_MS. Each reader has a place in the
 * ring and at most EVENTS_LINE_MAX of text that waits; who falls out of the ring is told and
 * closed, and goes on with `index=`.
 *
 *     change -> watch -> ring (bytes) -> made into an event when a reader first looks -> lines
 *
 * Thread: events_start and events_stop: the server's; the rest is the thread's.
 * Limits: below. What the ring holds: EVENTS_MAX changes, EVENTS_BYTES_MAX of their records (or
 *         one larger change).
 */
#ifndef NOMAD_SERVER_EVENTS_H
#define NOMAD_SERVER_EVENTS_H

#include "nomad/server/server_priv.h"

enum {
    EVENTS_MAX = 4096,
    EVENTS_BYTES_MAX = 16 << 20,
    EVENTS_LINE_MAX = 1 << 20, /* then a new line with the same index */
    EVENTS_READERS_MAX = 256,  /* more: 429 */
    EVENTS_TOPICS_MAX = 64,    /* of one reader */
    EVENTS_BEAT_MS = 30000,
};

struct event_topic {
    const char *name; /* "Job" */
    const struct table *table;
};
enum { EVENT_TOPICS = 6 };
extern const struct event_topic event_topics[EVENT_TOPICS];

struct event {
    const struct event_topic *topic;
    bool deleted;
    uint64_t rev, create_rev;
    struct str record_key, value; /* in `bytes` */
    /* Once made: */
    struct arena *arena;
    const char *type, *key, *namespace; /* namespace NULL: of none */
    const char *filter_keys[2];
    size_t n_filter_keys;
    struct str text; /* its JSON */
    char bytes[];
};

/* event.c */
struct event *event_new(const struct event_topic *t, const struct watch_event *ev);
void event_free(struct event *ev); /* NULL is fine */
/* Fill in what is made on demand; false: the record cannot be read. */
bool event_make(struct event *ev);

int events_start(struct nomad_server *s, struct err *e);
void events_stop(struct nomad_server *s);

#endif
