/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route_course.h"

/* Keys of courses take memory, which classes of a few nodes are not worth. */
enum { DIRECT_MAX = 64, WORD = 64 };

#define NOBODY UINT32_MAX

/* Who of a class comes through to a target: a bit for each. */
struct outcome {
	uint64_t *ok;    /* comes through */
	uint64_t *loose; /* does not, and the class's AllowedIPs do not hold the target either */
	size_t nok, nloose, n;
	uint32_t open; /* the target itself if it is of the class and not yet asked about */
};

struct reacher {
	const struct routes *routes;
	struct arena *arena;
	size_t nnodes, direct;
	struct classes classes;
	struct intern seen;       /* courses, or outcomes as they are */
	struct outcome *outcomes; /* by their numbers in seen */
	size_t noutcomes, outcomes_capacity;
	uint32_t *matrix; /* outcome of each class (rows) to each node */
	bool *is_loose;   /* of each class: has any of its outcomes loose nodes? */
	bool *is_bad;     /* or any that do not come through? */
	struct bytes key;
	struct reach *out;
};

static bool has_bit(const uint64_t *bits, size_t i)
{
	return bits[i / WORD] >> (i % WORD) & 1;
}

static void ask(struct outcome *o, const struct reacher *x, const struct courses *c, uint32_t node)
{
	size_t i = x->classes.place[node];
	bool held, ok = courses_pass(c, x->routes, node, &held);

	o->ok[i / WORD] |= (uint64_t)ok << (i % WORD);
	o->loose[i / WORD] |= (uint64_t)(!ok && !held) << (i % WORD);
	o->nok += ok;
	o->nloose += !ok && !held;
}

static struct outcome *add_outcome(struct reacher *x, size_t size)
{
	struct outcome *o = ARENA_PUSH(x->arena, x->outcomes, x->noutcomes, x->outcomes_capacity);
	size_t words = (size + WORD - 1) / WORD;

	*o = (struct outcome){
		.ok = arena_alloc(x->arena, words * sizeof(*o->ok)),
		.loose = arena_alloc(x->arena, words * sizeof(*o->loose)),
		.n = size,
		.open = NOBODY,
	};
	return o;
}

/* A few nodes: what comes out is its own key, which classes share. */
static uint32_t work_directly(struct reacher *x, const struct courses *c, uint32_t class,
			      uint32_t target)
{
	uint64_t bits[2] = { 0 };
	struct outcome o = { .ok = &bits[0],
			     .loose = &bits[1],
			     .n = class_size(&x->classes, class) };
	uint32_t number;

	for (uint32_t i = x->classes.first[class]; i < x->classes.first[class + 1]; i++)
		if (x->classes.members[i] != target)
			ask(&o, x, c, x->classes.members[i]);
	x->key.n = 0;
	bytes_put(&x->key, &(uint32_t){ NOBODY }, sizeof(uint32_t));
	bytes_put(&x->key, bits, sizeof(bits));
	bytes_put(&x->key, &o.n, sizeof(o.n));
	number = intern(&x->seen, &x->key);
	if (number == x->noutcomes) {
		struct outcome *new = add_outcome(x, o.n);

		*new->ok = bits[0];
		*new->loose = bits[1];
		new->nok = o.nok;
		new->nloose = o.nloose;
	}
	return number;
}

/*
 * Many nodes: like courses have one outcome. But for the target, if it is of the class: its own
 * table need not take packets from itself as tables like it do, so that it is asked about when
 * there is another target.
 */
static uint32_t work_at_once(struct reacher *x, const struct courses *c, uint32_t class,
			     uint32_t target)
{
	const struct classes *classes = &x->classes;
	struct outcome *o;
	uint32_t number;

	x->key.n = 0;
	bytes_put(&x->key, &class, sizeof(class));
	courses_key(&x->key, c, x->routes, classes);
	number = intern(&x->seen, &x->key);
	if (number < x->noutcomes) {
		o = &x->outcomes[number];
		if (o->open != NOBODY && o->open != target) {
			ask(o, x, c, o->open);
			o->open = NOBODY;
		}
		return number;
	}
	o = add_outcome(x, class_size(classes, class));
	for (uint32_t i = classes->first[class]; i < classes->first[class + 1]; i++)
		if (classes->members[i] != target)
			ask(o, x, c, classes->members[i]);
	o->open = classes->of[target] == class ? target : NOBODY;
	return number;
}

/* Fills in a row of the matrix. */
static void work(struct reacher *x, uint32_t class)
{
	const struct classes *c = &x->classes;
	const uint32_t *members = c->members + c->first[class];
	bool direct = class_size(c, class) <= x->direct;

	for (uint32_t target = 0; target < x->nnodes; target++) {
		struct courses courses;
		uint32_t from = *members;

		if (from == target)
			from = class_size(c, class) > 1 ? members[1] : NOBODY;
		if (from != NOBODY)
			courses_chart(&courses, x->routes, from, target);
		else
			courses = (struct courses){ 0 };
		x->matrix[class * x->nnodes + target] =
			direct ? work_directly(x, &courses, class, target)
			       : work_at_once(x, &courses, class, target);
	}
}

static const struct outcome *outcome_of(const struct reacher *x, uint32_t from, uint32_t to)
{
	return &x->outcomes[x->matrix[x->classes.of[from] * x->nnodes + to]];
}

static bool is_ok(const struct reacher *x, uint32_t from, uint32_t to)
{
	return has_bit(outcome_of(x, from, to)->ok, x->classes.place[from]);
}

/* --- counting --- */

/* Counts a row but for loose pairs whose other way works. */
static void count_row(struct reacher *x, uint32_t class)
{
	for (uint32_t target = 0; target < x->nnodes; target++) {
		const struct outcome *o = &x->outcomes[x->matrix[class * x->nnodes + target]];
		size_t n = o->n, nok = o->nok, nloose = o->nloose;

		if (x->classes.of[target] == class) {
			size_t place = x->classes.place[target];

			n--;
			nok -= has_bit(o->ok, place);
			nloose -= has_bit(o->loose, place);
		}
		x->out->reachable += nok;
		x->out->nwanted += n - nok - nloose;
		x->is_bad[class] |= nok < n;
		x->is_loose[class] |= nloose > 0;
	}
}

/* Nodes of one class that have one outcome as targets. */
struct bucket {
	uint32_t outcome, node;
};

static int compare_buckets(const void *pa, const void *pb)
{
	const struct bucket *a = pa, *b = pb;

	return (a->outcome > b->outcome) - (a->outcome < b->outcome);
}

/* The nodes of a class to whom somebody of from's comes through (or, loose, does not). */
static size_t sort_targets(struct bucket *out, const struct reacher *x, uint32_t from, uint32_t to,
			   bool loose)
{
	const struct classes *c = &x->classes;
	size_t n = 0;

	for (uint32_t i = c->first[to]; i < c->first[to + 1]; i++) {
		uint32_t number = x->matrix[from * x->nnodes + c->members[i]];
		const struct outcome *o = &x->outcomes[number];

		if (loose ? o->nloose : o->nok)
			out[n++] = (struct bucket){ number, c->members[i] };
	}
	if (n)
		qsort(out, n, sizeof(*out), compare_buckets);
	return n;
}

static size_t bucket_end(const struct bucket *v, size_t n, size_t i)
{
	uint32_t outcome = v[i].outcome;

	while (i < n && v[i].outcome == outcome)
		i++;
	return i;
}

static size_t count_bits(const struct reacher *x, const uint64_t *bits, const struct bucket *v,
			 size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += has_bit(bits, x->classes.place[v[i].node]);
	return count;
}

/*
 * Pairs of a node of class a and one of class b that are loose in this direction and work in the
 * other. For targets of one outcome here, and of one outcome there, these are all combinations of
 * those who are loose with those who come through.
 */
static size_t count_answered(const struct reacher *x, struct bucket *there, struct bucket *back,
			     uint32_t a, uint32_t b)
{
	size_t nthere = sort_targets(there, x, a, b, true), nback, count = 0;

	if (!nthere)
		return 0;
	nback = sort_targets(back, x, b, a, false);
	for (size_t i = 0, iend; i < nthere; i = iend) {
		iend = bucket_end(there, nthere, i);
		for (size_t k = 0, kend; k < nback; k = kend) {
			kend = bucket_end(back, nback, k);
			count += count_bits(x, x->outcomes[there[i].outcome].loose, back + k,
					    kend - k) *
				 count_bits(x, x->outcomes[back[k].outcome].ok, there + i,
					    iend - i);
		}
	}
	return count;
}

static void count(struct reacher *x)
{
	uint32_t n = x->classes.n;
	struct bucket *there = arena_alloc(x->arena, (x->nnodes + 1) * sizeof(*there));
	struct bucket *back = arena_alloc(x->arena, (x->nnodes + 1) * sizeof(*back));

	x->is_bad = arena_alloc(x->arena, n + 1);
	x->is_loose = arena_alloc(x->arena, n + 1);
	for (uint32_t i = 0; i < n; i++)
		count_row(x, i);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; x->is_loose[i] && k < n; k++)
			x->out->nwanted += count_answered(x, there, back, i, k);
}

/* --- listing --- */

static void list_bad(struct reacher *x, bool wanted, size_t limit)
{
	struct reach *out = x->out;

	for (uint32_t from = 0; from < x->nnodes; from++) {
		if (!x->is_bad[x->classes.of[from]])
			continue;
		for (uint32_t to = 0; to < x->nnodes; to++) {
			const struct outcome *o = outcome_of(x, from, to);
			size_t place = x->classes.place[from];
			struct bad_pair bad;
			struct way way;

			if (out->nbad >= limit)
				return;
			if (from == to || has_bit(o->ok, place) ||
			    wanted != (!has_bit(o->loose, place) || is_ok(x, to, from)))
				continue;
			route_judge(x->routes, &bad, from, to, &way);
			bad.is_wanted = wanted;
			*ARENA_PUSH(x->routes->mesh->arena, out->bad, out->nbad,
				    out->bad_capacity) = bad;
		}
	}
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

void route_reach(const struct routes *r, struct reach *out, size_t limit, size_t direct)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct reacher x = {
		.routes = r,
		.arena = &arena,
		.nnodes = r->mesh->nnodes,
		.direct = smaller(direct, DIRECT_MAX),
		.seen = { .arena = &arena },
		.key = { .arena = &arena },
		.out = out,
	};
	size_t nbad;

	*out = (struct reach){ .pairs = x.nnodes ? x.nnodes * (x.nnodes - 1) : 0 };
	classes_init(&x.classes, &arena, r);
	x.matrix = arena_alloc(&arena, (x.classes.n * x.nnodes + 1) * sizeof(*x.matrix));
	for (uint32_t i = 0; i < x.classes.n; i++)
		work(&x, i);
	count(&x);
	nbad = out->pairs - out->reachable;
	list_bad(&x, true, smaller(limit, out->nwanted));
	list_bad(&x, false, smaller(limit, nbad));
	out->truncated = out->nbad < nbad;
}

void routes_reach(const struct routes *r, struct reach *out, size_t limit)
{
	route_reach(r, out, limit, DIRECT_MAX);
}
