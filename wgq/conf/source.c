/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "wgq/conf/keys.h"

/* Places are 32 bits; nobody writes such a file by intent. */
enum { SOURCE_MAX = 1 << 30, CHUNK = 64 * 1024 };

/* The mode of the folder that really holds the file, or 0. */
static unsigned folder_mode(const char *path)
{
	char *canonical CLEANUP_FREE = realpath(path, NULL);
	struct stat st;
	char *slash;

	if (!canonical)
		return 0;
	slash = strrchr(canonical, '/');
	slash[slash == canonical] = '\0';
	return stat(canonical, &st) ? 0 : st.st_mode;
}

/* Reads up to size bytes; less only at the end of the file. Returns how many, or a negative errno.
 */
static ssize_t read_full(int fd, char *to, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, to + n, size - n);

		if (got < 0)
			return -errno;
		if (!got)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

struct chunk {
	struct chunk *next;
	size_t n;
	char data[CHUNK];
};

/* A pipe's length is known at its end only: chunks first, then one piece. */
static int read_stream(struct str *text, struct arena *a, int fd)
{
	struct chunk *first = NULL, **end = &first;
	char *all;
	size_t n = 0;

	for (;;) {
		struct chunk *c = arena_alloc(a, sizeof(*c));
		ssize_t got = read_full(fd, c->data, CHUNK);

		if (got < 0)
			return (int)got;
		*end = c;
		end = &c->next;
		c->n = (size_t)got;
		n += c->n;
		if (n > SOURCE_MAX)
			return -EFBIG;
		if (got < CHUNK)
			break;
	}
	*text = (struct str){ all = arena_alloc(a, n + 1), n };
	for (const struct chunk *c = first; c; c = c->next, all += CHUNK)
		memcpy(all, c->data, c->n);
	return 0;
}

/* A file that shrinks meanwhile is taken as far as it goes. */
static int read_regular(struct str *text, struct arena *a, int fd, size_t size)
{
	char *all;
	ssize_t got;

	if (size > SOURCE_MAX)
		return -EFBIG;
	all = arena_alloc(a, size + 1);
	got = read_full(fd, all, size);
	if (got < 0)
		return (int)got;
	*text = (struct str){ all, (size_t)got };
	return 0;
}

int source_read(struct source *s, struct arena *a, const char *path, struct diag *d)
{
	int fd CLEANUP_FD = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return diag_sys(d, errno, "open %s", path);
	if (S_ISDIR(st.st_mode))
		return diag_set(d, EISDIR, "%s is a folder, not a file", path);
	*s = (struct source){
		.path = arena_strndup(a, path, strlen(path)),
		.mode = st.st_mode,
		.folder_mode = folder_mode(path),
	};
	if (S_ISREG(st.st_mode) && st.st_size)
		err = read_regular(&s->text, a, fd, (size_t)st.st_size);
	else /* also the files of /proc, whose size is 0 */
		err = read_stream(&s->text, a, fd);
	return err ? diag_sys(d, -err, "read %s", path) : 0;
}

bool source_is_world_accessible(const struct source *s)
{
	return (s->mode & s->folder_mode & S_IRWXO) != 0;
}

struct place source_line_place(const struct source *s, const struct line *line, struct str part)
{
	struct span at = line_span(line, part);
	struct place place = {
		.file = s->path,
		.line = at.line,
		.column = at.column,
		.length = at.length,
		.text = line->raw,
	};

	keys_hide(line, &place);
	return place;
}

struct place source_place(const struct source *s, struct span at)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	struct place place = {
		.file = s->path,
		.line = at.line,
		.column = at.column,
		.length = at.length,
	};
	struct str text = { s->text.p + at.line_start, s->text.n - at.line_start };
	struct lexer lexer;
	struct line line;
	const char *end;

	if (!at.line)
		return place;
	end = memchr(text.p, '\n', text.n);
	if (end)
		text.n = (size_t)(end + 1 - text.p);
	lexer_init(&lexer, text, at.line_start ? 0 : lex_bom_bytes(text), &scratch);
	if (!lexer_next(&lexer, &line))
		return place;
	place.text = line.raw;
	keys_hide(&line, &place);
	return place;
}
