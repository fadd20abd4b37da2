/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of mesh_read() share. */
#ifndef WGQ_MESH_MESH_PART_H
#define WGQ_MESH_MESH_PART_H

#include "wgq/mesh/mesh.h"

struct mesh_file {
	const char *path;
	const char *folder; /* files of one such folder are one node; NULL: a node by itself */
};

struct mesh_files {
	struct arena *arena;
	struct mesh_file *v;
	size_t n, capacity;
};

/*
 * Lists the files that paths name, each once: a path is a file, or a folder whose *.conf files are
 * taken, those of its sub-folders too, sorted by name. Returns 0 or a negative errno recorded in d:
 * a path that cannot be read, or no file at all.
 */
int mesh_files_list(struct mesh_files *files, char *const *paths, size_t n, struct diag *d);

/* The name of the file without folder and ".conf". */
struct str mesh_stem(const char *path);

/* Makes the links of all interfaces, whose keys are known. n log n in the number of peers. */
void mesh_link(struct mesh *m);

/* Makes the nodes of the interfaces; files[i] is that of interface i. */
void mesh_make_nodes(struct mesh *m, const struct mesh_files *files);

#endif
