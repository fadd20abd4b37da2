/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules in the words of iptables, and what libxtables makes of them: the data of matches and
 * targets, in the highest revision that this kernel has. Both kinds of iptables tables are made of
 * these. libxtables may end the process and keeps globals, so it runs in a child of its own.
 */
#ifndef WGQ_HOOKS_XT_H
#define WGQ_HOOKS_XT_H

#include "hooks/firewall.h"

/* A match or a target and its data, as the kernel takes it. */
struct xt_part {
	char name[30]; /* "conntrack"; a target also "ACCEPT" and "DROP", without data */
	uint8_t revision;
	uint32_t size; /* of data, as the kernel wants it (XT_ALIGN'ed); 0: a standard verdict */
	void *data;    /* malloc'd */
};

enum { XT_MATCHES = 4, XT_OPTIONS = 4, XT_OPTION_SIZE = 48 };

/* Words for one match or target: its name, then its options as iptables reads them. */
struct xt_words {
	const char *name;                         /* NULL: none; the names end with the first */
	char options[XT_OPTIONS][XT_OPTION_SIZE]; /* "--ctstate", "RELATED,ESTABLISHED", ""; "!" */
};

struct xt_rule {
	const char *table, *chain; /* "filter", "FORWARD" */
	char in[IFNAMSIZ], out[IFNAMSIZ];
	bool not_in, not_out;
	struct prefix source, destination; /* family 0: any */
	uint8_t protocol;                  /* IPPROTO_*; 0: any */
	struct xt_words match_words[XT_MATCHES], target_words;
	/* filled by xt_compile() */
	struct xt_part matches[XT_MATCHES];
	size_t nmatches;
	struct xt_part target;
};

/*
 * Fills matches, nmatches and target of n rules of one family from their words, in a forked child
 * that answers through a pipe. The words of a target that is no verdict name an extension; jumps
 * have no words. Works where ip_tables (ip6_tables) is loaded and where nft_compat can be: either
 * tells the revisions. Returns 0 or a negative errno recorded in d, in the library's own words
 * where it had any; -EOPNOTSUPP: the kernel has no such match or target, or no file of the
 * extension is in the folder of libxtables (XTABLES_LIBDIR). On error nothing is left to free.
 */
int xt_compile(struct xt_rule *rules, size_t n, uint8_t family, struct diag *d);
void xt_free(struct xt_rule *rules, size_t n);

/*
 * The words for what tunnels need; the caller's array has room for what the count says.
 * xt_from_rules(): one for each of r, with the comment "wgq IFNAME". xt_from_antispoof(): as
 * wg-quick(8) makes them, with its comment; one for each address of the family and two more. In the
 * order in which they shall stand in their chains, from the head. They return the count.
 */
size_t xt_from_rules(struct xt_rule *out, const char *ifname, const struct fw_rules *r);
size_t xt_from_antispoof(struct xt_rule *out, const char *ifname, const struct antispoof *a);

/* Those comments; they return text. */
enum { XT_COMMENT_SIZE = XT_OPTION_SIZE };
const char *xt_rules_comment(char text[XT_COMMENT_SIZE], const char *ifname);
const char *xt_antispoof_comment(char text[XT_COMMENT_SIZE], const char *ifname);

#endif
