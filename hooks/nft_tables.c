/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/nft_tables.h"

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>

#include "hooks/nft_expr.h"

static void add_chain(struct nft_batch *b, struct nft_chain chain)
{
	chain.table = b->table;
	nft_batch_chain(b, &chain, NULL);
}

static void append(struct nft_batch *b, struct nftnl_rule *rule, const char *chain,
		   struct prefix addr)
{
	nft_batch_rule(b, rule, NFT_AT_END, (struct nft_object){ "rule", b->table, chain, addr });
}

/* --- against spoofing --- */

/*
 * nft add rule ip wg-quick-wg0 preraw iifname != "wg0" ip daddr 10.78.0.2 \
 *         fib saddr type != local drop
 *   [ meta load iifname => reg 1 ]
 *   [ cmp neq reg 1 0x00306777 0x00000000 0x00000000 0x00000000 ]
 *   [ payload load 4b @ network header + 16 => reg 1 ]        (ip6: 16b, + 24)
 *   [ cmp eq reg 1 0x02004e0a ]
 *   [ fib saddr type => reg 1 ]
 *   [ cmp neq reg 1 0x00000002 ]
 *   [ immediate reg 0 drop ]
 */
static void add_drop_spoofed(struct nft_batch *b, struct prefix addr)
{
	struct nftnl_rule *rule = nft_rule_new(b, b->table, "preraw");

	addr.len = family_bits(addr.family);
	nft_put_ifname(b, rule, NFT_META_IIFNAME, NFT_CMP_NEQ, b->ifname, sizeof(b->ifname));
	nft_put_destination(b, rule, &addr);
	NFT_PUT(b, rule, "fib", { NFTNL_EXPR_FIB_DREG, NFT_REG_1 },
		{ NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE },
		{ NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_SADDR });
	nft_put_compare_u32(b, rule, NFT_CMP_NEQ, RTN_LOCAL);
	nft_put_verdict(b, rule, NF_DROP);
	append(b, rule, "preraw", addr);
}

/*
 * nft add rule ip wg-quick-wg0 postmangle meta l4proto udp meta mark 51820 ct mark set meta mark
 *   [ meta load l4proto => reg 1 ]
 *   [ cmp eq reg 1 0x00000011 ]
 *   [ meta load mark => reg 1 ]
 *   [ cmp eq reg 1 0x0000ca6c ]
 *   [ meta load mark => reg 1 ]
 *   [ ct set mark with reg 1 ]
 */
static void add_save_mark(struct nft_batch *b, uint32_t mark)
{
	struct nftnl_rule *rule = nft_rule_new(b, b->table, "postmangle");

	nft_put_l4proto(b, rule, IPPROTO_UDP);
	nft_put_meta(b, rule, NFT_META_MARK);
	nft_put_compare_u32(b, rule, NFT_CMP_EQ, mark);
	nft_put_meta(b, rule, NFT_META_MARK);
	NFT_PUT(b, rule, "ct", { NFTNL_EXPR_CT_KEY, NFT_CT_MARK },
		{ NFTNL_EXPR_CT_SREG, NFT_REG_1 });
	append(b, rule, "postmangle", (struct prefix){ 0 });
}

/*
 * nft add rule ip wg-quick-wg0 premangle meta l4proto udp meta mark set ct mark
 *   [ meta load l4proto => reg 1 ]
 *   [ cmp eq reg 1 0x00000011 ]
 *   [ ct load mark => reg 1 ]
 *   [ meta set mark with reg 1 ]
 */
static void add_restore_mark(struct nft_batch *b)
{
	struct nftnl_rule *rule = nft_rule_new(b, b->table, "premangle");

	nft_put_l4proto(b, rule, IPPROTO_UDP);
	NFT_PUT(b, rule, "ct", { NFTNL_EXPR_CT_KEY, NFT_CT_MARK },
		{ NFTNL_EXPR_CT_DREG, NFT_REG_1 });
	NFT_PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK },
		{ NFTNL_EXPR_META_SREG, NFT_REG_1 });
	append(b, rule, "premangle", (struct prefix){ 0 });
}

static const struct nft_chain antispoof_chains[] = {
	{ NULL, "preraw", "filter", NF_INET_PRE_ROUTING, -300 },
	{ NULL, "premangle", "filter", NF_INET_PRE_ROUTING, -150 },
	{ NULL, "postmangle", "filter", NF_INET_POST_ROUTING, -150 },
};

size_t nft_antispoof_messages(const struct antispoof *a)
{
	return ARRAY_SIZE(antispoof_chains) + a->naddrs + 2;
}

void nft_add_antispoof(struct nft_batch *b, const struct antispoof *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(antispoof_chains); i++)
		add_chain(b, antispoof_chains[i]);
	for (size_t i = 0; i < a->naddrs; i++)
		if (a->addrs[i].family == a->family)
			add_drop_spoofed(b, a->addrs[i]);
	add_save_mark(b, a->fwmark);
	add_restore_mark(b);
}

/* --- declared rules --- */

/* At nft(8)'s priorities filter and srcnat. */
static const struct nft_chain rule_chains[] = {
	[FW_INPUT] = { NULL, "input", "filter", NF_INET_LOCAL_IN, 0 },
	[FW_FORWARD] = { NULL, "forward", "filter", NF_INET_FORWARD, 0 },
	[FW_POSTROUTING] = { NULL, "postrouting", "nat", NF_INET_POST_ROUTING, 100 },
};

size_t nft_rules_messages(const struct fw_rules *r)
{
	return ARRAY_SIZE(rule_chains) + r->n;
}

/*
 * nft add rule ip wgq-wg0 postrouting oifname "eth0" ip saddr 10.78.0.0/16 masquerade \
 *         comment "wgq wg0"
 *   [ meta load oifname => reg 1 ]
 *   [ cmp eq reg 1 0x30687465 0x00000000 0x00000000 0x00000000 ]
 *   [ payload load 2b @ network header + 12 => reg 1 ]
 *   [ cmp eq reg 1 0x00004e0a ]
 *   [ masq ]
 *   userdata = { \x00\x08wgq wg0\x00 }
 * nft add rule ip wgq-wg0 forward iifname "wg0" oifname != "wg0" drop comment "wgq wg0"
 *   [ meta load iifname => reg 1 ]
 *   [ cmp eq reg 1 0x00306777 0x00000000 0x00000000 0x00000000 ]
 *   [ meta load oifname => reg 1 ]
 *   [ cmp neq reg 1 0x00306777 0x00000000 0x00000000 0x00000000 ]
 *   [ immediate reg 0 drop ]
 *   userdata = { \x00\x08wgq wg0\x00 }
 */
static void add_rule(struct nft_batch *b, const struct fw_rule *r, const char *comment)
{
	static const uint32_t verdicts[] = { [FW_ACCEPT] = NF_ACCEPT, [FW_DROP] = NF_DROP };
	const char *chain = rule_chains[r->hook].name;
	struct nftnl_rule *rule = nft_rule_new(b, b->table, chain);

	if (*r->in)
		nft_put_ifname(b, rule, NFT_META_IIFNAME, NFT_CMP_EQ, r->in, sizeof(r->in));
	if (*r->out)
		nft_put_ifname(b, rule, NFT_META_OIFNAME, r->not_out ? NFT_CMP_NEQ : NFT_CMP_EQ,
			       r->out, sizeof(r->out));
	nft_put_source(b, rule, &r->source);
	if (r->replies)
		nft_put_replies(b, rule);
	if (r->verdict == FW_MASQUERADE)
		nft_put(b, rule, "masq", NULL, 0);
	else
		nft_put_verdict(b, rule, verdicts[r->verdict]);
	nft_put_comment(b, rule, comment);
	append(b, rule, chain, r->source);
}

static bool has_hook(const struct fw_rules *r, size_t hook)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].hook == hook)
			return true;
	return false;
}

void nft_add_rules(struct nft_batch *b, const struct fw_rules *r)
{
	char comment[XT_COMMENT_SIZE];

	xt_rules_comment(comment, b->ifname);
	for (size_t i = 0; i < ARRAY_SIZE(rule_chains); i++)
		if (has_hook(r, i))
			add_chain(b, rule_chains[i]);
	for (size_t i = 0; i < r->n; i++)
		add_rule(b, &r->v[i], comment);
}
