/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/groups.h"

size_t *groups_new(struct arena *a, size_t n)
{
	size_t *groups = arena_alloc(a, (n + 1) * sizeof(*groups));

	for (size_t i = 0; i < n; i++)
		groups[i] = i;
	return groups;
}

size_t groups_leader(size_t *groups, size_t i)
{
	while (groups[i] != i)
		i = groups[i] = groups[groups[i]];
	return i;
}

void groups_join(size_t *groups, size_t a, size_t b)
{
	a = groups_leader(groups, a);
	b = groups_leader(groups, b);
	groups[a > b ? a : b] = a > b ? b : a;
}
