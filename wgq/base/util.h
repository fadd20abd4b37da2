/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small words that every layer uses: cleanup attributes, slices, array sizes. */
#ifndef WGQ_BASE_UTIL_H
#define WGQ_BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a)     (sizeof(a) / sizeof((a)[0]))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLEANUP(function) __attribute__((cleanup(function)))
#define CLEANUP_FREE      CLEANUP(util_free)
#define CLEANUP_FD        CLEANUP(util_close)
#define CLEANUP_FILE      CLEANUP(util_fclose)

/* A borrowed piece of somebody's buffer; not NUL-terminated. Print with "%.*s" and STR_ARGS(). */
struct str {
	const char *p;
	size_t n;
};

#define STR_ARGS(s) (int)(s).n, (s).p
#define STR(literal)                                                                               \
	(struct str)                                                                               \
	{                                                                                          \
		(literal), sizeof(literal) - 1                                                     \
	}

static inline void util_free(void *pp)
{
	free(*(void **)pp);
}

static inline void util_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void util_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

/* Moves ownership of a file descriptor out of a CLEANUP_FD variable. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
