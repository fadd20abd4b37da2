/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against the kernel's ip_tables and ip6_tables; iptables-legacy is the judge. */
#include "hooks/ipt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "tests/unit/netns.h"

static const struct {
	uint8_t family;
	const char *program; /* then -save, -restore */
} families[] = { { AF_INET, "iptables-legacy" }, { AF_INET6, "ip6tables-legacy" } };

static int open_firewall(void **state)
{
	struct firewall *fw;
	struct diag d;

	if (netns_enter(state) || firewall_open(&fw, FW_IPTABLES_LEGACY, &d))
		return -1;
	*state = fw;
	return 0;
}

static int close_firewall(void **state)
{
	firewall_close(*state);
	return 0;
}

/* A namespace of its own for each test: tables, once made, stay. */
static int fresh(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET);
}

struct text {
	char s[64 * 1024];
};

static const char *run(struct text *t, const char *fmt, ...) PRINTF(2, 3);

static const char *run(struct text *t, const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return sh_output(t->s, sizeof(t->s), command);
}

/* All tables, the registered ones, of a family; the counters are compared too. */
static const char *save(struct text *t, size_t family)
{
	return run(t,
		   "%s-save -c | grep -v '^#'; cat /proc/net/ip_tables_names "
		   "/proc/net/ip6_tables_names 2> /dev/null || :",
		   families[family].program);
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, (struct str){ text, strlen(text) }), 0);
	return p;
}

static int commit_and_free(struct firewall *fw, int err, struct firewall_batch *batch,
			   struct diag *d)
{
	if (err)
		return err;
	err = firewall_commit(fw, batch, d);
	firewall_batch_free(batch);
	return err;
}

static int add_antispoof(struct firewall *fw, const char *ifname, const struct antispoof *a,
			 struct diag *d)
{
	struct firewall_batch *batch;
	int err = firewall_build_antispoof(fw, &batch, ifname, a, d);

	return commit_and_free(fw, err, batch, d);
}

static int del_antispoof(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d)
{
	struct firewall_batch *batch;
	int err = firewall_build_antispoof_removal(fw, &batch, ifname, family, d);

	return commit_and_free(fw, err, batch, d);
}

static int add_rules(struct firewall *fw, const char *ifname, const struct fw_rules *r,
		     struct diag *d)
{
	struct firewall_batch *batch;
	int err = firewall_build_rules(fw, &batch, ifname, r, d);

	return commit_and_free(fw, err, batch, d);
}

static int del_rules(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d)
{
	struct firewall_batch *batch;
	int err = firewall_build_rules_removal(fw, &batch, ifname, family, d);

	return commit_and_free(fw, err, batch, d);
}

/* --- against spoofed packets --- */

/* wg-quick's own words for it. */
static void add_by_text(size_t family, const char *ifname, const struct antispoof *a)
{
	char text[8192], one[PREFIX_TEXT], comment[128];
	size_t n = 0;

	snprintf(comment, sizeof(comment), "-m comment --comment \"wg-quick(8) rule for %s\"",
		 ifname);
#define MORE(...) n += (size_t)snprintf(text + n, sizeof(text) - n, __VA_ARGS__)
	MORE("%s-restore -n <<E\n*raw\n", families[family].program);
	for (size_t i = 0; i < a->naddrs; i++)
		if (a->addrs[i].family == a->family)
			MORE("-I PREROUTING ! -i %s -d %s -m addrtype ! --src-type LOCAL -j DROP "
			     "%s\n",
			     ifname, prefix_format_addr(one, &a->addrs[i]), comment);
	MORE("COMMIT\n*mangle\n-I POSTROUTING -m mark --mark %u -p udp -j CONNMARK --save-mark "
	     "%s\n",
	     a->fwmark, comment);
	MORE("-I PREROUTING -p udp -j CONNMARK --restore-mark %s\nCOMMIT\nE", comment);
#undef MORE
	assert_true(sh_ok(text));
}

/* And what it does to take them away. */
static void remove_by_text(size_t family, const char *ifname)
{
	sh("%1$s-save | sed -nE '/^(\\*|COMMIT)/p; "
	   "/-m comment --comment \"wg-quick\\(8\\) rule for %2$s\"/s/^-A/-D/p' | %1$s-restore -n",
	   families[family].program, ifname);
}

static void test_antispoof_lists_as_if_wg_quick_had_made_it(void **state)
{
	const struct prefix addrs[] = { prefix("10.78.0.2/32"), prefix("fd00:78::2/64"),
					prefix("192.0.2.255/24"), prefix("::1/128"),
					prefix("0.0.0.1/0") };
	static const char *const names[] = { "wg0", "a", "fifteen-chars.x", "w-g_0.x" };
	static const uint32_t marks[] = { 51820, 1, 0xffffffff, 0x80000000 };
	static struct text ours, theirs;

	for (size_t i = 0; i < ARRAY_SIZE(names) * 2; i++) {
		size_t family = i % 2;
		struct antispoof a = { families[family].family, marks[i / 2], addrs,
				       ARRAY_SIZE(addrs) };
		struct diag d;

		fresh(state);
		assert_int_equal(add_antispoof(*state, names[i / 2], &a, &d), 0);
		save(&ours, family);
		fresh(state);
		add_by_text(family, names[i / 2], &a);
		save(&theirs, family);
		assert_string_equal(ours.s, theirs.s);
		assert_non_null(strstr(ours.s, "! --src-type LOCAL"));
		assert_non_null(strstr(ours.s, "CONNMARK --save-mark"));
	}
}

static void test_either_program_takes_away_what_the_other_made(void **state)
{
	const struct prefix addrs[] = { prefix("10.0.0.1/24"), prefix("fd00::1/64") };
	static struct text before, after;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct antispoof a = { families[i].family, 51820, addrs, ARRAY_SIZE(addrs) };
		struct diag d;

		add_by_text(i, "wg1", &a);
		save(&before, i);
		add_by_text(i, "wg0", &a);
		assert_int_equal(firewall_has_antispoof(*state, "wg0", a.family, &d), 1);
		assert_int_equal(del_antispoof(*state, "wg0", a.family, &d), 0);
		assert_int_equal(firewall_has_antispoof(*state, "wg0", a.family, &d), 0);
		assert_int_equal(firewall_has_antispoof(*state, "wg1", a.family, &d), 1);
		assert_string_equal(before.s, save(&after, i));
		assert_int_equal(add_antispoof(*state, "wg0", &a, &d), 0);
		remove_by_text(i, "wg0");
		assert_string_equal(before.s, save(&after, i));
	}
}

static void test_adding_again_leaves_one_of_each(void **state)
{
	const struct prefix before[] = { prefix("10.0.0.9/24"), prefix("10.0.0.8/24") };
	const struct prefix now[] = { prefix("10.0.0.1/24") };
	struct antispoof old = { AF_INET, 7, before, ARRAY_SIZE(before) };
	struct antispoof new = { AF_INET, 8, now, ARRAY_SIZE(now) };
	static struct text once, again;
	struct diag d;

	assert_int_equal(add_antispoof(*state, "wg0", &new, &d), 0);
	save(&once, 0);
	assert_int_equal(add_antispoof(*state, "wg0", &old, &d), 0);
	assert_non_null(strstr(save(&again, 0), "10.0.0.9"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(add_antispoof(*state, "wg0", &new, &d), 0);
		assert_string_equal(once.s, save(&again, 0));
	}
}

/* --- what a tunnel declares --- */

/* Everything that there is words for; which addresses, the family says. */
struct declared {
	struct fw_rule v[7];
	struct fw_rules rules;
};

static struct fw_rules *declare(struct declared *r, uint8_t family, const char *chain)
{
	struct prefix net = prefix(family == AF_INET ? "10.7.0.1/24" : "fd00:7::1/64");
	const struct fw_rule all[] = {
		{ .hook = FW_FORWARD, .verdict = FW_ACCEPT, .in = "wg0", .out = "wg0" },
		{ .hook = FW_POSTROUTING, .verdict = FW_MASQUERADE, .out = "eth0", .source = net },
		{ .hook = FW_FORWARD, .verdict = FW_DROP, .in = "wg0", .out = "wg0", .not_out = 1 },
		{ .hook = FW_INPUT, .verdict = FW_ACCEPT, .in = "wg0", .source = net },
		{ .hook = FW_FORWARD, .verdict = FW_ACCEPT, .out = "wg0", .replies = true },
		{ .hook = FW_INPUT, .verdict = FW_ACCEPT, .in = "wg0" },
		{ .hook = FW_POSTROUTING, .verdict = FW_MASQUERADE, .out = "fifteen-chars.x" },
	};

	memcpy(r->v, all, sizeof(all));
	r->rules = (struct fw_rules){ family, r->v, ARRAY_SIZE(all), chain };
	return &r->rules;
}

/* Somebody else's rules, with counters, and chains in an order that libiptc does not keep. */
static void add_foreign(size_t family)
{
	sh("%s-restore -c <<E\n"
	   "*filter\n:INPUT ACCEPT [1:2]\n:FORWARD DROP [3:4]\n:OUTPUT ACCEPT [5:6]\n"
	   ":DOCKER-USER - [0:0]\n:ufw - [0:0]\n"
	   "[7:8] -A INPUT -i lo -m comment --comment \"wgq wg01\" -j ACCEPT\n"
	   "[9:10] -A INPUT -p udp --dport 51820 -j ufw\n[1:1] -A FORWARD -j DOCKER-USER\n"
	   "[11:12] -A FORWARD -g ufw\n[13:14] -A DOCKER-USER -j RETURN\n"
	   "[15:16] -A ufw -m conntrack --ctstate NEW\nCOMMIT\n"
	   "*nat\n:POSTROUTING ACCEPT [1:1]\n[17:18] -A POSTROUTING -o x -j MASQUERADE\nCOMMIT\nE",
	   families[family].program);
}

static void test_declared_rules_stand_at_the_heads_in_their_order(void **state)
{
	static const char want[] =
		"-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N DOCKER-USER\n-N ufw\n"
		"-A INPUT -s NET -i wg0 -m comment --comment \"wgq wg0\" -j ACCEPT\n"
		"-A INPUT -i wg0 -m comment --comment \"wgq wg0\" -j ACCEPT\n"
		"-A INPUT -i lo -m comment --comment \"wgq wg01\" -j ACCEPT\n"
		"-A INPUT -p udp -m udp --dport 51820 -j ufw\n"
		"-A FORWARD -j DOCKER-USER\n-A FORWARD -g ufw\n"
		"-A DOCKER-USER -i wg0 -o wg0 -m comment --comment \"wgq wg0\" -j ACCEPT\n"
		"-A DOCKER-USER -i wg0 ! -o wg0 -m comment --comment \"wgq wg0\" -j DROP\n"
		"-A DOCKER-USER -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED "
		"-m comment --comment \"wgq wg0\" -j ACCEPT\n"
		"-A DOCKER-USER -j RETURN\n-A ufw -m conntrack --ctstate NEW\n"
		"-P PREROUTING ACCEPT\n-P INPUT ACCEPT\n-P OUTPUT ACCEPT\n-P POSTROUTING ACCEPT\n"
		"-A POSTROUTING -s NET -o eth0 -m comment --comment \"wgq wg0\" -j MASQUERADE\n"
		"-A POSTROUTING -o fifteen-chars.x -m comment --comment \"wgq wg0\" -j MASQUERADE\n"
		"-A POSTROUTING -o x -j MASQUERADE\n";
	static struct text before, now;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		uint8_t family = families[i].family;
		struct declared r;
		struct diag d;

		add_foreign(i);
		save(&before, i);
		assert_int_equal(firewall_has_rules(*state, "wg0", family, &d), 0);
		for (int n = 0; n < 2; n++) {
			declare(&r, family, "DOCKER-USER");
			assert_int_equal(add_rules(*state, "wg0", &r.rules, &d), 0);
			run(&now, "(%1$s -S; %1$s -t nat -S) | sed s,%2$s,NET,",
			    families[i].program, i ? "fd00:7::/64" : "10.7.0.0/24");
			assert_string_equal(now.s, want);
		}
		assert_int_equal(firewall_has_rules(*state, "wg0", family, &d), 1);
		run(&now,
		    "%1$s-save | %1$s-restore && %1$s-save -c >/dev/null && "
		    "(%1$s -S; %1$s -t nat -S) | sed s,%2$s,NET,",
		    families[i].program, i ? "fd00:7::/64" : "10.7.0.0/24");
		assert_string_equal(now.s, want);
		fresh(state);
		add_foreign(i);
		assert_int_equal(add_rules(*state, "wg0", &r.rules, &d), 0);
		assert_int_equal(del_rules(*state, "wg0", family, &d), 0);
		assert_string_equal(before.s, save(&now, i));
		fresh(state);
	}
}

static void test_tables_are_made_for_rules_and_never_by_looking(void **state)
{
	static struct text t;
	struct declared r;
	struct diag d;

	assert_true(firewall_has_family(*state, AF_INET));
	assert_true(firewall_has_family(*state, AF_INET6));
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		uint8_t family = families[i].family;

		assert_int_equal(firewall_has_rules(*state, "wg0", family, &d), 0);
		assert_int_equal(firewall_has_antispoof(*state, "wg0", family, &d), 0);
		assert_int_equal(del_rules(*state, "wg0", family, &d), -ENOENT);
		assert_int_equal(del_antispoof(*state, "wg0", family, &d), -ENOENT);
		declare(&r, family, "FORWARD")->n = 0;
		assert_int_equal(add_rules(*state, "wg0", &r.rules, &d), 0);
	}
	run(&t, "cat /proc/net/ip_tables_names /proc/net/ip6_tables_names");
	assert_string_equal(t.s, "");
	declare(&r, AF_INET6, "FORWARD")->n = 1;
	assert_int_equal(add_rules(*state, "wg0", &r.rules, &d), 0);
	run(&t, "cat /proc/net/ip_tables_names /proc/net/ip6_tables_names");
	assert_string_equal(t.s, "filter\n");
	assert_int_equal(del_rules(*state, "wg0", AF_INET, &d), -ENOENT);
	assert_int_equal(del_rules(*state, "wg0", AF_INET6, &d), 0);
	assert_int_equal(del_rules(*state, "wg0", AF_INET6, &d), -ENOENT);
	assert_non_null(strstr(d.text, "no rule of ip6_tables has the comment \"wgq wg0\""));
}

static void test_removal_finds_rules_wherever_they_are_now(void **state)
{
	static struct text before, after;
	struct declared r;
	struct diag d;

	add_foreign(0);
	save(&before, 0);
	assert_int_equal(add_rules(*state, "wg0", declare(&r, AF_INET, "FORWARD"), &d), 0);
	sh("iptables-legacy-save | sed -E '/wgq wg0\"/s/(INPUT|FORWARD)/ufw/' > /run/moved && "
	   "iptables-legacy-restore < /run/moved");
	run(&after, "iptables-legacy -S ufw | grep -c 'wgq wg0\"'");
	assert_string_equal(after.s, "5\n");
	assert_int_equal(del_rules(*state, "wg0", AF_INET, &d), 0);
	run(&after, "iptables-legacy-save | grep -c 'wgq wg0\"' || :");
	assert_string_equal(after.s, "0\n");
}

/* --- who else is there --- */

static int hold_lock(const char *path)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_the_lock_is_waited_for(void **state)
{
	double start = seconds();
	struct declared r;
	int status, fd;
	struct diag d;
	pid_t pid;

	fd = hold_lock("/run/xtables.lock");
	pid = fork();
	if (!pid) { /* has the lock too, and keeps it */
		usleep(300 * 1000);
		_exit(0);
	}
	close(fd);
	assert_int_equal(add_rules(*state, "wg0", declare(&r, AF_INET, "FORWARD"), &d), 0);
	assert_true(seconds() - start >= 0.3);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void test_a_lock_that_stays_is_an_error_with_its_name(void **state)
{
	static struct text before, after;
	struct declared r;
	struct diag d;
	int fd;

	save(&before, 0);
	setenv("XTABLES_LOCKFILE", "/run/elsewhere", 1);
	fd = hold_lock("/run/elsewhere");
	assert_int_equal(add_rules(*state, "wg0", declare(&r, AF_INET, "FORWARD"), &d), -EBUSY);
	assert_non_null(strstr(d.text, "/run/elsewhere is held by another program"));
	setenv("XTABLES_LOCKFILE", "/nowhere/lock", 1);
	assert_int_equal(add_rules(*state, "wg0", &r.rules, &d), -ENOENT);
	assert_string_equal(d.text, "open /nowhere/lock: No such file or directory");
	unsetenv("XTABLES_LOCKFILE");
	close(fd);
	assert_string_equal(before.s, save(&after, 0));
}

/*
 * One that takes another lock: the kernel tells that the table has changed, and we start again.
 * iptables itself may report a failure after it has added its rule, hence sort -u.
 */
static void test_changes_by_others_meanwhile_are_not_lost(void **state)
{
	static struct text t;
	struct declared r;
	struct diag d;
	int status;
	pid_t pid;

	declare(&r, AF_INET, "FORWARD");
	assert_int_equal(add_rules(*state, "wg0", &r.rules, &d), 0);
	pid = sh_start("export XTABLES_LOCKFILE=/run/other; for i in $(seq 100); do "
		       "until iptables-legacy -A OUTPUT -o x$i 2> /dev/null; do :; done; done",
		       NULL);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(add_rules(*state, "wg0", &r.rules, &d), 0);
		assert_int_equal(del_rules(*state, "wg0", AF_INET, &d), 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	run(&t,
	    "iptables-legacy -S OUTPUT | sort -u | wc -l; iptables-legacy-save | grep -c wgq || :");
	assert_string_equal(t.s, "101\n0\n");
}

/* --- what goes wrong --- */

static struct ipt_batch *build_broken(struct firewall *fw, const struct fw_rules *r)
{
	struct firewall_batch *batch;
	struct diag d;

	assert_int_equal(firewall_build_rules(fw, &batch, "wg0", r, &d), 0);
	return (struct ipt_batch *)batch;
}

static struct ipt_line *line_of(struct ipt_batch *b, const char *table)
{
	for (size_t i = 0; i < b->nlines; i++)
		if (!strcmp(b->lines[i].table, table))
			return &b->lines[i];
	fail_msg("no line for %s", table);
	return NULL;
}

static void test_a_later_refusal_puts_the_earlier_tables_back(void **state)
{
	static struct text before, after;
	struct fw_rule old = { .hook = FW_FORWARD, .verdict = FW_DROP, .in = "old" };
	struct fw_rules was = { AF_INET, &old, 1, "ufw" };
	struct ipt_batch *b;
	struct declared r;
	struct diag d;
	struct xt_entry_target *t;
	struct ipt_entry *e;

	add_foreign(0);
	assert_int_equal(add_rules(*state, "wg0", &was, &d), 0);
	sh("iptables-legacy -I ufw -j RETURN && iptables-legacy -I ufw 3 -c 20 21 -o z "
	   "-m comment --comment 'wgq wg0' -j LOG && iptables-legacy -A ufw -g DOCKER-USER "
	   "-m comment --comment 'wgq wg0' && iptables-legacy -A ufw -i last");
	save(&before, 0);

	b = build_broken(*state, declare(&r, AF_INET, "FORWARD"));
	e = line_of(b, "nat")->entry;
	t = (struct xt_entry_target *)((char *)e + e->target_offset);
	t->u.user.revision = 77;
	assert_int_equal(firewall_commit(*state, &b->base, &d), -ENOENT);
	assert_string_equal(d.text, "table nat of ip_tables: No such file or directory");
	firewall_batch_free(&b->base);
	assert_string_equal(before.s, save(&after, 0));

	b = build_broken(*state, &r.rules);
	snprintf(line_of(b, "nat")->chain, IPT_CHAIN_NAME, "NOWHERE");
	assert_int_equal(firewall_commit(*state, &b->base, &d), -ESRCH);
	assert_string_equal(d.text, "table nat of ip_tables has no chain NOWHERE");
	firewall_batch_free(&b->base);
	assert_string_equal(before.s, save(&after, 0));
}

static void test_a_chain_that_is_not_there_is_named(void **state)
{
	struct declared r;
	struct diag d;

	assert_int_equal(add_rules(*state, "wg0", declare(&r, AF_INET6, "DOCKER-USER"), &d),
			 -ESRCH);
	assert_string_equal(d.text, "table filter of ip6_tables has no chain DOCKER-USER");
}

/* What setsockopt(2) of an option of ip_tables comes to, for this process and its children. */
static void meddle(unsigned option, uint32_t action)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOL_IP, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, option, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(99);
}

static void test_what_the_kernel_says_of_the_replacement_is_checked(void **state)
{
	static const struct {
		unsigned option;
		uint32_t action;
		int err;
		bool there;
		const char *text;
	} cases[] = {
		{ IPT_SO_SET_ADD_COUNTERS, SECCOMP_RET_ERRNO | ENOMEM, 0, true, "" },
		{ IPT_SO_SET_REPLACE, SECCOMP_RET_ERRNO | EPERM, -EPERM, false,
		  "table filter of ip_tables: Operation not permitted" },
		{ IPT_SO_SET_REPLACE, SECCOMP_RET_ERRNO | EAGAIN, -EAGAIN, false,
		  "table filter of ip_tables: Resource temporarily unavailable" },
		{ IPT_SO_SET_ADD_COUNTERS, SECCOMP_RET_KILL_PROCESS, -EIO, false,
		  "ip_tables: libiptc gave up: no reason given" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status;
		pid_t pid;

		fresh(state);
		pid = fork();
		if (!pid) {
			struct declared r;
			struct diag d = { "" };
			int err;

			meddle(cases[i].option, cases[i].action);
			err = add_rules(*state, "wg0", declare(&r, AF_INET, "FORWARD"), &d);
			if (err != cases[i].err)
				_exit(1);
			if (err && strcmp(d.text, cases[i].text) != 0)
				_exit(2);
			err = firewall_has_rules(*state, "wg0", AF_INET, &d);
			_exit(err == cases[i].there ? 0 : 3);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void test_a_missing_extension_is_named_before_anything_is_done(void **state)
{
	const struct prefix addr = prefix("10.0.0.1/24");
	struct antispoof a = { AF_INET, 1, &addr, 1 };
	struct firewall_batch *batch;
	static struct text t;
	struct diag d;

	setenv("XTABLES_LIBDIR", "/nowhere", 1);
	assert_int_equal(firewall_build_antispoof(*state, &batch, "wg0", &a, &d), -EOPNOTSUPP);
	unsetenv("XTABLES_LIBDIR");
	assert_string_equal(d.text, "ip_tables: libxtables has no file for match addrtype in "
				    "/nowhere: is iptables installed?");
	run(&t, "cat /proc/net/ip_tables_names");
	assert_string_equal(t.s, "");
}

/* Without /proc and the kernel's modules nothing tells of ip_tables. */
static void test_a_kernel_without_ip_tables_is_said_so(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		struct firewall *fw;
		struct diag d;

		if (unshare(CLONE_NEWNS) || mount("tmpfs", "/proc", "tmpfs", 0, NULL))
			_exit(99);
		sh("test -d /lib/modules || { mkdir -p /run/u /run/w && "
		   "mount -t overlay -o lowerdir=/lib,upperdir=/run/u,workdir=/run/w o /lib && "
		   "mkdir /lib/modules; }; mount -t tmpfs none /lib/modules");
		if (firewall_open(&fw, FW_IPTABLES_LEGACY, &d) != -EOPNOTSUPP ||
		    strcmp(d.text, "this kernel has no ip_tables") != 0)
			_exit(1);
		sh("mkdir /lib/modules/$(uname -r) && echo kernel/net/ipv4/ip_tables.ko.xz: x.ko > "
		   "/lib/modules/$(uname -r)/modules.dep");
		if (firewall_open(&fw, FW_IPTABLES_LEGACY, &d))
			_exit(2);
		if (firewall_has_family(fw, AF_INET) || firewall_has_family(fw, AF_INET6))
			_exit(3);
		firewall_close(fw);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_a_batch_can_be_committed_again(void **state)
{
	struct firewall_batch *add, *del;
	static struct text empty, t;
	struct declared r;
	struct diag d;

	add_foreign(0);
	save(&empty, 0);
	declare(&r, AF_INET, "FORWARD");
	assert_int_equal(firewall_build_rules(*state, &add, "wg0", &r.rules, &d), 0);
	assert_int_equal(firewall_build_rules_removal(*state, &del, "wg0", AF_INET, &d), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(firewall_commit(*state, add, &d), 0);
		assert_int_equal(firewall_has_rules(*state, "wg0", AF_INET, &d), 1);
		assert_int_equal(firewall_commit(*state, del, &d), 0);
		assert_string_equal(empty.s, save(&t, 0));
	}
	firewall_batch_free(add);
	firewall_batch_free(del);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, fresh)
		TEST(test_antispoof_lists_as_if_wg_quick_had_made_it),
		TEST(test_either_program_takes_away_what_the_other_made),
		TEST(test_adding_again_leaves_one_of_each),
		TEST(test_declared_rules_stand_at_the_heads_in_their_order),
		TEST(test_tables_are_made_for_rules_and_never_by_looking),
		TEST(test_removal_finds_rules_wherever_they_are_now),
		TEST(test_the_lock_is_waited_for),
		TEST(test_a_lock_that_stays_is_an_error_with_its_name),
		TEST(test_changes_by_others_meanwhile_are_not_lost),
		TEST(test_a_later_refusal_puts_the_earlier_tables_back),
		TEST(test_a_chain_that_is_not_there_is_named),
		TEST(test_what_the_kernel_says_of_the_replacement_is_checked),
		TEST(test_a_missing_extension_is_named_before_anything_is_done),
		TEST(test_a_kernel_without_ip_tables_is_said_so),
		TEST(test_a_batch_can_be_committed_again),
#undef TEST
	};

	return cmocka_run_group_tests(tests, open_firewall, close_firewall);
}
