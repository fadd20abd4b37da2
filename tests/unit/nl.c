/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The netlink core against the running kernel, with a wire in between that can be cut. */
#undef _FORTIFY_SOURCE
#include "wgq/kernel/nl.h"

#include <errno.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/netns.h"

/* --- the wire: our recvfrom() and sendto() stand in for those of libc --- */

static struct wire {
	int receives, sends;
	int interrupt_receives; /* so many calls fail with EINTR first */
	int fail_send;          /* this one, counted from 1 */
	int at;                 /* tamper with the datagram of this receive, counted from 1 */
	ssize_t (*tamper)(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from);
} wire;

ssize_t recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *from,
		 socklen_t *fromlen)
{
	ssize_t n;

	if (wire.interrupt_receives > 0) {
		wire.interrupt_receives--;
		errno = EINTR;
		return -1;
	}
	n = syscall(SYS_recvfrom, fd, buffer, size, flags, from, fromlen);
	if (n < 0)
		return n;
	wire.receives++;
	if (wire.tamper && (wire.receives == wire.at || wire.at < 0))
		n = wire.tamper(buffer, n, (struct sockaddr_nl *)from);
	return n;
}

ssize_t sendto(int fd, const void *buffer, size_t size, int flags, const struct sockaddr *to,
	       socklen_t tolen)
{
	if (++wire.sends == wire.fail_send) {
		errno = ENOBUFS;
		return -1;
	}
	return syscall(SYS_sendto, fd, buffer, size, flags, to, tolen);
}

/* --- a socket for each test --- */

static struct nl nl;
static struct diag d;

static int open_nl(void **state)
{
	(void)state;
	wire = (struct wire){ 0 };
	d = (struct diag){ 0 };
	return nl_open(&nl, NETLINK_ROUTE, &d);
}

static int close_nl(void **state)
{
	(void)state;
	nl_close(&nl);
	nl_close(&nl);
	return 0;
}

static struct nlmsghdr *get_link(const char *name)
{
	struct nlmsghdr *nlh = nl_message(&nl, RTM_GETLINK, 0);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	if (name)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return nlh;
}

static int count_reply(const struct nlmsghdr *nlh, void *data)
{
	assert_true(mnl_nlmsg_get_payload_len(nlh) >= sizeof(struct ifinfomsg));
	++*(int *)data;
	return MNL_CB_OK;
}

static int refuse_reply(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	++*(int *)data;
	errno = EXDEV;
	return MNL_CB_ERROR;
}

static int stop_reply(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	++*(int *)data;
	return MNL_CB_STOP;
}

/* The socket must serve the next request whatever became of the last one. */
static void assert_still_usable(void)
{
	int replies = 0;

	wire = (struct wire){ 0 };
	d.text[0] = '\0';
	assert_int_equal(nl_request(&nl, get_link("lo"), count_reply, &replies, &d, "again"), 0);
	assert_int_equal(replies, 1);
	assert_string_equal(d.text, "");
}

/* --- requests --- */

static void socket_is_closed_on_exec(void **state)
{
	(void)state;
	assert_true(fcntl(mnl_socket_get_fd(nl.socket), F_GETFD) & FD_CLOEXEC);
}

static void opening_an_unknown_bus_is_recorded(void **state)
{
	struct nl other;

	(void)state;
	assert_int_equal(nl_open(&other, 31, &d), -EPROTONOSUPPORT);
	assert_string_equal(d.text, "open netlink socket: Protocol not supported");
	assert_null(other.socket);
}

static void request_passes_the_reply_and_reads_the_ack(void **state)
{
	(void)state;
	assert_still_usable();
	assert_still_usable();
}

static void error_has_the_kernels_own_words(void **state)
{
	struct nlmsghdr *nlh = nl_message(&nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info;

	(void)state;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, "nosuchkind");
	mnl_attr_nest_end(nlh, info);
	assert_int_equal(nl_request(&nl, nlh, NULL, NULL, &d, "add link x"), -EOPNOTSUPP);
	assert_string_equal(
		d.text, "add link x: Operation not supported (kernel: \"Unknown device type\")");
	assert_still_usable();
}

static void error_without_words_is_strerror(void **state)
{
	(void)state;
	assert_int_equal(nl_request(&nl, get_link("nosuch"), NULL, NULL, &d, "read link nosuch"),
			 -ENODEV);
	assert_string_equal(d.text, "read link nosuch: No such device");
}

static void interrupted_receive_goes_on(void **state)
{
	int replies = 0;

	(void)state;
	wire.interrupt_receives = 3;
	assert_int_equal(nl_request(&nl, get_link("lo"), count_reply, &replies, &d, "read"), 0);
	assert_int_equal(replies, 1);
}

static void error_of_the_reply_function_is_the_requests(void **state)
{
	int replies = 0;

	(void)state;
	assert_int_equal(nl_request(&nl, get_link("lo"), refuse_reply, &replies, &d, "read"),
			 -EXDEV);
	assert_string_equal(d.text, "read: Invalid cross-device link");
	assert_still_usable();
}

static void failing_send_is_recorded(void **state)
{
	(void)state;
	wire.fail_send = 1;
	assert_int_equal(nl_request(&nl, get_link("lo"), NULL, NULL, &d, "read"), -ENOBUFS);
	assert_string_equal(d.text, "read: No buffer space available");
	assert_still_usable();
}

/* --- answers that no kernel should give --- */

static ssize_t other_sequence(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from)
{
	(void)from;
	nlh->nlmsg_seq += 7;
	return n;
}

static ssize_t other_port(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from)
{
	(void)from;
	nlh->nlmsg_pid ^= 1;
	return n;
}

static ssize_t half_a_header(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from)
{
	(void)nlh, (void)n, (void)from;
	return sizeof(struct nlmsghdr) / 2;
}

static ssize_t longer_than_received(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from)
{
	(void)from;
	nlh->nlmsg_len = (uint32_t)n + 4;
	return n;
}

static ssize_t shorter_than_a_header(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from)
{
	(void)from;
	nlh->nlmsg_len = 4;
	return n;
}

static ssize_t verdict_without_errno(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from)
{
	(void)n, (void)from;
	nlh->nlmsg_type = NLMSG_ERROR;
	nlh->nlmsg_len = sizeof(*nlh) + 2;
	return MNL_ALIGN(nlh->nlmsg_len);
}

static ssize_t larger_than_the_buffer(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from)
{
	(void)nlh, (void)n, (void)from;
	return NL_RECEIVE_BUFFER + 1;
}

static void malformed_and_foreign_answers_are_errors(void **state)
{
	static const struct {
		ssize_t (*tamper)(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from);
		int err;
	} vectors[] = {
		{ other_sequence, -EPROTO },           { other_port, -EPROTO },
		{ half_a_header, -EBADMSG },           { longer_than_received, -EBADMSG },
		{ shorter_than_a_header, -EBADMSG },   { verdict_without_errno, -EBADMSG },
		{ larger_than_the_buffer, -EMSGSIZE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		int replies = 0;

		wire.receives = 0;
		wire.at = 1;
		wire.tamper = vectors[i].tamper;
		assert_int_equal(nl_request(&nl, get_link("lo"), count_reply, &replies, &d, "read"),
				 vectors[i].err);
		assert_string_not_equal(d.text, "");
		assert_still_usable();

		wire.at = 1;
		wire.tamper = vectors[i].tamper;
		wire.receives = 0;
		assert_int_equal(
			nl_dump(&nl, get_link(NULL), count_reply, NULL, &replies, &d, "read"),
			vectors[i].err);
		assert_still_usable();
	}
}

static ssize_t from_another_process(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from)
{
	nlh->nlmsg_type = NLMSG_ERROR;
	from->nl_pid = 4711;
	return n;
}

static void what_other_processes_send_is_passed_over(void **state)
{
	int replies = 0;

	(void)state;
	wire.at = 1;
	wire.tamper = from_another_process;
	assert_int_equal(nl_request(&nl, get_link("lo"), count_reply, &replies, &d, "read"), 0);
	assert_int_equal(replies, 0);
}

/* --- dumps --- */

static void forget(void *data)
{
	*(int *)data = 0;
}

static ssize_t interrupted(struct nlmsghdr *nlh, ssize_t n, struct sockaddr_nl *from)
{
	(void)from;
	nlh->nlmsg_flags |= NLM_F_DUMP_INTR;
	return n;
}

static int many_links(void **state)
{
	if (open_nl(state))
		return -1;
	/* several datagrams' worth */
	return sh_ok("for i in $(seq 30); do echo link add d$i type veth peer name e$i; "
		     "done | ip -batch -")
		       ? 0
		       : -1;
}

static int few_links(void **state)
{
	close_nl(state);
	return sh_ok("for i in $(seq 30); do echo link del d$i; done | ip -batch -") ? 0 : -1;
}

static void dump_delivers_everything(void **state)
{
	int replies = 0;

	(void)state;
	assert_int_equal(nl_dump(&nl, get_link(NULL), count_reply, forget, &replies, &d, "read"),
			 0);
	assert_true(replies >= 61);
	assert_true(wire.receives > 2);
	assert_int_equal(wire.sends, 1);
}

static void interrupted_dump_starts_again(void **state)
{
	int all = 0, replies = 0;

	(void)state;
	assert_int_equal(nl_dump(&nl, get_link(NULL), count_reply, forget, &all, &d, "read"), 0);
	wire = (struct wire){ .at = 2, .tamper = interrupted };
	assert_int_equal(nl_dump(&nl, get_link(NULL), count_reply, forget, &replies, &d, "read"),
			 0);
	assert_int_equal(wire.sends, 2);
	assert_int_equal(replies, all);
	assert_still_usable();
}

static void dump_that_is_always_interrupted_ends(void **state)
{
	int replies = 0;

	(void)state;
	wire = (struct wire){ .at = -1, .tamper = interrupted };
	assert_int_equal(
		nl_dump(&nl, get_link(NULL), count_reply, forget, &replies, &d, "read links"),
		-EINTR);
	assert_string_equal(d.text, "read links: changed during each of 16 attempts to read it");
	assert_int_equal(wire.sends, 16);
	assert_still_usable();
}

static void dump_left_in_the_middle_is_drained(void **state)
{
	int replies = 0;

	(void)state;
	assert_int_equal(nl_dump(&nl, get_link(NULL), stop_reply, forget, &replies, &d, "read"), 0);
	assert_int_equal(replies, 1);
	assert_still_usable();
	assert_int_equal(nl_dump(&nl, get_link(NULL), refuse_reply, forget, &replies, &d, "read"),
			 -EXDEV);
	assert_int_equal(replies, 1);
	assert_still_usable();
}

static void refused_dump_has_the_kernels_words(void **state)
{
	struct nlmsghdr *nlh = nl_message(&nl, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	(void)state;
	rtm->rtm_family = AF_INET;
	mnl_attr_put_u32(nlh, RTA_TABLE, 4711);
	assert_int_equal(nl_dump(&nl, nlh, NULL, NULL, NULL, &d, "read routes"), -ENOENT);
	assert_string_equal(d.text, "read routes: No such file or directory (kernel: \"ipv4: FIB "
				    "table does not exist\")");
	assert_still_usable();
}

/* --- batches: addresses 10.0.i/256.i%256 on lo --- */

struct addrs {
	size_t bad;  /* this one has no address */
	int forgive; /* an errno that settle accepts */
	size_t last; /* highest index settled */
	size_t settled, applied;
	bool delete;
};

static void build_addr(struct nl *n, struct nlmsghdr *nlh, size_t i, void *data)
{
	const struct addrs *a = data;
	struct ifaddrmsg *ifa;

	(void)n;
	nlh->nlmsg_type = a->delete ? RTM_DELADDR : RTM_NEWADDR;
	nlh->nlmsg_flags = a->delete ? 0 : NLM_F_CREATE | NLM_F_EXCL;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 32;
	ifa->ifa_index = 1;
	if (i != a->bad)
		mnl_attr_put_u32(nlh, IFA_LOCAL, htonl(0x0a000000 + (uint32_t)i));
}

static int settle_addr(size_t i, int err, void *data)
{
	struct addrs *a = data;

	assert_true(a->settled == 0 || i == a->last + 1);
	a->last = i;
	a->settled++;
	a->applied += err == 0;
	return err == a->forgive ? 0 : err;
}

static int addresses_on_lo(void)
{
	char text[16];

	sh_output(text, sizeof(text), "ip -o -4 addr show dev lo to 10.0.0.0/8 | wc -l");
	return (int)strtol(text, NULL, 10);
}

static int flush_lo(void **state)
{
	close_nl(state);
	return sh_ok("ip addr flush dev lo to 10.0.0.0/8") ? 0 : -1;
}

static void batch_goes_out_in_chunks_and_every_fate_is_told(void **state)
{
	struct addrs a = { .bad = SIZE_MAX };

	(void)state;
	assert_int_equal(nl_batch(&nl, 1000, build_addr, settle_addr, &a, NULL, &d), 0);
	assert_int_equal(wire.sends, 5);
	assert_int_equal(a.settled, 1000);
	assert_int_equal(a.applied, 1000);
	assert_int_equal(addresses_on_lo(), 1000);
	a = (struct addrs){ .bad = SIZE_MAX, .delete = true };
	assert_int_equal(nl_batch(&nl, 1000, build_addr, settle_addr, &a, NULL, &d), 0);
	assert_int_equal(addresses_on_lo(), 0);
}

static void empty_batch_sends_nothing(void **state)
{
	(void)state;
	assert_int_equal(nl_batch(&nl, 0, build_addr, NULL, NULL, NULL, &d), 0);
	assert_int_equal(wire.sends, 0);
}

static void refused_message_does_not_hide_the_fate_of_the_others(void **state)
{
	struct addrs a = { .bad = 250 };
	size_t failed = 0;

	(void)state;
	assert_int_equal(nl_batch(&nl, 1000, build_addr, settle_addr, &a, &failed, &d), -EINVAL);
	assert_int_equal(failed, 250);
	assert_int_equal(wire.sends, 2);
	assert_int_equal(a.settled, 400);
	assert_int_equal(a.applied, 399);
	assert_int_equal(addresses_on_lo(), 399);
	/* no WHAT: the caller names the object. Newer kernels have words of their own for this. */
	assert_ptr_equal(strstr(d.text, "Invalid argument"), d.text);
	assert_still_usable();
}

static void forgiven_errors_do_not_stop_the_batch(void **state)
{
	struct addrs a = { .bad = SIZE_MAX };

	(void)state;
	assert_int_equal(nl_batch(&nl, 10, build_addr, settle_addr, &a, NULL, &d), 0);
	a = (struct addrs){ .bad = SIZE_MAX, .forgive = -EEXIST };
	assert_int_equal(nl_batch(&nl, 300, build_addr, settle_addr, &a, NULL, &d), 0);
	assert_int_equal(a.settled, 300);
	assert_int_equal(a.applied, 290);
}

static void without_settle_every_error_counts(void **state)
{
	struct addrs a = { .bad = 3 };
	size_t failed = 0;

	(void)state;
	assert_int_equal(nl_batch(&nl, 10, build_addr, NULL, &a, &failed, &d), -EINVAL);
	assert_int_equal(failed, 3);
}

static void chunk_that_could_not_be_sent_is_not_settled(void **state)
{
	struct addrs a = { .bad = SIZE_MAX };
	size_t failed = 0;

	(void)state;
	wire.fail_send = 3;
	assert_int_equal(nl_batch(&nl, 1000, build_addr, settle_addr, &a, &failed, &d), -ENOBUFS);
	assert_int_equal(failed, 400);
	assert_int_equal(a.settled, 400);
	assert_int_equal(addresses_on_lo(), 400);
	assert_string_equal(d.text, "No buffer space available");
	assert_still_usable();
}

static void set_receive_buffer(int size)
{
	assert_int_equal(setsockopt(mnl_socket_get_fd(nl.socket), SOL_SOCKET, SO_RCVBUF, &size,
				    sizeof(size)),
			 0);
}

static void lost_answers_end_the_batch_instead_of_hanging_it(void **state)
{
	struct addrs added = { .bad = SIZE_MAX }, a = { .bad = SIZE_MAX, .forgive = -EEXIST };
	size_t failed = 0;

	(void)state;
	assert_int_equal(nl_batch(&nl, 200, build_addr, settle_addr, &added, NULL, &d), 0);
	set_receive_buffer(1);
	assert_int_equal(nl_batch(&nl, 1000, build_addr, settle_addr, &a, &failed, &d), -ENOBUFS);
	assert_true(a.settled > 0 && a.settled < 200);
	assert_int_equal(failed, a.settled);
	assert_int_equal(addresses_on_lo(), 200);
	set_receive_buffer(100000);
	assert_still_usable();
}

static void foreign_answer_ends_the_batch(void **state)
{
	struct addrs a = { .bad = SIZE_MAX };
	size_t failed = 0;

	(void)state;
	wire.at = 2; /* one acknowledgement a chunk */
	wire.tamper = other_sequence;
	assert_int_equal(nl_batch(&nl, 1000, build_addr, settle_addr, &a, &failed, &d), -EPROTO);
	assert_int_equal(a.settled, 200);
	assert_int_equal(failed, 200);
	assert_still_usable();
}

/* --- queries --- */

struct questions {
	size_t answers, refusals;
};

static void build_question(struct nl *n, struct nlmsghdr *nlh, size_t i, void *data)
{
	(void)n, (void)data;
	nlh->nlmsg_type = RTM_GETLINK;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, i % 3 ? "lo" : "nosuch");
}

static void take_answer(size_t i, const struct nlmsghdr *reply, int err, void *data)
{
	struct questions *q = data;

	assert_int_equal(i, q->answers + q->refusals);
	assert_int_equal(err, i % 3 ? 0 : -ENODEV);
	assert_true(!reply == !(i % 3));
	if (reply)
		q->answers++;
	else
		q->refusals++;
}

static void every_question_has_one_answer(void **state)
{
	struct questions q = { 0 };

	(void)state;
	assert_int_equal(nl_query(&nl, 1001, build_question, take_answer, &q, &d, "ask"), 0);
	assert_int_equal(q.refusals, 334);
	assert_int_equal(q.answers, 667);
	wire.fail_send = wire.sends + 2;
	q = (struct questions){ 0 };
	assert_int_equal(nl_query(&nl, 1001, build_question, take_answer, &q, &d, "ask"), -ENOBUFS);
	assert_string_equal(d.text, "ask: No buffer space available");
	assert_still_usable();
}

/* --- attributes --- */

static void short_attributes_and_messages_are_refused(void **state)
{
	static const uint8_t least[4] = { [1] = 4, [3] = 8 };
	const struct nlattr *tb[4];
	struct nlmsghdr *nlh = nl_message(&nl, RTM_NEWROUTE, 0);

	(void)state;
	assert_int_equal(nl_parse(nlh, sizeof(struct rtmsg), tb, least, 3), -EBADMSG);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtmsg));
	mnl_attr_put_u32(nlh, 1, 11);
	mnl_attr_put_u32(nlh, 9, 99);
	assert_int_equal(nl_parse(nlh, sizeof(struct rtmsg), tb, least, 3), 0);
	assert_int_equal(mnl_attr_get_u32(tb[1]), 11);
	assert_null(tb[2]);
	mnl_attr_put_u32(nlh, 3, 33);
	assert_int_equal(nl_parse(nlh, sizeof(struct rtmsg), tb, least, 3), -EBADMSG);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, open_nl, close_nl)
#define L(test) cmocka_unit_test_setup_teardown(test, many_links, few_links)
#define A(test) cmocka_unit_test_setup_teardown(test, open_nl, flush_lo)
	const struct CMUnitTest tests[] = {
		T(socket_is_closed_on_exec),
		T(opening_an_unknown_bus_is_recorded),
		T(request_passes_the_reply_and_reads_the_ack),
		T(error_has_the_kernels_own_words),
		T(error_without_words_is_strerror),
		T(interrupted_receive_goes_on),
		T(error_of_the_reply_function_is_the_requests),
		T(failing_send_is_recorded),
		T(malformed_and_foreign_answers_are_errors),
		T(what_other_processes_send_is_passed_over),
		L(dump_delivers_everything),
		L(interrupted_dump_starts_again),
		L(dump_that_is_always_interrupted_ends),
		L(dump_left_in_the_middle_is_drained),
		T(refused_dump_has_the_kernels_words),
		A(batch_goes_out_in_chunks_and_every_fate_is_told),
		A(empty_batch_sends_nothing),
		A(refused_message_does_not_hide_the_fate_of_the_others),
		A(forgiven_errors_do_not_stop_the_batch),
		A(without_settle_every_error_counts),
		A(chunk_that_could_not_be_sent_is_not_settled),
		A(lost_answers_end_the_batch_instead_of_hanging_it),
		A(foreign_answer_ends_the_batch),
		T(every_question_has_one_answer),
		T(short_attributes_and_messages_are_refused),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
