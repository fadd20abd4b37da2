/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forward, Masquerade and AllowFrom: the rules that they come to on this host. A drop or a
 * translation counts wherever it stands. An accept overrides nobody's drop, so it goes into the
 * chains that may drop: those of iptables, of either variant, where there are any. Pure.
 */
#ifndef WGQ_HOOKS_FORWARD_H
#define WGQ_HOOKS_FORWARD_H

#include "hooks/firewall.h"
#include "wgq/base/arena.h"

/* What the file declares of one tunnel. */
struct forward_keys {
	enum forward_mode mode;
	const char *const *masquerade; /* interface names */
	size_t nmasquerade;
	const struct prefix *networks; /* of the tunnel: what is masqueraded */
	size_t nnetworks;
	const struct prefix *allow_from;
	size_t nallow_from;
};

/* The chains that iptables has of one family; it makes each when it is first used. */
struct forward_tables {
	const char *forward_chain; /* what takes rules of FORWARD: itself, or "DOCKER-USER" where
				      Docker leaves one; NULL: there is none */
	bool has_input;
};

/*
 * Fills out with the rules of one family for one medium: all of them in the medium that is home,
 * accepts alone in the other tables, none where those do not exist. A home in nf_tables has no use
 * for accepts. out->n is 0 if there is nothing to do.
 */
void forward_rules(struct fw_rules *out, struct arena *a, const char *ifname, uint8_t family,
		   const struct forward_keys *keys, enum fw_medium medium, enum fw_medium home,
		   const struct forward_tables *tables);

/* The commands, one a line, that an administrator would use to add or delete the rules. Cut with a
 * remark where they do not fit. Returns text. */
const char *forward_describe(char *text, size_t size, enum fw_medium medium, const char *ifname,
			     const struct fw_rules *rules, bool add);

/* "ip6tables-legacy": what an administrator calls for that medium. */
const char *forward_program(enum fw_medium medium, uint8_t family);

#endif
