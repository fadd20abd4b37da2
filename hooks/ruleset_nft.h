/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between ruleset_nft.c, which reads what nf_tables hold, and ruleset_expr.c, which reads the
 * expressions of rules. */
#ifndef WGQ_HOOKS_RULESET_NFT_H
#define WGQ_HOOKS_RULESET_NFT_H

#include "hooks/ruleset_model.h"
#include "wgq/kernel/nl.h"

struct nft_table {
	uint8_t family;
	const char *name;
};

struct nft_reader {
	struct ruleset *rs;
	struct nl nl;
	size_t chains_before; /* of rs, which are not nf_tables' */
	struct nft_table *dormant;
	size_t ndormant, dormant_capacity;
	struct ruleset_index index;
	struct ruleset_set **sets;
	size_t nsets, sets_capacity;
	struct ruleset_chain *chain; /* whose rules the dump is at */
	struct ruleset_set *set;     /* whose elements the dump is at */
};

/* NULL: none. */
const struct ruleset_set *nft_find_set(const struct nft_reader *r, uint8_t family,
				       const char *table, const char *name);

/* Appends the rule of these expressions (NULL: none) to r->chain. Returns 0 or -EBADMSG. */
int nft_read_rule(struct nft_reader *r, const struct nlattr *expressions);

/* Reads an NFTA_DATA_VERDICT of this table. Returns 0 or -EBADMSG. */
int nft_read_verdict(const struct nft_reader *r, uint8_t family, const char *table,
		     const struct nlattr *attr, int *verdict, const struct ruleset_chain **chain);

/* Is there an expression among those of an element (NULL: none) that can say no? */
bool nft_says_no(const struct nlattr *expression, const struct nlattr *list);

#endif
