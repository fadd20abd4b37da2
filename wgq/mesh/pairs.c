/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/pairs.h"

size_t pairs_limit(const struct mesh *m)
{
	return m->nnodes <= PAIRS_NODES ? (size_t)PAIRS_NODES * PAIRS_NODES : PAIRS_BAD;
}

static const size_t *copy_path(struct arena *a, const struct way *way)
{
	size_t *path = arena_alloc(a, way->n * sizeof(*path));

	for (size_t i = 0; i < way->n; i++)
		path[i] = way->hops[i].node;
	return path;
}

struct pair pairs_bad(struct arena *a, const struct routes *r, const struct bad_pair *bad)
{
	struct pair pair = { .bad = bad, .path = &bad->from, .n = 1 };
	struct way way = { 0 };

	if (!bad->source.family || !bad->target.family)
		return pair;
	routes_trace(r, &way, bad->from, bad->source, bad->target);
	pair.path = copy_path(a, &way);
	pair.n = way.n;
	return pair;
}

struct pair *pairs_new(struct arena *a, const struct mesh *m, const struct routes *r,
		       const struct reach *reach)
{
	size_t n = m->nnodes;
	struct pair *pairs;
	struct way way;

	if (n > PAIRS_NODES)
		return NULL;
	pairs = arena_alloc(a, n * n * sizeof(*pairs));
	for (size_t i = 0; i < reach->nbad; i++)
		pairs[reach->bad[i].from * n + reach->bad[i].to] = pairs_bad(a, r, &reach->bad[i]);
	for (size_t i = 0; i < n * n; i++) {
		if (pairs[i].bad || i / n == i % n)
			continue;
		pairs[i].ok = routes_pair(r, i / n, i % n, &way);
		pairs[i].path = copy_path(a, &way);
		pairs[i].n = way.n;
	}
	return pairs;
}

enum finding_code pairs_finding(enum way_end end)
{
	static const enum finding_code codes[] = {
		[WAY_NO_ROUTE] = FINDING_NO_ROUTE,
		[WAY_STRANGER] = FINDING_NO_ROUTE,
		[WAY_SOURCE_FILTERED] = FINDING_SOURCE_FILTERED,
		[WAY_NOT_MUTUAL] = FINDING_ONE_SIDED_PEER,
		[WAY_NO_INITIATOR] = FINDING_NO_INITIATOR,
		[WAY_LOOP] = FINDING_ROUTING_LOOP,
		[WAY_NOT_FORWARDED] = FINDING_RELAY_NOT_FORWARDING,
		[WAY_GUARDED] = FINDING_SOURCE_FILTERED,
	};

	return codes[end];
}

const char *pairs_code(enum way_end end)
{
	return end == WAY_ARRIVES ? NULL : finding_code_name(pairs_finding(end));
}
