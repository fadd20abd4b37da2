/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/allowed.h"

/*
 * Time, for the order of what happens to a device: live peers are at time 0; block i of the file
 * replaces its peer's allowed IPs at 2i + 1 and adds its own at 2i + 2.
 */
struct peer_ref {
	const struct wg_peer *peer;
	uint32_t id; /* equal for equal keys */
	uint32_t block;
};

struct event {
	struct prefix prefix;
	uint32_t time;
	uint32_t entry; /* its place in the peer's list: "P, -P" and "-P, P" differ */
	uint32_t id;
	bool remove;
};

struct timeline {
	struct peer_ref *refs; /* live peers, then the file's, in order */
	uint32_t *replaced;    /* by id */
	size_t nlive, n;
};

static int compare_refs(const void *pa, const void *pb)
{
	const struct peer_ref *const *a = pa, *const *b = pb;

	return key_compare(&(*a)->peer->public_key, &(*b)->peer->public_key);
}

/* Gives peers of one key one id, and finds out when each key's allowed IPs were last replaced. */
static void number_peers(struct timeline *t, struct arena *a)
{
	struct peer_ref **sorted = arena_alloc(a, (t->n + 1) * sizeof(struct peer_ref *));
	uint32_t id = 0;

	for (size_t i = 0; i < t->n; i++)
		sorted[i] = &t->refs[i];
	qsort(sorted, t->n, sizeof(struct peer_ref *), compare_refs);
	t->replaced = arena_alloc(a, (t->n + 1) * sizeof(*t->replaced));
	for (size_t i = 0; i < t->n; i++) {
		if (i && compare_refs(&sorted[i - 1], &sorted[i]))
			id++;
		sorted[i]->id = id;
	}
	for (size_t i = t->nlive; i < t->n; i++) {
		struct peer_ref *ref = &t->refs[i];

		if (ref->peer->flags & (PEER_REPLACE_ALLOWED_IPS | PEER_REMOVE))
			t->replaced[ref->id] = 2 * ref->block + 1;
	}
}

static bool own_key(const struct wg_device *live, const struct wg_device *set, struct key *own)
{
	const struct wg_device *source = set->flags & DEVICE_HAS_PRIVATE_KEY ? set : live;

	if (!source || key_is_zero(&source->private_key))
		return false;
	key_public(own, &source->private_key);
	return true;
}

static void build_timeline(struct timeline *t, struct arena *a, const struct wg_device *live,
			   const struct wg_device *set)
{
	struct key own;
	bool has_own = own_key(live, set, &own);

	*t = (struct timeline){ 0 };
	t->refs = arena_alloc(a, ((live ? live->npeers : 0) + set->npeers + 1) * sizeof(*t->refs));
	for (size_t i = 0; live && i < live->npeers; i++)
		if (!has_own || key_compare(&live->peers[i].public_key, &own))
			t->refs[t->n++].peer = &live->peers[i];
	t->nlive = t->n;
	for (size_t i = 0; i < set->npeers; i++) {
		if (has_own && !key_compare(&set->peers[i].public_key, &own))
			continue;
		t->refs[t->n].peer = &set->peers[i];
		t->refs[t->n++].block = (uint32_t)i;
	}
	number_peers(t, a);
}

static int compare_events(const void *pa, const void *pb)
{
	const struct event *a = pa, *b = pb;
	int order = prefix_compare(&a->prefix, &b->prefix);

	if (order)
		return order;
	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return (a->entry > b->entry) - (a->entry < b->entry);
}

static size_t collect_events(struct event **out, const struct timeline *t, struct arena *a)
{
	struct event *events;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->refs[i].peer->nallowed_ips;
	*out = events = arena_alloc(a, (n + 1) * sizeof(*events));
	for (size_t i = 0; i < t->n; i++) {
		const struct peer_ref *ref = &t->refs[i];

		for (size_t j = 0; j < ref->peer->nallowed_ips; j++)
			*events++ = (struct event){
				.prefix = prefix_network(ref->peer->allowed_ips[j].prefix),
				.time = i < t->nlive ? 0 : 2 * ref->block + 2,
				.entry = (uint32_t)j,
				.id = ref->id,
				.remove = ref->peer->allowed_ips[j].remove,
			};
	}
	return n;
}

/* One prefix's events in order of time: does anybody hold it in the end? */
static bool is_held(const struct event *e, size_t n, const uint32_t *replaced)
{
	const struct event *owner = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!e[i].remove)
			owner = &e[i];
		else if (owner && owner->id == e[i].id)
			owner = NULL;
	}
	return owner && replaced[owner->id] <= owner->time;
}

void allowed_prefixes(struct prefixes *out, const struct wg_device *live,
		      const struct wg_device *set)
{
	struct timeline t;
	struct event *events;
	size_t n, run;

	build_timeline(&t, out->arena, live, set);
	n = collect_events(&events, &t, out->arena);
	qsort(events, n, sizeof(*events), compare_events);
	for (size_t i = 0; i < n; i += run) {
		for (run = 1;
		     i + run < n && !prefix_compare(&events[i].prefix, &events[i + run].prefix);)
			run++;
		if (is_held(&events[i], run, t.replaced))
			*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = events[i].prefix;
	}
}

void allowed_endpoints(struct prefixes *out, const struct wg_device *live,
		       const struct wg_device *set)
{
	struct timeline t;
	const union endpoint **last;

	build_timeline(&t, out->arena, live, set);
	last = arena_alloc(out->arena, (t.n + 1) * sizeof(*last));
	for (size_t i = 0; i < t.n; i++)
		if (t.refs[i].peer->flags & PEER_HAS_ENDPOINT)
			last[t.refs[i].id] = &t.refs[i].peer->endpoint;
	for (size_t i = 0; i < t.n; i++) {
		const union endpoint *e = last[i];

		if (e && !(e->sa.sa_family == AF_INET6 && e->in6.sin6_scope_id))
			*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = endpoint_addr(e);
	}
	prefixes_normalise(out);
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

void prefixes_normalise(struct prefixes *p)
{
	size_t kept = 0;

	if (p->n)
		qsort(p->v, p->n, sizeof(*p->v), compare_prefixes);
	for (size_t i = 0; i < p->n; i++)
		if (!kept || prefix_compare(&p->v[kept - 1], &p->v[i]))
			p->v[kept++] = p->v[i];
	p->n = kept;
}

void prefixes_reduce(struct prefixes *p)
{
	size_t kept = 0;

	prefixes_normalise(p); /* a network comes right before what lies in it */
	for (size_t i = 0; i < p->n; i++)
		if (!kept || !prefix_contains(&p->v[kept - 1], &p->v[i]))
			p->v[kept++] = p->v[i];
	p->n = kept;
}

void cover_init(struct cover *c, struct prefixes *p)
{
	prefixes_normalise(p);
	*c = (struct cover){ .sorted = p };
	for (size_t i = 0; i < p->n; i++) {
		size_t family = p->v[i].family == AF_INET6;
		uint8_t len = p->v[i].len;

		if (!memchr(c->len[family], len, c->nlens[family]))
			c->len[family][c->nlens[family]++] = len;
	}
}

bool cover_holds(const struct cover *c, const struct prefix *p)
{
	size_t family = p->family == AF_INET6;

	for (size_t i = 0; i < c->nlens[family]; i++) {
		struct prefix outer = *p;

		if (c->len[family][i] > p->len)
			continue;
		outer.len = c->len[family][i];
		outer = prefix_network(outer);
		if (bsearch(&outer, c->sorted->v, c->sorted->n, sizeof(*c->sorted->v),
			    compare_prefixes))
			return true;
	}
	return false;
}
