/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

static char folder[] = "/tmp/wgq-spawn-XXXXXX";

static int enter_folder(void **state)
{
	(void)state;
	return !mkdtemp(folder) || chdir(folder);
}

static int remove_folder(void **state)
{
	const char *argv[] = { "rm", "-r", folder, NULL };
	struct spawn s = { .path = "/bin/rm", .argv = (char *const *)argv };
	struct diag d;

	(void)state;
	return chdir("/") || spawn_run(&s, &d);
}

static void make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	close(fd);
}

/* --- spawn_find --- */

static void test_find_follows_path_in_order_and_takes_only_executable_files(void **state)
{
	static const struct {
		const char *search, *program, *found;
		int err;
	} cases[] = {
		{ "a:b:c", "prog", "b/prog", 0 }, /* a/prog is a folder */
		{ "c:b", "prog", "b/prog", 0 },   /* c/prog is not executable */
		{ "a:c", "prog", NULL, -ENOENT }, { "", "here", "./here", 0 },
		{ "a::b", "here", "./here", 0 },  { "a:", "here", "./here", 0 },
		{ "a:b", "b/prog", "b/prog", 0 }, { "a:b", "./nothing", NULL, -ENOENT },
		{ "b", "", NULL, -ENOENT },       { NULL, "sh", "/bin/sh", 0 },
	};

	mkdir("a", 0755);
	mkdir("a/prog", 0755);
	mkdir("b", 0755);
	mkdir("c", 0755);
	make_file("b/prog", 0755);
	make_file("c/prog", 0644);
	make_file("here", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[PATH_MAX];

		if (cases[i].search)
			setenv("PATH", cases[i].search, 1);
		else
			unsetenv("PATH");
		assert_int_equal(spawn_find(path, cases[i].program), cases[i].err);
		if (cases[i].found)
			assert_string_equal(path, cases[i].found);
	}
	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	(void)state;
}

static void test_find_refuses_a_path_that_is_too_long(void **state)
{
	char path[PATH_MAX], name[PATH_MAX + 8];

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(spawn_find(path, name), -ENAMETOOLONG);
	name[0] = '/';
	assert_int_equal(spawn_find(path, name), -ENAMETOOLONG);
	(void)state;
}

/* --- spawn_run --- */

static int run_shell(struct spawn s, const char *script)
{
	const char *argv[] = { "sh", "-c", script, NULL };
	struct diag d = { "" };
	int status;

	s.path = "/bin/sh";
	s.argv = (char *const *)argv;
	status = spawn_run(&s, &d);
	if (status < 0)
		print_error("%s\n", d.text);
	return status;
}

static void test_run_returns_the_status_of_the_program(void **state)
{
	assert_int_equal(run_shell((struct spawn){ 0 }, "exit 0"), 0);
	assert_int_equal(run_shell((struct spawn){ 0 }, "exit 7"), 7);
	assert_int_equal(run_shell((struct spawn){ 0 }, "kill -9 $$"), 128 + 9);
	(void)state;
}

static void test_run_says_what_it_could_not_start(void **state)
{
	const char *argv[] = { "nothing", NULL };
	struct spawn s = { .path = "/nowhere/nothing", .argv = (char *const *)argv };
	struct diag d = { "" };

	assert_int_equal(spawn_run(&s, &d), -ENOENT);
	assert_string_equal(d.text, "starting /nowhere/nothing: No such file or directory");
	(void)state;
}

static void test_run_passes_the_environment_it_is_given(void **state)
{
	const char *envp[] = { "ONLY=this", NULL };
	struct spawn s = { .envp = (char *const *)envp };

	setenv("OURS", "x", 1);
	assert_int_equal(run_shell((struct spawn){ 0 }, "test \"$OURS\" = x"), 0);
	assert_int_equal(run_shell(s, "test \"$ONLY\" = this && test -z \"$OURS\""), 0);
	(void)state;
}

static void test_input_of_any_size_arrives_whole(void **state)
{
	enum { SIZE = 1 << 20 }; /* sixteen times what a pipe holds */
	char *text = malloc(SIZE + 1), *back = malloc(SIZE + 1);
	int fd;

	for (size_t i = 0; i < SIZE; i++)
		text[i] = (char)('a' + i % 23);
	text[SIZE] = '\0';
	assert_int_equal(run_shell((struct spawn){ .input = text }, "cat > copy"), 0);
	fd = open("copy", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, back, SIZE + 1), SIZE);
	assert_memory_equal(text, back, SIZE);
	close(fd);
	assert_int_equal(run_shell((struct spawn){ .input = text }, "exit 3"), 3); /* unread */
	assert_int_equal(run_shell((struct spawn){ .input = "" }, "test -z \"$(cat)\""), 0);
	free(text);
	free(back);
	(void)state;
}

static void test_the_program_gets_clean_signals_and_no_descriptor_of_ours(void **state)
{
	static const char status[] =
		"exec awk '/^Sig(Ign|Blk):/ && $2 !~ /^0+$/ { exit 1 }' /proc/self/status";
	static const char descriptors[] = "set -- /proc/$$/fd/*; exit $#";
	enum { STREAMS_AND_FOLDER = 4 }; /* 0, 1, 2 and the folder that is being read */
	struct spawn s = { .input = "x", .quiet = true };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t usr;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr, NULL);
	assert_int_equal(run_shell((struct spawn){ 0 }, status), 0);
	sigprocmask(SIG_UNBLOCK, &usr, NULL);
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(run_shell((struct spawn){ 0 }, descriptors), STREAMS_AND_FOLDER);
	assert_int_equal(run_shell(s, descriptors), STREAMS_AND_FOLDER);
	close(fd);
	(void)state;
}

static void test_quiet_sends_output_and_errors_to_dev_null(void **state)
{
	assert_int_equal(run_shell((struct spawn){ .quiet = true },
				   "for n in 1 2; do test /proc/$$/fd/$n -ef /dev/null || exit 5; "
				   "done"),
			 0);
	assert_int_equal(run_shell((struct spawn){ 0 }, "test /proc/$$/fd/1 -ef /dev/null"), 1);
	(void)state;
}

static void test_output_and_errors_come_back_as_text(void **state)
{
	char text[8] = "before";
	struct spawn s = { .output = text, .output_size = sizeof(text) };

	assert_int_equal(run_shell(s, "echo a; echo b >&2; echo c; exit 3"), 3);
	assert_string_equal(text, "a\nb\nc\n");
	assert_int_equal(run_shell(s, "echo a long line"), 0);
	assert_string_equal(text, "a long ");
	assert_int_equal(run_shell(s, ":"), 0);
	assert_string_equal(text, "");
	(void)state;
}

static void test_own_session_makes_the_program_a_leader(void **state)
{
	static const char leads[] = "read -r pid name state parent group session rest < "
				    "/proc/$$/stat; test $session = $$";

	assert_int_equal(run_shell((struct spawn){ .own_session = true }, leads), 0);
	assert_int_equal(run_shell((struct spawn){ 0 }, leads), 1);
	(void)state;
}

static void test_an_ignored_sigchld_hides_no_status(void **state)
{
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(run_shell((struct spawn){ 0 }, "exit 6"), 6);
	(void)state;
}

/* --- stop requests --- */

static void note_stop(int signo)
{
	stop_requested = signo;
}

/* SIGTERM comes to us in so many milliseconds. */
static timer_t stop_in(int ms)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM };
	struct itimerspec when = { .it_value.tv_nsec = ms * 1000000L };
	struct sigaction action = { .sa_handler = note_stop };
	timer_t timer;

	sigaction(SIGTERM, &action, NULL);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	timer_settime(timer, 0, &when, NULL);
	return timer;
}

static void test_a_stop_request_is_passed_on_and_the_program_still_waited_for(void **state)
{
	timer_t timer = stop_in(100);

	stop_requested = 0;
	assert_int_equal(run_shell((struct spawn){ 0 },
				   "trap 'sleep 0.1; exit 9' TERM; while :; do sleep 0.02; done"),
			 9);
	assert_int_equal(stop_requested, SIGTERM);
	timer_delete(timer);
	(void)state;
}

static void test_what_runs_after_a_stop_request_is_left_alone(void **state)
{
	timer_t timer = stop_in(50); /* impatience: a second one */

	stop_requested = SIGINT;
	assert_int_equal(run_shell((struct spawn){ 0 }, "sleep 0.2; exit 4"), 4);
	assert_int_equal(stop_requested, SIGTERM);
	timer_delete(timer);
	stop_requested = 0;
	(void)state;
}

static void test_signals_are_let_through_again_afterwards(void **state)
{
	sigset_t now;

	assert_int_equal(run_shell((struct spawn){ 0 }, "exit 0"), 0);
	sigprocmask(SIG_SETMASK, NULL, &now);
	assert_false(sigismember(&now, SIGTERM));
	assert_false(sigismember(&now, SIGINT));
	assert_false(sigismember(&now, SIGHUP));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_follows_path_in_order_and_takes_only_executable_files),
		cmocka_unit_test(test_find_refuses_a_path_that_is_too_long),
		cmocka_unit_test(test_run_returns_the_status_of_the_program),
		cmocka_unit_test(test_run_says_what_it_could_not_start),
		cmocka_unit_test(test_run_passes_the_environment_it_is_given),
		cmocka_unit_test(test_input_of_any_size_arrives_whole),
		cmocka_unit_test(test_the_program_gets_clean_signals_and_no_descriptor_of_ours),
		cmocka_unit_test(test_quiet_sends_output_and_errors_to_dev_null),
		cmocka_unit_test(test_output_and_errors_come_back_as_text),
		cmocka_unit_test(test_own_session_makes_the_program_a_leader),
		cmocka_unit_test(test_an_ignored_sigchld_hides_no_status),
		cmocka_unit_test(test_a_stop_request_is_passed_on_and_the_program_still_waited_for),
		cmocka_unit_test(test_what_runs_after_a_stop_request_is_left_alone),
		cmocka_unit_test(test_signals_are_let_through_again_afterwards),
	};

	close_range(3, ~0U, 0); /* what we were started with */
	return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
