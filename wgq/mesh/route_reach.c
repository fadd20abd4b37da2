/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/mesh/route_course.h"

enum { WORD = 64 };

#define NOBODY UINT32_MAX

/* Who of a class comes through to a target: a bit for each. */
struct outcome {
	uint64_t *ok;    /* comes through */
	uint64_t *loose; /* does not, and the class's AllowedIPs do not hold the target either */
	size_t nok, nloose, n;
	/* those who had to be left out, for another target to say */
	uint32_t *open;
	size_t nopen, open_capacity;
};

/* A pair that its class does not speak for. */
struct single {
	uint32_t from;
	bool ok, loose;
};

struct reacher {
	const struct routes *routes;
	struct arena *arena;
	size_t nnodes, direct;
	struct classes classes;
	struct intern seen;       /* courses, or outcomes as they are */
	struct outcome *outcomes; /* by their numbers in seen */
	size_t noutcomes, outcomes_capacity;
	uint32_t *matrix;       /* outcome of each class (rows) to each node */
	struct single *singles; /* one target's after the other's, by from */
	size_t nsingles, singles_capacity;
	size_t *first_single; /* of each target; its end is where the next one's begins */
	size_t *marks;  /* of each node, the last target to which it was made single, plus 1 */
	bool *is_loose; /* of each class: has any of its outcomes loose nodes? */
	bool *is_bad;   /* or any that do not come through? */
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

/* --- who is not like its class --- */

static bool is_single(const struct reacher *x, uint32_t from, uint32_t target)
{
	return x->marks[from] == (size_t)target + 1;
}

/* The target itself is marked as one, but is of no pair. */
static void add_single(struct reacher *x, uint32_t from, uint32_t target)
{
	if (is_single(x, from, target))
		return;
	x->marks[from] = (size_t)target + 1;
	if (from != target)
		*ARENA_PUSH(x->arena, x->singles, x->nsingles,
			    x->singles_capacity) = (struct single){ .from = from };
}

/*
 * Those of a class for whom a receiver on the way is not like its kind: its exceptions, and itself,
 * whose table need not take its own packets as tables like it do. Not the first: who comes through
 * there is asked for each node, and is the same for all targets.
 */
static void add_receivers_singles(struct reacher *x, const struct courses *c, uint32_t class,
				  uint32_t target)
{
	const struct classes *classes = &x->classes;

	for (size_t k = 0; k < 2; k++) {
		const struct course *course = &c->family[k];

		for (size_t i = 1; course->kind == COURSE_GOES && i < course->nstops; i++) {
			uint32_t at = (uint32_t)x->routes->mesh->ifaces[course->at[i]].node;
			uint32_t end = classes->exceptions.first[at + 1];

			if (classes->of[at] == class)
				add_single(x, at, target);
			for (uint32_t e = classes->exceptions.first[at]; e < end; e++)
				if (classes->of[classes->exceptions.v[e]] == class)
					add_single(x, classes->exceptions.v[e], target);
		}
	}
}

static int compare_singles(const void *pa, const void *pb)
{
	const struct single *a = pa, *b = pb;

	return (a->from > b->from) - (a->from < b->from);
}

static void work_singles(struct reacher *x, uint32_t target)
{
	size_t first = x->first_single[target], n = x->nsingles - first;

	for (size_t i = first; i < x->nsingles; i++) {
		struct single *single = &x->singles[i];
		struct courses c;
		bool held;

		courses_chart(&c, x->routes, single->from, target);
		single->ok = courses_pass(&c, x->routes, single->from, &held);
		single->loose = !single->ok && !held;
	}
	if (n)
		qsort(x->singles + first, n, sizeof(*x->singles), compare_singles);
}

static const struct single *find_single(const struct reacher *x, uint32_t from, uint32_t to)
{
	size_t n = x->first_single[to + 1] - x->first_single[to];
	struct single key = { .from = from };

	return n ? bsearch(&key, x->singles + x->first_single[to], n, sizeof(key), compare_singles)
		 : NULL;
}

/* --- a class and a target --- */

static struct outcome *add_outcome(struct reacher *x, size_t size)
{
	struct outcome *o = ARENA_PUSH(x->arena, x->outcomes, x->noutcomes, x->outcomes_capacity);
	size_t words = (size + WORD - 1) / WORD;

	*o = (struct outcome){
		.ok = arena_alloc(x->arena, words * sizeof(*o->ok)),
		.loose = arena_alloc(x->arena, words * sizeof(*o->loose)),
		.n = size,
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

/* Asks about those of the class who may be asked now. */
static void ask_open(struct outcome *o, const struct reacher *x, const struct courses *c,
		     uint32_t target)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->nopen; i++) {
		if (is_single(x, o->open[i], target))
			o->open[kept++] = o->open[i];
		else
			ask(o, x, c, o->open[i]);
	}
	o->nopen = kept;
}

/* Many nodes: like courses have one outcome. But for singles it says nothing: they are asked about
 * when there is another target. */
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
	if (number == x->noutcomes) {
		o = add_outcome(x, class_size(classes, class));
		for (uint32_t i = classes->first[class]; i < classes->first[class + 1]; i++)
			*ARENA_PUSH(x->arena, o->open, o->nopen,
				    o->open_capacity) = classes->members[i];
	}
	ask_open(&x->outcomes[number], x, c, target);
	return number;
}

/* A member that may stand for the class. */
static uint32_t find_speaker(const struct reacher *x, uint32_t class, uint32_t target)
{
	for (uint32_t i = x->classes.first[class]; i < x->classes.first[class + 1]; i++) {
		uint32_t node = x->classes.members[i];

		if (!is_single(x, node, target))
			return node;
	}
	return NOBODY;
}

static uint32_t work_class(struct reacher *x, uint32_t class, uint32_t target)
{
	uint32_t speaker = find_speaker(x, class, target);
	struct courses c = { 0 };

	if (speaker != NOBODY) {
		courses_chart(&c, x->routes, speaker, target);
		add_receivers_singles(x, &c, class, target);
	}
	return class_size(&x->classes, class) <= x->direct ? work_directly(x, &c, class, target)
							   : work_at_once(x, &c, class, target);
}

/* Fills in a column of the matrix. */
static void work(struct reacher *x, uint32_t target)
{
	const struct node_lists *senders = &x->classes.senders;

	x->first_single[target] = x->nsingles;
	add_single(x, target, target);
	for (uint32_t i = senders->first[target]; i < senders->first[target + 1]; i++)
		add_single(x, senders->v[i], target);
	for (uint32_t class = 0; class < x->classes.n; class ++)
		x->matrix[class * x->nnodes + target] = work_class(x, class, target);
	work_singles(x, target);
}

static const struct outcome *outcome_of(const struct reacher *x, uint32_t from, uint32_t to)
{
	return &x->outcomes[x->matrix[x->classes.of[from] * x->nnodes + to]];
}

/* What becomes of a pair: of its class, or of itself. */
static struct single find_class_result(const struct reacher *x, uint32_t from, uint32_t to)
{
	const struct outcome *o = outcome_of(x, from, to);
	size_t place = x->classes.place[from];

	return (struct single){ from, has_bit(o->ok, place), has_bit(o->loose, place) };
}

static struct single find_result(const struct reacher *x, uint32_t from, uint32_t to)
{
	const struct single *single = find_single(x, from, to);

	return single ? *single : find_class_result(x, from, to);
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

/* Is one of the two loose where the other's way to it works? */
static size_t count_answers(struct single there, struct single back)
{
	return (size_t)(there.loose && back.ok) + (size_t)(back.loose && there.ok);
}

/* Puts right what was counted as if the classes spoke for all. */
static void count_singles(struct reacher *x)
{
	struct reach *out = x->out;

	for (uint32_t to = 0; to < x->nnodes; to++) {
		for (size_t i = x->first_single[to]; i < x->first_single[to + 1]; i++) {
			const struct single *own = &x->singles[i];
			struct single was = find_class_result(x, own->from, to);

			out->reachable += (size_t)own->ok - (size_t)was.ok;
			out->nwanted += (size_t)(!own->ok && !own->loose) -
					(size_t)(!was.ok && !was.loose);
			x->is_bad[x->classes.of[own->from]] |= !own->ok;
			if (to > own->from && find_single(x, to, own->from))
				continue; /* the two are put right from the other side */
			out->nwanted += count_answers(*own, find_result(x, to, own->from)) -
					count_answers(was, find_class_result(x, to, own->from));
		}
	}
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
	count_singles(x);
}

/* --- listing --- */

static void list_bad(struct reacher *x, bool wanted, size_t limit)
{
	struct reach *out = x->out;

	for (uint32_t from = 0; from < x->nnodes; from++) {
		if (!x->is_bad[x->classes.of[from]])
			continue;
		for (uint32_t to = 0; to < x->nnodes; to++) {
			struct single result = find_result(x, from, to);
			struct bad_pair bad;
			struct way way;

			if (out->nbad >= limit)
				return;
			if (from == to || result.ok ||
			    wanted != (!result.loose || find_result(x, to, from).ok))
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

void route_reach(const struct routes *r, struct reach *out, size_t limit,
		 const struct reach_limits *limits)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct reacher x = {
		.routes = r,
		.arena = &arena,
		.nnodes = r->mesh->nnodes,
		.direct = smaller(limits->direct, WORD),
		.seen = { .arena = &arena },
		.key = { .arena = &arena },
		.out = out,
	};
	size_t nbad;

	*out = (struct reach){ .pairs = x.nnodes ? x.nnodes * (x.nnodes - 1) : 0 };
	classes_init(&x.classes, &arena, r, limits);
	x.matrix = arena_alloc(&arena, (x.classes.n * x.nnodes + 1) * sizeof(*x.matrix));
	x.first_single = arena_alloc(&arena, (x.nnodes + 1) * sizeof(*x.first_single));
	x.marks = arena_alloc(&arena, (x.nnodes + 1) * sizeof(*x.marks));
	for (uint32_t i = 0; i < x.nnodes; i++)
		work(&x, i);
	x.first_single[x.nnodes] = x.nsingles;
	count(&x);
	nbad = out->pairs - out->reachable;
	list_bad(&x, true, smaller(limit, out->nwanted));
	list_bad(&x, false, smaller(limit, nbad));
	out->truncated = out->nbad < nbad;
}

void routes_reach(const struct routes *r, struct reach *out, size_t limit)
{
	/* Keys of courses take memory, which classes of a few nodes are not worth; nor are nodes of
	 * many exceptions, as hubs are, which would be exceptions on the way to everybody. */
	static const struct reach_limits limits = { .direct = WORD, .others = 4, .rows = 64 };

	route_reach(r, out, limit, &limits);
}
