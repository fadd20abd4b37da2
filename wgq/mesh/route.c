/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route.h"

#include "wgq/mesh/route_part.h"

enum { NO_LINK = UINT32_MAX };

/* --- the tables of an interface --- */

/* How a file's peers become links: blocks of one key are one. */
struct blocks {
	uint32_t *link;     /* by block; NO_LINK: the device ignores it */
	uint32_t *replaced; /* by link: the last block that empties it */
};

static uint32_t find_link(const struct mesh_iface *iface, const struct key *key)
{
	for (size_t i = 0; i < iface->nlinks; i++)
		if (!key_compare(&iface->config->device.peers[iface->links[i].peer].public_key,
				 key))
			return (uint32_t)i;
	return NO_LINK;
}

static void match_blocks(struct blocks *b, struct arena *a, const struct mesh *m, size_t at)
{
	const struct mesh_iface *iface = &m->ifaces[at];
	const struct wg_device *device = &iface->config->device;

	b->link = arena_alloc(a, (device->npeers + 1) * sizeof(*b->link));
	b->replaced = arena_alloc(a, (iface->nlinks + 1) * sizeof(*b->replaced));
	memset(b->link, 0xff, (device->npeers + 1) * sizeof(*b->link));
	for (size_t i = 0; i < iface->nlinks; i++)
		b->link[iface->links[i].peer] = (uint32_t)i;
	for (size_t i = 0; i < device->npeers; i++) {
		const struct wg_peer *peer = &device->peers[i];

		if (iface->has_key && !key_compare(&peer->public_key, &iface->public_key)) {
			b->link[i] = NO_LINK;
			continue;
		}
		if (b->link[i] == NO_LINK)
			b->link[i] = find_link(iface, &peer->public_key);
		if (b->link[i] != NO_LINK && peer->flags & PEER_REPLACE_ALLOWED_IPS)
			b->replaced[b->link[i]] = (uint32_t)i;
	}
}

static size_t collect_rows(struct table_row *rows, struct allowed_ref *refs,
			   const struct mesh_iface *iface, const struct blocks *b)
{
	const struct wg_device *device = &iface->config->device;
	size_t n = 0;

	for (size_t i = 0; i < device->npeers; i++) {
		for (size_t k = 0; k < device->peers[i].nallowed_ips; k++) {
			if (b->link[i] == NO_LINK)
				continue;
			refs[n] = (struct allowed_ref){ b->link[i], (uint32_t)i, (uint32_t)k };
			rows[n] = (struct table_row){
				.prefix = prefix_network(device->peers[i].allowed_ips[k].prefix),
				.value = (uint32_t)n,
			};
			n++;
		}
	}
	return n;
}

/* Of the entries of one prefix in the order of the file: who has it in the end? NULL: nobody. */
static const struct table_row *find_holder(const struct table_row *rows, size_t n,
					   const struct allowed_ref *refs,
					   const struct wg_device *device, const struct blocks *b)
{
	const struct table_row *holder = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct allowed_ref *ref = &refs[rows[i].value];

		if (!device->peers[ref->peer].allowed_ips[ref->entry].remove)
			holder = &rows[i];
		else if (holder && refs[holder->value].link == ref->link)
			holder = NULL;
	}
	return holder && b->replaced[refs[holder->value].link] <= refs[holder->value].peer ? holder
											   : NULL;
}

static void iface_init(struct routes *r, size_t at)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	const struct mesh_iface *iface = &r->mesh->ifaces[at];
	const struct wg_device *device = &iface->config->device;
	struct route_iface *out = &r->ifaces[at];
	struct table_row *rows;
	struct blocks b;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < device->npeers; i++)
		n += device->peers[i].nallowed_ips;
	rows = arena_alloc(r->mesh->arena, (n + 1) * sizeof(*rows));
	out->refs = arena_alloc(r->mesh->arena, (n + 1) * sizeof(*out->refs));
	match_blocks(&b, &scratch, r->mesh, at);
	n = collect_rows(rows, out->refs, iface, &b);
	table_sort(rows, n);
	for (size_t i = 0, end; i < n; i = end) {
		const struct table_row *holder;

		for (end = i + 1; end < n && !prefix_compare(&rows[i].prefix, &rows[end].prefix);)
			end++;
		holder = find_holder(&rows[i], end - i, out->refs, device, &b);
		if (holder)
			rows[kept++] = *holder;
	}
	table_init(&out->allowed, rows, kept);
}

/* --- addresses --- */

static void node_init(struct routes *r, size_t at)
{
	const struct mesh *m = r->mesh;
	const struct mesh_node *node = &m->nodes[at];
	struct route_node *out = &r->nodes[at];
	size_t n = 0;

	for (size_t i = 0; i < node->nifaces; i++)
		n += m->ifaces[node->ifaces[i]].config->naddrs;
	out->own = arena_alloc(m->arena, (n + 1) * sizeof(*out->own));
	for (size_t i = 0; i < node->nifaces; i++) {
		const struct config *c = m->ifaces[node->ifaces[i]].config;

		for (size_t k = 0; k < c->naddrs; k++)
			out->own[out->nown++] = (struct own_addr){
				.addr = c->addrs[k].prefix,
				.iface = (uint32_t)node->ifaces[i],
				.len = c->addrs[k].prefix.len,
			};
	}
	for (size_t i = 0; i < n; i++)
		out->own[i].addr.len = family_bits(out->own[i].addr.family);
	r->nowners += n;
}

static int compare_owners(const void *pa, const void *pb)
{
	const struct owner *a = pa, *b = pb;
	int order = prefix_compare(&a->addr, &b->addr);

	return order ? order : (a->node > b->node) - (a->node < b->node);
}

static void list_owners(struct routes *r)
{
	size_t n = 0;

	r->owners = arena_alloc(r->mesh->arena, (r->nowners + 1) * sizeof(*r->owners));
	for (size_t i = 0; i < r->mesh->nnodes; i++)
		for (size_t k = 0; k < r->nodes[i].nown; k++)
			r->owners[n++] = (struct owner){ r->nodes[i].own[k].addr, (uint32_t)i };
	if (n)
		qsort(r->owners, n, sizeof(*r->owners), compare_owners);
}

size_t owners_from(const struct routes *r, const struct prefix *addr)
{
	size_t low = 0, high = r->nowners;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefix_compare(&r->owners[middle].addr, addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct routes *routes_new(const struct mesh *m)
{
	struct routes *r = arena_alloc(m->arena, sizeof(*r));

	r->mesh = m;
	r->ifaces = arena_alloc(m->arena, (m->nifaces + 1) * sizeof(*r->ifaces));
	r->nodes = arena_alloc(m->arena, (m->nnodes + 1) * sizeof(*r->nodes));
	for (size_t i = 0; i < m->nifaces; i++)
		iface_init(r, i);
	for (size_t i = 0; i < m->nnodes; i++) {
		node_init(r, i);
		host_init(r, i);
	}
	list_owners(r);
	return r;
}
