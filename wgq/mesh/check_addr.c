/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose address is whose: one of two nodes, and one that the direct peer does not let through. */
#include "wgq/mesh/check_part.h"

/* --- what belongs together --- */

struct stranger {
	const struct key *key;
	size_t node;
};

static int by_key(const void *pa, const void *pb)
{
	const struct stranger *a = pa, *b = pb;

	return key_compare(a->key, b->key);
}

/* Nodes that links or a common stranger connect: addresses mean something only among these. */
static size_t *find_meshes(const struct check *k)
{
	size_t *sets = arena_alloc(k->arena, (k->m->nnodes + 1) * sizeof(*sets));
	struct stranger *strangers = NULL;
	size_t n = 0, capacity = 0;

	check_sets_init(sets, k->m->nnodes);
	for (size_t i = 0; i < k->m->nifaces; i++) {
		const struct mesh_iface *iface = &k->m->ifaces[i];

		for (size_t j = 0; j < iface->nlinks; j++) {
			const struct mesh_link *link = &iface->links[j];

			if (link->iface != MESH_NONE)
				check_sets_join(sets, iface->node, k->m->ifaces[link->iface].node);
			else
				*ARENA_PUSH(k->arena, strangers, n, capacity) = (struct stranger){
					&check_peer(k, i, link)->public_key, iface->node
				};
		}
	}
	if (n)
		qsort(strangers, n, sizeof(*strangers), by_key);
	for (size_t i = 1; i < n; i++)
		if (!by_key(&strangers[i - 1], &strangers[i]))
			check_sets_join(sets, strangers[i - 1].node, strangers[i].node);
	return sets;
}

/* --- duplicate-address --- */

struct owned {
	struct prefix addr; /* whole */
	size_t mesh, iface, index;
};

static int by_addr(const void *pa, const void *pb)
{
	const struct owned *a = pa, *b = pb;
	int order = prefix_compare(&a->addr, &b->addr);

	if (order)
		return order;
	if (a->mesh != b->mesh)
		return a->mesh < b->mesh ? -1 : 1;
	return (a->iface > b->iface) - (a->iface < b->iface);
}

struct owners {
	struct owned *v;
	size_t n, capacity;
};

static bool is_owned(const struct owners *o, const struct prefix *addr)
{
	size_t low = 0, high = o->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&o->v[middle].addr, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < o->n && !prefix_compare(&o->v[low].addr, addr);
}

/* The next address of the network that nobody has. */
static bool find_free(const struct owners *o, const struct prefix *taken, struct prefix *found)
{
	enum { TRIES = 65536 };
	struct prefix addr = *taken, whole;

	for (int i = 0; i < TRIES; i++) {
		size_t byte = family_bytes(addr.family);

		while (byte && !++addr.addr[byte - 1])
			byte--;
		whole = check_whole(addr);
		if (!prefix_contains(taken, &whole))
			return false;
		if (!is_owned(o, &whole) && addr.addr[family_bytes(addr.family) - 1] != UINT8_MAX) {
			*found = addr;
			return true;
		}
	}
	return false;
}

static struct place address_place(const struct check *k, const struct owned *o)
{
	return check_place(k, o->iface, k->m->ifaces[o->iface].config->addrs[o->index].at);
}

/* What the peers of the interface write of it has to follow. */
static void relate_followers(struct check *k, size_t finding, const struct owned *o)
{
	const struct mesh_iface *iface = &k->m->ifaces[o->iface];
	size_t shown = 0;

	for (size_t i = 0; i < iface->nlinks && shown < CHECK_RELATED_MAX; i++) {
		const struct mesh_link *link = &iface->links[i], *back;
		const struct wg_peer *peer;

		if (link->back == MESH_NONE)
			continue;
		back = &k->m->ifaces[link->iface].links[link->back];
		peer = check_peer(k, link->iface, back);
		for (size_t j = 0; j < peer->nallowed_ips; j++) {
			if (prefix_compare(&peer->allowed_ips[j].prefix, &o->addr))
				continue;
			finding_relate(
				k->f, finding,
				check_place(k, link->iface,
					    check_conf_peer(k, link->iface, back)->allowed_ip[j]),
				"this has to follow");
			shown++;
			break;
		}
	}
}

static void report_same_addr(struct check *k, const struct owners *o, const struct owned *run,
			     size_t n)
{
	const struct owned *last = &run[n - 1];
	const struct prefix *own = &k->m->ifaces[last->iface].config->addrs[last->index].prefix;
	size_t nodes = 1, i;
	char text[PREFIX_TEXT];
	struct prefix found;

	for (i = 1; i < n; i++)
		nodes += k->m->ifaces[run[i].iface].node != k->m->ifaces[run[i - 1].iface].node;
	if (nodes < 2)
		return;
	i = finding_add(k->f, FINDING_DUPLICATE_ADDRESS, address_place(k, last),
			"%s has the address %s, which is that of %s too",
			check_iface_name(k, last->iface), prefix_format_addr(text, &last->addr),
			check_iface_name(k, run[0].iface));
	for (size_t j = 0; j < n - 1 && j < CHECK_RELATED_MAX; j++)
		finding_relate(k->f, i, address_place(k, &run[j]), "it is given here");
	relate_followers(k, i, last);
	if (find_free(o, own, &found))
		finding_help(k->f, i,
			     "write Address = %s, which is free, and the same in the AllowedIPs "
			     "that others have for %s",
			     prefix_format(text, &found), check_iface_name(k, last->iface));
	else
		finding_help(k->f, i, "write an Address that nobody has");
	for (size_t j = 0; j < n; j++)
		k->bad_nodes[k->m->ifaces[run[j].iface].node] = true;
}

/* Each link has these for itself. */
static bool is_link_local(const struct prefix *addr)
{
	static const struct prefix blocks[] = {
		{ AF_INET, 16, { 169, 254 } },
		{ AF_INET6, 10, { 0xfe, 0x80 } },
	};

	return prefix_contains(&blocks[0], addr) || prefix_contains(&blocks[1], addr);
}

static void check_duplicates(struct check *k)
{
	size_t *meshes = find_meshes(k), run;
	struct owners o = { 0 };

	for (size_t i = 0; i < k->m->nifaces; i++) {
		const struct mesh_iface *iface = &k->m->ifaces[i];

		for (size_t j = 0; j < iface->config->naddrs; j++) {
			struct owned owned = { check_whole(iface->config->addrs[j].prefix),
					       check_set_of(meshes, iface->node), i, j };

			if (!is_link_local(&owned.addr))
				*ARENA_PUSH(k->arena, o.v, o.n, o.capacity) = owned;
		}
	}
	if (o.n)
		qsort(o.v, o.n, sizeof(*o.v), by_addr);
	for (size_t i = 0; i < o.n; i += run) {
		for (run = 1; i + run < o.n && o.v[i].mesh == o.v[i + run].mesh &&
			      !prefix_compare(&o.v[i].addr, &o.v[i + run].addr);)
			run++;
		report_same_addr(k, &o, o.v + i, run);
	}
}

/* --- address-not-allowed --- */

/* Has the other end to do with this family at all? "AllowedIPs = 0.0.0.0/0, ::/0" alone is no sign
 * of it. */
static bool speaks(const struct mesh_iface *iface, uint8_t family)
{
	const struct config *c = iface->config;

	for (size_t i = 0; i < c->naddrs; i++)
		if (c->addrs[i].prefix.family == family)
			return true;
	if (c->naddrs)
		return false;
	for (size_t i = 0; i < c->device.npeers; i++)
		for (size_t j = 0; j < c->device.peers[i].nallowed_ips; j++)
			if (c->device.peers[i].allowed_ips[j].prefix.family == family &&
			    c->device.peers[i].allowed_ips[j].prefix.len)
				return true;
	return false;
}

/* The Address that packets to the target start with. */
static size_t source_index(const struct config *c, const struct prefix *target)
{
	size_t first = MESH_NONE;

	for (size_t i = 0; i < c->naddrs; i++) {
		if (c->addrs[i].prefix.family != target->family)
			continue;
		if (prefix_contains(&c->addrs[i].prefix, target))
			return i;
		if (first == MESH_NONE)
			first = i;
	}
	return first;
}

/* Is Address number index what the other end sees packets come from? */
static bool is_source(const struct config *c, const struct config *other, size_t index)
{
	struct prefix anywhere = { .family = c->addrs[index].prefix.family };
	bool targets = false;

	for (size_t i = 0; i < other->naddrs; i++) {
		struct prefix target = check_whole(other->addrs[i].prefix);

		if (target.family != c->addrs[index].prefix.family)
			continue;
		targets = true;
		if (source_index(c, &target) == index)
			return true;
	}
	anywhere.len = family_bits(anywhere.family);
	return !targets && source_index(c, &anywhere) == index;
}

/* Does nobody let this address through? Strangers might. */
static bool is_held_by_none(const struct check *k, const struct mesh_iface *iface, size_t index)
{
	struct prefix addr = check_whole(iface->config->addrs[index].prefix);

	for (size_t i = 0; i < iface->nlinks; i++) {
		const struct mesh_link *link = &iface->links[i];

		if (link->iface == MESH_NONE)
			return false;
		if (link->back == MESH_NONE)
			continue;
		if (check_allows(check_peer(k, link->iface,
					    &k->m->ifaces[link->iface].links[link->back]),
				 &addr))
			return false;
	}
	return true;
}

static void report_not_allowed(struct check *k, size_t iface, const struct mesh_link *link,
			       size_t index)
{
	const struct mesh_iface *own = &k->m->ifaces[iface], *other = &k->m->ifaces[link->iface];
	const struct mesh_link *back = &other->links[link->back];
	struct prefix addr = check_whole(own->config->addrs[index].prefix);
	const char *name = check_iface_name(k, iface);
	const char *peer = check_iface_name(k, link->iface);
	char text[PREFIX_TEXT];
	size_t i = finding_add(k->f, FINDING_ADDRESS_NOT_ALLOWED,
			       check_allowed_place(k, link->iface, back),
			       "%s, the address of %s, is not in the AllowedIPs that %s has for "
			       "it, so %s drops what comes from there",
			       prefix_format_addr(text, &addr), name, peer, peer);

	finding_relate(k->f, i, check_place(k, iface, own->config->addrs[index].at),
		       "the address of %s", name);
	finding_help(k->f, i, "%s", check_line_more(k->f->arena, other->config, back->peer, &addr));
	k->bad_links[k->offset[link->iface] + link->back] = true;
}

static void check_allowed_at(struct check *k, size_t iface, size_t index)
{
	const struct mesh_iface *own = &k->m->ifaces[iface];
	struct prefix addr = check_whole(own->config->addrs[index].prefix);
	bool asked = false; /* whether nobody has it */

	for (size_t i = 0; i < own->nlinks; i++) {
		const struct mesh_link *link = &own->links[i];
		const struct mesh_iface *other;

		if (link->iface == MESH_NONE || link->back == MESH_NONE || link->iface == iface ||
		    k->is_broken[link->iface])
			continue;
		other = &k->m->ifaces[link->iface];
		if (check_allows(check_peer(k, link->iface, &other->links[link->back]), &addr) ||
		    !speaks(other, addr.family))
			continue;
		if (is_source(own->config, other->config, index)) {
			report_not_allowed(k, iface, link, index);
		} else if (!asked) {
			asked = true;
			if (is_held_by_none(k, own, index))
				report_not_allowed(k, iface, link, index);
		}
	}
}

void check_addresses(struct check *k)
{
	check_duplicates(k);
	for (size_t i = 0; i < k->m->nifaces; i++)
		for (size_t j = 0; j < k->m->ifaces[i].config->naddrs; j++)
			if (!is_link_local(&k->m->ifaces[i].config->addrs[j].prefix) &&
			    !k->bad_nodes[k->m->ifaces[i].node])
				check_allowed_at(k, i, j);
}
