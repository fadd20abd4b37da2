/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules of nf_tables are made of, in the instructions that nft(8) and iptables-nft(8) write:
 * each call adds one statement to a rule. As in nft_batch.h, failures show when the batch is
 * sealed.
 */
#ifndef WGQ_HOOKS_NFT_EXPR_H
#define WGQ_HOOKS_NFT_EXPR_H

#include <linux/netfilter/nf_tables.h>

#include "hooks/nft_batch.h"
#include "hooks/xt.h"

/* NULL without memory, which all calls here and nft_batch_rule() take. */
struct nftnl_rule *nft_rule_new(struct nft_batch *b, const char *table, const char *chain);

/* An attribute NFTNL_EXPR_... of 32 bits of an expression. */
struct nft_attr {
	uint16_t type;
	uint32_t value;
};

/* Any expression; returns it for more attributes, NULL once anything has failed. */
struct nftnl_expr *nft_put(struct nft_batch *b, struct nftnl_rule *rule, const char *name,
			   const struct nft_attr *attrs, size_t n);

#define NFT_PUT(b, rule, name, ...)                                                                \
	nft_put((b), (rule), (name), (const struct nft_attr[]){ __VA_ARGS__ },                     \
		ARRAY_SIZE(((const struct nft_attr[]){ __VA_ARGS__ })))

/* Compares register 1. */
void nft_put_compare(struct nft_batch *b, struct nftnl_rule *rule, enum nft_cmp_ops how,
		     const void *data, size_t size);
void nft_put_compare_u32(struct nft_batch *b, struct nftnl_rule *rule, enum nft_cmp_ops how,
			 uint32_t value);

/* Loads a NFT_META_... into register 1. */
void nft_put_meta(struct nft_batch *b, struct nftnl_rule *rule, enum nft_meta_keys key);

/* The name of the interface that a packet comes from (NFT_META_IIFNAME) or goes to
 * (NFT_META_OIFNAME), of which size bytes are compared. */
void nft_put_ifname(struct nft_batch *b, struct nftnl_rule *rule, enum nft_meta_keys key,
		    enum nft_cmp_ops how, const char *name, size_t size);

void nft_put_l4proto(struct nft_batch *b, struct nftnl_rule *rule, uint8_t protocol);

/* The packet's address lies in the network of prefix, which is of the batch's family; family 0 or
 * length 0: nothing to look at. */
void nft_put_source(struct nft_batch *b, struct nftnl_rule *rule, const struct prefix *prefix);
void nft_put_destination(struct nft_batch *b, struct nftnl_rule *rule, const struct prefix *prefix);

/* ct state established,related */
void nft_put_replies(struct nft_batch *b, struct nftnl_rule *rule);

/* NF_ACCEPT or NF_DROP. */
void nft_put_verdict(struct nft_batch *b, struct nftnl_rule *rule, uint32_t verdict);

/* As iptables-nft(8) writes them: a counter, and what ip_tables calls a match ("match") or a target
 * ("target"), whose data it takes, leaving NULL. */
void nft_put_counter(struct nft_batch *b, struct nftnl_rule *rule);
void nft_put_compat(struct nft_batch *b, struct nftnl_rule *rule, const char *kind,
		    struct xt_part *part);

void nft_put_comment(struct nft_batch *b, struct nftnl_rule *rule, const char *text);

#endif
