/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes that are alike as senders: for every address of another node, their hosts' routes, the
 * AllowedIPs and the links that these lead to are the same, and of their own addresses the same
 * networks hold it. What is in nobody's way (a prefix that holds no other node's address) does not
 * count. Pure.
 */
#ifndef WGQ_MESH_ROUTE_CLASS_H
#define WGQ_MESH_ROUTE_CLASS_H

#include "wgq/mesh/route_part.h"

struct classes {
	uint32_t n;
	uint32_t *of;      /* of each node, its class */
	uint32_t *members; /* nodes, one class's after the other's, ascending */
	uint32_t *first;   /* of class i in members; its end is where i + 1 begins */
	uint32_t *place;   /* of each node: among the members of its class */
	uint32_t *table;   /* of each interface: equal numbers for tables that take packets alike */
};

void classes_init(struct classes *c, struct arena *a, const struct routes *r);

static inline uint32_t class_size(const struct classes *c, uint32_t i)
{
	return c->first[i + 1] - c->first[i];
}

#endif
