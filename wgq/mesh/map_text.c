/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/text.h"
#include "wgq/mesh/picture.h"

/* Of a mesh too large to be drawn, so many of each are named. */
enum { EXAMPLES = 10, NAME_IN_HEAD = 5 };

static const char marks[] = {
	[MARK_SELF] = '.', [MARK_DIRECT] = 'o', [MARK_RELAYED] = '>', [MARK_DEAD] = 'x'
};

static struct str str_of(const char *s)
{
	return (struct str){ s, strlen(s) };
}

static void put(FILE *out, const char *s)
{
	text_print(out, str_of(s));
}

static void put_padded(FILE *out, const char *s, size_t columns)
{
	size_t used = text_columns(str_of(s));

	put(out, s);
	if (used < columns)
		fprintf(out, "%*s", (int)(columns - used), "");
}

static size_t widest_name(const struct mesh *m)
{
	size_t widest = 0;

	for (size_t i = 0; i < m->nnodes; i++) {
		size_t columns = text_columns(str_of(m->nodes[i].name));

		widest = columns > widest ? columns : widest;
	}
	return widest;
}

static void put_count(FILE *out, size_t n, const char *what)
{
	fprintf(out, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static void put_list(FILE *out, const struct words *w)
{
	for (size_t i = 0; i < w->n; i++) {
		fputs(i ? ", " : "", out);
		put(out, w->v[i]);
	}
}

/* --- the table of pairs --- */

static void put_heads(FILE *out, const struct mesh *m, size_t width, size_t cell, bool numbered)
{
	put_padded(out, "from \\ to", width);
	for (size_t i = 0; i < m->nnodes; i++) {
		if (numbered)
			fprintf(out, " %*zu", (int)cell, i + 1);
		else
			fprintf(out, " %*s", (int)(cell - text_columns(str_of(m->nodes[i].name))),
				"");
		if (!numbered)
			put(out, m->nodes[i].name);
	}
	fputc('\n', out);
}

static void put_row(FILE *out, const struct mesh *m, const struct pair *pairs, size_t from,
		    size_t cell)
{
	for (size_t to = 0; to < m->nnodes; to++)
		fprintf(out, " %*c", (int)cell, marks[picture_mark(pairs, m->nnodes, from, to)]);
	fputc('\n', out);
}

void map_matrix(FILE *out, const struct mesh *m, const struct pair *pairs)
{
	size_t name = widest_name(m), cell = name, width;
	bool numbered = name > NAME_IN_HEAD;

	if (!pairs) {
		fprintf(out, "%zu nodes are too many for a table of pairs; the limit is %d\n",
			m->nnodes, PAIRS_NODES);
		return;
	}
	if (numbered)
		cell = m->nnodes > 9 ? 2 : 1;
	width = name + (numbered ? cell + 1 : 0);
	if (width < strlen("from \\ to"))
		width = strlen("from \\ to");
	put_heads(out, m, width, cell, numbered);
	for (size_t i = 0; i < m->nnodes; i++) {
		if (numbered)
			fprintf(out, "%*zu ", (int)cell, i + 1);
		put_padded(out, m->nodes[i].name, width - (numbered ? cell + 1 : 0));
		put_row(out, m, pairs, i, cell);
	}
	fputs("o direct   > through others   x does not arrive\n", out);
}

/* --- nodes --- */

static void put_node(FILE *out, const struct picture *p, const struct picture_node *node,
		     size_t width)
{
	put_padded(out, node->name, width);
	fputs("  ", out);
	put_list(out, &node->addresses);
	if (node->endpoints.n) {
		fputs("  at ", out);
		put_list(out, &node->endpoints);
	}
	if (node->is_relay)
		fputs(node->is_closed ? "  relay that does not forward" : "  relay", out);
	if (node->site != MESH_NONE && p->sites[node->site].name) {
		fputs("  site ", out);
		put(out, p->sites[node->site].name);
	}
	fputc('\n', out);
}

static bool same_transit(const struct pair *a, const struct pair *b)
{
	return a->n == b->n && !memcmp(a->path + 1, b->path + 1, (a->n - 2) * sizeof(*a->path));
}

/* Was this way through others already shown, with another target? */
static bool is_shown(const struct pair *row, size_t to)
{
	for (size_t i = 0; i < to; i++)
		if (row[i].ok && row[i].n > 2 && same_transit(&row[i], &row[to]))
			return true;
	return false;
}

static void put_transit(FILE *out, const struct picture *p, const struct pair *pair)
{
	fputs("   through ", out);
	for (size_t i = 1; i + 1 < pair->n; i++) {
		fputs(i > 1 ? ", " : "", out);
		put(out, p->nodes[pair->path[i]].name);
	}
	fputs(": ", out);
}

/* All targets that are reached by the same way as this one. */
static void put_relayed(FILE *out, const struct picture *p, const struct pair *row, size_t to)
{
	const char *comma = "";

	put_transit(out, p, &row[to]);
	for (size_t i = to; i < p->mesh->nnodes; i++) {
		if (!row[i].ok || row[i].n < 3 || !same_transit(&row[i], &row[to]))
			continue;
		fputs(comma, out);
		put(out, p->nodes[i].name);
		comma = ", ";
	}
	fputc('\n', out);
}

static void put_marked(FILE *out, const struct picture *p, size_t from, enum pair_mark mark,
		       const char *head)
{
	size_t n = p->mesh->nnodes;
	const char *before = head;

	for (size_t to = 0; to < n; to++) {
		if (picture_mark(p->pairs, n, from, to) != mark)
			continue;
		fputs(before, out);
		put(out, p->nodes[to].name);
		if (mark == MARK_DEAD) {
			const struct bad_pair *bad = p->pairs[from * n + to].bad;

			fprintf(out, " (%s at ", pairs_code(bad->end));
			put(out, p->nodes[bad->at].name);
			fputc(')', out);
		}
		before = ", ";
	}
	if (before != head)
		fputc('\n', out);
}

static void put_ways(FILE *out, const struct picture *p, size_t from)
{
	const struct pair *row = &p->pairs[from * p->mesh->nnodes];

	put_marked(out, p, from, MARK_DIRECT, "   direct: ");
	for (size_t to = 0; to < p->mesh->nnodes; to++)
		if (row[to].ok && row[to].n > 2 && !is_shown(row, to))
			put_relayed(out, p, row, to);
	put_marked(out, p, from, MARK_DEAD, "   not: ");
}

/* --- sites and links --- */

static void put_sites(FILE *out, const struct picture *p)
{
	for (size_t i = 0; i < p->nsites; i++) {
		const char *comma = "";

		fputs("at one site", out);
		if (p->sites[i].name) {
			fputs(", ", out);
			put(out, p->sites[i].name);
		}
		fputs(": ", out);
		for (size_t j = 0; j < p->mesh->nnodes; j++) {
			if (p->nodes[j].site != i)
				continue;
			fputs(comma, out);
			put(out, p->nodes[j].name);
			comma = ", ";
		}
		fputc('\n', out);
	}
}

static bool has_bad_links(const struct picture *p)
{
	for (size_t i = 0; i < p->nlinks; i++)
		if (p->links[i].state != LINK_OPEN)
			return true;
	return false;
}

static void put_bad_links(FILE *out, const struct picture *p)
{
	for (size_t i = 0; i < p->nlinks; i++) {
		const struct picture_link *link = &p->links[i];
		const char *a = p->nodes[link->node[0]].name, *b = p->nodes[link->node[1]].name;

		if (link->state == LINK_OPEN)
			continue;
		fputs("no link ", out);
		put(out, a);
		fputs(" - ", out);
		put(out, b);
		if (link->state == LINK_DEAD) {
			fputs(": neither has an Endpoint for the other\n", out);
			continue;
		}
		fputs(": ", out);
		put(out, b);
		fputs(" does not have ", out);
		put(out, a);
		fputs(" as a peer\n", out);
	}
}

/* --- too large to be drawn --- */

static void put_relays(FILE *out, const struct picture *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->mesh->nnodes; i++) {
		if (!p->nodes[i].is_relay || ++n > EXAMPLES)
			continue;
		fputs("relay ", out);
		put(out, p->nodes[i].name);
		fputs(": ", out);
		put_count(out, p->nodes[i].degree, "link");
		fputc('\n', out);
	}
	if (n > EXAMPLES)
		fprintf(out, "and %zu more relays\n", n - EXAMPLES);
}

static void put_bad_pairs(FILE *out, const struct picture *p)
{
	size_t bad = p->reach->pairs - p->reach->reachable;
	size_t shown = p->reach->nbad < EXAMPLES ? p->reach->nbad : EXAMPLES;

	for (size_t i = 0; i < shown; i++) {
		const struct bad_pair *pair = &p->reach->bad[i];

		put(out, p->nodes[pair->from].name);
		fputs(" does not reach ", out);
		put(out, p->nodes[pair->to].name);
		fprintf(out, ": %s at ", pairs_code(pair->end));
		put(out, p->nodes[pair->at].name);
		fputc('\n', out);
	}
	if (bad > shown)
		fprintf(out, "and %zu more pairs\n", bad - shown);
}

static void put_summary(FILE *out, const struct picture *p)
{
	put_count(out, p->mesh->nnodes, "node");
	fputs(", ", out);
	put_count(out, p->nlinks, "link");
	fprintf(out, ", %zu of ", p->reach->reachable);
	put_count(out, p->reach->pairs, "pair");
	fputs(" reachable\n", out);
}

void map_text(FILE *out, const struct picture *p)
{
	size_t width = widest_name(p->mesh);

	put_summary(out, p);
	if (!p->pairs) {
		put_relays(out, p);
		put_bad_pairs(out, p);
		return;
	}
	fputc('\n', out);
	for (size_t i = 0; i < p->mesh->nnodes; i++) {
		put_node(out, p, &p->nodes[i], width);
		put_ways(out, p, i);
	}
	if (p->nsites || has_bad_links(p))
		fputc('\n', out);
	put_sites(out, p);
	put_bad_links(out, p);
	fputc('\n', out);
	map_matrix(out, p->mesh, p->pairs);
}
