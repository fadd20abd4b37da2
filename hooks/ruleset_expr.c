/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions of nf_tables, as the kernel dumps them, made into steps. What is not known here, or
 * not as it should be, becomes a step of which anything can come. */
#include "hooks/ruleset_nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

enum {
	STEPS_MAX = 128, /* NFT_RULE_MAXEXPRS */
	ATTRS_MAX = 15,
	IS_NOTHING = STEP_KINDS, /* an expression that has no part in the verdict */
	BITWISE_SREG2 = 8,       /* NFTA_BITWISE_SREG2 of newer kernels */
};

struct expr {
	struct nft_reader *reader;
	const struct nlattr *tb[ATTRS_MAX + 1];
};

/* --- attributes --- */

static uint32_t number(const struct expr *e, int attr)
{
	const struct nlattr *a = e->tb[attr];

	return a && mnl_attr_get_payload_len(a) >= sizeof(uint32_t) ? ntohl(mnl_attr_get_u32(a))
								    : 0;
}

/* A register's place: the old names are of 16 bytes, the new of 4 each. */
static uint8_t place(const struct expr *e, int attr)
{
	uint32_t reg = number(e, attr);

	if (reg >= NFT_REG_1 && reg <= NFT_REG_4)
		return (uint8_t)((reg - NFT_REG_1) * NFT_REG_SIZE);
	if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15)
		return (uint8_t)((reg - NFT_REG32_00) * NFT_REG32_SIZE);
	return NO_REGISTER;
}

static bool fits(uint8_t reg, size_t len)
{
	return len > 0 && reg + len <= REGISTER_BYTES;
}

static const char *copy_name(const struct expr *e, int attr)
{
	const struct nlattr *a = e->tb[attr];

	if (!a)
		return "";
	return arena_strndup(e->reader->rs->arena, mnl_attr_get_payload(a),
			     strnlen(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)));
}

static const uint8_t *copy_bytes(const struct expr *e, const struct nlattr *attr)
{
	size_t n = mnl_attr_get_payload_len(attr);
	uint8_t *copy = arena_alloc(e->reader->rs->arena, n);

	memcpy(copy, mnl_attr_get_payload(attr), n);
	return copy;
}

/* The value of an attribute of struct nft_data; NULL: it has none. */
static const struct nlattr *value_of(const struct expr *e, int attr)
{
	static const uint8_t least[NFTA_DATA_MAX + 1];
	const struct nlattr *tb[NFTA_DATA_MAX + 1];

	if (!e->tb[attr] || nl_parse_nested(e->tb[attr], tb, least, NFTA_DATA_MAX))
		return NULL;
	return tb[NFTA_DATA_VALUE];
}

/* Copies a value; its length goes to *len. */
static const uint8_t *copy_value(const struct expr *e, int attr, uint16_t *len)
{
	const struct nlattr *value = value_of(e, attr);

	*len = value ? mnl_attr_get_payload_len(value) : 0;
	return value ? copy_bytes(e, value) : NULL;
}

int nft_read_verdict(const struct nft_reader *r, uint8_t family, const char *table,
		     const struct nlattr *attr, int *verdict, const struct ruleset_chain **chain)
{
	static const uint8_t least[NFTA_VERDICT_MAX + 1] = {
		[NFTA_VERDICT_CODE] = 4, [NFTA_VERDICT_CHAIN] = 1
	};
	const struct nlattr *tb[NFTA_VERDICT_MAX + 1];
	int err = nl_parse_nested(attr, tb, least, NFTA_VERDICT_MAX);

	if (err || !tb[NFTA_VERDICT_CODE])
		return -EBADMSG;
	*verdict = (int)ntohl(mnl_attr_get_u32(tb[NFTA_VERDICT_CODE]));
	*chain = NULL;
	if (tb[NFTA_VERDICT_CHAIN])
		*chain = ruleset_find_chain(&r->index, family, table,
					    mnl_attr_get_str(tb[NFTA_VERDICT_CHAIN]));
	return 0;
}

/* --- one function for each expression: false if it is not as it should be --- */

static bool read_cmp(const struct expr *e, struct ruleset_step *s)
{
	s->op = (uint8_t)number(e, NFTA_CMP_OP);
	s->sreg = place(e, NFTA_CMP_SREG);
	s->data = copy_value(e, NFTA_CMP_DATA, &s->len);
	return s->data && fits(s->sreg, s->len) && s->op <= NFT_CMP_GTE;
}

static bool read_range(const struct expr *e, struct ruleset_step *s)
{
	uint16_t len;

	s->invert = number(e, NFTA_RANGE_OP) == NFT_RANGE_NEQ;
	s->sreg = place(e, NFTA_RANGE_SREG);
	s->data = copy_value(e, NFTA_RANGE_FROM_DATA, &s->len);
	s->data2 = copy_value(e, NFTA_RANGE_TO_DATA, &len);
	return s->data && s->data2 && len == s->len && fits(s->sreg, s->len);
}

static bool read_meta(const struct expr *e, struct ruleset_step *s)
{
	s->op = (uint8_t)number(e, NFTA_META_KEY);
	s->dreg = place(e, NFTA_META_DREG);
	s->sreg = place(e, NFTA_META_SREG);
	if (!e->tb[NFTA_META_SREG])
		return fits(s->dreg, 4);
	s->kind = s->op == NFT_META_MARK ? STEP_SET_META : IS_NOTHING;
	return fits(s->sreg, 4) && s->op != NFT_META_PKTTYPE;
}

static bool read_ct(const struct expr *e, struct ruleset_step *s)
{
	s->op = (uint8_t)number(e, NFTA_CT_KEY);
	s->dreg = place(e, NFTA_CT_DREG);
	s->sreg = place(e, NFTA_CT_SREG);
	if (!e->tb[NFTA_CT_SREG])
		return fits(s->dreg, 4);
	s->kind = s->op == NFT_CT_MARK ? STEP_SET_CT : IS_NOTHING;
	return fits(s->sreg, 4);
}

static bool read_payload(const struct expr *e, struct ruleset_step *s)
{
	s->op = (uint8_t)number(e, NFTA_PAYLOAD_BASE);
	s->offset = (uint16_t)number(e, NFTA_PAYLOAD_OFFSET);
	s->len = (uint16_t)number(e, NFTA_PAYLOAD_LEN);
	s->dreg = place(e, NFTA_PAYLOAD_DREG);
	s->sreg = place(e, NFTA_PAYLOAD_SREG);
	if (e->tb[NFTA_PAYLOAD_SREG])
		s->kind = STEP_SET_PAYLOAD;
	return fits(e->tb[NFTA_PAYLOAD_SREG] ? s->sreg : s->dreg, s->len);
}

static bool read_fib(const struct expr *e, struct ruleset_step *s)
{
	s->op = (uint8_t)number(e, NFTA_FIB_RESULT);
	s->offset = (uint16_t)number(e, NFTA_FIB_FLAGS);
	s->dreg = place(e, NFTA_FIB_DREG);
	return fits(s->dreg, 4);
}

static bool read_bitwise(const struct expr *e, struct ruleset_step *s)
{
	const struct nlattr *shift = value_of(e, NFTA_BITWISE_DATA);
	uint16_t mask_len = 0, xor_len = 0;

	s->op = (uint8_t)number(e, NFTA_BITWISE_OP);
	s->len = (uint16_t)number(e, NFTA_BITWISE_LEN);
	s->sreg = place(e, NFTA_BITWISE_SREG);
	s->sreg2 = place(e, BITWISE_SREG2);
	s->dreg = place(e, NFTA_BITWISE_DREG);
	if (!fits(s->sreg, s->len) || !fits(s->dreg, s->len))
		return false;
	if (s->op == NFT_BITWISE_BOOL) {
		s->data = copy_value(e, NFTA_BITWISE_MASK, &mask_len);
		s->data2 = copy_value(e, NFTA_BITWISE_XOR, &xor_len);
		return mask_len == s->len && xor_len == s->len;
	}
	if (s->op == NFT_BITWISE_LSHIFT || s->op == NFT_BITWISE_RSHIFT) {
		if (!shift || mnl_attr_get_payload_len(shift) < sizeof(uint32_t))
			return false;
		s->offset = (uint16_t)mnl_attr_get_u32(shift);
		return s->offset < 32;
	}
	/* with a value, or with another register */
	s->data = copy_value(e, NFTA_BITWISE_DATA, &mask_len);
	return s->data ? mask_len == s->len : fits(s->sreg2, s->len);
}

static bool read_byteorder(const struct expr *e, struct ruleset_step *s)
{
	s->len = (uint16_t)number(e, NFTA_BYTEORDER_LEN);
	s->offset = (uint16_t)number(e, NFTA_BYTEORDER_SIZE);
	s->sreg = place(e, NFTA_BYTEORDER_SREG);
	s->dreg = place(e, NFTA_BYTEORDER_DREG);
	return fits(s->sreg, s->len) && fits(s->dreg, s->len) &&
	       (s->offset == 2 || s->offset == 4 || s->offset == 8);
}

static bool read_lookup(const struct expr *e, struct ruleset_step *s)
{
	const struct ruleset_chain *chain = e->reader->chain;

	if (!e->tb[NFTA_LOOKUP_SET])
		return false;
	s->set = nft_find_set(e->reader, chain->family, chain->table,
			      mnl_attr_get_str(e->tb[NFTA_LOOKUP_SET]));
	s->sreg = place(e, NFTA_LOOKUP_SREG);
	s->dreg = place(e, NFTA_LOOKUP_DREG);
	s->invert = number(e, NFTA_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	if (!s->set || !fits(s->sreg, s->set->key_len))
		return false;
	return s->set->verdicts || s->dreg == NO_REGISTER || fits(s->dreg, s->set->data_len);
}

static bool read_immediate(const struct expr *e, struct ruleset_step *s)
{
	static const uint8_t least[NFTA_DATA_MAX + 1];
	const struct ruleset_chain *chain = e->reader->chain;
	const struct nlattr *tb[NFTA_DATA_MAX + 1], *data = e->tb[NFTA_IMMEDIATE_DATA];

	if (!data || nl_parse_nested(data, tb, least, NFTA_DATA_MAX))
		return false;
	if (tb[NFTA_DATA_VERDICT]) {
		s->kind = STEP_VERDICT;
		return !nft_read_verdict(e->reader, chain->family, chain->table,
					 tb[NFTA_DATA_VERDICT], &s->verdict, &s->chain);
	}
	s->dreg = place(e, NFTA_IMMEDIATE_DREG);
	s->data = copy_value(e, NFTA_IMMEDIATE_DATA, &s->len);
	return s->data && fits(s->dreg, s->len);
}

static bool read_match(const struct expr *e, struct ruleset_step *s)
{
	const struct nlattr *info = e->tb[NFTA_MATCH_INFO];

	s->name = copy_name(e, NFTA_MATCH_NAME);
	s->op = (uint8_t)number(e, NFTA_MATCH_REV);
	if (info) {
		s->len = mnl_attr_get_payload_len(info);
		s->data = copy_bytes(e, info);
	}
	return true;
}

/* Options of the headers that no packet here has: none of IPv4, no further headers of IPv6. */
static bool read_exthdr(const struct expr *e, struct ruleset_step *s)
{
	uint32_t op = number(e, NFTA_EXTHDR_OP);
	static const uint8_t absent[4];

	s->dreg = place(e, NFTA_EXTHDR_DREG);
	s->name = "header options";
	if (op != NFT_EXTHDR_OP_IPV6 && op != NFT_EXTHDR_OP_IPV4)
		return true;
	s->kind = STEP_BREAK;
	if (number(e, NFTA_EXTHDR_FLAGS) & NFT_EXTHDR_F_PRESENT) {
		s->kind = STEP_DATA;
		s->data = absent;
		s->len = sizeof(absent);
	}
	return s->kind == STEP_BREAK || fits(s->dreg, s->len);
}

static bool read_sure(const struct expr *e, struct ruleset_step *s)
{
	(void)e;
	s->invert = true;
	return true;
}

/* References to named objects: those that only count or take note have no part in the verdict. */
static bool read_objref(const struct expr *e, struct ruleset_step *s)
{
	static const uint32_t harmless = 1U << NFT_OBJECT_COUNTER | 1U << NFT_OBJECT_CT_HELPER |
					 1U << NFT_OBJECT_CT_TIMEOUT | 1U << NFT_OBJECT_SECMARK |
					 1U << NFT_OBJECT_CT_EXPECT;
	uint32_t type = number(e, NFTA_OBJREF_IMM_TYPE);

	if (e->tb[NFTA_OBJREF_IMM_TYPE] && type < 32 && harmless >> type & 1)
		s->kind = IS_NOTHING;
	return e->tb[NFTA_OBJREF_IMM_TYPE] && type != NFT_OBJECT_SYNPROXY;
}

static bool read_reject(const struct expr *e, struct ruleset_step *s)
{
	(void)e;
	s->verdict = NF_DROP;
	return true;
}

/* What rewrites addresses ends with an accept of its base chain. */
static bool read_nat(const struct expr *e, struct ruleset_step *s)
{
	(void)e;
	s->verdict = NF_ACCEPT;
	return true;
}

/* The expressions of nf_tables, the frequent ones first; the last attribute number of each is below
 * ATTRS_MAX. */
static const struct kind {
	const char *name;
	uint8_t kind;
	bool (*read)(const struct expr *e, struct ruleset_step *s);
} kinds[] = {
	{ "cmp", STEP_CMP, read_cmp },
	{ "meta", STEP_META, read_meta },
	{ "payload", STEP_PAYLOAD, read_payload },
	{ "counter", IS_NOTHING, NULL },
	{ "immediate", STEP_DATA, read_immediate },
	{ "bitwise", STEP_BITWISE, read_bitwise },
	{ "ct", STEP_CT, read_ct },
	{ "lookup", STEP_LOOKUP, read_lookup },
	{ "match", STEP_MATCH, read_match },
	{ "target", STEP_TARGET, read_match },
	{ "log", IS_NOTHING, NULL },
	{ "reject", STEP_VERDICT, read_reject },
	{ "limit", STEP_DOUBT, NULL },
	{ "range", STEP_RANGE, read_range },
	{ "byteorder", STEP_BYTEORDER, read_byteorder },
	{ "fib", STEP_FIB, read_fib },
	{ "objref", STEP_DOUBT, read_objref },
	{ "exthdr", STEP_FORGET, read_exthdr },
	{ "masq", STEP_VERDICT, read_nat },
	{ "nat", STEP_VERDICT, read_nat },
	{ "redir", STEP_VERDICT, read_nat },
	{ "last", IS_NOTHING, NULL },
	{ "notrack", IS_NOTHING, NULL },
	{ "dup", IS_NOTHING, NULL },
	{ "quota", STEP_DOUBT, NULL },
	{ "connlimit", STEP_DOUBT, NULL },
	{ "dynset", STEP_DOUBT, NULL },
	{ "flow_offload", STEP_DOUBT, NULL },
	{ "socket", STEP_FORGET, NULL },
	{ "rt", STEP_FORGET, NULL },
	{ "hash", STEP_FORGET, read_sure },
	{ "numgen", STEP_FORGET, read_sure },
	{ "osf", STEP_FORGET, NULL },
	{ "xfrm", STEP_FORGET, NULL },
	{ "tunnel", STEP_FORGET, NULL },
	{ "inner", STEP_FORGET, NULL },
};

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* --- rules --- */

struct building {
	struct nft_reader *reader;
	struct ruleset_step steps[STEPS_MAX];
	size_t n;
};

static void read_step(struct nft_reader *r, struct ruleset_step *s, const char *name,
		      const struct nlattr *data)
{
	static const uint8_t least[ATTRS_MAX + 1];
	const struct kind *kind = find_kind(name);
	struct expr e = { .reader = r };

	*s = (struct ruleset_step){ .kind = kind ? kind->kind : STEP_UNKNOWN,
				    .name = kind ? kind->name : NULL };
	if (kind && (!kind->read ||
		     (data && !nl_parse_nested(data, e.tb, least, ATTRS_MAX) && kind->read(&e, s))))
		return;
	s->kind = STEP_UNKNOWN;
	s->chain = NULL;
	s->set = NULL;
	if (!s->name || !*s->name)
		s->name = arena_strndup(r->rs->arena, name, strlen(name));
}

static int parse_expression(const struct nlattr *attr, const struct nlattr **tb)
{
	static const uint8_t least[NFTA_EXPR_MAX + 1] = { [NFTA_EXPR_NAME] = 1 };
	int err = nl_parse_nested(attr, tb, least, NFTA_EXPR_MAX);

	return err || tb[NFTA_EXPR_NAME] ? err : -EBADMSG;
}

static int take_expression(const struct nlattr *attr, void *data)
{
	const struct nlattr *tb[NFTA_EXPR_MAX + 1];
	struct building *b = data;
	int err = parse_expression(attr, tb);

	if (err || b->n == STEPS_MAX)
		return err ? err : -EBADMSG;
	read_step(b->reader, &b->steps[b->n], mnl_attr_get_str(tb[NFTA_EXPR_NAME]),
		  tb[NFTA_EXPR_DATA]);
	b->n += b->steps[b->n].kind != IS_NOTHING;
	return 0;
}

int nft_read_rule(struct nft_reader *r, const struct nlattr *expressions)
{
	struct building b;
	int err;

	b.reader = r;
	b.n = 0;
	err = expressions ? nl_each_nested(expressions, take_expression, &b) : 0;
	if (!err)
		ruleset_add_rule(r->rs, r->chain, b.steps, b.n);
	return err;
}

/* --- elements --- */

static int look_for_no(const struct nlattr *attr, void *data)
{
	const struct nlattr *tb[NFTA_EXPR_MAX + 1];
	bool *says_no = data;
	int err = parse_expression(attr, tb);
	const struct kind *kind = err ? NULL : find_kind(mnl_attr_get_str(tb[NFTA_EXPR_NAME]));

	*says_no = *says_no || !kind || kind->kind != IS_NOTHING;
	return err;
}

bool nft_says_no(const struct nlattr *expression, const struct nlattr *list)
{
	bool says_no = false;

	if (expression && look_for_no(expression, &says_no))
		return true;
	if (list && nl_each_nested(list, look_for_no, &says_no))
		return true;
	return says_no;
}
