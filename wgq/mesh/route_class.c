/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route_class.h"

#include "wgq/mesh/route_intern.h"

/* A node and one of its exceptions. */
struct exception {
	uint32_t node, other;
};

struct sorter {
	struct arena *arena; /* for the time of sorting */
	const struct routes *routes;
	const struct reach_limits *limits;
	struct classes *classes;
	struct intern tables, nodes;
	struct bytes bytes;
	bool *is_plain; /* of each node: does it have exceptions at all? */
	struct exception *exceptions;
	size_t nexceptions, capacity;
};

/* How many addresses of other nodes there are in p, counted up to max. */
static size_t count_others(const struct routes *r, size_t node, const struct prefix *p, size_t max)
{
	size_t n = 0;

	for (size_t i = owners_from(r, p);
	     n < max && i < r->nowners && table_covers(p, &r->owners[i].addr); i++)
		n += r->owners[i].node != node;
	return n;
}

/* Rows for a few others, counted until they are too many. */
static size_t count_rows(const struct sorter *s, size_t node, const struct table *t, size_t n)
{
	for (size_t i = 0; n <= s->limits->rows && i < t->n; i++) {
		size_t others = count_others(s->routes, node, &t->rows[i].prefix,
					     s->limits->others + 1);

		n += others && others <= s->limits->others;
	}
	return n;
}

static bool is_plain(const struct sorter *s, size_t node)
{
	const struct mesh_node *n = &s->routes->mesh->nodes[node];
	size_t rows = count_rows(s, node, &s->routes->nodes[node].host,
				 s->routes->nodes[node].nown);

	for (size_t i = 0; i < n->nifaces; i++)
		rows = count_rows(s, node, &s->routes->ifaces[n->ifaces[i]].allowed, rows);
	return rows <= s->limits->rows;
}

static void except(struct sorter *s, uint32_t node, const struct prefix *p)
{
	const struct routes *r = s->routes;

	for (size_t i = owners_from(r, p); i < r->nowners && table_covers(p, &r->owners[i].addr);
	     i++)
		if (r->owners[i].node != node)
			*ARENA_PUSH(s->arena, s->exceptions, s->nexceptions,
				    s->capacity) = (struct exception){ node, r->owners[i].node };
}

/* Does the class have to do with that prefix? If it is for a few others, these are exceptions. */
static bool is_common(struct sorter *s, size_t node, const struct prefix *p)
{
	size_t others = count_others(s->routes, node, p, s->limits->others + 1);
	bool is_few = others && others <= s->limits->others && s->is_plain[node];

	if (is_few)
		except(s, (uint32_t)node, p);
	return others && !is_few;
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

		if (is_common(s, m->ifaces[at].node, &row->prefix))
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
		put_prefix(&s->bytes, is_common(s, node, &network) ? &network : &none, ordinal,
			   own->addr.family);
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
		if (is_common(s, node, &host->rows[i].prefix))
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

static int compare_exceptions(const void *pa, const void *pb)
{
	const struct exception *a = pa, *b = pb;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return (a->other > b->other) - (a->other < b->other);
}

static void list_exceptions(struct node_lists *l, struct arena *a, struct exception *v, size_t n,
			    size_t nnodes)
{
	size_t kept = 0;

	if (n)
		qsort(v, n, sizeof(*v), compare_exceptions);
	l->v = arena_alloc(a, (n + 1) * sizeof(*l->v));
	l->first = arena_alloc(a, (nnodes + 1) * sizeof(*l->first));
	for (size_t i = 0; i < n; i++) {
		if (i && !compare_exceptions(&v[i - 1], &v[i]))
			continue;
		l->v[kept++] = v[i].other;
		l->first[v[i].node + 1]++;
	}
	for (size_t i = 0; i < nnodes; i++)
		l->first[i + 1] += l->first[i];
}

static void init_exceptions(struct sorter *s, struct arena *a)
{
	size_t nnodes = s->routes->mesh->nnodes;

	list_exceptions(&s->classes->exceptions, a, s->exceptions, s->nexceptions, nnodes);
	for (size_t i = 0; i < s->nexceptions; i++)
		s->exceptions[i] = (struct exception){ s->exceptions[i].other,
						       s->exceptions[i].node };
	list_exceptions(&s->classes->senders, a, s->exceptions, s->nexceptions, nnodes);
}

void classes_init(struct classes *c, struct arena *a, const struct routes *r,
		  const struct reach_limits *limits)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	struct sorter s = {
		.arena = &scratch,
		.routes = r,
		.limits = limits,
		.classes = c,
		.tables = { .arena = &scratch },
		.nodes = { .arena = &scratch },
		.bytes = { .arena = &scratch },
	};
	size_t nnodes = r->mesh->nnodes;

	*c = (struct classes){ 0 };
	c->of = arena_alloc(a, (nnodes + 1) * sizeof(*c->of));
	c->table = arena_alloc(a, (r->mesh->nifaces + 1) * sizeof(*c->table));
	s.is_plain = arena_alloc(&scratch, nnodes + 1);
	for (size_t i = 0; i < nnodes; i++)
		s.is_plain[i] = is_plain(&s, i);
	for (size_t i = 0; i < r->mesh->nifaces; i++)
		sort_table(&s, i);
	for (size_t i = 0; i < nnodes; i++)
		sort_node(&s, i);
	c->n = (uint32_t)s.nodes.n;
	list_members(c, a, nnodes);
	init_exceptions(&s, a);
}
