/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks/forward.h"

#include <stdarg.h>

struct builder {
	struct arena *arena;
	struct fw_rule *v;
	size_t n, capacity;
	const char *ifname;
	uint8_t family;
	enum fw_medium medium;
	bool is_home;
	const struct forward_tables *tables;
};

/* An accept in a table of one's own changes nothing, nor one in a chain that is not there and so
 * drops nothing. */
static bool counts(const struct builder *b, enum fw_hook hook, enum fw_verdict verdict)
{
	if (verdict != FW_ACCEPT)
		return b->is_home;
	if (b->medium == FW_NFTABLES)
		return false;
	return b->is_home ||
	       (hook == FW_INPUT ? b->tables->has_input : b->tables->forward_chain != NULL);
}

/* A rule about what enters by the tunnel; NULL if it does not count here. */
static struct fw_rule *push(struct builder *b, enum fw_hook hook, enum fw_verdict verdict)
{
	struct fw_rule *rule;

	if (!counts(b, hook, verdict))
		return NULL;
	rule = ARENA_PUSH(b->arena, b->v, b->n, b->capacity);
	*rule = (struct fw_rule){ .hook = (uint8_t)hook, .verdict = (uint8_t)verdict };
	return rule;
}

static void set_name(char to[IFNAMSIZ], const char *name)
{
	snprintf(to, IFNAMSIZ, "%s", name);
}

static void push_mesh(struct builder *b)
{
	struct fw_rule *rule = push(b, FW_FORWARD, FW_ACCEPT);

	if (rule) {
		set_name(rule->in, b->ifname);
		set_name(rule->out, b->ifname);
	}
	rule = push(b, FW_FORWARD, FW_DROP);
	if (rule) {
		set_name(rule->in, b->ifname);
		set_name(rule->out, b->ifname);
		rule->not_out = true;
	}
}

static void push_yes(struct builder *b)
{
	struct fw_rule *rule = push(b, FW_FORWARD, FW_ACCEPT);

	if (rule)
		set_name(rule->in, b->ifname);
	rule = push(b, FW_FORWARD, FW_ACCEPT);
	if (rule) {
		set_name(rule->out, b->ifname);
		rule->replies = true;
	}
}

static void push_masquerade(struct builder *b, const struct forward_keys *keys)
{
	for (size_t i = 0; i < keys->nmasquerade; i++) {
		for (size_t j = 0; j < keys->nnetworks; j++) {
			struct fw_rule *rule;

			if (keys->networks[j].family != b->family)
				continue;
			rule = push(b, FW_POSTROUTING, FW_MASQUERADE);
			if (!rule)
				return;
			set_name(rule->out, keys->masquerade[i]);
			rule->source = keys->networks[j];
		}
	}
}

static void push_allow_from(struct builder *b, const struct forward_keys *keys)
{
	for (size_t i = 0; i < keys->nallow_from; i++) {
		struct fw_rule *rule;

		if (keys->allow_from[i].family != b->family)
			continue;
		rule = push(b, FW_INPUT, FW_ACCEPT);
		if (!rule)
			return;
		set_name(rule->in, b->ifname);
		rule->source = keys->allow_from[i];
	}
}

void forward_rules(struct fw_rules *out, struct arena *a, const char *ifname, uint8_t family,
		   const struct forward_keys *keys, enum fw_medium medium, enum fw_medium home,
		   const struct forward_tables *tables)
{
	struct builder b = {
		.arena = a,
		.ifname = ifname,
		.family = family,
		.medium = medium,
		.is_home = medium == home,
		.tables = tables,
	};

	*out = (struct fw_rules){ .family = family, .forward_chain = tables->forward_chain };
	if (!out->forward_chain)
		out->forward_chain = "FORWARD";
	if (keys->mode == FORWARD_MESH)
		push_mesh(&b);
	else if (keys->mode == FORWARD_YES)
		push_yes(&b);
	push_masquerade(&b, keys);
	push_allow_from(&b, keys);
	out->v = b.v;
	out->n = b.n;
}

/* --- in words --- */

struct words {
	char *text;
	size_t size, used;
	bool full;
};

static void say(struct words *w, const char *fmt, ...) PRINTF(2, 3);

static void say(struct words *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = w->full ? 0 : vsnprintf(w->text + w->used, w->size - w->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= w->size - w->used)
		w->full = true;
	else
		w->used += (size_t)n;
}

static const char *const verdicts[][2] = {
	[FW_ACCEPT] = { "accept", "ACCEPT" },
	[FW_DROP] = { "drop", "DROP" },
	[FW_MASQUERADE] = { "masquerade", "MASQUERADE" },
};

const char *forward_program(enum fw_medium medium, uint8_t family)
{
	static const char *const programs[FW_MEDIA][2] = {
		[FW_NFTABLES] = { "nft", "nft" },
		[FW_IPTABLES_NFT] = { "iptables", "ip6tables" },
		[FW_IPTABLES_LEGACY] = { "iptables-legacy", "ip6tables-legacy" },
	};

	return programs[medium][family == AF_INET6];
}

static const char *nft_family(uint8_t family)
{
	return family == AF_INET6 ? "ip6" : "ip";
}

static void say_nft_chain(struct words *w, const char *ifname, uint8_t family, enum fw_hook hook)
{
	static const char *const chains[] = {
		[FW_INPUT] = "input '{ type filter hook input priority filter; }'",
		[FW_FORWARD] = "forward '{ type filter hook forward priority filter; }'",
		[FW_POSTROUTING] = "postrouting '{ type nat hook postrouting priority srcnat; }'",
	};

	say(w, "\nnft add chain %s wgq-%s %s", nft_family(family), ifname, chains[hook]);
}

static void say_nft_rule(struct words *w, const char *ifname, uint8_t family,
			 const struct fw_rule *rule)
{
	static const char *const chains[] = {
		[FW_INPUT] = "input",
		[FW_FORWARD] = "forward",
		[FW_POSTROUTING] = "postrouting",
	};
	char prefix[PREFIX_TEXT];

	say(w, "\nnft add rule %s wgq-%s %s", nft_family(family), ifname, chains[rule->hook]);
	if (*rule->in)
		say(w, " iifname %s", rule->in);
	if (*rule->out)
		say(w, " oifname %s%s", rule->not_out ? "!= " : "", rule->out);
	if (rule->source.family)
		say(w, " %s saddr %s", nft_family(family), prefix_format(prefix, &rule->source));
	if (rule->replies)
		say(w, " ct state established,related");
	say(w, " %s comment '\"wgq %s\"'", verdicts[rule->verdict][0], ifname);
}

static void say_nft(struct words *w, const char *ifname, const struct fw_rules *rules)
{
	unsigned chains = 0;

	say(w, "nft add table %s wgq-%s", nft_family(rules->family), ifname);
	for (size_t i = 0; i < rules->n; i++) {
		if (!(chains & 1u << rules->v[i].hook))
			say_nft_chain(w, ifname, rules->family, rules->v[i].hook);
		chains |= 1u << rules->v[i].hook;
	}
	for (size_t i = 0; i < rules->n; i++)
		say_nft_rule(w, ifname, rules->family, &rules->v[i]);
}

static void say_iptables_rule(struct words *w, const char *ifname, const struct fw_rule *rule)
{
	char prefix[PREFIX_TEXT];

	if (*rule->in)
		say(w, " -i %s", rule->in);
	if (*rule->out)
		say(w, "%s -o %s", rule->not_out ? " !" : "", rule->out);
	if (rule->source.family)
		say(w, " -s %s", prefix_format(prefix, &rule->source));
	if (rule->replies)
		say(w, " -m conntrack --ctstate RELATED,ESTABLISHED");
	say(w, " -m comment --comment \"wgq %s\" -j %s", ifname, verdicts[rule->verdict][1]);
}

/* Each inserted below the last, so that the order of the rules is that of the lines. */
static void say_iptables(struct words *w, enum fw_medium medium, const char *ifname,
			 const struct fw_rules *rules, bool add)
{
	size_t position[FW_POSTROUTING + 1] = { 0 };

	for (size_t i = 0; i < rules->n; i++) {
		const struct fw_rule *rule = &rules->v[i];
		const char *const chains[] = {
			[FW_INPUT] = "INPUT",
			[FW_FORWARD] = rules->forward_chain,
			[FW_POSTROUTING] = "POSTROUTING",
		};

		say(w, "%s%s", i ? "\n" : "", forward_program(medium, rules->family));
		if (rule->hook == FW_POSTROUTING)
			say(w, " -t nat");
		if (add)
			say(w, " -I %s %zu", chains[rule->hook], ++position[rule->hook]);
		else
			say(w, " -D %s", chains[rule->hook]);
		say_iptables_rule(w, ifname, rule);
	}
}

const char *forward_describe(char *text, size_t size, enum fw_medium medium, const char *ifname,
			     const struct fw_rules *rules, bool add)
{
	static const char more[] = "\n# and more rules";
	struct words w = { .text = text, .size = size - sizeof(more) };

	*text = '\0';
	if (medium != FW_NFTABLES && !rules->n)
		say(&w, "%s  # delete the rules with the comment \"wgq %s\"",
		    forward_program(medium, rules->family), ifname);
	else if (medium != FW_NFTABLES)
		say_iptables(&w, medium, ifname, rules, add);
	else if (add)
		say_nft(&w, ifname, rules);
	else
		say(&w, "nft delete table %s wgq-%s", nft_family(rules->family), ifname);
	if (w.full) {
		char *last = strrchr(text, '\n');

		snprintf(last ? last : text, sizeof(more), "%s", more);
	}
	return text;
}
