/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of routing tables, from the files of iproute2. */
#ifndef WGQ_PLAN_RTTABLES_H
#define WGQ_PLAN_RTTABLES_H

#include "wgq/base/util.h"

/*
 * Looks for name in rt_tables and rt_tables.d of /etc/iproute2 and /usr/share/iproute2, then among
 * the kernel's own (main, default, local). Returns 0, or -ENOENT with *table untouched.
 */
int rttables_find(uint32_t *table, const char *name);

#endif
