/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conditions that a rule of a legacy table has without any match, as in ip_packet_match() and
 * ip6_packet_match(), and what the answers of all conditions are made of. */
#include "hooks/verdict_walk.h"

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

/* --- answers --- */

enum answer verdict_answer(bool yes)
{
	return yes ? ANSWER_YES : ANSWER_NO;
}

enum answer verdict_negate(enum answer a, bool invert)
{
	return invert && a != ANSWER_MAYBE ? verdict_answer(a == ANSWER_NO) : a;
}

enum answer verdict_both(enum answer a, enum answer b)
{
	if (a == ANSWER_NO || b == ANSWER_NO)
		return ANSWER_NO;
	return a == ANSWER_YES ? b : a;
}

enum progress verdict_progress(enum answer a)
{
	static const enum progress progress[] = { STEP_BREAKS, STEP_GOES_ON, STEP_EITHER };

	return progress[a];
}

enum answer verdict_has_protocol(const struct passage *x, uint8_t protocol)
{
	uint8_t ours = x->j->p->protocol;

	return ours ? verdict_answer(ours == protocol) : ANSWER_MAYBE;
}

/* --- entries --- */

/* What the entries of both families have. */
struct conditions {
	const void *source, *source_mask, *target, *target_mask;
	const char *in, *out;
	const uint8_t *in_mask, *out_mask;
	uint16_t protocol; /* 0: any */
	uint8_t invert;    /* IPT_INV_*, which are those of ip6_tables too */
	bool fragment;     /* the second or a further one */
};

static struct conditions conditions4(const struct ipt_ip *e)
{
	return (struct conditions){
		.source = &e->src,
		.source_mask = &e->smsk,
		.target = &e->dst,
		.target_mask = &e->dmsk,
		.in = e->iniface,
		.in_mask = e->iniface_mask,
		.out = e->outiface,
		.out_mask = e->outiface_mask,
		.protocol = e->proto,
		.invert = e->invflags,
		.fragment = e->flags & IPT_F_FRAG,
	};
}

static struct conditions conditions6(const struct ip6t_ip6 *e)
{
	return (struct conditions){
		.source = &e->src,
		.source_mask = &e->smsk,
		.target = &e->dst,
		.target_mask = &e->dmsk,
		.in = e->iniface,
		.in_mask = e->iniface_mask,
		.out = e->outiface,
		.out_mask = e->outiface_mask,
		.protocol = e->flags & IP6T_F_PROTO ? e->proto : 0,
		.invert = e->invflags,
	};
}

/* Are all bytes that the mask picks equal? ours NULL: cannot be told. */
static enum answer equal(const void *ours, const void *wanted, const void *mask, size_t n)
{
	const uint8_t *a = ours, *b = wanted, *m = mask;
	bool same = true, any = true;

	for (size_t i = 0; i < n; i++) {
		any = any && !m[i];
		same = same && (!a || !((a[i] ^ b[i]) & m[i]));
	}
	if (any)
		return ANSWER_YES;
	return a ? verdict_answer(same) : ANSWER_MAYBE;
}

static enum answer equal_name(const char *ours, const char *wanted, const uint8_t *mask)
{
	char full[IFNAMSIZ] = "";

	if (ours)
		snprintf(full, sizeof(full), "%s", ours);
	return equal(ours ? full : NULL, wanted, mask, sizeof(full));
}

static const uint8_t *address(const struct passage *x, const struct prefix *p)
{
	return p->family && !x->flow.rewritten ? p->addr : NULL;
}

/* Adds one condition to all; the first that cannot be told is the one to name. */
static void add(struct passage *x, enum answer *all, enum answer one, bool invert, const char *name)
{
	one = verdict_negate(one, invert);
	if (one == ANSWER_MAYBE && *all == ANSWER_YES)
		x->unknown = (struct lost){ "", name };
	*all = verdict_both(*all, one);
}

enum progress verdict_entry(struct passage *x, const struct ruleset_step *s)
{
	const struct packet *p = x->j->p;
	size_t n = family_bytes(p->family);
	struct conditions c = p->family == AF_INET6 ? conditions6((const void *)s->data)
						    : conditions4((const void *)s->data);
	enum answer all = verdict_answer(!c.fragment || c.invert & IPT_INV_FRAG);

	add(x, &all, equal_name(p->in, c.in, c.in_mask), c.invert & IPT_INV_VIA_IN, "interface");
	add(x, &all, equal_name(p->out, c.out, c.out_mask), c.invert & IPT_INV_VIA_OUT,
	    "interface");
	add(x, &all, equal(address(x, &p->source), c.source, c.source_mask, n),
	    c.invert & IPT_INV_SRCIP, "source address");
	add(x, &all, equal(address(x, &p->target), c.target, c.target_mask, n),
	    c.invert & IPT_INV_DSTIP, "target address");
	if (c.protocol)
		add(x, &all, verdict_has_protocol(x, (uint8_t)c.protocol), c.invert & IPT_INV_PROTO,
		    "protocol");
	return verdict_progress(all);
}
