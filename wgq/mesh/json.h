/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands say, as JSON. Texts are escaped as on a terminal; no line of a file is in it.
 * The only user of jansson. */
#ifndef WGQ_MESH_JSON_H
#define WGQ_MESH_JSON_H

#include "wgq/mesh/picture.h"
#include "wgq/mesh/trace.h"

/* What a check found. */
struct checked {
	struct arena *arena;
	const struct findings *findings;
	const struct mesh *mesh; /* NULL: a host was looked at, and the next three are not read */
	const struct routes *routes;
	const struct reach *reach;
	const struct pair *pairs; /* NULL: too many */
};

/* Each prints one document. Return 0, or -ENOMEM, or -EIO when out cannot be written. */
int json_check(FILE *out, const struct checked *c);
int json_map(FILE *out, const struct picture *p, const struct routes *r);

/* ways[i] is the answer to queries[i]. */
int json_trace(FILE *out, struct arena *a, const struct mesh *m, const struct query *queries,
	       const struct way *ways, size_t n);

#endif
