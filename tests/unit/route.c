/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of packets: hand-made meshes with what becomes of each packet and why. */
#include "tests/unit/route_mesh.h"

static const char *const ends[] = {
	[WAY_ARRIVES] = "arrives",
	[WAY_NO_ROUTE] = "no-route",
	[WAY_STRANGER] = "stranger",
	[WAY_SOURCE_FILTERED] = "source-filtered",
	[WAY_NOT_MUTUAL] = "not-mutual",
	[WAY_NO_INITIATOR] = "no-initiator",
	[WAY_LOOP] = "loop",
	[WAY_NOT_FORWARDED] = "not-forwarded",
	[WAY_GUARDED] = "guarded",
};

/*
 * "A: lines | B: lines | B/wg1: lines": a node's interface each, named wg0 unless said. In the
 * lines "; " ends a line, and "@B 10.0.0.2/32 ..." is a peer with AllowedIPs, "@B! ..." one with an
 * Endpoint too; "@B/wg1" means another interface than B's first; "@?" a stranger. The rest is lines
 * of [Interface].
 */
struct maker {
	struct net *net;
	const char *names[32]; /* of interfaces: "B/wg1" */
	size_t n;
};

static const char *maker_label(struct arena *a, const char *text, size_t n)
{
	return memchr(text, '/', n) ? arena_strndup(a, text, n)
				    : arena_printf(a, "%.*s/wg0", (int)n, text);
}

static size_t maker_find(const struct maker *k, const char *label, size_t n)
{
	const char *full = maker_label(&k->net->arena, label, n);

	for (size_t i = 0; i < k->n; i++)
		if (!strcmp(k->names[i], full))
			return i;
	return 1000; /* a stranger */
}

static const char *maker_lines(const struct maker *k, const char *p, const char *end)
{
	struct arena *a = &k->net->arena;
	const char *interface = "[Interface]\n", *peers = "";

	while (p < end) {
		const char *stop = memchr(p, ';', (size_t)(end - p));
		size_t n;

		stop = stop ? stop : end;
		p += strspn(p, " ");
		n = (size_t)(stop - p);
		if (*p == '@') {
			size_t name = strcspn(p, " !") - 1;
			bool open = p[name + 1] == '!';
			struct key key = net_key(maker_find(k, p + 1, name));
			char text[KEY_BASE64_LEN + 1];

			key_to_base64(text, &key);
			peers = arena_printf(a, "%s[Peer]\nPublicKey = %s\n%sAllowedIPs = %.*s\n",
					     peers, text,
					     open ? "Endpoint = 192.0.2.1:51820\n" : "",
					     (int)(n - name - 1 - open), p + name + 1 + open);
		} else if (n) {
			interface = arena_printf(a, "%s%.*s\n", interface, (int)n, p);
		}
		p = stop + (stop < end);
	}
	return arena_printf(a, "%s%s", interface, peers);
}

/* Puts the labels of all interfaces into k, and then the interfaces into the mesh. */
static void make(struct net *x, const char *text)
{
	struct maker k = { .net = x };

	for (int pass = 0; pass < 2; pass++) {
		size_t at = 0;

		for (const char *p = text; p; at++) {
			const char *colon = strchr(p, ':'), *bar = strstr(p, " | ");
			const char *label = maker_label(&x->arena, p, (size_t)(colon - p));
			size_t node = 0;

			assert_true(at < ARRAY_SIZE(k.names));
			if (!pass)
				k.names[k.n++] = label;
			while (node < x->m.nnodes &&
			       strncmp(x->m.nodes[node].name, label, strcspn(label, "/") + 1) != 0)
				node++;
			if (pass) {
				net_add_text(x, node, strchr(label, '/') + 1,
					     maker_lines(&k, colon + 1, bar ? bar : p + strlen(p)),
					     at);
				if (!x->m.nodes[node].name)
					x->m.nodes[node].name = label;
			}
			p = bar ? bar + 3 : NULL;
		}
	}
	mesh_link(&x->m);
}

static size_t find_node(const struct net *x, char name)
{
	for (size_t i = 0; i < x->m.nnodes; i++)
		if (*x->m.nodes[i].name == name)
			return i;
	fail_msg("no node %c", name);
	return 0;
}

static const char *show(struct net *x, const struct way *way)
{
	const char *text = "";

	for (size_t i = 0; i < way->n; i++)
		text = arena_printf(&x->arena, "%s%c", text, *x->m.nodes[way->hops[i].node].name);
	return arena_printf(&x->arena, "%s %s", text, ends[way->end]);
}

/* --- the seed --- */

#define SEED_D_E                                                                                   \
	"D: Address = 10.0.0.3/16; @C! 10.0.0.0/16; @E! 10.0.0.4/32 | "                            \
	"E: Address = 10.0.0.4/16; @C! 10.0.0.0/16; @D! 10.0.0.3/32"
#define SEED                                                                                       \
	"A: Address = 10.0.0.1/16; @C! 10.0.0.0/16; @B! 10.0.0.2/32 | "                            \
	"B: Address = 10.0.0.2/16; @C! 10.0.0.0/16; @A! 10.0.0.1/32 | "                            \
	"C: Address = 10.0.0.100/16; Forward = yes; @A 10.0.0.1/32; @B 10.0.0.2/32; "              \
	"@D 10.0.0.3/32; @E 10.0.0.4/32 | " SEED_D_E

/* A --- B --- C, by two tunnels; B forwards between them. */
#define CHAIN(a, b, c)                                                                             \
	"A: Address = 10.1.0.1/24; Table = off; " a "@B! 0.0.0.0/0 | "                             \
	"B: Address = 10.1.0.2/24; Table = off; " b "@A! 0.0.0.0/0 | "                             \
	"B/wg1: Address = 10.2.0.1/24; Table = off; " b "@C! 0.0.0.0/0 | "                         \
	"C: Address = 10.2.0.2/24; Table = off; " c "@B/wg1! 0.0.0.0/0"
#define TO_C "PostUp = ip route add 10.2.0.0/24 via 10.1.0.2; "
#define TO_A "PostUp = ip route add 10.1.0.0/24 via 10.2.0.1; "

/* A asks B for the address of its other interface. */
#define GUARDED(allowed)                                                                           \
	"A: Address = 10.1.0.1/32; @B! 10.2.0.2/32 | "                                             \
	"B: Address = 10.1.0.2/24; @A 10.1.0.1/32 | "                                              \
	"B/wg1: Address = 10.2.0.2/24; @C! " allowed " | "                                         \
	"C: Address = 10.2.0.3/24; @B/wg1 10.2.0.2/32"

static const struct {
	const char *what;
	const char *mesh;
	const char *ways; /* "AD=ACD arrives, ...": of pairs; others are not looked at */
} vectors[] = {
	{ "the seed's direct links and its relay", SEED,
	  "AB=AB arrives, AD=ACD arrives, DA=DCA arrives, DE=DE arrives, EB=ECB arrives, "
	  "AC=AC arrives, CE=CE arrives" },
	{ "a network's longest match wins over the relay, and its filter over the relay's way",
	  "A: Address = 10.0.0.1/16; @C! 10.0.0.0/16 | "
	  "B: Address = 10.0.0.2/16; @C! 10.0.0.0/16; @A! 10.0.0.1/32 | "
	  "C: Address = 10.0.0.9/16; Forward = yes; @A 10.0.0.1/32; @B 10.0.0.2/32",
	  "AB=ACB source-filtered, BA=B not-mutual" },
	{ "nobody carries it",
	  "A: Address = 10.0.0.1/16; @B! 10.0.0.2/32 | B: Address = 10.0.0.2/16; @A 10.0.0.1/32; "
	  "@C 10.0.0.3/32 | C: Address = 10.0.0.3/16; @B! 10.0.0.2/32",
	  "AC=A no-route, CA=C no-route, AB=AB arrives, BC=BC arrives" },
	{ "a stranger has it",
	  "A: Address = 10.0.0.1/16; @? 10.0.0.2/32 | B: Address = 10.0.0.2/16", "AB=A stranger" },
	{ "neither end can begin",
	  "A: Address = 10.0.0.1/16; @B 10.0.0.2/32 | B: Address = 10.0.0.2/16; @A 10.0.0.1/32",
	  "AB=A no-initiator, BA=B no-initiator" },
	{ "either end can",
	  "A: Address = 10.0.0.1/16; @B! 10.0.0.2/32 | B: Address = 10.0.0.2/16; @A 10.0.0.1/32",
	  "AB=AB arrives, BA=BA arrives" },
	{ "the relay does not forward",
	  "A: Address = 10.0.0.1/16; @C! 10.0.0.0/16 | B: Address = 10.0.0.2/16; @C! 10.0.0.0/16 | "
	  "C: Address = 10.0.0.9/16; @A 10.0.0.1/32; @B 10.0.0.2/32",
	  "AB=AC not-forwarded, AC=AC arrives, CB=CB arrives" },
	{ "Forward = mesh is enough for a relay on one interface",
	  "A: Address = 10.0.0.1/16; @C! 10.0.0.0/16 | B: Address = 10.0.0.2/16; @C! 10.0.0.0/16 | "
	  "C: Address = 10.0.0.9/16; Forward = mesh; @A 10.0.0.1/32; @B 10.0.0.2/32",
	  "AB=ACB arrives" },
	{ "two relays that each believe the other has it",
	  "A: Address = 10.0.0.1/16; @C! 10.0.0.0/16 | B: Address = 10.0.0.2/16; @D! 10.0.0.0/16 | "
	  "C: Address = 10.0.0.8/16; Forward = yes; @A 10.0.0.1/32; @D! 10.0.0.0/16 | "
	  "D: Address = 10.0.0.9/16; Forward = yes; @C! 10.0.0.0/16",
	  "AB=ACDC loop" },
	{ "the first sender is part of the circle",
	  "A: Address = 10.0.0.1/16; Forward = yes; @C! 10.0.0.0/16 | "
	  "B: Address = 10.0.0.2/16; @C! 10.0.0.0/16 | "
	  "C: Address = 10.0.0.8/16; Forward = yes; @A 10.0.0.0/16",
	  "AB=ACAC loop" },
	{ "a chain without its routes", CHAIN("", "Forward = yes; ", ""),
	  "AB=AB arrives, BA=BA arrives, BC=BC arrives, CB=CB arrives, AC=A no-route, "
	  "CA=C no-route" },
	{ "a chain with its routes", CHAIN(TO_C, "Forward = yes; ", TO_A),
	  "AC=ABC arrives, CA=CBA arrives, AB=AB arrives, CB=CB arrives" },
	{ "a chain with one of its routes", CHAIN(TO_C, "Forward = yes; ", ""),
	  "AC=ABC arrives, CA=C no-route" },
	{ "a chain whose middle forwards within one tunnel only",
	  CHAIN(TO_C, "Forward = mesh; ", TO_A), "AC=AB not-forwarded, CA=CB not-forwarded" },
	{ "a chain by the routes of AllowedIPs",
	  "A: Address = 10.1.0.1/24; @B! 10.1.0.0/24, 10.2.0.0/24 | "
	  "B: Address = 10.1.0.2/24; Forward = yes; @A 10.1.0.1/32 | "
	  "B/wg1: Address = 10.2.0.1/24; Forward = yes; @C! 10.2.0.0/24 | "
	  "C: Address = 10.2.0.2/24; @B/wg1 10.2.0.0/24, 10.1.0.0/24",
	  "AC=ABC arrives, CA=CBA arrives" },
	{ "Table = off makes no routes of AllowedIPs",
	  "A: Address = 10.0.0.1/32; Table = off; @B! 10.0.0.2/32 | "
	  "B: Address = 10.0.0.2/32; @A 10.0.0.1/32",
	  "AB=A no-route, BA=BA arrives" },
	{ "nor does a table that nobody looks at, but main is looked at",
	  "A: Address = 10.0.0.1/32; Table = 77; @B! 10.0.0.2/32 | "
	  "B: Address = 10.0.0.2/32; Table = 254; @A 10.0.0.1/32",
	  "AB=A no-route, BA=BA arrives" },
	{ "an interface with a default route guards its address against the host's others",
	  GUARDED("0.0.0.0/0"), "AB=AB guarded, CB=CB arrives" },
	{ "halves of a default route guard nothing", GUARDED("0.0.0.0/1, 128.0.0.0/1"),
	  "AB=AB arrives, CB=CB arrives" },
	{ "nor does a default route that is in the main table", GUARDED("0.0.0.0/0; Table = main"),
	  "AB=AB arrives, CB=CB arrives" },
	{ "nor one of the other family", GUARDED("::/0, 10.2.0.0/16"),
	  "AB=AB arrives, CB=CB arrives" },
	{ "nor where Firewall = off", GUARDED("0.0.0.0/0; Firewall = off"),
	  "AB=AB arrives, CB=CB arrives" },
	{ "the last peer has a prefix that two list",
	  "A: Address = 10.0.0.1/16; @B! 10.0.0.2/32; @C! 10.0.0.2/32, 10.0.0.3/32 | "
	  "B: Address = 10.0.0.2/16; @A 10.0.0.1/32 | C: Address = 10.0.0.3/16; @A 10.0.0.1/32",
	  "AB=AC no-route, BA=BA source-filtered, AC=AC arrives" },
	{ "a later block replaces an earlier one of its key",
	  "A: Address = 10.0.0.1/16; @B! 10.0.0.2/32; @B 10.0.0.3/32 | "
	  "B: Address = 10.0.0.2/16; @A 10.0.0.1/32",
	  "AB=A no-route" },
	{ "a default route into the tunnel carries everything",
	  "A: Address = 10.0.0.1/32; @B! 0.0.0.0/0 | "
	  "B: Address = 10.0.0.2/32; Forward = yes; @A 10.0.0.1/32; @C 10.0.0.3/32 | "
	  "C: Address = 10.0.0.3/32; @B! 0.0.0.0/0",
	  "AC=ABC arrives, CA=CBA arrives" },
	{ "IPv6 alone",
	  "A: Address = fd00::1/64; @B! fd00::/64 | "
	  "B: Address = fd00::2/64; Forward = yes; @A fd00::1/128; @C fd00::3/128 | "
	  "C: Address = fd00::3/64; @B! fd00::2/128",
	  "AB=AB arrives, AC=ABC source-filtered, CA=C no-route" },
	{ "both families where both have both",
	  "A: Address = 10.0.0.1/24, fd00::1/64; @B! 10.0.0.2/32, fd00::2/128; @C! 10.0.0.3/32 | "
	  "B: Address = 10.0.0.2/24, fd00::2/64; @A 10.0.0.1/32 | "
	  "C: Address = 10.0.0.3/24; @A 10.0.0.1/32",
	  "AB=AB source-filtered, BA=B no-route, AC=AC arrives, CA=CA arrives" },
	{ "no family in common", "A: Address = 10.0.0.1/24 | B: Address = fd00::1/64; @A! ::/0",
	  "AB=A no-route, BA=B no-route" },
	{ "a node of two interfaces is reached at the address whose network the sender is in",
	  "A: Address = 10.2.0.1/24; @B/wg1! 10.2.0.2/32 | "
	  "B: Address = 10.1.0.2/24; @C 10.1.0.3/32 | "
	  "B/wg1: Address = 10.2.0.2/24; @A 10.2.0.1/32 | "
	  "C: Address = 10.1.0.3/24; @B! 10.1.0.2/32",
	  "AB=AB arrives, CB=CB arrives, BA=BA arrives, BC=BC arrives" },
	{ "and at its other address it takes what its AllowedIPs let in",
	  "A: Address = 10.2.0.1/32; @B/wg1! 10.1.0.2/32 | "
	  "B: Address = 10.1.0.2/24 | B/wg1: Address = 10.2.0.2/24; @A 10.2.0.1/32",
	  "AB=AB arrives, BA=BA source-filtered" },
	{ "iproute2's short words, families and dead routes",
	  "A: Address = 10.0.0.1/32; Table = off; PostUp = ip -4 r a 10/8 dev %i; "
	  "PostUp = ip ro replace blackhole 10.0.0.3; @B! 10.0.0.0/8 | "
	  "B: Address = 10.0.0.2/32; Table = off; PreUp = /sbin/ip route add default dev wg0; "
	  "@A 10.0.0.1/32 | C: Address = 10.0.0.3/32",
	  "AB=AB arrives, BA=BA arrives, AC=A no-route" },
	{ "routes of hooks that do not count: another table, another host, in a condition",
	  "A: Address = 10.0.0.1/32; Table = off; @B! 10.0.0.0/8; "
	  "PostUp = ip route add 10/8 dev wg0 table 5 || true | "
	  "B: Address = 10.0.0.2/32; Table = off; PostUp = ip route add 10/8 via 192.0.2.7; "
	  "@A 10.0.0.1/32 | "
	  "C: Address = 10.0.0.3/32; Table = off; PostUp = test -e x && ip route add 10/8 dev wg0; "
	  "@A 10.0.0.0/8 | D: Address = 10.0.0.4/32; Table = off; PostUp = ip route del 10/8; "
	  "@A 10.0.0.0/8",
	  "AB=A no-route, BA=B no-route, CA=C no-route, DA=D no-route" },
	{ "a route off the mesh hides one into it",
	  "A: Address = 10.0.0.1/32; PreUp = ip route add 10.0.0.2/32 via 192.0.2.1 dev eth0; "
	  "@B! 10.0.0.0/24 | B: Address = 10.0.0.2/32; @A 10.0.0.1/32",
	  "AB=A no-route, BA=BA arrives" },
	{ "a node that lists itself",
	  "A: Address = 10.0.0.1/24; @A! 10.0.0.2/32; @B! 10.0.0.0/24 | "
	  "B: Address = 10.0.0.2/24; @A 10.0.0.1/32",
	  "AB=AB arrives" },
	{ "an entry taken back",
	  "A: Address = 10.0.0.1/24; @B! 10.0.0.2/32, -10.0.0.2/32; @C! 10.0.0.0/24 | "
	  "B: Address = 10.0.0.2/24; @A 10.0.0.1/32 | C: Address = 10.0.0.3/24; @A 10.0.0.1/32",
	  "AB=AC no-route" },
};

static void the_way_of_each_packet_is_as_the_kernel_would_have_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct net x CLEANUP(net_fini) = { 0 };
		const struct routes *r;

		make(&x, vectors[i].mesh);
		r = routes_new(&x.m);
		for (const char *p = vectors[i].ways; *p;) {
			size_t n = strcspn(p, ",");
			struct way way;
			const char *got;
			bool ok = routes_pair(r, find_node(&x, p[0]), find_node(&x, p[1]), &way);

			got = arena_printf(&x.arena, "%.2s=%s", p, show(&x, &way));
			if (strlen(got) != n || strncmp(got, p, n) != 0)
				fail_msg("%s: %.*s, got %s", vectors[i].what, (int)n, p, got);
			assert_int_equal(ok, way.end == WAY_ARRIVES);
			p += n + strspn(p + n, ", ");
		}
	}
}

/* --- networks behind a node --- */

static const struct {
	const char *target;
	const char *way;
} behind[] = {
	{ "192.168.7.20", "ACD arrives" },       /* D forwards */
	{ "192.168.8.20", "ACE not-forwarded" }, /* E does not */
	{ "192.168.9.1", "ACE arrives" },        /* its own, as /32 */
	{ "10.0.0.77", "AC no-route" },          /* C's network, nobody's address */
	{ "192.168.6.1", "A no-route" },         { "10.0.0.4", "ACE arrives" },
};

static void networks_behind_a_node_are_where_its_allowed_ips_end(void **state)
{
	struct net x CLEANUP(net_fini) = { 0 };
	const struct routes *r;

	(void)state;
	make(&x, "A: Address = 10.0.0.1/16; "
		 "@C! 10.0.0.0/16, 192.168.7.0/24, 192.168.8.0/24, 192.168.9.0/24 | "
		 "C: Address = 10.0.0.9/16; Forward = yes; @A 10.0.0.1/32; "
		 "@D 10.0.0.3/32, 192.168.7.0/24; @E 10.0.0.4/32, 192.168.8.0/24, 192.168.9.1/32 | "
		 "D: Address = 10.0.0.3/16; Forward = yes; @C! 10.0.0.0/16 | "
		 "E: Address = 10.0.0.4/16; @C! 10.0.0.0/16");
	r = routes_new(&x.m);
	for (size_t i = 0; i < ARRAY_SIZE(behind); i++) {
		struct prefix target;
		struct way way;

		assert_int_equal(prefix_parse(&target, (struct str){ behind[i].target,
								     strlen(behind[i].target) }),
				 0);
		routes_trace(r, &way, 0, routes_source(r, 0, target), target);
		assert_string_equal(show(&x, &way), behind[i].way);
	}
}

/* --- what a way says of its hops --- */

static const char *span_text(const struct mesh_iface *iface, struct span at, struct arena *a)
{
	return at.line ? arena_strndup(a,
				       iface->config->source.text.p + at.line_start + at.column - 1,
				       at.length)
		       : "-";
}

static void hops_name_the_entries_that_carry_and_take(void **state)
{
	struct net x CLEANUP(net_fini) = { 0 };
	struct way way;
	const char *text = "";

	(void)state;
	make(&x, SEED);
	assert_true(routes_pair(routes_new(&x.m), 0, 3, &way));
	for (size_t i = 0; i < way.n; i++) {
		const struct way_hop *h = &way.hops[i];

		text = arena_printf(
			&x.arena, "%s%s<%s ", text,
			h->out == MESH_NONE ? "-" : span_text(&x.m.ifaces[h->out], h->by, &x.arena),
			h->in == MESH_NONE ? "-"
					   : span_text(&x.m.ifaces[h->in], h->taken_by, &x.arena));
	}
	assert_string_equal(text, "10.0.0.0/16<- 10.0.0.3/32<10.0.0.1/32 -<10.0.0.0/16 ");
}

static void a_host_uses_the_address_whose_network_holds_the_target(void **state)
{
	static const struct {
		const char *target, *source;
	} cases[] = { { "10.2.0.9", "10.2.0.1" }, { "10.1.0.9", "10.1.0.1" },
		      { "10.3.0.9", "10.2.0.1" }, { "10.9.0.9", "10.1.0.1" },
		      { "fd00::9", "fd00::1" },   { "10.2.7.9", "10.2.7.1" } };
	struct net x CLEANUP(net_fini) = { 0 };
	const struct routes *r;

	(void)state;
	make(&x, "A: Address = 10.1.0.1/24, fd00::1/64; @B! 10.1.0.0/24 | "
		 "A/wg1: Address = 10.2.0.1/16, 10.2.7.1/24; @B! 10.2.0.0/16, 10.3.0.0/16 | "
		 "B: Address = 10.1.0.2/24");
	r = routes_new(&x.m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prefix target, source;
		char text[PREFIX_TEXT];

		prefix_parse(&target, (struct str){ cases[i].target, strlen(cases[i].target) });
		source = routes_source(r, 0, target);
		assert_string_equal(prefix_format_addr(text, &source), cases[i].source);
	}
	assert_int_equal(routes_source(r, 1, (struct prefix){ AF_INET6, 128, { 0xfd } }).family, 0);
}

/* --- counts --- */

static const struct {
	const char *mesh;
	size_t pairs, reachable, nwanted;
} counts[] = {
	{ SEED, 20, 20, 0 },
	{ CHAIN("", "Forward = yes; ", ""), 6, 4, 2 },
	{ CHAIN(TO_C, "Forward = yes; ", TO_A), 6, 6, 0 },
	{ "A: Address = 10.0.0.1/16; @C! 10.0.0.0/16 | B: Address = 10.0.0.2/16; @C! 10.0.0.9/32 | "
	  "C: Address = 10.0.0.9/16; @A 10.0.0.1/32; @B 10.0.0.2/32",
	  6, 4, 1 },
	{ "A: Address = 10.0.0.1/16; @C! 10.0.0.9/32 | B: Address = 10.0.0.2/16; @C! 10.0.0.9/32 | "
	  "C: Address = 10.0.0.9/16; @A 10.0.0.1/32; @B 10.0.0.2/32",
	  6, 4, 0 },
	{ "A: Address = 10.0.0.1/16; @C! 10.0.0.0/16 | "
	  "B: Address = 10.0.0.2/16; @C! 10.0.0.9/32, 10.0.0.1/32 | "
	  "C: Address = 10.0.0.9/16; Forward = mesh; @A 10.0.0.1/32; @B 10.0.0.2/32",
	  6, 6, 0 },
	/* the other way works, without AllowedIPs for this one */
	{ "A: Address = 10.0.0.1/16, 10.0.0.7/16; Table = off; @B! 10.0.0.2/32 | "
	  "B: Address = 10.0.0.2/16; @A 10.0.0.1/32",
	  2, 2, 0 },
	{ "A: Address = 10.0.0.1/16; @B! 10.0.0.2/32", 0, 0, 0 },
};

static void pairs_are_counted(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct net x CLEANUP(net_fini) = { 0 };
		struct reach reach;

		make(&x, counts[i].mesh);
		routes_reach(routes_new(&x.m), &reach, SIZE_MAX);
		assert_int_equal(reach.pairs, counts[i].pairs);
		assert_int_equal(reach.reachable, counts[i].reachable);
		assert_int_equal(reach.nwanted, counts[i].nwanted);
		assert_int_equal(reach.nbad, reach.pairs - reach.reachable);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way_of_each_packet_is_as_the_kernel_would_have_it),
		cmocka_unit_test(networks_behind_a_node_are_where_its_allowed_ips_end),
		cmocka_unit_test(hops_name_the_entries_that_carry_and_take),
		cmocka_unit_test(a_host_uses_the_address_whose_network_holds_the_target),
		cmocka_unit_test(pairs_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
