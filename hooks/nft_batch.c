/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/nft_batch.h"

#include <errno.h>
#include <libnftnl/batch.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>

enum {
	PAGE = 64 * 1024,        /* of the library's batch; a page is one element of the iovec */
	PAGE_OVERRUN = 4 * 1024, /* more than any one message here */
	OBJECTS_FIXED = 10,      /* begin, three for the table, three chains, two rules, end */
};

/* --- messages --- */

/* The sequence number of the next message, which is about the object. */
static uint32_t next_seq(struct nft_batch *b, struct nft_object object)
{
	b->objects[b->nobjects] = object;
	return b->seq + (uint32_t)b->nobjects++;
}

static struct nlmsghdr *start(struct nft_batch *b, uint16_t type, uint16_t flags,
			      struct nft_object object)
{
	return nftnl_nlmsg_build_hdr(nftnl_batch_buffer(b->pages), type, b->family, flags,
				     next_seq(b, object));
}

static void finish(struct nft_batch *b)
{
	if (nftnl_batch_update(b->pages) < 0)
		b->failed = true;
}

/*
 * nft add table ip wg-quick-wg0
 * nft delete table ip wg-quick-wg0
 */
static void add_table(struct nft_batch *b, uint16_t type)
{
	struct nftnl_table *table = nftnl_table_alloc();

	b->failed |= !table || nftnl_table_set_str(table, NFTNL_TABLE_NAME, b->table) < 0;
	if (!b->failed) {
		if (type == NFT_MSG_NEWTABLE)
			nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, 0);
		nftnl_table_nlmsg_build_payload(
			start(b, type, 0, (struct nft_object){ .kind = "table" }), table);
		finish(b);
	}
	if (table)
		nftnl_table_free(table);
}

/*
 * nft add chain ip wg-quick-wg0 preraw { type filter hook prerouting priority -300\; }
 *   ip (null) (null) use 0 type filter hook prerouting prio -300 packets 0 bytes 0
 */
static void add_chain(struct nft_batch *b, const char *name, uint32_t hook, int32_t priority)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	b->failed |= !chain || nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, b->table) < 0 ||
		     nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name) < 0 ||
		     nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter") < 0;
	if (!b->failed) {
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
		nftnl_chain_nlmsg_build_payload(start(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
						      (struct nft_object){ "chain", name, { 0 } }),
						chain);
		finish(b);
	}
	if (chain)
		nftnl_chain_free(chain);
}

static struct nftnl_rule *rule_new(struct nft_batch *b, const char *chain)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	b->failed |= !rule || nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, b->table) < 0 ||
		     nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0;
	return rule;
}

/* Appends the rule, which it frees. */
static void add_rule(struct nft_batch *b, struct nftnl_rule *rule, const char *chain,
		     struct prefix addr)
{
	if (!b->failed) {
		nftnl_rule_nlmsg_build_payload(start(b, NFT_MSG_NEWRULE,
						     NLM_F_CREATE | NLM_F_APPEND,
						     (struct nft_object){ "rule", chain, addr }),
					       rule);
		finish(b);
	}
	if (rule)
		nftnl_rule_free(rule);
}

/* --- expressions --- */

struct attr {
	uint16_t type;
	uint32_t value;
};

/* Appends an expression with those attributes; NULL once anything has failed. */
static struct nftnl_expr *put(struct nft_batch *b, struct nftnl_rule *rule, const char *name,
			      const struct attr *attrs, size_t n)
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

#define PUT(b, rule, name, ...)                                                                    \
	put((b), (rule), (name), (const struct attr[]){ __VA_ARGS__ },                             \
	    ARRAY_SIZE(((const struct attr[]){ __VA_ARGS__ })))

static void put_compare(struct nft_batch *b, struct nftnl_rule *rule, enum nft_cmp_ops how,
			const void *data, size_t size)
{
	struct nftnl_expr *e = PUT(b, rule, "cmp", { NFTNL_EXPR_CMP_SREG, NFT_REG_1 },
				   { NFTNL_EXPR_CMP_OP, how });

	if (e && nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, (uint32_t)size) < 0)
		b->failed = true;
}

static void put_compare_u32(struct nft_batch *b, struct nftnl_rule *rule, enum nft_cmp_ops how,
			    uint32_t value)
{
	put_compare(b, rule, how, &value, sizeof(value));
}

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
static void add_drop_spoofed(struct nft_batch *b, const struct prefix *addr)
{
	struct nftnl_rule *rule = rule_new(b, "preraw");
	size_t at = b->family == AF_INET6 ? offsetof(struct ip6_hdr, ip6_dst)
					  : offsetof(struct iphdr, daddr);
	uint32_t size = (uint32_t)family_bytes(b->family);

	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_IIFNAME },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	put_compare(b, rule, NFT_CMP_NEQ, b->ifname, sizeof(b->ifname));
	PUT(b, rule, "payload", { NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1 },
	    { NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER },
	    { NFTNL_EXPR_PAYLOAD_OFFSET, (uint32_t)at }, { NFTNL_EXPR_PAYLOAD_LEN, size });
	put_compare(b, rule, NFT_CMP_EQ, addr->addr, size);
	PUT(b, rule, "fib", { NFTNL_EXPR_FIB_DREG, NFT_REG_1 },
	    { NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE },
	    { NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_SADDR });
	put_compare_u32(b, rule, NFT_CMP_NEQ, RTN_LOCAL);
	PUT(b, rule, "immediate", { NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT },
	    { NFTNL_EXPR_IMM_VERDICT, NF_DROP });
	add_rule(b, rule, "preraw", *addr);
}

/*
 * meta l4proto udp
 *   [ meta load l4proto => reg 1 ]
 *   [ cmp eq reg 1 0x00000011 ]
 */
static void put_udp(struct nft_batch *b, struct nftnl_rule *rule)
{
	uint8_t udp = IPPROTO_UDP;

	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_L4PROTO },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	put_compare(b, rule, NFT_CMP_EQ, &udp, sizeof(udp));
}

/*
 * nft add rule ip wg-quick-wg0 postmangle meta l4proto udp meta mark 51820 ct mark set meta mark
 *   [ meta load mark => reg 1 ]
 *   [ cmp eq reg 1 0x0000ca6c ]
 *   [ meta load mark => reg 1 ]
 *   [ ct set mark with reg 1 ]
 */
static void add_save_mark(struct nft_batch *b, uint32_t mark)
{
	struct nftnl_rule *rule = rule_new(b, "postmangle");

	put_udp(b, rule);
	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	put_compare_u32(b, rule, NFT_CMP_EQ, mark);
	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	PUT(b, rule, "ct", { NFTNL_EXPR_CT_KEY, NFT_CT_MARK }, { NFTNL_EXPR_CT_SREG, NFT_REG_1 });
	add_rule(b, rule, "postmangle", (struct prefix){ 0 });
}

/*
 * nft add rule ip wg-quick-wg0 premangle meta l4proto udp meta mark set ct mark
 *   [ ct load mark => reg 1 ]
 *   [ meta set mark with reg 1 ]
 */
static void add_restore_mark(struct nft_batch *b)
{
	struct nftnl_rule *rule = rule_new(b, "premangle");

	put_udp(b, rule);
	PUT(b, rule, "ct", { NFTNL_EXPR_CT_KEY, NFT_CT_MARK }, { NFTNL_EXPR_CT_DREG, NFT_REG_1 });
	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK },
	    { NFTNL_EXPR_META_SREG, NFT_REG_1 });
	add_rule(b, rule, "premangle", (struct prefix){ 0 });
}

/* --- batches --- */

void nft_batch_free(struct firewall_batch *base)
{
	struct nft_batch *b = (struct nft_batch *)base;

	if (b->pages)
		nftnl_batch_free(b->pages);
	free(b->objects);
	free(b->iov);
	free(b);
}

struct nft_batch *nft_batch_new(uint32_t *seq, const char *ifname, uint8_t family, size_t naddrs)
{
	struct nft_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->base.backend = &fw_nft;
	b->family = family;
	b->seq = *seq + 1;
	*seq += (uint32_t)(OBJECTS_FIXED + naddrs);
	snprintf(b->ifname, sizeof(b->ifname), "%s", ifname);
	snprintf(b->table, sizeof(b->table), "wg-quick-%s", ifname);
	b->objects = calloc(OBJECTS_FIXED + naddrs, sizeof(*b->objects));
	b->pages = nftnl_batch_alloc(PAGE, PAGE_OVERRUN);
	b->failed = !b->objects || !b->pages;
	if (!b->failed) {
		nftnl_batch_begin(nftnl_batch_buffer(b->pages),
				  next_seq(b, (struct nft_object){ 0 }));
		finish(b);
	}
	return b;
}

void nft_batch_end(struct nft_batch *b)
{
	if (b->failed)
		return;
	nftnl_batch_end(nftnl_batch_buffer(b->pages), next_seq(b, (struct nft_object){ 0 }));
	finish(b);
}

void nft_batch_delete(struct nft_batch *b)
{
	add_table(b, NFT_MSG_DELTABLE);
}

void nft_batch_replace(struct nft_batch *b, const struct antispoof *a)
{
	add_table(b, NFT_MSG_NEWTABLE); /* so that there is one to delete */
	add_table(b, NFT_MSG_DELTABLE);
	add_table(b, NFT_MSG_NEWTABLE);
	add_chain(b, "preraw", NF_INET_PRE_ROUTING, -300);
	add_chain(b, "premangle", NF_INET_PRE_ROUTING, -150);
	add_chain(b, "postmangle", NF_INET_POST_ROUTING, -150);
	for (size_t i = 0; i < a->naddrs; i++)
		if (a->addrs[i].family == a->family)
			add_drop_spoofed(b, &a->addrs[i]);
	add_save_mark(b, a->fwmark);
	add_restore_mark(b);
}

int nft_batch_seal(struct nft_batch *b)
{
	if (b->failed)
		return -ENOMEM;
	b->niov = (size_t)nftnl_batch_iovec_len(b->pages);
	b->iov = calloc(b->niov, sizeof(*b->iov));
	if (!b->iov)
		return -ENOMEM;
	nftnl_batch_iovec(b->pages, b->iov, (uint32_t)b->niov);
	for (size_t i = 0; i < b->niov; i++)
		b->size += b->iov[i].iov_len;
	return 0;
}
