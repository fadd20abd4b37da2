/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/kernel/sysctl.h"

#include <errno.h>
#include <fcntl.h>

enum { PATH_SIZE = 256, VALUE_SIZE = 16 };

static int open_switch(const char *name, int flags)
{
	char path[PATH_SIZE];
	int fd;

	if (snprintf(path, sizeof(path), "/proc/sys/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *name, int *value)
{
	int fd CLEANUP_FD = open_switch(name, O_RDONLY);
	char text[VALUE_SIZE], *end;
	ssize_t n;
	long number;

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	number = strtol(text, &end, 10);
	if (end == text || (*end && *end != '\n'))
		return -EINVAL; /* several values, or words */
	*value = (int)number;
	return 0;
}

static int write_switch(const char *name, int value)
{
	int fd CLEANUP_FD = open_switch(name, O_WRONLY);
	char text[VALUE_SIZE];
	int n = snprintf(text, sizeof(text), "%d\n", value);

	if (fd < 0)
		return fd;
	return write(fd, text, (size_t)n) < 0 ? -errno : 0;
}

int sysctl_write(const char *name, int value, struct diag *d)
{
	int err = write_switch(name, value);

	return err ? diag_sys(d, -err, "set %s to %d", name, value) : 0;
}

/*
 * A new interface starts with a copy of conf/default; conf/all is no more than the word that, when
 * it is written, sets all the others. Without the protocol there is neither.
 */
bool sysctl_ipv6_usable(void)
{
	int disabled;

	return !sysctl_read("net/ipv6/conf/default/disable_ipv6", &disabled) && !disabled;
}
