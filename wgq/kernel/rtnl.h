/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links, addresses, routes and rules by rtnetlink. The messages are those of iproute2 for the same
 * commands. */
#ifndef WGQ_KERNEL_RTNL_H
#define WGQ_KERNEL_RTNL_H

#include "wgq/base/arena.h"
#include "wgq/base/model.h"
#include "wgq/kernel/nl.h"

/* --- reading: lists are appended to --- */

/* The link of that name (alternative names count too). Returns 0, -ENODEV (nothing recorded), or
 * another errno in d. */
int rtnl_get_link(struct nl *nl, struct link *link, const char *name, struct diag *d);
int rtnl_get_link_by_index(struct nl *nl, struct link *link, int index, struct diag *d);

struct rtnl_links {
	struct arena *arena;
	struct link *v; /* in the order of the dump, which is by index */
	size_t n, capacity;
};

/* All links of the namespace. */
int rtnl_get_links(struct nl *nl, struct rtnl_links *out, struct diag *d);

struct rtnl_addrs {
	struct arena *arena;
	struct prefix *v; /* IFA_LOCAL, with the prefix length, in the order of the dump */
	size_t n, capacity;
};

/* The addresses of one link, both families; none if there is no such link. */
int rtnl_get_addrs(struct nl *nl, struct rtnl_addrs *out, int ifindex, struct diag *d);

struct rtnl_routes {
	struct arena *arena;
	struct route *v;
	size_t n, capacity;
};

/*
 * Appends the routes of one family to out; table 0 means every table, oif 0 every link (multipath
 * routes then have oif 0). The kernel filters (strict checking), and the answer is filtered again
 * for kernels that do not. An unknown table or link has none. Cloned (cached) routes are left out.
 */
int rtnl_get_routes(struct nl *nl, struct rtnl_routes *out, uint8_t family, uint32_t table, int oif,
		    struct diag *d);

struct rtnl_rules {
	struct arena *arena;
	struct rule *v; /* in the order of the dump, which is by priority */
	size_t n, capacity;
};

/* The rules of one family. None where the kernel lacks it. */
int rtnl_get_rules(struct nl *nl, struct rtnl_rules *out, uint8_t family, struct diag *d);

/*
 * The MTU on the way to each address, as `ip route get` shows it: the route's own or cached value
 * unless locked, else that of the link it leaves by; 0 where there is no route. mtus has n
 * elements. All lookups go out in batches; the errors of single lookups (unreachable) are not
 * errors of the call.
 */
int rtnl_get_path_mtus(struct nl *nl, uint32_t *mtus, const struct prefix *addrs, size_t n,
		       struct diag *d);

/* The link by which packets to each address leave, in the same way; 0 where there is no route. */
int rtnl_get_path_links(struct nl *nl, int *ifindexes, const struct prefix *addrs, size_t n,
			struct diag *d);

/* The MTU of the best IPv4 default route of the main table, read the same way; 0: none, or a
 * multipath one without an MTU of its own. */
int rtnl_get_default_mtu(struct nl *nl, uint32_t *mtu, struct diag *d);

/* --- changing: nothing below allocates --- */

/* Creates a link of kind "wireguard", down. -EOPNOTSUPP: the kernel has no such kind. */
int rtnl_add_link(struct nl *nl, const char *name, struct diag *d);

/* Deletes a link. -ENODEV if it is gone is an error of the caller's to judge. */
int rtnl_del_link(struct nl *nl, int ifindex, struct diag *d);

/* Sets MTU (0: leave) and administrative state in one message. */
int rtnl_set_link(struct nl *nl, int ifindex, uint32_t mtu, bool up, struct diag *d);

/*
 * Each adds (NLM_F_CREATE | NLM_F_EXCL) or deletes n objects in batches; see nl_batch() for settle,
 * failed and d. get(i, data) returns object i. An address's ifindex is the argument; a route's oif
 * is in the route. A route's protocol 0 means RTPROT_BOOT when it is added and any when it is
 * deleted; a rule's priority 0 leaves the choice to the kernel.
 */
int rtnl_addrs(struct nl *nl, bool add, int ifindex, size_t n,
	       const struct prefix *(*get)(size_t i, void *data), nl_batch_settle settle,
	       void *data, size_t *failed, struct diag *d);
int rtnl_routes(struct nl *nl, bool add, size_t n, const struct route *(*get)(size_t i, void *data),
		nl_batch_settle settle, void *data, size_t *failed, struct diag *d);
int rtnl_rules(struct nl *nl, bool add, size_t n, const struct rule *(*get)(size_t i, void *data),
	       nl_batch_settle settle, void *data, size_t *failed, struct diag *d);

#endif
