/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run-time folder and its locks, among processes. */
#include "wgq/plan/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "tests/unit/netns.h"
#include "wgq/base/log.h"

enum { SOON_MS = 150, LONG_MS = 5000 };

static int open_folder(void **state)
{
	struct rundir *dir = calloc(1, sizeof(*dir));
	struct diag d = { "" };

	unsetenv("WGQ_RUN_DIR");
	*state = dir;
	if (!rundir_open(dir, true, &d))
		return 0;
	print_error("%s\n", d.text);
	return -1;
}

static int close_folder(void **state)
{
	rundir_close(*state);
	free(*state);
	return sh_ok("rm -rf /run/wgq") ? 0 : -1;
}

/* --- the folder --- */

static void the_folder_is_made_for_root_alone(void **state)
{
	struct rundir dir;
	struct stat st;
	struct diag d;

	(void)state;
	unsetenv("WGQ_RUN_DIR");
	assert_int_equal(rundir_open(&dir, false, &d), -ENOENT);
	assert_int_equal(dir.fd, -1);
	assert_int_equal(rundir_open(&dir, true, &d), 0);
	assert_int_equal(stat("/run/wgq", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(fcntl(dir.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(strlen(dir.boot), 36);
	assert_true(*dir.netns);
	rundir_close(&dir);
	assert_int_equal(dir.fd, -1);
	rundir_close(&dir);
	assert_int_equal(rundir_open(&dir, false, &d), 0); /* now it is there */
	rundir_close(&dir);
	sh("rmdir /run/wgq");
}

static void the_environment_names_another_folder(void **state)
{
	struct rundir dir;
	struct diag d;

	(void)state;
	setenv("WGQ_RUN_DIR", "/run/elsewhere", 1);
	assert_int_equal(rundir_open(&dir, true, &d), 0);
	rundir_close(&dir);
	sh("test -d /run/elsewhere && test ! -e /run/wgq && rmdir /run/elsewhere");
	setenv("WGQ_RUN_DIR", "", 1); /* as if it were not set */
	assert_int_equal(rundir_open(&dir, true, &d), 0);
	rundir_close(&dir);
	unsetenv("WGQ_RUN_DIR");
	sh("rmdir /run/wgq");
}

static void a_folder_that_others_may_touch_is_refused(void **state)
{
	static const struct {
		const char *make, *remove;
		int err;
	} cases[] = {
		{ "mkdir -m 0710 /run/wgq", "rmdir /run/wgq", EPERM },
		{ "mkdir -m 0701 /run/wgq", "rmdir /run/wgq", EPERM },
		{ "mkdir -m 0770 /run/wgq", "rmdir /run/wgq", EPERM },
		{ "mkdir -m 0700 /run/wgq && chown 1 /run/wgq", "rmdir /run/wgq", EPERM },
		{ "mkdir -m 0700 /run/x && ln -s x /run/wgq", "rm /run/wgq; rmdir /run/x",
		  ENOTDIR },
		{ "touch /run/wgq", "rm /run/wgq", ENOTDIR },
		{ "mkfifo /run/wgq", "rm /run/wgq", ENOTDIR },
	};

	(void)state;
	unsetenv("WGQ_RUN_DIR");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rundir dir;
		struct diag d = { "" };
		int err;

		sh("%s", cases[i].make);
		err = rundir_open(&dir, true, &d);
		if (err != -cases[i].err || dir.fd != -1 || !strstr(d.text, "/run/wgq"))
			fail_msg("%s: %d, '%s'", cases[i].make, err, d.text);
		sh("%s", cases[i].remove);
	}
}

static void names_tell_kinds_namespaces_and_interfaces_apart(void **state)
{
	struct rundir dir = { .netns = "4026" };
	char name[RUNDIR_NAME];

	(void)state;
	rundir_name(name, &dir, "record", "wg0");
	assert_string_equal(name, "record.4026.wg0");
	rundir_name(name, &dir, "lock", NULL);
	assert_string_equal(name, "lock.4026");
	memset(dir.netns, '9', sizeof(dir.netns) - 1);
	rundir_name(name, &dir, "record", "fifteen-letters");
	assert_int_equal(strlen(name), 6 + 1 + sizeof(dir.netns) - 1 + 1 + 15);
}

static void another_namespace_has_another_name(void **state)
{
	struct rundir *dir = *state;
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		struct rundir other;
		struct diag d;

		if (unshare(CLONE_NEWNET) || rundir_open(&other, false, &d))
			_exit(2);
		_exit(strcmp(other.netns, dir->netns) && !strcmp(other.boot, dir->boot) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- locks: what happens in another process is told through a pipe --- */

struct process {
	pid_t pid;
	int told; /* it writes a byte when it has the lock */
	int hold; /* it lets go when a byte comes */
};

/* A process that takes the lock of ifname and keeps it until told to let go. */
static struct process start_holder(const struct rundir *dir, const char *ifname)
{
	int told[2], hold[2];
	struct process p;

	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	p = (struct process){ fork(), told[0], hold[1] };
	if (!p.pid) {
		struct lock lock;
		struct diag d;
		char byte;

		close(hold[1]);
		if (lock_take(&lock, dir, ifname, &d) || write(told[1], "x", 1) != 1)
			_exit(1);
		_exit(read(hold[0], &byte, 1) == 1 && (lock_release(&lock), true) ? 0 : 2);
	}
	close(told[1]);
	close(hold[0]);
	return p;
}

static bool has_lock(const struct process *p, int within_ms)
{
	struct pollfd wait = { .fd = p->told, .events = POLLIN };
	char byte;

	return poll(&wait, 1, within_ms) == 1 && read(p->told, &byte, 1) == 1;
}

static void end(struct process *p, int expected_status)
{
	int status = -1;
	ssize_t n = write(p->hold, "x", 1);

	(void)n; /* it may have been killed */
	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	assert_int_equal(status, expected_status);
	close(p->told);
	close(p->hold);
}

static size_t count_files(void)
{
	char text[32];

	return strtoul(sh_output(text, sizeof(text), "ls -A /run/wgq | wc -l"), NULL, 10);
}

static void a_lock_is_a_file_while_it_is_held(void **state)
{
	struct rundir *dir = *state;
	char path[128], text[32], pid[32];
	struct lock lock;
	struct diag d;

	assert_int_equal(lock_take(&lock, dir, "wg0", &d), 0);
	assert_true(fcntl(lock.fd, F_GETFD) & FD_CLOEXEC);
	snprintf(path, sizeof(path), "cat /run/wgq/lock.%s.wg0", dir->netns);
	snprintf(pid, sizeof(pid), "%-11d\n", (int)getpid());
	assert_string_equal(sh_output(text, sizeof(text), path), pid);
	lock_release(&lock);
	assert_int_equal(lock.fd, -1);
	assert_int_equal(count_files(), 0);
	lock_release(&lock);                                   /* no harm */
	assert_int_equal(lock_take(&lock, dir, "wg0", &d), 0); /* and again */
	lock_release(&lock);
	assert_int_equal(count_files(), 0);
}

static void a_second_process_waits_for_the_first(void **state)
{
	struct rundir *dir = *state;
	struct process first = start_holder(dir, "wg0"), second;

	assert_true(has_lock(&first, LONG_MS));
	second = start_holder(dir, "wg0");
	assert_false(has_lock(&second, SOON_MS));
	end(&first, 0);
	assert_true(has_lock(&second, LONG_MS));
	end(&second, 0);
	assert_int_equal(count_files(), 0);
}

static void three_in_a_row_get_it_one_after_the_other(void **state)
{
	struct rundir *dir = *state;
	struct process first = start_holder(dir, "wg0"), waiting[2], *got, *other;

	assert_true(has_lock(&first, LONG_MS));
	waiting[0] = start_holder(dir, "wg0");
	waiting[1] = start_holder(dir, "wg0");
	assert_false(has_lock(&waiting[0], SOON_MS) || has_lock(&waiting[1], SOON_MS));
	end(&first, 0);
	got = has_lock(&waiting[0], SOON_MS) ? &waiting[0] : &waiting[1];
	other = got == &waiting[0] ? &waiting[1] : &waiting[0];
	assert_true(got == &waiting[0] || has_lock(got, LONG_MS));
	assert_false(has_lock(other, SOON_MS));
	end(got, 0);
	assert_true(has_lock(other, LONG_MS));
	end(other, 0);
	assert_int_equal(count_files(), 0);
}

static void interfaces_and_the_namespace_have_locks_of_their_own(void **state)
{
	static const char *const names[] = { "wg0", "wg1", NULL };
	struct rundir *dir = *state;
	struct process p[ARRAY_SIZE(names)];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		p[i] = start_holder(dir, names[i]);
		assert_true(has_lock(&p[i], LONG_MS));
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		end(&p[i], 0);
}

static void a_killed_holder_frees_the_lock(void **state)
{
	struct rundir *dir = *state;
	struct process first = start_holder(dir, "wg0"), second;

	assert_true(has_lock(&first, LONG_MS));
	second = start_holder(dir, "wg0");
	assert_false(has_lock(&second, SOON_MS));
	kill(first.pid, SIGKILL);
	assert_true(has_lock(&second, LONG_MS));
	end(&first, SIGKILL);
	end(&second, 0);

	first = start_holder(dir, "wg0"); /* and one that comes later */
	assert_true(has_lock(&first, LONG_MS));
	kill(first.pid, SIGKILL);
	end(&first, SIGKILL);
	assert_int_equal(count_files(), 1);
	second = start_holder(dir, "wg0");
	assert_true(has_lock(&second, LONG_MS));
	end(&second, 0);
	assert_int_equal(count_files(), 0);
}

/* Forks so many generations and exits with 0 if the youngest is refused as it should be. */
static int ask_from_generation(const struct rundir *dir, int generation)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		struct lock lock;
		struct diag d = { "" };

		if (generation > 1)
			_exit(ask_from_generation(dir, generation - 1));
		_exit(lock_take(&lock, dir, "wg0", &d) == -EDEADLK && lock.fd == -1 &&
				      strstr(d.text, "hook")
			      ? 0
			      : 1);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void descendants_of_the_holder_are_refused(void **state)
{
	struct rundir *dir = *state;
	struct lock lock;
	struct diag d;

	assert_int_equal(lock_take(&lock, dir, "wg0", &d), 0);
	for (int generation = 1; generation <= 3; generation++)
		assert_int_equal(ask_from_generation(dir, generation), 0);
	lock_release(&lock);
	assert_int_equal(count_files(), 0);
}

/* wgq may run under whatever name: the parent's stat line holds it in parentheses. */
static void a_strange_program_name_hides_no_ancestor(void **state)
{
	struct rundir *dir = *state;
	struct lock lock;
	struct diag d;
	char old[16];

	assert_int_equal(prctl(PR_GET_NAME, old), 0);
	assert_int_equal(prctl(PR_SET_NAME, ") R 1 (x)"), 0);
	assert_int_equal(lock_take(&lock, dir, "wg0", &d), 0);
	assert_int_equal(ask_from_generation(dir, 2), 0);
	lock_release(&lock);
	assert_int_equal(prctl(PR_SET_NAME, old), 0);
}

static void a_lock_that_is_no_file_is_an_error(void **state)
{
	struct rundir *dir = *state;
	struct lock lock;
	struct diag d = { "" };

	sh("ln -s /run/elsewhere /run/wgq/lock.%s.wg0", dir->netns);
	assert_int_equal(lock_take(&lock, dir, "wg0", &d), -ELOOP);
	assert_int_equal(lock.fd, -1);
	assert_non_null(strstr(d.text, "lock"));
	sh("test ! -e /run/elsewhere");
}

/* --- the race --- */

struct arena_of_the_race {
	int inside, violations, rounds;
};

static void race(const struct rundir *dir, struct arena_of_the_race *shared, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		struct lock lock;
		struct diag d;

		if (lock_take(&lock, dir, "wg0", &d))
			_exit(1);
		if (__atomic_add_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST) != 1)
			__atomic_add_fetch(&shared->violations, 1, __ATOMIC_SEQ_CST);
		usleep((unsigned)(i % 3) * 50);
		shared->rounds++; /* not atomic: the lock has to do */
		__atomic_sub_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST);
		lock_release(&lock);
	}
	_exit(0);
}

static void racing_processes_are_never_inside_together(void **state)
{
	enum { RACERS = 8, ROUNDS = 25 };
	struct rundir *dir = *state;
	struct arena_of_the_race *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
						MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[RACERS];

	assert_ptr_not_equal(shared, MAP_FAILED);
	for (size_t i = 0; i < RACERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			race(dir, shared, ROUNDS);
	}
	for (size_t i = 0; i < RACERS; i++) {
		int status = -1;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(shared->violations, 0);
	assert_int_equal(shared->rounds, RACERS * ROUNDS);
	assert_int_equal(count_files(), 0);
	munmap(shared, sizeof(*shared));
}

static int enter(void **state)
{
	log_init("rundir", LOG_QUIET, STDERR_FILENO);
	signal(SIGPIPE, SIG_IGN);
	alarm(120); /* a lock that is never freed must not hang the suite */
	return netns_enter(state);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, open_folder, close_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_folder_is_made_for_root_alone),
		cmocka_unit_test(the_environment_names_another_folder),
		cmocka_unit_test(a_folder_that_others_may_touch_is_refused),
		cmocka_unit_test(names_tell_kinds_namespaces_and_interfaces_apart),
		WITH_FOLDER(another_namespace_has_another_name),
		WITH_FOLDER(a_lock_is_a_file_while_it_is_held),
		WITH_FOLDER(a_second_process_waits_for_the_first),
		WITH_FOLDER(three_in_a_row_get_it_one_after_the_other),
		WITH_FOLDER(interfaces_and_the_namespace_have_locks_of_their_own),
		WITH_FOLDER(a_killed_holder_frees_the_lock),
		WITH_FOLDER(descendants_of_the_holder_are_refused),
		WITH_FOLDER(a_strange_program_name_hides_no_ancestor),
		WITH_FOLDER(a_lock_that_is_no_file_is_an_error),
		WITH_FOLDER(racing_processes_are_never_inside_together),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
