/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contents of a tunnel's own tables: wg-quick-IFNAME against spoofing, wgq-IFNAME for the rules
 * that it declares. */
#ifndef WGQ_HOOKS_NFT_TABLES_H
#define WGQ_HOOKS_NFT_TABLES_H

#include "hooks/nft_batch.h"

/* How many messages of a batch they take at most. */
size_t nft_antispoof_messages(const struct antispoof *a);
size_t nft_rules_messages(const struct fw_rules *r);

/* Adds the chains and rules of table b->table, which is new. */
void nft_add_antispoof(struct nft_batch *b, const struct antispoof *a);
void nft_add_rules(struct nft_batch *b, const struct fw_rules *r);

#endif
