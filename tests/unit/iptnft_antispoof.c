/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wg-quick's rules against spoofed packets, among those of iptables-nft. */
#include "hooks/firewall.h"

#include <errno.h>

#include "tests/unit/fw_test.h"

static int open_firewall(void **state)
{
	return fw_open(state, FW_IPTABLES_NFT);
}

/* Each test starts from an empty ruleset. */
static int flush(void **state)
{
	(void)state;
	return !sh_ok("nft flush ruleset");
}

static void put_antispoof(struct firewall *fw, const char *ifname, uint8_t family)
{
	const struct prefix addrs[] = { fw_addr("10.78.0.2/24"), fw_addr("fd00:78::2/64"),
					fw_addr("10.78.1.2/32") };
	struct antispoof a = {
		.family = family, .fwmark = 51820, .addrs = addrs, .naddrs = ARRAY_SIZE(addrs)
	};
	struct firewall_batch *batch;
	struct diag d = { "" };

	if (firewall_build_antispoof(fw, &batch, ifname, &a, &d) ||
	    fw_commit_and_free(fw, batch, &d))
		fail_msg("%s", d.text);
}

static int remove_antispoof(struct firewall *fw, const char *ifname, uint8_t family)
{
	struct firewall_batch *batch;
	struct diag d;
	int err = firewall_build_antispoof_removal(fw, &batch, ifname, family, &d);

	return err ? err : fw_commit_and_free(fw, batch, &d);
}

#define THEIRS "-m comment --comment \"wg-quick(8) rule for wg0\""

/* wg-quick's own words for it. */
static void put_antispoof_by_text(void)
{
	static const char *const drops[] = {
		"-I PREROUTING ! -i wg0 -d 10.78.0.2 -m addrtype ! --src-type LOCAL -j DROP " THEIRS
		"\n"
		"-I PREROUTING ! -i wg0 -d 10.78.1.2 -m addrtype ! --src-type LOCAL -j DROP " THEIRS
		"\n",
		"-I PREROUTING ! -i wg0 -d fd00:78::2 -m addrtype ! --src-type LOCAL -j "
		"DROP " THEIRS "\n",
	};

	for (int i = 0; i < 2; i++) {
		char text[4096];

		snprintf(text, sizeof(text),
			 "*raw\n%sCOMMIT\n*mangle\n"
			 "-I POSTROUTING -m mark --mark 51820 -p udp -j CONNMARK "
			 "--save-mark " THEIRS "\n"
			 "-I PREROUTING -p udp -j CONNMARK --restore-mark " THEIRS "\nCOMMIT\n",
			 drops[i]);
		fw_restore(i ? "ip6tables-nft-restore" : "iptables-nft-restore", text);
	}
}

/* As wg-quick down takes away what it finds. */
static void remove_antispoof_by_text(void)
{
	sh("for f in iptables-nft ip6tables-nft; do $f-save | "
	   "grep -e '^[*]' -e '^COMMIT$' -e '^-A .*-m comment --comment \"wg-quick(8) rule for "
	   "wg0\"' | sed 's/^-A/-D/' > /run/lines; grep -q -e '^-D' /run/lines && "
	   "$f-restore -n < /run/lines || exit 1; done");
}

static void test_antispoof_reads_as_if_wg_quick_had_made_it(void **state)
{
	static struct fw_text ours, theirs;
	char count[16];

	for (int i = 0; i < 2; i++) {
		put_antispoof(*state, "wg0", AF_INET);
		put_antispoof(*state, "wg0", AF_INET6);
	}
	fw_show_all(&ours);
	assert_non_null(strstr(ours.text, " drop comment \"wg-quick(8) rule for wg0\"\n"));
	fw_show_saved(&ours);
	sh("nft flush ruleset");
	put_antispoof_by_text();
	assert_string_equal(ours.text, fw_show_saved(&theirs));
	sh_output(count, sizeof(count),
		  "{ iptables-nft-save; ip6tables-nft-save; } | grep -c rule");
	assert_int_equal(strtoul(count, NULL, 10), 7);
}

static void test_wg_quick_and_we_clean_up_after_each_other(void **state)
{
	static struct fw_text before, after;
	struct diag d;

	sh("iptables-nft -t raw -A PREROUTING -i eth0; iptables-nft -t mangle -N x;"
	   "iptables-nft -t raw -A OUTPUT;"
	   "iptables-nft -t mangle -A POSTROUTING; iptables-nft -t mangle -A PREROUTING");
	put_antispoof(*state, "wg1", AF_INET);
	put_antispoof(*state, "wg1", AF_INET6);
	fw_show_all(&before);
	put_antispoof(*state, "wg0", AF_INET);
	put_antispoof(*state, "wg0", AF_INET6);
	remove_antispoof_by_text();
	assert_string_equal(before.text, fw_show_all(&after));
	put_antispoof_by_text();
	assert_int_equal(firewall_has_antispoof(*state, "wg0", AF_INET6, &d), 1);
	assert_int_equal(remove_antispoof(*state, "wg0", AF_INET), 0);
	assert_int_equal(remove_antispoof(*state, "wg0", AF_INET6), 0);
	assert_int_equal(firewall_has_antispoof(*state, "wg0", AF_INET6, &d), 0);
	assert_string_equal(before.text, fw_show_all(&after));
	assert_int_equal(remove_antispoof(*state, "wg0", AF_INET), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_antispoof_reads_as_if_wg_quick_had_made_it, flush),
		cmocka_unit_test_setup(test_wg_quick_and_we_clean_up_after_each_other, flush),
	};

	return cmocka_run_group_tests(tests, open_firewall, fw_close);
}
