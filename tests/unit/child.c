/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <setjmp.h>
#include <sys/wait.h>

#include <cmocka.h>

/* What the child is asked to do. */
struct request {
	size_t size;         /* of the answer */
	const char *error;   /* for standard error */
	bool exits, crashes; /* at the end, as libraries do */
};

static void work(int answer, void *arg)
{
	const struct request *r = arg;
	char byte = 'x';

	for (size_t i = 0; i < r->size; i++)
		child_write(answer, &byte, 1);
	fputs(r->error, stderr);
	if (r->crashes)
		abort();
	if (r->exits)
		exit(0);
}

static const char *call(struct request *r, char *data, size_t size, bool *complete, char text[64])
{
	struct child c;
	struct diag d;

	assert_int_equal(child_start(&c, work, r, &d), 0);
	*complete = child_read(&c, data, size);
	child_end(&c, text, 64);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return text;
}

static void test_answers_are_whole_or_none(void **state)
{
	static char data[256 * 1024]; /* more than a pipe holds */
	struct request r = { .size = sizeof(data), .error = "" };
	char text[64];
	bool complete;

	(void)state;
	assert_string_equal(call(&r, data, sizeof(data), &complete, text), "");
	assert_true(complete);
	assert_int_equal(data[sizeof(data) - 1], 'x');
	r.size--;
	call(&r, data, sizeof(data), &complete, text);
	assert_false(complete);
	call(&r, data, 1, &complete, text); /* the child cannot write more, and ends */
	assert_true(complete);
}

static void test_the_end_of_the_child_tells_why(void **state)
{
	struct request r = { .error = "first line\nsecond\n" };
	char text[64], data;
	bool complete;

	(void)state;
	for (int i = 0; i < 3; i++) {
		r.exits = i == 1;
		r.crashes = i == 2;
		assert_string_equal(call(&r, &data, 1, &complete, text), "first line");
		assert_false(complete);
	}
}

static void test_exit_does_not_write_what_we_have_buffered(void **state)
{
	struct request r = { .error = "", .exits = true };
	FILE *f = tmpfile();
	char text[64], data;
	bool complete;

	(void)state;
	assert_non_null(f);
	fputs("once", f);
	call(&r, &data, 1, &complete, text);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(lseek(fileno(f), 0, SEEK_END), 4);
	fclose(f);
}

/* Tells what it was given. */
static void tell_signals(int answer, void *arg)
{
	sigset_t mask;
	bool blocked;

	sigprocmask(SIG_BLOCK, arg, &mask);
	blocked = sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM);
	child_write(answer, &blocked, sizeof(blocked));
}

static void test_signals_wait_for_the_child_but_not_for_us(void **state)
{
	struct child c;
	char text[64];
	bool blocked;
	sigset_t mask;
	struct diag d;

	(void)state;
	assert_int_equal(child_start(&c, tell_signals, NULL, &d), 0);
	assert_true(child_read(&c, &blocked, sizeof(blocked)));
	assert_true(blocked);
	child_end(&c, text, sizeof(text));
	sigprocmask(SIG_BLOCK, NULL, &mask);
	assert_false(sigismember(&mask, SIGINT));
}

/* As a service manager may start us. */
static void test_it_works_without_standard_streams(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		struct request r = { .size = 1, .error = "why" };
		char text[64], data = 0;
		struct child c;
		struct diag d;

		for (int fd = 0; fd <= STDERR_FILENO; fd++)
			close(fd);
		if (child_start(&c, work, &r, &d) || !child_read(&c, &data, 1) || data != 'x')
			_exit(1);
		_exit(strcmp(child_end(&c, text, sizeof(text)), "why") ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_are_whole_or_none),
		cmocka_unit_test(test_the_end_of_the_child_tells_why),
		cmocka_unit_test(test_exit_does_not_write_what_we_have_buffered),
		cmocka_unit_test(test_signals_wait_for_the_child_but_not_for_us),
		cmocka_unit_test(test_it_works_without_standard_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
