/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /etc/resolv.conf where nobody else manages it. The tunnel's lines stand in front, and what was
 * there stays in the file, behind them, as comments:
 *
 *     # wgq wg0: "wgq down wg0" takes these lines out and makes the comments below lines again.
 *     nameserver 10.0.0.1
 *     #wgq# nameserver 192.168.1.1
 *
 * So the file knows its own past: two tunnels can go in either order, and after a power cut, which
 * takes the record but not the file, the lines of a tunnel that is down are still known to be its.
 */
#ifndef WGQ_HOOKS_RESOLV_FILE_H
#define WGQ_HOOKS_RESOLV_FILE_H

#include "wgq/base/arena.h"
#include "wgq/base/diag.h"
#include "wgq/base/model.h"

#define RESOLV_FILE "/etc/resolv.conf"

/* The text of the file, in the arena; NULL if it is none that could be written in place. */
const char *resolv_file_read(struct arena *a);

/* The lines that a resolver gets: "nameserver ADDRESS" each, and one "search NAME…". */
const char *resolv_file_lines(struct arena *a, const struct dns *dns);

/* The text with ifname's lines in front. */
const char *resolv_file_add(struct arena *a, const char *text, const char *ifname,
			    const char *lines);

/*
 * The text as it was before ifname's lines came, whatever tunnels' lines came later; NULL if they
 * are not there, or not unchanged: other lines than these (NULL: any will do), or lines behind
 * them that are no comments of ours.
 */
const char *resolv_file_remove(struct arena *a, const char *text, const char *ifname,
			       const char *lines);

/*
 * Replaces the file's text in place (it may be a bind mount); before is put back if that fails half
 * way. Returns 0 or a negative errno recorded in d. Allocates nothing.
 */
int resolv_file_write(const char *text, const char *before, struct diag *d);

/* The same if the text still is what is expected, or already new; else -ESTALE recorded in d. */
int resolv_file_replace(const char *expected, const char *text, struct diag *d);

#endif
