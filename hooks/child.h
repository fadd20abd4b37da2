/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that libraries do which may end the process, or leave globals behind: in a forked child that
 * answers through a pipe.
 */
#ifndef WGQ_HOOKS_CHILD_H
#define WGQ_HOOKS_CHILD_H

#include <sys/types.h>

#include "wgq/base/diag.h"

struct child {
	pid_t pid;
	int answer; /* to be read until its end */
	int errors; /* what it wrote to standard output and error */
};

/*
 * Forks and calls work in the child, which ends with it, however it ends. answer: what the child
 * writes there the parent reads from child.answer. Signals wait while the child works, so that a
 * Ctrl-C to all of us does not end it half-way. Allocates nothing. Returns 0 or a negative errno
 * recorded in d.
 */
int child_start(struct child *c, void (*work)(int answer, void *arg), void *arg, struct diag *d);

/*
 * Reads exactly size bytes of the answer; false: it ended before that.
 */
bool child_read(struct child *c, void *data, size_t size);

/* The same for the child's side, to answer. */
bool child_write(int answer, const void *data, size_t size);

/*
 * Waits for its end and closes everything; no zombie is left. text gets the first line that it
 * wrote to standard error, without the end of the line; "" if there was none. Returns text.
 */
const char *child_end(struct child *c, char *text, size_t size);

#endif
