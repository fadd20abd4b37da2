/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's resolver: resolvconf, systemd-resolved by resolvectl, or /etc/resolv.conf itself. */
#ifndef WGQ_HOOKS_RESOLVER_H
#define WGQ_HOOKS_RESOLVER_H

#include "wgq/base/arena.h"
#include "wgq/base/diag.h"
#include "wgq/base/model.h"

enum resolver_kind { RESOLVER_NONE, RESOLVER_RESOLVCONF, RESOLVER_RESOLVED, RESOLVER_FILE };

/*
 * A resolver that was chosen. The first six fields say everything (a record keeps them); the rest
 * is made from them beforehand, so that neither setting nor unsetting allocates.
 */
struct resolver {
	enum resolver_kind kind;
	bool default_route;  /* the tunnel takes the default route */
	const char *program; /* absolute path of resolvconf or resolvectl; "" or NULL: none */
	const char *name;    /* what the interface is called there: resolvconf's prefix included */
	const struct dns *dns; /* what to set; its words are borrowed */
	const char *previous;  /* RESOLVER_FILE: the text to put back */

	const char *input;   /* the lines for resolvconf, or the new text of the file */
	char *const *set[4]; /* argument vectors to run in order, NULL-terminated */
	char *const *unset[2];
};

/*
 * Chooses: a resolvconf in PATH that is not a link to resolvectl; else resolvectl where
 * systemd-resolved runs; else /etc/resolv.conf where it can be written; else RESOLVER_NONE. Each
 * asks the tunnel's servers for every name, as wg-quick's `resolvconf -x` does, default route or
 * not (default_route, which is only noted). Everything lies in the arena. Returns 0 or a negative
 * errno recorded in d.
 */
int resolver_choose(struct resolver *r, struct arena *a, const char *ifname, const struct dns *dns,
		    bool default_route, struct diag *d);

/*
 * Makes input, set and unset from the first six fields, as a record gave them back. If another
 * tunnel's lines have come in front of ours in /etc/resolv.conf since, previous changes too.
 */
void resolver_restore(struct resolver *r, struct arena *a);

/* A resolver that only knows how to forget ifname, for a tunnel without a record that had DNS in
 * its file. */
int resolver_forget(struct resolver *r, struct arena *a, const char *ifname, struct diag *d);

/*
 * Return 0 or a negative errno recorded in d; -EIO: the program said no. What was set in part is
 * unset again. Unsetting what is not set is no error, but a file that somebody else has changed is
 * left as it is: -ESTALE.
 */
int resolver_set(const struct resolver *r, struct diag *d);
int resolver_unset(const struct resolver *r, struct diag *d);

/* The commands of setting or unsetting, one a line, as an administrator could paste them. */
void resolver_describe(char *text, size_t size, const struct resolver *r, bool set);

#endif
