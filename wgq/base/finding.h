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
	FINDING_CODES, /* how many there are */
};

/* A piece of a file. Lines and columns count from 1, columns in bytes; line 0: the file as a whole.
 */
struct place {
	const char *file; /* borrowed; NULL: no file */
	uint32_t line;
	uint32_t column;
	uint32_t length; /* bytes underlined; 0: the caret alone */
	struct str text; /* the whole source line, borrowed */
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

/* Sets the help text of finding i. */
void finding_help(struct findings *f, size_t i, const char *fmt, ...) PRINTF(3, 4);

/* Adds a related place to finding i. */
void finding_relate(struct findings *f, size_t i, struct place at, const char *fmt, ...)
	PRINTF(4, 5);

/* How many findings of this severity there are. */
size_t findings_count(const struct findings *f, enum severity severity);

/*
 * Prints all findings to out as compilers do: "file:line:column: error: message [code]", the source
 * line with a caret under the place, "help:" and related places as notes. In a source line every
 * run that could be a key (43 characters of base64 and '=') is shown as (hidden), unless it is the
 * value of PublicKey; control bytes and invalid UTF-8 are shown escaped, and the caret stays under
 * the same text. Order: as added.
 */
void findings_print(FILE *out, const struct findings *f);

#endif
