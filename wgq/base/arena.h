/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One arena per command holds what lives as long as the command: configuration, desired and current
 * state, plan. Nothing in it is freed one by one; everything is wiped and freed at once, because
 * keys live in it.
 */
#ifndef WGQ_BASE_ARENA_H
#define WGQ_BASE_ARENA_H

#include <stdarg.h>

#include "wgq/base/util.h"

struct arena_block;

struct arena {
	struct arena_block *head;
	size_t used; /* bytes used in head */
	void *last;  /* the youngest allocation, which arena_grow may extend in place */
};

/* An empty arena; `struct arena a CLEANUP(arena_fini) = {0};` is the same. */
void arena_init(struct arena *a);

/* Wipes every block (explicit_bzero) and frees it. The arena is empty and usable afterwards. */
void arena_fini(struct arena *a);

/*
 * Returns size zeroed bytes, aligned for any type, that live until arena_fini(). Never fails: a
 * process that cannot have some kilobytes ends with a message, which is why all allocation is done
 * before the first change to the host.
 */
void *arena_alloc(struct arena *a, size_t size);

/* Room for one more element of an array that doubles as it grows: a, the array, its count, its
 * capacity. */
#define ARENA_PUSH(a, array, count, capacity)                                                      \
	((array) = (count) < (capacity) ? (array)                                                  \
					: arena_grow((a), (array), &(capacity), sizeof(*(array))), \
	 &(array)[(count)++])

/* Returns a copy of old with *capacity (elements of size bytes) doubled, at least 4; *capacity is
 * updated. */
void *arena_grow(struct arena *a, void *old, size_t *capacity, size_t size);

/* Copies n bytes and adds a NUL. */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF(2, 0);

#endif
