/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nat-port-clash: two nodes behind one NAT on one ListenPort. The NAT keeps the source port of the
 * first that comes and gives the other one a random one, or the two take turns; a third node then
 * sends to the wrong one of them.
 */
#include <ctype.h>

#include "wgq/mesh/check_part.h"

/* How a site is known. */
enum evidence {
	SITE_SAID,   /* "# Site =" */
	SITE_SHARED, /* one address at which others reach its nodes */
	SITE_LAN,    /* a private address at which one reaches the other */
};

/* Where somebody, or a "# Endpoint =", says that an interface is; each place once. */
struct seen {
	size_t target; /* interface */
	struct prefix addr;
	const char *name; /* where it is no literal address, in small letters */
	bool outside;     /* leads into the internet */
	size_t by;        /* interface in whose file it stands */
	struct span at;
	struct seen *next; /* of the same target */
};

struct member {
	size_t site, iface;
};

/* A node's way to a third one. */
struct outgoing {
	uint16_t port; /* the ListenPort */
	const struct key *third;
	size_t iface;
	const struct mesh_link *link;
};

struct nat {
	struct check *k;
	enum evidence evidence;
	struct seen **seen; /* by place, then target */
	size_t nseen, seen_capacity;
	struct seen **first; /* by target */
	struct prefix *own;  /* the addresses of all tunnels, sorted */
	size_t nown;
	size_t *site_of;    /* by node: of the site at hand, its number and one; 0: none */
	bool *reported;     /* by interface */
	uint8_t *ports;     /* a bit a port: in use somewhere */
	struct member *run; /* members of the site at hand */
	size_t nrun;
};

/* --- Endpoints --- */

static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

/* One place for all, or, of a private address, for one node alone: there may be many such. */
static int compare_places(const struct nat *n, const struct seen *a, const struct seen *b)
{
	int order = prefix_compare(&a->addr, &b->addr);

	if (!order && a->name && b->name) /* an Endpoint that is no address has one */
		order = strcmp(a->name, b->name);
	if (!order && !a->outside)
		order = compare_sizes(n->k->m->ifaces[a->by].node, n->k->m->ifaces[b->by].node);
	return order;
}

static int by_place(const void *pa, const void *pb, void *data)
{
	const struct seen *const *a = pa, *const *b = pb;
	int order = compare_places(data, *a, *b);

	return order ? order : compare_sizes((*a)->target, (*b)->target);
}

static const char *lower(struct arena *a, const char *text)
{
	char *copy = arena_strndup(a, text, strlen(text));

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static void add_seen(struct nat *n, const struct seen *new)
{
	struct seen **at = &n->first[new->target], *copy;

	for (; *at; at = &(*at)->next)
		if (!compare_places(n, *at, new))
			return;
	*at = copy = arena_alloc(n->k->arena, sizeof(*copy));
	*copy = *new;
	*ARENA_PUSH(n->k->arena, n->seen, n->nseen, n->seen_capacity) = copy;
}

static void read_endpoint_note(struct nat *n, size_t iface)
{
	const struct note *note = &n->k->m->ifaces[iface].notes.endpoint;
	struct seen new = { .target = iface, .by = iface, .at = note->at };
	const char *host;
	uint16_t port;

	if (!note->text || !check_split_endpoint(n->k->arena, note->text, &host, &port))
		return;
	if (prefix_parse(&new.addr, (struct str){ host, strlen(host) }) ||
	    new.addr.len != family_bits(new.addr.family))
		new.addr = (struct prefix){ 0 };
	if (!new.addr.family)
		new.name = lower(n->k->arena, host);
	new.outside = !new.addr.family || prefix_is_public(&new.addr);
	add_seen(n, &new);
}

static int by_addr(const void *a, const void *b)
{
	return prefix_compare(&((const struct seen *)a)->addr, &((const struct seen *)b)->addr);
}

/* A private address says something where one file has it for two. */
static void add_shared(struct nat *n, struct seen *inside, size_t count)
{
	if (count)
		qsort(inside, count, sizeof(*inside), by_addr);
	for (size_t i = 0; i < count; i++)
		if ((i && !by_addr(&inside[i - 1], &inside[i])) ||
		    (i + 1 < count && !by_addr(&inside[i], &inside[i + 1])))
			add_seen(n, &inside[i]);
}

static void read_endpoints(struct nat *n, size_t iface)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	const struct mesh_iface *own = &n->k->m->ifaces[iface];
	struct {
		struct seen *v;
		size_t n, capacity;
	} inside = { 0 };

	for (size_t i = 0; i < own->nlinks; i++) {
		const struct conf_peer *conf = check_conf_peer(n->k, iface, &own->links[i]);
		struct seen new = { .target = own->links[i].iface,
				    .addr = check_endpoint_addr(
					    check_peer(n->k, iface, &own->links[i])),
				    .by = iface,
				    .at = conf->endpoint };

		if (new.target == MESH_NONE || !conf->host)
			continue;
		new.outside = !new.addr.family || prefix_is_public(&new.addr);
		if (!new.addr.family)
			new.name = lower(n->k->arena, conf->host);
		if (new.outside)
			add_seen(n, &new);
		else
			*ARENA_PUSH(&scratch, inside.v, inside.n, inside.capacity) = new;
	}
	add_shared(n, inside.v, inside.n);
}

static void read_seen(struct nat *n)
{
	n->first = arena_alloc(n->k->arena, (n->k->m->nifaces + 1) * sizeof(*n->first));
	for (size_t i = 0; i < n->k->m->nifaces; i++) {
		read_endpoint_note(n, i);
		read_endpoints(n, i);
	}
	if (n->nseen)
		qsort_r(n->seen, n->nseen, sizeof(*n->seen), by_place, n);
}

static bool is_reached_from_outside(const struct nat *n, size_t iface)
{
	for (const struct seen *s = n->first[iface]; s; s = s->next)
		if (s->outside)
			return true;
	return false;
}

static int by_prefix(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static void read_own(struct nat *n)
{
	const struct mesh *m = n->k->m;
	size_t total = 0;

	for (size_t i = 0; i < m->nifaces; i++)
		total += m->ifaces[i].config->naddrs;
	n->own = arena_alloc(n->k->arena, (total + 1) * sizeof(*n->own));
	for (size_t i = 0; i < m->nifaces; i++)
		for (size_t j = 0; j < m->ifaces[i].config->naddrs; j++)
			n->own[n->nown++] = check_whole(m->ifaces[i].config->addrs[j].prefix);
	qsort(n->own, n->nown, sizeof(*n->own), by_prefix);
}

static uint16_t listen_port(const struct nat *n, size_t iface)
{
	const struct wg_device *device = &n->k->m->ifaces[iface].config->device;

	return device->flags & DEVICE_HAS_LISTEN_PORT ? device->listen_port : 0;
}

static size_t node_of(const struct nat *n, size_t iface)
{
	return n->k->m->ifaces[iface].node;
}

/* Does this Endpoint lead to a neighbour, by a private address that is not one of a tunnel? */
static bool is_private_link(const struct nat *n, size_t iface, const struct mesh_link *link)
{
	struct prefix addr = check_endpoint_addr(check_peer(n->k, iface, link));

	return link->iface != MESH_NONE && node_of(n, link->iface) != node_of(n, iface) &&
	       addr.family && prefix_is_private(&addr) &&
	       !bsearch(&addr, n->own, n->nown, sizeof(*n->own), by_prefix);
}

/* --- what is said of it --- */

/* "D and E", "D, E and 3 more" */
static const char *list_members(const struct nat *n, const struct outgoing *v, size_t count)
{
	const char *a = check_iface_name(n->k, v[0].iface), *b = check_iface_name(n->k, v[1].iface);

	if (count == 2)
		return arena_printf(n->k->arena, "%s and %s both have", a, b);
	return arena_printf(n->k->arena, "%s, %s and %zu more have", a, b, count - 2);
}

static uint16_t free_port(const struct nat *n, uint16_t port)
{
	for (unsigned p = port + 1U; p <= UINT16_MAX; p++)
		if (!(n->ports[p / 8] & 1U << p % 8))
			return (uint16_t)p;
	return 0;
}

static bool is_among(const struct outgoing *v, size_t count, size_t iface)
{
	for (size_t i = 0; i < count; i++)
		if (v[i].iface == iface)
			return true;
	return false;
}

/* Somebody's Endpoint for one of them. */
struct named {
	size_t by, target; /* interfaces */
	const struct conf_peer *conf;
	uint16_t port;
};

static int by_name(const void *pa, const void *pb)
{
	const struct named *a = pa, *b = pb;
	int order = compare_sizes(a->by, b->by);

	if (!order)
		order = strcmp(a->conf->host, b->conf->host);
	if (!order)
		order = (a->port > b->port) - (a->port < b->port);
	return order ? order : compare_sizes(a->target, b->target);
}

/* Appends the Endpoints that the peers of an interface have for it. */
static void find_named(const struct nat *n, size_t target, struct named **v, size_t *count,
		       size_t *capacity)
{
	const struct mesh_iface *own = &n->k->m->ifaces[target];

	for (size_t i = 0; i < own->nlinks; i++) {
		const struct mesh_link *link = &own->links[i];
		struct named new = { .by = link->iface, .target = target };

		if (link->iface == MESH_NONE || link->back == MESH_NONE)
			continue;
		new.conf = check_conf_peer(n->k, link->iface,
					   &n->k->m->ifaces[link->iface].links[link->back]);
		new.port = check_endpoint_port(new.conf);
		if (new.port)
			*ARENA_PUSH(n->k->arena, *v, *count, *capacity) = new;
	}
}

/* A third node's Endpoints that are one address and port for two of them; false: there are none. */
static bool find_same_endpoint(const struct nat *n, const struct outgoing *v, size_t count,
			       struct named found[2])
{
	struct named *all = NULL;
	size_t nall = 0, capacity = 0;

	for (size_t i = 0; i < count; i++)
		find_named(n, v[i].iface, &all, &nall, &capacity);
	if (nall)
		qsort(all, nall, sizeof(*all), by_name);
	for (size_t i = 1; i < nall; i++) {
		if (all[i - 1].by != all[i].by || all[i - 1].port != all[i].port ||
		    strcmp(all[i - 1].conf->host, all[i].conf->host) != 0 ||
		    all[i - 1].target == all[i].target)
			continue;
		found[0] = all[i - 1];
		found[1] = all[i];
		return true;
	}
	return false;
}

/* The Endpoint by which two members are known to be neighbours; false: none. */
static bool find_private_link(const struct nat *n, const struct outgoing *v, size_t count,
			      size_t *iface, const struct mesh_link **found)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < n->k->m->ifaces[v[i].iface].nlinks; j++) {
			*found = &n->k->m->ifaces[v[i].iface].links[j];
			*iface = v[i].iface;
			if (is_private_link(n, *iface, *found) &&
			    is_among(v, count, (*found)->iface))
				return true;
		}
	return false;
}

static const char *format_place(const struct nat *n, const struct seen *s)
{
	char text[PREFIX_TEXT];

	if (!s->addr.family)
		return check_shown(n->k->f, s->name);
	return arena_printf(n->k->arena, "%s", prefix_format_addr(text, &s->addr));
}

/* Says by what the site is known, as the middle of the message. */
static const char *format_evidence(const struct nat *n, const struct outgoing *v, size_t count)
{
	const struct mesh_link *link;
	struct prefix addr;
	char text[PREFIX_TEXT];
	size_t iface;

	if (n->evidence == SITE_SAID)
		return arena_printf(
			n->k->arena, "behind the one NAT of site %s (# Site): it",
			check_shown(n->k->f, n->k->m->nodes[node_of(n, v->iface)].site));
	if (n->evidence == SITE_SHARED) {
		const char *host = "one address";

		for (size_t i = 0; i < n->nrun; i++) /* the site is one run of seen */
			if (n->run[i].iface == v->iface)
				host = format_place(n, n->seen[n->run[i].site]);
		return arena_printf(n->k->arena, "behind one NAT, as Endpoints have both at %s: it",
				    host);
	}
	find_private_link(n, v, count, &iface, &link);
	addr = check_endpoint_addr(check_peer(n->k, iface, link));
	return arena_printf(n->k->arena,
			    "on one network, as %s has %s at the private address %s: the NAT "
			    "before it, if it is one for both,",
			    check_iface_name(n->k, iface), check_iface_name(n->k, link->iface),
			    prefix_format_addr(text, &addr));
}

/* "WORDS D" */
static void relate_named(struct nat *n, size_t finding, const struct named *named,
			 const char *words)
{
	finding_relate(n->k->f, finding, check_place(n->k, named->by, named->conf->endpoint),
		       "%s %s", words, check_iface_name(n->k, named->target));
}

static void relate_evidence(struct nat *n, size_t finding, const struct outgoing *v, size_t count)
{
	const struct mesh_link *link;
	size_t iface;

	if (n->evidence == SITE_SAID) {
		for (size_t i = 0; i < count && i < CHECK_RELATED_MAX; i++) {
			const struct note *note = &n->k->m->ifaces[v[i].iface].notes.site;

			if (note->text)
				finding_relate(
					n->k->f, finding, check_place(n->k, v[i].iface, note->at),
					"the site of %s", check_iface_name(n->k, v[i].iface));
		}
	} else if (n->evidence == SITE_SHARED) {
		for (size_t i = 0, shown = 0; i < n->nrun && shown < CHECK_RELATED_MAX; i++)
			if (is_among(v, count, n->run[i].iface)) {
				const struct seen *s = n->seen[n->run[i].site];

				finding_relate(n->k->f, finding, check_place(n->k, s->by, s->at),
					       "the address of %s",
					       check_iface_name(n->k, s->target));
				shown++;
			}
	} else if (find_private_link(n, v, count, &iface, &link)) {
		finding_relate(
			n->k->f, finding,
			check_place(n->k, iface, check_conf_peer(n->k, iface, link)->endpoint),
			"a private address of %s", check_iface_name(n->k, link->iface));
	}
}

/* Endpoints that name the port which is going to be another. */
static size_t relate_followers(struct nat *n, size_t finding, size_t iface)
{
	struct named *all = NULL;
	size_t nall = 0, capacity = 0, shown = 0;

	find_named(n, iface, &all, &nall, &capacity);
	for (size_t i = 0; i < nall && shown < CHECK_RELATED_MAX; i++) {
		if (all[i].port != listen_port(n, iface))
			continue;
		relate_named(n, finding, &all[i], "this has to follow a change of the port of");
		shown++;
	}
	return shown;
}

static void report(struct nat *n, const struct outgoing *v, size_t count)
{
	const struct outgoing *last = &v[count - 1];
	const char *name = check_iface_name(n->k, last->iface);
	struct named same[2];
	bool is_same = find_same_endpoint(n, v, count, same);
	uint16_t port = free_port(n, last->port);
	struct findings *f = n->k->f;
	size_t i;

	i = finding_add_as(
		f, is_same || n->evidence == SITE_SAID ? SEV_ERROR : SEV_WARNING,
		FINDING_NAT_PORT_CLASH,
		check_place(n->k, last->iface, n->k->m->ifaces[last->iface].config->listen_port_at),
		"%s ListenPort %u %s cannot keep the port of %s towards %s",
		list_members(n, v, count), last->port, format_evidence(n, v, count),
		count == 2 ? "both" : "all", check_link_name(n->k, last->iface, last->link));
	for (size_t j = 0; j < count - 1 && j < CHECK_RELATED_MAX; j++)
		finding_relate(f, i,
			       check_place(n->k, v[j].iface,
					   n->k->m->ifaces[v[j].iface].config->listen_port_at),
			       "the port of %s", check_iface_name(n->k, v[j].iface));
	relate_evidence(n, i, v, count);
	for (size_t j = 0; j < 2 && is_same; j++)
		relate_named(n, i, &same[j], "one address and port for two: here for");
	if (relate_followers(n, i, last->iface))
		finding_help(f, i,
			     "write ListenPort = %u, here and in the Endpoints that lead to %s; or "
			     "delete the line here, and those Endpoints",
			     port, name);
	else
		finding_help(f, i,
			     "delete the line, since no Endpoint leads to %s; or write "
			     "ListenPort = %u",
			     name, port);
	for (size_t j = 0; j < count; j++)
		n->reported[v[j].iface] = true;
}

/* --- sites --- */

static int by_third(const void *pa, const void *pb)
{
	const struct outgoing *a = pa, *b = pb;
	int order = (a->port > b->port) - (a->port < b->port);

	if (!order)
		order = key_compare(a->third, b->third);
	return order ? order : compare_sizes(a->iface, b->iface);
}

/* Is it of another place than the site at hand? */
static bool is_third(const struct nat *n, size_t iface, const struct mesh_link *link)
{
	const struct mesh_node *own = &n->k->m->nodes[node_of(n, iface)], *third;

	if (link->iface == MESH_NONE)
		return check_leads_outside(check_peer(n->k, iface, link),
					   check_conf_peer(n->k, iface, link));
	third = &n->k->m->nodes[node_of(n, link->iface)];
	if (n->site_of[node_of(n, link->iface)] == n->site_of[node_of(n, iface)])
		return false;
	if (own->site && third->site)
		return strcmp(own->site, third->site) != 0;
	return check_leads_outside(check_peer(n->k, iface, link),
				   check_conf_peer(n->k, iface, link));
}

/* Neighbours by a private address that the internet reaches at addresses of their own are behind no
 * common NAT; and those without a neighbour among the others are none. */
static size_t keep_neighbours(const struct nat *n, struct outgoing *v, size_t count)
{
	bool *keep = arena_alloc(n->k->arena, count);
	size_t kept = 0, inside = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < n->k->m->ifaces[v[i].iface].nlinks; j++) {
			const struct mesh_link *link = &n->k->m->ifaces[v[i].iface].links[j];
			struct outgoing *other, wanted = { .port = v->port, .third = v->third };

			wanted.iface = link->iface;
			if (!is_private_link(n, v[i].iface, link))
				continue;
			other = bsearch(&wanted, v, count, sizeof(*v), by_third);
			if (other)
				keep[i] = keep[other - v] = true;
		}
	for (size_t i = 0; i < count; i++)
		if (keep[i]) {
			inside += !is_reached_from_outside(n, v[i].iface);
			v[kept++] = v[i];
		}
	return inside ? kept : 0;
}

static void check_run(struct nat *n, struct outgoing *v, size_t count)
{
	size_t nodes = 1, new = 0;

	if (n->evidence == SITE_LAN)
		count = keep_neighbours(n, v, count);
	if (count < 2)
		return;
	for (size_t i = 1; i < count; i++)
		nodes += node_of(n, v[i].iface) != node_of(n, v[i - 1].iface);
	for (size_t i = 0; i < count; i++)
		new += !n->reported[v[i].iface];
	if (nodes > 1 && new)
		report(n, v, count);
}

static void check_site(struct nat *n, struct member *run, size_t nrun, size_t number)
{
	struct {
		struct outgoing *v;
		size_t n, capacity;
	} out = { 0 };
	size_t end;

	n->run = run;
	n->nrun = nrun;
	for (size_t i = 0; i < nrun; i++)
		n->site_of[node_of(n, run[i].iface)] = number + 1;
	for (size_t i = 0; i < nrun; i++) {
		const struct mesh_iface *iface = &n->k->m->ifaces[run[i].iface];

		if (!listen_port(n, run[i].iface) || (i && run[i - 1].iface == run[i].iface))
			continue;
		for (size_t j = 0; j < iface->nlinks; j++)
			if (check_conf_peer(n->k, run[i].iface, &iface->links[j])->host &&
			    is_third(n, run[i].iface, &iface->links[j]))
				*ARENA_PUSH(n->k->arena, out.v, out.n,
					    out.capacity) = (struct outgoing){
					listen_port(n, run[i].iface),
					&check_peer(n->k, run[i].iface, &iface->links[j])
						 ->public_key,
					run[i].iface, &iface->links[j]
				};
	}
	if (out.n)
		qsort(out.v, out.n, sizeof(*out.v), by_third);
	for (size_t i = 0; i < out.n; i = end) {
		for (end = i + 1; end < out.n && out.v[i].port == out.v[end].port &&
				  !key_compare(out.v[i].third, out.v[end].third);)
			end++;
		check_run(n, out.v + i, end - i);
	}
	for (size_t i = 0; i < nrun; i++)
		n->site_of[node_of(n, run[i].iface)] = 0;
}

/* --- the three ways to know of one --- */

struct said {
	const char *site;
	struct member member;
};

static int by_site(const void *pa, const void *pb)
{
	const struct said *a = pa, *b = pb;
	int order = strcmp(a->site, b->site);

	return order ? order : compare_sizes(a->member.iface, b->member.iface);
}

static void check_said(struct nat *n)
{
	size_t nifaces = n->k->m->nifaces, count = 0, end;
	struct said *said = arena_alloc(n->k->arena, (nifaces + 1) * sizeof(*said));
	struct member *members = arena_alloc(n->k->arena, (nifaces + 1) * sizeof(*members));

	n->evidence = SITE_SAID;
	for (size_t i = 0; i < nifaces; i++)
		if (n->k->m->nodes[node_of(n, i)].site)
			said[count++] = (struct said){ n->k->m->nodes[node_of(n, i)].site,
						       { 0, i } };
	qsort(said, count, sizeof(*said), by_site);
	for (size_t i = 0; i < count; i = end) {
		for (end = i; end < count && !strcmp(said[i].site, said[end].site); end++)
			members[end] = said[end].member;
		check_site(n, members + i, end - i, i);
	}
}

static void check_shared(struct nat *n)
{
	struct member *members = arena_alloc(n->k->arena, (n->nseen + 1) * sizeof(*members));
	size_t end;

	n->evidence = SITE_SHARED;
	for (size_t i = 0; i < n->nseen; i = end) {
		for (end = i; end < n->nseen && !compare_places(n, n->seen[i], n->seen[end]); end++)
			members[end] = (struct member){ end, n->seen[end]->target };
		if (members[i].iface != members[end - 1].iface)
			check_site(n, members + i, end - i, i);
	}
}

static int by_member(const void *pa, const void *pb)
{
	const struct member *a = pa, *b = pb;

	return a->site != b->site ? compare_sizes(a->site, b->site)
				  : compare_sizes(a->iface, b->iface);
}

static void check_lans(struct nat *n)
{
	const struct mesh *m = n->k->m;
	size_t *sets = arena_alloc(n->k->arena, (m->nnodes + 1) * sizeof(*sets)), end;
	struct member *members = arena_alloc(n->k->arena, (m->nifaces + 1) * sizeof(*members));

	n->evidence = SITE_LAN;
	check_sets_init(sets, m->nnodes);
	for (size_t i = 0; i < m->nifaces; i++)
		for (size_t j = 0; j < m->ifaces[i].nlinks; j++)
			if (is_private_link(n, i, &m->ifaces[i].links[j]))
				check_sets_join(sets, node_of(n, i),
						node_of(n, m->ifaces[i].links[j].iface));
	for (size_t i = 0; i < m->nifaces; i++)
		members[i] = (struct member){ check_set_of(sets, node_of(n, i)), i };
	qsort(members, m->nifaces, sizeof(*members), by_member);
	for (size_t i = 0; i < m->nifaces; i = end) {
		for (end = i + 1; end < m->nifaces && members[i].site == members[end].site;)
			end++;
		if (end - i > 1)
			check_site(n, members + i, end - i, i);
	}
}

void check_nat(struct check *k)
{
	struct nat n = { .k = k };

	n.site_of = arena_alloc(k->arena, (k->m->nnodes + 1) * sizeof(*n.site_of));
	n.reported = arena_alloc(k->arena, k->m->nifaces + 1);
	n.ports = arena_alloc(k->arena, (UINT16_MAX + 1) / 8);
	for (size_t i = 0; i < k->m->nifaces; i++) {
		uint16_t port = listen_port(&n, i);

		n.ports[port / 8] |= (uint8_t)(1U << port % 8);
	}
	read_seen(&n);
	read_own(&n);
	check_said(&n);
	check_shared(&n);
	check_lans(&n);
}
