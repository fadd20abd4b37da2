/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iptables(8) and ip6tables(8). */
#include <strings.h>

#include "wgq/conf/shell_rules.h"

enum option_kind {
	OPTION_MATCH,  /* part of the rule, with one value */
	OPTION_ACTION, /* one of the next five, or something that touches no rule */
	OPTION_TABLE,
	OPTION_SKIP, /* no part of the rule; with as many values as its argument says */
	OPTION_WAIT, /* no part of the rule; its value is a number, or missing */
};

static const struct option {
	const char *name, *long_name;
	enum option_kind kind;
	unsigned argument; /* ACTION: enum shell_act_kind; SKIP: values */
} options[] = {
	{ "-A", "--append", OPTION_ACTION, ACT_ADD },
	{ "-I", "--insert", OPTION_ACTION, ACT_ADD },
	{ "-D", "--delete", OPTION_ACTION, ACT_DELETE },
	{ "-C", "--check", OPTION_ACTION, ACT_CHECK },
	{ "-F", "--flush", OPTION_ACTION, ACT_CLEAR },
	{ "-R", "--replace", OPTION_ACTION, ACT_CLEAR },
	{ "-N", "--new-chain", OPTION_ACTION, ACT_OTHER },
	{ "-X", "--delete-chain", OPTION_ACTION, ACT_OTHER },
	{ "-P", "--policy", OPTION_ACTION, ACT_OTHER },
	{ "-Z", "--zero", OPTION_ACTION, ACT_OTHER },
	{ "-L", "--list", OPTION_ACTION, ACT_OTHER },
	{ "-S", "--list-rules", OPTION_ACTION, ACT_OTHER },
	{ "-E", "--rename-chain", OPTION_ACTION, ACT_UNKNOWN },
	{ "-t", "--table", OPTION_TABLE, 0 },
	{ "-w", "--wait", OPTION_WAIT, 0 },
	{ "-W", "--wait-interval", OPTION_SKIP, 1 },
	{ "-c", "--set-counters", OPTION_SKIP, 2 },
	{ "-v", "--verbose", OPTION_SKIP, 0 },
	{ "-n", "--numeric", OPTION_SKIP, 0 },
	{ "-i", "--in-interface", OPTION_MATCH, 0 },
	{ "-o", "--out-interface", OPTION_MATCH, 0 },
	{ "-s", "--source", OPTION_MATCH, 0 },
	{ "-s", "--src", OPTION_MATCH, 0 },
	{ "-d", "--destination", OPTION_MATCH, 0 },
	{ "-d", "--dst", OPTION_MATCH, 0 },
	{ "-p", "--protocol", OPTION_MATCH, 0 },
	{ "-p", "--proto", OPTION_MATCH, 0 },
	{ "-m", "--match", OPTION_MATCH, 0 },
	{ "-j", "--jump", OPTION_MATCH, 0 },
	{ "-g", "--goto", OPTION_MATCH, 0 },
};

struct reader {
	struct shell_acts *out;
	const struct shell_command *command;
	size_t at; /* the next word */
	struct shell_act act;
	const char *table, *chain;
	const char *protocol;
	size_t action, number; /* words of the command: its action, and where -I inserts */
	bool has_action;
	bool negated; /* a '!' stands before the option at hand */
	bool broken;
};

static const char *peek(const struct reader *r)
{
	return r->at < r->command->n ? r->command->words[r->at].text : "";
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* The value of an option: glued to it, or the next word; '!' may stand before it too. */
static const char *take_value(struct reader *r, const char *glued)
{
	if (*glued)
		return glued;
	if (!strcmp(peek(r), "!")) {
		r->negated = true;
		r->at++;
	}
	if (r->at >= r->command->n) {
		r->broken = true;
		return "";
	}
	return r->command->words[r->at++].text;
}

static void skip_number(struct reader *r)
{
	if (is_number(peek(r)))
		r->at++;
}

static void take_action(struct reader *r, const struct option *o, const char *glued)
{
	bool has_chain = *glued || (*peek(r) && *peek(r) != '-');

	r->broken |= r->has_action;
	r->has_action = true;
	r->action = r->at - 1;
	r->act.kind = (enum shell_act_kind)o->argument;
	if (has_chain)
		r->chain = take_value(r, glued);
	else if (r->act.kind == ACT_ADD || r->act.kind == ACT_DELETE || r->act.kind == ACT_CHECK)
		r->broken = true;
	if (r->act.kind == ACT_OTHER && *peek(r) != '-') /* -P FORWARD DROP */
		r->at += r->at < r->command->n;
	if (!is_number(peek(r)))
		return;
	r->number = r->at++;
	/* which rule that is, nobody knows */
	if (r->act.kind == ACT_DELETE)
		r->act.kind = ACT_CLEAR;
}

static void add_item(struct reader *r, const char *name, const char *value)
{
	struct arena *a = r->out->arena;
	const char *item = arena_printf(a, "%s%s%s%s", r->negated ? "! " : "", name,
					*value ? " " : "", value);

	shell_add_item(r->out, &r->act.rule, item);
}

/* One form for all ways to write a network. */
static const char *canonical_network(struct reader *r, const char *value)
{
	struct prefix prefix;
	char text[PREFIX_TEXT];

	if (prefix_parse_ip(&prefix, (struct str){ value, strlen(value) }))
		return value;
	prefix = prefix_network(prefix);
	prefix_format(text, &prefix);
	return arena_strndup(r->out->arena, text, strlen(text));
}

static bool is_everything(const char *network)
{
	return !strcmp(network, "0.0.0.0/0") || !strcmp(network, "::/0");
}

static void match_in(struct shell_rule *rule, const char *value)
{
	rule->in = value;
}

static void match_out(struct shell_rule *rule, const char *value)
{
	rule->out = value;
}

static void match_source(struct shell_rule *rule, const char *value)
{
	rule->source = value;
}

static void match_target(struct shell_rule *rule, const char *value)
{
	rule->accepts = !strcmp(value, "ACCEPT");
	rule->masquerades = !strcmp(value, "MASQUERADE");
	rule->more |= !rule->accepts && !rule->masquerades;
}

static void match_extension(struct shell_rule *rule, const char *value)
{
	rule->more |= strcmp(value, "comment") != 0 && strcmp(value, "conntrack") != 0 &&
		      strcmp(value, "state") != 0;
}

static void match_state(struct shell_rule *rule, const char *value)
{
	rule->replies = shell_means_replies(value);
	rule->more |= !rule->replies;
}

static void match_comment(struct shell_rule *rule, const char *value)
{
	(void)rule;
	(void)value;
}

static const struct {
	const char *name;
	void (*match)(struct shell_rule *rule, const char *value);
} meanings[] = {
	{ "-i", match_in },         { "-o", match_out },
	{ "-s", match_source },     { "-j", match_target },
	{ "-m", match_extension },  { "--ctstate", match_state },
	{ "--state", match_state }, { "--comment", match_comment },
};

static void note_meaning(struct reader *r, const char *name, const char *value)
{
	struct shell_rule *rule = &r->act.rule;

	if (r->negated && !strcmp(name, "-o") && !rule->not_out) {
		rule->not_out = value;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(meanings) && !r->negated; i++) {
		if (!strcmp(name, meanings[i].name)) {
			meanings[i].match(rule, value);
			return;
		}
	}
	rule->more = true;
}

static char *lower(struct arena *a, const char *text)
{
	char *copy = arena_strndup(a, text, strlen(text));

	for (char *c = copy; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

static void take_match(struct reader *r, const char *name, const char *glued)
{
	const char *value = take_value(r, glued);

	if (name[1] == 's' || name[1] == 'd')
		value = canonical_network(r, value);
	if (name[1] == 'p')
		r->protocol = value = lower(r->out->arena, value);
	/* what matches everything is as good as not there */
	if (!r->negated && (is_everything(value) || (name[1] == 'p' && !strcmp(value, "all"))))
		return;
	add_item(r, name, value);
	note_meaning(r, name, value);
}

/* An option of an extension: its values go on to the next option. */
static void take_other(struct reader *r, const char *name, const char *glued)
{
	const char *value = glued;

	if (*name == '!') {
		r->broken = true;
		return;
	}
	while (r->at < r->command->n && *peek(r) != '-') {
		bool negates_next = !strcmp(peek(r), "!") && r->at + 1 < r->command->n &&
				    *r->command->words[r->at + 1].text == '-';

		if (negates_next)
			break;
		value = arena_printf(r->out->arena, "%s%s%s", value, *value ? " " : "", peek(r));
		r->at++;
	}
	add_item(r, name, value);
	note_meaning(r, name, value);
}

static void take_skipped(struct reader *r, unsigned n, const char *glued)
{
	for (n -= n && *glued; n; n--)
		take_value(r, "");
}

static void apply_option(struct reader *r, const struct option *o, const char *glued)
{
	switch (o->kind) {
	case OPTION_MATCH:
		take_match(r, o->name, glued);
		break;
	case OPTION_ACTION:
		take_action(r, o, glued);
		break;
	case OPTION_TABLE:
		r->table = take_value(r, glued);
		break;
	case OPTION_SKIP:
		take_skipped(r, o->argument, glued);
		break;
	case OPTION_WAIT:
		if (!*glued)
			skip_number(r);
		break;
	}
}

/* "-i wg0", "-iwg0", "--in-interface wg0", "--in-interface=wg0". */
static void take_option(struct reader *r)
{
	const char *word = r->command->words[r->at++].text;
	bool is_long = word[0] == '-' && word[1] == '-';
	size_t n = is_long ? strcspn(word, "=") : 2;

	for (size_t i = 0; i < ARRAY_SIZE(options) && strlen(word) >= n; i++) {
		const char *name = is_long ? options[i].long_name : options[i].name;

		if (strlen(name) == n && !strncmp(word, name, n)) {
			apply_option(r, &options[i], word + n + (word[n] == '='));
			return;
		}
	}
	if (is_long && word[n] == '=')
		take_other(r, arena_strndup(r->out->arena, word, n), word + n + 1);
	else
		take_other(r, word, "");
}

/* "-m tcp" says nothing that "-p tcp" does not. */
static void drop_implied_match(struct reader *r)
{
	struct shell_rule *rule = &r->act.rule;
	const char *implied;
	size_t kept = 0;

	if (!r->protocol)
		return;
	implied = arena_printf(r->out->arena, "-m %s", r->protocol);
	for (size_t i = 0; i < rule->nitems; i++)
		if (strcmp(rule->items[i], implied) != 0)
			rule->items[kept++] = rule->items[i];
	rule->nitems = kept;
}

/* The same words with -D, and without the place where the rule was inserted. */
static const char *make_undo(const struct reader *r)
{
	const char *text = shell_program(r->command);

	for (size_t i = 1; i < r->command->n; i++) {
		const struct shell_word *w = &r->command->words[i];
		bool is_long = w->text[1] == '-';
		const char *rest = w->text + (is_long ? strcspn(w->text, "=") : 2);

		if (i == r->number)
			continue;
		if (i == r->action)
			text = arena_printf(r->out->arena, "%s -D%s%s", text,
					    *rest == '=' ? " " : "", rest + (*rest == '='));
		else
			text = arena_printf(r->out->arena, "%s %.*s", text, STR_ARGS(w->raw));
	}
	return text;
}

static void set_meaning(struct reader *r, bool v6)
{
	struct shell_rule *rule = &r->act.rule;
	bool nat = !strcmp(r->table, "nat");

	rule->family[v6] = true;
	if (!strcmp(r->table, "filter") &&
	    (!strcmp(r->chain, "FORWARD") || !strcmp(r->chain, "DOCKER-USER")))
		rule->chain = CHAIN_FORWARD;
	else if (nat && !strcmp(r->chain, "POSTROUTING"))
		rule->chain = CHAIN_POSTROUTING;
}

void shell_read_iptables(struct shell_acts *out, const struct shell_command *c)
{
	const char *name = shell_program(c);
	bool v6 = !strncmp(name, "ip6", 3);
	struct reader r = { .out = out, .command = c, .at = 1, .table = "filter", .chain = "" };
	struct shell_rule *rule = &r.act.rule;
	const char *variant = strchr(name, '-');

	r.act.kind = ACT_OTHER;
	rule->tool = v6 ? SHELL_IP6TABLES : SHELL_IPTABLES;
	rule->variant = variant ? variant + 1 : "";
	while (r.at < c->n && !r.broken) {
		r.negated = !strcmp(peek(&r), "!");
		r.at += r.negated;
		if (*peek(&r) == '-')
			take_option(&r);
		else
			r.broken = true;
	}
	if (r.broken || r.act.kind == ACT_UNKNOWN) {
		shell_add_unknown(out, rule->tool);
		return;
	}
	drop_implied_match(&r);
	rule->scope = arena_printf(out->arena, *r.chain ? "%s/%s/" : "%s/", r.table, r.chain);
	set_meaning(&r, v6);
	if (r.act.kind == ACT_ADD)
		rule->undo = make_undo(&r);
	*shell_add_act(out, r.act.kind) = r.act;
}
