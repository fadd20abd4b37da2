/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of ports_check() share. */
#ifndef WGQ_PLAN_PORTS_PART_H
#define WGQ_PLAN_PORTS_PART_H

#include <sys/types.h>

#include "wgq/plan/ports.h"

enum { PORTS_RELATED_MAX = 3 }; /* places of one kind that a finding shows */

/* The ListenPort of another file. */
struct port_file {
	const char *path;
	dev_t dev; /* and ino: the file whatever its name */
	ino_t ino;
	uint16_t port;
	struct place at;
	bool is_named; /* port-in-use has named it: nothing more to say */
};

struct ports {
	struct arena *arena;
	struct findings *f;
	struct host *h;
	const struct config *c;
	const char *ifname;
	uint16_t port; /* the ListenPort, host byte order */
	struct place at;
	uint8_t *spoken_for;     /* a bit a port: free or not, it belongs to somebody else */
	struct port_file *files; /* of the folder, those with this ListenPort */
	size_t nfiles, files_capacity;
	struct diag *d;
};

/* Keeps a port from being suggested. */
void ports_speak_for(struct ports *p, uint16_t port);

/* The next port, upwards first, that is free on this host and that nobody has spoken for; 0: none.
 */
uint16_t ports_suggest(const struct ports *p);

/* Reads the ListenPort of a file, of which the part before the first [Peer] is looked at. False: it
 * cannot be read or has none. */
bool ports_read_file(struct port_file *file, struct arena *a, const char *path);

/* ports_folder.c: reads the other files of the folder; what cannot be read is passed over. */
void ports_read_folder(struct ports *p);
void ports_report_shared(struct ports *p);

/* ports_nat.c. 0 or a negative errno recorded in p->d. */
int ports_check_nat(struct ports *p);

#endif
