/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

struct fixture {
	struct arena arena;
	struct command_env env;
	char folder[32];
};

static int prepare(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct diag d;

	stpcpy(f->folder, "/tmp/wgq-command-XXXXXX");
	if (!mkdtemp(f->folder) || chdir(f->folder))
		return -1;
	*state = f;
	return command_env_init(&f->env, &f->arena, "wg0", "/etc/wireguard/wg0.conf", &d);
}

static int clean(void **state)
{
	struct fixture *f = *state;
	struct diag d;
	int status = command_run(&f->env, "cd / && rm -r \"$OLDPWD\"", &d);

	arena_fini(&f->arena);
	free(f);
	return status || chdir("/");
}

static int run(struct fixture *f, const char *text)
{
	struct diag d = { "" };
	int status = command_run(&f->env, text, &d);

	if (status < 0)
		print_error("%s\n", d.text);
	return status;
}

/* --- command_expand --- */

static void test_expand_replaces_every_percent_i(void **state)
{
	static const struct {
		const char *text, *expanded;
	} cases[] = {
		{ "", "" },
		{ "%i", "wg0" },
		{ "ip link set %i up; echo a%ib%i", "ip link set wg0 up; echo awg0bwg0" },
		{ "%%i %I % i %", "%wg0 %I % i %" },
		{ "no such thing", "no such thing" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(command_expand(&f->arena, cases[i].text, "wg0"),
				    cases[i].expanded);
}

/* --- command_run --- */

static void test_hooks_are_bash_with_errexit_pipefail_and_extglob(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "", 0 },
		{ "   ", 0 },
		{ "true", 0 },
		{ "false", 1 },
		{ "exit 42", 42 },
		{ "false; touch went-on", 1 },
		{ "test ! -e went-on", 0 },
		{ "false | true", 1 },
		{ "if then", 2 },
		{ "no-such-command-here 2> /dev/null", 127 },
		{ "kill -KILL $$", 128 + 9 },
		{ "a=(one 'two three'); [[ ${#a[@]} == 2 && ${a[1]} == 'two three' ]]", 0 },
		{ "[[ $(cat <(echo one) <(echo two)) == $'one\\ntwo' ]]", 0 },
		{ "[[ aab == +(a)b ]]; case x in @(x|y)) ;; *) exit 9;; esac", 0 },
		{ "[[ \"a # b\" == 'a '#' b' ]] # and a comment", 0 },
		{ "[[ $(( 1 + 1 )) == 2 && \"$(printf '%s' '\"\\')\" == '\"\\' ]]", 0 },
		{ "-x", 127 }, /* a command's name, not our bash's option */
		{ "[[ $# == 0 && $0 == wgq ]]", 0 },
		{ "[[ $PWD == /tmp/wgq-command-* ]]", 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status = run(f, cases[i].text);

		if (status != cases[i].status)
			print_error("%s\n", cases[i].text);
		assert_int_equal(status, cases[i].status);
	}
}

static void test_nothing_outlives_a_hook(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run(f, "export LEFT=over; cd /; trap 'true' TERM; f() { true; }; "
				"export -f f"),
			 0);
	assert_int_equal(run(f, "[[ -z $LEFT && $PWD != / ]] && ! declare -F f"), 0);
}

static void test_a_hook_shares_our_standard_streams(void **state)
{
	int saved[2] = { dup(0), dup(1) }, in, out;
	char text[64] = "";

	in = open("in", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	out = open("out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(in, "hello\n", 6, 0), 6);
	dup2(in, 0);
	dup2(out, 1);
	assert_int_equal(run(*state, "read -r word; echo got $word"), 0);
	dup2(saved[0], 0);
	dup2(saved[1], 1);
	assert_int_equal(pread(out, text, sizeof(text) - 1, 0), 10);
	assert_string_equal(text, "got hello\n");
	for (int i = 0; i < 2; i++)
		close(saved[i]);
	close(in);
	close(out);
}

/* The text after an assignment and before a comment that make it so many bytes long. */
static const char *stretch(struct arena *a, const char *text, size_t size)
{
	char *all = arena_alloc(a, size + 1), *to = stpcpy(all, "set -u; a='");

	memset(to, '"', size / 2);
	to = stpcpy(stpcpy(stpcpy(to + size / 2, "'; "), text), " #");
	memset(to, '\'', size - (size_t)(to - all));
	return all;
}

static void test_a_hook_of_any_length_runs(void **state)
{
	enum { LIMIT = 131072 }; /* the longest argument, with its NUL */
	static const size_t sizes[] = { LIMIT - 2, LIMIT - 1, LIMIT, LIMIT + 1, 3 << 20 };
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "[[ $# == 0 && ab == +(a)b ]]", 0 },
		{ "false; touch too-far", 1 },
		{ "false | true; touch too-far", 1 },
		{ "[[ ! -e too-far ]]", 0 },
		{ "for fd in /proc/$$/fd/*; do [[ $(readlink $fd) != *memfd* ]]; done", 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(cases); i++) {
		size_t size = sizes[i / ARRAY_SIZE(cases)];
		const char *text = stretch(&f->arena, cases[i % ARRAY_SIZE(cases)].text, size);

		assert_int_equal(strlen(text), size);
		assert_int_equal(run(f, text), cases[i % ARRAY_SIZE(cases)].status);
	}
}

/* --- the environment --- */

static void test_the_environment_is_ours_without_what_changes_bash(void **state)
{
	static const char check[] =
		"[[ $INTERFACE == wg1 && $CONFIG_FILE == '/a b/wg1.conf' && $LC_ALL == C ]]; "
		"[[ $KEPT == 'as it is' && -z $ENV && -z $BASH_ENV ]]; "
		"[[ $(type -t true) == builtin && $(type -t evil) == '' ]]; "
		"[[ $- != *x* && ! -o posix ]]; ! shopt -q nocasematch; "
		"[[ $(env | grep -c ^INTERFACE=) == 1 ]]";
	struct fixture *f = *state;
	struct command_env env;
	struct diag d;

	setenv("KEPT", "as it is", 1);
	setenv("INTERFACE", "eth9", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	setenv("BASH_ENV", "/dev/stdin", 1);
	setenv("ENV", "/dev/stdin", 1);
	setenv("SHELLOPTS", "xtrace:posix", 1);
	setenv("BASHOPTS", "nocasematch", 1);
	setenv("BASH_FUNC_true%%", "() { exit 77; }", 1);
	setenv("BASH_FUNC_evil%%", "() { exit 78; }", 1);
	assert_int_equal(command_env_init(&env, &f->arena, "wg1", "/a b/wg1.conf", &d), 0);
	assert_int_equal(command_run(&env, check, &d), 0);
}

static void test_the_programs_own_folder_comes_first_in_path(void **state)
{
	char self[PATH_MAX] = "", text[PATH_MAX + 64];
	struct fixture *f = *state;
	struct command_env env;
	struct diag d;

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	*strrchr(self, '/') = '\0';
	setenv("PATH", "/usr/bin:/bin", 1);
	assert_int_equal(command_env_init(&env, &f->arena, "wg0", "x", &d), 0);
	snprintf(text, sizeof(text), "[[ $PATH == '%s:/usr/bin:/bin' ]]", self);
	assert_int_equal(command_run(&env, text, &d), 0);
	unsetenv("PATH");
	assert_int_equal(command_env_init(&env, &f->arena, "wg0", "x", &d), 0);
	snprintf(text, sizeof(text), "[[ $PATH == '%s':*:/bin ]]", self);
	assert_int_equal(command_run(&env, text, &d), 0);
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
}

/* In a child with a mount namespace where no folder holds a bash. */
static int find_no_bash(struct arena *a)
{
	struct command_env env;
	struct diag d = { "" };
	int err;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/usr/bin", "tmpfs", 0, NULL) || mount("none", "/bin", "tmpfs", 0, NULL))
		return 2;
	err = command_env_init(&env, a, "wg0", "x", &d);
	return err == -ENOENT && strstr(d.text, "need bash") ? 0 : 1;
}

static void test_a_host_without_bash_is_told_so(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(find_no_bash(&f->arena));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand_replaces_every_percent_i),
		cmocka_unit_test(test_hooks_are_bash_with_errexit_pipefail_and_extglob),
		cmocka_unit_test(test_nothing_outlives_a_hook),
		cmocka_unit_test(test_a_hook_shares_our_standard_streams),
		cmocka_unit_test(test_a_hook_of_any_length_runs),
		cmocka_unit_test(test_the_environment_is_ours_without_what_changes_bash),
		cmocka_unit_test(test_the_programs_own_folder_comes_first_in_path),
		cmocka_unit_test(test_a_host_without_bash_is_told_so),
	};

	return cmocka_run_group_tests(tests, prepare, clean);
}
