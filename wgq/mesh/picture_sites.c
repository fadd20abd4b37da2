/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which nodes share a site. */
#include "wgq/mesh/groups.h"
#include "wgq/mesh/picture.h"

/* A claim that two nodes share something: nodes with equal text are of one site. */
struct claim {
	const char *text;
	size_t node;
};

struct search {
	struct picture *p;
	size_t *groups;
	const char **name; /* of each leader's site; NULL: not said */
	struct claim *claims;
	size_t nclaims, claims_capacity;
};

/* What the files call two sites stays two, whatever else is found. */
static void join(struct search *s, size_t a, size_t b)
{
	const char *first = s->name[groups_leader(s->groups, a)];
	const char *second = s->name[groups_leader(s->groups, b)];

	if (first && second && strcmp(first, second) != 0)
		return;
	groups_join(s->groups, a, b);
	s->name[groups_leader(s->groups, a)] = first ? first : second;
}

static void add_claim(struct search *s, const char *text, size_t node)
{
	struct claim *c = ARENA_PUSH(s->p->arena, s->claims, s->nclaims, s->claims_capacity);

	*c = (struct claim){ text, node };
}

static int compare_claims(const void *pa, const void *pb)
{
	const struct claim *a = pa, *b = pb;
	int order = strcmp(a->text, b->text);

	return order ? order : (a->node > b->node) - (a->node < b->node);
}

static void join_claims(struct search *s)
{
	if (s->nclaims)
		qsort(s->claims, s->nclaims, sizeof(*s->claims), compare_claims);
	for (size_t i = 1; i < s->nclaims; i++)
		if (!strcmp(s->claims[i].text, s->claims[i - 1].text))
			join(s, s->claims[i].node, s->claims[i - 1].node);
	s->nclaims = 0;
}

static bool is_private(const struct wg_peer *peer)
{
	struct prefix addr;

	if (!(peer->flags & PEER_HAS_ENDPOINT))
		return false;
	addr = endpoint_addr(&peer->endpoint);
	return prefix_is_private(&addr);
}

static void look_at_link(struct search *s, const struct mesh_iface *iface,
			 const struct mesh_link *link)
{
	const struct config *c = iface->config;
	size_t other;

	if (link->iface == MESH_NONE || !c->peers[link->peer].host)
		return;
	other = s->p->mesh->ifaces[link->iface].node;
	if (is_private(&c->device.peers[link->peer]))
		join(s, iface->node, other);
	else
		add_claim(s, c->peers[link->peer].host, other);
}

static void look_at_links(struct search *s)
{
	for (size_t i = 0; i < s->p->mesh->nifaces; i++)
		for (size_t j = 0; j < s->p->mesh->ifaces[i].nlinks; j++)
			look_at_link(s, &s->p->mesh->ifaces[i], &s->p->mesh->ifaces[i].links[j]);
	join_claims(s);
}

static void look_at_names(struct search *s)
{
	for (size_t i = 0; i < s->p->mesh->nnodes; i++)
		if (s->p->mesh->nodes[i].site)
			add_claim(s, s->p->mesh->nodes[i].site, i);
	join_claims(s);
}

/* How many nodes each leader has, itself included. */
static size_t *count_members(const struct search *s)
{
	size_t n = s->p->mesh->nnodes;
	size_t *count = arena_alloc(s->p->arena, (n + 1) * sizeof(*count));

	for (size_t i = 0; i < n; i++)
		count[groups_leader(s->groups, i)]++;
	return count;
}

/* Everybody at one place is no news, and one node alone is no site, unless the file names it. */
static bool is_site(const struct search *s, size_t leader, size_t members)
{
	return s->name[leader] || (members > 1 && members < s->p->mesh->nnodes);
}

static void make_sites(struct search *s)
{
	struct picture *p = s->p;
	const size_t *members = count_members(s);

	for (size_t i = 0; i < p->mesh->nnodes; i++) {
		size_t leader = groups_leader(s->groups, i); /* never after i */

		if (leader == i && is_site(s, i, members[i])) {
			p->nodes[i].site = p->nsites;
			*ARENA_PUSH(p->arena, p->sites, p->nsites, p->sites_capacity) =
				(struct picture_site){ .name = s->name[i], .nnodes = members[i] };
		}
		p->nodes[i].site = p->nodes[leader].site;
	}
}

void picture_find_sites(struct picture *p)
{
	size_t n = p->mesh->nnodes;
	struct search s = {
		.p = p,
		.groups = groups_new(p->arena, n),
		.name = arena_alloc(p->arena, (n + 1) * sizeof(char *)),
	};

	for (size_t i = 0; i < n; i++)
		s.name[i] = p->mesh->nodes[i].site;
	look_at_names(&s);
	look_at_links(&s);
	make_sites(&s);
}
