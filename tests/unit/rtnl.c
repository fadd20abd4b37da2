/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links, addresses, routes and rules against the running kernel and ip(8). */
#include "wgq/kernel/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>

#include "tests/unit/netns.h"

static struct nl nl;
static struct diag d;
static struct arena arena;
static int v0; /* index of the link that the tests work on */

static int setup(void **state)
{
	struct link link;

	(void)state;
	d = (struct diag){ 0 };
	arena_init(&arena);
	if (nl_open(&nl, NETLINK_ROUTE, &d) ||
	    !sh_ok("ip link add v0 type veth peer name v1 && ip link set v1 up") ||
	    rtnl_get_link(&nl, &link, "v0", &d))
		return -1;
	v0 = link.index;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	nl_close(&nl);
	return sh_ok("ip link del v0; ip rule flush; ip rule add table main pref 32766;"
		     "ip rule add table default pref 32767; ip -6 rule flush;"
		     "ip -6 rule add table main pref 32766; ip link set lo mtu 65536")
		       ? 0
		       : -1;
}

static void assert_output(const char *command, const char *expected)
{
	char text[8192];

	assert_string_equal(sh_output(text, sizeof(text), command), expected);
}

static struct prefix prefix(const char *text)
{
	struct prefix p = { 0 };

	assert_int_equal(prefix_parse(&p, (struct str){ text, strlen(text) }), 0);
	return p;
}

static const struct prefix *nth_prefix(size_t i, void *data)
{
	return (const struct prefix *)data + i;
}

static const struct route *nth_route(size_t i, void *data)
{
	return (const struct route *)data + i;
}

static const struct rule *nth_rule(size_t i, void *data)
{
	return (const struct rule *)data + i;
}

/* --- links --- */

static void link_is_found_by_each_of_its_names(void **state)
{
	static const char *const names[] = { "v0", "short", "a-name-much-longer-than-fifteen" };
	struct link link;

	(void)state;
	sh("ip link property add dev v0 altname %s altname %s", names[1], names[2]);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(rtnl_get_link(&nl, &link, names[i], &d), 0);
		assert_string_equal(link.name, "v0");
		assert_string_equal(link.kind, "veth");
		assert_int_equal(link.index, v0);
		assert_int_equal(link.mtu, 1500);
		assert_false(link.flags & IFF_UP);
	}
	assert_int_equal(rtnl_get_link_by_index(&nl, &link, v0, &d), 0);
	assert_string_equal(link.name, "v0");
}

static void missing_link_is_no_error_to_record(void **state)
{
	static const char longest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
				      "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123"
				      "456789abcdef";
	struct link link;

	(void)state;
	diag_set(&d, 1, "before");
	assert_int_equal(rtnl_get_link(&nl, &link, "nosuch", &d), -ENODEV);
	assert_int_equal(rtnl_get_link(&nl, &link, "nosuch-but-with-a-long-name", &d), -ENODEV);
	assert_int_equal(rtnl_get_link(&nl, &link, longest, &d), -ENODEV);
	assert_int_equal(rtnl_get_link(&nl, &link, "", &d), -ENODEV);
	assert_int_equal(rtnl_get_link_by_index(&nl, &link, 4711, &d), -ENODEV);
	assert_int_equal(rtnl_get_link_by_index(&nl, &link, 0, &d), -ENODEV);
	assert_string_equal(d.text, "before");
}

static void all_links_are_listed(void **state)
{
	struct rtnl_links links = { .arena = &arena };

	(void)state;
	assert_int_equal(rtnl_get_links(&nl, &links, &d), 0);
	assert_true(links.n >= 3);
	assert_string_equal(links.v[0].name, "lo");
	assert_string_equal(links.v[0].kind, "");
	assert_true(links.v[0].flags & IFF_LOOPBACK);
	assert_string_equal(links.v[links.n - 1].kind, "veth");
}

static void wireguard_link_is_made_or_unsupported(void **state)
{
	bool kernel = sh_ok("ip link add wgprobe type wireguard 2> /dev/null");
	struct link link;

	(void)state;
	if (!kernel) {
		assert_int_equal(rtnl_add_link(&nl, "wgnew", &d), -EOPNOTSUPP);
		assert_string_equal(d.text, "add link wgnew: Operation not supported (kernel: "
					    "\"Unknown device type\")");
		return;
	}
	assert_int_equal(rtnl_add_link(&nl, "wgnew", &d), 0);
	assert_int_equal(rtnl_add_link(&nl, "wgnew", &d), -EEXIST);
	assert_int_equal(rtnl_get_link(&nl, &link, "wgnew", &d), 0);
	assert_string_equal(link.kind, "wireguard");
	assert_int_equal(rtnl_del_link(&nl, link.index, &d), 0);
	sh("ip link del wgprobe");
}

static void too_long_a_name_is_refused(void **state)
{
	(void)state;
	assert_int_equal(rtnl_add_link(&nl, "sixteen-letters-", &d), -EINVAL);
}

static void link_is_set_and_deleted(void **state)
{
	struct link link;

	(void)state;
	sh("ip link add w0 type veth peer name w1");
	assert_int_equal(rtnl_get_link(&nl, &link, "w0", &d), 0);
	assert_int_equal(rtnl_set_link(&nl, link.index, 1420, true, &d), 0);
	assert_int_equal(rtnl_get_link(&nl, &link, "w0", &d), 0);
	assert_int_equal(link.mtu, 1420);
	assert_true(link.flags & IFF_UP);
	assert_int_equal(rtnl_set_link(&nl, link.index, 0, false, &d), 0);
	assert_int_equal(rtnl_get_link(&nl, &link, "w0", &d), 0);
	assert_int_equal(link.mtu, 1420);
	assert_false(link.flags & IFF_UP);
	assert_int_equal(rtnl_set_link(&nl, link.index, 20, true, &d), -EINVAL);
	assert_string_equal(d.text,
			    "set link up, mtu 20: Invalid argument (kernel: \"mtu less than "
			    "device minimum\")");
	assert_int_equal(rtnl_del_link(&nl, link.index, &d), 0);
	assert_int_equal(rtnl_del_link(&nl, link.index, &d), -ENODEV);
	assert_string_equal(d.text, "delete link: No such device");
}

/* --- addresses --- */

static void addresses_are_those_of_ip_address_add(void **state)
{
	struct prefix v[] = { prefix("10.1.2.3/24"), prefix("2001:db8::1/64"),
			      prefix("10.1.2.4/24"), prefix("192.0.2.1") };
	struct rtnl_addrs got = { .arena = &arena };
	char ours[4096], theirs[4096];
	static const char show[] = "ip -o addr show dev v0 scope global | sed 's/valid_lft.*//'";

	(void)state;
	sh("ip addr add 10.1.2.3/24 dev v0; ip addr add 2001:db8::1/64 dev v0;"
	   "ip addr add 10.1.2.4/24 dev v0; ip addr add 192.0.2.1 dev v0");
	sh_output(theirs, sizeof(theirs), show);
	sh("ip addr flush dev v0");
	assert_int_equal(rtnl_addrs(&nl, true, v0, ARRAY_SIZE(v), nth_prefix, NULL, v, NULL, &d),
			 0);
	assert_string_equal(sh_output(ours, sizeof(ours), show), theirs);

	assert_int_equal(rtnl_get_addrs(&nl, &got, v0, &d), 0);
	assert_int_equal(got.n, 4);
	assert_int_equal(prefix_compare(&got.v[3], &v[1]), 0);

	assert_int_equal(rtnl_addrs(&nl, false, v0, 2, nth_prefix, NULL, v + 1, NULL, &d), 0);
	got.n = 0;
	assert_int_equal(rtnl_get_addrs(&nl, &got, v0, &d), 0);
	assert_int_equal(got.n, 2);
}

static void local_end_of_a_point_to_point_address_is_read(void **state)
{
	struct rtnl_addrs got = { .arena = &arena };
	struct prefix local4 = prefix("10.9.0.1/32"), local6 = prefix("2001:db8::9/128");

	(void)state;
	sh("ip addr add 10.9.0.1 peer 10.9.0.2 dev v0");
	sh("ip addr add 2001:db8::9 peer 2001:db8::a dev v0");
	assert_int_equal(rtnl_get_addrs(&nl, &got, v0, &d), 0);
	assert_int_equal(got.n, 2);
	assert_int_equal(prefix_compare(&got.v[0], &local4), 0);
	assert_int_equal(prefix_compare(&got.v[1], &local6), 0);
}

static void missing_link_has_no_addresses(void **state)
{
	struct rtnl_addrs got = { .arena = &arena };

	(void)state;
	assert_int_equal(rtnl_get_addrs(&nl, &got, 4711, &d), 0);
	assert_int_equal(got.n, 0);
}

static void refused_address_is_named_by_its_index(void **state)
{
	struct prefix v[] = { prefix("10.1.2.3/24"), prefix("10.1.2.3/24") };
	size_t failed = 0;

	(void)state;
	assert_int_equal(rtnl_addrs(&nl, true, v0, 2, nth_prefix, NULL, v, &failed, &d), -EEXIST);
	assert_int_equal(failed, 1);
	assert_non_null(strstr(d.text, "File exists"));
}

/* --- routes --- */

static void routes_are_those_of_ip_route_add(void **state)
{
	struct route v[] = {
		{ .dst = prefix("10.2.0.0/16"), .oif = v0, .table = RT_TABLE_MAIN },
		{ .dst = prefix("0.0.0.0/0"), .oif = v0, .table = 51820 },
		{ .dst = prefix("10.3.0.0/16"), .oif = v0, .table = 100 },
		{ .dst = prefix("2001:db8:1::/48"), .oif = v0 },
		{ .dst = prefix("::/0"), .oif = v0, .table = 51820 },
		{ .dst = prefix("10.4.0.0/16"), .oif = v0, .protocol = RTPROT_STATIC },
	};
	char ours[4096], theirs[4096];
	static const char show[] = "ip -d route show table all dev v0;"
				   "ip -6 -d route show table all dev v0";

	(void)state;
	sh("ip link set v0 up; ip addr add 192.0.2.1/24 dev v0");
	sh("ip route add 10.2.0.0/16 dev v0; ip route add 0.0.0.0/0 dev v0 table 51820;"
	   "ip route add 10.3.0.0/16 dev v0 table 100; ip -6 route add 2001:db8:1::/48 dev v0;"
	   "ip -6 route add ::/0 dev v0 table 51820;"
	   "ip route add 10.4.0.0/16 dev v0 proto static");
	sh_output(theirs, sizeof(theirs), show);
	assert_int_equal(rtnl_routes(&nl, false, ARRAY_SIZE(v), nth_route, NULL, v, NULL, &d), 0);
	assert_string_not_equal(sh_output(ours, sizeof(ours), show), theirs);
	assert_int_equal(rtnl_routes(&nl, true, ARRAY_SIZE(v), nth_route, NULL, v, NULL, &d), 0);
	assert_string_equal(sh_output(ours, sizeof(ours), show), theirs);
}

static void routes_are_filtered_by_family_table_and_link(void **state)
{
	static const struct {
		uint8_t family;
		uint32_t table;
		bool on_v0;
		size_t n;
	} vectors[] = {
		{ AF_INET, 51820, true, 2 },  { AF_INET, 51820, false, 4 },
		{ AF_INET6, 51820, true, 1 }, { AF_INET, 4711, false, 0 },
		{ AF_INET6, 4711, true, 0 },  { AF_INET, 0, true, 3 },
	};

	(void)state;
	sh("ip link set v0 up; sleep 0.01; ip route add 10.2.0.0/16 dev v0 table 51820;"
	   "ip route add 0.0.0.0/0 dev v0 table 51820; ip route add 10.3.0.0/16 dev v0 table 8;"
	   "ip route add 10.6.0.0/16 dev lo table 51820;"
	   "ip route add 10.7.0.0/16 table 51820 nexthop dev v0 nexthop dev v1;"
	   "ip -6 route add ::/0 dev v0 table 51820");
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct rtnl_routes got = { .arena = &arena };

		assert_int_equal(rtnl_get_routes(&nl, &got, vectors[i].family, vectors[i].table,
						 vectors[i].on_v0 ? v0 : 0, &d),
				 0);
		assert_int_equal(got.n, vectors[i].n);
		for (size_t k = 0; k < got.n; k++) {
			assert_int_equal(got.v[k].dst.family, vectors[i].family);
			if (vectors[i].on_v0)
				assert_int_equal(got.v[k].oif, v0);
			if (vectors[i].table)
				assert_int_equal(got.v[k].table, vectors[i].table);
		}
	}
	assert_string_equal(d.text, "");
}

static void route_is_read_whole(void **state)
{
	struct rtnl_routes got = { .arena = &arena };
	struct prefix dst = prefix("10.2.0.0/16");

	(void)state;
	sh("ip link set v0 up; ip route add 10.2.0.0/16 dev v0 table 777 proto static");
	sh("ip route add 10.8.0.0/16 table 777 nexthop dev v0 nexthop dev v1");
	assert_int_equal(rtnl_get_routes(&nl, &got, AF_INET, 777, 0, &d), 0);
	assert_int_equal(got.n, 2);
	assert_int_equal(prefix_compare(&got.v[0].dst, &dst), 0);
	assert_int_equal(got.v[0].table, 777);
	assert_int_equal(got.v[0].protocol, RTPROT_STATIC);
	assert_int_equal(got.v[0].oif, v0);
	assert_int_equal(got.v[1].oif, 0); /* several links are none */
}

static void routes_of_a_missing_link_are_none(void **state)
{
	struct rtnl_routes got = { .arena = &arena };

	(void)state;
	assert_int_equal(rtnl_get_routes(&nl, &got, AF_INET, 0, 4711, &d), 0);
	assert_int_equal(rtnl_get_routes(&nl, &got, AF_INET6, 0, 4711, &d), 0);
	assert_int_equal(got.n, 0);
}

static void unreachable_link_is_told_in_the_kernels_words(void **state)
{
	struct route v = { .dst = prefix("10.2.0.0/16"), .oif = v0 };
	size_t failed = 9;

	(void)state;
	assert_int_equal(rtnl_routes(&nl, true, 1, nth_route, NULL, &v, &failed, &d), -ENETDOWN);
	assert_string_equal(d.text, "Network is down (kernel: \"Device for nexthop is not up\")");
	assert_int_equal(failed, 0);
}

struct many {
	size_t n, settled;
	struct route route;
};

static const struct route *one_of_many(size_t i, void *data)
{
	struct many *m = data;
	uint32_t dst = htonl(0x0a000000 + (uint32_t)i);

	memcpy(m->route.dst.addr, &dst, sizeof(dst));
	return &m->route;
}

static int count_settled(size_t i, int err, void *data)
{
	struct many *m = data;

	assert_int_equal(i, m->settled);
	m->settled++;
	return err;
}

static void a_hundred_thousand_routes_go_in_and_come_out(void **state)
{
	struct many m = { .n = 100000,
			  .route = { .dst = prefix("0.0.0.0/32"), .oif = v0, .table = 51820 } };
	struct rtnl_routes got = { .arena = &arena };

	(void)state;
	sh("ip link set v0 up");
	assert_int_equal(rtnl_routes(&nl, true, m.n, one_of_many, count_settled, &m, NULL, &d), 0);
	assert_int_equal(m.settled, m.n);
	assert_int_equal(rtnl_get_routes(&nl, &got, AF_INET, 51820, v0, &d), 0);
	assert_int_equal(got.n, m.n);
	for (uint32_t i = 0; i < got.n; i++) {
		uint32_t dst = htonl(0x0a000000 + i);

		assert_memory_equal(got.v[i].dst.addr, &dst, sizeof(dst));
	}
	sh("ip route flush table 51820");
}

/* --- rules --- */

static const struct rule tunnel_rules[] = {
	{ .family = AF_INET,
	  .invert = true,
	  .fwmark = 51820,
	  .table = 51820,
	  .suppress_prefixlen = -1 },
	{ .family = AF_INET, .table = RT_TABLE_MAIN, .suppress_prefixlen = 0 },
};

static void rules_are_those_of_ip_rule_add(void **state)
{
	static const char show[] = "ip -d rule show";
	char ours[4096], theirs[4096];

	(void)state;
	sh("ip rule add not fwmark 51820 table 51820;"
	   "ip rule add table main suppress_prefixlength 0");
	sh_output(theirs, sizeof(theirs), show);
	sh("ip rule del table main suppress_prefixlength 0; ip rule del table 51820");
	assert_int_equal(rtnl_rules(&nl, true, 2, nth_rule, NULL, (void *)tunnel_rules, NULL, &d),
			 0);
	assert_string_equal(sh_output(ours, sizeof(ours), show), theirs);
	assert_non_null(strstr(ours, "32764:\tfrom all lookup main suppress_prefixlength 0"));
	assert_int_equal(rtnl_rules(&nl, false, 2, nth_rule, NULL, (void *)tunnel_rules, NULL, &d),
			 0);
	assert_null(strstr(sh_output(ours, sizeof(ours), show), "51820"));
}

static void rules_are_read_whole(void **state)
{
	struct rtnl_rules got = { .arena = &arena };

	(void)state;
	assert_int_equal(rtnl_rules(&nl, true, 2, nth_rule, NULL, (void *)tunnel_rules, NULL, &d),
			 0);
	assert_int_equal(rtnl_get_rules(&nl, &got, AF_INET, &d), 0);
	assert_int_equal(got.n, 5);
	for (size_t i = 0; i < got.n; i++) {
		assert_int_equal(got.v[i].family, AF_INET);
		assert_false(got.v[i].foreign);
	}
	assert_int_equal(got.v[1].priority, 32764);
	assert_int_equal(got.v[1].table, RT_TABLE_MAIN);
	assert_int_equal(got.v[1].suppress_prefixlen, 0);
	assert_int_equal(got.v[2].priority, 32765);
	assert_int_equal(got.v[2].table, 51820);
	assert_int_equal(got.v[2].fwmark, 51820);
	assert_true(got.v[2].invert);
	assert_int_equal(got.v[2].suppress_prefixlen, -1);
	assert_false(got.v[3].invert);
}

static void only_the_very_rule_is_deleted(void **state)
{
	struct rule v = tunnel_rules[0], suppress = tunnel_rules[1];

	(void)state;
	sh("ip rule add not fwmark 51820 table 51820 pref 100;"
	   "ip rule add not fwmark 51820 table 51820 pref 200;"
	   "ip rule add fwmark 7 table 51820 pref 300; ip rule add table 51820 pref 400;"
	   "ip rule add table main suppress_prefixlength 0 pref 500;"
	   "ip rule add table main suppress_prefixlength 0 pref 600");
	v.priority = 200;
	suppress.priority = 600;
	assert_int_equal(rtnl_rules(&nl, false, 1, nth_rule, NULL, &v, NULL, &d), 0);
	assert_int_equal(rtnl_rules(&nl, false, 1, nth_rule, NULL, &suppress, NULL, &d), 0);
	assert_output("ip rule show", "0:\tfrom all lookup local\n"
				      "100:\tnot from all fwmark 0xca6c lookup 51820\n"
				      "300:\tfrom all fwmark 0x7 lookup 51820\n"
				      "400:\tfrom all lookup 51820\n"
				      "500:\tfrom all lookup main suppress_prefixlength 0\n"
				      "32766:\tfrom all lookup main\n"
				      "32767:\tfrom all lookup default\n");
	assert_int_equal(rtnl_rules(&nl, false, 1, nth_rule, NULL, &v, NULL, &d), -ENOENT);
	assert_int_equal(rtnl_rules(&nl, true, 1, nth_rule, NULL, &v, NULL, &d), 0);
	assert_int_equal(rtnl_rules(&nl, true, 1, nth_rule, NULL, &v, NULL, &d), -EEXIST);
}

static void rules_with_other_selectors_are_foreign(void **state)
{
	static const struct {
		const char *rule;
		bool foreign;
	} vectors[] = {
		{ "not fwmark 51820 table 51820", false },
		{ "table 255", false },
		{ "fwmark 7 table 8 protocol static", false },
		{ "table main suppress_prefixlength 0", false },
		{ "from 10.0.0.0/8 table 51820", true },
		{ "to 10.0.0.0/8 table 51820", true },
		{ "fwmark 51820/0xffff table 51820", true },
		{ "fwmark 0/0xff table 51820", true },
		{ "fwmark 0/0xffffffff table 51820", true },
		{ "iif lo table 51820", true },
		{ "oif lo table 51820", true },
		{ "tos 0x10 table 51820", true },
		{ "uidrange 0-10 table 51820", true },
		{ "ipproto udp dport 53 table 51820", true },
		{ "table main suppress_ifgroup 1", true },
		{ "fwmark 7 prohibit", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct rtnl_rules got = { .arena = &arena };

		sh("ip rule add %s pref 77", vectors[i].rule);
		assert_int_equal(rtnl_get_rules(&nl, &got, AF_INET, &d), 0);
		assert_int_equal(got.v[1].priority, 77);
		if (got.v[1].foreign != vectors[i].foreign)
			fail_msg("%s", vectors[i].rule);
		sh("ip rule del pref 77");
	}
}

static void ipv6_rules_are_their_own(void **state)
{
	struct rtnl_rules got = { .arena = &arena };
	struct rule v = tunnel_rules[0];

	(void)state;
	v.family = AF_INET6;
	assert_int_equal(rtnl_rules(&nl, true, 1, nth_rule, NULL, &v, NULL, &d), 0);
	assert_int_equal(rtnl_get_rules(&nl, &got, AF_INET6, &d), 0);
	assert_int_equal(got.n, 3);
	assert_int_equal(got.v[1].fwmark, 51820);
	assert_int_equal(rtnl_get_rules(&nl, &got, AF_INET, &d), 0); /* appended */
	assert_int_equal(got.n, 6);
	assert_int_equal(got.v[1].family, AF_INET6);
	assert_int_equal(got.v[4].family, AF_INET);
	assert_int_equal(got.v[4].fwmark, 0);
}

static void lists_are_appended_to(void **state)
{
	struct rtnl_links links = { .arena = &arena };
	struct rtnl_addrs addrs = { .arena = &arena };
	struct rtnl_routes routes = { .arena = &arena };
	size_t nlinks, naddrs, nroutes;

	(void)state;
	sh("ip link set v0 up; ip addr add 192.0.2.1/24 dev v0;"
	   "ip -6 route add 2001:db8::/32 dev v0 table 7; ip route add 10.0.0.0/8 dev v0 table 7");
	for (size_t i = 1; i <= 3; i++) {
		assert_int_equal(rtnl_get_links(&nl, &links, &d), 0);
		assert_int_equal(rtnl_get_addrs(&nl, &addrs, 1, &d), 0);
		assert_int_equal(rtnl_get_routes(&nl, &routes, AF_INET, 7, 0, &d), 0);
		assert_int_equal(rtnl_get_routes(&nl, &routes, AF_INET6, 7, 0, &d), 0);
		nlinks = i == 1 ? links.n : nlinks;
		naddrs = i == 1 ? addrs.n : naddrs;
		nroutes = i == 1 ? routes.n : nroutes;
		assert_int_equal(links.n, i * nlinks);
		assert_int_equal(addrs.n, i * naddrs);
		assert_int_equal(routes.n, i * nroutes);
	}
	assert_int_equal(naddrs, 2);
	assert_int_equal(nroutes, 2);
	assert_int_equal(routes.v[0].dst.family, AF_INET);
	assert_int_equal(routes.v[1].dst.family, AF_INET6);
}

/* --- path MTUs --- */

static void path_mtu_is_the_routes_or_the_links(void **state)
{
	static const struct {
		const char *addr;
		uint32_t mtu;
	} vectors[] = {
		{ "10.1.0.1", 1500 },      /* of the link */
		{ "10.2.0.1", 1300 },      /* of the route */
		{ "10.3.0.1", 1500 },      /* locked: does not count */
		{ "10.4.0.1", 0 },         /* no route */
		{ "10.5.0.1", 0 },         /* unreachable */
		{ "127.0.0.1", 65536 },    /* lo */
		{ "2001:db8:1::1", 1500 }, /* the same again */
		{ "2001:db8:2::1", 1400 }, { "2001:db8:4::1", 0 }, { "2001:db8:5::1", 0 },
	};
	struct prefix addrs[ARRAY_SIZE(vectors)];
	uint32_t mtus[ARRAY_SIZE(vectors)];

	(void)state;
	sh("ip link set v0 up; ip addr add 192.0.2.1/24 dev v0;"
	   "ip route add 10.1.0.0/16 dev v0; ip route add 10.2.0.0/16 dev v0 mtu 1300;"
	   "ip route add 10.3.0.0/16 dev v0 mtu lock 1200; ip route add unreachable 10.5.0.0/16;"
	   "ip addr add 2001:db8::1/64 dev v0 nodad; ip -6 route add 2001:db8:1::/48 dev v0;"
	   "ip -6 route add 2001:db8:2::/48 dev v0 mtu 1400; ip -6 route add unreachable "
	   "2001:db8:5::/48");
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		addrs[i] = prefix(vectors[i].addr);
	assert_int_equal(rtnl_get_path_mtus(&nl, mtus, addrs, ARRAY_SIZE(vectors), &d), 0);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		if (mtus[i] != vectors[i].mtu)
			fail_msg("%s: %u", vectors[i].addr, mtus[i]);
	}
	sh("ip route del unreachable 10.5.0.0/16; ip -6 route del unreachable 2001:db8:5::/48");
}

static void ten_thousand_paths_are_looked_up(void **state)
{
	enum { N = 10000 };
	struct prefix *addrs = arena_alloc(&arena, N * sizeof(*addrs));
	uint32_t *mtus = arena_alloc(&arena, N * sizeof(*mtus));

	(void)state;
	sh("ip link set v0 mtu 1410 up; ip addr add 192.0.2.1/24 dev v0;"
	   "ip route add 10.0.0.0/8 dev v0");
	for (uint32_t i = 0; i < N; i++) {
		uint32_t addr = htonl(0x0a000000 + i * 11 + (i % 10 ? 0 : 0x01000000));

		addrs[i] = prefix("0.0.0.0");
		memcpy(addrs[i].addr, &addr, sizeof(addr));
	}
	assert_int_equal(rtnl_get_path_mtus(&nl, mtus, addrs, N, &d), 0);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(mtus[i], i % 10 ? 1410 : 0);
	assert_int_equal(rtnl_get_path_mtus(&nl, NULL, NULL, 0, &d), 0);
}

static void default_mtu_is_that_of_the_best_default_route(void **state)
{
	static const struct {
		const char *routes;
		uint32_t mtu;
	} vectors[] = {
		{ "true", 0 },
		{ "ip route add default dev v0", 1450 },
		{ "ip route add default dev v0 mtu 1200", 1200 },
		{ "ip route add default dev v0 mtu lock 1200", 1450 },
		{ "ip route add default dev v0 metric 9; ip route add default dev v1", 1500 },
		{ "ip route add default dev v1 metric 9; ip route add default dev v0", 1450 },
		{ "ip route add default dev v0 table 7", 0 },
		{ "ip route add default nexthop dev v0 nexthop dev v1", 0 },
		{ "ip route add 0.0.0.0/1 dev v0", 0 },
		{ "ip -6 route add default dev v0", 0 },
	};

	(void)state;
	sh("ip link set v0 mtu 1450 up");
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint32_t mtu = 4711;

		sh("%s", vectors[i].routes);
		assert_int_equal(rtnl_get_default_mtu(&nl, &mtu, &d), 0);
		if (mtu != vectors[i].mtu)
			fail_msg("%s: %u", vectors[i].routes, mtu);
		sh("ip route flush table main; ip route flush table 7 2> /dev/null; true");
	}
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(link_is_found_by_each_of_its_names),
		T(missing_link_is_no_error_to_record),
		T(all_links_are_listed),
		T(wireguard_link_is_made_or_unsupported),
		T(too_long_a_name_is_refused),
		T(link_is_set_and_deleted),
		T(addresses_are_those_of_ip_address_add),
		T(local_end_of_a_point_to_point_address_is_read),
		T(missing_link_has_no_addresses),
		T(refused_address_is_named_by_its_index),
		T(routes_are_those_of_ip_route_add),
		T(routes_are_filtered_by_family_table_and_link),
		T(route_is_read_whole),
		T(routes_of_a_missing_link_are_none),
		T(unreachable_link_is_told_in_the_kernels_words),
		T(a_hundred_thousand_routes_go_in_and_come_out),
		T(rules_are_those_of_ip_rule_add),
		T(rules_are_read_whole),
		T(only_the_very_rule_is_deleted),
		T(rules_with_other_selectors_are_foreign),
		T(ipv6_rules_are_their_own),
		T(lists_are_appended_to),
		T(path_mtu_is_the_routes_or_the_links),
		T(ten_thousand_paths_are_looked_up),
		T(default_mtu_is_that_of_the_best_default_route),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
