/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which interfaces are of one host, and what the host is called. */
#include "wgq/mesh/mesh_part.h"

/* Where a node's name comes from, in the order of preference. */
enum name_source { BY_NAME, BY_COMMENT, BY_STEM, BY_FOLDER, BY_PATH };

/* After so many rounds of equal names, paths. */
enum { ROUNDS_MAX = 16 };

struct named {
	const char *name;
	enum name_source source;
	size_t node;
};

struct mark {
	const char *text;
	size_t iface;
};

static int compare_marks(const void *pa, const void *pb)
{
	const struct mark *a = pa, *b = pb;
	int order = strcmp(a->text, b->text);

	return order ? order : (a->iface > b->iface) - (a->iface < b->iface);
}

static void sort_marks(struct mark *v, size_t n)
{
	if (n)
		qsort(v, n, sizeof(*v), compare_marks);
}

/* --- grouping --- */

/* The first interface of i's host, as far as it is known. */
static size_t find_first(size_t *first, size_t i)
{
	while (first[i] != i) {
		first[i] = first[first[i]];
		i = first[i];
	}
	return i;
}

/* Interfaces with equal marks are of one host. */
static void join_equal(size_t *first, struct mark *marks, size_t n)
{
	sort_marks(marks, n);
	for (size_t i = 1; i < n; i++) {
		size_t a, b;

		if (strcmp(marks[i - 1].text, marks[i].text) != 0)
			continue;
		a = find_first(first, marks[i - 1].iface);
		b = find_first(first, marks[i].iface);
		first[a > b ? a : b] = a > b ? b : a;
	}
}

static size_t *group(const struct mesh *m, const struct mesh_files *files, struct arena *a)
{
	size_t *first = arena_alloc(a, m->nifaces * sizeof(*first)), nfolders = 0, nnames = 0;
	struct mark *folders = arena_alloc(a, m->nifaces * sizeof(*folders));
	struct mark *names = arena_alloc(a, m->nifaces * sizeof(*names));

	for (size_t i = 0; i < m->nifaces; i++) {
		const struct notes *notes = &m->ifaces[i].notes;

		first[i] = i;
		if (files->v[i].folder)
			folders[nfolders++] = (struct mark){ files->v[i].folder, i };
		if (notes->name.text && !notes->name_is_comment)
			names[nnames++] = (struct mark){ notes->name.text, i };
	}
	join_equal(first, folders, nfolders);
	join_equal(first, names, nnames);
	return first;
}

static void add_iface(struct mesh *m, size_t node, size_t i)
{
	struct mesh_node *n = &m->nodes[node];
	struct mesh_iface *iface = &m->ifaces[i];

	iface->node = node;
	*ARENA_PUSH(m->arena, n->ifaces, n->nifaces, n->ifaces_capacity) = i;
	if (!n->site)
		n->site = iface->notes.site.text;
}

/* --- names --- */

struct str mesh_stem(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t n = strlen(base), suffix = strlen(".conf");

	if (n > suffix && !strcmp(base + n - suffix, ".conf"))
		n -= suffix;
	return (struct str){ base, n };
}

/* The last name of the file's folder; empty where the path does not say it. */
static struct str folder_name(const char *path)
{
	const char *end = strrchr(path, '/');
	struct str name = { path, 0 };

	while (end && end > path && end[-1] == '/')
		end--;
	if (!end)
		return name;
	for (name.p = end; name.p > path && name.p[-1] != '/';)
		name.p--;
	name.n = (size_t)(end - name.p);
	if (name.n && name.n == strspn(name.p, ".")) /* "." and "..", which say nothing */
		name.n = 0;
	return name;
}

static const char *copy(struct arena *a, struct str s)
{
	return s.n ? arena_strndup(a, s.p, s.n) : NULL;
}

static bool stems_differ(const struct mesh *m, struct arena *a)
{
	struct mark *stems = arena_alloc(a, m->nifaces * sizeof(*stems));
	bool differ = true;

	for (size_t i = 0; i < m->nifaces; i++) {
		struct str stem = mesh_stem(m->ifaces[i].file);

		stems[i] = (struct mark){ arena_strndup(a, stem.p, stem.n), i };
	}
	sort_marks(stems, m->nifaces);
	for (size_t i = 1; i < m->nifaces; i++)
		differ &= strcmp(stems[i - 1].text, stems[i].text) != 0;
	return differ;
}

/* What the first of the node's interfaces that has one says. */
static const char *noted_name(const struct mesh *m, const struct mesh_node *node, bool is_comment)
{
	for (size_t i = 0; i < node->nifaces; i++) {
		const struct notes *notes = &m->ifaces[node->ifaces[i]].notes;

		if (notes->name.text && notes->name_is_comment == is_comment)
			return notes->name.text;
	}
	return NULL;
}

/* The name that the node has from there; NULL: none. Several files have no one stem. */
static const char *name_from(const struct mesh *m, size_t i, enum name_source source,
			     bool has_stems)
{
	const struct mesh_node *node = &m->nodes[i];
	const char *path = m->ifaces[node->ifaces[0]].file;

	switch (source) {
	case BY_NAME:
	case BY_COMMENT:
		return noted_name(m, node, source == BY_COMMENT);
	case BY_STEM:
		return has_stems && node->nifaces == 1 ? copy(m->arena, mesh_stem(path)) : NULL;
	case BY_FOLDER:
		return copy(m->arena, folder_name(path));
	case BY_PATH:
		break;
	}
	return path;
}

/* Goes on from where source is to the next that gives a name. */
static void settle(const struct mesh *m, struct named *named, bool has_stems)
{
	while (!(named->name = name_from(m, named->node, named->source, has_stems)))
		named->source++;
}

static int compare_named(const void *pa, const void *pb)
{
	const struct named *a = pa, *b = pb;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->node > b->node) - (a->node < b->node);
}

/* n nodes of one name: those that "# Name =" does not call so have another; paths differ, so that
 * who is called like another's path gives way to it. */
static void part_equals(const struct mesh *m, struct named *v, size_t n, bool has_stems,
			enum name_source next)
{
	bool others = false;

	for (size_t i = 0; i < n; i++)
		others |= v[i].source != BY_NAME && v[i].source != BY_PATH;
	for (size_t i = 0; i < n; i++) {
		if (v[i].source == BY_PATH || (others && v[i].source == BY_NAME))
			continue;
		v[i].source = v[i].source + 1 > next ? v[i].source + 1 : next;
		settle(m, &v[i], has_stems);
	}
}

static bool part_round(const struct mesh *m, struct named *v, bool has_stems, enum name_source next)
{
	bool parted = false;
	size_t run;

	qsort(v, m->nnodes, sizeof(*v), compare_named);
	for (size_t i = 0; i < m->nnodes; i += run) {
		for (run = 1; i + run < m->nnodes && !strcmp(v[i].name, v[i + run].name);)
			run++;
		if (run == 1)
			continue;
		part_equals(m, &v[i], run, has_stems, next);
		parted = true;
	}
	return parted;
}

static void name_nodes(struct mesh *m, struct arena *a)
{
	struct named *v = arena_alloc(a, m->nnodes * sizeof(*v));
	bool has_stems = stems_differ(m, a);
	size_t round = 0;

	for (size_t i = 0; i < m->nnodes; i++) {
		v[i] = (struct named){ .node = i };
		settle(m, &v[i], has_stems);
	}
	while (part_round(m, v, has_stems, round < ROUNDS_MAX ? BY_NAME : BY_PATH))
		round++;
	for (size_t i = 0; i < m->nnodes; i++)
		m->nodes[v[i].node].name = v[i].name;
}

void mesh_make_nodes(struct mesh *m, const struct mesh_files *files)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	size_t *first = group(m, files, &scratch);

	for (size_t i = 0; i < m->nifaces; i++) {
		size_t head = find_first(first, i);

		if (head == i)
			(void)ARENA_PUSH(m->arena, m->nodes, m->nnodes, m->nodes_capacity);
		add_iface(m, head == i ? m->nnodes - 1 : m->ifaces[head].node, i);
	}
	name_nodes(m, &scratch);
}
