/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host's main routing table, as it is when its interfaces have come up in the order of their
 * files: connected networks, the routes of AllowedIPs that wg-quick adds, and those of hooks.
 */
#include <linux/rtnetlink.h>

#include "wgq/conf/shell_rules.h"
#include "wgq/mesh/route_part.h"

/* Of routes to one prefix the kernel takes the lowest metric, and of these the one that was there
 * first: a second "add" fails, "replace" takes the first one's place. */
struct candidate {
	struct prefix prefix;
	uint32_t out;
	int64_t rank; /* the lowest is used */
};

struct host {
	struct arena arena;
	struct routes *routes;
	size_t node;
	uint32_t iface; /* at hand */
	struct candidate *v;
	size_t n, capacity;
};

/* An "ip route add" or "replace" of a hook. */
struct hook_route {
	struct prefix prefix;
	struct prefix via; /* family 0: none */
	const char *device;
	uint32_t metric;
	uint8_t family; /* by -4 or -6; 0: not said */
	bool replaces, dead, other_table;
};

/* Metrics as the kernel gives them; and one before all for AllowedIPs of length 0, whose table is
 * looked at before the default route of main. */
enum { RANK_DEFAULT = -1, METRIC_CONNECTED6 = 256, METRIC_ROUTE6 = 1024 };

static void host_fini(struct host *h)
{
	arena_fini(&h->arena);
}

static void push(struct host *h, struct prefix prefix, uint32_t out, int64_t metric, bool first)
{
	int64_t order = (int64_t)h->n + 1;

	*ARENA_PUSH(&h->arena, h->v, h->n, h->capacity) = (struct candidate){
		.prefix = prefix_network(prefix),
		.out = out,
		.rank = metric * ((int64_t)1 << 32) + (first ? -order : order),
	};
}

static bool is_main(const struct config *c)
{
	return c->table_kind == TABLE_AUTO ||
	       (c->table_kind == TABLE_NUMBER && (!c->table || c->table == RT_TABLE_MAIN)) ||
	       (c->table_kind == TABLE_NAME && !strcmp(c->table_name, "main"));
}

/* --- hooks --- */

/* iproute2 takes any beginning of a word. */
static bool begins(const char *word, const char *whole)
{
	return *word && !strncmp(word, whole, strlen(word));
}

static void read_prefix(struct hook_route *route, const char *text)
{
	struct str s = { text, strlen(text) };

	if (!strcmp(text, "default") || !strcmp(text, "any") || !strcmp(text, "all"))
		route->prefix.family = route->family ? route->family : AF_INET;
	else if (prefix_parse_ip(&route->prefix, s))
		route->prefix.family = 0;
}

static void read_via(struct hook_route *route, const char *text)
{
	if (prefix_parse_ip(&route->via, (struct str){ text, strlen(text) }))
		route->via.family = 0;
}

static void read_device(struct hook_route *route, const char *text)
{
	route->device = text;
}

static void read_metric(struct hook_route *route, const char *text)
{
	route->metric = (uint32_t)strtoul(text, NULL, 0);
}

static void read_table(struct hook_route *route, const char *text)
{
	route->other_table = strcmp(text, "main") != 0 && strtoul(text, NULL, 0) != RT_TABLE_MAIN;
}

/* Several next hops: which one, nobody can say. */
static void read_nexthop(struct hook_route *route, const char *text)
{
	(void)text;
	route->other_table = true;
}

static const struct {
	const char *word;
	void (*read)(struct hook_route *route, const char *text);
} route_words[] = {
	{ "to", read_prefix },   { "via", read_via },         { "dev", read_device },
	{ "oif", read_device },  { "metric", read_metric },   { "preference", read_metric },
	{ "table", read_table }, { "nexthop", read_nexthop }, { "nhid", read_nexthop },
};

static bool read_type(struct hook_route *route, const char *word)
{
	static const struct {
		const char *word;
		bool dead;
	} types[] = { { "unicast", false },
		      { "blackhole", true },
		      { "unreachable", true },
		      { "prohibit", true } };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!strcmp(word, types[i].word)) {
			route->dead = types[i].dead;
			return true;
		}
	}
	return false;
}

/* What stands behind "add" or "replace": a type, the prefix, and words with their values. */
static bool read_words(struct hook_route *route, const struct shell_word *words, size_t n)
{
	size_t at = 0;

	at += n && read_type(route, words->text);
	if (at < n && strcmp(words[at].text, "to") != 0)
		read_prefix(route, words[at++].text);
	for (; at + 1 < n; at += 2) {
		if (!strcmp(words[at].text, "onlink"))
			at--;
		for (size_t i = 0; i < ARRAY_SIZE(route_words); i++)
			if (!strcmp(words[at].text, route_words[i].word))
				route_words[i].read(route, words[at + 1].text);
	}
	return route->prefix.family && !route->other_table &&
	       (route->dead || route->device || route->via.family);
}

/* Is it "ip [-4|-6] route add|replace ..."? */
static bool read_command(struct hook_route *route, const struct shell_command *c)
{
	const struct shell_word *w = c->words;
	size_t at = 1;

	*route = (struct hook_route){ 0 };
	if (c->opaque || strcmp(shell_program(c), "ip") != 0)
		return false;
	for (; at < c->n && *w[at].text == '-'; at++)
		route->family = !strcmp(w[at].text, "-6")   ? AF_INET6
				: !strcmp(w[at].text, "-4") ? AF_INET
							    : route->family;
	if (at + 2 >= c->n || !begins(w[at].text, "route"))
		return false;
	route->replaces = begins(w[at + 1].text, "replace");
	if (!route->replaces && !begins(w[at + 1].text, "add"))
		return false;
	return read_words(route, w + at + 2, c->n - at - 2);
}

static uint32_t find_device(const struct host *h, const char *name)
{
	const struct mesh *m = h->routes->mesh;
	const struct mesh_node *node = &m->nodes[h->node];

	for (size_t i = 0; i < node->nifaces; i++)
		if (!strcmp(m->ifaces[node->ifaces[i]].name, name))
			return (uint32_t)node->ifaces[i];
	return OUT_AWAY;
}

/* The interface whose network holds the next hop; else the one whose AllowedIPs are the way there.
 */
static uint32_t find_via(const struct host *h, const struct prefix *via)
{
	const struct mesh *m = h->routes->mesh;
	const struct mesh_node *node = &m->nodes[h->node];
	uint32_t out = OUT_AWAY;
	int best = 0; /* a default route is no way to a next hop */

	for (int allowed = 0; allowed < 2 && out == OUT_AWAY; allowed++) {
		for (size_t i = 0; i < node->nifaces; i++) {
			uint32_t iface = (uint32_t)node->ifaces[i];
			const struct config *c = m->ifaces[iface].config;
			const struct table_row *row = table_find(&h->routes->ifaces[iface].allowed,
								 via);
			int len = allowed && row && is_main(c) ? row->prefix.len : 0;

			for (size_t k = 0; !allowed && k < c->naddrs; k++)
				if (prefix_contains(&c->addrs[k].prefix, via) &&
				    c->addrs[k].prefix.len > len)
					len = c->addrs[k].prefix.len;
			out = len > best ? iface : out;
			best = len > best ? len : best;
		}
	}
	return out;
}

static void add_hooks(struct host *h, enum hook kind)
{
	const struct mesh_iface *iface = &h->routes->mesh->ifaces[h->iface];
	struct shell_script script;

	if (!iface->config->hooks[kind].n)
		return;
	shell_list(&script, &h->arena, iface->config, iface->name, kind);
	for (size_t i = 0; i < script.n; i++) {
		struct hook_route route;
		uint32_t out;
		bool is_v6;

		if (!read_command(&route, &script.v[i]))
			continue;
		is_v6 = route.prefix.family == AF_INET6;
		out = route.dead     ? OUT_DEAD
		      : route.device ? find_device(h, route.device)
				     : find_via(h, &route.via);
		push(h, route.prefix, out,
		     route.metric ? route.metric
		     : is_v6      ? METRIC_ROUTE6
				  : 0,
		     route.replaces);
	}
}

/* --- what wg-quick adds --- */

/* An address without a network of its own makes no route in the main table. */
static void add_connected(struct host *h)
{
	const struct config *c = h->routes->mesh->ifaces[h->iface].config;

	for (size_t i = 0; i < c->naddrs; i++) {
		struct prefix p = c->addrs[i].prefix;

		if (p.len < family_bits(p.family))
			push(h, p, h->iface, p.family == AF_INET6 ? METRIC_CONNECTED6 : 0, false);
	}
}

/* Does one of the routes from first on, up to end, lead there by the interface at hand? */
static bool is_covered(const struct host *h, size_t first, size_t end, const struct prefix *p)
{
	for (size_t i = first; i < end; i++)
		if (h->v[i].out == h->iface && table_covers(&h->v[i].prefix, p))
			return true;
	return false;
}

/* wg-quick(8) leaves out what a route into the interface holds already. */
static void add_allowed(struct host *h, size_t first)
{
	const struct config *c = h->routes->mesh->ifaces[h->iface].config;
	const struct table *allowed = &h->routes->ifaces[h->iface].allowed;
	bool is_auto = c->table_kind == TABLE_AUTO;
	size_t end = h->n;

	if (!is_main(c))
		return;
	for (size_t i = 0; i < allowed->n; i++) {
		const struct prefix *p = &allowed->rows[i].prefix;

		if (!p->len && is_auto)
			push(h, *p, h->iface, RANK_DEFAULT, true);
		else if (!is_auto || !is_covered(h, first, end, p))
			push(h, *p, h->iface, p->family == AF_INET6 ? METRIC_ROUTE6 : 0, false);
	}
}

static int compare_candidates(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;
	int order = prefix_compare(&a->prefix, &b->prefix);

	return order ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

void host_init(struct routes *r, size_t node)
{
	struct host h CLEANUP(host_fini) = { .routes = r, .node = node };
	const struct mesh_node *mesh_node = &r->mesh->nodes[node];
	struct table_row *rows;
	size_t n = 0;

	for (size_t i = 0; i < mesh_node->nifaces; i++) {
		size_t first = h.n;

		h.iface = (uint32_t)mesh_node->ifaces[i];
		add_hooks(&h, HOOK_PRE_UP);
		add_connected(&h);
		add_allowed(&h, first);
		add_hooks(&h, HOOK_POST_UP);
	}
	if (h.n)
		qsort(h.v, h.n, sizeof(*h.v), compare_candidates);
	for (size_t i = 0; i < h.n; i++)
		if (!n || prefix_compare(&h.v[n - 1].prefix, &h.v[i].prefix) != 0)
			h.v[n++] = h.v[i];
	rows = arena_alloc(r->mesh->arena, (n + 1) * sizeof(*rows));
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct table_row){ .prefix = h.v[i].prefix, .value = h.v[i].out };
	table_init(&r->nodes[node].host, rows, n);
}
