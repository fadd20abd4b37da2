/* SPDX-License-Identifier: GPL-2.0-or-later */
/* missing-keepalive: a node that a relay cannot reach by itself, and that does not keep the way
 * open. */
#include "wgq/mesh/check_part.h"

enum { TRIES = 16 }; /* nodes that might need the way; they are alike */

/* A prefix that a node sends to the relay. */
struct sent {
	struct prefix prefix;
	size_t node;
};

/* What others send to one relay, sorted; made when first needed. */
struct relay {
	struct sent *sent;
	size_t n, capacity;
	bool is_read;
};

static int by_prefix(const void *pa, const void *pb)
{
	const struct sent *a = pa, *b = pb;
	int order = prefix_compare(&a->prefix, &b->prefix);

	return order ? order : (a->node > b->node) - (a->node < b->node);
}

static void read_relay(const struct check *k, struct relay *relay, size_t node)
{
	const struct mesh_node *host = &k->m->nodes[node];

	relay->is_read = true;
	for (size_t i = 0; i < host->nifaces; i++) {
		const struct mesh_iface *iface = &k->m->ifaces[host->ifaces[i]];

		for (size_t j = 0; j < iface->nlinks; j++) {
			const struct mesh_link *link = &iface->links[j];
			const struct wg_peer *peer;

			if (link->iface == MESH_NONE || link->back == MESH_NONE)
				continue;
			peer = check_peer(k, link->iface,
					  &k->m->ifaces[link->iface].links[link->back]);
			for (size_t e = 0; e < peer->nallowed_ips; e++)
				*ARENA_PUSH(k->arena, relay->sent, relay->n, relay->capacity) =
					(struct sent){ prefix_network(peer->allowed_ips[e].prefix),
						       k->m->ifaces[link->iface].node };
		}
	}
	if (relay->n)
		qsort(relay->sent, relay->n, sizeof(*relay->sent), by_prefix);
}

static size_t first_of(const struct relay *relay, const struct prefix *prefix)
{
	size_t low = 0, high = relay->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&relay->sent[middle].prefix, prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Is the relay the last hop on the way from a node to the address? */
static bool passes(const struct check *k, size_t from, size_t relay, const struct prefix *addr)
{
	struct prefix source = routes_source(k->r, from, *addr);
	struct way way;

	if (!source.family)
		return false;
	routes_trace(k->r, &way, from, check_whole(source), *addr);
	return way.end == WAY_ARRIVES && way.n > 2 && way.hops[way.n - 2].node == relay;
}

/* A node that reaches the address by the relay only; MESH_NONE: none. */
static size_t find_sender(const struct check *k, const struct relay *relay, size_t through,
			  size_t own, const struct prefix *addr)
{
	size_t tries = TRIES;

	for (int len = addr->len; len >= 0; len--) {
		struct prefix p = *addr;

		p.len = (uint8_t)len;
		p = prefix_network(p);
		for (size_t i = first_of(relay, &p);
		     i < relay->n && tries && !prefix_compare(&relay->sent[i].prefix, &p); i++) {
			size_t node = relay->sent[i].node;

			if (node == own || node == through)
				continue;
			tries--;
			if (passes(k, node, through, addr))
				return node;
		}
	}
	return MESH_NONE;
}

static bool is_meant_to_be_reached(const struct check *k, size_t iface)
{
	const struct mesh_iface *own = &k->m->ifaces[iface];

	if (own->config->device.flags & DEVICE_HAS_LISTEN_PORT && own->config->device.listen_port)
		return true;
	for (size_t i = 0; i < own->nlinks; i++)
		if (check_peer(k, iface, &own->links[i])->keepalive)
			return true;
	return false;
}

static bool forwards(const struct mesh_iface *iface)
{
	return iface->forwards[0] || iface->forwards[1] || iface->forwards_in[0] ||
	       iface->forwards_in[1];
}

static void report(struct check *k, size_t iface, const struct mesh_link *link, size_t sender)
{
	const char *name = check_iface_name(k, iface), *relay = check_iface_name(k, link->iface);
	size_t i = finding_add(
		k->f, FINDING_MISSING_KEEPALIVE,
		check_place(k, iface, check_conf_peer(k, iface, link)->endpoint),
		"%s has no PersistentKeepalive for %s, by which %s reaches it: after a silence it "
		"cannot be reached",
		name, relay, check_node_name(k, sender));

	finding_relate(
		k->f, i,
		check_link_place(k, link->iface, &k->m->ifaces[link->iface].links[link->back]),
		"%s has no Endpoint for %s, and waits to hear from it", relay, name);
	finding_help(k->f, i, "write PersistentKeepalive = 25 in this [Peer]");
}

static void check_link(struct check *k, struct relay *relays, size_t iface,
		       const struct mesh_link *link)
{
	const struct mesh_iface *own = &k->m->ifaces[iface], *other;
	size_t through, sender = MESH_NONE;

	if (link->iface == MESH_NONE || link->back == MESH_NONE || !link->has_endpoint ||
	    check_peer(k, iface, link)->keepalive)
		return;
	other = &k->m->ifaces[link->iface];
	through = other->node;
	if (other->links[link->back].has_endpoint || !forwards(other) || through == own->node)
		return;
	if (!relays[through].is_read)
		read_relay(k, &relays[through], through);
	for (size_t i = 0; i < own->config->naddrs && sender == MESH_NONE; i++) {
		struct prefix addr = check_whole(own->config->addrs[i].prefix);

		sender = find_sender(k, &relays[through], through, own->node, &addr);
	}
	if (sender != MESH_NONE)
		report(k, iface, link, sender);
}

void check_keepalive(struct check *k)
{
	struct relay *relays = arena_alloc(k->arena, (k->m->nnodes + 1) * sizeof(*relays));

	for (size_t i = 0; i < k->m->nifaces; i++) {
		if (k->is_public[i] || !is_meant_to_be_reached(k, i))
			continue;
		for (size_t j = 0; j < k->m->ifaces[i].nlinks; j++)
			check_link(k, relays, i, &k->m->ifaces[i].links[j]);
	}
}
