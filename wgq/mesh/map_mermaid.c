/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For Mermaid, which GitHub and others draw. Text is in quotes, and whatever is no letter, digit or
 * harmless sign is written as its number: "#34;". */
#include "wgq/base/text.h"
#include "wgq/mesh/picture.h"

static bool is_harmless(uint32_t code)
{
	return code >= 0x80 || (code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') ||
	       (code >= 'a' && code <= 'z') || (code && code < 0x80 && strchr(" .,:/", (int)code));
}

static void put(FILE *out, const char *s)
{
	struct str rest = { s, strlen(s) };

	while (rest.n) {
		struct glyph g = text_glyph(rest);

		if (!g.plain)
			for (size_t i = 0; i < g.bytes; i++)
				fprintf(out, "#92;x%02x", (uint8_t)rest.p[i]);
		else if (is_harmless(g.code))
			text_print_glyph(out, &g, rest.p);
		else
			fprintf(out, "#%u;", g.code);
		rest.p += g.bytes;
		rest.n -= g.bytes;
	}
}

static void put_node(FILE *out, const struct picture *p, size_t i)
{
	const struct picture_node *node = &p->nodes[i];

	fprintf(out, "n%zu%s\"", i, node->is_relay ? "{{" : "[");
	put(out, node->name);
	for (size_t j = 0; j < node->addresses.n; j++) {
		fputs("<br/>", out);
		put(out, node->addresses.v[j]);
	}
	if (node->port) {
		fputs("<br/>:", out);
		put(out, node->port);
	}
	fprintf(out, "\"%s%s\n", node->is_relay ? "}}" : "]",
		node->is_closed  ? ":::closed"
		: node->is_relay ? ":::relay"
				 : "");
}

static void put_site(FILE *out, const struct picture *p, size_t site)
{
	fprintf(out, "  subgraph s%zu[\"", site);
	put(out, p->sites[site].name ? p->sites[site].name : "one site");
	fputs("\"]\n", out);
	for (size_t i = 0; i < p->mesh->nnodes; i++) {
		if (p->nodes[i].site != site)
			continue;
		fputs("    ", out);
		put_node(out, p, i);
	}
	fputs("  end\n", out);
}

/* "|text|" on a line: what is wrong with it; else the ports that are called at its ends, where a
 * node has several. */
static void put_label(FILE *out, const struct picture *p, const struct picture_link *link)
{
	static const char *const wrong[] = {
		[LINK_OPEN] = NULL,
		[LINK_ONE_SIDED] = "one-sided",
		[LINK_DEAD] = "no Endpoint",
	};
	const char *before = "|\"";

	if (wrong[link->state])
		fprintf(out, "|\"%s\"|", wrong[link->state]);
	for (size_t i = 0; !wrong[link->state] && i < 2; i++) {
		if (!link->port[i] || p->nodes[link->node[i]].port)
			continue;
		fputs(before, out);
		put(out, p->nodes[link->node[i]].name);
		fputs(" :", out);
		put(out, link->port[i]);
		before = ", ";
	}
	if (*before == ',')
		fputs("\"|", out);
}

/* Arrows say who can open the link. */
static void put_link(FILE *out, const struct picture *p, const struct picture_link *link)
{
	static const char *const arrows[2][2] = { { "---", NULL }, { "-->", "<-->" } };
	bool backwards = !link->opens[0] && link->opens[1];
	const char *arrow =
		link->state == LINK_OPEN
			? arrows[link->opens[0] || backwards][link->opens[0] && link->opens[1]]
		: link->state == LINK_DEAD ? "---"
					   : "-.->";

	fprintf(out, "  n%zu %s", link->node[backwards], arrow);
	put_label(out, p, link);
	fprintf(out, " n%zu\n", link->node[!backwards]);
}

/* Links have no class of their own, but a number. */
static void put_red(FILE *out, const struct picture *p)
{
	const char *before = "  linkStyle ";

	for (size_t i = 0; i < p->nlinks; i++) {
		if (p->links[i].state == LINK_OPEN)
			continue;
		fprintf(out, "%s%zu", before, i);
		before = ",";
	}
	if (*before == ',')
		fputs(" stroke:#b3261e,color:#b3261e\n", out);
}

void map_mermaid(FILE *out, const struct picture *p)
{
	fputs("flowchart LR\n", out);
	for (size_t i = 0; i < p->nsites; i++)
		put_site(out, p, i);
	for (size_t i = 0; i < p->mesh->nnodes; i++) {
		if (p->nodes[i].site != MESH_NONE)
			continue;
		fputs("  ", out);
		put_node(out, p, i);
	}
	for (size_t i = 0; i < p->nlinks; i++)
		put_link(out, p, &p->links[i]);
	put_red(out, p);
	fputs("  classDef relay fill:#ffe2a8,stroke:#9a6a00,color:#000\n"
	      "  classDef closed fill:#f6cfc9,stroke:#b3261e,color:#000\n",
	      out);
}
