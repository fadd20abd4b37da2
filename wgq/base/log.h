/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program says on standard error. */
#ifndef WGQ_BASE_LOG_H
#define WGQ_BASE_LOG_H

#include "wgq/base/util.h"

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

/* Sets the name in front of messages (borrowed), how much is said, and where steps go (a file
 * descriptor). */
void log_init(const char *name, enum log_level wanted, int steps);
const char *log_program(void);
bool log_is_verbose(void);

/* "[#] text": a step that changes the host, as wg-quick prints it; not under -q. */
void log_step(const char *fmt, ...) PRINTF(1, 2);

/* "wgq: warning: text"; also under -q, since it may be the only trace of what is missing. */
void log_warn(const char *fmt, ...) PRINTF(1, 2);

/* "wgq: text" */
void log_error(const char *fmt, ...) PRINTF(1, 2);

/* "wgq: text", not under -q. */
void log_info(const char *fmt, ...) PRINTF(1, 2);

#endif
