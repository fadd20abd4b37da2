/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * firewalld, where it owns the host's firewall: the zone, at run time only, in which the tunnel may
 * do what its file declares. Its chains come after those of all others, so that an accept in a
 * table of wgq's own does not help against it.
 */
#ifndef WGQ_HOOKS_FIREWALLD_H
#define WGQ_HOOKS_FIREWALLD_H

#include "wgq/base/arena.h"
#include "wgq/base/diag.h"
#include "wgq/base/model.h"

/* What the host itself is to accept from the tunnel. */
enum firewalld_input {
	FIREWALLD_INPUT_NONE,
	FIREWALLD_INPUT_SOME, /* from some prefixes only */
	FIREWALLD_INPUT_ALL,  /* from all that the peers' AllowedIPs let in */
};

enum firewalld_answer {
	FIREWALLD_ABSENT,  /* firewalld is not there, or does not run */
	FIREWALLD_GIVEN,   /* it lets all of it through already */
	FIREWALLD_ZONE,    /* the interface has to come into another zone */
	FIREWALLD_NO_ZONE, /* no zone says that and no more, or an administrator chose the present
			      one */
};

/* The first four fields are all that firewalld_add() and firewalld_remove() look at: a record keeps
 * them. */
struct firewalld {
	const char *program; /* absolute path of firewall-cmd */
	const char *ifname;
	const char *zone;     /* FIREWALLD_ZONE: to be put into this one */
	const char *previous; /* the zone that it is in by its name until then; "": none */
	enum firewalld_answer answer;
};

/*
 * Asks firewall-cmd, in one to three calls, and decides. Forwarding inside the tunnel alone is what
 * the default zone gives, if it forwards within itself: to the tunnel also from the other
 * interfaces of that zone, as far as the kernel forwards what comes in there (answers are for the
 * tunnel's own rules to drop). With everything from the tunnel accepted too it is the zone
 * "trusted", into which no other zone may send. A zone other than the default one that the
 * interface is in already is the administrator's choice, and stays. The words lie in the arena.
 * Returns 0 or a negative errno recorded in d (firewall-cmd answers with an error or not in its
 * usual form).
 */
int firewalld_choose(struct firewalld *out, struct arena *a, const char *ifname,
		     enum forward_mode forward, enum firewalld_input input, struct diag *d);

/*
 * Put the interface into the zone, and back to where it was before. Nothing permanent is touched.
 * Return 0 or a negative errno recorded in d: what firewalld no longer knows (after a reload or a
 * stop) needs no removing; -ESTALE: the interface has come into another zone meanwhile, and stays
 * there. They allocate nothing.
 */
int firewalld_add(const struct firewalld *f, struct diag *d);
int firewalld_remove(const struct firewalld *f, struct diag *d);

/* The commands of adding or removing, one a line, as an administrator could paste them. */
void firewalld_describe(char *text, size_t size, const struct firewalld *f, bool add);

#endif
