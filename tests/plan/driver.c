/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shows the plans of a configuration on a host that is made up, for the golden tests: no root, no
 * kernel.
 *   driver up|down CONFIG [FACTS]
 * up prints the operations of up, down those of the down after it. FACTS is a file of KEY=VALUE
 * lines; see the table below for the keys and host_usual() for what they are without it. Exit
 * status 1: the configuration has errors; 2: a file could not be read.
 */
#include "wgq/plan/want.h"

#include <linux/rtnetlink.h>

struct made_up {
	struct arena *arena;
	struct config *config;
	struct facts facts;
	struct wg_device left; /* by PreUp hooks on the device */
	uint32_t name_table;   /* what rt_tables says of Table's name */
	uint32_t free_table;
};

static void host_usual(struct made_up *m, struct arena *a)
{
	*m = (struct made_up){ .arena = a, .free_table = 51820 };
	m->facts = (struct facts){
		.ipv6 = true,
		.mtu = 1420,
		.rule_priority = { 32765, 32765 },
		.antispoof = { true, true },
		.allowed.arena = a,
		.addrs.arena = a,
		.routes.arena = a,
	};
}

static uint32_t number(const char *value)
{
	return (uint32_t)strtoul(value, NULL, 0);
}

static struct prefix prefix_of(const char *value)
{
	struct prefix p;

	if (prefix_parse(&p, (struct str){ value, strlen(value) })) {
		fprintf(stderr, "facts: '%s' is no prefix\n", value);
		exit(2);
	}
	return p;
}

static void set_userspace(struct made_up *m, char *value)
{
	m->facts.userspace = value;
}

static void set_ipv6(struct made_up *m, char *value)
{
	m->facts.ipv6 = strcmp(value, "no") != 0;
}

static void set_name_table(struct made_up *m, char *value)
{
	m->name_table = number(value);
}

static void set_free_table(struct made_up *m, char *value)
{
	m->free_table = number(value);
}

static void set_mtu(struct made_up *m, char *value)
{
	m->facts.mtu = number(value);
}

static void set_src_valid_mark(struct made_up *m, char *value)
{
	m->facts.src_valid_mark = (int)strtol(value, NULL, 10);
}

static void set_antispoof(struct made_up *m, char *value)
{
	m->facts.antispoof[0] = strchr(value, '4') != NULL;
	m->facts.antispoof[1] = strchr(value, '6') != NULL;
}

static void set_priority4(struct made_up *m, char *value)
{
	m->facts.rule_priority[0] = number(value);
}

static void set_priority6(struct made_up *m, char *value)
{
	m->facts.rule_priority[1] = number(value);
}

static enum fw_medium medium_of(const char *name)
{
	static const char *const names[FW_MEDIA] = { "nftables", "iptables-nft",
						     "iptables-legacy" };

	for (int i = 0; i < FW_MEDIA; i++)
		if (!strcmp(names[i], name))
			return (enum fw_medium)i;
	fprintf(stderr, "facts: '%s' is no medium\n", name);
	exit(2);
}

static void set_home(struct made_up *m, char *value)
{
	m->facts.forward.home = medium_of(value);
}

static void set_antispoof_medium(struct made_up *m, char *value)
{
	m->facts.antispoof_medium[0] = m->facts.antispoof_medium[1] = medium_of(value);
}

/* MEDIUM 4|6 CHAIN: such a table is there, and rules of FORWARD go to that chain; INPUT is there
 * with it */
static void set_table(struct made_up *m, char *value)
{
	enum fw_medium medium = medium_of(strsep(&value, " "));
	size_t i = *strsep(&value, " ") == '6';

	m->facts.forward.tables[medium][i] = (struct forward_tables){ value, true };
}

/* NAME VALUE OLD [stays] */
static void add_switch(struct made_up *m, char *value)
{
	struct switches *s = &m->facts.forward.switches;
	struct wanted_switch *new;

	s->arena = m->arena;
	new = ARENA_PUSH(m->arena, s->v, s->n, s->capacity);
	*new = (struct wanted_switch){ .op.name = strsep(&value, " "), .op.needed = true };
	new->op.value = (int)number(strsep(&value, " "));
	new->op.old = (int)number(strsep(&value, " "));
	new->stays = value != NULL;
}

/* resolvconf, called by that name for the interface */
static void set_resolver(struct made_up *m, char *value)
{
	struct resolver *r = arena_alloc(m->arena, sizeof(*r));

	*r = (struct resolver){
		.kind = RESOLVER_RESOLVCONF,
		.program = "/sbin/resolvconf",
		.name = value,
		.dns = &m->config->dns,
	};
	resolver_restore(r, m->arena);
	if (m->config->dns.nservers) /* as facts_read() */
		m->facts.resolver = r;
}

static void add_addr(struct made_up *m, char *value)
{
	*ARENA_PUSH(m->arena, m->facts.addrs.v, m->facts.addrs.n,
		    m->facts.addrs.capacity) = prefix_of(value);
}

/* PREFIX [PROTOCOL], in the main table */
static void add_route(struct made_up *m, char *value)
{
	const char *dst = strsep(&value, " ");

	*ARENA_PUSH(m->arena, m->facts.routes.v, m->facts.routes.n, m->facts.routes.capacity) =
		(struct route){ prefix_of(dst), RT_TABLE_MAIN, 7,
				value ? (uint8_t)number(value) : RTPROT_BOOT };
}

static void set_device_fwmark(struct made_up *m, char *value)
{
	m->left.fwmark = number(value);
}

/* KEY PREFIX,PREFIX... */
static void add_device_peer(struct made_up *m, char *value)
{
	struct wg_peer *peer = ARENA_PUSH(m->arena, m->left.peers, m->left.npeers,
					  m->left.peers_capacity);
	const char *key = strsep(&value, " "), *prefix;

	*peer = (struct wg_peer){ 0 };
	if (key_from_base64(&peer->public_key, (struct str){ key, strlen(key) })) {
		fprintf(stderr, "facts: '%s' is no key\n", key);
		exit(2);
	}
	while ((prefix = strsep(&value, ",")))
		*ARENA_PUSH(m->arena, peer->allowed_ips, peer->nallowed_ips,
			    peer->allowed_ips_capacity) = (struct allowed_ip){ prefix_of(prefix),
									       false };
}

static const struct {
	const char *key;
	void (*set)(struct made_up *m, char *value);
} keys[] = {
	{ "userspace", set_userspace },
	{ "ipv6", set_ipv6 },
	{ "name_table", set_name_table },
	{ "free_table", set_free_table },
	{ "mtu", set_mtu },
	{ "src_valid_mark", set_src_valid_mark },
	{ "antispoof", set_antispoof },
	{ "priority4", set_priority4 },
	{ "priority6", set_priority6 },
	{ "resolver", set_resolver },
	{ "home", set_home },
	{ "antispoof_medium", set_antispoof_medium },
	{ "table", set_table },
	{ "switch", add_switch },
	/* what PreUp hooks left */
	{ "addr", add_addr },
	{ "route", add_route },
	{ "device_fwmark", set_device_fwmark },
	{ "device_peer", add_device_peer },
};

static void set_fact(struct made_up *m, char *line)
{
	const char *key = strsep(&line, "=");

	for (size_t i = 0; line && i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].key, key)) {
			keys[i].set(m, line);
			return;
		}
	fprintf(stderr, "facts: what is '%s'?\n", key);
	exit(2);
}

static int read_facts_file(struct made_up *m, const char *path, struct diag *d)
{
	struct source source;
	int err = source_read(&source, m->arena, path, d);
	char *rest, *line;

	if (err)
		return err;
	rest = arena_strndup(m->arena, source.text.p, source.text.n);
	while ((line = strsep(&rest, "\n")))
		if (*line && *line != '#')
			set_fact(m, line);
	return 0;
}

/* The rest of the facts, as facts_read(), facts_read_interface() and facts_choose_table() find
 * them. */
static void find_facts(struct made_up *m)
{
	struct facts *f = &m->facts;
	struct config *c = m->config;
	uint32_t mark;

	f->device = &m->left;
	f->table = c->table_kind == TABLE_NAME ? m->name_table : c->table;
	if (c->mtu)
		f->mtu = c->mtu;
	allowed_prefixes(&f->allowed, f->device, &c->device);
	facts_find_default_routes(f, c);
	mark = facts_fwmark(f, c);
	if ((f->default_route[0] || f->default_route[1]) &&
	    (!mark || mark != facts_default_table(f, c)))
		f->free_table = m->free_table;
}

static void print_plan(const struct plan *p, size_t end)
{
	char text[4096];

	for (size_t i = 0; i < end; i++)
		puts(op_describe(text, sizeof(text), p, &p->v[i], false));
}

static void print(struct made_up *m, bool up)
{
	struct plan p = { .arena = m->arena, .ifname = "wg0" };
	struct plan down = { .arena = m->arena, .ifname = "wg0" };

	p.config_path = "/etc/wireguard/wg0.conf";
	want_interface(&p, m->config, &m->facts);
	want_network(&p, m->config, &m->facts);
	want_hooks(&p, m->config);
	if (up) {
		print_plan(&p, plan_find(&p, OP_PRE_DOWN));
		return;
	}
	plan_invert(&down, &p);
	print_plan(&down, down.n);
}

int main(int argc, char **argv)
{
	struct arena arena CLEANUP(arena_fini) = { 0 };
	struct findings f = { .arena = &arena };
	struct source source;
	struct diag d = { "" };
	struct made_up m;

	if (argc < 3)
		return 2;
	host_usual(&m, &arena);
	if (!source_read(&source, &arena, argv[2], &d)) {
		m.config = config_parse(&arena, &source, &f);
		if (argc > 3)
			read_facts_file(&m, argv[3], &d);
	}
	if (*d.text) {
		fprintf(stderr, "%s\n", d.text);
		return 2;
	}
	if (findings_count(&f, SEV_ERROR)) {
		findings_print(stderr, &f);
		return 1;
	}
	find_facts(&m);
	print(&m, !strcmp(argv[1], "up"));
	return 0;
}
