/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the rules of a comment among those of iptables-nft(8), wherever they are by now, and writes
 * the messages that delete them. These hold for one generation of the ruleset, whose number the
 * transaction carries: if another came between, the kernel refuses it with ERESTART. Works in
 * memory that was there before.
 */
#ifndef WGQ_HOOKS_IPTNFT_FIND_H
#define WGQ_HOOKS_IPTNFT_FIND_H

#include "hooks/iptnft_rules.h"
#include "wgq/kernel/nl.h"

enum { IPTNFT_ROOM = 32 * 1024 };

/* The first four are the caller's to fill. */
struct iptnft_search {
	uint8_t family;
	const char *comment;
	uint32_t seq; /* of every message */
	char *room;   /* IPTNFT_ROOM bytes, for the messages */
	size_t used;  /* bytes of it */
	size_t empty; /* with the begin only */
	size_t begun; /* before what is being read */
	size_t found; /* rules whose deletion is written */
	bool more;    /* there are others, for which there was no room */
	size_t by_chain[IPTNFT_CHAINS];
	size_t chains_by_table[IPTNFT_TABLES]; /* whose deletion is written */
};

/* Writes the begin of a transaction and the deletion of each rule of the comment. Returns 0 or a
 * negative errno recorded in d. */
int iptnft_find(struct iptnft_search *s, struct nl *nl, struct diag *d);

/* Writes, after that, the deletion of chains and tables that are marked as made by wgq, if nothing
 * but what is deleted was in them and the policy is accept. Returns 0 or a negative errno recorded
 * in d. */
int iptnft_tidy(struct iptnft_search *s, struct nl *nl, struct diag *d);

/* Writes the end of the transaction. */
void iptnft_end(struct iptnft_search *s);

#endif
