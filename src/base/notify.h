/*
 * notify -- telling who started us how we are: sd_notify(3)'s protocol and a pid file
 *
 * Without NOTIFY_SOCKET in the environment the notify_* functions do nothing. A datagram that
 * cannot be delivered is dropped: the service manager's troubles are not ours.
 *
 * Thread: any for notify_*; the pid file belongs to the main thread.
 * Errors: ERR_EXISTS, and those of base/path.h.
 * Limits: a status is cut at NOTIFY_STATUS_MAX.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include "base/auto.h"

struct err;

enum { NOTIFY_STATUS_MAX = 512 };

void notify_ready(void); /* also ends a reload */
void notify_stopping(void);
void notify_reloading(void);
/* One line for `systemctl status`. */
void notify_status(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * Write our process id to `path`; it is removed when the program exits in the ordinary way. A
 * file left by a process that is gone is replaced; ERR_EXISTS names the one that lives. One
 * pid file per program.
 */
int pidfile_write(const char *path, struct err *e);
void pidfile_remove(void); /* none is fine; removes it only while it is ours */

#endif
