/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/nft_wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

enum { NLMSG_OVERHEAD = 32 }; /* what netlink_sendmsg() takes off the send buffer */

bool nft_wire_lacks(int err)
{
	return err == -ENOENT || err == -EOPNOTSUPP || err == -EPROTONOSUPPORT ||
	       err == -EAFNOSUPPORT;
}

const char *nft_family_name(uint8_t family)
{
	return family == AF_INET6 ? "ip6" : "ip";
}

/* --- the socket --- */

static int read_generation(const struct nlmsghdr *nlh, void *data)
{
	static const uint8_t least[NFTA_GEN_MAX + 1] = { [NFTA_GEN_ID] = 4 };
	const struct nlattr *tb[NFTA_GEN_MAX + 1];

	if (nl_parse(nlh, sizeof(struct nfgenmsg), tb, least, NFTA_GEN_MAX) || !tb[NFTA_GEN_ID]) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	*(uint32_t *)data = ntohl(mnl_attr_get_u32(tb[NFTA_GEN_ID]));
	return MNL_CB_OK;
}

int nft_wire_generation(struct nl *nl, uint32_t *id, struct diag *d)
{
	struct nlmsghdr *nlh = nl_message(nl, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg));
	return nl_request(nl, nlh, read_generation, id, d, "nftables");
}

int nft_wire_open(struct nl *nl, struct diag *d)
{
	int err = nl_open(nl, NETLINK_NETFILTER, d);
	uint32_t ignored;

	if (!err && (err = nft_wire_generation(nl, &ignored, d))) {
		nl_close(nl);
		if (err == -EINVAL) /* no subsystem of that number, nor a module for it */
			err = -EOPNOTSUPP;
	}
	if (nft_wire_lacks(err))
		return diag_set(d, EOPNOTSUPP, "this kernel has no nf_tables");
	return err;
}

int nft_wire_prepare(struct nl *nl, struct nft_batch *b, size_t more, struct diag *d)
{
	int fd = mnl_socket_get_fd(nl->socket), room = 0, size, err = nft_batch_seal(b);
	socklen_t len = sizeof(room);

	if (err)
		return diag_sys(d, -err, "%s", b->title);
	size = (int)(b->size + more) + NLMSG_OVERHEAD;
	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len);
	if (size <= room)
		return 0;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len);
	if (size > room)
		return diag_sys(d, EMSGSIZE, "%s: %d bytes in one transaction", b->title, size);
	return 0;
}

/* --- answers --- */

/* "rule for 10.0.0.1 of chain preraw of table ip wg-quick-wg0" */
static void describe(char *text, size_t size, const struct nft_batch *b, const struct nft_object *o)
{
	const char *family = nft_family_name(b->family);
	char addr[PREFIX_TEXT] = "";

	if (o->addr.family && o->addr.len == family_bits(o->addr.family))
		prefix_format_addr(addr, &o->addr);
	else if (o->addr.family)
		prefix_format(addr, &o->addr);
	if (!o->kind)
		snprintf(text, size, "transaction on %s", b->title);
	else if (!o->chain)
		snprintf(text, size, "table %s %s", family, o->table);
	else if (!strcmp(o->kind, "chain"))
		snprintf(text, size, "chain %s of table %s %s", o->chain, family, o->table);
	else
		snprintf(text, size, "rule%s%s of chain %s of table %s %s", *addr ? " for " : "",
			 addr, o->chain, family, o->table);
}

static int record(struct diag *d, const struct nft_batch *b, const struct nft_object *o,
		  const struct nl_verdict *v)
{
	char what[256], kernel[256] = "";

	describe(what, sizeof(what), b, o);
	if (v->text.n)
		snprintf(kernel, sizeof(kernel), " (kernel: \"%.*s\")", STR_ARGS(v->text));
	return diag_set(d, -v->err, "%s: %s%s", what, strerror(-v->err), kernel);
}

/* The answers to one transaction: of several refusals the first message's is the cause. */
struct answers {
	const struct nft_batch *batch;
	size_t at; /* that message */
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
	if (a->err && at >= a->at)
		return;
	a->at = at;
	a->err = record(a->d, a->batch, &a->batch->objects[at], &v);
}

/* Reads until nothing is left. Returns 0 or the first refusal. */
static int read_answers(struct nl *nl, struct answers *a)
{
	int fd = mnl_socket_get_fd(nl->socket);
	bool lost = false;

	for (;;) {
		const struct nlmsghdr *nlh = (const void *)nl->receive_buffer;
		struct sockaddr_nl from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, nl->receive_buffer, NL_RECEIVE_BUFFER, MSG_DONTWAIT,
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
		return diag_sys(a->d, ENOBUFS, "%s", a->batch->title);
	return a->err;
}

int nft_wire_send(struct nl *nl, const struct nft_batch *b, struct iovec *iov, size_t niov,
		  struct diag *d)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr msg = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = iov,
		.msg_iovlen = niov,
	};
	struct answers answers = { .batch = b, .d = d };

	while (sendmsg(mnl_socket_get_fd(nl->socket), &msg, 0) < 0)
		if (errno != EINTR)
			return diag_sys(d, errno, "sending %s", b->title);
	return read_answers(nl, &answers);
}
