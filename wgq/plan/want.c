/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/want.h"

#include <linux/rtnetlink.h>

static void push_hooks(struct plan *p, const struct config *c, enum hook hook, enum op_kind kind)
{
	const struct conf_hooks *hooks = &c->hooks[hook];

	for (size_t i = 0; i < hooks->n; i++) {
		struct op *op = plan_push(p, kind, OP_RUN);

		op->hook = command_expand(p->arena, hooks->v[i].text, p->ifname);
		op->at = hooks->v[i].at;
	}
}

void want_interface(struct plan *p, const struct config *c, const struct facts *f)
{
	plan_push(p, OP_LINK, OP_ADD)->link.program = f->userspace;
	push_hooks(p, c, HOOK_PRE_UP, OP_PRE_UP);
}

void want_hooks(struct plan *p, const struct config *c)
{
	push_hooks(p, c, HOOK_POST_UP, OP_POST_UP);
	push_hooks(p, c, HOOK_PRE_DOWN, OP_PRE_DOWN);
	push_hooks(p, c, HOOK_POST_DOWN, OP_POST_DOWN);
}

static void want_device(struct plan *p, const struct config *c, const struct facts *f)
{
	struct wg_device *device = arena_alloc(p->arena, sizeof(*device));
	struct op *op = plan_push(p, OP_DEVICE, OP_ADD);

	*device = c->device;
	if ((f->default_route[0] || f->default_route[1]) && f->free_table &&
	    facts_fwmark(f, c) == f->free_table) {
		device->fwmark = f->free_table;
		device->flags |= DEVICE_HAS_FWMARK;
		op->device.chose_fwmark = true;
	}
	op->device.device = device;
}

static void want_addrs(struct plan *p, const struct config *c, const struct facts *f)
{
	for (size_t i = 0; i < c->naddrs; i++) {
		struct op *op;

		if (c->addrs[i].prefix.family == AF_INET6 && !f->ipv6)
			continue;
		op = plan_push(p, OP_ADDR, OP_ADD);
		op->addr = c->addrs[i].prefix;
		op->at = c->addrs[i].at;
	}
}

static bool is_among(const struct prefix *p, const struct rtnl_addrs *addrs)
{
	for (size_t i = 0; i < addrs->n; i++)
		if (!prefix_compare(&addrs->v[i], p))
			return true;
	return false;
}

static void push_conf_addr(struct prefixes *out, const struct config *c, const struct facts *f,
			   size_t i, uint8_t family)
{
	const struct prefix *p = &c->addrs[i].prefix;

	if (p->family == family && (family == AF_INET || f->ipv6) && !is_among(p, &f->addrs))
		*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = *p;
}

/* All addresses that the tunnel will have, as the kernel lists them: the youngest of IPv6 first. */
static void tunnel_addrs(struct prefixes *out, const struct config *c, const struct facts *f)
{
	for (size_t i = c->naddrs; i-- > 0;)
		push_conf_addr(out, c, f, i, AF_INET6);
	for (size_t i = 0; i < f->addrs.n; i++)
		*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = f->addrs.v[i];
	for (size_t i = 0; i < c->naddrs; i++)
		push_conf_addr(out, c, f, i, AF_INET);
}

static void want_antispoof(struct plan *p, const struct config *c, const struct facts *f,
			   const struct prefixes *addrs)
{
	for (size_t i = 2; i-- > 0;) {
		struct antispoof *a;
		struct op *op;

		if (!f->default_route[i] || !f->antispoof[i])
			continue;
		a = arena_alloc(p->arena, sizeof(*a));
		a->family = i ? AF_INET6 : AF_INET;
		a->fwmark = facts_fwmark(f, c);
		a->addrs = addrs->v;
		a->naddrs = addrs->n;
		op = plan_push(p, OP_ANTISPOOF, OP_ADD);
		op->firewall.medium = f->antispoof_medium[i];
		op->firewall.antispoof = a;
	}
}

/*
 * Everything that is not marked as WireGuard's own goes to the tunnel's table, unless main knows
 * better than its default route. The second rule is above the first, and there before it: nothing
 * for the local network strays in between.
 */
static void want_rules(struct plan *p, const struct config *c, const struct facts *f)
{
	for (size_t i = 2; i-- > 0;) {
		struct rule to_tunnel = {
			.family = i ? AF_INET6 : AF_INET,
			.invert = true,
			.priority = f->rule_priority[i],
			.table = facts_default_table(f, c),
			.fwmark = facts_fwmark(f, c),
			.suppress_prefixlen = -1,
		};
		struct rule main_first = {
			.family = to_tunnel.family,
			.priority = to_tunnel.priority ? to_tunnel.priority - 1 : 0,
			.table = RT_TABLE_MAIN,
			.suppress_prefixlen = 0,
		};

		if (!f->default_route[i])
			continue;
		if (!to_tunnel.priority) /* the kernel puts the younger one above */
			plan_push(p, OP_RULE, OP_ADD)->rule = to_tunnel;
		plan_push(p, OP_RULE, OP_ADD)->rule = main_first;
		if (to_tunnel.priority)
			plan_push(p, OP_RULE, OP_ADD)->rule = to_tunnel;
	}
}

/*
 * The routes that main will have into the tunnel once it is up, made by the kernel for addresses
 * (fib_add_ifaddr() in net/ipv4/fib_frontend.c, addrconf_prefix_route() in net/ipv6/addrconf.c) or
 * by PreUp hooks. A tun device also gets a link-local address.
 */
static void covered_prefixes(struct prefixes *out, const struct facts *f,
			     const struct prefixes *addrs)
{
	static const struct prefix link_local = { AF_INET6, 64, { 0xfe, 0x80 } };

	for (size_t i = 0; i < addrs->n; i++) {
		struct prefix net = prefix_network(addrs->v[i]);

		if (net.family == AF_INET && (net.len == 32 || net.addr[0] == 0))
			continue;
		*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = net;
	}
	for (size_t i = 0; i < f->routes.n; i++)
		*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = f->routes.v[i].dst;
	if (f->userspace && f->ipv6)
		*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = link_local;
}

static void push_route(struct plan *p, struct prefix dst, uint32_t table)
{
	plan_push(p, OP_ROUTE, OP_ADD)->route = (struct route){
		.dst = dst,
		.table = table ? table : RT_TABLE_MAIN,
		.protocol = RTPROT_BOOT,
	};
}

static void want_routes(struct plan *p, const struct config *c, const struct facts *f,
			const struct prefixes *addrs)
{
	struct prefixes covered = { .arena = p->arena };
	struct cover cover;

	if (c->table_kind == TABLE_OFF)
		return;
	covered_prefixes(&covered, f, addrs);
	cover_init(&cover, &covered);
	for (size_t i = 0; i < f->allowed.n; i++) {
		struct prefix dst = f->allowed.v[i];

		if (dst.family == AF_INET6 && !f->ipv6)
			continue;
		if (c->table_kind != TABLE_AUTO)
			push_route(p, dst, f->table);
		else if (!dst.len)
			push_route(p, dst, facts_default_table(f, c));
		else if (!cover_holds(&cover, &dst))
			push_route(p, dst, RT_TABLE_MAIN);
	}
}

/* What PreUp hooks left on the interface, as the operations that would have made it. */
static void push_current(struct plan *p, const struct facts *f)
{
	for (size_t i = 0; i < f->addrs.n; i++)
		plan_push(p, OP_ADDR, OP_ADD)->addr = f->addrs.v[i];
	for (size_t i = 0; i < f->routes.n; i++) {
		plan_push(p, OP_ROUTE, OP_ADD)->route = f->routes.v[i];
		p->v[p->n - 1].route.oif = 0;
	}
}

/* Address networks and allowed IPs; a default route is none of the tunnel's own networks. */
static void tunnel_networks(struct prefixes *out, const struct config *c, const struct facts *f)
{
	for (size_t i = 0; i < c->naddrs; i++)
		*ARENA_PUSH(out->arena, out->v, out->n,
			    out->capacity) = prefix_network(c->addrs[i].prefix);
	for (size_t i = 0; i < f->allowed.n; i++)
		if (f->allowed.v[i].len)
			*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = f->allowed.v[i];
	prefixes_reduce(out);
}

static void allowed_sources(struct prefixes *out, const struct config *c, const struct facts *f)
{
	for (size_t i = 0; i < c->forward.nallow_from; i++)
		*ARENA_PUSH(out->arena, out->v, out->n,
			    out->capacity) = c->forward.allow_from[i].prefix;
	for (size_t i = 0; c->forward.allow_peers && i < f->allowed.n; i++)
		if (f->allowed.v[i].len)
			*ARENA_PUSH(out->arena, out->v, out->n, out->capacity) = f->allowed.v[i];
	prefixes_reduce(out);
}

/* All media: a drop once, an accept in each that may drop. */
static void push_firewall(struct plan *p, const struct config *c, const struct facts *f,
			  const struct forward_keys *keys, uint8_t family)
{
	if (!facts_has_family(f, c, family))
		return;
	for (int medium = 0; medium < FW_MEDIA; medium++) {
		struct fw_rules *rules = arena_alloc(p->arena, sizeof(*rules));
		struct op *op;

		forward_rules(rules, p->arena, p->ifname, family, keys, (enum fw_medium)medium,
			      f->forward.home, &f->forward.tables[medium][family_index(family)]);
		if (!rules->n)
			continue;
		op = plan_push(p, OP_FIREWALL, OP_ADD);
		op->firewall.medium = (enum fw_medium)medium;
		op->firewall.rules = rules;
	}
}

static void want_firewall(struct plan *p, const struct config *c, const struct facts *f)
{
	struct prefixes networks = { .arena = p->arena }, sources = { .arena = p->arena };
	const char **masquerade;
	struct forward_keys keys = { .mode = c->forward.mode };

	if (c->forward.firewall == FIREWALL_OFF)
		return;
	masquerade = arena_alloc(p->arena, (c->forward.nmasquerade + 1) * sizeof(*masquerade));
	for (size_t i = 0; i < c->forward.nmasquerade; i++)
		masquerade[i] = c->forward.masquerade[i].text;
	tunnel_networks(&networks, c, f);
	allowed_sources(&sources, c, f);
	keys.masquerade = masquerade;
	keys.nmasquerade = c->forward.nmasquerade;
	keys.networks = networks.v;
	keys.nnetworks = networks.n;
	keys.allow_from = sources.v;
	keys.nallow_from = sources.n;
	push_firewall(p, c, f, &keys, AF_INET);
	push_firewall(p, c, f, &keys, AF_INET6);
}

static void want_switches(struct plan *p, const struct facts *f)
{
	for (size_t i = 0; i < f->forward.switches.n; i++) {
		struct op *op = plan_push(p, OP_SYSCTL, OP_ADD);

		op->sysctl = f->forward.switches.v[i].op;
		op->stays = f->forward.switches.v[i].stays;
	}
}

void want_network(struct plan *p, const struct config *c, const struct facts *f)
{
	struct plan current = { .arena = p->arena };
	struct prefixes addrs = { .arena = p->arena };

	tunnel_addrs(&addrs, c, f);
	want_device(p, c, f);
	want_addrs(p, c, f);
	want_firewall(p, c, f);
	plan_push(p, OP_LINK_UP, OP_ADD)->mtu = f->mtu;
	if (f->default_route[0] && f->src_valid_mark != 1) {
		struct op *op = plan_push(p, OP_SYSCTL, OP_ADD);

		op->sysctl = (struct op_sysctl){
			.name = "net/ipv4/conf/all/src_valid_mark",
			.value = 1,
			.old = f->src_valid_mark < 0 ? 0 : f->src_valid_mark,
		};
		op->stays = true;
	}
	want_switches(p, f);
	want_antispoof(p, c, f, &addrs);
	want_rules(p, c, f);
	want_routes(p, c, f, &addrs);
	if (f->forward.firewalld)
		plan_push(p, OP_ZONE, OP_ADD)->zone.firewalld = f->forward.firewalld;
	if (f->resolver)
		plan_push(p, OP_DNS, OP_ADD)->dns.resolver = f->resolver;
	push_current(&current, f);
	plan_subtract(p, &current);
}

size_t plan_find(const struct plan *p, enum op_kind from_kind)
{
	size_t i = 0;

	while (i < p->n && p->v[i].kind < from_kind)
		i++;
	return i;
}
