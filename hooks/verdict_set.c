/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets and maps: which elements a key that is known in part can meet. */
#include "hooks/verdict_walk.h"

#include <linux/netfilter/nf_tables.h>

/* A search. */
struct search {
	struct passage *x;
	const struct ruleset_step *step;
	const uint8_t *bits, *known; /* of the key */
	bool sure;                   /* one element is met in any case */
	bool maybe;                  /* at least one can be met */
	bool conditional;            /* one of these has conditions of its own */
	uint8_t data[REGISTER_BYTES], data_known[REGISTER_BYTES]; /* of those that can be met */
};

/* The element is met, or may be. */
static void meet(struct search *s, const struct ruleset_element *e, bool sure)
{
	const struct ruleset_set *set = s->step->set;
	size_t n = e->data && set->data_len <= REGISTER_BYTES ? set->data_len : 0;

	if (e->conditional)
		s->x->unknown = (struct lost){ "", "element with conditions of its own" };
	for (size_t i = 0; i < n; i++) {
		if (!s->maybe)
			s->data_known[i] = 0xff;
		else
			s->data_known[i] &= (uint8_t) ~(s->data[i] ^ e->data[i]);
		s->data[i] = e->data[i];
	}
	s->sure = s->sure || (sure && !e->conditional);
	s->conditional = s->conditional || e->conditional;
	s->maybe = true;
	if (!set->verdicts)
		return;
	if (!sure || e->conditional)
		passage_doubt(s->x);
	passage_verdict(s->x, e->verdict, e->chain);
}

/* The first element whose key is not below, or with above, is above. */
static size_t find_bound(const struct ruleset_set *set, size_t n, const uint8_t *key, bool above)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(set->v[middle].key, key, set->key_len);

		if (order < 0 || (above && !order))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Is nothing of the set between this element and the next? */
static bool is_gap(const struct ruleset_set *set, size_t i, size_t n)
{
	return set->v[i].end &&
	       (i + 1 == n || memcmp(set->v[i].key, set->v[i + 1].key, set->key_len) != 0);
}

/* Of the starts and ends, those that the key can lie behind: the last not above its least value,
 * and all up to its greatest. */
static void search_intervals(struct search *s, size_t n)
{
	const struct ruleset_set *set = s->step->set;
	uint8_t least[REGISTER_BYTES] = { 0 }, most[REGISTER_BYTES] = { 0 };
	size_t first, end;
	bool gap, only;

	for (size_t i = 0; i < set->key_len; i++) {
		least[i] = s->bits[i] & s->known[i];
		most[i] = s->bits[i] | (uint8_t)~s->known[i];
	}
	first = find_bound(set, n, least, true);
	end = find_bound(set, n, most, true);
	gap = !first;
	only = first == end;
	for (size_t i = first ? first - 1 : 0; i < end; i++) {
		gap = gap || is_gap(set, i, n);
		if (!set->v[i].end)
			meet(s, &set->v[i], only);
	}
	s->sure = s->sure || (s->maybe && !gap && !s->conditional);
}

static enum answer compare_fields(const struct search *s, const struct ruleset_element *e)
{
	const struct ruleset_set *set = s->step->set;
	enum answer all = ANSWER_YES, one;
	size_t at = 0;

	for (size_t i = 0; i < set->nfields && at < set->key_len && all != ANSWER_NO; i++) {
		one = verdict_in_range(s->bits + at, s->known + at, e->key + at,
				       (e->key_end ? e->key_end : e->key) + at, set->fields[i]);
		all = one == ANSWER_YES ? all : one;
		at += (set->fields[i] + 3U) & ~3U;
	}
	return all;
}

static enum answer compare_whole(const struct search *s, const struct ruleset_element *e)
{
	return verdict_in_range(s->bits, s->known, e->key, e->key_end ? e->key_end : e->key,
				s->step->set->key_len);
}

/* One after the other, from the first that a key can be that is known from its start. */
static void search_keys(struct search *s, size_t first, size_t n)
{
	const struct ruleset_set *set = s->step->set;
	bool fields = set->flags & NFT_SET_INTERVAL;

	for (size_t i = first; i < n && !s->sure; i++) {
		enum answer a = fields ? compare_fields(s, &set->v[i])
				       : compare_whole(s, &set->v[i]);

		if (a != ANSWER_NO)
			meet(s, &set->v[i], a == ANSWER_YES);
	}
}

static bool all_is_known(const struct search *s)
{
	for (size_t i = 0; i < s->step->set->key_len; i++)
		if (s->known[i] != 0xff)
			return false;
	return true;
}

static void search_all(struct search *s)
{
	const struct ruleset_set *set = s->step->set;
	size_t n = set->n, at;

	while (n && !set->v[n - 1].key) /* the catch-all */
		n--;
	if (ruleset_set_has_intervals(set)) {
		search_intervals(s, n);
	} else if (set->flags & NFT_SET_INTERVAL || !all_is_known(s)) {
		search_keys(s, 0, n);
	} else {
		at = find_bound(set, n, s->bits, false);
		search_keys(s, at, at + (at < n));
	}
	if (n < set->n && !s->sure)
		meet(s, &set->v[n], !s->maybe);
	if (n < set->n)
		s->sure = true;
}

/* A verdict map: what was met has been told already. */
static enum progress finish_verdicts(const struct search *s)
{
	if (s->sure)
		return STEP_ENDS;
	return STEP_BREAKS;
}

static void put_data(struct passage *x, uint8_t reg, const struct search *s)
{
	size_t n = s->step->set->data_len, padded = (n + 3) & ~(size_t)3;

	memset(x->bits + reg, 0, padded);
	memset(x->known + reg, 0xff, padded);
	memcpy(x->known + reg, s->data_known, n);
	for (size_t i = 0; i < n; i++)
		x->bits[reg + i] = s->data[i] & s->data_known[i];
}

enum progress verdict_lookup(struct passage *x, const struct ruleset_step *step)
{
	struct search s = {
		.x = x,
		.step = step,
		.bits = x->bits + step->sreg,
		.known = x->known + step->sreg,
	};

	search_all(&s);
	if (step->set->verdicts)
		return finish_verdicts(&s);
	if (s.maybe && step->dreg != NO_REGISTER)
		put_data(x, step->dreg, &s);
	if (s.maybe && !s.sure)
		return STEP_EITHER;
	return s.maybe != step->invert ? STEP_GOES_ON : STEP_BREAKS;
}
