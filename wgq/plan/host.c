/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/host.h"

#include <linux/netlink.h>

int host_open(struct host *h, struct diag *d)
{
	int err;

	*h = (struct host){ 0 };
	err = nl_open(&h->rtnl, NETLINK_ROUTE, d);
	if (err)
		return err;
	return wg_open(&h->wg, d);
}

void host_close(struct host *h)
{
	if (h->firewall)
		firewall_close(h->firewall);
	wg_close(&h->wg);
	nl_close(&h->rtnl);
}
