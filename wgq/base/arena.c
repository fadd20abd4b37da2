/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/arena.h"

#include <stdalign.h>

enum { BLOCK_MIN = 16 * 1024 };

struct arena_block {
	struct arena_block *next;
	size_t size;
	alignas(max_align_t) char data[];
};

void arena_init(struct arena *a)
{
	*a = (struct arena){ 0 };
}

void arena_fini(struct arena *a)
{
	struct arena_block *next;

	for (struct arena_block *b = a->head; b; b = next) {
		next = b->next;
		explicit_bzero(b->data, b == a->head ? a->used : b->size);
		free(b);
	}
	arena_init(a);
}

static size_t round_up(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

static void add_block(struct arena *a, size_t size)
{
	size_t room = size > BLOCK_MIN ? size : BLOCK_MIN;
	struct arena_block *b = calloc(1, sizeof(*b) + room);

	if (!b) {
		fputs("wgq: out of memory\n", stderr);
		exit(1);
	}
	b->size = room;
	b->next = a->head;
	if (a->head)
		a->head->size = a->used;
	a->head = b;
	a->used = 0;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size = round_up(size);
	if (!a->head || a->head->size - a->used < size)
		add_block(a, size);
	a->last = a->head->data + a->used;
	a->used += size;
	return a->last;
}

void *arena_grow(struct arena *a, void *old, size_t *capacity, size_t size)
{
	size_t had = *capacity * size;
	size_t wants = *capacity ? 2 * had : 4 * size;
	size_t more = round_up(wants) - round_up(had);
	void *p;

	*capacity = wants / size;
	if (old && old == a->last && a->head->size - a->used >= more) {
		a->used += more;
		return old;
	}
	p = arena_alloc(a, wants);
	if (had)
		memcpy(p, old, had);
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	memcpy(copy, s, n);
	return copy;
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return arena_strndup(a, "", 0);
	text = arena_alloc(a, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return text;
}
