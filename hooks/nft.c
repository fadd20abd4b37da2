/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nf_tables backend. A change is one batch of messages, finished and measured before the first
 * operation, that goes out in one sendmsg(2): to the kernel one datagram is one transaction. No
 * message asks for an ACK, so silence is success. The kernel works within sendmsg(2), hence its
 * answers, one for each object that it refused, are all there when that returns.
 */
#include "hooks/nft_batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "wgq/kernel/nl.h"

enum { NLMSG_OVERHEAD = 32 }; /* what netlink_sendmsg() takes off the send buffer */

struct nft {
	struct firewall base;
	struct nl nl;
	struct {
		bool known, served;
	} families[NFPROTO_NUMPROTO];
};

/* --- building --- */

/* Makes room for the batch in the socket, so that sending it takes none. */
static int make_room(struct nft *fw, const struct nft_batch *b, struct diag *d)
{
	int fd = mnl_socket_get_fd(fw->nl.socket), room = 0;
	int size = (int)b->size + NLMSG_OVERHEAD;
	socklen_t len = sizeof(room);

	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len);
	if (size <= room)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len);
	if (size > room)
		return diag_sys(d, EMSGSIZE, "table %s: %d bytes in one transaction", b->table,
				size);
	return 0;
}

/* Hands over a batch that is complete, or frees it. */
static int deliver(struct nft *fw, struct nft_batch *b, struct firewall_batch **out, struct diag *d)
{
	int err = nft_batch_seal(b);

	if (err)
		diag_sys(d, -err, "table %s", b->table);
	else
		err = make_room(fw, b, d);
	if (err)
		nft_batch_free(&b->base);
	else
		*out = &b->base;
	return err;
}

static int build_replacement(struct firewall *base, struct firewall_batch **out, const char *ifname,
			     const struct antispoof *a, struct diag *d)
{
	struct nft *fw = (struct nft *)base;
	struct nft_batch *b = nft_batch_new(&fw->nl.seq, ifname, a->family, a->naddrs);

	if (!b)
		return diag_sys(d, ENOMEM, "nftables");
	nft_batch_replace(b, a);
	nft_batch_end(b);
	return deliver(fw, b, out, d);
}

static int build_removal(struct firewall *base, struct firewall_batch **out, const char *ifname,
			 uint8_t family, struct diag *d)
{
	struct nft *fw = (struct nft *)base;
	struct nft_batch *b = nft_batch_new(&fw->nl.seq, ifname, family, 0);

	if (!b)
		return diag_sys(d, ENOMEM, "nftables");
	nft_batch_delete(b);
	nft_batch_end(b);
	return deliver(fw, b, out, d);
}

/* --- sending --- */

static const char *family_name(uint8_t family)
{
	return family == AF_INET6 ? "ip6" : "ip";
}

/* Records the verdict on message seq: "rule of chain preraw for 10.0.0.1 of table ip wg-quick-wg0:
 * …". */
static int record(struct diag *d, const struct nft_batch *b, uint32_t seq,
		  const struct nl_verdict *v)
{
	const struct nft_object *o = &b->objects[seq - b->seq];
	const char *reason = strerror(-v->err), *kind = o->kind;
	char addr[PREFIX_TEXT] = "", kernel[256] = "";

	if (o->addr.family)
		prefix_format_addr(addr, &o->addr);
	if (v->text.n)
		snprintf(kernel, sizeof(kernel), " (kernel: \"%.*s\")", STR_ARGS(v->text));
	if (!kind || !o->chain)
		return diag_set(d, -v->err, "%stable %s %s: %s%s", kind ? "" : "transaction on ",
				family_name(b->family), b->table, reason, kernel);
	if (!strcmp(kind, "chain"))
		return diag_set(d, -v->err, "chain %s of table %s %s: %s%s", o->chain,
				family_name(b->family), b->table, reason, kernel);
	return diag_set(d, -v->err, "rule%s%s of chain %s of table %s %s: %s%s",
			*addr ? " for " : "", addr, o->chain, family_name(b->family), b->table,
			reason, kernel);
}

/* The answers to one batch: of several refusals the first message's is the cause. */
struct answers {
	const struct nft_batch *batch;
	uint32_t seq;
	int err;
	struct diag *d;
};

static void judge(struct answers *a, const struct nlmsghdr *nlh)
{
	uint32_t at = nlh->nlmsg_seq - a->batch->seq;
	struct nl_verdict v;

	if (nlh->nlmsg_type != NLMSG_ERROR || at >= a->batch->nobjects ||
	    nl_read_verdict(&v, nlh) || !v.err)
		return;
	if (a->err && at >= a->seq - a->batch->seq)
		return;
	a->seq = nlh->nlmsg_seq;
	a->err = record(a->d, a->batch, a->seq, &v);
}

/* Reads until nothing is left. Returns 0 or the first refusal. */
static int read_answers(struct nft *fw, struct answers *a)
{
	int fd = mnl_socket_get_fd(fw->nl.socket);
	bool lost = false;

	for (;;) {
		const struct nlmsghdr *nlh = (const void *)fw->nl.receive_buffer;
		struct sockaddr_nl from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, fw->nl.receive_buffer, NL_RECEIVE_BUFFER, MSG_DONTWAIT,
				     (struct sockaddr *)&from, &len);
		int left = (int)n;

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno == ENOBUFS)
			lost = true; /* answers are refusals: those that are queued come first */
		else if (n < 0 && errno != EINTR)
			return diag_sys(a->d, errno, "reading the answers of nf_tables");
		if (n < 0 || from.nl_pid) /* nothing of the kernel's */
			continue;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			judge(a, nlh);
	}
	if (lost && !a->err)
		return diag_sys(a->d, ENOBUFS, "table %s", a->batch->table);
	return a->err;
}

static int commit(struct firewall *base, const struct firewall_batch *sealed, struct diag *d)
{
	const struct nft_batch *b = (const struct nft_batch *)sealed;
	struct nft *fw = (struct nft *)base;
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr msg = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = b->iov,
		.msg_iovlen = b->niov,
	};
	struct answers answers = { .batch = b, .d = d };

	while (sendmsg(mnl_socket_get_fd(fw->nl.socket), &msg, 0) < 0)
		if (errno != EINTR)
			return diag_sys(d, errno, "sending table %s %s", family_name(b->family),
					b->table);
	return read_answers(fw, &answers);
}

/* --- reading --- */

static int read_table(struct firewall *base, const char *ifname, uint8_t family, struct diag *d)
{
	struct nft *fw = (struct nft *)base;
	struct nlmsghdr *nlh = nl_message(&fw->nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	char name[sizeof("wg-quick-") + IFNAMSIZ];
	struct diag quiet;
	int err;

	snprintf(name, sizeof(name), "wg-quick-%s", ifname);
	nfg->nfgen_family = family;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	err = nl_request(&fw->nl, nlh, NULL, NULL, &quiet, "get table");
	if (!err || err == -ENOENT)
		return !err;
	*d = quiet;
	return diag_wrap(d, err, "table %s %s", family_name(family), name);
}

static bool means_missing(int err)
{
	return err == -ENOENT || err == -EOPNOTSUPP || err == -EPROTONOSUPPORT ||
	       err == -EAFNOSUPPORT;
}

/* Sends what the real table would be made of, but not the end of the batch: the kernel drops it. */
static bool probe(struct nft *fw, uint8_t family)
{
	struct prefix any = { .family = family, .len = family_bits(family) };
	struct antispoof a = { .family = family, .fwmark = 1, .addrs = &any, .naddrs = 1 };
	struct nft_batch *b = nft_batch_new(&fw->nl.seq, "wgq-probe", family, 1);
	struct firewall_batch *trial;
	struct diag ignored;
	bool missing;

	if (!b)
		return true;
	nft_batch_replace(b, &a);
	if (deliver(fw, b, &trial, &ignored))
		return true;
	missing = means_missing(commit(&fw->base, trial, &ignored));
	nft_batch_free(trial);
	return !missing;
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

/* EINVAL: nfnetlink knows no subsystem of that number, nor a module for it. */
static int ask_generation(struct nft *fw, struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(&fw->nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0);
	int err;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	err = nl_request(&fw->nl, nlh, NULL, NULL, d, "nftables");
	return err == -EINVAL || means_missing(err) ? -EOPNOTSUPP : err;
}

static int open_nft(struct firewall **out, struct diag *d)
{
	struct nft *fw = calloc(1, sizeof(*fw));
	int err;

	if (!fw)
		return diag_sys(d, ENOMEM, "nftables");
	fw->base.backend = &fw_nft;
	err = nl_open(&fw->nl, NETLINK_NETFILTER, d);
	if (!err && (err = ask_generation(fw, d)))
		nl_close(&fw->nl);
	else if (means_missing(err))
		err = -EOPNOTSUPP;
	if (!err) {
		*out = &fw->base;
		return 0;
	}
	free(fw);
	if (err == -EOPNOTSUPP)
		diag_set(d, EOPNOTSUPP, "this kernel has no nf_tables");
	return err;
}

const struct fw_backend fw_nft = {
	.name = "nftables",
	.open = open_nft,
	.close = close_nft,
	.has_family = has_family,
	.read = read_table,
	.replace = build_replacement,
	.remove = build_removal,
	.commit = commit,
	.free = nft_batch_free,
};
