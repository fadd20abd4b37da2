/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Among the rules of iptables-nft, which is the judge, as is nft(8). */
#include "hooks/firewall.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netfilter.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/fw_test.h"

/* --- somebody else's transaction right before ours --- */

static const char *meddling;
static int meddle_times, sent;

/* Takes the C library's place: transactions are what we send with it. */
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	sent++;
	if (meddle_times > 0) {
		meddle_times--;
		sh("%s", meddling);
	}
	return syscall(SYS_sendmsg, fd, msg, flags);
}

/* --- setup --- */

static int open_firewall(void **state)
{
	return fw_open(state, FW_IPTABLES_NFT);
}

/* Each test starts from an empty ruleset. */
static int flush(void **state)
{
	(void)state;
	meddle_times = sent = 0;
	return !sh_ok("nft flush ruleset");
}

/*
 * What iptables makes of it, and the instructions of each rule: without handles, and without the
 * comment, which iptables has in a match, we have in the user data.
 */
static const char *read_trace(struct fw_text *r)
{
	return sh_output(r->text, sizeof(r->text),
			 "for f in iptables ip6tables; do for t in filter nat raw mangle; do\n"
			 "$f-nft -t $t -S 2>&1; done; $f-nft-save | grep -v '^#'; done;"
			 "nft --debug=netlink list ruleset 2> /dev/null |"
			 "sed -nE '/match name comment|userdata/d; s/^(ip6? [^ ]+ [^ ]+).*/\\1/; "
			 "/^(ip|  )/p'");
}

#define MINE "-m comment --comment \"wgq wg0\""

/* One of each kind that tunnels declare, and the same by iptables. */
static const struct fw_words ipv4[] = {
	{ FW_FORWARD, "wg0", "wg0", false, "", false, FW_ACCEPT },
	{ FW_FORWARD, "wg0", "wg0", true, "", false, FW_DROP },
	{ FW_FORWARD, "", "wg0", false, "", true, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "10.0.0.0/8", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "10.1.2.9/23", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "10.1.2.9/32", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "0.0.0.0/0", false, FW_ACCEPT },
	{ FW_POSTROUTING, "", "fifteen-chars.x", false, "10.0.0.0/16", false, FW_MASQUERADE },
};
static const char ipv4_text[] = "*filter\n"
				"-A INPUT -i wg0 -s 10.0.0.0/8 " MINE " -j ACCEPT\n"
				"-A INPUT -i wg0 -s 10.1.2.9/23 " MINE " -j ACCEPT\n"
				"-A INPUT -i wg0 -s 10.1.2.9/32 " MINE " -j ACCEPT\n"
				"-A INPUT -i wg0 " MINE " -j ACCEPT\n"
				"-A FORWARD -i wg0 -o wg0 " MINE " -j ACCEPT\n"
				"-A FORWARD -i wg0 ! -o wg0 " MINE " -j DROP\n"
				"-A FORWARD -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED " MINE
				" -j ACCEPT\n"
				"COMMIT\n"
				"*nat\n"
				"-A POSTROUTING -o fifteen-chars.x -s 10.0.0.0/16 " MINE
				" -j MASQUERADE\n"
				"COMMIT\n";

static const struct fw_words ipv6[] = {
	{ FW_FORWARD, "", "wg0", false, "", true, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "fd00:1::9/48", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "fd00:1::9/49", false, FW_ACCEPT },
	{ FW_INPUT, "wg0", "", false, "fd00:1::9/128", false, FW_ACCEPT },
	{ FW_POSTROUTING, "", "eth0", false, "fd00:1::/64", false, FW_MASQUERADE },
};
static const char ipv6_text[] = "*filter\n"
				"-A INPUT -i wg0 -s fd00:1::9/48 " MINE " -j ACCEPT\n"
				"-A INPUT -i wg0 -s fd00:1::9/49 " MINE " -j ACCEPT\n"
				"-A INPUT -i wg0 -s fd00:1::9/128 " MINE " -j ACCEPT\n"
				"-A FORWARD -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED " MINE
				" -j ACCEPT\n"
				"COMMIT\n"
				"*nat\n"
				"-A POSTROUTING -o eth0 -s fd00:1::/64 " MINE " -j MASQUERADE\n"
				"COMMIT\n";

static void put(struct firewall *fw, const char *ifname, const struct fw_words *words, size_t n,
		uint8_t family)
{
	struct fw_rule v[16];
	struct fw_rules r = fw_rules_of(v, words, n, family);
	struct diag d = { "" };

	if (fw_replace(fw, ifname, &r, &d))
		fail_msg("%s", d.text);
}

/* The mesh rules: two in FORWARD, no extension of iptables. */
static const struct fw_words mesh[] = {
	{ FW_FORWARD, "wg0", "wg0", false, "", false, FW_ACCEPT },
	{ FW_FORWARD, "wg0", "wg0", true, "", false, FW_DROP },
};

static void put_mesh(struct firewall *fw, const char *ifname)
{
	put(fw, ifname, mesh, ARRAY_SIZE(mesh), AF_INET);
}

/* --- form --- */

static void test_the_rules_are_as_if_iptables_had_made_them(void **state)
{
	static struct fw_text ours, theirs;

	put(*state, "wg0", ipv4, ARRAY_SIZE(ipv4), AF_INET);
	put(*state, "wg0", ipv6, ARRAY_SIZE(ipv6), AF_INET6);
	read_trace(&ours);
	sh("nft flush ruleset");
	fw_restore("iptables-nft-restore", ipv4_text);
	fw_restore("ip6tables-nft-restore", ipv6_text);
	assert_string_equal(ours.text, read_trace(&theirs));
}

static void test_nft_shows_the_comment_and_iptables_too(void **state)
{
	static struct fw_text now;

	put_mesh(*state, "wg0");
	assert_string_equal(fw_show_all(&now),
			    "*filter\n"
			    ":INPUT ACCEPT [0:0]\n"
			    ":FORWARD ACCEPT [0:0]\n"
			    ":OUTPUT ACCEPT [0:0]\n"
			    "-A FORWARD -i wg0 -o wg0 " MINE " -j ACCEPT\n"
			    "-A FORWARD -i wg0 ! -o wg0 " MINE " -j DROP\n"
			    "COMMIT\n"
			    "table ip filter {\n"
			    "	comment \"made by wgq\"\n"
			    "	chain FORWARD {\n"
			    "		comment \"made by wgq\"\n"
			    "		type filter hook forward priority filter; policy accept;\n"
			    "		iifname \"wg0\" oifname \"wg0\" counter packets 0 bytes 0 "
			    "accept comment \"wgq wg0\"\n"
			    "		iifname \"wg0\" oifname != \"wg0\" counter packets 0 "
			    "bytes 0 drop comment \"wgq wg0\"\n"
			    "	}\n"
			    "}\n");
}

static void test_what_iptables_saves_it_restores(void **state)
{
	static struct fw_text before, after;

	put(*state, "wg0", ipv4, ARRAY_SIZE(ipv4), AF_INET);
	put(*state, "wg0", ipv6, ARRAY_SIZE(ipv6), AF_INET6);
	fw_show_saved(&before);
	for (int i = 0; i < 2; i++) {
		const char *f = i ? "ip6tables-nft" : "iptables-nft";

		sh("%s-save > /run/saved && %s-restore --test < /run/saved && "
		   "%s-restore < /run/saved && %s -C INPUT -i wg0 -s %s " MINE " -j ACCEPT",
		   f, f, f, f, i ? "fd00:1::/48" : "10.0.0.0/8");
	}
	assert_string_equal(before.text, fw_show_saved(&after));
}

/* --- place --- */

static const char foreign[] = "*filter\n"
			      ":INPUT DROP [0:0]\n"
			      ":FORWARD DROP [0:0]\n"
			      ":OUTPUT ACCEPT [0:0]\n"
			      ":DOCKER-USER - [0:0]\n"
			      "-A INPUT -i lo -j ACCEPT\n"
			      "-A FORWARD -j DOCKER-USER\n"
			      "-A FORWARD -i wg0 -m comment --comment \"wgq wg01\" -j DROP\n"
			      "-A FORWARD -i wg0 -m comment --comment \"wgq wg\" -j DROP\n"
			      "-A FORWARD -i wg0 -m comment --comment \"x wgq wg0\" -j DROP\n"
			      "-A DOCKER-USER -j RETURN\n"
			      "COMMIT\n"
			      "*nat\n"
			      "-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE\n"
			      "COMMIT\n";

static void put_foreign(void)
{
	fw_restore("iptables-nft-restore", foreign);
	fw_restore("ip6tables-nft-restore",
		   "*filter\n-A FORWARD -i eth0 " MINE " -j DROP\nCOMMIT\n");
	sh("nft add table ip wgq-wg0 && nft add chain ip wgq-wg0 forward && "
	   "nft add rule ip wgq-wg0 forward drop comment \\\"wgq wg0\\\" && "
	   "nft add table inet filter && nft add chain inet filter FORWARD && "
	   "nft add rule inet filter FORWARD drop comment \\\"wgq wg0\\\"");
}

static void test_rules_stand_at_the_head_in_their_order_and_go_without_a_trace(void **state)
{
	static struct fw_text before, after;
	static char forward[4096];
	struct diag d;

	put_foreign();
	fw_show_all(&before);
	put(*state, "wg0", ipv4, ARRAY_SIZE(ipv4), AF_INET);
	sh_output(forward, sizeof(forward), "iptables-nft -S FORWARD | head -n 5");
	assert_string_equal(forward,
			    "-P FORWARD DROP\n"
			    "-A FORWARD -i wg0 -o wg0 " MINE " -j ACCEPT\n"
			    "-A FORWARD -i wg0 ! -o wg0 " MINE " -j DROP\n"
			    "-A FORWARD -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED " MINE
			    " -j ACCEPT\n"
			    "-A FORWARD -j DOCKER-USER\n");
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), 0);
	assert_string_equal(before.text, fw_show_all(&after));
}

static void test_rules_of_forward_go_to_the_chain_that_is_told(void **state)
{
	static struct fw_text before, after;
	static char chain[4096];
	struct fw_rule v[2];
	struct fw_rules r = fw_rules_of(v, mesh, ARRAY_SIZE(mesh), AF_INET);
	struct diag d = { "" };

	r.forward_chain = "DOCKER-USER";
	assert_int_equal(fw_replace(*state, "wg0", &r, &d), -ENOENT);
	assert_string_equal(d.text, "rule of chain DOCKER-USER of table ip filter: No such file "
				    "or directory");
	assert_string_equal(fw_show_all(&after), "");
	put_foreign();
	fw_show_all(&before);
	assert_int_equal(fw_replace(*state, "wg0", &r, &d), 0);
	sh_output(chain, sizeof(chain), "iptables-nft -S DOCKER-USER");
	assert_string_equal(chain, "-N DOCKER-USER\n"
				   "-A DOCKER-USER -i wg0 -o wg0 " MINE " -j ACCEPT\n"
				   "-A DOCKER-USER -i wg0 ! -o wg0 " MINE " -j DROP\n"
				   "-A DOCKER-USER -j RETURN\n");
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), 0);
	assert_string_equal(before.text, fw_show_all(&after));
}

static void test_replacing_is_one_transaction_and_twice_is_once(void **state)
{
	static struct fw_text once, twice;
	uint32_t before;

	put(*state, "wg0", ipv4, ARRAY_SIZE(ipv4), AF_INET);
	put_mesh(*state, "wg1");
	fw_show_all(&once);
	before = fw_generation();
	put(*state, "wg0", ipv4, ARRAY_SIZE(ipv4), AF_INET);
	put_mesh(*state, "wg1");
	assert_int_equal(fw_generation() - before, 2);
	assert_string_equal(once.text, fw_show_all(&twice));
	sh("iptables-nft -D FORWARD 3 && iptables-nft -A INPUT " MINE);
	put(*state, "wg0", ipv4, ARRAY_SIZE(ipv4), AF_INET);
	put_mesh(*state, "wg1");
	assert_string_equal(once.text, fw_show_all(&twice));
}

/* --- what we made --- */

static void test_what_was_missing_is_missing_again_after_the_last_tunnel(void **state)
{
	static struct fw_text one, now;
	struct diag d = { "" };

	put(*state, "wg1", ipv6, ARRAY_SIZE(ipv6), AF_INET6);
	put_mesh(*state, "wg1");
	fw_show_all(&one);
	put(*state, "wg0", ipv4, ARRAY_SIZE(ipv4), AF_INET);
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), 0);
	assert_string_equal(one.text, fw_show_all(&now));
	assert_int_equal(fw_remove(*state, "wg1", AF_INET, &d), 0);
	assert_int_equal(fw_remove(*state, "wg1", AF_INET6, &d), 0);
	assert_string_equal(fw_show_all(&now), "");
	assert_int_equal(fw_remove(*state, "wg1", AF_INET6, &d), -ENOENT);
	assert_string_equal(d.text, "rules with the comment \"wgq wg1\" in the ip6 tables of "
				    "iptables: No such file or directory");
}

static void test_empty_chains_go_even_if_the_rules_are_gone_already(void **state)
{
	static struct fw_text now;
	struct diag d;

	put(*state, "wg0", ipv4, ARRAY_SIZE(ipv4), AF_INET);
	sh("iptables-nft -F && iptables-nft -t nat -F");
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), 0);
	assert_string_equal(fw_show_all(&now), "");
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), -ENOENT);
}

static void test_what_others_use_by_now_stays(void **state)
{
	static const char *const uses[] = {
		"iptables-nft -A FORWARD -i eth0 -j ACCEPT",
		"iptables-nft -P FORWARD DROP",
		"iptables-nft -N mine",
		"nft add set ip filter s '{ type ipv4_addr; }'",
	};

	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		static struct fw_text before, after;
		struct diag d;

		sh("nft flush ruleset");
		put_mesh(*state, "wg1");
		sh("%s", uses[i]);
		assert_int_equal(fw_remove(*state, "wg1", AF_INET, &d), 0);
		sh("%s", i == 0 ? "iptables-nft -C FORWARD -i eth0 -j ACCEPT"
				: "nft list table ip filter > /run/now");
		fw_show_all(&before);
		put_mesh(*state, "wg0");
		assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), 0);
		assert_string_equal(before.text, fw_show_all(&after));
	}
}

/* --- removal --- */

static void test_rules_are_found_wherever_they_are_by_now(void **state)
{
	static struct fw_text before, after;
	struct diag d;

	put_foreign();
	sh("iptables-nft -N elsewhere && iptables-nft-save > /run/saved && "
	   "iptables-nft-restore < /run/saved");
	fw_show_all(&before);
	put(*state, "wg0", ipv4, ARRAY_SIZE(ipv4), AF_INET);
	sh("iptables-nft-save > /run/saved && iptables-nft-restore < /run/saved && "
	   "iptables-nft -A elsewhere -p tcp --dport 1 " MINE " -j REJECT && "
	   "iptables-nft -A OUTPUT -m comment --comment other " MINE " && "
	   "iptables-nft -D FORWARD 2");
	assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET, &d), 1);
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), 0);
	assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET, &d), 0);
	assert_string_equal(before.text, fw_show_all(&after));
}

static void test_any_number_of_rules_is_removed(void **state)
{
	struct diag d;
	char count[16];

	for (int i = 0; i < 2; i++) {
		sh("{ echo '*filter'; for i in $(seq 3000); do "
		   "echo \"-A INPUT -s 10.1.2.$((i %% 250)) -m comment --comment \\\"wgq "
		   "wg0\\\"\"; "
		   "done; echo COMMIT; } | iptables-nft-restore");
		if (i)
			put_mesh(*state, "wg0");
		else
			assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), 0);
		sh_output(count, sizeof(count), "iptables-nft -S | grep -c wgq; :");
		assert_int_equal(strtoul(count, NULL, 10), i * 2);
	}
}

static void test_has_rules_looks_at_comment_and_family(void **state)
{
	struct diag d;

	put(*state, "wg0", ipv6, ARRAY_SIZE(ipv6), AF_INET6);
	sh("nft add table ip wgq-wg0; nft add chain ip wgq-wg0 FORWARD;"
	   "nft add rule ip wgq-wg0 FORWARD drop comment \\\"wgq wg0\\\"");
	assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET6, &d), 1);
	assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET, &d), 0);
	assert_int_equal(firewall_has_rules(*state, "wg", AF_INET6, &d), 0);
	assert_int_equal(firewall_has_antispoof(*state, "wg0", AF_INET6, &d), 0);
}

/* --- others at the same time --- */

static void test_a_change_in_between_starts_again_from_what_is_there_then(void **state)
{
	static struct fw_text before, after;
	struct diag d;

	put_foreign();
	fw_show_all(&before);
	put_mesh(*state, "wg0");
	meddling = "iptables-nft -A INPUT " MINE " && iptables-nft -D FORWARD 1";
	meddle_times = 1;
	sent = 0;
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), 0);
	assert_int_equal(sent, 2);
	assert_string_equal(before.text, fw_show_all(&after));
	put_mesh(*state, "wg0");
	fw_show_all(&before);
	meddling = "iptables-nft -A INPUT " MINE " && iptables-nft -D FORWARD 1";
	meddle_times = 1;
	put_mesh(*state, "wg0");
	assert_string_equal(before.text, fw_show_all(&after));
}

static void test_changes_without_end_are_an_error_with_nothing_done(void **state)
{
	static struct fw_text before, after;
	struct diag d = { "" };

	put_mesh(*state, "wg0");
	fw_show_all(&before);
	meddling = "nft add table inet other; nft delete table inet other";
	meddle_times = 100;
	sent = 0;
	assert_int_equal(fw_remove(*state, "wg0", AF_INET, &d), -EAGAIN);
	assert_int_equal(sent, 16);
	assert_string_equal(d.text, "the ip tables of iptables were changed by others during each "
				    "of 16 attempts");
	assert_string_equal(before.text, fw_show_all(&after));
}

static void test_a_batch_can_be_committed_again(void **state)
{
	struct fw_rule v[16];
	struct fw_rules r = fw_rules_of(v, ipv4, ARRAY_SIZE(ipv4), AF_INET);
	struct firewall_batch *add, *del;
	static struct fw_text now;
	struct diag d;

	assert_int_equal(firewall_build_rules(*state, &add, "wg0", &r, &d), 0);
	assert_int_equal(firewall_build_rules_removal(*state, &del, "wg0", AF_INET, &d), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(firewall_commit(*state, add, &d), 0);
		assert_int_equal(firewall_commit(*state, add, &d), 0);
		assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET, &d), 1);
		assert_int_equal(firewall_commit(*state, del, &d), 0);
		assert_int_equal(firewall_commit(*state, del, &d), -ENOENT);
		assert_string_equal(fw_show_all(&now), "");
	}
	firewall_batch_free(add);
	firewall_batch_free(del);
}

/* --- what cannot be --- */

static void test_families_are_found_out_without_changing_anything(void **state)
{
	uint32_t before = fw_generation();
	static struct fw_text now;

	assert_true(firewall_has_family(*state, AF_INET));
	assert_true(firewall_has_family(*state, AF_INET6));
	assert_false(firewall_has_family(*state, NFPROTO_NUMPROTO - 1));
	assert_false(firewall_has_family(*state, 255));
	assert_int_equal(fw_generation(), before);
	assert_string_equal(fw_show_all(&now), "");
}

static void test_a_refusal_names_the_object_and_changes_nothing(void **state)
{
	static struct fw_text before, after;
	struct fw_rule v[16];
	struct fw_rules r = fw_rules_of(v, ipv4, ARRAY_SIZE(ipv4), AF_INET);
	struct diag d = { "" };

	sh("iptables-nft -A INPUT " MINE "; nft add table ip nat && nft add chain ip nat "
	   "POSTROUTING '{ type nat hook postrouting priority 101; }'");
	fw_show_all(&before);
	/* what older kernels call EEXIST, newer ones call EOPNOTSUPP */
	assert_true(fw_replace(*state, "wg0", &r, &d) < 0);
	d.text[strlen("chain POSTROUTING of table ip nat: ")] = '\0';
	assert_string_equal(d.text, "chain POSTROUTING of table ip nat: ");
	assert_string_equal(before.text, fw_show_all(&after));
	r.v = memcpy(v,
		     &(struct fw_rule){ .hook = FW_INPUT,
					.verdict = FW_MASQUERADE,
					.source = fw_addr("10.0.0.0/9") },
		     sizeof(*v));
	r.n = 1;
	assert_int_equal(fw_replace(*state, "wg0", &r, &d), -EINVAL);
	assert_string_equal(d.text, "rule for 10.0.0.0/9 of chain INPUT of table ip filter: "
				    "Invalid argument");
	assert_string_equal(before.text, fw_show_all(&after));
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
	return strcmp(d.text, "nftables: Operation not permitted") != 0;
}

static void test_without_rights_it_says_so(void **state)
{
	struct firewall_batch *batch;
	struct diag d;
	int status;
	pid_t pid;

	assert_int_equal(firewall_build_rules_removal(*state, &batch, "wg0", AF_INET, &d), 0);
	pid = fork();
	if (!pid)
		_exit(commit_powerless(*state, batch));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	firewall_batch_free(batch);
}

static void test_plain_rules_need_no_extension_of_iptables(void **state)
{
	struct fw_rule v[16];
	struct fw_rules r = fw_rules_of(v, ipv4, ARRAY_SIZE(ipv4), AF_INET);
	struct firewall_batch *batch;
	struct diag d = { "" };
	int err;

	assert_int_equal(setenv("XTABLES_LIBDIR", "/run", 1), 0);
	put_mesh(*state, "wg0");
	err = firewall_build_rules(*state, &batch, "wg0", &r, &d);
	unsetenv("XTABLES_LIBDIR");
	assert_int_equal(err, -EOPNOTSUPP);
	assert_non_null(strstr(d.text, "conntrack"));
	assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET, &d), 1);
}

#define TEST(name) cmocka_unit_test_setup(name, flush)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_rules_are_as_if_iptables_had_made_them),
		TEST(test_nft_shows_the_comment_and_iptables_too),
		TEST(test_what_iptables_saves_it_restores),
		TEST(test_rules_stand_at_the_head_in_their_order_and_go_without_a_trace),
		TEST(test_rules_of_forward_go_to_the_chain_that_is_told),
		TEST(test_replacing_is_one_transaction_and_twice_is_once),
		TEST(test_what_was_missing_is_missing_again_after_the_last_tunnel),
		TEST(test_empty_chains_go_even_if_the_rules_are_gone_already),
		TEST(test_what_others_use_by_now_stays),
		TEST(test_rules_are_found_wherever_they_are_by_now),
		TEST(test_any_number_of_rules_is_removed),
		TEST(test_has_rules_looks_at_comment_and_family),
		TEST(test_a_change_in_between_starts_again_from_what_is_there_then),
		TEST(test_changes_without_end_are_an_error_with_nothing_done),
		TEST(test_a_batch_can_be_committed_again),
		TEST(test_families_are_found_out_without_changing_anything),
		TEST(test_a_refusal_names_the_object_and_changes_nothing),
		TEST(test_without_rights_it_says_so),
		TEST(test_plain_rules_need_no_extension_of_iptables),
	};

	return cmocka_run_group_tests(tests, open_firewall, fw_close);
}
