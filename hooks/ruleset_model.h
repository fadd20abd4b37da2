/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ruleset*.c make of the rules that they read, and verdict*.c follow; nobody else includes
 * this. */
#ifndef WGQ_HOOKS_RULESET_MODEL_H
#define WGQ_HOOKS_RULESET_MODEL_H

#include "hooks/ruleset.h"

enum { REGISTER_BYTES = 64 }; /* those of nf_tables hold so much together */

/* What one step of a rule does; the letters say which fields of struct ruleset_step it uses. */
enum step_kind {
	STEP_MATCH,    /* compat or legacy: name, revision in op, data of len */
	STEP_TARGET,   /* the same */
	STEP_ENTRY,    /* a legacy rule's own conditions: data is its struct ipt_ip or ip6t_ip6 */
	STEP_VERDICT,  /* verdict, chain */
	STEP_DATA,     /* data of len into dreg */
	STEP_META,     /* op: NFT_META_*, into dreg */
	STEP_SET_META, /* the same from sreg */
	STEP_CT,       /* op: NFT_CT_*, into dreg */
	STEP_SET_CT,   /* the same from sreg */
	STEP_PAYLOAD,  /* op: base, offset, len, into dreg */
	STEP_SET_PAYLOAD, /* the same, written to */
	STEP_FIB,         /* op: NFT_FIB_RESULT_*, offset: flags, into dreg */
	STEP_CMP,         /* op: NFT_CMP_*, sreg, data of len */
	STEP_RANGE,       /* sreg, data to data2 of len; invert */
	STEP_BITWISE, /* op: NFT_BITWISE_*, sreg, sreg2, dreg, len, data, data2 or offset: shift */
	STEP_BYTEORDER, /* sreg, dreg, len, offset: size of an item */
	STEP_LOOKUP,    /* set, sreg, dreg (NO_REGISTER: none); invert */
	STEP_BREAK,     /* never goes on */
	STEP_DOUBT,     /* name; goes on or breaks off the rule */
	STEP_FORGET,    /* name; the registers hold what cannot be told; invert: surely goes on */
	STEP_UNKNOWN,   /* name; anything can come of it */
	STEP_KINDS,
};

enum { NO_REGISTER = 0xff };

/* Registers are given by their first byte. */
struct ruleset_step {
	uint8_t kind; /* enum step_kind */
	uint8_t op;
	uint8_t dreg, sreg, sreg2;
	bool invert;
	uint16_t len, offset;
	int verdict; /* NF_ACCEPT, NF_DROP, or NFT_JUMP and its like */
	const uint8_t *data, *data2;
	const char *name;
	const struct ruleset_chain *chain;
	const struct ruleset_set *set;
};

struct ruleset_rule {
	const struct ruleset_step *steps;
	size_t n;
};

struct ruleset_chain {
	size_t index; /* in struct ruleset */
	enum fw_medium medium;
	uint8_t family; /* NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET */
	const char *table, *name;
	int hook; /* NF_INET_*; -1: no base chain, or its table is dormant */
	int32_t priority;
	bool drops; /* a base chain's policy */
	bool nat;   /* sees a connection's first packet only */
	enum ruleset_owner owner;
	enum ruleset_owner policy_owner; /* of a base chain */
	const char *open_chain; /* where iptables' users put an accept: itself, or "DOCKER-USER" */
	struct ruleset_rule *rules;
	size_t n, capacity;
};

/* An element of a set or map. */
struct ruleset_element {
	const uint8_t *key;     /* NULL: catch-all */
	const uint8_t *key_end; /* of a range of concatenated keys, inclusive; NULL: a single key */
	const uint8_t *data;    /* of a map, NULL: none */
	const struct ruleset_chain *chain;
	int verdict;      /* of a verdict map */
	bool end;         /* the first key behind an interval */
	bool conditional; /* it has statements of its own, a limit or quota */
};

enum { SET_FIELDS = 16 };

struct ruleset_set {
	uint8_t family;
	const char *table, *name;
	uint32_t flags; /* NFT_SET_* */
	uint16_t key_len, data_len;
	bool verdicts;              /* its data are verdicts */
	uint8_t fields[SET_FIELDS]; /* bytes of the parts of a concatenated key */
	size_t nfields;
	bool complete; /* its elements are read */
	/* sorted by key; of one key the end of an interval comes first, the catch-all last of all
	 */
	struct ruleset_element *v;
	size_t n, capacity;
};

/* Intervals that are kept as their starts and their ends. */
bool ruleset_set_has_intervals(const struct ruleset_set *s);

/* Adds a chain that is not a base chain and belongs to nobody yet. */
struct ruleset_chain *ruleset_add_chain(struct ruleset *rs, enum fw_medium medium, uint8_t family,
					const char *table, const char *name);

/* Appends a rule: a copy of n steps. */
void ruleset_add_rule(struct ruleset *rs, struct ruleset_chain *chain,
		      const struct ruleset_step *steps, size_t n);

/* Chains by name: all from one number on. */
struct ruleset_index {
	struct ruleset_chain **v;
	size_t n;
};

void ruleset_index_chains(struct ruleset_index *index, const struct ruleset *rs, size_t first);

/* NULL: none. */
struct ruleset_chain *ruleset_find_chain(const struct ruleset_index *index, uint8_t family,
					 const char *table, const char *name);

/* What nf_tables, and what ip_tables and ip6_tables hold, appended. Return 0 or a negative errno
 * recorded in d. */
int ruleset_read_nft(struct ruleset *rs, struct diag *d);
int ruleset_read_legacy(struct ruleset *rs, struct diag *d);

/* Who made what, by the names of tables and chains; and which tables of nf_tables are those of
 * iptables. Once all is read. */
void ruleset_name_owners(struct ruleset *rs);

#endif
