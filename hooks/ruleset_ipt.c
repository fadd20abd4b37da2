/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The legacy tables as chains and steps. */
#include "hooks/ruleset_model.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "hooks/ipt_read.h"

enum { STEPS_MAX = 64 };

static const struct {
	const char *name;
	int32_t priority; /* include/uapi/linux/netfilter_ipv4.h */
} tables[] = {
	{ "raw", NF_IP_PRI_RAW },       { "mangle", NF_IP_PRI_MANGLE },
	{ "filter", NF_IP_PRI_FILTER }, { "security", NF_IP_PRI_SECURITY },
	{ "nat", NF_IP_PRI_NAT_SRC }, /* of its chain INPUT; nobody asks for the others */
};

static const struct {
	const char *name;
	int verdict;
} targets[] = {
	{ "ACCEPT", NF_ACCEPT },  { "DROP", NF_DROP },  { "QUEUE", NF_QUEUE },
	{ "RETURN", NFT_RETURN }, { "", NFT_CONTINUE },
};

struct legacy {
	struct ruleset *rs;
	uint8_t family;
	struct ruleset_index index;
};

static void add_base(struct ruleset_chain *c, const struct ipt_chain *from)
{
	c->hook = from->hook;
	c->drops = from->policy == NF_DROP;
	c->nat = !strcmp(from->table, "nat");
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (!strcmp(tables[i].name, from->table))
			c->priority = tables[i].priority;
}

static struct ruleset_step read_match(const struct xt_entry_match *m)
{
	return (struct ruleset_step){
		.kind = STEP_MATCH,
		.op = m->u.user.revision,
		.name = m->u.user.name,
		.data = m->data,
		.len = (uint16_t)(m->u.match_size - sizeof(*m)),
	};
}

static struct ruleset_step read_target(const struct legacy *l, const struct ruleset_chain *chain,
				       const struct ipt_rule *r)
{
	const struct xt_entry_target *t = ipt_target_of(l->family, r->entry);
	struct ruleset_step step = { .kind = STEP_VERDICT };

	if (r->is_jump) {
		step.verdict = r->is_goto ? NFT_GOTO : NFT_JUMP;
		step.chain = ruleset_find_chain(&l->index, chain->family, chain->table, r->target);
		return step;
	}
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		if (!strcmp(targets[i].name, r->target)) {
			step.verdict = targets[i].verdict;
			return step;
		}
	return (struct ruleset_step){
		.kind = STEP_TARGET,
		.op = t->u.user.revision,
		.name = r->target,
		.data = t->data,
		.len = (uint16_t)(t->u.target_size - sizeof(*t)),
	};
}

static void add_rule(const struct legacy *l, struct ruleset_chain *chain, const struct ipt_rule *r)
{
	struct ruleset_step steps[STEPS_MAX];
	const struct xt_entry_match *m = NULL;
	size_t n = 0;

	steps[n++] = (struct ruleset_step){ .kind = STEP_ENTRY, .data = r->entry };
	while ((m = ipt_match_after(l->family, r->entry, m)) && n < STEPS_MAX - 2)
		steps[n++] = read_match(m);
	if (m)
		steps[n++] = (struct ruleset_step){ .kind = STEP_UNKNOWN, .name = "matches" };
	steps[n++] = read_target(l, chain, r);
	ruleset_add_rule(l->rs, chain, steps, n);
}

static void take_chains(struct legacy *l, const struct ipt_chains *from)
{
	size_t first = l->rs->nchains;

	for (size_t i = 0; i < from->n; i++) {
		const struct ipt_chain *c = &from->v[i];
		struct ruleset_chain *chain = ruleset_add_chain(l->rs, FW_IPTABLES_LEGACY,
								l->family, c->table, c->name);

		if (c->hook >= 0)
			add_base(chain, c);
	}
	ruleset_index_chains(&l->index, l->rs, first);
	for (size_t i = 0; i < from->n; i++)
		for (size_t k = 0; k < from->v[i].nrules; k++)
			add_rule(l, l->rs->chains[first + i], &from->v[i].rules[k]);
}

/* Is there a table? Without one no socket is opened, for which the kernel might load ipv6. */
static int see_table(const char *table, void *arg)
{
	(void)table;
	*(bool *)arg = true;
	return 1;
}

static int read_family(struct ruleset *rs, uint8_t family, struct diag *d)
{
	struct legacy l = { .rs = rs, .family = family };
	struct ipt_chains chains;
	bool any = false;
	int err = ipt_each_table(family, see_table, &any, d);

	if (any)
		err = ipt_read(&chains, rs->arena, family, d);
	if (!err && any)
		take_chains(&l, &chains);
	return err == -EPERM || err == -EACCES ? 0 : err;
}

int ruleset_read_legacy(struct ruleset *rs, struct diag *d)
{
	struct diag why = { "" };
	int err = read_family(rs, AF_INET, &why);

	if (!err)
		err = read_family(rs, AF_INET6, &why);
	if (err)
		*d = why;
	return err;
}
