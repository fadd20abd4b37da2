/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one file shows. */
#include <strings.h>

#include "wgq/mesh/check_part.h"

struct entry {
	struct prefix prefix;
	size_t peer, entry;
	bool remove;
};

struct one_file {
	struct arena *arena; /* of the call */
	struct findings *f;
	const struct config *c;
	bool *counts; /* by peer: the last block of its key, and not of the interface's own */
	struct entry *entries; /* of peers that count, by prefix */
	size_t n;
	bool has_len[2][129]; /* IPv4, IPv6: is there an entry of this length? */
};

static struct place place_at(const struct one_file *k, struct span at)
{
	return source_place(&k->c->source, at);
}

static struct place peer_place(const struct one_file *k, size_t peer)
{
	const struct conf_peer *conf = &k->c->peers[peer];

	return place_at(k, conf->public_key.line ? conf->public_key : conf->at);
}

/* --- keys --- */

struct keyed {
	const struct key *key;
	size_t peer;
};

static int by_key(const void *pa, const void *pb)
{
	const struct keyed *a = pa, *b = pb;
	int order = key_compare(a->key, b->key);

	return order ? order : (a->peer > b->peer) - (a->peer < b->peer);
}

/* Is an entry also among those before it? */
static bool is_listed(const struct one_file *k, const struct keyed *run, size_t block, size_t entry)
{
	const struct wg_peer *peers = k->c->device.peers;
	const struct prefix *p = &peers[run[block].peer].allowed_ips[entry].prefix;

	for (size_t i = 0; i <= block; i++) {
		const struct wg_peer *peer = &peers[run[i].peer];

		for (size_t j = 0; j < (i == block ? entry : peer->nallowed_ips); j++)
			if (!prefix_compare(&peer->allowed_ips[j].prefix, p))
				return true;
	}
	return false;
}

/* "AllowedIPs = ..." with what all blocks have, or without words where that is much. */
static const char *merged_line(const struct one_file *k, const struct keyed *run, size_t n)
{
	const char *line = "AllowedIPs =";
	char text[PREFIX_TEXT];
	size_t shown = 0;

	for (size_t i = 0; i < n; i++) {
		const struct wg_peer *peer = &k->c->device.peers[run[i].peer];

		for (size_t j = 0; j < peer->nallowed_ips; j++) {
			if (is_listed(k, run, i, j))
				continue;
			if (shown == CHECK_ENTRIES_MAX || peer->allowed_ips[j].remove)
				return "the AllowedIPs of all";
			line = arena_printf(k->arena, "%s%s%s", line, shown++ ? ", " : " ",
					    prefix_format(text, &peer->allowed_ips[j].prefix));
		}
	}
	return shown ? line : "what both have";
}

static void report_same_key(struct one_file *k, const struct keyed *run, size_t n)
{
	size_t i = finding_add(k->f, FINDING_DUPLICATE_PEER, peer_place(k, run[n - 1].peer),
			       "this peer is given %s: the AllowedIPs of this block replace those "
			       "before",
			       n == 2 ? "twice" : "more than once");

	for (size_t j = 0; j < n - 1 && j < CHECK_RELATED_MAX; j++)
		finding_relate(k->f, i, peer_place(k, run[j].peer), "it stands here too");
	finding_help(k->f, i, "write one [Peer] for it, with %s", merged_line(k, run, n));
}

/* The interface's own public key; false: the file does not say. */
static bool own_key(const struct one_file *k, struct key *own)
{
	const struct config *c = k->c;
	struct notes interface;
	struct note *peers;

	if (c->device.flags & DEVICE_HAS_PRIVATE_KEY && !key_is_zero(&c->device.private_key)) {
		key_public(own, &c->device.private_key);
		return true;
	}
	peers = arena_alloc(k->arena, (c->device.npeers + 1) * sizeof(*peers));
	notes_read(&interface, peers, c);
	return interface.public_key.text &&
	       !key_from_base64(own, (struct str){ interface.public_key.text,
						   strlen(interface.public_key.text) });
}

static void check_self(struct one_file *k, size_t peer)
{
	size_t i = finding_add(
		k->f, FINDING_SELF_PEER, peer_place(k, peer),
		"this is the interface's own public key: WireGuard ignores the peer");

	if (k->c->private_key_at.line)
		finding_relate(k->f, i, place_at(k, k->c->private_key_at),
			       "its private key is this one");
	finding_help(k->f, i, "write the public key of the other host, or delete this [Peer]");
}

static void check_peers(struct one_file *k)
{
	const struct wg_device *device = &k->c->device;
	struct keyed *sorted = arena_alloc(k->arena, (device->npeers + 1) * sizeof(*sorted));
	struct key own;
	bool has_own = own_key(k, &own);
	size_t run;

	k->counts = arena_alloc(k->arena, device->npeers + 1);
	for (size_t i = 0; i < device->npeers; i++)
		sorted[i] = (struct keyed){ &device->peers[i].public_key, i };
	qsort(sorted, device->npeers, sizeof(*sorted), by_key);
	for (size_t i = 0; i < device->npeers; i += run) {
		bool is_own = has_own && !key_compare(sorted[i].key, &own);

		for (run = 1;
		     i + run < device->npeers && !key_compare(sorted[i].key, sorted[i + run].key);)
			run++;
		k->counts[sorted[i + run - 1].peer] = !is_own && !key_is_zero(sorted[i].key);
		if (key_is_zero(sorted[i].key)) /* a fault of its own: missing-key */
			continue;
		for (size_t j = i; is_own && j < i + run; j++)
			check_self(k, sorted[j].peer);
		if (!is_own && run > 1)
			report_same_key(k, sorted + i, run);
	}
}

/* --- AllowedIPs --- */

static int by_prefix(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;
	int order = prefix_compare(&a->prefix, &b->prefix);

	if (order)
		return order;
	if (a->peer != b->peer)
		return a->peer < b->peer ? -1 : 1;
	return (a->entry > b->entry) - (a->entry < b->entry);
}

static void collect_entries(struct one_file *k)
{
	const struct wg_device *device = &k->c->device;
	size_t n = 0;

	for (size_t i = 0; i < device->npeers; i++)
		n += device->peers[i].nallowed_ips;
	k->entries = arena_alloc(k->arena, (n + 1) * sizeof(*k->entries));
	for (size_t i = 0; i < device->npeers; i++) {
		const struct wg_peer *peer = &device->peers[i];

		for (size_t j = 0; k->counts[i] && j < peer->nallowed_ips; j++)
			k->entries[k->n++] = (struct entry){
				.prefix = prefix_network(peer->allowed_ips[j].prefix),
				.peer = i,
				.entry = j,
				.remove = peer->allowed_ips[j].remove,
			};
	}
	qsort(k->entries, k->n, sizeof(*k->entries), by_prefix);
	for (size_t i = 0; i < k->n; i++)
		k->has_len[k->entries[i].prefix.family == AF_INET6][k->entries[i].prefix.len] =
			true;
}

static struct place entry_place(const struct one_file *k, const struct entry *e)
{
	return place_at(k, k->c->peers[e->peer].allowed_ip[e->entry]);
}

/* Entries of one prefix, each of another peer, in the order of the file. */
static void report_same_prefix(struct one_file *k, const struct entry *const *held, size_t n)
{
	char text[PREFIX_TEXT];
	size_t i = finding_add(k->f, FINDING_DUPLICATE_ALLOWED_IP, entry_place(k, held[0]),
			       "%s is given to %s peers, and the kernel lets the last one have it",
			       prefix_format(text, &held[0]->prefix), n == 2 ? "two" : "several");

	for (size_t j = 1; j < n - 1 && j < CHECK_RELATED_MAX; j++)
		finding_relate(k->f, i, entry_place(k, held[j]), "given here too");
	finding_relate(k->f, i, entry_place(k, held[n - 1]), "this is the last one");
	finding_help(k->f, i,
		     "%s here if the last one is right; else leave it to this peer and %s there",
		     check_line_less(k->f->arena, k->c, held[0]->peer, held[0]->entry),
		     check_line_less(k->f->arena, k->c, held[n - 1]->peer, held[n - 1]->entry));
}

static void check_allowed(struct one_file *k)
{
	const struct entry **held = arena_alloc(k->arena, (k->n + 1) * sizeof(struct entry *));
	size_t nheld = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct entry *e = &k->entries[i];

		if (!e->remove && (!nheld || held[nheld - 1]->peer != e->peer))
			held[nheld++] = e;
		else if (e->remove && nheld && held[nheld - 1]->peer == e->peer)
			nheld--;
		if (i + 1 < k->n && !prefix_compare(&e->prefix, &e[1].prefix))
			continue;
		if (nheld > 1)
			report_same_prefix(k, held, nheld);
		nheld = 0;
	}
}

/* --- endpoints --- */

static const struct conf_peer *conf_of(const struct one_file *k, size_t peer)
{
	return &k->c->peers[peer];
}

struct reached {
	const struct one_file *k;
	size_t peer;
};

/* Literal ones by address, the others by the name as it is written. */
static int by_endpoint(const void *pa, const void *pb)
{
	const struct reached *a = pa, *b = pb;
	const struct wg_peer *x = &a->k->c->device.peers[a->peer];
	const struct wg_peer *y = &b->k->c->device.peers[b->peer];
	bool literal = x->flags & PEER_HAS_ENDPOINT;
	int order;

	if (literal != !!(y->flags & PEER_HAS_ENDPOINT))
		return literal ? -1 : 1;
	if (literal && endpoint_equal(&x->endpoint, &y->endpoint))
		return 0;
	if (literal) {
		struct prefix p = endpoint_addr(&x->endpoint), q = endpoint_addr(&y->endpoint);

		order = prefix_compare(&p, &q);
		if (order)
			return order;
		if (p.family == AF_INET6 &&
		    x->endpoint.in6.sin6_scope_id != y->endpoint.in6.sin6_scope_id)
			return x->endpoint.in6.sin6_scope_id < y->endpoint.in6.sin6_scope_id ? -1
											     : 1;
		return memcmp(&x->endpoint.in.sin_port, &y->endpoint.in.sin_port,
			      sizeof(x->endpoint.in.sin_port));
	}
	order = strcasecmp(conf_of(a->k, a->peer)->host, conf_of(b->k, b->peer)->host);
	return order ? order
		     : strcmp(conf_of(a->k, a->peer)->service, conf_of(b->k, b->peer)->service);
}

static int by_endpoint_and_order(const void *pa, const void *pb)
{
	const struct reached *a = pa, *b = pb;
	int order = by_endpoint(a, b);

	return order ? order : (a->peer > b->peer) - (a->peer < b->peer);
}

static void report_same_endpoint(struct one_file *k, const struct reached *run, size_t n)
{
	const struct conf_peer *conf = conf_of(k, run[n - 1].peer);
	size_t i = finding_add(k->f, FINDING_DUPLICATE_ENDPOINT, place_at(k, conf->endpoint),
			       "%s peers are at this address and port, where only one can be",
			       n == 2 ? "two" : "several");

	for (size_t j = 0; j < n - 1 && j < CHECK_RELATED_MAX; j++)
		finding_relate(k->f, i, place_at(k, conf_of(k, run[j].peer)->endpoint),
			       "the same here");
	finding_help(k->f, i,
		     "write the port that leads to this peer; or delete the line, if it is the one "
		     "that opens the connection");
}

static void check_endpoints(struct one_file *k)
{
	const struct wg_device *device = &k->c->device;
	struct reached *sorted = arena_alloc(k->arena, (device->npeers + 1) * sizeof(*sorted));
	size_t n = 0, run;

	for (size_t i = 0; i < device->npeers; i++)
		if (k->counts[i] && k->c->peers[i].host && k->c->peers[i].service)
			sorted[n++] = (struct reached){ k, i };
	qsort(sorted, n, sizeof(*sorted), by_endpoint_and_order);
	for (size_t i = 0; i < n; i += run) {
		for (run = 1; i + run < n && !by_endpoint(&sorted[i], &sorted[i + run]);)
			run++;
		if (run > 1)
			report_same_endpoint(k, sorted + i, run);
	}
}

/* --- endpoints that lie in the tunnel --- */

enum routed { ROUTED_NOT, ROUTED_BUT_DEFAULT, ROUTED_ALL };

/*
 * What of AllowedIPs goes into the tunnel whatever mark a packet has. With Table = auto a default
 * route comes into a table of its own, past which the tunnel's marked packets go; all else goes to
 * main. Which packets look into another table is not for the file to say.
 */
static enum routed what_is_routed(const struct config *c)
{
	static const uint32_t table_main = 254;

	if (c->table_kind == TABLE_AUTO)
		return ROUTED_BUT_DEFAULT;
	if (c->table_kind == TABLE_NAME)
		return strcmp(c->table_name, "main") ? ROUTED_NOT : ROUTED_ALL;
	if (c->table_kind == TABLE_NUMBER)
		return !c->table || c->table == table_main ? ROUTED_ALL : ROUTED_NOT;
	return ROUTED_NOT;
}

/* Do the hooks of up speak of this address, or of rules? Then they see to it. */
static bool hooks_see_to(const struct config *c, const char *host)
{
	for (enum hook kind = HOOK_PRE_UP; kind <= HOOK_POST_UP; kind++)
		for (size_t i = 0; i < c->hooks[kind].n; i++)
			if (strstr(c->hooks[kind].v[i].text, host) ||
			    strstr(c->hooks[kind].v[i].text, " rule "))
				return true;
	return false;
}

/* The entry with the longest prefix, of those that are routed, that holds the address. */
static const struct entry *find_entry(const struct one_file *k, const struct prefix *addr,
				      uint8_t shortest)
{
	for (int len = addr->len; len >= shortest; len--) {
		struct entry wanted = { .prefix = *addr };
		size_t low = 0, high = k->n;

		if (!k->has_len[addr->family == AF_INET6][len])
			continue;
		wanted.prefix.len = (uint8_t)len;
		wanted.prefix = prefix_network(wanted.prefix);
		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (prefix_compare(&k->entries[middle].prefix, &wanted.prefix) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < k->n && !prefix_compare(&k->entries[low].prefix, &wanted.prefix) &&
		    !k->entries[low].remove)
			return &k->entries[low];
	}
	return NULL;
}

static void report_in_tunnel(struct one_file *k, size_t peer, const struct entry *e)
{
	char text[PREFIX_TEXT];
	size_t i = finding_add(k->f, FINDING_ENDPOINT_IN_TUNNEL,
			       place_at(k, conf_of(k, peer)->endpoint),
			       "this Endpoint lies in %s, which is routed into the tunnel itself",
			       prefix_format(text, &e->prefix));

	finding_relate(k->f, i, entry_place(k, e), "routed by this");
	if (k->c->table_at.line && !e->prefix.len)
		finding_relate(k->f, i, place_at(k, k->c->table_at), "into the host's own table");
	if (!e->prefix.len)
		finding_help(k->f, i, "write Table = auto, which leaves the way to Endpoints open");
	else
		finding_help(k->f, i,
			     "write AllowedIPs without the network of the Endpoint; or "
			     "AllowedIPs = %s with Table = auto, which leaves the way to Endpoints "
			     "open",
			     e->prefix.family == AF_INET ? "0.0.0.0/0" : "::/0");
}

static void check_in_tunnel(struct one_file *k)
{
	enum routed routed = what_is_routed(k->c);

	for (size_t i = 0; i < k->c->device.npeers && routed; i++) {
		const struct wg_peer *peer = &k->c->device.peers[i];
		struct prefix addr = check_endpoint_addr(peer);
		const struct entry *e = NULL;

		if (k->counts[i] && addr.family)
			e = find_entry(k, &addr, routed == ROUTED_BUT_DEFAULT);
		if (e && !hooks_see_to(k->c, conf_of(k, i)->host))
			report_in_tunnel(k, i, e);
	}
}

/* --- Address --- */

static void check_own_addrs(struct one_file *k)
{
	for (size_t i = 0; i < k->c->naddrs; i++) {
		const struct conf_addr *addr = &k->c->addrs[i];
		struct prefix next = addr->prefix;
		char text[PREFIX_TEXT];
		size_t n;

		if (!next.len || next.len >= family_bits(next.family) - 1 ||
		    prefix_has_host_bits(&next))
			continue;
		n = finding_add(k->f, FINDING_ADDRESS_IS_NETWORK, place_at(k, addr->at),
				"this is the address of the network, and no host's");
		next.addr[family_bytes(next.family) - 1] |= 1;
		finding_help(k->f, n, "write the host's own, as Address = %s",
			     prefix_format(text, &next));
	}
}

void check_file(struct findings *f, const struct config *c)
{
	struct arena scratch CLEANUP(arena_fini) = { 0 };
	struct one_file k = { .arena = &scratch, .f = f, .c = c };
	size_t first = f->n;

	check_peers(&k);
	collect_entries(&k);
	check_allowed(&k);
	check_endpoints(&k);
	check_in_tunnel(&k);
	check_own_addrs(&k);
	findings_sort(f, first);
}
