/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device makes of a list of peers: vectors, and the same question put to a naive device. */
#include "wgq/plan/allowed.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { OWN = 'O', BLOCKS_MAX = 8, ENTRIES_MAX = 8 };

static struct key own_private(void)
{
	struct key k;

	memset(k.b, 7, sizeof(k.b));
	return k;
}

/* Peers have letters; O is the device's own key. */
static struct key key_of(char letter)
{
	struct key k, private = own_private();

	memset(k.b, letter, sizeof(k.b));
	if (letter == OWN)
		key_public(&k, &private);
	return k;
}

static struct prefix parse(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, (struct str){ text, strlen(text) }), 0);
	return p;
}

static void push_allowed(struct arena *a, struct wg_peer *peer, struct prefix prefix, bool remove)
{
	struct allowed_ip *ip = ARENA_PUSH(a, peer->allowed_ips, peer->nallowed_ips,
					   peer->allowed_ips_capacity);

	*ip = (struct allowed_ip){ prefix, remove };
}

static struct wg_peer *push_peer(struct arena *a, struct wg_device *device, char letter,
				 uint16_t flags)
{
	struct wg_peer *peer = ARENA_PUSH(a, device->peers, device->npeers, device->peers_capacity);

	*peer = (struct wg_peer){ .public_key = key_of(letter), .flags = flags };
	return peer;
}

/* "A=10.0.0.0/8,10.1.0.0/16 B+-10.0.0.0/8": '=' replaces what the peer has, '+' does not. */
static struct wg_device *device_of(struct arena *a, const char *text)
{
	struct wg_device *device = arena_alloc(a, sizeof(*device));
	char *rest = arena_strndup(a, text, strlen(text)), *block, *entry;

	while ((block = strsep(&rest, " "))) {
		struct wg_peer *peer;

		if (!*block)
			continue;
		peer = push_peer(a, device, block[0],
				 block[1] == '=' ? PEER_REPLACE_ALLOWED_IPS : 0);
		block += 2;
		while ((entry = strsep(&block, ",")))
			if (*entry)
				push_allowed(a, peer, parse(entry + (*entry == '-')),
					     *entry == '-');
	}
	return device;
}

static void set_own_key(struct wg_device *device)
{
	device->private_key = own_private();
	device->flags |= DEVICE_HAS_PRIVATE_KEY;
}

static const char *text_of(struct arena *a, const struct prefixes *list)
{
	const char *text = "";
	char one[PREFIX_TEXT];

	for (size_t i = 0; i < list->n; i++)
		text = arena_printf(a, "%s%s%s", text, i ? "," : "",
				    prefix_format(one, &list->v[i]));
	return text;
}

static const struct vector {
	const char *what, *live, *set, *expected;
} vectors[] = {
	{ "nothing", "", "", "" },
	{ "host bits are masked", "", "A=10.1.2.3/8,fd00::1/64", "10.0.0.0/8,fd00::/64" },
	{ "sorted, IPv4 first", "", "A=::/0,9.0.0.0/8,10.0.0.0/8,0.0.0.0/0,9.0.0.0/16",
	  "0.0.0.0/0,9.0.0.0/8,9.0.0.0/16,10.0.0.0/8,::/0" },
	{ "twice in one peer is one entry", "", "A=10.0.0.0/24,10.0.0.7/24", "10.0.0.0/24" },
	{ "in two peers is one entry, the later peer's", "", "A=10.0.0.0/24 B=10.0.0.0/24",
	  "10.0.0.0/24" },
	{ "one address in two lengths is two entries", "", "A=10.0.0.0/24 B=10.0.0.0/25",
	  "10.0.0.0/24,10.0.0.0/25" },
	{ "a second block of a key replaces the first", "", "A=10.0.0.0/24 A=10.1.0.0/24",
	  "10.1.0.0/24" },
	{ "a second block without entries empties the peer", "", "A=10.0.0.0/24 A=", "" },
	{ "a second block with signed entries adds", "", "A=10.0.0.0/24 A+10.1.0.0/24",
	  "10.0.0.0/24,10.1.0.0/24" },
	{ "a minus takes one entry", "", "A=10.0.0.0/24,10.1.0.0/24 A+-10.0.0.0/24",
	  "10.1.0.0/24" },
	{ "a minus of another peer takes nothing", "", "A=10.0.0.0/24 B+-10.0.0.0/24",
	  "10.0.0.0/24" },
	{ "a minus masks too", "", "A=10.0.0.0/24 A+-10.0.0.9/24", "" },
	{ "plus then minus in one list", "", "A+10.0.0.0/24,-10.0.0.0/24", "" },
	{ "minus then plus in one list", "", "A+-10.0.0.0/24,10.0.0.0/24", "10.0.0.0/24" },
	{ "what a peer lost to another does not come back", "",
	  "A=10.0.0.0/24 B=10.0.0.0/24 B=", "" },
	{ "a peer replaced after it lost the prefix leaves it to the other", "",
	  "A=10.0.0.0/24 B=10.0.0.0/24 A=", "10.0.0.0/24" },
	{ "lost, replaced and taken back", "",
	  "A=10.0.0.0/24 B=10.0.0.0/24 A=10.0.0.0/24 B=", "10.0.0.0/24" },
	{ "the own key is ignored", "", "O=10.0.0.0/24 A=10.1.0.0/24", "10.1.0.0/24" },
	{ "the own key takes nothing from others", "",
	  "A=10.0.0.0/24 O=10.0.0.0/24 O=", "10.0.0.0/24" },
	{ "the own key gives nothing up either", "", "A=10.0.0.0/24 O+-10.0.0.0/24",
	  "10.0.0.0/24" },
	{ "live peers stay", "A=10.0.0.0/24", "B=10.1.0.0/24", "10.0.0.0/24,10.1.0.0/24" },
	{ "live entries of a peer in the file go", "A=10.0.0.0/24", "A=10.1.0.0/24",
	  "10.1.0.0/24" },
	{ "live entries of a peer with signed ones stay", "A=10.0.0.0/24", "A+10.1.0.0/24",
	  "10.0.0.0/24,10.1.0.0/24" },
	{ "a live entry that moves", "A=10.0.0.0/24", "B=10.0.0.0/24 A=", "10.0.0.0/24" },
	{ "a live entry that moves and goes", "A=10.0.0.0/24", "B=10.0.0.0/24 B=", "" },
	{ "a live entry that is taken away", "A=10.0.0.0/24", "A+-10.0.0.0/24", "" },
	{ "a live peer with the new own key goes", "O=10.0.0.0/24 A=10.1.0.0/24", "",
	  "10.1.0.0/24" },
};

static void prefixes_end_up_as_the_device_has_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct arena a CLEANUP(arena_fini) = { 0 };
		struct prefixes got = { .arena = &a };
		struct wg_device *set = device_of(&a, v->set);
		const char *text;

		set_own_key(set);
		allowed_prefixes(&got, *v->live ? device_of(&a, v->live) : NULL, set);
		text = text_of(&a, &got);
		if (strcmp(text, v->expected))
			fail_msg("%s: '%s' instead of '%s'", v->what, text, v->expected);
	}
}

static void without_a_private_key_no_key_is_the_own(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct prefixes got = { .arena = &a };
	struct wg_device *set = device_of(&a, "O=10.0.0.0/24");

	(void)state;
	allowed_prefixes(&got, NULL, set);
	assert_string_equal(text_of(&a, &got), "10.0.0.0/24");

	got.n = 0;
	set->flags |= DEVICE_HAS_PRIVATE_KEY; /* all zero: the key is removed */
	allowed_prefixes(&got, NULL, set);
	assert_string_equal(text_of(&a, &got), "10.0.0.0/24");
}

static void the_live_key_counts_where_the_file_has_none(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct prefixes got = { .arena = &a };
	struct wg_device *live = device_of(&a, "");

	(void)state;
	set_own_key(live);
	allowed_prefixes(&got, live, device_of(&a, "O=10.0.0.0/24"));
	assert_int_equal(got.n, 0);
}

/* --- a device as its users see it: every block is applied in turn --- */

struct holding {
	char letter;
	struct prefix prefix;
};

struct naive {
	struct holding v[4 * BLOCKS_MAX * ENTRIES_MAX];
	size_t n;
};

static void naive_drop(struct naive *device, char letter, const struct prefix *prefix)
{
	size_t kept = 0;

	for (size_t i = 0; i < device->n; i++) {
		const struct holding *h = &device->v[i];

		if ((letter && h->letter != letter) ||
		    (prefix && prefix_compare(&h->prefix, prefix)))
			device->v[kept++] = *h;
	}
	device->n = kept;
}

static void naive_apply(struct naive *device, const struct wg_peer *peer, char letter)
{
	if (peer->flags & PEER_REPLACE_ALLOWED_IPS)
		naive_drop(device, letter, NULL);
	for (size_t i = 0; i < peer->nallowed_ips; i++) {
		struct prefix prefix = prefix_network(peer->allowed_ips[i].prefix);

		naive_drop(device, peer->allowed_ips[i].remove ? letter : '\0', &prefix);
		if (!peer->allowed_ips[i].remove)
			device->v[device->n++] = (struct holding){ letter, prefix };
	}
}

static unsigned pick(unsigned *seed, unsigned below)
{
	return (unsigned)rand_r(seed) % below;
}

/* Few prefixes that nest and collide, with host bits now and then. */
static struct prefix random_prefix(unsigned *seed)
{
	struct prefix p = { .family = AF_INET, .addr = { 10 } };

	if (!pick(seed, 4)) {
		p = (struct prefix){ .family = AF_INET6, .addr = { 0xfd } };
		p.len = (uint8_t[]){ 0, 64, 128 }[pick(seed, 3)];
		p.addr[7] = (uint8_t)pick(seed, 2);
		return p;
	}
	p.len = (uint8_t[]){ 0, 15, 16, 32 }[pick(seed, 4)];
	p.addr[1] = (uint8_t)pick(seed, 3);
	p.addr[3] = (uint8_t)pick(seed, 2);
	return p;
}

static char letter_of(const struct wg_peer *peer)
{
	const uint8_t *b = peer->public_key.b;

	return b[0] == b[1] ? (char)b[0] : OWN;
}

/* Live devices hold what the naive one ended up with, so that they are possible at all. */
static struct wg_device *random_live(struct arena *a, unsigned *seed, struct naive *naive)
{
	struct wg_device *live = arena_alloc(a, sizeof(*live)),
			 *from = arena_alloc(a, sizeof(*from));
	size_t blocks = pick(seed, 4);

	for (size_t i = 0; i < blocks; i++) {
		struct wg_peer *peer = push_peer(a, from, "ABO"[pick(seed, 3)], 0);

		for (unsigned n = pick(seed, ENTRIES_MAX); n; n--)
			push_allowed(a, peer, random_prefix(seed), false);
		naive_apply(naive, peer, letter_of(peer));
	}
	for (const char *letter = "ABO"; *letter; letter++) {
		struct wg_peer *peer = push_peer(a, live, *letter, 0);

		for (size_t i = 0; i < naive->n; i++)
			if (naive->v[i].letter == *letter)
				push_allowed(a, peer, naive->v[i].prefix, false);
	}
	return live;
}

static struct wg_device *random_set(struct arena *a, unsigned *seed)
{
	struct wg_device *set = arena_alloc(a, sizeof(*set));

	for (unsigned n = pick(seed, BLOCKS_MAX); n; n--) {
		struct wg_peer *peer = push_peer(a, set, "ABCO"[pick(seed, 4)],
						 pick(seed, 3) ? PEER_REPLACE_ALLOWED_IPS : 0);

		for (unsigned m = pick(seed, ENTRIES_MAX); m; m--)
			push_allowed(a, peer, random_prefix(seed), !pick(seed, 4));
	}
	return set;
}

static void naive_prefixes(struct prefixes *out, struct naive *naive, const struct wg_device *set)
{
	bool has_own = set->flags & DEVICE_HAS_PRIVATE_KEY;

	if (has_own)
		naive_drop(naive, OWN, NULL);
	for (size_t i = 0; i < set->npeers; i++)
		if (!has_own || letter_of(&set->peers[i]) != OWN)
			naive_apply(naive, &set->peers[i], letter_of(&set->peers[i]));
	for (size_t i = 0; i < naive->n; i++)
		*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = naive->v[i].prefix;
	prefixes_normalise(out);
}

static void random_lists_end_up_as_on_a_naive_device(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 20000; n++) {
		struct arena a CLEANUP(arena_fini) = { 0 };
		struct prefixes got = { .arena = &a }, expected = { .arena = &a };
		struct naive naive = { .n = 0 };
		unsigned seed = n;
		struct wg_device *live = pick(&seed, 2) ? random_live(&a, &seed, &naive) : NULL;
		struct wg_device *set = random_set(&a, &seed);

		if (pick(&seed, 2))
			set_own_key(set);
		allowed_prefixes(&got, live, set);
		naive_prefixes(&expected, &naive, set);
		if (strcmp(text_of(&a, &got), text_of(&a, &expected)))
			fail_msg("seed %u: '%s' instead of '%s'", n, text_of(&a, &got),
				 text_of(&a, &expected));
	}
}

/* --- endpoints --- */

static union endpoint endpoint_of(const char *addr, uint32_t scope)
{
	struct prefix p = parse(addr);
	union endpoint e = { 0 };

	e.sa.sa_family = p.family;
	if (p.family == AF_INET) {
		memcpy(&e.in.sin_addr, p.addr, 4);
		e.in.sin_port = htons(51820);
	} else {
		memcpy(&e.in6.sin6_addr, p.addr, 16);
		e.in6.sin6_scope_id = scope;
	}
	return e;
}

static void add_endpoint(struct arena *a, struct wg_device *device, char letter, const char *addr,
			 uint32_t scope)
{
	struct wg_peer *peer = push_peer(a, device, letter, PEER_HAS_ENDPOINT);

	peer->endpoint = endpoint_of(addr, scope);
}

static void endpoints_are_the_last_of_each_peer(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct prefixes got = { .arena = &a };
	struct wg_device live = { 0 }, set = { 0 };

	(void)state;
	set_own_key(&set);
	add_endpoint(&a, &live, 'A', "192.0.2.1", 0); /* superseded */
	add_endpoint(&a, &live, 'B', "192.0.2.2", 0); /* stays */
	add_endpoint(&a, &set, 'A', "192.0.2.3", 0);
	add_endpoint(&a, &set, 'A', "192.0.2.4", 0);
	push_peer(&a, &set, 'A', PEER_REPLACE_ALLOWED_IPS); /* keeps the endpoint */
	add_endpoint(&a, &set, 'C', "2001:db8::1", 0);
	add_endpoint(&a, &set, 'D', "fe80::1", 3);    /* scoped: passed over */
	add_endpoint(&a, &set, 'E', "192.0.2.4", 0);  /* the same again */
	add_endpoint(&a, &set, OWN, "192.0.2.99", 0); /* ignored by the device */
	allowed_endpoints(&got, &live, &set);
	assert_string_equal(text_of(&a, &got), "192.0.2.2/32,192.0.2.4/32,2001:db8::1/128");
}

/* --- lists --- */

static void cover_means_an_equal_or_wider_prefix(void **state)
{
	static const struct {
		const char *list, *prefix;
		bool covered;
	} cases[] = {
		{ "", "10.0.0.0/8", false },
		{ "A=10.0.0.0/8", "10.0.0.0/8", true },
		{ "A=10.0.0.0/8", "10.1.2.3/32", true },
		{ "A=10.0.0.0/8", "10.0.0.0/7", false },
		{ "A=10.0.0.0/24", "10.0.1.0/24", false },
		{ "A=0.0.0.0/0", "192.0.2.0/24", true },
		{ "A=0.0.0.0/0", "2001:db8::/32", false },
		{ "A=::/0", "10.0.0.0/8", false },
		{ "A=::/0,10.0.0.0/31", "10.0.0.1/32", true },
		{ "A=fe80::/64", "fe80::5/128", true },
		{ "A=fe80::/64", "fe80:0:0:1::5/128", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct arena a CLEANUP(arena_fini) = { 0 };
		struct prefixes list = { .arena = &a };
		struct prefix p = parse(cases[i].prefix);
		struct cover cover;

		allowed_prefixes(&list, NULL, device_of(&a, cases[i].list));
		cover_init(&cover, &list);
		if (cover_holds(&cover, &p) != cases[i].covered)
			fail_msg("%s in '%s'", cases[i].prefix, cases[i].list);
	}
}

static void normalising_sorts_and_removes_doubles(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct prefixes list = { .arena = &a };
	static const char *const texts[] = { "::/0", "10.0.0.1/8", "10.0.0.0/8", "10.0.0.1/8" };

	(void)state;
	prefixes_normalise(&list);
	assert_int_equal(list.n, 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*ARENA_PUSH(&a, list.v, list.n, list.capacity) = parse(texts[i]);
	prefixes_normalise(&list);
	assert_string_equal(text_of(&a, &list), "10.0.0.0/8,10.0.0.1/8,::/0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_end_up_as_the_device_has_them),
		cmocka_unit_test(without_a_private_key_no_key_is_the_own),
		cmocka_unit_test(the_live_key_counts_where_the_file_has_none),
		cmocka_unit_test(random_lists_end_up_as_on_a_naive_device),
		cmocka_unit_test(endpoints_are_the_last_of_each_peer),
		cmocka_unit_test(cover_means_an_equal_or_wider_prefix),
		cmocka_unit_test(normalising_sorts_and_removes_doubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
