/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/kernel/nl.h"

#include <assert.h>
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>

enum {
	DUMP_ATTEMPTS = 16,
	/* Room for every answer to a chunk even where the default has been lowered. */
	SOCKET_BUFFER = 1024 * 1024,
};

/* --- socket and messages --- */

static int set_options(struct nl *nl)
{
	static const int options[] = { NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK };
	int fd = mnl_socket_get_fd(nl->socket), on = 1, size = SOCKET_BUFFER;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (mnl_socket_setsockopt(nl->socket, options[i], &on, sizeof(on)) < 0 &&
		    errno != ENOPROTOOPT) /* an older kernel */
			return -errno;
	}
	/* either may be refused: then the default has to do, which it does unless it was lowered */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

static int open_socket(struct nl *nl, int bus)
{
	nl->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	nl->portid = mnl_socket_get_portid(nl->socket);
	return set_options(nl);
}

int nl_open(struct nl *nl, int bus, struct diag *d)
{
	int err;

	*nl = (struct nl){ 0 };
	err = open_socket(nl, bus);
	nl->send_buffer = malloc(NL_SEND_BUFFER);
	nl->receive_buffer = malloc(NL_RECEIVE_BUFFER);
	if (!err && (!nl->send_buffer || !nl->receive_buffer))
		err = -ENOMEM;
	if (err) {
		nl_close(nl);
		return diag_sys(d, -err, "open netlink socket");
	}
	return 0;
}

void nl_close(struct nl *nl)
{
	free(nl->send_buffer);
	free(nl->receive_buffer);
	if (nl->socket)
		mnl_socket_close(nl->socket);
	*nl = (struct nl){ 0 };
}

struct nlmsghdr *nl_message(struct nl *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->send_buffer);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nl->seq;
	return nlh;
}

/* One datagram from the kernel: its length, or a negative errno. */
static ssize_t receive(struct nl *nl, int flags)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(mnl_socket_get_fd(nl->socket), nl->receive_buffer,
				     NL_RECEIVE_BUFFER, flags | MSG_TRUNC, (struct sockaddr *)&from,
				     &size);

		if (n < 0 && errno == EINTR)
			continue; /* a stop request: the caller looks at it when this is over */
		if (n < 0)
			return -errno;
		if (size != sizeof(from) || from.nl_family != AF_NETLINK || from.nl_pid != 0)
			continue; /* from another process */
		return n > NL_RECEIVE_BUFFER ? -EMSGSIZE : n;
	}
}

/*
 * Throws away what is left of an exchange that was broken off. The kernel answers within sendto(),
 * and goes on with a dump within recvfrom(), so once nothing is queued nothing will come.
 */
static void drain(struct nl *nl)
{
	ssize_t n;

	if (!nl->stale)
		return;
	do
		n = receive(nl, MSG_DONTWAIT);
	while (n >= 0 || n == -ENOBUFS || n == -EMSGSIZE);
	nl->stale = false;
}

static int send_all(struct nl *nl, size_t size)
{
	drain(nl);
	while (mnl_socket_sendto(nl->socket, nl->send_buffer, size) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* What a handler says of a message: a negative errno, or one of these. */
enum handled { MORE, FINISHED };

typedef int (*handler)(const struct nlmsghdr *nlh, void *data);

/* Receives one datagram and passes its messages on until the handler says otherwise than MORE. */
static int handle_next(struct nl *nl, int flags, handler handle, void *data)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)nl->receive_buffer;
	ssize_t n = receive(nl, flags);
	int left = (int)n, status = MORE;

	if (n < 0)
		return (int)n;
	for (; left > 0 && status == MORE; nlh = mnl_nlmsg_next(nlh, &left)) {
		if (!mnl_nlmsg_ok(nlh, left))
			return -EBADMSG;
		if (nlh->nlmsg_pid != nl->portid)
			return -EPROTO;
		status = handle(nlh, data);
	}
	return status;
}

/* --- verdicts --- */

/* The attributes of an extended acknowledgement, behind what is there of the request. */
static void read_extended(struct nl_verdict *v, const struct nlmsghdr *nlh, size_t header)
{
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || mnl_nlmsg_get_payload_len(nlh) < header)
		return;
	mnl_attr_for_each(attr, nlh, header)
	{
		const char *text = mnl_attr_get_payload(attr);
		size_t size = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			v->text = (struct str){ text, strnlen(text, size) };
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS && size >= sizeof(uint32_t))
			v->offset = mnl_attr_get_u32(attr);
	}
}

int nl_read_verdict(struct nl_verdict *v, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	bool done = nlh->nlmsg_type == NLMSG_DONE;
	size_t header = done ? sizeof(int) : sizeof(*error);

	*v = (struct nl_verdict){ 0 };
	if (mnl_nlmsg_get_payload_len(nlh) < header)
		return -EBADMSG;
	v->err = error->error > 0 ? -error->error : error->error;
	if (!done && !(nlh->nlmsg_flags & NLM_F_CAPPED)) {
		if (error->msg.nlmsg_len < sizeof(error->msg))
			return -EBADMSG;
		header += MNL_ALIGN(error->msg.nlmsg_len - sizeof(error->msg));
	}
	read_extended(v, nlh, header);
	return 0;
}

/* Records "WHAT: strerror (kernel: "text")"; what may be NULL. Returns err, a negative errno. */
static int record(struct diag *d, int err, const struct nl_verdict *v, const char *what)
{
	const char *separator = what ? ": " : "";

	what = what ? what : "";
	if (!v || !v->text.n)
		return diag_set(d, -err, "%s%s%s", what, separator, strerror(-err));
	return diag_set(d, -err, "%s%s%s (kernel: \"%.*s\")", what, separator, strerror(-err),
			STR_ARGS(v->text));
}

/* --- one request, one dump --- */

struct exchange {
	uint32_t seq;
	mnl_cb_t reply;
	void *data;
	int error; /* of reply: a negative errno */
	bool stopped;
	struct nl_verdict verdict;
};

static int pass_reply(struct exchange *e, const struct nlmsghdr *nlh)
{
	int status;

	if (!e->reply || e->stopped || nlh->nlmsg_type < NLMSG_MIN_TYPE)
		return MORE;
	errno = 0;
	status = e->reply(nlh, e->data);
	e->stopped = status != MNL_CB_OK;
	if (status == MNL_CB_ERROR)
		e->error = errno ? -errno : -EBADMSG;
	return MORE;
}

static int handle_reply(const struct nlmsghdr *nlh, void *data)
{
	struct exchange *e = data;
	int err;

	if (nlh->nlmsg_seq != e->seq)
		return -EPROTO;
	if (nlh->nlmsg_type != NLMSG_ERROR)
		return pass_reply(e, nlh);
	err = nl_read_verdict(&e->verdict, nlh);
	return err ? err : FINISHED;
}

/* Reads until the handler has had the last message. Returns 0 or a negative errno. */
static int read_exchange(struct nl *nl, handler handle, struct exchange *e)
{
	int status;

	do
		status = handle_next(nl, 0, handle, e);
	while (status == MORE);
	nl->stale = status < 0;
	if (status == FINISHED)
		status = e->verdict.err ? e->verdict.err : e->error;
	return status;
}

int nl_request(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t reply, void *data, struct diag *d,
	       const char *what)
{
	struct exchange e = { .seq = nlh->nlmsg_seq, .reply = reply, .data = data };
	int err;

	nlh->nlmsg_flags |= NLM_F_ACK;
	err = send_all(nl, nlh->nlmsg_len);
	if (!err)
		err = read_exchange(nl, handle_reply, &e);
	return err ? record(d, err, &e.verdict, what) : 0;
}

static int handle_part(const struct nlmsghdr *nlh, void *data)
{
	struct exchange *e = data;
	int err;

	if (nlh->nlmsg_seq != e->seq)
		return -EPROTO;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EINTR;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		err = nl_read_verdict(&e->verdict, nlh);
		return err ? err : FINISHED;
	}
	return pass_reply(e, nlh);
}

int nl_dump(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t reply, void (*restart)(void *data),
	    void *data, struct diag *d, const char *what)
{
	struct exchange e;
	int err = 0;

	nlh->nlmsg_flags |= NLM_F_DUMP;
	for (int attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
		e = (struct exchange){ .seq = ++nl->seq, .reply = reply, .data = data };
		nlh->nlmsg_seq = e.seq;
		if (restart)
			restart(data);
		err = send_all(nl, nlh->nlmsg_len);
		if (!err)
			err = read_exchange(nl, handle_part, &e);
		if (err != -EINTR && err != -ENOBUFS)
			return err ? record(d, err, &e.verdict, what) : 0;
	}
	return diag_set(d, -err, "%s: changed during each of %d attempts to read it", what,
			DUMP_ATTEMPTS);
}

/* --- batches --- */

struct batch {
	struct nl *nl;
	size_t n;
	nl_batch_build build;
	void *data;
	bool acks; /* silence is success, and the last message of a chunk is acknowledged */
	size_t chunk_max;

	/* who hears of an answer: one of the two */
	nl_batch_settle settle;
	nl_query_answer answer;

	/* the chunk on its way */
	size_t first, count, answered;
	uint32_t seq; /* of its first message */

	int error; /* the first one, a negative errno */
	size_t failed;
	struct diag *d;
};

/* Fills the send buffer with the next messages; returns their size. */
static size_t build_chunk(struct batch *b)
{
	struct nlmsghdr *nlh = NULL;
	size_t size = 0;

	b->count = b->answered = 0;
	b->seq = b->nl->seq + 1;
	while (b->first + b->count < b->n && b->count < b->chunk_max &&
	       size + NL_MESSAGE_MAX <= NL_SEND_BUFFER) {
		nlh = mnl_nlmsg_put_header(b->nl->send_buffer + size);
		b->build(b->nl, nlh, b->first + b->count, b->data);
		assert(nlh->nlmsg_len <= NL_MESSAGE_MAX);
		nlh->nlmsg_flags |= NLM_F_REQUEST;
		nlh->nlmsg_seq = ++b->nl->seq;
		size += MNL_ALIGN(nlh->nlmsg_len);
		b->count++;
	}
	if (nlh && b->acks)
		nlh->nlmsg_flags |= NLM_F_ACK;
	return size;
}

static void fail(struct batch *b, size_t i, int err, const struct nl_verdict *v)
{
	if (b->error)
		return;
	b->error = record(b->d, err, v, NULL);
	b->failed = i;
}

static void settle(struct batch *b, size_t i, const struct nl_verdict *v)
{
	int err = b->settle ? b->settle(i, v->err, b->data) : v->err;

	if (err)
		fail(b, i, err > 0 ? -err : err, v);
}

static int handle_answer(const struct nlmsghdr *nlh, void *data)
{
	static const struct nl_verdict accepted;
	struct batch *b = data;
	bool refusal = nlh->nlmsg_type == NLMSG_ERROR;
	uint32_t at = nlh->nlmsg_seq - b->seq;
	struct nl_verdict v = { 0 };
	size_t i;

	/* the kernel takes one after the other; if it drops answers, then all from one on */
	if (at < b->answered || at >= b->count || (at > b->answered && !b->acks))
		return -EPROTO;
	if (!refusal && b->acks)
		return MORE; /* an echo */
	if (refusal && nl_read_verdict(&v, nlh))
		return -EBADMSG;
	while (b->answered < at)
		settle(b, b->first + b->answered++, &accepted);
	i = b->first + b->answered++;
	if (b->answer)
		b->answer(i, refusal ? NULL : nlh, v.err, b->data);
	else
		settle(b, i, &v);
	return MORE;
}

/*
 * Reads an answer to every message of the chunk. If the kernel had to drop some (ENOBUFS), those
 * that are there are read all the same: the more fates are known, the better.
 */
static int read_answers(struct batch *b)
{
	int status = MORE, flags = 0, lost = 0;

	while (b->answered < b->count && status == MORE) {
		status = handle_next(b->nl, flags, handle_answer, b);
		if (status == -ENOBUFS) {
			lost = status;
			flags = MSG_DONTWAIT;
			status = MORE;
		}
	}
	b->nl->stale = status < 0;
	return status == -EAGAIN && lost ? lost : status;
}

static int run_batch(struct batch *b)
{
	int err;

	for (b->first = 0; b->first < b->n && !b->error; b->first += b->count) {
		err = send_all(b->nl, build_chunk(b));
		if (!err)
			err = read_answers(b);
		if (err < 0)
			fail(b, b->first + b->answered, err, NULL);
	}
	return b->error;
}

int nl_batch(struct nl *nl, size_t n, nl_batch_build build, nl_batch_settle settle_one, void *data,
	     size_t *failed, struct diag *d)
{
	struct batch b = {
		.nl = nl,
		.n = n,
		.build = build,
		.data = data,
		.acks = true,
		.chunk_max = NL_BATCH_MAX,
		.settle = settle_one,
		.d = d,
	};
	int err = run_batch(&b);

	if (err && failed)
		*failed = b.failed;
	return err;
}

int nl_query(struct nl *nl, size_t n, nl_batch_build build, nl_query_answer answer, void *data,
	     struct diag *d, const char *what)
{
	struct batch b = {
		.nl = nl,
		.n = n,
		.build = build,
		.data = data,
		.chunk_max = NL_QUERY_MAX,
		.answer = answer,
		.d = d,
	};
	int err = run_batch(&b);

	return err ? diag_wrap(d, err, "%s", what) : 0;
}

/* --- attributes --- */

static int each_attr(const void *begin, size_t size,
		     int (*each)(const struct nlattr *attr, void *data), void *data)
{
	const struct nlattr *attr = begin;
	int left = (int)size, err = 0;

	while (left > 0 && !err) {
		if (!mnl_attr_ok(attr, left))
			return -EBADMSG;
		err = each(attr, data);
		left -= MNL_ALIGN(attr->nla_len);
		attr = mnl_attr_next(attr);
	}
	return err;
}

int nl_each_nested(const struct nlattr *nest, int (*each)(const struct nlattr *attr, void *data),
		   void *data)
{
	return each_attr(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), each, data);
}

struct sorted {
	const struct nlattr **tb;
	const uint8_t *least;
	uint16_t max;
};

static int sort_attr(const struct nlattr *attr, void *data)
{
	const struct sorted *s = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type > s->max)
		return 0;
	if (mnl_attr_get_payload_len(attr) < s->least[type])
		return -EBADMSG;
	s->tb[type] = attr;
	return 0;
}

int nl_parse(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb,
	     const uint8_t *least, uint16_t max)
{
	struct sorted s = { .tb = tb, .least = least, .max = max };
	size_t size = mnl_nlmsg_get_payload_len(nlh);

	memset(tb, 0, (max + 1U) * sizeof(*tb));
	if (size < header)
		return -EBADMSG;
	header = MNL_ALIGN(header);
	return each_attr(mnl_nlmsg_get_payload_offset(nlh, header),
			 size > header ? size - header : 0, sort_attr, &s);
}

int nl_parse_nested(const struct nlattr *nest, const struct nlattr **tb, const uint8_t *least,
		    uint16_t max)
{
	struct sorted s = { .tb = tb, .least = least, .max = max };

	memset(tb, 0, (max + 1U) * sizeof(*tb));
	return nl_each_nested(nest, sort_attr, &s);
}
