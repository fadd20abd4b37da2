/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/nft_batch.h"

#include <assert.h>
#include <errno.h>
#include <libnftnl/batch.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

enum {
	PAGE = 64 * 1024,        /* of the library's batch; a page is one element of the iovec */
	PAGE_OVERRUN = 4 * 1024, /* more than any one message here */
};

/* The sequence number of the next message, which is about the object. */
static uint32_t next_seq(struct nft_batch *b, struct nft_object object)
{
	assert(b->nobjects < b->max_objects);
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

void nft_batch_init(struct nft_batch *b, const struct fw_backend *backend, uint32_t *seq,
		    const char *ifname, uint8_t family, size_t max_objects)
{
	*b = (struct nft_batch){
		.base.backend = backend,
		.family = family,
		.seq = *seq + 1,
		.max_objects = max_objects,
		.objects = calloc(max_objects, sizeof(*b->objects)),
		.pages = nftnl_batch_alloc(PAGE, PAGE_OVERRUN),
	};
	*seq += (uint32_t)max_objects;
	snprintf(b->ifname, sizeof(b->ifname), "%s", ifname);
	b->failed = !b->objects || !b->pages;
	b->nobjects = 1; /* the transaction */
}

void nft_batch_fini(struct nft_batch *b)
{
	if (b->pages)
		nftnl_batch_free(b->pages);
	free(b->objects);
	free(b->iov);
}

void nft_batch_begin(struct nft_batch *b)
{
	if (b->failed)
		return;
	nftnl_batch_begin(nftnl_batch_buffer(b->pages), b->seq);
	finish(b);
}

void nft_batch_end(struct nft_batch *b)
{
	if (b->failed)
		return;
	nftnl_batch_end(nftnl_batch_buffer(b->pages), b->seq);
	finish(b);
}

int nft_batch_seal(struct nft_batch *b)
{
	size_t npages;

	if (b->failed)
		return -ENOMEM;
	npages = (size_t)nftnl_batch_iovec_len(b->pages);
	b->niov = npages + 1;
	b->iov = calloc(b->niov, sizeof(*b->iov));
	if (!b->iov)
		return -ENOMEM;
	nftnl_batch_iovec(b->pages, b->iov + 1, (uint32_t)npages);
	for (size_t i = 1; i < b->niov; i++)
		b->size += b->iov[i].iov_len;
	return 0;
}

/* --- objects --- */

uint32_t nft_comment(uint8_t data[NFT_COMMENT], const char *text)
{
	size_t size = strnlen(text, NFT_COMMENT - 3) + 1;

	data[0] = NFTNL_UDATA_RULE_COMMENT; /* as those of tables and chains */
	data[1] = (uint8_t)size;
	memcpy(data + 2, text, size - 1);
	data[1 + size] = '\0';
	return (uint32_t)size + 2;
}

/*
 * nft add table ip wg-quick-wg0
 * nft delete table ip wg-quick-wg0
 */
void nft_batch_table(struct nft_batch *b, uint16_t type, const char *name, const char *comment)
{
	struct nftnl_table *table = nftnl_table_alloc();
	uint8_t data[NFT_COMMENT];

	b->failed |= !table || nftnl_table_set_str(table, NFTNL_TABLE_NAME, name) < 0 ||
		     (comment && nftnl_table_set_data(table, NFTNL_TABLE_USERDATA, data,
						      nft_comment(data, comment)) < 0);
	if (!b->failed) {
		nftnl_table_nlmsg_build_payload(
			start(b, type, 0, (struct nft_object){ "table", name, NULL, { 0 } }),
			table);
		finish(b);
	}
	if (table)
		nftnl_table_free(table);
}

static int fill_chain(struct nftnl_chain *chain, const struct nft_chain *c, const char *comment)
{
	uint8_t data[NFT_COMMENT];

	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, c->hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, c->priority);
	if (nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, c->table) < 0 ||
	    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, c->name) < 0 ||
	    nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, c->type) < 0)
		return -ENOMEM;
	return comment ? nftnl_chain_set_data(chain, NFTNL_CHAIN_USERDATA, data,
					      nft_comment(data, comment))
		       : 0;
}

/*
 * nft add chain ip wg-quick-wg0 preraw { type filter hook prerouting priority -300\; }
 *   ip (null) (null) use 0 type filter hook prerouting prio -300 packets 0 bytes 0
 */
void nft_batch_chain(struct nft_batch *b, const struct nft_chain *c, const char *comment)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	b->failed |= !chain || fill_chain(chain, c, comment) < 0;
	if (!b->failed) {
		nftnl_chain_nlmsg_build_payload(
			start(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
			      (struct nft_object){ "chain", c->table, c->name, { 0 } }),
			chain);
		finish(b);
	}
	if (chain)
		nftnl_chain_free(chain);
}

void nft_batch_rule(struct nft_batch *b, struct nftnl_rule *rule, enum nft_place place,
		    struct nft_object object)
{
	uint16_t flags = NLM_F_CREATE | (place == NFT_AT_END ? NLM_F_APPEND : 0);

	if (!b->failed) {
		nftnl_rule_nlmsg_build_payload(start(b, NFT_MSG_NEWRULE, flags, object), rule);
		finish(b);
	}
	if (rule)
		nftnl_rule_free(rule);
}
