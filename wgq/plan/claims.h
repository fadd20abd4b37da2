/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches of other interfaces that several tunnels may have turned on: the last that goes puts
 * back what was there before the first. The records of the namespace tell who holds what.
 */
#ifndef WGQ_PLAN_CLAIMS_H
#define WGQ_PLAN_CLAIMS_H

#include "wgq/plan/op.h"
#include "wgq/plan/rundir.h"

struct claims {
	struct arena *arena;
	struct op_sysctl *v;
	size_t n, capacity;
};

/* The switches that the records of the namespace's other tunnels hold, without those that stay. A
 * record that cannot be read claims nothing. */
void claims_read(struct claims *out, const struct rundir *dir, const char *ifname);

/* NULL: nobody else holds the switch. */
const struct op_sysctl *claims_find(const struct claims *c, const char *name);

/* Keeps the undo of p, what a tunnel did, from putting back what others still hold. */
void claims_spare(const struct claims *c, struct plan *p);

#endif
