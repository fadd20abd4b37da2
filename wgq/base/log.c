/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/base/log.h"

#include <stdarg.h>

static const char *program = "wgq";
static enum log_level level = LOG_NORMAL;
static int step_fd = STDERR_FILENO;

void log_init(const char *name, enum log_level wanted, int steps)
{
	program = name;
	level = wanted;
	step_fd = steps;
}

const char *log_program(void)
{
	return program;
}

bool log_is_verbose(void)
{
	return level == LOG_VERBOSE;
}

/* One write a line, without the heap, so that lines of parallel runs do not mix; longer ones are
 * cut. */
static void say(int fd, const char *prefix, const char *kind, const char *fmt, va_list ap)
	PRINTF(4, 0);

static void say(int fd, const char *prefix, const char *kind, const char *fmt, va_list ap)
{
	char line[4096];
	size_t n = (size_t)snprintf(line, sizeof(line), "%s%s", prefix, kind);
	ssize_t written;
	int more;

	more = vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	if (more > 0)
		n += (size_t)more;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	written = write(fd, line, n);
	(void)written; /* nowhere left to say it */
}

void log_step(const char *fmt, ...)
{
	va_list ap;

	if (level == LOG_QUIET)
		return;
	va_start(ap, fmt);
	say(step_fd, "[#] ", "", fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(STDERR_FILENO, program, ": warning: ", fmt, ap);
	va_end(ap);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(STDERR_FILENO, program, ": ", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	if (level == LOG_QUIET)
		return;
	va_start(ap, fmt);
	say(STDERR_FILENO, program, ": ", fmt, ap);
	va_end(ap);
}
