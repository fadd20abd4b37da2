/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the ListenPort of a file can be had, and what will come of it. */
#ifndef WGQ_PLAN_PORTS_H
#define WGQ_PLAN_PORTS_H

#include "wgq/conf/config.h"
#include "wgq/plan/host.h"

/*
 * Adds port-in-use, port-shared and nat-port-clash for c's ListenPort; without one there is nothing
 * to say. ifname is the tunnel's own: what it holds already is no conflict. Reads sock_diag,
 * /proc, WireGuard devices and the ListenPort lines of the other files in the file's folder;
 * changes nothing but that it binds the port for a moment. Returns 0 or a negative errno recorded
 * in d.
 */
int ports_check(struct findings *f, struct host *h, const struct config *c, const char *ifname,
		struct diag *d);

#endif
