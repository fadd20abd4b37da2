/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of the keys that wg-quick(8) reads. What it hands on to ip(8) is judged here as ip judges
 * it. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>

#include "wgq/conf/parser.h"

void parse_address(struct parser *p, const struct conf_key *key)
{
	struct str rest = p->line.value, word;

	while (lex_next_word(&rest, &word)) {
		struct prefix prefix;
		int err = prefix_parse_ip(&prefix, word);
		struct conf_addr *addr;

		if (err) {
			if (!diagnose_value(p, key, word))
				diagnose_prefix(p, word, 0, word, err);
			continue;
		}
		addr = ARENA_PUSH(p->c->arena, p->c->addrs, p->c->naddrs, p->c->addrs_capacity);
		*addr = (struct conf_addr){ prefix, line_span(&p->line, word) };
	}
}

/* The kernel tells IPv4 addresses apart by their length too, IPv6 addresses not. */
static int compare_addrs(const void *pa, const void *pb)
{
	const struct conf_addr *a = *(const struct conf_addr *const *)pa;
	const struct conf_addr *b = *(const struct conf_addr *const *)pb;
	struct prefix x = a->prefix, y = b->prefix;

	if (x.family == AF_INET6 && y.family == AF_INET6)
		x.len = y.len = 128;
	return prefix_compare(&x, &y);
}

static int compare_addrs_stably(const void *pa, const void *pb)
{
	const struct conf_addr *a = *(const struct conf_addr *const *)pa;
	const struct conf_addr *b = *(const struct conf_addr *const *)pb;
	int order = compare_addrs(pa, pb);

	return order ? order : (a > b) - (a < b);
}

void parser_check_addresses(struct parser *p)
{
	size_t n = p->c->naddrs;
	const struct conf_addr **order = arena_alloc(p->c->arena, n * sizeof(struct conf_addr *));

	for (size_t i = 0; i < n; i++)
		order[i] = &p->c->addrs[i];
	if (n)
		qsort(order, n, sizeof(struct conf_addr *), compare_addrs_stably);
	for (size_t i = 1; i < n; i++) {
		const struct conf_addr *a = order[i - 1], *b = order[i];
		size_t finding;

		if (compare_addrs(&a, &b))
			continue;
		finding = finding_add(p->f, FINDING_BAD_VALUE, source_place(&p->c->source, b->at),
				      "this Address is given twice, which the kernel refuses");
		finding_relate(p->f, finding, source_place(&p->c->source, a->at), "it stands here");
		finding_help(p->f, finding, "delete one of the two");
	}
}

/* What wg-quick takes for a server: digits and dots, or anything with a ':'. */
static bool is_server(struct str word)
{
	if (memchr(word.p, ':', word.n))
		return true;
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] != '.' && (word.p[i] < '0' || word.p[i] > '9'))
			return false;
	return true;
}

/* A word for the resolver goes there as it is; one that it cannot use is worth a warning. */
static void check_dns_word(struct parser *p, struct str word, const char *text)
{
	struct in6_addr addr;
	char host[INET6_ADDRSTRLEN + 1];
	size_t n = strcspn(text, "%"), i;

	if (diagnose_odd_character(p, FINDING_BAD_VALUE, word)) {
		p->f->v[p->f->n - 1].severity = SEV_WARNING;
		return;
	}
	if (!is_server(word))
		return;
	snprintf(host, sizeof(host), "%.*s", (int)n, text);
	if (n < sizeof(host) && inet_pton(strchr(host, ':') ? AF_INET6 : AF_INET, host, &addr) == 1)
		return;
	i = parser_warn(p, FINDING_BAD_VALUE, word,
			"this is given to the resolver as a server, but is no IP address");
	finding_help(p->f, i, "write the whole address, without a port");
}

void parse_dns(struct parser *p, const struct conf_key *key)
{
	struct dns *dns = &p->c->dns;
	struct str rest = p->line.value, word;

	(void)key;
	while (lex_next_word(&rest, &word)) {
		const char *text = arena_strndup(p->c->arena, word.p, word.n);

		check_dns_word(p, word, text);
		if (is_server(word))
			*ARENA_PUSH(p->c->arena, dns->servers, dns->nservers,
				    dns->servers_capacity) = text;
		else
			*ARENA_PUSH(p->c->arena, dns->searches, dns->nsearches,
				    dns->searches_capacity) = text;
	}
	p->c->dns_at = line_span(&p->line, p->line.value);
}

/* ip(8) reads a MTU with strtol(3), any base, into an int; the kernel refuses negative ones. */
void parse_mtu(struct parser *p, const struct conf_key *key)
{
	struct str value = p->line.value;
	const char *text = arena_strndup(p->c->arena, value.p, value.n);
	char *end;
	long mtu;
	size_t i;

	p->c->mtu = 0;
	p->c->mtu_at = line_span(&p->line, value);
	if (!value.n)
		return;
	errno = 0;
	mtu = strtol(text, &end, 0);
	if (end == text || *end) {
		if (diagnose_value(p, key, value))
			return;
		i = parser_fault(p, FINDING_BAD_VALUE, value, "MTU is no number");
		finding_help(p->f, i, "write the bytes of a packet, as MTU = 1420");
	} else if (mtu < 1 || mtu > INT_MAX || errno) {
		i = parser_fault(p, FINDING_BAD_VALUE, value, "MTU is outside 1-%d", INT_MAX);
		finding_help(p->f, i, "1420 is usual; without the line the right one is found");
	} else {
		p->c->mtu = (uint32_t)mtu;
	}
}

static bool bad_table(struct parser *p, const struct conf_key *key, struct str value)
{
	size_t i;

	for (i = 0; i < value.n && !lex_is_space(value.p[i]);)
		i++;
	if (i == value.n && !strchr("\"'=;", *value.p) && value.n < 256)
		return diagnose_odd_character(p, FINDING_BAD_VALUE, value);
	if (!diagnose_value(p, key, value)) {
		i = parser_fault(p, FINDING_BAD_VALUE, value, "Table is one word");
		finding_help(p->f, i, "write off, auto, a number, or a name from rt_tables");
	}
	return true;
}

/* ip(8) reads a number with strtoul(3), any base; wg-quick wants "off" and "auto" as they stand. */
void parse_table(struct parser *p, const struct conf_key *key)
{
	struct config *c = p->c;
	struct str value = p->line.value;
	char *text = arena_strndup(c->arena, value.p, value.n), *end;
	unsigned long number;
	size_t i;

	c->table_kind = TABLE_AUTO;
	c->table_at = line_span(&p->line, value);
	if (!value.n || !strcmp(text, "auto"))
		return;
	errno = 0;
	number = strtoul(text, &end, 0);
	if (!strcmp(text, "off")) {
		c->table_kind = TABLE_OFF;
	} else if (lex_equal(value, "off") || lex_equal(value, "auto")) {
		i = parser_fault(p, FINDING_BAD_VALUE, value,
				 "off and auto are written in lower case");
		finding_help(p->f, i, "write Table = %s", lex_equal(value, "off") ? "off" : "auto");
	} else if (end != text && !*end && (number > UINT32_MAX || errno)) {
		i = parser_fault(p, FINDING_BAD_VALUE, value, "Table is outside 0-4294967295");
		finding_help(p->f, i, "write off, auto, a number, or a name from rt_tables");
	} else if (end != text && !*end) {
		c->table_kind = TABLE_NUMBER;
		c->table = (uint32_t)number;
	} else if (!bad_table(p, key, value)) {
		c->table_kind = TABLE_NAME;
		c->table_name = text;
	}
}

void parse_hook(struct parser *p, const struct conf_key *key)
{
	struct conf_hooks *hooks = &p->c->hooks[key->number];
	struct conf_hook *hook = ARENA_PUSH(p->c->arena, hooks->v, hooks->n, hooks->capacity);
	struct str text = p->line.raw_value;

	hook->text = arena_strndup(p->c->arena, text.p, text.n);
	hook->at = line_span(&p->line, text);
}

bool conf_parse_bool(bool *value, struct str text)
{
	*value = lex_equal(text, "true");
	return *value || lex_equal(text, "false");
}

void parse_save_config(struct parser *p, const struct conf_key *key)
{
	size_t i;

	if (conf_parse_bool(&p->c->save_config, p->line.value) ||
	    diagnose_value(p, key, p->line.value))
		return;
	i = parser_fault(p, FINDING_BAD_VALUE, p->line.value,
			 "SaveConfig is neither true nor false");
	finding_help(p->f, i, "write SaveConfig = true, or SaveConfig = false");
}
