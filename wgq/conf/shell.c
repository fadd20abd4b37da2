/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/conf/shell.h"

#include "wgq/conf/shell_rules.h"

/* Of more rules, nothing is said. */
enum { RULES_MAX = 1024 };

/* Where in the hooks something is done. */
struct site {
	const struct conf_hook *hook;
	enum hook kind;
	struct str raw; /* of the command, in the hook's text */
};

/* A rule that is there after the hooks so far. */
struct kept {
	struct shell_rule rule;
	struct site site;
};

/* All hooks, read in the order in which they run. */
struct walk {
	struct arena *arena;
	const struct config *config;
	const char *ifname;
	struct kept *kept;
	size_t nkept, kept_capacity;
	struct kept *up; /* what kept was before the hooks of down */
	size_t nup;
	bool host_on[2], own_on[2]; /* switches of forwarding */
	bool switched_on;           /* any of them, by the hooks of up */
	struct site off[2];         /* turns the whole host's off; hook NULL: none */
	unsigned doubts;            /* enum shell_tool: down may have deleted any rule of theirs */
	bool plain;                 /* the hooks do nothing that wgq's own keys would not do */
	bool only_mesh;             /* and Forward = mesh is enough */
	struct shell_script *list;  /* takes what is certain to run; NULL: nobody asks */
	/* the hook and the command at hand */
	struct site at;
	bool certain; /* it runs whenever the hook does */
	bool compound;
};

static bool is_down(enum hook kind)
{
	return kind == HOOK_PRE_DOWN || kind == HOOK_POST_DOWN;
}

/* "wg+" of iptables and "wg*" of nft are all names that begin so. */
static bool name_matches(const char *pattern, const char *ifname)
{
	size_t n = strlen(pattern);
	bool open = n && (pattern[n - 1] == '+' || pattern[n - 1] == '*');

	return open ? !strncmp(pattern, ifname, n - 1) : !strcmp(pattern, ifname);
}

static bool is_any_or(const char *pattern, const char *ifname)
{
	return !pattern || name_matches(pattern, ifname);
}

/* --- what a rule does --- */

static bool read_network(struct prefix *p, const char *text)
{
	return !prefix_parse_ip(p, (struct str){ text, strlen(text) });
}

/* Is network a part of what the tunnel's peers and this host have? */
static bool is_of_tunnel(const struct config *c, const struct prefix *network)
{
	for (size_t i = 0; i < c->naddrs; i++)
		if (prefix_contains(&c->addrs[i].prefix, network))
			return true;
	for (size_t i = 0; i < c->device.npeers; i++)
		for (size_t k = 0; k < c->device.peers[i].nallowed_ips; k++)
			if (c->device.peers[i].allowed_ips[k].prefix.len &&
			    prefix_contains(&c->device.peers[i].allowed_ips[k].prefix, network))
				return true;
	return false;
}

/* Does network hold the network of an Address? */
static bool holds_tunnel(const struct config *c, const struct prefix *network)
{
	for (size_t i = 0; i < c->naddrs; i++) {
		struct prefix own = prefix_network(c->addrs[i].prefix);

		if (prefix_contains(network, &own))
			return true;
	}
	return false;
}

static bool accepts(const struct walk *w, const struct shell_rule *r)
{
	return r->chain == CHAIN_FORWARD && r->accepts && !r->more && !r->replies && !r->source &&
	       !r->not_out && is_any_or(r->in, w->ifname);
}

/* What comes from the tunnel and leaves elsewhere. */
static bool masquerades(const struct walk *w, const struct shell_rule *r)
{
	struct prefix source;

	return r->chain == CHAIN_POSTROUTING && r->masquerades && !r->more && !r->replies &&
	       !r->in && !(r->out && name_matches(r->out, w->ifname)) &&
	       (!r->not_out || !strcmp(r->not_out, w->ifname)) &&
	       (!r->source ||
		(read_network(&source, r->source) && holds_tunnel(w->config, &source)));
}

/* --- what a key would do as well --- */

/* The part of wgq's own keys that a rule is. */
enum key_part { PART_NONE, PART_YES, PART_MESH, PART_MASQUERADE };

static bool is_own(const struct walk *w, const char *name)
{
	return name && !strcmp(name, w->ifname);
}

/* One interface, in letters that a help text may repeat. */
static bool is_interface(const char *name)
{
	size_t n = strlen(name);

	return n && n < IFNAMSIZ &&
	       n == strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "_=.-@");
}

static enum key_part find_part(const struct walk *w, const struct shell_rule *r)
{
	struct prefix source;

	if (r->more || r->not_out)
		return PART_NONE;
	if (r->chain == CHAIN_FORWARD && r->accepts && !r->source) {
		if (is_own(w, r->in) && !r->replies && (!r->out || is_own(w, r->out)))
			return r->out ? PART_MESH : PART_YES;
		return !r->in && is_own(w, r->out) && r->replies ? PART_YES : PART_NONE;
	}
	if (r->chain != CHAIN_POSTROUTING || !r->masquerades || r->replies || r->in || !r->out ||
	    is_own(w, r->out) || !is_interface(r->out))
		return PART_NONE;
	return !r->source || (read_network(&source, r->source) && is_of_tunnel(w->config, &source))
		       ? PART_MASQUERADE
		       : PART_NONE;
}

/* --- the walk --- */

static void note_nothing(struct walk *w, const struct shell_act *act)
{
	(void)w;
	(void)act;
}

static void note_other(struct walk *w, const struct shell_act *act)
{
	(void)act;
	w->plain = false;
}

static void note_add(struct walk *w, const struct shell_act *act)
{
	enum key_part part = find_part(w, &act->rule);
	bool counts = w->certain && !is_down(w->at.kind);

	w->plain &= counts && part != PART_NONE;
	w->only_mesh &= part == PART_MESH;
	if (w->nkept == RULES_MAX)
		w->doubts = SHELL_TOOLS;
	else if (counts)
		*ARENA_PUSH(w->arena, w->kept, w->nkept,
			    w->kept_capacity) = (struct kept){ act->rule, w->at };
}

static void note_check(struct walk *w, const struct shell_act *act)
{
	w->plain &= find_part(w, &act->rule) != PART_NONE;
}

static void forget(struct walk *w, size_t i)
{
	memmove(&w->kept[i], &w->kept[i + 1], (--w->nkept - i) * sizeof(*w->kept));
}

/* Each deletion takes one rule away, the first of its like; in a loop, all. */
static void note_delete(struct walk *w, const struct shell_act *act)
{
	w->plain &= find_part(w, &act->rule) != PART_NONE;
	for (size_t i = 0; i < w->nkept;) {
		if (!shell_rule_equal(&w->kept[i].rule, &act->rule)) {
			i++;
			continue;
		}
		forget(w, i);
		if (!w->compound)
			return;
	}
}

static void note_clear(struct walk *w, const struct shell_act *act)
{
	w->plain = false;
	for (size_t i = 0; i < w->nkept;) {
		if (shell_rule_within(&w->kept[i].rule, &act->rule))
			forget(w, i);
		else
			i++;
	}
}

static void note_switch(struct walk *w, const struct shell_act *act)
{
	bool down = is_down(w->at.kind);

	w->plain &= w->certain;
	if (!w->certain)
		return;
	w->switched_on |= act->on && !down;
	if (!act->decides)
		return;
	if (act->whole_host) {
		w->host_on[act->family] = act->on;
		w->own_on[act->family] &= act->on;
		w->off[act->family] = down && !act->on ? w->at : (struct site){ 0 };
	} else {
		w->own_on[act->family] = act->on;
	}
}

static void note_unknown(struct walk *w, const struct shell_act *act)
{
	w->plain = false;
	if (is_down(w->at.kind))
		w->doubts |= act->tools;
}

static void (*const notes[])(struct walk *w, const struct shell_act *act) = {
	[ACT_NOTHING] = note_nothing, [ACT_OTHER] = note_other,     [ACT_ADD] = note_add,
	[ACT_CHECK] = note_check,     [ACT_DELETE] = note_delete,   [ACT_CLEAR] = note_clear,
	[ACT_SWITCH] = note_switch,   [ACT_UNKNOWN] = note_unknown,
};

/* What the run of the commands so far says of the next one. */
struct course {
	bool certain;
	bool left;   /* an exit may have ended it */
	bool check;  /* the last command only asks whether a rule is there */
	bool steady; /* the last command is not there to fail */
};

/* What does its work, and fails only where something is wrong. */
static bool is_steady(const struct shell_acts *acts, const struct shell_command *c)
{
	static const char *const askers[] = { "[",  "[[",   "test",  "grep", "which", "command",
					      "ls", "type", "false", "cat",  "ping",  "pkill" };

	for (size_t i = 0; i < ARRAY_SIZE(askers); i++)
		if (!strcmp(shell_program(c), askers[i]))
			return false;
	for (size_t i = 0; i < acts->n; i++)
		if (acts->v[i].kind == ACT_CHECK || acts->v[i].tools == SHELL_TOOLS)
			return false;
	return !c->compound;
}

/* Does a command run for certain? After "a &&" where a does something rather than ask, and after
 * "iptables -C rule ||", which is how a rule is added once. */
static bool follow(struct course *course, const struct shell_command *c,
		   const struct shell_acts *acts)
{
	if (c->joint == SHELL_NEXT)
		course->certain = true;
	else if (c->joint == SHELL_AND)
		course->certain &= course->steady;
	else if (c->joint == SHELL_OR)
		course->certain &= course->check || acts->v[0].kind == ACT_NOTHING;
	course->check = acts->v[0].kind == ACT_CHECK && !c->compound;
	course->steady = is_steady(acts, c);
	course->left |= !strcmp(shell_program(c), "exit") || !strcmp(shell_program(c), "exec");
	return course->certain && !c->compound && !course->left;
}

static void walk_hook(struct walk *w)
{
	struct course course = { 0 };
	struct shell_script script;

	shell_split(&script, w->arena, w->at.hook->text, w->ifname);
	if (!script.understood) {
		w->at.raw = (struct str){ w->at.hook->text, strlen(w->at.hook->text) };
		note_unknown(w, &(struct shell_act){ .tools = SHELL_TOOLS });
		return;
	}
	for (size_t i = 0; i < script.n; i++) {
		const struct shell_command *c = &script.v[i];
		struct shell_acts acts = { .arena = w->arena, .ifname = w->ifname };

		shell_recognise(&acts, c, i ? &script.v[i - 1] : NULL);
		w->certain = follow(&course, c, &acts);
		w->compound = c->compound;
		w->at.raw = c->raw;
		if (w->list && w->certain)
			*ARENA_PUSH(w->arena, w->list->v, w->list->n, w->list->capacity) = *c;
		for (size_t k = 0; k < acts.n; k++)
			notes[acts.v[k].kind](w, &acts.v[k]);
	}
}

static void walk_hooks(struct walk *w, enum hook first, enum hook last)
{
	for (unsigned kind = first; kind <= last; kind++) {
		const struct conf_hooks *hooks = &w->config->hooks[kind];

		w->at.kind = (enum hook)kind;
		for (size_t i = 0; i < hooks->n; i++) {
			w->at.hook = &hooks->v[i];
			walk_hook(w);
		}
	}
}

void shell_read(struct shell_facts *out, const struct config *c, const char *ifname)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct walk w = { .arena = &arena, .config = c, .ifname = ifname };

	*out = (struct shell_facts){ 0 };
	walk_hooks(&w, HOOK_PRE_UP, HOOK_POST_UP);
	for (unsigned family = 0; family < 2; family++) {
		out->switches_on[family] = w.host_on[family] || w.own_on[family];
		out->switches_host[family] = w.host_on[family];
		for (size_t i = 0; i < w.nkept; i++) {
			const struct shell_rule *rule = &w.kept[i].rule;

			if (!rule->family[family])
				continue;
			out->accepts_forward[family] |= accepts(&w, rule) && !rule->out;
			out->accepts_mesh[family] |= accepts(&w, rule) &&
						     is_any_or(rule->out, ifname);
			out->filters_forward[family] |= rule->chain == CHAIN_FORWARD &&
							!rule->accepts;
			out->masquerades[family] |= masquerades(&w, rule);
		}
	}
}

void shell_list(struct shell_script *out, struct arena *a, const struct config *c,
		const char *ifname, enum hook kind)
{
	struct walk w = { .arena = a, .config = c, .ifname = ifname, .list = out };

	*out = (struct shell_script){ .understood = true };
	walk_hooks(&w, kind, kind);
}

/* --- findings --- */

static const char *const hook_names[HOOKS] = {
	[HOOK_PRE_UP] = "PreUp",
	[HOOK_POST_UP] = "PostUp",
	[HOOK_PRE_DOWN] = "PreDown",
	[HOOK_POST_DOWN] = "PostDown",
};

static struct place site_place(const struct walk *w, const struct site *site)
{
	struct span at = site->hook->at;

	at.column += (uint32_t)(site->raw.p - site->hook->text);
	at.length = (uint32_t)site->raw.n;
	return source_place(&w->config->source, at);
}

/* "a", "a and b", "a, b and c". */
static const char *add_to_list(struct arena *a, const char *list, const char *word, bool is_last)
{
	return arena_printf(a, "%s%s%s", list, !*list ? "" : is_last ? " and " : ", ", word);
}

static bool is_uplink(const struct walk *w, size_t i)
{
	return w->up[i].rule.chain == CHAIN_POSTROUTING;
}

/* The interfaces that the rules of up masquerade, each once; the rules are all parts of keys. */
static const char *list_uplinks(const struct walk *w)
{
	const char *list = "";

	for (size_t i = 0; i < w->nup; i++) {
		const char *name = w->up[i].rule.out;
		bool wanted = is_uplink(w, i);

		for (size_t k = 0; k < i; k++)
			wanted &= !is_uplink(w, k) || strcmp(w->up[k].rule.out, name) != 0;
		if (wanted)
			list = arena_printf(w->arena, "%s%s%s", list, *list ? ", " : "", name);
	}
	return list;
}

/* "Forward = yes and Masquerade = eth0": the keys that do what the hooks do; NULL where the hooks
 * do anything else. */
static const char *find_keys(const struct walk *w)
{
	const char *uplinks;

	if (!w->plain || w->config->forward.firewall == FIREWALL_OFF ||
	    (!w->nup && !w->switched_on))
		return NULL;
	uplinks = list_uplinks(w);
	if (*uplinks)
		return arena_printf(w->arena, "Forward = yes and Masquerade = %s", uplinks);
	return w->nup && w->only_mesh ? "Forward = mesh" : "Forward = yes";
}

/* Does the file have those keys already? */
static bool has_keys(const struct walk *w)
{
	const struct conf_forward *forward = &w->config->forward;
	bool has = forward->mode == FORWARD_YES ||
		   (forward->mode == FORWARD_MESH && w->nup && w->only_mesh);

	for (size_t i = 0; i < w->nup; i++) {
		bool found = !is_uplink(w, i);

		for (size_t k = 0; k < forward->nmasquerade; k++)
			found |= is_uplink(w, i) &&
				 !strcmp(forward->masquerade[k].text, w->up[i].rule.out);
		has &= found;
	}
	return has;
}

/* "PostUp and PostDown": the hooks that the keys would replace, which are all. */
static const char *list_hooks(const struct walk *w)
{
	const char *list = "";
	unsigned last = 0;

	for (unsigned kind = 0; kind < HOOKS; kind++)
		if (w->config->hooks[kind].n)
			last = kind;
	for (unsigned kind = 0; kind < HOOKS; kind++)
		if (w->config->hooks[kind].n)
			list = add_to_list(w->arena, list, hook_names[kind], kind == last);
	return list;
}

static void help_with_keys(struct findings *f, size_t i, const struct walk *w, const char *keys)
{
	if (has_keys(w))
		finding_help(f, i, "delete %s: %s does the same", list_hooks(w), keys);
	else
		finding_help(f, i, "write %s instead of %s", keys, list_hooks(w));
}

/* A help shows no secret and no control character, whatever stands in a hook. */
static bool can_show(const char *text)
{
	size_t run = 0;

	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			return false;
		run = strchr(" =,;:-.", *text) ? 0 : run + 1;
		if (run > 40)
			return false;
	}
	return true;
}

static bool same_table(const struct shell_rule *a, const struct shell_rule *b)
{
	const char *slash = strchr(b->scope, '/');
	size_t n = slash ? (size_t)(slash - b->scope) + 1 : 0;

	n += strcspn(b->scope + n, "/") + 1;
	return a->tool == SHELL_NFT && b->tool == SHELL_NFT && !strncmp(a->scope, b->scope, n);
}

/* Of a table of nft that stays, one word is enough. */
static bool is_told(const struct walk *w, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_table(&w->kept[k].rule, &w->kept[i].rule))
			return true;
	return false;
}

static void report_unbalanced(struct findings *f, const struct walk *w, size_t k, const char *keys)
{
	const struct kept *kept = &w->kept[k];
	const char *undo = kept->rule.undo;
	const char *what = kept->rule.tool == SHELL_NFT && !kept->rule.nitems ? "table" : "rule";
	size_t i = finding_add(f, FINDING_HOOK_UNBALANCED, site_place(w, &kept->site),
			       "%s adds this firewall %s, and neither PreDown nor PostDown "
			       "deletes it",
			       hook_names[kept->site.kind], what);

	if (keys)
		help_with_keys(f, i, w, keys);
	else if (undo && can_show(undo))
		finding_help(f, i, "write PostDown = %s", undo);
	else if (kept->rule.tool == SHELL_NFT)
		finding_help(f, i, "put it into a table of its own, which PostDown deletes");
	else
		finding_help(f, i, "delete it in PostDown");
}

static void report_off(struct findings *f, const struct walk *w, unsigned family, const char *keys)
{
	const struct site *site = &w->off[family];
	bool again = family && w->off[0].raw.p == site->raw.p;
	size_t i;

	if (!site->hook || again)
		return;
	i = finding_add(f, FINDING_FORWARDING_CLOBBER, site_place(w, site),
			"%s turns forwarding off for the whole host, whoever else needs it",
			hook_names[site->kind]);
	if (keys)
		help_with_keys(f, i, w, keys);
	else
		finding_help(f, i, "delete this command");
}

void shell_check(struct findings *f, const struct config *c, const char *ifname)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct walk w = {
		.arena = &arena, .config = c, .ifname = ifname, .plain = true, .only_mesh = true
	};
	size_t first = f->n;
	const char *keys;

	walk_hooks(&w, HOOK_PRE_UP, HOOK_POST_UP);
	w.nup = w.nkept;
	w.up = arena_alloc(&arena, w.nup * sizeof(*w.up));
	for (size_t i = 0; i < w.nup; i++)
		w.up[i] = w.kept[i];
	walk_hooks(&w, HOOK_PRE_DOWN, HOOK_POST_DOWN);
	keys = find_keys(&w);
	for (size_t i = 0; i < w.nkept; i++)
		if (!(w.doubts & w.kept[i].rule.tool) && !is_told(&w, i))
			report_unbalanced(f, &w, i, keys);
	for (unsigned family = 0; family < 2; family++)
		report_off(f, &w, family, keys);
	findings_sort(f, first);
}
