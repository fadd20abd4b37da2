/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WireGuard devices: what is written is what is read, over the socket of wireguard-go and, where
 * the kernel has WireGuard, over generic netlink; the same tests for both.
 */
#include "wgq/kernel/wg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "tests/unit/wg_device.h"
#include "wgq/kernel/rtnl.h"

static bool on_kernel; /* which way the tests go just now */

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

int main(void)
{
#define D(test) cmocka_unit_test_setup_teardown(test, make_device, delete_device)
#define C(test) cmocka_unit_test_setup_teardown(test, make_child_device, close_wg)
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
