/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route_part.h"

static void add_bad(struct reach *out, const struct routes *r, const struct bad_pair *bad,
		    size_t limit)
{
	if (out->nbad < limit)
		*ARENA_PUSH(r->mesh->arena, out->bad, out->nbad, out->bad_capacity) = *bad;
}

void routes_reach(const struct routes *r, struct reach *out, size_t limit)
{
	size_t n = r->mesh->nnodes;

	*out = (struct reach){ .pairs = n ? n * (n - 1) : 0 };
	for (int wanted = 1; wanted >= 0; wanted--) {
		for (size_t i = 0; i < n * n; i++) {
			struct bad_pair bad;
			struct way way;

			if (i / n == i % n)
				continue;
			if (route_judge(r, &bad, i / n, i % n, &way)) {
				out->reachable += wanted;
				continue;
			}
			bad.is_wanted = bad.is_wanted || routes_pair(r, i % n, i / n, &way);
			out->nwanted += wanted && bad.is_wanted;
			if (bad.is_wanted == wanted)
				add_bad(out, r, &bad, limit);
		}
	}
	out->truncated = out->nbad < out->pairs - out->reachable;
}
