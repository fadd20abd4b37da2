/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PreUp, PostUp, PreDown and PostDown: bash as wg-quick(8) runs it. */
#ifndef WGQ_HOOKS_COMMAND_H
#define WGQ_HOOKS_COMMAND_H

#include "wgq/base/arena.h"
#include "wgq/base/diag.h"

/* What every hook of one run shares: built once, before the first change. */
struct command_env {
	const char *bash; /* absolute path */
	char **envp;
};

/*
 * Finds bash and builds the environment: ours less BASH_ENV, ENV and exported functions, LC_ALL=C,
 * PATH with the program's own folder first, INTERFACE and CONFIG_FILE. Returns 0, or -ENOENT
 * recorded in d: there is no bash.
 */
int command_env_init(struct command_env *env, struct arena *a, const char *ifname,
		     const char *config_file, struct diag *d);

/* The text with every %i replaced by ifname. */
const char *command_expand(struct arena *a, const char *text, const char *ifname);

/*
 * Runs an expanded text with errexit, pipefail and extglob on, in our working directory, standard
 * streams inherited. Returns its exit status, 128 + signal, or a negative errno recorded in d.
 * Allocates nothing.
 */
int command_run(const struct command_env *env, const char *text, struct diag *d);

#endif
