/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The handles on this host that reading facts and applying operations share, opened before the
 * first change. */
#ifndef WGQ_PLAN_HOST_H
#define WGQ_PLAN_HOST_H

#include "hooks/command.h"
#include "hooks/firewall.h"
#include "wgq/kernel/nl.h"
#include "wgq/kernel/wg.h"

struct host {
	struct nl rtnl;
	struct wg wg;
	struct firewall *firewalls[FW_MEDIA]; /* NULL: not opened; see host_firewall() */
	struct command_env commands;          /* bash NULL: not asked for */
};

/* Opens rtnetlink and WireGuard. Returns 0 or a negative errno recorded in d. */
int host_open(struct host *h, struct diag *d);
void host_close(struct host *h);

/* The handle on a medium, opened when first asked for and closed with the host. As firewall_open().
 */
int host_firewall(struct host *h, struct firewall **fw, enum fw_medium medium, struct diag *d);

#endif
