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
	for (size_t i = 0; i < FW_MEDIA; i++)
		firewall_close(h->firewalls[i]);
	wg_close(&h->wg);
	nl_close(&h->rtnl);
}

int host_firewall(struct host *h, struct firewall **fw, enum fw_medium medium, struct diag *d)
{
	int err = h->firewalls[medium] ? 0 : firewall_open(&h->firewalls[medium], medium, d);

	*fw = h->firewalls[medium];
	return err;
}
