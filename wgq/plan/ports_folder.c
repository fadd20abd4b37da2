/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other files with the same ListenPort. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "wgq/base/text.h"
#include "wgq/conf/lex.h"
#include "wgq/plan/ports_part.h"

/* Of a file that is looked at; an [Interface] section has some hundred bytes. */
enum { HEAD_MAX = 64 * 1024 };

/* --- one file --- */

/* The text before the first [Peer], as wg(8) knows it: blanks inside do not count. */
static struct str before_peers(struct str text, struct arena *a)
{
	char buf[SQUEEZE_SIZE];
	struct lexer lexer;
	struct line line;

	lexer_init(&lexer, text, lex_bom_bytes(text), a);
	while (lexer_next(&lexer, &line))
		if (lex_equal(lex_squeeze(a, buf, line.stripped), "[Peer]"))
			return (struct str){ text.p, line.start };
	return text;
}

/* The whole lines within the first HEAD_MAX bytes of a regular file; p NULL: it cannot be read. */
static struct str read_head(struct port_file *file, struct arena *a, const char *path)
{
	/* nothing that could block: another kind of file is none of WireGuard's */
	int fd CLEANUP_FD = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct str text = { NULL, 0 };
	struct stat st;
	char *head;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return text;
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	head = arena_alloc(a, HEAD_MAX);
	n = read(fd, head, HEAD_MAX);
	if (n < 0)
		return text;
	text = (struct str){ head, (size_t)n };
	while (n == HEAD_MAX && text.n && head[text.n - 1] != '\n')
		text.n--;
	return text;
}

/* The place in a copy of its line alone, because the rest of the file is not kept. */
static struct place keep_line(struct arena *a, const struct source *source, struct span at)
{
	const char *line = source->text.p + at.line_start;
	size_t left = source->text.n - at.line_start;
	const char *end = memchr(line, '\n', left);
	size_t n = end ? (size_t)(end - line) : left;
	struct source kept = { .path = source->path, .text = { arena_strndup(a, line, n), n } };

	at.line_start = 0;
	return source_place(&kept, at);
}

bool ports_read_file(struct port_file *file, struct arena *a, const char *path)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	struct findings ignored = { .arena = &scratch }; /* the faults of a file not asked for */
	struct source source = { .path = path };
	const struct config *c;

	*file = (struct port_file){ 0 };
	source.text = read_head(file, &scratch, path);
	if (!source.text.p)
		return false;
	source.text = before_peers(source.text, &scratch);
	c = config_parse(&scratch, &source, &ignored);
	if (!(c->device.flags & DEVICE_HAS_LISTEN_PORT) || !c->device.listen_port)
		return false;
	source.path = file->path = arena_strndup(a, path, strlen(path));
	file->port = c->device.listen_port;
	file->at = keep_line(a, &source, c->listen_port_at);
	return true;
}

/* --- the folder --- */

struct names {
	const char **v;
	size_t n, capacity;
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_config(const char *name)
{
	size_t n = strlen(name), suffix = strlen(".conf");

	return *name != '.' && n > suffix && !strcmp(name + n - suffix, ".conf");
}

/* The configuration files of a folder, sorted: what is said must not depend on the file system. */
static void list_folder(struct names *names, struct arena *a, const char *folder)
{
	DIR *dir CLEANUP(close_dir) = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_config(entry->d_name))
			*ARENA_PUSH(a, names->v, names->n, names->capacity) = arena_printf(
				a, "%s/%s", folder, entry->d_name);
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
}

static bool is_known(const struct ports *p, const struct stat *own, const struct port_file *file)
{
	if (file->dev == own->st_dev && file->ino == own->st_ino)
		return true;
	for (size_t i = 0; i < p->nfiles; i++)
		if (p->files[i].dev == file->dev && p->files[i].ino == file->ino)
			return true;
	return false;
}

void ports_read_folder(struct ports *p)
{
	const char *path = p->c->source.path, *slash = strrchr(path, '/');
	const char *folder = slash ? arena_strndup(p->arena, path, (size_t)(slash - path)) : ".";
	struct names names = { 0 };
	struct port_file file;
	struct stat own, st;

	if (stat(path, &own))
		return;
	list_folder(&names, p->arena, folder);
	for (size_t i = 0; i < names.n; i++) {
		/* our own file may be a large one */
		if (stat(names.v[i], &st) || (st.st_dev == own.st_dev && st.st_ino == own.st_ino) ||
		    !ports_read_file(&file, p->arena, names.v[i]))
			continue;
		ports_speak_for(p, file.port);
		if (file.port == p->port && !is_known(p, &own, &file))
			*ARENA_PUSH(p->arena, p->files, p->nfiles, p->files_capacity) = file;
	}
}

/* "wg1.conf", "wg1.conf and 2 more files". */
static const char *name_files(struct arena *a, const char *first, size_t n)
{
	char shown[256];

	text_escape(shown, sizeof(shown), (struct str){ first, strlen(first) });
	if (n == 1)
		return arena_printf(a, "%s", shown);
	return arena_printf(a, "%s and %zu more file%s", shown, n - 1, n > 2 ? "s" : "");
}

void ports_report_shared(struct ports *p)
{
	const struct port_file *others[PORTS_RELATED_MAX];
	uint16_t other_port;
	size_t n = 0, finding;

	for (size_t i = 0; i < p->nfiles; i++) {
		if (p->files[i].is_named)
			continue;
		if (n < PORTS_RELATED_MAX)
			others[n] = &p->files[i];
		n++;
	}
	if (!n)
		return;
	finding = finding_add(p->f, FINDING_PORT_SHARED, p->at,
			      "ListenPort %u is also that of %s in this folder, and only one "
			      "tunnel can have it",
			      p->port, name_files(p->arena, strrchr(others[0]->path, '/') + 1, n));
	for (size_t i = 0; i < n && i < PORTS_RELATED_MAX; i++)
		finding_relate(p->f, finding, others[i]->at, "the same port here");
	other_port = ports_suggest(p);
	if (other_port)
		finding_help(p->f, finding, "write ListenPort = %u in one of them", other_port);
}
