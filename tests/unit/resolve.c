/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names against a name server of our own at 127.0.0.1, in a namespace from which nothing else can
 * be reached. The first label of a name says how it is answered.
 */
#include "wgq/kernel/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/unit/netns.h"

/* --- the name server --- */

enum { TYPE_A = 1, TYPE_AAAA = 28, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5, CROWD = 40 };

struct query {
	struct sockaddr_in from;
	uint8_t packet[512];
	size_t size;
	uint16_t type;
};

static struct {
	int fd;
	struct query crowd[2 * CROWD]; /* held back until so many ask at once */
	size_t ncrowd;
	int flaky_left; /* questions of flaky.test that still fail */
} server;

static uint16_t type_of(const struct query *q)
{
	return (uint16_t)(q->packet[q->size - 4] << 8 | q->packet[q->size - 3]);
}

static void answer(struct query *q, uint8_t code, const char *address)
{
	static const uint8_t head[] = { 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60, 0 };
	bool v6 = address && strchr(address, ':');

	q->packet[2] |= 0x80;
	q->packet[3] = 0x80 | code;
	if (address && q->type == (v6 ? TYPE_AAAA : TYPE_A)) {
		uint8_t *at = q->packet + q->size;

		memcpy(at, head, sizeof(head));
		at[3] = (uint8_t)q->type;
		at[sizeof(head)] = v6 ? 16 : 4;
		inet_pton(v6 ? AF_INET6 : AF_INET, address, at + sizeof(head) + 1);
		q->size += sizeof(head) + 1 + (v6 ? 16 : 4);
		q->packet[7] = 1;
	}
	sendto(server.fd, q->packet, q->size, 0, (struct sockaddr *)&q->from, sizeof(q->from));
}

static void answer_crowd(const struct query *q)
{
	server.crowd[server.ncrowd++] = *q;
	if (server.ncrowd < ARRAY_SIZE(server.crowd))
		return;
	while (server.ncrowd)
		answer(&server.crowd[--server.ncrowd], 0, "192.0.2.40");
}

static bool label_is(const struct query *q, const char *label)
{
	return q->size > 13 && !memcmp(q->packet + 13, label, strlen(label));
}

static void serve(struct query *q)
{
	static const struct {
		const char *label;
		uint8_t code;
		const char *address;
	} answers[] = {
		{ "good", 0, "192.0.2.7" }, { "six", 0, "2001:db8::7" },
		{ "nodata", 0, NULL },      { "never", NXDOMAIN, NULL },
		{ "sick", SERVFAIL, NULL }, { "refused", REFUSED, NULL },
	};

	q->type = type_of(q);
	if (label_is(q, "crowd")) {
		answer_crowd(q);
		return;
	}
	if (label_is(q, "flaky")) {
		bool fail = server.flaky_left > 0;

		server.flaky_left -= fail;
		answer(q, fail ? SERVFAIL : 0, fail ? NULL : "192.0.2.8");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (label_is(q, answers[i].label))
			answer(q, answers[i].code, answers[i].address);
	}
}

static void *run_server(void *data)
{
	(void)data;
	for (;;) {
		struct query q = { 0 };
		socklen_t size = sizeof(q.from);
		ssize_t n = recvfrom(server.fd, q.packet, sizeof(q.packet) - 64, 0,
				     (struct sockaddr *)&q.from, &size);

		if (n > 16) {
			q.size = (size_t)n;
			serve(&q);
		}
	}
	return NULL;
}

static int setup(void **state)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(53),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	pthread_t thread;

	if (netns_enter(state) ||
	    !sh_ok("mkdir /run/etc && cp /etc/services /run/etc && cd /run/etc &&"
		   "echo 'nameserver 127.0.0.1' > resolv.conf &&"
		   "echo 'options timeout:2 attempts:1' >> resolv.conf &&"
		   "echo '192.0.2.9 listed.test' > hosts && echo 'hosts: files dns' > "
		   "nsswitch.conf &&"
		   "echo 'services: files' >> nsswitch.conf && mount --bind /run/etc /etc"))
		return -1;
	server.fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(server.fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -1;
	return pthread_create(&thread, NULL, run_server, NULL);
}

/* --- looking up --- */

static unsigned delays[8];
static size_t ndelays;

static void note_delay(const struct resolve *name, unsigned delay_ms)
{
	assert_non_null(name->host);
	assert_int_equal(name->error, EAI_AGAIN);
	delays[ndelays++] = delay_ms;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void names_addresses_and_errors_are_told_apart(void **state)
{
	static const struct {
		const char *host, *service, *endpoint;
		int error;
	} vectors[] = {
		{ "192.0.2.1", "51820", "192.0.2.1:51820", 0 },
		{ "127.1", "1", "127.0.0.1:1", 0 },
		{ "2001:db8::1", "51820", "[2001:db8::1]:51820", 0 },
		{ "fe80::1%lo", "5", "[fe80::1%1]:5", 0 },
		{ "fe80::1%1", "5", "[fe80::1%1]:5", 0 },
		{ "192.0.2.1", "domain", "192.0.2.1:53", 0 },
		{ "192.0.2.1", "0", "192.0.2.1:0", 0 },
		{ "listed.test", "51820", "192.0.2.9:51820", 0 },
		{ "good.test", "51820", "192.0.2.7:51820", 0 },
		{ "good.test", "domain", "192.0.2.7:53", 0 },
		{ "six.test", "51820", "[2001:db8::7]:51820", 0 },
		{ "192.0.2.1", "nosuchservice", NULL, EAI_SERVICE },
		{ "good.test", "nosuchservice", NULL, EAI_SERVICE },
		{ "never.test", "51820", NULL, EAI_NONAME },
		{ "nodata.test", "51820", NULL, EAI_NODATA },
		{ "sick.test", "51820", NULL, EAI_AGAIN },
	};
	struct resolve names[ARRAY_SIZE(vectors)];
	union endpoint results[ARRAY_SIZE(vectors)];
	char text[ENDPOINT_TEXT];

	(void)state;
	memset(results, 0, sizeof(results));
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		names[i] = (struct resolve){ .host = vectors[i].host,
					     .service = vectors[i].service,
					     .result = &results[i] };
	resolve_all(names, ARRAY_SIZE(vectors), 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (names[i].error != vectors[i].error)
			fail_msg("%s %s: %s", names[i].host, names[i].service,
				 gai_strerror(names[i].error));
		endpoint_format(text, &results[i]);
		assert_string_equal(text, vectors[i].error ? "(none)" : vectors[i].endpoint);
	}
}

static void nothing_to_resolve_is_nothing_done(void **state)
{
	(void)state;
	resolve_all(NULL, 0, -1, note_delay);
}

static void names_are_looked_up_all_at_once(void **state)
{
	struct resolve names[CROWD];
	union endpoint results[CROWD];
	char hosts[CROWD][32];

	(void)state;
	for (size_t i = 0; i < CROWD; i++) {
		snprintf(hosts[i], sizeof(hosts[i]), "crowd%zu.test", i);
		names[i] =
			(struct resolve){ .host = hosts[i], .service = "1", .result = &results[i] };
	}
	/* the server answers none before it has been asked for all */
	resolve_all(names, CROWD, 0, NULL);
	for (size_t i = 0; i < CROWD; i++)
		assert_int_equal(names[i].error, 0);
}

static void more_names_than_threads_are_all_looked_up(void **state)
{
	enum { N = 500 };
	struct resolve names[N];
	union endpoint results[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		names[i] = (struct resolve){ .host = i % 3 ? "good.test" : "never.test",
					     .service = "1",
					     .result = &results[i] };
	resolve_all(names, N, 5, note_delay);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(names[i].error, i % 3 ? 0 : EAI_NONAME);
	assert_int_equal(ndelays, 0);
}

/* A and AAAA are asked for together, so each attempt takes two answers. */
static void assert_retries(int retries, int failing, int error, size_t waits)
{
	union endpoint result = { 0 };
	struct resolve name = { .host = "flaky.test", .service = "1", .result = &result };
	int64_t start = now_ms();

	ndelays = 0;
	server.flaky_left = 2 * failing;
	resolve_all(&name, 1, retries, note_delay);
	server.flaky_left = 0;
	assert_int_equal(name.error, error);
	assert_int_equal(ndelays, waits);
	assert_true(now_ms() - start >= (waits == 2 ? 2200 : waits ? 1000 : 0));
}

static void temporary_failures_are_retried_with_growing_delays(void **state)
{
	(void)state;
	assert_retries(5, 2, 0, 2);
	assert_int_equal(delays[0], 1000);
	assert_int_equal(delays[1], 1200);
}

static void retries_have_an_end(void **state)
{
	(void)state;
	assert_retries(1, 9, EAI_AGAIN, 1);
	assert_retries(0, 9, EAI_AGAIN, 0);
}

static void negative_retries_have_none(void **state)
{
	(void)state;
	assert_retries(-1, 1, 0, 1);
}

static void one_slow_name_does_not_hold_up_the_others(void **state)
{
	union endpoint results[2];
	struct resolve names[] = { { "flaky.test", "1", &results[0], 0 },
				   { "good.test", "1", &results[1], 0 } };

	(void)state;
	ndelays = 0;
	server.flaky_left = 2;
	resolve_all(names, 2, 3, note_delay);
	assert_int_equal(names[0].error, 0);
	assert_int_equal(names[1].error, 0);
	assert_int_equal(ndelays, 1);
}

static void number_of_retries_is_read_as_wg_reads_it(void **state)
{
	static const struct {
		const char *text;
		int err, retries;
	} vectors[] = {
		{ NULL, 0, 0 },
		{ "infinity", 0, -1 },
		{ "Infinity", -EINVAL, 0 },
		{ "", 0, 0 },
		{ "0", 0, 0 },
		{ "15", 0, 15 },
		{ " 15", 0, 15 },
		{ "15 ", -EINVAL, 0 },
		{ "0x5", -EINVAL, 0 },
		{ "2147483647", 0, 2147483647 },
		{ "2147483648", -EINVAL, 0 },
		{ "99999999999999999999", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		int retries = 7;
		bool set = !vectors[i].text;

		if (vectors[i].text)
			setenv("WG_ENDPOINT_RESOLUTION_RETRIES", vectors[i].text, 1);
		else
			unsetenv("WG_ENDPOINT_RESOLUTION_RETRIES");
		assert_int_equal(resolve_retries(&retries, &set), vectors[i].err);
		assert_int_equal(retries, vectors[i].retries);
		assert_int_equal(set, vectors[i].text != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_addresses_and_errors_are_told_apart),
		cmocka_unit_test(nothing_to_resolve_is_nothing_done),
		cmocka_unit_test(names_are_looked_up_all_at_once),
		cmocka_unit_test(more_names_than_threads_are_all_looked_up),
		cmocka_unit_test(temporary_failures_are_retried_with_growing_delays),
		cmocka_unit_test(retries_have_an_end),
		cmocka_unit_test(negative_retries_have_none),
		cmocka_unit_test(one_slow_name_does_not_hold_up_the_others),
		cmocka_unit_test(number_of_retries_is_read_as_wg_reads_it),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
