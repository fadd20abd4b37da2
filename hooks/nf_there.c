/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/nf_there.h"

#include <limits.h>

#include "wgq/base/util.h"

static bool exists(const char *root, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return access(full, F_OK) == 0;
}

static FILE *open_text(const char *root, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	return fopen(full, "re");
}

/* The first line without its end; false if there is no such file. */
static bool read_line(char *line, size_t size, const char *root, const char *path)
{
	FILE *f CLEANUP_FILE = open_text(root, path);

	if (!f)
		return false;
	if (!fgets(line, (int)size, f))
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static bool has_line_with(FILE *f, const char *words)
{
	char *line CLEANUP_FREE = NULL;
	size_t size = 0;

	while (getline(&line, &size, f) >= 0)
		if (strstr(line, words))
			return true;
	return false;
}

static bool nothing_can_be_loaded(const char *root)
{
	char line[256];

	return !exists(root, "/proc/modules") ||
	       (read_line(line, sizeof(line), root, "/proc/sys/kernel/modules_disabled") &&
		!strcmp(line, "1")) ||
	       (read_line(line, sizeof(line), root, "/proc/sys/kernel/modprobe") && !*line);
}

static bool is_built_in(const char *root, const char *release)
{
	FILE *list CLEANUP_FILE = NULL, *symbols CLEANUP_FILE = NULL;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", release);
	list = open_text(root, path);
	if (list)
		return has_line_with(list, "/nf_tables.ko");
	symbols = open_text(root, "/proc/kallsyms");
	return symbols && has_line_with(symbols, " nft_register_chain_type\n");
}

bool nf_tables_can_be_asked(const char *root)
{
	char release[128];

	if (exists(root, "/sys/module/nf_tables"))
		return true;
	/* without /proc nothing is known: then nothing is asked */
	if (!read_line(release, sizeof(release), root, "/proc/sys/kernel/osrelease"))
		return false;
	return nothing_can_be_loaded(root) || is_built_in(root, release);
}
