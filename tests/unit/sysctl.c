/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Switches below /proc/sys/net, which every network namespace has for itself. */
#include "wgq/kernel/sysctl.h"

#include <errno.h>

#include "tests/unit/netns.h"

#define MARK "net/ipv4/conf/all/src_valid_mark"

static void switch_is_read_and_written(void **state)
{
	struct diag d = { 0 };
	int value = -1;

	(void)state;
	assert_int_equal(sysctl_read(MARK, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(sysctl_write(MARK, 1, &d), 0);
	assert_int_equal(sysctl_read(MARK, &value), 0);
	assert_int_equal(value, 1);
	sh("test $(sysctl -n net.ipv4.conf.all.src_valid_mark) = 1");
	assert_int_equal(sysctl_write(MARK, 0, &d), 0);
	assert_string_equal(d.text, "");
}

static void negative_value_is_read(void **state)
{
	int value = 0;

	(void)state;
	sh("sysctl -qw net.ipv6.conf.default.accept_ra_rt_info_max_plen=-1");
	assert_int_equal(sysctl_read("net/ipv6/conf/default/accept_ra_rt_info_max_plen", &value),
			 0);
	assert_int_equal(value, -1);
}

static void what_is_no_switch_is_an_error(void **state)
{
	struct diag d = { 0 };
	char longer[300] = "net/";
	int value = 7;

	(void)state;
	memset(longer + 4, 'x', sizeof(longer) - 5);
	assert_int_equal(sysctl_read("net/nosuch", &value), -ENOENT);
	assert_int_equal(sysctl_read("net", &value), -EISDIR);
	assert_int_equal(sysctl_read(longer, &value), -ENAMETOOLONG);
	assert_int_equal(sysctl_read("net/ipv4/tcp_congestion_control", &value), -EINVAL);
	assert_int_equal(sysctl_read("net/ipv4/ip_local_port_range", &value), -EINVAL);
	assert_int_equal(value, 7);
	assert_int_equal(sysctl_write("net/nosuch", 1, &d), -ENOENT);
	assert_string_equal(d.text, "set net/nosuch to 1: No such file or directory");
}

static void read_only_proc_is_told(void **state)
{
	struct diag d = { 0 };

	(void)state;
	sh("mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys");
	assert_int_equal(sysctl_write(MARK, 1, &d), -EROFS);
	assert_string_equal(d.text, "set " MARK " to 1: Read-only file system");
	sh("umount /proc/sys");
}

/* For each way to switch it off: does a new interface agree with us? */
static void ipv6_is_usable_where_a_new_interface_takes_an_address(void **state)
{
	static const struct {
		const char *prepare;
		bool usable;
	} vectors[] = {
		{ "true", true },
		{ "sysctl -qw net.ipv6.conf.all.disable_ipv6=1", false },
		{ "sysctl -qw net.ipv6.conf.default.disable_ipv6=0", true },
		{ "sysctl -qw net.ipv6.conf.default.disable_ipv6=1", false },
		{ "sysctl -qw net.ipv6.conf.all.disable_ipv6=0", true },
		{ "sysctl -qw net.ipv6.conf.default.disable_ipv6=1", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		sh("%s; ip link add v0 type veth peer name v1", vectors[i].prepare);
		assert_int_equal(sh_ok("ip addr add 2001:db8::1/64 dev v0 2> /dev/null"),
				 vectors[i].usable);
		assert_int_equal(sysctl_ipv6_usable(), vectors[i].usable);
		sh("ip link del v0");
	}
	sh("sysctl -qw net.ipv6.conf.default.disable_ipv6=0");
}

static void kernel_without_ipv6_has_none(void **state)
{
	(void)state;
	sh("mount -t tmpfs none /proc/sys/net"); /* what ipv6.disable=1 looks like */
	assert_false(sysctl_ipv6_usable());
	sh("umount /proc/sys/net");
	assert_true(sysctl_ipv6_usable());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(switch_is_read_and_written),
		cmocka_unit_test(negative_value_is_read),
		cmocka_unit_test(what_is_no_switch_is_an_error),
		cmocka_unit_test(read_only_proc_is_told),
		cmocka_unit_test(ipv6_is_usable_where_a_new_interface_takes_an_address),
		cmocka_unit_test(kernel_without_ipv6_has_none),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
