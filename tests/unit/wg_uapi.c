/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text protocol of a userspace WireGuard: what is read, and a process of our own that plays one
 * which refuses, hangs up or talks nonsense.
 */
#include "wgq/kernel/wg_backend.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "tests/unit/wg_device.h"

/* --- a userspace process that misbehaves --- */

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sh("mkdir -p /run/wireguard; rm -f %s", path);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

/* Takes one connection, reads so many bytes of the request, answers and hangs up. */
static pid_t play(size_t reads, const char *answer)
{
	int fd = listen_at("/run/wireguard/fake0.sock"), client;
	pid_t pid = fork();
	char byte;

	if (pid == 0) {
		client = accept(fd, NULL, NULL);
		while (reads-- && read(client, &byte, 1) == 1)
			;
		if (write(client, answer, strlen(answer)) < 0)
			_exit(1);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void answers_to_set_are_understood(void **state)
{
	static const struct {
		size_t reads;
		const char *answer;
		int err;
	} vectors[] = {
		{ 30, "errno=0\n\n", 0 },
		{ 30, "errno=-22\n\n", -EINVAL },
		{ 30, "errno=98\n\n", -EADDRINUSE },
		{ 30, "something=new\nerrno=0\n\n", 0 },
		{ 30, "xerrno=0\n\n", -EPROTO },
		{ 30, "errno=x\n\n", -EPROTO },
		{ 30, "errno=1x\n\n", -EPROTO },
		{ 30, "errno=99999999999999999999\n\n", -EPROTO },
		{ 30, "\n\n", -EPROTO },
		{ 30, "errno=0\n", -EPROTO },
		{ 30, "", -EPROTO },
	};
	struct wg_device device = new_device(0, 0);

	(void)state;
	device.flags = DEVICE_HAS_LISTEN_PORT | DEVICE_HAS_FWMARK; /* 38 bytes with the rest */
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		size_t whole = strlen("set=1\nlisten_port=4711\nfwmark=51820\n\n");
		pid_t pid = play(whole, vectors[i].answer);
		int err = wg_set(&wg, "fake0", &device, &d);

		if (err != vectors[i].err)
			fail_msg("%s: %d", vectors[i].answer, err);
		waitpid(pid, NULL, 0);
	}
}

static void refusal_in_the_middle_of_a_long_request_is_heard(void **state)
{
	struct wg_device device = new_device(5000, 1);
	pid_t pid = play(1000, "errno=-98\n\n");

	(void)state;
	assert_int_equal(wg_set(&wg, "fake0", &device, &d), -EADDRINUSE);
	assert_string_equal(d.text, "configure WireGuard device fake0 by its userspace process: "
				    "Address already in use");
	waitpid(pid, NULL, 0);
	assert_all_wiped(&device);
}

/* Its socket goes first, the process itself only some time later. */
static void end_of_a_process_is_not_that_of_its_socket(void **state)
{
	int listening = listen_at("/run/wireguard/slow0.sock"), go[2], fd;
	struct timespec begin, end;
	pid_t pid;
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (pid == 0) {
		if (read(go[0], &byte, 1) != 1 || unlink("/run/wireguard/slow0.sock") < 0)
			_exit(1);
		poll(NULL, 0, 200);
		_exit(0);
	}
	close(listening);
	fd = wg_watch_userspace("slow0");
	assert_true(fd >= 0);
	assert_int_equal(write(go[1], &byte, 1), 1);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	wg_await_userspace_exit("slow0", fd, 10000);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000 >=
		    150);
	close(go[0]);
	close(go[1]);
	waitpid(pid, NULL, 0);
}

static void hangup_in_the_middle_of_a_long_request_is_an_error(void **state)
{
	struct wg_device device = new_device(5000, 1);
	pid_t pid = play(1000, "");
	int err = wg_set(&wg, "fake0", &device, &d);

	(void)state;
	assert_true(err == -EPIPE || err == -ECONNRESET);
	waitpid(pid, NULL, 0);
}

static void answers_to_get_are_understood_or_refused(void **state)
{
	static const struct {
		const char *answer;
		int err;
	} vectors[] = {
		{ "errno=0\n\n", 0 },
		{ "listen_port=1\nerrno=5\n\n", -EIO },
		{ "errno=-5\n\n", -EPROTO },
		{ "listen_port=1\nerrno=0\n", -EPROTO },
		{ "", -EPROTO },
		{ "nonsense\nerrno=0\n\n", -EPROTO },
	};
	struct wg_device device;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		pid_t pid = play(strlen("get=1\n\n"), vectors[i].answer);
		int err = wg_get(&wg, &device, &arena, "fake0", &d);

		if (err != vectors[i].err)
			fail_msg("%s: %d", vectors[i].answer, err);
		waitpid(pid, NULL, 0);
	}
}

static void socket_nobody_listens_at_is_removed(void **state)
{
	(void)state;
	close(listen_at("/run/wireguard/stale0.sock"));
	assert_false(wg_is_userspace("stale0"));
	assert_int_equal(access("/run/wireguard/stale0.sock", F_OK), -1);
}

static void names_that_lead_elsewhere_are_no_names(void **state)
{
	static const char *const names[] = { "", "/", "../wg0", "wireguard/wg0",
					     "a-name-longer-than-15" };
	struct wg_device device;
	int fd = listen_at("/run/wg0.sock");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_false(wg_is_userspace(names[i]));
		assert_int_equal(wg_get(&wg, &device, &arena, names[i], &d), -ENODEV);
	}
	close(fd);
	assert_int_equal(access("/run/wg0.sock", F_OK), 0);
}

static void file_that_is_no_socket_is_left_alone(void **state)
{
	(void)state;
	sh("mkdir -p /run/wireguard; touch /run/wireguard/file0.sock");
	assert_false(wg_is_userspace("file0"));
	assert_int_equal(access("/run/wireguard/file0.sock", F_OK), 0);
}

/* --- the text protocol, without a socket --- */

#define KEY_1 "0000000000000000000000000000000000000000000000000000000000000001"
#define PEER  "public_key=" KEY_1 "\n"

static void lines_of_an_answer_are_read_strictly(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} vectors[] = {
		{ "private_key=" KEY_1 "\nlisten_port=65535\nfwmark=4294967295\n", true },
		{ "private_key=12\n", false },
		{ "private_key=" KEY_1 "00\n", false },
		{ "listen_port=65536\n", false },
		{ "listen_port=\n", false },
		{ "listen_port=-1\n", false },
		{ "listen_port= 1\n", false },
		{ "fwmark=0x1\n", false },
		{ "fwmark=4294967296\n", false },
		{ "public_key=" KEY_1 "\nprotocol_version=1\nanything=else=and=more\n", true },
		{ "public_key=\n", false },
		{ "preshared_key=" KEY_1 "\n", false }, /* whose? */
		{ "endpoint=192.0.2.1:1\n", false },
		{ "allowed_ip=10.0.0.0/8\n", false },
		{ PEER "preshared_key=" KEY_1 "\n", true },
		{ PEER "preshared_key=0\n", false },
		{ PEER "endpoint=192.0.2.1:65535\n", true },
		{ PEER "endpoint=[2001:db8::1]:1\n", true },
		{ PEER "endpoint=[fe80::1%1]:1\n", true },
		{ PEER "endpoint=[fe80::1%lo]:1\n", true },
		{ PEER "endpoint=[fe80::1%nosuch]:1\n", false },
		{ PEER "endpoint=[fe80::1%]:1\n", false },
		{ PEER "endpoint=[192.0.2.1]:1\n", false },
		{ PEER "endpoint=192.0.2.1\n", false },
		{ PEER "endpoint=192.0.2.1:\n", false },
		{ PEER "endpoint=192.0.2.1:65536\n", false },
		{ PEER "endpoint=:1\n", false },
		{ PEER "endpoint=[:1\n", false },
		{ PEER "endpoint=[]:1\n", false },
		{ PEER "endpoint=[2001:db8::1:1\n", false },
		{ PEER "endpoint=\n", false },
		{ PEER "endpoint=name:1\n", false },
		{ PEER "persistent_keepalive_interval=65535\n", true },
		{ PEER "persistent_keepalive_interval=65536\n", false },
		{ PEER "allowed_ip=10.0.0.0/8\nallowed_ip=::/0\n", true },
		{ PEER "allowed_ip=10.0.0.0/33\n", false },
		{ PEER "allowed_ip=\n", false },
		{ PEER "last_handshake_time_sec=1\nlast_handshake_time_nsec=2\n", true },
		{ PEER "last_handshake_time_sec=-1\n", false },
		{ PEER "last_handshake_time_sec=9223372036854775808\n", false },
		{ PEER "rx_bytes=18446744073709551615\ntx_bytes=1\n", true },
		{ PEER "rx_bytes=18446744073709551616\n", false },
		{ "errno=-1\n", false },
		{ "key\n", false },
		{ "=\n", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct wg_device device = { 0 };
		struct wg_uapi_reader r = { .arena = &arena, .device = &device };
		struct str text = { vectors[i].text, strlen(vectors[i].text) };
		ssize_t used = wg_uapi_read(&r, text);

		if (used != (vectors[i].valid ? (ssize_t)text.n : -EPROTO))
			fail_msg("%s: %zd", vectors[i].text, used);
		assert_false(r.done);
	}
}

static void values_of_an_answer_are_read_whole(void **state)
{
	static const char text[] =
		"private_key=" KEY_1 "\nlisten_port=51820\nfwmark=7\n" PEER "preshared_key=" KEY_1
		"\nendpoint=[fe80::1%3]:51821\nlast_handshake_time_sec=11\n"
		"last_handshake_time_nsec=12\nrx_bytes=13\ntx_bytes=14\n"
		"persistent_keepalive_interval=15\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/8\n"
		"public_key=" KEY_1 "\nerrno=0\n\nleftover";
	struct wg_device device = { 0 };
	struct wg_uapi_reader r = { .arena = &arena, .device = &device };
	char endpoint[ENDPOINT_TEXT], prefix[PREFIX_TEXT];
	size_t at = 0;

	(void)state;
	/* a byte more each time, as a slow process may deliver it */
	for (size_t n = 1; n < sizeof(text) && !r.done; n++) {
		ssize_t used = wg_uapi_read(&r, (struct str){ text + at, n - at });

		assert_true(used >= 0);
		at += (size_t)used;
	}
	assert_true(r.done);
	assert_string_equal(text + at, "leftover");
	assert_int_equal(device.listen_port, 51820);
	assert_int_equal(device.fwmark, 7);
	assert_int_equal(device.private_key.b[31], 1);
	assert_int_equal(device.npeers, 2);
	assert_int_equal(device.peers[0].public_key.b[31], 1);
	assert_int_equal(device.peers[0].preshared_key.b[31], 1);
	assert_string_equal(endpoint_format(endpoint, &device.peers[0].endpoint),
			    "[fe80::1%3]:51821");
	assert_int_equal(device.peers[0].handshake_sec, 11);
	assert_int_equal(device.peers[0].handshake_nsec, 12);
	assert_int_equal(device.peers[0].rx_bytes, 13);
	assert_int_equal(device.peers[0].tx_bytes, 14);
	assert_int_equal(device.peers[0].keepalive, 15);
	assert_int_equal(device.peers[0].nallowed_ips, 2);
	assert_string_equal(prefix_format(prefix, &device.peers[0].allowed_ips[1].prefix),
			    "fd00::/8");
	assert_int_equal(device.peers[1].nallowed_ips, 0);
}

static void endless_line_is_refused(void **state)
{
	struct wg_device device = { 0 };
	struct wg_uapi_reader r = { .arena = &arena, .device = &device };
	char text[8192];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(wg_uapi_read(&r, (struct str){ text, 4096 }), 0);
	assert_int_equal(wg_uapi_read(&r, (struct str){ text, 4097 }), -EPROTO);
}

int main(void)
{
#define W(test) cmocka_unit_test_setup_teardown(test, open_wg, close_wg)
	const struct CMUnitTest tests[] = {
		W(answers_to_set_are_understood),
		W(refusal_in_the_middle_of_a_long_request_is_heard),
		W(end_of_a_process_is_not_that_of_its_socket),
		W(hangup_in_the_middle_of_a_long_request_is_an_error),
		W(answers_to_get_are_understood_or_refused),
		W(socket_nobody_listens_at_is_removed),
		W(names_that_lead_elsewhere_are_no_names),
		W(file_that_is_no_socket_is_left_alone),
		W(lines_of_an_answer_are_read_strictly),
		W(values_of_an_answer_are_read_whole),
		W(endless_line_is_refused),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
