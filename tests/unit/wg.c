/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WireGuard devices: what is written is what is read, over the socket of wireguard-go and, where
 * the kernel has WireGuard, over generic netlink; the same tests for both. What goes wrong at the
 * other end is played by a process of our own.
 */
#include "wgq/kernel/wg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/unit/netns.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/kernel/wg_backend.h"

static struct wg wg;
static struct arena arena;
static struct diag d;
static bool on_kernel; /* which way the tests go just now */

/* --- devices to set --- */

static struct key key_number(uint8_t kind, uint32_t number)
{
	struct key key = { .b = { [0] = 8, [1] = kind, [10] = 1, [31] = 64 } };

	memcpy(key.b + 4, &number, sizeof(number));
	return key;
}

static struct wg_peer *add_peer(struct wg_device *device, uint16_t flags)
{
	struct wg_peer *peer = ARENA_PUSH(&arena, device->peers, device->npeers,
					  device->peers_capacity);
	uint32_t n = (uint32_t)device->npeers;

	*peer = (struct wg_peer){ .public_key = key_number(1, n), .flags = flags };
	if (flags & PEER_HAS_PRESHARED_KEY)
		peer->preshared_key = key_number(2, n);
	if (flags & PEER_HAS_KEEPALIVE)
		peer->keepalive = (uint16_t)(n % 65536);
	if (flags & PEER_HAS_ENDPOINT && n % 2) {
		peer->endpoint.in.sin_family = AF_INET;
		peer->endpoint.in.sin_addr.s_addr = htonl(0xc0000200 + n);
		peer->endpoint.in.sin_port = htons((uint16_t)(n % 65536));
	} else if (flags & PEER_HAS_ENDPOINT) {
		peer->endpoint.in6.sin6_family = AF_INET6;
		inet_pton(AF_INET6, "2001:db8::77", &peer->endpoint.in6.sin6_addr);
		peer->endpoint.in6.sin6_port = htons((uint16_t)(n % 65536));
	}
	return peer;
}

/* Every address of it is of no other peer's. */
static void add_allowed_ips(struct wg_peer *peer, uint32_t number, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct allowed_ip *ip = ARENA_PUSH(&arena, peer->allowed_ips, peer->nallowed_ips,
						   peer->allowed_ips_capacity);
		uint32_t v4 = htonl(0x0a000000 + number * 64 + i),
			 v6[2] = { htonl(number), htonl(i) };

		*ip = (struct allowed_ip){ .prefix = { .family = AF_INET, .len = 32 } };
		memcpy(ip->prefix.addr, &v4, sizeof(v4));
		if (i % 3) {
			ip->prefix =
				(struct prefix){ .family = AF_INET6, .len = 128, .addr = { 0xfd } };
			memcpy(ip->prefix.addr + 8, v6, sizeof(v6));
		}
	}
}

enum {
	ALL_OF_PEER = PEER_HAS_PRESHARED_KEY | PEER_HAS_ENDPOINT | PEER_HAS_KEEPALIVE |
		      PEER_REPLACE_ALLOWED_IPS,
	ALL_OF_DEVICE = DEVICE_HAS_PRIVATE_KEY | DEVICE_HAS_LISTEN_PORT | DEVICE_HAS_FWMARK |
			DEVICE_REPLACE_PEERS,
};

static struct wg_device new_device(size_t npeers, size_t allowed_ips_each)
{
	struct wg_device device = { .private_key = key_number(3, 1),
				    .flags = ALL_OF_DEVICE,
				    .listen_port = 4711,
				    .fwmark = 51820 };

	for (uint32_t i = 0; i < npeers; i++)
		add_allowed_ips(add_peer(&device, ALL_OF_PEER), i, allowed_ips_each);
	return device;
}

/* --- comparing --- */

static int by_key(const void *a, const void *b)
{
	return key_compare(&((const struct wg_peer *)a)->public_key,
			   &((const struct wg_peer *)b)->public_key);
}

static int by_prefix(const void *a, const void *b)
{
	return prefix_compare(&((const struct allowed_ip *)a)->prefix,
			      &((const struct allowed_ip *)b)->prefix);
}

/* Userspace delivers peers in any order. */
static void sort(struct wg_device *device)
{
	if (device->npeers)
		qsort(device->peers, device->npeers, sizeof(*device->peers), by_key);
	for (size_t i = 0; i < device->npeers; i++) {
		struct wg_peer *peer = &device->peers[i];

		if (peer->nallowed_ips)
			qsort(peer->allowed_ips, peer->nallowed_ips, sizeof(*peer->allowed_ips),
			      by_prefix);
	}
}

static void assert_peer_equal(const struct wg_peer *a, const struct wg_peer *b)
{
	assert_true(key_equal(&a->public_key, &b->public_key));
	assert_true(key_equal(&a->preshared_key, &b->preshared_key));
	assert_true(endpoint_equal(&a->endpoint, &b->endpoint));
	assert_int_equal(a->keepalive, b->keepalive);
	assert_int_equal(a->nallowed_ips, b->nallowed_ips);
	for (size_t i = 0; i < a->nallowed_ips; i++) {
		assert_int_equal(
			prefix_compare(&a->allowed_ips[i].prefix, &b->allowed_ips[i].prefix), 0);
		assert_int_equal(a->allowed_ips[i].remove, b->allowed_ips[i].remove);
	}
}

static void assert_device_equal(struct wg_device *a, struct wg_device *b)
{
	assert_true(key_equal(&a->private_key, &b->private_key));
	assert_int_equal(a->listen_port, b->listen_port);
	assert_int_equal(a->fwmark, b->fwmark);
	assert_int_equal(a->npeers, b->npeers);
	sort(a);
	sort(b);
	for (size_t i = 0; i < a->npeers; i++)
		assert_peer_equal(&a->peers[i], &b->peers[i]);
}

/* No key may stay behind in a buffer. */
static void assert_wiped(const char *buffer, size_t size, const struct key *key)
{
	char hex[KEY_HEX_LEN + 1];

	key_to_hex(hex, key);
	if (!buffer || key_is_zero(key))
		return;
	assert_null(memmem(buffer, size, key->b, KEY_LEN));
	assert_null(memmem(buffer, size, hex, KEY_HEX_LEN));
}

static void assert_all_wiped(const struct wg_device *device)
{
	assert_wiped(wg.buffer, wg.buffer_size, &device->private_key);
	assert_wiped(wg.genl.send_buffer, NL_SEND_BUFFER, &device->private_key);
	assert_wiped(wg.genl.receive_buffer, NL_RECEIVE_BUFFER, &device->private_key);
	for (size_t i = 0; i < device->npeers && i < 3; i++) {
		assert_wiped(wg.buffer, wg.buffer_size, &device->peers[i].preshared_key);
		assert_wiped(wg.genl.send_buffer, NL_SEND_BUFFER, &device->peers[i].preshared_key);
		assert_wiped(wg.genl.receive_buffer, NL_RECEIVE_BUFFER,
			     &device->peers[i].preshared_key);
	}
}

static struct wg_device get(void)
{
	struct wg_device device;

	if (wg_get(&wg, &device, &arena, "wg0", &d))
		fail_msg("%s", d.text);
	return device;
}

static void set(const struct wg_device *device)
{
	if (wg_set(&wg, "wg0", device, &d))
		fail_msg("%s", d.text);
}

static void assert_round_trip(struct wg_device *device)
{
	struct wg_device got;

	set(device);
	assert_all_wiped(device);
	got = get();
	assert_all_wiped(device);
	assert_device_equal(device, &got);
}

/* --- wg0, by either way --- */

static int make_device(void **state)
{
	(void)state;
	d = (struct diag){ 0 };
	arena_init(&arena);
	if (wg_open(&wg, &d))
		return -1;
	return sh_ok(on_kernel ? "ip link add wg0 type wireguard"
			       : "wireguard-go wg0 > /dev/null 2>&1")
		       ? 0
		       : -1;
}

static int delete_device(void **state)
{
	int fd = wg_watch_userspace("wg0");
	bool ok = sh_ok("ip link del wg0");

	(void)state;
	wg_await_userspace_exit("wg0", fd, 10000);
	wg_close(&wg);
	wg_close(&wg);
	arena_fini(&arena);
	return ok ? 0 : -1;
}

static void devices_of_all_shapes_come_back(void **state)
{
	static const struct {
		size_t npeers, allowed_ips;
	} vectors[] = { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 5, 3 }, { 100, 7 }, { 3, 500 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct wg_device device = new_device(vectors[i].npeers, vectors[i].allowed_ips);

		assert_round_trip(&device);
	}
}

static void flags_say_what_is_there(void **state)
{
	struct wg_device device = { .flags = DEVICE_HAS_LISTEN_PORT }, got;

	(void)state;
	set(&device);
	got = get();
	assert_int_equal(got.flags, DEVICE_HAS_LISTEN_PORT | DEVICE_HAS_FWMARK);
	add_peer(&device, 0);
	device.private_key = key_number(3, 9);
	device.flags |= DEVICE_HAS_PRIVATE_KEY;
	set(&device);
	got = get();
	assert_int_equal(got.flags,
			 DEVICE_HAS_PRIVATE_KEY | DEVICE_HAS_LISTEN_PORT | DEVICE_HAS_FWMARK);
	assert_int_equal(got.peers[0].flags, PEER_HAS_KEEPALIVE);
	assert_int_equal(got.peers[0].handshake_sec, 0);
	assert_int_equal(got.peers[0].rx_bytes + got.peers[0].tx_bytes, 0);
	device.npeers = 0;
	add_peer(&device, ALL_OF_PEER);
	set(&device);
	got = get();
	assert_int_equal(got.peers[0].flags,
			 PEER_HAS_PRESHARED_KEY | PEER_HAS_ENDPOINT | PEER_HAS_KEEPALIVE);
}

static void what_is_not_named_stays(void **state)
{
	struct wg_device device = new_device(4, 3), got;
	struct wg_device change = { .flags = DEVICE_HAS_FWMARK, .fwmark = 7 };

	(void)state;
	set(&device);
	add_peer(&change, PEER_HAS_KEEPALIVE)->keepalive = 99;
	set(&change);
	got = get();
	device.fwmark = 7;
	device.peers[0].keepalive = 99;
	assert_device_equal(&device, &got);
}

static void zero_keys_take_keys_away(void **state)
{
	struct wg_device device = new_device(2, 1), got;
	struct wg_device change = { .flags = DEVICE_HAS_PRIVATE_KEY };

	(void)state;
	set(&device);
	add_peer(&change, PEER_HAS_PRESHARED_KEY)->preshared_key = (struct key){ 0 };
	set(&change);
	got = get();
	sort(&got);
	assert_false(got.flags & DEVICE_HAS_PRIVATE_KEY);
	assert_true(key_is_zero(&got.private_key));
	assert_false(got.peers[0].flags & PEER_HAS_PRESHARED_KEY);
	assert_true(got.peers[1].flags & PEER_HAS_PRESHARED_KEY);
}

static void peers_and_allowed_ips_are_replaced_added_and_removed(void **state)
{
	struct wg_device device = new_device(5, 3), got, change = { 0 };

	(void)state;
	set(&device);
	add_allowed_ips(add_peer(&change, PEER_REPLACE_ALLOWED_IPS), 100, 2); /* of the first */
	add_allowed_ips(add_peer(&change, 0), 200, 2);
	add_allowed_ips(add_peer(&change, PEER_REMOVE | ALL_OF_PEER), 300, 2);
	set(&change);
	got = get();
	sort(&got);
	assert_int_equal(got.npeers, 4);
	assert_int_equal(got.peers[0].nallowed_ips, 2);
	assert_int_equal(got.peers[1].nallowed_ips, 5);
	assert_true(key_equal(&got.peers[2].public_key, &device.peers[3].public_key));
	change = (struct wg_device){ .flags = DEVICE_REPLACE_PEERS };
	add_peer(&change, 0);
	set(&change);
	got = get();
	assert_int_equal(got.npeers, 1);
	assert_int_equal(got.peers[0].nallowed_ips, 0);
	assert_int_equal(got.listen_port, 4711);
}

static void many_peers_come_back(void **state)
{
	struct wg_device device = new_device(on_kernel ? 5000 : 1000, 1);

	(void)state;
	assert_round_trip(&device);
}

static void many_allowed_ips_come_back(void **state)
{
	struct wg_device device = { .flags = DEVICE_REPLACE_PEERS | DEVICE_HAS_LISTEN_PORT,
				    .listen_port = 5 };

	(void)state;
	add_allowed_ips(add_peer(&device, ALL_OF_PEER), 0, 3);
	add_allowed_ips(add_peer(&device, ALL_OF_PEER), 1000, 5000);
	add_allowed_ips(add_peer(&device, ALL_OF_PEER), 100000, 5000);
	add_allowed_ips(add_peer(&device, 0), 200000, 1);
	assert_round_trip(&device);
}

/* A message that is full to the last byte, and one that lacks some: every length of the list up to
 * two messages' worth, a peer behind it each time. */
static void every_way_to_fill_a_message_comes_back(void **state)
{
	struct wg_device device = { .flags = DEVICE_REPLACE_PEERS | DEVICE_HAS_LISTEN_PORT,
				    .listen_port = 6 };

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		add_allowed_ips(add_peer(&device, i % 5 ? ALL_OF_PEER : 0), i * 1000, i);
	assert_round_trip(&device);
}

static void wg_sees_what_was_set(void **state)
{
	struct wg_device device = { .private_key = key_number(3, 1),
				    .flags = ALL_OF_DEVICE,
				    .listen_port = 4711,
				    .fwmark = 51820 };
	struct wg_peer *peer = add_peer(&device, ALL_OF_PEER);
	char text[2048], expected[2048], private[KEY_BASE64_LEN + 1], public[KEY_BASE64_LEN + 1],
		preshared[KEY_BASE64_LEN + 1];

	(void)state;
	peer->keepalive = 25;
	add_allowed_ips(peer, 0, 2);
	set(&device);
	key_to_base64(private, &device.private_key);
	key_to_base64(public, &peer->public_key);
	key_to_base64(preshared, &peer->preshared_key);
	snprintf(expected, sizeof(expected),
		 "[Interface]\nListenPort = 4711\nFwMark = 0xca6c\nPrivateKey = %s\n\n"
		 "[Peer]\nPublicKey = %s\nPresharedKey = %s\n"
		 "AllowedIPs = 10.0.0.0/32, fd00::1/128\nEndpoint = 192.0.2.1:1\n"
		 "PersistentKeepalive = 25\n",
		 private, public, preshared);
	assert_string_equal(sh_output(text, sizeof(text), "wg showconf wg0"), expected);
}

static void own_allowed_ip_is_removed_or_the_removal_refused(void **state)
{
	struct wg_device device = new_device(1, 3), change = { 0 }, got;
	struct wg_peer *peer = add_peer(&change, 0);
	int err;

	(void)state;
	set(&device);
	add_allowed_ips(peer, 0, 1);
	peer->allowed_ips[0].remove = true;
	err = wg_set(&wg, "wg0", &change, &d); /* Linux before 6.17 does not know it */
	assert_true(err == 0 || err == -EINVAL);
	got = get();
	assert_int_equal(got.peers[0].nallowed_ips, err ? 3 : 2);
}

static void refusal_is_told_without_keys(void **state)
{
	struct wg_device device = new_device(1, 1);
	char hex[KEY_HEX_LEN + 1], base64[KEY_BASE64_LEN + 1];

	(void)state;
	device.peers[0].allowed_ips[0].prefix.len = 33;
	assert_int_equal(wg_set(&wg, "wg0", &device, &d), -EINVAL);
	assert_ptr_equal(strstr(d.text, "configure WireGuard device wg0"), d.text);
	key_to_hex(hex, &device.private_key);
	key_to_base64(base64, &device.private_key);
	assert_null(strstr(d.text, hex));
	assert_null(strstr(d.text, base64));
	assert_all_wiped(&device);
}

static void the_device_is_listed(void **state)
{
	struct wg_names names = { .arena = &arena };
	struct nl rtnl;

	(void)state;
	assert_int_equal(nl_open(&rtnl, NETLINK_ROUTE, &d), 0);
	assert_int_equal(wg_list(&rtnl, &names, &d), 0);
	nl_close(&rtnl);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "wg0");
	assert_int_equal(wg_is_userspace("wg0"), !on_kernel);
}

static void other_interfaces_are_told_apart(void **state)
{
	struct wg_device device = { 0 };

	(void)state;
	assert_int_equal(wg_get(&wg, &device, &arena, "lo", &d), -EOPNOTSUPP);
	assert_string_equal(d.text, "lo is not a WireGuard interface");
	assert_int_equal(wg_set(&wg, "lo", &device, &d), -EOPNOTSUPP);
	assert_string_equal(d.text, "lo is not a WireGuard interface");
	assert_int_equal(wg_get(&wg, &device, &arena, "nosuch", &d), -ENODEV);
	assert_non_null(strstr(d.text, "nosuch: No such device"));
	d.text[0] = '\0';
	assert_int_equal(wg_set(&wg, "nosuch", &device, &d), -ENODEV);
	assert_non_null(strstr(d.text, "nosuch: No such device"));
}

/* --- userspace only: the process behind the socket --- */

static int open_wg(void **state)
{
	(void)state;
	d = (struct diag){ 0 };
	arena_init(&arena);
	return wg_open(&wg, &d);
}

static int close_wg(void **state)
{
	(void)state;
	wg_close(&wg);
	arena_fini(&arena);
	return 0;
}

static pid_t process; /* of wg0: a child of ours here */

static int make_child_device(void **state)
{
	int status = open_wg(state);

	fflush(NULL);
	process = fork();
	if (process == 0) {
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		dup2(STDOUT_FILENO, STDERR_FILENO);
		execlp("wireguard-go", "wireguard-go", "-f", "wg0", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 1000 && !wg_is_userspace("wg0"); i++)
		poll(NULL, 0, 5);
	return status;
}

static void socket_of_a_killed_process_is_removed(void **state)
{
	int fd = wg_watch_userspace("wg0");
	struct wg_device device;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(kill(process, SIGKILL), 0);
	wg_await_userspace_exit("wg0", fd, 10000);
	assert_int_equal(waitpid(process, NULL, 0), process);
	assert_int_equal(access("/run/wireguard/wg0.sock", F_OK), -1);
	assert_int_equal(wg_get(&wg, &device, &arena, "wg0", &d), -ENODEV);
}

static void exit_of_the_process_is_awaited(void **state)
{
	struct wg_device device = new_device(50, 1);
	int fd = wg_watch_userspace("wg0"), status = -1;

	(void)state;
	assert_true(fd >= 0);
	set(&device);
	sh("ip link del wg0");
	wg_await_userspace_exit("wg0", fd, 10000);
	assert_int_equal(access("/run/wireguard/wg0.sock", F_OK), -1);
	assert_int_equal(waitpid(process, &status, 0), process);
	assert_true(WIFEXITED(status));
}

static void waiting_for_the_exit_has_an_end(void **state)
{
	int fd = wg_watch_userspace("wg0");

	(void)state;
	wg_await_userspace_exit("wg0", fd, 50);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_true(wg_is_userspace("wg0"));
	fd = wg_watch_userspace("wg0");
	wg_await_userspace_exit("wg0", fd, 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(wg_watch_userspace("nosuch"), -1);
	wg_await_userspace_exit("nosuch", -1, 1000);
}

static void socket_without_a_link_here_is_not_listed(void **state)
{
	struct wg_names names = { .arena = &arena };
	struct nl rtnl;

	(void)state;
	assert_int_equal(nl_open(&rtnl, NETLINK_ROUTE, &d), 0);
	sh("ip link add wg5 type veth peer name wg6");
	sh("ln -s wg0.sock /run/wireguard/elsewhere0.sock;"
	   "ln -s wg0.sock /run/wireguard/wg5.sock; touch /run/wireguard/wg6.sock;"
	   "touch /run/wireguard/a-name-longer-than-a-link.sock /run/wireguard/.sock");
	assert_int_equal(wg_list(&rtnl, &names, &d), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "wg0");
	assert_string_equal(names.v[1], "wg5");
	nl_close(&rtnl);
	sh("cd /run/wireguard; rm elsewhere0.sock wg5.sock wg6.sock a*.sock .sock;"
	   "ip link del wg5");
}

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

/* --- the messages of generic netlink, without a kernel: what is read has the form of what is
 * written --- */

static struct nlmsghdr *begin_message(void *buffer)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	return nlh;
}

/* Writes the device in messages of at most size bytes and reads it from them; returns how many. */
static size_t copy_device(struct wg_device *copy, const struct wg_device *device, size_t size)
{
	struct wg_genl_writer w = { .ifname = "fifteen-letters", .device = device };
	char *buffer = arena_alloc(&arena, size + 64);
	size_t n = 0;
	bool more = true;

	*copy = (struct wg_device){ 0 };
	for (; more; n++) {
		struct nlmsghdr *nlh = begin_message(buffer);

		memset(buffer + size, 0x55, 64);
		more = wg_genl_write(&w, nlh, size);
		assert_true(nlh->nlmsg_len <= size);
		for (size_t i = 0; i < 64; i++)
			assert_int_equal(buffer[size + i], 0x55);
		assert_int_equal(wg_genl_read(nlh, copy, &arena), 0);
	}
	return n;
}

static void device_is_cut_into_messages_of_any_size_and_put_together(void **state)
{
	struct wg_device device = new_device(3, 0), copy;

	(void)state;
	add_allowed_ips(add_peer(&device, 0), 4, 0);
	add_allowed_ips(add_peer(&device, ALL_OF_PEER), 5, 1);
	add_allowed_ips(add_peer(&device, ALL_OF_PEER), 1000, 40);
	add_allowed_ips(add_peer(&device, PEER_HAS_KEEPALIVE), 2000, 20);
	for (size_t size = 512; size < 4096; size += 4) {
		size_t n = copy_device(&copy, &device, size);

		assert_device_equal(&device, &copy);
		assert_true(n >= 1 && n < 20);
	}
	assert_int_equal(copy_device(&copy, &device, 8192), 1);
}

static void flags_that_replace_are_sent_once(void **state)
{
	struct wg_device device = new_device(0, 0);
	struct wg_genl_writer w = { .ifname = "wg0", .device = &device };
	char buffer[512];
	size_t messages = 0, replacing_peers = 0, replacing_ips = 0;
	bool more = true;

	(void)state;
	add_allowed_ips(add_peer(&device, PEER_REPLACE_ALLOWED_IPS), 0, 100);
	for (; more; messages++) {
		const struct nlattr *attr, *peer, *value;
		struct nlmsghdr *nlh = begin_message(buffer);

		more = wg_genl_write(&w, nlh, sizeof(buffer));
		mnl_attr_for_each(attr, nlh, GENL_HDRLEN)
		{
			replacing_peers += mnl_attr_get_type(attr) == WGDEVICE_A_FLAGS;
			if (mnl_attr_get_type(attr) != WGDEVICE_A_PEERS)
				continue;
			mnl_attr_for_each_nested(peer, attr)
			{
				mnl_attr_for_each_nested(value, peer)
				{
					replacing_ips += mnl_attr_get_type(value) == WGPEER_A_FLAGS;
				}
			}
		}
	}
	assert_true(messages > 5);
	assert_int_equal(replacing_peers, 1);
	assert_int_equal(replacing_ips, 1);
}

static void removals_are_flagged_and_bare(void **state)
{
	struct wg_device device = { 0 }, copy;

	(void)state;
	add_allowed_ips(add_peer(&device, 0), 0, 3);
	device.peers[0].allowed_ips[1].remove = true;
	add_allowed_ips(add_peer(&device, ALL_OF_PEER | PEER_REMOVE), 7, 3);
	copy_device(&copy, &device, 4096);
	assert_false(copy.peers[0].allowed_ips[0].remove);
	assert_true(copy.peers[0].allowed_ips[1].remove);
	assert_int_equal(copy.peers[1].nallowed_ips, 0);
	assert_int_equal(copy.peers[1].flags, 0);
}

static void mutilated_messages_are_refused_or_read_in_part(void **state)
{
	struct wg_device device = new_device(2, 3), copy;
	struct wg_genl_writer w = { .ifname = "wg0", .device = &device };
	char buffer[4096], *whole;
	struct nlmsghdr *nlh = begin_message(buffer);
	size_t refused = 0;

	(void)state;
	assert_false(wg_genl_write(&w, nlh, sizeof(buffer)));
	whole = arena_alloc(&arena, nlh->nlmsg_len);
	memcpy(whole, buffer, nlh->nlmsg_len);
	/* any length of the message and any value of any byte: never beyond the end of it */
	for (uint32_t n = NLMSG_HDRLEN; n < ((struct nlmsghdr *)whole)->nlmsg_len; n++) {
		char *exact = malloc(n);

		assert_non_null(exact);
		memcpy(exact, whole, n);
		((struct nlmsghdr *)exact)->nlmsg_len = n;
		copy = (struct wg_device){ 0 };
		refused += wg_genl_read((struct nlmsghdr *)exact, &copy, &arena) != 0;
		free(exact);
	}
	for (uint32_t i = NLMSG_HDRLEN; i < nlh->nlmsg_len; i++) {
		buffer[i] = (char)~buffer[i];
		copy = (struct wg_device){ 0 };
		refused += wg_genl_read(nlh, &copy, &arena) != 0;
		buffer[i] = (char)~buffer[i];
	}
	assert_true(refused > 100);
}

int main(void)
{
#define D(test) cmocka_unit_test_setup_teardown(test, make_device, delete_device)
#define C(test) cmocka_unit_test_setup_teardown(test, make_child_device, close_wg)
#define W(test) cmocka_unit_test_setup_teardown(test, open_wg, close_wg)
	const struct CMUnitTest either[] = {
		D(devices_of_all_shapes_come_back),
		D(flags_say_what_is_there),
		D(what_is_not_named_stays),
		D(zero_keys_take_keys_away),
		D(peers_and_allowed_ips_are_replaced_added_and_removed),
		D(many_peers_come_back),
		D(many_allowed_ips_come_back),
		D(every_way_to_fill_a_message_comes_back),
		D(wg_sees_what_was_set),
		D(own_allowed_ip_is_removed_or_the_removal_refused),
		D(refusal_is_told_without_keys),
		D(the_device_is_listed),
		D(other_interfaces_are_told_apart),
	};
	const struct CMUnitTest userspace[] = {
		C(socket_of_a_killed_process_is_removed),
		C(exit_of_the_process_is_awaited),
		D(waiting_for_the_exit_has_an_end),
		D(socket_without_a_link_here_is_not_listed),
		W(answers_to_set_are_understood),
		W(refusal_in_the_middle_of_a_long_request_is_heard),
		W(hangup_in_the_middle_of_a_long_request_is_an_error),
		W(answers_to_get_are_understood_or_refused),
		W(socket_nobody_listens_at_is_removed),
		W(names_that_lead_elsewhere_are_no_names),
		W(file_that_is_no_socket_is_left_alone),
		W(lines_of_an_answer_are_read_strictly),
		W(values_of_an_answer_are_read_whole),
		W(endless_line_is_refused),
		W(device_is_cut_into_messages_of_any_size_and_put_together),
		W(flags_that_replace_are_sent_once),
		W(removals_are_flagged_and_bare),
		W(mutilated_messages_are_refused_or_read_in_part),
	};
	int failed = 0;

	/* a host has the device; an emulated kernel without udev once the module is there */
	if (netns_enter(NULL) || !sh_ok("test -c /dev/net/tun || modprobe tun"))
		return 1;
	failed += cmocka_run_group_tests(userspace, NULL, NULL);
	failed += cmocka_run_group_tests_name("over the socket", either, NULL, NULL);
	on_kernel = sh_ok("ip link add wg0 type wireguard 2> /dev/null && ip link del wg0");
	if (on_kernel)
		failed += cmocka_run_group_tests_name("in the kernel", either, NULL, NULL);
	return failed;
}
