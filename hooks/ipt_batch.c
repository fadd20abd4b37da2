/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules as ip_tables and ip6_tables take them: a header, matches and a target, one after the other.
 */
#include "hooks/ipt.h"

#include <limits.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

const char *ipt_module(uint8_t family)
{
	return family == AF_INET6 ? "ip6_tables" : "ip_tables";
}

/* A whole name: its NUL is compared as well. */
static void put_interface(char *name, unsigned char *mask, const char *from)
{
	size_t n = strnlen(from, IFNAMSIZ - 1);

	if (!n)
		return;
	memcpy(name, from, n);
	memset(mask, 0xff, n + 1);
}

static void put_prefix(void *addr, void *mask, const struct prefix *p)
{
	struct prefix network = prefix_network(*p), all = *p;

	memset(all.addr, 0xff, sizeof(all.addr));
	all = prefix_network(all);
	memcpy(addr, network.addr, family_bytes(p->family));
	memcpy(mask, all.addr, family_bytes(p->family));
}

static void put_ipv4(struct ipt_ip *ip, const struct xt_rule *x)
{
	if (x->source.family == AF_INET)
		put_prefix(&ip->src, &ip->smsk, &x->source);
	if (x->destination.family == AF_INET)
		put_prefix(&ip->dst, &ip->dmsk, &x->destination);
	put_interface(ip->iniface, ip->iniface_mask, x->in);
	put_interface(ip->outiface, ip->outiface_mask, x->out);
	ip->proto = x->protocol;
	ip->invflags = (x->not_in ? IPT_INV_VIA_IN : 0) | (x->not_out ? IPT_INV_VIA_OUT : 0);
}

static void put_ipv6(struct ip6t_ip6 *ip, const struct xt_rule *x)
{
	if (x->source.family == AF_INET6)
		put_prefix(&ip->src, &ip->smsk, &x->source);
	if (x->destination.family == AF_INET6)
		put_prefix(&ip->dst, &ip->dmsk, &x->destination);
	put_interface(ip->iniface, ip->iniface_mask, x->in);
	put_interface(ip->outiface, ip->outiface_mask, x->out);
	ip->proto = x->protocol;
	ip->flags = x->protocol ? IP6T_F_PROTO : 0;
	ip->invflags = (x->not_in ? IP6T_INV_VIA_IN : 0) | (x->not_out ? IP6T_INV_VIA_OUT : 0);
}

/* Of a verdict, which has no data, the kernel wants the number; libiptc puts it there. */
static size_t target_size(const struct xt_part *target)
{
	return target->size ? XT_ALIGN(sizeof(struct xt_entry_target)) + target->size
			    : XT_ALIGN(sizeof(struct xt_standard_target));
}

static size_t match_size(const struct xt_part *match)
{
	return XT_ALIGN(sizeof(struct xt_entry_match)) + match->size;
}

static void put_match(void *at, const struct xt_part *part)
{
	struct xt_entry_match *m = at;

	m->u.user.match_size = (uint16_t)match_size(part);
	m->u.user.revision = part->revision;
	snprintf(m->u.user.name, sizeof(m->u.user.name), "%s", part->name);
	if (part->size)
		memcpy(m->data, part->data, part->size);
}

static void put_target(void *at, const struct xt_part *part)
{
	struct xt_entry_target *t = at;

	t->u.user.target_size = (uint16_t)target_size(part);
	t->u.user.revision = part->revision;
	snprintf(t->u.user.name, sizeof(t->u.user.name), "%s", part->name);
	if (part->size)
		memcpy(t->data, part->data, part->size);
}

static void put_header(void *entry, uint8_t family, const struct xt_rule *x, size_t target,
		       size_t next)
{
	struct ip6t_entry *e6 = entry;
	struct ipt_entry *e4 = entry;

	if (family == AF_INET6) {
		put_ipv6(&e6->ipv6, x);
		e6->target_offset = (uint16_t)target;
		e6->next_offset = (uint16_t)next;
	} else {
		put_ipv4(&e4->ip, x);
		e4->target_offset = (uint16_t)target;
		e4->next_offset = (uint16_t)next;
	}
}

static size_t header_size(uint8_t family)
{
	return family == AF_INET6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
}

static size_t entry_size(uint8_t family, const struct xt_rule *x)
{
	size_t size = header_size(family) + target_size(&x->target);

	for (size_t i = 0; i < x->nmatches; i++)
		size += match_size(&x->matches[i]);
	return size;
}

static void put_entry(char *entry, uint8_t family, const struct xt_rule *x)
{
	size_t size = entry_size(family, x), target = size - target_size(&x->target);
	char *at = entry + header_size(family);

	put_header(entry, family, x, target, size);
	for (size_t i = 0; i < x->nmatches; i++) {
		put_match(at, &x->matches[i]);
		at += match_size(&x->matches[i]);
	}
	put_target(entry + target, &x->target);
}

struct ipt_batch *ipt_batch_new(uint8_t family, const char *const *tables, const char *comment,
				const struct xt_rule *rules, size_t n)
{
	struct ipt_batch *b = calloc(1, sizeof(*b));
	size_t size = 0, at = 0;

	if (!b)
		return NULL;
	b->base.backend = &fw_iptables_legacy;
	b->family = family;
	b->tables = tables;
	b->nlines = n;
	snprintf(b->comment, sizeof(b->comment), "%s", comment);
	for (size_t i = 0; i < n; i++)
		size += entry_size(family, &rules[i]);
	b->lines = calloc(n ? n : 1, sizeof(*b->lines));
	b->entries = calloc(1, size ? size : 1);
	if (!b->lines || !b->entries) {
		ipt_batch_free(&b->base);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		b->lines[i].table = rules[i].table;
		b->lines[i].entry = b->entries + at;
		snprintf(b->lines[i].chain, IPT_CHAIN_NAME, "%s", rules[i].chain);
		put_entry(b->entries + at, family, &rules[i]);
		at += entry_size(family, &rules[i]);
	}
	return b;
}

void ipt_batch_free(struct firewall_batch *base)
{
	struct ipt_batch *b = (struct ipt_batch *)base;

	free(b->lines);
	free(b->entries);
	free(b);
}
