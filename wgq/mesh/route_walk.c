/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route_part.h"

bool node_owns(const struct route_node *n, const struct prefix *addr)
{
	for (size_t i = 0; i < n->nown; i++)
		if (!prefix_compare(&n->own[i].addr, addr))
			return true;
	return false;
}

static bool has_guard(const struct routes *r, uint32_t iface, uint8_t family)
{
	const struct config *c = r->mesh->ifaces[iface].config;
	const struct prefix all = { .family = family };

	return c->table_kind == TABLE_AUTO && c->forward.firewall != FIREWALL_OFF &&
	       table_find_row(&r->ifaces[iface].allowed, &all);
}

uint32_t node_guard(const struct routes *r, size_t node, uint32_t in, const struct prefix *addr)
{
	const struct route_node *n = &r->nodes[node];

	for (size_t i = 0; i < n->nown; i++)
		if (n->own[i].iface != in && !prefix_compare(&n->own[i].addr, addr) &&
		    has_guard(r, n->own[i].iface, addr->family))
			return n->own[i].iface;
	return OUT_AWAY;
}

/* --- one step --- */

static bool passes_on(const struct mesh *m, uint32_t in, uint32_t out, uint8_t family)
{
	const struct mesh_iface *iface = &m->ifaces[in];
	unsigned k = family == AF_INET6;

	return iface->forwards[k] || (in == out && iface->forwards_in[k]);
}

enum way_end route_judge_link(const struct mesh *m, const struct mesh_link *link)
{
	if (link->iface == MESH_NONE)
		return WAY_STRANGER;
	if (link->back == MESH_NONE)
		return WAY_NOT_MUTUAL;
	return link->has_endpoint || m->ifaces[link->iface].links[link->back].has_endpoint
		       ? WAY_ARRIVES
		       : WAY_NO_INITIATOR;
}

/* A packet that nobody carries would not be helped by forwarding, so that is said first; then what
 * the kernel comes to first. */
static enum way_end judge_step(const struct route_step *s, const struct mesh *m, uint32_t in,
			       uint8_t family)
{
	if (!s->by)
		return WAY_NO_ROUTE;
	if (in != OUT_AWAY && !passes_on(m, in, s->out, family))
		return WAY_NOT_FORWARDED;
	return route_judge_link(m, &m->ifaces[s->out].links[s->by->link]);
}

void route_step(struct route_step *s, const struct routes *r, size_t node, uint32_t in,
		const struct prefix *target)
{
	const struct table_row *host = table_find(&r->nodes[node].host, target);

	*s = (struct route_step){ .end = WAY_NO_ROUTE, .out = OUT_AWAY };
	if (!host || host->value >= OUT_DEAD) {
		s->leaves = !host || host->value == OUT_AWAY;
		return;
	}
	s->out = host->value;
	s->row = table_find(&r->ifaces[s->out].allowed, target);
	s->by = s->row ? &r->ifaces[s->out].refs[s->row->value] : NULL;
	s->end = judge_step(s, r->mesh, in, target->family);
	if (s->end == WAY_ARRIVES) {
		const struct mesh_link *link = &r->mesh->ifaces[s->out].links[s->by->link];

		s->goes_on = true;
		s->next = (uint32_t)link->iface;
		s->back = (uint32_t)link->back;
	}
}

bool route_takes(const struct routes *r, size_t iface, size_t link, const struct prefix *source,
		 const struct allowed_ref **ref)
{
	const struct table_row *row = table_find(&r->ifaces[iface].allowed, source);

	*ref = row ? &r->ifaces[iface].refs[row->value] : NULL;
	return *ref && (*ref)->link == link;
}

/* --- the whole way --- */

static struct span entry_span(const struct mesh *m, size_t iface, const struct allowed_ref *ref)
{
	return ref ? m->ifaces[iface].config->peers[ref->peer].allowed_ip[ref->entry]
		   : (struct span){ 0 };
}

static struct way_hop *add_hop(struct way *way, size_t node, size_t in)
{
	struct way_hop *hop = &way->hops[way->n++];

	*hop = (struct way_hop){ .node = node, .in = in, .out = MESH_NONE, .link = MESH_NONE };
	return hop;
}

static bool was_here(const struct way *way)
{
	for (size_t i = 0; i + 1 < way->n; i++)
		if (way->hops[i].in == way->hops[way->n - 1].in)
			return true;
	return false;
}

/*
 * It came by a node's AllowedIPs, and that node's routes lead it off the mesh. An entry of a whole
 * address means an address of that host; behind a wider one are others, to whom it is passed on.
 */
static enum way_end end_behind(const struct routes *r, uint32_t in, const struct table_row *by,
			       const struct prefix *target)
{
	size_t owner = owners_from(r, target);

	if (owner < r->nowners && !prefix_compare(&r->owners[owner].addr, target))
		return WAY_NO_ROUTE;
	return by->prefix.len == target->len || passes_on(r->mesh, in, OUT_AWAY, target->family)
		       ? WAY_ARRIVES
		       : WAY_NOT_FORWARDED;
}

static enum way_end judge_arrival(const struct routes *r, const struct way_hop *hop,
				  const struct prefix *target)
{
	bool is_guarded = hop->in != MESH_NONE &&
			  node_guard(r, hop->node, (uint32_t)hop->in, target) != OUT_AWAY;

	return is_guarded ? WAY_GUARDED : WAY_ARRIVES;
}

void routes_trace(const struct routes *r, struct way *way, size_t from, struct prefix source,
		  struct prefix target)
{
	const struct allowed_ref *ref;
	struct way_hop *hop = add_hop((way->n = 0, way), from, MESH_NONE);
	struct route_step step, before = { .next = OUT_AWAY };
	bool taken;

	for (;; before = step) {
		if (node_owns(&r->nodes[hop->node], &target)) {
			way->end = judge_arrival(r, hop, &target);
			return;
		}
		route_step(&step, r, hop->node, before.next, &target);
		way->end = step.end;
		if (step.leaves && before.row)
			way->end = end_behind(r, before.next, before.row, &target);
		if (step.out != OUT_AWAY) {
			hop->out = step.out;
			hop->by = entry_span(r->mesh, step.out, step.by);
			hop->link = step.by ? step.by->link : MESH_NONE;
		}
		if (!step.goes_on)
			return;
		way->end = WAY_LOOP;
		if (way->n == WAY_MAX)
			return;
		hop = add_hop(way, r->mesh->ifaces[step.next].node, step.next);
		if (was_here(way))
			return;
		way->end = WAY_SOURCE_FILTERED;
		taken = route_takes(r, step.next, step.back, &source, &ref);
		hop->taken_by = entry_span(r->mesh, step.next, ref);
		if (!taken)
			return;
	}
}
