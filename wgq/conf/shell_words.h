/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Splits the text of a hook into simple commands, as bash would, and runs nothing. Pure.
 */
#ifndef WGQ_CONF_SHELL_WORDS_H
#define WGQ_CONF_SHELL_WORDS_H

#include "wgq/base/arena.h"

struct shell_word {
	const char *text; /* without quotes, %i replaced */
	struct str raw;   /* as it stands in the hook */
	bool opaque;      /* expanded when it runs: text is not what the program gets */
};

/* How a command hangs on the one before it. */
enum shell_joint { SHELL_NEXT, SHELL_AND, SHELL_OR, SHELL_PIPE };

/* A program and its arguments; reserved words, assignments, redirections and sudo are taken out. */
struct shell_command {
	struct shell_word *words; /* at least one */
	size_t n, capacity;
	struct str raw;     /* from its first word to its end */
	const char *output; /* the file that its output goes to, as far as that is known; NULL */
	enum shell_joint joint;
	bool compound; /* inside a group, a condition or a loop, or negated */
	bool opaque;   /* one of its words is */
};

struct shell_script {
	struct shell_command *v;
	size_t n, capacity;
	bool understood; /* false: functions, case, a quote without end; v tells nothing then */
};

/* text must outlive *out, which points into it. */
void shell_split(struct shell_script *out, struct arena *a, const char *text, const char *ifname);

#endif
