/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/record_form.h"

#include <errno.h>

void put_word(FILE *out, const char *word)
{
	putc(' ', out);
	if (!*word)
		fputs("\\-", out);
	for (const unsigned char *c = (const unsigned char *)word; *c; c++) {
		if (*c <= ' ' || *c == '\\' || *c == 0x7f)
			fprintf(out, "\\x%02x", *c);
		else
			putc(*c, out);
	}
}

static void put_words(FILE *out, const char **words, size_t n)
{
	fprintf(out, " %zu", n);
	for (size_t i = 0; i < n; i++)
		put_word(out, words[i]);
}

static void put_prefix(FILE *out, const struct prefix *p)
{
	char text[PREFIX_TEXT];

	put_word(out, prefix_format(text, p));
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void unescape(struct reader *r, char *word)
{
	char *to = word;

	if (!strcmp(word, "\\-")) {
		*word = '\0';
		return;
	}
	for (const char *c = word; *c; c++) {
		int high, low;

		if (*c != '\\') {
			*to++ = *c;
			continue;
		}
		high = c[1] == 'x' ? hex_digit(c[2]) : -1;
		low = high < 0 ? -1 : hex_digit(c[3]);
		if (low < 0) {
			r->bad = true;
			return;
		}
		*to++ = (char)(high << 4 | low);
		c += 3;
	}
	*to = '\0';
}

char *get_word(struct reader *r)
{
	char *word = r->next, *end = strchr(word, ' ');

	if (!*word)
		r->bad = true;
	if (end) {
		*end = '\0';
		r->next = end + 1;
	} else {
		r->next = word + strlen(word);
	}
	unescape(r, word);
	return word;
}

static long long get_number(struct reader *r, long long min, long long max)
{
	const char *word = get_word(r);
	long long value;
	char *end;

	errno = 0;
	value = strtoll(word, &end, 10);
	if (errno || end == word || *end || value < min || value > max) {
		r->bad = true;
		return min;
	}
	return value;
}

static const char **get_words(struct reader *r, size_t *n)
{
	long long count = get_number(r, 0, (long long)strlen(r->next));
	const char **words = arena_alloc(r->arena, ((size_t)count + 1) * sizeof(*words));

	for (*n = 0; *n < (size_t)count; ++*n)
		words[*n] = get_word(r);
	return words;
}

static struct prefix get_prefix(struct reader *r)
{
	struct prefix p = { 0 };
	const char *word = get_word(r);

	if (prefix_parse(&p, (struct str){ word, strlen(word) }))
		r->bad = true;
	return p;
}

static uint8_t get_family(struct reader *r)
{
	return get_number(r, 4, 6) == 6 ? AF_INET6 : AF_INET;
}

static int family_digit(uint8_t family)
{
	return family == AF_INET6 ? 6 : 4;
}

static void put_link(FILE *out, const struct op *op)
{
	put_word(out, op->link.program ? op->link.program : "kernel");
}

static void get_link(struct reader *r, struct op *op)
{
	const char *program = get_word(r);

	op->link.program = strcmp(program, "kernel") ? program : NULL;
}

static void put_hook(FILE *out, const struct op *op)
{
	put_word(out, op->hook);
}

static void get_hook(struct reader *r, struct op *op)
{
	op->hook = get_word(r);
}

/* The device goes with its link; no key is written. */
static void put_device(FILE *out, const struct op *op)
{
	fprintf(out, " %u", op->device.chose_fwmark ? op->device.device->fwmark : 0);
}

static void get_device(struct reader *r, struct op *op)
{
	struct wg_device *device = arena_alloc(r->arena, sizeof(*device));

	device->fwmark = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->device.chose_fwmark = device->fwmark != 0;
	op->device.device = device;
}

static void put_addr(FILE *out, const struct op *op)
{
	put_prefix(out, &op->addr);
}

static void get_addr(struct reader *r, struct op *op)
{
	op->addr = get_prefix(r);
}

static void put_link_up(FILE *out, const struct op *op)
{
	fprintf(out, " %u", op->mtu);
}

static void get_link_up(struct reader *r, struct op *op)
{
	op->mtu = (uint32_t)get_number(r, 0, UINT32_MAX);
}

static void put_zone(FILE *out, const struct op *op)
{
	const struct firewalld *f = op->zone.firewalld;

	put_word(out, f->program);
	put_word(out, f->ifname);
	put_word(out, f->zone);
	put_word(out, f->previous);
}

static void get_zone(struct reader *r, struct op *op)
{
	struct firewalld *f = arena_alloc(r->arena, sizeof(*f));

	f->program = get_word(r);
	f->ifname = get_word(r);
	f->zone = get_word(r);
	f->previous = get_word(r);
	f->answer = FIREWALLD_ZONE;
	op->zone.firewalld = f;
}

static void put_dns(FILE *out, const struct op *op)
{
	const struct resolver *resolver = op->dns.resolver;
	const struct dns *dns = resolver->dns;

	fprintf(out, " %d %d", resolver->kind, resolver->default_route);
	put_word(out, resolver->name);
	put_word(out, resolver->program ? resolver->program : "");
	put_words(out, dns->servers, dns->nservers);
	put_words(out, dns->searches, dns->nsearches);
	put_word(out, resolver->previous ? resolver->previous : "");
}

static void get_dns(struct reader *r, struct op *op)
{
	struct resolver *resolver = arena_alloc(r->arena, sizeof(*resolver));
	struct dns *dns = arena_alloc(r->arena, sizeof(*dns));

	resolver->kind = (enum resolver_kind)get_number(r, RESOLVER_NONE, RESOLVER_FILE);
	resolver->default_route = get_number(r, 0, 1);
	resolver->name = get_word(r);
	resolver->program = get_word(r);
	dns->servers = get_words(r, &dns->nservers);
	dns->searches = get_words(r, &dns->nsearches);
	resolver->previous = get_word(r);
	resolver->dns = dns;
	op->dns.resolver = resolver;
	if (!r->bad)
		resolver_restore(resolver, r->arena);
}

static void put_sysctl(FILE *out, const struct op *op)
{
	put_word(out, op->sysctl.name);
	fprintf(out, " %d %d %d %d", op->sysctl.value, op->sysctl.old, op->sysctl.needed,
		op->sysctl.shared);
}

static void get_sysctl(struct reader *r, struct op *op)
{
	op->sysctl.name = get_word(r);
	op->sysctl.value = (int)get_number(r, INT32_MIN, INT32_MAX);
	op->sysctl.old = (int)get_number(r, INT32_MIN, INT32_MAX);
	op->sysctl.needed = get_number(r, 0, 1);
	op->sysctl.shared = get_number(r, 0, 1);
	if (strncmp(op->sysctl.name, "net/", 4) || strstr(op->sysctl.name, ".."))
		r->bad = true;
}

static void put_fw_rule(FILE *out, const struct fw_rule *rule)
{
	fprintf(out, " %d %d %d %d", rule->hook, rule->verdict, rule->replies, rule->not_out);
	put_word(out, rule->in);
	put_word(out, rule->out);
	if (rule->source.family)
		put_prefix(out, &rule->source);
	else
		put_word(out, "");
}

static void get_ifname(struct reader *r, char ifname[IFNAMSIZ])
{
	const char *word = get_word(r);

	if (snprintf(ifname, IFNAMSIZ, "%s", word) >= IFNAMSIZ)
		r->bad = true;
}

static void get_fw_rule(struct reader *r, struct fw_rule *rule)
{
	struct str source;

	rule->hook = (uint8_t)get_number(r, 0, FW_POSTROUTING);
	rule->verdict = (uint8_t)get_number(r, 0, FW_MASQUERADE);
	rule->replies = get_number(r, 0, 1);
	rule->not_out = get_number(r, 0, 1);
	get_ifname(r, rule->in);
	get_ifname(r, rule->out);
	source.p = get_word(r);
	source.n = strlen(source.p);
	if (source.n && prefix_parse(&rule->source, source))
		r->bad = true;
}

static void put_firewall(FILE *out, const struct op *op)
{
	const struct fw_rules *rules = op->firewall.rules;

	fprintf(out, " %d %d", op->firewall.medium, family_digit(rules->family));
	put_word(out, rules->forward_chain);
	fprintf(out, " %zu", rules->n);
	for (size_t i = 0; i < rules->n; i++)
		put_fw_rule(out, &rules->v[i]);
}

static void get_firewall(struct reader *r, struct op *op)
{
	struct fw_rules *rules = arena_alloc(r->arena, sizeof(*rules));
	struct fw_rule *v;

	op->firewall.medium = (enum fw_medium)get_number(r, 0, FW_MEDIA - 1);
	rules->family = get_family(r);
	rules->forward_chain = get_word(r);
	rules->n = (size_t)get_number(r, 0, (long long)strlen(r->next));
	v = arena_alloc(r->arena, (rules->n + 1) * sizeof(*v));
	for (size_t i = 0; i < rules->n; i++)
		get_fw_rule(r, &v[i]);
	rules->v = v;
	op->firewall.rules = rules;
}

static void put_antispoof(FILE *out, const struct op *op)
{
	const struct antispoof *a = op->firewall.antispoof;

	fprintf(out, " %d %d %u %zu", op->firewall.medium, family_digit(a->family), a->fwmark,
		a->naddrs);
	for (size_t i = 0; i < a->naddrs; i++)
		put_prefix(out, &a->addrs[i]);
}

static void get_antispoof(struct reader *r, struct op *op)
{
	struct antispoof *a = arena_alloc(r->arena, sizeof(*a));
	struct prefix *addrs;

	op->firewall.medium = (enum fw_medium)get_number(r, 0, FW_MEDIA - 1);
	a->family = get_family(r);
	a->fwmark = (uint32_t)get_number(r, 0, UINT32_MAX);
	a->naddrs = (size_t)get_number(r, 0, (long long)strlen(r->next));
	addrs = arena_alloc(r->arena, (a->naddrs + 1) * sizeof(*addrs));
	for (size_t i = 0; i < a->naddrs; i++)
		addrs[i] = get_prefix(r);
	a->addrs = addrs;
	op->firewall.antispoof = a;
}

static void put_rule(FILE *out, const struct op *op)
{
	const struct rule *rule = &op->rule;

	fprintf(out, " %d %u %u %u %d %d", family_digit(rule->family), rule->priority, rule->table,
		rule->fwmark, rule->invert, rule->suppress_prefixlen);
}

static void get_rule(struct reader *r, struct op *op)
{
	op->rule.family = get_family(r);
	op->rule.priority = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->rule.table = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->rule.fwmark = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->rule.invert = get_number(r, 0, 1);
	op->rule.suppress_prefixlen = (int)get_number(r, -1, 128);
}

static void put_route(FILE *out, const struct op *op)
{
	put_prefix(out, &op->route.dst);
	fprintf(out, " %u %u", op->route.table, op->route.protocol);
}

static void get_route(struct reader *r, struct op *op)
{
	op->route.dst = get_prefix(r);
	op->route.table = (uint32_t)get_number(r, 0, UINT32_MAX);
	op->route.protocol = (uint8_t)get_number(r, 0, UINT8_MAX);
}

const struct record_form record_forms[OP_KINDS] = {
	[OP_ZONE] = { put_zone, get_zone },
	[OP_LINK] = { put_link, get_link },
	[OP_PRE_UP] = { put_hook, get_hook },
	[OP_DEVICE] = { put_device, get_device },
	[OP_ADDR] = { put_addr, get_addr },
	[OP_LINK_UP] = { put_link_up, get_link_up },
	[OP_DNS] = { put_dns, get_dns },
	[OP_SYSCTL] = { put_sysctl, get_sysctl },
	[OP_FIREWALL] = { put_firewall, get_firewall },
	[OP_ANTISPOOF] = { put_antispoof, get_antispoof },
	[OP_RULE] = { put_rule, get_rule },
	[OP_ROUTE] = { put_route, get_route },
	[OP_POST_UP] = { put_hook, get_hook },
	[OP_PRE_DOWN] = { put_hook, get_hook },
	[OP_POST_DOWN] = { put_hook, get_hook },
};
