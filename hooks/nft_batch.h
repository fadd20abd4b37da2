/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages of one nf_tables transaction, as wg-quick's table needs them; nft.c sends them. What
 * fails for want of memory while building is noted in the batch and found when it is sealed.
 */
#ifndef WGQ_HOOKS_NFT_BATCH_H
#define WGQ_HOOKS_NFT_BATCH_H

#include <sys/uio.h>

#include "hooks/fw_backend.h"

/* What a message is about, to name it if the kernel refuses it. */
struct nft_object {
	const char *kind; /* "table", "chain", "rule"; NULL: the transaction */
	const char *chain;
	struct prefix addr; /* the one that a rule guards; family 0: none */
};

struct nftnl_batch;

struct nft_batch {
	struct firewall_batch base;
	uint8_t family;
	char ifname[IFNAMSIZ]; /* zero-padded: all of it is compared */
	char table[sizeof("wg-quick-") + IFNAMSIZ];
	uint32_t seq; /* of the first message; that of object i is seq + i */
	struct nft_object *objects;
	size_t nobjects;
	struct nftnl_batch *pages;
	struct iovec *iov; /* what to send, once sealed */
	size_t niov, size;
	bool failed;
};

/*
 * A batch on table wg-quick-IFNAME, begun. *seq is the last sequence number in use, which moves on
 * by as many as a table that guards naddrs addresses takes. Returns NULL without memory.
 */
struct nft_batch *nft_batch_new(uint32_t *seq, const char *ifname, uint8_t family, size_t naddrs);
void nft_batch_free(struct firewall_batch *b);

/* Adds deleting the table. */
void nft_batch_delete(struct nft_batch *b);

/* Adds replacing the table, which may be there or not. */
void nft_batch_replace(struct nft_batch *b, const struct antispoof *a);

/* Adds the end, without which the kernel drops all of it. */
void nft_batch_end(struct nft_batch *b);

/* Makes iov, niov and size. Returns 0 or -ENOMEM. */
int nft_batch_seal(struct nft_batch *b);

#endif
