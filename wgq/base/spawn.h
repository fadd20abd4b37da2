/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running the few programs that are an interface of their own: hooks, resolvers, a userspace
 * WireGuard. */
#ifndef WGQ_BASE_SPAWN_H
#define WGQ_BASE_SPAWN_H

#include <limits.h>
#include <signal.h>

#include "wgq/base/diag.h"

/* Set by the handler of SIGINT, SIGTERM and SIGHUP while operations run: the signal's number; 0: go
 * on. */
extern volatile sig_atomic_t stop_requested;

struct spawn {
	const char *path;  /* absolute, as found by spawn_find() */
	char *const *argv; /* NULL-terminated */
	char *const *envp; /* NULL-terminated; NULL: our own environment */
	const char *input; /* given to it on standard input; NULL: it inherits ours */
	bool quiet;        /* its standard output and error go to /dev/null */
	char *output; /* gets these two as text, cut to output_size - 1 bytes; NULL: does not */
	size_t output_size;
	bool own_session; /* setsid(2): no terminal signal reaches it (a daemon that shall outlive
			     us) */
};

/*
 * Looks for program in PATH as execvp(3) would (an argument with a slash is taken as it is) and
 * writes its path. Returns 0, -ENOENT or -ENAMETOOLONG. Only a regular executable file counts.
 */
int spawn_find(char path[PATH_MAX], const char *program);

/*
 * Starts the program with default signal dispositions and an empty mask, without our file
 * descriptors, and waits for it. A stop request that comes while it runs is passed on to it
 * (SIGTERM) and it is still waited for; one that was there before is not: then this is part of an
 * undo. Allocates nothing, but for the C library's some hundred bytes where there is an input or
 * quiet, without which it fails as for any other reason. Returns its exit status (128 + signal if
 * it was killed), or a negative errno recorded in d.
 */
int spawn_run(const struct spawn *s, struct diag *d);

/*
 * A file in memory that holds text, to be read from its start; close-on-exec, the caller closes it.
 * Unlike a pipe it takes any amount at once, so that nobody need feed it meanwhile. Returns the
 * file descriptor or a negative errno recorded in d.
 */
int spawn_text_fd(const char *text, struct diag *d);

#endif
