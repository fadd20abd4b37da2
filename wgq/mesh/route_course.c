/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route_course.h"

static bool was_here(const struct course *c, uint32_t iface)
{
	for (size_t i = 0; i < c->nstops; i++)
		if (c->at[i] == iface)
			return true;
	return false;
}

static uint32_t find_ordinal(const struct mesh_node *n, uint32_t iface)
{
	uint32_t i = 0;

	while (i < n->nifaces && n->ifaces[i] != iface)
		i++;
	return i;
}

/* Follows the target as routes_trace() does, whatever the source. */
static void follow(struct course *c, const struct routes *r, size_t node,
		   const struct prefix *target)
{
	struct route_step step = { .next = OUT_AWAY };

	c->kind = COURSE_FAILS;
	while (!node_owns(&r->nodes[node], target)) {
		route_step(&step, r, node, step.next, target);
		if (!step.goes_on || c->nstops + 1 == WAY_MAX || was_here(c, step.next))
			return;
		if (!c->nstops) {
			c->out = find_ordinal(&r->mesh->nodes[node], step.out);
			c->by = step.row->prefix;
		}
		c->at[c->nstops] = step.next;
		c->back[c->nstops++] = step.back;
		node = r->mesh->ifaces[step.next].node;
	}
	if (!c->nstops)
		c->kind = COURSE_LOCAL;
	else if (node_guard(r, node, c->at[c->nstops - 1], target) == OUT_AWAY)
		c->kind = COURSE_GOES;
}

static void chart(struct course *c, const struct routes *r, size_t from, size_t to, uint8_t family)
{
	const struct prefix *target = route_target(r, from, to, family);
	size_t own = target ? route_source(r, from, target) : SIZE_MAX;

	c->kind = COURSE_NONE;
	c->held = false;
	c->nstops = 0;
	c->own = c->out = 0;
	if (own == SIZE_MAX)
		return;
	c->own = (uint32_t)own;
	follow(c, r, from, target);
	c->held = c->nstops || route_is_held(r, from, target);
}

void courses_chart(struct courses *c, const struct routes *r, size_t from, size_t to)
{
	const struct route_node *other = &r->nodes[to];

	chart(&c->family[0], r, from, to, AF_INET);
	chart(&c->family[1], r, from, to, AF_INET6);
	c->held = false;
	if (c->family[0].kind == COURSE_NONE && c->family[1].kind == COURSE_NONE)
		for (size_t i = 0; i < other->nown; i++)
			c->held |= route_is_held(r, from, &other->own[i].addr);
}

void courses_key(struct bytes *key, const struct courses *c, const struct routes *r,
		 const struct classes *classes)
{
	bytes_put(key, &c->held, sizeof(c->held));
	for (size_t k = 0; k < 2; k++) {
		const struct course *course = &c->family[k];
		uint32_t start[] = { (uint32_t)course->kind,
				     course->held,
				     course->own,
				     course->out,
				     course->nstops ? course->at[0] : 0,
				     course->nstops };

		bytes_put(key, start,
			  course->kind == COURSE_NONE   ? sizeof(*start)
			  : course->kind == COURSE_GOES ? sizeof(start)
							: 2 * sizeof(*start));
		for (size_t i = 1; course->kind == COURSE_GOES && i < course->nstops; i++) {
			const struct mesh_iface *at = &r->mesh->ifaces[course->at[i]];
			uint32_t stop[] = { classes->table[course->at[i]],
					    (uint32_t)at->links[course->back[i]].iface };

			bytes_put(key, stop, sizeof(stop));
		}
	}
}

/* The link that the first receiver has to the node; MESH_NONE: none. */
static size_t find_back(const struct course *c, const struct routes *r, size_t node)
{
	size_t iface = r->mesh->nodes[node].ifaces[c->out];
	const struct route_iface *tables = &r->ifaces[iface];
	const struct table_row *row = table_find_row(&tables->allowed, &c->by);

	return row ? r->mesh->ifaces[iface].links[tables->refs[row->value].link].back : MESH_NONE;
}

static bool comes_through(const struct course *c, const struct routes *r, size_t node)
{
	const struct prefix *source = &r->nodes[node].own[c->own].addr;
	const struct allowed_ref *ref;

	if (c->kind != COURSE_GOES)
		return c->kind == COURSE_LOCAL;
	if (!route_takes(r, c->at[0], find_back(c, r, node), source, &ref))
		return false;
	for (size_t i = 1; i < c->nstops; i++)
		if (!route_takes(r, c->at[i], c->back[i], source, &ref))
			return false;
	return true;
}

bool courses_pass(const struct courses *c, const struct routes *r, size_t node, bool *held)
{
	bool common = false, pass = true;

	*held = c->held;
	for (size_t k = 0; k < 2; k++) {
		const struct course *course = &c->family[k];

		if (course->kind == COURSE_NONE)
			continue;
		common = true;
		if (comes_through(course, r, node))
			continue;
		pass = false;
		*held |= course->held;
	}
	return common && pass;
}
