/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/ruleset_model.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

/* --- what readers add --- */

struct ruleset_chain *ruleset_add_chain(struct ruleset *rs, enum fw_medium medium, uint8_t family,
					const char *table, const char *name)
{
	struct ruleset_chain *chain = arena_alloc(rs->arena, sizeof(*chain));

	*chain = (struct ruleset_chain){
		.index = rs->nchains,
		.medium = medium,
		.family = family,
		.table = table,
		.name = name,
		.hook = -1,
	};
	*ARENA_PUSH(rs->arena, rs->chains, rs->nchains, rs->chains_capacity) = chain;
	return chain;
}

void ruleset_add_rule(struct ruleset *rs, struct ruleset_chain *chain,
		      const struct ruleset_step *steps, size_t n)
{
	struct ruleset_step *copy = arena_alloc(rs->arena, n * sizeof(*copy));

	if (n)
		memcpy(copy, steps, n * sizeof(*copy));
	*ARENA_PUSH(rs->arena, chain->rules, chain->n,
		    chain->capacity) = (struct ruleset_rule){ copy, n };
}

bool ruleset_set_has_intervals(const struct ruleset_set *s)
{
	return s->flags & NFT_SET_INTERVAL && s->nfields < 2;
}

static int compare_chains(const void *a, const void *b)
{
	const struct ruleset_chain *x = *(struct ruleset_chain *const *)a;
	const struct ruleset_chain *y = *(struct ruleset_chain *const *)b;
	int order = x->family - y->family;

	order = order ? order : strcmp(x->table, y->table);
	return order ? order : strcmp(x->name, y->name);
}

void ruleset_index_chains(struct ruleset_index *index, const struct ruleset *rs, size_t first)
{
	size_t size = (rs->nchains - first) * sizeof(struct ruleset_chain *);

	index->n = rs->nchains - first;
	if (!index->n)
		return;
	index->v = arena_alloc(rs->arena, size);
	memcpy(index->v, rs->chains + first, size);
	qsort(index->v, index->n, sizeof(struct ruleset_chain *), compare_chains);
}

struct ruleset_chain *ruleset_find_chain(const struct ruleset_index *index, uint8_t family,
					 const char *table, const char *name)
{
	struct ruleset_chain key = { .family = family, .table = table, .name = name };
	const struct ruleset_chain *wanted = &key;
	struct ruleset_chain **found;

	if (!index->n)
		return NULL;
	found = bsearch(&wanted, index->v, index->n, sizeof(struct ruleset_chain *),
			compare_chains);
	return found ? *found : NULL;
}

/* --- the whole --- */

int ruleset_read(struct ruleset *out, struct arena *a, struct diag *d)
{
	int err;

	*out = (struct ruleset){ .arena = a };
	err = ruleset_read_legacy(out, d);
	if (!err)
		err = ruleset_read_nft(out, d);
	if (!err)
		ruleset_name_owners(out);
	return err;
}

bool ruleset_has_chain(const struct ruleset *rs, enum fw_medium medium, uint8_t family,
		       const char *table, const char *chain)
{
	for (size_t i = 0; i < rs->nchains; i++) {
		const struct ruleset_chain *c = rs->chains[i];

		if (c->medium == medium && c->family == family && !strcmp(c->name, chain) &&
		    !strcmp(c->table, table))
			return true;
	}
	return false;
}

bool ruleset_has_firewalld(const struct ruleset *rs)
{
	for (size_t i = 0; i < rs->nchains; i++)
		if (rs->chains[i]->owner == OWNER_FIREWALLD)
			return true;
	return false;
}
