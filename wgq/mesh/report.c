/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/report.h"

struct ranked_file {
	const char *name;
	size_t rank;
};

struct ranked {
	size_t rank, index;
	const struct finding *finding;
};

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct ranked_file *)a)->name, ((const struct ranked_file *)b)->name);
}

static int compare_numbers(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_ranked(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;
	int order = compare_numbers(a->rank, b->rank);

	if (!order)
		order = compare_numbers(a->finding->at.line, b->finding->at.line);
	if (!order)
		order = compare_numbers(a->finding->at.column, b->finding->at.column);
	return order ? order : compare_numbers(a->index, b->index);
}

static struct ranked_file *sort_files(struct arena *a, const struct mesh *m)
{
	struct ranked_file *files = arena_alloc(a, (m->nifaces + 1) * sizeof(*files));

	for (size_t i = 0; i < m->nifaces; i++)
		files[i] = (struct ranked_file){ m->ifaces[i].file, i };
	if (m->nifaces)
		qsort(files, m->nifaces, sizeof(*files), compare_files);
	return files;
}

static size_t rank_of(const struct ranked_file *files, size_t n, const char *name)
{
	struct ranked_file key = { .name = name };
	const struct ranked_file *found = name && n ? bsearch(&key, files, n, sizeof(*files),
							      compare_files)
						    : NULL;

	return found ? found->rank : n;
}

void report_sort(struct findings *f, const struct mesh *m)
{
	const struct ranked_file *files = sort_files(f->arena, m);
	struct ranked *order = arena_alloc(f->arena, (f->n + 1) * sizeof(*order));
	struct finding *sorted = arena_alloc(f->arena, (f->n + 1) * sizeof(*sorted));

	for (size_t i = 0; i < f->n; i++)
		order[i] = (struct ranked){ rank_of(files, m->nifaces, f->v[i].at.file), i,
					    &f->v[i] };
	if (f->n)
		qsort(order, f->n, sizeof(*order), compare_ranked);
	for (size_t i = 0; i < f->n; i++)
		sorted[i] = *order[i].finding;
	f->v = sorted;
	f->capacity = f->n + 1;
}

struct findings report_select(const struct findings *f, enum severity least)
{
	struct findings selected = { .arena = f->arena };

	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].severity >= least)
			*ARENA_PUSH(f->arena, selected.v, selected.n, selected.capacity) = f->v[i];
	return selected;
}

static void put_count(FILE *out, const char *before, size_t n, const char *what)
{
	fprintf(out, "%s%zu %s%s", before, n, what, n == 1 ? "" : "s");
}

void report_summary(FILE *out, const struct findings *f, const struct mesh *m,
		    const struct reach *reach)
{
	if (m) {
		put_count(out, "", m->nnodes, "node");
		put_count(out, ", ", reach->pairs, "pair");
		fprintf(out, ", %zu reachable", reach->reachable);
	}
	put_count(out, m ? "; " : "", findings_count(f, SEV_ERROR), "error");
	put_count(out, ", ", findings_count(f, SEV_WARNING), "warning");
	fputc('\n', out);
}
