/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/op.h"

#include <linux/rtnetlink.h>

#include "hooks/forward.h"
#include "wgq/base/log.h"

enum { DESCRIPTION = 4096, FOLD_ABOVE = 6 };

struct kind {
	const char *name;
	bool dies_with_link;
	bool is_hook;
	/* NULL: the kind is never subtracted */
	int (*compare)(const struct op *a, const struct op *b);
	void (*describe)(char *text, size_t size, const struct plan *p, const struct op *op,
			 bool add);
};

static void describe_link(char *text, size_t size, const struct plan *p, const struct op *op,
			  bool add)
{
	if (!add)
		snprintf(text, size, "ip link delete dev %s", p->ifname);
	else if (op->link.program)
		snprintf(text, size, "%s %s", op->link.program, p->ifname);
	else
		snprintf(text, size, "ip link add dev %s type wireguard", p->ifname);
}

static void describe_hook(char *text, size_t size, const struct plan *p, const struct op *op,
			  bool add)
{
	(void)p, (void)add;
	snprintf(text, size, "%s", op->hook);
}

static void describe_device(char *text, size_t size, const struct plan *p, const struct op *op,
			    bool add)
{
	int n = snprintf(text, size, "wg addconf %s <(wgq strip %s)", p->ifname, p->config_path);

	(void)add;
	if (op->device.chose_fwmark && n > 0 && (size_t)n < size)
		snprintf(text + n, size - (size_t)n, "\nwg set %s fwmark %u", p->ifname,
			 op->device.device->fwmark);
}

static int family_digit(uint8_t family)
{
	return family == AF_INET6 ? 6 : 4;
}

static void describe_addr(char *text, size_t size, const struct plan *p, const struct op *op,
			  bool add)
{
	char addr[PREFIX_TEXT];

	snprintf(text, size, "ip -%d address %s %s dev %s", family_digit(op->addr.family),
		 add ? "add" : "delete", prefix_format(addr, &op->addr), p->ifname);
}

static int compare_addr(const struct op *a, const struct op *b)
{
	return prefix_compare(&a->addr, &b->addr);
}

static void describe_link_up(char *text, size_t size, const struct plan *p, const struct op *op,
			     bool add)
{
	if (add && op->mtu)
		snprintf(text, size, "ip link set mtu %u up dev %s", op->mtu, p->ifname);
	else if (add)
		snprintf(text, size, "ip link set up dev %s", p->ifname);
	else
		snprintf(text, size, "ip link set down dev %s", p->ifname);
}

static void describe_zone(char *text, size_t size, const struct plan *p, const struct op *op,
			  bool add)
{
	(void)p;
	firewalld_describe(text, size, op->zone.firewalld, add);
}

static void describe_dns(char *text, size_t size, const struct plan *p, const struct op *op,
			 bool add)
{
	(void)p;
	resolver_describe(text, size, op->dns.resolver, add);
}

static void describe_sysctl(char *text, size_t size, const struct plan *p, const struct op *op,
			    bool add)
{
	char name[256];

	(void)p;
	snprintf(name, sizeof(name), "%s", op->sysctl.name);
	for (char *c = name; *c; c++) { /* an interface's own dot is a slash to sysctl(8) */
		if (*c == '/')
			*c = '.';
		else if (*c == '.')
			*c = '/';
	}
	snprintf(text, size, "sysctl -q %s=%d", name, add ? op->sysctl.value : op->sysctl.old);
}

static void describe_firewall(char *text, size_t size, const struct plan *p, const struct op *op,
			      bool add)
{
	forward_describe(text, size, op->firewall.medium, p->ifname, op->firewall.rules, add);
}

static void describe_antispoof(char *text, size_t size, const struct plan *p, const struct op *op,
			       bool add)
{
	const char *family = op->firewall.antispoof->family == AF_INET6 ? "ip6" : "ip";

	if (op->firewall.medium != FW_NFTABLES)
		snprintf(text, size, "%s-restore -n  # %s rules against spoofing, mark %#x",
			 forward_program(op->firewall.medium, op->firewall.antispoof->family),
			 add ? "add" : "delete", op->firewall.antispoof->fwmark);
	else if (add)
		snprintf(text, size, "nft add table %s wg-quick-%s  # against spoofing, mark %#x",
			 family, p->ifname, op->firewall.antispoof->fwmark);
	else
		snprintf(text, size, "nft delete table %s wg-quick-%s", family, p->ifname);
}

static void describe_rule(char *text, size_t size, const struct plan *p, const struct op *op,
			  bool add)
{
	const struct rule *r = &op->rule;
	int family = family_digit(r->family);
	const char *verb = add ? "add" : "delete";
	char priority[32] = ""; /* 0 leaves the choice to the kernel, "priority 0" would not */

	(void)p;
	if (r->priority)
		snprintf(priority, sizeof(priority), " priority %u", r->priority);
	if (r->suppress_prefixlen >= 0)
		snprintf(text, size, "ip -%d rule %s table main suppress_prefixlength %d%s", family,
			 verb, r->suppress_prefixlen, priority);
	else
		snprintf(text, size, "ip -%d rule %s %sfwmark %u table %u%s", family, verb,
			 r->invert ? "not " : "", r->fwmark, r->table, priority);
}

#define COMPARE(a, b)                                                                              \
	do {                                                                                       \
		if ((a) != (b))                                                                    \
			return (a) < (b) ? -1 : 1;                                                 \
	} while (0)

static int compare_rule(const struct op *a, const struct op *b)
{
	COMPARE(a->rule.family, b->rule.family);
	COMPARE(a->rule.priority, b->rule.priority);
	COMPARE(a->rule.table, b->rule.table);
	COMPARE(a->rule.fwmark, b->rule.fwmark);
	COMPARE(a->rule.invert, b->rule.invert);
	COMPARE(a->rule.suppress_prefixlen, b->rule.suppress_prefixlen);
	return 0;
}

static void describe_route(char *text, size_t size, const struct plan *p, const struct op *op,
			   bool add)
{
	char dst[PREFIX_TEXT], table[32] = "";

	if (op->route.table != RT_TABLE_MAIN)
		snprintf(table, sizeof(table), " table %u", op->route.table);
	snprintf(text, size, "ip -%d route %s %s dev %s%s", family_digit(op->route.dst.family),
		 add ? "add" : "delete", prefix_format(dst, &op->route.dst), p->ifname, table);
}

static int compare_route(const struct op *a, const struct op *b)
{
	COMPARE(a->route.table, b->route.table);
	COMPARE(a->route.protocol, b->route.protocol);
	return prefix_compare(&a->route.dst, &b->route.dst);
}

static const struct kind kinds[OP_KINDS] = {
	[OP_LINK] = { "link", .describe = describe_link },
	[OP_PRE_UP] = { "pre-up", .is_hook = true, .describe = describe_hook },
	[OP_DEVICE] = { "device", .dies_with_link = true, .describe = describe_device },
	[OP_ADDR] = { "addr", true, false, compare_addr, describe_addr },
	[OP_LINK_UP] = { "link-up", .dies_with_link = true, .describe = describe_link_up },
	[OP_ZONE] = { "zone", .describe = describe_zone },
	[OP_DNS] = { "dns", .describe = describe_dns },
	[OP_SYSCTL] = { "sysctl", .describe = describe_sysctl },
	[OP_FIREWALL] = { "firewall", .describe = describe_firewall },
	[OP_ANTISPOOF] = { "antispoof", .describe = describe_antispoof },
	[OP_RULE] = { "rule", false, false, compare_rule, describe_rule },
	[OP_ROUTE] = { "route", true, false, compare_route, describe_route },
	[OP_POST_UP] = { "post-up", .is_hook = true, .describe = describe_hook },
	[OP_PRE_DOWN] = { "pre-down", .is_hook = true, .describe = describe_hook },
	[OP_POST_DOWN] = { "post-down", .is_hook = true, .describe = describe_hook },
};

struct op *plan_push(struct plan *p, enum op_kind kind, enum op_verb verb)
{
	struct op *op = ARENA_PUSH(p->arena, p->v, p->n, p->capacity);

	*op = (struct op){ .kind = kind, .verb = verb };
	return op;
}

const char *op_kind_name(enum op_kind kind)
{
	return kinds[kind].name;
}

/* "net/ipv4/conf/wg0/forwarding" of wg0. */
static bool is_switch_of(const char *name, const char *ifname)
{
	const char *conf = strstr(name, "/conf/");
	size_t n = strlen(ifname);

	return conf && !strncmp(conf + 6, ifname, n) && conf[6 + n] == '/';
}

bool op_dies_with_link(const struct plan *p, const struct op *op)
{
	return kinds[op->kind].dies_with_link ||
	       (op->kind == OP_SYSCTL && is_switch_of(op->sysctl.name, p->ifname));
}

bool op_is_hook(enum op_kind kind)
{
	return kinds[kind].is_hook;
}

const char *op_describe(char *text, size_t size, const struct plan *p, const struct op *op,
			bool inverse)
{
	bool add = (op->verb != OP_DEL) != inverse;

	kinds[op->kind].describe(text, size, p, op, add);
	return text;
}

static void announce(const struct plan *p, const struct op *op, bool inverse, size_t more)
{
	char text[DESCRIPTION], *line = text, *end;

	op_describe(text, sizeof(text), p, op, inverse);
	if (more) {
		log_step("%s  (and %zu more)", text, more);
		return;
	}
	for (; !kinds[op->kind].is_hook && (end = strchr(line, '\n')); line = end + 1)
		log_step("%.*s", (int)(end - line), line);
	log_step("%s", line);
}

void op_announce(const struct plan *p, const struct op *first, size_t n, int step, bool inverse)
{
	if (n > FOLD_ABOVE && !log_is_verbose()) {
		announce(p, first, inverse, n - 1);
		return;
	}
	for (size_t i = 0; i < n; i++, first += step)
		announce(p, first, inverse, 0);
}

size_t op_run_length(const struct op *op, size_t max, int step)
{
	size_t n = 1;

	while (!kinds[op->kind].is_hook && n < max && op[(ptrdiff_t)n * step].kind == op->kind &&
	       op[(ptrdiff_t)n * step].verb == op->verb)
		n++;
	return n;
}

void plan_announce(const struct plan *p, size_t from, size_t to)
{
	for (size_t n; from < to; from += n) {
		n = op_run_length(&p->v[from], to - from, 1);
		op_announce(p, &p->v[from], n, 1, false);
	}
}

static int compare_ops(const void *pa, const void *pb)
{
	const struct op *a = *(const struct op *const *)pa, *b = *(const struct op *const *)pb;

	COMPARE(a->kind, b->kind);
	return kinds[a->kind].compare(a, b);
}

void plan_subtract(struct plan *wanted, const struct plan *current)
{
	const struct op **sorted = arena_alloc(wanted->arena, (current->n + 1) * sizeof(*sorted));
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < current->n; i++)
		if (kinds[current->v[i].kind].compare)
			sorted[n++] = &current->v[i];
	qsort(sorted, n, sizeof(*sorted), compare_ops);

	for (size_t i = 0; i < wanted->n; i++) {
		const struct op *op = &wanted->v[i];

		if (!kinds[op->kind].compare ||
		    !bsearch(&op, sorted, n, sizeof(*sorted), compare_ops))
			wanted->v[kept++] = wanted->v[i];
	}
	wanted->n = kept;
}

static void push_hooks(struct plan *out, const struct plan *done, enum op_kind kind)
{
	for (size_t i = 0; i < done->n; i++)
		if (done->v[i].kind == kind)
			plan_push(out, kind, OP_RUN)->hook = done->v[i].hook;
}

void plan_invert(struct plan *out, const struct plan *done)
{
	bool has_link = false;

	for (size_t i = 0; i < done->n; i++)
		has_link |= done->v[i].kind == OP_LINK;

	push_hooks(out, done, OP_PRE_DOWN);
	for (size_t i = done->n; i-- > 0;) {
		const struct op *op = &done->v[i];
		struct op *inverse;

		if (kinds[op->kind].is_hook || op->stays || op->verb == OP_RUN ||
		    (has_link && op_dies_with_link(done, op)))
			continue;
		inverse = plan_push(out, op->kind, OP_DEL);
		*inverse = *op;
		inverse->verb = op->verb == OP_ADD ? OP_DEL : OP_ADD;
		inverse->done = false;
	}
	push_hooks(out, done, OP_POST_DOWN);
}
