/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a host's rules, what is told of them, and looking for nf_tables without loading them.
 * What becomes of packets is in verdict.c. */
#include "hooks/ruleset.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "hooks/nf_there.h"
#include "tests/unit/netns.h"

/* --- is nf_tables there? --- */

struct file {
	const char *path, *text;
};

struct machine {
	const char *name;
	struct file files[8];
	bool can_be_asked;
};

#define RELEASE                                                                                    \
	{                                                                                          \
		"/proc/sys/kernel/osrelease", "6.1.0-x\n"                                          \
	}
#define MODULES                                                                                    \
	{                                                                                          \
		"/proc/modules", "ip_tables 32768 0 - Live 0x0\n"                                  \
	}
#define MODPROBE                                                                                   \
	{                                                                                          \
		"/proc/sys/kernel/modprobe", "/sbin/modprobe\n"                                    \
	}
#define BUILTIN(text)                                                                              \
	{                                                                                          \
		"/lib/modules/6.1.0-x/modules.builtin", text                                       \
	}

static const struct machine machines[] = {
	{ "loaded module",
	  { RELEASE, MODULES, MODPROBE, { "/sys/module/nf_tables/refcnt", "5\n" } },
	  true },
	{ "module not loaded",
	  { RELEASE, MODULES, MODPROBE, BUILTIN("kernel/net/ipv4/ip_tables.ko\n") },
	  false },
	{ "built in",
	  { RELEASE, MODULES, MODPROBE,
	    BUILTIN("kernel/fs/ext4/ext4.ko\nkernel/net/netfilter/nf_tables.ko\n") },
	  true },
	{ "built in, no list, symbols",
	  { RELEASE,
	    MODULES,
	    MODPROBE,
	    { "/proc/kallsyms", "0000000000000000 T _text\n"
				"0000000000000000 T nft_register_chain_type\n" } },
	  true },
	{ "not built in, no list, symbols",
	  { RELEASE, MODULES, MODPROBE, { "/proc/kallsyms", "0000000000000000 T _text\n" } },
	  false },
	{ "nothing known but the release", { RELEASE, MODULES, MODPROBE }, false },
	{ "kernel without modules", { RELEASE }, true },
	{ "modules disabled",
	  { RELEASE, MODULES, MODPROBE, { "/proc/sys/kernel/modules_disabled", "1\n" } },
	  true },
	{ "modules not disabled",
	  { RELEASE, MODULES, MODPROBE, { "/proc/sys/kernel/modules_disabled", "0\n" } },
	  false },
	{ "no modprobe", { RELEASE, MODULES, { "/proc/sys/kernel/modprobe", "\n" } }, true },
	{ "no /proc", { { "/etc/hostname", "x\n" } }, false },
};

static void write_file(const char *root, const struct file *file)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", root, file->path);
	for (char *p = path + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(path, 0755);
	}
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(file->text, f) >= 0);
	fclose(f);
}

static void test_nf_tables_are_asked_only_where_that_loads_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		char root[] = "/run/machine-XXXXXX";

		assert_non_null(mkdtemp(root));
		for (const struct file *f = machines[i].files; f->path; f++)
			write_file(root, f);
		if (nf_tables_can_be_asked(root) != machines[i].can_be_asked)
			fail_msg("%s", machines[i].name);
	}
}

/* --- reading --- */

/* Each test starts in a namespace of its own: legacy tables cannot be taken away. */
static int flush(void **state)
{
	return netns_enter(state);
}

static void read_rules(struct ruleset *rs, struct arena *arena)
{
	struct diag d;

	if (ruleset_read(rs, arena, &d))
		fail_msg("%s", d.text);
}

static void test_chains_are_found_by_medium_and_family(void **state)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct ruleset rs;

	(void)state;
	sh("iptables-nft -N DOCKER-USER; iptables-nft -A FORWARD -j DOCKER-USER");
	sh("iptables-nft -t nat -A POSTROUTING -j ACCEPT");
	sh("ip6tables-legacy -A FORWARD -j ACCEPT");
	sh("nft 'table ip mine { chain DOCKER-USER { }; }'");
	sh("nft 'table ip6 filter { chain FORWARD { type filter hook forward priority 7; }; }'");
	read_rules(&rs, &arena);
	assert_true(ruleset_has_chain(&rs, FW_IPTABLES_NFT, AF_INET, "filter", "DOCKER-USER"));
	assert_true(ruleset_has_chain(&rs, FW_IPTABLES_NFT, AF_INET, "filter", "FORWARD"));
	assert_true(ruleset_has_chain(&rs, FW_IPTABLES_NFT, AF_INET, "nat", "POSTROUTING"));
	assert_true(ruleset_has_chain(&rs, FW_IPTABLES_LEGACY, AF_INET6, "filter", "FORWARD"));
	assert_false(ruleset_has_chain(&rs, FW_IPTABLES_LEGACY, AF_INET, "filter", "FORWARD"));
	assert_false(ruleset_has_chain(&rs, FW_IPTABLES_NFT, AF_INET, "mine", "DOCKER-USER"));
	/* not where iptables would have it */
	assert_false(ruleset_has_chain(&rs, FW_IPTABLES_NFT, AF_INET6, "filter", "FORWARD"));
	assert_false(ruleset_has_firewalld(&rs));
}

static void test_firewalld_is_seen(void **state)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct ruleset rs;

	(void)state;
	sh("nft 'table inet firewalld { chain filter_INPUT_POLICIES { }; }'");
	read_rules(&rs, &arena);
	assert_true(ruleset_has_firewalld(&rs));
	flush(state);
	sh("iptables-nft -N FORWARD_direct");
	read_rules(&rs, &arena);
	assert_true(ruleset_has_firewalld(&rs));
}

static void test_reading_makes_nothing(void **state)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	char before[4096], after[4096];
	static const char look[] = "nft list ruleset; cat /proc/net/ip*_tables_names";
	struct ruleset rs;

	(void)state;
	sh_output(before, sizeof(before), look);
	read_rules(&rs, &arena);
	assert_string_equal(sh_output(after, sizeof(after), look), before);
}

static void test_what_may_not_be_read_is_not_there(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	sh("nft 'table inet t { chain c { type filter hook forward priority 0; policy drop; }; }'");
	sh("iptables-legacy -A FORWARD -j DROP");
	pid = fork();
	if (!pid) {
		struct arena arena = { 0 };
		struct ruleset rs;
		struct diag d;

		if (setgid(65534) || setuid(65534))
			_exit(2);
		_exit(ruleset_read(&rs, &arena, &d) || rs.nchains);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static enum ruling judge(const struct ruleset *rs, enum fw_hook hook, struct verdict *v)
{
	struct packet p = {
		.family = AF_INET,
		.in = "wg0",
		.out = hook == FW_INPUT ? "" : "wg0",
		.protocol = IPPROTO_UDP,
		.source_port = 1,
		.target_port = 2,
	};

	ruleset_judge(rs, hook, &p, v);
	return v->ruling;
}

/* Forty sets that hold wg0, or all of them wg1: forward wants it in all of them, input in none. */
static const char flip[] =
	"ruleset() {\n"
	"	echo 'flush ruleset; table inet t {'\n"
	"	for i in $(seq 40); do echo \"set s$i { type ifname; elements = { $1 }; }\"; done\n"
	"	echo 'chain f { type filter hook forward priority 0; policy accept;'\n"
	"	for i in $(seq 40); do echo \"iifname != @s$i drop;\"; done\n"
	"	echo '}; chain i { type filter hook input priority 0; policy accept;'\n"
	"	for i in $(seq 40); do echo \"iifname @s$i drop;\"; done\n"
	"	echo '}; }'\n"
	"}\n"
	"ruleset wg0 > /run/a && ruleset wg1 > /run/b\n"
	/* ends by itself, come what may */
	"for i in $(seq 2000); do nft -f /run/a; nft -f /run/b; done";

/* In each of the two rulesets one way is open and the other closed; in a mixture neither is. */
static void test_a_ruleset_that_changes_is_read_whole(void **state)
{
	pid_t pid = sh_start(flip, NULL);
	int seen[2] = { 0 }, mixed = 0;
	time_t end = time(NULL) + 60;

	(void)state;
	while ((seen[0] < 100 || seen[1] < 100) && time(NULL) < end) {
		struct arena arena CLEANUP(arena_fini) = { 0 };
		struct ruleset rs;
		struct verdict v;
		bool forward, input;
		struct diag d;

		if (ruleset_read(&rs, &arena, &d) || !rs.nchains)
			continue;
		forward = judge(&rs, FW_FORWARD, &v) == RULING_ACCEPT;
		input = judge(&rs, FW_INPUT, &v) == RULING_ACCEPT;
		mixed += forward == input;
		seen[input]++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(mixed, 0);
	assert_true(seen[0] && seen[1]);
}

static void test_ten_thousand_rules_and_elements(void **state)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct ruleset rs;
	struct verdict v;

	(void)state;
	sh("{ echo 'table inet t { set s { type ipv4_addr; flags interval; elements = {'\n"
	   "seq 1 10000 | awk '{ printf \"10.%%d.%%d.0/24,\", $1 / 200, $1 %% 200 }'\n"
	   "echo '}; }'\n"
	   "echo 'chain f { type filter hook forward priority 0; policy drop;'\n"
	   "seq 1 10000 | awk '{ print \"ip saddr @s udp dport \" $1 \" accept\" }'\n"
	   "echo '}; }'; } > /run/many && nft -f /run/many");
	read_rules(&rs, &arena);
	assert_int_equal(judge(&rs, FW_FORWARD, &v), RULING_CANNOT_TELL);
	assert_string_equal(v.why, "source address");
	assert_int_equal(judge(&rs, FW_INPUT, &v), RULING_ACCEPT);
}

/* --- cures --- */

static const struct cure {
	struct verdict verdict;
	struct fw_rule rule;
	uint16_t port;
	const char *text;
} cures[] = {
	{ { .owner = OWNER_DOCKER, .family = "ip", .table = "docker-bridges", .chain = "fwd" },
	  { .hook = FW_FORWARD, .in = "wg0" },
	  0,
	  "nft insert rule ip docker-bridges fwd iifname \"wg0\" accept" },
	{ { .owner = OWNER_UFW,
	    .medium = FW_IPTABLES_NFT,
	    .family = "ip",
	    .table = "filter",
	    .hook_chain = "FORWARD" },
	  { .hook = FW_FORWARD, .out = "wg0", .replies = true },
	  0,
	  "iptables -I FORWARD -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT" },
	{ { .owner = OWNER_UFW,
	    .medium = FW_IPTABLES_NFT,
	    .family = "ip6",
	    .table = "filter",
	    .hook_chain = "FORWARD" },
	  { .hook = FW_FORWARD, .in = "wg0" },
	  0,
	  "ufw route allow in on wg0" },
	{ { .family = "inet", .table = "t", .chain = "c" },
	  { .hook = FW_FORWARD, .out = "wg0", .replies = true },
	  0,
	  "nft insert rule inet t c oifname \"wg0\" ct state established,related accept" },
	{ { .owner = OWNER_WGQ, .family = "ip", .table = "wgq-wg1", .chain = "input" },
	  { .hook = FW_INPUT },
	  51820,
	  "nft insert rule ip wgq-wg1 input udp dport 51820 accept" },
	{ { .owner = OWNER_FIREWALLD, .family = "inet", .table = "firewalld", .chain = "c" },
	  { .hook = FW_FORWARD, .out = "wg0", .replies = true },
	  0,
	  "firewall-cmd --zone=trusted --change-interface=wg0" },
	{ { .owner = OWNER_IPTABLES,
	    .medium = FW_IPTABLES_LEGACY,
	    .family = "ip",
	    .table = "mangle",
	    .hook_chain = "FORWARD",
	    .open_chain = "FORWARD" },
	  { .hook = FW_FORWARD, .in = "wg0", .out = "wg0", .not_out = true },
	  0,
	  "iptables-legacy -t mangle -I FORWARD -i wg0 ! -o wg0 -j ACCEPT" },
};

static void test_cures_are_in_the_owners_words(void **state)
{
	char text[256], small[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cures); i++) {
		const struct cure *c = &cures[i];

		assert_string_equal(
			verdict_cure(text, sizeof(text), &c->verdict, &c->rule, c->port), c->text);
		verdict_cure(small, sizeof(small), &c->verdict, &c->rule, c->port);
		assert_int_equal(strlen(small), sizeof(small) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nf_tables_are_asked_only_where_that_loads_nothing),
		cmocka_unit_test_setup(test_reading_makes_nothing, flush),
		cmocka_unit_test_setup(test_chains_are_found_by_medium_and_family, flush),
		cmocka_unit_test_setup(test_firewalld_is_seen, flush),
		cmocka_unit_test_setup(test_what_may_not_be_read_is_not_there, flush),
		cmocka_unit_test_setup(test_a_ruleset_that_changes_is_read_whole, flush),
		cmocka_unit_test_setup(test_ten_thousand_rules_and_elements, flush),
		cmocka_unit_test(test_cures_are_in_the_owners_words),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
