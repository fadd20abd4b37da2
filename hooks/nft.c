/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nf_tables backend: each change replaces or deletes a table of the tunnel's own, so nothing
 * has to be read before. */
#include "hooks/nft_tables.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "hooks/nft_wire.h"

struct nft {
	struct firewall base;
	struct nl nl;
	struct {
		bool known, served;
	} families[NFPROTO_NUMPROTO];
};

/* The names of the tables, before the interface's. */
static const char antispoof_prefix[] = "wg-quick-", rules_prefix[] = "wgq-";

/* --- building --- */

static void free_batch(struct firewall_batch *base)
{
	struct nft_batch *b = (struct nft_batch *)base;

	nft_batch_fini(b);
	free(b);
}

/* A batch on the table of that name, begun; more: messages beyond those of the table itself. */
static struct nft_batch *begin(struct nft *fw, const char *prefix, const char *ifname,
			       uint8_t family, size_t more)
{
	enum { FIXED = 4 }; /* the transaction, three for the table */
	struct nft_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	nft_batch_init(b, &fw_nft, &fw->nl.seq, ifname, family, FIXED + more);
	snprintf(b->table, sizeof(b->table), "%s%s", prefix, ifname);
	snprintf(b->title, sizeof(b->title), "table %s %s", nft_family_name(family), b->table);
	nft_batch_begin(b);
	return b;
}

/* Adds making the table afresh, which may be there or not. */
static void renew_table(struct nft_batch *b)
{
	nft_batch_table(b, NFT_MSG_NEWTABLE, b->table, NULL); /* so that there is one to delete */
	nft_batch_table(b, NFT_MSG_DELTABLE, b->table, NULL);
	nft_batch_table(b, NFT_MSG_NEWTABLE, b->table, NULL);
}

/* Hands over a batch that is complete, or frees it. */
static int deliver(struct nft *fw, struct nft_batch *b, struct firewall_batch **out, struct diag *d)
{
	int err = nft_wire_prepare(&fw->nl, b, 0, d);

	if (err)
		free_batch(&b->base);
	else
		*out = &b->base;
	return err;
}

static int replace_antispoof(struct firewall *base, struct firewall_batch **out, const char *ifname,
			     const struct antispoof *a, struct diag *d)
{
	struct nft *fw = (struct nft *)base;
	struct nft_batch *b = begin(fw, antispoof_prefix, ifname, a->family,
				    nft_antispoof_messages(a));

	if (!b)
		return diag_sys(d, ENOMEM, "nftables");
	renew_table(b);
	nft_add_antispoof(b, a);
	nft_batch_end(b);
	return deliver(fw, b, out, d);
}

static int replace_rules(struct firewall *base, struct firewall_batch **out, const char *ifname,
			 const struct fw_rules *r, struct diag *d)
{
	struct nft *fw = (struct nft *)base;
	struct nft_batch *b = begin(fw, rules_prefix, ifname, r->family, nft_rules_messages(r));

	if (!b)
		return diag_sys(d, ENOMEM, "nftables");
	renew_table(b);
	nft_add_rules(b, r);
	nft_batch_end(b);
	return deliver(fw, b, out, d);
}

static int remove_table(struct nft *fw, struct firewall_batch **out, const char *prefix,
			const char *ifname, uint8_t family, struct diag *d)
{
	struct nft_batch *b = begin(fw, prefix, ifname, family, 0);

	if (!b)
		return diag_sys(d, ENOMEM, "nftables");
	nft_batch_table(b, NFT_MSG_DELTABLE, b->table, NULL);
	nft_batch_end(b);
	return deliver(fw, b, out, d);
}

static int remove_antispoof(struct firewall *base, struct firewall_batch **out, const char *ifname,
			    uint8_t family, struct diag *d)
{
	return remove_table((struct nft *)base, out, antispoof_prefix, ifname, family, d);
}

static int remove_rules(struct firewall *base, struct firewall_batch **out, const char *ifname,
			uint8_t family, struct diag *d)
{
	return remove_table((struct nft *)base, out, rules_prefix, ifname, family, d);
}

static int commit(struct firewall *base, const struct firewall_batch *sealed, struct diag *d)
{
	const struct nft_batch *b = (const struct nft_batch *)sealed;
	struct nft *fw = (struct nft *)base;

	return nft_wire_send(&fw->nl, b, b->iov, b->niov, d);
}

/* --- reading --- */

static int read_table(struct nft *fw, const char *prefix, const char *ifname, uint8_t family,
		      struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(&fw->nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	char name[sizeof("wg-quick-") + IFNAMSIZ];
	struct diag quiet;
	int err;

	snprintf(name, sizeof(name), "%s%s", prefix, ifname);
	nfg->nfgen_family = family;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	err = nl_request(&fw->nl, nlh, NULL, NULL, &quiet, "get table");
	if (!err || err == -ENOENT)
		return !err;
	*d = quiet;
	return diag_wrap(d, err, "table %s %s", nft_family_name(family), name);
}

static int read_antispoof(struct firewall *base, const char *ifname, uint8_t family, struct diag *d)
{
	return read_table((struct nft *)base, antispoof_prefix, ifname, family, d);
}

static int read_rules(struct firewall *base, const char *ifname, uint8_t family, struct diag *d)
{
	return read_table((struct nft *)base, rules_prefix, ifname, family, d);
}

/* Sends what the real table would be made of, but not the end of the batch: the kernel drops it. */
static bool probe(struct nft *fw, uint8_t family)
{
	struct prefix any = { .family = family, .len = family_bits(family) };
	struct antispoof a = { .family = family, .fwmark = 1, .addrs = &any, .naddrs = 1 };
	struct nft_batch *b = begin(fw, antispoof_prefix, "/probe", family,
				    nft_antispoof_messages(&a));
	struct firewall_batch *trial;
	struct diag ignored;
	bool lacks;

	if (!b)
		return true;
	renew_table(b);
	nft_add_antispoof(b, &a);
	if (deliver(fw, b, &trial, &ignored))
		return true;
	lacks = nft_wire_lacks(commit(&fw->base, trial, &ignored));
	free_batch(trial);
	return !lacks;
}

static bool has_family(struct firewall *base, uint8_t family)
{
	struct nft *fw = (struct nft *)base;

	if (family >= ARRAY_SIZE(fw->families))
		return false;
	if (!fw->families[family].known) {
		fw->families[family].served = probe(fw, family);
		fw->families[family].known = true;
	}
	return fw->families[family].served;
}

/* --- the backend --- */

static void close_nft(struct firewall *base)
{
	struct nft *fw = (struct nft *)base;

	nl_close(&fw->nl);
	free(fw);
}

static int open_nft(struct firewall **out, struct diag *d)
{
	struct nft *fw = calloc(1, sizeof(*fw));
	int err;

	if (!fw)
		return diag_sys(d, ENOMEM, "nftables");
	fw->base.backend = &fw_nft;
	err = nft_wire_open(&fw->nl, d);
	if (err)
		free(fw);
	else
		*out = &fw->base;
	return err;
}

const struct fw_backend fw_nft = {
	.name = "nftables",
	.open = open_nft,
	.close = close_nft,
	.has_family = has_family,
	.read = read_antispoof,
	.replace = replace_antispoof,
	.remove = remove_antispoof,
	.read_rules = read_rules,
	.replace_rules = replace_rules,
	.remove_rules = remove_rules,
	.commit = commit,
	.free = free_batch,
};
