/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A test program's own network and mount namespace. */
#ifndef WGQ_TESTS_UNIT_NETNS_H
#define WGQ_TESTS_UNIT_NETNS_H

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include <cmocka.h>

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
	return system("ip link set lo up") ? -1 : 0;
}

/* Runs a shell command that has to succeed. */
__attribute__((format(printf, 1, 2))) static inline void sh(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		fail_msg("%s", command);
}

/* What a shell command prints, at most size - 1 bytes. Returns text. */
static inline const char *sh_output(char *text, size_t size, const char *command)
{
	FILE *f = popen(command, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	assert_int_equal(pclose(f), 0);
	return text;
}

#endif
