/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comments say of a section. They describe, and never act: "# Name = relay", "# Site = home",
 * "# PublicKey = ...", "# Endpoint = host:port" and "# Forwards = yes" inside [Interface];
 * "# Name = ..." and "# friendly_name = ..." inside [Peer]; and for a name a lone comment of one
 * line right above the section's header. Pure.
 */
#ifndef WGQ_CONF_NOTES_H
#define WGQ_CONF_NOTES_H

#include "wgq/conf/config.h"

struct note {
	const char *text; /* trimmed; NULL: not said */
	struct span at;   /* the value */
};

struct notes {
	struct note name;     /* printable UTF-8 without '=', at most 64 bytes */
	bool name_is_comment; /* a lone comment is all that says it, no "# Name =" */
	struct note site;
	struct note public_key; /* a valid one in base64 */
	struct note endpoint;
	struct note forwards;
	bool says_forwards; /* forwards is "yes" */
};

/* Reads the notes of the (first) [Interface] into interface, and the name of each of c's peers into
 * peers, which has c->device.npeers elements. Whatever is malformed is just a comment; of several
 * the first counts. The texts are in c's arena. */
void notes_read(struct notes *interface, struct note *peers, const struct config *c);

#endif
