/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Matches and targets of iptables, in the legacy tables and, as compat expressions, in those of
 * nf_tables. The kernel's own are in net/netfilter/xt_*.c and net/ipv[46]/netfilter.
 */
#include "hooks/verdict_walk.h"

#include <arpa/inet.h>
#include <linux/icmp.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_pkttype.h>
#include <linux/netfilter/xt_state.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <linux/rtnetlink.h>

/* --- answers --- */

static enum answer either(enum answer a, enum answer b)
{
	return verdict_negate(verdict_both(verdict_negate(a, true), verdict_negate(b, true)), true);
}

/* --- conditions that several have --- */

static enum answer has_port(const struct passage *x, int port, uint16_t from, uint16_t to)
{
	if (from == 0 && to == UINT16_MAX)
		return ANSWER_YES;
	if (port < 0 || x->flow.rewritten)
		return ANSWER_MAYBE;
	return verdict_answer(port >= from && port <= to);
}

static enum answer has_mark(struct known32 mark, uint32_t wanted, uint32_t mask)
{
	uint32_t differs = (mark.bits & mask) ^ wanted;

	if (differs & (mark.known | ~mask))
		return ANSWER_NO;
	return mask & ~mark.known ? ANSWER_MAYBE : ANSWER_YES;
}

/* --- matches --- */

static enum answer match_always(struct passage *x, const void *info)
{
	(void)x;
	(void)info;
	return ANSWER_YES;
}

/* What packets without further headers never have. */
static enum answer match_never(struct passage *x, const void *info)
{
	(void)x;
	(void)info;
	return ANSWER_NO;
}

/* The states of a connection as bits, and those of them that are known. */
static struct known32 states_of(const struct packet *p)
{
	if (!p->established)
		return (struct known32){ XT_CONNTRACK_STATE_BIT(IP_CT_NEW), UINT32_MAX };
	/* how replies leave the host is not known */
	return (struct known32){ XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED),
				 ~(uint32_t)XT_CONNTRACK_STATE_SNAT };
}

static enum answer has_state(const struct packet *p, uint32_t mask)
{
	struct known32 states = states_of(p);

	if (states.bits & mask)
		return ANSWER_YES;
	return mask & ~states.known ? ANSWER_MAYBE : ANSWER_NO;
}

static enum answer conntrack(const struct packet *p, uint16_t flags, uint16_t invert, uint32_t mask)
{
	enum answer a = ANSWER_YES;

	if (flags & XT_CONNTRACK_STATE)
		a = verdict_negate(has_state(p, mask), invert & XT_CONNTRACK_STATE);
	if (flags & XT_CONNTRACK_DIRECTION && p->established)
		a = verdict_both(a, ANSWER_MAYBE);
	else if (flags & XT_CONNTRACK_DIRECTION)
		a = verdict_both(a, verdict_answer(!(invert & XT_CONNTRACK_DIRECTION)));
	if (flags & ~(XT_CONNTRACK_STATE | XT_CONNTRACK_DIRECTION | XT_CONNTRACK_STATE_ALIAS))
		a = verdict_both(a, ANSWER_MAYBE);
	return a;
}

static enum answer match_conntrack1(struct passage *x, const void *data)
{
	const struct xt_conntrack_mtinfo1 *info = data;

	return conntrack(x->j->p, info->match_flags, info->invert_flags, info->state_mask);
}

/* also revision 3, which begins in the same way */
static enum answer match_conntrack2(struct passage *x, const void *data)
{
	const struct xt_conntrack_mtinfo2 *info = data;

	return conntrack(x->j->p, info->match_flags, info->invert_flags, info->state_mask);
}

static enum answer match_state(struct passage *x, const void *data)
{
	const struct xt_state_info *info = data;

	return verdict_answer(info->statemask & states_of(x->j->p).bits);
}

static enum answer match_mark(struct passage *x, const void *data)
{
	const struct xt_mark_mtinfo1 *info = data;

	return verdict_negate(has_mark(x->flow.mark, info->mark, info->mask), info->invert);
}

static enum answer match_connmark(struct passage *x, const void *data)
{
	const struct xt_connmark_mtinfo1 *info = data;

	return verdict_negate(has_mark(x->flow.ct_mark, info->mark, info->mask), info->invert);
}

static enum answer match_tcp(struct passage *x, const void *data)
{
	const struct xt_tcp *info = data;
	const struct packet *p = x->j->p;
	enum answer a = verdict_has_protocol(x, IPPROTO_TCP);

	a = verdict_both(a,
			 verdict_negate(has_port(x, p->source_port, info->spts[0], info->spts[1]),
					info->invflags & XT_TCP_INV_SRCPT));
	a = verdict_both(a,
			 verdict_negate(has_port(x, p->target_port, info->dpts[0], info->dpts[1]),
					info->invflags & XT_TCP_INV_DSTPT));
	if (info->flg_mask || info->option)
		a = verdict_both(a, ANSWER_MAYBE);
	return a;
}

static enum answer match_udp(struct passage *x, const void *data)
{
	const struct xt_udp *info = data;
	const struct packet *p = x->j->p;
	enum answer a = verdict_has_protocol(x, IPPROTO_UDP);

	a = verdict_both(a,
			 verdict_negate(has_port(x, p->source_port, info->spts[0], info->spts[1]),
					info->invflags & XT_UDP_INV_SRCPT));
	return verdict_both(
		a, verdict_negate(has_port(x, p->target_port, info->dpts[0], info->dpts[1]),
				  info->invflags & XT_UDP_INV_DSTPT));
}

static enum answer match_multiport(struct passage *x, const void *data)
{
	const struct xt_multiport_v1 *info = data;
	const struct packet *p = x->j->p;
	enum answer source = ANSWER_NO, target = ANSWER_NO;

	for (size_t i = 0; i < info->count && i < XT_MULTI_PORTS; i++) {
		bool range = info->pflags[i] && i + 1 < XT_MULTI_PORTS;
		uint16_t from = info->ports[i], to = info->ports[range ? i + 1 : i];

		source = either(source, has_port(x, p->source_port, from, to));
		target = either(target, has_port(x, p->target_port, from, to));
		i += range;
	}
	if (info->flags == XT_MULTIPORT_SOURCE)
		return verdict_negate(source, info->invert);
	if (info->flags == XT_MULTIPORT_DESTINATION)
		return verdict_negate(target, info->invert);
	return verdict_negate(either(source, target), info->invert);
}

static enum answer in_addresses(const struct passage *x, const struct prefix *p,
				const union nf_inet_addr *from, const union nf_inet_addr *to)
{
	size_t n = family_bytes(x->j->p->family);

	if (!p->family || x->flow.rewritten)
		return ANSWER_MAYBE;
	return verdict_answer(memcmp(p->addr, from, n) >= 0 && memcmp(p->addr, to, n) <= 0);
}

static enum answer match_iprange(struct passage *x, const void *data)
{
	const struct xt_iprange_mtinfo *info = data;
	const struct packet *p = x->j->p;
	enum answer a = ANSWER_YES;

	if (info->flags & IPRANGE_SRC)
		a = verdict_negate(in_addresses(x, &p->source, &info->src_min, &info->src_max),
				   info->flags & IPRANGE_SRC_INV);
	if (info->flags & IPRANGE_DST)
		a = verdict_both(a, verdict_negate(in_addresses(x, &p->target, &info->dst_min,
								&info->dst_max),
						   info->flags & IPRANGE_DST_INV));
	return a;
}

/* What kind of an address a source has is not known here. */
static enum answer address_type(const struct passage *x, uint16_t source, uint16_t target,
				bool invert)
{
	unsigned type = x->flow.rewritten ? 0 : verdict_target_type(x->j);
	enum answer a = source ? ANSWER_MAYBE : ANSWER_YES;

	if (target && !type)
		return ANSWER_MAYBE;
	if (target)
		a = verdict_both(a, verdict_negate(verdict_answer(target >> type & 1), invert));
	return a;
}

static enum answer match_addrtype0(struct passage *x, const void *data)
{
	const struct xt_addrtype_info *info = data;

	return address_type(x, info->source, info->dest, info->invert_dest);
}

static enum answer match_addrtype1(struct passage *x, const void *data)
{
	const struct xt_addrtype_info_v1 *info = data;

	if (info->flags & (XT_ADDRTYPE_LIMIT_IFACE_IN | XT_ADDRTYPE_LIMIT_IFACE_OUT))
		return ANSWER_MAYBE;
	return address_type(x, info->source, info->dest, info->flags & XT_ADDRTYPE_INVERT_DEST);
}

static enum answer match_pkttype(struct passage *x, const void *data)
{
	const struct xt_pkttype_info *info = data;

	if (!verdict_target_type(x->j))
		return ANSWER_MAYBE;
	return verdict_negate(verdict_answer(info->pkttype == PACKET_HOST), info->invert);
}

static enum answer match_icmp(struct passage *x, const void *data)
{
	const struct ipt_icmp *info = data;
	enum answer any = info->type == 0xff ? ANSWER_YES : ANSWER_MAYBE;

	return verdict_both(verdict_has_protocol(x, IPPROTO_ICMP), any);
}

static enum answer match_icmp6(struct passage *x, const void *data)
{
	(void)data;
	return verdict_both(verdict_has_protocol(x, IPPROTO_ICMPV6), ANSWER_MAYBE);
}

static const struct {
	const char *name;
	uint8_t revision;
	uint8_t size; /* of its data at least */
	enum answer (*match)(struct passage *x, const void *data);
} matches[] = {
	{ "comment", 0, 0, match_always },
	{ "conntrack", 3, sizeof(struct xt_conntrack_mtinfo2), match_conntrack2 },
	{ "conntrack", 2, sizeof(struct xt_conntrack_mtinfo2), match_conntrack2 },
	{ "conntrack", 1, sizeof(struct xt_conntrack_mtinfo1), match_conntrack1 },
	{ "state", 0, sizeof(struct xt_state_info), match_state },
	{ "tcp", 0, sizeof(struct xt_tcp), match_tcp },
	{ "udp", 0, sizeof(struct xt_udp), match_udp },
	{ "multiport", 1, sizeof(struct xt_multiport_v1), match_multiport },
	{ "mark", 1, sizeof(struct xt_mark_mtinfo1), match_mark },
	{ "connmark", 1, sizeof(struct xt_connmark_mtinfo1), match_connmark },
	{ "addrtype", 1, sizeof(struct xt_addrtype_info_v1), match_addrtype1 },
	{ "addrtype", 0, sizeof(struct xt_addrtype_info), match_addrtype0 },
	{ "iprange", 1, sizeof(struct xt_iprange_mtinfo), match_iprange },
	{ "pkttype", 0, sizeof(struct xt_pkttype_info), match_pkttype },
	{ "icmp", 0, sizeof(struct ipt_icmp), match_icmp },
	{ "icmp6", 0, sizeof(struct ip6t_icmp), match_icmp6 },
	{ "rt", 0, 0, match_never },
	{ "frag", 0, 0, match_never },
	{ "hbh", 0, 0, match_never },
	{ "dst", 0, 0, match_never },
};

static enum progress do_match(struct passage *x, const struct ruleset_step *s)
{
	enum answer a = ANSWER_MAYBE;

	for (size_t i = 0; i < ARRAY_SIZE(matches); i++)
		if (matches[i].revision == s->op && s->len >= matches[i].size &&
		    !strcmp(matches[i].name, s->name)) {
			a = matches[i].match(x, s->data);
			break;
		}
	x->unknown = (struct lost){ "match ", s->name };
	return verdict_progress(a);
}

/* --- targets --- */

static bool target_mark(struct passage *x, const struct ruleset_step *s)
{
	const struct xt_mark_tginfo2 *info = (const void *)s->data;
	struct known32 *mark = &x->flow.mark;

	if (s->op != 2 || s->len < sizeof(*info))
		return false;
	mark->known |= info->mask;
	mark->bits = (mark->bits & ~info->mask) ^ (info->mark & mark->known);
	return true;
}

/* (to & ~clear) ^ (from & take), as CONNMARK does it both ways */
static struct known32 move_mark(struct known32 to, uint32_t clear, struct known32 from,
				uint32_t take)
{
	uint32_t known = (to.known | clear) & (from.known | ~take);

	return (struct known32){ ((to.bits & ~clear) ^ (from.bits & take)) & known, known };
}

static bool target_connmark(struct passage *x, const struct ruleset_step *s)
{
	const struct xt_connmark_tginfo1 *info = (const void *)s->data;
	struct known32 value = { 0, UINT32_MAX };
	uint8_t mode;

	if ((s->op != 1 && s->op != 2) || s->len < sizeof(*info))
		return false;
	mode = info->mode;
	if (s->op == 2) { /* the same masks, then how far to shift */
		const struct xt_connmark_tginfo2 *shifting = (const void *)s->data;

		if (shifting->shift_bits)
			return false;
		mode = shifting->mode;
	}
	value.bits = info->ctmark;
	if (mode == XT_CONNMARK_SET)
		x->flow.ct_mark = move_mark(x->flow.ct_mark, info->ctmask, value, UINT32_MAX);
	else if (mode == XT_CONNMARK_SAVE)
		x->flow.ct_mark = move_mark(x->flow.ct_mark, info->ctmask, x->flow.mark,
					    info->nfmask);
	else if (mode == XT_CONNMARK_RESTORE)
		x->flow.mark = move_mark(x->flow.mark, info->nfmask, x->flow.ct_mark, info->ctmask);
	return mode <= XT_CONNMARK_RESTORE;
}

enum { GOES_ON = INT32_MIN };

/* The target's verdict; GOES_ON: none, the next rule follows. */
static const struct {
	const char *name;
	int verdict;
	bool (*change)(struct passage *x, const struct ruleset_step *s); /* false: not understood */
} targets[] = {
	{ "LOG", GOES_ON, NULL },         { "REJECT", NF_DROP, NULL },
	{ "MARK", GOES_ON, target_mark }, { "CONNMARK", GOES_ON, target_connmark },
	{ "NFLOG", GOES_ON, NULL },       { "TCPMSS", GOES_ON, NULL },
	{ "CLASSIFY", GOES_ON, NULL },    { "DSCP", GOES_ON, NULL },
	{ "TOS", GOES_ON, NULL },         { "TTL", GOES_ON, NULL },
	{ "HL", GOES_ON, NULL },          { "CHECKSUM", GOES_ON, NULL },
	{ "SECMARK", GOES_ON, NULL },     { "CONNSECMARK", GOES_ON, NULL },
	{ "AUDIT", GOES_ON, NULL },       { "TRACE", GOES_ON, NULL },
	{ "TEE", GOES_ON, NULL },         { "RATEEST", GOES_ON, NULL },
	{ "IDLETIMER", GOES_ON, NULL },   { "LED", GOES_ON, NULL },
	{ "ECN", GOES_ON, NULL },         { "TCPOPTSTRIP", GOES_ON, NULL },
	{ "SNAT", NF_ACCEPT, NULL },      { "NETMAP", NF_ACCEPT, NULL },
};

static enum progress finish(struct passage *x, int verdict)
{
	passage_verdict(x, verdict == GOES_ON ? NFT_CONTINUE : verdict, NULL);
	return STEP_ENDS;
}

static enum progress do_target(struct passage *x, const struct ruleset_step *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (!strcmp(targets[i].name, s->name) &&
		    (!targets[i].change || targets[i].change(x, s)))
			return finish(x, targets[i].verdict);
	x->unknown = (struct lost){ "target ", s->name };
	passage_doubt(x);
	passage_verdict(x, NF_ACCEPT, NULL);
	passage_verdict(x, NF_DROP, NULL);
	x->flow = (struct flow){ .rewritten = true };
	return finish(x, GOES_ON);
}

enum progress verdict_xt_step(struct passage *x, const struct ruleset_step *s)
{
	return s->kind == STEP_MATCH ? do_match(x, s) : do_target(x, s);
}
