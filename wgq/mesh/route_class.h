/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes that are alike as senders: for every address of another node, their hosts' routes, the
 * AllowedIPs and the links that these lead to are the same, and of their own addresses the same
 * networks hold it. What is in nobody's way (a prefix that holds no other node's address) does not
 * count; nor do a few entries of a node for a few others, as neighbours on one site have for each
 * other. Those others are the node's exceptions: neither as a sender to them nor as a receiver from
 * them is it like its class. Pure.
 */
#ifndef WGQ_MESH_ROUTE_CLASS_H
#define WGQ_MESH_ROUTE_CLASS_H

#include "wgq/mesh/route_part.h"

/* A list of nodes for each node. */
struct node_lists {
	uint32_t *v;     /* one list after the other */
	uint32_t *first; /* of node i's; its end is where i + 1's begins */
};

struct classes {
	uint32_t n;
	uint32_t *of;      /* of each node, its class */
	uint32_t *members; /* nodes, one class's after the other's, ascending */
	uint32_t *first;   /* of class i in members; its end is where i + 1 begins */
	uint32_t *place;   /* of each node: among the members of its class */
	uint32_t *table;   /* of each interface: equal numbers for tables that take packets alike */
	struct node_lists exceptions; /* each once */
	struct node_lists senders;    /* of each node: those whose exception it is */
};

void classes_init(struct classes *c, struct arena *a, const struct routes *r,
		  const struct reach_limits *limits);

static inline uint32_t class_size(const struct classes *c, uint32_t i)
{
	return c->first[i + 1] - c->first[i];
}

#endif
