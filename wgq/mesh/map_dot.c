/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For Graphviz. Text is in quoted strings, where '"', '\' and '&' mean something. */
#include "wgq/base/text.h"
#include "wgq/mesh/groups.h"
#include "wgq/mesh/picture.h"

struct drawing {
	const struct picture *picture;
	bool by_ranks; /* relays in the middle, the others left and right of them */
	bool *right;   /* of each node */
};

static void put(FILE *out, const char *s)
{
	struct str rest = { s, strlen(s) };

	while (rest.n) {
		struct glyph g = text_glyph(rest);

		if (!g.plain)
			for (size_t i = 0; i < g.bytes; i++)
				fprintf(out, "\\\\x%02x", (uint8_t)rest.p[i]);
		else if (g.code == '"' || g.code == '\\')
			fprintf(out, "\\%c", (char)g.code);
		else if (g.code == '&')
			fputs("&amp;", out);
		else
			text_print_glyph(out, &g, rest.p);
		rest.p += g.bytes;
		rest.n -= g.bytes;
	}
}

static bool has_relays(const struct picture *p)
{
	for (size_t i = 0; i < p->mesh->nnodes; i++)
		if (p->nodes[i].is_relay)
			return true;
	return false;
}

static void put_node(FILE *out, const struct picture *p, size_t i)
{
	const struct picture_node *node = &p->nodes[i];

	fprintf(out, "n%zu [label=\"", i);
	put(out, node->name);
	for (size_t j = 0; j < node->addresses.n; j++) {
		fputs("\\n", out);
		put(out, node->addresses.v[j]);
	}
	if (node->port) {
		fputs("\\n:", out);
		put(out, node->port);
	}
	fputc('"', out);
	if (node->is_closed)
		fputs(", shape=hexagon, style=filled, fillcolor=\"#f6cfc9\", color=\"#b3261e\"",
		      out);
	else if (node->is_relay)
		fputs(", shape=hexagon, style=filled, fillcolor=\"#ffe2a8\", color=\"#9a6a00\"",
		      out);
	fputs("];\n", out);
}

static void put_site(FILE *out, const struct picture *p, size_t site)
{
	fprintf(out, "  subgraph cluster_%zu {\n    label=\"", site);
	put(out, p->sites[site].name ? p->sites[site].name : "one site");
	fputs("\";\n", out);
	for (size_t i = 0; i < p->mesh->nnodes; i++) {
		if (p->nodes[i].site != site)
			continue;
		fputs("    ", out);
		put_node(out, p, i);
	}
	fputs("  }\n", out);
}

/* What stands at one end of a link: the interface, where the node has several, and the port, where
 * it has several. */
static void put_end(FILE *out, const struct picture *p, const struct picture_link *link, size_t end,
		    const char *attribute)
{
	bool several = p->mesh->nodes[link->node[end]].nifaces > 1;
	const char *port = p->nodes[link->node[end]].port ? NULL : link->port[end];

	if (!several && !port)
		return;
	fprintf(out, ", %s=\"", attribute);
	if (several)
		put(out, p->mesh->ifaces[link->iface[end]].name);
	if (port) {
		fputc(':', out);
		put(out, port);
	}
	fputc('"', out);
}

/* Neighbours that are no relays stand in one rank, not in a row that leads to the relay. */
static bool is_sideways(const struct drawing *d, const struct picture_link *link)
{
	const struct picture_node *nodes = d->picture->nodes;

	return d->by_ranks && !nodes[link->node[0]].is_relay && !nodes[link->node[1]].is_relay;
}

/* Nodes of one site, and neighbours, go to the same side of the relays; the sides fill evenly. */
static void choose_sides(struct drawing *d)
{
	const struct picture *p = d->picture;
	size_t n = p->mesh->nnodes, weight[2] = { 0 };
	size_t *groups = groups_new(p->arena, n),
	       *size = arena_alloc(p->arena, (n + 1) * sizeof(n));
	size_t *first = arena_alloc(p->arena, (p->nsites + 1) * sizeof(*first));

	d->right = arena_alloc(p->arena, (n + 1) * sizeof(*d->right));
	for (size_t i = n; i--;)
		if (p->nodes[i].site != MESH_NONE)
			first[p->nodes[i].site] = i;
	for (size_t i = 0; i < n; i++)
		if (p->nodes[i].site != MESH_NONE)
			groups_join(groups, i, first[p->nodes[i].site]);
	for (size_t i = 0; i < p->nlinks; i++)
		if (is_sideways(d, &p->links[i]))
			groups_join(groups, p->links[i].node[0], p->links[i].node[1]);
	for (size_t i = 0; i < n; i++)
		size[groups_leader(groups, i)] += !p->nodes[i].is_relay;
	for (size_t i = 0; i < n; i++) {
		size_t leader = groups_leader(groups, i);

		if (leader == i) {
			d->right[i] = weight[1] < weight[0];
			weight[d->right[i]] += size[i];
		}
		d->right[i] = d->right[leader];
	}
}

/* Is the link to be drawn from its second node to its first? Ranks go from tail to head: what is
 * left of the relays is a tail. */
static bool is_turned(const struct drawing *d, const struct picture_link *link)
{
	const struct picture_node *nodes = d->picture->nodes;
	bool relay = nodes[link->node[0]].is_relay;

	if (!d->by_ranks || relay == nodes[link->node[1]].is_relay)
		return false;
	return relay ? !d->right[link->node[1]] : d->right[link->node[0]];
}

/* Arrows say who can open the link. */
static void put_link(FILE *out, const struct drawing *d, const struct picture_link *link)
{
	static const char *const dirs[2][2] = { { "none", "back" }, { "forward", "both" } };
	static const char *const styles[] = {
		[LINK_OPEN] = "",
		[LINK_ONE_SIDED] = ", style=dashed, color=\"#b3261e\"",
		[LINK_DEAD] = ", color=\"#b3261e\", label=\"no Endpoint\", fontcolor=\"#b3261e\"",
	};
	bool tail = is_turned(d, link);

	fprintf(out, "  n%zu -> n%zu [dir=%s%s", link->node[tail], link->node[!tail],
		dirs[link->opens[tail]][link->opens[!tail]], styles[link->state]);
	if (is_sideways(d, link))
		fputs(", constraint=false", out);
	put_end(out, d->picture, link, tail, "taillabel");
	put_end(out, d->picture, link, !tail, "headlabel");
	fputs("];\n", out);
}

/* Around a relay ranks show who is behind it; without one, nothing is before or behind. */
static void put_layout(FILE *out, const struct drawing *d)
{
	if (d->by_ranks)
		fputs("  graph [layout=dot, rankdir=LR, nodesep=0.8, ranksep=1.6];\n", out);
	else if (d->picture->nsites)
		fputs("  graph [layout=fdp, overlap=false, splines=true, K=1.5];\n", out);
	else
		fputs("  graph [layout=circo, mindist=1.6];\n", out);
}

void map_dot(FILE *out, const struct picture *p)
{
	struct drawing d = { .picture = p, .by_ranks = has_relays(p) };

	choose_sides(&d);
	fputs("digraph mesh {\n", out);
	put_layout(out, &d);
	fputs("  graph [fontname=\"sans-serif\", fontsize=11, style=\"rounded,filled\", "
	      "color=\"#c8c8c8\", fillcolor=\"#f6f6f6\", bgcolor=white];\n"
	      "  node [fontname=\"sans-serif\", fontsize=12, shape=box, style=\"rounded,filled\", "
	      "fillcolor=\"#e8f0fe\", color=\"#3b5998\"];\n"
	      "  edge [fontname=\"sans-serif\", fontsize=9, color=\"#555555\", "
	      "labelfontcolor=\"#555555\", labeldistance=2.6, labelangle=18, arrowsize=0.7];\n",
	      out);
	for (size_t i = 0; i < p->nsites; i++)
		put_site(out, p, i);
	for (size_t i = 0; i < p->mesh->nnodes; i++) {
		if (p->nodes[i].site != MESH_NONE)
			continue;
		fputs("  ", out);
		put_node(out, p, i);
	}
	for (size_t i = 0; i < p->nlinks; i++)
		put_link(out, &d, &p->links[i]);
	fputs("}\n", out);
}
