/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/iptnft_rules.h"

#include <linux/netfilter.h>

#include "hooks/nft_expr.h"

const char *const iptnft_tables[IPTNFT_TABLES] = { "filter", "nat", "mangle", "raw", "security" };

const struct nft_chain iptnft_chains[IPTNFT_CHAINS] = {
	{ "filter", "INPUT", "filter", NF_INET_LOCAL_IN, 0 },
	{ "filter", "FORWARD", "filter", NF_INET_FORWARD, 0 },
	{ "nat", "POSTROUTING", "nat", NF_INET_POST_ROUTING, 100 },
	{ "raw", "PREROUTING", "filter", NF_INET_PRE_ROUTING, -300 },
	{ "mangle", "PREROUTING", "filter", NF_INET_PRE_ROUTING, -150 },
	{ "mangle", "POSTROUTING", "filter", NF_INET_POST_ROUTING, -150 },
};

/* --- what the rules stand in --- */

static bool uses(const struct xt_rule *rules, size_t n, const char *table, const char *chain)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(rules[i].table, table) && (!chain || !strcmp(rules[i].chain, chain)))
			return true;
	return false;
}

/* iptables-nft, too, makes a chain when the first rule goes there. */
static void add_chains(struct nft_batch *b, const struct xt_rule *rules, size_t n)
{
	for (size_t i = 0; i < IPTNFT_TABLES; i++)
		if (uses(rules, n, iptnft_tables[i], NULL))
			nft_batch_table(b, NFT_MSG_NEWTABLE, iptnft_tables[i], IPTNFT_MADE_BY);
	for (size_t i = 0; i < IPTNFT_CHAINS; i++)
		if (uses(rules, n, iptnft_chains[i].table, iptnft_chains[i].name))
			nft_batch_chain(b, &iptnft_chains[i], IPTNFT_MADE_BY);
}

/* --- rules --- */

static const struct verdict {
	const char *name;
	uint32_t verdict;
} verdicts[] = { { "ACCEPT", NF_ACCEPT }, { "DROP", NF_DROP } };

static const struct verdict *find_verdict(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (!strcmp(verdicts[i].name, name))
			return &verdicts[i];
	return NULL;
}

/* iptables-nft compares a name with its end, and no more. */
static void put_ifname(struct nft_batch *b, struct nftnl_rule *rule, enum nft_meta_keys key,
		       const char *name, bool not )
{
	if (*name)
		nft_put_ifname(b, rule, key, not ? NFT_CMP_NEQ : NFT_CMP_EQ, name,
			       strlen(name) + 1);
}

/*
 * iptables-nft -I FORWARD -i wg0 ! -o wg0 -j DROP
 *   [ meta load iifname => reg 1 ]
 *   [ cmp eq reg 1 0x00306777 ]
 *   [ meta load oifname => reg 1 ]
 *   [ cmp neq reg 1 0x00306777 ]
 *   [ counter pkts 0 bytes 0 ]
 *   [ immediate reg 0 drop ]
 * iptables-nft -t nat -I POSTROUTING -o eth0 -s 10.78.0.0/16 -j MASQUERADE
 *   [ meta load oifname => reg 1 ]
 *   [ cmp eq reg 1 0x30687465 0x00000000 ]
 *   [ payload load 2b @ network header + 12 => reg 1 ]
 *   [ cmp eq reg 1 0x00004e0a ]
 *   [ counter pkts 0 bytes 0 ]
 *   [ target name MASQUERADE rev 0 ]
 * iptables-nft -t raw -I PREROUTING ! -i wg0 -d 10.78.0.2 -m addrtype ! --src-type LOCAL -j DROP
 *   [ meta load iifname => reg 1 ]
 *   [ cmp neq reg 1 0x00306777 ]
 *   [ payload load 4b @ network header + 16 => reg 1 ]
 *   [ cmp eq reg 1 0x02004e0a ]
 *   [ match name addrtype rev 1 ]
 *   [ counter pkts 0 bytes 0 ]
 *   [ immediate reg 0 drop ]
 */
static void insert(struct nft_batch *b, struct xt_rule *x, const char *comment)
{
	const struct verdict *v = find_verdict(x->target_words.name);
	struct nftnl_rule *rule = nft_rule_new(b, x->table, x->chain);
	const struct prefix *about = x->source.family ? &x->source : &x->destination;

	put_ifname(b, rule, NFT_META_IIFNAME, x->in, x->not_in);
	put_ifname(b, rule, NFT_META_OIFNAME, x->out, x->not_out);
	if (x->protocol)
		nft_put_l4proto(b, rule, x->protocol);
	nft_put_source(b, rule, &x->source);
	nft_put_destination(b, rule, &x->destination);
	for (size_t i = 0; i < x->nmatches; i++)
		nft_put_compat(b, rule, "match", &x->matches[i]);
	nft_put_counter(b, rule);
	if (v)
		nft_put_verdict(b, rule, v->verdict);
	else
		nft_put_compat(b, rule, "target", &x->target);
	nft_put_comment(b, rule, comment);
	nft_batch_rule(b, rule, NFT_AT_HEAD,
		       (struct nft_object){ "rule", x->table, x->chain, *about });
}

/*
 * A comment goes where nft(8) shows it too and iptables-nft reads it as well: into the rule's user
 * data, not into a match of its own.
 */
static void take_comment_off(struct xt_rule *x)
{
	size_t kept = 0;

	for (size_t i = 0; i < XT_MATCHES && x->match_words[i].name; i++)
		if (strcmp(x->match_words[i].name, "comment"))
			x->match_words[kept++] = x->match_words[i];
	if (kept < XT_MATCHES)
		x->match_words[kept].name = NULL;
}

/* Plain rules need neither the extensions of iptables nor nft_compat. */
static bool is_plain(const struct xt_rule *x)
{
	return !x->match_words[0].name && find_verdict(x->target_words.name);
}

static int compile(struct nft_batch *b, struct xt_rule *rules, size_t n, struct diag *d)
{
	bool plain = true;

	for (size_t i = 0; i < n; i++) {
		take_comment_off(&rules[i]);
		plain = plain && is_plain(&rules[i]);
	}
	return plain ? 0 : xt_compile(rules, n, b->family, d);
}

size_t iptnft_messages(size_t nrules)
{
	return IPTNFT_TABLES + IPTNFT_CHAINS + nrules;
}

int iptnft_add(struct nft_batch *b, struct xt_rule *rules, size_t n, const char *comment,
	       struct diag *d)
{
	int err = compile(b, rules, n, d);

	if (err)
		return err;
	add_chains(b, rules, n);
	for (size_t i = n; i-- > 0;)
		insert(b, &rules[i], comment);
	xt_free(rules, n);
	return 0;
}
