/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The messages of one nf_tables transaction; nft_wire.c sends them. What fails for want of memory
 * while building is noted in the batch and found when it is sealed, so nothing here returns errors.
 */
#ifndef WGQ_HOOKS_NFT_BATCH_H
#define WGQ_HOOKS_NFT_BATCH_H

#include <sys/uio.h>

#include "hooks/fw_backend.h"

/* What a message is about, to name it if the kernel refuses it. The strings outlive the batch. */
struct nft_object {
	const char *kind; /* "table", "chain", "rule"; NULL: the transaction */
	const char *table, *chain;
	struct prefix addr; /* what a rule is for; family 0: none */
};

struct nftnl_batch;
struct nftnl_rule;

struct nft_batch {
	struct firewall_batch base;
	uint8_t family;
	char ifname[IFNAMSIZ];                      /* zero-padded: all of it is compared */
	char table[sizeof("wg-quick-") + IFNAMSIZ]; /* of the tunnel's own */
	char title[64];                             /* what it is about: "table ip wgq-wg0" */
	uint32_t seq;                               /* of object 0; that of object i is seq + i */
	struct nft_object *objects;                 /* the first is the transaction */
	size_t nobjects, max_objects;
	struct nftnl_batch *pages;
	struct iovec
		*iov; /* what to send, once sealed; the first is left empty, for what goes before */
	size_t niov, size;
	bool failed;
};

/* The user data, at most NFT_COMMENT bytes, that nft(8) shows as a comment of a table, chain or
 * rule, and iptables as that of a rule. Returns its size. */
enum { NFT_COMMENT = 2 + 128 };
uint32_t nft_comment(uint8_t data[NFT_COMMENT], const char *text);

/*
 * A batch of the backend, on a tunnel's rules, with room for max_objects, of which the
 * transaction is one. *seq is the last
 * sequence number in use, which moves on by as many.
 */
void nft_batch_init(struct nft_batch *b, const struct fw_backend *backend, uint32_t *seq,
		    const char *ifname, uint8_t family, size_t max_objects);
void nft_batch_fini(struct nft_batch *b);

/* Adds the begin and the end of a transaction; without the end the kernel drops all of it. */
void nft_batch_begin(struct nft_batch *b);
void nft_batch_end(struct nft_batch *b);

/* A base chain. */
struct nft_chain {
	const char *table, *name;
	const char *type; /* "filter", "nat" */
	uint32_t hook;    /* NF_INET_* */
	int32_t priority;
};

/* Adds making (NFT_MSG_NEWTABLE, fine if it exists) or deleting (NFT_MSG_DELTABLE) a table. Only
 * one that is new gets the comment (NULL: none), if the kernel (5.10) has room for it. */
void nft_batch_table(struct nft_batch *b, uint16_t type, const char *name, const char *comment);

/* Adds making a base chain of policy accept, with a comment likewise. Fine if it exists with that
 * type, hook and priority: then its policy stays. */
void nft_batch_chain(struct nft_batch *b, const struct nft_chain *chain, const char *comment);

/* Adds a rule (nft_expr.h), which it frees, to the end or the head of its chain. */
enum nft_place { NFT_AT_END, NFT_AT_HEAD };
void nft_batch_rule(struct nft_batch *b, struct nftnl_rule *rule, enum nft_place place,
		    struct nft_object object);

/* Makes iov, niov and size. Returns 0 or -ENOMEM. */
int nft_batch_seal(struct nft_batch *b);

#endif
