/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of ip_tables and ip6_tables as the kernel holds them, read by getsockopt(2): no lock,
 * no library, nothing is made and no module asked for.
 */
#ifndef WGQ_HOOKS_IPT_READ_H
#define WGQ_HOOKS_IPT_READ_H

#include <net/if.h> /* the C library's headers before the kernel's */
#include <netinet/in.h>

#include <linux/netfilter/x_tables.h>

#include "wgq/base/arena.h"
#include "wgq/base/diag.h"

struct ipt_rule {
	const void *entry; /* struct ipt_entry or ip6t_entry with its matches and its target */
	size_t size;
	/* "ACCEPT", "DROP", "QUEUE", "RETURN", an extension's, of a jump the chain's; "": none, the
	 * next rule follows */
	const char *target;
	bool is_jump, is_goto; /* to a chain; is_goto alone: from there back to our caller */
};

struct ipt_chain {
	const char *table, *name;
	int hook;   /* NF_INET_*; -1: a user's chain */
	int policy; /* NF_ACCEPT, NF_DROP; -1: a user's chain, whose end returns */
	struct ipt_rule *rules;
	size_t nrules, rules_capacity;
	size_t start; /* where its first rule is in the table: what jumps to it name */
};

struct ipt_chains {
	struct ipt_chain *v;
	size_t n, capacity;
};

/*
 * Calls each for every table registered in this namespace, in the kernel's order, until it returns
 * other than 0, and returns that; 0 where the family's module is not loaded. Or a negative errno
 * recorded in d.
 */
int ipt_each_table(uint8_t family, int (*each)(const char *table, void *arg), void *arg,
		   struct diag *d);

/* All chains of all of these tables. Returns 0 or a negative errno recorded in d. */
int ipt_read(struct ipt_chains *out, struct arena *a, uint8_t family, struct diag *d);

/* The entry's target, and its matches one after the other: m NULL gives the first; NULL at the end.
 */
const struct xt_entry_target *ipt_target_of(uint8_t family, const void *entry);
const struct xt_entry_match *ipt_match_after(uint8_t family, const void *entry,
					     const struct xt_entry_match *m);

/* The comment that the entry carries; NULL: none. */
const char *ipt_comment_of(uint8_t family, const void *entry);

#endif
