/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A test program's own network and mount namespace, and shell commands in it. */
#ifndef WGQ_TESTS_UNIT_NETNS_H
#define WGQ_TESTS_UNIT_NETNS_H

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Starts a shell with a pipe as its standard output (NULL: ours); returns its pid. */
static inline pid_t sh_start(const char *command, int output[2])
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid;
	if (output)
		dup2(output[1], STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* Runs a shell command; true if it exits with 0. */
static inline bool sh_ok(const char *command)
{
	pid_t pid = sh_start(command, NULL);
	int status = -1;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Runs a shell command that has to succeed. */
__attribute__((format(printf, 1, 2))) static inline void sh(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (!sh_ok(command))
		fail_msg("%s", command);
}

/* What a shell command prints, at most size - 1 bytes. Returns text. */
static inline const char *sh_output(char *text, size_t size, const char *command)
{
	int output[2], status = -1;
	size_t n = 0;
	ssize_t more;
	pid_t pid;

	assert_int_equal(pipe(output), 0);
	pid = sh_start(command, output);
	close(output[1]);
	while ((more = read(output[0], text + n, size - 1 - n)) > 0)
		n += (size_t)more;
	close(output[0]);
	text[n] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return text;
}

/*
 * Group setup: a fresh network namespace with lo up, and a /run of our own, where userspace
 * WireGuard has its sockets. Nothing of the host is touched and everything ends with us.
 */
static inline int netns_enter(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run", "tmpfs", 0, "mode=755") < 0) {
		perror("a namespace of our own (run as root)");
		return -1;
	}
	return sh_ok("ip link set lo up") ? 0 : -1;
}

#endif
