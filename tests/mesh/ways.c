/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ways FOLDER: what the simulator says of a mesh, in lines to be tried with real packets:
 *   open NODE IFACE KEY start|wait|try   a link from its one end; both ends of one that can be
 *                                        opened say start or wait, one that cannot be says try
 *   row N FROM TO SOURCE TARGET END FIRST CHOSEN WAY
 *                                        from a node to each address of another; FIRST: the
 *                                        interface that it leaves FROM by, or -; CHOSEN: 1 where
 *                                        the pair is judged by it; WAY: nodes, joined by ">"
 *   pair FROM TO ok|bad                  as the reachability table has it
 */
#include "wgq/mesh/route_part.h"

static const char *const ends[] = {
	[WAY_ARRIVES] = "arrives",
	[WAY_NO_ROUTE] = "no-route",
	[WAY_STRANGER] = "stranger",
	[WAY_SOURCE_FILTERED] = "source-filtered",
	[WAY_NOT_MUTUAL] = "not-mutual",
	[WAY_NO_INITIATOR] = "no-initiator",
	[WAY_LOOP] = "loop",
	[WAY_NOT_FORWARDED] = "not-forwarded",
	[WAY_GUARDED] = "guarded",
};

/* Which end begins: the one that can, and the first one where both can. */
static const char *find_role(const struct mesh *m, size_t iface, const struct mesh_link *link)
{
	bool opens = route_judge_link(m, link) == WAY_ARRIVES;

	if (!opens)
		return link->has_endpoint ? "try" : NULL;
	if (!link->has_endpoint)
		return "wait";
	return m->ifaces[link->iface].links[link->back].has_endpoint && link->iface < iface
		       ? "wait"
		       : "start";
}

static void print_links(const struct mesh *m)
{
	for (size_t i = 0; i < m->nifaces; i++) {
		const struct mesh_iface *iface = &m->ifaces[i];

		for (size_t k = 0; k < iface->nlinks; k++) {
			const struct mesh_link *link = &iface->links[k];
			const char *role = find_role(m, i, link);
			char key[KEY_BASE64_LEN + 1];

			key_to_base64(key, &iface->config->device.peers[link->peer].public_key);
			if (role)
				printf("open %s %s %s %s\n", m->nodes[iface->node].name,
				       iface->name, key, role);
		}
	}
}

static void print_way(const struct mesh *m, const struct way *way)
{
	for (size_t i = 0; i < way->n; i++)
		printf("%s%s", i ? ">" : " ", m->nodes[way->hops[i].node].name);
	putchar('\n');
}

static size_t print_row(const struct routes *r, size_t from, size_t to, struct prefix target,
			size_t n)
{
	const struct mesh *m = r->mesh;
	const struct prefix *chosen = route_target(r, from, to, target.family);
	struct prefix source = routes_source(r, from, target);
	char texts[2][PREFIX_TEXT];
	struct way way;

	if (!source.family)
		return n;
	routes_trace(r, &way, from, source, target);
	printf("row %zu %s %s %s %s %s %s %d", n, m->nodes[from].name, m->nodes[to].name,
	       prefix_format_addr(texts[0], &source), prefix_format_addr(texts[1], &target),
	       ends[way.end], way.hops[0].out == MESH_NONE ? "-" : m->ifaces[way.hops[0].out].name,
	       !prefix_compare(chosen, &target));
	print_way(m, &way);
	return n + 1;
}

static void print_pairs(const struct routes *r)
{
	const struct mesh *m = r->mesh;
	size_t n = 0;

	for (size_t from = 0; from < m->nnodes; from++) {
		for (size_t to = 0; to < m->nnodes; to++) {
			if (from == to)
				continue;
			printf("pair %s %s %s\n", m->nodes[from].name, m->nodes[to].name,
			       routes_pair(r, from, to, NULL) ? "ok" : "bad");
			for (size_t i = 0; i < r->nodes[to].nown; i++)
				n = print_row(r, from, to, r->nodes[to].own[i].addr, n);
		}
	}
}

int main(int argc, char **argv)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct findings f = { .arena = &arena };
	struct mesh mesh = { 0 };
	struct diag d = { 0 };

	if (argc != 2 || mesh_read(&mesh, &arena, argv + 1, 1, &f, &d)) {
		fprintf(stderr, "ways: %s\n", argc == 2 ? d.text : "usage: ways FOLDER");
		return 2;
	}
	print_links(&mesh);
	print_pairs(routes_new(&mesh));
	return 0;
}
