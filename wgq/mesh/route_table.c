/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route_table.h"

bool table_covers(const struct prefix *outer, const struct prefix *inner)
{
	size_t whole = outer->len / 8;
	unsigned rest = outer->len % 8;

	if (outer->family != inner->family || outer->len > inner->len ||
	    memcmp(outer->addr, inner->addr, whole) != 0)
		return false;
	return !rest || (outer->addr[whole] ^ inner->addr[whole]) >> (8 - rest) == 0;
}

static int compare_rows(const void *pa, const void *pb)
{
	const struct table_row *a = pa, *b = pb;
	int order = prefix_compare(&a->prefix, &b->prefix);

	return order ? order : (a->value > b->value) - (a->value < b->value);
}

void table_sort(struct table_row *rows, size_t n)
{
	/* files made from a template are in order already */
	for (size_t i = 1; i < n; i++) {
		if (compare_rows(&rows[i - 1], &rows[i]) > 0) {
			qsort(rows, n, sizeof(*rows), compare_rows);
			return;
		}
	}
}

void table_init(struct table *t, struct table_row *rows, size_t n)
{
	*t = (struct table){ rows, n };
	for (size_t i = 0; i < n; i++) {
		uint32_t up = i ? (uint32_t)i - 1 : TABLE_TOP;

		while (up != TABLE_TOP && !table_covers(&rows[up].prefix, &rows[i].prefix))
			up = rows[up].up;
		rows[i].up = up;
	}
}

/* The number of rows up to p, itself included. */
static size_t count_up_to(const struct table *t, const struct prefix *p)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&t->rows[middle].prefix, p) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct table_row *table_find(const struct table *t, const struct prefix *addr)
{
	size_t n = count_up_to(t, addr);
	uint32_t at = n ? (uint32_t)n - 1 : TABLE_TOP;

	while (at != TABLE_TOP && !table_covers(&t->rows[at].prefix, addr))
		at = t->rows[at].up;
	return at == TABLE_TOP ? NULL : &t->rows[at];
}

const struct table_row *table_find_row(const struct table *t, const struct prefix *p)
{
	size_t n = count_up_to(t, p);

	return n && !prefix_compare(&t->rows[n - 1].prefix, p) ? &t->rows[n - 1] : NULL;
}
