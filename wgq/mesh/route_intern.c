/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route_intern.h"

void bytes_put(struct bytes *b, const void *p, size_t n)
{
	while (b->capacity < b->n + n)
		b->v = arena_grow(b->arena, b->v, &b->capacity, 1);
	if (n)
		memcpy(b->v + b->n, p, n);
	b->n += n;
}

/* FNV-1a over words, with the high bits folded down: all that is asked of it is speed. */
static uint64_t hash_bytes(const struct bytes *b)
{
	uint64_t hash = 0xcbf29ce484222325, word;

	for (size_t i = 0; i < b->n; i += sizeof(word)) {
		size_t n = b->n - i < sizeof(word) ? b->n - i : sizeof(word);

		word = 0;
		memcpy(&word, b->v + i, n);
		hash = (hash ^ word) * 0x100000001b3;
		hash ^= hash >> 29;
	}
	return hash ^ b->n;
}

static void grow(struct intern *in)
{
	in->nslots = in->nslots ? 2 * in->nslots : 64;
	in->slots = arena_alloc(in->arena, in->nslots * sizeof(*in->slots));
	for (size_t i = 0; i < in->n; i++) {
		size_t at = in->items[i].hash & (in->nslots - 1);

		while (in->slots[at])
			at = (at + 1) & (in->nslots - 1);
		in->slots[at] = (uint32_t)i + 1;
	}
}

uint32_t intern(struct intern *in, const struct bytes *b)
{
	const char *v = b->n ? (const char *)b->v : "";
	uint64_t hash = hash_bytes(b);
	size_t at;

	if (2 * in->n >= in->nslots)
		grow(in);
	for (at = hash & (in->nslots - 1); in->slots[at]; at = (at + 1) & (in->nslots - 1)) {
		const struct intern_item *item = &in->items[in->slots[at] - 1];

		if (item->hash == hash && item->n == b->n && !memcmp(item->v, v, b->n))
			return in->slots[at] - 1;
	}
	in->slots[at] = (uint32_t)in->n + 1;
	*ARENA_PUSH(in->arena, in->items, in->n, in->capacity) =
		(struct intern_item){ hash, arena_strndup(in->arena, v, b->n), b->n };
	return (uint32_t)in->n - 1;
}
