/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against the kernel's nf_tables in a network namespace of its own; nft(8) is the judge. */
#include "hooks/firewall.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netfilter.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

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

/* As text, followed by the instructions that its rules are made of. */
static const char *read_ruleset(struct ruleset *r)
{
	return sh_output(r->text, sizeof(r->text),
			 "nft list ruleset; nft --debug=netlink list ruleset");
}

static int replace(struct firewall *fw, const char *ifname, const struct antispoof *a,
		   struct diag *d)
{
	struct firewall_batch *batch;
	int err = firewall_build_antispoof(fw, &batch, ifname, a, d);

	return err ? err : fw_commit_and_free(fw, batch, d);
}

static int take_away(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d)
{
	struct firewall_batch *batch;
	int err = firewall_build_antispoof_removal(fw, &batch, ifname, family, d);

	return err ? err : fw_commit_and_free(fw, batch, d);
}

/* wg-quick's own words for it. */
static void replace_by_text(const char *ifname, const struct antispoof *a)
{
	const char *f = a->family == AF_INET6 ? "ip6" : "ip";
	char text[4096], one[PREFIX_TEXT];
	int n;

	n = snprintf(text, sizeof(text),
		     "nft -f - << END\n"
		     "add table %1$s wg-quick-%2$s\n"
		     "add chain %1$s wg-quick-%2$s preraw { type filter hook prerouting priority "
		     "-300; }\n"
		     "add chain %1$s wg-quick-%2$s premangle { type filter hook prerouting "
		     "priority -150; }\n"
		     "add chain %1$s wg-quick-%2$s postmangle { type filter hook postrouting "
		     "priority -150; }\n",
		     f, ifname);
	for (size_t i = 0; i < a->naddrs; i++) {
		if (a->addrs[i].family != a->family)
			continue;
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "add rule %1$s wg-quick-%2$s preraw iifname != \"%2$s\" %1$s daddr "
			      "%3$s fib saddr type != local drop\n",
			      f, ifname, prefix_format_addr(one, &a->addrs[i]));
	}
	snprintf(text + n, sizeof(text) - (size_t)n,
		 "add rule %1$s wg-quick-%2$s postmangle meta l4proto udp mark %3$u ct mark set "
		 "mark\n"
		 "add rule %1$s wg-quick-%2$s premangle meta l4proto udp meta mark set ct "
		 "mark\nEND\n",
		 f, ifname, a->fwmark);
	assert_true(sh_ok(text));
}

static void test_the_table_lists_as_if_nft_had_read_wg_quicks_text(void **state)
{
	const struct prefix addrs[] = { fw_addr("10.78.0.2/32"), fw_addr("fd00:78::2/64"),
					fw_addr("192.0.2.255/24"), fw_addr("::1/128"),
					fw_addr("0.0.0.1/0") };
	static const char *const names[] = { "wg0", "a", "fifteen-chars.x", "w-g_0.x" };
	static const uint32_t marks[] = { 51820, 1, 0xffffffff, 0x80000000 };

	for (size_t i = 0; i < ARRAY_SIZE(names) * 2; i++) {
		struct antispoof a = { .family = i % 2 ? AF_INET6 : AF_INET,
				       .fwmark = marks[i / 2],
				       .addrs = addrs,
				       .naddrs = ARRAY_SIZE(addrs) };
		const char *name = names[i / 2];
		static struct ruleset ours, theirs;
		struct diag d;

		flush(state);
		assert_int_equal(replace(*state, name, &a, &d), 0);
		read_ruleset(&ours);
		flush(state);
		replace_by_text(name, &a);
		read_ruleset(&theirs);
		assert_string_equal(ours.text, theirs.text);
		assert_non_null(strstr(ours.text, "fib saddr type != local drop"));
	}
}

static void test_a_table_without_addresses_keeps_the_marks(void **state)
{
	const struct prefix other = fw_addr("fd00::1/64");
	struct antispoof a = { .family = AF_INET, .fwmark = 7, .addrs = &other, .naddrs = 1 };
	static struct ruleset now;
	struct diag d;

	assert_int_equal(replace(*state, "wg0", &a, &d), 0);
	read_ruleset(&now);
	assert_null(strstr(now.text, "daddr"));
	assert_non_null(strstr(now.text, "meta mark 0x00000007 ct mark set meta mark"));
}

static void test_replacing_leaves_nothing_of_the_table_before(void **state)
{
	const struct prefix before = fw_addr("10.0.0.1/32"), now = fw_addr("10.0.0.2/32");
	struct antispoof a = { .family = AF_INET, .fwmark = 1, .addrs = &now, .naddrs = 1 };
	static struct ruleset fresh, replaced;
	struct diag d;

	assert_int_equal(replace(*state, "wg0", &a, &d), 0);
	read_ruleset(&fresh);
	a.addrs = &before;
	assert_int_equal(replace(*state, "wg0", &a, &d), 0);
	sh("nft add chain ip wg-quick-wg0 more && nft add rule ip wg-quick-wg0 preraw drop");
	a.addrs = &now;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(replace(*state, "wg0", &a, &d), 0);
		assert_string_equal(fresh.text, read_ruleset(&replaced));
	}
}

static void test_any_number_of_addresses_is_one_transaction(void **state)
{
	static const size_t counts[] = { 1, 150, 160, 170, 1000, 5000 };
	static struct prefix addrs[5000];
	struct antispoof a = { .family = AF_INET6, .fwmark = 1, .addrs = addrs };

	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++) {
		addrs[i] = fw_addr("fd00::/128");
		addrs[i].addr[14] = (uint8_t)(i >> 8);
		addrs[i].addr[15] = (uint8_t)i;
	}
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		uint32_t before = fw_generation();
		struct diag d;
		char count[16];

		a.naddrs = counts[i];
		assert_int_equal(replace(*state, "wg0", &a, &d), 0);
		assert_int_equal(fw_generation() - before, 1);
		sh_output(count, sizeof(count),
			  "nft list chain ip6 wg-quick-wg0 preraw | grep -c daddr");
		assert_int_equal(strtoul(count, NULL, 10), counts[i]);
	}
}

static void test_a_batch_can_be_committed_again(void **state)
{
	const struct prefix one = fw_addr("10.0.0.1/32");
	struct antispoof a = { .family = AF_INET, .fwmark = 1, .addrs = &one, .naddrs = 1 };
	struct firewall_batch *add, *del;
	struct diag d;

	assert_int_equal(firewall_build_antispoof(*state, &add, "wg0", &a, &d), 0);
	assert_int_equal(firewall_build_antispoof_removal(*state, &del, "wg0", AF_INET, &d), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(firewall_commit(*state, add, &d), 0);
		assert_int_equal(firewall_has_antispoof(*state, "wg0", AF_INET, &d), 1);
		assert_int_equal(firewall_commit(*state, del, &d), 0);
		assert_int_equal(firewall_commit(*state, del, &d), -ENOENT);
	}
	firewall_batch_free(add);
	firewall_batch_free(del);
	firewall_batch_free(NULL);
}

static void test_removal_takes_that_table_only(void **state)
{
	struct antispoof a = { .family = AF_INET, .fwmark = 1 };
	static struct ruleset before, after;
	struct diag d = { "" };

	assert_int_equal(replace(*state, "wg1", &a, &d), 0);
	a.family = AF_INET6;
	assert_int_equal(replace(*state, "wg0", &a, &d), 0);
	read_ruleset(&before);
	a.family = AF_INET;
	assert_int_equal(replace(*state, "wg0", &a, &d), 0);
	assert_int_equal(take_away(*state, "wg0", AF_INET, &d), 0);
	assert_string_equal(before.text, read_ruleset(&after));
}

static void test_removing_what_is_not_there_says_so(void **state)
{
	struct diag d = { "" };

	assert_int_equal(take_away(*state, "wg0", AF_INET6, &d), -ENOENT);
	assert_string_equal(d.text, "table ip6 wg-quick-wg0: No such file or directory");
}

static void test_has_antispoof_looks_at_name_and_family(void **state)
{
	struct antispoof a = { .family = AF_INET6, .fwmark = 1 };
	struct diag d;

	assert_int_equal(firewall_has_antispoof(*state, "wg0", AF_INET6, &d), 0);
	assert_int_equal(replace(*state, "wg0", &a, &d), 0);
	assert_int_equal(firewall_has_antispoof(*state, "wg0", AF_INET6, &d), 1);
	assert_int_equal(firewall_has_antispoof(*state, "wg0", AF_INET, &d), 0);
	assert_int_equal(firewall_has_antispoof(*state, "wg", AF_INET6, &d), 0);
	assert_int_equal(firewall_has_antispoof(*state, "wg01", AF_INET6, &d), 0);
}

static void test_families_are_found_out_without_changing_anything(void **state)
{
	enum { NO_SUCH_FAMILY = NFPROTO_NUMPROTO - 1 };
	uint32_t before = fw_generation();
	static struct ruleset now;

	assert_true(firewall_has_family(*state, AF_INET));
	assert_true(firewall_has_family(*state, AF_INET6));
	assert_true(firewall_has_family(*state, AF_INET));
	assert_false(firewall_has_family(*state, NO_SUCH_FAMILY));
	assert_false(firewall_has_family(*state, NFPROTO_BRIDGE)); /* has tables, but no fib */
	assert_false(firewall_has_family(*state, 255));
	assert_int_equal(fw_generation(), before);
	assert_string_equal(read_ruleset(&now), "");
}

/* Families that nf_tables refuses, each at another object. */
static void test_a_refusal_names_the_object(void **state)
{
	static const struct {
		uint8_t family;
		int err;
		const char *text;
	} cases[] = {
		{ NFPROTO_NUMPROTO - 1, -EOPNOTSUPP, "table ip wg-quick-wg0: Operation not" },
		{ NFPROTO_ARP, -EOPNOTSUPP, "chain postmangle of table ip wg-quick-wg0: Oper" },
		{ NFPROTO_BRIDGE, -ENOENT, "rule for (none) of chain preraw of table ip wg-qu" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix one = { .family = cases[i].family, .len = 32 };
		struct antispoof a = {
			.family = cases[i].family, .fwmark = 1, .addrs = &one, .naddrs = 1
		};
		struct diag d = { "" };
		static struct ruleset now;

		assert_int_equal(replace(*state, "wg0", &a, &d), cases[i].err);
		d.text[strlen(cases[i].text)] = '\0';
		assert_string_equal(d.text, cases[i].text);
		assert_string_equal(read_ruleset(&now), "");
	}
}

static int commit_powerless(struct firewall *fw, const struct firewall_batch *batch)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	struct diag d = { "" };

	if (syscall(SYS_capset, &header, none))
		return 2;
	if (firewall_commit(fw, batch, &d) != -EPERM)
		return 3;
	return strcmp(d.text, "transaction on table ip wg-quick-wg0: Operation not permitted") != 0;
}

static void test_a_refusal_of_the_whole_transaction_is_an_error_too(void **state)
{
	struct antispoof a = { .family = AF_INET, .fwmark = 1 };
	struct firewall_batch *batch;
	struct diag d;
	int status;
	pid_t pid;

	assert_int_equal(firewall_build_antispoof(*state, &batch, "wg0", &a, &d), 0);
	pid = fork();
	if (!pid)
		_exit(commit_powerless(*state, batch));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	firewall_batch_free(batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_table_lists_as_if_nft_had_read_wg_quicks_text,
				       flush),
		cmocka_unit_test_setup(test_a_table_without_addresses_keeps_the_marks, flush),
		cmocka_unit_test_setup(test_replacing_leaves_nothing_of_the_table_before, flush),
		cmocka_unit_test_setup(test_any_number_of_addresses_is_one_transaction, flush),
		cmocka_unit_test_setup(test_a_batch_can_be_committed_again, flush),
		cmocka_unit_test_setup(test_removal_takes_that_table_only, flush),
		cmocka_unit_test_setup(test_removing_what_is_not_there_says_so, flush),
		cmocka_unit_test_setup(test_has_antispoof_looks_at_name_and_family, flush),
		cmocka_unit_test_setup(test_families_are_found_out_without_changing_anything,
				       flush),
		cmocka_unit_test_setup(test_a_refusal_names_the_object, flush),
		cmocka_unit_test_setup(test_a_refusal_of_the_whole_transaction_is_an_error_too,
				       flush),
	};

	return cmocka_run_group_tests(tests, open_firewall, fw_close);
}
