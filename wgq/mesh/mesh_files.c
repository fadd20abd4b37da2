/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files the arguments name. */
#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <sys/stat.h>

#include "wgq/mesh/mesh_part.h"

struct identity {
	dev_t dev;
	ino_t ino;
};

struct finder {
	struct mesh_files *files;
	void *seen; /* tsearch(3) of struct identity: files and folders, which also ends loops */
};

struct found_path {
	const char *path;
	struct stat st;
};

struct found_paths {
	struct found_path *v;
	size_t n, capacity;
};

static int compare_identities(const void *pa, const void *pb)
{
	const struct identity *a = pa, *b = pb;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return (a->ino > b->ino) - (a->ino < b->ino);
}

static void keep(void *node)
{
	(void)node; /* the arena has it */
}

static void free_finder(struct finder *finder)
{
	tdestroy(finder->seen, keep);
}

/* Is this the first time? */
static bool mark_seen(struct finder *finder, const struct stat *st)
{
	struct identity *id = arena_alloc(finder->files->arena, sizeof(*id));
	struct identity **found;

	*id = (struct identity){ st->st_dev, st->st_ino };
	found = (struct identity **)tsearch(id, &finder->seen, compare_identities);
	return !found || *found == id;
}

static void add_file(struct finder *finder, const struct found_path *entry, const char *folder)
{
	struct mesh_files *files = finder->files;

	if (mark_seen(finder, &entry->st))
		*ARENA_PUSH(files->arena, files->v, files->n,
			    files->capacity) = (struct mesh_file){ entry->path, folder };
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct found_path *)a)->path, ((const struct found_path *)b)->path);
}

static bool is_config(const char *name)
{
	size_t n = strlen(name), suffix = strlen(".conf");

	return n > suffix && !strcmp(name + n - suffix, ".conf");
}

static const char *path_in(struct arena *a, const char *folder, const char *name)
{
	size_t n = strlen(folder);

	while (n > 1 && folder[n - 1] == '/')
		n--;
	if (n == 1 && *folder == '.')
		return arena_strndup(a, name, strlen(name));
	return arena_printf(a, "%.*s%s%s", (int)n, folder, *folder == '/' && n == 1 ? "" : "/",
			    name);
}

/* Takes a folder's entry that is a folder or a configuration file. Other kinds of files than
 * regular ones could block, and are none of WireGuard's. */
static int add_entry(struct found_paths *entries, struct arena *a, DIR *dir, const char *folder,
		     const char *name, struct diag *d)
{
	struct stat st;

	if (*name == '.')
		return 0;
	if (fstatat(dirfd(dir), name, &st, 0))
		return is_config(name) ? diag_sys(d, errno, "open %s", path_in(a, folder, name))
				       : 0;
	if (S_ISDIR(st.st_mode) || (S_ISREG(st.st_mode) && is_config(name)))
		*ARENA_PUSH(a, entries->v, entries->n, entries->capacity) =
			(struct found_path){ path_in(a, folder, name), st };
	return 0;
}

static int read_folder(struct found_paths *entries, struct arena *a, const char *folder,
		       struct diag *d)
{
	DIR *dir CLEANUP(close_dir) = opendir(folder);
	const struct dirent *entry;
	int err;

	if (!dir)
		return diag_sys(d, errno, "open %s", folder);
	while (errno = 0, (entry = readdir(dir))) {
		err = add_entry(entries, a, dir, folder, entry->d_name, d);
		if (err)
			return err;
	}
	if (errno)
		return diag_sys(d, errno, "read %s", folder);
	if (entries->n)
		qsort(entries->v, entries->n, sizeof(*entries->v), by_path);
	return 0;
}

/* is_named: on the command line, where each file is a node. */
static int add_folder(struct finder *finder, const struct found_path *folder, bool is_named,
		      struct diag *d)
{
	struct found_paths entries = { 0 };
	int err;

	if (!mark_seen(finder, &folder->st))
		return 0;
	err = read_folder(&entries, finder->files->arena, folder->path, d);
	for (size_t i = 0; !err && i < entries.n; i++) {
		if (S_ISDIR(entries.v[i].st.st_mode))
			err = add_folder(finder, &entries.v[i], false, d);
		else
			add_file(finder, &entries.v[i], is_named ? NULL : folder->path);
	}
	return err;
}

int mesh_files_list(struct mesh_files *files, char *const *paths, size_t n, struct diag *d)
{
	struct finder finder CLEANUP(free_finder) = { .files = files };
	int err;

	for (size_t i = 0; i < n; i++) {
		struct found_path entry = { .path = paths[i] };

		if (stat(paths[i], &entry.st))
			return diag_sys(d, errno, "open %s", paths[i]);
		if (!S_ISDIR(entry.st.st_mode)) {
			add_file(&finder, &entry, NULL);
			continue;
		}
		err = add_folder(&finder, &entry, true, d);
		if (err)
			return err;
	}
	if (!files->n)
		return diag_set(d, ENOENT, "there is no *.conf file%s%s", n == 1 ? " in " : "",
				n == 1 ? paths[0] : "");
	return 0;
}
