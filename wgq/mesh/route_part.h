/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of routing share: the tables, and one step of a packet. */
#ifndef WGQ_MESH_ROUTE_PART_H
#define WGQ_MESH_ROUTE_PART_H

#include "wgq/mesh/route.h"
#include "wgq/mesh/route_table.h"

/* Where a host's route leads, in place of the index of an interface. */
enum {
	OUT_AWAY = UINT32_MAX,    /* to where no file tells of */
	OUT_DEAD = UINT32_MAX - 1 /* nowhere: blackhole, unreachable, prohibit */
};

/* An entry of AllowedIPs. */
struct allowed_ref {
	uint32_t link;  /* whose it is in the end: index in the interface's links */
	uint32_t peer;  /* where it stands: index in the file's peers */
	uint32_t entry; /* and in that peer's allowed IPs */
};

struct route_iface {
	struct table allowed; /* values are indices in refs */
	struct allowed_ref *refs;
};

struct own_addr {
	struct prefix addr; /* whole */
	uint32_t iface;
	uint8_t len; /* of its network */
};

struct route_node {
	struct own_addr *own; /* in the order of the files */
	size_t nown;
	struct table host; /* values are interfaces, OUT_AWAY or OUT_DEAD */
};

/* An address and its node. */
struct owner {
	struct prefix addr; /* whole */
	uint32_t node;
};

struct routes {
	const struct mesh *mesh;
	struct route_iface *ifaces;
	struct route_node *nodes;
	struct owner *owners; /* every address of the mesh, sorted by address, then node */
	size_t nowners;
};

/* Fills in the table of a host from those of its interfaces. */
void host_init(struct routes *r, size_t node);

/* Is it one of the node's own? addr is whole. */
bool node_owns(const struct route_node *n, const struct prefix *addr);

/*
 * The interface that guards its address addr against what comes to the node by in; OUT_AWAY: none.
 * With a default route wg-quick(8) drops what is for an address of the interface and came by
 * another one. addr is whole.
 */
uint32_t node_guard(const struct routes *r, size_t node, uint32_t in, const struct prefix *addr);

/* Where in r->owners those of addr begin, or would. */
size_t owners_from(const struct routes *r, const struct prefix *addr);

/* What a node does with a packet that is not for itself. */
struct route_step {
	bool goes_on;                /* to the interface next; else it ends here */
	bool leaves;                 /* no route, or one to where no file tells of */
	enum way_end end;            /* where it does not go on */
	uint32_t out;                /* the interface; OUT_AWAY: none */
	const struct table_row *row; /* of out: what carries it; NULL: none */
	const struct allowed_ref *by;
	uint32_t next; /* interface */
	uint32_t back; /* its link to out */
};

/* What keeps the link from carrying anything; WAY_ARRIVES: nothing. */
enum way_end route_judge_link(const struct mesh *m, const struct mesh_link *link);

/* in: the interface that it came by, OUT_AWAY at the sender. */
void route_step(struct route_step *s, const struct routes *r, size_t node, uint32_t in,
		const struct prefix *target);

/* Does the interface take a packet of that source from that link? ref gets the entry that says so,
 * or says no; NULL: no entry. */
bool route_takes(const struct routes *r, size_t iface, size_t link, const struct prefix *source,
		 const struct allowed_ref **ref);

/* The address of node from towards the target: index in its own; SIZE_MAX: none. */
size_t route_source(const struct routes *r, size_t from, const struct prefix *target);

/*
 * The address of node to that from would use, of that family: one that lies in a network of its
 * own, else one that it has a route to, else the first. NULL: none.
 */
const struct prefix *route_target(const struct routes *r, size_t from, size_t to, uint8_t family);

/* How a pair fares in one family. */
struct route_try {
	uint8_t family;
	bool common; /* both have it */
	bool held;   /* the sender's AllowedIPs hold the target */
	enum way_end end;
	size_t at; /* the node where it ends */
	struct prefix source, target;
};

/* Does the pair work? bad gets all but what the other way says of is_wanted; way that of a family
 * that fails, or else of the first. */
bool route_judge(const struct routes *r, struct bad_pair *bad, size_t from, size_t to,
		 struct way *way);

/* Where counting is done for many at once, and where one by one; the counts are the same. */
struct reach_limits {
	size_t direct; /* classes of up to so many nodes are worked node by node */
	size_t others; /* a prefix that holds up to so many addresses of others is for a few */
	size_t rows;   /* a node with up to so many of these is like those that have none */
};

/* routes_reach() with other limits, for its tests. */
void route_reach(const struct routes *r, struct reach *out, size_t limit,
		 const struct reach_limits *limits);

/* Does any of its peers have that address among its AllowedIPs? */
bool route_is_held(const struct routes *r, size_t node, const struct prefix *addr);

#endif
