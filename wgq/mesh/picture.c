/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/picture.h"

static void add_word(struct arena *a, struct words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->v[i], word))
			return;
	*ARENA_PUSH(a, w->v, w->n, w->capacity) = word;
}

/* host:port of a peer's Endpoint; NULL: none. */
static const char *format_endpoint(struct arena *a, const struct config *c, size_t peer)
{
	const struct conf_peer *conf = &c->peers[peer];

	if (!conf->host)
		return NULL;
	if (strchr(conf->host, ':'))
		return arena_printf(a, "[%s]:%s", conf->host, conf->service);
	return arena_printf(a, "%s:%s", conf->host, conf->service);
}

static void describe_nodes(struct picture *p)
{
	for (size_t i = 0; i < p->mesh->nifaces; i++) {
		const struct mesh_iface *iface = &p->mesh->ifaces[i];
		struct picture_node *node = &p->nodes[iface->node];
		char text[PREFIX_TEXT];

		for (size_t j = 0; j < iface->config->naddrs; j++) {
			prefix_format_addr(text, &iface->config->addrs[j].prefix);
			add_word(p->arena, &node->addresses,
				 arena_strndup(p->arena, text, strlen(text)));
		}
		if (iface->notes.endpoint.text)
			add_word(p->arena, &node->endpoints, iface->notes.endpoint.text);
	}
}

static void note_port(struct picture_node *node, const char *port)
{
	if (node->port && strcmp(node->port, port) != 0)
		node->has_ports = true;
	node->port = node->has_ports ? NULL : port;
}

/* One end of a link: what node[end] says of the other. */
static void describe_end(struct picture *p, struct picture_link *drawn, size_t end,
			 const struct mesh_iface *iface, const struct mesh_link *link)
{
	const struct conf_peer *conf = &iface->config->peers[link->peer];
	struct picture_node *other = &p->nodes[drawn->node[!end]];
	const char *endpoint = format_endpoint(p->arena, iface->config, link->peer);

	drawn->opens[end] = link->has_endpoint;
	drawn->endpoint[end] = endpoint;
	if (!endpoint)
		return;
	drawn->port[!end] = conf->service;
	note_port(other, conf->service);
	add_word(p->arena, &other->endpoints, endpoint);
}

static void draw_link(struct picture *p, size_t i, const struct mesh_link *link)
{
	const struct mesh_iface *ifaces = p->mesh->ifaces;
	const struct mesh_iface *other = &ifaces[link->iface];
	struct picture_link *drawn = ARENA_PUSH(p->arena, p->links, p->nlinks, p->links_capacity);

	*drawn = (struct picture_link){ .node = { ifaces[i].node, other->node },
					.iface = { i, link->iface },
					.state = LINK_ONE_SIDED };
	describe_end(p, drawn, 0, &ifaces[i], link);
	if (link->back != MESH_NONE) {
		describe_end(p, drawn, 1, other, &other->links[link->back]);
		drawn->state = drawn->opens[0] || drawn->opens[1] ? LINK_OPEN : LINK_DEAD;
	}
	p->nodes[drawn->node[0]].degree++;
	p->nodes[drawn->node[1]].degree++;
}

/* A link that both ends have is drawn once, from the interface that comes first. */
static void draw_links(struct picture *p)
{
	for (size_t i = 0; i < p->mesh->nifaces; i++) {
		const struct mesh_iface *iface = &p->mesh->ifaces[i];

		for (size_t j = 0; j < iface->nlinks; j++) {
			const struct mesh_link *link = &iface->links[j];

			if (link->iface == MESH_NONE || link->iface == i ||
			    (link->back != MESH_NONE && link->iface < i))
				continue;
			draw_link(p, i, link);
		}
	}
}

/* Where there are too many pairs to look at, a node that passes on and has two links to do it
 * between. */
static void guess_relays(struct picture *p)
{
	for (size_t i = 0; i < p->mesh->nifaces; i++) {
		const struct mesh_iface *iface = &p->mesh->ifaces[i];
		struct picture_node *node = &p->nodes[iface->node];

		node->is_relay |= node->degree > 1 &&
				  (iface->forwards[0] || iface->forwards[1] ||
				   iface->forwards_in[0] || iface->forwards_in[1]);
	}
}

static void find_relays(struct picture *p)
{
	size_t n = p->mesh->nnodes;

	if (!p->pairs) {
		guess_relays(p);
		return;
	}
	for (size_t i = 0; i < n * n; i++)
		for (size_t j = 1; j + 1 < p->pairs[i].n; j++)
			p->nodes[p->pairs[i].path[j]].is_relay = true;
	for (size_t i = 0; i < p->reach->nbad; i++) {
		const struct bad_pair *bad = &p->reach->bad[i];

		if (bad->end != WAY_NOT_FORWARDED)
			continue;
		p->nodes[bad->at].is_relay = true;
		p->nodes[bad->at].is_closed = true;
	}
}

struct picture *picture_new(struct arena *a, const struct mesh *m, const struct routes *r,
			    const struct reach *reach)
{
	struct picture *p = arena_alloc(a, sizeof(*p));

	*p = (struct picture){ .arena = a, .mesh = m, .reach = reach };
	p->pairs = pairs_new(a, m, r, reach);
	p->nodes = arena_alloc(a, (m->nnodes + 1) * sizeof(*p->nodes));
	for (size_t i = 0; i < m->nnodes; i++)
		p->nodes[i] = (struct picture_node){ .name = m->nodes[i].name, .site = MESH_NONE };
	describe_nodes(p);
	draw_links(p);
	find_relays(p);
	picture_find_sites(p);
	return p;
}

enum pair_mark picture_mark(const struct pair *pairs, size_t nnodes, size_t from, size_t to)
{
	const struct pair *pair = &pairs[from * nnodes + to];

	if (from == to)
		return MARK_SELF;
	if (!pair->ok)
		return MARK_DEAD;
	return pair->n > 2 ? MARK_RELAYED : MARK_DIRECT;
}
