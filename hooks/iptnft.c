/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The backend for the rules of iptables-nft(8), whose tables (ip filter, ip6 nat, ...) are objects
 * of nf_tables. A change is one transaction: it deletes what has the tunnel's comment by then,
 * wherever it is, and inserts what was built. Tables and chains that were missing are made as
 * iptables-nft makes them and marked by a comment, which iptables does not show; when the last rule
 * of wgq goes, those of them that nobody else has filled or given a policy go along.
 */
#include "hooks/iptnft_find.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "hooks/nft_wire.h"

enum { ATTEMPTS = 16 };

struct iptnft {
	struct firewall base;
	struct nl nl;
	char *room; /* for iptnft_find(), so that a commit takes none */
	struct {
		bool known, served;
	} families[NFPROTO_NUMPROTO];
};

/* Without messages of its own, but for the transaction, it removes. */
struct iptnft_batch {
	struct nft_batch messages;
	bool removal;
	char comment[XT_COMMENT_SIZE];
	char forward_chain[32]; /* iptables: at most 28 */
	struct xt_rule *rules;  /* while it is being built */
};

/* --- building --- */

static void free_batch(struct firewall_batch *base)
{
	struct iptnft_batch *b = (struct iptnft_batch *)base;

	nft_batch_fini(&b->messages);
	free(b->rules);
	free(b);
}

static struct iptnft_batch *new_batch(struct iptnft *fw, const char *ifname, uint8_t family,
				      size_t nrules)
{
	struct iptnft_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	nft_batch_init(&b->messages, &fw_iptables_nft, &fw->nl.seq, ifname, family,
		       1 + iptnft_messages(nrules));
	snprintf(b->messages.title, sizeof(b->messages.title), "the %s tables of iptables",
		 nft_family_name(family));
	b->rules = calloc(nrules + 1, sizeof(*b->rules));
	b->messages.failed |= !b->rules;
	return b;
}

/* Hands over a batch, or frees it if that or what led here failed. */
static int deliver(struct iptnft *fw, struct iptnft_batch *b, struct firewall_batch **out, int err,
		   struct diag *d)
{
	free(b->rules);
	b->rules = NULL;
	if (!err)
		err = nft_wire_prepare(&fw->nl, &b->messages, IPTNFT_ROOM, d);
	if (err)
		free_batch(&b->messages.base);
	else
		*out = &b->messages.base;
	return err;
}

static int add(struct iptnft_batch *b, size_t n, struct diag *d)
{
	int err = iptnft_add(&b->messages, b->rules, n, b->comment, d);

	nft_batch_end(&b->messages);
	return err;
}

static int replace_rules(struct firewall *base, struct firewall_batch **out, const char *ifname,
			 const struct fw_rules *r, struct diag *d)
{
	struct iptnft *fw = (struct iptnft *)base;
	struct iptnft_batch *b = new_batch(fw, ifname, r->family, r->n);
	struct fw_rules lasting = *r;
	int err = 0;

	if (!b)
		return diag_sys(d, ENOMEM, "iptables");
	xt_rules_comment(b->comment, ifname);
	if (r->forward_chain)
		snprintf(b->forward_chain, sizeof(b->forward_chain), "%s", r->forward_chain);
	lasting.forward_chain = r->forward_chain ? b->forward_chain : NULL; /* named in errors */
	if (!b->messages.failed)
		err = add(b, xt_from_rules(b->rules, ifname, &lasting), d);
	return deliver(fw, b, out, err, d);
}

static int replace_antispoof(struct firewall *base, struct firewall_batch **out, const char *ifname,
			     const struct antispoof *a, struct diag *d)
{
	enum { MARKS = 2 };
	struct iptnft *fw = (struct iptnft *)base;
	struct iptnft_batch *b = new_batch(fw, ifname, a->family, a->naddrs + MARKS);
	int err = 0;

	if (!b)
		return diag_sys(d, ENOMEM, "iptables");
	xt_antispoof_comment(b->comment, ifname);
	if (!b->messages.failed)
		err = add(b, xt_from_antispoof(b->rules, ifname, a), d);
	return deliver(fw, b, out, err, d);
}

static int remove_all(struct firewall *base, struct firewall_batch **out, const char *ifname,
		      uint8_t family, const char *comment, struct diag *d)
{
	struct iptnft *fw = (struct iptnft *)base;
	struct iptnft_batch *b = new_batch(fw, ifname, family, 0);

	if (!b)
		return diag_sys(d, ENOMEM, "iptables");
	b->removal = true;
	snprintf(b->comment, sizeof(b->comment), "%s", comment);
	return deliver(fw, b, out, 0, d);
}

static int remove_rules(struct firewall *base, struct firewall_batch **out, const char *ifname,
			uint8_t family, struct diag *d)
{
	char comment[XT_COMMENT_SIZE];

	return remove_all(base, out, ifname, family, xt_rules_comment(comment, ifname), d);
}

static int remove_antispoof(struct firewall *base, struct firewall_batch **out, const char *ifname,
			    uint8_t family, struct diag *d)
{
	char comment[XT_COMMENT_SIZE];

	return remove_all(base, out, ifname, family, xt_antispoof_comment(comment, ifname), d);
}

/* --- committing --- */

enum { MORE = 1 };

/* One transaction. Returns 0, MORE if rules are left that there was no room to delete at once, or a
 * negative errno recorded in d. */
static int attempt(struct iptnft *fw, const struct iptnft_batch *b, size_t *gone, struct diag *d)
{
	const struct nft_batch *m = &b->messages;
	struct iptnft_search s = {
		.family = m->family, .comment = b->comment, .seq = m->seq, .room = fw->room
	};
	int err = iptnft_find(&s, &fw->nl, d);

	if (!err && b->removal && !s.more)
		err = iptnft_tidy(&s, &fw->nl, d);
	if (err)
		return err;
	if (b->removal && s.used == s.empty)
		return *gone ? 0
			     : diag_sys(d, ENOENT, "rules with the comment \"%s\" in %s",
					b->comment, m->title);
	if (b->removal || s.more)
		iptnft_end(&s);
	m->iov[0] = (struct iovec){ s.room, s.used };
	err = nft_wire_send(&fw->nl, m, m->iov, s.more ? 1 : m->niov, d);
	if (err)
		return err;
	*gone += s.found;
	return s.more ? MORE : 0;
}

static int commit(struct firewall *base, const struct firewall_batch *sealed, struct diag *d)
{
	const struct iptnft_batch *b = (const struct iptnft_batch *)sealed;
	struct iptnft *fw = (struct iptnft *)base;
	int err, restarts = 0;
	size_t gone = 0;

	do
		err = attempt(fw, b, &gone, d);
	while (err == MORE || (err == -ERESTART && ++restarts < ATTEMPTS));
	if (err == -ERESTART)
		return diag_set(d, EAGAIN, "%s were changed by others during each of %d attempts",
				b->messages.title, ATTEMPTS);
	return err;
}

/* --- reading --- */

static int read_comment(struct iptnft *fw, const char *comment, uint8_t family, struct diag *d)
{
	struct iptnft_search s = { .family = family, .comment = comment, .room = fw->room };
	int err = iptnft_find(&s, &fw->nl, d);

	return err ? err : s.found > 0;
}

static int read_rules(struct firewall *base, const char *ifname, uint8_t family, struct diag *d)
{
	char comment[XT_COMMENT_SIZE];

	return read_comment((struct iptnft *)base, xt_rules_comment(comment, ifname), family, d);
}

static int read_antispoof(struct firewall *base, const char *ifname, uint8_t family, struct diag *d)
{
	char comment[XT_COMMENT_SIZE];

	return read_comment((struct iptnft *)base, xt_antispoof_comment(comment, ifname), family,
			    d);
}

static bool has_table(struct iptnft *fw, uint8_t family, const char *name)
{
	struct nlmsghdr *nlh = nl_message(&fw->nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	struct diag ignored;

	nfg->nfgen_family = family;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	return !nl_request(&fw->nl, nlh, NULL, NULL, &ignored, name);
}

/* Would the kernel make such a table and chain? The transaction has no end, so it makes none. */
static bool probe(struct iptnft *fw, uint8_t family)
{
	struct nft_chain chain = iptnft_chains[0];
	struct nft_batch b;
	struct diag ignored;
	bool served = true;

	for (size_t i = 0; i < IPTNFT_TABLES; i++)
		if (has_table(fw, family, iptnft_tables[i]))
			return true; /* no need to try, which takes some milliseconds */
	chain.table = "wgq/probe";
	nft_batch_init(&b, &fw_iptables_nft, &fw->nl.seq, "", family, 1 + iptnft_messages(0));
	nft_batch_begin(&b);
	nft_batch_table(&b, NFT_MSG_NEWTABLE, chain.table, NULL);
	nft_batch_chain(&b, &chain, NULL);
	if (!nft_wire_prepare(&fw->nl, &b, 0, &ignored))
		served = !nft_wire_lacks(nft_wire_send(&fw->nl, &b, b.iov, b.niov, &ignored));
	nft_batch_fini(&b);
	return served;
}

static bool has_family(struct firewall *base, uint8_t family)
{
	struct iptnft *fw = (struct iptnft *)base;

	if (family >= ARRAY_SIZE(fw->families))
		return false;
	if (!fw->families[family].known) {
		fw->families[family].served = probe(fw, family);
		fw->families[family].known = true;
	}
	return fw->families[family].served;
}

/* --- the backend --- */

static void close_iptnft(struct firewall *base)
{
	struct iptnft *fw = (struct iptnft *)base;

	nl_close(&fw->nl);
	free(fw->room);
	free(fw);
}

static int open_iptnft(struct firewall **out, struct diag *d)
{
	struct iptnft *fw = calloc(1, sizeof(*fw));
	int err;

	if (!fw || !(fw->room = malloc(IPTNFT_ROOM))) {
		free(fw);
		return diag_sys(d, ENOMEM, "iptables");
	}
	fw->base.backend = &fw_iptables_nft;
	err = nft_wire_open(&fw->nl, d);
	if (err)
		close_iptnft(&fw->base);
	else
		*out = &fw->base;
	return err;
}

const struct fw_backend fw_iptables_nft = {
	.name = "iptables-nft",
	.open = open_iptnft,
	.close = close_iptnft,
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
