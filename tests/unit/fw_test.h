/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the firewall's media share: declared rules, and committing them. */
#ifndef WGQ_TESTS_UNIT_FW_TEST_H
#define WGQ_TESTS_UNIT_FW_TEST_H

#include "hooks/nft_wire.h"
#include "tests/unit/netns.h"

static inline struct prefix fw_addr(const char *text)
{
	struct prefix p = { 0 };

	if (*text)
		assert_int_equal(prefix_parse(&p, (struct str){ text, strlen(text) }), 0);
	return p;
}

/* Rules written down; "" where there is nothing. */
struct fw_words {
	enum fw_hook hook;
	const char *in, *out;
	bool not_out;
	const char *source;
	bool replies;
	enum fw_verdict verdict;
};

static inline struct fw_rules fw_rules_of(struct fw_rule *v, const struct fw_words *words, size_t n,
					  uint8_t family)
{
	for (size_t i = 0; i < n; i++) {
		v[i] = (struct fw_rule){
			.hook = (uint8_t)words[i].hook,
			.verdict = (uint8_t)words[i].verdict,
			.replies = words[i].replies,
			.not_out = words[i].not_out,
			.source = fw_addr(words[i].source),
		};
		snprintf(v[i].in, sizeof(v[i].in), "%s", words[i].in);
		snprintf(v[i].out, sizeof(v[i].out), "%s", words[i].out);
	}
	return (struct fw_rules){ .family = family, .v = v, .n = n, .forward_chain = "FORWARD" };
}

static inline int fw_commit_and_free(struct firewall *fw, struct firewall_batch *batch,
				     struct diag *d)
{
	int err = firewall_commit(fw, batch, d);

	firewall_batch_free(batch);
	return err;
}

static inline int fw_replace(struct firewall *fw, const char *ifname, const struct fw_rules *r,
			     struct diag *d)
{
	struct firewall_batch *batch;
	int err = firewall_build_rules(fw, &batch, ifname, r, d);

	return err ? err : fw_commit_and_free(fw, batch, d);
}

static inline int fw_remove(struct firewall *fw, const char *ifname, uint8_t family, struct diag *d)
{
	struct firewall_batch *batch;
	int err = firewall_build_rules_removal(fw, &batch, ifname, family, d);

	return err ? err : fw_commit_and_free(fw, batch, d);
}

struct fw_text {
	char text[64 * 1024];
};

/* What iptables makes of the ruleset; and nft besides. */
static inline const char *fw_show_saved(struct fw_text *t)
{
	return sh_output(t->text, sizeof(t->text),
			 "{ iptables-nft-save; ip6tables-nft-save; } | grep -v '^#'; :");
}

static inline const char *fw_show_all(struct fw_text *t)
{
	return sh_output(t->text, sizeof(t->text),
			 "{ iptables-nft-save; ip6tables-nft-save; } | grep -v '^#';"
			 "nft list ruleset 2> /dev/null");
}

/* Adds what is written as iptables saves it; program: "iptables-nft-restore". */
static inline void fw_restore(const char *program, const char *text)
{
	char command[8192];

	snprintf(command, sizeof(command), "%s -n << 'END'\n%sEND\n", program, text);
	assert_true(sh_ok(command));
}

/* Group setup and end: a medium in a namespace of its own. */
static inline int fw_open(void **state, enum fw_medium medium)
{
	struct firewall *fw;
	struct diag d;

	if (netns_enter(state) || firewall_open(&fw, medium, &d))
		return -1;
	*state = fw;
	return 0;
}

static inline int fw_close(void **state)
{
	firewall_close(*state);
	return 0;
}

/* How many transactions of nf_tables this namespace has seen. */
static inline uint32_t fw_generation(void)
{
	struct diag d;
	struct nl nl;
	uint32_t id;

	assert_int_equal(nl_open(&nl, NETLINK_NETFILTER, &d), 0);
	assert_int_equal(nft_wire_generation(&nl, &id, &d), 0);
	nl_close(&nl);
	return id;
}

#endif
