/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/check_causes.h"
#include "wgq/mesh/route_part.h"

enum { TRIES = 64 }; /* peers of a node that are looked at for a way */

static const struct way_hop *last_hop(const struct cause *c)
{
	return &c->way.hops[c->way.n - 1];
}

static const struct mesh_link *link_of(const struct check *k, const struct way_hop *hop)
{
	return &k->m->ifaces[hop->out].links[hop->link];
}

static struct place cause_place(const struct check *k, const struct cause *c)
{
	return c->at.line ? check_place(k, c->iface, c->at) : check_interface_place(k, c->iface);
}

/* The line at which AllowedIPs are to be changed. */
static struct span allowed_span(const struct check *k, size_t iface, const struct mesh_link *link)
{
	const struct conf_peer *conf = check_conf_peer(k, iface, link);

	if (conf->nallowed_ip)
		return conf->allowed_ip[conf->nallowed_ip - 1];
	return conf->public_key.line ? conf->public_key : conf->at;
}

/* Shows where the sender sends it, if that is not the place itself. */
static void relate_sender(struct check *k, size_t finding, const struct cause *c)
{
	const struct way_hop *first = c->way.hops;

	if (c->way.n && first->out != MESH_NONE && first->by.line &&
	    (first->out != c->iface || first->by.line != c->at.line))
		finding_relate(k->f, finding, check_place(k, first->out, first->by),
			       "this is what sends it that way");
}

static const char *format_target(const struct cause *c, char text[PREFIX_TEXT])
{
	return prefix_format_addr(text, &c->example->target);
}

static const char *format_source(const struct cause *c, char text[PREFIX_TEXT])
{
	return prefix_format_addr(text, &c->example->source);
}

static const struct mesh_link *back_of(const struct check *k, const struct mesh_link *link)
{
	if (link->iface == MESH_NONE || link->back == MESH_NONE)
		return NULL;
	return &k->m->ifaces[link->iface].links[link->back];
}

static bool is_bad_link(const struct check *k, size_t iface, const struct mesh_link *link)
{
	return k->bad_links[k->offset[iface] + (size_t)(link - k->m->ifaces[iface].links)];
}

/* --- no-route --- */

/* A link of the node that leads straight to the other; iface gets whose. NULL: none. */
static const struct mesh_link *find_direct(const struct check *k, size_t node, size_t to,
					   size_t *iface)
{
	const struct mesh_node *n = &k->m->nodes[node];

	for (size_t i = 0; i < n->nifaces; i++)
		for (size_t j = 0; j < k->m->ifaces[n->ifaces[i]].nlinks; j++) {
			const struct mesh_link *link = &k->m->ifaces[n->ifaces[i]].links[j];

			*iface = n->ifaces[i];
			if (link->iface != MESH_NONE && k->m->ifaces[link->iface].node == to)
				return link;
		}
	return NULL;
}

/* The link by which packets of the other come to this node; NULL: they do not. */
static const struct mesh_link *find_reverse(const struct check *k, size_t node, size_t other,
					    const struct bad_pair *bad, size_t *iface)
{
	struct prefix source = check_whole(bad->target), target = check_whole(bad->source);
	const struct way_hop *last, *before;
	struct way way;

	if (node != bad->from)
		target = routes_source(k->r, node, source);
	if (!target.family)
		return NULL;
	routes_trace(k->r, &way, other, source, check_whole(target));
	if (way.end != WAY_ARRIVES || way.n < 2)
		return NULL;
	last = &way.hops[way.n - 1];
	before = &way.hops[way.n - 2];
	*iface = last->in;
	return back_of(k, link_of(k, before));
}

static bool is_held(const struct check *k, size_t node, const struct prefix *addr, struct cause *c)
{
	const struct mesh_node *n = &k->m->nodes[node];

	for (size_t i = 0; i < n->nifaces; i++)
		for (size_t j = 0; j < k->m->ifaces[n->ifaces[i]].nlinks; j++) {
			const struct mesh_link *link = &k->m->ifaces[n->ifaces[i]].links[j];

			if (!check_allows(check_peer(k, n->ifaces[i], link), addr))
				continue;
			c->iface = n->ifaces[i];
			c->link = link;
			return true;
		}
	return false;
}

/* Does the other have this node as a peer, one-sidedly? That is said already. */
static bool is_one_sided(const struct check *k, size_t node, size_t other)
{
	size_t iface;
	const struct mesh_link *link = find_direct(k, other, node, &iface);

	return link && link->back == MESH_NONE;
}

/* A link to a neighbour of both. */
static const struct mesh_link *find_neighbour(const struct check *k, size_t node, size_t to,
					      size_t *iface)
{
	const struct mesh_node *n = &k->m->nodes[to];
	size_t tries = TRIES;

	for (size_t i = 0; i < n->nifaces; i++)
		for (size_t j = 0; j < k->m->ifaces[n->ifaces[i]].nlinks && tries; j++, tries--) {
			const struct mesh_link *link = &k->m->ifaces[n->ifaces[i]].links[j], *found;

			if (link->iface == MESH_NONE || link->back == MESH_NONE)
				continue;
			found = find_direct(k, node, k->m->ifaces[link->iface].node, iface);
			if (found)
				return found;
		}
	return NULL;
}

void cause_find_no_route(struct check *k, struct cause *c)
{
	const struct bad_pair *bad = c->example;
	size_t iface = c->iface;

	if (!bad->source.family) /* nothing in common */
		return;
	if (is_held(k, bad->at, &bad->target, c)) {
		const struct config *conf = k->m->ifaces[c->iface].config;

		c->is_unrouted = true;
		c->at = conf->table_at.line ? conf->table_at : allowed_span(k, c->iface, c->link);
		return;
	}
	c->link = find_direct(k, bad->at, bad->to, &iface);
	if (!c->link)
		c->link = find_reverse(k, bad->at, bad->to, bad, &iface);
	if (!c->link)
		c->link = find_neighbour(k, bad->at, bad->to, &iface);
	c->is_explained = is_one_sided(k, bad->at, bad->to);
	if (!c->link)
		return;
	c->iface = iface;
	c->at = allowed_span(k, iface, c->link);
	c->is_explained |= is_bad_link(k, iface, c->link);
}

/* The network that the target of a pair has its address in. */
static struct prefix network_of(const struct check *k, const struct bad_pair *bad)
{
	const struct mesh_node *n = &k->m->nodes[bad->to];

	for (size_t i = 0; i < n->nifaces; i++) {
		const struct config *c = k->m->ifaces[n->ifaces[i]].config;

		for (size_t j = 0; j < c->naddrs; j++) {
			struct prefix addr = check_whole(c->addrs[j].prefix);

			if (!prefix_compare(&addr, &bad->target))
				return prefix_network(c->addrs[j].prefix);
		}
	}
	return bad->target;
}

static void report_nothing_in_common(struct check *k, const struct cause *c, const char *pairs)
{
	const struct bad_pair *bad = c->example;
	const char *family = bad->target.family == AF_INET6 ? "IPv6" : "IPv4";
	size_t i = finding_add(k->f, FINDING_NO_ROUTE, cause_place(k, c),
			       "%s has no address of %s, which is all that %s has%s",
			       check_node_name(k, bad->from), family, check_node_name(k, bad->to),
			       pairs);

	finding_help(k->f, i, "add an Address of %s here", family);
}

void cause_report_no_route(struct check *k, const struct cause *c, const char *pairs)
{
	const struct bad_pair *bad = c->example;
	const char *at = check_node_name(k, bad->at), *to = check_node_name(k, bad->to);
	char text[PREFIX_TEXT];
	size_t i;

	if (!bad->source.family) {
		report_nothing_in_common(k, c, pairs);
		return;
	}
	if (c->is_unrouted) {
		struct prefix network = network_of(k, bad);

		i = finding_add(k->f, FINDING_NO_ROUTE, cause_place(k, c),
				"%s has %s, the address of %s, in AllowedIPs, and no route to it%s",
				at, format_target(c, text), to, pairs);
		relate_sender(k, i, c);
		finding_help(k->f, i,
			     "write PostUp = ip route add %s dev %%i%s, or let Table make the "
			     "routes",
			     prefix_format(text, &network),
			     check_in_file(k->f, k->m->ifaces[c->iface].config));
		return;
	}
	i = finding_add(k->f, FINDING_NO_ROUTE, cause_place(k, c),
			"%s has no peer with %s, the address of %s, in its AllowedIPs%s", at,
			format_target(c, text), to, pairs);
	relate_sender(k, i, c);
	if (c->link)
		finding_help(k->f, i, "%s",
			     check_line_more(k->f->arena, k->m->ifaces[c->iface].config,
					     c->link->peer, &bad->target));
	else
		finding_help(k->f, i, "write AllowedIPs with %s in the [Peer] that leads to %s",
			     format_target(c, text), to);
}

/* --- source-filtered --- */

void cause_find_filtered(struct check *k, struct cause *c)
{
	const struct way_hop *last = last_hop(c), *before = last - 1;
	const struct mesh_link *direct;
	size_t iface;

	c->iface = last->in;
	c->link = back_of(k, link_of(k, before));
	c->at = last->taken_by.line ? last->taken_by : allowed_span(k, c->iface, c->link);
	c->is_explained = is_bad_link(k, c->iface, c->link) && before->node == c->example->from;
	/* the sender would come directly, if it had this node as a peer, with its address */
	c->is_explained |= last->taken_by.line && is_one_sided(k, c->example->from, last->node);
	direct = find_direct(k, c->example->from, last->node, &iface);
	c->is_explained |= direct && last->node == c->example->to && is_bad_link(k, iface, direct);
}

/* Which peer and entry of a file a span is. */
static bool find_entry(const struct config *c, const struct span *at, size_t *peer, size_t *entry)
{
	for (*peer = 0; *peer < c->device.npeers; ++*peer)
		for (*entry = 0; *entry < c->peers[*peer].nallowed_ip; ++*entry) {
			const struct span *span = &c->peers[*peer].allowed_ip[*entry];

			if (span->line == at->line && span->column == at->column)
				return true;
		}
	return false;
}

/* What a peer of the interface is called. */
static const char *name_peer(const struct check *k, size_t iface, size_t peer)
{
	const struct mesh_iface *own = &k->m->ifaces[iface];

	for (size_t i = 0; i < own->nlinks; i++)
		if (own->links[i].peer == peer ||
		    !key_compare(&own->config->device.peers[own->links[i].peer].public_key,
				 &own->config->device.peers[peer].public_key))
			return check_link_name(k, iface, &own->links[i]);
	return "another peer";
}

/* The source is another peer's here. Either the sender goes straight to this node, or this node
 * lets the source come by the other one. */
static void help_taken(struct check *k, size_t finding, const struct cause *c, size_t peer,
		       size_t entry)
{
	const struct config *here = k->m->ifaces[c->iface].config;
	size_t iface = 0;
	const struct mesh_link *direct = find_direct(k, c->example->from, c->example->at, &iface);
	const char *less = check_line_less(k->f->arena, here, peer, entry);
	const struct config *there = direct ? k->m->ifaces[iface].config : NULL;

	if (direct && c->example->at == c->example->to &&
	    !check_allows(check_peer(k, iface, direct), &c->example->target))
		finding_help(k->f, finding,
			     "%s%s, in the [Peer] for %s, so that it goes there directly; or %s "
			     "here",
			     check_line_more(k->f->arena, there, direct->peer, &c->example->target),
			     check_in_file(k->f, there), check_node_name(k, c->example->to), less);
	else
		finding_help(k->f, finding, "%s here, or send it by that peer", less);
}

void cause_report_filtered(struct check *k, const struct cause *c, const char *pairs)
{
	const struct config *here = k->m->ifaces[c->iface].config;
	const char *at = check_iface_name(k, c->iface), *by = check_link_name(k, c->iface, c->link);
	char text[PREFIX_TEXT];
	size_t peer, entry, i;

	if (last_hop(c)->taken_by.line && find_entry(here, &c->at, &peer, &entry)) {
		i = finding_add(k->f, FINDING_SOURCE_FILTERED, cause_place(k, c),
				"%s takes %s from %s only, and drops what comes by %s from there%s",
				at, format_source(c, text), name_peer(k, c->iface, peer), by,
				pairs);
		relate_sender(k, i, c);
		help_taken(k, i, c, peer, entry);
		return;
	}
	i = finding_add(k->f, FINDING_SOURCE_FILTERED, cause_place(k, c),
			"%s has %s, the address of %s, in no AllowedIPs, and drops what comes by "
			"%s from there%s",
			at, format_source(c, text), check_node_name(k, c->example->from), by,
			pairs);
	relate_sender(k, i, c);
	finding_help(k->f, i, "%s",
		     check_line_more(k->f->arena, here, c->link->peer, &c->example->source));
}

/* --- no-initiator --- */

void cause_find_no_initiator(struct check *k, struct cause *c)
{
	const struct way_hop *last = last_hop(c);
	const struct mesh_link *link = link_of(k, last), *back = back_of(k, link);

	/* one of the two ends, whoever sends */
	c->iface = last->out < link->iface ? last->out : link->iface;
	c->link = last->out < link->iface ? link : back;
	c->at = check_conf_peer(k, c->iface, c->link)->public_key;
}

/* An Endpoint by which others reach the interface; NULL: none has one. */
static const char *known_endpoint(const struct check *k, size_t iface)
{
	const struct mesh_iface *own = &k->m->ifaces[iface];

	if (own->notes.endpoint.text)
		return check_shown(k->f, own->notes.endpoint.text);
	for (size_t i = 0; i < own->nlinks; i++) {
		const struct mesh_link *back = back_of(k, &own->links[i]);
		const struct conf_peer *conf;

		if (!back || !back->has_endpoint)
			continue;
		conf = check_conf_peer(k, own->links[i].iface, back);
		if (conf->host && !strchr(conf->host, ':') &&
		    check_leads_outside(check_peer(k, own->links[i].iface, back), conf))
			return arena_printf(k->arena, "%s:%s", check_shown(k->f, conf->host),
					    conf->service);
	}
	return NULL;
}

void cause_report_no_initiator(struct check *k, const struct cause *c, const char *pairs)
{
	const struct mesh_link *back = back_of(k, c->link);
	const char *name = check_iface_name(k, c->iface);
	const char *other = check_iface_name(k, c->link->iface);
	const char *there = known_endpoint(k, c->link->iface);
	const char *here = known_endpoint(k, c->iface);
	const char *in = check_in_file(k->f, k->m->ifaces[c->link->iface].config);
	size_t i = finding_add(k->f, FINDING_NO_INITIATOR, cause_place(k, c),
			       "neither %s nor %s has an Endpoint for the other: nobody can open "
			       "the connection%s",
			       name, other, pairs);

	finding_relate(k->f, i, check_link_place(k, c->link->iface, back), "nor is there one here");
	if (there)
		finding_help(k->f, i, "write Endpoint = %s", there);
	else if (here)
		finding_help(k->f, i, "write Endpoint = %s%s, in the [Peer] for %s", here, in,
			     name);
	else
		finding_help(k->f, i, "write Endpoint = HOST:PORT here, or in the [Peer] for %s%s",
			     name, in);
}

/* --- routing-loop --- */

/* The first hop of the circle. */
static size_t loop_start(const struct cause *c)
{
	size_t i = 0;

	while (i + 1 < c->way.n && c->way.hops[i].in != last_hop(c)->in)
		i++;
	if (i + 1 == c->way.n) /* too long to be seen whole */
		return 0;
	return i;
}

void cause_find_loop(struct check *k, struct cause *c)
{
	size_t best = loop_start(c), iface;
	const struct mesh_link *direct;

	/* the same one, wherever the packet came into the circle */
	for (size_t i = best; i + 1 < c->way.n; i++)
		if (c->way.hops[i].out < c->way.hops[best].out)
			best = i;
	for (size_t i = loop_start(c); i + 1 < c->way.n; i++) {
		direct = find_direct(k, c->way.hops[i].node, c->example->to, &iface);
		c->is_explained |= (direct && is_bad_link(k, iface, direct)) ||
				   is_one_sided(k, c->way.hops[i].node, c->example->to);
	}
	c->iface = c->way.hops[best].out;
	c->at = c->way.hops[best].by;
	c->link = link_of(k, &c->way.hops[best]);
}

void cause_report_loop(struct check *k, const struct cause *c, const char *pairs)
{
	const char *circle = check_node_name(k, c->way.hops[loop_start(c)].node);
	size_t shown = 0, i, iface = 0;
	const struct mesh_link *direct = NULL;
	char text[PREFIX_TEXT];

	for (i = loop_start(c) + 1; i < c->way.n; i++)
		circle = arena_printf(k->arena, "%s, %s", circle,
				      check_node_name(k, c->way.hops[i].node));
	i = finding_add(k->f, FINDING_ROUTING_LOOP, cause_place(k, c),
			"packets to %s, the address of %s, circle: %s%s", format_target(c, text),
			check_node_name(k, c->example->to), circle, pairs);
	for (size_t j = loop_start(c); j + 1 < c->way.n; j++) {
		const struct way_hop *hop = &c->way.hops[j];

		if (hop->out != c->iface && shown++ < CHECK_RELATED_MAX)
			finding_relate(k->f, i, check_place(k, hop->out, hop->by),
				       "and %s sends them on by this",
				       check_node_name(k, hop->node));
		if (!direct)
			direct = find_direct(k, hop->node, c->example->to, &iface);
	}
	if (direct)
		finding_help(k->f, i, "%s%s, in the [Peer] for %s",
			     check_line_more(k->f->arena, k->m->ifaces[iface].config, direct->peer,
					     &c->example->target),
			     check_in_file(k->f, k->m->ifaces[iface].config),
			     check_node_name(k, c->example->to));
	else
		finding_help(
			k->f, i,
			"let one of these nodes have %s in the AllowedIPs of a peer that leads "
			"to %s",
			format_target(c, text), check_node_name(k, c->example->to));
}

/* --- relay-not-forwarding --- */

void cause_find_not_forwarded(struct check *k, struct cause *c)
{
	const struct way_hop *last = last_hop(c);

	(void)k;
	c->iface = last->in;
	c->leaves = last->out != last->in;
}

void cause_report_not_forwarded(struct check *k, const struct cause *c, const char *pairs)
{
	const char *value = c->leaves ? "yes" : "mesh";
	size_t i = finding_add(
		k->f, FINDING_RELAY_NOT_FORWARDING, cause_place(k, c),
		"%s does not pass on what comes by %s for others: there is neither Forward = %s, "
		"nor do its hooks see to it%s",
		check_node_name(k, k->m->ifaces[c->iface].node),
		check_shown(k->f, k->m->ifaces[c->iface].name), value, pairs);

	relate_sender(k, i, c);
	finding_help(k->f, i,
		     "write Forward = %s in this [Interface]; or, where it is set up elsewhere, "
		     "the comment # Forwards = yes",
		     value);
}

/* --- source-filtered, by the rules that come with a default route --- */

void cause_find_guarded(struct check *k, struct cause *c)
{
	c->iface = node_guard(k->r, last_hop(c)->node, (uint32_t)last_hop(c)->in,
			      &c->example->target);
}

void cause_report_guarded(struct check *k, const struct cause *c, const char *pairs)
{
	const char *at = check_node_name(k, c->example->at);
	char text[PREFIX_TEXT];
	size_t i = finding_add(k->f, FINDING_SOURCE_FILTERED, cause_place(k, c),
			       "%s takes packets to %s by %s only, which has a default route: what "
			       "comes by %s is dropped%s",
			       at, format_target(c, text),
			       check_shown(k->f, k->m->ifaces[c->iface].name),
			       check_shown(k->f, k->m->ifaces[last_hop(c)->in].name), pairs);

	relate_sender(k, i, c);
	finding_help(k->f, i,
		     "send to the address that %s has on the other interface; or write Firewall = "
		     "off%s, and nothing guards its addresses",
		     at, check_in_file(k->f, k->m->ifaces[c->iface].config));
}
