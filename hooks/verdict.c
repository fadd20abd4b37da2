/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks through the chains of a hook with a packet of which not all is known. Where a condition
 * cannot be told, both ways are followed at once: what a chain can come to is a set, a subset of
 * {accept, drop, return}. It is worked out once for each chain and each state of the marks, so that
 * the work grows with the number of rules and not with that of the ways through them.
 */
#include "hooks/verdict_walk.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>

enum {
	CAN_ACCEPT = 1 << 0,
	CAN_DROP = 1 << 1,
	CAN_RETURN = 1 << 2,

	DEPTH_MAX = 64, /* nf_tables refuse more than 16 jumps, but a goto is none */
	STATES_MAX = 8, /* of the marks in one chain; then they are taken as not known */
};

/* What a chain can come to. */
struct outcome {
	unsigned can;
	struct flow accepted, returned;    /* with which marks, where it can */
	const struct ruleset_chain *drops; /* the first chain that can */
	bool by_policy;
	const struct ruleset_chain *in_doubt; /* where the first doubt that matters was */
	struct lost doubt;
};

struct memo {
	struct memo *next;
	struct flow before;
	bool active; /* being worked out further up */
	struct outcome outcome;
};

/* --- flows --- */

static struct known32 join_known(struct known32 a, struct known32 b)
{
	uint32_t known = a.known & b.known & ~(a.bits ^ b.bits);

	return (struct known32){ a.bits & known, known };
}

/* Both can be: what differs is not known. */
static void join(bool *any, struct flow *into, const struct flow *f)
{
	if (!*any) {
		*into = *f;
	} else {
		into->mark = join_known(into->mark, f->mark);
		into->ct_mark = join_known(into->ct_mark, f->ct_mark);
		into->rewritten = into->rewritten || f->rewritten;
	}
	*any = true;
}

static bool same_flow(const struct flow *a, const struct flow *b)
{
	return a->mark.bits == b->mark.bits && a->mark.known == b->mark.known &&
	       a->ct_mark.bits == b->ct_mark.bits && a->ct_mark.known == b->ct_mark.known &&
	       a->rewritten == b->rewritten;
}

/* --- outcomes --- */

static void can(struct outcome *out, unsigned what, struct flow *of, const struct flow *f)
{
	bool any = out->can & what;

	join(&any, of, f);
	out->can |= what;
}

static void can_drop(struct outcome *out, const struct ruleset_chain *chain, bool by_policy)
{
	if (!(out->can & CAN_DROP)) {
		out->drops = chain;
		out->by_policy = by_policy;
	}
	out->can |= CAN_DROP;
}

static void note_doubt(struct outcome *out, const struct ruleset_chain *chain,
		       const struct lost *doubt)
{
	if (out->in_doubt || !doubt->kind)
		return;
	out->in_doubt = chain;
	out->doubt = *doubt;
}

static bool is_certain(const struct outcome *out)
{
	return !(out->can & (out->can - 1));
}

static const struct outcome *walk_chain(struct judge *j, const struct ruleset_chain *chain,
					const struct flow *before);

/* --- verdicts --- */

void passage_doubt(struct passage *x)
{
	if (!x->doubt.kind)
		x->doubt = x->unknown;
}

static void go_on(struct passage *x, const struct flow *f)
{
	join(&x->goes_on, &x->next, f);
}

/* All that the chain can come to, this one can, too. */
static void follow(struct passage *x, const struct ruleset_chain *chain, bool comes_back)
{
	const struct outcome *sub = walk_chain(x->j, chain, &x->flow);

	if (sub->can & (CAN_ACCEPT | CAN_DROP))
		note_doubt(x->out, x->chain, &x->doubt);
	if (!is_certain(sub))
		note_doubt(x->out, sub->in_doubt, &sub->doubt);
	if (sub->can & CAN_ACCEPT)
		can(x->out, CAN_ACCEPT, &x->out->accepted, &sub->accepted);
	if (sub->can & CAN_DROP)
		can_drop(x->out, sub->drops, sub->by_policy);
	if (!(sub->can & CAN_RETURN))
		return;
	if (comes_back) {
		go_on(x, &sub->returned);
		return;
	}
	note_doubt(x->out, x->chain, &x->doubt);
	can(x->out, CAN_RETURN, &x->out->returned, &sub->returned);
}

/* Stolen, queued to a program, or something new. */
static void accept_or_drop(struct passage *x)
{
	x->unknown = (struct lost){ "verdict ", "queue" };
	passage_doubt(x);
	note_doubt(x->out, x->chain, &x->doubt);
	can(x->out, CAN_ACCEPT, &x->out->accepted, &x->flow);
	can_drop(x->out, x->chain, false);
}

void passage_verdict(struct passage *x, int verdict, const struct ruleset_chain *chain)
{
	if (verdict == NFT_CONTINUE || verdict == NFT_BREAK) {
		go_on(x, &x->flow);
		return;
	}
	if (chain && (verdict == NFT_JUMP || verdict == NFT_GOTO)) {
		follow(x, chain, verdict == NFT_JUMP);
		return;
	}
	if (verdict != NFT_RETURN && verdict != NF_ACCEPT && verdict != NF_DROP) {
		accept_or_drop(x);
		return;
	}
	note_doubt(x->out, x->chain, &x->doubt);
	if (verdict == NFT_RETURN)
		can(x->out, CAN_RETURN, &x->out->returned, &x->flow);
	else if (verdict == NF_ACCEPT)
		can(x->out, CAN_ACCEPT, &x->out->accepted, &x->flow);
	else
		can_drop(x->out, x->chain, false);
}

/* --- rules --- */

static enum progress do_step(struct passage *x, const struct ruleset_step *s)
{
	typedef enum progress (*doer)(struct passage * x, const struct ruleset_step *s);
	static const doer doers[STEP_KINDS] = {
		[STEP_MATCH] = verdict_xt_step,
		[STEP_TARGET] = verdict_xt_step,
		[STEP_ENTRY] = verdict_entry,
		[STEP_LOOKUP] = verdict_lookup,
	};

	if (s->kind == STEP_VERDICT) {
		passage_verdict(x, s->verdict, s->chain);
		return STEP_ENDS;
	}
	return doers[s->kind] ? doers[s->kind](x, s) : verdict_nft_step(x, s);
}

/* Follows one rule; x->goes_on says whether the next is reached, and x->next how. */
static void walk_rule(struct passage *x, const struct ruleset_rule *rule)
{
	enum progress progress = STEP_GOES_ON;

	x->goes_on = false;
	x->doubt.kind = NULL;
	memset(x->known, 0, sizeof(x->known));
	for (size_t i = 0; i < rule->n && progress != STEP_ENDS; i++) {
		progress = do_step(x, &rule->steps[i]);
		if (progress == STEP_EITHER) {
			passage_doubt(x);
			go_on(x, &x->flow);
		}
		if (progress == STEP_BREAKS)
			break;
	}
	if (progress != STEP_ENDS)
		go_on(x, &x->flow);
}

static void walk_rules(struct judge *j, const struct ruleset_chain *chain, struct outcome *out,
		       const struct flow *before)
{
	struct passage x;

	x.j = j;
	x.chain = chain;
	x.out = out;
	x.flow = *before;
	for (size_t i = 0; i < chain->n; i++) {
		walk_rule(&x, &chain->rules[i]);
		if (!x.goes_on)
			return;
		x.flow = x.next;
	}
	can(out, CAN_RETURN, &out->returned, &x.flow);
}

/* --- chains --- */

/* A place for what comes of the chain; if it is worked out already, *found says so. */
static struct memo *remember(struct judge *j, const struct ruleset_chain *chain,
			     const struct flow *before, bool *found)
{
	struct memo **head = &j->memos[chain->index], *m;
	struct flow f = *before;
	size_t n = 0;

	for (m = *head; m; m = m->next)
		n++;
	if (n >= STATES_MAX)
		f = (struct flow){ .rewritten = true };
	for (m = *head; m; m = m->next)
		if (same_flow(&m->before, &f))
			break;
	*found = m;
	if (m)
		return m;
	m = arena_alloc(j->rs->arena, sizeof(*m));
	*m = (struct memo){ .next = *head, .before = f };
	*head = m;
	return m;
}

static const struct outcome *give_up(struct judge *j, const struct ruleset_chain *chain,
				     const struct flow *f)
{
	struct outcome *out = arena_alloc(j->rs->arena, sizeof(*out));

	*out = (struct outcome){ .can = CAN_ACCEPT | CAN_DROP | CAN_RETURN,
				 .accepted = *f,
				 .returned = *f,
				 .drops = chain,
				 .in_doubt = chain,
				 .doubt = { "", "jumps that never end" } };
	return out;
}

static const struct outcome *walk_chain(struct judge *j, const struct ruleset_chain *chain,
					const struct flow *before)
{
	bool found;
	struct memo *m = remember(j, chain, before, &found);

	if (m->active || j->depth == DEPTH_MAX)
		return give_up(j, chain, before);
	if (found)
		return &m->outcome;
	m->active = true;
	j->depth++;
	walk_rules(j, chain, &m->outcome, &m->before);
	j->depth--;
	m->active = false;
	return &m->outcome;
}

/* --- the hook --- */

static int by_priority(const void *a, const void *b)
{
	const struct ruleset_chain *x = *(const struct ruleset_chain *const *)a;
	const struct ruleset_chain *y = *(const struct ruleset_chain *const *)b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static bool applies(const struct judge *j, const struct ruleset_chain *c)
{
	int hook = j->hook == FW_INPUT ? NF_INET_LOCAL_IN : NF_INET_FORWARD;

	return c->hook == hook && (c->family == j->p->family || c->family == NFPROTO_INET) &&
	       !(c->nat && j->p->established);
}

/* The base chains that the packet meets, in their order. */
static size_t find_base_chains(const struct judge *j, const struct ruleset_chain ***out)
{
	const struct ruleset_chain **v;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < j->rs->nchains; i++)
		n += applies(j, j->rs->chains[i]);
	v = arena_alloc(j->rs->arena, n * sizeof(*v));
	for (size_t i = 0; i < j->rs->nchains; i++)
		if (applies(j, j->rs->chains[i]))
			v[k++] = j->rs->chains[i];
	if (n)
		qsort(v, n, sizeof(*v), by_priority);
	*out = v;
	return n;
}

/* Copies what comes of a base chain's rules and closes it with its policy. */
static struct outcome close_base(const struct ruleset_chain *base, const struct outcome *rules)
{
	struct outcome out = *rules;

	if (!(out.can & CAN_RETURN))
		return out;
	out.can &= ~(unsigned)CAN_RETURN;
	if (base->drops)
		can_drop(&out, base, true);
	else
		can(&out, CAN_ACCEPT, &out.accepted, &out.returned);
	return out;
}

static const char *family_name(uint8_t family)
{
	return family == NFPROTO_INET ? "inet" : family == NFPROTO_IPV6 ? "ip6" : "ip";
}

static void describe(struct verdict *v, const struct ruleset_chain *base,
		     const struct ruleset_chain *chain)
{
	v->medium = chain->medium;
	v->owner = chain->owner;
	v->family = family_name(chain->family);
	v->table = chain->table;
	v->chain = chain->name;
	v->open_chain = base->open_chain;
	snprintf(v->hook_chain, sizeof(v->hook_chain), "%s", base->name);
}

static void rule_drop(struct verdict *v, const struct ruleset_chain *base,
		      const struct outcome *out)
{
	*v = (struct verdict){ .ruling = RULING_DROP, .by_policy = out->by_policy };
	describe(v, base, out->drops);
	if (out->by_policy)
		v->owner = base->policy_owner;
}

static void rule_doubt(struct verdict *v, const struct ruleset *rs,
		       const struct ruleset_chain *base, const struct outcome *out)
{
	*v = (struct verdict){ .ruling = RULING_CANNOT_TELL };
	describe(v, base, out->in_doubt ? out->in_doubt : base);
	v->why = arena_printf(rs->arena, "%s%s", out->doubt.kind ? out->doubt.kind : "",
			      out->doubt.name ? out->doubt.name : "rules");
}

static void start(struct judge *j, const struct ruleset *rs, enum fw_hook hook,
		  const struct packet *p)
{
	*j = (struct judge){ .rs = rs, .hook = hook, .p = p };
	j->memos = arena_alloc(rs->arena, rs->nchains * sizeof(struct memo *));
	verdict_fill_headers(&j->headers, p);
}

void ruleset_judge(const struct ruleset *rs, enum fw_hook hook, const struct packet *p,
		   struct verdict *v)
{
	struct flow flow = { .mark = { p->mark, UINT32_MAX } };
	const struct ruleset_chain **bases;
	struct judge j;
	size_t n;

	*v = (struct verdict){ .ruling = RULING_ACCEPT, .family = "", .table = "", .chain = "" };
	start(&j, rs, hook, p);
	n = find_base_chains(&j, &bases);
	for (size_t i = 0; i < n; i++) {
		struct outcome out = close_base(bases[i], walk_chain(&j, bases[i], &flow));

		if (!(out.can & CAN_ACCEPT)) {
			rule_drop(v, bases[i], &out);
			return;
		}
		if (out.can & CAN_DROP && v->ruling == RULING_ACCEPT)
			rule_doubt(v, rs, bases[i], &out);
		flow = out.accepted;
	}
}
