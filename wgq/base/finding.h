/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings: what is wrong with a file, a host or a mesh, where, and what to do. A code, a severity,
 * a place, related places and a help text. A new check adds a row to the table of codes in
 * finding.c and a call of finding_add().
 */
#ifndef WGQ_BASE_FINDING_H
#define WGQ_BASE_FINDING_H

#include "wgq/base/arena.h"

enum severity { SEV_NOTE, SEV_WARNING, SEV_ERROR };

enum finding_code {
	FINDING_SYNTAX,
	FINDING_UNKNOWN_KEY,
	FINDING_BAD_VALUE,
	FINDING_MISSING_KEY,
	FINDING_HOST_BITS,
	FINDING_FILE_PERMISSIONS,
	FINDING_HOOK_UNBALANCED,
	FINDING_FORWARDING_CLOBBER,
	FINDING_PORT_IN_USE,
	FINDING_PORT_SHARED,
	FINDING_NAT_PORT_CLASH,
	FINDING_FORWARD_BLOCKED,
	FINDING_PORT_BLOCKED,
	FINDING_FORWARDING_OFF,
	FINDING_RP_FILTER,
	FINDING_DUPLICATE_ALLOWED_IP,
	FINDING_DUPLICATE_PEER,
	FINDING_SELF_PEER,
	FINDING_DUPLICATE_ENDPOINT,
	FINDING_ENDPOINT_IN_TUNNEL,
	FINDING_ADDRESS_IS_NETWORK,
	FINDING_ONE_SIDED_PEER,
	FINDING_UNKNOWN_PEER,
	FINDING_PSK_MISMATCH,
	FINDING_ENDPOINT_PORT_MISMATCH,
	FINDING_DUPLICATE_KEY,
	FINDING_DUPLICATE_ADDRESS,
	FINDING_ADDRESS_NOT_ALLOWED,
	FINDING_NO_ROUTE,
	FINDING_SOURCE_FILTERED,
	FINDING_NO_INITIATOR,
	FINDING_ROUTING_LOOP,
	FINDING_RELAY_NOT_FORWARDING,
	FINDING_MISSING_KEEPALIVE,
	FINDING_MTU_MISMATCH,
	FINDING_CODES, /* how many there are */
};

/*
 * A piece of a file. Lines and columns count from 1, columns in bytes; line 0: the file as a whole.
 * The text may hold secrets: only findings_print() shows it. Places in a configuration come from
 * source_place() (conf/config.h), which knows what to hide.
 */
struct place {
	const char *file; /* borrowed; NULL: no file */
	uint32_t line;
	uint32_t column;
	uint32_t length;  /* bytes underlined; 0: the caret alone */
	struct str text;  /* the whole source line, borrowed; p NULL: not to be shown */
	uint32_t hide_at; /* bytes of text, from 0, that show as (hidden) whatever they are */
	uint32_t hide_length;
	uint32_t show_at; /* bytes of text that are no secret even if they look like a key */
	uint32_t show_length;
};

struct related {
	struct place at;
	const char *message;
};

struct finding {
	enum finding_code code;
	enum severity severity;
	struct place at;
	const char *message;
	const char *help; /* the exact edit; NULL: none */
	struct related *related;
	size_t nrelated, related_capacity;
};

struct findings {
	struct arena *arena; /* owns every text and array here */
	struct finding *v;
	size_t n, capacity;
};

/* "bad-value"; the stable name of a code. */
const char *finding_code_name(enum finding_code code);

/*
 * Adds a finding of the code's own severity and returns its index in f->v (indices stay, pointers
 * may move). The message is one line without code, place or full stop, and must hold no secret.
 */
size_t finding_add(struct findings *f, enum finding_code code, struct place at, const char *fmt,
		   ...) PRINTF(4, 5);

/* The same with another severity, for faults that are forgiven. */
size_t finding_add_as(struct findings *f, enum severity severity, enum finding_code code,
		      struct place at, const char *fmt, ...) PRINTF(5, 6);

/* Sets the help text of finding i. */
void finding_help(struct findings *f, size_t i, const char *fmt, ...) PRINTF(3, 4);

/* Adds a related place to finding i. */
void finding_relate(struct findings *f, size_t i, struct place at, const char *fmt, ...)
	PRINTF(4, 5);

/* Puts the findings from index first on into the order of their lines and columns. */
void findings_sort(struct findings *f, size_t first);

/* How many findings of this severity there are. */
size_t findings_count(const struct findings *f, enum severity severity);

/*
 * Prints all findings to out as compilers do: "file:line:column: error: message [code]", the source
 * line with a caret under the place, "help:" and related places as notes. In a source line every
 * run that could be a key (43 characters of base64 and '=') is shown as (hidden), unless the place
 * says that it is public; control bytes and invalid UTF-8 are shown escaped, of a very long line
 * only what surrounds the place, and the caret stays under the same text. Order: as added.
 */
void findings_print(FILE *out, const struct findings *f);

#endif
