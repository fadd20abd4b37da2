/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows what the configuration layer makes of files, for the golden tests.
 *   driver print|secrets|strip FILE   what config_print() or config_strip() writes
 *   driver locate ARG                 the interface and path that up, down and strip would take
 * Findings go to standard error; with SHOW_ACCESS set also whether the file is world accessible,
 * with SHOW_COST the microseconds of processor and kilobytes of memory spent. Exit status 1: there
 * are errors; 2: the file could not be read.
 */
#include <sys/resource.h>

#include "wgq/conf/config.h"

static void show_cost(void)
{
	struct rusage spent;

	getrusage(RUSAGE_SELF, &spent);
	fprintf(stderr, "%lld %ld\n",
		1000000LL * (spent.ru_utime.tv_sec + spent.ru_stime.tv_sec) +
			spent.ru_utime.tv_usec + spent.ru_stime.tv_usec,
		spent.ru_maxrss);
}

static int fail(const struct diag *d)
{
	fprintf(stderr, "%s\n", d->text);
	return 2;
}

static int locate(const char *arg)
{
	char ifname[IFNAMSIZ], path[PATH_MAX];
	struct diag d = { 0 };

	if (config_locate(ifname, path, arg, &d))
		return fail(&d);
	printf("%s %s\n", ifname, path);
	return 0;
}

int main(int argc, char **argv)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct findings f = { .arena = &arena };
	struct source source;
	struct diag d = { 0 };

	if (argc != 3)
		return 2;
	if (!strcmp(argv[1], "locate"))
		return locate(argv[2]);
	if (source_read(&source, &arena, argv[2], &d))
		return fail(&d);
	if (source_is_world_accessible(&source) && getenv("SHOW_ACCESS"))
		fputs("world accessible\n", stderr);
	if (!strcmp(argv[1], "strip")) {
		config_strip(stdout, &source, &f);
	} else {
		const struct config *c = config_parse(&arena, &source, &f);

		if (!findings_count(&f, SEV_ERROR))
			config_print(stdout, c, !strcmp(argv[1], "secrets"));
	}
	findings_print(stderr, &f);
	if (getenv("SHOW_COST"))
		show_cost();
	return findings_count(&f, SEV_ERROR) ? 1 : 0;
}
