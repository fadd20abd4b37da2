/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "wgq/base/log.h"
#include "wgq/cmd/cmd.h"
#include "wgq/conf/config.h"

int cmd_strip(const struct invocation *in)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct findings f = { .arena = &arena };
	char ifname[IFNAMSIZ], path[PATH_MAX];
	struct source source;
	struct diag d;
	int err;

	if (config_locate(ifname, path, in->argument, &d) ||
	    source_read(&source, &arena, path, &d)) {
		log_error("%s", d.text);
		return exit_usage(in);
	}
	if (source_is_world_accessible(&source))
		log_warn("%s is world accessible", path);
	err = config_strip(stdout, &source, &f);
	findings_print(stderr, &f);
	if (!err && fflush(stdout))
		err = -1;
	if (err && !f.n)
		log_error("cannot write the stripped file: %s", strerror(errno));
	return err ? EXIT_FAILED : EXIT_DONE;
}
