/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All packet filter rules of this network namespace, whoever made them, and what they do with a
 * packet. Nothing is changed and nothing guessed: what cannot be followed is "cannot tell".
 */
#ifndef WGQ_HOOKS_RULESET_H
#define WGQ_HOOKS_RULESET_H

#include "hooks/firewall.h"
#include "wgq/base/arena.h"

/* Who made a table, as far as its names tell. */
enum ruleset_owner {
	OWNER_UNKNOWN, /* by hand, or a program that is not known here */
	OWNER_IPTABLES,
	OWNER_UFW,
	OWNER_DOCKER,
	OWNER_FIREWALLD,
	OWNER_WGQ, /* wgq's and wg-quick's own tables */
};

struct ruleset_chain;

struct ruleset {
	struct arena *arena;
	struct ruleset_chain **chains; /* opaque beyond ruleset*.c and verdict.c */
	size_t nchains, chains_capacity;
};

/*
 * Reads the tables of nf_tables (ip, ip6, inet) and of ip_tables and ip6_tables, those that are
 * there: nothing is made, and no kernel module is asked for. What the caller may not read counts as
 * not there. Returns 0 or a negative errno recorded in d.
 */
int ruleset_read(struct ruleset *out, struct arena *a, struct diag *d);

/* Does this chain exist, in tables of that medium (not FW_NFTABLES) and family? */
bool ruleset_has_chain(const struct ruleset *rs, enum fw_medium medium, uint8_t family,
		       const char *table, const char *chain);

/* Does firewalld's table, or its chains in iptables, exist? */
bool ruleset_has_firewalld(const struct ruleset *rs);

/*
 * A packet, as far as it is given. It is a plain one: whole (no fragment), without options or
 * further headers, to one receiver (of FW_INPUT this host), and no NAT has changed its target.
 */
struct packet {
	uint8_t family;       /* AF_INET or AF_INET6 */
	const char *in, *out; /* interface names; NULL: cannot be told; in FW_INPUT out is "" */
	struct prefix source, target; /* full-length addresses; family 0: cannot be told */
	uint8_t protocol;             /* IPPROTO_TCP, ...; 0: cannot be told */
	int source_port, target_port; /* -1: cannot be told */
	bool established;             /* connection tracking: else NEW */
	uint32_t mark;
};

enum ruling { RULING_ACCEPT, RULING_DROP, RULING_CANNOT_TELL };

struct verdict {
	enum ruling ruling;
	/* the chain that drops, or at whose rule the following was lost; "" for ACCEPT */
	enum fw_medium medium; /* FW_NFTABLES for everything in nf_tables that is not iptables' */
	enum ruleset_owner owner;
	const char *family; /* "ip", "ip6", "inet" */
	const char *table, *chain;
	/* where users of iptables put an accept: hook_chain, or DOCKER-USER */
	const char *open_chain;
	char hook_chain[64]; /* the base chain from which it was reached */
	bool by_policy;      /* the base chain's policy, not a rule */
	const char *why; /* CANNOT_TELL: what was not understood, "match statistic"; else NULL */
};

/*
 * What all base chains of the hook (FW_INPUT or FW_FORWARD; prerouting is not looked at) do with
 * the packet, in the order of their priorities: the first that drops it decides, an accept ends its
 * own base chain only. A match on something that the packet does not give, or that is not
 * understood, goes both ways: if both come to the same, that is the answer.
 */
void ruleset_judge(const struct ruleset *rs, enum fw_hook hook, const struct packet *p,
		   struct verdict *v);

/*
 * The command that would open the way for what rule says, in the words of who owns the chain that
 * drops: ufw, firewall-cmd, iptables or nft. udp_port: of the host itself (FW_INPUT), 0: none.
 */
const char *verdict_cure(char *text, size_t size, const struct verdict *v,
			 const struct fw_rule *rule, uint16_t udp_port);

#endif
