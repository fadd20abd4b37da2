/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What check, trace and map share: reading a mesh from the words of the command line. They touch
 * nothing of the host but the files. */
#ifndef WGQ_CMD_MESHES_H
#define WGQ_CMD_MESHES_H

#include "wgq/cmd/cmd.h"
#include "wgq/mesh/pairs.h"

struct meshes {
	struct arena arena;
	struct findings findings; /* of reading the files */
	struct mesh mesh;
	struct routes *routes;
};

/*
 * Reads the files, folders and interfaces that the words name: an existing path wins, else it is an
 * interface, whose file is read. Returns EXIT_DONE, or EXIT_USAGE having said why. Close it even
 * then.
 */
int meshes_open(struct meshes *ms, char *const *words, size_t n);
void meshes_close(struct meshes *ms);

/* Prints to standard error what of the files could not be read. */
void meshes_complain(const struct meshes *ms);

/* Ends the command's output: EXIT_FAILED, having said why, if it cannot be written; else status. */
int meshes_flush(int status);

#endif
