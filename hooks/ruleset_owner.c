/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose tables and chains they are, as far as their names tell. */
#include "hooks/ruleset_model.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>

enum { SECURITY_OF_NFT = 150 }; /* what iptables-nft takes for NF_IP_PRI_SECURITY */

/* The base chains of iptables, by which a table of nf_tables is known to be its own. */
static const struct {
	const char *table, *chain;
	int hook;
	int32_t priority;
} iptables_chains[] = {
	{ "filter", "INPUT", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER },
	{ "filter", "FORWARD", NF_INET_FORWARD, NF_IP_PRI_FILTER },
	{ "filter", "OUTPUT", NF_INET_LOCAL_OUT, NF_IP_PRI_FILTER },
	{ "nat", "PREROUTING", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST },
	{ "nat", "INPUT", NF_INET_LOCAL_IN, NF_IP_PRI_NAT_SRC },
	{ "nat", "OUTPUT", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST },
	{ "nat", "POSTROUTING", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC },
	{ "mangle", "PREROUTING", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE },
	{ "mangle", "INPUT", NF_INET_LOCAL_IN, NF_IP_PRI_MANGLE },
	{ "mangle", "FORWARD", NF_INET_FORWARD, NF_IP_PRI_MANGLE },
	{ "mangle", "OUTPUT", NF_INET_LOCAL_OUT, NF_IP_PRI_MANGLE },
	{ "mangle", "POSTROUTING", NF_INET_POST_ROUTING, NF_IP_PRI_MANGLE },
	{ "raw", "PREROUTING", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW },
	{ "raw", "OUTPUT", NF_INET_LOCAL_OUT, NF_IP_PRI_RAW },
	{ "security", "INPUT", NF_INET_LOCAL_IN, SECURITY_OF_NFT },
	{ "security", "FORWARD", NF_INET_FORWARD, SECURITY_OF_NFT },
	{ "security", "OUTPUT", NF_INET_LOCAL_OUT, SECURITY_OF_NFT },
};

static const struct {
	const char *prefix;
	enum ruleset_owner owner;
} table_names[] = {
	{ "firewalld", OWNER_FIREWALLD },
	{ "docker-bridges", OWNER_DOCKER }, /* dockerd without iptables */
	{ "wgq-", OWNER_WGQ },
	{ "wg-quick-", OWNER_WGQ },
}, chain_names[] = {
	{ "ufw-", OWNER_UFW },
	{ "ufw6-", OWNER_UFW },
	{ "DOCKER", OWNER_DOCKER },
	{ "wgq-", OWNER_WGQ },
	{ "wg-quick-", OWNER_WGQ },
	/* firewalld with iptables for its backend */
	{ "INPUT_direct", OWNER_FIREWALLD },
	{ "INPUT_ZONES", OWNER_FIREWALLD },
	{ "INPUT_POLICIES", OWNER_FIREWALLD },
	{ "FORWARD_direct", OWNER_FIREWALLD },
	{ "FORWARD_IN_ZONES", OWNER_FIREWALLD },
	{ "FORWARD_OUT_ZONES", OWNER_FIREWALLD },
	{ "FORWARD_POLICIES", OWNER_FIREWALLD },
	{ "FWDI_", OWNER_FIREWALLD },
	{ "FWDO_", OWNER_FIREWALLD },
	{ "FWD_", OWNER_FIREWALLD },
};

static bool begins_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool is_base_chain_of_iptables(const struct ruleset_chain *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(iptables_chains); i++)
		if (c->hook == iptables_chains[i].hook &&
		    c->priority == iptables_chains[i].priority &&
		    !strcmp(c->table, iptables_chains[i].table) &&
		    !strcmp(c->name, iptables_chains[i].chain))
			return true;
	return false;
}

/* --- which tables of nf_tables are iptables' --- */

static bool has_name_of_iptables(const struct ruleset_chain *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(iptables_chains); i++)
		if (!strcmp(c->table, iptables_chains[i].table))
			return true;
	return false;
}

/* Has this table one of the names, and no base chain but those? iptables makes them one by one. The
 * chains of a table are those from first to end. */
static bool is_table_of_iptables(const struct ruleset *rs, size_t first, size_t end)
{
	const struct ruleset_chain *c = rs->chains[first];

	if (c->medium != FW_NFTABLES || c->family == NFPROTO_INET || !has_name_of_iptables(c))
		return false;
	for (size_t i = first; i < end; i++)
		if (rs->chains[i]->hook >= 0 && !is_base_chain_of_iptables(rs->chains[i]))
			return false;
	return true;
}

static size_t end_of_table(const struct ruleset *rs, size_t first)
{
	const struct ruleset_chain *c = rs->chains[first];
	size_t i = first;

	while (i < rs->nchains && rs->chains[i]->medium == c->medium &&
	       rs->chains[i]->family == c->family && !strcmp(rs->chains[i]->table, c->table))
		i++;
	return i;
}

/* --- owners --- */

static enum ruleset_owner owner_of(const struct ruleset_chain *c)
{
	bool native = c->medium == FW_NFTABLES;

	for (size_t i = 0; native && i < ARRAY_SIZE(table_names); i++)
		if (begins_with(c->table, table_names[i].prefix))
			return table_names[i].owner;
	for (size_t i = 0; !native && i < ARRAY_SIZE(chain_names); i++)
		if (begins_with(c->name, chain_names[i].prefix))
			return chain_names[i].owner;
	return native ? OWNER_UNKNOWN : OWNER_IPTABLES;
}

/* Calls each for every chain that the rules of c jump to. */
static void each_jump(const struct ruleset_chain *c,
		      void (*each)(struct ruleset_chain *from, const struct ruleset_chain *to),
		      struct ruleset_chain *from)
{
	for (size_t i = 0; i < c->n; i++)
		for (size_t k = 0; k < c->rules[i].n; k++)
			if (c->rules[i].steps[k].chain)
				each(from, c->rules[i].steps[k].chain);
}

/*
 * Of those who share a base chain of iptables, firewalld ends it with a reject of its own, ufw sets
 * its policy and so does docker, in this order of what a user would be told to use.
 */
static void share(struct ruleset_chain *base, const struct ruleset_chain *to)
{
	static const uint8_t rank[] = {
		[OWNER_FIREWALLD] = 3, [OWNER_UFW] = 2,     [OWNER_DOCKER] = 1,
		[OWNER_IPTABLES] = 0,  [OWNER_UNKNOWN] = 0, [OWNER_WGQ] = 0
	};

	if (rank[to->owner] > rank[base->policy_owner])
		base->policy_owner = to->owner;
	if (to->owner == OWNER_FIREWALLD)
		base->owner = OWNER_FIREWALLD;
	if (!strcmp(to->name, "DOCKER-USER"))
		base->open_chain = to->name;
}

void ruleset_name_owners(struct ruleset *rs)
{
	size_t end;

	for (size_t first = 0; first < rs->nchains; first = end) {
		end = end_of_table(rs, first);
		if (is_table_of_iptables(rs, first, end))
			for (size_t i = first; i < end; i++)
				rs->chains[i]->medium = FW_IPTABLES_NFT;
	}
	for (size_t i = 0; i < rs->nchains; i++) {
		struct ruleset_chain *c = rs->chains[i];

		c->owner = c->policy_owner = owner_of(c);
		c->open_chain = c->name;
	}
	for (size_t i = 0; i < rs->nchains; i++) {
		struct ruleset_chain *c = rs->chains[i];

		if (c->hook >= 0 && c->medium != FW_NFTABLES)
			each_jump(c, share, c);
	}
}
