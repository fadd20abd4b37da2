/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * random SEED FOLDER: writes a mesh of three to six hosts, the same one for the same seed:
 * FOLDER/mesh/NODE/wg0.conf, for some also wg1.conf, and FOLDER/net with a line for each node:
 *   NODE PLACE OUTER POLICY
 * PLACE: public, or nat1, nat2, behind which it is. OUTER: its address there. POLICY: what its
 * firewall does with what is forwarded before any hook says something: accept, drop.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wgq/base/addr.h"
#include "wgq/base/key.h"

enum { NODES_MAX = 6, EDGES_MAX = NODES_MAX * NODES_MAX, ADDRS_MAX = 4, ENTRIES_MAX = 64 };

enum place { PUBLIC, NAT1, NAT2 };

struct iface {
	struct key private_key, public_key;
	struct prefix addrs[ADDRS_MAX];
	size_t naddrs;
	unsigned port;
	bool has_table_off;
};

struct node {
	enum place place;
	struct iface ifaces[2];
	size_t nifaces;
	size_t degree;
	const char *forward[2]; /* lines of [Interface] */
	bool drops;
	/* what is routed by each interface: not to be routed by the other one too */
	struct prefix routed[2][ENTRIES_MAX];
	size_t nrouted[2];
};

/* A peer of an interface. */
struct end {
	size_t node, iface;
	bool has_peer, has_endpoint;
	struct prefix allowed[ENTRIES_MAX];
	size_t nallowed;
};

struct edge {
	struct end ends[2];
};

struct world {
	uint64_t random;
	struct node nodes[NODES_MAX];
	size_t nnodes;
	struct edge edges[EDGES_MAX];
	size_t nedges;
	bool has_v4, has_v6;
};

/* --- chance: splitmix64, whose constants are its author's (Steele, Lea, Flood 2014) --- */

static uint64_t draw(struct world *w)
{
	uint64_t z = (w->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t below(struct world *w, size_t n)
{
	return (size_t)(draw(w) % n);
}

static bool chance(struct world *w, unsigned percent)
{
	return below(w, 100) < percent;
}

/* --- hosts --- */

static struct prefix parse(const char *text)
{
	struct prefix p = { 0 };

	if (prefix_parse(&p, (struct str){ text, strlen(text) }))
		abort();
	return p;
}

__attribute__((format(printf, 2, 3))) static void add_addr(struct iface *i, const char *format, ...)
{
	char text[PREFIX_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	i->addrs[i->naddrs++] = parse(text);
}

static void make_iface(struct world *w, size_t node, size_t n)
{
	static const unsigned lens4[] = { 24, 24, 24, 32, 16 }, lens6[] = { 64, 64, 128 };
	struct iface *i = &w->nodes[node].ifaces[n];
	size_t host = node + 1;
	bool loses6 = w->has_v4 && chance(w, 10);

	for (size_t k = 0; k < KEY_LEN; k++)
		i->private_key.b[k] = (uint8_t)draw(w);
	i->private_key.b[0] &= 248;
	i->private_key.b[31] = (i->private_key.b[31] & 127) | 64;
	key_public(&i->public_key, &i->private_key);
	i->port = (unsigned)(51820 + n * 10 + below(w, 4));
	i->has_table_off = chance(w, 8);
	if (w->has_v4)
		add_addr(i, "10.%zu.0.%zu/%u", 7 + n, host, lens4[below(w, ARRAY_SIZE(lens4))]);
	if (w->has_v6 && !loses6)
		add_addr(i, "fd07:%zu::%zu/%u", n, host, lens6[below(w, ARRAY_SIZE(lens6))]);
	if (w->has_v4 && chance(w, 12))
		add_addr(i, "10.9.%zu.%zu/%u", n, host, chance(w, 50) ? 24U : 32U);
	/* which of several IPv6 addresses the kernel takes where no network of them holds the
	 * target is a matter of RFC 6724, and not simulated */
	if (w->has_v6 && !loses6 && !n && chance(w, 12))
		add_addr(i, "fd09::%zu/64", host);
}

static void make_nodes(struct world *w)
{
	unsigned nat = chance(w, 60) ? 40 : 0, families = (unsigned)below(w, 100);

	w->nnodes = 3 + below(w, NODES_MAX - 2);
	w->has_v4 = families < 85;
	w->has_v6 = families >= 40;
	for (size_t i = 0; i < w->nnodes; i++) {
		struct node *n = &w->nodes[i];

		n->nifaces = chance(w, 20) ? 2 : 1;
		n->place = !chance(w, nat) ? PUBLIC : chance(w, 70) ? NAT1 : NAT2;
		for (size_t k = 0; k < n->nifaces; k++)
			make_iface(w, i, k);
	}
}

/* --- who has whom --- */

static bool is_linked(const struct world *w, size_t a, size_t b)
{
	for (size_t i = 0; i < w->nedges; i++) {
		const struct end *ends = w->edges[i].ends;

		if ((ends[0].node == a && ends[1].node == b) ||
		    (ends[0].node == b && ends[1].node == a))
			return true;
	}
	return false;
}

static void link_nodes(struct world *w, size_t a, size_t b)
{
	struct edge *e = &w->edges[w->nedges];
	size_t nodes[2] = { a, b };

	if (a == b || is_linked(w, a, b))
		return;
	for (size_t k = 0; k < 2; k++) {
		struct node *n = &w->nodes[nodes[k]];

		e->ends[k] = (struct end){ .node = nodes[k],
					   .iface = below(w, n->nifaces),
					   .has_peer = !chance(w, 5) };
		n->degree++;
	}
	w->nedges++;
}

static void make_hub(struct world *w)
{
	for (size_t i = 1; i < w->nnodes; i++)
		link_nodes(w, 0, i);
}

static void make_ring(struct world *w)
{
	for (size_t i = 0; i < w->nnodes; i++)
		link_nodes(w, i, (i + 1) % w->nnodes);
}

static void make_tree(struct world *w)
{
	for (size_t i = 1; i < w->nnodes; i++)
		link_nodes(w, i, below(w, i));
}

static void make_full(struct world *w)
{
	for (size_t i = 0; i < w->nnodes; i++)
		for (size_t k = 0; k < i; k++)
			link_nodes(w, i, k);
}

static void make_edges(struct world *w)
{
	static void (*const shapes[])(struct world * w) = { make_hub, make_ring, make_tree,
							    make_tree, make_full };

	shapes[below(w, ARRAY_SIZE(shapes))](w);
	for (size_t extra = below(w, 3); extra; extra--)
		link_nodes(w, below(w, w->nnodes), below(w, w->nnodes));
}

/* From where it is, the other end can be called: it is in public, or at the same home. */
static void make_endpoints(struct world *w)
{
	for (size_t i = 0; i < w->nedges; i++) {
		for (size_t k = 0; k < 2; k++) {
			struct end *e = &w->edges[i].ends[k], *other = &w->edges[i].ends[!k];
			enum place there = w->nodes[other->node].place;

			e->has_endpoint = (there == PUBLIC || there == w->nodes[e->node].place) &&
					  chance(w, 80);
		}
	}
}

/* --- AllowedIPs --- */

/* The first step from a towards each node, on a shortest way. */
static void find_ways(const struct world *w, size_t a, size_t *first)
{
	size_t queue[NODES_MAX], n = 0;

	for (size_t i = 0; i < w->nnodes; i++)
		first[i] = i == a ? a : SIZE_MAX;
	queue[n++] = a;
	for (size_t at = 0; at < n; at++) {
		for (size_t i = 0; i < w->nnodes; i++) {
			if (first[i] != SIZE_MAX || !is_linked(w, queue[at], i))
				continue;
			first[i] = queue[at] == a ? i : first[queue[at]];
			queue[n++] = i;
		}
	}
}

static bool has_prefix(const struct prefix *v, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (!prefix_compare(&v[i], p))
			return true;
	return false;
}

/* A host whose second interface is to route what the first one does cannot bring it up. */
static void allow(struct world *w, struct end *e, struct prefix p)
{
	struct node *n = &w->nodes[e->node];
	size_t *nrouted = &n->nrouted[e->iface];

	p = prefix_network(p);
	if (has_prefix(e->allowed, e->nallowed, &p) || e->nallowed == ENTRIES_MAX ||
	    *nrouted == ENTRIES_MAX || has_prefix(n->routed[!e->iface], n->nrouted[!e->iface], &p))
		return;
	n->routed[e->iface][(*nrouted)++] = p;
	e->allowed[e->nallowed++] = p;
}

static void allow_iface(struct world *w, struct end *e, const struct iface *i)
{
	for (size_t k = 0; k < i->naddrs; k++) {
		struct prefix p = i->addrs[k];

		p.len = family_bits(p.family);
		allow(w, e, p);
	}
}

static void allow_node(struct world *w, struct end *e, size_t node)
{
	for (size_t k = 0; k < w->nodes[node].nifaces; k++)
		allow_iface(w, e, &w->nodes[node].ifaces[k]);
}

static void allow_behind(struct world *w, struct end *e, const struct end *other)
{
	size_t first[NODES_MAX];

	find_ways(w, e->node, first);
	for (size_t i = 0; i < w->nnodes; i++)
		if (first[i] == other->node)
			allow_node(w, e, i);
}

static void allow_direct(struct world *w, struct end *e, const struct end *other)
{
	allow_iface(w, e, &w->nodes[other->node].ifaces[other->iface]);
}

static void allow_wide(struct world *w, struct end *e, const struct end *other)
{
	static const char *const all[] = { "10.7.0.0/24", "10.8.0.0/24", "10.0.0.0/8",
					   "fd07::/64",   "fd07:1::/64", "fd00::/8" };

	allow_direct(w, e, other);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (chance(w, 50))
			allow(w, e, parse(all[i]));
}

static void allow_part(struct world *w, struct end *e, const struct end *other)
{
	const struct iface *i = &w->nodes[other->node].ifaces[other->iface];

	for (size_t k = 0; k < i->naddrs; k++) {
		struct prefix p = i->addrs[k];

		p.len = (uint8_t)(family_bits(p.family) - below(w, 4));
		allow(w, e, p);
	}
}

/* Where another interface's own packets need the default route of the home, it is not for this one.
 */
static void allow_default(struct world *w, struct end *e, const struct end *other)
{
	const struct node *n = &w->nodes[e->node];

	allow_direct(w, e, other);
	if (n->place != PUBLIC && n->nifaces > 1)
		return;
	if (w->has_v4)
		allow(w, e, parse("0.0.0.0/0"));
	if (w->has_v6)
		allow(w, e, parse("::/0"));
}

static void allow_some(struct world *w, struct end *e, const struct end *other)
{
	(void)other;
	for (size_t i = 0; i < w->nnodes; i++)
		if (i != e->node && chance(w, 50))
			allow_node(w, e, i);
}

static void make_allowed(struct world *w, struct end *e, const struct end *other)
{
	static const struct {
		unsigned percent;
		void (*allow)(struct world *w, struct end *e, const struct end *other);
	} styles[] = { { 52, allow_behind }, { 15, allow_direct }, { 13, allow_wide },
		       { 9, allow_part },    { 6, allow_default }, { 5, allow_some } };
	size_t roll = below(w, 100), style = 0;

	for (; roll >= styles[style].percent; style++)
		roll -= styles[style].percent;
	styles[style].allow(w, e, other);
	if (chance(w, 8))
		allow_node(w, e, below(w, w->nnodes));
}

static void make_all_allowed(struct world *w)
{
	for (size_t i = 0; i < w->nnodes; i++) {
		struct node *n = &w->nodes[i];

		for (size_t k = 0; k < n->nifaces; k++)
			for (size_t at = 0; at < n->ifaces[k].naddrs; at++)
				n->routed[k][n->nrouted[k]++] = prefix_network(
					n->ifaces[k].addrs[at]);
	}
	for (size_t i = 0; i < w->nedges; i++) {
		make_allowed(w, &w->edges[i].ends[0], &w->edges[i].ends[1]);
		make_allowed(w, &w->edges[i].ends[1], &w->edges[i].ends[0]);
	}
}

/* --- forwarding --- */

#define SWITCH4              "PostUp = sysctl -q -w net.ipv4.ip_forward=1\n"
#define SWITCH6              "PostUp = sysctl -q -w net.ipv6.conf.all.forwarding=1\n"
#define RULE(program, match) "PostUp = " program " -A FORWARD -i %i " match "-j ACCEPT\n"

/*
 * What a host may say of forwarding, and the firewall that it says it to. Accepting hooks stand
 * where without them nothing passes: elsewhere they change nothing, and what the host does with
 * its other interfaces is not for its files to say.
 */
static const struct forwarding {
	const char *text;
	bool drops;
	bool is_for_one; /* interfaces need not agree */
} forwardings[] = {
	{ "Forward = yes\n", false, false },
	{ "Forward = yes\n", true, true },
	{ "Forward = mesh\n", false, false },
	{ "Forward = mesh\n", true, true },
	{ SWITCH4 SWITCH6, false, false },
	{ SWITCH4, false, false },
	{ SWITCH6, false, false },
	{ SWITCH4 SWITCH6 RULE("iptables", "") RULE("ip6tables", ""), true, true },
	{ SWITCH4 SWITCH6 RULE("iptables", "-o %i ") RULE("ip6tables", "-o %i "), true, true },
	{ SWITCH4 RULE("iptables", ""), true, true },
};

static void make_forwarding(struct world *w)
{
	for (size_t i = 0; i < w->nnodes; i++) {
		struct node *n = &w->nodes[i];
		const struct forwarding *f = &forwardings[below(w, ARRAY_SIZE(forwardings))];

		if (!chance(w, n->degree > 1 ? 78 : 15))
			continue;
		n->drops = f->drops;
		for (size_t k = 0; k < n->nifaces; k++)
			n->forward[k] = k && f->is_for_one && chance(w, 40) ? NULL : f->text;
	}
}

/* --- files --- */

static void format_outer(char *text, size_t size, const struct world *w, size_t node)
{
	static const char *const nets[] = {
		[PUBLIC] = "203.0.113", [NAT1] = "192.168.1", [NAT2] = "192.168.2"
	};

	snprintf(text, size, "%s.%zu", nets[w->nodes[node].place], node + 1);
}

static void print_list(FILE *f, const char *key, const struct prefix *v, size_t n)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s%s", i ? ", " : key, prefix_format(text, &v[i]));
	if (n)
		fputc('\n', f);
}

static void print_peer(FILE *f, const struct world *w, const struct end *e, const struct end *other)
{
	const struct iface *there = &w->nodes[other->node].ifaces[other->iface];
	char key[KEY_BASE64_LEN + 1], outer[INET6_ADDRSTRLEN];

	key_to_base64(key, &there->public_key);
	fprintf(f, "\n[Peer]\nPublicKey = %s\n", key);
	print_list(f, "AllowedIPs = ", e->allowed, e->nallowed);
	format_outer(outer, sizeof(outer), w, other->node);
	if (e->has_endpoint)
		fprintf(f, "Endpoint = %s:%u\n", outer, there->port);
}

/* Where wgq makes no routes, the hooks of some make one. */
static void print_routes(FILE *f, struct world *w, const struct iface *i)
{
	if (!i->has_table_off)
		return;
	fputs("Table = off\n", f);
	if (w->has_v4 && chance(w, 60))
		fputs("PostUp = ip route add 10.6.0.0/15 dev %i\n", f);
	if (w->has_v6 && chance(w, 60))
		fputs("PostUp = ip -6 route replace fd07::/16 dev %i\n", f);
}

static void print_iface(FILE *f, struct world *w, size_t node, size_t n)
{
	const struct iface *i = &w->nodes[node].ifaces[n];
	char key[KEY_BASE64_LEN + 1];

	key_to_base64(key, &i->private_key);
	fprintf(f, "[Interface]\nPrivateKey = %s\nListenPort = %u\n", key, i->port);
	print_list(f, "Address = ", i->addrs, i->naddrs);
	print_routes(f, w, i);
	if (w->nodes[node].forward[n])
		fputs(w->nodes[node].forward[n], f);
	for (size_t k = 0; k < w->nedges; k++) {
		for (size_t side = 0; side < 2; side++) {
			const struct end *e = &w->edges[k].ends[side];

			if (e->node == node && e->iface == n && e->has_peer)
				print_peer(f, w, e, &w->edges[k].ends[!side]);
		}
	}
}

static FILE *open_in(const char *folder)
{
	if (mkdir(folder, 0755) && errno != EEXIST)
		return NULL;
	return chdir(folder) ? NULL : stdout;
}

static bool write_file(const char *path, struct world *w, size_t node, size_t n)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return false;
	print_iface(f, w, node, n);
	return !fclose(f);
}

static bool write_net(const struct world *w)
{
	static const char *const places[] = { "public", "nat1", "nat2" };
	FILE *f = fopen("net", "we");

	if (!f)
		return false;
	for (size_t i = 0; i < w->nnodes; i++) {
		char outer[INET6_ADDRSTRLEN];

		format_outer(outer, sizeof(outer), w, i);
		fprintf(f, "%c %s %s %s\n", (char)('A' + i), places[w->nodes[i].place], outer,
			w->nodes[i].drops ? "drop" : "accept");
	}
	return !fclose(f);
}

static bool write_all(struct world *w, const char *folder)
{
	if (!open_in(folder) || !write_net(w) || mkdir("mesh", 0755))
		return false;
	for (size_t i = 0; i < w->nnodes; i++) {
		char path[64];

		snprintf(path, sizeof(path), "mesh/%c", (char)('A' + i));
		if (mkdir(path, 0755))
			return false;
		for (size_t k = 0; k < w->nodes[i].nifaces; k++) {
			snprintf(path, sizeof(path), "mesh/%c/wg%zu.conf", (char)('A' + i), k);
			if (!write_file(path, w, i, k))
				return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct world w = { 0 };

	if (argc != 3) {
		fputs("usage: random SEED FOLDER\n", stderr);
		return 2;
	}
	w.random = strtoull(argv[1], NULL, 10);
	make_nodes(&w);
	make_edges(&w);
	make_endpoints(&w);
	make_all_allowed(&w);
	make_forwarding(&w);
	if (!write_all(&w, argv[2])) {
		perror(argv[2]);
		return 1;
	}
	return 0;
}
