/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/live.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "wgq/kernel/rtnl.h"

struct live {
	struct plan *plan;
	struct host *host;
	const struct config *config;
	const struct link *link;
	struct wg_device device;
	struct rtnl_addrs addrs;
	struct rtnl_routes routes; /* of one family into the link, all tables */
	struct diag *d;
};

static int push_dns(struct live *l)
{
	struct resolver *r;
	int err;

	if (!l->config->dns.nservers)
		return 0;
	r = arena_alloc(l->plan->arena, sizeof(*r));
	err = resolver_choose(r, l->plan->arena, l->link->name, &l->config->dns, false, l->d);
	if (!err && r->kind == RESOLVER_FILE) /* wg-quick never writes it: only what is ours goes */
		err = resolver_forget(r, l->plan->arena, l->link->name, l->d);
	if (!err && r->kind != RESOLVER_NONE)
		plan_push(l->plan, OP_DNS, OP_ADD)->dns.resolver = r;
	return err;
}

/* wg-quick's own rules are wherever its host had them. */
static int push_antispoof_of(struct live *l, enum fw_medium medium, uint8_t family)
{
	struct firewall *fw;
	struct antispoof *a;
	struct diag ignored;
	struct op *op;
	int has;

	if (host_firewall(l->host, &fw, medium, &ignored))
		return 0; /* what is not there holds no rules */
	has = firewall_has_antispoof(fw, l->link->name, family, l->d);
	if (has <= 0)
		return has;
	a = arena_alloc(l->plan->arena, sizeof(*a));
	*a = (struct antispoof){ family, l->device.fwmark, l->addrs.v, l->addrs.n };
	op = plan_push(l->plan, OP_ANTISPOOF, OP_ADD);
	op->firewall.medium = medium;
	op->firewall.antispoof = a;
	return 0;
}

static int push_antispoof(struct live *l, uint8_t family)
{
	int err = 0;

	for (int medium = 0; !err && medium < FW_MEDIA; medium++)
		err = push_antispoof_of(l, (enum fw_medium)medium, family);
	return err;
}

/* wgq's own, whose record is lost. */
static int push_firewall_of(struct live *l, enum fw_medium medium, uint8_t family)
{
	struct firewall *fw;
	struct fw_rules *rules;
	struct diag ignored;
	struct op *op;
	int has;

	if (host_firewall(l->host, &fw, medium, &ignored))
		return 0;
	has = firewall_has_rules(fw, l->link->name, family, l->d);
	if (has <= 0)
		return has;
	rules = arena_alloc(l->plan->arena, sizeof(*rules));
	*rules = (struct fw_rules){ .family = family, .forward_chain = "FORWARD" };
	op = plan_push(l->plan, OP_FIREWALL, OP_ADD);
	op->firewall.medium = medium;
	op->firewall.rules = rules;
	return 0;
}

static int push_firewall(struct live *l, uint8_t family)
{
	int err = 0;

	for (int medium = 0; !err && medium < FW_MEDIA; medium++)
		err = push_firewall_of(l, (enum fw_medium)medium, family);
	return err;
}

static bool is_our_table(const struct live *l, uint32_t table)
{
	if (table == l->device.fwmark)
		return true;
	for (size_t i = 0; i < l->routes.n; i++)
		if (!l->routes.v[i].dst.len && l->routes.v[i].table == table)
			return true;
	return false;
}

static void push_rule(struct plan *p, const struct rule *rule)
{
	plan_push(p, OP_RULE, OP_ADD)->rule = *rule;
}

static int push_rules(struct live *l, uint8_t family)
{
	struct rtnl_rules rules = { .arena = l->plan->arena };
	int err;

	if (l->config->table_kind != TABLE_AUTO) /* whatever leads there is not wg-quick's */
		return 0;
	l->routes.n = 0;
	err = rtnl_get_routes(&l->host->rtnl, &l->routes, family, 0, l->link->index, l->d);
	if (!err)
		err = rtnl_get_rules(&l->host->rtnl, &rules, family, l->d);
	for (size_t i = 0; !err && i < rules.n; i++) {
		const struct rule *rule = &rules.v[i];
		const struct rule *above = i ? &rules.v[i - 1] : NULL;

		if (rule->foreign || !rule->invert || !rule->fwmark ||
		    rule->fwmark != rule->table || !is_our_table(l, rule->table))
			continue;
		if (above && !above->foreign && above->suppress_prefixlen == 0 &&
		    above->table == RT_TABLE_MAIN && above->priority + 1 == rule->priority)
			push_rule(l->plan, above);
		push_rule(l->plan, rule);
	}
	return err;
}

static void push_hooks(struct live *l, enum hook hook, enum op_kind kind)
{
	const struct conf_hooks *hooks = &l->config->hooks[hook];

	for (size_t i = 0; i < hooks->n; i++)
		plan_push(l->plan, kind, OP_RUN)->hook = command_expand(
			l->plan->arena, hooks->v[i].text, l->link->name);
}

int live_read(struct plan *p, struct host *h, const struct config *c, const struct link *link,
	      struct diag *d)
{
	struct live l = { .plan = p, .host = h, .config = c, .link = link, .d = d };
	int err = wg_get(&h->wg, &l.device, p->arena, link->name, d);

	if (err)
		return err;
	p->ifindex = link->index;
	l.addrs.arena = l.routes.arena = p->arena;
	plan_push(p, OP_LINK, OP_ADD);
	if ((err = push_dns(&l)) || (err = rtnl_get_addrs(&h->rtnl, &l.addrs, link->index, d)) ||
	    (err = push_firewall(&l, AF_INET6)) || (err = push_firewall(&l, AF_INET)) ||
	    (err = push_antispoof(&l, AF_INET6)) || (err = push_antispoof(&l, AF_INET)) ||
	    (err = push_rules(&l, AF_INET6)) || (err = push_rules(&l, AF_INET)))
		return err;
	push_hooks(&l, HOOK_PRE_DOWN, OP_PRE_DOWN);
	push_hooks(&l, HOOK_POST_DOWN, OP_POST_DOWN);
	return 0;
}
