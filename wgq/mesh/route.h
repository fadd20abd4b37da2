/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a packet through the mesh. At every hop the sender picks the peer whose AllowedIPs
 * hold the longest match of the destination, and the receiver takes the packet only if the longest
 * match of its source is that same peer ("cryptokey routing", WireGuard's white paper, section 2).
 * Which interface of a host a packet leaves by is for the host's routes to say. Pure.
 */
#ifndef WGQ_MESH_ROUTE_H
#define WGQ_MESH_ROUTE_H

#include "wgq/mesh/mesh.h"

enum way_end {
	WAY_ARRIVES,
	WAY_NO_ROUTE,        /* no-route: nobody carries the destination further */
	WAY_STRANGER,        /* the next peer's file is not among those given */
	WAY_SOURCE_FILTERED, /* source-filtered: the receiver's AllowedIPs give the source to
				another */
	WAY_NOT_MUTUAL,      /* one-sided-peer: the receiver does not have the sender as a peer */
	WAY_NO_INITIATOR,    /* no-initiator: neither end has an Endpoint for the other */
	WAY_LOOP,            /* routing-loop; also what is longer than WAY_MAX, a packet's life */
	WAY_NOT_FORWARDED,   /* relay-not-forwarding: the node in between passes nothing on */
	WAY_GUARDED,         /* source-filtered: the address is of another interface, whose default
				route makes wg-quick guard it against all that comes elsewhere */
};

struct way_hop {
	size_t node; /* where the packet is */
	size_t in;   /* interface; MESH_NONE at the sender */
	size_t out;  /* interface; MESH_NONE where it arrives, and where no route leads into one */
	size_t link; /* of out: index in its links; MESH_NONE: no AllowedIPs have the target */
	struct span by; /* in out's file: the AllowedIPs entry that carries it; line 0: none */
	struct span taken_by; /* in in's file: the entry that takes the source (or gives it to
				 another, where the way ends so); line 0: none */
};

enum { WAY_MAX = 64 };

/*
 * Where a link cannot carry the packet (STRANGER, NOT_MUTUAL, NO_INITIATOR), it ends at the node
 * before it, with out and link set; SOURCE_FILTERED ends at the receiver, LOOP where it was before.
 * What nobody carries further is NO_ROUTE even where the node would not forward it.
 */
struct way {
	enum way_end end;
	struct way_hop hops[WAY_MAX]; /* the last is where it ends */
	size_t n;
};

struct routes;

/* Makes the tables of every interface and host. n log n in the number of AllowedIPs of all files.
 */
struct routes *routes_new(const struct mesh *m);

/*
 * The way of a packet from a node. source and target are full-length addresses of one family. An
 * address that several nodes have is reached at any of them, the sender included. A target that is
 * no node's own (a network behind a node) arrives where the peer's AllowedIPs brought it and the
 * host's routes lead it off the mesh: at an entry of a whole address (an address of that host),
 * else if the node passes on what comes in there.
 */
void routes_trace(const struct routes *r, struct way *way, size_t from, struct prefix source,
		  struct prefix target);

/* The source address that the node uses towards the target: its Address whose network holds it,
 * else the first of the family; those of the interface that the packet leaves by come first.
 * family 0: it has none. */
struct prefix routes_source(const struct routes *r, size_t from, struct prefix target);

/* The address of the other node that counts for the pair: that in a network of the sender's, else
 * the first that it has a route to, else the first. family 0: it has none of this family. */
struct prefix routes_target(const struct routes *r, size_t from, size_t to, uint8_t family);

/*
 * An ordered pair of nodes that does not work. Of several addresses the target is the one in a
 * network of the sender's, else the first that it has a route to, else the first. Without a family
 * in common: NO_ROUTE at the sender, source of family 0.
 */
struct bad_pair {
	size_t from, to;
	uint8_t family; /* 0: all that both have */
	enum way_end end;
	size_t at;      /* the node where it dies */
	bool is_wanted; /* the sender's AllowedIPs hold the destination, or the other way works */
	struct prefix source, target;
};

struct reach {
	size_t pairs, reachable; /* exact */
	struct bad_pair *bad;    /* at most limit, wanted ones first */
	size_t nbad, bad_capacity;
	size_t nwanted; /* exact: how many of all bad pairs are wanted */
	bool truncated;
};

/*
 * Every ordered pair of nodes, both families where both have both (a pair is reachable if each of
 * these is). Works on classes of like nodes, so that hub and spokes cost n log n and only what is
 * different costs more; counts are exact whatever limit is.
 */
void routes_reach(const struct routes *r, struct reach *out, size_t limit);

/* Is the pair reachable, with its way? As routes_reach() counts it; way may be NULL. */
bool routes_pair(const struct routes *r, size_t from, size_t to, struct way *way);

#endif
