/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the backend for ip_tables and ip6_tables; nobody else includes this. */
#ifndef WGQ_HOOKS_IPT_H
#define WGQ_HOOKS_IPT_H

#include "hooks/fw_backend.h"
#include "hooks/xt.h"

enum { IPT_CHAIN_NAME = 32 };

/* A rule to be put at the head of a chain, as libiptc takes it. */
struct ipt_line {
	const char *table;
	char chain[IPT_CHAIN_NAME];
	void *entry; /* struct ipt_entry or ip6t_entry, its matches, and its target by name */
};

/*
 * A change: every rule that carries the comment goes, in whatever chain of these tables it is, then
 * the lines come, in their order. Tables that hold none of the lines are looked at only if they are
 * registered, because looking would make them.
 */
struct ipt_batch {
	struct firewall_batch base;
	uint8_t family;
	bool removal;              /* finding nothing is -ENOENT */
	const char *const *tables; /* in the order of their commits, NULL-terminated */
	char comment[XT_COMMENT_SIZE];
	struct ipt_line *lines;
	size_t nlines;
	char *entries; /* where the lines have theirs */
};

/* "ip_tables", "ip6_tables". */
const char *ipt_module(uint8_t family);

/*
 * Makes a batch of n rules, compiled (xt_compile()) and of that family; no removal. It borrows
 * tables. NULL: no memory.
 */
struct ipt_batch *ipt_batch_new(uint8_t family, const char *const *tables, const char *comment,
				const struct xt_rule *rules, size_t n);
void ipt_batch_free(struct firewall_batch *b);

/* What ipt_edit() answers. */
struct ipt_answer {
	int err; /* 0 or a negative errno */
	struct diag why;
};

/* Is all of libiptc there, and loaded? Returns 0 or -EOPNOTSUPP recorded in d. */
int ipt_edit_check(struct diag *d);

/*
 * For child_start(): does what arg, a struct ipt_batch, says, under the lock of xtables, and writes
 * an answer.
 */
void ipt_edit(int answer, void *arg);

#endif
