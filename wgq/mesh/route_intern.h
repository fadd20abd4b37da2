/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers for strings of bytes: equal ones get equal numbers, 0 up. Pure. */
#ifndef WGQ_MESH_ROUTE_INTERN_H
#define WGQ_MESH_ROUTE_INTERN_H

#include "wgq/base/arena.h"

/* A string being put together. */
struct bytes {
	struct arena *arena;
	uint8_t *v;
	size_t n, capacity;
};

void bytes_put(struct bytes *b, const void *p, size_t n);

struct intern_item {
	uint64_t hash;
	const char *v;
	size_t n;
};

struct intern {
	struct arena *arena;
	struct intern_item *items;
	size_t n, capacity;
	uint32_t *slots; /* one more than an item's number; 0: free */
	size_t nslots;
};

/* The number of b; a new one is what in->n was before. */
uint32_t intern(struct intern *in, const struct bytes *b);

#endif
