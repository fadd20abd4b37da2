/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iptables-nft(8) makes in nf_tables: its base chains, and rules of its words. */
#ifndef WGQ_HOOKS_IPTNFT_RULES_H
#define WGQ_HOOKS_IPTNFT_RULES_H

#include "hooks/nft_batch.h"
#include "hooks/xt.h"

/* The tables of iptables. */
enum { IPTNFT_TABLES = 5 };
extern const char *const iptnft_tables[IPTNFT_TABLES];

/* The base chains that rules of ours go to. */
enum { IPTNFT_CHAINS = 6 };
extern const struct nft_chain iptnft_chains[IPTNFT_CHAINS];

/* The comment of tables and chains that were missing before. */
#define IPTNFT_MADE_BY "made by wgq"

/* How many messages iptnft_add() adds at most. */
size_t iptnft_messages(size_t nrules);

/*
 * Adds n rules, which are compiled first where that takes libxtables, at the heads of their chains
 * in this order, and before them the tables and base chains that they need. The strings of the
 * rules outlive the batch. Returns 0 or a negative errno recorded in d.
 */
int iptnft_add(struct nft_batch *b, struct xt_rule *rules, size_t n, const char *comment,
	       struct diag *d);

#endif
