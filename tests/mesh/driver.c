/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows what is found in a mesh, for the golden tests: no root, no kernel.
 *   driver PATH...
 * Exit status 1: errors were found; 2: a file could not be read.
 */
#include "wgq/mesh/check.h"

enum { PAIRS_MAX = 1000 };

int main(int argc, char **argv)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct findings f = { .arena = &arena };
	struct reach reach = { 0 };
	struct mesh mesh = { 0 };
	struct diag d = { 0 };
	struct routes *routes;

	if (mesh_read(&mesh, &arena, argv + 1, (size_t)argc - 1, &f, &d)) {
		fprintf(stderr, "%s\n", d.text);
		return 2;
	}
	for (size_t i = 0; i < mesh.nifaces; i++) {
		check_file(&f, mesh.ifaces[i].config);
		shell_check(&f, mesh.ifaces[i].config, mesh.ifaces[i].name);
	}
	routes = routes_new(&mesh);
	routes_reach(routes, &reach, PAIRS_MAX);
	check_mesh(&f, &mesh, routes, &reach);
	findings_print(stdout, &f);
	return findings_count(&f, SEV_ERROR) ? 1 : 0;
}
