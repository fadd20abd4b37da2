/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "wgq/base/log.h"
#include "wgq/cmd/meshes.h"
#include "wgq/mesh/json.h"

/* There and back, for each family. */
struct ways {
	struct query queries[4];
	struct way ways[4];
	size_t n;
};

static void add_way(struct ways *w, const struct routes *r, const struct query *q)
{
	w->queries[w->n] = *q;
	routes_trace(r, &w->ways[w->n], q->from, q->source, q->target);
	w->n++;
}

static bool all_arrive(const struct ways *w, const struct queries *asked)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->ways[i].end != WAY_ARRIVES)
			return false;
	return w->n == 2 * asked->n;
}

static int print(struct meshes *ms, const struct invocation *in, const struct ways *w)
{
	if (in->json)
		return json_trace(stdout, &ms->arena, &ms->mesh, w->queries, w->ways, w->n);
	for (size_t i = 0; i < w->n && !in->quiet; i++)
		trace_print(stdout, &ms->arena, &ms->mesh, &w->queries[i], &w->ways[i]);
	return 0;
}

static int trace(struct meshes *ms, const struct invocation *in, const char *from, const char *to)
{
	struct ways w = { .n = 0 };
	struct queries asked;
	struct query back;
	struct diag d;

	meshes_complain(ms);
	if (queries_make(&asked, &ms->mesh, ms->routes, from, to, &d)) {
		log_error("%s", d.text);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < asked.n; i++) {
		add_way(&w, ms->routes, &asked.v[i]);
		back = query_back(&asked.v[i], &w.ways[w.n - 1]);
		if (back.from != MESH_NONE)
			add_way(&w, ms->routes, &back);
	}
	if (print(ms, in, &w))
		return EXIT_FAILED;
	return all_arrive(&w, &asked) ? EXIT_DONE : EXIT_FAILED;
}

int cmd_trace(const struct invocation *in)
{
	size_t n = in->nwords - 2;
	struct meshes ms;
	int status = meshes_open(&ms, in->words, n);

	if (!status)
		status = meshes_flush(trace(&ms, in, in->words[n], in->words[n + 1]));
	meshes_close(&ms);
	return status;
}
