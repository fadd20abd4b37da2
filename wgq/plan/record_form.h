/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a record writes an operation: a row for each kind. For record.c alone. */
#ifndef WGQ_PLAN_RECORD_FORM_H
#define WGQ_PLAN_RECORD_FORM_H

#include "wgq/plan/op.h"

/* Reads words of a line; the first that does not fit makes the whole line bad. */
struct reader {
	struct arena *arena;
	char *next; /* rest of the line, NUL-terminated */
	bool bad;
};

/* Writes " WORD", escaped so that it holds neither blanks nor line ends and is never empty. */
void put_word(FILE *out, const char *word);

/* Takes the next word off the line; "" and bad if there is none. */
char *get_word(struct reader *r);

extern const struct record_form {
	void (*put)(FILE *out, const struct op *op);
	void (*get)(struct reader *r, struct op *op);
} record_forms[OP_KINDS];

#endif
