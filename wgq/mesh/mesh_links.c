/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has whom as a peer: a sorted table of the files' keys, and for each interface its peers' keys
 * looked up in it. */
#include "wgq/mesh/mesh_part.h"

/* A key of the files, and the first interface that has it. */
struct owner {
	struct key key;
	size_t iface;
};

/* A peer whose key no file has. */
struct stranger {
	const struct key *key;
	size_t peer;
};

struct linker {
	struct mesh *m;
	struct arena *arena;  /* for the time of linking */
	struct owner *owners; /* sorted by key, each once */
	size_t nowners;
	size_t *key_owner;  /* of each interface: the first with its key; MESH_NONE: no key */
	size_t *seen;       /* of each interface: a number more than its link's at hand; 0: none */
	size_t *peer_owner; /* of the interface at hand, for each peer; MESH_NONE: a stranger */
	bool *is_dropped;   /* for each peer: no link, or part of another */
	bool *has_endpoint; /* for each peer, earlier blocks included */
};

static int compare_owners(const void *pa, const void *pb)
{
	const struct owner *a = pa, *b = pb;
	int order = key_compare(&a->key, &b->key);

	return order ? order : (a->iface > b->iface) - (a->iface < b->iface);
}

static int compare_keys(const void *key, const void *owner)
{
	return key_compare(key, &((const struct owner *)owner)->key);
}

/* The first interface that has the key. */
static size_t find_owner(const struct linker *l, const struct key *key)
{
	const struct owner *found = l->nowners ? bsearch(key, l->owners, l->nowners,
							 sizeof(*l->owners), compare_keys)
					       : NULL;

	return found ? found->iface : MESH_NONE;
}

static void collect_owners(struct linker *l)
{
	const struct mesh *m = l->m;
	size_t n = 0;

	l->owners = arena_alloc(l->arena, m->nifaces * sizeof(*l->owners));
	for (size_t i = 0; i < m->nifaces; i++)
		if (m->ifaces[i].has_key)
			l->owners[n++] = (struct owner){ m->ifaces[i].public_key, i };
	if (n)
		qsort(l->owners, n, sizeof(*l->owners), compare_owners);
	for (size_t i = 0; i < n; i++)
		if (!l->nowners || key_compare(&l->owners[l->nowners - 1].key, &l->owners[i].key))
			l->owners[l->nowners++] = l->owners[i];
	for (size_t i = 0; i < m->nifaces; i++)
		l->key_owner[i] = m->ifaces[i].has_key ? find_owner(l, &m->ifaces[i].public_key)
						       : MESH_NONE;
}

/* --- the blocks of one interface --- */

/* The earlier block is part of the later, which has its Endpoint unless it says another. */
static void merge_blocks(struct linker *l, size_t earlier, size_t later)
{
	l->is_dropped[earlier] = true;
	l->has_endpoint[later] |= l->has_endpoint[earlier];
}

static int compare_strangers(const void *pa, const void *pb)
{
	const struct stranger *a = pa, *b = pb;
	int order = key_compare(a->key, b->key);

	return order ? order : (a->peer > b->peer) - (a->peer < b->peer);
}

static void merge_strangers(struct linker *l, const struct config *c)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	struct stranger *v = arena_alloc(&scratch, c->device.npeers * sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < c->device.npeers; i++)
		if (l->peer_owner[i] == MESH_NONE && !l->is_dropped[i])
			v[n++] = (struct stranger){ &c->device.peers[i].public_key, i };
	if (n)
		qsort(v, n, sizeof(*v), compare_strangers);
	for (size_t i = 1; i < n; i++)
		if (!key_compare(v[i - 1].key, v[i].key))
			merge_blocks(l, v[i - 1].peer, v[i].peer);
}

/* A device ignores its own key; a block without a key is none. */
static bool is_peer(const struct mesh_iface *iface, size_t i)
{
	const struct key *key = &iface->config->device.peers[i].public_key;

	return !key_is_zero(key) && (!iface->has_key || key_compare(key, &iface->public_key));
}

static void read_blocks(struct linker *l, const struct mesh_iface *iface)
{
	const struct config *c = iface->config;
	bool has_strangers = false;

	for (size_t i = 0; i < c->device.npeers; i++) {
		size_t owner = find_owner(l, &c->device.peers[i].public_key);

		l->peer_owner[i] = owner;
		l->is_dropped[i] = !is_peer(iface, i);
		l->has_endpoint[i] = c->peers[i].host != NULL;
		if (l->is_dropped[i])
			continue;
		has_strangers |= owner == MESH_NONE;
		if (owner == MESH_NONE)
			continue;
		if (l->seen[owner])
			merge_blocks(l, l->seen[owner] - 1, i);
		l->seen[owner] = i + 1;
	}
	for (size_t i = 0; i < c->device.npeers; i++)
		if (l->peer_owner[i] != MESH_NONE)
			l->seen[l->peer_owner[i]] = 0;
	if (has_strangers)
		merge_strangers(l, c);
}

static void make_links(struct linker *l, struct mesh_iface *iface)
{
	size_t npeers = iface->config->device.npeers, n = 0;

	read_blocks(l, iface);
	for (size_t i = 0; i < npeers; i++)
		n += !l->is_dropped[i];
	iface->links = arena_alloc(l->m->arena, n * sizeof(*iface->links));
	for (size_t i = 0; i < npeers; i++)
		if (!l->is_dropped[i])
			iface->links[iface->nlinks++] = (struct mesh_link){
				.peer = i,
				.iface = l->peer_owner[i],
				.back = MESH_NONE,
				.has_endpoint = l->has_endpoint[i],
			};
}

/* --- the way back --- */

/* The links that lead to each interface, one interface's after the other's. */
struct arrivals {
	size_t *first; /* of interface i; ends where that of i + 1 begins */
	struct mesh_link **links;
	uint32_t *from; /* whose they are */
};

static void count_arrivals(struct arrivals *to, const struct linker *l)
{
	const struct mesh *m = l->m;

	to->first = arena_alloc(l->arena, (m->nifaces + 2) * sizeof(*to->first));
	for (size_t i = 0; i < m->nifaces; i++)
		for (size_t k = 0; k < m->ifaces[i].nlinks; k++)
			if (m->ifaces[i].links[k].iface != MESH_NONE)
				to->first[m->ifaces[i].links[k].iface + 2]++;
	for (size_t i = 2; i <= m->nifaces + 1; i++)
		to->first[i] += to->first[i - 1];
}

/* Afterwards first[i] is where interface i's begin: filling moves what was at i + 1. */
static void collect_arrivals(struct arrivals *to, const struct linker *l)
{
	const struct mesh *m = l->m;
	size_t n;

	count_arrivals(to, l);
	n = to->first[m->nifaces + 1];
	to->links = arena_alloc(l->arena, n * sizeof(struct mesh_link *));
	to->from = arena_alloc(l->arena, n * sizeof(*to->from));
	for (size_t i = 0; i < m->nifaces; i++) {
		for (size_t k = 0; k < m->ifaces[i].nlinks; k++) {
			struct mesh_link *link = &m->ifaces[i].links[k];
			size_t at;

			if (link->iface == MESH_NONE)
				continue;
			at = to->first[link->iface + 1]++;
			to->links[at] = link;
			to->from[at] = (uint32_t)i;
		}
	}
}

static void mark_links(const struct linker *l, const struct mesh_iface *iface, bool set)
{
	for (size_t k = 0; k < iface->nlinks; k++)
		if (iface->links[k].iface != MESH_NONE)
			l->seen[iface->links[k].iface] = set ? k + 1 : 0;
}

static void find_way_back(const struct linker *l)
{
	const struct mesh *m = l->m;
	struct arrivals to;

	collect_arrivals(&to, l);
	for (size_t i = 0; i < m->nifaces; i++) {
		mark_links(l, &m->ifaces[i], true);
		for (size_t k = to.first[i]; k < to.first[i + 1]; k++) {
			size_t sender = l->key_owner[to.from[k]];

			if (sender != MESH_NONE && l->seen[sender])
				to.links[k]->back = l->seen[sender] - 1;
		}
		mark_links(l, &m->ifaces[i], false);
	}
}

void mesh_link(struct mesh *m)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	struct linker l = { .m = m, .arena = &scratch };
	size_t most = 0;

	for (size_t i = 0; i < m->nifaces; i++)
		if (m->ifaces[i].config->device.npeers > most)
			most = m->ifaces[i].config->device.npeers;
	l.key_owner = arena_alloc(&scratch, m->nifaces * sizeof(*l.key_owner));
	l.seen = arena_alloc(&scratch, m->nifaces * sizeof(*l.seen));
	l.peer_owner = arena_alloc(&scratch, most * sizeof(*l.peer_owner));
	l.is_dropped = arena_alloc(&scratch, most * sizeof(*l.is_dropped));
	l.has_endpoint = arena_alloc(&scratch, most * sizeof(*l.has_endpoint));
	collect_owners(&l);
	for (size_t i = 0; i < m->nifaces; i++)
		make_links(&l, &m->ifaces[i]);
	find_way_back(&l);
}
