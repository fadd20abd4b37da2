/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tunnel without a record, as wg-quick(8) brings it up: what there is of it, as the operations
 * that would have made it. */
#ifndef WGQ_PLAN_LIVE_H
#define WGQ_PLAN_LIVE_H

#include "wgq/conf/config.h"
#include "wgq/plan/host.h"
#include "wgq/plan/op.h"

/*
 * Fills p (arena, ifname set) with the link, what the resolver was told of it, its anti-spoof
 * tables, the rules that lead to its table and the hooks of down from c. Rules are those "not
 * fwmark T lookup T" whose T is the device's mark or holds a default route into the link, each with
 * the suppress rule right above it: so other tunnels keep theirs, and rules are found even when the
 * mark was changed. Returns 0; -EOPNOTSUPP: not a WireGuard interface; or another negative errno
 * recorded in d.
 */
int live_read(struct plan *p, struct host *h, const struct config *c, const struct link *link,
	      struct diag *d);

#endif
