/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every ordered pair of a mesh that is small enough to be shown pair by pair. Pure. */
#ifndef WGQ_MESH_PAIRS_H
#define WGQ_MESH_PAIRS_H

#include "wgq/mesh/route.h"

/* Up to so many nodes every pair is shown; beyond, at most so many that do not work. */
enum { PAIRS_NODES = 64, PAIRS_BAD = 1000 };

struct pair {
	bool ok;
	const struct bad_pair *bad; /* NULL where ok */
	const size_t *path;         /* nodes, the sender first; where it fails, up to there */
	size_t n;
};

/* What routes_reach() is to be asked for as its limit. */
size_t pairs_limit(const struct mesh *m);

/* nnodes * nnodes of them, [from * nnodes + to]; NULL where the mesh has more than PAIRS_NODES. */
struct pair *pairs_new(struct arena *a, const struct mesh *m, const struct routes *r,
		       const struct reach *reach);

/* One that does not work, with its way. */
struct pair pairs_bad(struct arena *a, const struct routes *r, const struct bad_pair *bad);

/* The code for what ends a way; not for WAY_ARRIVES. */
enum finding_code pairs_finding(enum way_end end);

/* Its stable name; NULL: it arrives. */
const char *pairs_code(enum way_end end);

#endif
