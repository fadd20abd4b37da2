/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the expressions of nf_tables do with a packet of which not all is known. The kernel's own
 * are in net/netfilter/nft_*.c. */
#include "hooks/verdict_walk.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

static const uint8_t all_known[REGISTER_BYTES] = {
	[0 ... REGISTER_BYTES - 1] = 0xff,
};
static const uint8_t none_known[REGISTER_BYTES];

/* --- registers --- */

/* Puts len bytes into a register; the rest of its last four bytes is zero, as in the kernel. */
static void put(struct passage *x, uint8_t reg, const void *bits, const uint8_t *known, size_t len)
{
	uint8_t *to = x->bits + reg, *knows = x->known + reg;
	size_t padded = (len + 3) & ~(size_t)3;

	memset(to, 0, padded);
	memset(knows, 0xff, padded);
	memmove(to, bits, len);
	memmove(knows, known, len);
	for (size_t i = 0; i < len; i++)
		to[i] &= knows[i];
}

static void put_unknown(struct passage *x, uint8_t reg, size_t len, const char *name)
{
	x->unknown = (struct lost){ "", name };
	put(x, reg, none_known, none_known, len);
}

static void put_u32(struct passage *x, uint8_t reg, struct known32 v)
{
	put(x, reg, &v.bits, (const uint8_t *)&v.known, sizeof(v.bits));
}

static void put_u16(struct passage *x, uint8_t reg, uint16_t v)
{
	put(x, reg, &v, all_known, sizeof(v));
}

static void put_u8(struct passage *x, uint8_t reg, uint8_t v)
{
	put(x, reg, &v, all_known, sizeof(v));
}

static struct known32 get_u32(const struct passage *x, uint8_t reg)
{
	struct known32 v;

	memcpy(&v.bits, x->bits + reg, sizeof(v.bits));
	memcpy(&v.known, x->known + reg, sizeof(v.known));
	return v;
}

/* --- what is known of the packet --- */

bool verdict_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

static void fill(uint8_t *bits, uint8_t *known, const void *from, size_t n)
{
	memcpy(bits, from, n);
	memset(known, 0xff, n);
}

static void fill_port(uint8_t *bits, uint8_t *known, int port)
{
	uint16_t wire = htons((uint16_t)port);

	if (port >= 0)
		fill(bits, known, &wire, sizeof(wire));
}

void verdict_fill_headers(struct headers *h, const struct packet *p)
{
	bool six = p->family == AF_INET6;
	size_t protocol = six ? 6 : 9, source = six ? 8 : 12, n = family_bytes(p->family);
	static const uint8_t fragment[2];
	uint8_t version = six ? 0x60 : 0x45;

	*h = (struct headers){ 0 };
	fill(h->network, h->network_known, &version, 1);
	if (six)
		h->network_known[0] = 0xf0; /* then the traffic class */
	else
		fill(h->network + 6, h->network_known + 6, fragment, 2);
	if (!six) /* "do not fragment" and the reserved bit */
		h->network_known[6] = 0x3f;
	if (p->protocol)
		fill(h->network + protocol, h->network_known + protocol, &p->protocol, 1);
	if (p->source.family)
		fill(h->network + source, h->network_known + source, p->source.addr, n);
	if (p->target.family)
		fill(h->network + source + n, h->network_known + source + n, p->target.addr, n);
	if (!verdict_has_ports(p->protocol))
		return;
	fill_port(h->transport, h->transport_known, p->source_port);
	fill_port(h->transport + 2, h->transport_known + 2, p->target_port);
}

unsigned verdict_target_type(const struct judge *j)
{
	const struct prefix *target = &j->p->target;

	if (target->family == AF_INET && target->addr[0] >= 224)
		return 0;
	if (target->family == AF_INET6 && target->addr[0] == 0xff)
		return 0;
	return j->hook == FW_INPUT ? RTN_LOCAL : RTN_UNICAST;
}

/* --- meta --- */

static void put_name(struct passage *x, uint8_t reg, const char *name)
{
	char text[IFNAMSIZ] = "";

	if (!name) {
		put_unknown(x, reg, sizeof(text), "interface");
		return;
	}
	snprintf(text, sizeof(text), "%s", name);
	put(x, reg, text, all_known, sizeof(text));
}

static void put_index(struct passage *x, uint8_t reg, const char *name, bool *looked,
		      unsigned *index)
{
	if (name && *name && !*looked)
		*index = if_nametoindex(name);
	*looked = true;
	if (*index || (name && !*name))
		put_u32(x, reg, (struct known32){ *index, UINT32_MAX });
	else
		put_unknown(x, reg, sizeof(uint32_t), "interface number");
}

static const char *const meta_names[] = {
	[NFT_META_LEN] = "meta length",
	[NFT_META_PRIORITY] = "meta priority",
	[NFT_META_IIFTYPE] = "meta iiftype",
	[NFT_META_OIFTYPE] = "meta oiftype",
	[NFT_META_SKUID] = "meta skuid",
	[NFT_META_SKGID] = "meta skgid",
	[NFT_META_RTCLASSID] = "meta rtclassid",
	[NFT_META_IIFGROUP] = "meta iifgroup",
	[NFT_META_OIFGROUP] = "meta oifgroup",
	[NFT_META_CGROUP] = "meta cgroup",
	[NFT_META_CPU] = "meta cpu",
	[NFT_META_PRANDOM] = "meta random",
	[NFT_META_SECPATH] = "meta ipsec",
	[NFT_META_IIFKIND] = "meta iifkind",
	[NFT_META_OIFKIND] = "meta oifkind",
	[NFT_META_TIME_NS] = "meta time",
	[NFT_META_TIME_DAY] = "meta day",
	[NFT_META_TIME_HOUR] = "meta hour",
	[NFT_META_SDIF] = "meta sdif",
	[NFT_META_SDIFNAME] = "meta sdifname",
};

static enum progress lose_meta(struct passage *x, const struct ruleset_step *s)
{
	const char *name = s->op < ARRAY_SIZE(meta_names) ? meta_names[s->op] : NULL;
	size_t room = REGISTER_BYTES - s->dreg;

	put_unknown(x, s->dreg, room < IFNAMSIZ ? room : IFNAMSIZ, name ? name : "meta");
	return STEP_EITHER; /* some break the rule where there is no such thing */
}

static enum progress load_meta(struct passage *x, const struct ruleset_step *s)
{
	struct judge *j = x->j;
	const struct packet *p = j->p;

	switch (s->op) {
	case NFT_META_IIFNAME:
		put_name(x, s->dreg, p->in);
		break;
	case NFT_META_OIFNAME:
		put_name(x, s->dreg, p->out);
		break;
	case NFT_META_IIF:
		put_index(x, s->dreg, p->in, &j->in.looked, &j->in.index);
		break;
	case NFT_META_OIF:
		put_index(x, s->dreg, p->out, &j->out.looked, &j->out.index);
		break;
	case NFT_META_MARK:
		x->unknown = (struct lost){ "", "meta mark" };
		put_u32(x, s->dreg, x->flow.mark);
		break;
	case NFT_META_NFPROTO:
		put_u8(x, s->dreg, p->family);
		break;
	case NFT_META_PROTOCOL:
		put_u16(x, s->dreg, htons(p->family == AF_INET6 ? ETH_P_IPV6 : ETH_P_IP));
		break;
	case NFT_META_L4PROTO:
		if (p->protocol)
			put_u8(x, s->dreg, p->protocol);
		else
			put_unknown(x, s->dreg, 1, "protocol");
		break;
	case NFT_META_PKTTYPE:
		if (!verdict_target_type(j))
			return lose_meta(x, s);
		put_u8(x, s->dreg, PACKET_HOST);
		break;
	default:
		return lose_meta(x, s);
	}
	return STEP_GOES_ON;
}

static enum progress set_meta(struct passage *x, const struct ruleset_step *s)
{
	x->flow.mark = get_u32(x, s->sreg);
	return STEP_GOES_ON;
}

/* --- connection tracking --- */

static struct known32 connection_status(const struct packet *p)
{
	uint32_t known = IPS_SRC_NAT | IPS_DST_NAT | IPS_SEEN_REPLY | IPS_CONFIRMED;

	if (!p->established)
		return (struct known32){ 0, known };
	/* how replies leave the host is not known */
	return (struct known32){ IPS_SEEN_REPLY | IPS_CONFIRMED, known & ~(uint32_t)IPS_SRC_NAT };
}

static enum progress load_ct(struct passage *x, const struct ruleset_step *s)
{
	const struct packet *p = x->j->p;
	size_t room = REGISTER_BYTES - s->dreg;
	uint32_t state = NF_CT_STATE_BIT(p->established ? IP_CT_ESTABLISHED : IP_CT_NEW);

	switch (s->op) {
	case NFT_CT_STATE:
		put_u32(x, s->dreg, (struct known32){ state, UINT32_MAX });
		return STEP_GOES_ON;
	case NFT_CT_STATUS:
		x->unknown = (struct lost){ "", "ct status" };
		put_u32(x, s->dreg, connection_status(p));
		return STEP_GOES_ON;
	case NFT_CT_MARK:
		x->unknown = (struct lost){ "", "ct mark" };
		put_u32(x, s->dreg, x->flow.ct_mark);
		return STEP_GOES_ON;
	case NFT_CT_DIRECTION:
		if (p->established)
			break;
		put_u8(x, s->dreg, 0);
		return STEP_GOES_ON;
	case NFT_CT_L3PROTOCOL:
		put_u8(x, s->dreg, p->family);
		return STEP_GOES_ON;
	case NFT_CT_PROTOCOL:
		if (!p->protocol)
			break;
		put_u8(x, s->dreg, p->protocol);
		return STEP_GOES_ON;
	default:
		break;
	}
	put_unknown(x, s->dreg, room, "ct");
	return STEP_EITHER;
}

static enum progress set_ct(struct passage *x, const struct ruleset_step *s)
{
	x->flow.ct_mark = get_u32(x, s->sreg);
	return STEP_GOES_ON;
}

/* --- payload --- */

struct part {
	const uint8_t *bits, *known;
	size_t n;
	const char *name;
};

static struct part header_part(const struct headers *h, uint8_t base)
{
	if (base == NFT_PAYLOAD_NETWORK_HEADER)
		return (struct part){ h->network, h->network_known, NETWORK_BYTES,
				      "network header" };
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		return (struct part){ h->transport, h->transport_known, TRANSPORT_BYTES,
				      "transport header" };
	return (struct part){ none_known, none_known, 0, "payload" };
}

static const char *name_part(const struct passage *x, const struct part *part,
			     const struct ruleset_step *s)
{
	bool six = x->j->p->family == AF_INET6;
	size_t source = six ? 8 : 12, target = six ? 24 : 16;

	if (part->n == TRANSPORT_BYTES && s->offset < TRANSPORT_BYTES)
		return s->offset < 2 ? "source port" : "target port";
	if (part->n == NETWORK_BYTES && s->offset >= source && s->offset < target)
		return "source address";
	if (part->n == NETWORK_BYTES && s->offset >= target)
		return "target address";
	return part->name;
}

static enum progress load_payload(struct passage *x, const struct ruleset_step *s)
{
	struct part part = header_part(&x->j->headers, s->op);
	uint8_t bits[REGISTER_BYTES] = { 0 }, known[REGISTER_BYTES] = { 0 };

	for (size_t i = 0; i < s->len && s->offset + i < part.n && !x->flow.rewritten; i++) {
		bits[i] = part.bits[s->offset + i];
		known[i] = part.known[s->offset + i];
	}
	x->unknown = (struct lost){ "", name_part(x, &part, s) };
	put(x, s->dreg, bits, known, s->len);
	return STEP_GOES_ON;
}

/*
 * A field is written together with its neighbours, which keep their values: only a bit that was
 * known and may now be another matters.
 */
static enum progress set_payload(struct passage *x, const struct ruleset_step *s)
{
	struct part part = header_part(&x->j->headers, s->op);

	for (size_t i = 0; i < s->len && s->offset + i < part.n; i++) {
		uint8_t same = x->known[s->sreg + i] &
			       (uint8_t) ~(x->bits[s->sreg + i] ^ part.bits[s->offset + i]);

		if (part.known[s->offset + i] & ~same)
			x->flow.rewritten = true;
	}
	return STEP_GOES_ON;
}

static enum progress load_fib(struct passage *x, const struct ruleset_step *s)
{
	uint32_t type = verdict_target_type(x->j);

	if (s->op != NFT_FIB_RESULT_ADDRTYPE || s->offset != NFTA_FIB_F_DADDR || !type) {
		put_unknown(x, s->dreg, s->op == NFT_FIB_RESULT_OIFNAME ? IFNAMSIZ : 4, "fib");
		return STEP_EITHER;
	}
	put_u32(x, s->dreg, (struct known32){ type, UINT32_MAX });
	return STEP_GOES_ON;
}

/* --- arithmetic --- */

enum { BITWISE_AND = NFT_BITWISE_RSHIFT + 1, BITWISE_OR }; /* then XOR, of newer kernels */

/* A bit of a combination is known if both bits are, or if one is known and decides. */
static enum progress combine(struct passage *x, const struct ruleset_step *s)
{
	uint8_t bits[REGISTER_BYTES] = { 0 }, known[REGISTER_BYTES] = { 0 };
	const uint8_t *a = x->bits + s->sreg, *ka = x->known + s->sreg;
	const uint8_t *b = s->data ? s->data : x->bits + s->sreg2;
	const uint8_t *kb = s->data ? all_known : x->known + s->sreg2;

	for (size_t i = 0; i < s->len; i++) {
		known[i] = ka[i] & kb[i];
		if (s->op == BITWISE_AND) {
			bits[i] = a[i] & b[i];
			known[i] |= (ka[i] & ~a[i]) | (kb[i] & ~b[i]);
		} else if (s->op == BITWISE_OR) {
			bits[i] = a[i] | b[i];
			known[i] |= (ka[i] & a[i]) | (kb[i] & b[i]);
		} else {
			bits[i] = a[i] ^ b[i];
		}
	}
	put(x, s->dreg, bits, known, s->len);
	return STEP_GOES_ON;
}

static void shift(uint32_t *to, const uint32_t *from, size_t n, const struct ruleset_step *s,
		  uint32_t carry)
{
	unsigned by = s->offset, rest = 32 - by;

	for (size_t i = 0; i < n; i++) {
		size_t at = s->op == NFT_BITWISE_LSHIFT ? n - 1 - i : i;
		uint32_t v = from[at];

		if (s->op == NFT_BITWISE_LSHIFT) {
			to[at] = v << by | carry;
			carry = by ? v >> rest : 0;
		} else {
			to[at] = carry | v >> by;
			carry = by ? v << rest : 0;
		}
	}
}

/* What is shifted in is known to be zero. */
static enum progress shift_register(struct passage *x, const struct ruleset_step *s)
{
	uint32_t from[REGISTER_BYTES / 4] = { 0 }, known[REGISTER_BYTES / 4] = { 0 };
	uint32_t to[REGISTER_BYTES / 4] = { 0 }, knows[REGISTER_BYTES / 4] = { 0 };
	size_t n = (s->len + 3U) / 4;
	uint32_t in = s->op == NFT_BITWISE_LSHIFT ? (1U << s->offset) - 1
						  : ~(UINT32_MAX >> s->offset);

	memcpy(from, x->bits + s->sreg, s->len);
	memcpy(known, x->known + s->sreg, s->len);
	shift(to, from, n, s, 0);
	shift(knows, known, n, s, in);
	put(x, s->dreg, to, (const uint8_t *)knows, s->len);
	return STEP_GOES_ON;
}

static enum progress bitwise(struct passage *x, const struct ruleset_step *s)
{
	uint8_t bits[REGISTER_BYTES] = { 0 }, known[REGISTER_BYTES] = { 0 };

	if (s->op == NFT_BITWISE_LSHIFT || s->op == NFT_BITWISE_RSHIFT)
		return shift_register(x, s);
	if (s->op != NFT_BITWISE_BOOL)
		return combine(x, s);
	for (size_t i = 0; i < s->len; i++) {
		bits[i] = (x->bits[s->sreg + i] & s->data[i]) ^ s->data2[i];
		known[i] = x->known[s->sreg + i] | (uint8_t)~s->data[i];
	}
	put(x, s->dreg, bits, known, s->len);
	return STEP_GOES_ON;
}

/* There and back are the same. On a machine of network byte order there is nothing to do. */
static enum progress byteorder(struct passage *x, const struct ruleset_step *s)
{
	uint8_t bits[REGISTER_BYTES] = { 0 }, known[REGISTER_BYTES] = { 0 };
	bool swaps = htons(1) != 1;

	for (size_t i = 0; i < s->len; i++) {
		size_t item = i - i % s->offset, at = item + s->offset - 1 - i % s->offset;

		at = swaps && at < s->len ? at : i;
		bits[i] = x->bits[s->sreg + at];
		known[i] = x->known[s->sreg + at];
	}
	put(x, s->dreg, bits, known, s->len);
	return STEP_GOES_ON;
}

/* --- conditions --- */

enum answer verdict_in_range(const uint8_t *bits, const uint8_t *known, const uint8_t *from,
			     const uint8_t *to, size_t n)
{
	uint8_t least[REGISTER_BYTES] = { 0 }, most[REGISTER_BYTES] = { 0 };
	bool one = !memcmp(from, to, n);

	for (size_t i = 0; i < n; i++) {
		if (one && (bits[i] ^ from[i]) & known[i])
			return ANSWER_NO;
		least[i] = bits[i] & known[i];
		most[i] = bits[i] | (uint8_t)~known[i];
	}
	if (memcmp(most, from, n) < 0 || memcmp(least, to, n) > 0)
		return ANSWER_NO;
	if (memcmp(least, from, n) >= 0 && memcmp(most, to, n) <= 0)
		return ANSWER_YES;
	return ANSWER_MAYBE;
}

static enum progress progress_of(enum answer a, bool invert)
{
	return verdict_progress(verdict_negate(a, invert));
}

static enum progress compare(struct passage *x, const struct ruleset_step *s)
{
	const uint8_t *bits = x->bits + s->sreg, *known = x->known + s->sreg;
	/* by operator: is the range from or up to the value, and what of it is wanted? */
	static const struct {
		bool from, to, invert;
	} ranges[] = {
		[NFT_CMP_EQ] = { true, true, false }, [NFT_CMP_NEQ] = { true, true, true },
		[NFT_CMP_LT] = { true, false, true }, [NFT_CMP_LTE] = { false, true, false },
		[NFT_CMP_GT] = { false, true, true }, [NFT_CMP_GTE] = { true, false, false },
	};

	return progress_of(verdict_in_range(bits, known, ranges[s->op].from ? s->data : none_known,
					    ranges[s->op].to ? s->data : all_known, s->len),
			   ranges[s->op].invert);
}

static enum progress range(struct passage *x, const struct ruleset_step *s)
{
	return progress_of(
		verdict_in_range(x->bits + s->sreg, x->known + s->sreg, s->data, s->data2, s->len),
		s->invert);
}

/* --- the rest --- */

static enum progress put_data(struct passage *x, const struct ruleset_step *s)
{
	put(x, s->dreg, s->data, all_known, s->len);
	return STEP_GOES_ON;
}

static enum progress break_off(struct passage *x, const struct ruleset_step *s)
{
	(void)x;
	(void)s;
	return STEP_BREAKS;
}

static enum progress doubt(struct passage *x, const struct ruleset_step *s)
{
	x->unknown = (struct lost){ "", s->name };
	return STEP_EITHER;
}

static enum progress forget(struct passage *x, const struct ruleset_step *s)
{
	enum progress progress = doubt(x, s);

	memset(x->known, 0, sizeof(x->known));
	return s->kind == STEP_FORGET && s->invert ? STEP_GOES_ON : progress;
}

static enum progress anything(struct passage *x, const struct ruleset_step *s)
{
	x->unknown = (struct lost){ "", s->name };
	passage_doubt(x);
	passage_verdict(x, NF_ACCEPT, NULL);
	passage_verdict(x, NF_DROP, NULL);
	x->flow = (struct flow){ .rewritten = true };
	return forget(x, s);
}

enum progress verdict_nft_step(struct passage *x, const struct ruleset_step *s)
{
	typedef enum progress (*doer)(struct passage * x, const struct ruleset_step *s);
	static const doer doers[STEP_KINDS] = {
		[STEP_DATA] = put_data,
		[STEP_META] = load_meta,
		[STEP_SET_META] = set_meta,
		[STEP_CT] = load_ct,
		[STEP_SET_CT] = set_ct,
		[STEP_PAYLOAD] = load_payload,
		[STEP_SET_PAYLOAD] = set_payload,
		[STEP_FIB] = load_fib,
		[STEP_CMP] = compare,
		[STEP_RANGE] = range,
		[STEP_BITWISE] = bitwise,
		[STEP_BYTEORDER] = byteorder,
		[STEP_BREAK] = break_off,
		[STEP_DOUBT] = doubt,
		[STEP_FORGET] = forget,
		[STEP_UNKNOWN] = anything,
	};

	return doers[s->kind](x, s);
}
