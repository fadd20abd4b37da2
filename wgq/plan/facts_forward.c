/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What wgq's own keys come to on this host. */
#include <errno.h>

#include "hooks/ruleset.h"
#include "wgq/kernel/rtnl.h"
#include "wgq/plan/facts.h"

static bool has_rules(const struct config *c)
{
	return c->forward.mode == FORWARD_MESH || c->forward.nmasquerade ||
	       c->forward.nallow_from || c->forward.allow_peers;
}

static bool wants_anything(const struct config *c)
{
	return c->forward.mode != FORWARD_NO || has_rules(c);
}

static void find_tables(struct forward_facts *f, const struct ruleset *rs)
{
	static const char filter[] = "filter", forward[] = "FORWARD", docker[] = "DOCKER-USER",
			  input[] = "INPUT";

	for (int medium = FW_IPTABLES_NFT; medium < FW_MEDIA; medium++) {
		for (size_t i = 0; i < 2; i++) {
			uint8_t family = i ? AF_INET6 : AF_INET;
			enum fw_medium m = (enum fw_medium)medium;
			struct forward_tables *t = &f->tables[medium][i];

			t->has_input = ruleset_has_chain(rs, m, family, filter, input);
			if (ruleset_has_chain(rs, m, family, filter, docker))
				t->forward_chain = docker;
			else if (ruleset_has_chain(rs, m, family, filter, forward))
				t->forward_chain = forward;
		}
	}
}

static bool has_tables(const struct forward_facts *f, enum fw_medium medium)
{
	const struct forward_tables *t = f->tables[medium];

	return t[0].forward_chain || t[0].has_input || t[1].forward_chain || t[1].has_input;
}

/* The media to try, best first: of iptables the variant that is in use here. */
static size_t list_homes(enum fw_medium homes[FW_MEDIA], const struct forward_facts *f,
			 enum firewall_choice choice)
{
	size_t n = 0;

	if (choice != FIREWALL_IPTABLES)
		homes[n++] = FW_NFTABLES;
	if (choice == FIREWALL_NFTABLES)
		return n;
	if (choice == FIREWALL_IPTABLES &&
	    (has_tables(f, FW_IPTABLES_NFT) || !has_tables(f, FW_IPTABLES_LEGACY)))
		homes[n++] = FW_IPTABLES_NFT;
	homes[n++] = FW_IPTABLES_LEGACY;
	return n;
}

/* Leaves the last one tried where none can be had; whether that matters is the caller's to say. */
static int choose_home(struct forward_facts *f, struct host *h, enum firewall_choice choice,
		       struct diag *d)
{
	enum fw_medium homes[FW_MEDIA];
	size_t n = list_homes(homes, f, choice);
	struct firewall *fw;
	int err = -EOPNOTSUPP;

	for (size_t i = 0; i < n && err == -EOPNOTSUPP; i++) {
		f->home = homes[i];
		err = host_firewall(h, &fw, homes[i], d);
	}
	return err;
}

static enum firewalld_input input_of(const struct conf_forward *keys)
{
	if (keys->nallow_from)
		return FIREWALLD_INPUT_SOME;
	return keys->allow_peers ? FIREWALLD_INPUT_ALL : FIREWALLD_INPUT_NONE;
}

/* Its chains come after all others, so that only its zones can let a packet through. */
static int choose_zone(struct facts *f, const struct config *c, const char *ifname, struct diag *d)
{
	struct firewalld *zone = arena_alloc(c->arena, sizeof(*zone));
	int err = firewalld_choose(zone, c->arena, ifname, c->forward.mode, input_of(&c->forward),
				   d);

	if (!err && zone->answer == FIREWALLD_ZONE)
		f->forward.firewalld = zone;
	return err;
}

static int check_home(const struct config *c, int err, struct diag *d)
{
	static const char *const choices[] = {
		[FIREWALL_AUTO] = "auto",
		[FIREWALL_NFTABLES] = "nftables",
		[FIREWALL_IPTABLES] = "iptables",
	};

	if (!err || !has_rules(c))
		return 0;
	if (err == -EPERM && geteuid()) /* a dry run */
		return 0;
	return diag_wrap(d, err,
			 "the file asks for firewall rules that this host cannot have with "
			 "Firewall = %s",
			 choices[c->forward.firewall]);
}

static int want_switches(struct facts *f, struct host *h, const struct config *c,
			 const char *ifname, const struct rundir *dir, struct diag *d)
{
	struct claims claims = { .arena = c->arena };
	bool replies = c->forward.mode == FORWARD_YES;
	int err = 0;

	if (c->forward.mode == FORWARD_NO)
		return 0;
	f->forward.switches.arena = c->arena;
	claims_read(&claims, dir, ifname);
	for (size_t i = 0; !err && i < 2; i++) {
		uint8_t family = i ? AF_INET6 : AF_INET;

		if (facts_has_family(f, c, family))
			err = switches_want(&f->forward.switches, h, ifname, family, replies,
					    &claims, d);
	}
	return err;
}

bool facts_must_be_reached(const struct config *c)
{
	if (!(c->device.flags & DEVICE_HAS_LISTEN_PORT) || !c->device.listen_port)
		return false;
	for (size_t i = 0; i < c->device.npeers; i++)
		if (!(c->device.peers[i].flags & PEER_HAS_ENDPOINT) && !c->peers[i].host)
			return true;
	return false;
}

/* Before the tunnel is up, the way to anywhere else is the way to its peers. */
static int find_uplinks(struct facts *f, struct host *h, struct diag *d)
{
	static const struct prefix afar[2] = {
		{ AF_INET, 32, { 192, 0, 2, 1 } },               /* RFC 5737 */
		{ AF_INET6, 128, { 0x20, 0x01, 0x0d, 0xb8, 1 } } /* RFC 3849 */
	};
	int links[2], err = rtnl_get_path_links(&h->rtnl, links, afar, 2, d);

	for (size_t i = 0; !err && i < 2; i++) {
		struct link link;

		if (links[i] && !rtnl_get_link_by_index(&h->rtnl, &link, links[i], d))
			memcpy(f->uplink[i], link.name, IFNAMSIZ);
	}
	return err;
}

int facts_read_forward(struct facts *f, struct host *h, const struct config *c, const char *ifname,
		       const struct rundir *dir, struct diag *d)
{
	bool default_route = f->default_route[0] || f->default_route[1];
	struct ruleset rs = { .arena = c->arena };
	int err = 0;

	if (facts_must_be_reached(c) || c->forward.mode == FORWARD_YES)
		err = find_uplinks(f, h, d);
	if (err)
		return err;
	if (c->forward.firewall != FIREWALL_OFF &&
	    (wants_anything(c) || (default_route && c->forward.firewall != FIREWALL_AUTO))) {
		err = ruleset_read(&rs, c->arena, d);
		if (err)
			return err;
		find_tables(&f->forward, &rs);
		err = check_home(c, choose_home(&f->forward, h, c->forward.firewall, d), d);
		if (!err && wants_anything(c) && ruleset_has_firewalld(&rs) && !geteuid())
			err = choose_zone(f, c, ifname, d);
		if (err)
			return err;
	}
	return want_switches(f, h, c, ifname, dir, d);
}
