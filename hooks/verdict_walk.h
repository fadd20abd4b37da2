/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between verdict.c, which walks through chains, and verdict_nft.c, verdict_set.c and verdict_xt.c,
 * which know what single steps do. A packet is known in part, so a value is a pair: bits, and which
 * of them are known.
 */
#ifndef WGQ_HOOKS_VERDICT_WALK_H
#define WGQ_HOOKS_VERDICT_WALK_H

#include "hooks/ruleset_model.h"

enum { NETWORK_BYTES = 40, TRANSPORT_BYTES = 4 };

/* What comes of a condition. */
enum answer { ANSWER_NO, ANSWER_YES, ANSWER_MAYBE };

struct known32 {
	uint32_t bits, known;
};

/* What rules can change of a packet on its way. */
struct flow {
	struct known32 mark, ct_mark; /* in the machine's byte order */
	bool rewritten;               /* addresses, protocol and ports cannot be told any more */
};

/* The headers as nf_tables read them. */
struct headers {
	uint8_t network[NETWORK_BYTES], network_known[NETWORK_BYTES];
	uint8_t transport[TRANSPORT_BYTES], transport_known[TRANSPORT_BYTES];
};

/* What was not understood: "match " "statistic". */
struct lost {
	const char *kind, *name;
};

/* One judgement. */
struct judge {
	const struct ruleset *rs;
	enum fw_hook hook;
	const struct packet *p;
	struct headers headers;
	struct memo **memos; /* by the index of the chain */
	int depth;           /* of jumps */
	struct {
		bool looked;
		unsigned index; /* 0: cannot be told */
	} in, out;
};

/* On the way through one chain, at one rule. */
struct passage {
	struct judge *j;
	const struct ruleset_chain *chain;
	struct outcome *out;
	struct flow flow;
	uint8_t bits[REGISTER_BYTES], known[REGISTER_BYTES];
	struct lost unknown; /* why what was last put into a register is not known */
	struct lost doubt;   /* the first step that may or may not have gone on; kind NULL: none */
	/* what goes on to the next rule */
	bool goes_on;
	struct flow next;
};

/* What a step does to the rule. */
enum progress {
	STEP_BREAKS,  /* the next rule follows */
	STEP_GOES_ON, /* the rule's next step follows */
	STEP_EITHER,  /* both can be; passage.unknown says why */
	STEP_ENDS,    /* passage_verdict() was told all that can come */
};

/* The rule can end in this verdict, NF_* or NFT_*, with the flow as it is now. */
void passage_verdict(struct passage *x, int verdict, const struct ruleset_chain *chain);

/* Whatever follows may depend on something that cannot be told; passage.unknown says what. */
void passage_doubt(struct passage *x);

enum progress verdict_nft_step(struct passage *x, const struct ruleset_step *s);
enum progress verdict_lookup(struct passage *x, const struct ruleset_step *s);
enum progress verdict_xt_step(struct passage *x, const struct ruleset_step *s);
enum progress verdict_entry(struct passage *x, const struct ruleset_step *s);

enum answer verdict_answer(bool yes);
enum answer verdict_negate(enum answer a, bool invert);
enum answer verdict_both(enum answer a, enum answer b);
enum progress verdict_progress(enum answer a);

enum answer verdict_has_protocol(const struct passage *x, uint8_t protocol);

/* The headers of a packet that has no more than it has to have: whole, without options. */
void verdict_fill_headers(struct headers *h, const struct packet *p);

/* Of which kind is the packet's target, RTN_*? 0: cannot be told. */
unsigned verdict_target_type(const struct judge *j);

/* Has this protocol ports? */
bool verdict_has_ports(uint8_t protocol);

/* Compares the values between two bounds: are they in all cases, in none, or in some? Bytes are
 * compared in their order. */
enum answer verdict_in_range(const uint8_t *bits, const uint8_t *known, const uint8_t *from,
			     const uint8_t *to, size_t n);

#endif
