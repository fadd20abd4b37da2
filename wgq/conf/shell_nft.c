/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft(8), as far as its words come on the command line. */
#include <strings.h>

#include "wgq/conf/shell_rules.h"

enum { WORDS_MAX = 64 };

/* One statement of a script, cut into words. */
struct statement {
	const char *words[WORDS_MAX]; /* the last one is followed by "" */
	size_t n;
	size_t at; /* the next word */
};

static const char *take(struct statement *st)
{
	return st->at < st->n ? st->words[st->at++] : "";
}

static const char *peek(const struct statement *st)
{
	return st->at < st->n ? st->words[st->at] : "";
}

static bool take_if(struct statement *st, const char *word)
{
	bool same = !strcmp(peek(st), word);

	st->at += same;
	return same;
}

static bool is_one_of(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, list[i]))
			return true;
	return false;
}

static const char *take_family(struct statement *st)
{
	static const char *const families[] = {
		"ip", "ip6", "inet", "arp", "bridge", "netdev",
	};

	return is_one_of(peek(st), families, ARRAY_SIZE(families)) ? take(st) : "ip";
}

static void set_meaning(struct shell_rule *rule, const char *family, const char *chain)
{
	rule->family[0] = !strcmp(family, "ip") || !strcmp(family, "inet");
	rule->family[1] = !strcmp(family, "ip6") || !strcmp(family, "inet");
	if (!strcasecmp(chain, "forward") || !strcmp(chain, "DOCKER-USER"))
		rule->chain = CHAIN_FORWARD;
	else if (!strcasecmp(chain, "postrouting"))
		rule->chain = CHAIN_POSTROUTING;
}

/* An interface's name, or what names more than one. */
static void take_interface(struct statement *st, struct shell_rule *rule, const char **slot)
{
	const char *name = take(st);

	if (!strcmp(name, "!=") || *name == '{' || *name == '@' || !strcmp(name, "=="))
		rule->more = true;
	else
		*slot = name;
}

static void take_state(struct statement *st, struct shell_rule *rule)
{
	rule->replies = shell_means_replies(take(st));
	rule->more |= !rule->replies;
}

static void take_match(struct statement *st, struct shell_rule *rule)
{
	const char *word = take(st);

	if (!strcmp(word, "iifname") || !strcmp(word, "iif"))
		take_interface(st, rule, &rule->in);
	else if (!strcmp(word, "oifname") || !strcmp(word, "oif"))
		take_interface(st, rule, &rule->out);
	else if ((!strcmp(word, "ip") || !strcmp(word, "ip6")) && take_if(st, "saddr"))
		rule->source = take(st);
	else if (!strcmp(word, "ct") && take_if(st, "state"))
		take_state(st, rule);
	else if (!strcmp(word, "accept"))
		rule->accepts = true;
	else if (!strcmp(word, "masquerade"))
		rule->masquerades = true;
	else if (!strcmp(word, "comment"))
		take(st);
	else
		rule->more |= strcmp(word, "counter") != 0;
}

static void add_table(struct shell_acts *out, struct statement *st)
{
	const char *family = take_family(st), *table = take(st);
	struct shell_act *act = shell_add_act(out, ACT_ADD);

	act->rule.tool = SHELL_NFT;
	act->rule.scope = arena_printf(out->arena, "%s/%s/", family, table);
	act->rule.undo = arena_printf(out->arena, "nft delete table %s %s", family, table);
}

static void add_rule(struct shell_acts *out, struct statement *st)
{
	const char *family = take_family(st), *table = take(st), *chain = take(st);
	struct shell_act *act = shell_add_act(out, ACT_ADD);
	struct shell_rule *rule = &act->rule;

	rule->tool = SHELL_NFT;
	rule->scope = arena_printf(out->arena, "%s/%s/%s/", family, table, chain);
	if (take_if(st, "handle") || take_if(st, "position") || take_if(st, "index"))
		take(st);
	set_meaning(rule, family, chain);
	while (st->at < st->n) {
		shell_add_item(out, rule, peek(st));
		take_match(st, rule);
	}
}

/* A table of iptables-nft, as others see it. */
static bool is_of_iptables(const char *family, const char *table)
{
	static const char *const tables[] = { "filter", "nat", "mangle", "raw", "security" };

	return (!strcmp(family, "ip") || !strcmp(family, "ip6")) &&
	       is_one_of(table, tables, ARRAY_SIZE(tables));
}

/* Which rule of a chain has a handle, nobody knows. */
static void clear(struct shell_acts *out, struct statement *st)
{
	const char *object = take(st), *family = take_family(st), *table = take(st);
	bool of_table = !strcmp(object, "table");
	struct shell_act *act;

	if ((!of_table && strcmp(object, "chain") != 0 && strcmp(object, "rule") != 0) ||
	    !strcmp(table, "handle") || !*table) {
		shell_add_unknown(out, strcmp(object, "ruleset") ? SHELL_NFT : SHELL_TOOLS);
		return;
	}
	if (is_of_iptables(family, table))
		shell_add_unknown(out, SHELL_IPTABLES | SHELL_IP6TABLES);
	act = shell_add_act(out, ACT_CLEAR);
	act->rule.tool = SHELL_NFT;
	act->rule.scope = of_table ? arena_printf(out->arena, "%s/%s/", family, table)
				   : arena_printf(out->arena, "%s/%s/%s/", family, table, take(st));
}

static void add(struct shell_acts *out, struct statement *st)
{
	if (take_if(st, "table"))
		add_table(out, st);
	else if (take_if(st, "rule"))
		add_rule(out, st);
	else
		shell_add_act(out, ACT_OTHER);
}

static void read_statement(struct shell_acts *out, struct statement *st)
{
	static const char *const adds[] = { "add", "insert", "create" };
	static const char *const deletes[] = { "delete", "destroy", "flush" };
	static const char *const others[] = { "list", "replace", "reset", "rename", "monitor" };
	const char *verb = peek(st);

	if (is_one_of(verb, adds, ARRAY_SIZE(adds))) {
		take(st);
		add(out, st);
	} else if (is_one_of(verb, deletes, ARRAY_SIZE(deletes))) {
		take(st);
		clear(out, st);
	} else if (!strcmp(verb, "table")) {
		add(out, st);
	} else if (is_one_of(verb, others, ARRAY_SIZE(others))) {
		shell_add_act(out, ACT_OTHER);
	} else {
		shell_add_unknown(out, SHELL_NFT);
	}
}

/* Goes behind the word at p; a block in braces and a text in quotes are one word. */
static const char *word_end(const char *p)
{
	unsigned depth = 0;
	bool quoted = false;

	for (; *p; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (*p == '{')
			depth++;
		else if (*p == '}')
			depth -= depth > 0;
		else if (!depth && strchr(" \t\n;", *p))
			break;
	}
	return p;
}

static void add_word(struct statement *st, struct arena *a, const char *p, size_t n)
{
	if (n >= 2 && *p == '"' && p[n - 1] == '"') {
		p++;
		n -= 2;
	}
	if (st->n < WORDS_MAX)
		st->words[st->n++] = arena_strndup(a, p, n);
}

static void read_script(struct shell_acts *out, const char *p)
{
	struct statement st = { 0 };

	for (;;) {
		const char *end;

		p += strspn(p, " \t");
		if (!*p || *p == ';' || *p == '\n') {
			if (st.n == WORDS_MAX)
				shell_add_unknown(out, SHELL_NFT);
			else if (st.n)
				read_statement(out, &st);
			st = (struct statement){ 0 };
			if (!*p++)
				return;
			continue;
		}
		end = word_end(p);
		add_word(&st, out->arena, p, (size_t)(end - p));
		p = end;
	}
}

void shell_read_nft(struct shell_acts *out, const struct shell_command *c)
{
	const char *text = "";
	size_t before = out->n;

	for (size_t i = 1; i < c->n; i++) {
		const char *word = c->words[i].text;

		/* a file, or a dialogue */
		if (!*text && *word == '-' && (strpbrk(word, "fic") || word[1] == '-')) {
			shell_add_unknown(out, SHELL_NFT | SHELL_IPTABLES | SHELL_IP6TABLES);
			return;
		}
		if (*text || *word != '-')
			text = arena_printf(out->arena, "%s%s%s", text, *text ? " " : "", word);
	}
	read_script(out, text);
	if (out->n == before)
		shell_add_act(out, ACT_OTHER);
}
