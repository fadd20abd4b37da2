/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wgq/plan/blocked.h"

#include <errno.h>
#include <netinet/in.h>

#include "hooks/ruleset.h"
#include "wgq/conf/shell.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/kernel/sysctl.h"

enum { PROBES = 16 };

/* A packet that shall pass. */
struct probe {
	enum fw_hook hook;
	enum finding_code code;
	struct packet packet;
	struct fw_rule rule; /* that would let it pass */
	uint16_t udp_port;   /* 0: the rule is about the tunnel */
	struct span at;
	const char *what; /* "packets from one peer to another" */
};

struct check {
	struct findings *findings;
	struct host *host;
	const struct config *config;
	const struct facts *facts;
	const char *ifname;
	struct shell_facts hooks;
	char uplink[2]
		   [IFNAMSIZ]; /* IPv4, IPv6: where the default route leaves; "": there is none */
	struct probe probes[PROBES];
	size_t nprobes;
	struct diag *d;
};

static const char *family_name(uint8_t family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

/* --- what shall pass --- */

static struct probe *push(struct check *c, enum fw_hook hook, enum finding_code code,
			  uint8_t family, struct span at, const char *what)
{
	struct probe *p;

	if (c->nprobes == PROBES)
		return NULL;
	p = &c->probes[c->nprobes++];
	*p = (struct probe){
		.hook = hook,
		.code = code,
		.packet = { .family = family,
			    .out = hook == FW_INPUT ? "" : NULL,
			    .protocol = IPPROTO_TCP,
			    .source_port = -1,
			    .target_port = -1 },
		.rule = { .hook = (uint8_t)hook, .verdict = FW_ACCEPT },
		.at = at,
		.what = what,
	};
	return p;
}

/* An address inside the network. */
static struct prefix sample(struct prefix p)
{
	uint8_t bits = family_bits(p.family);

	if (p.len < bits)
		p.addr[bits / 8 - 1] |= 1;
	p.len = bits;
	return p;
}

/* An address of the nth network of the family that is allowed; family 0 if there is none. */
static struct prefix allowed_sample(const struct check *c, uint8_t family, size_t nth)
{
	for (size_t i = 0; i < c->facts->allowed.n; i++) {
		const struct prefix *p = &c->facts->allowed.v[i];

		if (p->family == family && p->len && !nth--)
			return sample(*p);
	}
	return (struct prefix){ 0 };
}

static const char *uplink(const struct check *c, uint8_t family)
{
	const char *name = c->facts->uplink[family_index(family)];

	return *name ? name : NULL;
}

static void set_name(char to[IFNAMSIZ], const char *name)
{
	snprintf(to, IFNAMSIZ, "%s", name);
}

static void want_mesh(struct check *c, uint8_t family, struct span at)
{
	struct probe *p = push(c, FW_FORWARD, FINDING_FORWARD_BLOCKED, family, at,
			       "packets from one peer to another");

	if (!p)
		return;
	p->packet.in = p->packet.out = c->ifname;
	p->packet.source = allowed_sample(c, family, 0);
	p->packet.target = allowed_sample(c, family, 1);
	set_name(p->rule.in, c->ifname);
	set_name(p->rule.out, c->ifname);
}

static void want_everywhere(struct check *c, uint8_t family, struct span at)
{
	const char *out = c->config->forward.nmasquerade ? c->config->forward.masquerade[0].text
							 : uplink(c, family);
	struct probe *p = push(c, FW_FORWARD, FINDING_FORWARD_BLOCKED, family, at,
			       "packets from the tunnel to other networks");

	if (p) {
		p->packet.in = c->ifname;
		p->packet.out = out;
		p->packet.source = allowed_sample(c, family, 0);
		set_name(p->rule.in, c->ifname);
	}
	p = push(c, FW_FORWARD, FINDING_FORWARD_BLOCKED, family, at,
		 "replies from other networks to the tunnel");
	if (p) {
		p->packet.in = out;
		p->packet.out = c->ifname;
		p->packet.established = true;
		p->packet.target = allowed_sample(c, family, 0);
		set_name(p->rule.out, c->ifname);
		p->rule.replies = true;
	}
}

static struct span first_hook(const struct config *c)
{
	for (int hook = HOOK_PRE_UP; hook <= HOOK_POST_UP; hook++)
		if (c->hooks[hook].n)
			return c->hooks[hook].v[0].at;
	return (struct span){ 0 };
}

static void want_forward(struct check *c, uint8_t family)
{
	const struct conf_forward *keys = &c->config->forward;
	size_t i = family_index(family);

	if (keys->mode != FORWARD_NO) {
		want_mesh(c, family, keys->mode_at);
		if (keys->mode == FORWARD_YES)
			want_everywhere(c, family, keys->mode_at);
	} else if (c->hooks.accepts_mesh[i] || c->hooks.accepts_forward[i]) {
		want_mesh(c, family, first_hook(c->config));
	}
}

static void want_allowed(struct check *c, uint8_t family)
{
	const struct conf_forward *keys = &c->config->forward;
	struct span at = keys->nallow_from ? keys->allow_from[0].at : keys->allow_peers_at;
	struct prefix source = { 0 };
	struct probe *p;

	if (keys->allow_peers)
		source = allowed_sample(c, family, 0);
	for (size_t i = 0; i < keys->nallow_from; i++)
		if (keys->allow_from[i].prefix.family == family)
			source = sample(keys->allow_from[i].prefix);
	if (!source.family)
		return;
	p = push(c, FW_INPUT, FINDING_FORWARD_BLOCKED, family, at,
		 "packets to this host that AllowFrom lets in");
	if (!p)
		return;
	p->packet.in = c->ifname;
	p->packet.source = source;
	set_name(p->rule.in, c->ifname);
	p->rule.source = source;
}

/* Of IPv6 only if packets of it can come from afar. */
static void want_port(struct check *c, uint8_t family)
{
	const struct wg_device *device = &c->config->device;
	struct probe *p;

	if (!facts_must_be_reached(c->config) || !uplink(c, family))
		return;
	p = push(c, FW_INPUT, FINDING_PORT_BLOCKED, family, c->config->listen_port_at,
		 "WireGuard's packets to this ListenPort");
	if (!p)
		return;
	p->packet.in = uplink(c, family);
	p->packet.protocol = IPPROTO_UDP;
	p->packet.target_port = device->listen_port;
	p->udp_port = device->listen_port;
}

/* --- what does not --- */

static const char *owner_name(enum ruleset_owner owner)
{
	static const char *const names[] = {
		[OWNER_UNKNOWN] = "",
		[OWNER_IPTABLES] = " (iptables)",
		[OWNER_UFW] = " (ufw)",
		[OWNER_DOCKER] = " (Docker)",
		[OWNER_FIREWALLD] = " (firewalld)",
		[OWNER_WGQ] = " (wgq)",
	};

	return names[owner];
}

static void report(struct check *c, const struct probe *p, const struct verdict *v)
{
	char cure[512];
	size_t i = finding_add(c->findings, p->code, source_place(&c->config->source, p->at),
			       "%s (%s) are dropped by %s of chain %s in table %s %s%s", p->what,
			       family_name(p->packet.family),
			       v->by_policy ? "the policy" : "a rule", v->chain, v->family,
			       v->table, owner_name(v->owner));

	verdict_cure(cure, sizeof(cure), v, &p->rule, p->udp_port);
	finding_help(c->findings, i, "%s", cure);
}

static int judge(struct check *c)
{
	struct ruleset rules = { .arena = c->config->arena };
	int err = c->nprobes ? ruleset_read(&rules, c->config->arena, c->d) : 0;

	for (size_t i = 0; !err && i < c->nprobes; i++) {
		struct verdict v;

		ruleset_judge(&rules, c->probes[i].hook, &c->probes[i].packet, &v);
		if (v.ruling == RULING_DROP)
			report(c, &c->probes[i], &v);
	}
	return err;
}

static bool is_off(const char *family, const char *ifname, const char *leaf)
{
	char name[128];
	int value;

	snprintf(name, sizeof(name), "net/%s/conf/%s/%s", family, ifname, leaf);
	return sysctl_read(name, &value) || value == 0;
}

static void check_switches(struct check *c, uint8_t family)
{
	static const struct {
		const char *family, *own, *host, *cure;
	} switches[] = {
		{ "ipv4", "forwarding", "forwarding", "net.ipv4.conf.%i.forwarding=1" },
		{ "ipv6", "force_forwarding", "forwarding", "net.ipv6.conf.all.forwarding=1" },
	};
	size_t i = family_index(family), n;
	bool off = is_off(switches[i].family, c->ifname, switches[i].own);

	if (i)
		off = off && is_off("ipv6", "all", switches[i].host);
	if (!off || !(c->hooks.accepts_forward[i] || c->hooks.accepts_mesh[i]))
		return;
	n = finding_add(c->findings, FINDING_FORWARDING_OFF,
			source_place(&c->config->source, first_hook(c->config)),
			"the hooks accept forwarded packets, but %s forwarding is off for %s",
			family_name(family), c->ifname);
	finding_help(c->findings, n,
		     "write Forward = %s instead of the hooks, or add PostUp = sysctl -w %s",
		     c->hooks.accepts_forward[i] ? "yes" : "mesh", switches[i].cure);
}

/* net/ipv4/fib_frontend.c takes the stricter of the two. */
static bool is_strict(const char *ifname)
{
	char name[128];
	int all = 0, own = 0;

	snprintf(name, sizeof(name), "net/ipv4/conf/%s/rp_filter", ifname);
	sysctl_read("net/ipv4/conf/all/rp_filter", &all);
	sysctl_read(name, &own);
	return (all > own ? all : own) == 1;
}

/* Where wgq makes the routes, the way back is the way in. */
static int check_reverse_paths(struct check *c, int ifindex)
{
	const struct config *conf = c->config;
	struct prefix *samples;
	int *links, err;
	size_t n = 0, i;

	if (conf->table_kind == TABLE_AUTO || !is_strict(c->ifname))
		return 0;
	samples = arena_alloc(conf->arena, (c->facts->allowed.n + 1) * sizeof(*samples));
	links = arena_alloc(conf->arena, (c->facts->allowed.n + 1) * sizeof(*links));
	for (i = 0; i < c->facts->allowed.n; i++)
		if (c->facts->allowed.v[i].family == AF_INET && c->facts->allowed.v[i].len)
			samples[n++] = sample(c->facts->allowed.v[i]);
	err = rtnl_get_path_links(&c->host->rtnl, links, samples, n, c->d);
	for (i = 0; !err && i < n; i++) {
		char addr[PREFIX_TEXT];
		size_t at;

		if (links[i] == ifindex)
			continue;
		at = finding_add(
			c->findings, FINDING_RP_FILTER, source_place(&conf->source, conf->table_at),
			"rp_filter=1 drops what comes by %s from %s: the way back to it is "
			"not by %s",
			c->ifname, prefix_format_addr(addr, &samples[i]), c->ifname);
		finding_help(c->findings, at,
			     "add PostUp = sysctl -w net.ipv4.conf.%%i.rp_filter=2, or a route to "
			     "it by %s",
			     c->ifname);
		break; /* one cause, one finding */
	}
	return err;
}

/* A name that is misspelt would match nothing, silently. */
static void check_masquerade(struct check *c)
{
	for (size_t i = 0; i < c->config->forward.nmasquerade; i++) {
		const struct conf_word *word = &c->config->forward.masquerade[i];
		size_t at;

		if (if_nametoindex(word->text))
			continue;
		at = finding_add_as(c->findings, SEV_WARNING, FINDING_BAD_VALUE,
				    source_place(&c->config->source, word->at),
				    "there is no interface %s now", word->text);
		finding_help(c->findings, at,
			     "it is masqueraded once it comes; ip link shows those that are there");
	}
}

int blocked_check(struct findings *f, struct host *h, const struct config *c,
		  const struct facts *facts, const char *ifname, int ifindex, struct diag *d)
{
	struct check check = {
		.findings = f,
		.host = h,
		.config = c,
		.facts = facts,
		.ifname = ifname,
		.d = d,
	};
	int err;

	shell_read(&check.hooks, c, ifname);
	check_masquerade(&check);
	for (size_t i = 0; i < 2; i++) {
		uint8_t family = i ? AF_INET6 : AF_INET;

		want_port(&check, family);
		if (!ifindex || !facts_has_family(facts, c, family))
			continue;
		want_forward(&check, family);
		want_allowed(&check, family);
		check_switches(&check, family);
	}
	err = judge(&check);
	return err || !ifindex ? err : check_reverse_paths(&check, ifindex);
}
