/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route_class.h"

#include "wgq/mesh/route_intern.h"

struct sorter {
	const struct routes *routes;
	struct classes *classes;
	struct intern tables, nodes;
	struct bytes bytes;
};

/* In the way of a packet to or from another node? */
static bool is_relevant(const struct routes *r, size_t node, const struct prefix *p)
{
	for (size_t i = owners_from(r, p); i < r->nowners && table_covers(p, &r->owners[i].addr);
	     i++)
		if (r->owners[i].node != node)
			return true;
	return false;
}

static void put_prefix(struct bytes *b, const struct prefix *p, uint32_t value, uint8_t more)
{
	bytes_put(b, p, sizeof(*p));
	bytes_put(b, &value, sizeof(value));
	bytes_put(b, &more, sizeof(more));
}

static void sort_table(struct sorter *s, size_t at)
{
	const struct mesh *m = s->routes->mesh;
	const struct route_iface *iface = &s->routes->ifaces[at];

	s->bytes.n = 0;
	for (size_t i = 0; i < iface->allowed.n; i++) {
		const struct table_row *row = &iface->allowed.rows[i];
		const struct mesh_link *link = &m->ifaces[at].links[iface->refs[row->value].link];

		if (is_relevant(s->routes, m->ifaces[at].node, &row->prefix))
			put_prefix(&s->bytes, &row->prefix, (uint32_t)link->iface,
				   (uint8_t)route_judge_link(m, link));
	}
	s->classes->table[at] = intern(&s->tables, &s->bytes);
}

static bool is_shared(const struct routes *r, const struct prefix *addr)
{
	size_t first = owners_from(r, addr);

	for (size_t i = first; i < r->nowners && !prefix_compare(addr, &r->owners[i].addr); i++)
		if (r->owners[i].node != r->owners[first].node)
			return true;
	return false;
}

/* Which of the node's own interfaces; another node's has another number. */
static uint32_t find_ordinal(const struct mesh_node *n, uint32_t iface)
{
	for (size_t i = 0; i < n->nifaces; i++)
		if (n->ifaces[i] == iface)
			return (uint32_t)i;
	return iface; /* OUT_AWAY, OUT_DEAD */
}

static void put_own(struct sorter *s, size_t node)
{
	const struct route_node *n = &s->routes->nodes[node];
	struct prefix none = { 0 };

	for (size_t i = 0; i < n->nown; i++) {
		const struct own_addr *own = &n->own[i];
		struct prefix network = own->addr;
		uint32_t ordinal = find_ordinal(&s->routes->mesh->nodes[node], own->iface);

		network.len = own->len;
		network = prefix_network(network);
		put_prefix(&s->bytes, is_relevant(s->routes, node, &network) ? &network : &none,
			   ordinal, own->addr.family);
		put_prefix(&s->bytes, is_shared(s->routes, &own->addr) ? &own->addr : &none, 0, 0);
	}
}

static void sort_node(struct sorter *s, size_t node)
{
	const struct mesh_node *n = &s->routes->mesh->nodes[node];
	const struct table *host = &s->routes->nodes[node].host;
	size_t counts[] = { n->nifaces, s->routes->nodes[node].nown };

	s->bytes.n = 0;
	bytes_put(&s->bytes, counts, sizeof(counts));
	for (size_t i = 0; i < n->nifaces; i++)
		bytes_put(&s->bytes, &s->classes->table[n->ifaces[i]], sizeof(*s->classes->table));
	put_own(s, node);
	for (size_t i = 0; i < host->n; i++)
		if (is_relevant(s->routes, node, &host->rows[i].prefix))
			put_prefix(&s->bytes, &host->rows[i].prefix,
				   find_ordinal(n, host->rows[i].value), 0);
	s->classes->of[node] = intern(&s->nodes, &s->bytes);
}

static void list_members(struct classes *c, struct arena *a, size_t nnodes)
{
	uint32_t *next;

	c->first = arena_alloc(a, (c->n + 1) * sizeof(*c->first));
	c->members = arena_alloc(a, (nnodes + 1) * sizeof(*c->members));
	c->place = arena_alloc(a, (nnodes + 1) * sizeof(*c->place));
	next = arena_alloc(a, (c->n + 1) * sizeof(*next));
	for (size_t i = 0; i < nnodes; i++)
		c->first[c->of[i] + 1]++;
	for (uint32_t i = 0; i < c->n; i++)
		c->first[i + 1] += c->first[i];
	for (size_t i = 0; i < nnodes; i++) {
		c->place[i] = next[c->of[i]]++;
		c->members[c->first[c->of[i]] + c->place[i]] = (uint32_t)i;
	}
}

void classes_init(struct classes *c, struct arena *a, const struct routes *r)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	struct sorter s = {
		.routes = r,
		.classes = c,
		.tables = { .arena = &scratch },
		.nodes = { .arena = &scratch },
		.bytes = { .arena = &scratch },
	};

	*c = (struct classes){ 0 };
	c->of = arena_alloc(a, (r->mesh->nnodes + 1) * sizeof(*c->of));
	c->table = arena_alloc(a, (r->mesh->nifaces + 1) * sizeof(*c->table));
	for (size_t i = 0; i < r->mesh->nifaces; i++)
		sort_table(&s, i);
	for (size_t i = 0; i < r->mesh->nnodes; i++)
		sort_node(&s, i);
	c->n = (uint32_t)s.nodes.n;
	list_members(c, a, r->mesh->nnodes);
}
