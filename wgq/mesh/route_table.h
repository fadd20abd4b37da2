/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prefixes with a value each, asked for the longest that holds an address. Pure. */
#ifndef WGQ_MESH_ROUTE_TABLE_H
#define WGQ_MESH_ROUTE_TABLE_H

#include "wgq/base/addr.h"
#include "wgq/base/arena.h"

struct table_row {
	struct prefix prefix;
	uint32_t value;
	uint32_t up; /* the row of the longest prefix that holds this one; TABLE_TOP: none */
};

#define TABLE_TOP UINT32_MAX

struct table {
	struct table_row *rows; /* sorted (prefix_compare()), each prefix once */
	size_t n;
};

/* Sorts rows by prefix, then value. */
void table_sort(struct table_row *rows, size_t n);

/* Takes rows, sorted and each prefix once, as the table's own. */
void table_init(struct table *t, struct table_row *rows, size_t n);

/* The row with the longest prefix that holds the full-length address; NULL: none. */
const struct table_row *table_find(const struct table *t, const struct prefix *addr);

/* The row of that very prefix; NULL: none. */
const struct table_row *table_find_row(const struct table *t, const struct prefix *p);

/* prefix_contains() for a masked outer, where it is asked millions of times. */
bool table_covers(const struct prefix *outer, const struct prefix *inner);

#endif
