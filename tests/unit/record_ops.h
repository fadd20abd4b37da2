/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests/unit/record.c: a plan with an operation of every kind, and when two plans are the same.
 */
#ifndef WGQ_TESTS_RECORD_OPS_H
#define WGQ_TESTS_RECORD_OPS_H

#include <linux/rtnetlink.h>

#include "tests/unit/netns.h"
#include "wgq/plan/record.h"

enum { LONG_TEXT = 200 * 1024 };

/* --- a plan with everything in it --- */

static const char *long_text(struct arena *a)
{
	char *text = arena_alloc(a, LONG_TEXT + 1);

	for (size_t i = 0; i < LONG_TEXT; i++)
		text[i] = (char)(1 + i % 255);
	return text;
}

static void push_hooks(struct plan *p)
{
	static const char *const texts[] = {
		"",
		" ",
		"\\-",
		"\\",
		"\\x41",
		"stays",
		"end",
		"\n\nend\n",
		"echo 'a # b' \"$c\" `d` | tee /tmp/x && e\\\\f; g &",
		"tab\tand\rreturn\v\f\x7f\x1b[0m",
		"Grüße, 隧道 \xf0\x9f\x94\x92 and no UTF-8: \xff\xfe\x80",
		" leading and trailing ",
	};
	static const enum op_kind kinds[] = { OP_PRE_UP, OP_POST_UP, OP_PRE_DOWN, OP_POST_DOWN };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		plan_push(p, kinds[i % ARRAY_SIZE(kinds)], OP_RUN)->hook = texts[i];
}

static struct prefix prefix_of(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(&p, (struct str){ text, strlen(text) }), 0);
	return p;
}

static void push_device(struct plan *p, uint32_t fwmark, bool chose)
{
	struct wg_device *device = arena_alloc(p->arena, sizeof(*device));
	struct op *op = plan_push(p, OP_DEVICE, OP_ADD);

	memset(&device->private_key, 0x5a, sizeof(device->private_key));
	device->fwmark = fwmark;
	op->device = (struct op_device){ device, chose };
}

static void push_dns(struct plan *p, struct resolver from, struct dns dns)
{
	struct resolver *r = arena_alloc(p->arena, sizeof(*r));
	struct dns *copy = arena_alloc(p->arena, sizeof(*copy));

	*copy = dns;
	*r = from;
	r->dns = copy;
	resolver_restore(r, p->arena);
	plan_push(p, OP_DNS, OP_ADD)->dns.resolver = r;
}

static void push_resolvers(struct plan *p)
{
	static const char *servers[] = { "192.0.2.53", "2001:db8::53", "" };
	static const char *searches[] = { "example.com", "a b", "\\-" };

	push_dns(p,
		 (struct resolver){ RESOLVER_RESOLVCONF, .name = "tun.wg0",
				    .program = "/sbin/resolvconf" },
		 (struct dns){ .servers = servers, .nservers = 3 });
	push_dns(p,
		 (struct resolver){ RESOLVER_RESOLVED, .default_route = true,
				    .program = "/usr/bin/resolvectl", .name = "wg0" },
		 (struct dns){
			 .servers = servers, .nservers = 1, .searches = searches, .nsearches = 3 });
	push_dns(p,
		 (struct resolver){ RESOLVER_FILE, .name = "wg0",
				    .previous = "# local\nnameserver 192.0.2.1\n\n" },
		 (struct dns){ .servers = servers, .nservers = 2 });
}

static void push_antispoof(struct plan *p, enum fw_medium medium, uint8_t family,
			   const struct prefix *addrs, size_t n)
{
	struct antispoof *a = arena_alloc(p->arena, sizeof(*a));
	struct op *op = plan_push(p, OP_ANTISPOOF, OP_ADD);

	*a = (struct antispoof){ family, 0xca6c, addrs, n };
	op->firewall.medium = medium;
	op->firewall.antispoof = a;
}

static void push_firewall(struct plan *p)
{
	static struct fw_rule v[] = {
		{ .hook = FW_FORWARD,
		  .verdict = FW_DROP,
		  .not_out = true,
		  .in = "wg0",
		  .out = "wg0" },
		{ .hook = FW_FORWARD,
		  .verdict = FW_ACCEPT,
		  .replies = true,
		  .out = "fifteen-letters" },
		{ .hook = FW_POSTROUTING, .verdict = FW_MASQUERADE, .out = "eth0" },
		{ .hook = FW_INPUT, .verdict = FW_ACCEPT, .in = "wg0" },
	};
	static const struct fw_rules some = { AF_INET6, v, ARRAY_SIZE(v), "DOCKER-USER" },
				     none = { AF_INET, NULL, 0, "FORWARD" };
	struct op *op = plan_push(p, OP_FIREWALL, OP_ADD);

	v[2].source = prefix_of("fd00::/64");
	v[3].source = prefix_of("10.0.0.0/8");
	op->firewall.medium = FW_IPTABLES_LEGACY;
	op->firewall.rules = &some;
	plan_push(p, OP_FIREWALL, OP_ADD)->firewall.rules = &none;
}

static void push_zones(struct plan *p)
{
	static const struct firewalld first = { .program = "/usr/bin/firewall-cmd",
						.ifname = "wg0",
						.zone = "trusted",
						.previous = "" },
				      moved = { .program = "/opt/my bin/firewall-cmd",
						.ifname = "wg0",
						.zone = "public",
						.previous = "a zone" };

	plan_push(p, OP_ZONE, OP_ADD)->zone.firewalld = &first;
	plan_push(p, OP_ZONE, OP_ADD)->zone.firewalld = &moved;
}

static void push_network(struct plan *p)
{
	static struct prefix addrs[3];
	struct op *op;

	addrs[0] = prefix_of("10.0.0.1/24");
	addrs[1] = prefix_of("fd00::1/128");
	addrs[2] = prefix_of("0.0.0.0/0");
	for (size_t i = 0; i < ARRAY_SIZE(addrs); i++)
		plan_push(p, OP_ADDR, OP_ADD)->addr = addrs[i];
	plan_push(p, OP_LINK_UP, OP_ADD)->mtu = UINT32_MAX;
	op = plan_push(p, OP_SYSCTL, OP_ADD);
	op->sysctl = (struct op_sysctl){ .name = "net/ipv4/conf/all/src_valid_mark",
					 .value = 1,
					 .old = -1 };
	op->stays = true;
	plan_push(p, OP_SYSCTL, OP_ADD)->sysctl =
		(struct op_sysctl){ "net/ipv4/conf/eth0.5/forwarding", 1, 0, true, true };
	push_firewall(p);
	push_antispoof(p, FW_NFTABLES, AF_INET6, addrs, ARRAY_SIZE(addrs));
	push_antispoof(p, FW_IPTABLES_NFT, AF_INET, NULL, 0);
	push_zones(p);
	plan_push(p, OP_RULE, OP_ADD)->rule = (struct rule){ AF_INET6,   true, 32765, UINT32_MAX,
							     UINT32_MAX, -1,   false };
	plan_push(p, OP_RULE, OP_ADD)->rule = (struct rule){ AF_INET, false, 0,    RT_TABLE_MAIN,
							     0,       0,     false };
	plan_push(p, OP_ROUTE, OP_ADD)->route = (struct route){ prefix_of("::/0"), 51820, 0,
								RTPROT_BOOT };
	plan_push(p, OP_ROUTE, OP_ADD)->route = (struct route){ prefix_of("10.1.0.0/16"),
								RT_TABLE_MAIN, 0, 255 };
}

static struct plan everything(struct arena *a)
{
	struct plan p = { .arena = a, .ifname = "wg0", .ifindex = 7 };

	p.config_path = "/etc/wire guard/\\wg0\n.conf";
	plan_push(&p, OP_LINK, OP_ADD);
	plan_push(&p, OP_LINK, OP_ADD)->link.program = "/usr/local/my bin/wireguard-go";
	push_device(&p, 0, false);
	push_device(&p, 0x1234, false); /* the file's own mark is of no use later */
	push_device(&p, 51820, true);
	push_network(&p);
	push_resolvers(&p);
	push_hooks(&p);
	plan_push(&p, OP_POST_UP, OP_RUN)->hook = long_text(a);
	return p;
}

/* --- equality, kind by kind --- */

static void same_words(const char **a, size_t na, const char **b, size_t nb)
{
	assert_int_equal(na, nb);
	for (size_t i = 0; i < na; i++)
		assert_string_equal(a[i], b[i]);
}

static void same_link(const struct op *a, const struct op *b)
{
	assert_int_equal(!a->link.program, !b->link.program);
	if (a->link.program)
		assert_string_equal(a->link.program, b->link.program);
}

static void same_hook(const struct op *a, const struct op *b)
{
	assert_string_equal(a->hook, b->hook);
}

static void same_device(const struct op *a, const struct op *b)
{
	assert_int_equal(a->device.chose_fwmark, b->device.chose_fwmark);
	if (a->device.chose_fwmark)
		assert_int_equal(a->device.device->fwmark, b->device.device->fwmark);
	assert_true(key_is_zero(&b->device.device->private_key));
}

static void same_addr(const struct op *a, const struct op *b)
{
	assert_int_equal(prefix_compare(&a->addr, &b->addr), 0);
}

static void same_link_up(const struct op *a, const struct op *b)
{
	assert_int_equal(a->mtu, b->mtu);
}

static void same_dns(const struct op *a, const struct op *b)
{
	const struct resolver *ra = a->dns.resolver, *rb = b->dns.resolver;

	assert_int_equal(ra->kind, rb->kind);
	assert_int_equal(ra->default_route, rb->default_route);
	assert_string_equal(ra->name, rb->name);
	assert_string_equal(ra->program ? ra->program : "", rb->program);
	assert_string_equal(ra->previous ? ra->previous : "", rb->previous);
	same_words(ra->dns->servers, ra->dns->nservers, rb->dns->servers, rb->dns->nservers);
	same_words(ra->dns->searches, ra->dns->nsearches, rb->dns->searches, rb->dns->nsearches);
}

static void same_sysctl(const struct op *a, const struct op *b)
{
	assert_string_equal(a->sysctl.name, b->sysctl.name);
	assert_int_equal(a->sysctl.value, b->sysctl.value);
	assert_int_equal(a->sysctl.old, b->sysctl.old);
	assert_int_equal(a->sysctl.needed, b->sysctl.needed);
	assert_int_equal(a->sysctl.shared, b->sysctl.shared);
}

static void same_fw_rule(const struct fw_rule *a, const struct fw_rule *b)
{
	assert_int_equal(a->hook, b->hook);
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->replies, b->replies);
	assert_int_equal(a->not_out, b->not_out);
	assert_memory_equal(a->in, b->in, IFNAMSIZ);
	assert_memory_equal(a->out, b->out, IFNAMSIZ);
	assert_int_equal(prefix_compare(&a->source, &b->source), 0);
}

static void same_firewall(const struct op *a, const struct op *b)
{
	const struct fw_rules *ra = a->firewall.rules, *rb = b->firewall.rules;

	assert_int_equal(a->firewall.medium, b->firewall.medium);
	assert_int_equal(ra->family, rb->family);
	assert_string_equal(ra->forward_chain, rb->forward_chain);
	assert_int_equal(ra->n, rb->n);
	for (size_t i = 0; i < ra->n; i++)
		same_fw_rule(&ra->v[i], &rb->v[i]);
}

static void same_zone(const struct op *a, const struct op *b)
{
	const struct firewalld *za = a->zone.firewalld, *zb = b->zone.firewalld;

	assert_string_equal(za->program, zb->program);
	assert_string_equal(za->ifname, zb->ifname);
	assert_string_equal(za->zone, zb->zone);
	assert_string_equal(za->previous, zb->previous);
}

static void same_antispoof(const struct op *a, const struct op *b)
{
	const struct antispoof *fa = a->firewall.antispoof, *fb = b->firewall.antispoof;

	assert_int_equal(a->firewall.medium, b->firewall.medium);
	assert_int_equal(fa->family, fb->family);
	assert_int_equal(fa->fwmark, fb->fwmark);
	assert_int_equal(fa->naddrs, fb->naddrs);
	for (size_t i = 0; i < fa->naddrs; i++)
		assert_int_equal(prefix_compare(&fa->addrs[i], &fb->addrs[i]), 0);
}

static void same_rule(const struct op *a, const struct op *b)
{
	assert_int_equal(a->rule.family, b->rule.family);
	assert_int_equal(a->rule.invert, b->rule.invert);
	assert_int_equal(a->rule.priority, b->rule.priority);
	assert_int_equal(a->rule.table, b->rule.table);
	assert_int_equal(a->rule.fwmark, b->rule.fwmark);
	assert_int_equal(a->rule.suppress_prefixlen, b->rule.suppress_prefixlen);
}

static void same_route(const struct op *a, const struct op *b)
{
	assert_int_equal(prefix_compare(&a->route.dst, &b->route.dst), 0);
	assert_int_equal(a->route.table, b->route.table);
	assert_int_equal(a->route.protocol, b->route.protocol);
}

static void (*const same[OP_KINDS])(const struct op *a, const struct op *b) = {
	[OP_LINK] = same_link,     [OP_PRE_UP] = same_hook,         [OP_DEVICE] = same_device,
	[OP_ADDR] = same_addr,     [OP_LINK_UP] = same_link_up,     [OP_DNS] = same_dns,
	[OP_SYSCTL] = same_sysctl, [OP_ANTISPOOF] = same_antispoof, [OP_FIREWALL] = same_firewall,
	[OP_ZONE] = same_zone,     [OP_RULE] = same_rule,           [OP_ROUTE] = same_route,
	[OP_POST_UP] = same_hook,  [OP_PRE_DOWN] = same_hook,       [OP_POST_DOWN] = same_hook,
};

static void same_plan(const struct plan *a, const struct plan *b)
{
	assert_string_equal(a->ifname, b->ifname);
	assert_string_equal(a->config_path ? a->config_path : "", b->config_path);
	assert_int_equal(a->ifindex, b->ifindex);
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->v[i].kind, b->v[i].kind);
		assert_int_equal(a->v[i].verb, b->v[i].verb);
		assert_int_equal(a->v[i].stays, b->v[i].stays);
		same[a->v[i].kind](&a->v[i], &b->v[i]);
	}
}

#endif
