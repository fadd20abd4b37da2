/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/cmd/meshes.h"

#include <errno.h>

#include "wgq/base/log.h"
#include "wgq/mesh/report.h"

/* The path that a word means, in the arena; NULL: none, recorded in d. */
static char *path_of(struct arena *a, const char *word, struct diag *d)
{
	char ifname[IFNAMSIZ], path[PATH_MAX];

	if (!access(word, F_OK))
		return arena_strndup(a, word, strlen(word));
	if (config_locate(ifname, path, word, d))
		return NULL;
	return arena_strndup(a, path, strlen(path));
}

int meshes_open(struct meshes *ms, char *const *words, size_t n)
{
	char **paths;
	struct diag d;

	*ms = (struct meshes){ 0 };
	ms->findings.arena = &ms->arena;
	paths = arena_alloc(&ms->arena, (n + 1) * sizeof(*paths));
	for (size_t i = 0; i < n; i++) {
		paths[i] = path_of(&ms->arena, words[i], &d);
		if (!paths[i]) {
			log_error("%s", d.text);
			return EXIT_USAGE;
		}
	}
	if (mesh_read(&ms->mesh, &ms->arena, paths, n, &ms->findings, &d)) {
		log_error("%s", d.text);
		return EXIT_USAGE;
	}
	ms->routes = routes_new(&ms->mesh);
	return EXIT_DONE;
}

void meshes_close(struct meshes *ms)
{
	arena_fini(&ms->arena);
}

void meshes_complain(const struct meshes *ms)
{
	struct findings errors = report_select(&ms->findings, SEV_ERROR);

	findings_print(stderr, &errors);
}

int meshes_flush(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	log_error("cannot write to standard output: %s", strerror(errno));
	return EXIT_FAILED;
}
