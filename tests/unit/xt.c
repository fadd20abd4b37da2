/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against libxtables and this kernel, in a network namespace of its own. */
#include "hooks/xt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_CONNMARK.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/netns.h"

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, (struct str){ text, strlen(text) }), 0);
	return p;
}

/* As iptables would be told. Returns text. */
static const char *words(char *text, size_t size, const struct xt_rule *x)
{
	char addr[PREFIX_TEXT];
	size_t n = (size_t)snprintf(text, size, "-t %s -A %s", x->table, x->chain);

#define MORE(...) n += (size_t)snprintf(text + n, size - n, __VA_ARGS__)
	if (x->destination.family)
		MORE(" -d %s", prefix_format(addr, &x->destination));
	if (x->source.family)
		MORE(" -s %s", prefix_format(addr, &x->source));
	if (*x->in)
		MORE("%s -i %s", x->not_in ? " !" : "", x->in);
	if (*x->out)
		MORE("%s -o %s", x->not_out ? " !" : "", x->out);
	if (x->protocol)
		MORE(" -p %d", x->protocol);
	for (size_t i = 0; i < XT_MATCHES && x->match_words[i].name; i++) {
		MORE(" -m %s", x->match_words[i].name);
		for (size_t k = 0; k < XT_OPTIONS && *x->match_words[i].options[k]; k++)
			MORE(" %s", x->match_words[i].options[k]);
	}
	MORE(" -j %s", x->target_words.name);
	for (size_t k = 0; k < XT_OPTIONS && *x->target_words.options[k]; k++)
		MORE(" %s", x->target_words.options[k]);
#undef MORE
	return text;
}

static void test_declared_rules_in_words(void **state)
{
	static const char *const want[] = {
		"-t filter -A DOCKER-USER -i wg0 -o wg0 -m comment --comment wgq wg0 -j ACCEPT",
		"-t filter -A DOCKER-USER -i wg0 ! -o wg0 -m comment --comment wgq wg0 -j DROP",
		"-t filter -A DOCKER-USER -o wg0 -m conntrack --ctstate RELATED,ESTABLISHED "
		"-m comment --comment wgq wg0 -j ACCEPT",
		"-t filter -A INPUT -s 10.0.0.0/8 -i wg0 -m comment --comment wgq wg0 -j ACCEPT",
		"-t nat -A POSTROUTING -s 10.7.0.0/24 -o eth0 -m comment --comment wgq wg0 "
		"-j MASQUERADE",
	};
	const struct fw_rule v[] = {
		{ .hook = FW_FORWARD, .verdict = FW_ACCEPT, .in = "wg0", .out = "wg0" },
		{ .hook = FW_FORWARD, .verdict = FW_DROP, .in = "wg0", .out = "wg0", .not_out = 1 },
		{ .hook = FW_FORWARD, .verdict = FW_ACCEPT, .out = "wg0", .replies = true },
		{ .hook = FW_INPUT, .in = "wg0", .source = prefix("10.0.0.0/8") },
		{ .hook = FW_POSTROUTING,
		  .verdict = FW_MASQUERADE,
		  .out = "eth0",
		  .source = prefix("10.7.0.0/24") },
	};
	struct fw_rules r = { AF_INET, v, ARRAY_SIZE(v), "DOCKER-USER" };
	struct xt_rule x[ARRAY_SIZE(v)];
	char text[512];

	(void)state;
	assert_int_equal(xt_from_rules(x, "wg0", &r), ARRAY_SIZE(v));
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		assert_string_equal(words(text, sizeof(text), &x[i]), want[i]);
}

static void test_antispoof_in_words(void **state)
{
	static const char *const want[] = {
		"-t raw -A PREROUTING -d fd00:78::2/128 ! -i fifteen-chars.x "
		"-m addrtype ! --src-type LOCAL "
		"-m comment --comment wg-quick(8) rule for fifteen-chars.x -j DROP",
		"-t raw -A PREROUTING -d fd00::1/128 ! -i fifteen-chars.x "
		"-m addrtype ! --src-type LOCAL "
		"-m comment --comment wg-quick(8) rule for fifteen-chars.x -j DROP",
		"-t mangle -A POSTROUTING -p 17 -m mark --mark 0xffffffff "
		"-m comment --comment wg-quick(8) rule for fifteen-chars.x -j CONNMARK --save-mark",
		"-t mangle -A PREROUTING -p 17 "
		"-m comment --comment wg-quick(8) rule for fifteen-chars.x "
		"-j CONNMARK --restore-mark",
	};
	const struct prefix addrs[] = { prefix("fd00::1/64"), prefix("10.0.0.1/8"),
					prefix("fd00:78::2/64") };
	struct antispoof a = { AF_INET6, 0xffffffff, addrs, ARRAY_SIZE(addrs) };
	struct xt_rule x[ARRAY_SIZE(addrs) + 2];
	char text[512];

	(void)state;
	assert_int_equal(xt_from_antispoof(x, "fifteen-chars.x", &a), ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		assert_string_equal(words(text, sizeof(text), &x[i]), want[i]);
}

/* One with everything that tunnels use. */
static void fill(struct xt_rule *x)
{
	*x = (struct xt_rule){
		.match_words = { { "conntrack", { "--ctstate", "RELATED,ESTABLISHED" } },
				 { "mark", { "--mark", "0xca6c" } },
				 { "addrtype", { "!", "--src-type", "LOCAL" } },
				 { "comment", { "--comment", "wgq wg0" } } },
		.target_words = { "CONNMARK", { "--save-mark" } },
	};
}

static void check_filled(const struct xt_rule *x)
{
	const struct xt_conntrack_mtinfo3 *ct = x->matches[0].data;
	const struct xt_mark_mtinfo1 *mark = x->matches[1].data;
	const struct xt_addrtype_info_v1 *type = x->matches[2].data;
	const struct xt_comment_info *comment = x->matches[3].data;
	const struct xt_connmark_tginfo2 *save = x->target.data; /* since Linux 4.17 */

	assert_int_equal(x->nmatches, 4);
	assert_string_equal(x->matches[0].name, "conntrack");
	assert_int_equal(x->matches[0].revision, 3);
	assert_int_equal(x->matches[0].size, XT_ALIGN(sizeof(*ct)));
	assert_int_equal(ct->match_flags, XT_CONNTRACK_STATE);
	assert_int_equal(ct->state_mask, XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED) |
						 XT_CONNTRACK_STATE_BIT(IP_CT_RELATED));
	assert_int_equal(x->matches[1].revision, 1);
	assert_int_equal(mark->mark, 0xca6c);
	assert_int_equal(mark->mask, 0xffffffff);
	assert_int_equal(x->matches[2].revision, 1);
	assert_int_equal(type->flags, XT_ADDRTYPE_INVERT_SOURCE);
	assert_int_equal(type->source, XT_ADDRTYPE_LOCAL);
	assert_string_equal(x->matches[3].name, "comment");
	assert_string_equal(comment->comment, "wgq wg0");
	assert_string_equal(x->target.name, "CONNMARK");
	assert_int_equal(x->target.revision, 2);
	assert_int_equal(x->target.size, XT_ALIGN(sizeof(*save)));
	assert_int_equal(save->mode, XT_CONNMARK_SAVE);
	assert_int_equal(save->ctmask, 0xffffffff);
	assert_int_equal(save->nfmask, 0xffffffff);
}

static void test_words_become_data_in_the_kernels_revision(void **state)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct xt_rule x[2];
		struct diag d;

		fill(&x[0]);
		fill(&x[1]);
		x[1].target_words = (struct xt_words){ .name = "DROP" };
		assert_int_equal(xt_compile(x, 2, families[i], &d), 0);
		check_filled(&x[0]);
		assert_int_equal(x[1].nmatches, 4);
		assert_string_equal(x[1].target.name, "DROP");
		assert_int_equal(x[1].target.size, 0);
		xt_free(x, 2);
		x[0] = (struct xt_rule){ .target_words = { .name = "MASQUERADE" } };
		assert_int_equal(xt_compile(x, 1, families[i], &d), 0);
		assert_int_equal(x[0].nmatches, 0);
		assert_string_equal(x[0].target.name, "MASQUERADE");
		assert_int_equal(x[0].target.revision, 0);
		assert_true(x[0].target.size > 0);
		xt_free(x, 1);
	}
}

/* Lets getsockopt(2) of these levels fail as where ip_tables and ip6_tables are not loaded. */
static void hide_ip_tables(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOL_SOCKET, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(99);
}

static int status_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_nft_compat_tells_revisions_where_ip_tables_is_not(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		struct xt_rule x;
		struct diag d;

		hide_ip_tables(ENOPROTOOPT);
		fill(&x);
		if (xt_compile(&x, 1, AF_INET6, &d) || x.matches[0].revision != 3)
			_exit(1);
		xt_free(&x, 1);
		fill(&x);
		if (xt_compile(&x, 1, AF_INET, &d) || x.target.revision != 2)
			_exit(2);
		_exit(0);
	}
	assert_int_equal(status_of(pid), 0);
}

static void test_what_the_kernel_lacks_is_named(void **state)
{
	static const struct {
		int refusal, err;
		const char *text;
	} cases[] = {
		{ ENOENT, -EOPNOTSUPP, "this kernel has no match conntrack" },
		{ EPROTONOSUPPORT, -EOPNOTSUPP, "this kernel has no match conntrack" },
		{ EPERM, -EPERM, "conntrack revision 3: Operation not permitted" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pid_t pid = fork();

		if (!pid) {
			struct xt_rule x;
			struct diag d = { "" };

			hide_ip_tables(cases[i].refusal);
			fill(&x);
			if (xt_compile(&x, 1, AF_INET, &d) != cases[i].err)
				_exit(1);
			_exit(strcmp(d.text, cases[i].text) ? 2 : 0);
		}
		assert_int_equal(status_of(pid), 0);
	}
}

static void test_no_folder_of_extensions_is_named(void **state)
{
	struct xt_rule x;
	struct diag d;

	(void)state;
	fill(&x);
	setenv("XTABLES_LIBDIR", "/nowhere/xtables", 1);
	assert_int_equal(xt_compile(&x, 1, AF_INET, &d), -EOPNOTSUPP);
	unsetenv("XTABLES_LIBDIR");
	assert_string_equal(d.text, "libxtables has no file for match conntrack in "
				    "/nowhere/xtables: is iptables installed?");
	x = (struct xt_rule){ .target_words = { .name = "DROP" } };
	setenv("XTABLES_LIBDIR", "/nowhere/xtables", 1);
	assert_int_equal(xt_compile(&x, 1, AF_INET, &d), 0);
	unsetenv("XTABLES_LIBDIR");
}

static void test_what_libxtables_refuses_is_in_its_own_words(void **state)
{
	static const struct {
		struct xt_words words;
		int err;
		const char *text;
	} cases[] = {
		{ { "conntrack", { "--ctstate", "WRONG" } }, -EINVAL, "WRONG" },
		{ { "conntrack", { "--wrong", "NEW" } }, -EINVAL, "conntrack: no option --wrong" },
		{ { "conntrack", { "" } }, -EINVAL, "conntrack" },
		{ { "mark", { "--mark" } }, -EINVAL, "mark" },
		{ { "no-such-match", { "" } },
		  -EOPNOTSUPP,
		  "libxtables has no file for match no-such-match: is iptables installed?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct xt_rule x;
		struct diag d = { "" };

		fill(&x);
		x.match_words[2] = cases[i].words;
		assert_int_equal(xt_compile(&x, 1, AF_INET, &d), cases[i].err);
		assert_non_null(strstr(d.text, cases[i].text));
		assert_null(strchr(d.text, '\n'));
		assert_null(x.matches[0].data);
		assert_int_equal(x.nmatches, 0);
	}
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_nothing_is_left_behind(void **state)
{
	static const struct sigaction ignored = { .sa_handler = SIG_IGN };
	int fds = open_fds();
	struct sigaction before, after;
	struct xt_rule x;
	struct diag d;
	FILE *buffered = tmpfile();
	sigset_t mask;

	(void)state;
	assert_non_null(buffered);
	fputs("once", buffered);
	for (int i = 0; i < 2; i++) {
		if (i)
			sigaction(SIGCHLD, &ignored, &before);
		fill(&x);
		assert_int_equal(xt_compile(&x, 1, AF_INET, &d), 0);
		xt_free(&x, 1);
		fill(&x);
		snprintf(x.match_words[0].options[1], XT_OPTION_SIZE, "WRONG");
		assert_int_equal(xt_compile(&x, 1, AF_INET, &d), -EINVAL);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		assert_int_equal(errno, ECHILD);
	}
	sigaction(SIGCHLD, &before, &after);
	assert_true(after.sa_handler == SIG_IGN);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGINT));
	fflush(buffered);
	assert_int_equal(ftell(buffered), 4);
	assert_int_equal(lseek(fileno(buffered), 0, SEEK_END), 4);
	fclose(buffered);
	assert_int_equal(open_fds(), fds);
}

/* Where they are modules; iptables and ip6tables would load them. */
static int load_ip_tables(void **state)
{
	sh_ok("modprobe -aq ip_tables ip6_tables");
	return netns_enter(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_declared_rules_in_words),
		cmocka_unit_test(test_antispoof_in_words),
		cmocka_unit_test(test_words_become_data_in_the_kernels_revision),
		cmocka_unit_test(test_nft_compat_tells_revisions_where_ip_tables_is_not),
		cmocka_unit_test(test_what_the_kernel_lacks_is_named),
		cmocka_unit_test(test_no_folder_of_extensions_is_named),
		cmocka_unit_test(test_what_libxtables_refuses_is_in_its_own_words),
		cmocka_unit_test(test_nothing_is_left_behind),
	};

	return cmocka_run_group_tests(tests, load_ip_tables, NULL);
}
