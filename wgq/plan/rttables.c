/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/rttables.h"

#include <errno.h>
#include <glob.h>
#include <linux/rtnetlink.h>

/* Lines of "NUMBER NAME", the number in any C base; '#' starts a comment. */
static int find_in_file(uint32_t *table, const char *path, const char *name)
{
	FILE *file CLEANUP_FILE = fopen(path, "re");
	char line[512], number[32], word[256];

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long value;
		char *end;

		line[strcspn(line, "#\n")] = '\0';
		if (sscanf(line, "%31s %255s", number, word) != 2 || strcmp(word, name))
			continue;
		errno = 0;
		value = strtoul(number, &end, 0);
		if (errno || *end || value > UINT32_MAX)
			continue;
		*table = (uint32_t)value;
		return 0;
	}
	return -ENOENT;
}

int rttables_find(uint32_t *table, const char *name)
{
	static const char *const patterns[] = {
		"/etc/iproute2/rt_tables",
		"/etc/iproute2/rt_tables.d/*.conf",
		"/usr/share/iproute2/rt_tables",
		"/usr/share/iproute2/rt_tables.d/*.conf",
	};
	static const struct {
		const char *name;
		uint32_t table;
	} own[] = { { "default", RT_TABLE_DEFAULT },
		    { "main", RT_TABLE_MAIN },
		    { "local", RT_TABLE_LOCAL } };
	int err = -ENOENT;

	for (size_t i = 0; err && i < ARRAY_SIZE(patterns); i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found))
			continue;
		for (size_t j = 0; err && j < found.gl_pathc; j++)
			err = find_in_file(table, found.gl_pathv[j], name);
		globfree(&found);
	}
	for (size_t i = 0; err && i < ARRAY_SIZE(own); i++)
		if (!strcmp(own[i].name, name)) {
			*table = own[i].table;
			err = 0;
		}
	return err;
}
