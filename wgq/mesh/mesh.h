/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many files, one mesh: hosts (nodes), their interfaces, and who has whom as a peer. A file belongs
 * to an interface, public keys tell which interface a [Peer] means. Nothing here looks at this host
 * or resolves a name; all but reading the files is pure.
 */
#ifndef WGQ_MESH_MESH_H
#define WGQ_MESH_MESH_H

#include "wgq/conf/notes.h"
#include "wgq/conf/shell.h"

#define MESH_NONE SIZE_MAX

/* A peer of an interface, as its device holds it in the end: blocks of one key are one link. */
struct mesh_link {
	size_t peer;  /* the last block of that key: index in config->device.peers */
	size_t iface; /* whose key that is; MESH_NONE: of no file, a stranger */
	/* that interface's link to this one's key, be it another's too: index in its links;
	 * MESH_NONE: none */
	size_t back;
	bool has_endpoint; /* this end can open it: a block of that key has an Endpoint */
};

struct mesh_iface {
	size_t node;
	char name[IFNAMSIZ]; /* the stem of its file's name, cut */
	const char *file;
	const struct config *config;
	struct notes notes;
	const struct note *peer_names; /* one for each of config->device.peers */
	struct key public_key;
	bool has_key; /* from PrivateKey, or "# PublicKey =" */
	struct mesh_link *links;
	size_t nlinks;
	struct shell_facts hooks;
	/* IPv4, IPv6: passes on what comes in by it */
	bool forwards[2];    /* to any interface of the host */
	bool forwards_in[2]; /* at least back into itself */
};

/* A host. Never one without an interface. */
struct mesh_node {
	const char *name; /* of each node another; as given, to be escaped where it is shown */
	const char *site; /* "# Site ="; NULL: not said */
	size_t *ifaces;
	size_t nifaces, ifaces_capacity;
};

struct mesh {
	struct arena *arena;
	struct mesh_iface *ifaces; /* in the order of the paths given, folders sorted by name */
	size_t nifaces, ifaces_capacity;
	struct mesh_node *nodes;
	size_t nnodes, nodes_capacity;
};

/*
 * Reads the files and the *.conf of folders (recursively, hidden ones not), and joins them. What
 * the files are found to be wrong in by themselves is added to f; a file with a syntax error takes
 * part with what can be read of it. Nodes: in a folder named among paths each file is a node; files
 * of one sub-folder, and files with one "# Name =", are interfaces of one. Names: "# Name =", else
 * the comment above [Interface], else the stem where all stems differ, else the folder, else the
 * path. Returns 0, or a negative errno recorded in d: a path that cannot be read, or no file at
 * all.
 */
int mesh_read(struct mesh *m, struct arena *a, char *const *paths, size_t n, struct findings *f,
	      struct diag *d);

/* The node of that name, or with that address of the tunnel; MESH_NONE: none. */
size_t mesh_find_node(const struct mesh *m, const char *name_or_address);

/* A name for a link in messages: the node's, else what a comment calls the peer, else the first
 * characters of its public key. */
const char *mesh_link_name(const struct mesh *m, const struct mesh_iface *iface,
			   const struct mesh_link *link, struct arena *a);

#endif
