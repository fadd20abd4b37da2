/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/facts.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "wgq/base/log.h"
#include "wgq/base/spawn.h"
#include "wgq/kernel/sysctl.h"
#include "wgq/plan/rttables.h"

enum {
	FIRST_TABLE = 51820,  /* where wg-quick(8) starts to look */
	TUNNEL_OVERHEAD = 80, /* outer IPv6 40, UDP 8, WireGuard 32 */
	MTU_DEFAULT = 1500,
	MTU_IPV6_MIN = 1280, /* RFC 8200 section 5 */
};

static int find_userspace(struct facts *f, const struct host *h, struct arena *a, struct diag *d)
{
	const char *program = getenv("WG_QUICK_USERSPACE_IMPLEMENTATION");
	char path[PATH_MAX];

	if (wg_has_kernel(&h->wg))
		return 0;
	if (!program || !*program)
		program = "wireguard-go";
	if (spawn_find(path, program))
		return diag_set(
			d, EOPNOTSUPP,
			"this kernel has no WireGuard, and the userspace implementation %s is "
			"not in PATH: load or install the module wireguard, or install %s",
			program, program);
	if (access("/dev/net/tun", F_OK))
		return diag_set(
			d, ENOENT,
			"this kernel has no WireGuard, and %s needs /dev/net/tun, which is not "
			"there: modprobe tun, or for a container pass --device /dev/net/tun",
			program);
	f->userspace = arena_strndup(a, path, strlen(path));
	return 0;
}

static bool uses_family(const struct facts *f, const struct config *c, uint8_t family)
{
	for (size_t i = 0; i < c->naddrs; i++)
		if (c->addrs[i].prefix.family == family)
			return true;
	for (size_t i = 0; i < f->allowed.n; i++)
		if (f->allowed.v[i].family == family)
			return true;
	return false;
}

bool facts_has_family(const struct facts *f, const struct config *c, uint8_t family)
{
	return (family == AF_INET || f->ipv6) && uses_family(f, c, family);
}

void facts_find_default_routes(struct facts *f, const struct config *c)
{
	f->default_route[0] = f->default_route[1] = false;
	if (c->table_kind != TABLE_AUTO)
		return;
	for (size_t i = 0; i < f->allowed.n; i++) {
		const struct prefix *p = &f->allowed.v[i];

		if (!p->len && (f->ipv6 || p->family == AF_INET))
			f->default_route[family_index(p->family)] = true;
	}
}

/* The smallest MTU on the way to an endpoint, else the default route's, less what WireGuard adds.
 */
static int read_mtu(struct facts *f, struct host *h, const struct config *c, struct diag *d)
{
	struct prefixes endpoints = { .arena = c->arena };
	uint32_t best = UINT32_MAX, *mtus;
	int err;

	if (c->mtu) {
		f->mtu = c->mtu;
		return 0;
	}
	allowed_endpoints(&endpoints, f->device, &c->device);
	mtus = arena_alloc(c->arena, (endpoints.n + 1) * sizeof(*mtus));
	err = rtnl_get_path_mtus(&h->rtnl, mtus, endpoints.v, endpoints.n, d);
	if (err)
		return err;
	for (size_t i = 0; i < endpoints.n; i++)
		if (mtus[i] && mtus[i] < best)
			best = mtus[i];
	if (best == UINT32_MAX && (err = rtnl_get_default_mtu(&h->rtnl, &best, d)))
		return err;
	if (!best)
		best = MTU_DEFAULT;
	f->mtu = best > TUNNEL_OVERHEAD ? best - TUNNEL_OVERHEAD : 0;
	if (f->mtu < MTU_IPV6_MIN && f->ipv6 && uses_family(f, c, AF_INET6))
		f->mtu = MTU_IPV6_MIN;
	return 0;
}

static int read_resolver(struct facts *f, const struct config *c, const char *ifname,
			 struct diag *d)
{
	struct resolver *r;
	int err;

	if (!c->dns.nservers)
		return 0;
	r = arena_alloc(c->arena, sizeof(*r));
	err = resolver_choose(r, c->arena, ifname, &c->dns,
			      f->default_route[0] || f->default_route[1], d);
	if (err)
		return err;
	if (r->kind != RESOLVER_NONE)
		f->resolver = r;
	else if (!geteuid()) /* a dry run by others cannot tell */
		log_warn("no resolver takes DNS servers here (neither resolvconf nor "
			 "systemd-resolved, and /etc/resolv.conf cannot be written): DNS is left "
			 "as it is");
	return 0;
}

/*
 * The first medium that can have the rules, of those that Firewall allows. Returns 1, 0 if there is
 * none, or a negative errno recorded in d.
 */
static int find_antispoof(struct facts *f, struct host *h, enum firewall_choice choice, size_t i,
			  struct diag *d)
{
	static const enum fw_medium any[] = { FW_NFTABLES, FW_IPTABLES_LEGACY };
	const enum fw_medium *v = choice == FIREWALL_AUTO ? any : &f->forward.home;
	size_t n = choice == FIREWALL_AUTO ? ARRAY_SIZE(any) : 1;
	struct firewall *fw;

	for (size_t j = 0; j < n; j++) {
		int err = host_firewall(h, &fw, v[j], d);

		if (err && err != -EOPNOTSUPP)
			return err;
		f->antispoof_medium[i] = v[j];
		if (!err && firewall_has_family(fw, i ? AF_INET6 : AF_INET))
			return 1;
	}
	return 0;
}

static int read_antispoof(struct facts *f, struct host *h, const struct config *c, struct diag *d)
{
	struct diag why = { "" };
	int has;

	for (size_t i = 0; i < 2; i++) {
		if (!f->default_route[i] || f->antispoof_asked[i] ||
		    c->forward.firewall == FIREWALL_OFF)
			continue;
		has = find_antispoof(f, h, c->forward.firewall, i, &why);
		if (has == -EPERM && geteuid()) /* a dry run: as root it is likely to be there */
			has = 1;
		if (has < 0) {
			*d = why;
			return has;
		}
		f->antispoof_asked[i] = true;
		f->antispoof[i] = has;
		if (!has)
			log_warn("this kernel's packet filter cannot have IPv%d rules: packets "
				 "from elsewhere to the tunnel's addresses are not dropped, and "
				 "replies do not keep the mark",
				 i ? 6 : 4);
	}
	return 0;
}

int facts_read(struct facts *f, struct host *h, const struct config *c, const char *ifname,
	       const struct rundir *dir, struct findings *findings, struct diag *d)
{
	int err;

	*f = (struct facts){ .allowed.arena = c->arena, .src_valid_mark = -1 };
	err = find_userspace(f, h, c->arena, d);
	if (err)
		return err;
	f->ipv6 = sysctl_ipv6_usable();
	f->table = c->table;
	if (c->table_kind == TABLE_NAME && rttables_find(&f->table, c->table_name)) {
		size_t i = finding_add(findings, FINDING_BAD_VALUE,
				       source_place(&c->source, c->table_at),
				       "no routing table is called '%s'", c->table_name);

		finding_help(findings, i,
			     "give a number, or add a line 'NUMBER %s' to /etc/iproute2/rt_tables",
			     c->table_name);
		return 0;
	}
	allowed_prefixes(&f->allowed, NULL, &c->device);
	facts_find_default_routes(f, c);
	if (!f->ipv6 && uses_family(f, c, AF_INET6))
		log_warn("IPv6 is disabled on this host: the tunnel's IPv6 addresses and routes "
			 "are left out");
	if (sysctl_read("net/ipv4/conf/all/src_valid_mark", &f->src_valid_mark))
		f->src_valid_mark = -1;
	if ((err = read_mtu(f, h, c, d)) || (err = facts_read_forward(f, h, c, ifname, dir, d)) ||
	    (err = read_antispoof(f, h, c, d)))
		return err;
	return read_resolver(f, c, ifname, d);
}

int facts_read_interface(struct facts *f, struct host *h, const struct config *c,
			 const char *ifname, int ifindex, struct diag *d)
{
	struct wg_device *device = arena_alloc(c->arena, sizeof(*device));
	int err = wg_get(&h->wg, device, c->arena, ifname, d);

	if (err)
		return err;
	f->device = device;
	f->addrs.arena = f->routes.arena = c->arena;
	f->allowed.n = 0;
	allowed_prefixes(&f->allowed, device, &c->device);
	facts_find_default_routes(f, c);
	if ((err = rtnl_get_addrs(&h->rtnl, &f->addrs, ifindex, d)) ||
	    (err = rtnl_get_routes(&h->rtnl, &f->routes, AF_INET, RT_TABLE_MAIN, ifindex, d)) ||
	    (err = rtnl_get_routes(&h->rtnl, &f->routes, AF_INET6, RT_TABLE_MAIN, ifindex, d)) ||
	    (err = read_mtu(f, h, c, d)))
		return err;
	return read_antispoof(f, h, c, d);
}

static bool is_mentioned(const struct rtnl_rules *rules, uint32_t number)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->v[i].table == number || rules->v[i].fwmark == number)
			return true;
	return false;
}

static int count_routes(size_t *n, struct host *h, struct arena *a, uint32_t table, struct diag *d)
{
	struct rtnl_routes routes = { .arena = a };
	int err = rtnl_get_routes(&h->rtnl, &routes, AF_INET, table, 0, d);

	if (!err)
		err = rtnl_get_routes(&h->rtnl, &routes, AF_INET6, table, 0, d);
	*n = routes.n;
	return err;
}

/*
 * What the kernel gives to a rule without a priority: one less than the second in its list
 * (fib_default_rule_pref() in net/core/fib_rules.c). Asking for the same number makes exactly this
 * rule ours to delete.
 */
static uint32_t next_priority(const struct rtnl_rules *rules)
{
	return rules->n > 1 && rules->v[1].priority > 2 ? rules->v[1].priority - 1 : 0;
}

int facts_choose_table(struct facts *f, struct host *h, const struct config *c, struct diag *d)
{
	struct rtnl_rules rules[2] = { { .arena = c->arena }, { .arena = c->arena } };
	uint32_t mark;
	size_t used;
	int err;

	if (!f->default_route[0] && !f->default_route[1])
		return 0;
	if ((err = rtnl_get_rules(&h->rtnl, &rules[0], AF_INET, d)) ||
	    (f->ipv6 && (err = rtnl_get_rules(&h->rtnl, &rules[1], AF_INET6, d))))
		return err;
	for (size_t i = 0; i < 2; i++)
		f->rule_priority[i] = next_priority(&rules[i]);
	mark = facts_fwmark(f, c);
	if (mark && mark == facts_default_table(f, c))
		return 0;
	for (uint32_t table = FIRST_TABLE;; table++) {
		if (is_mentioned(&rules[0], table) || is_mentioned(&rules[1], table))
			continue;
		err = count_routes(&used, h, c->arena, table, d);
		if (err)
			return err;
		if (!used) {
			f->free_table = table;
			return 0;
		}
	}
}

uint32_t facts_fwmark(const struct facts *f, const struct config *c)
{
	if (c->device.flags & DEVICE_HAS_FWMARK && c->device.fwmark)
		return c->device.fwmark;
	if (!(c->device.flags & DEVICE_HAS_FWMARK) && f->device && f->device->fwmark)
		return f->device->fwmark;
	return f->free_table;
}

uint32_t facts_default_table(const struct facts *f, const struct config *c)
{
	uint32_t mark = facts_fwmark(f, c);

	switch (mark) {
	case RT_TABLE_DEFAULT:
	case RT_TABLE_MAIN:
	case RT_TABLE_LOCAL:
		return f->free_table;
	default:
		return mark;
	}
}
