/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/shell_rules.h"

#include <strings.h>

/* What nobody writes is not worth its time. */
enum { WORDS_MAX = 256 };

const char *shell_program(const struct shell_command *c)
{
	const char *slash;

	if (c->words->opaque)
		return "";
	slash = strrchr(c->words->text, '/');
	return slash ? slash + 1 : c->words->text;
}

struct shell_act *shell_add_act(struct shell_acts *out, enum shell_act_kind kind)
{
	struct shell_act *act = ARENA_PUSH(out->arena, out->v, out->n, out->capacity);

	*act = (struct shell_act){ .kind = kind, .rule = { .variant = "", .scope = "" } };
	return act;
}

void shell_add_unknown(struct shell_acts *out, unsigned tools)
{
	shell_add_act(out, ACT_UNKNOWN)->tools = tools;
}

void shell_add_item(struct shell_acts *out, struct shell_rule *rule, const char *item)
{
	size_t i = rule->nitems;

	*ARENA_PUSH(out->arena, rule->items, rule->nitems, rule->items_capacity) = item;
	for (; i && strcmp(rule->items[i - 1], item) > 0; i--) {
		rule->items[i] = rule->items[i - 1];
		rule->items[i - 1] = item;
	}
}

bool shell_means_replies(const char *list)
{
	do {
		size_t n = strcspn(list, ",");

		if ((n != strlen("ESTABLISHED") || strncasecmp(list, "ESTABLISHED", n) != 0) &&
		    (n != strlen("RELATED") || strncasecmp(list, "RELATED", n) != 0))
			return false;
		list += n;
	} while (*list++);
	return true;
}

static bool same_variant(const char *a, const char *b)
{
	return !*a || !*b || !strcmp(a, b);
}

bool shell_rule_equal(const struct shell_rule *a, const struct shell_rule *b)
{
	if (a->tool != b->tool || !same_variant(a->variant, b->variant) ||
	    strcmp(a->scope, b->scope) != 0 || a->nitems != b->nitems)
		return false;
	for (size_t i = 0; i < a->nitems; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

bool shell_rule_within(const struct shell_rule *rule, const struct shell_rule *scope)
{
	return rule->tool == scope->tool && same_variant(rule->variant, scope->variant) &&
	       !strncmp(rule->scope, scope->scope, strlen(scope->scope));
}

/* --- switches of forwarding --- */

/* What stands between "net/" and the value, %s being the interface. The kernel forwards IPv6 by
 * the whole host's switch, or where force_forwarding says so; each interface's own is about router
 * advertisements. */
static const struct {
	const char *format;
	uint8_t family;
	bool whole_host;
	bool decides;
} switches[] = {
	{ "net/ipv4/ip_forward", 0, true, true },
	{ "net/ipv4/conf/all/forwarding", 0, true, true },
	{ "net/ipv4/conf/default/forwarding", 0, false, true },
	{ "net/ipv4/conf/%s/forwarding", 0, false, true },
	{ "net/ipv6/conf/all/forwarding", 1, true, true },
	{ "net/ipv6/conf/all/force_forwarding", 1, false, true },
	{ "net/ipv6/conf/default/forwarding", 1, false, false },
	{ "net/ipv6/conf/default/force_forwarding", 1, false, true },
	{ "net/ipv6/conf/%s/forwarding", 1, false, false },
	{ "net/ipv6/conf/%s/force_forwarding", 1, false, true },
};

/* Adds what writing value to the sysctl of this path, below /proc/sys, does. */
static void add_switch(struct shell_acts *out, const char *path, const char *value)
{
	char *end;
	long number = strtol(value, &end, 10);
	struct shell_act *act;

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		const char *rest = strstr(switches[i].format, "%s");
		size_t n = rest ? (size_t)(rest - switches[i].format) : 0;
		const char *own = rest ? arena_printf(out->arena, "%.*s%s%s", (int)n,
						      switches[i].format, out->ifname, rest + 2)
				       : switches[i].format;

		if (strcmp(path, own) != 0 || end == value || *end)
			continue;
		act = shell_add_act(out, ACT_SWITCH);
		act->family = switches[i].family;
		act->whole_host = switches[i].whole_host;
		act->decides = switches[i].decides;
		act->on = number != 0;
		return;
	}
	shell_add_act(out, ACT_OTHER);
}

/* sysctl(8) takes both signs; where '.' comes first they trade places, for the names of interfaces
 * that have dots. */
static void canonical_path(char *path)
{
	if (path[strcspn(path, "./")] != '.')
		return;
	for (; *path; path++) {
		if (*path == '.')
			*path = '/';
		else if (*path == '/')
			*path = '.';
	}
}

static void read_sysctl(struct shell_acts *out, const struct shell_command *c)
{
	size_t before = out->n;

	for (size_t i = 1; i < c->n; i++) {
		const char *word = c->words[i].text, *equals = strchr(word, '=');
		char *path;

		if (*word == '-' || !equals)
			continue;
		path = arena_strndup(out->arena, word, (size_t)(equals - word));
		canonical_path(path);
		add_switch(out, path, equals + 1);
	}
	if (out->n == before)
		shell_add_act(out, ACT_OTHER);
}

#define PROC "/proc/sys/"

/* What an echo prints, without its options; NULL: more than one word. */
static const char *echoed(const struct shell_command *c)
{
	size_t i = 1;

	if (c->opaque || (strcmp(shell_program(c), "echo") && strcmp(shell_program(c), "printf")))
		return NULL;
	while (i < c->n && *c->words[i].text == '-')
		i++;
	return i + 1 == c->n ? c->words[i].text : NULL;
}

static void add_written(struct shell_acts *out, const char *file, const char *value)
{
	if (file && value && !strncmp(file, PROC, strlen(PROC)))
		add_switch(out, file + strlen(PROC), value);
	else
		shell_add_act(out, ACT_OTHER);
}

static void read_echo(struct shell_acts *out, const struct shell_command *c)
{
	add_written(out, c->output, echoed(c));
}

/* echo 1 | tee FILE */
static void read_tee(struct shell_acts *out, const struct shell_command *c,
		     const struct shell_command *before)
{
	bool fed = c->joint == SHELL_PIPE && before;

	add_written(out, c->n == 2 ? c->words[1].text : NULL, fed ? echoed(before) : NULL);
}

/* --- ufw(8) --- */

struct words {
	const struct shell_command *command;
	size_t at;
};

static bool take_if(struct words *w, const char *word)
{
	bool same = w->at < w->command->n && !strcmp(w->command->words[w->at].text, word);

	w->at += same;
	return same;
}

static const char *take(struct words *w)
{
	return w->at < w->command->n ? w->command->words[w->at++].text : "";
}

/* "in on wg0 out on eth0", and what else there may be. */
static void read_ufw_match(struct words *w, struct shell_rule *rule)
{
	while (w->at < w->command->n) {
		if (take_if(w, "in") && take_if(w, "on"))
			rule->in = take(w);
		else if (take_if(w, "out") && take_if(w, "on"))
			rule->out = take(w);
		else if ((take_if(w, "from") || take_if(w, "to")) && take_if(w, "any"))
			continue;
		else if (take_if(w, "comment"))
			take(w);
		else
			rule->more = true, w->at++;
	}
}

/* The rule as ufw tells rules apart: without its place and its comment. */
static const char *ufw_words(struct shell_acts *out, const struct shell_command *c, size_t from)
{
	const char *text = "";

	for (size_t i = from; i < c->n && strcmp(c->words[i].text, "comment") != 0; i++)
		text = arena_printf(out->arena, "%s %s", text, c->words[i].text);
	return text;
}

static void read_ufw(struct shell_acts *out, const struct shell_command *c)
{
	static const char *const verbs[] = { "allow", "deny", "reject", "limit" };
	struct words w = { c, 1 };
	bool route, deletes, known = false;
	struct shell_act *act;
	const char *text;

	while (take_if(&w, "--force") || take_if(&w, "rule"))
		;
	route = take_if(&w, "route");
	deletes = take_if(&w, "delete");
	if (take_if(&w, "insert"))
		take(&w);
	take_if(&w, "prepend");
	for (size_t i = 0; i < ARRAY_SIZE(verbs) && w.at < c->n; i++)
		known |= !strcmp(c->words[w.at].text, verbs[i]);
	if (!known) {
		bool ends = deletes || take_if(&w, "reset") || take_if(&w, "disable");

		if (ends)
			shell_add_unknown(out, SHELL_UFW);
		else
			shell_add_act(out, ACT_OTHER);
		return;
	}
	text = ufw_words(out, c, w.at);
	act = shell_add_act(out, deletes ? ACT_DELETE : ACT_ADD);
	act->rule.tool = SHELL_UFW;
	act->rule.scope = route ? "route/" : "host/";
	act->rule.chain = route ? CHAIN_FORWARD : CHAIN_OTHER;
	act->rule.family[0] = act->rule.family[1] = true;
	act->rule.accepts = take_if(&w, "allow");
	act->rule.undo = arena_printf(out->arena, "ufw%s delete%s", route ? " route" : "", text);
	shell_add_item(out, &act->rule, text);
	read_ufw_match(&w, &act->rule);
}

/* --- firewall-cmd(1) --- */

#define ADDS    "--add-"
#define REMOVES "--remove-"

/* The words in one form: which zone, and "--port=1/udp" for adding and removing it alike. */
static const char *firewalld_item(struct shell_acts *out, const char *word)
{
	if (!strncmp(word, ADDS, strlen(ADDS)))
		return arena_printf(out->arena, "--%s", word + strlen(ADDS));
	if (!strncmp(word, REMOVES, strlen(REMOVES)))
		return arena_printf(out->arena, "--%s", word + strlen(REMOVES));
	return word;
}

/* Options whose value may be glued to them or be the next word. */
static void add_firewalld_items(struct shell_acts *out, struct shell_rule *rule,
				const struct shell_command *c)
{
	for (size_t i = 1; i < c->n; i++) {
		const char *item = firewalld_item(out, c->words[i].text);
		size_t n = strcspn(item, "=");

		if (!strcmp(item, "-q") || !strcmp(item, "--quiet"))
			continue;
		if (*item != '-' || !item[n]) {
			shell_add_item(out, rule, item);
			continue;
		}
		shell_add_item(out, rule, arena_strndup(out->arena, item, n));
		shell_add_item(out, rule, item + n + 1);
	}
}

static const char *firewalld_undo(struct shell_acts *out, const struct shell_command *c)
{
	const char *text = "firewall-cmd";

	for (size_t i = 1; i < c->n; i++) {
		struct str raw = c->words[i].raw;
		bool adds = raw.n > strlen(ADDS) && !strncmp(raw.p, ADDS, strlen(ADDS));

		if (adds) {
			raw.p += strlen(ADDS);
			raw.n -= strlen(ADDS);
		}
		text = arena_printf(out->arena, "%s %s%.*s", text, adds ? REMOVES : "",
				    STR_ARGS(raw));
	}
	return text;
}

static void read_firewalld(struct shell_acts *out, const struct shell_command *c)
{
	enum shell_act_kind kind = ACT_OTHER;
	struct shell_act *act;

	for (size_t i = 1; i < c->n; i++) {
		const char *word = c->words[i].text;

		if (!strcmp(word, "--reload") || !strcmp(word, "--complete-reload")) {
			shell_add_unknown(out, SHELL_TOOLS);
			return;
		}
		/* what ends by itself, and where an interface belongs */
		if (!strncmp(word, "--timeout", strlen("--timeout")) ||
		    !strncmp(word, "--add-interface", strlen("--add-interface"))) {
			kind = ACT_OTHER;
			break;
		}
		if (!strncmp(word, ADDS, strlen(ADDS)))
			kind = ACT_ADD;
		else if (!strncmp(word, REMOVES, strlen(REMOVES)))
			kind = ACT_DELETE;
	}
	act = shell_add_act(out, kind);
	act->rule.tool = SHELL_FIREWALLD;
	act->rule.more = true;
	act->rule.undo = firewalld_undo(out, c);
	if (kind != ACT_OTHER)
		add_firewalld_items(out, &act->rule, c);
}

/* --- which program --- */

static const struct {
	const char *name;
	unsigned tools; /* whose rules it may touch */
	void (*read)(struct shell_acts *out, const struct shell_command *c);
} programs[] = {
	{ "iptables", SHELL_IPTABLES, shell_read_iptables },
	{ "iptables-legacy", SHELL_IPTABLES, shell_read_iptables },
	{ "iptables-nft", SHELL_IPTABLES, shell_read_iptables },
	{ "ip6tables", SHELL_IP6TABLES, shell_read_iptables },
	{ "ip6tables-legacy", SHELL_IP6TABLES, shell_read_iptables },
	{ "ip6tables-nft", SHELL_IP6TABLES, shell_read_iptables },
	{ "nft", SHELL_NFT | SHELL_IPTABLES | SHELL_IP6TABLES, shell_read_nft },
	{ "ufw", SHELL_UFW, read_ufw },
	{ "firewall-cmd", SHELL_FIREWALLD, read_firewalld },
	{ "sysctl", 0, read_sysctl },
	{ "echo", 0, read_echo },
	{ "printf", 0, read_echo },
};

/* Programs that have no business with a firewall. */
static const char *const strangers[] = {
	"[",     "[[",    "bridge",     "cat",
	"cd",    "chmod", "chown",      "command",
	"cp",    "date",  "ethtool",    "exit",
	"false", "grep",  "ip",         "iptables-save",
	"kill",  "ln",    "logger",     "ls",
	"mkdir", "mv",    "ping",       "ip6tables-save",
	"pkill", "pwd",   "resolvconf", "resolvectl",
	"rm",    "sleep", "tc",         "systemd-resolve",
	"test",  "touch", "umask",      "wait",
	"wg",    "which", "modprobe",   "type",
};

static bool is_stranger(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
		if (!strcmp(name, strangers[i]))
			return true;
	return false;
}

void shell_recognise(struct shell_acts *out, const struct shell_command *c,
		     const struct shell_command *before)
{
	const char *name = shell_program(c);

	if (c->n > WORDS_MAX) {
		shell_add_unknown(out, SHELL_TOOLS);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (strcmp(name, programs[i].name) != 0)
			continue;
		if (c->opaque)
			shell_add_unknown(out, programs[i].tools);
		else
			programs[i].read(out, c);
		return;
	}
	if (!strcmp(name, "tee") && !c->opaque)
		read_tee(out, c, before);
	else if (!strcmp(name, "true") || !strcmp(name, ":"))
		shell_add_act(out, ACT_NOTHING);
	else if (is_stranger(name) || !strcmp(name, "tee"))
		shell_add_act(out, ACT_OTHER);
	else
		shell_add_unknown(out, SHELL_TOOLS);
}
