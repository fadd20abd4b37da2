/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/nft_expr.h"

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>

struct nftnl_rule *nft_rule_new(struct nft_batch *b, const char *table, const char *chain)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	b->failed |= !rule || nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table) < 0 ||
		     nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0;
	return rule;
}

struct nftnl_expr *nft_put(struct nft_batch *b, struct nftnl_rule *rule, const char *name,
			   const struct nft_attr *attrs, size_t n)
{
	struct nftnl_expr *e = b->failed ? NULL : nftnl_expr_alloc(name);

	b->failed |= !e;
	if (!e)
		return NULL;
	for (size_t i = 0; i < n; i++)
		nftnl_expr_set_u32(e, attrs[i].type, attrs[i].value);
	nftnl_rule_add_expr(rule, e);
	return e;
}

void nft_put_compare(struct nft_batch *b, struct nftnl_rule *rule, enum nft_cmp_ops how,
		     const void *data, size_t size)
{
	struct nftnl_expr *e = NFT_PUT(b, rule, "cmp", { NFTNL_EXPR_CMP_SREG, NFT_REG_1 },
				       { NFTNL_EXPR_CMP_OP, how });

	if (e && nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, (uint32_t)size) < 0)
		b->failed = true;
}

void nft_put_compare_u32(struct nft_batch *b, struct nftnl_rule *rule, enum nft_cmp_ops how,
			 uint32_t value)
{
	nft_put_compare(b, rule, how, &value, sizeof(value));
}

void nft_put_meta(struct nft_batch *b, struct nftnl_rule *rule, enum nft_meta_keys key)
{
	NFT_PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, key }, { NFTNL_EXPR_META_DREG, NFT_REG_1 });
}

/*
 * iifname != "wg0"
 *   [ meta load iifname => reg 1 ]
 *   [ cmp neq reg 1 0x00306777 0x00000000 0x00000000 0x00000000 ]
 */
void nft_put_ifname(struct nft_batch *b, struct nftnl_rule *rule, enum nft_meta_keys key,
		    enum nft_cmp_ops how, const char *name, size_t size)
{
	nft_put_meta(b, rule, key);
	nft_put_compare(b, rule, how, name, size);
}

/*
 * meta l4proto udp
 *   [ meta load l4proto => reg 1 ]
 *   [ cmp eq reg 1 0x00000011 ]
 */
void nft_put_l4proto(struct nft_batch *b, struct nftnl_rule *rule, uint8_t protocol)
{
	nft_put_meta(b, rule, NFT_META_L4PROTO);
	nft_put_compare(b, rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

static void put_mask(struct nft_batch *b, struct nftnl_rule *rule, const void *mask, uint32_t size)
{
	static const uint8_t zero[16];
	struct nftnl_expr *e = NFT_PUT(b, rule, "bitwise", { NFTNL_EXPR_BITWISE_SREG, NFT_REG_1 },
				       { NFTNL_EXPR_BITWISE_DREG, NFT_REG_1 },
				       { NFTNL_EXPR_BITWISE_LEN, size });

	if (e && (nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, size) < 0 ||
		  nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zero, size) < 0))
		b->failed = true;
}

static void put_network_mask(struct nft_batch *b, struct nftnl_rule *rule, const struct prefix *p)
{
	uint8_t mask[sizeof(p->addr)] = { 0 };

	memset(mask, 0xff, p->len / 8U);
	if (p->len % 8)
		mask[p->len / 8] = (uint8_t)(0xff00 >> p->len % 8);
	put_mask(b, rule, mask, (uint32_t)family_bytes(p->family));
}

/*
 * ip saddr 10.1.2.3
 *   [ payload load 4b @ network header + 12 => reg 1 ]
 *   [ cmp eq reg 1 0x0302010a ]
 * ip saddr 10.1.0.0/16
 *   [ payload load 2b @ network header + 12 => reg 1 ]
 *   [ cmp eq reg 1 0x0000010a ]
 * ip saddr 10.1.2.0/23
 *   [ payload load 4b @ network header + 12 => reg 1 ]
 *   [ bitwise reg 1 = ( reg 1 & 0x00feffff ) ^ 0x00000000 ]
 *   [ cmp eq reg 1 0x0002010a ]
 */
static void put_address(struct nft_batch *b, struct nftnl_rule *rule, size_t offset,
			const struct prefix *prefix)
{
	struct prefix network = prefix_network(*prefix);
	bool whole_bytes = network.len % 8 == 0;
	uint32_t size = whole_bytes ? network.len / 8U : (uint32_t)family_bytes(network.family);

	if (!network.family || !network.len)
		return;
	NFT_PUT(b, rule, "payload", { NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1 },
		{ NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER },
		{ NFTNL_EXPR_PAYLOAD_OFFSET, (uint32_t)offset }, { NFTNL_EXPR_PAYLOAD_LEN, size });
	if (!whole_bytes)
		put_network_mask(b, rule, &network);
	nft_put_compare(b, rule, NFT_CMP_EQ, network.addr, size);
}

void nft_put_source(struct nft_batch *b, struct nftnl_rule *rule, const struct prefix *prefix)
{
	put_address(b, rule,
		    b->family == AF_INET6 ? offsetof(struct ip6_hdr, ip6_src)
					  : offsetof(struct iphdr, saddr),
		    prefix);
}

void nft_put_destination(struct nft_batch *b, struct nftnl_rule *rule, const struct prefix *prefix)
{
	put_address(b, rule,
		    b->family == AF_INET6 ? offsetof(struct ip6_hdr, ip6_dst)
					  : offsetof(struct iphdr, daddr),
		    prefix);
}

/*
 * ct state established,related
 *   [ ct load state => reg 1 ]
 *   [ bitwise reg 1 = ( reg 1 & 0x00000006 ) ^ 0x00000000 ]
 *   [ cmp neq reg 1 0x00000000 ]
 */
void nft_put_replies(struct nft_batch *b, struct nftnl_rule *rule)
{
	uint32_t states = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED);

	NFT_PUT(b, rule, "ct", { NFTNL_EXPR_CT_KEY, NFT_CT_STATE },
		{ NFTNL_EXPR_CT_DREG, NFT_REG_1 });
	put_mask(b, rule, &states, sizeof(states));
	nft_put_compare_u32(b, rule, NFT_CMP_NEQ, 0);
}

/*
 * drop
 *   [ immediate reg 0 drop ]
 */
void nft_put_verdict(struct nft_batch *b, struct nftnl_rule *rule, uint32_t verdict)
{
	NFT_PUT(b, rule, "immediate", { NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT },
		{ NFTNL_EXPR_IMM_VERDICT, verdict });
}

/*
 * counter
 *   [ counter pkts 0 bytes 0 ]
 */
void nft_put_counter(struct nft_batch *b, struct nftnl_rule *rule)
{
	nft_put(b, rule, "counter", NULL, 0);
}

/*
 * iptables-nft ... -m conntrack --ctstate RELATED,ESTABLISHED
 *   [ match name conntrack rev 3 ]
 */
void nft_put_compat(struct nft_batch *b, struct nftnl_rule *rule, const char *kind,
		    struct xt_part *part)
{
	struct nftnl_expr *e = NFT_PUT(b, rule, kind, { NFTNL_EXPR_MT_REV, part->revision });

	_Static_assert(NFTNL_EXPR_MT_NAME == (int)NFTNL_EXPR_TG_NAME &&
			       NFTNL_EXPR_MT_REV == (int)NFTNL_EXPR_TG_REV &&
			       NFTNL_EXPR_MT_INFO == (int)NFTNL_EXPR_TG_INFO,
		       "matches and targets have the same attributes");
	if (!e)
		return;
	if (nftnl_expr_set_str(e, NFTNL_EXPR_MT_NAME, part->name) < 0 ||
	    nftnl_expr_set(e, NFTNL_EXPR_MT_INFO, part->data, part->size) < 0)
		b->failed = true;
	else
		part->data = NULL; /* freed with the expression now */
}

void nft_put_comment(struct nft_batch *b, struct nftnl_rule *rule, const char *text)
{
	uint8_t data[NFT_COMMENT];

	if (!b->failed &&
	    nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, data, nft_comment(data, text)) < 0)
		b->failed = true;
}
