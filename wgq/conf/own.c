/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of wgq's own keys: what the tunnel asks of the host's forwarding and firewall. */
#include <limits.h>

#include "wgq/conf/parser.h"

/* The words of a key, by the number of their meaning, and what people write instead of them. */
struct choices {
	const char *words[4];
	size_t n;
	const char *list; /* "no, mesh or yes" */
	struct {
		const char *text;
		unsigned meant;
	} others[8];
};

static const struct choices forward_choices = {
	.words = { [FORWARD_NO] = "no", [FORWARD_MESH] = "mesh", [FORWARD_YES] = "yes" },
	.n = FORWARD_YES + 1,
	.list = "no, mesh or yes",
	.others = { { "off", FORWARD_NO },
		    { "false", FORWARD_NO },
		    { "0", FORWARD_NO },
		    { "on", FORWARD_YES },
		    { "true", FORWARD_YES },
		    { "1", FORWARD_YES } },
};

static const struct choices firewall_choices = {
	.words = { [FIREWALL_AUTO] = "auto",
		   [FIREWALL_NFTABLES] = "nftables",
		   [FIREWALL_IPTABLES] = "iptables",
		   [FIREWALL_OFF] = "off" },
	.n = FIREWALL_OFF + 1,
	.list = "auto, nftables, iptables or off",
	.others = { { "no", FIREWALL_OFF },
		    { "none", FIREWALL_OFF },
		    { "nft", FIREWALL_NFTABLES },
		    { "nf_tables", FIREWALL_NFTABLES },
		    { "ip_tables", FIREWALL_IPTABLES },
		    { "iptables-nft", FIREWALL_IPTABLES },
		    { "iptables-legacy", FIREWALL_IPTABLES } },
};

/* One typing error for each three letters, as in keys. */
static const char *nearest_word(const struct choices *c, struct str value)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->others) && c->others[i].text; i++)
		if (lex_equal(value, c->others[i].text))
			return c->words[c->others[i].meant];
	for (size_t i = 0; i < c->n; i++)
		if (3 * keys_distance(value, c->words[i]) <= strlen(c->words[i]))
			return c->words[i];
	return NULL;
}

/* Reads the value into *out; false: it is none of the words, which has been reported. */
static bool read_choice(struct parser *p, const struct conf_key *key, const struct choices *c,
			unsigned *out)
{
	struct str value = p->line.value;
	const char *near;
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (lex_equal(value, c->words[i])) {
			*out = (unsigned)i;
			return true;
		}
	}
	if (diagnose_value(p, key, value))
		return false;
	i = parser_fault(p, FINDING_BAD_VALUE, value, "%s is %s", key->name, c->list);
	near = nearest_word(c, value);
	if (near)
		finding_help(p->f, i, "did you mean %s = %s?", key->name, near);
	else
		finding_help(p->f, i, "write one of these words, or delete the line");
	return false;
}

void parse_forward(struct parser *p, const struct conf_key *key)
{
	struct conf_forward *forward = &p->c->forward;
	unsigned mode;

	p->bad_forward = !read_choice(p, key, &forward_choices, &mode);
	if (p->bad_forward)
		return;
	forward->mode = (enum forward_mode)mode;
	forward->mode_at = line_span(&p->line, p->line.value);
}

void parse_firewall(struct parser *p, const struct conf_key *key)
{
	struct conf_forward *forward = &p->c->forward;
	unsigned choice;

	if (!read_choice(p, key, &firewall_choices, &choice))
		return;
	forward->firewall = (enum firewall_choice)choice;
	forward->firewall_at = line_span(&p->line, p->line.value);
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("_=+.-@", c));
}

/* Reports why word is no interface's name and returns true, or false if it is one. */
static bool report_name(struct parser *p, const struct conf_key *key, struct str word)
{
	size_t bad, i;

	for (bad = 0; bad < word.n && is_name_char(word.p[bad]);)
		bad++;
	/* the kernel allows them, but whoever writes them means all names that begin so */
	if (bad + 1 == word.n ? word.p[bad] == '*' : bad == word.n && word.p[bad - 1] == '+') {
		i = parser_fault(p, FINDING_BAD_VALUE, word,
				 "%s takes names of interfaces, not patterns", key->name);
		finding_help(p->f, i, "write each interface, separated by commas");
	} else if (bad < word.n) {
		if (diagnose_value(p, key, word))
			return true;
		i = parser_fault(p, FINDING_BAD_VALUE, (struct str){ word.p + bad, 1 },
				 "'%c' is not allowed in the name of an interface", word.p[bad]);
		finding_help(p->f, i, "write names of interfaces, separated by commas");
	} else if (word.n >= IFNAMSIZ) {
		i = parser_fault(p, FINDING_BAD_VALUE, word,
				 "this name has %zu characters, the limit of an interface's is %d",
				 word.n, IFNAMSIZ - 1);
		finding_help(p->f, i, "`ip link` shows the names that there are");
	} else if (word.n <= 2 && !memcmp(word.p, "..", word.n)) {
		parser_fault(p, FINDING_BAD_VALUE, word, "no interface can be named so");
	} else {
		return false;
	}
	return true;
}

static bool has_name(const struct conf_forward *forward, struct str name)
{
	for (size_t i = 0; i < forward->nmasquerade; i++)
		if (strlen(forward->masquerade[i].text) == name.n &&
		    !memcmp(forward->masquerade[i].text, name.p, name.n))
			return true;
	return false;
}

void parse_masquerade(struct parser *p, const struct conf_key *key)
{
	struct conf_forward *forward = &p->c->forward;
	struct str rest = p->line.value, word;

	while (lex_next_word(&rest, &word)) {
		if (report_name(p, key, word) || has_name(forward, word))
			continue;
		*ARENA_PUSH(p->c->arena, forward->masquerade, forward->nmasquerade,
			    forward->masquerade_capacity) = (struct conf_word){
			arena_strndup(p->c->arena, word.p, word.n), line_span(&p->line, word)
		};
	}
}

static void report_source(struct parser *p, const struct conf_key *key, struct str word, int err)
{
	size_t i;

	if (diagnose_value(p, key, word))
		return;
	if (keys_distance(word, "peers") > 1) {
		diagnose_prefix(p, word, 0, word, err);
		return;
	}
	i = parser_fault(p, FINDING_BAD_VALUE, word, "this is neither a prefix nor peers");
	finding_help(p->f, i, "did you mean %s = peers?", key->name);
}

void parse_allow_from(struct parser *p, const struct conf_key *key)
{
	struct conf_forward *forward = &p->c->forward;
	struct str rest = p->line.value, word;

	while (lex_next_word(&rest, &word)) {
		struct prefix prefix;
		int err;

		if (lex_equal(word, "peers")) {
			forward->allow_peers = true;
			forward->allow_peers_at = line_span(&p->line, word);
			continue;
		}
		err = prefix_parse(&prefix, word);
		if (err) {
			report_source(p, key, word, err);
			continue;
		}
		if (prefix_has_host_bits(&prefix))
			parser_warn_host_bits(p, word, &prefix);
		*ARENA_PUSH(p->c->arena, forward->allow_from, forward->nallow_from,
			    forward->allow_from_capacity) =
			(struct conf_addr){ prefix_network(prefix), line_span(&p->line, word) };
	}
}

static int compare_sources(const void *pa, const void *pb)
{
	const struct conf_addr *a = *(struct conf_addr *const *)pa;
	const struct conf_addr *b = *(struct conf_addr *const *)pb;
	int order = prefix_compare(&a->prefix, &b->prefix);

	return order ? order : (a > b) - (a < b);
}

/* A prefix given twice would be a rule given twice: the first one stays. */
static void drop_repeated_sources(struct parser *p)
{
	struct conf_forward *forward = &p->c->forward;
	size_t n = forward->nallow_from, kept = 0;
	struct conf_addr **order = arena_alloc(p->c->arena, n * sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = &forward->allow_from[i];
	if (n)
		qsort(order, n, sizeof(*order), compare_sources);
	for (size_t first = 0, i = 1; i < n; i++) {
		if (prefix_compare(&order[first]->prefix, &order[i]->prefix))
			first = i;
		else
			order[i]->at.line = 0;
	}
	for (size_t i = 0; i < n; i++)
		if (forward->allow_from[i].at.line)
			forward->allow_from[kept++] = forward->allow_from[i];
	forward->nallow_from = kept;
}

static void check_masquerade(struct parser *p)
{
	const struct conf_forward *forward = &p->c->forward;
	const struct source *source = &p->c->source;
	size_t i;

	if (!forward->nmasquerade || forward->mode == FORWARD_YES || p->bad_forward ||
	    forward->firewall == FIREWALL_OFF)
		return;
	i = finding_add(p->f, FINDING_BAD_VALUE, source_place(source, forward->masquerade[0].at),
			"Masquerade needs Forward = yes: nothing leaves the tunnel without");
	if (forward->mode_at.line)
		finding_relate(p->f, i, source_place(source, forward->mode_at),
			       "Forward says otherwise");
	finding_help(p->f, i, "write Forward = yes, or delete the line");
}

/* What only rules can do cannot be had without a firewall. */
static void check_firewall_off(struct parser *p)
{
	const struct conf_forward *forward = &p->c->forward;
	const struct source *source = &p->c->source;
	const struct span none = { 0 };
	const struct {
		const char *what;
		struct span at;
	} needs[] = {
		{ "Forward = mesh", forward->mode == FORWARD_MESH ? forward->mode_at : none },
		{ "Masquerade", forward->nmasquerade ? forward->masquerade[0].at : none },
		{ "AllowFrom",
		  forward->nallow_from ? forward->allow_from[0].at : forward->allow_peers_at },
	};

	if (forward->firewall != FIREWALL_OFF)
		return;
	for (size_t k = 0; k < ARRAY_SIZE(needs); k++) {
		size_t i;

		if (!needs[k].at.line)
			continue;
		i = finding_add(p->f, FINDING_BAD_VALUE, source_place(source, needs[k].at),
				"%s cannot be kept without a firewall", needs[k].what);
		finding_relate(p->f, i, source_place(source, forward->firewall_at),
			       "it is off here");
		finding_help(p->f, i, "delete the line, or Firewall = off");
	}
}

void parser_check_own(struct parser *p)
{
	drop_repeated_sources(p);
	check_masquerade(p);
	check_firewall_off(p);
}

static void print_choice(const struct printer *p, const struct conf_key *key,
			 const struct choices *c, unsigned value)
{
	if (value)
		fprintf(p->out, "%s = %s\n", key->name, c->words[value]);
}

void print_forward(const struct printer *p, const struct conf_key *key)
{
	print_choice(p, key, &forward_choices, p->c->forward.mode);
}

void print_firewall(const struct printer *p, const struct conf_key *key)
{
	print_choice(p, key, &firewall_choices, p->c->forward.firewall);
}

void print_masquerade(const struct printer *p, const struct conf_key *key)
{
	for (size_t i = 0; i < p->c->forward.nmasquerade; i++)
		fprintf(p->out, "%s = %s\n", key->name, p->c->forward.masquerade[i].text);
}

void print_allow_from(const struct printer *p, const struct conf_key *key)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < p->c->forward.nallow_from; i++)
		fprintf(p->out, "%s = %s\n", key->name,
			prefix_format(text, &p->c->forward.allow_from[i].prefix));
	if (p->c->forward.allow_peers)
		fprintf(p->out, "%s = peers\n", key->name);
}
