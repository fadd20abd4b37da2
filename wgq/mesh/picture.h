/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mesh as it is drawn: nodes, sites, links between two nodes. What every format of `wgq map`
 * shows. Pure. */
#ifndef WGQ_MESH_PICTURE_H
#define WGQ_MESH_PICTURE_H

#include "wgq/mesh/pairs.h"

struct words {
	const char **v;
	size_t n, capacity;
};

struct picture_node {
	const char *name;       /* as in the mesh */
	struct words addresses; /* of the tunnel, without length */
	struct words endpoints; /* where others call it: host:port, each once */
	size_t site;            /* index in sites; MESH_NONE: none */
	size_t degree;          /* links */
	const char *port;       /* where all who call it do; NULL: nobody, or not all at one */
	bool has_ports;         /* it is called at several */
	bool is_relay;  /* a packet of others passes it, or dies there for want of forwarding */
	bool is_closed; /* such packets die there */
};

enum link_state {
	LINK_OPEN,      /* either end, or both, can open it */
	LINK_ONE_SIDED, /* the second node does not have the first as a peer */
	LINK_DEAD,      /* both have each other, and neither an Endpoint */
};

struct picture_link {
	enum link_state state;
	size_t node[2];
	size_t iface[2];
	bool opens[2];           /* node i has an Endpoint for the other */
	const char *endpoint[2]; /* that Endpoint, host:port; NULL: none */
	const char *port[2];     /* of node i, as the other calls it; NULL: not called */
};

struct picture_site {
	const char *name; /* "# Site ="; NULL: known from Endpoints only */
	size_t nnodes;
};

struct picture {
	struct arena *arena;
	const struct mesh *mesh;
	const struct reach *reach;
	const struct pair *pairs;   /* NULL: too many */
	struct picture_node *nodes; /* mesh->nnodes */
	struct picture_link *links;
	size_t nlinks, links_capacity;
	struct picture_site *sites;
	size_t nsites, sites_capacity;
};

/* Everything lives in the arena; mesh and reach are borrowed. n log n, but for the pairs. */
struct picture *picture_new(struct arena *a, const struct mesh *m, const struct routes *r,
			    const struct reach *reach);

/* Fills sites, and each node's site: "# Site =", a private address as Endpoint of one for the
 * other, one Endpoint address for both. */
void picture_find_sites(struct picture *p);

/* How a packet goes from one node to another. */
enum pair_mark { MARK_SELF, MARK_DIRECT, MARK_RELAYED, MARK_DEAD };
enum pair_mark picture_mark(const struct pair *pairs, size_t nnodes, size_t from, size_t to);

/* The three formats. */
void map_text(FILE *out, const struct picture *p);
void map_dot(FILE *out, const struct picture *p);
void map_mermaid(FILE *out, const struct picture *p);

/* The table of all pairs; a line that says why not, where there are too many. */
void map_matrix(FILE *out, const struct mesh *m, const struct pair *pairs);

#endif
