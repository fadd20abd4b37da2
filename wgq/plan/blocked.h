/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the things that a file wants to flow this host's firewall and switches drop. */
#ifndef WGQ_PLAN_BLOCKED_H
#define WGQ_PLAN_BLOCKED_H

#include "wgq/plan/facts.h"

/*
 * Adds port-blocked, and for a tunnel that is up forward-blocked, forwarding-off and rp-filter,
 * from what the host does now. Says nothing where it cannot tell. A tunnel that is not up (ifindex
 * 0: a dry run) has no rules yet to be judged. Returns 0 or a negative errno recorded in d.
 */
int blocked_check(struct findings *f, struct host *h, const struct config *c,
		  const struct facts *facts, const char *ifname, int ifindex, struct diag *d);

#endif
