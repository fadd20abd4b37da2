/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Libraries that few commands need, bound when one does: mapping and relocating those of iptables
 * takes a third as long as all else that happens before main().
 */
#ifndef WGQ_HOOKS_LATE_H
#define WGQ_HOOKS_LATE_H

#include "wgq/base/diag.h"

struct late_symbol {
	const char *name;
	size_t at; /* offset of the pointer in the struct of calls */
};

/*
 * Loads soname for the rest of the process's life, with its symbols for plugins to see, and sets
 * the pointers of calls, each symbol's name being prefix and name. Returns 0, or -EOPNOTSUPP
 * recorded in d: the library, or one of the calls, is not there.
 */
int late_bind(void *calls, const char *soname, const char *prefix,
	      const struct late_symbol *symbols, size_t n, struct diag *d);

#endif
