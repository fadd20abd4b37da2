/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What keeps pairs from talking: one finding for each cause. Pairs that end alike, at one node and
 * for one address, are taken together; one of them is traced to find the line at fault, and those
 * with one line are taken together again.
 */
#include "wgq/mesh/check_causes.h"

enum { EXAMPLES = 3 };

/* --- what needs no finding of its own --- */

static bool is_at(const struct place *place, const struct check *k, size_t iface,
		  const struct span *at)
{
	return at->line && place->line == at->line && place->column == at->column &&
	       !strcmp(place->file, k->m->ifaces[iface].config->source.path);
}

/* Does an entry that two peers have carry the packet, or keep it out? */
static bool is_by_duplicate(const struct check *k, const struct way *way)
{
	for (size_t i = 0; i < k->f->n; i++) {
		const struct finding *f = &k->f->v[i];

		if (f->code != FINDING_DUPLICATE_ALLOWED_IP || !f->nrelated)
			continue;
		for (size_t h = 0; h < way->n; h++) {
			const struct way_hop *hop = &way->hops[h];
			const struct place *last = &f->related[f->nrelated - 1].at;

			if ((hop->out != MESH_NONE && is_at(last, k, hop->out, &hop->by)) ||
			    (hop->in != MESH_NONE && is_at(last, k, hop->in, &hop->taken_by)))
				return true;
		}
	}
	return false;
}

static bool is_explained(const struct check *k, const struct cause *c)
{
	const struct bad_pair *bad = c->example;

	return k->bad_nodes[bad->from] || k->bad_nodes[bad->to] || k->bad_nodes[bad->at] ||
	       c->is_explained || is_by_duplicate(k, &c->way) || k->is_broken[c->iface];
}

/* --- groups --- */

static const struct {
	enum finding_code code; /* FINDING_CODES: no finding of pairs */
	bool by_target;         /* else by source */
	void (*find)(struct check *k, struct cause *c);
	void (*report)(struct check *k, const struct cause *c, const char *pairs);
} ends[] = {
	[WAY_ARRIVES] = { FINDING_CODES, false, NULL, NULL },
	[WAY_NO_ROUTE] = { FINDING_NO_ROUTE, true, cause_find_no_route, cause_report_no_route },
	[WAY_STRANGER] = { FINDING_CODES, false, NULL, NULL },
	[WAY_SOURCE_FILTERED] = { FINDING_SOURCE_FILTERED, false, cause_find_filtered,
				  cause_report_filtered },
	[WAY_NOT_MUTUAL] = { FINDING_CODES, false, NULL, NULL },
	[WAY_NO_INITIATOR] = { FINDING_NO_INITIATOR, true, cause_find_no_initiator,
			       cause_report_no_initiator },
	[WAY_LOOP] = { FINDING_ROUTING_LOOP, true, cause_find_loop, cause_report_loop },
	[WAY_NOT_FORWARDED] = { FINDING_RELAY_NOT_FORWARDING, false, cause_find_not_forwarded,
				cause_report_not_forwarded },
	[WAY_GUARDED] = { FINDING_SOURCE_FILTERED, true, cause_find_guarded, cause_report_guarded },
};

static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int by_end(const void *pa, const void *pb)
{
	const struct bad_pair *a = *(const struct bad_pair *const *)pa;
	const struct bad_pair *b = *(const struct bad_pair *const *)pb;

	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	if (a->at != b->at)
		return compare_sizes(a->at, b->at);
	return ends[a->end].by_target ? compare_sizes(a->to, b->to)
				      : compare_sizes(a->from, b->from);
}

static int by_end_and_pair(const void *pa, const void *pb)
{
	const struct bad_pair *a = *(const struct bad_pair *const *)pa;
	const struct bad_pair *b = *(const struct bad_pair *const *)pb;
	int order = by_end(pa, pb);

	if (!order)
		order = compare_sizes(a->from, b->from);
	return order ? order : compare_sizes(a->to, b->to);
}

static int by_line(const void *pa, const void *pb)
{
	const struct cause *a = *(const struct cause *const *)pa;
	const struct cause *b = *(const struct cause *const *)pb;
	int order = compare_sizes(a->iface, b->iface);

	if (!order)
		order = compare_sizes(a->at.line, b->at.line);
	if (!order)
		order = (a->end > b->end) - (a->end < b->end);
	return order;
}

static int by_line_and_pair(const void *pa, const void *pb)
{
	const struct cause *a = *(const struct cause *const *)pa;
	const struct cause *b = *(const struct cause *const *)pb;
	int order = by_line(pa, pb);

	if (!order)
		order = compare_sizes(a->example->from, b->example->from);
	return order ? order : compare_sizes(a->example->to, b->example->to);
}

/* " (5 pairs: D to B, E to B, D to A)" of the groups of one cause. */
static const char *list_pairs(struct check *k, struct cause *const *causes, size_t n)
{
	const char *text = "";
	size_t total = 0, shown = 0;

	for (size_t i = 0; i < n; i++)
		total += causes[i]->npairs;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < causes[i]->npairs && shown < EXAMPLES; j++)
			text = arena_printf(k->arena, "%s%s%s to %s", text, shown++ ? ", " : "",
					    check_node_name(k, causes[i]->pairs[j]->from),
					    check_node_name(k, causes[i]->pairs[j]->to));
	if (k->reach->nwanted > k->reach->nbad)
		return arena_printf(k->arena, " (at least %zu pairs: %s)", total, text);
	if (total > 1)
		return arena_printf(k->arena, " (%zu pairs: %s)", total, text);
	return arena_printf(k->arena, " (%s)", text);
}

/* Takes the groups of one line together. */
static void report_causes(struct check *k, struct cause **causes, size_t n)
{
	size_t run;

	qsort(causes, n, sizeof(*causes), by_line_and_pair);
	for (size_t i = 0; i < n; i += run) {
		for (run = 1; i + run < n && !by_line(&causes[i], &causes[i + run]); run++)
			causes[i]->leaves |= causes[i + run]->leaves;
		ends[causes[i]->end].report(k, causes[i], list_pairs(k, causes + i, run));
	}
}

static struct cause *new_cause(struct check *k, const struct bad_pair *const *pairs, size_t n)
{
	struct cause *c = arena_alloc(k->arena, sizeof(*c));

	c->end = pairs[0]->end;
	c->example = pairs[0];
	c->pairs = pairs;
	c->npairs = n;
	c->iface = k->m->nodes[pairs[0]->at].ifaces[0];
	if (c->example->source.family)
		routes_trace(k->r, &c->way, c->example->from, c->example->source,
			     c->example->target);
	ends[c->end].find(k, c);
	return c;
}

void check_pairs(struct check *k)
{
	const struct reach *reach = k->reach;
	const struct bad_pair **pairs = arena_alloc(k->arena,
						    (reach->nbad + 1) * sizeof(struct bad_pair *));
	struct cause **causes = arena_alloc(k->arena, (reach->nbad + 1) * sizeof(struct cause *));
	size_t n = 0, ncauses = 0, run;

	for (size_t i = 0; i < reach->nbad; i++)
		if (reach->bad[i].is_wanted && ends[reach->bad[i].end].find)
			pairs[n++] = &reach->bad[i];
	qsort(pairs, n, sizeof(struct bad_pair *), by_end_and_pair);
	for (size_t i = 0; i < n; i += run) {
		struct cause *c;

		for (run = 1; i + run < n && !by_end(&pairs[i], &pairs[i + run]);)
			run++;
		c = new_cause(k, pairs + i, run);
		if (!is_explained(k, c))
			causes[ncauses++] = c;
	}
	report_causes(k, causes, ncauses);
}
