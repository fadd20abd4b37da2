/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting all pairs on classes of like nodes against walking each pair by itself. */
#include <time.h>

#include "tests/unit/route_mesh.h"
#include "wgq/mesh/route_part.h"

/* --- random meshes --- */

static uint64_t seed;

static size_t below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)((seed >> 11) % n);
}

static bool chance(unsigned percent)
{
	return below(100) < percent;
}

enum { IFACES_MAX = 160, PEERS_MAX = 8 };

struct plan_peer {
	size_t key;
	const char *allowed;
	bool endpoint;
};

struct plan_iface {
	size_t node, host; /* host: the number in its addresses */
	unsigned net;      /* 10.NET.0.0 */
	bool v4, v6;
	unsigned len;
	int second; /* a second IPv4 address, in the other net, -1: before, 1: behind the first */
	const char *more; /* lines of [Interface] */
	struct plan_peer peers[PEERS_MAX];
	size_t npeers;
};

struct random_mesh {
	struct net *net;
	struct plan_iface v[IFACES_MAX];
	size_t n;
};

static const char *random_prefixes(const struct random_mesh *p, const struct plan_iface *to)
{
	static const char *const wide[] = { "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16",
					    "0.0.0.0/0",  "fd00::/16",   "::/0",
					    "fd00::/64",  "10.0.0.0/30", "10.0.0.4/30" };
	struct arena *a = &p->net->arena;
	const char *list = "";

	if (chance(85))
		list = arena_printf(a, "10.%u.0.%zu/32, fd00:0:0:%u::%zu/128", to->net, to->host,
				    to->net, to->host);
	for (size_t i = below(3); i > 0; i--)
		list = arena_printf(a, "%s%s%s", list, *list ? ", " : "",
				    wide[below(ARRAY_SIZE(wide))]);
	if (chance(15)) {
		const struct plan_iface *other = &p->v[below(p->n)];

		list = arena_printf(a, "%s%s10.%u.0.%zu/32", list, *list ? ", " : "", other->net,
				    other->host);
	}
	return *list ? list : "10.0.0.0/16";
}

/* One draw a statement, so that every compiler draws in the same order. */
static void add_random_peer(struct random_mesh *p, size_t from, size_t to, unsigned open)
{
	struct plan_iface *iface = &p->v[from];
	struct plan_peer *peer = &iface->peers[iface->npeers];

	if (iface->npeers == PEERS_MAX)
		return;
	iface->npeers++;
	peer->key = chance(3) ? 1000 : to;
	peer->allowed = random_prefixes(p, &p->v[to]);
	peer->endpoint = chance(open);
}

static const char *random_lines(const struct random_mesh *p)
{
	static const char *const forwards[] = { "", "Forward = mesh\n", "Forward = yes\n" };
	static const char *const routes[] = {
		"",
		"",
		"",
		"Table = off\n",
		"Table = off\nPostUp = ip route add 10.0.0.0/8 dev %i\n",
		"PostUp = ip route replace 10.1.0.0/16 via 10.0.0.1\n",
		("PreUp = ip -6 route add fd00::/62 dev %i\n"
		 "PostUp = ip route add 10.0.0.2/31 dev eth0\n"),
	};

	const char *forward = forwards[below(ARRAY_SIZE(forwards))];

	return arena_printf(&p->net->arena, "%s%s", forward, routes[below(ARRAY_SIZE(routes))]);
}

static void plan_ifaces(struct random_mesh *p, size_t nodes)
{
	static const unsigned lens[] = { 16, 16, 24, 30, 32 };
	unsigned v4 = chance(80) ? 100 : 60;
	unsigned v6 = chance(60) ? 0 : 70;

	for (size_t node = 0; node < nodes; node++) {
		for (size_t k = chance(20) ? 2 : 1; k > 0 && p->n < IFACES_MAX; k--) {
			struct plan_iface *iface = &p->v[p->n++];

			*iface = (struct plan_iface){ .node = node, .host = 1 + node };
			if (chance(3))
				iface->host = 1 + below(nodes);
			iface->net = chance(75) ? 0 : 1;
			iface->v4 = chance(v4);
			iface->v6 = chance(v6);
			iface->len = lens[below(ARRAY_SIZE(lens))];
			iface->more = random_lines(p);
		}
	}
}

static void plan_links(struct random_mesh *p)
{
	for (size_t i = 0; i < p->n * 3 / 2; i++) {
		size_t a = below(p->n);
		size_t b = below(p->n);

		if (a == b && chance(90))
			continue;
		add_random_peer(p, a, b, 80);
		if (chance(90))
			add_random_peer(p, b, a, 40);
	}
}

/* What a spoke has of its own, now and then. */
static void vary_spoke(struct random_mesh *p, struct plan_iface *spoke)
{
	if (chance(4))
		spoke->more = random_lines(p);
	if (chance(4))
		spoke->len = spoke->len == 16 ? 24 : 16;
	if (chance(4))
		spoke->second = chance(50) ? 1 : -1;
	if (chance(4))
		spoke->net ^= 1;
	if (chance(4))
		add_random_peer(p, (size_t)(spoke - p->v), below(p->n), 50);
}

/* Nodes of one or two interfaces that are like the first of them, as templates make them: they
 * differ in nothing but their addresses, and now and then in something. */
static void plan_template(struct random_mesh *p, size_t spokes)
{
	size_t first = p->n, node = p->v[first - 1].node + 1;
	size_t each = chance(40) ? 2 : 1;

	for (size_t i = 0; i < spokes * each && p->n < IFACES_MAX; i++) {
		struct plan_iface *spoke = &p->v[p->n++];

		if (i < each) {
			*spoke = (struct plan_iface){ .v4 = true, .v6 = chance(30) };
			spoke->len = chance(50) ? 16 : 32;
			spoke->net = (unsigned)below(2);
			spoke->second = chance(70) ? 0 : 1;
			spoke->more = random_lines(p);
			for (size_t k = 1 + below(2); k > 0; k--)
				add_random_peer(p, p->n - 1, below(first), 90);
		} else {
			*spoke = p->v[first + i % each];
			vary_spoke(p, spoke);
		}
		spoke->host = chance(2) ? 5 : 40 + p->n;
		spoke->node = node + i / each;
	}
}

static const char *random_text(const struct random_mesh *p, size_t i)
{
	const struct plan_iface *iface = &p->v[i];
	struct arena *a = &p->net->arena;
	const char *text = arena_printf(a, "[Interface]\n%s", iface->more);

	for (int at = -1; iface->v4 && at < 2; at++)
		if (!at || at == iface->second)
			text = arena_printf(a, "%sAddress = 10.%u.0.%zu/%u\n", text,
					    iface->net ^ (at != 0), iface->host, iface->len);
	if (iface->v6)
		text = arena_printf(a, "%sAddress = fd00:0:0:%u::%zu/64\n", text, iface->net,
				    iface->host);
	for (size_t k = 0; k < iface->npeers; k++) {
		const struct plan_peer *peer = &iface->peers[k];
		struct key key = net_key(peer->key);
		char name[KEY_BASE64_LEN + 1];

		key_to_base64(name, &key);
		text = arena_printf(a, "%s[Peer]\nPublicKey = %s\nAllowedIPs = %s\n%s", text, name,
				    peer->allowed,
				    peer->endpoint ? "Endpoint = 192.0.2.1:5\n" : "");
	}
	return text;
}

/* A hub's blocks for its spokes come without the limit of PEERS_MAX. */
static const char *hub_blocks(const struct random_mesh *p, size_t hub, size_t first)
{
	struct arena *a = &p->net->arena;
	const char *text = "";

	for (size_t i = first; i < p->n; i++) {
		const struct plan_iface *spoke = &p->v[i];
		struct key key = net_key(i);
		char name[KEY_BASE64_LEN + 1];

		if (!spoke->npeers || spoke->peers->key != hub)
			continue;
		key_to_base64(name, &key);
		text = arena_printf(a,
				    "%s[Peer]\nPublicKey = %s\nAllowedIPs = 10.%u.0.%zu/32, "
				    "fd00:0:0:%u::%zu/128\n",
				    text, name, spoke->net, spoke->host, spoke->net, spoke->host);
	}
	return text;
}

static void make_random(struct net *x, size_t nodes, size_t spokes)
{
	struct random_mesh p = { .net = x };
	size_t first;

	plan_ifaces(&p, nodes);
	plan_links(&p);
	first = p.n;
	plan_template(&p, spokes);
	for (size_t i = 0; i < p.n; i++)
		net_add_text(x, p.v[i].node, arena_printf(&x->arena, "wg%zu", i),
			     arena_printf(&x->arena, "%s%s", random_text(&p, i),
					  i < first ? hub_blocks(&p, i, first) : ""),
			     i);
	mesh_link(&x->m);
}

/* --- pair by pair --- */

static void walk_pairs(const struct routes *r, struct reach *out)
{
	size_t n = r->mesh->nnodes;

	*out = (struct reach){ .pairs = n * (n - 1) };
	for (int wanted = 1; wanted >= 0; wanted--) {
		for (size_t i = 0; i < n * n; i++) {
			struct bad_pair bad;
			struct way way;

			if (i / n == i % n)
				continue;
			if (route_judge(r, &bad, i / n, i % n, &way)) {
				out->reachable += (size_t)wanted;
				continue;
			}
			bad.is_wanted = bad.is_wanted || routes_pair(r, i % n, i / n, NULL);
			out->nwanted += wanted && bad.is_wanted;
			if (bad.is_wanted == wanted)
				*ARENA_PUSH(r->mesh->arena, out->bad, out->nbad,
					    out->bad_capacity) = bad;
		}
	}
}

static bool same_pair(const struct bad_pair *a, const struct bad_pair *b)
{
	return a->from == b->from && a->to == b->to && a->family == b->family && a->end == b->end &&
	       a->at == b->at && a->is_wanted == b->is_wanted &&
	       !prefix_compare(&a->source, &b->source) && !prefix_compare(&a->target, &b->target);
}

static void expect_same(const struct reach *got, const struct reach *want, size_t limit)
{
	size_t nbad = want->nbad < limit ? want->nbad : limit;

	assert_int_equal(got->pairs, want->pairs);
	assert_int_equal(got->reachable, want->reachable);
	assert_int_equal(got->nwanted, want->nwanted);
	assert_int_equal(got->nbad, nbad);
	assert_int_equal(got->truncated, nbad < want->nbad);
	for (size_t i = 0; i < nbad; i++)
		assert_true(same_pair(&got->bad[i], &want->bad[i]));
}

struct tally {
	size_t pairs, reachable, wanted, ends[WAY_GUARDED + 1];
};

static void compare(size_t nodes, size_t spokes, struct tally *tally)
{
	static const struct reach_limits efforts[] = { { 64, 4, 32 }, { 64, 0, 0 }, { 0, 0, 0 },
						       { 0, 1, 3 },   { 2, 1, 32 }, { 0, 2, 6 },
						       { 0, 4, 32 } };
	static const size_t limits[] = { SIZE_MAX, 3 };
	struct net x CLEANUP(net_fini) = { 0 };
	uint64_t was = seed;
	struct reach want;
	struct routes *r;

	make_random(&x, nodes, spokes);
	r = routes_new(&x.m);
	walk_pairs(r, &want);
	for (size_t i = 0; i < ARRAY_SIZE(efforts); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(limits); k++) {
			struct reach got;

			route_reach(r, &got, limits[k], &efforts[i]);
			if (got.reachable != want.reachable || got.nwanted != want.nwanted)
				print_error("seed %llu, %zu nodes, %zu spokes\n",
					    (unsigned long long)was, nodes, spokes);
			expect_same(&got, &want, limits[k]);
		}
	}
	tally->pairs += want.pairs;
	tally->reachable += want.reachable;
	tally->wanted += want.nwanted;
	for (size_t i = 0; i < want.nbad; i++)
		tally->ends[want.bad[i].end]++;
}

static void tally_print(const struct tally *t)
{
	print_message("%zu pairs, %zu reachable, %zu wanted; ends:", t->pairs, t->reachable,
		      t->wanted);
	for (size_t i = 0; i < ARRAY_SIZE(t->ends); i++)
		print_message(" %zu", t->ends[i]);
	print_message("\n");
	/* that it is a test: much works, and everything that can go wrong does */
	assert_true(t->reachable > t->pairs / 20);
	for (size_t i = WAY_NO_ROUTE; i < ARRAY_SIZE(t->ends); i++)
		assert_true(t->ends[i] > 0);
}

static void small_meshes_count_as_pair_by_pair(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	seed = 20250314;
	for (size_t i = 0; i < 4000; i++)
		compare(3 + below(4), 0, &tally);
	tally_print(&tally);
}

static void meshes_of_templates_count_as_pair_by_pair(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	seed = 20201215;
	for (size_t i = 0; i < 600; i++)
		compare(2 + i % 4, 2 + below(6), &tally);
	for (size_t i = 0; i < 12; i++)
		compare(2 + i % 3, 70 + below(30), &tally);
	tally_print(&tally);
}

/* --- scale --- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put_peer(FILE *out, size_t key, size_t host, const char *rest)
{
	struct key k = net_key(key);
	char name[KEY_BASE64_LEN + 1];

	key_to_base64(name, &k);
	fprintf(out, "[Peer]\nPublicKey = %s\nAllowedIPs = ", name);
	if (host)
		fprintf(out, "10.%zu.%zu.%zu/32\n", host >> 16, host >> 8 & 255, host & 255);
	fputs(rest, out);
}

static void add_printed(struct net *x, size_t node, FILE *out, char **text)
{
	fclose(out);
	net_add_text(x, node, "wg0", arena_strndup(&x->arena, *text, strlen(*text)), node);
	free(*text);
}

static FILE *begin(char **text, size_t *size, size_t host, const char *more)
{
	FILE *out = open_memstream(text, size);

	assert_non_null(out);
	fprintf(out, "[Interface]\nAddress = 10.%zu.%zu.%zu/8\n%s", host >> 16, host >> 8 & 255,
		host & 255, more);
	return out;
}

static void make_hub(struct net *x, size_t spokes, const char *forward, const char *allowed)
{
	const char *peer = arena_printf(&x->arena, "%s\nEndpoint = 192.0.2.1:51820\n", allowed);
	size_t size;
	char *text;
	FILE *out = begin(&text, &size, 1, forward);

	for (size_t i = 1; i <= spokes; i++)
		put_peer(out, i, i + 1, "");
	add_printed(x, 0, out, &text);
	for (size_t i = 1; i <= spokes; i++) {
		out = begin(&text, &size, i + 1, "");
		put_peer(out, 0, 0, peer);
		add_printed(x, i, out, &text);
	}
	mesh_link(&x->m);
}

static void make_full(struct net *x, size_t n)
{
	size_t size;
	char *text;

	for (size_t i = 0; i < n; i++) {
		FILE *out = begin(&text, &size, i + 1, "");

		for (size_t k = 0; k < n; k++)
			if (k != i)
				put_peer(out, k, k + 1, "Endpoint = 192.0.2.1:51820\n");
		add_printed(x, i, out, &text);
	}
	mesh_link(&x->m);
}

/* Spokes in sites, whose nodes have each other directly. */
static void make_sites(struct net *x, size_t spokes, size_t each)
{
	size_t size;
	char *text;
	FILE *out = begin(&text, &size, 1, "Forward = mesh\n");

	for (size_t i = 1; i <= spokes; i++)
		put_peer(out, i, i + 1, "");
	add_printed(x, 0, out, &text);
	for (size_t i = 1; i <= spokes; i++) {
		size_t first = (i - 1) / each * each + 1;

		out = begin(&text, &size, i + 1, "");
		put_peer(out, 0, 0, "10.0.0.0/8\nEndpoint = 192.0.2.1:51820\n");
		for (size_t k = first; k < first + each && k <= spokes; k++)
			if (k != i)
				put_peer(out, k, k + 1, "Endpoint = 192.0.2.2:51820\n");
		add_printed(x, i, out, &text);
	}
	mesh_link(&x->m);
}

/* How long it takes is printed, not asserted: this may run anywhere. */
static void time_reach(struct net *x, const char *what, size_t reachable, size_t nwanted)
{
	double start = now(), between;
	const struct routes *r = routes_new(&x->m);
	struct reach reach;

	between = now();
	routes_reach(r, &reach, 1000);
	print_message("%s: %zu pairs, CPU time: tables %.1f ms, pairs %.1f ms\n", what, reach.pairs,
		      (between - start) * 1e3, (now() - between) * 1e3);
	assert_int_equal(reach.reachable, reachable);
	assert_int_equal(reach.nwanted, nwanted);
}

static void large_meshes_are_counted_by_classes(void **state)
{
	enum { SPOKES = 9999, ALL = (SPOKES + 1) * SPOKES, FULL = 300 };
	static const struct {
		const char *what, *forward, *allowed;
		size_t reachable, nwanted;
	} hubs[] = {
		{ "a hub that forwards", "Forward = mesh\n", "10.0.0.0/8", ALL, 0 },
		{ "a hub that does not", "", "10.0.0.0/8", 2 * SPOKES, ALL - 2 * SPOKES },
		{ "road warriors", "Forward = mesh\n", "10.0.0.1/32", 2 * SPOKES, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hubs); i++) {
		struct net x CLEANUP(net_fini) = { 0 };

		make_hub(&x, SPOKES, hubs[i].forward, hubs[i].allowed);
		time_reach(&x, hubs[i].what, hubs[i].reachable, hubs[i].nwanted);
	}
	for (size_t each = 2; each <= 18; each += 8) {
		struct net x CLEANUP(net_fini) = { 0 };

		make_sites(&x, SPOKES, each);
		time_reach(&x, arena_printf(&x.arena, "sites of %zu behind a hub", each), ALL, 0);
	}
	for (size_t n = 5; n <= FULL; n += FULL - 5) {
		struct net x CLEANUP(net_fini) = { 0 };

		make_full(&x, n);
		time_reach(&x, "a full mesh", n * (n - 1), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_meshes_count_as_pair_by_pair),
		cmocka_unit_test(meshes_of_templates_count_as_pair_by_pair),
		cmocka_unit_test(large_meshes_are_counted_by_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
