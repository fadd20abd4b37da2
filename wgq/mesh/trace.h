/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a packet in words: each hop with the rule that carried it, or ended it. Pure. */
#ifndef WGQ_MESH_TRACE_H
#define WGQ_MESH_TRACE_H

#include "wgq/mesh/route.h"

/* A packet that is asked about. */
struct query {
	size_t from, to; /* nodes; to MESH_NONE: no node has the target's address */
	struct prefix source, target;
};

/* Of two names: one for each family that both have. */
struct queries {
	struct query v[2];
	size_t n;
};

/*
 * What FROM and TO mean: names of nodes, or addresses. FROM's must be a node's, TO's may be in a
 * network behind one. Returns 0, or -EINVAL or -ENOENT recorded in d: nobody is called that, or the
 * two have no family in common.
 */
int queries_make(struct queries *q, const struct mesh *m, const struct routes *r, const char *from,
		 const char *to, struct diag *d);

/* The packet that answers, from where the first one arrived; from is MESH_NONE if it did not. */
struct query query_back(const struct query *q, const struct way *way);

struct trace_step {
	const char *what;               /* a clause, escaped: "A sends it to C" */
	const struct mesh_iface *iface; /* whose file has the rule */
	struct span at;                 /* the rule; line 0: none */
};

struct trace {
	struct trace_step *v; /* the last one says how it ends */
	size_t n, capacity;
};

/* way is routes_trace()'s answer to q. */
void trace_make(struct trace *t, struct arena *a, const struct mesh *m, const struct query *q,
		const struct way *way);

/* The text of a rule, as it stands in the file: "AllowedIPs = 10.0.0.0/16". */
const char *trace_rule(struct arena *a, const struct trace_step *step);

/* Prints the packet and its steps, one a line. */
void trace_print(FILE *out, struct arena *a, const struct mesh *m, const struct query *q,
		 const struct way *way);

/* A text of unknown origin as it may be shown. */
const char *trace_escape(struct arena *a, const char *s);

#endif
