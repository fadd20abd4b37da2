/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command of a hook does to the firewall and to forwarding, as far as its words tell. Pure.
 */
#ifndef WGQ_CONF_SHELL_RULES_H
#define WGQ_CONF_SHELL_RULES_H

#include "wgq/base/addr.h"
#include "wgq/conf/shell_words.h"

/* Who keeps a rule; as bits, who may have been told something that cannot be read. */
enum shell_tool {
	SHELL_IPTABLES = 1 << 0,
	SHELL_IP6TABLES = 1 << 1,
	SHELL_NFT = 1 << 2,
	SHELL_UFW = 1 << 3,
	SHELL_FIREWALLD = 1 << 4,
	SHELL_TOOLS = (1 << 5) - 1,
};

enum shell_chain { CHAIN_OTHER, CHAIN_FORWARD, CHAIN_POSTROUTING };

struct shell_rule {
	enum shell_tool tool;
	const char *variant; /* "legacy", "nft", or "": whatever the host has */
	const char *scope;   /* "filter/FORWARD/": table and chain */
	const char **items;  /* the rest of it, in a form that equal rules share, sorted */
	size_t nitems, items_capacity;
	const char *undo; /* the command that takes it away; NULL: none */

	/* What it means; of the four names, NULL is any. */
	enum shell_chain chain;
	bool family[2]; /* IPv4, IPv6 */
	const char *in, *out, *not_out;
	const char *source;
	bool accepts, masquerades;
	bool replies; /* of known connections only */
	bool more;    /* it looks at other things besides */
};

enum shell_act_kind {
	ACT_NOTHING, /* nothing at all: true */
	ACT_OTHER,   /* nothing to the firewall or to forwarding */
	ACT_ADD,     /* the rule */
	ACT_CHECK,
	ACT_DELETE,
	ACT_CLEAR,   /* deletes the rules whose scope begins with this rule's */
	ACT_SWITCH,  /* turns forwarding on or off */
	ACT_UNKNOWN, /* anything, to the rules of these tools */
};

struct shell_act {
	enum shell_act_kind kind;
	unsigned tools; /* UNKNOWN: enum shell_tool */
	struct shell_rule rule;
	/* SWITCH */
	uint8_t family;  /* 0: IPv4, 1: IPv6 */
	bool whole_host; /* or this interface, or new ones */
	bool decides;    /* the kernel looks at this one */
	bool on;
};

struct shell_acts {
	struct arena *arena;
	const char *ifname;
	struct shell_act *v;
	size_t n, capacity;
};

/* Appends what c does, at least one act. before is the command before it in the script, or NULL. */
void shell_recognise(struct shell_acts *out, const struct shell_command *c,
		     const struct shell_command *before);

/* The readers of one tool; each appends at least one act. */
void shell_read_iptables(struct shell_acts *out, const struct shell_command *c);
void shell_read_nft(struct shell_acts *out, const struct shell_command *c);

/* The program's name without its folder; "" if it is opaque. */
const char *shell_program(const struct shell_command *c);

struct shell_act *shell_add_act(struct shell_acts *out, enum shell_act_kind kind);
void shell_add_unknown(struct shell_acts *out, unsigned tools);
void shell_add_item(struct shell_acts *out, struct shell_rule *rule, const char *item);

/* Is list, with commas between, made of ESTABLISHED and RELATED alone, letter case aside? */
bool shell_means_replies(const char *list);

bool shell_rule_equal(const struct shell_rule *a, const struct shell_rule *b);

/* Does an ACT_CLEAR of this scope take the rule away? */
bool shell_rule_within(const struct shell_rule *rule, const struct shell_rule *scope);

#endif
