/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two nodes: which addresses they use, and whether the packet arrives. */
#include "wgq/mesh/route_part.h"

bool route_is_held(const struct routes *r, size_t node, const struct prefix *addr)
{
	const struct mesh_node *n = &r->mesh->nodes[node];

	for (size_t i = 0; i < n->nifaces; i++)
		if (table_find(&r->ifaces[n->ifaces[i]].allowed, addr))
			return true;
	return false;
}

/* --- addresses --- */

/* The longest network of the node's own that holds the target, by that interface or, OUT_AWAY, by
 * any; SIZE_MAX: none. */
static size_t find_network(const struct route_node *n, uint32_t iface, const struct prefix *target)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < n->nown; i++) {
		struct prefix network = n->own[i].addr;

		network.len = n->own[i].len;
		if ((iface == OUT_AWAY || iface == n->own[i].iface) &&
		    (best == SIZE_MAX || network.len > n->own[best].len) &&
		    table_covers(&network, target))
			best = i;
	}
	return best;
}

static size_t find_first(const struct route_node *n, uint32_t iface, uint8_t family)
{
	for (size_t i = 0; i < n->nown; i++)
		if (n->own[i].addr.family == family &&
		    (iface == OUT_AWAY || iface == n->own[i].iface))
			return i;
	return SIZE_MAX;
}

size_t route_source(const struct routes *r, size_t from, const struct prefix *target)
{
	const struct route_node *n = &r->nodes[from];
	const struct table_row *row = table_find(&n->host, target);
	uint32_t outs[] = { row ? row->value : OUT_AWAY, OUT_AWAY };

	for (size_t i = 0; i < ARRAY_SIZE(outs); i++) {
		size_t own = find_network(n, outs[i], target);

		if (own == SIZE_MAX)
			own = find_first(n, outs[i], target->family);
		if (own != SIZE_MAX)
			return own;
	}
	return SIZE_MAX;
}

struct prefix routes_source(const struct routes *r, size_t from, struct prefix target)
{
	size_t own = route_source(r, from, &target);
	struct prefix none = { 0 };

	return own == SIZE_MAX ? none : r->nodes[from].own[own].addr;
}

const struct prefix *route_target(const struct routes *r, size_t from, size_t to, uint8_t family)
{
	const struct route_node *n = &r->nodes[from], *other = &r->nodes[to];
	const struct prefix *routed = NULL, *first = NULL;

	for (size_t i = 0; i < other->nown; i++) {
		const struct prefix *addr = &other->own[i].addr;
		const struct table_row *row;

		if (addr->family != family)
			continue;
		if (other->nown == 1 || find_network(n, OUT_AWAY, addr) != SIZE_MAX)
			return addr;
		row = routed ? NULL : table_find(&n->host, addr);
		if (row && row->value < OUT_DEAD)
			routed = addr;
		first = first ? first : addr;
	}
	return routed ? routed : first;
}

struct prefix routes_target(const struct routes *r, size_t from, size_t to, uint8_t family)
{
	const struct prefix *target = route_target(r, from, to, family);

	return target ? *target : (struct prefix){ 0 };
}

/* --- pairs --- */

static void try_family(struct route_try *t, const struct routes *r, size_t from, size_t to,
		       struct way *way)
{
	const struct prefix *target = route_target(r, from, to, t->family);
	size_t own = target ? route_source(r, from, target) : SIZE_MAX;

	t->common = own != SIZE_MAX;
	if (!t->common)
		return;
	t->source = r->nodes[from].own[own].addr;
	t->target = *target;
	routes_trace(r, way, from, t->source, t->target);
	t->end = way->end;
	t->at = way->hops[way->n - 1].node;
	t->held = route_is_held(r, from, target);
}

/* Two nodes that have no family in common: no packet of the one can be for the other. */
static void judge_strangers(struct bad_pair *bad, const struct routes *r, struct way *way)
{
	const struct route_node *to = &r->nodes[bad->to];

	bad->end = WAY_NO_ROUTE;
	bad->at = bad->from;
	for (size_t i = 0; i < to->nown; i++)
		bad->is_wanted |= route_is_held(r, bad->from, &to->own[i].addr);
	if (to->nown)
		bad->target = to->own->addr;
	way->n = 1;
	way->end = WAY_NO_ROUTE;
	way->hops[0] = (struct way_hop){ bad->from, .in = MESH_NONE, .out = MESH_NONE,
					 .link = MESH_NONE };
}

bool route_judge(const struct routes *r, struct bad_pair *bad, size_t from, size_t to,
		 struct way *way)
{
	struct route_try tries[2] = { { .family = AF_INET }, { .family = AF_INET6 } };
	struct way ways[2];
	size_t ncommon = 0, nbad = 0;

	*bad = (struct bad_pair){ .from = from, .to = to };
	for (size_t i = 2; i-- > 0;) {
		struct route_try *t = &tries[i];

		try_family(t, r, from, to, &ways[i]);
		ncommon += t->common;
		if (!t->common || (t->end == WAY_ARRIVES && nbad))
			continue;
		*way = ways[i];
		if (t->end == WAY_ARRIVES)
			continue;
		nbad++;
		bad->family = t->family;
		bad->end = t->end;
		bad->at = t->at;
		bad->source = t->source;
		bad->target = t->target;
		bad->is_wanted |= t->held;
	}
	if (!ncommon)
		judge_strangers(bad, r, way);
	else if (nbad == ncommon)
		bad->family = 0;
	return ncommon && !nbad;
}

bool routes_pair(const struct routes *r, size_t from, size_t to, struct way *way)
{
	struct bad_pair bad;
	struct way own;

	return route_judge(r, &bad, from, to, way ? way : &own);
}
