/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands. Each returns the exit status of the program. */
#ifndef WGQ_CMD_CMD_H
#define WGQ_CMD_CMD_H

#include "wgq/base/util.h"

/* product-wide exit statuses */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,     /* failed; nothing is changed, but hooks that ran */
	EXIT_USAGE = 2,      /* usage, unreadable file, invalid configuration */
	EXIT_INCOMPLETE = 3, /* failed, and the undo was incomplete */
};

/* One call of the program. */
struct invocation {
	const char *program;  /* what it was called by: wgq or wg-quick */
	const char *self;     /* argv[0] */
	char *const *argv;    /* all words after argv[0], NULL-terminated */
	const char *argument; /* IFACE or FILE; NULL where the command takes none */
	char *const *words;   /* all words after the command */
	size_t nwords;
	const char *format; /* --format; NULL: not given */
	const char *expect; /* --expect; NULL: not given */
	bool is_wg_quick;   /* called by that name: its exit statuses */
	bool dry_run, json, matrix, quiet, verbose;
	bool strict; /* every error stops */
};

int cmd_up(const struct invocation *in);
int cmd_down(const struct invocation *in);
int cmd_strip(const struct invocation *in);
int cmd_check(const struct invocation *in);
int cmd_trace(const struct invocation *in);
int cmd_map(const struct invocation *in);
int cmd_genkey(const struct invocation *in);
int cmd_genpsk(const struct invocation *in);
int cmd_pubkey(const struct invocation *in);

/* EXIT_USAGE, or what wg-quick exits with for the same. */
static inline int exit_usage(const struct invocation *in)
{
	return in->is_wg_quick ? EXIT_FAILED : EXIT_USAGE;
}

#endif
