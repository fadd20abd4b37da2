/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Showing bytes of unknown origin on a terminal: what may be shown as it is, and how wide it is. */
#ifndef WGQ_BASE_TEXT_H
#define WGQ_BASE_TEXT_H

#include "wgq/base/util.h"

/* The character at the start of a text. */
struct glyph {
	uint32_t code;   /* its code point; of a byte that is no UTF-8, the byte */
	uint8_t bytes;   /* of the text that it takes, at least 1 */
	uint8_t columns; /* on a terminal, as it is shown */
	bool plain;      /* shown as it is; else every byte as \xNN */
	bool valid;      /* UTF-8 */
};

/*
 * Reads the first character of s, which must not be empty. Control characters, invisible ones
 * (no-break and zero-width spaces, byte order marks, direction marks) and invalid UTF-8 are not
 * plain.
 */
struct glyph text_glyph(struct str s);

/* Prints the character that text_glyph() found at s. */
void text_print_glyph(FILE *out, const struct glyph *g, const char *s);

/* Prints s with everything that is not plain escaped. */
void text_print(FILE *out, struct str s);

/* The same into a buffer of size bytes: NUL-terminated, cut before a character that does not fit.
 * Returns out. */
const char *text_escape(char *out, size_t size, struct str s);

/* The columns that s takes on a terminal, escaped. */
size_t text_columns(struct str s);

#endif
