/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What hooks do to the host's firewall and forwarding, read off their text without running it.
 * Simple commands of the forms that people write are understood (iptables, ip6tables, nft, sysctl,
 * echo into /proc/sys, ufw, joined by ; && || and line ends); anything else is passed over, and
 * nothing is concluded from it.
 */
#ifndef WGQ_CONF_SHELL_H
#define WGQ_CONF_SHELL_H

#include "wgq/conf/config.h"
#include "wgq/conf/shell_words.h"

/* What the hooks of up set up, as far as it is understood; index 0: IPv4, 1: IPv6. */
struct shell_facts {
	bool switches_on[2];     /* the host's forwarding, or this interface's or default's */
	bool switches_host[2];   /* the host's */
	bool filters_forward[2]; /* a rule of the forward chain that is no accept */
	bool accepts_forward[2]; /* an accept of everything that enters by the tunnel */
	bool accepts_mesh[2];    /* at least of what enters by it and leaves by it */
	bool masquerades[2];     /* what leaves by some interface other than this one */
};

/* Only what runs for certain counts: not what stands behind a test, in a condition or in a loop. */
void shell_read(struct shell_facts *out, const struct config *c, const char *ifname);

/* The simple commands that the hooks of one kind run for certain, in their order. */
void shell_list(struct shell_script *out, struct arena *a, const struct config *c,
		const char *ifname, enum hook kind);

/*
 * Adds hook-unbalanced (a firewall rule that PreUp or PostUp adds and neither PreDown nor PostDown
 * deletes) and forwarding-clobber (PreDown or PostDown turns off forwarding for the whole host).
 * A command of PreDown or PostDown that is not understood may delete any rule that its program
 * could: of those nothing is said.
 * Where the hooks do no more than one of wgq's own keys does, the help shows that one line.
 */
void shell_check(struct findings *f, const struct config *c, const char *ifname);

#endif
