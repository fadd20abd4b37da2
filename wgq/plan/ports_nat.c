/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two hosts behind one NAT on one port. A NAT keeps the source port of the first that comes and
 * gives the other one a random one, or the two take turns; a third node then sends to the wrong one
 * of them. One host sees: a peer on its own network, by whose address it also reaches peers
 * outside.
 */
#include <arpa/inet.h>

#include "wgq/kernel/rtnl.h"
#include "wgq/kernel/socks.h"
#include "wgq/plan/ports_part.h"

enum { KEY_SHOWN = 8 };

/* The address of the peer's endpoint, literal or resolved; family 0 if it has none of IPv4. */
static struct prefix peer_addr(const struct wg_peer *peer)
{
	struct prefix none = { 0 };

	if (!(peer->flags & PEER_HAS_ENDPOINT) || peer->endpoint.sa.sa_family != AF_INET)
		return none;
	return endpoint_addr(&peer->endpoint);
}

static bool is_candidate(const struct ports *p, const struct wg_peer *peer)
{
	struct prefix addr = peer_addr(peer);

	return prefix_is_private(&addr) && ntohs(peer->endpoint.in.sin_port) == p->port;
}

static bool has_candidate(const struct ports *p)
{
	const struct wg_device *device = &p->c->device;

	for (size_t i = 0; i < device->npeers; i++)
		if (is_candidate(p, &device->peers[i]))
			return true;
	return false;
}

/* An IPv4 address of this host with the length of its network. */
struct own_addr {
	struct prefix addr;
	const char *link;
};

struct own_addrs {
	struct own_addr *v;
	size_t n, capacity;
};

static int read_own(struct own_addrs *own, const struct ports *p)
{
	struct rtnl_links links = { .arena = p->arena };
	struct rtnl_addrs addrs = { .arena = p->arena };
	int err = rtnl_get_links(&p->h->rtnl, &links, p->d);

	for (size_t i = 0; i < links.n && !err; i++) {
		addrs.n = 0;
		err = rtnl_get_addrs(&p->h->rtnl, &addrs, links.v[i].index, p->d);
		for (size_t j = 0; j < addrs.n; j++)
			if (addrs.v[j].family == AF_INET)
				*ARENA_PUSH(p->arena, own->v, own->n, own->capacity) =
					(struct own_addr){ addrs.v[j], links.v[i].name };
	}
	return err;
}

static const struct own_addr *find_own(const struct own_addrs *own, const struct prefix *addr)
{
	for (size_t i = 0; i < own->n; i++)
		if (!memcmp(own->v[i].addr.addr, addr->addr, family_bytes(AF_INET)))
			return &own->v[i];
	return NULL;
}

/* The peers whose source ports meet in one NAT with ours. */
struct site {
	const struct own_addr *own; /* by which we reach the peer outside */
	size_t outside;             /* index of that peer */
	size_t *neighbours;         /* and of those on our own network with our port */
	size_t n, capacity;
};

static void find_neighbours(struct site *site, const struct ports *p, const struct own_addrs *own)
{
	const struct wg_device *device = &p->c->device;

	site->n = 0;
	for (size_t i = 0; i < device->npeers; i++) {
		struct prefix addr = peer_addr(&device->peers[i]);

		if (is_candidate(p, &device->peers[i]) &&
		    prefix_contains(&site->own->addr, &addr) && !find_own(own, &addr))
			*ARENA_PUSH(p->arena, site->neighbours, site->n, site->capacity) = i;
	}
}

/*
 * What counts is the address from which packets leave for the peer outside. If it is a public one,
 * this host is behind no NAT; if it lies on another network than the neighbour, nothing says that
 * the two share one.
 */
static bool find_site(struct site *site, const struct ports *p, const struct own_addrs *own)
{
	const struct wg_device *device = &p->c->device;
	const struct own_addr *searched = NULL;

	for (size_t i = 0; i < device->npeers; i++) {
		struct prefix addr = peer_addr(&device->peers[i]), source;

		if (!prefix_is_public(&addr) ||
		    socks_find_source(&source, &device->peers[i].endpoint))
			continue;
		site->own = find_own(own, &source);
		if (!site->own || site->own == searched)
			continue;
		find_neighbours(site, p, own);
		site->outside = i;
		if (site->n)
			return true;
		searched = site->own;
	}
	return false;
}

/* --- what is said of it --- */

static const char *peer_name(char name[KEY_BASE64_LEN + 1], const struct wg_peer *peer)
{
	key_to_base64(name, &peer->public_key);
	memcpy(name + KEY_SHOWN, "...", sizeof("..."));
	return name;
}

static void relate(struct ports *p, size_t finding, const struct site *site)
{
	const struct wg_peer *peers = p->c->device.peers;
	char addr[PREFIX_TEXT], text[PREFIX_TEXT];
	struct prefix network = prefix_network(site->own->addr), peer;

	for (size_t i = 0; i < site->n && i < PORTS_RELATED_MAX; i++) {
		peer = peer_addr(&peers[site->neighbours[i]]);
		finding_relate(
			p->f, finding,
			source_place(&p->c->source, p->c->peers[site->neighbours[i]].endpoint),
			"%s is on this host's own network, %s of %s",
			prefix_format_addr(addr, &peer), prefix_format(text, &network),
			site->own->link);
	}
	peer = peer_addr(&peers[site->outside]);
	finding_relate(p->f, finding,
		       source_place(&p->c->source, p->c->peers[site->outside].endpoint),
		       "%s is outside, and is sent to from %s", prefix_format_addr(addr, &peer),
		       prefix_format_addr(text, &site->own->addr));
}

static void report(struct ports *p, const struct site *site)
{
	const struct wg_device *device = &p->c->device;
	const struct wg_peer *neighbour = &device->peers[site->neighbours[0]];
	char name[KEY_BASE64_LEN + 1], outside[KEY_BASE64_LEN + 1], text[PREFIX_TEXT];
	struct prefix addr = peer_addr(neighbour);
	uint16_t other;
	size_t i;

	for (i = 0; i < device->npeers; i++) {
		struct prefix peer = peer_addr(&device->peers[i]);

		if (prefix_is_private(&peer))
			ports_speak_for(p, ntohs(device->peers[i].endpoint.in.sin_port));
	}
	i = finding_add(p->f, FINDING_NAT_PORT_CLASH, p->at,
			"peer %s at %s has port %u too: if the NAT before this network is one for "
			"both, it cannot keep the port of both towards peer %s",
			peer_name(name, neighbour), prefix_format_addr(text, &addr), p->port,
			peer_name(outside, &device->peers[site->outside]));
	relate(p, i, site);
	other = ports_suggest(p);
	if (other)
		finding_help(p->f, i,
			     "write ListenPort = %u, here and in the Endpoints that name this "
			     "host; or, if none does, delete the line",
			     other);
}

int ports_check_nat(struct ports *p)
{
	struct own_addrs own = { 0 };
	struct site site = { 0 };
	int err;

	if (!has_candidate(p))
		return 0;
	err = read_own(&own, p);
	if (!err && find_site(&site, p, &own))
		report(p, &site);
	return err;
}
