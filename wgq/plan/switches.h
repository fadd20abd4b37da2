/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's forwarding switches that Forward needs. */
#ifndef WGQ_PLAN_SWITCHES_H
#define WGQ_PLAN_SWITCHES_H

#include "wgq/plan/claims.h"
#include "wgq/plan/host.h"

/* A switch to be set; stays: for the whole host, and left on by down. */
struct wanted_switch {
	struct op_sysctl op;
	bool stays;
};

struct switches {
	struct arena *arena;
	struct wanted_switch *v;
	size_t n, capacity;
};

/*
 * IPv4: the tunnel's own switch decides about what enters by it (ip_route_input_slow() in
 * net/ipv4/route.c); it is there and gone with the interface. With replies, those of the other
 * interfaces that are up besides, since replies enter there. IPv6: force_forwarding likewise where
 * the kernel has it (Linux 6.17), else the switch for the whole host (ip6_forward() in
 * net/ipv6/ip6_output.c asks no other), after interfaces that take router advertisements are told
 * to go on taking them (accept_ra 2).
 *
 * Appends what is not set yet, in the order in which it shall be. A switch that cannot be written
 * is an error now. Returns 0 or a negative errno recorded in d.
 */
int switches_want(struct switches *out, struct host *h, const char *ifname, uint8_t family,
		  bool replies, const struct claims *claims, struct diag *d);

#endif
