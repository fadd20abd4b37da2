/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/resolv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { FILE_MAX = 256 * 1024 }; /* more than any resolver reads; ours grow with each tunnel */

static const char kept[] = "#wgq# ";

/* --- text --- */

const char *resolv_file_lines(struct arena *a, const struct dns *dns)
{
	const char *text = "";

	for (size_t i = 0; i < dns->nservers; i++)
		text = arena_printf(a, "%snameserver %s\n", text, dns->servers[i]);
	for (size_t i = 0; i < dns->nsearches; i++)
		text = arena_printf(a, "%s%s%s", text, i ? " " : "search ", dns->searches[i]);
	return dns->nsearches ? arena_printf(a, "%s\n", text) : text;
}

static const char *header(struct arena *a, const char *ifname)
{
	return arena_printf(
		a,
		"# wgq %s: \"wgq down %s\" takes these lines out and makes the comments "
		"below lines again.\n",
		ifname, ifname);
}

/* The start of the next line, or the end of the text. */
static const char *next_line(const char *line)
{
	const char *end = strchrnul(line, '\n');

	return *end ? end + 1 : end;
}

/* Every line as a comment of ours. */
static char *comment(struct arena *a, const char *text)
{
	size_t lines = 0;
	char *all, *to;

	for (const char *line = text; *line; line = next_line(line))
		lines++;
	all = to = arena_alloc(a, strlen(text) + lines * strlen(kept) + 1);
	for (const char *line = text; *line; line = next_line(line))
		to = mempcpy(stpcpy(to, kept), line, (size_t)(next_line(line) - line));
	return all;
}

/* The reverse; NULL if a line is no such comment. */
static char *uncomment(struct arena *a, const char *text)
{
	char *all = arena_alloc(a, strlen(text) + 1), *to = all;

	for (const char *line = text; *line; line = next_line(line)) {
		if (strncmp(line, kept, strlen(kept)))
			return NULL;
		to = mempcpy(to, line + strlen(kept),
			     (size_t)(next_line(line) - line) - strlen(kept));
	}
	return all;
}

const char *resolv_file_add(struct arena *a, const char *text, const char *ifname,
			    const char *lines)
{
	return arena_printf(a, "%s%s%s", header(a, ifname), lines, comment(a, text));
}

const char *resolv_file_remove(struct arena *a, const char *text, const char *ifname,
			       const char *lines)
{
	const char *first = next_line(text), *behind = first, *ours = header(a, ifname), *before;
	bool mine = !strncmp(text, ours, strlen(ours));

	if (strncmp(text, "# wgq ", strlen("# wgq ")))
		return NULL;
	while (*behind && strncmp(behind, kept, strlen(kept)))
		behind = next_line(behind);
	if (mine && lines &&
	    (strlen(lines) != (size_t)(behind - first) || strncmp(lines, first, strlen(lines))))
		return NULL;
	before = uncomment(a, behind);
	if (!before || mine)
		return before;
	before = resolv_file_remove(a, before, ifname, lines);
	return before ? arena_printf(a, "%.*s%s", (int)(behind - text), text, comment(a, before))
		      : NULL;
}

/* --- the file --- */

const char *resolv_file_read(struct arena *a)
{
	int fd CLEANUP_FD = open(RESOLV_FILE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return NULL;
	text = arena_alloc(a, (size_t)st.st_size + 1);
	n = pread(fd, text, (size_t)st.st_size, 0);
	return n == st.st_size && strlen(text) == (size_t)n ? text : NULL;
}

/* Returns 1 or 0, or a negative errno. */
static int holds(int fd, const char *expected)
{
	size_t size = strlen(expected), at = 0;
	char part[4096];
	ssize_t n;

	while ((n = pread(fd, part, sizeof(part), (off_t)at)) > 0) {
		if ((size_t)n > size - at || memcmp(part, expected + at, (size_t)n))
			return 0;
		at += (size_t)n;
	}
	return n < 0 ? -errno : at == size;
}

/* Written first and cut afterwards, so that whoever reads meanwhile finds servers. */
static int write_all(int fd, const char *text)
{
	size_t size = strlen(text), at = 0;

	while (at < size) {
		ssize_t n = pwrite(fd, text + at, size - at, (off_t)at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return ftruncate(fd, (off_t)size) ? -errno : 0;
}

int resolv_file_write(const char *text, const char *before, struct diag *d)
{
	int fd CLEANUP_FD = open(RESOLV_FILE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err = fd < 0 ? -errno : write_all(fd, text);

	if (!err)
		return 0;
	if (fd >= 0) /* a full disk: there is room for what was there */
		write_all(fd, before);
	return diag_sys(d, -err, "writing %s", RESOLV_FILE);
}

int resolv_file_replace(const char *expected, const char *text, struct diag *d)
{
	int fd CLEANUP_FD = open(RESOLV_FILE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err = fd < 0 ? -errno : holds(fd, expected);

	if (err > 0)
		return resolv_file_write(text, expected, d);
	if (!err && !(err = holds(fd, text)))
		return diag_set(d, ESTALE,
				"%s has been changed by somebody else since: it stays as it is",
				RESOLV_FILE);
	return err < 0 ? diag_sys(d, -err, "reading %s", RESOLV_FILE) : 0;
}
