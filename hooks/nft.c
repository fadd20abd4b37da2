/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The nf_tables backend. A change is one batch of messages, finished and measured before the first
 * operation, that goes out in one sendmsg(2): to the kernel one datagram is one transaction. No
 * message asks for an ACK, so silence is success. The kernel works within sendmsg(2), hence its
 * answers, one for each object that it refused, are all there when that returns.
 */
#include "hooks/fw_backend.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/batch.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "wgq/kernel/nl.h"

enum {
	PAGE = 64 * 1024,        /* of the library's batch; a page is one element of the iovec */
	PAGE_OVERRUN = 4 * 1024, /* more than any one message here */
	OBJECTS_FIXED = 10,      /* begin, three for the table, three chains, two rules, end */
	NLMSG_OVERHEAD = 32,     /* what netlink_sendmsg() takes off the send buffer */
};

struct nft {
	struct firewall base;
	struct nl nl;
	struct {
		bool known, served;
	} families[NFPROTO_NUMPROTO];
};

/* What a message is about, to name it if the kernel refuses it. */
struct object {
	const char *kind; /* "table", "chain", "rule" */
	const char *chain;
	struct prefix addr; /* the one that a rule guards; family 0: none */
};

struct nft_batch {
	struct firewall_batch base;
	uint8_t family;
	char ifname[IFNAMSIZ]; /* zero-padded: all of it is compared */
	char table[sizeof("wg-quick-") + IFNAMSIZ];
	uint32_t seq; /* of the first message; that of object i is seq + i */
	struct object *objects;
	size_t nobjects;
	struct nftnl_batch *pages;
	struct iovec *iov;
	size_t niov;
	bool failed; /* out of memory while building */
};

/* --- building: messages --- */

static void batch_free(struct firewall_batch *base)
{
	struct nft_batch *b = (struct nft_batch *)base;

	if (b->pages)
		nftnl_batch_free(b->pages);
	free(b->objects);
	free(b->iov);
	free(b);
}

static struct nft_batch *batch_new(struct nft *fw, const char *ifname, uint8_t family,
				   size_t nobjects)
{
	struct nft_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->base.backend = &fw_nft;
	b->family = family;
	b->seq = fw->nl.seq + 1;
	fw->nl.seq += (uint32_t)nobjects;
	snprintf(b->ifname, sizeof(b->ifname), "%s", ifname);
	snprintf(b->table, sizeof(b->table), "wg-quick-%s", ifname);
	b->objects = calloc(nobjects, sizeof(*b->objects));
	b->pages = nftnl_batch_alloc(PAGE, PAGE_OVERRUN);
	b->failed = !b->objects || !b->pages;
	return b;
}

/* The sequence number of the next message, which is about the object. */
static uint32_t next_seq(struct nft_batch *b, struct object object)
{
	b->objects[b->nobjects] = object;
	return b->seq + (uint32_t)b->nobjects++;
}

static struct nlmsghdr *start(struct nft_batch *b, uint16_t type, uint16_t flags,
			      struct object object)
{
	return nftnl_nlmsg_build_hdr(nftnl_batch_buffer(b->pages), type, b->family, flags,
				     next_seq(b, object));
}

static void finish(struct nft_batch *b)
{
	if (nftnl_batch_update(b->pages) < 0)
		b->failed = true;
}

static void add_begin(struct nft_batch *b)
{
	if (b->failed)
		return;
	nftnl_batch_begin(nftnl_batch_buffer(b->pages), next_seq(b, (struct object){ 0 }));
	finish(b);
}

static void add_end(struct nft_batch *b)
{
	if (b->failed)
		return;
	nftnl_batch_end(nftnl_batch_buffer(b->pages), next_seq(b, (struct object){ 0 }));
	finish(b);
}

/*
 * nft add table ip wg-quick-wg0
 * nft delete table ip wg-quick-wg0
 */
static void add_table(struct nft_batch *b, uint16_t type)
{
	struct nftnl_table *table = nftnl_table_alloc();

	b->failed |= !table || nftnl_table_set_str(table, NFTNL_TABLE_NAME, b->table) < 0;
	if (!b->failed) {
		if (type == NFT_MSG_NEWTABLE)
			nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, 0);
		nftnl_table_nlmsg_build_payload(
			start(b, type, 0, (struct object){ .kind = "table" }), table);
		finish(b);
	}
	if (table)
		nftnl_table_free(table);
}

/*
 * nft add chain ip wg-quick-wg0 preraw { type filter hook prerouting priority -300\; }
 *   ip (null) (null) use 0 type filter hook prerouting prio -300 packets 0 bytes 0
 */
static void add_chain(struct nft_batch *b, const char *name, uint32_t hook, int32_t priority)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	b->failed |= !chain || nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, b->table) < 0 ||
		     nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name) < 0 ||
		     nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter") < 0;
	if (!b->failed) {
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
		nftnl_chain_nlmsg_build_payload(start(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE,
						      (struct object){ "chain", name, { 0 } }),
						chain);
		finish(b);
	}
	if (chain)
		nftnl_chain_free(chain);
}

static struct nftnl_rule *rule_new(struct nft_batch *b, const char *chain)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	b->failed |= !rule || nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, b->table) < 0 ||
		     nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain) < 0;
	return rule;
}

/* Appends the rule, which it frees. */
static void add_rule(struct nft_batch *b, struct nftnl_rule *rule, const char *chain,
		     struct prefix addr)
{
	if (!b->failed) {
		nftnl_rule_nlmsg_build_payload(start(b, NFT_MSG_NEWRULE,
						     NLM_F_CREATE | NLM_F_APPEND,
						     (struct object){ "rule", chain, addr }),
					       rule);
		finish(b);
	}
	if (rule)
		nftnl_rule_free(rule);
}

/* --- building: expressions --- */

struct attr {
	uint16_t type;
	uint32_t value;
};

/* Appends an expression with those attributes; NULL once anything has failed. */
static struct nftnl_expr *put(struct nft_batch *b, struct nftnl_rule *rule, const char *name,
			      const struct attr *attrs, size_t n)
{
	struct nftnl_expr *e = b->failed ? NULL : nftnl_expr_alloc(name);

	b->failed |= !e;
	if (!e)
		return NULL;
	for (size_t i = 0; i < n; i++)
		nftnl_expr_set_u32(e, attrs[i].type, attrs[i].value);
	nftnl_rule_add_expr(rule, e);
	return e;
}

#define PUT(b, rule, name, ...)                                                                    \
	put((b), (rule), (name), (const struct attr[]){ __VA_ARGS__ },                             \
	    ARRAY_SIZE(((const struct attr[]){ __VA_ARGS__ })))

static void put_compare(struct nft_batch *b, struct nftnl_rule *rule, enum nft_cmp_ops how,
			const void *data, size_t size)
{
	struct nftnl_expr *e = PUT(b, rule, "cmp", { NFTNL_EXPR_CMP_SREG, NFT_REG_1 },
				   { NFTNL_EXPR_CMP_OP, how });

	if (e && nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, (uint32_t)size) < 0)
		b->failed = true;
}

static void put_compare_u32(struct nft_batch *b, struct nftnl_rule *rule, enum nft_cmp_ops how,
			    uint32_t value)
{
	put_compare(b, rule, how, &value, sizeof(value));
}

/*
 * nft add rule ip wg-quick-wg0 preraw iifname != "wg0" ip daddr 10.78.0.2 \
 *         fib saddr type != local drop
 *   [ meta load iifname => reg 1 ]
 *   [ cmp neq reg 1 0x00306777 0x00000000 0x00000000 0x00000000 ]
 *   [ payload load 4b @ network header + 16 => reg 1 ]        (ip6: 16b, + 24)
 *   [ cmp eq reg 1 0x02004e0a ]
 *   [ fib saddr type => reg 1 ]
 *   [ cmp neq reg 1 0x00000002 ]
 *   [ immediate reg 0 drop ]
 */
static void add_drop_spoofed(struct nft_batch *b, const struct prefix *addr)
{
	struct nftnl_rule *rule = rule_new(b, "preraw");
	size_t at = b->family == AF_INET6 ? offsetof(struct ip6_hdr, ip6_dst)
					  : offsetof(struct iphdr, daddr);
	uint32_t size = (uint32_t)family_bytes(b->family);

	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_IIFNAME },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	put_compare(b, rule, NFT_CMP_NEQ, b->ifname, sizeof(b->ifname));
	PUT(b, rule, "payload", { NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1 },
	    { NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER },
	    { NFTNL_EXPR_PAYLOAD_OFFSET, (uint32_t)at }, { NFTNL_EXPR_PAYLOAD_LEN, size });
	put_compare(b, rule, NFT_CMP_EQ, addr->addr, size);
	PUT(b, rule, "fib", { NFTNL_EXPR_FIB_DREG, NFT_REG_1 },
	    { NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE },
	    { NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_SADDR });
	put_compare_u32(b, rule, NFT_CMP_NEQ, RTN_LOCAL);
	PUT(b, rule, "immediate", { NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT },
	    { NFTNL_EXPR_IMM_VERDICT, NF_DROP });
	add_rule(b, rule, "preraw", *addr);
}

/*
 * meta l4proto udp
 *   [ meta load l4proto => reg 1 ]
 *   [ cmp eq reg 1 0x00000011 ]
 */
static void put_udp(struct nft_batch *b, struct nftnl_rule *rule)
{
	uint8_t udp = IPPROTO_UDP;

	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_L4PROTO },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	put_compare(b, rule, NFT_CMP_EQ, &udp, sizeof(udp));
}

/*
 * nft add rule ip wg-quick-wg0 postmangle meta l4proto udp meta mark 51820 ct mark set meta mark
 *   [ meta load mark => reg 1 ]
 *   [ cmp eq reg 1 0x0000ca6c ]
 *   [ meta load mark => reg 1 ]
 *   [ ct set mark with reg 1 ]
 */
static void add_save_mark(struct nft_batch *b, uint32_t mark)
{
	struct nftnl_rule *rule = rule_new(b, "postmangle");

	put_udp(b, rule);
	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	put_compare_u32(b, rule, NFT_CMP_EQ, mark);
	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK },
	    { NFTNL_EXPR_META_DREG, NFT_REG_1 });
	PUT(b, rule, "ct", { NFTNL_EXPR_CT_KEY, NFT_CT_MARK }, { NFTNL_EXPR_CT_SREG, NFT_REG_1 });
	add_rule(b, rule, "postmangle", (struct prefix){ 0 });
}

/*
 * nft add rule ip wg-quick-wg0 premangle meta l4proto udp meta mark set ct mark
 *   [ ct load mark => reg 1 ]
 *   [ meta set mark with reg 1 ]
 */
static void add_restore_mark(struct nft_batch *b)
{
	struct nftnl_rule *rule = rule_new(b, "premangle");

	put_udp(b, rule);
	PUT(b, rule, "ct", { NFTNL_EXPR_CT_KEY, NFT_CT_MARK }, { NFTNL_EXPR_CT_DREG, NFT_REG_1 });
	PUT(b, rule, "meta", { NFTNL_EXPR_META_KEY, NFT_META_MARK },
	    { NFTNL_EXPR_META_SREG, NFT_REG_1 });
	add_rule(b, rule, "premangle", (struct prefix){ 0 });
}

/* --- building: batches --- */

static struct nft_batch *build_replace(struct nft *fw, const char *ifname,
				       const struct antispoof *a)
{
	struct nft_batch *b = batch_new(fw, ifname, a->family, OBJECTS_FIXED + a->naddrs);

	if (!b)
		return NULL;
	add_begin(b);
	add_table(b, NFT_MSG_NEWTABLE); /* so that there is one to delete */
	add_table(b, NFT_MSG_DELTABLE);
	add_table(b, NFT_MSG_NEWTABLE);
	add_chain(b, "preraw", NF_INET_PRE_ROUTING, -300);
	add_chain(b, "premangle", NF_INET_PRE_ROUTING, -150);
	add_chain(b, "postmangle", NF_INET_POST_ROUTING, -150);
	for (size_t i = 0; i < a->naddrs; i++)
		if (a->addrs[i].family == a->family)
			add_drop_spoofed(b, &a->addrs[i]);
	add_save_mark(b, a->fwmark);
	add_restore_mark(b);
	return b;
}

/* Makes the batch ready to be sent, so that sending it takes no memory. */
static int seal(struct nft *fw, struct nft_batch *b, struct diag *d)
{
	int fd = mnl_socket_get_fd(fw->nl.socket), room = 0, size = 0;
	socklen_t len = sizeof(room);

	b->niov = (size_t)nftnl_batch_iovec_len(b->pages);
	b->iov = calloc(b->niov, sizeof(*b->iov));
	if (!b->iov)
		return diag_sys(d, ENOMEM, "table %s", b->table);
	nftnl_batch_iovec(b->pages, b->iov, (uint32_t)b->niov);
	for (size_t i = 0; i < b->niov; i++)
		size += (int)b->iov[i].iov_len;
	size += NLMSG_OVERHEAD;
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

/* Hands over a finished batch, or frees it. */
static int deliver(struct nft *fw, struct nft_batch *b, struct firewall_batch **out, struct diag *d)
{
	int err = b && !b->failed ? seal(fw, b, d) : diag_sys(d, ENOMEM, "nftables batch");

	if (!err)
		*out = &b->base;
	else if (b)
		batch_free(&b->base);
	return err;
}

static int replace(struct firewall *base, struct firewall_batch **out, const char *ifname,
		   const struct antispoof *a, struct diag *d)
{
	struct nft *fw = (struct nft *)base;
	struct nft_batch *b = build_replace(fw, ifname, a);

	if (b)
		add_end(b);
	return deliver(fw, b, out, d);
}

static int build_removal(struct firewall *base, struct firewall_batch **out, const char *ifname,
			 uint8_t family, struct diag *d)
{
	struct nft *fw = (struct nft *)base;
	struct nft_batch *b = batch_new(fw, ifname, family, OBJECTS_FIXED);

	if (b) {
		add_begin(b);
		add_table(b, NFT_MSG_DELTABLE);
		add_end(b);
	}
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
	const struct object *o = &b->objects[seq - b->seq];
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
	struct firewall_batch *trial;
	struct diag ignored;
	bool missing;

	if (deliver(fw, build_replace(fw, "wgq-probe", &a), &trial, &ignored))
		return true;
	missing = means_missing(commit(&fw->base, trial, &ignored));
	batch_free(trial);
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
	.replace = replace,
	.remove = build_removal,
	.commit = commit,
	.free = batch_free,
};
