/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of checking share: names and places of what is found, and the lines to write. */
#ifndef WGQ_MESH_CHECK_PART_H
#define WGQ_MESH_CHECK_PART_H

#include "wgq/mesh/check.h"

enum {
	CHECK_RELATED_MAX = 3,  /* places of one kind that a finding shows */
	CHECK_ENTRIES_MAX = 16, /* of a line that is written out in a help text */
};

struct check {
	struct arena *arena; /* of the call: for what is thrown away after it */
	struct findings *f;
	const struct mesh *m;
	const struct routes *r;
	const struct reach *reach;
	size_t *offset; /* of each interface: of its first link among all links of the mesh */
	/*
	 * What other findings say already, so that pairs which fail by it are not told of again.
	 * bad_links: links whose peer's own address they do not allow; bad_nodes: two of one key or
	 * address.
	 */
	bool *bad_links, *bad_nodes;
	bool *is_broken; /* by interface: its file has faults, and may lack what they hide */
	bool *is_public; /* by interface: somebody has an Endpoint for it on the internet */
};

/* Names for messages, escaped; they live as long as the findings. An interface is called by its
 * node, and by its own name too where the node has several. */
const char *check_shown(struct findings *f, const char *text);
const char *check_node_name(const struct check *k, size_t node);
const char *check_iface_name(const struct check *k, size_t iface);
const char *check_link_name(const struct check *k, size_t iface, const struct mesh_link *link);

/* " in D/wg0.conf" */
const char *check_in_file(struct findings *f, const struct config *c);

/* The two halves of a link: what its device is told, and where that stands. */
const struct wg_peer *check_peer(const struct check *k, size_t iface, const struct mesh_link *link);
const struct conf_peer *check_conf_peer(const struct check *k, size_t iface,
					const struct mesh_link *link);

/* Places: a span of the interface's file; its [Interface] line; the PublicKey of a link; its last
 * AllowedIPs line, or PublicKey where there is none. */
struct place check_place(const struct check *k, size_t iface, struct span at);
struct place check_interface_place(const struct check *k, size_t iface);
struct place check_link_place(const struct check *k, size_t iface, const struct mesh_link *link);
struct place check_allowed_place(const struct check *k, size_t iface, const struct mesh_link *link);

/*
 * What to make of an AllowedIPs line of a peer: the line of the entry, less that entry; or the last
 * line of the peer with one prefix more. "write AllowedIPs = ..." and the like, living in the
 * arena.
 */
const char *check_line_less(struct arena *a, const struct config *c, size_t peer, size_t entry);
const char *check_line_more(struct arena *a, const struct config *c, size_t peer,
			    const struct prefix *more);

/* An address of the tunnel with its whole length. */
struct prefix check_whole(struct prefix p);

/* Does the peer's block of AllowedIPs hold p? */
bool check_allows(const struct wg_peer *peer, const struct prefix *p);

/* A port of an Endpoint or a "# Endpoint =", digits; 0: it is none. */
uint16_t check_port(const char *digits);

/* Splits "host:port" or "[host]:port"; false: it is none. host is NUL-terminated in the arena. */
bool check_split_endpoint(struct arena *a, const char *text, const char **host, uint16_t *port);

/* The port of a link's Endpoint; 0: it has none, or one that is given by a name. */
uint16_t check_endpoint_port(const struct conf_peer *peer);

/* Does the Endpoint of a link lead into the internet? One that is given by a name is taken to. */
bool check_leads_outside(const struct wg_peer *peer, const struct conf_peer *conf);

/* The address of an Endpoint that is a literal one; family 0: it is none. */
struct prefix check_endpoint_addr(const struct wg_peer *peer);

/* Sets of things that belong together (union and find). */
void check_sets_init(size_t *sets, size_t n);
size_t check_set_of(size_t *sets, size_t i);
void check_sets_join(size_t *sets, size_t i, size_t j);

/* The parts of check_mesh(). */
void check_keys(struct check *k);      /* duplicate-key */
void check_addresses(struct check *k); /* duplicate-address, address-not-allowed */
void check_links(struct check *k);     /* one-sided-peer, unknown-peer, psk-, mtu-mismatch */
void check_ports(struct check *k);     /* endpoint-port-mismatch */
void check_nat(struct check *k);       /* nat-port-clash */
void check_keepalive(struct check *k); /* missing-keepalive */
void check_pairs(struct check *k);     /* what keeps pairs from talking */

#endif
