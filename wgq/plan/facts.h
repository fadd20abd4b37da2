/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be known of the host before a plan can be made. Reading it changes nothing. */
#ifndef WGQ_PLAN_FACTS_H
#define WGQ_PLAN_FACTS_H

#include "hooks/forward.h"
#include "hooks/resolver.h"
#include "wgq/conf/config.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/plan/allowed.h"
#include "wgq/plan/host.h"
#include "wgq/plan/switches.h"

/* What Forward, Masquerade, AllowFrom and Firewall come to on this host. */
struct forward_facts {
	enum fw_medium home; /* where rules go that count wherever they stand */
	struct forward_tables tables[FW_MEDIA][2]; /* IPv4, IPv6 */
	struct switches switches;
	const struct firewalld *firewalld; /* NULL: its zones are fine, or it is not there */
};

struct facts {
	const char
		*userspace;  /* absolute path of the userspace implementation; NULL: the kernel's */
	bool ipv6;           /* new interfaces can have IPv6 addresses */
	uint32_t table;      /* number of Table's name or number */
	uint32_t free_table; /* unused as table and as mark; 0: none was needed */
	uint32_t rule_priority[2]; /* IPv4, IPv6: of the next two rules, downwards; 0: the kernel
				      shall choose */
	uint32_t mtu;              /* of the tunnel */
	int src_valid_mark;        /* 0, 1; -1: cannot be read */
	bool antispoof[2];         /* IPv4, IPv6: the firewall can have those rules */
	bool antispoof_asked[2];
	enum fw_medium antispoof_medium[2];
	struct forward_facts forward;
	char uplink[2][IFNAMSIZ]; /* IPv4, IPv6: the link to afar; "": none, or not asked for */
	const struct resolver *resolver; /* NULL: nothing to do, or none */

	/* what the device will hold */
	struct prefixes allowed;
	bool default_route[2]; /* IPv4, IPv6: /0 is allowed and Table is auto */

	/* what PreUp hooks left on the interface; empty in the first stage */
	const struct wg_device *device;
	struct rtnl_addrs addrs;
	struct rtnl_routes routes;
};

static inline size_t family_index(uint8_t family)
{
	return family == AF_INET6;
}

/*
 * First: what can be known before the interface exists. Table names that nobody knows become
 * findings. Warnings are printed for what will be missing (IPv6, the resolver). dir is where other
 * tunnels' records are, or closed (a dry run). Returns 0 or a negative errno recorded in d.
 */
int facts_read(struct facts *f, struct host *h, const struct config *c, const char *ifname,
	       const struct rundir *dir, struct findings *findings, struct diag *d);

/*
 * What facts_read() does for wgq's own keys: chooses where rules go, finds the tables that may drop
 * and the switches that are off. What a key declares and this host cannot have is an error.
 */
int facts_read_forward(struct facts *f, struct host *h, const struct config *c, const char *ifname,
		       const struct rundir *dir, struct diag *d);

/* Does a peer have to open the connection? A host that opens each itself needs no open port. */
bool facts_must_be_reached(const struct config *c);

/* Does the tunnel have addresses or allowed IPs of the family, and the host the family? */
bool facts_has_family(const struct facts *f, const struct config *c, uint8_t family);

/* Sets default_route from allowed, ipv6 and the file's Table. Pure. */
void facts_find_default_routes(struct facts *f, const struct config *c);

/* After PreUp hooks: what they left on the interface, ifindex. */
int facts_read_interface(struct facts *f, struct host *h, const struct config *c,
			 const char *ifname, int ifindex, struct diag *d);

/*
 * Last, under the network namespace's lock until the rules are in place: a table and mark that no
 * route or rule uses, and the priorities of new rules. Does nothing without a default route.
 */
int facts_choose_table(struct facts *f, struct host *h, const struct config *c, struct diag *d);

/* The mark that default routes will use: the device's, else the file's, else the one chosen. */
uint32_t facts_fwmark(const struct facts *f, const struct config *c);

/* The table of default routes: the mark's number, unless that is one of the kernel's own tables. */
uint32_t facts_default_table(const struct facts *f, const struct config *c);

#endif
