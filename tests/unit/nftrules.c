/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declared rules in the tunnel's own table of nf_tables; nft(8) is the judge. */
#include "hooks/firewall.h"

#include <errno.h>
#include <linux/netfilter.h>

#include "tests/unit/fw_test.h"

static int open_firewall(void **state)
{
	return fw_open(state, FW_NFTABLES);
}

/* Each test starts from an empty ruleset. */
static int flush(void **state)
{
	(void)state;
	return !sh_ok("nft flush ruleset");
}

struct ruleset {
	char text[32 * 1024];
};

/* As text, followed by the instructions that its rules are made of, without their handles. */
static const char *read_ruleset(struct ruleset *r)
{
	return sh_output(r->text, sizeof(r->text),
			 "nft list ruleset; nft --debug=netlink list ruleset | "
			 "sed -E 's/^(ip6? [^ ]+ [^ ]+).*/\\1/'");
}

/* One of each kind that tunnels declare, and what nft(8) calls it. */
static const struct fw_words ipv4[] = {
	{ FW_FORWARD, "wg0", "wg0", false, "", false, FW_ACCEPT },
	{ FW_FORWARD, "wg0", "wg0", true, "", false, FW_DROP },
	{ FW_FORWARD, "wg0", "", false, "", false, FW_ACCEPT },
	{ FW_FORWARD, "", "wg0", false, "", true, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "10.0.0.0/8", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "10.1.2.9/23", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "10.1.2.9/31", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "128.0.0.0/1", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "10.1.2.9/32", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "0.0.0.0/0", false, FW_ACCEPT },
	{ FW_POSTROUTING, "", "fifteen-chars.x", false, "10.0.0.0/16", false, FW_MASQUERADE },
};
static const char ipv4_text[] =
	"table ip wgq-wg0 {\n"
	"	chain input {\n"
	"		type filter hook input priority filter\n"
	"		iifname wg0 ip saddr 10.0.0.0/8 accept comment \"wgq wg0\"\n"
	"		iifname wg0 ip saddr 10.1.2.0/23 accept comment \"wgq wg0\"\n"
	"		iifname wg0 ip saddr 10.1.2.8/31 accept comment \"wgq wg0\"\n"
	"		iifname wg0 ip saddr 128.0.0.0/1 accept comment \"wgq wg0\"\n"
	"		iifname wg0 ip saddr 10.1.2.9 accept comment \"wgq wg0\"\n"
	"		iifname wg0 accept comment \"wgq wg0\"\n"
	"	}\n"
	"	chain forward {\n"
	"		type filter hook forward priority filter\n"
	"		iifname wg0 oifname wg0 accept comment \"wgq wg0\"\n"
	"		iifname wg0 oifname != wg0 drop comment \"wgq wg0\"\n"
	"		iifname wg0 accept comment \"wgq wg0\"\n"
	"		oifname wg0 ct state established,related accept comment \"wgq wg0\"\n"
	"	}\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat\n"
	"		oifname fifteen-chars.x ip saddr 10.0.0.0/16 masquerade "
	"comment \"wgq wg0\"\n"
	"	}\n"
	"}\n";

static const struct fw_words ipv6[] = {
	{ FW_POSTROUTING, "", "eth0", false, "fd00:1::/64", false, FW_MASQUERADE },
	{ FW_POSTROUTING, "", "eth0", false, "fd00:2::/63", false, FW_MASQUERADE },
	{ FW_INPUT, "wg0", "", false, "fd00:1::9/48", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "fd00:1::9/49", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "fd00:1::9/127", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "fd00:1::9/128", false, FW_ACCEPT },
};
static const char ipv6_text[] =
	"table ip6 wgq-wg0 {\n"
	"	chain input {\n"
	"		type filter hook input priority filter\n"
	"		iifname wg0 ip6 saddr fd00:1::/48 accept comment \"wgq wg0\"\n"
	"		iifname wg0 ip6 saddr fd00:1::/49 accept comment \"wgq wg0\"\n"
	"		iifname wg0 ip6 saddr fd00:1::8/127 accept comment \"wgq wg0\"\n"
	"		iifname wg0 ip6 saddr fd00:1::9 accept comment \"wgq wg0\"\n"
	"	}\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat\n"
	"		oifname eth0 ip6 saddr fd00:1::/64 masquerade comment \"wgq wg0\"\n"
	"		oifname eth0 ip6 saddr fd00:2::/63 masquerade comment \"wgq wg0\"\n"
	"	}\n"
	"}\n";

static void expect_like_text(struct firewall *fw, const struct fw_words *words, size_t n,
			     uint8_t family, const char *text)
{
	static struct ruleset ours, theirs;
	struct fw_rule v[16];
	struct fw_rules r = fw_rules_of(v, words, n, family);
	char command[4096];
	struct diag d;

	sh("nft flush ruleset");
	assert_int_equal(fw_replace(fw, "wg0", &r, &d), 0);
	read_ruleset(&ours);
	snprintf(command, sizeof(command), "nft -f - << END\nflush ruleset\n%sEND\n", text);
	assert_true(sh_ok(command));
	assert_string_equal(ours.text, read_ruleset(&theirs));
}

static void test_the_table_lists_as_if_nft_had_read_it(void **state)
{
	expect_like_text(*state, ipv4, ARRAY_SIZE(ipv4), AF_INET, ipv4_text);
	expect_like_text(*state, ipv6, ARRAY_SIZE(ipv6), AF_INET6, ipv6_text);
	expect_like_text(*state, ipv4, 0, AF_INET, "table ip wgq-wg0 {\n}\n");
}

static void test_replacing_is_one_transaction_and_leaves_nothing_of_before(void **state)
{
	static struct ruleset fresh, again;
	struct fw_rule v[16];
	struct fw_rules r = fw_rules_of(v, ipv4, ARRAY_SIZE(ipv4), AF_INET);
	uint32_t before = fw_generation();
	struct diag d;

	assert_int_equal(fw_replace(*state, "wg0", &r, &d), 0);
	assert_int_equal(fw_generation() - before, 1);
	read_ruleset(&fresh);
	sh("nft add chain ip wgq-wg0 more && nft add rule ip wgq-wg0 forward drop");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fw_replace(*state, "wg0", &r, &d), 0);
		assert_string_equal(fresh.text, read_ruleset(&again));
	}
	assert_int_equal(fw_generation() - before, 5);
}

static void test_any_number_of_rules_is_one_transaction(void **state)
{
	enum { N = 5000 };
	static struct fw_rule v[N];
	struct fw_rules r = { .family = AF_INET, .v = v, .n = N };
	uint32_t before = fw_generation();
	struct diag d;
	char count[16];

	for (size_t i = 0; i < N; i++) {
		v[i] = (struct fw_rule){ .hook = FW_INPUT, .in = "wg0" };
		v[i].source = fw_addr("10.0.0.0/31");
		v[i].source.addr[2] = (uint8_t)(i >> 7);
		v[i].source.addr[3] = (uint8_t)(i << 1);
	}
	assert_int_equal(fw_replace(*state, "wg0", &r, &d), 0);
	assert_int_equal(fw_generation() - before, 1);
	sh_output(count, sizeof(count), "nft list table wgq-wg0 | grep -c 'saddr 10.*/31 accept'");
	assert_int_equal(strtoul(count, NULL, 10), N);
}

static void test_removal_leaves_what_was_before(void **state)
{
	static struct ruleset before, after;
	struct fw_rule v[16];
	struct fw_rules r = fw_rules_of(v, ipv4, ARRAY_SIZE(ipv4), AF_INET);
	struct antispoof a = { .family = AF_INET, .fwmark = 1 };
	struct firewall_batch *batch;
	struct diag d = { "" };

	assert_int_equal(firewall_build_antispoof(*state, &batch, "wg0", &a, &d), 0);
	assert_int_equal(fw_commit_and_free(*state, batch, &d), 0);
	sh("nft add table ip6 wgq-wg0 && nft add table ip wgq-wg && nft add table inet wgq-wg0");
	read_ruleset(&before);
	assert_int_equal(fw_replace(*state, "wg0", &r, &d), 0);
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), 0);
	assert_string_equal(before.text, read_ruleset(&after));
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), -ENOENT);
	assert_string_equal(d.text, "table ip wgq-wg0: No such file or directory");
	assert_string_equal(before.text, read_ruleset(&after));
}

static void test_has_rules_looks_at_name_and_family(void **state)
{
	struct fw_rules r = { .family = AF_INET6 };
	struct diag d;

	sh("nft add table ip6 wg-quick-wg0");
	assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET6, &d), 0);
	assert_int_equal(fw_replace(*state, "wg0", &r, &d), 0);
	assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET6, &d), 1);
	assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET, &d), 0);
	assert_int_equal(firewall_has_rules(*state, "wg", AF_INET6, &d), 0);
}

/* Families that nf_tables refuses, each at another object. */
static void test_a_refusal_names_the_object_and_changes_nothing(void **state)
{
	static const struct {
		uint8_t family;
		struct fw_words words;
		int err;
		const char *text;
	} cases[] = {
		{ NFPROTO_NUMPROTO - 1,
		  { FW_INPUT, "wg0", "", false, "", false, FW_ACCEPT },
		  -EOPNOTSUPP,
		  "table ip wgq-wg0: Operation not supported" },
		{ NFPROTO_BRIDGE,
		  { FW_POSTROUTING, "", "eth0", false, "", false, FW_MASQUERADE },
		  -ENOENT,
		  "chain postrouting of table ip wgq-wg0: No such file or directory" },
		{ NFPROTO_IPV4,
		  { FW_FORWARD, "", "eth0", false, "10.0.0.0/9", false, FW_MASQUERADE },
		  -EOPNOTSUPP,
		  "rule for 10.0.0.0/9 of chain forward of table ip wgq-wg0: Operation not "
		  "supported" },
		{ NFPROTO_IPV4,
		  { FW_FORWARD, "", "eth0", false, "", false, FW_MASQUERADE },
		  -EOPNOTSUPP,
		  "rule of chain forward of table ip wgq-wg0: Operation not supported" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct ruleset now;
		struct fw_rule v;
		struct fw_rules r = fw_rules_of(&v, &cases[i].words, 1, cases[i].family);
		struct diag d = { "" };

		assert_int_equal(fw_replace(*state, "wg0", &r, &d), cases[i].err);
		assert_string_equal(d.text, cases[i].text);
		assert_string_equal(read_ruleset(&now), "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_table_lists_as_if_nft_had_read_it, flush),
		cmocka_unit_test_setup(
			test_replacing_is_one_transaction_and_leaves_nothing_of_before, flush),
		cmocka_unit_test_setup(test_any_number_of_rules_is_one_transaction, flush),
		cmocka_unit_test_setup(test_removal_leaves_what_was_before, flush),
		cmocka_unit_test_setup(test_has_rules_looks_at_name_and_family, flush),
		cmocka_unit_test_setup(test_a_refusal_names_the_object_and_changes_nothing, flush),
	};

	return cmocka_run_group_tests(tests, open_firewall, fw_close);
}
