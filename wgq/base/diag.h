/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a call says why it failed: every function that can fail returns 0 or a negative errno and
 * takes a `struct diag *` last. The line that learns the cause records it; callers may wrap it,
 * nobody prints it on the way up. Recording copies into a fixed buffer, so that it works between
 * the first and the last operation too.
 */
#ifndef WGQ_BASE_DIAG_H
#define WGQ_BASE_DIAG_H

#include "wgq/base/util.h"

struct diag {
	char text[1024]; /* one line, without the program's name; empty: nothing recorded */
};

/* Records "fmt: strerror(err)" and returns -err. err is a positive errno. */
int diag_sys(struct diag *d, int err, const char *fmt, ...) PRINTF(3, 4);

/* Records fmt alone and returns -err. */
int diag_set(struct diag *d, int err, const char *fmt, ...) PRINTF(3, 4);

/* Puts "fmt: " in front of what is recorded and returns err, a negative errno, unchanged. */
int diag_wrap(struct diag *d, int err, const char *fmt, ...) PRINTF(3, 4);

#endif
