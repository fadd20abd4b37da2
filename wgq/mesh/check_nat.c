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

/* An Endpoint of somebody: of a link of another file, or what a "# Endpoint =" says. */
struct seen {
	size_t target;    /* interface */
	const char *host; /* one text for one place: with the node by which a private one is seen */
	const char *shown;
	uint16_t port; /* 0: by name */
	bool outside;  /* leads into the internet */
	size_t by;     /* interface; target itself: a "# Endpoint =" */
	struct span at;
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
	struct seen *seen; /* by host, then target */
	size_t nseen, seen_capacity;
	struct seen **by_target; /* the same by target */
	const char **outside;    /* by interface: the host at which the internet reaches it; NULL */
	struct prefix *own;      /* the addresses of all tunnels, sorted */
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

static int by_host(const void *pa, const void *pb)
{
	const struct seen *a = pa, *b = pb;
	int order = strcmp(a->host, b->host);

	if (!order)
		order = compare_sizes(a->target, b->target);
	return order ? order : compare_sizes(a->by, b->by);
}

static int by_target(const void *pa, const void *pb)
{
	const struct seen *const *a = pa, *const *b = pb;

	if ((*a)->target != (*b)->target)
		return compare_sizes((*a)->target, (*b)->target);
	return (*a > *b) - (*a < *b);
}

static const char *lower(struct arena *a, const char *text)
{
	char *copy = arena_strndup(a, text, strlen(text));

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

/* addr: of a literal one, else family 0. */
static void add_seen(struct nat *n, struct seen new, const struct prefix *addr)
{
	struct arena *a = n->k->arena;
	char text[PREFIX_TEXT];

	new.outside = !addr->family || prefix_is_public(addr);
	if (addr->family)
		new.shown = arena_printf(a, "%s", prefix_format_addr(text, addr));
	new.host = lower(a, new.shown);
	if (!new.outside) /* there may be many of these: it is one for one node alone */
		new.host = arena_printf(a, "%s %zu", new.host, n->k->m->ifaces[new.by].node);
	*ARENA_PUSH(a, n->seen, n->nseen, n->seen_capacity) = new;
}

static void read_endpoint_note(struct nat *n, size_t iface)
{
	const struct note *note = &n->k->m->ifaces[iface].notes.endpoint;
	struct seen new = { .target = iface, .by = iface, .at = note->at };
	struct prefix addr = { 0 };

	if (!note->text || !check_split_endpoint(n->k->arena, note->text, &new.shown, &new.port))
		return;
	if (prefix_parse(&addr, (struct str){ new.shown, strlen(new.shown) }) ||
	    addr.len != family_bits(addr.family))
		addr.family = 0;
	add_seen(n, new, &addr);
}

static void read_seen(struct nat *n)
{
	const struct check *k = n->k;

	for (size_t i = 0; i < k->m->nifaces; i++) {
		read_endpoint_note(n, i);
		for (size_t j = 0; j < k->m->ifaces[i].nlinks; j++) {
			const struct mesh_link *link = &k->m->ifaces[i].links[j];
			const struct conf_peer *conf = check_conf_peer(k, i, link);
			struct prefix addr = check_endpoint_addr(check_peer(k, i, link));
			struct seen new = { .target = link->iface,
					    .shown = conf->host,
					    .port = check_endpoint_port(conf),
					    .by = i,
					    .at = conf->endpoint };

			if (link->iface != MESH_NONE && conf->host)
				add_seen(n, new, &addr);
		}
	}
	if (n->nseen)
		qsort(n->seen, n->nseen, sizeof(*n->seen), by_host);
	n->by_target = arena_alloc(k->arena, (n->nseen + 1) * sizeof(*n->by_target));
	n->outside = arena_alloc(k->arena, (k->m->nifaces + 1) * sizeof(*n->outside));
	for (size_t i = 0; i < n->nseen; i++) {
		n->by_target[i] = &n->seen[i];
		if (n->seen[i].outside)
			n->outside[n->seen[i].target] = n->seen[i].host;
	}
	qsort(n->by_target, n->nseen, sizeof(*n->by_target), by_target);
}

/* The Endpoints of a target: the first in by_target. */
static size_t first_seen(const struct nat *n, size_t target)
{
	size_t low = 0, high = n->nseen;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (n->by_target[middle]->target < target)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
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

static int by_seer(const void *pa, const void *pb)
{
	const struct seen *const *a = pa, *const *b = pb;
	int order = compare_sizes((*a)->by, (*b)->by);

	if (!order)
		order = strcmp((*a)->host, (*b)->host);
	if (!order)
		order = ((*a)->port > (*b)->port) - ((*a)->port < (*b)->port);
	return order ? order : compare_sizes((*a)->target, (*b)->target);
}

/* A third node's Endpoints that are one address and port for two of them; false: there are none. */
static bool find_same_endpoint(const struct nat *n, const struct outgoing *v, size_t count,
			       const struct seen *found[2])
{
	struct seen **all = NULL;
	size_t nall = 0, capacity = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = first_seen(n, v[i].iface);
		     j < n->nseen && n->by_target[j]->target == v[i].iface; j++)
			if (n->by_target[j]->by != v[i].iface && n->by_target[j]->port)
				*ARENA_PUSH(n->k->arena, all, nall, capacity) = n->by_target[j];
	if (nall)
		qsort(all, nall, sizeof(*all), by_seer);
	for (size_t i = 1; i < nall; i++) {
		if (all[i - 1]->by != all[i]->by || strcmp(all[i - 1]->host, all[i]->host) != 0 ||
		    all[i - 1]->port != all[i]->port || all[i - 1]->target == all[i]->target)
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
				host = check_shown(n->k->f, n->seen[n->run[i].site].shown);
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
static void relate_seen(struct nat *n, size_t finding, const struct seen *s, const char *words)
{
	finding_relate(n->k->f, finding, check_place(n->k, s->by, s->at), "%s %s", words,
		       check_iface_name(n->k, s->target));
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
				relate_seen(n, finding, &n->seen[n->run[i].site], "the address of");
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
	size_t shown = 0;

	for (size_t i = first_seen(n, iface);
	     i < n->nseen && n->by_target[i]->target == iface && shown < CHECK_RELATED_MAX; i++) {
		const struct seen *s = n->by_target[i];

		if (s->by == iface || s->port != listen_port(n, iface))
			continue;
		relate_seen(n, finding, s, "this has to follow a change of the port of");
		shown++;
	}
	return shown;
}

static void report(struct nat *n, const struct outgoing *v, size_t count)
{
	const struct outgoing *last = &v[count - 1];
	const char *name = check_iface_name(n->k, last->iface);
	const struct seen *same[2];
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
		relate_seen(n, i, same[j], "one address and port for two: here for");
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
			inside += !n->outside[v[i].iface];
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
	struct outgoing *out = NULL;
	size_t nout = 0, capacity = 0, end;

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
				*ARENA_PUSH(n->k->arena, out, nout, capacity) = (struct outgoing){
					listen_port(n, run[i].iface),
					&check_peer(n->k, run[i].iface, &iface->links[j])
						 ->public_key,
					run[i].iface, &iface->links[j]
				};
	}
	if (nout)
		qsort(out, nout, sizeof(*out), by_third);
	for (size_t i = 0; i < nout; i = end) {
		for (end = i + 1; end < nout && out[i].port == out[end].port &&
				  !key_compare(out[i].third, out[end].third);)
			end++;
		check_run(n, out + i, end - i);
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
		for (end = i; end < n->nseen && !strcmp(n->seen[i].host, n->seen[end].host); end++)
			members[end] = (struct member){ end, n->seen[end].target };
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
