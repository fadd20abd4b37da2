/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Against the kernel's ip_tables and ip6_tables; iptables-legacy makes what is read. */
#include "hooks/ipt_read.h"

#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "tests/unit/netns.h"

/* A namespace of its own for each test: tables, once made, stay. */
static int fresh(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET);
}

static const struct ipt_chain *find(const struct ipt_chains *c, const char *table, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (!strcmp(c->v[i].table, table) && !strcmp(c->v[i].name, name))
			return &c->v[i];
	fail_msg("no chain %s of table %s", name, table);
	return NULL;
}

static void test_looking_makes_no_table(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	struct ipt_chains c;
	struct diag d;
	char text[64];

	(void)state;
	assert_int_equal(ipt_read(&c, &a, AF_INET, &d), 0);
	assert_int_equal(c.n, 0);
	assert_int_equal(ipt_read(&c, &a, AF_INET6, &d), 0);
	assert_int_equal(c.n, 0);
	assert_string_equal(sh_output(text, sizeof(text),
				      "cat /proc/net/ip_tables_names "
				      "/proc/net/ip6_tables_names"),
			    "");
}

static void check_rule(const struct ipt_chain *c, size_t i, const char *target, bool is_jump,
		       bool is_goto)
{
	assert_true(i < c->nrules);
	assert_string_equal(c->rules[i].target, target);
	assert_int_equal(c->rules[i].is_jump, is_jump);
	assert_int_equal(c->rules[i].is_goto, is_goto);
}

static void test_chains_rules_and_targets(void **state)
{
	static const struct {
		uint8_t family;
		const char *program;
	} families[] = { { AF_INET, "iptables-legacy" }, { AF_INET6, "ip6tables-legacy" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct arena a CLEANUP(arena_fini) = { 0 };
		const struct ipt_chain *chain;
		uint8_t family = families[i].family;
		struct ipt_chains c;
		struct diag d;

		sh("%s-restore <<E\n"
		   "*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\n:later -\n:empty -\n"
		   "-A FORWARD -i a -p udp --dport 9 -m comment --comment x -j later\n"
		   "-A FORWARD -g empty\n-A FORWARD -j RETURN\n-A FORWARD -m mark --mark 1\n"
		   "-A FORWARD -j LOG\n-A later -j DROP\n-A later -j ACCEPT\n-A later -j empty\n"
		   "COMMIT\n*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o b -j "
		   "MASQUERADE\nCOMMIT\nE",
		   families[i].program);
		assert_int_equal(ipt_read(&c, &a, family, &d), 0);
		assert_int_equal(c.n, 5 + 4);
		chain = find(&c, "filter", "FORWARD");
		assert_int_equal(chain->hook, NF_INET_FORWARD);
		assert_int_equal(chain->policy, NF_DROP);
		assert_int_equal(chain->nrules, 5);
		check_rule(chain, 0, "later", true, false);
		check_rule(chain, 1, "empty", true, true);
		check_rule(chain, 2, "RETURN", false, false);
		check_rule(chain, 3, "", false, false);
		check_rule(chain, 4, "LOG", false, false);
		assert_string_equal(ipt_comment_of(family, chain->rules[0].entry), "x");
		assert_null(ipt_comment_of(family, chain->rules[3].entry));
		assert_string_equal(
			ipt_match_after(family, chain->rules[3].entry, NULL)->u.user.name, "mark");
		assert_null(ipt_match_after(family, chain->rules[1].entry, NULL));
		chain = find(&c, "filter", "later");
		assert_int_equal(chain->hook, -1);
		assert_int_equal(chain->policy, -1);
		assert_int_equal(chain->nrules, 3);
		check_rule(chain, 0, "DROP", false, false);
		check_rule(chain, 1, "ACCEPT", false, false);
		check_rule(chain, 2, "empty", true, false);
		assert_int_equal(find(&c, "filter", "empty")->nrules, 0);
		assert_int_equal(find(&c, "filter", "INPUT")->nrules, 0);
		assert_int_equal(find(&c, "filter", "INPUT")->policy, NF_ACCEPT);
		chain = find(&c, "nat", "POSTROUTING");
		assert_int_equal(chain->hook, NF_INET_POST_ROUTING);
		assert_int_equal(chain->nrules, 1);
		check_rule(chain, 0, "MASQUERADE", false, false);
		if (family == AF_INET6) {
			const struct ip6t_entry *e = chain->rules[0].entry;

			assert_string_equal(e->ipv6.outiface, "b");
		} else {
			const struct ipt_entry *e = chain->rules[0].entry;

			assert_string_equal(e->ip.outiface, "b");
		}
	}
}

/* Each rule a jump to the chain of its number: all of them found, whatever their order. */
static void test_a_thousand_chains(void **state)
{
	struct arena a CLEANUP(arena_fini) = { 0 };
	const struct ipt_chain *chain;
	struct ipt_chains c;
	struct diag d;
	char name[16];

	(void)state;
	sh("(echo '*filter'; seq 1000 | sed 's/.*/:c& -/'; "
	   "seq 1000 | sed 's/.*/-A FORWARD -j c&\\n-A c& -i c& -j DROP/'; echo COMMIT) | "
	   "iptables-legacy-restore");
	assert_int_equal(ipt_read(&c, &a, AF_INET, &d), 0);
	chain = find(&c, "filter", "FORWARD");
	assert_int_equal(chain->nrules, 1000);
	for (size_t i = 0; i < 1000; i++) {
		const struct ipt_entry *e;

		snprintf(name, sizeof(name), "c%zu", i + 1);
		check_rule(chain, i, name, true, false);
		e = find(&c, "filter", name)->rules[0].entry;
		assert_string_equal(e->ip.iniface, name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_looking_makes_no_table, fresh),
		cmocka_unit_test_setup(test_chains_rules_and_targets, fresh),
		cmocka_unit_test_setup(test_a_thousand_chains, fresh),
	};

	return cmocka_run_group_tests(tests, netns_enter, NULL);
}
