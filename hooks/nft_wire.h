/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction's way to the kernel and back. A batch goes out in one sendmsg(2): to the kernel one
 * datagram is one transaction. No message asks for an ACK, so silence is success. The kernel works
 * within sendmsg(2), hence its answers, one for each object that it refused, are all there when
 * that returns.
 */
#ifndef WGQ_HOOKS_NFT_WIRE_H
#define WGQ_HOOKS_NFT_WIRE_H

#include "hooks/nft_batch.h"
#include "wgq/kernel/nl.h"

/* Opens the socket. Returns 0 or a negative errno recorded in d; -EOPNOTSUPP: this kernel has no
 * nf_tables. */
int nft_wire_open(struct nl *nl, struct diag *d);

/* Does this refusal mean that the kernel lacks something? */
bool nft_wire_lacks(int err);

/* "ip", "ip6". */
const char *nft_family_name(uint8_t family);

/* Asks for the number of the last transaction, whoever's; *id is never 0. */
int nft_wire_generation(struct nl *nl, uint32_t *id, struct diag *d);

/* Seals the batch and makes room in the socket for it and more bytes, so that sending takes none.
 * Returns 0 or a negative errno recorded in d. */
int nft_wire_prepare(struct nl *nl, struct nft_batch *b, size_t more, struct diag *d);

/*
 * Sends those bytes, which hold b's messages and may hold others, and reads the answers, allocating
 * nothing. Returns 0 or the first refusal, recorded in d with its object.
 */
int nft_wire_send(struct nl *nl, const struct nft_batch *b, struct iovec *iov, size_t niov,
		  struct diag *d);

#endif
